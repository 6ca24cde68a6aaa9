package render

import (
	"archive/tar"
	"compress/gzip"
	"os"
	"strings"
	"testing"
)

// TestHostileArchives reads nothing that a packaged chart leads to outside of itself, and refuses one that grows too
// much.
func TestHostileArchives(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("secret.yaml", []byte("planted: true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	for name, c := range map[string]struct {
		entry   tar.Header
		text    string
		finding string // empty: the entry is passed over
	}{
		"parent": {tar.Header{Name: "web/../../secret.yaml"}, "x", "parent directory"},
		"link": {
			tar.Header{Name: "web/templates/b.yaml", Typeflag: tar.TypeSymlink, Linkname: "../../secret.yaml"}, "", "",
		},
		"bomb": {tar.Header{Name: "web/templates/b.yaml"}, strings.Repeat(" ", 200<<20), "larger than"},
	} {
		f, err := os.Create(name + ".tgz")
		if err != nil {
			t.Fatal(err)
		}
		zip := gzip.NewWriter(f)
		archive := tar.NewWriter(zip)
		add := func(h tar.Header, text string) {
			h.Mode, h.Size = 0o644, int64(len(text))
			if err := archive.WriteHeader(&h); err != nil {
				t.Fatal(err)
			}
			if _, err := archive.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		add(tar.Header{Name: "web/Chart.yaml"}, "apiVersion: v2\nname: web\nversion: 1.0.0\n")
		add(tar.Header{Name: "web/templates/a.yaml"}, configMap)
		add(c.entry, c.text)
		if archive.Close() != nil || zip.Close() != nil || f.Close() != nil {
			t.Fatal("the archive cannot be written")
		}
		s := At(name + ".tgz")
		if s == nil {
			t.Fatalf("%s: no source", name)
		}
		r := s.Render(Variant{}, Options{})
		switch {
		case strings.Contains(string(r.Text), "planted"):
			t.Errorf("%s: a file outside of the archive was read", name)
		case c.finding == "" && (len(r.Findings) > 0 || !strings.Contains(string(r.Text), "name: a")):
			t.Errorf("%s: %v\n%s", name, r.Findings, r.Text)
		case c.finding != "" && (len(r.Findings) != 1 || !strings.Contains(r.Findings[0].Message, c.finding)):
			t.Errorf("%s: %v, want %s", name, r.Findings, c.finding)
		}
	}
}
