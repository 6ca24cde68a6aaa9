package admission

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/policy/pattern"
	"github.com/seatrial/seatrial/lint"
)

// kyvernoRule is a rule of a policy of Kyverno that validates by patterns or by conditions.
type kyvernoRule struct {
	of             *lint.Resource
	name           string // policy/rule
	at             string // spec.rules[0].validate
	severity       diag.Severity
	namespace      string // of a Policy; empty for a ClusterPolicy
	match, exclude *kyvernoFilters
	preconditions  *conditions
	message        string
	patterns       []any // one of them has to fit
	deny           *conditions
	spaces         *namespaces
}

// validateKeys are what a rule may have to be evaluated here, and sayKeys what does not change what it means.
var validateKeys, sayKeys = []string{"pattern", "anyPattern", "deny"}, []string{
	"message", "failureAction", "allowExistingViolations",
}

// ruleKeys are the fields of a rule that are understood.
var ruleKeys = []string{
	"name", "match", "exclude", "preconditions", "validate", "skipBackgroundRequests", "reportProperties",
}

// kyvernoRule reads a rule; nil if it is none that can be evaluated.
func (e *evaluator) kyvernoRule(i int, rule map[string]any, spec map[string]any, o *lint.PolicyObject) *kyvernoRule {
	validate := section(rule, "validate")
	for key := range rule {
		if !slices.Contains(ruleKeys, key) {
			return nil
		}
	}
	means := ""
	for key := range validate {
		switch {
		case slices.Contains(sayKeys, key):
		case slices.Contains(validateKeys, key) && means == "":
			means = key
		default:
			return nil
		}
	}
	r := &kyvernoRule{
		of: o.Resource, name: o.Object.Name + "/" + text(rule, "name"),
		at:       fmt.Sprintf("spec.rules[%d].validate.%s", i, means),
		severity: severityOf(failureAction(spec, validate)), message: strings.TrimSpace(text(validate, "message")),
		spaces: e.spaces,
	}
	if o.Object.Kind == "Policy" {
		r.namespace = o.Object.Namespace
	}
	switch means {
	case "pattern":
		r.patterns = []any{validate["pattern"]}
	case "anyPattern":
		r.patterns = list(validate, "anyPattern")
	case "deny":
		r.deny = readConditions(section(validate, "deny")["conditions"])
	}
	r.match, r.exclude, r.preconditions = readFilters(rule["match"]), readFilters(
		rule["exclude"],
	), readConditions(rule["preconditions"])
	if r.match == nil || rule["exclude"] != nil && r.exclude == nil ||
		rule["preconditions"] != nil && r.preconditions == nil ||
		len(r.patterns) == 0 && r.deny == nil || !evaluable(rule["preconditions"]) ||
		!evaluable(map[string]any(pick(validate, validateKeys...))) ||
		spec["validationFailureActionOverrides"] != nil || validate["failureActionOverrides"] != nil {
		return nil
	}
	return r
}

// mayHold reports whether the rule may hold for objects of a kind.
func (r *kyvernoRule) mayHold(gvk schema.GroupVersionKind) bool {
	return slices.ContainsFunc(r.match.filters, func(f kyvernoFilter) bool { return f.ofKind(gvk) })
}

// ask returns what the rule has against the creation of an object.
func (r *kyvernoRule) ask(a admission.Attributes) (all []lint.PolicyViolation) {
	o, ok := a.GetObject().(*unstructured.Unstructured)
	gvk, namespace := a.GetKind(), a.GetNamespace()
	if !ok || slices.Contains(kyvernoExcept, any(namespace)) || r.namespace != "" && namespace != r.namespace ||
		!r.match.matches(gvk, o, namespace, r.spaces) ||
		r.exclude != nil && r.exclude.matches(gvk, o, namespace, r.spaces) {
		return nil
	}
	req := newRequest(o, a)
	if r.preconditions != nil {
		if holds, _, err := r.preconditions.hold(req, true); err != nil || !holds {
			return nil
		}
	}
	v := lint.PolicyViolation{Policy: r.of, Name: r.name, Severity: r.severity, Rule: r.at}
	secret := gvk == secretKind
	if r.deny != nil {
		denied, first, err := r.deny.hold(req, false)
		if err == nil && !denied {
			return nil
		}
		if v.Path = first.field(); err != nil {
			v.Message = "it cannot be evaluated: " + err.Error()
		} else {
			v.Message = r.says(req, cmp.Or(first.message, r.message), "the conditions of "+r.at+" hold", secret)
		}
		return []lint.PolicyViolation{v}
	}
	result, err := r.fit(req, o.Object)
	switch {
	case err != nil:
		v.Message = "it cannot be evaluated: " + err.Error()
	case result.Outcome != pattern.Differs:
		return nil
	default:
		v.Path = result.Path
		why := cmp.Or(result.Path, "the object") + " does not fit the pattern"
		if !secret {
			why = cmp.Or(result.Path, "the object") + " " + result.Why
		}
		v.Message = r.says(req, r.message, why, secret)
	}
	return []lint.PolicyViolation{v}
}

// fit holds an object against the patterns: it has to fit one, or say nothing. Of what does not fit the first is
// returned.
func (r *kyvernoRule) fit(req request, object map[string]any) (first pattern.Result, err error) {
	for _, p := range r.patterns {
		p, err := req.substitute(p, false)
		if err != nil {
			return pattern.Result{}, err
		}
		result := pattern.Match(p, object)
		if result.Outcome != pattern.Differs {
			return result, nil
		}
		if first.Outcome == 0 {
			first = result
		}
	}
	if len(r.patterns) > 1 && first.Path != "" {
		first.Why += " (by the first of the patterns, of which none fits)"
	}
	return first, nil
}

