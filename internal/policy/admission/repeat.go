package admission

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating"

	"github.com/seatrial/seatrial/lint"
)

// repetition is an object that a mutating policy changes again after it has changed it.
type repetition struct {
	of   *lint.Resource
	path string // of the first field that differs
}

// repeat applies each mutating policy by itself to the object of a request, and to the result, as the API server does
// when the object is updated, or when it invokes the policy again. Of the objects that change again, the first is kept.
func (e *evaluator) repeat(ctx context.Context, of *lint.Resource, a admission.Attributes) {
	if exempt(a.GetResource().GroupResource()) {
		return
	}
	for i := range e.mutators {
		hook := e.mutators[i].hook
		update, again := appliedAgain(hook.Policy)
		if !again {
			continue
		}
		once, ok := e.apply(ctx, hook, a, a.GetObject(), false)
		if !ok || reflect.DeepEqual(once, a.GetObject()) {
			continue
		}
		twice, ok := e.apply(ctx, hook, a, once, update)
		if !ok {
			continue
		}
		if path := difference(once.UnstructuredContent(), twice.UnstructuredContent(), ""); path != "" {
			e.keepFirst(i, repetition{of, path})
		}
	}
}

// appliedAgain reports whether the API server applies a policy to what it has changed: as an update, or once more in
// the same request.
func appliedAgain(p *mutating.Policy) (update, again bool) {
	for _, rule := range p.Spec.MatchConstraints.ResourceRules {
		update = update || slices.ContainsFunc(rule.Operations, func(o admissionv1.OperationType) bool {
			return o == admissionv1.Update || o == admissionv1.OperationAll
		})
	}
	return update, update || p.Spec.ReinvocationPolicy == admissionv1.IfNeededReinvocationPolicy
}

// apply returns an object as a policy changes it when it is created, or updated without another change.
func (e *evaluator) apply(
	ctx context.Context, hook mutating.PolicyHook, a admission.Attributes, obj any, update bool,
) (*unstructured.Unstructured, bool) {
	object, ok := obj.(*unstructured.Unstructured)
	if !ok {
		return nil, false
	}
	object = object.DeepCopy()
	request := admission.NewAttributesRecord(
		object, nil, a.GetKind(), a.GetNamespace(), a.GetName(), a.GetResource(), "", admission.Create,
		&metav1.CreateOptions{}, false, a.GetUserInfo(),
	)
	if update {
		request = admission.NewAttributesRecord(
			object, object.DeepCopy(), a.GetKind(), a.GetNamespace(), a.GetName(), a.GetResource(), "",
			admission.Update, &metav1.UpdateOptions{}, false, a.GetUserInfo(),
		)
	}
	if e.mutating.Dispatch(ctx, request, e.kinds, []mutating.PolicyHook{hook}) != nil {
		return nil, false
	}
	changed, ok := request.GetObject().(*unstructured.Unstructured)
	return changed, ok
}

// keepFirst keeps the repetition of a policy whose object comes first in the set.
func (e *evaluator) keepFirst(policy int, r repetition) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.repeated == nil {
		e.repeated = map[int]repetition{}
	}
	first, found := e.repeated[policy]
	if !found || cmp.Or(
		cmp.Compare(r.of.File, first.of.File), cmp.Compare(r.of.Document, first.of.Document),
		cmp.Compare(r.of.Item, first.of.Item),
	) < 0 {
		e.repeated[policy] = r
	}
}

// difference returns the path of the first field, by name, in which two values differ; empty if they are equal.
func difference(a, b any, at string) string {
	if reflect.DeepEqual(a, b) {
		return ""
	}
	x, isMap := a.(map[string]any)
	y, both := b.(map[string]any)
	if isMap && both {
		keys := maps.Clone(x)
		maps.Copy(keys, y)
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			if path := difference(x[key], y[key], strings.TrimPrefix(at+"."+key, ".")); path != "" {
				return path
			}
		}
	}
	return cmp.Or(at, "metadata")
}

// Repeated returns what is to be said of the mutating policies that are not idempotent.
func (e *evaluator) Repeated() (all []lint.PolicyRemark) {
	for i := range e.mutators {
		r, found := e.repeated[i]
		if !found {
			continue
		}
		all = append(all, lint.PolicyRemark{
			Policy: e.mutators[i].of,
			Finding: lint.Finding{
				Path: "spec.mutations", OnKey: true,
				Message: fmt.Sprintf("applied to %s a second time, the policy changes %s again", r.of.Object, r.path),
				Help:    "add a match condition that is false of an object that has the change",
				Related: []lint.RelatedPath{{Of: r.of, Path: "metadata.name", Message: "the object"}},
			},
		})
	}
	return all
}
