package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/seatrial/seatrial/explain"
	"github.com/seatrial/seatrial/manifest"
	apischema "github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation"
)

// TestExamplesAreValid judges the minimal example of every kind that can be created: in the linked
// version by the API server's own validation, in every version by that version's schema.
func TestExamplesAreValid(t *testing.T) {
	judge, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	judged := 0
	for _, version := range apischema.Versions() {
		store, err := apischema.Open(version)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range store.Kinds() {
			if !contains(k.Verbs, "create") {
				continue
			}
			subject, err := explain.Find(store, k.Resource, k.GroupVersion().String())
			if err != nil {
				t.Fatal(err)
			}
			text, err := subject.Example()
			if err != nil {
				t.Fatal(err)
			}
			docs, findings := manifest.Read(source.NewFile("example.yaml", []byte(text)), manifest.DefaultLimits)
			if len(findings) > 0 || len(docs) != 1 {
				t.Errorf("%s %s: %v\n%s", k.GroupVersion(), k.Kind, findings, text)
				continue
			}
			judged++
			if version != apischema.Latest {
				problems, err := k.Validate(docs[0].Value())
				if err != nil || len(problems) > 0 {
					t.Errorf("Kubernetes %s, %s %s: %v %v", version, k.GroupVersion(), k.Kind, problems, err)
				}
				continue
			}
			namespace := "default"
			if docs[0].Object.Namespace != "" {
				namespace = docs[0].Object.Namespace
			}
			gvk := schema.GroupVersionKind{Group: k.Group, Version: k.Version, Kind: k.Kind}
			if v := judge.Create(context.Background(), gvk, docs[0].JSON, namespace); !v.Accepted() {
				t.Errorf("%s %s: %v\n%s", k.GroupVersion(), k.Kind, v.Causes, text)
			}
		}
	}
	t.Logf("%d examples", judged)
	if judged < 900 {
		t.Errorf("only %d examples", judged)
	}
}

func contains(list []string, word string) bool {
	for _, w := range list {
		if w == word {
			return true
		}
	}
	return false
}

// TestChapterLookUps holds the two look-ups that the course chapter prints against ours: the same
// fields, types and texts in the same order; white space may differ.
func TestChapterLookUps(t *testing.T) {
	for text, golden := range map[string]string{
		"deployment": "explain-deployment.txt", "deployment.spec": "explain-deployment-spec.txt",
	} {
		want, err := os.ReadFile(filepath.Join(repo, "testdata/chapter", golden))
		if err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		args := []string{"explain", "--kubernetes-version", "1.25", "-o", "plaintext-openapiv2", text}
		if code := Run(
			t.Context(), args,
			Streams{In: strings.NewReader(""), Out: &out, Err: &errs, Getenv: func(string) string { return "" }},
		); code != exitClean {
			t.Fatal(errs.String())
		}
		if got, want := strings.Join(
			strings.Fields(out.String()), "",
		), strings.Join(strings.Fields(string(want)), ""); got != want {
			t.Errorf("%s\ngot\n%s\nwant\n%s", text, got, want)
		}
	}
}
