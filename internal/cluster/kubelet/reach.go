package kubelet

import (
	"net"
	"strconv"
	"strings"

	v1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// reach reports whether a host answers on a port, or, with an empty port, whether its name is known; and whether it
// exists. The names of Services are those of the cluster's name server. Hosts outside of the cluster answer.
func (k *Kubelet) reach(namespace, host, port string) (answers, exists bool) {
	s, ofCluster := k.serviceNamed(namespace, host)
	switch {
	case !ofCluster:
		return true, true
	case s == nil:
		return false, false
	case s.Spec.Type == v1.ServiceTypeExternalName, s.Name == "kubernetes" && s.Namespace == v1.NamespaceDefault:
		return true, true
	case port == "" && s.Spec.ClusterIP != v1.ClusterIPNone:
		return true, true
	case port != "" && !hasPort(s, port):
		return false, true
	}
	return k.hasEndpoints(s), true
}

// ServiceNamed reports whether a host is the name of a Service that exists, as the pods of a namespace see it.
func (k *Kubelet) ServiceNamed(namespace, host string) bool {
	s, _ := k.serviceNamed(namespace, host)
	return s != nil
}

// serviceNamed returns the Service that a host is a name of, nil if it does not exist, and whether it is such a name.
func (k *Kubelet) serviceNamed(namespace, host string) (s *v1.Service, ofCluster bool) {
	host = strings.TrimSuffix(host, ".")
	if host == "localhost" || net.ParseIP(host) != nil {
		return nil, false
	}
	rest := strings.TrimSuffix(host, ".cluster.local")
	rest, ofCluster = strings.CutSuffix(rest, ".svc")
	parts := strings.Split(rest, ".")
	n := len(parts)
	if n == 1 {
		return k.service(namespace, parts[0]), true
	}
	if s = k.service(parts[n-1], parts[n-2]); s == nil && n == 2 { // web-0.web in its own namespace
		s = k.service(namespace, parts[1])
	}
	return s, ofCluster || s != nil || k.hasNamespace(parts[n-1])
}

func (k *Kubelet) service(namespace, name string) *v1.Service {
	s, err := k.known.services.Services(namespace).Get(name)
	if err != nil {
		return nil
	}
	return s
}

func (k *Kubelet) hasNamespace(name string) bool {
	_, err := k.known.namespaces.Get(name)
	return err == nil
}

// hasPort reports whether a Service has a port of that number or name. A headless one passes all of them on.
func hasPort(s *v1.Service, port string) bool {
	if s.Spec.ClusterIP == v1.ClusterIPNone {
		return true
	}
	for _, p := range s.Spec.Ports {
		if p.Name == port || strconv.Itoa(int(p.Port)) == port {
			return true
		}
	}
	return false
}

// hasEndpoints reports whether a Service has an endpoint that is ready.
func (k *Kubelet) hasEndpoints(s *v1.Service) bool {
	slices, err := k.known.slices.EndpointSlices(s.Namespace).List(
		labels.SelectorFromSet(labels.Set{discoveryv1.LabelServiceName: s.Name}),
	)
	if err != nil {
		return false
	}
	for _, slice := range slices {
		for _, e := range slice.Endpoints {
			if e.Conditions.Ready == nil || *e.Conditions.Ready {
				return true
			}
		}
	}
	return false
}
