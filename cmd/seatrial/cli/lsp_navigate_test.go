package cli

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shopFiles is a folder whose objects refer to each other; «NAME» marks places, which are not part of the texts.
var shopFiles = map[string]string{
	"config.yaml": `apiVersion: v1
kind: ConfigMap
metadata: {name: «config»settings}
data:
  «level»log-level: debug
  color: blue
---
apiVersion: v1
kind: Secret
metadata: {name: "«secret»passwords"}
stringData: {db: hidden}
`,
	"web.yaml": `apiVersion: apps/v1
kind: Deployment
metadata: {name: «web»web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {«labels»labels: {app: web, tier: front}}
    spec:
      containers:
      - name: web
        image: nginx:1.27.3
        envFrom: [{configMapRef: {name: «use1»settings}}]
        env:
        - name: LEVEL
          valueFrom: {configMapKeyRef: {name: '«use2»settings', key: «use3»log-level}}
        - name: PASSWORD
          valueFrom: {secretKeyRef: {name: «use4»passwords, key: db}}
        volumeMounts: [{name: «mount»tmp, mountPath: /tmp}]
      volumes:
      - name: «volume»tmp
        emptyDir: {}
`,
	"service.yaml": `apiVersion: v1
kind: Service
metadata: {name: «service»web}
spec:
  selector: {«selector»app: web}
  ports: [{name: «port»http, port: 80}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  defaultBackend: {service: {name: «backend»web, port: {name: «backendport»http}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  maxReplicas: 3
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: «target»web}
`,
}

// marked takes the marks out of a text, and returns where they were: name to line and character.
func marked(text string) (string, map[string]position) {
	places := map[string]position{}
	for {
		start := strings.Index(text, "«")
		if start < 0 {
			return text, places
		}
		end := strings.Index(text, "»")
		before := text[:start]
		places[text[start+len("«"):end]] = position{
			strings.Count(before, "\n"), len(before) - strings.LastIndex(before, "\n") - 1,
		}
		text = before + text[end+len("»"):]
	}
}

type position struct {
	Line      int `json:"line"`
	Character int `json:"character"`
}

// markedFolder is a folder of files that were written with marks.
type markedFolder struct {
	dir   string
	uris  map[string]string // by file
	texts map[string]string // without the marks, by URI
	marks map[string]markedPlace
}

type markedPlace struct {
	uri string
	position
}

// writeMarked writes files whose texts have marks.
func writeMarked(t *testing.T, files map[string]string) *markedFolder {
	t.Helper()
	f := &markedFolder{
		dir: t.TempDir(), uris: map[string]string{}, texts: map[string]string{}, marks: map[string]markedPlace{},
	}
	for file, text := range files {
		path := filepath.Join(f.dir, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		text, places := marked(text)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		uri := fileURI(path)
		f.uris[file], f.texts[uri] = uri, text
		for mark, p := range places {
			f.marks[mark] = markedPlace{uri, p}
		}
	}
	return f
}

// open opens the files in an editor, but for one, which is read from disk.
func (f *markedFolder) open(e *editor, but string) {
	for file, uri := range f.uris {
		if file != but {
			e.open(uri, f.texts[uri])
		}
	}
}

// request returns the parameters of a request at a mark, or about a file.
func (f *markedFolder) request(at string, more map[string]any) map[string]any {
	params := maps.Clone(more)
	if params == nil {
		params = map[string]any{}
	}
	if p, ok := f.marks[at]; ok {
		params["textDocument"], params["position"] = map[string]any{"uri": p.uri}, p.position
	} else {
		params["textDocument"] = map[string]any{"uri": f.uris[at]}
	}
	return params
}

// name returns the mark at a place.
func (f *markedFolder) name(uri string, p position) string {
	for mark, place := range f.marks {
		if place == (markedPlace{uri, p}) {
			return mark
		}
	}
	return ""
}

// refuses checks that renamings are refused with an error that holds a text.
func refuses(
	t *testing.T, rename func(mark, name string) ([]string, error), cases []struct{ mark, name, want string },
) {
	t.Helper()
	for _, c := range cases {
		if changed, err := rename(c.mark, c.name); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("renaming %s to %s: %v, %v, want %q", c.mark, c.name, changed, err, c.want)
		}
	}
}

