package catalogue

import (
	"encoding/json"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// TestFromJSONSchema makes definitions of what generators of JSON schemas write.
func TestFromJSONSchema(t *testing.T) {
	data := `{
	  "$schema": "http://json-schema.org/draft-07/schema#",
	  "properties": {
	    "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"},
	    "spec": {
	      "type": "object", "additionalProperties": false, "required": ["port"],
	      "properties": {
	        "port": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
	        "size": {"type": ["number", "string"]},
	        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
	        "open": {"type": "object", "properties": {"a": {"type": ["string", "null"]}}},
	        "any": {"$ref": "#/definitions/any"},
	        "list": {"type": "array"},
	        "choice": {"type": "string", "enum": ["a", "b"], "anyOf": [{"required": ["x"]}]}
	      }
	    }
	  }
	}`
	out, err := FromJSONSchema("example.com", "v1", "Policy", []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := json.Unmarshal(out, &crd); err != nil {
		t.Fatal(err)
	}
	if crd.Name != "policies.example.com" || crd.Spec.Names.Kind != "Policy" || crd.Spec.Versions[0].Name != "v1" {
		t.Errorf("defines %s, %+v", crd.Name, crd.Spec.Names)
	}
	spec := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
	got, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"type":"object","required":["port"],"properties":{` +
		`"any":{"x-kubernetes-preserve-unknown-fields":true},` +
		`"choice":{"type":"string","enum":["a","b"],"anyOf":[{"required":["x"]}]},` +
		`"labels":{"type":"object","additionalProperties":{"type":"string"}},` +
		`"list":{"type":"array","items":{"x-kubernetes-preserve-unknown-fields":true}},` +
		`"open":{"type":"object","properties":{"a":{"type":"string","nullable":true}},"x-kubernetes-preserve-unknown-fields":true},` +
		`"port":{"x-kubernetes-int-or-string":true},` +
		`"size":{"x-kubernetes-int-or-string":true}}}`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, broken := range []string{"no", "[]", "{}"} {
		if _, err := FromJSONSchema("example.com", "v1", "Policy", []byte(broken)); err == nil ||
			!strings.Contains(err.Error(), "JSON schema") {
			t.Errorf("%s: %v", broken, err)
		}
	}
}
