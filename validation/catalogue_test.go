package validation_test

import (
	"context"
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/seatrial/seatrial/validation"
)

// TestCatalogue judges by the first release that accepts an object, and reports what the newest one says if none does.
func TestCatalogue(t *testing.T) {
	read := 0
	definition := func(release, field string) validation.Definition {
		return validation.Definition{Release: release, Versions: []string{"v1"}, JSON: func() ([]byte, error) {
			read++
			return fmt.Appendf(nil, `{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
				"metadata": {"name": "things.example.com"}, "spec": {"group": "example.com", "scope": "Namespaced",
				"names": {"plural": "things", "kind": "Thing"}, "versions": [{"name": "v1", "served": true, "storage": true,
				"schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object",
				"properties": {%q: {"type": "string"}}}}}}}]}}`, field), nil
		}}
	}
	v, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	v.SetCatalogue(validation.NewCatalogue(func(group, kind string) []validation.Definition {
		if group != "example.com" || kind != "Thing" {
			return nil
		}
		return []validation.Definition{definition("things v2", "new"), definition("things v1", "old")}
	}))
	create := func(version, field string) string {
		doc := fmt.Sprintf(
			`{"apiVersion": "example.com/%s", "kind": "Thing", "metadata": {"name": "a"}, "spec": {%q: "x"}}`, version,
			field,
		)
		answer := v.Create(
			context.Background(), schema.GroupVersionKind{Group: "example.com", Version: version, Kind: "Thing"},
			[]byte(doc), "default",
		)
		text := answer.Release
		for _, c := range answer.Causes {
			text += ": " + c.Message
		}
		return text
	}
	const unknown = `: no matches for kind "Thing" in version "example.com/v1"`
	if got := create("v1", "new"); got != unknown {
		t.Errorf("before the catalogue is in use: %q", got)
	}
	v.UseCatalogue(func(_, kind string) bool { return kind == "Thing" })
	if got := create("v1", "new"); got != unknown {
		t.Errorf("a kind that is left out: %q", got)
	}
	v.UseCatalogue(func(string, string) bool { return false })
	for _, test := range []struct{ version, field, want string }{
		{"v1", "new", "things v2"},
		{"v1", "old", "things v1"},
		{"v1", "none", `things v2: unknown field "spec.none"`},
		{"v9", "new", `: no matches for kind "Thing" in version "example.com/v9"`},
	} {
		if got := create(test.version, test.field); got != test.want {
			t.Errorf("%s: %q, want %q", test.field, got, test.want)
		}
	}
	if read != 2 {
		t.Errorf("definitions were read %d times", read)
	}
	data, _ := definition("", "own").JSON()
	if answer := v.AddCRD(context.Background(), data); !answer.Accepted() {
		t.Fatal(answer.Causes)
	}
	if got := create("v1", "new"); got != `: unknown field "spec.new"` {
		t.Errorf("with a definition of the set: %q", got)
	}
}