// shopEditor opens the shop, and returns where the marks are: their file's URI and position.
func shopEditor(t *testing.T) (e *editor, at map[string]any, name func(uri string, p position) string) {
	e, at = newEditor(t), map[string]any{}
	folder := writeMarked(t, shopFiles)
	folder.open(e, "config.yaml")
	for mark := range folder.marks {
		at[mark] = folder.request(mark, nil)
	}
	return e, at, folder.name
}

type editorPlace struct {
	URI   string
	Range struct{ Start, End position }
}

func TestEditorLeadsToDefinitionsAndReferences(t *testing.T) {
	e, at, name := shopEditor(t)
	marks := func(method string, params any) (found []string) {
		var places []editorPlace
		e.call(method, params, &places)
		for _, p := range places {
			found = append(found, name(p.URI, p.Range.Start))
		}
		slices.Sort(found)
		return found
	}
	for from, want := range map[string]string{
		"use1": "config", "use2": "config", "use3": "level", "use4": "secret", "target": "web", "backend": "service",
		"backendport": "port", "mount": "volume", "selector": "labels", "web": "web",
	} {
		if got := marks("textDocument/definition", at[from]); !slices.Equal(got, []string{want}) {
			t.Errorf("definition of %s: %v, want %s", from, got, want)
		}
	}
	with := func(mark string, more map[string]any) map[string]any {
		for k, v := range at[mark].(map[string]any) {
			more[k] = v
		}
		return more
	}
	declared := map[string]any{"includeDeclaration": true}
	got := marks("textDocument/references", with("use1", map[string]any{"context": declared}))
	if !slices.Equal(got, []string{"config", "use1", "use2"}) {
		t.Errorf("references of settings: %v", got)
	}
	got = marks("textDocument/references", with("service", map[string]any{"context": map[string]any{}}))
	if !slices.Equal(got, []string{"backend"}) {
		t.Errorf("references of the Service: %v", got)
	}
	var shown []struct{ Range struct{ Start position } }
	e.call("textDocument/documentHighlight", at["use1"], &shown)
	if len(shown) != 2 {
		t.Errorf("%d highlights, want 2", len(shown))
	}
	var symbols []struct{ Name string }
	e.call("workspace/symbol", map[string]any{"query": "secret"}, &symbols)
	if len(symbols) != 1 || symbols[0].Name != "Secret default/passwords" {
		t.Errorf("symbols: %v", symbols)
	}
}

