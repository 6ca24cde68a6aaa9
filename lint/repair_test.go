package lint_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation"
)

// verdicts lints a text with the API server's verdict alone.
func verdicts(t testing.TB, text string) []diag.Diagnostic { return findings(t, text, "none") }

// findings lints a text with the API server's verdict and rules of package lint, for the linked version of Kubernetes
// or others.
func findings(t testing.TB, text, rules string, versions ...string) []diag.Diagnostic {
	t.Helper()
	v, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	selection, err := lint.Select(lint.OwnRules, rules, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := lint.Run(t.Context(), lint.Options{
		Files: []string{"a.yaml"}, Read: func(string) ([]byte, error) { return []byte(text), nil },
		Validator: v, Linked: schema.Latest, Rules: selection, All: lint.OwnRules, StrictKinds: true,
		Versions: versions,
	})
	if err != nil {
		t.Fatal(err)
	}
	return res.Diagnostics
}

const workload = `apiVersion: apps/v1
kind: Deployment
metadata: {name: a}
spec:
  selector: {matchLabels: {app: a}}
  template:
    metadata: {labels: {app: a}}
    spec:
      containers:
      - name: c
        image: c:1
`

// TestOneCauseIsOneFinding breaks one thing in many ways. Each case names all findings, and says how many consequences
// the first one has.
func TestOneCauseIsOneFinding(t *testing.T) {
	replace := func(old, with string) string {
		if !strings.Contains(workload, old) {
			t.Fatalf("%q is not in the workload", old)
		}
		return strings.Replace(workload, old, with, 1)
	}
	for name, c := range map[string]struct {
		text         string
		want         []string // path, message and help
		consequences bool
	}{
		"misspelt at the top": {
			replace("\nspec:", "\nspecTODO:"), []string{`specTODO: unknown field "specTODO": did you mean spec?`}, true,
		},
		"misspelt list": {
			replace("containers:", "contianers:"),
			[]string{
				`spec.template.spec.contianers: unknown field "spec.template.spec.contianers": did you mean containers?`,
			},
			true,
		},
		"misspelt in what is misspelt": {replace(
			"containers:\n      - name: c\n        image:", "contianers:\n      - name: c\n        imgae:",
		), []string{
			`spec.template.spec.contianers: unknown field "spec.template.spec.contianers": did you mean containers?`,
			`spec.template.spec.contianers[0].imgae: unknown field "spec.template.spec.contianers[0].imgae": did you mean image?`}, true},
		"at the wrong level": {replace(
			"image: c:1", "image: c:1\n        volumeMounts: [{name: v, mountPath: /v}]",
		) + "  volumes: [{name: v, emptyDir: {}}]\n", []string{
			`spec.volumes: unknown field "spec.volumes": move it to spec.template.spec.volumes`}, true},
		"a mapping for a list": {replace("      - name: c\n        image:", "        name: c\n        image:"),
			[]string{
				`spec.template.spec.containers: containers takes a list, not a mapping: begin the element with a dash`}, false},
		"a text for a number": {replace("image: c:1", "image: c:1\n        ports: [{containerPort: \"80\"}]"), []string{
			`spec.template.spec.containers[0].ports[0].containerPort: containerPort takes an integer, not a string: remove the quotes: the field is a number`}, false},
		"pairs for a list": {replace("image: c:1", "image: c:1\n        env: {A: b}"), []string{
			`spec.template.spec.containers[0].env: env takes a list, not a mapping: write each entry as an element of a list: - name: A, and its value`}, false},
		"a text for a mapping": {replace("\nspec:", "\nspec:\n  strategy: Recreate"), []string{
			`spec.strategy: strategy takes a mapping, not a string: write it as {type: Recreate}`}, false},
		"a unit that is none": {replace("image: c:1", "image: c:1\n        resources: {requests: {memory: 5gb}}"),
			[]string{
				`spec.template.spec.containers[0].resources.requests.memory: "5gb" is no quantity: there is no unit gb: did you mean 5Gi?`}, false},
		"another case": {replace("image: c:1", "image: c:1\n        imagePullPolicy: always"), []string{
			`spec.template.spec.containers[0].imagePullPolicy: Unsupported value: "always": supported values: "Always", "IfNotPresent", "Never": did you mean Always?`}, false},
		"a template of a CronJob": {"apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\nspec:\n  schedule: '* * * * *'\n  template: {spec: {restartPolicy: Never, containers: [{name: c, image: c:1}]}}\n", []string{
			`spec.template: unknown field "spec.template": move it to spec.jobTemplate.spec.template`}, true},
		"a time zone in a schedule": {"apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\nspec:\n  schedule: TZ=0\n  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: c:1}]}}}}\n", []string{
			`spec.schedule: Invalid value: "TZ=0": cannot use TZ or CRON_TZ in schedule, use timeZone field instead: `}, true},
		"an old Ingress": {"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}\nspec: {rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {serviceName: a, servicePort: 80}}]}}]}\n", []string{
			`spec.rules[0].http.paths[0].backend.serviceName: unknown field "spec.rules[0].http.paths[0].backend.serviceName": in networking.k8s.io/v1 it is written service: {name: a, port: {number: 80}}`}, true},
		"a boolean for a key": {"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80}], true: x}\n", []string{
			`spec.true: unknown field "spec.true": `}, false},
		"plain text in a Secret": {"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {password: 's3cr3t!'}\n",
			[]string{
				`data.password: the value of password is not base64: data holds base64: move the text to stringData, or encode it with base64`}, false},
		"a port that is the target as well": {"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 99999}]}\n", []string{
			`spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535, inclusive: ports are numbers from 1 to 65535: 80, 8080`}, true},
		"somebody else's kind": {"apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: a}\n", []string{
			`kind: no matches for kind "Service" in version "serving.knative.dev/v1": if a CustomResourceDefinition defines it, add the definition to the set or name it with --crds`}, false},
	} {
		t.Run(name, func(t *testing.T) {
			found := verdicts(t, c.text)
			var got []string
			for _, d := range found {
				got = append(got, fmt.Sprintf("%s: %s: %s", d.Path, d.Message, d.Help))
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Fatalf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			if has := len(found[0].Consequences) > 0; has != c.consequences {
				t.Errorf("consequences: %+v", found[0].Consequences)
			}
		})
	}
}

// TestCertainFixesAreCertain makes each certain fix of the corpora by itself: the finding is gone, no other is new, and
// the value differs at its place only.
func TestCertainFixesAreCertain(t *testing.T) {
	texts := map[string]string{}
	for _, pattern := range []string{"../rules/examples/*.yaml", "../testdata/chapter/*.yaml", "../examples/*.yaml"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			texts[name] = string(data)
		}
	}
	for name, change := range map[string][2]string{
		"field in another case": {"image:", "Image:"},
		"value in another case": {"image: c:1", "image: c:1\n        imagePullPolicy: never"},
		"no dash":               {"      - name: c\n        image:", "        name: c\n        image:"},
		"quoted number":         {"image: c:1", "image: c:1\n        ports: [{containerPort: '80'}]"},
		"bare number":           {"image: c:1", "image: 1"}, "kind in another case": {"Deployment", "deployment"},
		"list in brackets": {"containers:\n      - name: c\n        image: c:1", "containers: {name: c, image: c:1}"},
	} {
		texts[name] = strings.Replace(workload, change[0], change[1], 1)
	}
	fixes := 0
	for name, text := range texts {
		before := verdicts(t, text)
		for _, d := range before {
			for _, fix := range d.Fixes {
				if fix.Safe {
					fixes++
					checkFix(t, name, text, before, d, fix)
				}
			}
		}
	}
	if fixes < 7 {
		t.Errorf("only %d certain fixes", fixes)
	}
}

func checkFix(t *testing.T, name, text string, before []diag.Diagnostic, d diag.Diagnostic, fix diag.Fix) {
	fixed, err := source.Apply([]byte(text), fix.Edits)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]int{}
	key := func(d diag.Diagnostic) string { return d.Rule + " " + d.Path + " " + d.Message }
	for _, o := range before {
		known[key(o)]++
		for _, c := range o.Consequences {
			known[key(c)]++
		}
	}
	// what was not judged before
	unreadable := d.Rule == "yaml-syntax" || d.Rule == "yaml-tab" || d.Rule == "kind-unknown"
	for _, o := range verdicts(t, string(fixed)) {
		if key(o) == key(d) {
			t.Errorf("%s: %s: still there after %q", name, key(d), fix.Message)
		} else if known[key(o)] == 0 && !unreadable {
			t.Errorf("%s: %s: new after %q of %s", name, key(o), fix.Message, key(d))
		}
	}
	if unreadable {
		return
	}
	was, is := values(text), values(string(fixed))
	for i := range was {
		for _, path := range differences("", was[i], is[i]) {
			if parent := d.Path[:max(0, strings.LastIndexAny(d.Path, ".["))]; !strings.HasPrefix(path, parent) {
				t.Errorf("%s: %q of %s changes %s", name, fix.Message, d.Path, path)
			}
		}
	}
}

func values(text string) (all []any) {
	docs, _ := manifest.Read(source.NewFile("a.yaml", []byte(text)), manifest.DefaultLimits)
	for _, d := range docs {
		all = append(all, d.Value())
	}
	return all
}

// differences lists the paths at which two values differ.
func differences(path string, a, b any) (out []string) {
	am, aok := a.(map[string]any)
	bm, bok := b.(map[string]any)
	al, aList := a.([]any)
	bl, bList := b.([]any)
	if aList && bList && len(al) == len(bl) {
		for i := range al {
			out = append(out, differences(fmt.Sprintf("%s[%d]", path, i), al[i], bl[i])...)
		}
		return out
	}
	if !aok || !bok {
		if !reflect.DeepEqual(a, b) {
			out = append(out, path)
		}
		return out
	}
	keys := map[string]bool{}
	for k := range am {
		keys[k] = true
	}
	for k := range bm {
		keys[k] = true
	}
	for k := range keys {
		out = append(out, differences(strings.TrimPrefix(path+"."+k, "."), am[k], bm[k])...)
	}
	return out
}
