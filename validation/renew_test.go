package validation_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/seatrial/seatrial/validation"
)

// TestRenewedValidatorForgetsTheSet judges by a namespace and a definition of one set, and then without them.
func TestRenewedValidatorForgetsTheSet(t *testing.T) {
	v, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	things := schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Thing"}
	known := func() bool {
		answer := v.Create(
			t.Context(), things, []byte(`{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"a"}}`), "x",
		)
		return answer.Accepted()
	}
	v.AddCRD(t.Context(),
		[]byte(`{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"things.example.com"},
"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"things","kind":"Thing"},"versions":[{"name":"v1","served":true,"storage":true,
"schema":{"openAPIV3Schema":{"type":"object"}}}]}}`))
	if !known() {
		t.Fatal("a kind that a definition defines is refused")
	}
	if len(v.Custom()) != 1 {
		t.Fatalf("custom kinds %v", v.Custom())
	}
	v = v.Renew()
	if known() || len(v.Custom()) != 0 {
		t.Error("the definition of another set is known")
	}
	pod := schema.GroupVersionKind{Version: "v1", Kind: "Pod"}
	if answer := v.Create(
		t.Context(), pod,
		[]byte(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"a"}]}}`), "x",
	); answer.Accepted() {
		t.Error("a Pod without an image is accepted")
	}
}
