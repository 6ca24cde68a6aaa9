package review

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/seatrial/seatrial/lint"
)

// maxReached bounds how many workloads are held against each other.
const maxReached = 150

// policies are the NetworkPolicies of one side, with the workloads and namespaces that they speak of.
type policies struct {
	all        []*networkingv1.NetworkPolicy
	namespaces map[string]labels.Set
}

// network finds connections between workloads, and from outside, that policies open or cut.
func network(e *environment) (found []Consequence) {
	touched := slices.ContainsFunc(e.pairs, func(p *pair) bool {
		return p.action != "" && p.newest().is("networking.k8s.io", "NetworkPolicy")
	})
	if !touched {
		return nil
	}
	before, after := policiesOf(e.before()), policiesOf(e.after())
	var pods []*pair // workloads on both sides
	for _, p := range e.pairs {
		if p.old != nil && p.new != nil && p.new.Resource.HasPods && p.old.Resource.HasPods && !p.new.Resource.HostNetwork {
			pods = append(pods, p)
		}
	}
	if len(pods) > maxReached {
		return nil
	}
	for _, to := range pods {
		found = append(found, reached(to, pods, before, after)...)
	}
	return found
}

func policiesOf(objects []*Object) *policies {
	p := &policies{namespaces: map[string]labels.Set{}}
	for _, o := range objects {
		if policy, ok := o.Typed.(*networkingv1.NetworkPolicy); ok {
			policy = policy.DeepCopy()
			policy.Namespace = o.Resource.Object.Namespace
			p.all = append(p.all, policy)
		}
		if o.is("", "Namespace") {
			p.namespaces[o.Name()] = labels.Set(o.Resource.Labels)
		}
	}
	return p
}

// reached compares who reaches the pods of a workload.
func reached(to *pair, pods []*pair, before, after *policies) (found []Consequence) {
	old, new := before.open(to.old.Resource), after.open(to.new.Resource)
	switch {
	case old && new:
		return nil
	case old:
		c := about(to.new, "network", Medium, "connections to its pods were not limited, and are now")
		c.Details = allowed(to, pods, after)
		return append(found, c)
	case new:
		return append(found, about(to.new, "network", Medium, "connections to its pods were limited by a NetworkPolicy, and are not any more"))
	}
	var opens, cuts []string
	for _, from := range pods {
		if from == to {
			continue
		}
		was, is := before.ports(from.old.Resource, to.old.Resource), after.ports(from.new.Resource, to.new.Resource)
		switch {
		case was == is:
		case was == "":
			opens = append(opens, fmt.Sprintf("%s on %s", from.new, is))
		case is == "":
			cuts = append(cuts, from.new.String())
		default:
			opens = append(opens, fmt.Sprintf("%s on %s in place of %s", from.new, is, was))
		}
	}
	was, is := before.outside(to.old.Resource), after.outside(to.new.Resource)
	for _, peer := range slices.Sorted(maps.Keys(is)) {
		if !was[peer] {
			opens = append(opens, peer)
		}
	}
	for _, peer := range slices.Sorted(maps.Keys(was)) {
		if !is[peer] {
			cuts = append(cuts, peer)
		}
	}
	if len(cuts) > 0 {
		found = append(found, about(to.new, "network", Medium, "no longer reached by %s", names(cuts)))
	}
	if len(opens) > 0 {
		found = append(found, about(to.new, "network", Medium, "now reached by %s", names(opens)))
	}
	return found
}

// allowed says who still reaches the pods of a workload.
func allowed(to *pair, pods []*pair, after *policies) (lines []string) {
	var list []string
	for _, from := range pods {
		if from == to {
			continue
		}
		if ports := after.ports(from.new.Resource, to.new.Resource); ports != "" {
			list = append(list, from.new.String())
		}
	}
	list = append(list, slices.Sorted(maps.Keys(after.outside(to.new.Resource)))...)
	if len(list) == 0 {
		return []string{"no workload of this environment reaches them"}
	}
	return []string{"allowed: " + names(list)}
}

// selecting returns the policies that limit connections to the pods of a workload.
func (p *policies) selecting(to *lint.Resource) (all []*networkingv1.NetworkPolicy) {
	for _, policy := range p.all {
		if policy.Namespace == to.Object.Namespace && matches(&policy.Spec.PodSelector, to.PodLabels) &&
			(len(policy.Spec.PolicyTypes) == 0 || slices.Contains(policy.Spec.PolicyTypes, networkingv1.PolicyTypeIngress)) {
			all = append(all, policy)
		}
	}
	return all
}

// open reports whether no policy limits connections to the pods of a workload.
func (p *policies) open(to *lint.Resource) bool { return len(p.selecting(to)) == 0 }

// ports says on which ports policies let one workload reach another; empty: on none.
func (p *policies) ports(from, to *lint.Resource) string {
	ports := map[string]bool{}
	for _, policy := range p.selecting(to) {
		for _, rule := range policy.Spec.Ingress {
			if len(rule.From) == 0 || slices.ContainsFunc(rule.From, func(peer networkingv1.NetworkPolicyPeer) bool {
				return p.isPeer(&peer, policy.Namespace, from)
			}) {
				addPorts(ports, rule.Ports)
			}
		}
	}
	return portList(ports)
}

// isPeer reports whether a peer of a policy means the pods of a workload.
func (p *policies) isPeer(peer *networkingv1.NetworkPolicyPeer, namespace string, from *lint.Resource) bool {
	if peer.IPBlock != nil {
		return false // pods have addresses that are not known
	}
	if peer.NamespaceSelector == nil && namespace != from.Object.Namespace {
		return false
	}
	if peer.NamespaceSelector != nil {
		own := labels.Merge(p.namespaces[from.Object.Namespace], labels.Set{"kubernetes.io/metadata.name": from.Object.Namespace})
		if !matches(peer.NamespaceSelector, own) {
			return false
		}
	}
	return peer.PodSelector == nil || matches(peer.PodSelector, from.PodLabels)
}

// outside returns the addresses, and all others, from which policies let connections to a workload through.
func (p *policies) outside(to *lint.Resource) map[string]bool {
	peers := map[string]bool{}
	for _, policy := range p.selecting(to) {
		for _, rule := range policy.Spec.Ingress {
			ports := map[string]bool{}
			addPorts(ports, rule.Ports)
			on := " on " + portList(ports)
			if len(rule.From) == 0 {
				peers["everybody"+on] = true
			}
			for _, peer := range rule.From {
				if peer.IPBlock != nil {
					peers[peer.IPBlock.CIDR+on] = true
				}
			}
		}
	}
	return peers
}

func addPorts(to map[string]bool, ports []networkingv1.NetworkPolicyPort) {
	if len(ports) == 0 {
		to["all ports"] = true
	}
	for _, port := range ports {
		text := "any port"
		if port.Port != nil {
			text = "port " + port.Port.String()
		}
		if port.EndPort != nil {
			text += fmt.Sprintf("-%d", *port.EndPort)
		}
		if port.Protocol != nil && *port.Protocol != "TCP" {
			text += "/" + string(*port.Protocol)
		}
		to[text] = true
	}
}

func portList(ports map[string]bool) string {
	if ports["all ports"] {
		return "all ports"
	}
	return strings.Join(slices.Sorted(maps.Keys(ports)), ", ")
}

func matches(selector *metav1.LabelSelector, set labels.Set) bool {
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && s.Matches(set)
}
