package cli

import (
	"context"
	"encoding/json"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sourcegraph/jsonrpc2"
)

// editor drives `seatrial lsp` as an editor does.
type editor struct {
	t           *testing.T
	conn        *jsonrpc2.Conn
	diagnostics chan published
	exit        chan int
}

type published struct {
	URI         string
	Version     int
	Diagnostics []struct {
		Range    span
		Severity int
		Code     string
		Message  string
	}
}

type span struct{ Start, End struct{ Line, Character int } }

type pipes struct {
	io.Reader
	io.WriteCloser
}

func newEditor(t *testing.T, encodings ...string) *editor {
	t.Helper()
	return newEditorWith(t, map[string]any{"general": map[string]any{"positionEncodings": encodings}})
}

// newEditorWith starts the server for an editor with capabilities.
func newEditorWith(t *testing.T, capabilities map[string]any) *editor {
	t.Helper()
	serverIn, out := io.Pipe()
	in, serverOut := io.Pipe()
	e := &editor{t: t, diagnostics: make(chan published, 100), exit: make(chan int, 1)}
	go func() {
		e.exit <- Run(
			context.Background(), []string{"lsp"},
			Streams{In: serverIn, Out: serverOut, Err: io.Discard, Getenv: func(string) string { return "" }},
		)
		serverOut.Close()
	}()
	e.conn = jsonrpc2.NewConn(context.Background(), jsonrpc2.NewBufferedStream(
		pipes{in, out}, jsonrpc2.VSCodeObjectCodec{},
	), jsonrpc2.HandlerWithError(func(_ context.Context, _ *jsonrpc2.Conn, r *jsonrpc2.Request) (any, error) {
		var p published
		if r.Method == "textDocument/publishDiagnostics" && json.Unmarshal(*r.Params, &p) == nil {
			e.diagnostics <- p
		}
		return nil, nil
	}))
	var answer struct{ Capabilities map[string]any }
	e.call(
		"initialize",
		map[string]any{"capabilities": capabilities},
		&answer,
	)
	if answer.Capabilities["hoverProvider"] != true {
		t.Fatalf("capabilities: %v", answer.Capabilities)
	}
	e.notify("initialized", map[string]any{})
	t.Cleanup(func() {
		e.call("shutdown", nil, nil)
		e.notify("exit", nil)
		select {
		case code := <-e.exit:
			if code != exitClean {
				t.Errorf("exit code %d", code)
			}
		case <-time.After(10 * time.Second):
			t.Error("the server does not end")
		}
		_ = e.conn.Close() // the server has closed it, perhaps
	})
	return e
}

func (e *editor) call(method string, params, result any) {
	e.t.Helper()
	if err := e.conn.Call(context.Background(), method, params, result); err != nil {
		e.t.Fatalf("%s: %v", method, err)
	}
}

func (e *editor) notify(method string, params any) {
	e.t.Helper()
	if err := e.conn.Notify(context.Background(), method, params); err != nil {
		e.t.Fatalf("%s: %v", method, err)
	}
}

func (e *editor) open(uri, text string) {
	e.notify(
		"textDocument/didOpen",
		map[string]any{"textDocument": map[string]any{"uri": uri, "languageId": "yaml", "version": 1, "text": text}},
	)
}

func (e *editor) change(uri string, version int, text string) {
	e.notify(
		"textDocument/didChange",
		map[string]any{
			"textDocument":   map[string]any{"uri": uri, "version": version},
			"contentChanges": []any{map[string]any{"text": text}},
		},
	)
}

// findings waits for what is said of a version of a text.
func (e *editor) findings(uri string, version int) published {
	e.t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		select {
		case p := <-e.diagnostics:
			if p.URI == uri && p.Version == version {
				return p
			}
		case <-deadline:
			e.t.Fatalf("nothing is said of version %d of %s", version, uri)
		}
	}
}

func (p published) codes() (codes []string) {
	for _, d := range p.Diagnostics {
		codes = append(codes, d.Code)
	}
	return codes
}

// at returns the place of a mark in a text, and the text without it.
func at(t *testing.T, text string) (string, map[string]any) {
	t.Helper()
	before, after, ok := strings.Cut(text, "‸")
	if !ok {
		t.Fatal("no mark in the text")
	}
	line := strings.Count(before, "\n")
	return before + after, map[string]any{
		"line": line, "character": len(before) - strings.LastIndexByte(before, '\n') - 1,
	}
}

