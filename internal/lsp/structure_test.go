package lsp_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/internal/lsp"
)

const structured = `# a
# comment
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
  - name: web
    image: registry.example.com/web:1
  - name: side
    image: quay.io/org/side@sha256:abc
  initContainers:
  - {name: init, image: "busybox:1"}
`

type line struct{ Line, Character int }

type textRange struct{ Start, End line }

func TestMapsListsAndCommentsFold(t *testing.T) {
	editor(t, &counter{}, func(e *client) {
		e.open(uri("a.yaml"), structured)
		var folds []struct {
			StartLine, EndLine int
			Kind               string
		}
		e.call(
			"textDocument/foldingRange", map[string]any{"textDocument": map[string]any{"uri": uri("a.yaml")}}, &folds,
		)
		for _, want := range [][3]any{
			{0, 1, "comment"}, {4, 5, "region"}, {6, 13, "region"}, {7, 11, "region"}, {8, 9, "region"},
		} {
			if !slices.ContainsFunc(folds, func(f struct {
				StartLine, EndLine int
				Kind               string
			}) bool {
				return f.StartLine == want[0] && f.EndLine == want[1] && f.Kind == want[2]
			}) {
				t.Errorf("%v does not fold: %v", want, folds)
			}
		}
	})
}

func TestASelectionGrows(t *testing.T) {
	editor(t, &counter{}, func(e *client) {
		e.open(uri("a.yaml"), structured)
		type selection struct {
			Range  textRange
			Parent *selection
		}
		var chains []*selection
		e.call("textDocument/selectionRange", map[string]any{
			"textDocument": map[string]any{"uri": uri("a.yaml")}, "positions": []line{{9, 14}},
		}, &chains)
		if len(chains) != 1 || chains[0].Range != (textRange{line{9, 11}, line{9, 37}}) {
			t.Fatalf("innermost: %+v", chains)
		}
		depth := 0
		for s := chains[0]; s.Parent != nil; s = s.Parent {
			if s.Parent.Range.Start.Line > s.Range.Start.Line || s.Parent.Range.End.Line < s.Range.End.Line {
				t.Errorf("%v does not hold %v", s.Parent.Range, s.Range)
			}
			depth++
		}
		if depth < 5 {
			t.Errorf(
				"%d steps, want the value, the field, the element, the list, the fields above, the document", depth,
			)
		}
	})
}

func TestImagesLinkToTheirRepository(t *testing.T) {
	editor(t, &counter{}, func(e *client) {
		e.open(uri("a.yaml"), structured)
		var links []struct{ Target string }
		e.call(
			"textDocument/documentLink", map[string]any{"textDocument": map[string]any{"uri": uri("a.yaml")}}, &links,
		)
		var got []string
		for _, l := range links {
			got = append(got, l.Target)
		}
		want := []string{"https://quay.io/repository/org/side", "https://hub.docker.com/_/busybox"}
		if !slices.Equal(got, want) {
			t.Errorf("links %q, want %q", got, want)
		}
	})
}

// chartFiles is a chart; ‸ marks the place that is asked about.
func chartFiles(t *testing.T) (folder string) {
	folder = t.TempDir()
	for name, text := range map[string]string{
		"Chart.yaml":             "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"values.yaml":            "# how many\nreplicas: 2\nimage:\n  tag: one\n",
		"templates/_helpers.tpl": "{{- define \"web.name\" -}}web{{- end }}\n",
		"templates/web.yaml":     "name: {{ include \"web.name\" . }}\ntag: {{ .Values.image.tag }}\n",
	} {
		file := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// place returns a text without its mark, and where the mark stood.
func place(t *testing.T, text string) (string, line) {
	before, after, ok := strings.Cut(text, "‸")
	if !ok {
		t.Fatal("no mark")
	}
	return before + after, line{strings.Count(before, "\n"), len(before) - strings.LastIndexByte(before, '\n') - 1}
}

type found struct {
	URI   string
	Range textRange
}

func TestTemplatesLeadToValuesAndHelpers(t *testing.T) {
	folder := chartFiles(t)
	file := func(name string) string { return "file://" + filepath.ToSlash(filepath.Join(folder, name)) }
	for text, want := range map[string]found{
		"a: {{ .Values.image.t‸ag }}":       {file("values.yaml"), textRange{line{3, 2}, line{3, 5}}},
		"a: {{ .Values.im‸age.tag }}":       {file("values.yaml"), textRange{line{2, 0}, line{2, 5}}},
		"a: {{ $.Values.repli‸cas | int }}": {file("values.yaml"), textRange{line{1, 0}, line{1, 8}}},
		`a: {{ include "web‸.name" . }}`:    {file("templates/_helpers.tpl"), textRange{line{0, 12}, line{0, 20}}},
	} {
		editor(t, &counter{}, func(e *client) {
			text, at := place(t, text)
			e.open(file("templates/new.yaml"), text)
			var got []found
			e.call("textDocument/definition", map[string]any{
				"textDocument": map[string]any{"uri": file("templates/new.yaml")}, "position": at,
			}, &got)
			if len(got) != 1 || got[0] != want {
				t.Errorf("%s leads to %v, want %v", text, got, want)
			}
		})
	}
}

func TestAValueHasItsUses(t *testing.T) {
	folder := chartFiles(t)
	file := func(name string) string { return "file://" + filepath.ToSlash(filepath.Join(folder, name)) }
	editor(t, &counter{}, func(e *client) {
		e.open(file("values.yaml"), "replicas: 2\nimage:\n  tag: one\n")
		var got []found
		e.call("textDocument/references", map[string]any{
			"textDocument": map[string]any{"uri": file("values.yaml")}, "position": line{2, 3},
		}, &got)
		want := found{file("templates/web.yaml"), textRange{line{1, 15}, line{1, 25}}}
		if len(got) != 1 || got[0] != want {
			t.Errorf("uses %v, want %v", got, want)
		}
	})
}

func TestTemplatesCompleteValuesAndFunctions(t *testing.T) {
	folder := chartFiles(t)
	name := "file://" + filepath.ToSlash(filepath.Join(folder, "templates/new.yaml"))
	for text, want := range map[string][]string{
		"a: {{ .Values.‸ }}":         {"replicas", "image"},
		"a: {{ .Values.image.t‸ }}":  {"tag"},
		"a: {{ .Values.missing.‸ }}": {},
		"a: {{ .Values.tag | qu‸ }}": {"default", "quote"},
		`a: {{ include "we‸" }}`:     {"web.name"},
		`a: {{ printf "qu‸" }}`:      {},
		"a: {{ .Release.‸ }}":        {},
	} {
		complete(t, name, text, want)
	}
}

func complete(t *testing.T, name, text string, want []string) {
	t.Helper()
	served(t, &counter{}, `{}`, func(s *lsp.Server) { s.Functions = []string{"default", "quote"} }, func(e *client) {
		text, at := place(t, text)
		e.open(name, text)
		var list struct{ Items []struct{ Label string } }
		e.call(
			"textDocument/completion", map[string]any{"textDocument": map[string]any{"uri": name}, "position": at},
			&list,
		)
		got := []string{}
		for _, i := range list.Items {
			got = append(got, i.Label)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: offered %q, want %q", text, got, want)
		}
	})
}
