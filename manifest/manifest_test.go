package manifest_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

func read(t *testing.T, text string) (docs []*manifest.Document, findings []string) {
	t.Helper()
	ds, fs := manifest.Read(source.NewFile("a.yaml", []byte(text)), manifest.DefaultLimits)
	for _, f := range fs {
		line := fmt.Sprintf(
			"%d:%d-%d:%d %s: %s",
			f.Range.Start.Line,
			f.Range.Start.Column,
			f.Range.End.Line,
			f.Range.End.Column,
			f.Rule,
			f.Message,
		)
		for _, r := range f.Related {
			line += fmt.Sprintf(" [%d:%d %s]", r.Range.Start.Line, r.Range.Start.Column, r.Message)
		}
		findings = append(findings, line)
	}
	return ds, findings
}

const pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n"

const (
	config    = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n"
	container = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  containers:\n  - name: a\n    image: b\n"
)

func TestDocumentsOfAFile(t *testing.T) {
	js := `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}`
	for name, c := range map[string]struct {
		text string
		want string // number and name of each document
	}{
		"one document":                    {pod, "1:a"},
		"leading and trailing separators": {"---\n" + pod + "---\n", "1:a"},
		"separator with a comment":        {pod + "--- # next\n" + strings.Replace(pod, "a\n", "b\n", 1), "1:a 2:b"},
		"separator with spaces": {
			pod + "---   \n" + strings.Replace(pod, "name: a", "name: b", 1), "1:a 2:b",
		},
		"empty and comment-only documents": {"# only\n---\n\n---\n" + pod + "---\n# end\n", "1:a"},
		"end marker": {
			pod + "...\n---\n" + strings.Replace(pod, "name: a", "name: b", 1), "1:a 2:b",
		},
		"carriage returns":                   {strings.ReplaceAll(pod+"---\n"+pod, "\n", "\r\n"), "1:a 2:a"},
		"byte order mark":                    {"\xef\xbb\xbf" + pod, "1:a"},
		"byte order mark before a separator": {"\xef\xbb\xbf---\n" + pod, "1:a"},
		"JSON":                               {js, "1:a"},
		"a stream of JSON":                   {js + js + "\n" + js, "1:a 2:a 3:a"},
		"JSON, then YAML":                    {js + "\n---\n" + pod, "1:a 2:a"},
		"JSON that only a YAML reader accepts": {"{\n  # comment\n  apiVersion: v1, \"kind\": Pod, metadata: " +
			"{name: a,},\n}\n", "1:a"},
		"List": {
			"apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(pod), "\n", "\n  ") +
				"\n- " + strings.ReplaceAll(strings.TrimSpace(pod), "\n", "\n  ") + "\n",
			"1:a 1:a",
		},
		"typed list lends its kind to its items": {
			"apiVersion: v1\nkind: PodList\nitems:\n- metadata:\n    name: x\n", "1:x",
		},
		"List in a List": {"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: " +
			"PodList\n  items:\n  - metadata: {name: x}\n  - metadata: {name: z}\n", "1:x 1:z"},
		"List of nothing":             {"apiVersion: v1\nkind: List\nitems: []\n", ""},
		"template that can be read":   {strings.Replace(pod, "name: a", "name: '{{ a }}'", 1), "1:{{ a }}"},
		"separator inside of a block": {config + "  a: |\n    x\n---\n" + pod, "1:a 2:a"},
		"anchors and merge keys": {"apiVersion: v1\nkind: ConfigMap\nmetadata: &m\n  name: a\n  " +
			"labels: &l {x: y}\ndata:\n  <<: *l\n  x: z\n", "1:a"},
	} {
		t.Run(name, func(t *testing.T) {
			docs, findings := read(t, c.text)
			var got []string
			for _, d := range docs {
				got = append(got, fmt.Sprintf("%d:%s", d.Number, d.Object.Name))
			}
			if strings.Join(got, " ") != c.want || len(findings) > 0 {
				t.Errorf("got %v, findings %v; want %s", got, findings, c.want)
			}
		})
	}
}

