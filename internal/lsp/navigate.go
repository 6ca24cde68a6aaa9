package lsp

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sourcegraph/jsonrpc2"

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
	for _, doc := range documentsAt(d.file, offset) {
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
