package lsp_test

import (
	"path/filepath"
	"testing"
)

type textEdit struct {
	Range   textRange
	NewText string
}

// formatted returns the edits that lay out a document.
func (e *client) formatted(uri string) (edits []textEdit) {
	e.call("textDocument/formatting", map[string]any{
		"textDocument": map[string]any{"uri": uri}, "options": map[string]any{"tabSize": 8, "insertSpaces": true},
	}, &edits)
	return edits
}

func TestADocumentIsLaidOut(t *testing.T) {
	editor(t, &counter{}, func(e *client) {
		name := uri("web.yaml")
		e.open(
			name,
			"apiVersion: v1\nkind: Pod\nspec:\n    # all\n    containers:\n      - name: web   # one\nstatus: {}\n",
		)
		edits := e.formatted(name)
		want := textEdit{textRange{line{3, 0}, line{6, 0}}, "  # all\n  containers:\n  - name: web # one\n"}
		if len(edits) != 1 || edits[0] != want {
			t.Errorf("edits %+v, want %+v", edits, want)
			return
		}
		e.notify("textDocument/didChange", map[string]any{
			"textDocument":   map[string]any{"uri": name, "version": 2},
			"contentChanges": []any{map[string]any{"range": edits[0].Range, "text": edits[0].NewText}},
		})
		if again := e.formatted(name); len(again) != 0 {
			t.Errorf("laid out again it changes: %+v", again)
		}
	})
}

func TestTemplatesAndBrokenTextsAreNotLaidOut(t *testing.T) {
	template := "file://" + filepath.ToSlash(filepath.Join(chartFiles(t), "templates/new.yaml"))
	for name, text := range map[string]string{
		template:            "a:\n    b: 1\n",
		uri("broken.yaml"):  "a:\n    b: [\n",
		uri("actions.yaml"): "a:\n    {{- if .Values.b }}\n    b: 1\n    {{- end }}\n",
	} {
		editor(t, &counter{}, func(e *client) {
			e.open(name, text)
			if edits := e.formatted(name); len(edits) != 0 {
				t.Errorf("%s: edits %+v", name, edits)
			}
		})
	}
}
