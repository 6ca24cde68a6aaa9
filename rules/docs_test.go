package rules_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
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
			t.Errorf("%s exists twice", r.Name)
		case r.Title == "" || r.Doc == "" || r.Severity == 0 || !categories[r.Category]:
			t.Errorf("%s lacks a title, a text, a severity or a category", r.Name)
		case strings.HasSuffix(r.Title, ".") || !strings.HasSuffix(strings.TrimSpace(r.Doc), "."):
			t.Errorf("%s: a title has no full stop, a text has one", r.Name)
		}
		seen[r.Name] = true
	}
}

func everyRule() []*lint.Rule {
	return slices.Concat(lint.OwnRules, lint.DryRunRules, lint.PolicyRules, rules.All())
}

const introduction = `# Rules of ` + "`seatrial lint`" + `

Made from the rules themselves by ` + "`make update`" +
	`; a test keeps it true, and another one lints every example below. ` + "`seatrial rules RULE`" +
	` shows the same in the terminal.

The verdict rules say what an API server refuses; they always run. The others are advice: ` + "`--rules`" +
	` chooses them by name or by preset (the headings below are the presets), ` +
	"`severities` in `.seatrial.yaml`" + ` changes how grave they are, and ` + "`params`" +
	` sets their parameters; [your own rules](custom-rules.md) are written in CEL. Rules that are not part of the default preset say so. All rules see objects with the server's defaults filled in.

One finding is silenced by a comment on its line or above it, all of an object by an annotation; both give a reason:

` + "```yaml" + `
image: nginx:latest # seatrial:ignore image-tag-latest rebuilt every night
---
metadata:
  annotations:
    seatrial/ignore.image-tag-latest: rebuilt every night
` + "```" + `

`

func markdown() string {
	var b strings.Builder
	b.WriteString(introduction)
	categories := slices.Clone(lint.Categories)
	categories = slices.DeleteFunc(
		categories, func(c struct{ Name, Doc string }) bool { return len(ofCategory(c.Name)) == 0 },
	)
	for _, c := range categories {
		fmt.Fprintf(&b, "- [%s](#%s): %s\n", c.Name, c.Name, c.Doc)
	}
	for _, c := range categories {
		fmt.Fprintf(&b, "\n## %s\n\n| rule | severity | finds |\n|---|---|---|\n", c.Name)
		of := ofCategory(c.Name)
		for _, r := range of {
			note := ""
			if r.Optional {
				note = ", not by default"
			}
			fmt.Fprintf(&b, "| [%s](#%s) | %s%s | %s |\n", r.Name, r.Name, r.Severity, note, r.Title)
		}
		for _, r := range of {
			writeRule(&b, r)
		}
	}
	return b.String()
}

func ofCategory(name string) (of []*lint.Rule) {
	for _, r := range everyRule() {
		if r.Category == name {
			of = append(of, r)
		}
	}
	return of
}

func writeRule(b *strings.Builder, r *lint.Rule) {
	fmt.Fprintf(
		b,
		"\n### %s\n\n%s%s: %s.\n\n%s\n",
		r.Name,
		strings.ToUpper(r.Severity.String()[:1]),
		r.Severity.String()[1:],
		r.Title,
		strings.TrimSpace(r.Doc),
	)
	if r.URL != "" {
		fmt.Fprintf(b, "\nRead on: <%s>\n", r.URL)
	}
	if len(r.Params) > 0 {
		b.WriteString("\nParameters (`params: {" + r.Name + ": {NAME: VALUE}}` in `.seatrial.yaml`):\n\n")
	}
	for _, p := range r.Params {
		value, _ := json.Marshal(p.Default)
		fmt.Fprintf(b, "- `%s`: %s; default `%s`\n", p.Name, p.Doc, value)
	}
	bad, good := rules.Example(r.Name)
	fmt.Fprintf(b, "\nBad:\n\n```yaml\n%s```\n\nGood:\n\n```yaml\n%s```\n", bad, good)
	switch {
	case r.Category == "verdict":
		b.WriteString("\nCannot be suppressed: a cluster would refuse the object.\n")
	case !strings.HasPrefix(r.Name, "suppression-"):
		fmt.Fprintf(b, "\nSuppress: `# seatrial:ignore %s REASON`\n", r.Name)
	}
	if r.Equivalents != "" {
		fmt.Fprintf(b, "\nElsewhere: %s.\n", r.Equivalents)
	}
}

// checkForms are how the checks of other tools look whose names have one form.
var checkForms = map[string]*regexp.Regexp{
	"trivy": regexp.MustCompile(`^KSV\d{3,4}$`), "kubescape": regexp.MustCompile(`^C-\d{4}$`),
	"checkov": regexp.MustCompile(`^CKV2?_K8S_\d+$`), "datree": regexp.MustCompile(`^\d+$`),
	"popeye": regexp.MustCompile(`^\d+$`),
}

// TestEquivalentsAreChecks finds names of checks of other tools that run into what follows.
func TestEquivalentsAreChecks(t *testing.T) {
	seen := map[string]int{}
	for name, names := range lint.Equivalents(everyRule()) {
		tool, check, _ := strings.Cut(name, " ")
		if form := checkForms[tool]; form != nil {
			seen[tool]++
			if !form.MatchString(check) {
				t.Errorf("%v: no check of %s is called %s", names, tool, check)
			}
		}
	}
	if len(seen) != len(checkForms) {
		t.Errorf("names of checks were seen of %v alone", seen)
	}
}
