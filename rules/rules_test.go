package rules_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/rules"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation"
)

// find lints one text with the rules of an expression. Kinds that Kubernetes does not have are let pass.
func find(t testing.TB, text, expr string) []diag.Diagnostic {
	return lintText(t, text, "", expr, []string{"*"})
}

// lintText lints one text as it is, or, if base is not empty, as a change of that.
func lintText(t testing.TB, text, base, expr string, ignoreMissing []string) []diag.Diagnostic {
	t.Helper()
	return lintFor(t, schema.Latest, text, base, expr, ignoreMissing)
}

// lintFor is lintText for a target version.
func lintFor(t testing.TB, version, text, base, expr string, ignoreMissing []string) []diag.Diagnostic {
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
	before, _ := manifest.Read(source.NewFile("a.yaml", []byte(base)), manifest.DefaultLimits)
	if err := selection.Configure(all, paramsOf(t, text), nil); err != nil {
		t.Fatal(err)
	}
	res, err := lint.Run(context.Background(), lint.Options{
		Files: []string{"a.yaml"}, Read: func(string) ([]byte, error) { return []byte(text), nil },
		Base:          lint.NewBase(before),
		IgnoreMissing: ignoreMissing, Validator: judge, Linked: "v" + schema.Latest, Versions: []string{version},
		Rules: selection, All: all, Honor: lint.HonoredTools(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return res.Diagnostics
}

// paramsOf reads the parameters that a comment of a text gives to rules: `# params: {RULE: {NAME: VALUE}}`.
func paramsOf(t testing.TB, text string) lint.ParamSettings {
	t.Helper()
	var all lint.ParamSettings
	for line := range strings.Lines(text) {
		if given, ok := strings.CutPrefix(line, "# params: "); ok {
			if err := yaml.Unmarshal([]byte(given), &all); err != nil {
				t.Fatal(err)
			}
		}
	}
	return all
}

// TestRulesRunOnVersionsThatAreGone: an object in a version that only the target serves is looked at as the version
// that took its place has it, unless that has other fields.
func TestRulesRunOnVersionsThatAreGone(t *testing.T) {
	for text, want := range map[string][]string{
		"apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: a}\nspec: {schedule: '0 4 * * *', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: nginx}]}}}}}\n": {
			"image-tag-latest spec.jobTemplate.spec.template.spec.containers[0].image",
		},
		"apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: a}\nspec: {maxUnavailable: 0, selector: {matchLabels: {app: a}}}\n": {
			"pdb-max-unavailable-zero spec.maxUnavailable",
		},
		"apiVersion: networking.k8s.io/v1beta1\nkind: Ingress\nmetadata: {name: a}\nspec: {rules: [{http: {paths: [{backend: {serviceName: a, servicePort: 80}}]}}]}\n": {
			"ingress-host-wildcard spec.rules[0].host",
		},
		"apiVersion: autoscaling/v2beta1\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\nspec: {minReplicas: 2, maxReplicas: 2, scaleTargetRef: {kind: Deployment, name: a}, metrics: [{type: Resource, resource: {name: cpu, targetAverageUtilization: 80}}]}\n": {
			"hpa-max-not-above-min spec.maxReplicas",
		},
	} {
		var got []string
		for _, d := range lintFor(t, "1.21", text, "", "none,image-tag-latest,pdb-max-unavailable-zero,ingress-host-wildcard,hpa-max-not-above-min", nil) {
			got = append(got, d.Rule+" "+d.Path)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s\nfound %q, want %q", text, got, want)
		}
	}
}

// TestExamples proves the documentation: the bad example of each rule is found by it and by no other
// rule that warns, the good one by none, and an API server accepts both. Advice that is for
// information only, of requests and probes, is left out of examples to keep them short.
func TestExamples(t *testing.T) {
	for _, r := range rules.All() {
		t.Run(r.Name, func(t *testing.T) {
			bad, good := rules.Example(r.Name)
			if bad == "" || good == "" {
				t.Fatal("no example")
			}
			found, base := 0, ""
			if strings.HasPrefix(bad, "# changed from the good one\n") {
				base = good
			}
			for _, d := range lintText(t, bad, base, "default,"+r.Name, []string{"*"}) {
				switch {
				case d.Rule == r.Name:
					found++
				case d.Severity != diag.Info:
					t.Errorf("bad example: %s: %s", d.Rule, d.Message)
				}
			}
			if found == 0 {
				t.Error("the bad example is not found")
			}
			for _, d := range find(t, good, "default,"+r.Name) {
				if d.Severity != diag.Info || d.Rule == r.Name {
					t.Errorf("good example: %s: %s", d.Rule, d.Message)
				}
			}
		})
	}
}

// TestVerdictExamples proves the examples of what package lint finds by itself, whose bad ones an API
// server refuses or warns of.
func TestVerdictExamples(t *testing.T) {
	for _, r := range lint.OwnRules {
		t.Run(r.Name, func(t *testing.T) {
			bad, good := rules.Example(r.Name)
			if bad == "" || good == "" {
				t.Fatal("no example")
			}
			expr := "default"
			if r.Optional {
				expr += "," + r.Name
			}
			findings := lintText(t, bad, good, expr, nil) // the good one is what an update changes
			if !slices.ContainsFunc(findings, func(d diag.Diagnostic) bool { return d.Rule == r.Name }) {
				t.Errorf("the bad example is not found: %v", findings)
			}
			for _, d := range lintText(t, good, "", expr, nil) {
				if d.Severity != diag.Info || d.Rule == r.Name {
					t.Errorf("good example: %s: %s", d.Rule, d.Message)
				}
			}
		})
	}
}

// TestAnnotationsCountTwice: kubectl apply keeps them once more, in its own.
func TestAnnotationsCountTwice(t *testing.T) {
	for size, want := range map[int]bool{120 << 10: false, 140 << 10: true} {
		text := "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: board\n  annotations:\n    note: " +
			strings.Repeat(
				"a",
				size,
			) + "\n"
		found := slices.ContainsFunc(
			find(t, text, "default"),
			func(d diag.Diagnostic) bool { return d.Rule == "apply-annotation-too-long" },
		)
		if found != want {
			t.Errorf("an annotation of %d KiB: found is %v, want %v", size>>10, found, want)
		}
	}
}

// TestExamplesHaveRules finds examples that are left over.
func TestExamplesHaveRules(t *testing.T) {
	files, err := filepath.Glob("examples/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".yaml")
		if !slices.ContainsFunc(everyRule(), func(r *lint.Rule) bool { return r.Name == name }) {
			t.Errorf("%s is an example of no rule", f)
		}
	}
}

var want = regexp.MustCompile(`([a-z0-9-]+) "((?:[^"\\]|\\.)*)"`)

// TestNearMisses holds the rules against testdata, where a comment `# want RULE "regexp"` stands
// on the line of each finding, and nothing else may be found. The first line of a file names the
// rules that it is about: `# rules: EXPRESSION`.
func TestNearMisses(t *testing.T) {
	for name, text := range testdata(t) {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".yaml"), func(t *testing.T) {
			expected := wanted(text)
			for _, d := range lintText(t, text, baseOf(t, text), expressionOf(t, text), []string{"*"}) {
				line := d.Range.Start.Line
				i := slices.IndexFunc(
					expected[line],
					func(e expectation) bool { return e.rule == d.Rule && e.message.MatchString(d.Message) },
				)
				if i < 0 {
					t.Errorf("%s:%d: unexpected %s: %s", name, line, d.Rule, d.Message)
					continue
				}
				expected[line] = slices.Delete(expected[line], i, i+1)
			}
			for line, rest := range expected {
				for _, e := range rest {
					t.Errorf("%s:%d: not found: %s %q", name, line, e.rule, e.message)
				}
			}
		})
	}
}

// TestEveryRuleHasCases finds rules of which testdata does not show what they find and what they let pass.
func TestEveryRuleHasCases(t *testing.T) {
	found, ran := map[string]bool{}, map[string]bool{}
	for _, text := range testdata(t) {
		selection, err := lint.Select(everyRule(), expressionOf(t, text), nil)
		if err != nil {
			t.Fatal(err)
		}
		several := strings.Count(text, "\n---\n") > 0
		for _, r := range selection.Rules {
			ran[r.Name] = ran[r.Name] || several
		}
		for _, list := range wanted(text) {
			for _, e := range list {
				found[e.rule] = true
			}
		}
	}
	for _, r := range rules.All() {
		if !found[r.Name] || !ran[r.Name] {
			t.Errorf(
				"%s: found in testdata: %v, run on documents that it must let pass: %v",
				r.Name,
				found[r.Name],
				ran[r.Name],
			)
		}
	}
}

type expectation struct {
	rule    string
	message *regexp.Regexp
}

func testdata(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no test data", err)
	}
	texts := map[string]string{}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(data)
	}
	return texts
}

