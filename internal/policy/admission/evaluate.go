package admission

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/policy/generic"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
)

// administrator is who creates the objects of a set.
var administrator = &user.DefaultInfo{
	Name: "kubernetes-admin", Groups: []string{user.SystemPrivilegedGroup, user.AllAuthenticated},
}

var podKind = corev1.SchemeGroupVersion.WithKind("Pod")

// podMakers are the kinds of which a controller makes pods, and who that is.
var podMakers = map[string]string{
	"Deployment": "replicaset-controller", "ReplicaSet": "replicaset-controller", "DaemonSet": "daemon-set-controller",
	"StatefulSet": "statefulset-controller", "Job": "job-controller", "CronJob": "job-controller",
	"ReplicationController": "replication-controller",
}

// makesPods reports whether a controller makes pods of an object, and which.
func makesPods(r *lint.Resource) (controller string, ok bool) {
	controller, ok = podMakers[r.Object.Kind]
	group := r.GroupKind().Group
	return controller, ok && r.HasPods && (group == "" || group == "apps" || group == "batch")
}

// Matches reports whether any policy may hold for an object, or for its pods.
func (e *evaluator) Matches(r *lint.Resource) bool {
	gvk := schema.FromAPIVersionAndKind(r.Object.APIVersion, r.Object.Kind)
	if e.concerns(e.attributes(gvk, &r.Object, partial(gvk, &r.Object, r.Labels), administrator)) {
		return true
	}
	_, made := makesPods(r)
	return made &&
		e.concerns(
			e.attributes(
				podKind, &diag.Object{Namespace: r.Object.Namespace}, partial(podKind, &r.Object, r.PodLabels),
				administrator,
			),
		)
}

// partial returns an object of which no more than its labels is known.
func partial(gvk schema.GroupVersionKind, o *diag.Object, labels map[string]string) runtime.Object {
	p := &metav1.PartialObjectMetadata{}
	p.SetGroupVersionKind(gvk)
	p.Name, p.Namespace, p.Labels = o.Name, o.Namespace, labels
	return p
}

// concerns reports whether any policy may hold for a request.
func (e *evaluator) concerns(a admission.Attributes) bool {
	if exempt(a.GetResource().GroupResource()) {
		return false
	}
	holds := func(policy generic.PolicyAccessor, bindings []generic.BindingAccessor) bool {
		matches, _, _, err := e.matcher.DefinitionMatches(a, e.kinds, policy)
		return err != nil || matches && slices.ContainsFunc(bindings, func(b generic.BindingAccessor) bool {
			matches, err := e.matcher.BindingMatches(a, e.kinds, b)
			return matches || err != nil
		})
	}
	for _, p := range e.policies {
		var bindings []generic.BindingAccessor
		for _, b := range p.bindings {
			bindings = append(bindings, validating.NewValidatingAdmissionPolicyBindingAccessor(b.spec))
		}
		if holds(validating.NewValidatingAdmissionPolicyAccessor(p.spec), bindings) {
			return true
		}
	}
	for _, m := range e.mutators {
		var bindings []generic.BindingAccessor
		for _, b := range m.hook.Bindings {
			bindings = append(bindings, mutating.NewMutatingAdmissionPolicyBindingAccessor(b))
		}
		if holds(mutating.NewMutatingAdmissionPolicyAccessor(m.hook.Policy), bindings) {
			return true
		}
	}
	return slices.ContainsFunc(e.kyverno, func(r *kyvernoRule) bool { return r.mayHold(a.GetKind()) })
}

// exempt reports whether policies are not asked about a resource: what is not stored, and policies themselves.
func exempt(r schema.GroupResource) bool {
	switch r.Group {
	case "authentication.k8s.io":
		return r.Resource == "tokenreviews" || r.Resource == "selfsubjectreviews"
	case "authorization.k8s.io":
		return true
	case admissionv1.GroupName:
		return !strings.HasSuffix(r.Resource, "webhookconfigurations")
	}
	return false
}

// attributes describes the creation of an object.
func (e *evaluator) attributes(
	gvk schema.GroupVersionKind, o *diag.Object, obj runtime.Object, who user.Info,
) admission.Attributes {
	return admission.NewAttributesRecord(
		obj, nil, gvk, o.Namespace, o.Name, e.kinds.resource(gvk), "", admission.Create,
		&metav1.CreateOptions{}, false, who,
	)
}

