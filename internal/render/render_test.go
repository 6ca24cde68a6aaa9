package render

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// TestCases renders the trees of testdata/*.txtar. The comment of each says what is wanted, a line each:
//
//	source KIND PATH [VARIANT...]
//	loose FILE...
//	elsewhere NAME: WHY
//	failed FILE:LINE:COLUMN MESSAGE
//	VARIANT|- KIND NAME PATH: FILE:LINE:COLUMN[-COLUMN] TEXT
//
//	rendered KIND NAME PATH: VALUE
//
// The last but one is where a field of the rendering comes from, and what stands there. NAME may be a glob.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			file, err := filepath.Abs(name)
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(unpack(t, a))
			tree := Discover([]string{"."}, nil)
			got := describe(t, a, tree, wantedPlaces(string(a.Comment)))
			want := strings.TrimSpace(string(a.Comment))
			if got != want && os.Getenv("UPDATE") != "" {
				a.Comment = []byte(got + "\n")
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != want {
				t.Errorf("got\n%s\n\nwant\n%s", got, want)
			}
		})
	}
}

func unpack(t *testing.T, a *txtar.Archive) string {
	t.Helper()
	dir := t.TempDir()
	unpackTo(t, a, dir)
	return dir
}

func unpackTo(t *testing.T, a *txtar.Archive, dir string) {
	t.Helper()
	for _, f := range a.Files {
		name := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// wantedPlaces returns the lines of a comment that ask for places, in their order.
func wantedPlaces(comment string) (wanted []string) {
	for l := range strings.Lines(comment) {
		known := []string{"source", "loose", "failed", "elsewhere"}
		if word, _, _ := strings.Cut(l, " "); !slices.Contains(known, word) &&
			strings.Contains(l, ": ") {
			wanted = append(wanted, strings.TrimSpace(l))
		}
	}
	return wanted
}

// describe says in the words of the cases what a tree holds, and where the wanted fields come from.
func describe(t *testing.T, a *txtar.Archive, tree *Tree, wanted []string) string {
	t.Helper()
	var lines, failed []string
	renderings := map[string][]*Rendering{} // by variant
	for _, s := range tree.Sources {
		l := fmt.Sprintf("source %s %s", s.Kind, filepath.ToSlash(s.Path))
		for _, v := range s.Variants {
			r := s.Render(v, Options{})
			name := v.Name
			if name == "" {
				name = "-"
			} else {
				l += " " + v.Name
			}
			renderings[name] = append(renderings[name], r)
			for _, d := range r.Findings {
				failed = append(failed, "failed "+d.Range.String()+" "+d.Message)
			}
		}
		lines = append(lines, l)
	}
	for _, s := range tree.Elsewhere {
		lines = append(lines, fmt.Sprintf("elsewhere %s: %s", s.Name, s.Why))
	}
	for _, d := range tree.Findings {
		failed = append(failed, "failed "+d.Range.String()+" "+d.Message)
	}
	for _, f := range a.Files {
		if !tree.Owns(f.Name) {
			lines = append(lines, "loose "+f.Name)
		}
	}
	lines = append(lines, failed...)
	for _, w := range wanted {
		asked, _, _ := strings.Cut(w, ": ")
		lines = append(lines, asked+": "+whence(t, renderings, strings.Fields(asked)))
	}
	return strings.Join(lines, "\n")
}

// whence returns the place that a field of a rendered object comes from.
func whence(t *testing.T, renderings map[string][]*Rendering, asked []string) string {
	t.Helper()
	variant := asked[0]
	if variant == "rendered" {
		variant = "-"
	}
	for _, r := range renderings[variant] {
		docs, _ := manifest.Read(source.NewFile(r.Name, r.Text), manifest.DefaultLimits)
		for _, d := range docs {
			if same, err := path.Match(asked[2], d.Object.Name); err != nil || !same || d.Object.Kind != asked[1] {
				continue
			}
			p := d.Find(asked[3])
			if !p.Exact {
				return "no such field"
			}
			if asked[0] == "rendered" {
				return p.Node.Text
			}
			located := r.Locate([]diag.Diagnostic{{Document: d.Number, Path: asked[3], Range: p.Value}})[0]
			at := located.Range
			data, err := os.ReadFile(at.File)
			if err != nil {
				return err.Error()
			}
			text := string(data[at.Start.Offset:max(at.Start.Offset, at.End.Offset)])
			text, _, _ = strings.Cut(text, "\n")
			line := strings.TrimSpace(fmt.Sprintf("%s %s", at, text))
			for _, related := range located.Related {
				line += fmt.Sprintf(" <- %s %s", related.Range, related.Message)
			}
			return line
		}
	}
	return "no such object"
}

func TestMarksDoNotChangeWhatIsRendered(t *testing.T) {
	for _, text := range []string{
		"a\nb\n", "", "\n\n", "{{- if x }}\na\n{{- end -}}\n  b\n", "{{/* a }} b */}}\nc\n", "{{ \"}}\" }}\n",
		"x {{ `a\n}}` }}\ny", "{{ unclosed\n",
	} {
		m := &marker{}
		clean, lines := m.unmark(m.mark("f", text))
		if clean != text {
			t.Errorf("%q becomes %q", text, clean)
		}
		if len(lines) != strings.Count(text, "\n")+1 {
			t.Errorf("%q: %d lines", text, len(lines))
		}
	}
}

// TestArchives renders packaged charts: also one that leads out of its folder, and one that is none.
func TestArchives(t *testing.T) {
	t.Chdir(t.TempDir())
	web := map[string]string{
		"web/Chart.yaml":          "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"web/values.yaml":         "port: 80\n",
		"web/templates/port.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  ports:\n  - port: {{ .Values.port }}\n",
	}
	pack(t, "charts/web-1.0.0.tgz", web)
	pack(t, "notes.tgz", map[string]string{"notes/README": "hello"})
	outside := map[string]string{"web/../../etc/passwd": "x"}
	for name, text := range web {
		outside[name] = text
	}
	pack(t, "outside.tgz", outside)
	if err := os.WriteFile("damaged.tgz", []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}

	tree := Discover([]string{"."}, nil)
	if len(tree.Sources) != 1 || tree.Sources[0].Path != filepath.FromSlash("charts/web-1.0.0.tgz") ||
		!tree.Owns("charts/web-1.0.0.tgz") {
		t.Fatalf("found %+v", tree.Sources)
	}
	s := tree.Sources[0]
	r := s.Render(s.Variants[0], Options{})
	docs, _ := manifest.Read(source.NewFile(r.Name, r.Text), manifest.DefaultLimits)
	if len(r.Findings) > 0 || len(docs) != 1 {
		t.Fatalf("renders to %q, %v", r.Text, r.Findings)
	}
	at := r.Locate(
		[]diag.Diagnostic{{Document: 1, Path: "spec.ports[0].port", Range: docs[0].Find("spec.ports[0].port").Value}},
	)[0]
	if got, want := filepath.ToSlash(at.Range.String()), "charts/web-1.0.0.tgz/templates/port.yaml:6:3"; got != want {
		t.Errorf("place %s, want %s", got, want)
	}
	if len(at.Related) != 1 ||
		filepath.ToSlash(at.Related[0].Range.String()) != "charts/web-1.0.0.tgz/values.yaml:1:7" {
		t.Errorf("related %v", at.Related)
	}
	for name, want := range map[string]string{
		"notes.tgz": "Chart.yaml file is missing", "damaged.tgz": "cannot be read", "outside.tgz": "cannot be read",
	} {
		tree := Discover([]string{name}, nil)
		if len(tree.Sources) != 1 {
			t.Fatalf("%s: %d sources", name, len(tree.Sources))
		}
		r := tree.Sources[0].Render(Variant{}, Options{})
		if len(r.Findings) != 1 || !strings.Contains(r.Findings[0].Message, want) {
			t.Errorf("%s: %v, want %q", name, r.Findings, want)
		}
	}
}

// pack writes an archive.
func pack(t *testing.T, name string, files map[string]string) {
	t.Helper()
	var buf bytes.Buffer
	zip := gzip.NewWriter(&buf)
	w := tar.NewWriter(zip)
	for _, file := range slices.Sorted(maps.Keys(files)) {
		text := files[file]
		if err := w.WriteHeader(&tar.Header{Name: file, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zip.Close(), os.MkdirAll(filepath.Dir(name), 0o755)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
