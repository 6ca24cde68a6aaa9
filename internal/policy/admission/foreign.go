package admission

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/validation/verdict"
)

// The groups of other admission controllers whose policies are known.
const (
	groupKyverno     = "kyverno.io"
	groupKyvernoCEL  = "policies.kyverno.io"
	groupTemplates   = "templates.gatekeeper.sh"
	groupConstraints = "constraints.gatekeeper.sh"
	groupKubewarden  = "policies.kubewarden.io"
)

// foreign reports whether a kind is one of policies of another admission controller, or says where they hold.
func foreign(kind schema.GroupKind) bool {
	switch kind.Group {
	case groupKyverno:
		return kind.Kind == "ClusterPolicy" || kind.Kind == "Policy" || kind.Kind == "PolicyException"
	case groupKyvernoCEL:
		return strings.HasSuffix(kind.Kind, "Policy") || kind.Kind == "PolicyException"
	case groupTemplates:
		return kind.Kind == "ConstraintTemplate"
	case groupConstraints:
		return true
	case groupKubewarden:
		return strings.HasSuffix(kind.Kind, "Policy") || strings.HasSuffix(kind.Kind, "PolicyGroup")
	}
	return false
}

// translation is a policy of another admission controller as one of Kubernetes.
type translation struct {
	of      *lint.Resource
	name    string
	spec    map[string]any // of a ValidatingAdmissionPolicy
	actions []admissionv1.ValidationAction
	ref     *admissionv1.ParamRef
	binds   *lint.Resource // nil: the policy itself
	params  []lint.PolicyObject
	rule    func(i int) string
	path    string // of the expressions in the policy, for remarks
	does    string // what evaluates the policy
}

// addForeign translates the policies of other admission controllers, and says which cannot be.
func (e *evaluator) addForeign(ctx context.Context, all []lint.PolicyObject, params *parameters) error {
	exempted := exceptions(all)
	for i := range all {
		o := &all[i]
		if !o.Accepted {
			continue
		}
		switch kind := o.GroupKind(); kind.Group {
		case groupKyverno, groupKyvernoCEL:
			if exempted[o.Object.Name] {
				e.remark(o.Resource, "kind", "it has exceptions, which Kyverno evaluates (`kyverno apply`)")
				continue
			}
			if err := e.addKyverno(ctx, o, params); err != nil {
				return err
			}
		case groupTemplates:
			if err := e.addTemplate(ctx, o, all, params); err != nil {
				return err
			}
		case groupConstraints:
			if !slices.ContainsFunc(all, func(t lint.PolicyObject) bool { return templateKind(t) == kind.Kind }) {
				e.remark(o.Resource, "kind", "its ConstraintTemplate is not in the set")
			}
		case groupKubewarden:
			e.remark(o.Resource, "kind", "Kubewarden evaluates it")
		}
	}
	return nil
}

// remark says why a policy is not evaluated.
func (e *evaluator) remark(of *lint.Resource, path, why string) {
	e.remarks = append(e.remarks, lint.PolicyRemark{Policy: of, Finding: lint.Finding{
		Path: path, Message: fmt.Sprintf("%s is not evaluated by lint: %s", of.Object.Kind, why),
	}})
}

// addTranslation compiles a policy that was translated. The API server's own verdict on it says whether its expressions
// need what Kubernetes does not have.
func (e *evaluator) addTranslation(ctx context.Context, t translation, params *parameters) error {
	gvk := admissionv1.SchemeGroupVersion.WithKind(kindPolicy)
	doc, err := json.Marshal(map[string]any{
		"apiVersion": gvk.GroupVersion().String(), "kind": gvk.Kind, "metadata": map[string]any{"name": "translated"},
		"spec": t.spec,
	})
	if err != nil {
		return err
	}
	v := e.validator.Create(ctx, gvk, doc, "")
	spec, ok := v.Object.(*admissionv1.ValidatingAdmissionPolicy)
	if len(v.Causes) > 0 || !ok {
		e.remark(t.of, t.path, t.untranslated(v))
		return nil
	}
	spec.Name = t.name
	p := e.addPolicy(t.of, spec)
	p.rule = t.rule
	p.bindings = []binding{{t.binds, t.binding()}}
	if t.params != nil {
		return p.setParams(t.params)
	}
	return params.find(spec.Spec.ParamKind, &p.hook.ParamInformer, &p.hook.ParamScope, &p.hook.ConfigurationError)
}

// undeclared matches what the compiler of expressions says of a function or variable that it does not know.
var undeclared = regexp.MustCompile(`undeclared reference to '([^']+)'`)

// untranslated says why a policy is not one of Kubernetes as well.
func (t *translation) untranslated(v verdict.Verdict) string {
	if len(v.Causes) == 0 {
		return "it does not have the form of an admission policy"
	}
	message := v.Causes[0].Message
	if m := undeclared.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("it uses %s, which Kubernetes does not know; %s", m[1], t.does)
	}
	return "Kubernetes does not accept its expressions: " + firstLine(message)
}

// binding returns where the policy holds.
func (t *translation) binding() *admissionv1.ValidatingAdmissionPolicyBinding {
	b := &admissionv1.ValidatingAdmissionPolicyBinding{}
	b.Name = t.name
	b.Spec.PolicyName, b.Spec.ValidationActions, b.Spec.ParamRef = t.name, t.actions, t.ref
	return b
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(line)
}

// section returns a mapping in an object; an empty one if there is none.
func section(o map[string]any, path ...string) map[string]any {
	for _, step := range path {
		o, _ = o[step].(map[string]any)
	}
	if o == nil {
		return map[string]any{}
	}
	return o
}

func list(o map[string]any, key string) []any {
	l, _ := o[key].([]any)
	return l
}

func text(o map[string]any, key string) string {
	s, _ := o[key].(string)
	return s
}

func texts(o map[string]any, key string) (all []string) {
	for _, v := range list(o, key) {
		if s, ok := v.(string); ok {
			all = append(all, s)
		}
	}
	return all
}

// pick returns some keys of a mapping.
func pick(o map[string]any, keys ...string) map[string]any {
	out := map[string]any{}
	for _, k := range keys {
		if v, ok := o[k]; ok {
			out[k] = runtime.DeepCopyJSONValue(v)
		}
	}
	return out
}

// namespaceIs requires that the name of the namespace is, or is not, one of some.
func namespaceIs(operator string, names []any) map[string]any {
	return map[string]any{"key": "kubernetes.io/metadata.name", "operator": operator, "values": names}
}

// require adds a requirement to a selector of match constraints.
func require(constraints map[string]any, selector string, requirement map[string]any) {
	of := section(constraints, selector)
	of["matchExpressions"] = append(slices.Clone(list(of, "matchExpressions")), requirement)
	constraints[selector] = of
}
