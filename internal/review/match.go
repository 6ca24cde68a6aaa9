package review

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// pair is an object as both sides have it. One of them may be nil.
type pair struct {
	action   string // Create, Update, Delete, Rename; empty: nothing changes
	old, new *Object
	fields   []Field
	fate     Fate // of the old object, if it is applied no more
}

// newest returns the object as it is applied, or was.
func (p *pair) newest() *Object {
	if p.new != nil {
		return p.new
	}
	return p.old
}

// matched is an environment whose objects were compared.
type matched struct {
	*Environment
	pairs   []*pair // in the order of the new side; then what is deleted
	varying []VaryingField
	unread  map[*Object]bool // objects of the old side that are taken as unchanged, since the new side cannot be read
}

// match finds out what becomes of each object of an environment.
func match(e *Environment) *matched {
	m := &matched{Environment: e, unread: map[*Object]bool{}}
	old, oldOrder := byIdentity(e.Old)
	now, order := byIdentity(e.New)
	var created, deleted []*pair
	for _, id := range order {
		p := &pair{old: old[id], new: now[id]}
		m.pairs = append(m.pairs, p)
		m.varies(id, p, "") // told, and compared under a name for all
		switch {
		case p.new.alias == "" && slices.Contains(e.New.Varying[id], ""): // nothing says what it was
		case p.old == nil:
			p.action = Create
			created = append(created, p)
		default:
			m.compare(id, p)
		}
	}
	for _, id := range oldOrder {
		if now[id] != nil {
			continue
		}
		if o := old[id]; e.New != nil && e.New.Unread != nil && e.New.Unread(o) {
			m.unread[o] = true
			m.pairs = append(m.pairs, &pair{old: o, new: o})
			continue
		}
		p := &pair{old: old[id]}
		m.pairs = append(m.pairs, p)
		if m.varies(id, p, "") && p.old.alias == "" {
			continue
		}
		p.action = Delete
		if e.Fate != nil {
			p.fate = e.Fate(p.old)
		}
		deleted = append(deleted, p)
	}
	m.findRenames(created, deleted)
	return m
}

// byIdentity returns the objects of a side, and their order. Of objects that are there twice, the last is applied.
func byIdentity(s *Side) (objects map[Identity]*Object, order []Identity) {
	objects = map[Identity]*Object{}
	if s == nil {
		return objects, nil
	}
	for _, o := range s.Objects {
		id := o.Identity()
		if objects[id] == nil {
			order = append(order, id)
		}
		objects[id] = o
	}
	return objects, order
}

// compare finds the fields in which the two sides of an object differ, and that are not made anew by each rendering.
func (m *matched) compare(id Identity, p *pair) {
	differences := Differences(p.old.Stored(), p.new.Stored())
	if p.new.updated != nil {
		differences = overlapping(differences, Differences(p.old.Stored(), p.new.updated))
	}
	for _, f := range differences {
		if p.new.alias != "" && f.Path == "metadata.name" {
			continue
		}
		if !m.varies(id, p, f.Path) {
			p.fields = append(p.fields, f)
		}
	}
	if len(p.fields) == 0 {
		return
	}
	p.action = Update
	if p.new.isSecret() {
		p.fields = withoutValues(p.fields)
	}
	p.fields = p.markDefaults(p.fields)
	p.fields = slices.DeleteFunc(p.fields, func(f Field) bool { // another name of serviceAccountName
		return f.Defaulted && strings.HasSuffix(f.Path, ".spec.serviceAccount")
	})
}

// markDefaults says which fields neither side writes.
func (p *pair) markDefaults(fields []Field) []Field {
	if p.old.Typed == nil || p.new.Typed == nil {
		return fields
	}
	written := Differences(p.old.Document.Value(), p.new.Document.Value())
	for i := range fields {
		fields[i].Defaulted = !overlaps(fields[i], written) && !strings.HasPrefix(fields[i].Path, "data")
	}
	return fields
}

// overlaps reports whether a field is one of others, lies below one, or above one.
func overlaps(f Field, others []Field) bool {
	return slices.ContainsFunc(others, func(o Field) bool { return under(f.Path, o.Path) || under(o.Path, f.Path) })
}

// overlapping returns the fields that overlap others.
func overlapping(fields, others []Field) []Field {
	return slices.DeleteFunc(fields, func(f Field) bool { return !overlaps(f, others) })
}

