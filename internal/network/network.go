// Package network answers which connections the NetworkPolicies of a set of manifests allow.
//
// The central type is [Set], whose [Set.Ask] returns the [Answer] for two ends and a port:
//
//	answer := network.Of(set).Ask(network.Pods(web), network.Pods(api), network.Port{Number: 8080, Protocol: "TCP"})
//	fmt.Println(answer.Verdict())
package network

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/seatrial/seatrial/lint"
)

// Verdict says whether a connection is allowed.
type Verdict int

// The verdicts. Depends means that the manifests do not say: labels of a namespace that the set does not define, or the
// address that a pod will have.
const (
	Blocked Verdict = iota + 1
	Depends
	Allowed
)

// End is one end of a connection.
type End struct {
	Resource  *lint.Resource // whose pods it is; nil: pods that the set does not have, or an address
	Namespace string         // of pods
	Labels    map[string]string
	Address   netip.Addr // of an end that is no pod; the zero value: any address outside of the cluster
	Outside   bool       // it is no pod
}

// Pods returns the pods of an object as an end.
func Pods(r *lint.Resource) End {
	return End{Resource: r, Namespace: r.Object.Namespace, Labels: r.PodLabels}
}

// DNS returns the DNS server of a cluster as an end.
func DNS() End {
	return End{Namespace: metav1.NamespaceSystem, Labels: map[string]string{"k8s-app": "kube-dns"}}
}

// Port is the port of the pods that a connection goes to.
type Port struct {
	Number   int32
	Protocol string // TCP, UDP or SCTP
}

// Way is what the policies of one end say: those of the sender about what goes out, those of the receiver about what
// comes in.
type Way struct {
	Out       bool
	End       End
	Isolating []*lint.Resource // policies that isolate the end in this direction; none: all is allowed
	Verdict   Verdict
	By        *lint.Resource // the policy that allows it, or may do so
	Rule      string         // the path of its rule
}

// Answer is what the policies at both ends say.
type Answer struct{ Egress, Ingress Way }

// Verdict returns whether the connection is allowed at both ends.
func (a *Answer) Verdict() Verdict { return min(a.Egress.Verdict, a.Ingress.Verdict) }

// Set answers for the policies of a set.
type Set struct{ set *lint.Set }

// Of returns the policies of a set.
func Of(set *lint.Set) *Set { return &Set{set} }

// Ask returns whether a connection from one end to another is allowed.
func (s *Set) Ask(from, to End, port Port) Answer {
	return Answer{Egress: s.way(true, from, to, port), Ingress: s.way(false, to, from, port)}
}

// way asks the policies of one end about the other.
func (s *Set) way(out bool, end, other End, port Port) Way {
	w := Way{Out: out, End: end, Verdict: Allowed}
	if end.Resource == nil || end.Resource.HostNetwork {
		return w
	}
	receiver := end
	if out {
		receiver = other
	}
	for policy := range s.set.Selecting(networkingv1.GroupName, "NetworkPolicy", end.Resource) {
		rules := rulesOf(policy.Network, out)
		if rules == nil {
			continue
		}
		if len(w.Isolating) == 0 {
			w.Verdict = Blocked
		}
		w.Isolating = append(w.Isolating, policy)
		for _, r := range *rules {
			v := min(matchPorts(r.ports, receiver, port), s.matchPeers(r.peers, policy, other))
			if v > w.Verdict {
				w.Verdict, w.By, w.Rule = v, policy, r.path
			}
		}
	}
	return w
}

// rule is a rule of a policy, of either direction.
type rule struct {
	peers []networkingv1.NetworkPolicyPeer
	ports []networkingv1.NetworkPolicyPort
	path  string
}

