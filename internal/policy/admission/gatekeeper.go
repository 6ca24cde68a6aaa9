package admission

import (
	"context"
	"fmt"
	"slices"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/cache"

	"github.com/seatrial/seatrial/lint"
)

const gatekeeperDoes = "Gatekeeper evaluates it (`gator test`)"

// engineCEL is the engine of templates that are written in CEL.
const engineCEL = "K8sNativeValidation"

// templateKind returns the kind of constraints that a template defines; empty if an object is none.
func templateKind(o lint.PolicyObject) string {
	if o.GroupKind().Group != groupTemplates {
		return ""
	}
	return text(section(o.Value, "spec", "crd", "spec", "names"), "kind")
}

// addTemplate translates a template with each of its constraints.
func (e *evaluator) addTemplate(
	ctx context.Context, o *lint.PolicyObject, all []lint.PolicyObject, params *parameters,
) error {
	source, path := celSource(o.Value)
	if source == nil {
		e.remark(o.Resource, "kind", "it is not written in CEL; "+gatekeeperDoes)
		return nil
	}
	for i := range all {
		c := &all[i]
		if c.GroupKind().Group != groupConstraints || c.Object.Kind != templateKind(*o) || !c.Accepted {
			continue
		}
		constraints, ok := e.constraintMatch(section(c.Value, "spec", "match"))
		action, known := map[string]admissionv1.ValidationAction{
			"": admissionv1.Deny, "deny": admissionv1.Deny, "warn": admissionv1.Warn, "dryrun": admissionv1.Audit,
		}[text(section(c.Value, "spec"), "enforcementAction")]
		if !ok || !known {
			e.remark(c.Resource, "spec", "lint does not know what it matches, or does; "+gatekeeperDoes)
			continue
		}
		t := translation{
			of: o.Resource, name: c.Object.Name, binds: c.Resource, path: path, does: gatekeeperDoes,
			params:  []lint.PolicyObject{*c},
			actions: []admissionv1.ValidationAction{action},
			spec:    pick(source, "validations", "matchConditions", "failurePolicy"),
			ref:     &admissionv1.ParamRef{Name: c.Object.Name},
			rule:    func(i int) string { return fmt.Sprintf("%s.validations[%d].expression", path, i) },
		}
		t.spec["matchConstraints"] = constraints
		t.spec["paramKind"] = map[string]any{"apiVersion": c.Object.APIVersion, "kind": c.Object.Kind}
		t.spec["variables"] = append([]any{
			map[string]any{"name": "anyObject", "expression": "object"},
			map[string]any{
				"name":       "params",
				"expression": "!has(params.spec) || !has(params.spec.parameters) ? null : params.spec.parameters",
			},
		}, slices.Clone(list(source, "variables"))...)
		if err := e.addTranslation(ctx, t, params); err != nil {
			return err
		}
	}
	return nil
}

// celSource returns what a template says in CEL, and where; nil if it says nothing.
func celSource(template map[string]any) (source map[string]any, path string) {
	for i, t := range list(section(template, "spec"), "targets") {
		target, _ := t.(map[string]any)
		for j, c := range list(target, "code") {
			if code, ok := c.(map[string]any); ok && text(code, "engine") == engineCEL {
				return section(code, "source"), fmt.Sprintf("spec.targets[%d].code[%d].source", i, j)
			}
		}
	}
	return nil, ""
}

// constraintMatch returns the match constraints of a constraint; false if there are none that mean the same.
func (e *evaluator) constraintMatch(match map[string]any) (map[string]any, bool) {
	constraints := map[string]any{}
	var rules []any
	for key, value := range match {
		switch key {
		case "kinds":
			for _, k := range list(match, key) {
				found, ok := e.constraintKinds(k)
				if !ok {
					return nil, false
				}
				rules = append(rules, found...)
			}
		case "labelSelector":
			constraints["objectSelector"] = runtime.DeepCopyJSONValue(value)
		case "namespaceSelector":
			constraints[key] = runtime.DeepCopyJSONValue(value)
		case "namespaces", "excludedNamespaces":
			if slices.ContainsFunc(texts(match, key), wild) {
				return nil, false
			}
		default:
			return nil, false
		}
	}
	if in := list(match, "namespaces"); len(in) > 0 {
		require(constraints, "namespaceSelector", namespaceIs("In", in))
	}
	if out := list(match, "excludedNamespaces"); len(out) > 0 {
		require(constraints, "namespaceSelector", namespaceIs("NotIn", out))
	}
	if len(rules) == 0 {
		rules = []any{resourceRule("*", "*", "*")}
	}
	constraints["resourceRules"] = rules
	return constraints, true
}

// constraintKinds returns the resource rules of some groups and kinds.
func (e *evaluator) constraintKinds(value any) (rules []any, ok bool) {
	of, _ := value.(map[string]any)
	groups := texts(of, "apiGroups")
	for _, kind := range texts(of, "kinds") {
		if kind == "*" {
			for _, group := range groups {
				rules = append(rules, resourceRule(group, "*", "*"))
			}
			continue
		}
		for _, r := range e.kindRules(kind) {
			rule, _ := r.(map[string]any)
			if group := texts(rule, "apiGroups")[0]; len(groups) == 0 || slices.Contains(groups, "*") ||
				slices.Contains(groups, group) {
				rules = append(rules, r)
			}
		}
	}
	return rules, len(rules) > 0
}

// setParams sets the objects that are the parameters of a policy.
func (p *policy) setParams(objects []lint.PolicyObject) error {
	index := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	for _, o := range objects {
		if err := index.Add(&unstructured.Unstructured{Object: o.Value}); err != nil {
			return err
		}
	}
	gvk := objects[0].GroupKind().WithVersion("v1beta1")
	plural, _ := meta.UnsafeGuessKindToResource(gvk)
	p.hook.ParamInformer = &informer{lister: cache.NewGenericLister(index, plural.GroupResource())}
	p.hook.ParamScope = meta.RESTScopeRoot
	return nil
}
