package rules

import (
	"encoding/json"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/seatrial/seatrial/lint"
)

const (
	ciliumGroup         = "cilium.io"
	ciliumPolicy        = "CiliumNetworkPolicy"
	ciliumClusterPolicy = "CiliumClusterwideNetworkPolicy"
)

// ciliumRule is what is read of a rule of a policy of Cilium.
type ciliumRule struct {
	EndpointSelector  *metav1.LabelSelector
	Ingress, Egress   []any
	IngressDeny       []any
	EgressDeny        []any
	EnableDefaultDeny struct{ Ingress, Egress *bool }
}

// ciliumRules returns the rules of a policy that speak of pods.
func ciliumRules(r *lint.Resource) (all []ciliumRule) {
	var policy struct {
		Spec  *ciliumRule
		Specs []ciliumRule
	}
	if json.Unmarshal(r.Written, &policy) != nil {
		return nil
	}
	if policy.Spec != nil {
		policy.Specs = append(policy.Specs, *policy.Spec)
	}
	for _, rule := range policy.Specs {
		if rule.EndpointSelector != nil {
			all = append(all, rule)
		}
	}
	return all
}

// selects reports whether the rule is about pods with some labels. The prefix of a key is the source of the label.
func (r *ciliumRule) selects(pods map[string]string) bool {
	selector := r.EndpointSelector.DeepCopy()
	for key, value := range selector.MatchLabels {
		delete(selector.MatchLabels, key)
		selector.MatchLabels[bareKey(key)] = value
	}
	for i := range selector.MatchExpressions {
		selector.MatchExpressions[i].Key = bareKey(selector.MatchExpressions[i].Key)
	}
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && s.Matches(labels.Set(pods))
}

func bareKey(key string) string {
	for _, source := range []string{"k8s:", "any:"} {
		key = strings.TrimPrefix(key, source)
	}
	return key
}

// isolates reports in which directions the rule denies what it does not allow.
func (r *ciliumRule) isolates() (ingress, egress bool) {
	denies := func(rules bool, given *bool) bool {
		if given != nil {
			return *given
		}
		return rules
	}
	return denies(r.Ingress != nil || r.IngressDeny != nil, r.EnableDefaultDeny.Ingress),
		denies(r.Egress != nil || r.EgressDeny != nil, r.EnableDefaultDeny.Egress)
}

// ciliumDirections returns the directions in which policies of Cilium isolate the pods of a resource.
func ciliumDirections(p *lint.SetPass) map[networkingv1.PolicyType]bool {
	directions := map[networkingv1.PolicyType]bool{}
	policies := append(
		p.Set.In(ciliumGroup, ciliumPolicy, p.Resource.Object.Namespace),
		p.Set.OfKind(ciliumGroup, ciliumClusterPolicy)...,
	)
	for _, policy := range policies {
		for _, rule := range ciliumRules(policy) {
			ingress, egress := rule.isolates()
			if !rule.selects(p.Resource.PodLabels) {
				continue
			}
			if ingress {
				directions[networkingv1.PolicyTypeIngress] = true
			}
			if egress {
				directions[networkingv1.PolicyTypeEgress] = true
			}
		}
	}
	return directions
}

// coveringPolicies returns the policies of Cilium that isolate all pods of the cluster.
func coveringPolicies(p *lint.SetPass) (all []*lint.Resource) {
	for _, policy := range p.Set.OfKind(ciliumGroup, ciliumClusterPolicy) {
		for _, rule := range ciliumRules(policy) {
			s := rule.EndpointSelector
			if ingress, egress := rule.isolates(); len(s.MatchLabels)+len(s.MatchExpressions) == 0 &&
				(ingress || egress) {
				all = append(all, policy)
			}
		}
	}
	return all
}