// varies reports whether renderings of the same source differ in a field of an object; the empty path is its name.
func (m *matched) varies(id Identity, p *pair, path string) bool {
	is := func(s *Side) bool {
		return s != nil && slices.ContainsFunc(s.Varying[id], func(v string) bool {
			return v == path || path != "" && v != "" && (under(path, v) || under(v, path))
		})
	}
	if !is(m.Old) && !is(m.New) {
		return false
	}
	v := VaryingField{Object: p.newest().shown(), Path: path}
	if !slices.Contains(m.varying, v) {
		m.varying = append(m.varying, v)
	}
	return true
}

// generatedSuffix is the hash of the content that kustomize appends to names.
var generatedSuffix = regexp.MustCompile(`-[bcdfghkmt2456789]{10}$`)

// stem returns a name without the hash of its content.
func stem(o *Object) string {
	if kind := o.Resource.Object.Kind; kind == "ConfigMap" || kind == "Secret" {
		return generatedSuffix.ReplaceAllString(o.Name(), "")
	}
	return o.Name()
}

// neverRenamed are kinds of which one that goes is a loss, whatever comes.
var neverRenamed = []string{"Namespace", "CustomResourceDefinition", "PersistentVolumeClaim", "PersistentVolume"}

// findRenames joins objects that are created with those that are deleted and differ in nothing but the name, or whose
// name holds a hash of the content.
func (m *matched) findRenames(created, deleted []*pair) {
	join := func(keyOf func(*Object) string) {
		byKey := func(pairs []*pair, of func(*pair) *Object) map[string][]*pair {
			all := map[string][]*pair{}
			for _, p := range pairs {
				if o := of(p); o != nil {
					if key := keyOf(o); key != "" {
						all[key] = append(all[key], p)
					}
				}
			}
			return all
		}
		gone := byKey(deleted, func(p *pair) *Object {
			if p.action != Delete {
				return nil
			}
			return p.old
		})
		come := byKey(created, func(p *pair) *Object {
			if p.action != Create {
				return nil
			}
			return p.new
		})
		for _, key := range slices.Sorted(maps.Keys(come)) {
			if len(come[key]) != 1 || len(gone[key]) != 1 {
				continue // it is not known which became which
			}
			to, from := come[key][0], gone[key][0]
			to.action, to.old, to.fate = Rename, from.old, from.fate
			to.fields = slices.DeleteFunc(Differences(from.old.Stored(), to.new.Stored()), func(f Field) bool {
				return f.Path == "metadata.name" || f.Path == "metadata.namespace"
			})
			if to.new.isSecret() {
				to.fields = withoutValues(to.fields)
			}
			from.action = "" // told with the new name
		}
	}
	join(func(o *Object) string {
		if s := stem(o); s != o.Name() {
			id := o.Identity()
			return strings.Join([]string{id.Group, id.Kind, id.Namespace, s}, "\x00")
		}
		return ""
	})
	join(func(o *Object) string {
		id := o.Identity()
		if slices.Contains(neverRenamed, id.Kind) {
			return ""
		}
		return strings.Join([]string{id.Group, id.Kind, contentKey(o)}, "\x00")
	})
	m.pairs = slices.DeleteFunc(m.pairs, func(p *pair) bool { return p.new == nil && p.action == "" })
}

// contentKey is the same for objects that differ in nothing but their names.
func contentKey(o *Object) string {
	stored := maps.Clone(o.Stored())
	metadata, _ := stored["metadata"].(map[string]any)
	metadata = maps.Clone(metadata)
	for _, own := range []string{"name", "namespace", "creationTimestamp"} {
		delete(metadata, own)
	}
	stored["metadata"] = metadata
	delete(stored, "status")
	data, err := json.Marshal(stored)
	if err != nil {
		return ""
	}
	return string(data)
}

// after returns the objects that are in the cluster when the change has been applied: those of the new side, and
// those that nothing deletes.
func (m *matched) after() (objects []*Object) {
	for _, p := range m.pairs {
		if p.new != nil {
			objects = append(objects, p.new)
		}
		if p.old != nil && (p.action == Delete || p.action == Rename) && p.fate.Outcome == Left {
			objects = append(objects, p.old)
		}
	}
	return objects
}

// before returns the objects of the old side.
func (m *matched) before() (objects []*Object) {
	if m.Old != nil {
		objects = m.Old.Objects
	}
	return objects
}