func expressionOf(t *testing.T, text string) string {
	t.Helper()
	line, _, _ := strings.Cut(text, "\n")
	expr, ok := strings.CutPrefix(line, "# rules: ")
	if !ok {
		t.Fatal("the first line does not name the rules")
	}
	return expr
}

// baseOf reads what a text is a change of: the file of testdata/base that a comment names, `# base: NAME`; empty if
// there is none.
func baseOf(t *testing.T, text string) string {
	t.Helper()
	for line := range strings.Lines(text) {
		if name, ok := strings.CutPrefix(line, "# base: "); ok {
			data, err := os.ReadFile(filepath.Join("testdata", "base", strings.TrimSpace(name)))
			if err != nil {
				t.Fatal(err)
			}
			return string(data)
		}
	}
	return ""
}

// wanted returns the expectations of a text by line.
func wanted(text string) map[int][]expectation {
	out := map[int][]expectation{}
	for i, line := range strings.Split(text, "\n") {
		_, comment, _ := strings.Cut(line, "# want ")
		for _, m := range want.FindAllStringSubmatch(comment, -1) {
			out[i+1] = append(out[i+1], expectation{m[1], regexp.MustCompile(m[2])})
		}
	}
	return out
}

// TestSetRulesScale counts what the rules that look at the whole set look at: ten times as many
// objects cost ten times as much, whether all is well, or every name leads nowhere.
func TestSetRulesScale(t *testing.T) {
	for _, bad := range []bool{false, true} {
		small, large := looks(t, 100, bad), looks(t, 1000, bad)
		t.Logf("broken %v: %d for 100 applications, %d for 1000", bad, small, large)
		if small == 0 || large > 11*small {
			t.Errorf("broken %v: 100 applications take %d looks, 1000 take %d", bad, small, large)
		}
	}
}

