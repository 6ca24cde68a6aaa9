package lsp

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/source"
)

// prepareRename returns the name under the cursor.
func (s *Server) prepareRename(ctx context.Context, p positionParams) (any, error) {
	d, o, offset, err := s.asked(ctx, p)
	if o == nil || err != nil {
		return nil, err
	}
	if found, ok := o.at(d, offset); ok {
		return s.edge.rangeOf(d.file, found.at), nil
	}
	sets, err := s.written(ctx, d, o)
	if err != nil {
		return nil, err
	}
	spots := spotsAt(sets, d, offset)
	if len(spots) == 0 {
		return nil, nil
	}
	at, written := spots[0].original()
	if !written || !sameFile(at.File, d.name) {
		at = spots[0].place()
	}
	return preparedRename{s.edge.rangeOf(d.file, at), spots[0].text()}, nil
}

// text returns what is written at a place: a key, a port, a container, or a name.
func (s *spot) text() string { return cmp.Or(s.key, s.port, s.podPort, s.container, s.subject.name) }

// rename changes the name of an object, of a key of its data, of a port or container, or the value of a label, where it
// is declared and wherever it is referred to: in manifests, and in the templates, values and kustomizations that render
// to such places.
func (s *Server) rename(ctx context.Context, p renameParams) (any, error) {
	d, o, offset, err := s.asked(ctx, p.positionParams)
	if o == nil || err != nil {
		return nil, err
	}
	found, ok := o.at(d, offset)
	sets, err := s.written(ctx, d, o)
	if err != nil {
		return nil, err
	}
	if ok && sets == nil {
		return s.renameInManifests(o, found.subject, p.NewName)
	}
	spots := spotsAt(sets, d, offset)
	if len(spots) == 0 {
		if err := failed(sets); err != nil {
			return nil, err
		}
		return nil, invalid(
			"no name stands here: of an object, key, port or container, or the value of a label of pods",
		)
	}
	r := &renaming{
		sets: sets, name: p.NewName, taken: map[*spot]bool{}, edits: map[source.Range]bool{}, checks: map[string]bool{},
	}
	for _, at := range spots {
		if err := r.add(at); err != nil {
			return nil, err
		}
	}
	edit, texts := s.editsOf(r, o)
	if err := s.verify(ctx, d, r, spots[0].text(), texts); err != nil {
		return nil, err
	}
	return edit, nil
}

// failed returns why none of the sources is rendered; nil if one is.
func failed(sets []*writtenSet) error {
	var first *Rendering
	for _, set := range sets {
		if r := set.rendering; r != nil && (r.Failed == "" || len(r.File.Data) > 0) {
			return nil
		} else if first == nil {
			first = r
		}
	}
	if first == nil {
		return nil
	}
	return invalid("nothing can be renamed in %s, which cannot be rendered: %s", first.File.Name, first.Failed)
}

// editsOf returns the changes that a renaming makes, and the texts of the files after them.
func (s *Server) editsOf(r *renaming, o *objects) (workspaceEdit, map[string][]byte) {
	edit, texts := workspaceEdit{Changes: map[string][]textEdit{}}, map[string][]byte{}
	places := slices.SortedFunc(maps.Keys(r.edits), func(a, b source.Range) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(b.Start.Offset, a.Start.Offset))
	})
	for _, at := range places {
		f := o.file(at.File)
		if f == nil || at.End.Offset > len(f.Data) {
			continue // verify notices it
		}
		at = f.Range(at.Start.Offset, at.End.Offset)
		before := f.Data[:at.Start.Offset]
		quoted := bytes.HasSuffix(before, []byte(`"`)) || bytes.HasSuffix(before, []byte("'"))
		change := s.renamedTo(f, at, quoted, r.name)
		uri := s.uri(f)
		edit.Changes[uri] = append(edit.Changes[uri], change)
		if texts[f.Name] == nil {
			texts[f.Name] = f.Data
		}
		texts[f.Name] = slices.Concat(
			texts[f.Name][:at.Start.Offset], []byte(change.NewText), texts[f.Name][at.End.Offset:],
		)
	}
	return edit, texts
}

// renamedTo returns the change of a name, which is put in quotes where it would not be a string without.
func (s *Server) renamedTo(f *source.File, at source.Range, quoted bool, name string) textEdit {
	if !quoted && !plain(name) {
		name = strconv.Quote(name)
	}
	return textEdit{Range: s.edge.rangeOf(f, at), NewText: name}
}

// renameInManifests renames a subject in the manifests of a folder, which no source uses.
func (s *Server) renameInManifests(o *objects, of subject, name string) (any, error) {
	if err := o.renames(of, name); err != nil {
		return nil, err
	}
	edit := workspaceEdit{Changes: map[string][]textEdit{}}
	for _, at := range o.of(of) {
		if at.shared {
			return nil, at.anchored()
		}
		f := o.file(at.at.File)
		uri := s.uri(f)
		edit.Changes[uri] = append(edit.Changes[uri], s.renamedTo(f, at.at, at.quoted, name))
	}
	return edit, nil
}

// anchored returns why a place with an anchor is not changed.
func (o occurrence) anchored() error {
	return invalid(
		"%s has an anchor in %s: other fields take its value; write the name there instead", o.title(), o.at,
	)
}

// title names a subject for messages.
func (s subject) title() string {
	switch {
	case s.key != "":
		return "key " + s.key
	case s.port != "":
		return "port " + s.port
	case s.podPort != "":
		return "port " + s.podPort
	case s.container != "":
		return "container " + s.container
	case s.label != "":
		return "label " + s.label
	}
	return s.kind + " " + s.name
}

// renames returns why a subject cannot have a name; nil if it can.
func (o *objects) renames(s subject, name string) error {
	valid, taken := validation.IsDNS1123Subdomain, false
	target := o.set.Get(s.group, s.kind, s.namespace, s.name)
	switch {
	case s.key != "":
		valid = validation.IsConfigMapKey
		taken = target != nil && slices.Contains(target.Keys, name)
	case s.port != "":
		valid = validation.IsValidPortName
		taken = target != nil && slices.ContainsFunc(target.Ports, func(p lint.Port) bool { return p.Name == name })
	case s.podPort != "":
		valid = validation.IsValidPortName
		taken = slices.ContainsFunc(
			o.sharing(target, s.podPort), func(r *lint.Resource) bool { return hasPort(r, name) },
		)
	case s.container != "":
		valid = validation.IsDNS1123Label
		taken = o.writes(subject{group: s.group, kind: s.kind, namespace: s.namespace, name: s.name, container: name})
	case s.label != "":
		valid = validation.IsValidLabelValue
		taken = o.writes(subject{namespace: s.namespace, label: s.label, name: name})
	default:
		if s.group == rbacGroup {
			valid = content.IsPathSegmentName
		}
		taken = o.set.Get(s.group, s.kind, s.namespace, name) != nil
	}
	switch problems := valid(name); {
	case len(problems) > 0:
		return invalid("%q cannot be the name of %s: %s", name, s.title(), problems[0])
	case taken:
		return invalid("%s cannot be called %s: one of that name exists", s.title(), name)
	}
	return nil
}

// writes reports whether a subject is written somewhere.
func (o *objects) writes(s subject) bool { return len(o.of(s)) > 0 }

// rbacGroup is the API group whose names may hold colons.
const rbacGroup = "rbac.authorization.k8s.io"

// plain reports whether a name is a string of YAML without quotes.
func plain(name string) bool {
	var value any
	return yaml.Unmarshal([]byte(name), &value) == nil && value == any(name)
}
