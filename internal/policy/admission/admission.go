// Package admission evaluates the admission policies of a set of manifests by the API server's own code.
//
// The central type is [Policies], which lint asks through its interface:
//
//	o.Policies = admission.New(validator)
package admission

import (
	"context"
	"fmt"
	"slices"
	"sync"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission/plugin/policy/generic"
	"k8s.io/apiserver/pkg/admission/plugin/policy/matching"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"

	"github.com/seatrial/seatrial/internal/kubernetes/hooks/policies"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/validation/verdict"
)

// Validator knows kinds, and what the API server makes of objects. Package validation has the real one.
type Validator interface {
	Kinds() ([]verdict.Kind, error)
	Custom() []verdict.Kind
	Create(ctx context.Context, gvk schema.GroupVersionKind, doc []byte, namespace string) verdict.Verdict
}

// Policies prepares the admission policies of a set. It implements lint.Policies.
type Policies struct{ validator Validator }

// New returns the policies of sets that a validator judges.
func New(v Validator) *Policies { return &Policies{v} }

const (
	kindPolicy          = "ValidatingAdmissionPolicy"
	kindBinding         = "ValidatingAdmissionPolicyBinding"
	kindMutating        = "MutatingAdmissionPolicy"
	kindMutatingBinding = "MutatingAdmissionPolicyBinding"
)

// Decides reports whether a kind is one of policies or bindings.
func (p *Policies) Decides(kind schema.GroupKind) bool {
	return foreign(kind) || kind.Group == admissionv1.GroupName &&
		slices.Contains([]string{kindPolicy, kindBinding, kindMutating, kindMutatingBinding}, kind.Kind)
}

// evaluator evaluates the policies of one set.
type evaluator struct {
	validator Validator
	kinds     *kinds
	mutating  generic.Dispatcher[mutating.PolicyHook]
	validate  generic.Dispatcher[validating.PolicyHook]
	matcher   generic.PolicyMatcher

	policies []*policy
	mutators []mutator
	kyverno  []*kyvernoRule
	remarks  []lint.PolicyRemark
	spaces   *namespaces

	mu       sync.Mutex
	repeated map[int]repetition // by the number of the mutating policy
}

// policy is one that validates, with what it needs.
type policy struct {
	of       *lint.Resource
	spec     *admissionv1.ValidatingAdmissionPolicy
	hook     validating.PolicyHook // without bindings
	bindings []binding
	fields   [][]string // which each validation names
	rule     func(i int) string
}

// mutator is a policy that changes objects.
type mutator struct {
	of   *lint.Resource
	hook mutating.PolicyHook
}

// binding says where a policy holds. Of is nil if it is part of the policy.
type binding struct {
	of   *lint.Resource
	spec *admissionv1.ValidatingAdmissionPolicyBinding
}

// Prepare compiles policies. Those that the API server refuses are passed over.
func (p *Policies) Prepare(
	ctx context.Context, all []lint.PolicyObject, objects func(schema.GroupKind) ([]lint.PolicyObject, error),
) (lint.PolicyEvaluator, error) {
	known, err := newKinds(p.validator)
	if err != nil {
		return nil, err
	}
	e := &evaluator{validator: p.validator, kinds: known}
	namespaces, err := objects(schema.GroupKind{Kind: "Namespace"})
	if err != nil {
		return nil, err
	}
	lister := newNamespaces(namespaces)
	e.spaces = lister
	m := matching.NewMatcher(lister, nil)
	e.matcher = generic.NewPolicyMatcher(m)
	e.validate = validating.NewDispatcher(allowAll, e.matcher)
	e.mutating = mutating.NewDispatcher(allowAll, m, typeConverters{})
	params := &parameters{kinds: known, objects: objects, informers: map[schema.GroupVersionKind]*informer{}}
	for i := range all {
		if err := e.add(&all[i], params); err != nil {
			return nil, err
		}
	}
	if err := e.addForeign(ctx, all, params); err != nil {
		return nil, err
	}
	for i := range all {
		if err := e.bind(&all[i]); err != nil {
			return nil, err
		}
	}
	e.policies = slices.DeleteFunc(e.policies, func(p *policy) bool { return len(p.bindings) == 0 })
	e.mutators = slices.DeleteFunc(e.mutators, func(m mutator) bool { return len(m.hook.Bindings) == 0 })
	return e, nil
}

// allowAll answers what policies ask of the authorizer: an administrator creates the objects.
var allowAll authorizer.UnconditionalAuthorizer = authorizerfactory.NewAlwaysAllowAuthorizer()

// add compiles an object that is a policy.
func (e *evaluator) add(o *lint.PolicyObject, params *parameters) error {
	if !o.Accepted {
		return nil
	}
	switch o.Object.Kind {
	case kindPolicy:
		spec := &admissionv1.ValidatingAdmissionPolicy{}
		if err := decode(o.Value, spec); err != nil {
			return err
		}
		p := e.addPolicy(o.Resource, spec)
		return params.find(spec.Spec.ParamKind, &p.hook.ParamInformer, &p.hook.ParamScope, &p.hook.ConfigurationError)
	case kindMutating:
		spec := &admissionv1.MutatingAdmissionPolicy{}
		if err := decode(o.Value, spec); err != nil {
			return err
		}
		h := mutating.PolicyHook{Policy: spec, Evaluator: policies.Mutating(spec)}
		if err := params.find(spec.Spec.ParamKind, &h.ParamInformer, &h.ParamScope, &h.ConfigurationError); err != nil {
			return err
		}
		e.mutators = append(e.mutators, mutator{o.Resource, h})
	}
	return nil
}

// addPolicy compiles a policy.
func (e *evaluator) addPolicy(of *lint.Resource, spec *admissionv1.ValidatingAdmissionPolicy) *policy {
	p := &policy{
		of: of, spec: spec, rule: func(i int) string { return fmt.Sprintf("spec.validations[%d].expression", i) },
	}
	p.hook = validating.PolicyHook{Policy: spec, Evaluator: policies.Validating(spec)}
	p.fields = fieldsOf(&spec.Spec)
	e.policies = append(e.policies, p)
	return p
}

// bind adds an object that is a binding to its policy.
func (e *evaluator) bind(o *lint.PolicyObject) error {
	if !o.Accepted {
		return nil
	}
	switch o.Object.Kind {
	case kindBinding:
		spec := &admissionv1.ValidatingAdmissionPolicyBinding{}
		if err := decode(o.Value, spec); err != nil {
			return err
		}
		for _, p := range e.policies {
			if p.of.Object.Kind == kindPolicy && p.spec.Name == spec.Spec.PolicyName {
				p.bindings = append(p.bindings, binding{o.Resource, spec})
			}
		}
	case kindMutatingBinding:
		spec := &admissionv1.MutatingAdmissionPolicyBinding{}
		if err := decode(o.Value, spec); err != nil {
			return err
		}
		for i := range e.mutators {
			if h := &e.mutators[i].hook; h.Policy.Name == spec.Spec.PolicyName {
				h.Bindings = append(h.Bindings, spec)
			}
		}
	}
	return nil
}

// decode reads a stored object. All served versions of the policies have the same fields.
func decode(value map[string]any, into metav1.Object) error {
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(value, into); err != nil {
		return fmt.Errorf("reading policy %v: %w", value["metadata"], err)
	}
	return nil
}

// Remarks returns what is to be said of the policies themselves.
func (e *evaluator) Remarks() []lint.PolicyRemark { return e.remarks }