// Evaluate returns what the policies have against the creation of an object, and of its pods.
func (e *evaluator) Evaluate(ctx context.Context, of *lint.Resource, stored map[string]any) []lint.PolicyViolation {
	gvk := schema.FromAPIVersionAndKind(of.Object.APIVersion, of.Object.Kind)
	object := (&unstructured.Unstructured{Object: stored}).DeepCopy()
	if gvk == secretKind {
		withoutTexts(object.Object)
	}
	e.repeat(ctx, of, e.attributes(gvk, &of.Object, object, administrator))
	all := e.against(ctx, e.attributes(gvk, &of.Object, object, administrator))
	controller, made := makesPods(of)
	if !made {
		return all
	}
	pod := e.podOf(ctx, of, stored)
	if pod == nil {
		return all
	}
	who := &user.DefaultInfo{
		Name:   "system:serviceaccount:kube-system:" + controller,
		Groups: []string{"system:serviceaccounts", "system:serviceaccounts:kube-system", user.AllAuthenticated},
	}
	a := e.attributes(podKind, &diag.Object{Namespace: of.Object.Namespace}, pod, who)
	if !e.concerns(a) {
		return all
	}
	e.repeat(ctx, of, a)
	above := strings.TrimSuffix(of.SpecPath, "spec")
	for _, v := range e.against(ctx, a) {
		v.Pods = true
		if v.Path == "" {
			v.Path = of.SpecPath
		} else {
			v.Path = above + v.Path
		}
		all = append(all, v)
	}
	return all
}

// podOf returns a pod as a controller makes it of an object, and the server stores it.
func (e *evaluator) podOf(ctx context.Context, of *lint.Resource, stored map[string]any) *unstructured.Unstructured {
	steps := strings.Split(of.SpecPath, ".")
	template, found, _ := unstructured.NestedMap(stored, steps[:len(steps)-1]...) // a copy
	if !found {
		return nil
	}
	pod := &unstructured.Unstructured{Object: template}
	pod.SetGroupVersionKind(podKind)
	pod.SetNamespace(of.Object.Namespace)
	pod.SetGenerateName(of.Object.Name + "-")
	if account, _, _ := unstructured.NestedString(template, "spec", "serviceAccountName"); account == "" {
		_ = unstructured.SetNestedField(template, "default", "spec", "serviceAccountName")
	}
	doc, err := json.Marshal(template)
	if err != nil {
		return nil
	}
	if v := e.validator.Create(ctx, podKind, doc, of.Object.Namespace); v.Object != nil {
		if value, err := runtime.DefaultUnstructuredConverter.ToUnstructured(v.Object); err == nil {
			pod.Object = value
			pod.SetGroupVersionKind(podKind)
		}
	}
	pod.SetName("")
	return pod
}

// against returns what the policies have against a request, after the mutating ones have changed its object.
func (e *evaluator) against(ctx context.Context, a admission.Attributes) (all []lint.PolicyViolation) {
	if exempt(a.GetResource().GroupResource()) {
		return nil
	}
	if len(e.mutators) > 0 {
		if err := e.mutate(ctx, a); err != nil {
			return []lint.PolicyViolation{e.unmutated(err)}
		}
	}
	for _, p := range e.policies {
		for _, b := range p.bindings {
			all = append(all, e.ask(ctx, p, b, a)...)
		}
	}
	for _, r := range e.kyverno {
		all = append(all, r.ask(a)...)
	}
	return all
}

// mutate lets the mutating policies change the object of a request, and those that want to be asked again do so once.
func (e *evaluator) mutate(ctx context.Context, a admission.Attributes) error {
	hooks := make([]mutating.PolicyHook, len(e.mutators))
	for i := range e.mutators {
		hooks[i] = e.mutators[i].hook
	}
	err := e.mutating.Dispatch(ctx, a, e.kinds, hooks)
	if again := a.GetReinvocationContext(); err == nil && again.ShouldReinvoke() {
		again.SetIsReinvoke()
		err = e.mutating.Dispatch(ctx, a, e.kinds, hooks)
	}
	return err
}

