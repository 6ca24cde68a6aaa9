package review

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/seatrial/seatrial/diag"
)

// findingKey is what makes two findings the same: neither the line nor the place in a list.
type findingKey struct {
	rule, path, message string
	object              string
}

// keyOf returns the key of a finding. Items of lists are named, so that another one before them changes nothing.
// Renamed are the objects of the new side by those of the old, where they have another name.
func (s *Side) keyOf(d *diag.Diagnostic, renamed map[*Object]*Object) findingKey {
	o := d.Object
	group := schema.FromAPIVersionAndKind(o.APIVersion, o.Kind).Group
	of := s.ObjectOf(d)
	if to := renamed[of]; to != nil {
		o.Name, o.Namespace = to.Name(), to.Document.Object.Namespace
	} else if of != nil {
		o.Name = of.Name()
	}
	k := findingKey{
		rule: d.Rule, path: namedPath(of, d.Path),
		object: strings.Join([]string{group, o.Kind, o.Namespace, generatedSuffix.ReplaceAllString(o.Name, "")}, "/"),
	}
	if d.Path == "" {
		k.message = d.Message
	}
	return k
}

// documentKey is what a finding says of the document that it is about.
type documentKey struct {
	number int
	object diag.Object
}

// ObjectOf returns the object that a finding is about; nil if it is not known.
func (s *Side) ObjectOf(d *diag.Diagnostic) *Object {
	if s.byDocument == nil {
		s.byDocument = make(map[documentKey]*Object, len(s.Objects))
		for _, o := range slices.Backward(s.Objects) { // of several, the first
			s.byDocument[documentKey{o.Document.Number, o.Document.Object}] = o
		}
	}
	return s.byDocument[documentKey{d.Document, d.Object}]
}

// namedPath returns a path with the names of list items in place of their numbers.
func namedPath(o *Object, path string) string {
	if o == nil || !strings.Contains(path, "[") {
		return path
	}
	return withNames(o.Document.Value(), path)
}

// withNames replaces numbers of list items in a path by the names that the items have.
func withNames(v any, path string) string {
	var out strings.Builder
	for path != "" {
		end := strings.IndexAny(path[1:], ".[") + 1
		if end == 0 {
			end = len(path)
		}
		step := path[:end]
		path = path[end:]
		key := strings.Trim(step, ".[]")
		if m, ok := v.(map[string]any); ok {
			v = m[key]
			out.WriteString(step)
			continue
		}
		items, _ := v.([]any)
		index := -1
		if n, err := fmt.Sscanf(key, "%d", &index); n != 1 || err != nil || index < 0 || index >= len(items) {
			out.WriteString(step)
			v = nil
			continue
		}
		v = items[index]
		if keys := keysFor(items); keys != nil && areMaps(items) {
			name, _ := nameOf(v, keys)
			step = "[" + name + "]"
		}
		out.WriteString(step)
	}
	return out.String()
}

// compareFindings returns the findings that only one side of an environment has, and those of both.
func compareFindings(m *matched) (added, fixed, known []Finding) {
	e := m.Environment
	renamed := map[*Object]*Object{}
	for _, p := range m.pairs {
		if p.action == Rename {
			renamed[p.old] = p.new
		}
	}
	left := map[findingKey]int{}
	if e.Old != nil {
		for i := range e.Old.Findings {
			left[e.Old.keyOf(&e.Old.Findings[i], renamed)]++
		}
	}
	if e.New != nil {
		for i := range e.New.Findings {
			f := Finding{Diagnostic: e.New.Findings[i], Environments: []string{e.Name}}
			key := e.New.keyOf(&e.New.Findings[i], nil)
			if left[key] > 0 {
				left[key]--
				known = append(known, f)
				continue
			}
			added = append(added, f)
		}
	}
	if e.Old != nil && e.New != nil { // what goes with an environment is not fixed
		for i := len(e.Old.Findings) - 1; i >= 0; i-- {
			if key := e.Old.keyOf(&e.Old.Findings[i], renamed); left[key] > 0 {
				left[key]--
				if m.unread[e.Old.ObjectOf(&e.Old.Findings[i])] {
					continue
				}
				fixed = append(fixed, Finding{Diagnostic: e.Old.Findings[i], Environments: []string{e.Name}})
			}
		}
	}
	return added, fixed, known
}

// groupFindings joins what several environments have in common.
func groupFindings(all []Finding) (grouped []Finding) {
	type key struct{ rule, kind, name, path, message string }
	at := map[key]int{}
	for _, f := range all {
		k := key{f.Rule, f.Object.Kind, f.Object.Name, f.Path, f.Message}
		if f.Object.Namespace != "" { // environments often differ in it
			k.message = strings.ReplaceAll(f.Message, f.Object.Namespace+"/", "")
		}
		i, ok := at[k]
		if !ok {
			at[k] = len(grouped)
			grouped = append(grouped, f)
			continue
		}
		g := &grouped[i]
		g.Environments = addOnce(g.Environments, f.Environments...)
		if g.Object.Namespace != f.Object.Namespace {
			g.Object.Namespace = ""
		}
	}
	return grouped
}
