package review_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/seatrial/seatrial/internal/review"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation"
)

// side judges the objects of a text.
func side(t *testing.T, name, text string) *review.Side {
	t.Helper()
	if text == "" {
		return nil
	}
	v, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	docs, findings := manifest.Read(source.NewFile(name, []byte(text)), manifest.DefaultLimits)
	if len(findings) > 0 {
		t.Fatalf("%s: %v", name, findings[0])
	}
	s := &review.Side{}
	for _, d := range docs {
		gvk := schema.FromAPIVersionAndKind(d.Object.APIVersion, d.Object.Kind)
		namespace := d.Object.Namespace
		if namespace == "" {
			namespace = "default"
		}
		if gvk.Kind == "CustomResourceDefinition" {
			s.Objects = append(s.Objects, review.NewObject(d, v.AddCRD(context.Background(), d.JSON), d.Range()))
			continue
		}
		answer := v.Create(context.Background(), gvk, d.JSON, namespace)
		if len(answer.Causes) > 0 && !strings.HasPrefix(gvk.Group, "example") {
			t.Errorf("%s: %s: %v", name, d.Object, answer.Causes)
		}
		s.Objects = append(s.Objects, review.NewObject(d, answer, d.Range()))
	}
	return s
}

// TestCompare reviews the changes of testdata/*.txtar: from old.yaml to new.yaml, with a tool that prunes unless there
// is a file "left". UPDATE=1 rewrites what is expected.
func TestCompare(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text := map[string]string{}
			for _, f := range archive.Files {
				text[f.Name] = string(f.Data)
			}
			fate := review.Fate{Outcome: review.Pruned, Why: "prune"}
			if _, left := text["left"]; left {
				fate = review.Fate{Outcome: review.Left, Why: "apply"}
			}
			report := review.Compare(review.Input{Environments: []*review.Environment{{
				Name: "prod", Old: side(t, "old.yaml", text["old.yaml"]), New: side(t, "new.yaml", text["new.yaml"]),
				Fate: func(*review.Object) review.Fate { return fate },
			}}})
			got := told(report)
			if got == text["want"] {
				return
			}
			if os.Getenv("UPDATE") == "" {
				t.Errorf("got\n%s\nwant\n%s", got, text["want"])
				return
			}
			archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
			archive.Files = append(archive.Files, txtar.File{Name: "want", Data: []byte(got)})
			if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// told writes a report for comparison.
func told(r *review.Report) string {
	var b strings.Builder
	for _, e := range r.Environments {
		fmt.Fprintf(&b, "risk %s: %s\n", e.Risk, strings.Join(e.Reasons, "; "))
	}
	for _, c := range r.Changes {
		fmt.Fprintf(&b, "%s %s", c.Action, c.Object)
		if c.Was.Name != "" {
			fmt.Fprintf(&b, ", was %s", c.Was)
		}
		if c.Fate != "" {
			fmt.Fprintf(&b, " (%s)", c.Fate)
		}
		b.WriteString("\n")
		for _, f := range c.Fields {
			defaulted := ""
			if f.Defaulted {
				defaulted = " (defaulted)"
			}
			fmt.Fprintf(&b, "  %s: %q -> %q%s\n", f.Path, f.Before, f.After, defaulted)
			for _, line := range f.Lines {
				fmt.Fprintf(&b, "    %s\n", line)
			}
		}
	}
	for _, c := range r.Consequences {
		fmt.Fprintf(&b, "%s, %s: %s: %s\n", c.Kind, c.Risk, c.Object, c.Message)
		for _, d := range c.Details {
			fmt.Fprintf(&b, "  %s\n", d)
		}
	}
	for _, s := range r.Totals {
		fmt.Fprintf(&b, "total %s: %v -> %v\n", s.Namespace, s.Before, s.After)
	}
	return b.String()
}

// TestKindsAreDocumented holds the sorts of consequences against the schema, the documentation and the cases.
func TestKindsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/review.md")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("../../docs/review-report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Defs struct {
			Consequence struct {
				Properties struct{ Kind struct{ Enum []string } }
			}
		} `json:"$defs"`
	}
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, k := range review.Kinds {
		names = append(names, k.Name)
		if !strings.Contains(string(page), "\n| `"+k.Name+"` |") || k.Doc == "" {
			t.Errorf("%s has no row in docs/review.md", k.Name)
		}
	}
	if !slices.Equal(names, schema.Defs.Consequence.Properties.Kind.Enum) {
		t.Errorf("the schema has the kinds %q, want %q", schema.Defs.Consequence.Properties.Kind.Enum, names)
	}
}
