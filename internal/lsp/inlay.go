package lsp

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
)

// shownDefaults is how many defaults a hint shows; its tooltip has all.
const shownDefaults = 3

// hints shows the defaults that the server would add, behind the line in which their map begins.
func (s *Server) hints(ctx context.Context, p hintParams) (any, error) {
	hints := []inlayHint{}
	d, ok := s.document(p.TextDocument.URI)
	if !ok {
		return hints, nil
	}
	snapshot, err := s.snapshot(&d)
	if err != nil {
		return nil, err
	}
	store, err := snapshot.Store()
	if err != nil {
		return nil, err
	}
	from, to := s.edge.offset(d.file, p.Range.Start), s.edge.offset(d.file, p.Range.End)
	for _, doc := range tolerant(d.file, -1) {
		kind := kindOf(store, doc)
		if r := doc.Range(); kind == nil || r.End.Offset < from || r.Start.Offset > to {
			continue
		}
		stored, err := snapshot.Stored(ctx, doc)
		if err != nil {
			return nil, err
		}
		h := &defaults{doc: doc, kind: kind}
		h.below(doc.Root(), doc.Value(), stored, nil, doc.Find("").Key.Start.Line)
		for _, hint := range h.found {
			if from <= hint.offset && hint.offset <= to {
				hints = append(hints, inlayHint{
					Position: s.edge.position(d.file, d.file.Pos(hint.offset)), Label: hint.label(), PaddingLeft: true,
					Tooltip: markdown("Defaults of the API server:\n\n" + strings.Join(hint.lines, "\n") + "\n"),
				})
			}
		}
	}
	return hints, nil
}

// defaults finds what the server adds to a document.
type defaults struct {
	doc   *manifest.Document
	kind  *schema.Kind
	found []defaulted
}

// defaulted is what the server adds to a map.
type defaulted struct {
	offset int      // byte at which it is shown
	lines  []string // field and value of each
}

// label returns the fields with the shortest names: a field far below the map says less about it.
func (d defaulted) label() string {
	byLength := func(a, b string) int {
		a, _, _ = strings.Cut(a, ":")
		b, _, _ = strings.Cut(b, ":")
		return cmp.Compare(len(a), len(b))
	}
	lines := slices.SortedStableFunc(slices.Values(d.lines), byLength)
	if len(lines) <= shownDefaults {
		return strings.Join(lines, ", ")
	}
	return strings.Join(lines[:shownDefaults], ", ") + ", …"
}

// below compares a node with its value, as written and as stored. A map in braces has its hint within them, another one
// at the end of a line.
func (h *defaults) below(n *manifest.Node, written, stored any, path []string, line int) {
	switch stored := stored.(type) {
	case map[string]any:
		written, ok := written.(map[string]any)
		if !ok || n.Kind != manifest.Map || n.Target() != n {
			return
		}
		h.add(n, h.missing(written, stored, path), line)
		for i := range n.Fields {
			f := &n.Fields[i]
			if !h.left(path, f.Name) {
				h.below(f.Value, written[f.Name], stored[f.Name], append(path, f.Name), f.Key().Start.Line)
			}
		}
	case []any:
		written, ok := written.([]any)
		if !ok || n.Kind != manifest.List || n.Target() != n || len(n.Items) != len(stored) ||
			len(written) != len(stored) {
			return
		}
		for i, item := range n.Items {
			h.below(item, written[i], stored[i], path, item.Range().Start.Line)
		}
	}
}

// left reports whether a field is left out: what no manifest sets, and the values of Secrets.
func (h *defaults) left(path []string, name string) bool {
	return len(path) == 0 && (name == "metadata" || name == "status" ||
		h.doc.Object.Kind == "Secret" && (name == "data" || name == "stringData"))
}

// missing returns the fields that the server adds to a map, each with its value.
func (h *defaults) missing(written, stored map[string]any, path []string) (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(stored)) {
		if _, ok := written[name]; ok || h.left(path, name) {
			continue
		}
		if _, err := h.kind.Field(strings.Join(append(path, name), ".")); err == nil {
			lines = append(lines, leaves(name, stored[name])...)
		}
	}
	return lines
}

// leaves returns the values below a field. Those that are empty are none of the server's.
func leaves(name string, value any) (lines []string) {
	switch v := value.(type) {
	case nil:
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			lines = append(lines, leaves(name+"."+key, v[key])...)
		}
	case []any:
		for i, item := range v {
			lines = append(lines, leaves(fmt.Sprintf("%s[%d]", name, i), item)...)
		}
	default:
		if text := fmt.Sprint(v); text != "" {
			lines = append(lines, name+": "+text)
		}
	}
	return lines
}

func (h *defaults) add(n *manifest.Node, lines []string, line int) {
	if len(lines) == 0 {
		return
	}
	f := h.doc.File
	r := n.Range()
	at := f.LineStart(line) + len(strings.TrimRight(f.Line(line), " \t"))
	if r.Start.Offset < len(f.Data) && f.Data[r.Start.Offset] == '{' {
		at = r.End.Offset - 1
	}
	h.found = append(h.found, defaulted{at, lines})
}

// storedAt returns how the server stores the scalar at a byte of a document, if that differs from what is written.
func storedAt(doc *manifest.Document, stored map[string]any, offset int) (text string, differs bool) {
	node, value := doc.Root(), any(stored)
	for node.Kind != manifest.Scalar {
		name, next := "", (*manifest.Node)(nil)
		for i := range node.Fields {
			f := &node.Fields[i]
			if key := f.Key(); key.Start.Offset <= offset && offset <= max(key.End.Offset, f.Value.Range().End.Offset) {
				name, next = f.Name, f.Value
			}
		}
		if fields, ok := value.(map[string]any); ok && next != nil {
			if doc.Object.Kind == "Secret" && (name == "data" || name == "stringData") {
				return "", false
			}
			node, value = next, fields[name]
			continue
		}
		items, _ := value.([]any)
		i := slices.IndexFunc(node.Items, func(item *manifest.Node) bool {
			r := item.Range()
			return r.Start.Offset <= offset && offset <= r.End.Offset
		})
		if i < 0 || len(items) != len(node.Items) {
			return "", false
		}
		node, value = node.Items[i], items[i]
	}
	if value == nil {
		return "", false
	}
	text = fmt.Sprint(value)
	return text, text != node.Text
}
