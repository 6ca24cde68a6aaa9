// Package policies compiles admission policies as the plugins of the API server do, which keep it to themselves.
package policies

import (
	_ "unsafe" // for go:linkname

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
)

// Validating compiles a ValidatingAdmissionPolicy.
func Validating(p *admissionv1.ValidatingAdmissionPolicy) validating.Validator {
	return compileValidating(p)
}

// Mutating compiles a MutatingAdmissionPolicy.
func Mutating(p *admissionv1.MutatingAdmissionPolicy) mutating.PolicyEvaluator {
	return compileMutating(p)
}

//go:linkname compileValidating k8s.io/apiserver/pkg/admission/plugin/policy/validating.compilePolicy
func compileValidating(*admissionv1.ValidatingAdmissionPolicy) validating.Validator

//go:linkname compileMutating k8s.io/apiserver/pkg/admission/plugin/policy/mutating.compilePolicy
func compileMutating(*admissionv1.MutatingAdmissionPolicy) mutating.PolicyEvaluator
