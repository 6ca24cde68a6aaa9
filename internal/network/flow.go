package network

import (
	"regexp"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/seatrial/seatrial/lint"
)

// Blocking returns what blocks the connections from an end to all of some backends; nil if one of them can be reached,
// or if there are none.
func (s *Set) Blocking(from End, backends []Backend) (blocking *Way) {
	for _, b := range backends {
		a := s.Ask(from, Pods(b.Pods), b.Port)
		switch {
		case a.Egress.Verdict == Blocked:
			blocking = &a.Egress
		case a.Ingress.Verdict == Blocked:
			blocking = &a.Ingress
		default:
			return nil
		}
	}
	return blocking
}

// BlockingEntrance returns what keeps the controller of an Ingress from all of some backends; nil if that is not
// certain. It is not known where the controller runs: blocked is what lets in certain pods of the set's own namespace
// alone, none of which looks like a proxy.
func (s *Set) BlockingEntrance(backends []Backend) (blocking *Way) {
	for _, b := range backends {
		if blocking = s.closed(b); blocking == nil {
			return nil
		}
	}
	return blocking
}

// IngressBackends returns what a reference of an Ingress to a Service leads to, and the Service; nil if the set does
// not have it.
func (s *Set) IngressBackends(ref lint.Ref) (service *lint.Resource, backends []Backend) {
	if ref.Role != "backend" || ref.Kind != "Service" || ref.Port == nil {
		return nil, nil
	}
	if service = s.set.Get("", "Service", ref.Namespace, ref.Name); service == nil {
		return nil, nil
	}
	number := ref.Port.Number
	if ref.Port.Name != "" {
		number = PortNamed(service, ref.Port.Name)
	}
	if number == 0 {
		return service, nil
	}
	return service, s.Backends(service, number)
}

// proxies matches what pods are called that pass on what comes from outside.
var proxies = regexp.MustCompile(
	`(?i)ingress|nginx|traefik|haproxy|envoy|kong|contour|gateway|proxy|istio|edge|router|caddy`,
)

// closed returns what keeps a controller of another namespace, or of the same one, from a backend; nil if it is not
// certain.
func (s *Set) closed(b Backend) *Way {
	way := s.Ask(End{Outside: true}, Pods(b.Pods), b.Port).Ingress
	if way.Verdict != Blocked || s.set.MayCreatePods(b.Pods.Object.Namespace) {
		return nil
	}
	for _, policy := range way.Isolating {
		for _, rule := range policy.Network.Ingress {
			for i := range rule.From {
				if !s.certain(policy, &rule.From[i]) {
					return nil
				}
			}
		}
	}
	return &way
}

// certain reports whether a peer means certain pods of the policy's namespace that are no proxies.
func (s *Set) certain(policy *lint.Resource, peer *networkingv1.NetworkPolicyPeer) bool {
	if peer.PodSelector == nil || peer.NamespaceSelector != nil {
		return false
	}
	found := false
	for pods := range s.set.SelectedBy(policy.Object.Namespace, peer.PodSelector) {
		if proxies.MatchString(pods.Object.Name) {
			return false
		}
		for _, value := range pods.PodLabels {
			if proxies.MatchString(value) {
				return false
			}
		}
		found = true
	}
	return found && len(peer.PodSelector.MatchLabels)+len(peer.PodSelector.MatchExpressions) > 0
}
