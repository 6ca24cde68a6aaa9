package rules

import (
	"fmt"
	"regexp"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/network"
	"github.com/seatrial/seatrial/lint"
)

var networkFlowRules = []*lint.Rule{{
	Name:     "network-policy-blocks-flow",
	Title:    "connection that a NetworkPolicy blocks",
	Severity: diag.Warning,
	Category: "references",
	URL:      "https://kubernetes.io/docs/concepts/services-networking/network-policies/",
	Doc: "The set says that pods connect to each other: an Ingress or a route names a Service, an environment variable or an " +
		"argument names one, and names have to be resolved. A connection needs a rule at both ends: of each policy that " +
		"isolates the sender for egress, and of one that isolates the receiver for ingress. What depends on labels and " +
		"addresses that the set does not tell is passed over. `seatrial reach FROM TO` explains.",
	CheckSet: func(p *lint.SetPass) error {
		if len(p.Set.OfKind(networkingv1.GroupName, "NetworkPolicy")) == 0 {
			return nil
		}
		s := network.Of(p.Set)
		switch {
		case p.Resource.Object.Kind == "Ingress":
			checkEntrance(p, s)
		case p.Resource.HasPods && !p.Resource.HostNetwork && len(p.Resource.Hosts) > 0:
			checkHosts(p, s)
		}
		return nil
	},
}}

// checkHosts looks at the Services that pods are told to connect to.
func checkHosts(p *lint.SetPass, s *network.Set) {
	told := map[string]bool{}
	dns := s.Resolves(p.Resource)
	for _, h := range p.Resource.Hosts {
		service := s.Service(p.Resource.Object.Namespace, h.Name)
		if service == nil {
			continue
		}
		if dns.Verdict == network.Blocked {
			if !told["DNS"] {
				told["DNS"] = true
				p.Report(blockedFlow(h.Path, fmt.Sprintf("the name %s cannot be resolved", h.Name), dns,
					"allow egress to port 53 of the DNS server, UDP and TCP"))
			}
			continue
		}
		backends := s.Backends(service, h.Port)
		if h.Port != 0 && len(backends) == 0 {
			continue // another rule's business
		}
		if way := allBlocked(s, network.Pods(p.Resource), backends); way != nil {
			what := fmt.Sprintf("%s cannot connect to %s", p.Resource.Object, service.Object)
			if !told[what] {
				told[what] = true
				p.Report(blockedFlow(h.Path, what, *way, ""))
			}
		}
	}
}

// allBlocked returns what blocks a connection to each of some backends; nil if one can be reached.
func allBlocked(s *network.Set, from network.End, backends []network.Backend) (blocking *network.Way) {
	for _, b := range backends {
		a := s.Ask(from, network.Pods(b.Pods), b.Port)
		switch {
		case a.Egress.Verdict == network.Blocked:
			blocking = &a.Egress
		case a.Ingress.Verdict == network.Blocked:
			blocking = &a.Ingress
		default:
			return nil
		}
	}
	return blocking
}

// blockedFlow says which policies block a connection.
func blockedFlow(path, what string, way network.Way, help string) lint.Finding {
	direction, list := "ingress to", "spec.ingress"
	if way.Out {
		direction, list = "egress from", "spec.egress"
	}
	f := lint.Finding{
		Path:    path,
		Message: fmt.Sprintf("%s: no rule of %s allows the %s %s", what, policyNames(way.Isolating), direction, way.End.Resource.Object),
		Help:    help,
	}
	if help == "" {
		f.Help = "add a rule to " + list + ", or remove the setting; `seatrial reach` shows what is missing"
	}
	for _, policy := range way.Isolating {
		f.Related = append(f.Related, lint.RelatedPath{Of: policy, Path: list, Message: "isolates the pods"})
	}
	return f
}

func policyNames(policies []*lint.Resource) string {
	names := make([]string, len(policies))
	for i, p := range policies {
		names[i] = p.Object.String()
	}
	return strings.Join(names, " or ")
}

// proxies matches what pods are called that pass on what comes from outside.
var proxies = regexp.MustCompile(`(?i)ingress|nginx|traefik|haproxy|envoy|kong|contour|gateway|proxy|istio|edge|router|caddy`)

// checkEntrance looks at the Services of an Ingress. It is not known where the controller runs: blocked is what lets in
// certain pods of the set's own namespace alone, none of which looks like a proxy.
func checkEntrance(p *lint.SetPass, s *network.Set) {
	for _, ref := range p.Resource.Refs {
		if ref.Role != "backend" || ref.Kind != "Service" {
			continue
		}
		service := p.Set.Get("", "Service", ref.Namespace, ref.Name)
		if service == nil || ref.Port == nil {
			continue
		}
		number := ref.Port.Number
		if ref.Port.Name != "" {
			number = network.PortNamed(service, ref.Port.Name)
		}
		if number == 0 {
			continue
		}
		var blocking *network.Way
		for _, b := range s.Backends(service, number) {
			if blocking = closed(p.Set, s, b); blocking == nil {
				break
			}
		}
		if blocking != nil {
			p.Report(blockedFlow(ref.Path, fmt.Sprintf("the Ingress controller cannot connect to %s", service.Object), *blocking,
				"allow ingress from the namespace of the Ingress controller"))
		}
	}
}

// closed returns what keeps a controller of another namespace, or of the same one, from a backend; nil if it is not
// certain.
func closed(set *lint.Set, s *network.Set, b network.Backend) *network.Way {
	outside := network.End{Outside: true}
	way := s.Ask(outside, network.Pods(b.Pods), b.Port).Ingress
	if way.Verdict != network.Blocked || set.MayCreatePods(b.Pods.Object.Namespace) {
		return nil
	}
	for _, policy := range way.Isolating {
		for _, rule := range policy.Network.Ingress {
			for i := range rule.From {
				if !certain(set, policy, &rule.From[i]) {
					return nil
				}
			}
		}
	}
	return &way
}

// certain reports whether a peer means certain pods of the policy's namespace that are no proxies.
func certain(set *lint.Set, policy *lint.Resource, peer *networkingv1.NetworkPolicyPeer) bool {
	if peer.PodSelector == nil || peer.NamespaceSelector != nil {
		return false
	}
	found := false
	for pods := range set.SelectedBy(policy.Object.Namespace, peer.PodSelector) {
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
