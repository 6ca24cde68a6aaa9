package admission

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/seatrial/seatrial/lint"
)

// kyvernoExcept are the namespaces that Kyverno leaves alone by default.
var kyvernoExcept = []any{"kube-system", "kube-public", "kube-node-lease", "kyverno"}

const kyvernoDoes = "Kyverno evaluates it (`kyverno apply`)"

// exceptions returns the policies of Kyverno that exceptions are made from.
func exceptions(all []lint.PolicyObject) map[string]bool {
	of := map[string]bool{}
	for _, o := range all {
		if o.Object.Kind != "PolicyException" {
			continue
		}
		for _, e := range append(list(section(o.Value, "spec"), "exceptions"),
			list(section(o.Value, "spec"), "policyRefs")...) {
			if ref, ok := e.(map[string]any); ok {
				of[text(ref, "policyName")+text(ref, "name")] = true
			}
		}
	}
	return of
}

func (e *evaluator) addKyverno(ctx context.Context, o *lint.PolicyObject, params *parameters) error {
	switch o.Object.Kind {
	case "ClusterPolicy", "Policy":
		return e.addKyvernoRules(ctx, o, params)
	case "ValidatingPolicy", "NamespacedValidatingPolicy":
		return e.addKyvernoValidating(ctx, o, params)
	case "PolicyException":
		return nil
	}
	e.remark(o.Resource, "kind", kyvernoDoes)
	return nil
}

// addKyvernoValidating translates a ValidatingPolicy, whose spec has the fields of a ValidatingAdmissionPolicy.
func (e *evaluator) addKyvernoValidating(ctx context.Context, o *lint.PolicyObject, params *parameters) error {
	spec := section(o.Value, "spec")
	if mode := text(section(spec, "evaluation"), "mode"); mode != "" && mode != "Kubernetes" {
		e.remark(o.Resource, "spec.evaluation.mode", "it is not about objects of Kubernetes")
		return nil
	}
	if enabled, given := section(spec, "evaluation", "admission")["enabled"].(bool); given && !enabled {
		e.remark(o.Resource, "spec.evaluation", "it is not asked when objects are created")
		return nil
	}
	t := translation{
		of: o.Resource, name: o.Object.Name, path: "spec.validations", does: kyvernoDoes,
		actions: actions(texts(spec, "validationActions")),
		spec: pick(
			spec, "matchConstraints", "matchConditions", "variables", "validations", "auditAnnotations",
			"failurePolicy",
		),
		rule: func(i int) string { return fmt.Sprintf("spec.validations[%d].expression", i) },
	}
	constraints := section(t.spec, "matchConstraints")
	t.spec["matchConstraints"] = constraints
	if o.Object.Kind == "NamespacedValidatingPolicy" {
		require(constraints, "namespaceSelector", namespaceIs("In", []any{o.Object.Namespace}))
	}
	require(constraints, "namespaceSelector", namespaceIs("NotIn", kyvernoExcept))
	return e.addTranslation(ctx, t, params)
}

// actions returns what happens to what is found; by default it is refused.
func actions(names []string) (all []admissionv1.ValidationAction) {
	for _, n := range names {
		all = append(all, admissionv1.ValidationAction(n))
	}
	if len(all) == 0 {
		all = []admissionv1.ValidationAction{admissionv1.Deny}
	}
	return all
}

// addKyvernoRules translates the rules of a policy that validate in CEL. One remark names all others.
func (e *evaluator) addKyvernoRules(ctx context.Context, o *lint.PolicyObject, params *parameters) error {
	spec := section(o.Value, "spec")
	var left []string
	for i, r := range list(spec, "rules") {
		rule, ok := r.(map[string]any)
		if !ok {
			continue
		}
		if r := e.kyvernoRule(i, rule, spec, o); r != nil {
			e.kyverno = append(e.kyverno, r)
			continue
		}
		constraints, translates := e.kyvernoMatch(rule, o)
		if !translates {
			left = append(left, text(rule, "name"))
			continue
		}
		validate := section(rule, "validate")
		in := section(validate, "cel")
		at := fmt.Sprintf("spec.rules[%d].validate.cel.expressions", i)
		t := translation{
			of: o.Resource, name: o.Object.Name + "/" + text(rule, "name"), path: at, does: kyvernoDoes,
			actions: failureAction(spec, validate),
			spec:    pick(in, "variables", "auditAnnotations", "paramKind"),
			rule:    func(j int) string { return fmt.Sprintf("%s[%d].expression", at, j) },
		}
		t.spec["validations"] = runtime.DeepCopyJSONValue(list(in, "expressions"))
		t.spec["matchConstraints"] = constraints
		if conditions := list(rule, "celPreconditions"); len(conditions) > 0 {
			t.spec["matchConditions"] = runtime.DeepCopyJSONValue(conditions)
		}
		if given := section(in, "paramRef"); len(given) > 0 {
			t.ref = &admissionv1.ParamRef{}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(given, t.ref); err != nil {
				left = append(left, text(rule, "name"))
				continue
			}
		}
		if err := e.addTranslation(ctx, t, params); err != nil {
			return err
		}
	}
	switch {
	case len(left) == 0:
	case len(left) == len(list(spec, "rules")):
		e.remark(o.Resource, "kind", kyvernoDoes)
	default:
		e.remark(o.Resource, "spec.rules", "of its rules "+strings.Join(left, ", ")+"; "+kyvernoDoes)
	}
	return nil
}

