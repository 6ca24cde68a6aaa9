package rules_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/rules"
)

const docsFile = "../docs/rules.md"

// TestDocs keeps docs/rules.md true; UPDATE=1 writes it.
func TestDocs(t *testing.T) {
	text := markdown()
	if os.Getenv("UPDATE") != "" {
		if err := os.MkdirAll("../docs", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(docsFile, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(docsFile)
	if err != nil || string(have) != text {
		t.Errorf("%s is stale: run make update (%v)", docsFile, err)
	}
}

// TestRulesAreDocumented checks what every rule must tell.
func TestRulesAreDocumented(t *testing.T) {
	seen := map[string]bool{}
	categories := map[string]bool{}
	for _, c := range lint.Categories {
		categories[c.Name] = true
	}
	for _, r := range everyRule() {
		switch {
		case seen[r.Name]:
			t.Errorf("%s is there twice", r.Name)
		case r.Title == "" || r.Doc == "" || r.Severity == 0 || !categories[r.Category]:
			t.Errorf("%s lacks a title, a text, a severity or a category", r.Name)
		case strings.HasSuffix(r.Title, ".") || !strings.HasSuffix(strings.TrimSpace(r.Doc), "."):
			t.Errorf("%s: a title has no full stop, a text has one", r.Name)
		}
		seen[r.Name] = true
	}
}

func everyRule() []*lint.Rule { return append(append([]*lint.Rule{}, lint.OwnRules...), rules.All()...) }

func markdown() string {
	var b strings.Builder
	b.WriteString("# Rules of `seatrial lint`\n\n" +
		"Made from the rules themselves by `make update`; a test keeps it true. `seatrial rules RULE` shows the same in the terminal.\n\n" +
		"The verdict rules say what an API server refuses; they always run. The others are advice: `--rules` chooses them by name or by preset " +
		"(the headings below are the presets), `.seatrial.yaml` sets their severity, and `# seatrial:ignore RULE reason` on or above a line silences one finding.\n\n")
	for _, c := range lint.Categories {
		fmt.Fprintf(&b, "- [%s](#%s): %s\n", c.Name, c.Name, c.Doc)
	}
	for _, c := range lint.Categories {
		fmt.Fprintf(&b, "\n## %s\n\n| rule | severity | finds |\n|---|---|---|\n", c.Name)
		var of []*lint.Rule
		for _, r := range everyRule() {
			if r.Category == c.Name {
				of = append(of, r)
			}
		}
		for _, r := range of {
			note := ""
			if r.Optional {
				note = " (only when asked for)"
			}
			fmt.Fprintf(&b, "| [%s](#%s) | %s%s | %s |\n", r.Name, r.Name, r.Severity, note, r.Title)
		}
		for _, r := range of {
			fmt.Fprintf(&b, "\n### %s\n\n%s\n", r.Name, strings.TrimSpace(r.Doc))
			if r.URL != "" {
				fmt.Fprintf(&b, "\nRead on: <%s>\n", r.URL)
			}
			if bad, good := rules.Example(r.Name); bad != "" {
				fmt.Fprintf(&b, "\nFound:\n\n```yaml\n%s```\n\nNot found:\n\n```yaml\n%s```\n", bad, good)
			}
		}
	}
	return b.String()
}
