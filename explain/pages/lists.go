package pages

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/schema"
)

// list is a list of fields over the versions of the site, with what is below them. Equal lists are one:
// a pod template is part of many kinds, and of some catalogued resources without the name of its type.
type list struct {
	Fields []*field
	Part   string // name of the script that holds the list; "" for a list that stands in the page of its kind

	key  string // digest of all that is shown
	size int    // about how many bytes the list has, without the parts below
	uses int    // fields of different lists that hold the list
}

// A list that several fields hold is a part if it has minPart bytes, any other one if it has more than maxInline, or
// maxProjectInline in a kind of a project: those are many, and parts are compressed. The fields of a spec of Kubernetes
// stand in the page of the kind up to maxSpec.
const (
	minPart          = 700
	maxInline        = 100_000
	maxProjectInline = 2_000
	maxSpec          = 300_000
)

// lists are the lists of some kinds.
type lists struct {
	ofKind map[*kind]*list
	parts  map[string]*list // by name
	order  []*list          // a list comes after those below it

	site   *Site
	inline int // bytes up to which a list that is used once stands in the page of its kind
	byKey  map[string]*list
	byType map[string]*list // by the name of a type
	fixed  map[*list]bool   // lists of other kinds, for which is decided already
}

// findLists makes the lists of the kinds of Kubernetes.
func (s *Site) findLists() *lists {
	l := &lists{
		site: s, inline: maxInline, ofKind: map[*kind]*list{}, parts: map[string]*list{},
		byKey: map[string]*list{}, byType: map[string]*list{},
	}
	l.add(func(k *kind) bool { return k.project == "" })
	return l
}

// findProjectLists makes the lists of the kinds of projects. They are many: who reads of others does not wait for them.
func (s *Site) findProjectLists() *lists {
	of := s.lists()
	l := &lists{
		site: s, inline: maxProjectInline, ofKind: map[*kind]*list{}, parts: map[string]*list{},
		byKey: maps.Clone(of.byKey), byType: maps.Clone(of.byType), fixed: map[*list]bool{},
	}
	for _, other := range of.order {
		l.fixed[other] = true
	}
	l.add(func(k *kind) bool { return k.project != "" })
	return l
}

// add makes the lists of some kinds, and chooses which are parts.
func (l *lists) add(which func(*kind) bool) {
	for _, k := range l.site.kinds {
		if !which(k) {
			continue
		}
		of := make([][]*schema.Field, len(k.of))
		for i, v := range k.of {
			if v != nil {
				of[i] = v.Fields()
			}
		}
		l.ofKind[k], _ = l.merge(k.masks, of, []string{k.Type().Name})
	}
	l.choose()
}

// listOf returns the list of a kind.
func (s *Site) listOf(k *kind) *list {
	if k.project != "" {
		return s.projectLists().ofKind[k]
	}
	return s.lists().ofKind[k]
}

// part returns the list of a script, or nil.
func (s *Site) part(name string) *list {
	if l := s.lists().parts[name]; l != nil {
		return l
	}
	return s.projectLists().parts[name]
}

// merge puts the fields of several versions side by side, with what is below them. Above are the types that hold the
// fields. Nearest is the index of the first of them that a field below holds again, or len(above).
func (l *lists) merge(masks []mask, of [][]*schema.Field, above []string) (out *list, nearest int) {
	versions := byName(of)
	out, nearest = &list{Fields: l.site.fields(masks, of)}, len(above)
	for _, f := range out.Fields {
		nearest = min(nearest, l.below(f, masks, versions[f.Name], above))
	}
	return l.intern(out), nearest
}

// fields puts the fields of several versions side by side; of[i] are those of masks[i].
func (s *Site) fields(masks []mask, of [][]*schema.Field) (out []*field) {
	versions := byName(of)
	for _, name := range slices.Sorted(maps.Keys(versions)) {
		out = append(out, s.field(masks, versions[name]))
	}
	return out
}

// byName returns the fields of each name, by version.
func byName(of [][]*schema.Field) map[string][]*schema.Field {
	names := map[string][]*schema.Field{}
	for i, fields := range of {
		for _, f := range fields {
			if names[f.Name] == nil {
				names[f.Name] = make([]*schema.Field, len(of))
			}
			names[f.Name][i] = f
		}
	}
	return names
}