// failureAction returns what happens to what a rule finds.
func failureAction(spec, validate map[string]any) []admissionv1.ValidationAction {
	action := text(validate, "failureAction")
	if action == "" {
		action = text(spec, "validationFailureAction")
	}
	if strings.EqualFold(action, "Enforce") {
		return []admissionv1.ValidationAction{admissionv1.Deny}
	}
	return []admissionv1.ValidationAction{admissionv1.Audit}
}

// kyvernoMatch returns the match constraints of a rule; false if there are none that mean the same, or the rule does
// not validate in CEL.
func (e *evaluator) kyvernoMatch(rule map[string]any, o *lint.PolicyObject) (map[string]any, bool) {
	if len(list(section(rule, "validate", "cel"), "expressions")) == 0 || rule["exclude"] != nil ||
		rule["preconditions"] != nil || rule["context"] != nil {
		return nil, false
	}
	match := section(rule, "match")
	filters := slices.Concat(list(match, "any"), list(match, "all"))
	if len(filters) == 0 {
		filters = []any{match}
	}
	if len(filters) > 1 && len(list(match, "all")) > 0 {
		return nil, false
	}
	constraints := map[string]any{}
	var rules []any
	for _, f := range filters {
		filter, _ := f.(map[string]any)
		for key := range filter {
			if key != "resources" {
				return nil, false
			}
		}
		resources := section(filter, "resources")
		found, ok := e.kyvernoResources(resources, constraints, len(filters) == 1)
		if !ok {
			return nil, false
		}
		rules = append(rules, found...)
	}
	constraints["resourceRules"] = rules
	if o.Object.Kind == "Policy" {
		require(constraints, "namespaceSelector", namespaceIs("In", []any{o.Object.Namespace}))
	}
	require(constraints, "namespaceSelector", namespaceIs("NotIn", kyvernoExcept))
	return constraints, len(rules) > 0
}

// kyvernoResources translates a filter. Selectors can be translated where it is the only one.
func (e *evaluator) kyvernoResources(filter, constraints map[string]any, only bool) (rules []any, ok bool) {
	selectors := map[string]any{}
	var within []any
	for key, value := range filter {
		switch key {
		case "kinds":
		case "operations":
			if !slices.Contains(texts(filter, key), "CREATE") {
				return nil, false
			}
		case "selector", "namespaceSelector":
			if !only {
				return nil, false
			}
			selectors[key] = runtime.DeepCopyJSONValue(value)
		case "namespaces":
			names := list(filter, key)
			if !only || slices.ContainsFunc(texts(filter, key), wild) {
				return nil, false
			}
			within = names
		default:
			return nil, false
		}
	}
	maps.Copy(
		constraints,
		map[string]any{"objectSelector": selectors["selector"], "namespaceSelector": selectors["namespaceSelector"]},
	)
	if within != nil {
		require(constraints, "namespaceSelector", namespaceIs("In", within))
	}
	for _, kind := range texts(filter, "kinds") {
		found := e.kindRules(kind)
		if len(found) == 0 {
			return nil, false
		}
		rules = append(rules, found...)
	}
	return rules, len(rules) > 0
}

func wild(name string) bool { return strings.ContainsAny(name, "*?!") }

// kindRules returns the resource rules of Kind, version/Kind or group/version/Kind.
func (e *evaluator) kindRules(name string) (rules []any) {
	parts := strings.Split(name, "/")
	kind, version, group := parts[len(parts)-1], "*", "*"
	switch len(parts) {
	case 1:
	case 2:
		version = parts[0]
	case 3:
		group, version = parts[0], parts[1]
	default:
		return nil
	}
	if wild(kind) {
		return nil
	}
	seen := map[string]bool{}
	for gvk, known := range e.kinds.of {
		if gvk.Kind != kind || group != "*" && gvk.Group != group || version != "*" && gvk.Version != version ||
			seen[gvk.Group] {
			continue
		}
		seen[gvk.Group] = true
		rules = append(rules, resourceRule(gvk.Group, version, known.Resource))
	}
	return rules
}

// resourceRule matches the creation of a resource.
func resourceRule(group, version, resource string) map[string]any {
	return map[string]any{
		"apiGroups": []any{group}, "apiVersions": []any{version}, "resources": []any{resource},
		"operations": []any{"CREATE", "UPDATE"},
	}
}
