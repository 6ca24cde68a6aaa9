package lint

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/validation/verdict"
)

// Policies prepares the admission policies of a set. Package internal/policy/admission has the real one.
type Policies interface {
	// Decides reports whether objects of a kind are policies, or say where policies hold.
	Decides(kind schema.GroupKind) bool
	// Prepare compiles policies. Objects returns the objects of a kind: parameters of policies, and Namespaces.
	Prepare(
		ctx context.Context, policies []PolicyObject, objects func(schema.GroupKind) ([]PolicyObject, error),
	) (PolicyEvaluator, error)
}

// PolicyObject is an object that decides about others.
type PolicyObject struct {
	*Resource
	Value    map[string]any // as the server would store it, or as written if its kind is not known
	Accepted bool           // by the API server, as far as its kind is known
}

// PolicyEvaluator evaluates policies over the objects of a set. Its methods may be called at the same time.
type PolicyEvaluator interface {
	// Remarks returns what is to be said of the policies themselves.
	Remarks() []PolicyRemark
	// Matches reports whether any policy may hold for an object, by the facts that are kept of it.
	Matches(*Resource) bool
	// Evaluate returns what the policies have against the creation of an object, as the server would store it.
	Evaluate(ctx context.Context, of *Resource, stored map[string]any) []PolicyViolation
	// Repeated returns what is to be said of policies that changed an object again when Evaluate applied them twice.
	Repeated() []PolicyRemark
}

// PolicyRemark is information about a policy.
type PolicyRemark struct {
	Policy *Resource
	Finding
}

// PolicyViolation is what a policy has against an object.
type PolicyViolation struct {
	Policy, Binding *Resource
	Name            string        // of the policy
	Severity        diag.Severity // Error: the object is refused
	Pods            bool          // it is about the pods of the object
	Path            string        // the field that the expression names; empty: it cannot be told
	Message         string        // the policy's words
	Rule            string        // path of the validation in the policy
	Reason          string        // of the server
}

// The rules that report on admission policies.
var (
	ruleAdmissionPolicy = &Rule{
		Name:        "admission-policy",
		Title:       "admission policy against the object",
		Severity:    diag.Error,
		Category:    "custom",
		Equivalents: "kyverno apply, gator test",
		URL:         "https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/",
		Doc: "A ValidatingAdmissionPolicy of the set, or of the files that `policies:` names in the configuration, is " +
			"against the object. The policy is evaluated by the API server's own code, with its binding, parameters and " +
			"the Namespaces of the set, after the MutatingAdmissionPolicies; `request.userInfo` is that of an " +
			"administrator. `Deny` is an error, `Warn` a warning, `Audit` an information. A policy about pods is " +
			"asked about the pods of workloads, too.",
	}
	rulePolicyNotEvaluated = &Rule{
		Name:     "policy-not-evaluated",
		Title:    "policy that lint does not evaluate",
		Severity: diag.Info,
		Category: "custom",
		Doc: "Lint evaluates Kubernetes' own admission policies, those of Kyverno and Gatekeeper that are written in CEL with " +
			"Kubernetes' own libraries, and rules of Kyverno that are patterns or conditions on the request. The finding " +
			"says what evaluates this one.",
	}
	rulePolicyLate = &Rule{
		Name:     "policy-applied-late",
		Title:    "policy that is applied after objects that it refuses",
		Severity: diag.Info,
		Category: "custom",
		Doc: "A policy holds for what is created after it. When the files are applied in order to a new cluster, objects " +
			"that come before the policy or its binding are created, and refused when they change. Files are " +
			"applied in the order of their names.",
	}
	ruleMutation = &Rule{
		Name:     "mutation-not-idempotent",
		Title:    "policy that changes again what it has changed",
		Severity: diag.Warning,
		Category: "custom",
		URL:      "https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/",
		Doc: "The API server applies a MutatingAdmissionPolicy again: to each update, if it is about updates, and after " +
			"other policies and webhooks, if its reinvocationPolicy is IfNeeded. This one was applied to an object of the " +
			"set, and to the result: containers, arguments or labels are added a second time. Let its match conditions, or " +
			"its expression, ask for what it adds.",
	}
)

// PolicyRules lists the rules that need Options.Policies.
var PolicyRules = []*Rule{ruleAdmissionPolicy, rulePolicyNotEvaluated, rulePolicyLate, ruleMutation}

