package admission_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/klog/v2"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/policy/admission"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/rules"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation"
)

// find lints a text with the rules about policies.
func find(t *testing.T, text string) []diag.Diagnostic {
	t.Helper()
	v, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Concat(lint.OwnRules, lint.PolicyRules)
	selection, err := lint.Select(all, "none,custom", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := lint.Run(t.Context(), lint.Options{
		Files: []string{"a.yaml"}, Read: func(string) ([]byte, error) { return []byte(text), nil },
		Validator: v, Policies: admission.New(v), Linked: schema.Latest, Rules: selection, All: all,
	})
	if err != nil {
		t.Fatal(err)
	}
	return res.Diagnostics
}

// TestCases holds what policies have against the objects of each file of testdata against its lines of `# want`, which
// stand after the findings of rules that they expect: severity, object, path and message.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var want, got []string
			for line := range strings.Lines(string(data)) {
				if text, ok := strings.CutPrefix(line, "# want "); ok {
					want = append(want, strings.TrimSpace(text))
				}
			}
			for _, d := range find(t, string(data)) {
				got = append(got, fmt.Sprintf("%s %s %s: %s", d.Severity, d.Object.Name, d.Path, d.Message))
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// TestRefusesWhatTheServerRefuses creates the same sets in an API server: it refuses the objects, and the pods, of
// which lint says so.
func TestRefusesWhatTheServerRefuses(t *testing.T) {
	klog.SetLogger(logr.Discard())
	files, err := filepath.Glob("testdata/kubernetes-*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lints := map[string]bool{}
		for _, d := range find(t, string(data)) {
			if d.Rule == "admission-policy" && d.Severity == diag.Error {
				lints[key(d.Object.Kind, d.Object.Namespace, d.Object.Name)+pods[strings.Contains(
					d.Message, "refuses the pods",
				)]] = true
			}
		}
		docs, _ := manifest.Read(source.NewFile("a.yaml", data), manifest.DefaultLimits)
		var objects []*unstructured.Unstructured
		for _, d := range docs {
			o := &unstructured.Unstructured{}
			if err := o.UnmarshalJSON(d.JSON); err != nil {
				t.Fatal(err)
			}
			objects = append(objects, o)
		}
		answers, err := cluster.DryRun(t.Context(), nil, objects)
		if err != nil {
			t.Fatal(err)
		}
		for i, a := range answers {
			of := key(objects[i].GetKind(), objects[i].GetNamespace(), objects[i].GetName())
			if (a.Refused != nil) != lints[of] {
				t.Errorf("%s: %s: the server says %v, lint refuses: %v", name, of, a.Refused, lints[of])
			}
			if refused := lints[of+pods[true]]; a.Refused == nil && (a.PodRefused != nil) != refused {
				t.Errorf("%s: pods of %s: the server says %v, lint refuses: %v", name, of, a.PodRefused, refused)
			}
		}
	}
}

var pods = map[bool]string{true: " pods"}

func key(kind, namespace, name string) string {
	return kind + " " + cmp.Or(namespace, "default") + "/" + name
}

// TestExamples proves the examples in the documentation of the rules.
func TestExamples(t *testing.T) {
	for _, r := range lint.PolicyRules {
		bad, good := rules.Example(r.Name)
		found := func(text string) bool {
			return slices.ContainsFunc(find(t, text), func(d diag.Diagnostic) bool { return d.Rule == r.Name })
		}
		if bad == "" || !found(bad) {
			t.Errorf("%s: the bad example is not found", r.Name)
		}
		if good == "" || found(good) {
			t.Errorf("%s: the good example is found", r.Name)
		}
	}
}
