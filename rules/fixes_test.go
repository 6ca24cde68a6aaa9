package rules_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/rules"
)

// TestFixes makes the fixes that rules offer for their bad examples, and judges again: the finding is gone, the API
// server accepts what is left, and comments and other lines are as they were.
func TestFixes(t *testing.T) {
	fixed := 0
	for _, r := range rules.All() {
		bad, _ := rules.Example(r.Name)
		text := strings.ReplaceAll(bad, "kind: ", "# kept above\nkind: ")
		if !slices.ContainsFunc(
			ofRule(find(t, text, "none,"+r.Name), r), func(d diag.Diagnostic) bool { return len(d.Fixes) > 0 },
		) {
			continue
		}
		fixed++
		t.Run(r.Name, func(t *testing.T) { checkFix(t, r, text) })
	}
	t.Logf("%d rules have fixes", fixed)
	if fixed < 30 {
		t.Errorf("%d rules have fixes, want 30 or more", fixed)
	}
}

func checkFix(t *testing.T, r *lint.Rule, text string) {
	after := text
	for range 4 { // fixes at one place are made one after another
		fixed, made, err := lint.FixFileUnsafe("a.yaml", []byte(after), ofRule(find(t, after, "none,"+r.Name), r))
		if err != nil {
			t.Fatal(err)
		}
		if after = string(fixed); made == 0 {
			break
		}
	}
	for _, d := range find(t, after, "none,"+r.Name) {
		if d.Rule == r.Name || d.Severity == diag.Error {
			t.Errorf("still found: %s: %s\n%s", d.Rule, d.Text(), after)
		}
	}
	changed := 0
	kept := strings.Split(after, "\n")
	for line := range strings.Lines(text) {
		if i := slices.Index(kept, strings.TrimSuffix(line, "\n")); i >= 0 {
			kept = slices.Delete(kept, i, i+1)
			continue
		}
		changed++
		if strings.HasPrefix(line, "#") {
			t.Errorf("the comment %q is gone", line)
		}
	}
	if changed > 4 {
		t.Errorf("%d lines are not as they were:\n%s", changed, after)
	}
}

func ofRule(found []diag.Diagnostic, r *lint.Rule) []diag.Diagnostic {
	return slices.DeleteFunc(found, func(d diag.Diagnostic) bool { return d.Rule != r.Name })
}
