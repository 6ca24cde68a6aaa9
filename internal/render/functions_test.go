package render

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestTemplatesMayCallTheFunctionsThatAreListed asks helm's engine, which refuses a template with an unknown function.
func TestTemplatesMayCallTheFunctionsThatAreListed(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n")
	refused := func(names ...string) string {
		var b strings.Builder
		for _, name := range names {
			b.WriteString("{{ if false }}{{ " + name + " }}{{ end }}\n")
		}
		write("templates/a.yaml", b.String())
		tree := Discover([]string{dir}, nil)
		if len(tree.Sources) != 1 {
			t.Fatalf("%d sources", len(tree.Sources))
		}
		for _, f := range tree.Sources[0].Render(tree.Sources[0].Variants[0],
			Options{KubernetesVersion: "1.37"}).Findings {
			if strings.Contains(f.Message, "not defined") {
				return f.Message
			}
		}
		return ""
	}
	keywords := []string{"block", "define", "else", "end", "if", "range", "template", "with"}
	called := slices.DeleteFunc(TemplateFunctions(), func(name string) bool { return slices.Contains(keywords, name) })
	if got := refused(called...); got != "" {
		t.Error(got)
	}
	for _, name := range []string{"env", "expandenv"} {
		if slices.Contains(called, name) {
			t.Errorf("%s is listed", name)
		}
		if refused(name) == "" {
			t.Errorf("%s is accepted by helm, and not listed", name)
		}
	}
}