// rulesOf returns the rules of a policy in one direction; nil if it does not isolate in that direction.
func rulesOf(spec *networkingv1.NetworkPolicySpec, out bool) *[]rule {
	if spec == nil {
		return nil
	}
	rules := []rule{}
	if out {
		if !has(spec.PolicyTypes, networkingv1.PolicyTypeEgress) &&
			(len(spec.PolicyTypes) > 0 || len(spec.Egress) == 0) {
			return nil
		}
		for i, r := range spec.Egress {
			rules = append(rules, rule{r.To, r.Ports, element("spec.egress", i)})
		}
		return &rules
	}
	if !has(spec.PolicyTypes, networkingv1.PolicyTypeIngress) && len(spec.PolicyTypes) > 0 {
		return nil
	}
	for i, r := range spec.Ingress {
		rules = append(rules, rule{r.From, r.Ports, element("spec.ingress", i)})
	}
	return &rules
}

// matchPorts reports whether a rule is about a port. Names are those of the receiver's container ports.
func matchPorts(ports []networkingv1.NetworkPolicyPort, receiver End, port Port) Verdict {
	if len(ports) == 0 {
		return Allowed
	}
	best := Blocked
	for _, p := range ports {
		protocol := string(corev1.ProtocolTCP)
		if p.Protocol != nil {
			protocol = string(*p.Protocol)
		}
		switch {
		case protocol != port.Protocol:
		case p.Port == nil:
			return Allowed
		case p.Port.StrVal != "":
			best = max(best, matchName(p.Port.StrVal, receiver, port))
		case p.Port.IntVal == port.Number,
			p.EndPort != nil && p.Port.IntVal <= port.Number && port.Number <= *p.EndPort:
			return Allowed
		}
	}
	return best
}

func matchName(name string, receiver End, port Port) Verdict {
	if receiver.Resource == nil {
		return Depends // on the ports of pods that the set does not have
	}
	for _, p := range receiver.Resource.Ports {
		if p.Name == name && p.Number == port.Number && p.Protocol == port.Protocol {
			return Allowed
		}
	}
	return Blocked
}

// matchPeers reports whether a rule is about an end.
func (s *Set) matchPeers(peers []networkingv1.NetworkPolicyPeer, policy *lint.Resource, end End) Verdict {
	if len(peers) == 0 {
		return Allowed
	}
	best := Blocked
	for i := range peers {
		if peers[i].IPBlock != nil {
			best = max(best, matchBlock(peers[i].IPBlock, end))
		} else {
			best = max(best, s.matchPeer(&peers[i], policy, end))
		}
	}
	return best
}

// matchPeer reports whether selectors choose an end.
func (s *Set) matchPeer(peer *networkingv1.NetworkPolicyPeer, policy *lint.Resource, end End) Verdict {
	switch {
	case end.Outside:
		return Blocked
	case end.Resource != nil && end.Resource.HostNetwork:
		return Depends // it has the address of its node, and some network plugins do not know it as a pod
	case peer.PodSelector != nil && !selects(peer.PodSelector, end.Labels):
		return Blocked
	case peer.NamespaceSelector == nil:
		return verdict(end.Namespace == policy.Object.Namespace)
	}
	known, defined := s.namespace(end.Namespace)
	if selects(peer.NamespaceSelector, known) {
		return Allowed
	}
	if !defined && asksMore(peer.NamespaceSelector) {
		return Depends
	}
	return Blocked
}

// namespace returns the labels of a namespace, and whether the set defines it.
func (s *Set) namespace(name string) (map[string]string, bool) {
	ns := s.set.Get("", "Namespace", "", name)
	known := labels.Set{corev1.LabelMetadataName: name}
	if ns == nil {
		return known, false
	}
	return labels.Merge(ns.Labels, known), true
}

// asksMore reports whether a selector asks for labels that a namespace does not have by itself.
func asksMore(s *metav1.LabelSelector) bool {
	for key := range s.MatchLabels {
		if key != corev1.LabelMetadataName {
			return true
		}
	}
	for _, e := range s.MatchExpressions {
		if e.Key != corev1.LabelMetadataName {
			return true
		}
	}
	return false
}

func selects(s *metav1.LabelSelector, of map[string]string) bool {
	selector, err := metav1.LabelSelectorAsSelector(s)
	return err == nil && selector.Matches(labels.Set(of))
}

func verdict(allowed bool) Verdict {
	if allowed {
		return Allowed
	}
	return Blocked
}