// answers passes on what an evaluator is asked, and keeps what it answers.
type answers struct {
	validating.Validator
	given []answer
}

type answer struct {
	validating.ValidateResult
	again func(object map[string]any) validating.ValidateResult // for another object
}

// Validate passes the question on.
func (r *answers) Validate(
	ctx context.Context, resource schema.GroupVersionResource, attr *admission.VersionedAttributes,
	params runtime.Object,
	namespace *corev1.Namespace, budget int64, authz authorizer.UnconditionalAuthorizer,
) validating.ValidateResult {
	result := r.Validator.Validate(ctx, resource, attr, params, namespace, budget, authz)
	r.given = append(r.given, answer{result, func(object map[string]any) validating.ValidateResult {
		other := &admission.VersionedAttributes{Attributes: attr.Attributes, VersionedKind: attr.VersionedKind}
		other.VersionedObject.Set(&unstructured.Unstructured{Object: object})
		return r.Validator.Validate(ctx, resource, other, params, namespace, budget, authz)
	}})
	return result
}

// ask asks one policy, as one binding applies it.
func (e *evaluator) ask(
	ctx context.Context, p *policy, b binding, a admission.Attributes,
) (all []lint.PolicyViolation) {
	seen := &answers{Validator: p.hook.Evaluator}
	hook := p.hook
	hook.Evaluator = seen
	hook.Bindings = []*admissionv1.ValidatingAdmissionPolicyBinding{b.spec}
	err := e.validate.Dispatch(ctx, a, e.kinds, []validating.PolicyHook{hook})
	v := lint.PolicyViolation{
		Policy: p.of, Binding: b.of, Name: p.spec.Name, Severity: severityOf(b.spec.Spec.ValidationActions),
	}
	denied := 0
	for _, given := range seen.given {
		for i, d := range given.Decisions {
			if d.Action != validating.ActionDeny {
				continue
			}
			v.Message, v.Reason, v.Rule = strings.TrimSpace(d.Message), string(d.Reason), "metadata.name"
			if a.GetKind() == secretKind || p.seesSecrets() {
				v.Message = p.withoutValues(i)
			}
			v.Path = ""
			if i < len(p.fields) && len(given.Decisions) == len(p.fields) {
				v.Rule = p.rule(i)
				v.Path = p.place(i, a.GetObject(), given.again)
			}
			denied++
			all = append(all, v)
		}
	}
	if err != nil && denied == 0 { // what kept the policy from being asked
		v.Severity, v.Rule, v.Path, v.Message = diag.Error, "metadata.name", "", configurationError(err)
		all = append(all, v)
	}
	return slices.CompactFunc(all, func(a, b lint.PolicyViolation) bool { // of several parameters
		return a.Rule == b.Rule && a.Path == b.Path && a.Message == b.Message
	})
}

// withoutTexts moves the stringData of a Secret to its data, as the server does before it asks policies.
func withoutTexts(secret map[string]any) {
	texts, ok := secret["stringData"].(map[string]any)
	if !ok {
		return
	}
	data := section(secret, "data")
	for key, text := range texts {
		if s, ok := text.(string); ok {
			data[key] = base64.StdEncoding.EncodeToString([]byte(s))
		}
	}
	delete(secret, "stringData")
	secret["data"] = data
}

var secretKind = corev1.SchemeGroupVersion.WithKind("Secret")

// seesSecrets reports whether the parameters of the policy are Secrets.
func (p *policy) seesSecrets() bool {
	kind := p.spec.Spec.ParamKind
	return kind != nil && schema.FromAPIVersionAndKind(kind.APIVersion, kind.Kind) == secretKind
}

// withoutValues returns what a validation says that sees a Secret: a message that an expression makes may hold its
// values.
func (p *policy) withoutValues(i int) string {
	if i >= len(p.spec.Spec.Validations) {
		return "it cannot be evaluated"
	}
	v := p.spec.Spec.Validations[i]
	return cmp.Or(strings.TrimSpace(v.Message), "failed expression: "+strings.TrimSpace(v.Expression))
}