func TestFindingsOfABrokenFile(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"tab in indentation": {
			"apiVersion: v1\nkind: Pod\nmetadata:\n\tname: a\n\tlabels: {}\n",
			[]string{"4:1-4:2 yaml-tab: tabs in indentation of 2 lines"},
		},
		"key given twice": {
			pod + "kind: Pod\n",
			[]string{`5:1-5:5 yaml-duplicate-key: key "kind" is given twice in one mapping [2:1 first given here]`},
		},
		"key given twice in JSON": {
			`{"apiVersion":"v1","kind":"Pod","kind":"Pod"}`,
			[]string{`1:33-1:39 yaml-duplicate-key: key "kind" is given twice in one mapping [1:20 first given here]`},
		},
		"no separator": {
			pod + pod + pod, []string{"5:1-5:15 yaml-syntax: another object begins here, without --- above it"},
		},
		"list without colon above": {
			"args\n- Cat\n- Dog\n- Fish\n",
			[]string{`1:1-1:5 yaml-syntax: key "args" has no colon, so the list below it is read as text`},
		},
		"two colons": {
			"apiVersion: v1\nkind: Pod\nmetadata:\n  name: a: b\n",
			[]string{`4:9-4:13 yaml-syntax: value of "name" holds a colon followed by a space`},
		},
		"no space after the colon": {
			"apiVersion: v1\nkind: Pod\nmetadata:\n  name:a\n  namespace: b\n",
			[]string{`4:3-4:8 yaml-syntax: no space after the colon of "name"`},
		},
		"deeper than its neighbour": {
			"apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n    labels: {}\n",
			[]string{`5:5-5:15 yaml-syntax: indented deeper than "name" above, which already has a value`},
		},
		"lines up with nothing": {
			"apiVersion: v1\nkind: Pod\nmetadata:\n    name: a\n  namespace: b\n",
			[]string{`5:3-5:15 yaml-syntax: indented by 2 columns, which lines up with no line above`},
		},
		"unclosed quote": {
			"apiVersion: v1\nkind: Pod\nmetadata:\n  name: \"a\n",
			[]string{`4:9-4:10 yaml-syntax: quote " is never closed`},
		},
		"unclosed bracket": {
			"apiVersion: v1\nkind: Pod\nspec:\n  args: [a, b\n  x: y\n",
			[]string{`4:9-4:10 yaml-syntax: bracket [ is never closed`},
		},
		"reserved character": {
			"apiVersion: v1\nkind: Pod\nmetadata:\n  name: @a\n",
			[]string{`4:9-4:11 yaml-syntax: a value cannot begin with @`},
		},
		"unknown alias": {
			"apiVersion: v1\nkind: Pod\nmetadata: *m\n",
			[]string{`3:11-3:13 yaml-syntax: alias *m refers to no anchor`},
		},
		"text out of its block": {"apiVersion: v1\nkind: Pod\nspec:\n  args:\n    - >\n      i=0;\n\nwhile " +
			"true;\ndo\n    sleep 1\ndone\n", []string{
			`8:1-8:12 yaml-syntax: text is not indented as the block that it belongs to [5:5 the block begins here]`,
		}},
		"template": {"apiVersion: v1\nkind: Pod\nmetadata:\n  {{- include \"x\" . }}\n  name: {{ " +
			".Values.a }}\n", []string{`4:3-4:23 yaml-syntax: file is a template, not a manifest`}},
		"separator with text": {
			"---foo\n" + pod, []string{`1:1-1:7 yaml-syntax: "---foo" is not a document separator`},
		},
		"four dashes": {
			pod + "----\n" + pod, []string{`5:1-5:5 yaml-syntax: "----" is not a document separator`},
		},
		"no kind": {
			"apiVersion: v1\nmetadata: {}\n", []string{`1:1-1:11 yaml-syntax: document has no kind`},
		},
		"kind in the wrong case": {
			"apiVersion: v1\nKind: Pod\n", []string{`2:1-2:5 yaml-syntax: unknown key "Kind": did you mean kind?`},
		},
		"a list": {
			"- a\n- b\n", []string{`1:1-1:4 yaml-syntax: document is a list, not a mapping`},
		},
		"a word": {
			"hello\n", []string{`1:1-1:6 yaml-syntax: document is a single value, not a mapping`},
		},
		"invalid UTF-8": {
			"apiVersion: v1\nkind: \xff\n", []string{`2:7-2:8 yaml-syntax: byte 0xff is not valid UTF-8`},
		},
		"list in a container": {
			container + "    args\n    - Cat\n    - Dog\n", []string{`9:5-9:9 yaml-syntax: key "args" has no colon`},
		},
		"deeper list in a container": {
			container + "    args\n      - Cat\n      - Dog\n",
			[]string{`9:5-9:9 yaml-syntax: key "args" has no colon`},
		},
		"runs of tabs": {
			"apiVersion: v1\nkind: Pod\nmetadata:\n\tname: a\nspec:\n\tcontainers: []\n",
			[]string{"4:1-4:2 yaml-tab: tab in indentation", "6:1-6:2 yaml-tab: tab in indentation"},
		},
		"text after a quote": {
			config + `  a: "b" c` + "\n", []string{`6:9-6:11 yaml-syntax: text after the closing quote`},
		},
		"quote closed below": {
			config + "  a: \"x\n  b: \"y\"\n", []string{`6:6-6:7 yaml-syntax: quote " is never closed`},
		},
		"wildcard": {
			config + "  a: *.example.com\n", []string{`6:6-6:19 yaml-syntax: a value cannot begin with *`},
		},
		"control character": {
			config + "  a: \x07bell\n", []string{`6:6-6:7 yaml-syntax: control character U+0007 is not allowed`},
		},
		"quote amid brackets": {
			config + "  a: x\n  b: {x: \"a\"b\"}\n", []string{`7:13-7:14 yaml-syntax: text after the closing quote`},
		},
		"comma missing": {
			container + "    env:\n    - {name: A value: 1}\n",
			[]string{`10:16-10:21 yaml-syntax: a comma is missing before value`},
		},
		"comma missing at line end": {
			config + "  a: {\n    b: c\n    d: e\n  }\n", []string{`8:5-8:6 yaml-syntax: a comma is missing before d`},
		},
		"comma missing behind one": {
			config + "  a: [b, [c] d]\n", []string{`6:14-6:15 yaml-syntax: text after the closing bracket`},
		},
		"brackets of two kinds": {
			config + "  a: [b, {c: d]]\n", []string{`6:15-6:16 yaml-syntax: bracket { is closed by ]`},
		},
		"comma missing behind lines": {
			config + "  a: {b: \"c\n    d\", e: f g: h}\n",
			[]string{`7:14-7:15 yaml-syntax: a comma is missing before g`},
		},
		"bracket closed nowhere": {
			"apiVersion: v1\nspec:\n  args: [a, b\n  x: y\n---\nkind: Pod\n",
			[]string{
				`3:9-3:10 yaml-syntax: bracket [ is never closed`, `6:1-6:5 yaml-syntax: document has no apiVersion`,
			},
		},
		"comma missing at the margin": {
			"{apiVersion: v1,\n kind: Pod metadata: {}}\n",
			[]string{`2:12-2:20 yaml-syntax: a comma is missing before metadata`},
		},
		"infinity": {
			config + "  a: [1, -.Inf]\n",
			[]string{`6:10-6:15 yaml-syntax: -.Inf is no value of JSON, which clients send`},
		},
		"value unlike its tag": {
			config + "  a: 5\n  b: !!int \"x\"\n",
			[]string{`7:12-7:15 yaml-syntax: x is not what the tag before it says`},
		},
		"a list as a key": {
			config + "  ? [a, b]\n  : c\n", []string{`6:5-6:11 yaml-syntax: a key must be a text`},
		},
		"null as a key": {config + "  ~: c\n", []string{`6:3-6:4 yaml-syntax: a key must be a text`}},
		"value that holds itself": {
			"apiVersion: v1\nkind: Pod\nmetadata: &m\n  labels: *m\n",
			[]string{`4:11-4:13 yaml-syntax: alias *m stands inside of the value that it stands for`},
		},
		"block without indentation": {
			config + "  a: |\n  text\n",
			[]string{`7:3-7:7 yaml-syntax: text of a block is not indented deeper than the key above it`},
		},
		"key deeper than its list": {
			"apiVersion: v1\nkind: Pod\nspec:\n   containers:\n  - name: a\n",
			[]string{`5:3-5:12 yaml-syntax: indented by 2 columns, which lines up with no line above`},
		},
		"element out of line": {
			container + "   ports: []\n",
			[]string{`9:4-9:13 yaml-syntax: indented by 3 columns, which lines up with no line above`},
		},
		"mapping on its key's line": {
			"apiVersion: v1\nkind: Pod\nmetadata: name: a\n",
			[]string{`3:11-3:18 yaml-syntax: value of "metadata" holds a colon followed by a space`},
		},
		"template of two documents": {
			"{{- if .x }}\na: b\n{{- end }}\n---\n{{ range }}\na: b\n{{ end }}\n",
			[]string{`1:1-1:13 yaml-syntax: file is a template, not a manifest`},
		},
		"values between at signs": {
			"apiVersion: v1\nkind: Pod\nmetadata:\n  name: @NAME@\n",
			[]string{`4:9-4:15 yaml-syntax: file is a template, not a manifest`},
		},
		"items that are no objects": {
			"apiVersion: v1\nkind: List\nitems:\n- a\n- {}\n",
			[]string{
				"4:3-4:4 yaml-syntax: item has neither apiVersion nor kind",
				"5:3-5:5 yaml-syntax: item has neither apiVersion nor kind",
			},
		},
		"UTF-16": {"\xff\xfea\x00", []string{"1:1-1:1 yaml-syntax: file is UTF-16, not UTF-8"}},
		"broken JSON in a stream": {
			"{\"a\": 1}\n{\"a\" 2}",
			[]string{
				`1:2-1:5 yaml-syntax: document has neither apiVersion nor kind`,
				`2:6-2:7 yaml-syntax: not valid JSON: invalid character '2' after object key`,
			},
		},
		"broken JSON": {
			`{"apiVersion": "v1" "kind": "Pod"}`,
			[]string{`1:21-1:22 yaml-syntax: not valid JSON: invalid character '"' after object key:value pair`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, got := read(t, c.text)
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestFixesMakeABrokenFileReadable(t *testing.T) {
	for name, text := range map[string]string{
		"tabs": "apiVersion: v1\nkind: Pod\nmetadata:\n\tname: a\n\tlabels:\n\t\tapp: " +
			"a\nspec:\n\tcontainers:\n\t- name: a\n\t  image: b\n",
		"wrong case":         "apiversion: v1\nKind: Pod\n",
		"no colon":           container + "    args\n    - Cat\n",
		"no space":           "apiVersion: v1\nkind: Pod\nmetadata:\n  name:a\n  namespace: b\n",
		"reserved character": config + "  a: @b\n",
		"colon in a text":    config + "  a: note well: b\n",
		"four dashes":        "----\n" + pod,
		"code of a page":     "```yaml\n" + pod + "```\n",
	} {
		_, findings := manifest.Read(source.NewFile("a.yaml", []byte(text)), manifest.DefaultLimits)
		var edits []source.Edit
		for _, f := range findings {
			for _, fix := range f.Fixes {
				edits = append(edits, fix.Edits...)
			}
		}
		fixed, err := source.Apply([]byte(text), edits)
		if err != nil || len(edits) == 0 {
			t.Errorf("%s: %d edits, %v", name, len(edits), err)
		}
		if docs, left := read(t, string(fixed)); len(docs) != 1 || len(left) > 0 {
			t.Errorf("%s: after the fix %d documents, %v:\n%s", name, len(docs), left, fixed)
		}
	}
}

func TestItemsOfAListHaveTheirOwnPlaces(t *testing.T) {
	docs, _ := read(
		t,
		"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items:\n  - kind: ConfigMap\n    "+
			"apiVersion: v1\n    metadata: {name: x}\n- {kind: Pod, apiVersion: v1}\n",
	)
	if len(docs) != 2 || docs[0].Item != "items[0].items[0]" || docs[1].Item != "items[1]" {
		t.Fatalf("got %d documents", len(docs))
	}
	for i, want := range []string{"a.yaml:9:22", "a.yaml:10:10"} {
		path := []string{"metadata.name", "kind"}[i]
		if got := docs[i].Find(path).Value.String(); got != want {
			t.Errorf("%s of document %d stands at %s, want %s", path, i, got, want)
		}
	}
}

func TestAliasesLeadToWhereTheValueIsWritten(t *testing.T) {
	docs, _ := read(
		t,
		"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  labels: &l\n    app: web\n  annotations:\n    <<: "+
			"*l\n    note: b\ndata: *l\n",
	)
	for path, want := range map[string]string{
		"metadata.annotations.app":  "a.yaml:6:10",
		"metadata.annotations.note": "a.yaml:9:11",
		"data.app":                  "a.yaml:6:10",
	} {
		if p := docs[0].Find(path); !p.Exact || p.Value.String() != want {
			t.Errorf("%s stands at %s, want %s", path, p.Value, want)
		}
	}
	if p := docs[0].Find("data"); p.Alias.String() != "a.yaml:10:7" {
		t.Errorf("the alias of data stands at %s", p.Alias)
	}
}

func TestValuesAreThoseOfYAML11(t *testing.T) {
	docs, findings := read(
		t,
		"apiVersion: v1\nkind: ConfigMap\ndata: {a: yes, b: N, c: 0755, d: 0x1f, e: 1e3, f: 1_000, g: ~, h: '08', "+
			"i: 08, yes: on, j: 0o17, k: .5}\n",
	)
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	want := map[string]any{
		"a":    true,
		"b":    false,
		"c":    int64(493),
		"d":    int64(31),
		"e":    int64(1000),
		"f":    int64(1000),
		"g":    nil,
		"h":    "08",
		"i":    int64(8),
		"true": true,
		"j":    int64(15),
		"k":    0.5,
	}
	if got := docs[0].Value()["data"]; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %#v\nwant %#v", got, want)
	}
}

func TestABrokenDocumentDoesNotHideTheOthers(t *testing.T) {
	docs, findings := read(t, pod+"---\na: b: c\n---\n"+pod)
	if len(docs) != 2 || docs[1].Number != 3 || len(findings) != 1 {
		t.Errorf("got %d documents, findings %v", len(docs), findings)
	}
}

func TestFind(t *testing.T) {
	text := `apiVersion: v1
kind: Pod
metadata:
  name: "quoted"   # comment
  labels: {app.kubernetes.io/name: web, plain: 'it''s'}
  annotations:
    a.b/c: |
      line one
      line two

    multi: one
      two
spec:
  containers:
  - name: über
    args: [a, "b c"]
  - &second
    name: second
    env:
    - {name: X, value: "1"}
  copy: *second
`
	docs, findings := read(t, text)
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	for path, want := range map[string]string{
		"":              "kind: Pod",
		"kind":          "Pod",
		"metadata.name": `"quoted"`,
		"metadata.labels[app.kubernetes.io/name]": "web",
		"metadata.labels.app.kubernetes.io/name":  "web",
		"metadata.labels[plain]":                  "'it''s'",
		"metadata.annotations[a.b/c]":             "|\n      line one\n      line two",
		"metadata.annotations.multi":              "one\n      two",
		"spec.containers[0].name":                 "über",
		"spec.containers[0].args":                 `[a, "b c"]`,
		"spec.containers[0].args[1]":              `"b c"`,
		"spec.containers[1].name":                 "second",
		"spec.containers[1].env[0]":               `{name: X, value: "1"}`,
		"spec.copy.name":                          "second",
		"spec.containers[0].image":                "",
		"spec.containers[7]":                      "",
	} {
		p := docs[0].Find(path)
		got := ""
		if p.Exact {
			r := p.Value
			if path == "" {
				r = p.Key
			}
			got = text[r.Start.Offset:r.End.Offset]
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	if p := docs[0].Find("spec.containers[0].image"); text[p.Key.Start.Offset:p.Key.End.Offset] != "name" {
		t.Errorf("a missing field of a list's element is shown at %v", p.Key)
	}
	if p := docs[0].Find("spec.securityContext.runAsUser"); text[p.Key.Start.Offset:p.Key.End.Offset] != "spec" {
		t.Errorf("a missing field is shown at %v", p.Key)
	}
	if p := docs[0].Find("spec.containers[0].name"); p.Value.Start.Column != 11 || p.Value.End.Column != 15 {
		t.Errorf("columns count characters: got %v", p.Value)
	}
}

func TestDocumentsBeyondAllBoundsAreRefused(t *testing.T) {
	bomb := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c < 'j'; c++ {
		bomb += fmt.Sprintf(
			"%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n",
			c,
			c,
			c-1,
			c-1,
			c-1,
			c-1,
			c-1,
			c-1,
			c-1,
			c-1,
			c-1,
		)
	}
	for name, text := range map[string]string{
		"alias bomb":        bomb,
		"deep flow":         "a: " + strings.Repeat("[", 100000),
		"deep JSON":         strings.Repeat(`{"a":`, 100000) + "1" + strings.Repeat("}", 100000),
		"deep dashes":       strings.Repeat("- ", 100000) + "x",
		"huge scalar":       "a: " + strings.Repeat("x", 4<<20),
		"scalar times many": "a: &a " + strings.Repeat("x", 1<<20) + "\nb: [*a,*a,*a,*a,*a,*a]\n",
	} {
		docs, findings := read(t, text)
		if len(docs) > 0 || len(findings) != 1 {
			t.Errorf("%s: %d documents, findings %v", name, len(docs), findings)
		}
	}
}

// TestPartsOfManifests reads what books show by itself: the help says what it is part of.
func TestPartsOfManifests(t *testing.T) {
	for text, want := range map[string]string{
		"spec:\n  containers:\n  - name: a\n":            "part of a Pod template",
		"containers:\n- name: a\n  image: b\n":           "part of a Pod template (the spec of its pods)",
		"- name: a\n  image: b\n":                        "part of a Pod template (a container)",
		"livenessProbe:\n  httpGet: {path: /}\n":         "part of a Pod template (a container)",
		"ports:\n- port: 80\nselector: {app: a}\n":       "the spec of a Service",
		"metadata: {name: a}\nspec: {template: {}}\n":    "a Deployment or another workload",
		"metadata: {name: a}\nroleRef: {name: a}\n":      "a binding without its first two lines",
		"metadata: {name: a}\ndata: {a: b}\n":            "an object without its first two lines",
		"jobTemplate: {spec: {}}\nschedule: '* * * * *'": "the spec of a CronJob",
		"name: values\nreplicas: 3\n":                    "not a Kubernetes manifest?",
	} {
		_, found := manifest.Read(source.NewFile("a.yaml", []byte(text)), manifest.DefaultLimits)
		if len(found) != 1 || !strings.Contains(found[0].Help, want) {
			t.Errorf("%q: %+v, want %q", text, found, want)
		}
	}
}
