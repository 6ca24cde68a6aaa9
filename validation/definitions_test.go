package validation_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/seatrial/seatrial/validation"
	"github.com/seatrial/seatrial/validation/verdict"
)

// thing is a definition whose kind Thing, or another one, has a field.
func thing(kind, field, scope string) []byte {
	return fmt.Appendf(nil, `{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": {"name": "%[4]ss.example.com"}, "spec": {"group": "example.com", "scope": %[3]q,
		"names": {"plural": "%[4]ss", "kind": %[1]q}, "versions": [{"name": "v1", "served": true, "storage": true,
		"schema": {"openAPIV3Schema": {"type": "object", "properties": {%[2]q: {"type": "string"}}}}}]}}`, kind, field, scope, strings.ToLower(
		kind,
	))
}

// later is a validator that counts how often it reads definitions which were promised.
type later struct {
	*validation.Validator
	read map[string]int
}

func newLater(t *testing.T, d *validation.Definitions) later {
	t.Helper()
	v, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	v.KeepDefinitions(d)
	return later{v, map[string]int{}}
}

func (l later) promise(kind, field, scope string) {
	doc := thing(kind, field, scope)
	kinds := []verdict.Kind{
		{GVK: schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: kind}, Resource: kind + "s"},
	}
	l.AddCRDLater(kinds, doc, func(ctx context.Context) bool {
		l.read[kind+" "+field]++
		answer := l.AddCRD(ctx, doc)
		return answer.Accepted()
	})
}

func (l later) create(kind, field string) string {
	doc := fmt.Sprintf(`{"apiVersion": "example.com/v1", "kind": %q, "metadata": {"name": "a"}, %q: "x"}`, kind, field)
	gvk := schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: kind}
	answer := l.Create(context.Background(), gvk, []byte(doc), "default")
	text := ""
	for _, c := range answer.Causes {
		text += c.Message + ";"
	}
	return text
}

func (l later) expect(t *testing.T, kind, field, want string, read map[string]int) {
	t.Helper()
	if got := l.create(kind, field); got != want {
		t.Errorf("%s with field %s: got %q, want %q", kind, field, got, want)
	}
	if got := fmt.Sprint(l.read); got != fmt.Sprint(read) {
		t.Errorf("after %s with field %s: read %s, want %v", kind, field, got, read)
	}
}

func TestDefinitionsAreReadWhenTheirKindComes(t *testing.T) {
	v := newLater(t, nil)
	v.promise("Thing", "a", "Namespaced")
	v.promise("Other", "a", "Namespaced")
	v.promise("Broken", "a", "Nowhere")
	if got := len(v.Custom()); got != 3 {
		t.Errorf("%d kinds are known, want 3", got)
	}
	v.expect(t, "Thing", "a", "", map[string]int{"Thing a": 1})
	v.expect(t, "Thing", "b", `unknown field "b";`, map[string]int{"Thing a": 1})
	v.expect(t, "Broken", "a", `no matches for kind "Broken" in version "example.com/v1";`,
		map[string]int{"Thing a": 1, "Other a": 1, "Broken a": 1}) // the kind might be one of theirs, misspelt
	if got := len(v.Custom()); got != 2 {
		t.Errorf("%d kinds are known, want 2", got)
	}
}

func TestTheLastDefinitionOfAKindHolds(t *testing.T) {
	v := newLater(t, nil)
	v.promise("Thing", "a", "Namespaced")
	v.promise("Thing", "b", "Namespaced")
	v.expect(t, "Thing", "a", `unknown field "a";`, map[string]int{"Thing a": 1, "Thing b": 1})
	v = newLater(t, nil)
	v.promise("Thing", "a", "Namespaced")
	v.AddCRD(context.Background(), thing("Thing", "b", "Namespaced"))
	v.expect(t, "Thing", "a", `unknown field "a";`, map[string]int{"Thing a": 1})
}

func TestDefinitionsAreKeptByContent(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "definitions")
	first := &validation.Definitions{Folder: folder, Build: "1"}
	for _, test := range []struct {
		name string
		kept *validation.Definitions
		read map[string]int
	}{
		{"the first time", first, map[string]int{"Thing a": 1}},
		{"by the same process", first, map[string]int{}},
		{"by another process", &validation.Definitions{Folder: folder, Build: "1"}, map[string]int{}},
		{"by another build", &validation.Definitions{Folder: folder, Build: "2"}, map[string]int{"Thing a": 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := newLater(t, test.kept)
			v.promise("Thing", "a", "Namespaced")
			v.expect(t, "Thing", "b", `unknown field "b";`, test.read)
		})
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := filepath.Join(folder, e.Name())
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data[:len(data)-1], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	v := newLater(t, &validation.Definitions{Folder: folder, Build: "1"})
	v.promise("Thing", "a", "Namespaced")
	v.expect(t, "Thing", "b", `unknown field "b";`, map[string]int{"Thing a": 1})
}

func TestRefusedDefinitionsAreNotKept(t *testing.T) {
	kept := &validation.Definitions{Folder: t.TempDir(), Build: "1"}
	for range 2 {
		v := newLater(t, kept)
		v.promise("Broken", "a", "Nowhere")
		v.expect(
			t, "Broken", "a", `no matches for kind "Broken" in version "example.com/v1";`,
			map[string]int{"Broken a": 1},
		)
	}
}

// TestCausesOfCustomResourcesAreInOrder holds the order of causes below a mapping, which the server walks through in an
// order that changes.
func TestCausesOfCustomResourcesAreInOrder(t *testing.T) {
	v, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	answer := v.AddCRD(t.Context(), []byte(`{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
"metadata": {"name": "counts.acme.example.com"}, "spec": {"group": "acme.example.com", "scope": "Namespaced",
"names": {"plural": "counts", "kind": "Count"}, "versions": [{"name": "v1", "served": true, "storage": true,
"schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object",
"additionalProperties": {"type": "integer"}}}}}}]}}`))
	if !answer.Accepted() {
		t.Fatal(answer.Causes)
	}
	gvk := schema.GroupVersionKind{Group: "acme.example.com", Version: "v1", Kind: "Count"}
	doc := []byte(`{"apiVersion": "acme.example.com/v1", "kind": "Count", "metadata": {"name": "a"},
"spec": {"a": "x", "b": "x", "c": "x", "d": "x", "e": "x"}}`)
	for range 30 {
		answer := v.Create(t.Context(), gvk, doc, "default")
		var paths []string
		for _, c := range answer.Causes {
			if strings.HasPrefix(c.Path, "spec.") {
				paths = append(paths, c.Path)
			}
		}
		if len(paths) < 5 || !slices.IsSorted(paths) {
			t.Fatalf("causes at %v, want five in order", paths)
		}
	}
}
