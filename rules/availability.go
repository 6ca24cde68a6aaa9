package rules

import (
	"fmt"
	"strconv"
	"strings"

	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/seatrial/seatrial/internal/diag"
	"github.com/seatrial/seatrial/lint"
)

const budgetURL = "https://kubernetes.io/docs/tasks/run-application/configure-pdb/"

var availabilityRules = []*lint.Rule{
	{
		Name: "replicas-too-few", Title: "one replica, so that every disruption is an outage", Severity: diag.Info, Category: "availability", Kinds: []string{"Deployment", "ReplicaSet", "ReplicationController"},
		Doc: "With a single replica a drained node, an eviction or a crash leaves nobody to answer. Workloads that an autoscaler keeps at two or more are passed over, and so are those that a PodDisruptionBudget speaks of: somebody has thought about them.",
		CheckSet: func(p *lint.SetPass) error {
			r := p.Resource
			if r.Replicas == nil || *r.Replicas != 1 || len(budgets(p.Set, r)) > 0 || scaledUp(p.Set, r) {
				return nil
			}
			p.Report(lint.Finding{Path: "spec.replicas", Message: fmt.Sprintf("%s has one replica and no PodDisruptionBudget", r.Object), Detail: "two replicas on different nodes survive the loss of one"})
			return nil
		},
	},
	{
		Name: "pdb-missing", Title: "several replicas without a PodDisruptionBudget", Severity: diag.Info, Category: "availability", Kinds: []string{"Deployment", "StatefulSet"}, URL: budgetURL, Optional: true,
		Doc: "Without a budget a drain may evict all replicas at the same time.",
		CheckSet: func(p *lint.SetPass) error {
			if r := p.Resource; r.Replicas != nil && *r.Replicas > 1 && len(budgets(p.Set, r)) == 0 {
				p.Report(lint.Finding{Path: "spec.replicas", Message: fmt.Sprintf("%s has %d replicas and no PodDisruptionBudget", r.Object, *r.Replicas), Detail: "add a PodDisruptionBudget with maxUnavailable: 1"})
			}
			return nil
		},
	},
	{
		Name: "pdb-max-unavailable-zero", Title: "PodDisruptionBudget that forbids every eviction", Severity: diag.Warning, Category: "availability", Kinds: []string{"PodDisruptionBudget"}, URL: budgetURL,
		Doc: "maxUnavailable 0, or minAvailable 100%, never lets a pod go: a node that holds one cannot be drained.",
		Check: func(p *lint.Pass) error {
			budget, ok := p.Object.(*policyv1.PodDisruptionBudget)
			if !ok {
				return nil
			}
			if v := budget.Spec.MaxUnavailable; v != nil && (v.Type == intstr.Int && v.IntVal == 0 || v.Type == intstr.String && percent(v.StrVal) == 0) {
				p.Report(lint.Finding{Path: "spec.maxUnavailable", Message: fmt.Sprintf("maxUnavailable %s forbids every eviction", v), Detail: "a node with such a pod cannot be drained: allow 1"})
			}
			if v := budget.Spec.MinAvailable; v != nil && v.Type == intstr.String && percent(v.StrVal) >= 100 {
				p.Report(lint.Finding{Path: "spec.minAvailable", Message: fmt.Sprintf("minAvailable %s forbids every eviction", v), Detail: "a node with such a pod cannot be drained: use maxUnavailable: 1"})
			}
			return nil
		},
	},
	{
		Name: "pdb-min-available-blocks", Title: "PodDisruptionBudget that wants all replicas", Severity: diag.Warning, Category: "availability", Kinds: []string{"PodDisruptionBudget"}, URL: budgetURL,
		Doc: "minAvailable is not less than the replicas of the workload that the budget protects: no pod may ever go, and a node that holds one cannot be drained.",
		CheckSet: func(p *lint.SetPass) error {
			r := p.Resource
			if r.Selector == nil || r.MinAvailable == 0 {
				return nil
			}
			for w := range p.Set.Selected(r) {
				if w.Replicas != nil && *w.Replicas > 0 && r.MinAvailable >= *w.Replicas && !scaledUp(p.Set, w) && w.Object.Kind != "Job" {
					p.Report(lint.Finding{Path: "spec.minAvailable", Message: fmt.Sprintf("minAvailable %d forbids every eviction from the %d replicas of %s", r.MinAvailable, *w.Replicas, w.Object), Detail: "use maxUnavailable: 1, which holds for any number of replicas",
						Related: []lint.RelatedPath{{Of: w, Path: "spec.replicas", Message: "the replicas"}}})
				}
			}
			return nil
		},
	},
	{
		Name: "hpa-target-has-replicas", Title: "replicas of a workload that an autoscaler scales", Severity: diag.Info, Category: "availability", Optional: true, Kinds: []string{"Deployment", "StatefulSet", "ReplicaSet"},
		Doc: "Each apply sets the replicas back to what the manifest says, until the autoscaler corrects it.",
		CheckSet: func(p *lint.SetPass) error {
			if p.Resource.ReplicasWritten && len(scalers(p.Set, p.Resource)) > 0 {
				p.Report(lint.Finding{Path: "spec.replicas", Message: fmt.Sprintf("%s is scaled by an autoscaler and sets replicas", p.Resource.Object), Detail: "leave replicas out"})
			}
			return nil
		},
	},
}

// budgets lists the PodDisruptionBudgets that speak of a workload's pods.
func budgets(set *lint.Set, r *lint.Resource) []*lint.Resource {
	return set.Selecting("policy", "PodDisruptionBudget", r)
}

// scalers lists the autoscalers of a workload.
func scalers(set *lint.Set, r *lint.Resource) []*lint.Resource {
	return set.Referring("HorizontalPodAutoscaler", r)
}

// scaledUp tells whether an autoscaler keeps a workload at two replicas or more.
func scaledUp(set *lint.Set, r *lint.Resource) bool {
	for _, s := range scalers(set, r) {
		if s.Replicas != nil && *s.Replicas > 1 {
			return true
		}
	}
	return false
}

func percent(s string) int {
	n, err := strconv.Atoi(strings.TrimSuffix(s, "%"))
	if err != nil {
		return -1
	}
	return n
}
