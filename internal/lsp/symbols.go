package lsp

import (
	"context"
	"fmt"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// Bounds of an outline.
const (
	symbolDepth = 8
	symbolCount = 5000
)

// symbols returns the outline of a document: its objects, their fields, and the elements of lists by their names.
func (s *Server) symbols(_ context.Context, p documentParams) (any, error) {
	symbols := []documentSymbol{}
	d, ok := s.document(p.TextDocument.URI)
	if !ok {
		return symbols, nil
	}
	outline := &outline{server: s, document: &d, left: symbolCount}
	for _, doc := range tolerant(d.file, -1) {
		if doc.Object.Kind == "" {
			continue
		}
		outline.secret = doc.Object.Kind == "Secret"
		symbol := documentSymbol{
			Name: doc.Object.String(), Detail: doc.Object.APIVersion, Kind: symbolObject,
			Range: s.edge.rangeOf(d.file, doc.Range()), SelectionRange: s.edge.rangeOf(d.file, doc.Find("").Key),
		}
		symbol.Children = outline.below(doc.Root(), 1)
		symbols = append(symbols, symbol)
	}
	return symbols, nil
}

// outline makes the symbols of a document.
type outline struct {
	server   *Server
	document *document
	secret   bool // the values are not shown
	left     int  // symbols that may still be made
}

func (o *outline) below(n *manifest.Node, depth int) (children []documentSymbol) {
	if depth > symbolDepth {
		return nil
	}
	rangeOf := func(r source.Range) textRange { return o.server.edge.rangeOf(o.document.file, r) }
	for i := range n.Fields {
		f := &n.Fields[i]
		if o.left--; o.left < 0 {
			return children
		}
		whole := f.Key()
		whole.End = f.Value.Range().End
		if whole.End.Offset < whole.Start.Offset { // an alias stands for what is written elsewhere
			whole.End = f.Key().End
		}
		children = append(children, documentSymbol{
			Name: symbolName(f.Name), Detail: o.detail(f.Value), Kind: symbolKind(f.Value), Range: rangeOf(whole),
			SelectionRange: rangeOf(f.Key()), Children: o.below(f.Value, depth+1),
		})
	}
	for i, item := range n.Items {
		if o.left--; o.left < 0 {
			return children
		}
		children = append(children, documentSymbol{
			Name: itemName(item, i), Detail: o.detail(item), Kind: symbolKind(item), Range: rangeOf(item.Range()),
			SelectionRange: rangeOf(item.Range()), Children: o.below(item, depth+1),
		})
	}
	return children
}

// symbolName returns a name that is not empty, as the protocol requires.
func symbolName(name string) string {
	if name == "" {
		return `""`
	}
	return name
}

func itemName(n *manifest.Node, i int) string {
	if n.Kind == manifest.Map {
		if f := n.Get("name"); f != nil && f.Value.Text != "" {
			return f.Value.Text
		}
	}
	return fmt.Sprintf("[%d]", i)
}

// detail returns the value of a scalar, if it may be shown.
func (o *outline) detail(n *manifest.Node) string {
	if n.Kind != manifest.Scalar || o.secret || len(n.Text) > 60 {
		return ""
	}
	return n.Text
}

// Kinds of symbols.
const (
	symbolField  = 8
	symbolArray  = 18
	symbolObject = 19
)

func symbolKind(n *manifest.Node) int {
	switch n.Kind {
	case manifest.Map:
		return symbolObject
	case manifest.List:
		return symbolArray
	}
	return symbolField
}
