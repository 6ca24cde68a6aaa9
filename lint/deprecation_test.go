package lint_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/schema"
)

// TestEveryRemovalIsAnnounced looks at every API version of every kind that a release serves and a later one does not:
// each release that serves it says which one does not, and what to use instead if the kind lives on.
func TestEveryRemovalIsAnnounced(t *testing.T) {
	versions := schema.Versions()
	removed := 0
	for i, version := range versions[:len(versions)-1] {
		store, err := schema.Open(version)
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		want := map[string]string{}
		for _, k := range store.Kinds() {
			gone := goneIn(t, versions[i+1:], k.GVK)
			if gone == "" || !slices.Contains(k.Verbs, "create") {
				continue
			}
			fmt.Fprintf(&text, "---\napiVersion: %s\nkind: %s\nmetadata: {name: a}\n", k.GroupVersion(), k.Kind)
			want[k.GroupVersion().String()+" "+k.Kind] = gone
		}
		if len(want) == 0 {
			continue
		}
		removed += len(want)
		o := options(t, &fake{}, "a.yaml", text.String())
		o.Versions = []string{version}
		for _, d := range run(t, o).Diagnostics {
			kind := d.Object.APIVersion + " " + d.Object.Kind
			if d.Rule != "api-version-deprecated" {
				continue
			}
			if !strings.HasSuffix(d.Message, "removed in Kubernetes "+want[kind]) &&
				!strings.HasSuffix(d.Message, "removed in "+want[kind]) {
				t.Errorf("%s: %s, want that %s removes it", version, d.Message, want[kind])
			}
			if livesOn(t, versions[i+1:], d.Object) && !strings.HasPrefix(d.Help, "use ") {
				t.Errorf("%s: %s: it is not said what to use instead", version, kind)
			}
			delete(want, kind)
		}
		for kind, gone := range want {
			t.Errorf("%s: that %s removes %s is not announced", version, gone, kind)
		}
	}
	if removed < 29 {
		t.Errorf("only %d removals were looked at", removed)
	}
}

// goneIn returns the first of some versions that does not serve a kind; empty if the last one does.
func goneIn(t *testing.T, versions []string, gvk schema.GVK) (gone string) {
	t.Helper()
	for _, version := range versions {
		store, err := schema.Open(version)
		if err != nil {
			t.Fatal(err)
		}
		if store.Lookup(gvk) != nil {
			gone = ""
		} else if gone == "" {
			gone = version
		}
	}
	return gone
}

// livesOn reports whether any of some versions serves a kind of the same group and name as an object's, but for its
// own.
func livesOn(t *testing.T, versions []string, o diag.Object) bool {
	t.Helper()
	group, _, _ := strings.Cut(o.APIVersion, "/")
	for _, version := range versions {
		store, err := schema.Open(version)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range store.ServedAs(o.Kind) {
			if k.Group == group && k.GroupVersion().String() != o.APIVersion {
				return true
			}
		}
	}
	return false
}