// looks counts how many objects all rules look at in a set of applications, each of a Deployment, a
// Service, an Ingress, a budget, an autoscaler and a policy, in one namespace.
func looks(t *testing.T, applications int, bad bool) int64 {
	return checkSet(t, application(applications, bad)).Looked()
}

// checkSet holds all rules against a set, and gives the set.
func checkSet(t testing.TB, resources []*lint.Resource) *lint.Set {
	t.Helper()
	set := lint.NewSet(resources, nil)
	for _, rule := range rules.All() {
		if rule.CheckSet == nil {
			continue
		}
		for _, r := range set.All {
			if len(rule.Kinds) > 0 && !slices.Contains(rule.Kinds, r.Object.Kind) {
				continue
			}
			if err := rule.CheckSet(&lint.SetPass{Rule: rule, Resource: r, Set: set}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return set
}

func application(n int, bad bool) (all []*lint.Resource) {
	for i := range n {
		name := fmt.Sprintf("app-%d", i)
		wanted := name
		if bad {
			wanted += "-typo"
		}
		object := func(apiVersion, kind string) *lint.Resource {
			r := &lint.Resource{
				Object:   diag.Object{APIVersion: apiVersion, Kind: kind, Namespace: "shop", Name: name},
				SpecPath: "spec.template.spec",
			}
			all = append(all, r)
			return r
		}
		selector := func(r *lint.Resource) {
			r.Selector = &lint.Selector{
				LabelSelector: metav1.LabelSelector{MatchLabels: map[string]string{"app": wanted, "part-of": "shop"}},
				Path:          "spec.selector",
			}
		}
		web := object("apps/v1", "Deployment")
		web.HasPods, web.PodLabels, web.Replicas = true, map[string]string{"app": name, "part-of": "shop"}, new(int32)
		*web.Replicas = 3
		web.Ports = []lint.Port{{Name: "http", Number: 8080, Protocol: "TCP"}}
		web.Refs = []lint.Ref{{Kind: "ConfigMap", Namespace: "shop", Name: wanted, Keys: []lint.Key{{Name: wanted}}}}
		object("v1", "ConfigMap").Keys = []string{name}
		service := object("v1", "Service")
		service.Ports = []lint.Port{{Number: 80, Protocol: "TCP", TargetName: "http"}}
		selector(service)
		selector(object("policy/v1", "PodDisruptionBudget"))
		policy := object("networking.k8s.io/v1", "NetworkPolicy")
		selector(policy)
		policy.Peers = []lint.Selector{*policy.Selector}
		object("networking.k8s.io/v1", "Ingress").Refs = []lint.Ref{
			{Kind: "Service", Namespace: "shop", Name: wanted, Role: "backend", Port: &lint.Port{Number: 80}},
		}
		object("autoscaling/v2", "HorizontalPodAutoscaler").Refs = []lint.Ref{
			{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: wanted, Role: "scaleTargetRef"},
		}
	}
	return all
}

func BenchmarkSet(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			all := application(n, false)
			b.ReportAllocs()
			for b.Loop() {
				checkSet(b, all)
			}
			b.ReportMetric(float64(b.N*len(all))/b.Elapsed().Seconds(), "objects/s")
		})
	}
}
