package lsp

import (
	"context"
	"fmt"
	"strings"

	k8sschema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/seatrial/seatrial/explain"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
)

// hover explains the field under the cursor.
func (s *Server) hover(ctx context.Context, p positionParams) (any, error) {
	d, ok := s.document(p.TextDocument.URI)
	if !ok {
		return nil, nil
	}
	offset := s.edge.offset(d.file, p.Position)
	for _, doc := range documentsAt(d.file, offset) {
		if !doc.Holds(offset) {
			continue
		}
		path, inKey := doc.At(offset)
		if !inKey && len(path) == 0 {
			continue
		}
		snapshot, err := s.snapshot(&d)
		if err != nil {
			return nil, err
		}
		store, err := snapshot.Store()
		if err != nil {
			return nil, err
		}
		subject, above := explained(store, doc, path)
		if subject == nil {
			continue
		}
		stored, err := snapshot.Stored(ctx, doc)
		if err != nil {
			return nil, err
		}
		text := page(subject.Tree(explain.Depth{}, nil), above)
		if value, differs := storedAt(doc, stored, offset); differs {
			text += "- stored as `" + value + "`\n"
		}
		return hover{Contents: markdown(text)}, nil
	}
	return nil, nil
}

func markdown(text string) markupContent { return markupContent{Kind: "markdown", Value: text} }

// store returns the kinds that an open document can be of.
func (s *Server) store(d *document) (*schema.Store, error) {
	snapshot, err := s.snapshot(d)
	if err != nil {
		return nil, err
	}
	return snapshot.Store()
}

// explained returns the field at a path, or the nearest one above it: the keys of maps are not fields. It is nil where
// the kind is not known.
func explained(store *schema.Store, doc *manifest.Document, path []string) (subject *explain.Subject, above bool) {
	kind := kindOf(store, doc)
	if kind == nil {
		return nil, false
	}
	resource := kind.Resource + "." + kind.Version
	if kind.Group != "" {
		resource += "." + kind.Group
	}
	if len(path) == 1 && path[0] == "kind" {
		path = nil
	}
	for n := len(path); n >= 0; n-- {
		subject, err := explain.Find(
			store, strings.Join(append([]string{resource}, path[:n]...), "."), kind.GroupVersion().String(),
		)
		if err != nil {
			continue
		}
		return subject, n < len(path)
	}
	return nil, false
}

func kindOf(store *schema.Store, doc *manifest.Document) *schema.Kind {
	return store.Lookup(k8sschema.FromAPIVersionAndKind(doc.Object.APIVersion, doc.Object.Kind))
}

// page writes an explanation for a small window. Of a field that holds the one in question, the fields are not listed.
func page(d *explain.Document, above bool) string {
	var b strings.Builder
	name := d.Resource.Kind
	if d.Field.Path != "" {
		name = d.Field.Path
	}
	fmt.Fprintf(&b, "**%s** `%s`", name, d.Field.Type)
	if d.Field.Required {
		b.WriteString(" required")
	}
	b.WriteString("\n\n")
	if d.Field.Description != "" {
		fmt.Fprintf(&b, "%s\n", d.Field.Description)
	}
	for _, fact := range d.Field.Facts() {
		fmt.Fprintf(&b, "- %s\n", fact)
	}
	if above || len(d.Field.Fields) == 0 {
		return b.String()
	}
	var names []string
	for _, f := range d.Field.Fields {
		text := "`" + f.Name + "`"
		if f.Required {
			text = "**" + text + "**"
		}
		names = append(names, text)
	}
	fmt.Fprintf(&b, "\nFields: %s\n", strings.Join(names, ", "))
	return b.String()
}
