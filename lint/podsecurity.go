package lint

import (
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
	return policy.AggregateCheckResults(podSecurity().EvaluatePod(api.LevelVersion{Level: level, Version: api.LatestVersion()}, meta, p.Spec))
}

// Refusal is what the Pod Security admission has against pods at a level: `host namespaces (hostNetwork=true)`.
type Refusal struct{ Level, Detail string }

// refusals gathers what namespaces that enforce a level would have against the pods.
func refusals(p *PodTemplate) (all []Refusal) {
	for _, level := range []api.Level{api.LevelRestricted, api.LevelBaseline} {
		v := p.Violations(level)
		if v.Allowed {
			return all // what restricted allows, baseline does
		}
		all = append(all, Refusal{string(level), shared(v.ForbiddenDetail())})
	}
	return all
}
