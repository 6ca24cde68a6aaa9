package validation

import (
	"testing"

	apiextensionsscheme "k8s.io/apiextensions-apiserver/pkg/apiserver"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/common"
	"k8s.io/apiserver/pkg/cel/openapi"
	"k8s.io/apiserver/pkg/cel/openapi/resolver"
	k8sscheme "k8s.io/client-go/kubernetes/scheme"
	generated "k8s.io/kubernetes/pkg/generated/openapi"

	"github.com/seatrial/seatrial/schema"
)

// TestSchemasAreThoseOfTheServer compares the types that expressions see with those of the API server's own schemas.
func TestSchemasAreThoseOfTheServer(t *testing.T) {
	server := resolver.NewDefinitionsSchemaResolver(
		generated.GetOpenAPIDefinitions, k8sscheme.Scheme, apiextensionsscheme.Scheme,
	)
	store, err := schema.Open(schema.Latest)
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, k := range store.Kinds() {
		gvk := kschema.GroupVersionKind(k.GVK)
		want, err := server.ResolveSchema(gvk)
		if err != nil {
			continue // of another server, such as the aggregator's
		}
		got, err := Schemas().ResolveSchema(gvk)
		if err != nil {
			t.Errorf("%v: %v", gvk, err)
			continue
		}
		compared++
		declared := func(r common.Schema) *apiservercel.DeclType { return common.SchemaDeclType(r, true) }
		sameType(t, k.GVK.Kind, declared(&openapi.Schema{Schema: got}), declared(&openapi.Schema{Schema: want}))
	}
	if compared < 90 {
		t.Errorf("%d kinds were compared", compared)
	}
}

func sameType(t *testing.T, path string, got, want *apiservercel.DeclType) {
	if got == nil || want == nil {
		if got != want {
			t.Errorf("%s: %v, the server has %v", path, got, want)
		}
		return
	}
	if got.CelType().String() != want.CelType().String() || len(got.Fields) != len(want.Fields) {
		t.Errorf("%s: %s with %d fields, the server has %s with %d", path, got.CelType(), len(got.Fields), want.CelType(),
			len(want.Fields))
		return
	}
	for name, f := range want.Fields {
		if got.Fields[name] == nil {
			t.Errorf("%s.%s is missing", path, name)
		} else {
			sameType(t, path+"."+name, got.Fields[name].Type, f.Type)
		}
	}
	if want.ElemType != nil && got.ElemType != nil {
		sameType(t, path+"[]", got.ElemType, want.ElemType)
	}
}