// judgePolicies evaluates the admission policies of the set over its objects.
func (r *run) judgePolicies(ctx context.Context, set *Set) ([]*finding, error) {
	if r.Policies == nil || !slices.ContainsFunc(PolicyRules, func(p *Rule) bool { return r.judged(p.Name) }) {
		return nil, nil
	}
	evaluator, err := r.preparePolicies(ctx, set)
	if evaluator == nil || err != nil {
		return nil, err
	}
	var late []lateFinding
	for _, remark := range evaluator.Remarks() {
		if r.judged(rulePolicyNotEvaluated.Name) {
			late = append(late, lateFinding{of: remark.Policy, rule: rulePolicyNotEvaluated, Finding: remark.Finding})
		}
	}
	found, err := r.violations(ctx, set, evaluator)
	if err != nil {
		return nil, err
	}
	if r.judged(ruleAdmissionPolicy.Name) {
		late = append(late, found...)
	}
	if r.judged(ruleMutation.Name) {
		for _, remark := range evaluator.Repeated() {
			late = append(late, lateFinding{of: remark.Policy, rule: ruleMutation, Finding: remark.Finding})
		}
	}
	if r.judged(rulePolicyLate.Name) {
		late = append(late, r.lateBindings(set, found)...)
	}
	return r.show(ctx, late)
}

// preparePolicies compiles the policies; nil if there are none.
func (r *run) preparePolicies(ctx context.Context, set *Set) (PolicyEvaluator, error) {
	var deciding []*Resource
	for _, res := range slices.Concat(set.All, r.policyObjects) {
		if r.Policies.Decides(res.GroupKind()) {
			deciding = append(deciding, res)
		}
	}
	if len(deciding) == 0 {
		return nil, nil
	}
	policies, err := r.policyValues(ctx, deciding)
	if err != nil {
		return nil, err
	}
	return r.Policies.Prepare(ctx, policies, func(kind schema.GroupKind) ([]PolicyObject, error) {
		all := slices.Clone(set.OfKind(kind.Group, kind.Kind))
		for _, res := range r.policyObjects {
			if res.GroupKind() == kind {
				all = append(all, res)
			}
		}
		return r.policyValues(ctx, all)
	})
}

// policyValues reads objects again, in the order given.
func (r *run) policyValues(ctx context.Context, of []*Resource) ([]PolicyObject, error) {
	values := make([]PolicyObject, len(of))
	var all places
	for i, res := range of {
		all.add(res, func(a *adviser) {
			d := a.document
			values[i] = PolicyObject{Resource: res, Value: d.Value(), Accepted: true}
			v := r.Validator.Create(ctx, gvkOf(d), d.JSON, namespaceOf(d))
			if v.Object != nil {
				values[i].Value = storedValue(v.Object, d.Object)
			}
			values[i].Accepted = v.Accepted() || unknown(v)
		})
	}
	err := all.visit(ctx, r)
	return values, err
}

// violations evaluates policies over the objects of a set, in their order.
func (r *run) violations(ctx context.Context, set *Set, policies PolicyEvaluator) (late []lateFinding, err error) {
	var all places
	var mu sync.Mutex
	found := map[*Resource][]PolicyViolation{}
	for _, res := range set.All {
		if !policies.Matches(res) {
			continue
		}
		all.add(res, func(a *adviser) {
			d := a.document
			v := r.asServedNow(ctx, d, r.Validator.Create(ctx, gvkOf(d), d.JSON, namespaceOf(d)))
			value := d.Value()
			switch {
			case v.Object != nil && acceptable(v):
				value = storedValue(v.Object, d.Object)
			case !unknown(v):
				return // the server refuses it before admission
			}
			if against := policies.Evaluate(ctx, res, value); len(against) > 0 {
				mu.Lock()
				defer mu.Unlock()
				found[res] = against
			}
		})
	}
	if err := all.visit(ctx, r); err != nil {
		return nil, err
	}
	for _, res := range set.All {
		for _, v := range found[res] {
			late = append(late, v.finding(res))
		}
	}
	return late, nil
}

// acceptable reports whether an object gets as far as admission: what its own validation finds comes after that.
func acceptable(v verdict.Verdict) bool {
	return !slices.ContainsFunc(v.Causes, func(c verdict.Cause) bool { return c.Class != verdict.Invalid })
}

