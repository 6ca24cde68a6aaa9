package rules_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/internal/diag"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/rules"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/validation"
)

// find lints one text with the rules of an expression.
func find(t testing.TB, text, expr string) []diag.Diagnostic {
	t.Helper()
	judge, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	all := append(append([]*lint.Rule{}, lint.OwnRules...), rules.All()...)
	selection, err := lint.Select(all, expr, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := lint.Run(context.Background(), lint.Options{
		Files: []string{"a.yaml"}, Read: func(string) ([]byte, error) { return []byte(text), nil },
		Judge: judge, Linked: "v" + schema.Latest, Versions: []string{schema.Latest}, Rules: selection, All: all,
	})
	if err != nil {
		t.Fatal(err)
	}
	return res.Diagnostics
}

// TestExamples proves the documentation: the bad example of each rule is found by it, the good one
// is not, and an API server accepts both.
func TestExamples(t *testing.T) {
	for _, r := range rules.All() {
		t.Run(r.Name, func(t *testing.T) {
			bad, good := rules.Example(r.Name)
			if bad == "" || good == "" {
				t.Fatal("no example")
			}
			found := 0
			for _, d := range find(t, bad, r.Name) {
				if d.Severity == diag.Error {
					t.Errorf("bad example: %s", d.Message)
				}
				if d.Rule == r.Name {
					found++
					if d.Detail == "" && len(d.Related) == 0 && d.Message == "" {
						t.Error("finding without help")
					}
				}
			}
			if found == 0 {
				t.Error("the bad example is not found")
			}
			for _, d := range find(t, good, r.Name) {
				if d.Severity == diag.Error || d.Rule == r.Name {
					t.Errorf("good example: %s: %s", d.Rule, d.Message)
				}
			}
		})
	}
}

var want = regexp.MustCompile(`([a-z0-9-]+) "((?:[^"\\]|\\.)*)"`)

// TestNearMisses holds the rules against testdata, where a comment `# want RULE "regexp"` stands
// on the line of each finding. All rules run; those that a file is not about are left out by
// its first line, `# rules: EXPRESSION`.
func TestNearMisses(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no test data", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			text := string(data)
			lines := strings.Split(text, "\n")
			expr, ok := strings.CutPrefix(lines[0], "# rules: ")
			if !ok {
				t.Fatal("the first line does not name the rules")
			}
			expected := map[int][]string{}
			for i, line := range lines {
				if _, comment, ok := strings.Cut(line, "# want "); ok {
					for _, m := range want.FindAllStringSubmatch(comment, -1) {
						expected[i+1] = append(expected[i+1], m[1]+" "+m[2])
					}
				}
			}
			for _, d := range find(t, text, expr) {
				line := d.Range.Start.Line
				at := -1
				for i, e := range expected[line] {
					rule, pattern, _ := strings.Cut(e, " ")
					if rule == d.Rule && regexp.MustCompile(pattern).MatchString(d.Message) {
						at = i
						break
					}
				}
				if at < 0 {
					t.Errorf("%s:%d: unexpected %s: %s", name, line, d.Rule, d.Message)
					continue
				}
				expected[line] = append(expected[line][:at], expected[line][at+1:]...)
			}
			for line, rest := range expected {
				for _, e := range rest {
					t.Errorf("%s:%d: not found: %s", name, line, e)
				}
			}
		})
	}
}

// TestSetRulesScale counts the work of the rules that look at the whole set: ten times as many
// objects must not cost much more than ten times as much.
func TestSetRulesScale(t *testing.T) {
	small := testing.Benchmark(func(b *testing.B) { benchmarkSet(b, 100) })
	large := testing.Benchmark(func(b *testing.B) { benchmarkSet(b, 1000) })
	if a, z := small.AllocsPerOp(), large.AllocsPerOp(); z > 13*a {
		t.Errorf("100 applications take %d allocations, 1000 take %d", a, z)
	}
}

func BenchmarkSet1000(b *testing.B) { benchmarkSet(b, 1000) }

// benchmarkSet lints applications of a Deployment, a Service and a budget each, in one namespace.
func benchmarkSet(b *testing.B, applications int) {
	bad, _ := rules.Example("pdb-selects-no-pods")
	_, service := rules.Example("service-selects-no-pods")
	_, service, _ = strings.Cut(service, "---\n")
	var text strings.Builder
	for i := range applications {
		app := bad + "---\n" + service
		app = strings.ReplaceAll(app, "name: web\n", fmt.Sprintf("name: web-%d\n", i))
		text.WriteString(strings.ReplaceAll(app, "app: we", fmt.Sprintf("app: n%d-we", i)) + "---\n")
	}
	b.ReportAllocs()
	for b.Loop() {
		find(b, text.String(), "references,availability")
	}
}
