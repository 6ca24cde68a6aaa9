package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/internal/manifest"
	"github.com/seatrial/seatrial/internal/source"
)

func read(t *testing.T, text string) (docs []*manifest.Document, findings []string) {
	t.Helper()
	ds, fs := manifest.Read(source.NewFile("a.yaml", []byte(text)), manifest.DefaultLimits)
	for _, f := range fs {
		line := fmt.Sprintf("%d:%d-%d:%d %s: %s", f.Range.Start.Line, f.Range.Start.Column, f.Range.End.Line, f.Range.End.Column, f.Rule, f.Message)
		for _, r := range f.Related {
			line += fmt.Sprintf(" [%d:%d %s]", r.Range.Start.Line, r.Range.Start.Column, r.Message)
		}
		findings = append(findings, line)
	}
	return ds, findings
}

const pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n"

func TestDocumentsOfAFile(t *testing.T) {
	js := `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}`
	for name, c := range map[string]struct {
		text string
		want string // number and name of each document
	}{
		"one document":                           {pod, "1:a"},
		"leading and trailing separators":        {"---\n" + pod + "---\n", "1:a"},
		"separator with a comment":               {pod + "--- # next\n" + strings.Replace(pod, "a\n", "b\n", 1), "1:a 2:b"},
		"separator with spaces":                  {pod + "---   \n" + strings.Replace(pod, "name: a", "name: b", 1), "1:a 2:b"},
		"empty and comment-only documents":       {"# only\n---\n\n---\n" + pod + "---\n# end\n", "1:a"},
		"end marker":                             {pod + "...\n---\n" + strings.Replace(pod, "name: a", "name: b", 1), "1:a 2:b"},
		"directive":                              {"%YAML 1.1\n---\n" + pod, "1:a"},
		"carriage returns":                       {strings.ReplaceAll(pod+"---\n"+pod, "\n", "\r\n"), "1:a 2:a"},
		"byte order mark":                        {"\xef\xbb\xbf" + pod, "1:a"},
		"byte order mark before a separator":     {"\xef\xbb\xbf---\n" + pod, "1:a"},
		"JSON":                                   {js, "1:a"},
		"a stream of JSON":                       {js + js + "\n" + js, "1:a 2:a 3:a"},
		"JSON, then YAML":                        {js + "\n---\n" + pod, "1:a 2:a"},
		"JSON that only a YAML reader accepts":   {"{\n  # comment\n  apiVersion: v1, \"kind\": Pod, metadata: {name: a,},\n}\n", "1:a"},
		"List":                                   {"apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(pod), "\n", "\n  ") + "\n- " + strings.ReplaceAll(strings.TrimSpace(pod), "\n", "\n  ") + "\n", "1:a 1:a"},
		"typed list lends its kind to its items": {"apiVersion: v1\nkind: PodList\nitems:\n- metadata:\n    name: x\n", "1:x"},
		"anchors and merge keys":                 {"apiVersion: v1\nkind: ConfigMap\nmetadata: &m\n  name: a\n  labels: &l {x: y}\ndata:\n  <<: *l\n  x: z\n", "1:a"},
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
		"tab in indentation":        {"apiVersion: v1\nkind: Pod\nmetadata:\n\tname: a\n\tlabels: {}\n", []string{"4:1-4:2 yaml-tab: tabs in indentation of 2 lines"}},
		"key given twice":           {pod + "kind: Pod\n", []string{`5:1-5:5 yaml-duplicate-key: key "kind" is given twice in one mapping [2:1 first given here]`}},
		"key given twice in JSON":   {`{"apiVersion":"v1","kind":"Pod","kind":"Pod"}`, []string{`1:33-1:39 yaml-duplicate-key: key "kind" is given twice in one mapping [1:20 first given here]`}},
		"list without colon above":  {"args\n- Cat\n- Dog\n- Fish\n", []string{`1:1-1:5 yaml-syntax: key "args" has no colon, so the list below it is read as text`}},
		"two colons":                {"apiVersion: v1\nkind: Pod\nmetadata:\n  name: a: b\n", []string{`4:9-4:13 yaml-syntax: value of "name" holds a colon followed by a space`}},
		"no space after the colon":  {"apiVersion: v1\nkind: Pod\nmetadata:\n  name:a\n  namespace: b\n", []string{`4:3-4:8 yaml-syntax: no space after the colon of "name"`}},
		"deeper than its neighbour": {"apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n    labels: {}\n", []string{`5:5-5:15 yaml-syntax: indented deeper than "name" above, which already has a value`}},
		"lines up with nothing":     {"apiVersion: v1\nkind: Pod\nmetadata:\n    name: a\n  namespace: b\n", []string{`5:3-5:15 yaml-syntax: indented by 2 columns, which lines up with no line above`}},
		"unclosed quote":            {"apiVersion: v1\nkind: Pod\nmetadata:\n  name: \"a\n", []string{`4:9-4:10 yaml-syntax: quote " is never closed`}},
		"unclosed bracket":          {"apiVersion: v1\nkind: Pod\nspec:\n  args: [a, b\n  x: y\n", []string{`4:9-4:10 yaml-syntax: bracket [ is never closed`}},
		"reserved character":        {"apiVersion: v1\nkind: Pod\nmetadata:\n  name: @a\n", []string{`4:9-4:11 yaml-syntax: a value cannot begin with @`}},
		"unknown alias":             {"apiVersion: v1\nkind: Pod\nmetadata: *m\n", []string{`3:11-3:13 yaml-syntax: alias *m refers to no anchor`}},
		"text out of its block":     {"apiVersion: v1\nkind: Pod\nspec:\n  args:\n    - >\n      i=0;\n\nwhile true;\ndo\n    sleep 1\ndone\n", []string{`8:1-8:12 yaml-syntax: text is not indented as the block that it belongs to [5:5 the block begins here]`}},
		"template":                  {"apiVersion: v1\nkind: Pod\nmetadata:\n  {{- include \"x\" . }}\n  name: {{ .Values.a }}\n", []string{`4:3-4:23 yaml-syntax: file is a template, not a manifest`}},
		"separator with text":       {"---foo\n" + pod, []string{`1:1-1:7 yaml-syntax: "---foo" is not a document separator`}},
		"four dashes":               {pod + "----\n" + pod, []string{`5:1-5:5 yaml-syntax: "----" is not a document separator`}},
		"no kind":                   {"apiVersion: v1\nmetadata: {}\n", []string{`1:1-1:11 yaml-syntax: document has no kind`}},
		"kind in the wrong case":    {"apiVersion: v1\nKind: Pod\n", []string{`2:1-2:5 yaml-syntax: unknown key "Kind": did you mean kind?`}},
		"a list":                    {"- a\n- b\n", []string{`1:1-1:4 yaml-syntax: document is a list, not a mapping`}},
		"a word":                    {"hello\n", []string{`1:1-1:6 yaml-syntax: document is a single value, not a mapping`}},
		"invalid UTF-8":             {"apiVersion: v1\nkind: \xff\n", []string{`2:7-2:8 yaml-syntax: byte 0xff is not valid UTF-8`}},
		"broken JSON":               {`{"apiVersion": "v1" "kind": "Pod"}`, []string{`1:21-1:22 yaml-syntax: not valid JSON: invalid character '"' after object key:value pair`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, got := read(t, c.text)
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
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
		bomb += fmt.Sprintf("%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n", c, c, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1)
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
