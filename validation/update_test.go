package validation_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation"
)

// TestUpdates holds the verdicts on updates against testdata: an object and what it is to become, each a document, the
// answer in comments "# => " after the second one. Documents that begin with "# definition" define the kinds of others.
func TestUpdates(t *testing.T) {
	files, err := filepath.Glob("testdata/updates/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no test data", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			v := newValidator(t)
			var rewritten []string
			old := ""
			for _, text := range strings.Split(strings.TrimRight(string(data), "\n"), "\n---\n") {
				body, _, _ := strings.Cut(text, "\n# => ")
				switch {
				case strings.HasPrefix(body, "# definition"):
					if answer := judge(t, v, body); answer != "" {
						t.Fatal(answer)
					}
				case old == "":
					old = body
				default:
					for line := range strings.SplitSeq(judgeUpdate(t, v, old, body), "\n") {
						body += "\n# => " + line
					}
					old = ""
				}
				rewritten = append(rewritten, body)
			}
			got := strings.Join(rewritten, "\n---\n") + "\n"
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(data) {
				t.Errorf("%s: the verdicts differ; UPDATE=1 go test rewrites them:\n%s", name, got)
			}
		})
	}
}

// judgeUpdate returns the causes of an update, one a line; "accepted", or "not judged".
func judgeUpdate(t testing.TB, v *validation.Validator, old, now string) string {
	t.Helper()
	before, after := document(t, old), document(t, now)
	gvk := schema.FromAPIVersionAndKind(after.Object.APIVersion, after.Object.Kind)
	answer, judged := v.Update(t.Context(), gvk, before.JSON, after.JSON, "default")
	switch {
	case !judged:
		return "not judged"
	case answer.Accepted():
		return "accepted"
	}
	var out []string
	for _, c := range answer.Causes {
		message, _, _ := strings.Cut(c.Message, "\n")
		out = append(out, fmt.Sprintf("%s %s: %s", c.Reason, c.Path, message[:min(len(message), 200)]))
	}
	return strings.Join(out, "\n")
}

func document(t testing.TB, text string) *manifest.Document {
	t.Helper()
	docs, findings := manifest.Read(source.NewFile("a.yaml", []byte(text)), manifest.DefaultLimits)
	if len(docs) != 1 || len(findings) > 0 {
		t.Fatalf("%d documents, %v\n%s", len(docs), findings, text)
	}
	return docs[0]
}
