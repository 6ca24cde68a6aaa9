package manifest

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/internal/modcache"
	"github.com/seatrial/seatrial/manifest/plain"
	"github.com/seatrial/seatrial/source"
)

// checkPlain checks that the places of plain text are those of any other, and reports whether it is plain.
func checkPlain(t *testing.T, name string, text []byte) bool {
	t.Helper()
	got := plain.JSON(text, nil)
	if got == nil {
		return false
	}
	f := source.NewFile(name, text)
	c := &Chunk{file: f, end: len(text)}
	tree, js := plainTree(c)
	if !bytes.Equal(js, got) {
		t.Errorf("%s: with places read as\n%s, without as\n%s", name, js, got)
	}
	sameTree(t, name, f, tree, parseYAMLTree(c))
	return true
}

// sameTree checks that two trees have the same nodes at the same places.
func sameTree(t *testing.T, name string, f *source.File, got, want *Node) {
	t.Helper()
	if got.Kind != want.Kind || got.Text != want.Text || got.Style != want.Style || got.Null != want.Null ||
		got.start != want.start || got.end != want.end ||
		len(got.Fields) != len(want.Fields) ||
		len(got.Items) != len(want.Items) {
		t.Errorf(
			"%s: node\n%+v at %v, want\n%+v at %v",
			name,
			*got,
			f.Range(got.start, got.end),
			*want,
			f.Range(want.start, want.end),
		)
		return
	}
	for i := range got.Fields {
		g, w := got.Fields[i], want.Fields[i]
		if g.Name != w.Name || g.keyStart != w.keyStart || g.keyEnd != w.keyEnd {
			t.Errorf(
				"%s: key %s at %v, want %s at %v",
				name,
				g.Name,
				f.Range(g.keyStart, g.keyEnd),
				w.Name,
				f.Range(w.keyStart, w.keyEnd),
			)
		}
		sameTree(t, name, f, g.Value, w.Value)
	}
	for i := range got.Items {
		sameTree(t, name, f, got.Items[i], want.Items[i])
	}
}

func TestMostManifestsArePlain(t *testing.T) {
	dir, err := modcache.Dir("k8s.io/kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	all, read := 0, 0
	for _, folder := range []string{"cluster", "test"} {
		err := filepath.WalkDir(filepath.Join(dir, folder), func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(name) != ".yaml" {
				return err
			}
			data, err := os.ReadFile(name)
			for _, c := range Split(source.NewFile(name, data)) {
				all++
				if checkPlain(t, strings.TrimPrefix(name, dir), c.text()) {
					read++
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d of %d documents are plain", read, all)
	if read*10 < all*7 {
		t.Errorf("only %d of %d documents are plain", read, all)
	}
}

// FuzzPlainTree looks for plain text whose places are not those that the other reader finds.
func FuzzPlainTree(f *testing.F) {
	for _, pattern := range []string{"../testdata/chapter/*", "../examples/*"} {
		files, _ := filepath.Glob(pattern)
		for _, name := range files {
			if data, err := os.ReadFile(name); err == nil && len(data) < 1000 {
				f.Add(data)
			}
		}
	}
	for _, seed := range []string{
		"a: |\n  b\n\n   c\nd: e # f\n", "a:\n- b: [c, {d: \"e\"}]\n  f: 'g'\n", "a: 10m\nb: -c\n\"d\": null\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) { checkPlain(t, "text", text) })
}