// finding says what a policy has against an object.
func (v *PolicyViolation) finding(of *Resource) lateFinding {
	subject := "the object"
	if v.Pods {
		subject = "the pods"
	}
	says := map[diag.Severity]string{
		diag.Error:   "refuses " + subject,
		diag.Warning: "warns of " + subject,
		diag.Info:    "would note " + subject + " in the audit log",
	}[v.Severity]
	f := Finding{
		Path: cmp.Or(v.Path, "kind"), Severity: v.Severity,
		Message: fmt.Sprintf("policy %s %s: %s", v.Name, says, v.Message),
		Related: []RelatedPath{{Of: v.Policy, Path: v.Rule, Message: "the validation"}},
	}
	return lateFinding{of: of, rule: ruleAdmissionPolicy, reason: v.Reason, Finding: f, policy: v}
}

// lateBindings finds the policies and bindings that come after objects which they refuse.
func (r *run) lateBindings(set *Set, refused []lateFinding) (late []lateFinding) {
	place := r.places(set)
	first, count := map[*Resource]*Resource{}, map[*Resource]int{}
	var deciding []*Resource
	type pair struct{ decides, refused *Resource }
	seen := map[pair]bool{}
	for _, f := range refused {
		last := f.policy.Policy // of what has to be there for the policy to hold
		if b := f.policy.Binding; b != nil && place[b] > place[last] {
			last = b
		}
		if f.Severity != diag.Error || f.policy.Pods || place[last] < place[f.of] {
			continue
		}
		if first[last] == nil {
			first[last] = f.of
			deciding = append(deciding, last)
		}
		if counted := (pair{last, f.of}); !seen[counted] {
			seen[counted] = true
			count[last]++
		}
	}
	for _, b := range deciding {
		others := ""
		switch n := count[b] - 1; n {
		case 0:
		case 1:
			others = " and 1 other object"
		default:
			others = fmt.Sprintf(" and %d other objects", n)
		}
		late = append(late, lateFinding{of: b, rule: rulePolicyLate, Finding: Finding{
			Path:    "metadata.name",
			Message: fmt.Sprintf("%s%s would be created before the policy is in force", first[b].Object, others),
			Help:    "apply the policy and its binding first: give their file a name that sorts before the others",
			Related: []RelatedPath{{Of: first[b], Path: "metadata.name", Message: "created before"}},
		}})
	}
	return late
}

// places returns at which place the objects of a set are applied, from 1. What is not of the set has been applied
// before.
func (r *run) places(set *Set) map[*Resource]int {
	file := make(map[string]int, len(r.Files))
	for i, name := range r.Files {
		file[name] = i
	}
	ordered := slices.Clone(set.All) // of a file those of custom kinds come last
	slices.SortStableFunc(ordered, func(a, b *Resource) int {
		return cmp.Or(cmp.Compare(file[a.File], file[b.File]), cmp.Compare(a.Document, b.Document))
	})
	place := make(map[*Resource]int, len(ordered))
	for i, res := range ordered {
		place[res] = i + 1
	}
	return place
}

// definePolicies reads the policies that hold for every set, and judges them.
func (r *run) definePolicies(ctx context.Context, out *fileResult) error {
	for _, name := range r.PolicyFiles {
		if slices.ContainsFunc(
			r.Files, func(file string) bool { return filepath.Clean(file) == filepath.Clean(name) },
		) {
			continue // it is part of the set
		}
		f, err := r.Options.Source(name)
		if err != nil {
			return &InputError{Path: name, Err: err}
		}
		docs, syntax := manifest.Read(f, r.Limits)
		out.found(syntax...)
		for _, d := range docs {
			if d.Object.APIVersion != "" && d.Object.Kind != "" {
				r.definePolicy(ctx, d, out)
			}
		}
	}
	return nil
}

func (r *run) definePolicy(ctx context.Context, d *manifest.Document, out *fileResult) {
	var v verdict.Verdict
	if isDefinition(d) {
		v = r.Validator.AddCRD(ctx, d.JSON)
	} else {
		v = r.Validator.Create(ctx, gvkOf(d), d.JSON, namespaceOf(d))
	}
	if !unknown(v) || !r.foreign(gvkOf(d)) {
		for _, c := range v.Causes {
			out.found(diagnose(d, c))
		}
	}
	namespace := ""
	if !clusterScoped(v) {
		namespace = namespaceOf(d)
	}
	res := &Resource{}
	res.fill(d, v.Object, nil, namespace)
	r.policyObjects = append(r.policyObjects, res)
}
