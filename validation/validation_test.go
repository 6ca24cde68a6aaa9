package validation_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation"
	"github.com/seatrial/seatrial/validation/verdict"
)

func newValidator(t testing.TB) *validation.Validator {
	t.Helper()
	v, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// judge returns the causes and warnings of a manifest, one a line.
func judge(t testing.TB, v *validation.Validator, text string) string {
	t.Helper()
	docs, findings := manifest.Read(source.NewFile("a.yaml", []byte(text)), manifest.DefaultLimits)
	if len(findings) > 0 {
		t.Fatalf("%v\n%s", findings, text)
	}
	var out []string
	for _, d := range docs {
		gvk := schema.FromAPIVersionAndKind(d.Object.APIVersion, d.Object.Kind)
		var a verdict.Verdict
		if d.Object.Kind == "CustomResourceDefinition" {
			a = v.AddCRD(context.Background(), d.JSON)
		} else {
			ns := d.Object.Namespace
			if ns == "" {
				ns = "default"
			}
			a = v.Create(context.Background(), gvk, d.JSON, ns)
		}
		for _, c := range a.Causes {
			out = append(out, fmt.Sprintf("%s %s: %s", c.Reason, c.Path, c.Message))
		}
		for _, w := range a.Warnings {
			out = append(out, "Warning "+w.Path+": "+w.Text)
		}
	}
	return strings.Join(out, "\n")
}

// TestVerdicts holds the verdicts against testdata: documents separated by ---, each
// followed by the answer in comments "# => ".
func TestVerdicts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no test data", err)
	}
	update := os.Getenv("UPDATE") != ""
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			v := newValidator(t)
			var rewritten []string
			for _, doc := range strings.Split(string(data), "\n---\n") {
				var body, want []string
				for _, line := range strings.Split(strings.TrimRight(doc, "\n"), "\n") {
					if w, ok := strings.CutPrefix(line, "# => "); ok {
						want = append(want, w)
					} else {
						body = append(body, line)
					}
				}
				got := judge(t, v, strings.Join(body, "\n"))
				if got == "" {
					got = "accepted"
				}
				if got != strings.Join(want, "\n") && !update {
					t.Errorf("%s\ngot\n%s\nwant\n%s", strings.Join(body, "\n"), got, strings.Join(want, "\n"))
				}
				rewritten = append(
					rewritten,
					strings.Join(body, "\n")+"\n# => "+strings.ReplaceAll(got, "\n", "\n# => "),
				)
			}
			if update {
				if err := os.WriteFile(name, []byte(strings.Join(rewritten, "\n---\n")+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: nginx-deploy
spec:
  replicas: 2
  selector:
    matchLabels:
      app: nginx
  template:
    metadata:
      labels:
        app: nginx
    spec:
      containers:
      - name: nginx
        image: nginx:1.7.9
        ports:
        - containerPort: 80
`

func BenchmarkCreateDeployment(b *testing.B) {
	v := newValidator(b)
	docs, _ := manifest.Read(source.NewFile("a.yaml", []byte(deployment)), manifest.DefaultLimits)
	gvk := schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
	b.ReportAllocs()
	for b.Loop() {
		if a := v.Create(context.Background(), gvk, docs[0].JSON, "default"); !a.Accepted() {
			b.Fatal(a)
		}
	}
}

func BenchmarkCreateDeploymentParallel(b *testing.B) {
	v := newValidator(b)
	docs, _ := manifest.Read(source.NewFile("a.yaml", []byte(deployment)), manifest.DefaultLimits)
	gvk := schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			v.Create(context.Background(), gvk, docs[0].JSON, "default")
		}
	})
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		newValidator(
			b,
		).Create(context.Background(), schema.GroupVersionKind{
			Group: "apps", Version: "v1", Kind: "Deployment",
		}, []byte("{}"), "default")
	}
}