// labels asks for what may be written at the mark of a text.
func (e *editor) labels(text string) (labels []string) {
	e.t.Helper()
	text, place := at(e.t, text)
	e.open("untitled:new.yaml", text)
	var list struct{ Items []struct{ Label string } }
	e.call(
		"textDocument/completion",
		map[string]any{"textDocument": map[string]any{"uri": "untitled:new.yaml"}, "position": place}, &list,
	)
	for _, i := range list.Items {
		labels = append(labels, i.Label)
	}
	return labels
}

func fileURI(name string) string { return (&url.URL{Scheme: "file", Path: name}).String() }

const editedDeployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: wbe}
    spec:
      containers:
      - name: web
        image: nginx:1.27.3
        ports:
        - containerPort: "80"
`

func TestEditorSeesAndMendsFindings(t *testing.T) {
	e := newEditor(t)
	uri := fileURI(filepath.Join(t.TempDir(), "web.yaml"))
	e.open(uri, editedDeployment)
	p := e.findings(uri, 1)
	if codes := p.codes(); !slices.Contains(codes, "api-server") || !slices.Contains(codes, "field-type") {
		t.Fatalf("found %v", codes)
	}
	var actions []struct {
		Title, Kind string
		Edit        struct {
			Changes map[string][]struct {
				Range   span
				NewText string
			}
		}
	}
	i := slices.Index(p.codes(), "field-type")
	e.call(
		"textDocument/codeAction",
		map[string]any{
			"textDocument": map[string]any{"uri": uri}, "range": p.Diagnostics[i].Range,
			"context": map[string]any{},
		},
		&actions,
	)
	if len(actions) < 2 || actions[0].Kind != "quickfix" || actions[0].Edit.Changes[uri][0].NewText != "80" ||
		actions[len(actions)-1].Kind != "source.fixAll" {
		t.Errorf("actions: %+v", actions)
	}
	e.change(uri, 2, strings.NewReplacer("wbe", "web", `"80"`, "80").Replace(editedDeployment))
	for _, d := range e.findings(uri, 2).Diagnostics {
		if d.Severity == 1 {
			t.Errorf("still said: %s", d.Message)
		}
	}
}

func TestEditorSeesTheFolderAsOneSet(t *testing.T) {
	e := newEditor(t)
	folder := t.TempDir()
	uri := fileURI(filepath.Join(folder, "service.yaml"))
	other := "apiVersion: v1\nkind: Pod\nmetadata: {name: other, labels: {app: other}}\nspec:\n  containers: [{name: web, image: 'nginx:1.27.3'}]\n"
	if err := os.WriteFile(filepath.Join(folder, "other.yaml"), []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	e.open(
		uri,
		"apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  selector: {app: web}\n  ports: [{port: 80}]\n",
	)
	if codes := e.findings(uri, 1).codes(); !slices.Contains(codes, "service-selects-no-pods") {
		t.Errorf("alone: found %v", codes)
	}
	pod := "apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {app: web}}\nspec:\n  containers: [{name: web, image: 'nginx:1.27.3'}]\n"
	if err := os.WriteFile(filepath.Join(folder, "pod.yaml"), []byte(pod), 0o600); err != nil {
		t.Fatal(err)
	}
	e.notify("textDocument/didSave", map[string]any{"textDocument": map[string]any{"uri": uri}})
	if codes := e.findings(uri, 1).codes(); slices.Contains(codes, "service-selects-no-pods") {
		t.Errorf("beside its pod: found %v", codes)
	}
}

func TestEditorIsToldOnlyOfManifests(t *testing.T) {
	e := newEditor(t)
	uri := fileURI(filepath.Join(t.TempDir(), "compose.yaml"))
	e.open(uri, "services:\n  web: {image: nginx}\n")
	if p := e.findings(uri, 1); len(p.Diagnostics) > 0 {
		t.Errorf("said of another program's file: %v", p.codes())
	}
}

func TestEditorCountsAsItAskedFor(t *testing.T) {
	for encoding, want := range map[string]int{"utf-16": 29, "utf-8": 31} {
		e := newEditor(t, encoding)
		uri := fileURI(filepath.Join(t.TempDir(), "config.yaml"))
		e.open(uri, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {\"𝄞\": \"x\", \"b\": 1, c: 12}\n")
		for _, d := range e.findings(uri, 1).Diagnostics {
			if d.Code == "field-type" && d.Range.Start.Line == 3 && strings.Contains(d.Message, "data.c") &&
				d.Range.Start.Character != want {
				t.Errorf("%s: at %d, want %d", encoding, d.Range.Start.Character, want)
			}
		}
	}
}

func TestEditorIsToldWhatAFieldMeans(t *testing.T) {
	e := newEditor(t)
	for mark, want := range map[string]string{
		"  sel‸ector:":                 "It must match the pod template's labels",
		"kind: Depl‸oyment":            "Deployment enables declarative updates",
		"        ima‸ge: nginx:1.27.3": "Container image name",
		"      labels: {ap‸p: wbe}":    "Map of string keys and values",
	} {
		text, place := at(t, strings.Replace(editedDeployment, strings.ReplaceAll(mark, "‸", ""), mark, 1))
		e.open("untitled:a.yaml", text)
		var hover struct{ Contents struct{ Value string } }
		e.call(
			"textDocument/hover",
			map[string]any{"textDocument": map[string]any{"uri": "untitled:a.yaml"}, "position": place}, &hover,
		)
		if !strings.Contains(hover.Contents.Value, want) {
			t.Errorf("%s: told %q, want %q", mark, hover.Contents.Value, want)
		}
	}
}

func TestEditorIsOfferedWhatMayStandThere(t *testing.T) {
	e := newEditor(t)
	head := "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n"
	for name, c := range map[string]struct {
		text string
		want []string
		not  []string
	}{
		"fields of the object":  {head + "‸", []string{"status"}, []string{"kind", "spec"}},
		"required fields first": {head + "  ‸", []string{"selector", "template", "replicas"}, nil},
		"fields begun": {
			head + "  replicas: 2\n  sel‸\n  template: {}\n", []string{"selector"},
			[]string{"replicas", "template"},
		},
		"fields of an element": {
			head + "  template:\n    spec:\n      containers:\n      - name: web\n        ‸\n",
			[]string{"image", "ports"}, []string{"name"},
		},
		"the first field of elements": {
			head + "  template:\n    spec:\n      containers:\n      - ‸\n", []string{"name", "image"}, nil,
		},
		"values of an enumeration": {
			head + "  template:\n    spec:\n      restartPolicy: ‸\n", []string{"Always", "OnFailure", "Never"},
			nil,
		},
		"values begun": {
			head + "  template:\n    spec:\n      restartPolicy: Al‸\n", []string{"Always"}, nil,
		},
		"truth": {head + "  paused: ‸\n", []string{"true", "false"}, nil},
		"kinds of a version": {
			"apiVersion: batch/v1\nkind: ‸\n", []string{"Job", "CronJob"}, []string{"Deployment"},
		},
		"versions of a kind": {
			"kind: HorizontalPodAutoscaler\napiVersion: ‸\n", []string{"autoscaling/v2", "autoscaling/v1"},
			[]string{"apps/v1"},
		},
		"whole objects": {"‸", []string{"apiVersion", "Deployment", "Service"}, nil},
		"nothing among labels": {
			head + "  selector:\n    matchLabels:\n      ‸\n", nil, []string{"name", "selector"},
		},
	} {
		got := e.labels(c.text)
		for _, w := range c.want {
			if !slices.Contains(got, w) {
				t.Errorf("%s: %s is not offered, but %v", name, w, got)
			}
		}
		for _, n := range c.not {
			if slices.Contains(got, n) {
				t.Errorf("%s: %s is offered", name, n)
			}
		}
	}
	if got := e.labels(head + "  ‸"); len(got) < 2 || got[0] != "selector" || got[1] != "template" {
		t.Errorf("required fields do not come first: %v", got)
	}
}

func TestEditorSeesTheOutline(t *testing.T) {
	e := newEditor(t)
	e.open(
		"untitled:a.yaml",
		editedDeployment+"---\napiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\n",
	)
	var symbols []struct {
		Name  string
		Range span
	}
	e.call(
		"textDocument/documentSymbol", map[string]any{"textDocument": map[string]any{"uri": "untitled:a.yaml"}},
		&symbols,
	)
	if len(symbols) != 2 || symbols[0].Name != "Deployment web" || symbols[1].Name != "Service shop/web" ||
		symbols[1].Range.Start.Line != 17 {
		t.Errorf("outline: %+v", symbols)
	}
}

func TestEditorIsRefusedWhatIsNotSupported(t *testing.T) {
	e := newEditor(t)
	err := e.conn.Call(context.Background(), "textDocument/typeDefinition", map[string]any{}, nil)
	if rpc, ok := err.(*jsonrpc2.Error); !ok || rpc.Code != jsonrpc2.CodeMethodNotFound {
		t.Errorf("got %v", err)
	}
}

func TestEditorJudgesTemplatesAndPatches(t *testing.T) {
	dir := t.TempDir()
	uri := func(name string) string { return fileURI(filepath.Join(dir, filepath.FromSlash(name))) }
	for name, text := range map[string]string{
		"web/Chart.yaml":  "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"web/values.yaml": "replicas: 2\npolicy: Always\n",
		"web/templates/web.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n" +
			"  containers:\n  - name: web\n    image: nginx:1.27\n    imagePullPolicy: {{ .Values.policy }}\n",
		"shop/kustomization.yaml": "resources: [web.yaml]\npatches: [{path: patches/web.yaml}]\n",
		"shop/web.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n" +
			"  containers:\n  - {name: web, image: 'nginx:1.27'}\n",
		"shop/patches/web.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {restartPolicy: Never}\n",
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	e := newEditor(t)
	wantFinding := func(name, text string, version, line int, message string) {
		t.Helper()
		if version == 1 {
			e.open(uri(name), text)
		} else {
			e.change(uri(name), version, text)
		}
		for _, d := range e.findings(uri(name), version).Diagnostics {
			// What a chart asks for by required is a warning.
			if d.Severity <= 2 && message != "" && d.Range.Start.Line == line && strings.Contains(d.Message, message) {
				return
			}
			if d.Severity == 1 {
				t.Errorf("%s: unexpected error in line %d: %s", name, d.Range.Start.Line, d.Message)
			}
		}
		if message != "" {
			t.Errorf("%s: no finding that says %q in line %d", name, message, line)
		}
	}
	template := "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: web\n" +
		"    image: nginx:1.27\n    imagePullPolicy: {{ .Values.policy }}\n"
	wantFinding("web/templates/web.yaml", template, 1, 0, "")
	wantFinding("web/templates/web.yaml", template+"    stdinn: true\n", 2, 8, "stdinn")
	wantFinding(
		"web/templates/web.yaml", template+"    tty: {{ .Values.tty | required \"tty is missing\" }}\n", 3, 8,
		"tty is missing",
	)
	patch := "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {restartPolicy: Never}\n"
	wantFinding("shop/patches/web.yaml", patch, 1, 0, "")
	wantFinding("shop/patches/web.yaml", strings.Replace(patch, "Never", "Sometimes", 1), 2, 3, "Sometimes")
}

// TestEditorFixesSourcesOnlyForTheBetter asks for all certain fixes of a resource: where the kustomization wants the
// value as it is, nothing can be built with them, and they are not offered.
func TestEditorFixesSourcesOnlyForTheBetter(t *testing.T) {
	const web = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: \"3\"\n" +
		"  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n" +
		"      containers:\n      - {name: web, image: 'nginx:1.27', env: [{name: COUNT, value: none}]}\n"
	const tested = "patches:\n- target: {kind: Deployment}\n" +
		"  patch: '[{\"op\": \"test\", \"path\": \"/spec/replicas\", \"value\": \"3\"}]'\n"
	for name, c := range map[string]struct {
		kustomization string
		only          []string
		offered       bool
	}{
		"better":      {"resources: [web.yaml]\n", []string{"source.fixAll"}, true},
		"not asked":   {"resources: [web.yaml]\n", nil, false}, // each move of the cursor would judge the folder
		"wrong there": {"resources: [web.yaml]\n" + tested, []string{"source.fixAll"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range map[string]string{"web.yaml": web, "kustomization.yaml": c.kustomization} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			e, uri := newEditor(t), fileURI(filepath.Join(dir, "web.yaml"))
			e.open(uri, web)
			if codes := e.findings(uri, 1).codes(); !slices.Contains(codes, "field-type") {
				t.Fatalf("found %v", codes)
			}
			context := map[string]any{}
			if c.only != nil {
				context["only"] = c.only
			}
			var actions []struct {
				Kind string
				Edit struct {
					Changes map[string][]struct{ NewText string }
				}
			}
			e.call("textDocument/codeAction", map[string]any{
				"textDocument": map[string]any{"uri": uri}, "range": span{}, "context": context,
			}, &actions)
			offered := false
			for _, a := range actions {
				if a.Kind == "source.fixAll" {
					offered = strings.Contains(a.Edit.Changes[uri][0].NewText, "replicas: 3\n")
				}
			}
			if offered != c.offered {
				t.Errorf("offered: %v, want %v", offered, c.offered)
			}
		})
	}
}
