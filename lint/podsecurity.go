package lint

import (
	"context"
	"fmt"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

var podSecurity = sync.OnceValue(func() policy.Evaluator {
	e, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		panic(fmt.Sprintf("checks of the Pod Security admission: %v", err)) // a fault of the linked Kubernetes
	}
	return e
})

// Violations tells what the Pod Security admission has against pods at a level of the standards,
// baseline or restricted, in its own words.
func (p *PodTemplate) Violations(level api.Level) policy.AggregateCheckResult {
	meta := &metav1.ObjectMeta{Labels: p.Labels, Annotations: p.Annotations}
	return policy.AggregateCheckResults(
		podSecurity().EvaluatePod(api.LevelVersion{Level: level, Version: api.LatestVersion()}, meta, p.Spec),
	)
}

// Violation is what the Pod Security admission has against pods at a level: `host namespaces (hostNetwork=true)`.
type Violation struct{ Level, Help string }

// enforce finds out what the namespaces of a set that enforce a level have against their pods.
func (r *run) enforce(ctx context.Context, set *Set) error {
	var pods places
	for _, namespace := range set.OfKind("", "Namespace") {
		if namespace.Labels[api.EnforceLevelLabel] == "" {
			continue
		}
		for _, res := range set.pods[namespace.Object.Name] {
			pods.add(res, func(a *adviser) {
				d := a.document
				v := r.Validator.Create(ctx, gvkOf(d), d.JSON, namespaceOf(d))
				if p := PodTemplateOf(v.Object); p != nil {
					res.Violations = violations(p)
				}
			})
		}
	}
	return pods.visit(ctx, r)
}

// refusals gathers what namespaces that enforce a level would have against the pods.
func violations(p *PodTemplate) (all []Violation) {
	for _, level := range []api.Level{api.LevelRestricted, api.LevelBaseline} {
		v := p.Violations(level)
		if v.Allowed {
			return all // what restricted allows, baseline does
		}
		all = append(all, Violation{string(level), intern(v.ForbiddenDetail())})
	}
	return all
}
