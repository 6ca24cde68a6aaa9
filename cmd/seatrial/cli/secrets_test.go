package cli

import (
	"bytes"
	"encoding/base64"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"

	"github.com/seatrial/seatrial/internal/report"
)

// planted are values of Secrets that no output may show, each with its place.
var planted = map[string]string{
	"data":               "planted-in-data",
	"stringData":         "planted-in-string-data",
	"an item of a List":  "planted-in-a-list",
	"an indented object": "planted-indented",
	"last-applied":       "planted-last-applied",
	"flow style":         "planted-flow",
	"a wrong value":      "planted wrong value",
	"a block":            "planted-in-a-block",
	"a number":           "918273645546372819",
}

func encoded(value string) string { return base64.StdEncoding.EncodeToString([]byte(value)) }

// plantedManifests are accepted by the API server, plantedErrors are not.
func plantedManifests() string {
	return `apiVersion: v1
kind: Secret
metadata:
  name: a
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: |
      {"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"stringData":{"k":"` + planted["last-applied"] + `"}}
data: {k: ` + encoded(planted["data"]) + `}
stringData:
  s: ` + planted["stringData"] + `
  b: |
    ` + planted["a block"] + `
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Secret
  metadata: {name: b}
  stringData: {k: ` + planted["an item of a List"] + `}
---
  apiVersion: v1
  kind: Secret
  metadata: {name: c}
  stringData:
    k: ` + planted["an indented object"] + `
---
{apiVersion: v1, kind: Secret, metadata: {name: d}, stringData: {k: ` + planted["flow style"] + `}}
---
apiVersion: v1
kind: Pod
metadata:
  name: reader
  annotations: {seatrial/pull-error: "refused: ` + planted["stringData"] + `"}
spec:
  containers:
  - name: c
    image: busybox:1.37
    command: [sh, -c, "echo $K > /dev/termination-log; exit 1"]
    env: [{name: K, valueFrom: {secretKeyRef: {name: a, key: s}}}]
`
}

func plantedErrors() string {
	return plantedManifests() + `---
apiVersion: v1
kind: Secret
metadata: {name: e}
data: {k: "` + planted["a wrong value"] + `"}
---
apiVersion: v1
kind: Secret
metadata: {name: f}
stringData: {k: ` + planted["a number"] + `}
type: [x]
---
{apiVersion: v1, kind: Secret, metadata: {name: g}, stringData: {k: ` + planted["flow style"] + `, l: 1}, unknown: 1}
`
}

