package lint_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/explain"
	"github.com/seatrial/seatrial/schema"
)

// TestMistypedFields puts a value of another type into each field of the kinds that people write, and misspells each,
// one at a time. There is one finding, it has a way out, and its words are no Go.
func TestMistypedFields(t *testing.T) {
	store, err := schema.Open(schema.Latest)
	if err != nil {
		t.Fatal(err)
	}
	var documents, names []string
	for _, kind := range []string{
		"deployment", "service", "cronjob", "networkpolicy", "persistentvolumeclaim", "role",
	} {
		subject, err := explain.Find(store, kind, "")
		if err != nil {
			t.Fatal(err)
		}
		text, err := subject.Example()
		if err != nil {
			t.Fatal(err)
		}
		mistype(t, text, func(name, document string) {
			names, documents = append(names, kind+" "+name), append(documents, document)
		})
	}
	found := map[int][]string{}
	for _, d := range verdicts(t, strings.Join(documents, "---\n")) {
		switch {
		case d.Rule == "object-duplicate":
			continue
		case d.Help == "":
			t.Errorf("%s: no help: %s", names[d.Document-1], d.Text())
		case strings.Contains(d.Message, "Go struct"):
			t.Errorf("%s: %s", names[d.Document-1], d.Message)
		}
		found[d.Document] = append(found[d.Document], d.Text())
	}
	for i, name := range names {
		if len(found[i+1]) != 1 {
			t.Errorf("%s: %d findings: %s", name, len(found[i+1]), strings.Join(found[i+1], "; "))
		}
	}
	if len(names) < 150 {
		t.Errorf("only %d documents", len(names))
	}
}

// mistype calls add for each way to break one field of a document.
func mistype(t *testing.T, text string, add func(name, document string)) {
	var root map[string]any
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		t.Fatal(err)
	}
	emit := func(name string) {
		document, err := json.MarshalIndent(root, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		add(name, string(document)+"\n")
	}
	var visit func(path string, v any)
	visit = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				at, was := path+"."+key, v[key]
				if at == ".apiVersion" || at == ".kind" || strings.HasPrefix(at, ".metadata") ||
					strings.Contains(at, "abels.") || strings.Contains(at, ".selector.") {
					continue
				}
				for _, wrong := range []any{"web", 80.0, true, []any{was}, map[string]any{"web": "web"}} {
					if fmt.Sprintf("%T", wrong) == fmt.Sprintf("%T", was) || strings.HasSuffix(at, "targetPort") ||
						strings.HasSuffix(at, "storage") {
						continue
					}
					v[key] = wrong
					emit(fmt.Sprintf("%s: %v", at, wrong))
				}
				if len(key) > 4 {
					delete(v, key)
					v[key[:2]+key[3:]] = was
					emit(at + " misspelt")
					delete(v, key[:2]+key[3:])
				}
				v[key] = was
				visit(at, was)
			}
		case []any:
			for i, it := range v {
				visit(fmt.Sprintf("%s[%d]", path, i), it)
			}
		}
	}
	visit("", root)
}
