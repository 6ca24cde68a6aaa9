package simulate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/memstore"
	"github.com/seatrial/seatrial/internal/plan"
)

// budgetTrack follows a PodDisruptionBudget.
type budgetTrack struct {
	object   diag.Object
	status   policyv1.PodDisruptionBudgetStatus
	selector labels.Selector // of pods
	kept     bool            // it has had as many healthy pods as it wants
	violated *plan.Time      // when it first had fewer after that
	why      string
	gone     bool
}

func (r *recorder) takeBudget(w memstore.Write, b *policyv1.PodDisruptionBudget) {
	object := diag.Object{APIVersion: "policy/v1", Kind: "PodDisruptionBudget", Namespace: b.Namespace, Name: b.Name}
	t := r.budgets[object]
	if t == nil {
		t = &budgetTrack{object: object}
		r.budgets[object] = t
	}
	t.gone, t.status = w.Deleted, b.Status
	if selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector); err == nil { // the API server refuses others
		t.selector = selector
	}
	s := b.Status
	switch {
	case s.ExpectedPods == 0 || s.ObservedGeneration < b.Generation:
	case s.CurrentHealthy >= s.DesiredHealthy:
		t.kept = true
	case t.kept && r.began && t.violated == nil:
		t.violated = ptr(r.at(w.At))
		t.why = fmt.Sprintf("%d healthy pods, %d wanted", s.CurrentHealthy, s.DesiredHealthy)
	}
}

func (r *recorder) sortedBudgets() []*budgetTrack {
	var all []*budgetTrack
	for _, b := range r.budgets {
		if !b.gone {
			all = append(all, b)
		}
	}
	slices.SortFunc(all, func(a, b *budgetTrack) int {
		return cmp.Or(cmp.Compare(a.object.Namespace, b.object.Namespace), cmp.Compare(a.object.Name, b.object.Name))
	})
	return all
}

// findOverridden looks for budgets that preemption has broken: the scheduler avoids that only where it can.
func (s *simulation) findOverridden() {
	r := s.recorder
	for _, b := range r.sortedBudgets() {
		step := r.preempted(b)
		if b.violated == nil || step == nil {
			continue
		}
		d := diag.Diagnostic{
			Rule: RiskOverridden, Severity: diag.Warning, Object: b.object, Path: "spec",
			Message: fmt.Sprintf(
				"preemption overrides the budget at %s s: %s; %s: %s", *b.violated, b.why, step.Object.Name,
				step.Message,
			),
			Help: "a budget does not stop preemption: give its pods a higher priority, or the preempting ones preemptionPolicy: Never",
		}
		s.locate(&d, b.object)
		r.plan.Findings = append(r.plan.Findings, d)
	}
}

// preempted returns the first preemption of a pod that a budget is for, nil if there was none.
func (r *recorder) preempted(b *budgetTrack) *plan.Step {
	for i := range r.plan.Timeline {
		step := &r.plan.Timeline[i]
		if step.Event != "Preempted" || step.Object.Namespace != b.object.Namespace || b.selector == nil {
			continue
		}
		for _, p := range r.order {
			if p.life.Object.Name == step.Object.Name && b.selector.Matches(labels.Set(p.pod.Labels)) {
				return step
			}
		}
	}
	return nil
}

// describeConstraints returns the quotas, limit ranges and budgets of the namespaces that have workloads.
func (r *recorder) describeConstraints() []plan.Constraint {
	gates := []plan.Constraint{}
	for _, o := range r.objects {
		switch o := o.(type) {
		case *corev1.ResourceQuota:
			gates = append(
				gates,
				plan.Constraint{
					Object:  diag.Object{APIVersion: "v1", Kind: "ResourceQuota", Namespace: o.Namespace, Name: o.Name},
					Summary: quotaSummary(o), Hit: r.quotaHit(o),
				},
			)
		case *corev1.LimitRange:
			gates = append(
				gates,
				plan.Constraint{
					Object:  diag.Object{APIVersion: "v1", Kind: "LimitRange", Namespace: o.Namespace, Name: o.Name},
					Summary: limitSummary(o),
				},
			)
		}
	}
	for _, b := range r.sortedBudgets() {
		s := b.status
		gates = append(gates, plan.Constraint{
			Object: b.object,
			Summary: fmt.Sprintf(
				"%d healthy, %d wanted, disruptions allowed: %d", s.CurrentHealthy, s.DesiredHealthy,
				s.DisruptionsAllowed,
			),
			Hit: b.violated != nil || r.evictionBlocked(b), Violated: b.violated, Violation: b.why,
		})
	}
	slices.SortFunc(gates, func(a, b plan.Constraint) int {
		return cmp.Or(
			cmp.Compare(a.Object.Kind, b.Object.Kind), cmp.Compare(a.Object.Namespace, b.Object.Namespace),
			cmp.Compare(a.Object.Name, b.Object.Name),
		)
	})
	return gates
}

func quotaSummary(q *corev1.ResourceQuota) string {
	var parts []string
	for name, hard := range q.Status.Hard {
		used := q.Status.Used[name]
		parts = append(parts, fmt.Sprintf("%s %s/%s", name, used.String(), hard.String()))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// quotaHit reports whether a quota refused a pod.
func (r *recorder) quotaHit(q *corev1.ResourceQuota) bool {
	return slices.ContainsFunc(r.plan.Problems, func(p plan.Problem) bool {
		return p.Object.Namespace == q.Namespace && strings.Contains(p.Message, "exceeded quota: "+q.Name+",")
	})
}

func (r *recorder) evictionBlocked(b *budgetTrack) bool {
	return slices.ContainsFunc(
		r.plan.Problems,
		func(p plan.Problem) bool { return p.Kind == plan.Blocked && p.Object.Namespace == b.object.Namespace },
	)
}

func limitSummary(l *corev1.LimitRange) string {
	var parts []string
	for _, i := range l.Spec.Limits {
		for _, x := range []struct {
			word string
			list corev1.ResourceList
		}{{"default", i.Default}, {"default request", i.DefaultRequest}, {"max", i.Max}, {"min", i.Min}} {
			for name, q := range x.list {
				parts = append(parts, fmt.Sprintf("%s %s %s %s", i.Type, x.word, name, q.String()))
			}
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}