// configurationError returns the words of a refusal that come after the names of policy and object.
func configurationError(err error) string {
	message := err.Error()
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		if details := status.Status().Details; details != nil && len(details.Causes) > 0 {
			message = details.Causes[0].Message
		}
	}
	_, words, found := strings.Cut(message, "denied request: ")
	if !found {
		return message
	}
	return words
}

// severityOf returns the gravest of what a binding does about a violation.
func severityOf(actions []admissionv1.ValidationAction) diag.Severity {
	switch {
	case slices.Contains(actions, admissionv1.Deny):
		return diag.Error
	case slices.Contains(actions, admissionv1.Warn):
		return diag.Warning
	}
	return diag.Info
}

// place returns the field of an object that a validation is about; empty if it cannot be told.
func (p *policy) place(i int, o runtime.Object, again func(map[string]any) validating.ValidateResult) string {
	object, ok := o.(*unstructured.Unstructured)
	if !ok || len(p.fields[i]) == 0 {
		return ""
	}
	fails := func(value map[string]any) bool {
		d := again(value).Decisions
		return i < len(d) && d[i].Action == validating.ActionDeny
	}
	return blamed(p.fields[i], object.Object, fails)
}

// maxElements is how many elements of a list are looked at for the one that is wrong.
const maxElements = 64

// blamed returns the field that is wrong among those that an expression names: of elements of lists the first that
// fails alone.
func blamed(fields []string, object map[string]any, fails func(map[string]any) bool) string {
	lists := map[string]bool{}
	for _, f := range fields {
		if list, _, found := strings.Cut(f, "[*]"); found {
			lists[list] = true
		}
	}
	sorted := slices.Sorted(maps.Keys(lists))
	for _, list := range sorted {
		elements, _, _ := unstructured.NestedSlice(object, strings.Split(list, ".")...)
		for i := range min(len(elements), maxElements) {
			if alone := with(object, sorted, list, elements[i]); alone != nil && fails(alone) {
				return common(within(fields, list, i))
			}
		}
	}
	whole := make([]string, len(fields))
	for i, f := range fields {
		whole[i], _, _ = strings.Cut(f, "[*]")
	}
	return common(whole)
}

// with returns a copy of an object in which one element of one of some lists is left; nil if there is none.
func with(object map[string]any, lists []string, list string, element any) map[string]any {
	alone := (&unstructured.Unstructured{Object: object}).DeepCopy().Object
	for _, other := range lists {
		unstructured.RemoveNestedField(alone, strings.Split(other, ".")...)
	}
	if unstructured.SetNestedSlice(alone, []any{element}, strings.Split(list, ".")...) != nil {
		return nil
	}
	return alone
}

// within returns the fields below one element of a list.
func within(fields []string, list string, i int) (inside []string) {
	for _, f := range fields {
		if rest, ok := strings.CutPrefix(f, list+"[*]"); ok {
			rest, _, _ = strings.Cut(rest, "[*]")
			inside = append(inside, fmt.Sprintf("%s[%d]%s", list, i, rest))
		}
	}
	slices.Sort(inside)
	return slices.Compact(inside)
}

// common returns the field that holds all of some fields; empty if that is a whole spec or more.
func common(fields []string) string {
	if len(fields) == 0 {
		return ""
	}
	holds := func(prefix string) bool {
		return !slices.ContainsFunc(fields, func(f string) bool {
			rest, ok := strings.CutPrefix(f, prefix)
			return !ok || rest != "" && rest[0] != '.' && rest[0] != '['
		})
	}
	first := fields[0]
	if holds(first) {
		return first
	}
	for end := len(first); end > 0; end = strings.LastIndexAny(first[:end], ".[") {
		if prefix := first[:end]; strings.Contains(prefix, ".") && holds(prefix) {
			return prefix
		}
	}
	return ""
}

// unmutated says that a mutating policy fails on an object, which is refused.
func (e *evaluator) unmutated(err error) lint.PolicyViolation {
	of := e.mutators[0].of
	for _, m := range e.mutators {
		if strings.Contains(err.Error(), "'"+m.hook.Policy.Name+"'") {
			of = m.of
		}
	}
	return lint.PolicyViolation{
		Policy: of, Name: of.Object.Name, Severity: diag.Error, Message: configurationError(err), Rule: "metadata.name",
	}
}
