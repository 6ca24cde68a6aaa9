package policy_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/policy"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/validation"
)

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {team: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: nginx:1.29
      - {name: sidecar, image: envoy:1}
`

func load(t *testing.T, text string, o policy.Options) ([]*policy.Rule, error) {
	t.Helper()
	return policy.Load([]string{"rules.yaml"}, func(string) ([]byte, error) { return []byte(text), nil }, o)
}

// find lints manifests with the rules of a configuration, and returns what they find, with the fixes.
func find(t *testing.T, rules, manifests string, params lint.ParamSettings, targets ...string) (lines []string) {
	t.Helper()
	own, err := load(t, rules, policy.Options{Targets: targets})
	if err != nil {
		t.Fatal(err)
	}
	found := diagnostics(t, own, manifests, params, targets...)
	for _, d := range found {
		line := fmt.Sprintf(
			"%d:%d %s %s %s %s", d.Range.Start.Line, d.Range.Start.Column, d.Rule, d.Severity, d.Path, d.Message,
		)
		if len(d.Versions) > 0 {
			line += fmt.Sprint(" ", d.Versions)
		}
		lines = append(lines, line)
		for _, f := range d.Fixes {
			data, n, err := lint.FixFile("a.yaml", []byte(manifests), found)
			if err != nil {
				t.Fatal(err)
			}
			if f.Safe && n == 0 {
				t.Error("a fix that is safe is not made")
			}
			lines = append(lines, "fix "+f.Message+added(manifests, string(data)))
		}
	}
	return lines
}

// diagnostics lints manifests with rules.
func diagnostics(
	t *testing.T, own []*policy.Rule, manifests string, params lint.ParamSettings, targets ...string,
) []diag.Diagnostic {
	t.Helper()
	all := slices.Clone(lint.OwnRules)
	for _, r := range own {
		all = append(all, r.Rule)
	}
	selection, err := lint.Select(all, "none,custom", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := selection.Configure(all, params, nil); err != nil {
		t.Fatal(err)
	}
	validator, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	res, err := lint.Run(context.Background(), lint.Options{
		Files: []string{"a.yaml"}, Read: func(string) ([]byte, error) { return []byte(manifests), nil },
		Validator: validator, Linked: schema.Latest, Versions: targets, Rules: selection, All: all,
	})
	if err != nil {
		t.Fatal(err)
	}
	return res.Diagnostics
}

// added returns the lines that a fix adds or changes.
func added(before, after string) (lines string) {
	have := strings.Split(before, "\n")
	for _, line := range strings.Split(after, "\n") {
		if !slices.Contains(have, line) {
			lines += " +" + strings.TrimSpace(line)
		}
	}
	return lines
}

func TestRulesFind(t *testing.T) {
	for name, c := range map[string]struct {
		rule, manifests string
		params          lint.ParamSettings
		targets         []string
		want            []string
	}{
		"an expression over what is written": {
			rule:      "expression: has(object.spec.replicas)\n  message: no replicas\n  path: spec.replicas",
			manifests: deployment, want: []string{"6:1 r error spec.replicas no replicas"},
		},
		"and over what is stored": {
			rule:      "expression: defaulted.spec.replicas > 1\n  message: one replica\n  path: spec.replicas",
			manifests: deployment, want: []string{"6:1 r error spec.replicas one replica"},
		},
		"what is right": {
			rule: "expression: object.metadata.labels.team == 'shop'\n  message: not ours", manifests: deployment,
		},
		"each container, with its place": {
			rule:      "each: pod.containers[*]\n  expression: self.image.startsWith('nginx')\n  messageExpression: \"'image ' + self.image\"\n  path: image\n  message: image",
			manifests: deployment, want: []string{"14:32 r error spec.template.spec.containers[1].image image envoy:1"},
		},
		"pods of any kind": {
			rule:      "expression: pod.containers.size() == 1\n  message: several containers",
			manifests: deployment, want: []string{"2:1 r error  several containers"},
		},
		"the field that an expression names": {
			rule:      "expression: 'false'\n  fieldPath: \"'metadata.labels.' + 'team'\"\n  message: a team",
			manifests: deployment, want: []string{"5:18 r error metadata.labels.team a team"},
		},
		"parameters with their defaults": {
			rule:      "params: {min: 1}\n  expression: defaulted.spec.replicas >= params.min\n  message: too few",
			manifests: deployment,
		},
		"parameters of the configuration": {
			rule:      "params: {min: 1}\n  expression: defaulted.spec.replicas >= params.min\n  message: too few",
			manifests: deployment, params: lint.ParamSettings{"r": {"min": 3.0}},
			want: []string{"2:1 r error  too few"},
		},
		"the set by kind, which may be empty": {
			rule:      "expression: objects.Service.exists(s, true)\n  message: no Service",
			manifests: deployment, want: []string{"2:1 r error  no Service"},
		},
		"the set by kind": {
			rule: "expression: objects.Service.exists(s, s.spec.ports[0].targetPort == 80)\n  message: no Service",
			manifests: deployment +
				"---\napiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n",
		},
		"any kind of the set": {
			rule:      "expression: objects.map(kind, kind).size() == 1\n  message: several kinds",
			manifests: deployment + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
			want:      []string{"2:1 r error  several kinds", "17:1 r error  several kinds"},
		},
		"a target": {
			rule:      "expression: semver(target + '.0').isGreaterThan(semver('1.30.0'))\n  message: too old",
			manifests: deployment, targets: []string{"1.28", "1.37"}, want: []string{"2:1 r error  too old [1.28]"},
		},
		"an expression that fails is a finding": {
			rule:      "severity: info\n  expression: object.spec.replicas > 1\n  message: one replica",
			manifests: deployment, want: []string{"2:1 r error  the expression of rule r fails: no such key: replicas"},
		},
		"an expression that costs too much is a finding": {
			rule: "expression: '[0,1,2,3,4,5,6,7,8,9].all(a, [0,1,2,3,4,5,6,7,8,9].all(b, [0,1,2,3,4,5,6,7,8,9].all(c, " +
				"[0,1,2,3,4,5,6,7,8,9].all(d, [0,1,2,3,4,5,6,7,8,9].all(e, object.metadata.name.size() >= a-b-c-d-e-9)))))'\n  message: never",
			manifests: deployment,
			want: []string{
				"2:1 r error  the expression of rule r fails: it exceeds the cost that Kubernetes allows an expression",
			},
		},
		"a fix of a value": {
			rule:      "expression: object.metadata.labels.team == 'other'\n  message: a team\n  path: metadata.labels.team\n  fix: {value: other, safe: true}",
			manifests: deployment,
			want:      []string{"5:18 r error metadata.labels.team a team", "fix team: other +labels: {team: other}"},
		},
		"a fix that adds a field": {
			rule:      "expression: has(object.spec.replicas)\n  message: no replicas\n  path: spec.replicas\n  fix: {expression: 1 + 2, safe: true}",
			manifests: deployment,
			want:      []string{"6:1 r error spec.replicas no replicas", "fix replicas: 3 +replicas: 3"},
		},
		"a fix that adds mappings": {
			rule:      "expression: has(pod.securityContext) && has(pod.securityContext.runAsNonRoot)\n  message: may be root\n  path: spec.template.spec.securityContext.runAsNonRoot\n  fix: {value: true, safe: true}",
			manifests: deployment,
			want: []string{
				"10:5 r error spec.template.spec.securityContext.runAsNonRoot may be root",
				"fix runAsNonRoot: true +securityContext: +runAsNonRoot: true",
			},
		},
		"a patch": {
			rule: "expression: 'false'\n  message: wrong\n  fix:\n    safe: true\n    patch:\n    - {op: add, path: /metadata/labels/a~1b, value: new}\n" +
				"    - {op: replace, path: /spec/template/spec/containers/0/image, value: 'nginx:2'}",
			manifests: deployment,
			want: []string{
				"2:1 r error  wrong",
				"fix patch metadata.labels[a/b] +labels: {team: shop, a/b: new} +image: nginx:2",
			},
		},
		"another kind, group, version, namespace, name or label": {
			rule:      "expression: 'false'\n  message: m\n  match: {kinds: [Deployment], groups: [apps], versions: [v1], namespaces: [default], names: [w*], labels: {team: s*}}",
			manifests: deployment, want: []string{"2:1 r error  m"},
		},
		"not the kind": {
			rule: "expression: 'false'\n  message: m\n  match: {kinds: [Pod]}", manifests: deployment,
		},
		"not the group": {
			rule: "expression: 'false'\n  message: m\n  match: {groups: [batch]}", manifests: deployment,
		},
		"not the namespace": {
			rule: "expression: 'false'\n  message: m\n  match: {namespaces: [shop]}", manifests: deployment,
		},
		"not the name": {rule: "expression: 'false'\n  message: m\n  match: {names: [db]}", manifests: deployment},
		"not the label": {
			rule: "expression: 'false'\n  message: m\n  match: {labels: {team: x}}", manifests: deployment,
		},
		"not the file": {
			rule: "expression: 'false'\n  message: m\n  match: {paths: [other/**]}", manifests: deployment,
		},
		"the file": {
			rule: "expression: 'false'\n  message: m\n  match: {paths: ['*.yaml']}", manifests: deployment,
			want: []string{"2:1 r error  m"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := find(t, "customRules:\n- name: r\n  "+c.rule+"\n", c.manifests, c.params, c.targets...)
			if !slices.Equal(got, c.want) {
				t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestErrorsHaveTheirPlace(t *testing.T) {
	const head = "rules: [all]\ncustomRules:\n- name: r\n  message: m\n"
	for text, want := range map[string]string{
		"customRules: {a: b}":                                                                      "rules.yaml:1:14: customRules must be a list of rules and of files",
		head + "  expression: object.spec.replicas >":                                              "rules.yaml:5:37: Syntax error",
		head + "  expression: \"object.spec. > 1\"":                                                "rules.yaml:5:29: Syntax error",
		head + "  expression: 1 + 2":                                                               "rules.yaml:5:15: expression is of type int, not bool",
		head + "  expression: |\n    true &&\n      foo":                                           "rules.yaml:7:7: undeclared reference to 'foo'",
		head + "  match: {kinds: [Deployment]}\n  expression: object.spec.replicsa > 1":            "rules.yaml:6:26: undefined field 'replicsa' in Deployment",
		head + "  match: {kinds: [CronJob]}\n  expression: pod.container.size() > 1":               "rules.yaml:6:18: undefined field 'container' in CronJob",
		head + "  match: {kinds: [Pod]}\n  each: pod.containers[*]\n  expression: self.imag == ''": "rules.yaml:7:19: undefined field 'imag' in Pod",
		head + "  match: {kinds: [Pod]}\n  each: pod.container[*]\n  expression: 'true'":           "rules.yaml:6:9: Pod has no field pod.container[*]",
		head + "  match: {kinds: [Pod]}\n  expression: object.metadata.namespace == ''":            "",
		head + "  match: {kinds: [Deploymnet]}\n  expression: 'true'":                              "rules.yaml:5:19: no kind Deploymnet: did you mean Deployment?",
		head + "  match: {kinds: [Deploymnet], groups: [example.com]}\n  expression: 'true'":       "",
		head + "  expression: objects.Servce.size() > 0":                                           "rules.yaml:5:22: no kind Servce: did you mean Service?",
		head + "  params: {labels: []}\n  expression: params.label.size() > 0":                     "rules.yaml:6:21: rule r has no parameter label: did you mean labels?",
		head + "  expression: params.max > 0":                                                      "rules.yaml:5:21: rule r has no parameter max: declare it under params, with its default",
		head + "  expression: has(params.max)":                                                     "",
		head + "  expresion: 'true'":                                                               "rules.yaml:5:3: unknown key \"expresion\": did you mean expression?",
		head + "  expression: 'true'\n  severity: grave":                                           "unknown severity",
		head + "  expression: 'true'\n  match: {kinds: Pod}":                                       "rules.yaml:6:18: match.kinds cannot be a string",
		head + "  expression: 'true'\n  match: {paths: ['[']}":                                     "rules.yaml:6:19: invalid glob",
		head + "  expression: 'true'\n  path: a\n  fieldPath: \"'b'\"":                             "rules.yaml:7:14: rule r has both path and fieldPath",
		head + "  expression: 'true'\n  fieldPath: '1'":                                            "rules.yaml:6:15: fieldPath is of type int, not string",
		head + "  expression: 'true'\n  fix: {value: 1}":                                           "a value needs a path",
		head + "  expression: 'true'\n  fix: {}":                                                   "a fix is one of value, expression and patch",
		head + "  expression: 'true'\n  fix: {patch: [{op: move, path: /a}]}":                      "unknown operation \"move\"",
		head:                                 "rules.yaml:3:3: rule r has no expression",
		"customRules:\n- expression: 'true'": "rules.yaml:2:3: rule without a name",
		"customRules:\n- {name: A b, expression: 'true', message: m}":                                            "rules.yaml:2:10: invalid name",
		"customRules:\n- {name: a, expression: 'true'}":                                                          "rule a has no message",
		"customRules:\n- {name: a, expression: 'true', message: m}\n- {name: a, expression: 'true', message: m}": "rules.yaml:3:10: rule a is defined twice, before at rules.yaml:2:10",
	} {
		_, err := load(t, text, policy.Options{})
		if want == "" {
			if err != nil {
				t.Errorf("%s\n%v", text, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngot  %v\nwant %s", text, err, want)
		}
	}
}

func TestFilesOfRules(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	write("a.yaml", "customRules:\n- {name: a, expression: 'true', message: m}\n")
	write("b.yaml", "customRules:\n- {name: b, expression: 'true', message: m}\n")
	write("none.yaml", "rules: [all]\n")
	write("deep.yaml", "customRules: [a.yaml]\n")
	for text, want := range map[string]string{
		"customRules: ['[ab].yaml']":                                       "a,b",
		"customRules: [b.yaml, {name: c, expression: 'true', message: m}]": "b,c",
		"customRules: [missing.yaml]":                                      "no such file",
		"customRules: ['x*.yaml']":                                         `no file matches "x*.yaml"`,
		"customRules: [none.yaml]":                                         "none.yaml holds no customRules",
		"customRules: [deep.yaml]":                                         "names no others",
	} {
		own, err := policy.Load([]string{write(".seatrial.yaml", text)}, os.ReadFile, policy.Options{})
		var names []string
		for _, r := range own {
			names = append(names, r.Name)
		}
		if got := strings.Join(names, ","); err == nil && got != want ||
			err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestTestsOfRules(t *testing.T) {
	const pod = "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: b}]}}"
	rule := func(test string) string {
		return "customRules:\n- name: r\n  params: {names: [b]}\n  expression: object.metadata.name in params.names\n" +
			"  message: wrong name\n  path: metadata.name\n  tests:\n  - " + test + "\n"
	}
	for test, want := range map[string]string{
		"invalid: " + pod: "",
		"{invalid: " + pod + ", message: wrong, path: metadata.name}":                    "",
		"{invalid: " + pod + ", path: spec}":                                             `want a finding at "spec"`,
		"{invalid: " + pod + ", message: right}":                                         `that says "right"`,
		"valid: " + pod:                                                                  "found in a valid manifest",
		"{valid: " + pod + ", params: {names: [a]}}":                                     "",
		"{valid: " + pod + ", params: {name: [a]}}":                                      `has no parameter "name": did you mean names?`,
		"{invalid: " + pod + ", params: {names: [a]}}":                                   "nothing is found in an invalid manifest",
		"valid: {apiVersion: v1, kind: Pod, metadata: {name: b}, spec: {container: []}}": `unknown field "spec.container"`,
		"valid: [" + strings.Replace(pod, "name: a}", "name: b}", 1) + "]":               "",
		"name: neither": "either valid or invalid",
		"{invalid: {apiVersion: v1, kind: Pod, metadata: {generateName: a}, spec: {containers: [{name: a, image: b}]}}}": "fails: no such key: name",
	} {
		own, err := load(t, rule(test), policy.Options{})
		if err != nil {
			t.Fatalf("%s: %v", test, err)
		}
		outcomes, err := policy.Run(t.Context(), own)
		if err != nil || len(outcomes) != 1 {
			t.Fatalf("%s: %v, %v", test, outcomes, err)
		}
		if got := outcomes[0].Problem; (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", test, got, want)
		}
	}
}

func TestSkeletonPassesItsTests(t *testing.T) {
	own, err := load(t, policy.Skeleton("team-label"), policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	outcomes, err := policy.Run(t.Context(), own)
	if err != nil || len(outcomes) != 2 {
		t.Fatal(outcomes, err)
	}
	for _, o := range outcomes {
		if o.Problem != "" {
			t.Errorf("%s: %s", o.Name, o.Problem)
		}
	}
}

// TestSecretsAreNotShown: what an expression makes of the value of a Secret is in no message, path or fix.
func TestSecretsAreNotShown(t *testing.T) {
	const rules = `customRules:
- name: object
  match: {kinds: [Secret]}
  expression: size(object.stringData.password) > 20
  messageExpression: '"password " + object.stringData.password.upperAscii() + " of " + object.metadata.name + " is short"'
  fieldPath: '"stringData." + object.stringData.password'
  fix: {expression: 'object.stringData.password + "-longer"'}
- name: each
  match: {kinds: [Secret]}
  each: stringData[*]
  expression: self == ""
  messageExpression: '"value " + self.substring(0, 3)'
- name: others
  match: {kinds: [ConfigMap]}
  expression: '!objects.Secret.exists(s, s.data.token.startsWith("b3"))'
  messageExpression: '"token " + objects.Secret[0].data.token + " of " + objects.Secret[0].metadata.name'
- name: crash
  match: {kinds: [Secret]}
  expression: int(object.stringData.password) > 3
  message: none
- name: cut
  match: {kinds: [Secret]}
  expression: 'false'
  messageExpression: object.stringData.password.substring(0, 4)
- name: annotated
  match: {kinds: [Secret]}
  expression: 'false'
  messageExpression: object.metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"]
`
	const manifests = `apiVersion: v1
kind: Secret
metadata:
  name: db
  annotations: {kubectl.kubernetes.io/last-applied-configuration: '{"stringData": {"password": "hunter22"}}'}
stringData: {password: hunter22}
data: {token: b3RoZXI=}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
`
	found := find(t, rules, manifests, nil)
	text := strings.Join(found, "\n")
	for _, value := range []string{"hunter22", "HUNTER22", "hunt", "b3RoZXI"} {
		if strings.Contains(text, value) {
			t.Errorf("%q is shown in\n%s", value, text)
		}
	}
	for _, want := range []string{
		"password *** of db is short", "value ***", "token *** of db",
		"the expression of rule crash fails: a value has another type", "it does not follow rule cut",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not said in\n%s", want, text)
		}
	}
}

// TestHelpFits: what to do about an expression that fails depends on how it fails.
func TestHelpFits(t *testing.T) {
	for expression, hint := range map[string]bool{
		"object.metadata.annotations.a == 'b'": true,
		"int(object.metadata.name) == 3":       false,
	} {
		own, err := load(
			t, "customRules:\n- {name: r, match: {kinds: [Deployment]}, expression: \""+expression+"\", message: m}\n",
			policy.Options{},
		)
		if err != nil {
			t.Fatal(err)
		}
		found := diagnostics(t, own, deployment, nil)
		if len(found) != 1 || strings.Contains(found[0].Help, "has(") != hint {
			t.Errorf("%s: found %+v", expression, found)
		}
	}
}

// TestCostIsLimited: an expression that costs too much for a large object is a finding, whether or not it is cheap for
// a small one.
func TestCostIsLimited(t *testing.T) {
	const rules = `customRules:
- name: pairs
  match: {kinds: [ConfigMap]}
  expression: object.data.all(a, object.data.all(b, object.data.all(c, a.size() + b.size() + c.size() > 0)))
  message: m
- name: grows
  match: {kinds: [ConfigMap]}
  expression: object.data.all(a, object.data.map(b, a + b).all(x, x.size() > 0))
  message: m
`
	for n, want := range map[int]bool{2: false, 400: true} {
		var text strings.Builder
		text.WriteString("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n")
		for i := range n {
			fmt.Fprintf(&text, "  key-%d: value\n", i)
		}
		found := strings.Join(find(t, rules, text.String(), nil), "\n")
		if got := strings.Contains(found, "rule pairs fails: it exceeds the cost"); got != want {
			t.Errorf("%d keys: found %s, want that the cost is exceeded: %v", n, found, want)
		}
	}
}