func TestEditorRenames(t *testing.T) {
	e, at, name := shopEditor(t)
	for mark, want := range map[string][]string{
		"use1": {"config", "use1", "use2"}, "use3": {"level", "use3"}, "backendport": {"backendport", "port"},
	} {
		params := map[string]any{"newName": "other"}
		for k, v := range at[mark].(map[string]any) {
			params[k] = v
		}
		var edit struct {
			Changes map[string][]struct {
				Range   struct{ Start, End position }
				NewText string
			}
		}
		e.call("textDocument/rename", params, &edit)
		var got []string
		for uri, edits := range edit.Changes {
			for _, change := range edits {
				got = append(got, name(uri, change.Range.Start))
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("renaming %s changes %v, want %v", mark, got, want)
		}
	}
}

func TestEditorCompletesNamesOfTheSet(t *testing.T) {
	e, _, _ := shopEditor(t)
	dir := t.TempDir()
	for file, text := range shopFiles {
		text, _ := marked(text)
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pod := "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  volumes: [{name: tmp, emptyDir: {}}]\n  containers:\n" +
		"  - name: a\n    image: nginx:1.27.3\n"
	service := "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  ports: [{port: 80}]\n"
	for i, c := range []struct{ text, want string }{
		{pod + "    envFrom:\n    - configMapRef:\n        name: «»\n", "settings"},
		{pod + "    envFrom:\n    - secretRef:\n        name: «»\n", "passwords"},
		{
			pod +
				"    env:\n    - name: X\n      valueFrom:\n        configMapKeyRef:\n          name: settings\n          key: «»\n",
			"color log-level",
		},
		{pod + "    volumeMounts:\n    - mountPath: /tmp\n      name: «»\n", "tmp"},
		{
			pod + "    volumeMounts:\n    - mountPath: [/tmp\n    envFrom:\n    - secretRef:\n        name: «»\n",
			"passwords",
		},
		{service + "  selector:\n    app: «»\n", "web"},
		{service + "  selector:\n    t«»\n", "app tier"},
	} {
		text, places := marked(c.text)
		uri := fileURI(filepath.Join(dir, fmt.Sprintf("new%d.yaml", i)))
		e.open(uri, text)
		var list struct{ Items []struct{ Label string } }
		e.call("textDocument/completion", map[string]any{
			"textDocument": map[string]any{"uri": uri}, "position": places[""],
		}, &list)
		var labels []string
		for _, item := range list.Items {
			labels = append(labels, item.Label)
		}
		slices.Sort(labels)
		if got := strings.Join(labels, " "); got != c.want {
			t.Errorf("%q: offered %q, want %q", text[max(0, len(text)-60):], got, c.want)
		}
		e.notify("textDocument/didClose", map[string]any{"textDocument": map[string]any{"uri": uri}})
	}
}

func TestEditorSendsChangesInParts(t *testing.T) {
	e := newEditor(t)
	uri := fileURI(filepath.Join(t.TempDir(), "pod.yaml"))
	e.open(uri, "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: ä𝄞, image: 'a:1'}]\n")
	edit := func(line, from, to int, text string) map[string]any {
		return map[string]any{
			"range": map[string]any{"start": position{line, from}, "end": position{line, to}}, "text": text,
		}
	}
	e.notify("textDocument/didChange", map[string]any{
		"textDocument": map[string]any{"uri": uri, "version": 2},
		// The second change is about the text after the first one, and the last adds a line at the end.
		"contentChanges": []any{edit(4, 22, 25, "a"), edit(4, 23, 23, "b"), edit(5, 0, 0, "  hostname: 7\n")},
	})
	for _, d := range e.findings(uri, 2).Diagnostics {
		if d.Severity == 1 && (d.Range.Start.Line != 5 || !strings.Contains(d.Message, "hostname")) {
			t.Errorf("line %d: %s", d.Range.Start.Line, d.Message)
		}
	}
	var outline []struct {
		Name     string
		Children []struct{ Name string }
	}
	e.call("textDocument/documentSymbol", map[string]any{"textDocument": map[string]any{"uri": uri}}, &outline)
	if len(outline) != 1 || len(outline[0].Children) != 4 || outline[0].Children[3].Name != "spec" {
		t.Errorf("outline: %+v", outline)
	}
}

func TestEditorRenamesNothingThatWouldBreak(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "all.yaml")
	text, places := marked(`apiVersion: v1
kind: ConfigMap
metadata: {name: «config»cfg}
data: {«key»a: "1", b: "2"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: other}
---
apiVersion: v1
kind: Pod
metadata: {name: &name «pod»web, labels: {app: *name}}
spec:
  containers: [{name: web, image: 'nginx:1.27'}]
  volumes:
  - {name: a, configMap: &map {name: cfg}}
  - {name: b, configMap: *map}
`)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	e := newEditor(t)
	e.open(fileURI(file), text)
	rename := func(mark, name string) (texts []string, err error) {
		var edit struct {
			Changes map[string][]struct{ NewText string }
		}
		err = e.conn.Call(t.Context(), "textDocument/rename", map[string]any{
			"textDocument": map[string]any{"uri": fileURI(file)}, "position": places[mark], "newName": name,
		}, &edit)
		for _, change := range edit.Changes[fileURI(file)] {
			texts = append(texts, change.NewText)
		}
		return texts, err
	}
	refuses(t, rename, []struct{ mark, name, want string }{
		{"config", "A_B", "cannot be the name of ConfigMap cfg"},
		{"config", "-", "cannot be the name of ConfigMap cfg"},
		{"config", "other", "one of that name exists"},
		{"key", "b", "one of that name exists"},
		{"key", "a b", "cannot be the name of key a"},
		{"pod", "front", "has an anchor"},
	})
	for _, c := range []struct {
		mark, name string
		want       []string
	}{
		{"config", "conf", []string{"conf", "conf"}}, // the map with the anchor is changed once
		{"config", "123", []string{`"123"`, `"123"`}},
		{"key", "yes", []string{`"yes"`}},
	} {
		if texts, err := rename(c.mark, c.name); err != nil || !slices.Equal(texts, c.want) {
			t.Errorf("renaming %s to %s: %v, %v, want %v", c.mark, c.name, texts, err, c.want)
		}
	}
}