// says returns the message of the policy, or what is wrong if it has none. Of a Secret no values are shown.
func (r *kyvernoRule) says(req request, message, why string, secret bool) string {
	if message == "" {
		return why
	}
	if secret {
		return message
	}
	if told, err := req.substitute(message, true); err == nil {
		return fmt.Sprint(told)
	}
	return message
}

// kyvernoFilters are what a rule matches, or leaves out.
type kyvernoFilters struct {
	filters []kyvernoFilter
	all     bool // all have to match, not any
}

// kyvernoFilter selects objects; what is empty selects all.
type kyvernoFilter struct {
	kinds, names, namespaces, operations []string
	annotations                          map[string]any
	labels, spaces                       *metav1.LabelSelector
}

// readFilters reads match or exclude; nil if it is missing or says what is not understood: users and their roles.
func readFilters(value any) *kyvernoFilters {
	of, ok := value.(map[string]any)
	if !ok {
		return nil
	}
	out := &kyvernoFilters{all: len(list(of, "all")) > 0}
	filters := slices.Concat(list(of, "any"), list(of, "all"))
	if len(filters) == 0 {
		filters = []any{of}
	}
	for _, f := range filters {
		filter, _ := f.(map[string]any)
		for key := range filter {
			if key != "resources" {
				return nil
			}
		}
		read, ok := readFilter(section(filter, "resources"))
		if !ok {
			return nil
		}
		out.filters = append(out.filters, read)
	}
	return out
}

func readFilter(resources map[string]any) (f kyvernoFilter, ok bool) {
	for key, value := range resources {
		switch key {
		case "kinds":
			f.kinds = texts(resources, key)
		case "name":
			f.names = append(f.names, text(resources, key))
		case "names":
			f.names = append(f.names, texts(resources, key)...)
		case "namespaces":
			f.namespaces = texts(resources, key)
		case "operations":
			f.operations = texts(resources, key)
		case "annotations":
			f.annotations = section(resources, key)
		case "selector", "namespaceSelector":
			selector := &metav1.LabelSelector{}
			given, _ := value.(map[string]any)
			if runtime.DefaultUnstructuredConverter.FromUnstructured(given, selector) != nil {
				return f, false
			}
			if key == "selector" {
				f.labels = selector
			} else {
				f.spaces = selector
			}
		default:
			return f, false
		}
	}
	return f, len(resources) > 0
}

func (f *kyvernoFilters) matches(
	gvk schema.GroupVersionKind, o *unstructured.Unstructured, namespace string, spaces *namespaces,
) bool {
	matches := func(one kyvernoFilter) bool { return one.matches(gvk, o, namespace, spaces) }
	if f.all {
		return !slices.ContainsFunc(f.filters, func(one kyvernoFilter) bool { return !matches(one) })
	}
	return slices.ContainsFunc(f.filters, matches)
}

func (f *kyvernoFilter) matches(
	gvk schema.GroupVersionKind, o *unstructured.Unstructured, namespace string, spaces *namespaces,
) bool {
	if gvk.Group == "" && gvk.Kind == "Namespace" {
		namespace = o.GetName()
	}
	anyOf := func(patterns []string, name string) bool {
		return len(patterns) == 0 ||
			slices.ContainsFunc(patterns, func(p string) bool { return pattern.Wildcard(p, name) })
	}
	if !f.ofKind(gvk) || !anyOf(f.names, o.GetName()) || !anyOf(f.namespaces, namespace) ||
		!anyOf(f.operations, "CREATE") {
		return false
	}
	for key, want := range f.annotations {
		if !labelled(o.GetAnnotations(), key, fmt.Sprint(want)) {
			return false
		}
	}
	if f.labels != nil && !selects(f.labels, o.GetLabels()) {
		return false
	}
	if f.spaces == nil {
		return true
	}
	ns, err := spaces.Get(namespace)
	return err == nil && namespace != "" && selects(f.spaces, ns.Labels)
}

// ofKind reports whether the filter is about a kind: Kind, version/Kind or group/version/Kind, each with wildcards.
func (f *kyvernoFilter) ofKind(gvk schema.GroupVersionKind) bool {
	return len(f.kinds) == 0 || slices.ContainsFunc(f.kinds, func(name string) bool {
		group, version, kind := "*", "*", name
		switch parts := strings.Split(name, "/"); len(parts) {
		case 1:
		case 2:
			if version, kind = parts[0], parts[1]; version != "*" && !versionName.MatchString(version) {
				return false // a kind and a subresource
			}
		case 3:
			group, version, kind = parts[0], parts[1], parts[2]
		default:
			return false
		}
		return pattern.Wildcard(kind, gvk.Kind) && pattern.Wildcard(version, gvk.Version) &&
			pattern.Wildcard(group, gvk.Group)
	})
}

var versionName = regexp.MustCompile(`^v[0-9]+(?:(?:alpha|beta)[0-9]+)?$`)

// labelled reports whether any label fits a key and a value with wildcards.
func labelled(given map[string]string, key, value string) bool {
	for k, v := range given {
		if pattern.Wildcard(key, k) && pattern.Wildcard(value, v) {
			return true
		}
	}
	return false
}

// selects reports whether a selector, whose labels may have wildcards, selects labels.
func selects(selector *metav1.LabelSelector, given map[string]string) bool {
	for key, value := range selector.MatchLabels {
		if !labelled(given, key, value) {
			return false
		}
	}
	expressions, err := metav1.LabelSelectorAsSelector(
		&metav1.LabelSelector{MatchExpressions: selector.MatchExpressions},
	)
	return err == nil && (len(selector.MatchExpressions) == 0 || expressions.Matches(labels.Set(given)))
}