// below finds what is below a field.
func (l *lists) below(f *field, masks []mask, versions []*schema.Field, above []string) (nearest int) {
	masks, of, name := l.typeOf(masks, versions)
	if len(of) == 0 {
		return len(above)
	}
	if i := slices.Index(above, name); i >= 0 && name != "" {
		f.Recursive = true
		return i
	}
	if known := l.byType[name]; known != nil && name != "" {
		f.Below = known
		return len(above)
	}
	f.Below, nearest = l.merge(masks, of, append(slices.Clip(above), name))
	if name != "" && nearest >= len(above) {
		l.byType[name] = f.Below
	}
	return min(nearest, len(above))
}

// typeOf returns the fields below a field. If it is of one type in all versions, these are the fields of the type in
// all versions that have it, so that each of its places shows the same; the name is that of the type then.
func (l *lists) typeOf(masks []mask, versions []*schema.Field) ([]mask, [][]*schema.Field, string) {
	of, some, one, name := make([][]*schema.Field, len(versions)), false, true, ""
	for i, f := range versions {
		if f == nil {
			continue
		}
		of[i] = f.Fields()
		some = some || len(of[i]) > 0
		if t := f.TypeName(); name == "" {
			name = t
		} else if t != name {
			one = false
		}
	}
	if !some {
		return nil, nil, ""
	}
	if t := l.site.types()[l.site.typeFileName(name)]; one && t != nil && t.name == name {
		return l.site.masks(), t.of, name
	}
	if !one {
		name = ""
	}
	return masks, of, name
}

// intern returns the list that shows the same, if there is one.
func (l *lists) intern(of *list) *list {
	h := sha256.New()
	for _, f := range of.Fields {
		fmt.Fprintf(h, "%q %x %s %s %q %v", f.Name, f.In, f.Since, f.Removed, f.Type, f.Recursive)
		for _, x := range f.Forms {
			fmt.Fprintf(h, " %q %x %x", x.whole, x.In, x.New)
		}
		if f.Below != nil {
			fmt.Fprintf(h, " %s", f.Below.key)
		}
		fmt.Fprintln(h)
	}
	of.key = hex.EncodeToString(h.Sum(nil))
	if same := l.byKey[of.key]; same != nil {
		return same
	}
	l.byKey[of.key] = of
	l.order = append(l.order, of)
	for _, f := range of.Fields {
		if f.Below != nil {
			l.use(f.Below)
		}
	}
	return of
}

// use counts a use of a list, for which is not decided yet.
func (l *lists) use(of *list) {
	if !l.fixed[of] {
		of.uses++
	}
}

// choose chooses the lists that are parts.
func (l *lists) choose() {
	l.countKinds()
	for _, of := range l.order {
		for _, f := range of.Fields {
			of.size += f.size()
			if f.Below != nil && f.Below.Part == "" {
				of.size += f.Below.size
			}
		}
		if of.uses > 1 && of.size >= minPart || of.uses > 0 && of.size > l.inline {
			of.Part = of.key[:12]
			l.parts[of.Part] = of
		}
	}
}

// countKinds counts what stands in several equal kinds, such as API versions of one.
func (l *lists) countKinds() {
	seen := map[*list]bool{}
	for _, of := range l.ofKind {
		for _, f := range of.Fields {
			if f.Below != nil && seen[of] {
				l.use(f.Below)
			}
		}
		seen[of] = true
	}
}

// size estimates the bytes of the description of a field itself.
func (f *field) size() int {
	n := 100 + 2*len(f.Name)
	for _, x := range f.Forms {
		n += 80 + len(x.whole)
	}
	return n
}

// news returns the versions with which a field of the list, or below it, came or changed.
func (l *list) news() (in mask) {
	for _, f := range l.Fields {
		in |= f.SinceMask
		for _, x := range f.Forms {
			in |= x.New
		}
		if f.Below != nil {
			in |= f.Below.news()
		}
	}
	return in
}

func join(prefix, name string) string { return strings.TrimPrefix(prefix+"."+name, ".") }
