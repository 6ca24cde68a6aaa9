package lint_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation"
)

// TestUpdates holds the findings about changes against testdata/updates.txt: cases are separated by ====, files begin
// with "--- old" or "--- new" and a name, and the findings stand at the end, each in lines that begin with =>.
func TestUpdates(t *testing.T) {
	const name = "testdata/updates.txt"
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var rewritten []string
	for _, c := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n====\n") {
		text, _, _ := strings.Cut(c, "\n=> ")
		for _, line := range findingsOf(t, text+"\n") {
			text += "\n=> " + line
		}
		rewritten = append(rewritten, text)
		if text != c && os.Getenv("UPDATE") == "" {
			t.Errorf("got\n%s\nwant\n%s", text, c)
		}
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(name, []byte(strings.Join(rewritten, "\n====\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// findingsOf lints the new files of a case against the old ones, and returns the findings.
func findingsOf(t *testing.T, text string) (lines []string) {
	t.Helper()
	var base []*manifest.Document
	files := map[string]string{}
	o := lint.Options{Linked: schema.Latest, All: lint.OwnRules}
	for _, part := range strings.Split(text, "\n--- ")[1:] {
		head, body, _ := strings.Cut(part, "\n")
		side, name, _ := strings.Cut(head, " ")
		if name == "" {
			name = "a.yaml"
		}
		if side == "old" {
			docs, _ := manifest.Read(source.NewFile("old/"+name, []byte(body)), manifest.DefaultLimits)
			base = append(base, docs...)
			continue
		}
		files[name] = body
		o.Files = append(o.Files, name)
	}
	o.Base = lint.NewBase(base)
	o.Read = func(name string) ([]byte, error) { return []byte(files[name]), nil }
	var err error
	if o.Validator, err = validation.New(); err != nil {
		t.Fatal(err)
	}
	if o.Rules, err = lint.Select(lint.OwnRules, "none", nil); err != nil {
		t.Fatal(err)
	}
	res, err := lint.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range res.Diagnostics {
		lines = append(lines, summary(&res.Diagnostics[i])...)
	}
	if len(lines) == 0 {
		lines = []string{"nothing"}
	}
	return lines
}

// summary returns a finding with its places.
func summary(d *diag.Diagnostic) []string {
	if d.Rule == "object-duplicate" {
		return nil
	}
	lines := []string{fmt.Sprintf("%s %s: %s", d.Range, d.Rule, d.Text())}
	for _, r := range d.Related {
		lines = append(lines, fmt.Sprintf("   %s %s", r.Range, r.Message))
	}
	if d.Rule == "update-refused" {
		lines = append(lines, "   "+d.Help)
	}
	return lines
}