// run runs a command line on a folder with one manifest, and returns all that it prints.
func run(t *testing.T, manifest string, args ...string) (int, string) {
	t.Helper()
	klog.SetLoggerWithOptions(logr.Discard(), klog.ContextualLogger(true)) // as Main does
	name := filepath.Join(t.TempDir(), "secrets.yaml")
	if err := os.WriteFile(name, []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	s := Streams{In: strings.NewReader(""), Out: &out, Err: &out, Getenv: func(string) string { return "" }}
	code := Run(t.Context(), append(args, name), s)
	return code, out.String()
}

func shows(t *testing.T, what, out string) {
	t.Helper()
	for place, value := range planted {
		for _, form := range []string{value, encoded(value)} {
			if strings.Contains(out, form) {
				t.Errorf("%s shows the value of %s:\n%s", what, place, out)
			}
		}
	}
}

func TestLintShowsNoValuesOfSecrets(t *testing.T) {
	for name, text := range map[string]string{
		"manifests with errors": plantedErrors(),
		"a text that is not YAML": plantedManifests() +
			"---\napiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData:\n  k: \"" + planted["a block"] +
			"\n  l: m: n\n",
	} {
		for _, format := range report.Names() {
			code, out := run(t, text, "lint", "--rules", "all", "--no-cache", "--color", "never", "-o", format)
			if code != exitFindings {
				t.Errorf("%s, %s: exit code %d: %s", name, format, code, out)
			}
			shows(t, "lint -o "+format+" of "+name, out)
		}
		_, out := run(t, text, "lint", "--no-cache", "--diff")
		shows(t, "lint --diff of "+name, out)
	}
}

// TestSchemasShowNoValuesOfSecrets lints values that are so short that they are not looked for in texts, by the schema
// of another version.
func TestSchemasShowNoValuesOfSecrets(t *testing.T) {
	text := "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {pin: 4815, flag: true, inner: {k: 162}}\n"
	for _, format := range []string{"compact", "json", "github"} {
		_, out := run(t, text, "lint", "--kubernetes-version", "1.31", "--no-cache", "-o", format)
		if !strings.Contains(out, "pin takes a string, not a number") ||
			!strings.Contains(out, "inner takes a string, not a mapping") {
			t.Errorf("-o %s: %s", format, out)
		}
		for _, value := range []string{"4815", "true is", "162"} {
			if strings.Contains(out, value) {
				t.Errorf("-o %s shows %s: %s", format, value, out)
			}
		}
	}
}

func TestPlanShowsNoValuesOfSecrets(t *testing.T) {
	for _, format := range report.PlanNames() {
		code, out := run(t, plantedManifests(), "plan", "--rules", "all", "--verbose", "-o", format)
		// Markdown escapes
		if code != exitFindings || !strings.Contains(strings.ReplaceAll(out, `\*`, "*"), "refused: ***") {
			t.Errorf("plan -o %s: exit code %d: %s", format, code, out)
		}
		shows(t, "plan -o "+format, out)
		code, out = run(t, plantedErrors(), "plan", "-o", format)
		if code != exitFindings || !strings.Contains(out, "nothing was simulated") {
			t.Errorf("plan -o %s of errors: exit code %d: %s", format, code, out)
		}
		shows(t, "plan -o "+format+" of errors", out)
	}
}

// hostile clears a terminal, uses an 8-bit introducer, and turns the direction of the text.
const hostile = `\e]0;t\a\e[2J\x9b31m\u202e`

func TestNoOutputLetsEscapeSequencesThrough(t *testing.T) {
	text := `apiVersion: apps/v1
kind: Deployment
metadata: {name: "web` + hostile + `"}
spec:
  selector: {matchLabels: {app: "a` + hostile + `"}}
  template:
    metadata: {labels: {app: b}}
    spec:
      containers:
      - name: "c` + hostile + `"
        image: "nginx` + hostile + `:latest"
        "unknown` + hostile + `": 1
`
	simulated := `apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations: {seatrial/pull-error: "no` + hostile + `"}
spec: {containers: [{name: c, image: "nginx:1.27"}]}
`
	check := func(what, out string) {
		t.Helper()
		if i := strings.IndexAny(out, "\x1b\a\u009b\u202e"); i >= 0 {
			t.Errorf("%s: %q", what, out[max(0, i-60):min(len(out), i+20)])
		}
	}
	for _, format := range report.Names() {
		_, out := run(t, text, "lint", "--rules", "all", "--no-cache", "--color", "never", "-o", format)
		check("lint -o "+format, out)
	}
	for _, format := range report.PlanNames() {
		_, out := run(t, simulated, "plan", "--verbose", "--color", "never", "-o", format)
		if !strings.Contains(out, "no\uFFFD") && !strings.Contains(out, `no\u001b`) {
			t.Errorf("plan -o %s does not show the message:\n%s", format, out)
		}
		check("plan -o "+format, out)
	}
	trial := filepath.Join(t.TempDir(), "trial")
	name := filepath.Join(t.TempDir(), "pod.yaml")
	if err := os.WriteFile(name, []byte(simulated), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, args := range [][]string{{"create", "-f", name}, {"advance", "1m"}, {"status"}} {
		s := Streams{In: strings.NewReader(""), Out: &out, Err: io.Discard, Getenv: func(string) string { return "" }}
		if args[0] == "create" {
			s.Out = io.Discard
		}
		if code := Run(t.Context(), append(args, "--trial", trial), s); code != exitClean {
			t.Fatalf("%q: exit code %d", args, code)
		}
	}
	if !strings.Contains(out.String(), "no\uFFFD") {
		t.Errorf("advance does not show the message:\n%s", &out)
	}
	check("advance and status", out.String())
}
