package render

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// digests returns the digests of a tree's sources by their names.
func digests(t *testing.T, root string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, s := range Discover([]string{root}, nil).Sources {
		for _, v := range s.Variants {
			name := strings.ReplaceAll(s.Render(v, Options{}).Name, root+"/", "")
			all[name] = s.Digest(v, root)
		}
	}
	return all
}

// TestDigestFollowsInputs changes each file of a tree in turn: the digests of the sources that use it change, and no
// others do.
func TestDigestFollowsInputs(t *testing.T) {
	a, err := txtar.ParseFile("testdata/digest.txt")
	if err != nil {
		t.Fatal(err)
	}
	base := digests(t, unpack(t, a))
	if again := digests(t, unpack(t, a)); !maps.Equal(base, again) {
		t.Errorf("digests of two copies of a tree differ: %v, %v", base, again)
	}
	var got strings.Builder
	for _, f := range a.Files {
		root := unpack(t, a)
		text := append([]byte("# changed\n"), f.Data...)
		if err := os.WriteFile(filepath.Join(root, f.Name), text, 0o600); err != nil {
			t.Fatal(err)
		}
		var changed []string
		for name, digest := range digests(t, root) {
			if digest != base[name] {
				changed = append(changed, name)
			}
		}
		slices.Sort(changed)
		got.WriteString(f.Name + ": " + strings.Join(changed, ", ") + "\n")
	}
	if want := string(a.Comment); got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}
