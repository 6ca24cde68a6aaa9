package network

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/seatrial/seatrial/lint"
)

// Backend is a port of pods that a Service leads to.
type Backend struct {
	Pods *lint.Resource
	Port Port
}

// Service returns the Service that a DNS name means to pods of a namespace; nil if the set has none.
func (s *Set) Service(namespace, name string) *lint.Resource {
	name = strings.TrimSuffix(name, ".cluster.local")
	name, isService := strings.CutSuffix(name, ".svc")
	steps := strings.Split(name, ".")
	service := func(name, namespace string) *lint.Resource { return s.set.Get("", "Service", namespace, name) }
	switch len(steps) {
	case 1:
		return service(steps[0], namespace)
	case 2:
		if found := service(steps[0], steps[1]); found != nil || isService {
			return found
		}
		return service(steps[1], namespace) // one pod of a headless Service: db-0.db
	case 3:
		return service(steps[1], steps[2]) // db-0.db.shop
	}
	return nil
}

// Backends returns what a Service leads to by one of its ports; 0: by each.
func (s *Set) Backends(service *lint.Resource, port int32) (all []Backend) {
	if service.External {
		return nil
	}
	for pods := range s.set.Selected(service) {
		for _, p := range service.Ports {
			if port == 0 || p.Number == port {
				if target, ok := targetOf(p, pods); ok {
					all = append(all, Backend{pods, target})
				}
			}
		}
	}
	return all
}

// PortNamed returns the number of a Service's port; 0 if there is none of that name.
func PortNamed(service *lint.Resource, name string) int32 {
	for _, p := range service.Ports {
		if p.Name == name {
			return p.Number
		}
	}
	return 0
}

// targetOf returns the port of pods that a port of a Service leads to; false if they have none of its name.
func targetOf(p lint.Port, pods *lint.Resource) (Port, bool) {
	protocol := p.Protocol
	if protocol == "" {
		protocol = string(corev1.ProtocolTCP)
	}
	if p.TargetName == "" {
		number := p.TargetNumber
		if number == 0 {
			number = p.Number
		}
		return Port{number, protocol}, true
	}
	for _, c := range pods.Ports {
		if c.Name == p.TargetName && c.Protocol == protocol {
			return Port{c.Number, protocol}, true
		}
	}
	return Port{}, false
}

// Resolves returns what the policies of pods say about asking for names. It is not known which pods answer in a
// cluster: blocked is what no rule lets out of the namespace to a port on which DNS servers listen.
func (s *Set) Resolves(pods *lint.Resource) Way {
	for _, r := range s.set.WithLabelKey(pods.Object.Namespace, "k8s-app") {
		if r.PodLabels["k8s-app"] == "kube-dns" {
			return Way{Out: true, End: Pods(pods), Verdict: Depends}
		}
	}
	w := s.way(true, Pods(pods), DNS(), Port{53, string(corev1.ProtocolUDP)})
	if w.Verdict != Blocked {
		return w
	}
	for _, policy := range w.Isolating {
		for _, r := range *rulesOf(policy.Network, true) {
			if mayBeDNS(r) {
				w.Verdict, w.By, w.Rule = Depends, policy, r.path
				return w
			}
		}
	}
	return w
}

// mayBeDNS reports whether a rule lets out to a DNS server in some cluster: to another namespace or an address.
func mayBeDNS(r rule) bool {
	port := Blocked
	for _, number := range []int32{53, 5353} {
		port = max(port, matchPorts(r.ports, DNS(), Port{number, string(corev1.ProtocolUDP)}))
	}
	if port == Blocked {
		return false
	}
	for _, p := range r.peers {
		if p.NamespaceSelector != nil || p.IPBlock != nil {
			return true
		}
	}
	return len(r.peers) == 0
}
