package policies_test

import (
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"

	"github.com/seatrial/seatrial/internal/kubernetes/hooks/policies"
)

// TestPoliciesAreCompiled fails when a plugin of the API server compiles its policies elsewhere.
func TestPoliciesAreCompiled(t *testing.T) {
	v := policies.Validating(&admissionv1.ValidatingAdmissionPolicy{Spec: admissionv1.ValidatingAdmissionPolicySpec{
		Validations: []admissionv1.Validation{{Expression: "true"}},
	}})
	if err := v.CompileError(); err != nil {
		t.Error(err)
	}
	m := policies.Mutating(&admissionv1.MutatingAdmissionPolicy{Spec: admissionv1.MutatingAdmissionPolicySpec{
		Mutations: []admissionv1.Mutation{{
			PatchType: admissionv1.PatchTypeJSONPatch, JSONPatch: &admissionv1.JSONPatch{Expression: "[]"},
		}},
	}})
	if m.Error != nil || len(m.Mutators) != 1 {
		t.Error(m.Error, len(m.Mutators))
	}
}
