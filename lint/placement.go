package lint

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// Placement is what pods ask of their nodes.
type Placement struct {
	NodeSelector map[string]string
	Required     *corev1.NodeSelector // of the node affinity
	Tolerations  []corev1.Toleration
}

// placementOf returns what pods ask of their nodes; nil: nothing.
func placementOf(spec *corev1.PodSpec) *Placement {
	p := &Placement{NodeSelector: spec.NodeSelector, Tolerations: spec.Tolerations}
	if a := spec.Affinity; a != nil && a.NodeAffinity != nil {
		p.Required = a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	}
	if len(p.NodeSelector) == 0 && p.Required == nil && len(p.Tolerations) == 0 {
		return nil
	}
	return p
}

func (f facts) node(o *corev1.Node) {
	f.Taints = o.Spec.Taints
	f.address(o.Spec.PodCIDRs...)
	if len(o.Spec.PodCIDRs) == 0 {
		f.address(o.Spec.PodCIDR)
	}
	for _, a := range o.Status.Addresses {
		f.address(a.Address)
	}
}

//lint:ignore SA1019 people still write them
func (f facts) endpoints(o *corev1.Endpoints) {
	for _, subset := range o.Subsets {
		for _, a := range subset.Addresses {
			f.address(a.IP)
		}
	}
}

func (f facts) endpointSlice(o *discoveryv1.EndpointSlice) {
	for _, e := range o.Endpoints {
		f.address(e.Addresses...)
	}
}

func (f facts) address(all ...string) {
	for _, a := range all {
		if a != "" {
			f.Addresses = append(f.Addresses, a)
		}
	}
}
