package tui

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/explain"
	"github.com/seatrial/seatrial/schema"
)

// place names a group, a kind or a field in the same way in every Kubernetes version.
// Without a kind it is a group, without a path a kind.
type place struct {
	schema.GVK
	Path string
}

// row is a visible line of the tree.
type row struct {
	place
	depth     int
	kind      *schema.Kind  // nil for a group
	field     *schema.Field // nil for a group and a kind
	leaf      bool          // nothing is below
	recursive bool          // its type is also that of a field above it
}

// tree is the API of one version with the places that the user opened. Rows are made of what is
// open only, so that types that hold themselves do no harm.
type tree struct {
	store *schema.Store
	open  map[place]bool
	rows  []row
}

func newTree(store *schema.Store, open map[place]bool) tree {
	t := tree{store: store, open: open}
	var group *string
	for _, k := range sorted(store.Kinds()) {
		at := place{GVK: schema.GVK{Group: k.Group}}
		if group == nil || *group != k.Group {
			group = &k.Group
			t.rows = append(t.rows, row{place: at})
		}
		if open[at] {
			t.addKind(k)
		}
	}
	return t
}

// sorted puts kinds in the order of the tree: the core group first, then by group, name and version.
func sorted(kinds []*schema.Kind) []*schema.Kind {
	return slices.SortedFunc(slices.Values(kinds), func(a, b *schema.Kind) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Version, b.Version))
	})
}

func (t *tree) addKind(k *schema.Kind) {
	fields := k.Fields()
	at := place{GVK: k.GVK}
	t.rows = append(t.rows, row{place: at, depth: 1, kind: k, leaf: len(fields) == 0})
	if t.open[at] {
		t.addFields(k, fields, 2, nil)
	}
}

// addFields adds fields whose holders, from the kind down, have the types above.
func (t *tree) addFields(k *schema.Kind, fields []*schema.Field, depth int, above []string) {
	for _, f := range fields {
		r := fieldRow(k, f, depth)
		name := f.TypeName()
		r.recursive = !r.leaf && name != "" && slices.Contains(above, name)
		t.rows = append(t.rows, r)
		if t.open[r.place] {
			t.addFields(k, f.Fields(), depth+1, append(slices.Clip(above), name))
		}
	}
}

func fieldRow(k *schema.Kind, f *schema.Field, depth int) row {
	return row{place: place{k.GVK, f.Path}, depth: depth, kind: k, field: f, leaf: len(f.Element().Properties) == 0}
}

// since returns the first known version that has a kind or field.
func (r row) since() string {
	switch {
	case r.field != nil:
		return r.field.Span().Since
	case r.kind != nil:
		return r.kind.Since
	}
	return ""
}

// deprecated reports whether a kind is, or a field by its documentation.
func (r row) deprecated() bool {
	switch {
	case r.field != nil:
		return explain.IsDeprecated(r.field.Doc)
	case r.kind != nil:
		return r.kind.Deprecated != ""
	}
	return false
}

// toggle opens or closes a place.
func (t tree) toggle(p place) tree {
	open := maps.Clone(t.open)
	if open[p] {
		delete(open, p)
	} else {
		open[p] = true
	}
	return newTree(t.store, open)
}

// reveal opens all that stands above a place.
func (t tree) reveal(p place) tree {
	open := maps.Clone(t.open)
	for up, ok := p.up(); ok; up, ok = up.up() {
		open[up] = true
	}
	return newTree(t.store, open)
}

// up returns the place that holds a place; a group is held by nothing.
func (p place) up() (place, bool) {
	switch {
	case p.Path != "":
		return place{p.GVK, p.Path[:max(0, strings.LastIndexByte(p.Path, '.'))]}, true
	case p.Kind != "":
		return place{GVK: schema.GVK{Group: p.Group}}, true
	}
	return place{}, false
}

// nearest returns the row of a place, or of the closest one above it that is in sight.
func (t tree) nearest(p place) int {
	for ok := true; ok; p, ok = p.up() {
		if i := slices.IndexFunc(t.rows, func(r row) bool { return r.place == p }); i >= 0 {
			return i
		}
	}
	return 0
}

// rowOf returns the row of a place that need not be in sight.
func (t tree) rowOf(p place) row {
	k := t.store.Lookup(p.GVK)
	if k == nil {
		return row{place: p}
	}
	if f, err := k.Field(p.Path); err == nil {
		return fieldRow(k, f, 0)
	}
	return row{place: p, kind: k}
}

// parent returns the row that holds a row; a group holds itself.
func (t tree) parent(i int) int {
	for j := i - 1; j >= 0; j-- {
		if t.rows[j].depth < t.rows[i].depth {
			return j
		}
	}
	return i
}

// counterpart returns the place in another version that is the closest to a place: the same field of
// the same kind, of another API version of that kind, or as much of the path as exists.
func counterpart(store *schema.Store, p place) place {
	if p.Kind == "" {
		return p
	}
	k := store.Lookup(p.GVK)
	if k == nil {
		other, ok := store.SuggestKind(p.GVK)
		if !ok || other.Kind != p.Kind {
			return place{GVK: schema.GVK{Group: p.Group}}
		}
		k = store.Lookup(other)
	}
	for at := (place{k.GVK, p.Path}); at.Path != ""; at, _ = at.up() {
		if _, err := k.Field(at.Path); err == nil {
			return at
		}
	}
	return place{GVK: k.GVK}
}

// find resolves what users type: a resource by any of its names, then a field by its path.
func find(store *schema.Store, text string) (place, error) {
	if len(schema.Split(text)) == 0 {
		return place{}, nil
	}
	s, err := explain.Find(store, text, "")
	if err != nil {
		return place{}, err
	}
	return place{s.Kind.GVK, strings.Join(s.Path, ".")}, nil
}

// address writes a place the way that users type it: deployment.spec.replicas.
func address(store *schema.Store, r row) string {
	if r.kind == nil {
		return groupName(r.Group)
	}
	return explain.Address(store, r.kind, r.Path)
}

func groupName(group string) string {
	if group == "" {
		return "core"
	}
	return group
}
