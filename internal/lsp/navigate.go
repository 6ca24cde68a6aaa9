package lsp

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sourcegraph/jsonrpc2"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/source"
)

// definition leads from a reference to what it names: an object, a key of its data, a port, the pods of a selector,
// the volume of a mount.
func (s *Server) definition(ctx context.Context, p positionParams) (any, error) {
	locations := []location{}
	if d, ok := s.document(p.TextDocument.URI); ok {
		if places, ok := s.templateDefinition(&d, s.edge.offset(d.file, p.Position)); ok {
			return places, nil
		}
	}
	d, o, offset, err := s.asked(ctx, p)
	if o == nil || err != nil {
		return locations, err
	}
	for _, doc := range documents(d.file) {
		if at, ok := volumeAt(doc, offset); ok && doc.Holds(offset) {
			return append(locations, s.location(d.file, at)), nil
		}
	}
	if found, ok := o.at(d, offset); ok {
		for _, at := range o.of(found.subject) {
			if at.declares {
				locations = append(locations, s.location(o.file(at.at.File), at.at))
			}
		}
		return locations, nil
	}
	for _, at := range o.selectedAt(d, offset) {
		locations = append(locations, s.location(o.file(at.File), at))
	}
	return locations, nil
}

// references lists the places that name the object, the key or the port under the cursor.
func (s *Server) references(ctx context.Context, p referenceParams) (any, error) {
	locations := []location{}
	if d, ok := s.document(p.TextDocument.URI); ok {
		if places, ok := s.templateReferences(&d, s.edge.offset(d.file, p.Position)); ok {
			return places, nil
		}
	}
	d, o, offset, err := s.asked(ctx, p.positionParams)
	if o == nil || err != nil {
		return locations, err
	}
	found, ok := o.at(d, offset)
	if !ok {
		return locations, nil
	}
	for _, at := range o.of(found.subject) {
		if !at.declares || p.Context.IncludeDeclaration {
			locations = append(locations, s.location(o.file(at.at.File), at.at))
		}
	}
	return locations, nil
}

// highlights lists the places in the document that write what is under the cursor.
func (s *Server) highlights(ctx context.Context, p positionParams) (any, error) {
	shown := []highlight{}
	d, o, offset, err := s.asked(ctx, p)
	if o == nil || err != nil {
		return shown, err
	}
	found, ok := o.at(d, offset)
	if !ok {
		return shown, nil
	}
	for _, at := range o.of(found.subject) {
		if at.at.File == d.name {
			shown = append(shown, highlight{s.edge.rangeOf(d.file, at.at)})
		}
	}
	return shown, nil
}

// prepareRename returns the name under the cursor.
func (s *Server) prepareRename(ctx context.Context, p positionParams) (any, error) {
	d, o, offset, err := s.asked(ctx, p)
	if o == nil || err != nil {
		return nil, err
	}
	found, ok := o.at(d, offset)
	if !ok {
		return nil, nil
	}
	return s.edge.rangeOf(d.file, found.at), nil
}

// rename changes the name of an object, of a key of its data, of a port or container, or the value of a label, where it
// is declared and wherever it is referred to.
func (s *Server) rename(ctx context.Context, p renameParams) (any, error) {
	d, o, offset, err := s.asked(ctx, p.positionParams)
	if o == nil || err != nil {
		return nil, err
	}
	found, ok := o.at(d, offset)
	if !ok {
		return nil, invalid(
			"no name stands here: of an object, key, port or container, or the value of a label of pods",
		)
	}
	if err := o.renames(found.subject, p.NewName); err != nil {
		return nil, err
	}
	edit := workspaceEdit{Changes: map[string][]textEdit{}}
	for _, at := range o.of(found.subject) {
		if at.shared {
			return nil, invalid(
				"%s has an anchor in %s: other fields take its value; write the name there instead", at.title(), at.at,
			)
		}
		f := o.file(at.at.File)
		text := p.NewName
		if !at.quoted && !plain(text) {
			text = strconv.Quote(text)
		}
		uri := s.uri(f)
		edit.Changes[uri] = append(edit.Changes[uri], textEdit{Range: s.edge.rangeOf(f, at.at), NewText: text})
	}
	return edit, nil
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

func invalid(format string, args ...any) error {
	e := &jsonrpc2.Error{Code: jsonrpc2.CodeInvalidParams}
	e.Message = fmt.Sprintf(format, args...)
	return e
}

// workspaceSymbols lists the objects in the folders of open documents whose kind or name contains a text.
func (s *Server) workspaceSymbols(ctx context.Context, p symbolParams) (any, error) {
	found := []symbolInformation{}
	s.mu.Lock()
	byFolder := map[string]document{}
	for _, d := range s.open {
		byFolder[folderOf(d.name)] = *d
	}
	s.mu.Unlock()
	query := strings.ToLower(p.Query)
	for _, d := range byFolder {
		o, err := s.objects(ctx, &d)
		if err != nil {
			return found, err
		}
		for _, r := range o.set.All {
			name := r.Object.String()
			if doc := o.document(r); doc != nil && strings.Contains(strings.ToLower(name), query) {
				found = append(found, symbolInformation{
					Name: name, Kind: symbolObject, Location: s.location(doc.File, doc.Find("").Key),
				})
			}
		}
	}
	slices.SortFunc(found, func(a, b symbolInformation) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Location.URI, b.Location.URI))
	})
	return found, nil
}

// asked returns the document and the byte that a request is about, with the objects of the folder; nil where the
// document is not open.
func (s *Server) asked(ctx context.Context, p positionParams) (*document, *objects, int, error) {
	d, ok := s.document(p.TextDocument.URI)
	if !ok {
		return nil, nil, 0, nil
	}
	o, err := s.objects(ctx, &d)
	return &d, o, s.edge.offset(d.file, p.Position), err
}

func (s *Server) location(f *source.File, r source.Range) location {
	return location{URI: s.uri(f), Range: s.edge.rangeOf(f, r)}
}

// uri returns the URI of a file: the editor's own, of one that is open.
func (s *Server) uri(f *source.File) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for uri, d := range s.open {
		if d.name == f.Name {
			return uri
		}
	}
	return uriOf(f.Name)
}
