package rules

import (
	"fmt"
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
		if way := s.Blocking(network.Pods(p.Resource), backends); way != nil {
			what := fmt.Sprintf("%s cannot connect to %s", p.Resource.Object, service.Object)
			if !told[what] {
				told[what] = true
				p.Report(blockedFlow(h.Path, what, *way, ""))
			}
		}
	}
}

// blockedFlow says which policies block a connection.
func blockedFlow(path, what string, way network.Way, help string) lint.Finding {
	direction, list := "ingress to", "spec.ingress"
	if way.Out {
		direction, list = "egress from", "spec.egress"
	}
	f := lint.Finding{
		Path: path,
		Message: fmt.Sprintf(
			"%s: no rule of %s allows the %s %s", what, policyNames(way.Isolating), direction, way.End.Resource.Object,
		),
		Help: help,
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

// checkEntrance looks at the Services of an Ingress.
func checkEntrance(p *lint.SetPass, s *network.Set) {
	for _, ref := range p.Resource.Refs {
		service, backends := s.IngressBackends(ref)
		if blocking := s.BlockingEntrance(backends); blocking != nil {
			p.Report(blockedFlow(ref.Path, fmt.Sprintf("the Ingress controller cannot connect to %s", service.Object),
				*blocking,
				"allow ingress from the namespace of the Ingress controller"))
		}
	}
}
