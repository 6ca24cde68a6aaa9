package lsp

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/explain"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
)

// complete offers the fields, or the values, that may stand at the cursor of a YAML document.
func (s *Server) complete(ctx context.Context, p positionParams) (any, error) {
	list := completionList{Items: []completionItem{}}
	d, ok := s.document(p.TextDocument.URI)
	if !ok {
		return list, nil
	}
	offset := s.edge.offset(d.file, p.Position)
	if offers, start, ok := s.templateOffers(&d, offset); ok {
		list.Items = s.items(d.file, d.file.Range(start, offset), offers)
		return list, nil
	}
	c := newCursor(d.file, offset)
	if c == nil {
		return list, nil
	}
	store, err := s.store(&d)
	if err != nil {
		return list, err
	}
	named, err := s.names(ctx, &d, c)
	if err != nil {
		return list, err
	}
	list.Items = s.items(d.file, d.file.Range(c.start, c.end), append(named, c.offers(store)...))
	return list, nil
}

// items returns offers as the protocol writes them, each in the place of a range.
func (s *Server) items(f *source.File, r source.Range, offers []offer) []completionItem {
	items := make([]completionItem, 0, len(offers))
	for i, o := range offers {
		item := completionItem{
			Label: o.label, Kind: o.kind, Detail: o.detail, Deprecated: o.deprecated, SortText: fmt.Sprintf("%04d", i),
			TextEdit: textEdit{Range: s.edge.rangeOf(f, r), NewText: o.text},
		}
		if strings.Contains(o.text, "\n") {
			item.Mode = adjustIndentation
		}
		if o.snippet != "" && s.client.TextDocument.Completion.CompletionItem.SnippetSupport {
			item.TextEdit.NewText, item.Format, item.Mode = o.snippet, formatSnippet, adjustIndentation
		}
		if o.filter != "" {
			item.FilterText = o.filter
		}
		if o.doc != "" {
			text := markdown(o.doc)
			item.Documentation = &text
		}
		items = append(items, item)
	}
	return items
}

// marker stands for the word that is being written.
const marker = "seatrial-cursor"

// cursor is a place where something is being written.
type cursor struct {
	doc        *manifest.Document
	path       []string // of the map that the key is being written into, or of the field whose value it is
	value      bool     // it is a value
	present    []string // keys that the map has
	start, end int      // bytes of the word that is being written
	empty      bool     // nothing stands in the document
}

// newCursor finds out what is being written. An unfinished line is no YAML, so it is looked at as if
// it were finished: what is written as a key, or as a value.
func newCursor(f *source.File, offset int) *cursor {
	line := f.Pos(offset).Line
	begin := f.LineStart(line)
	text := f.Line(line)
	before := string(f.Data[begin:offset])
	word := before[strings.LastIndexAny(before, " \t:-")+1:]
	c := &cursor{start: offset - len(word), end: begin + len(strings.TrimRight(text, " \t"))}
	c.end = max(c.end, offset)
	key, _, isValue := strings.Cut(strings.TrimLeft(before, " -"), ":")
	finished := before[:len(before)-len(word)] + marker + ": x"
	if isValue {
		if strings.ContainsAny(key, " \"'{[#") {
			return nil
		}
		after := begin + len(before) - len(strings.TrimLeft(before, " -")) + len(key) + 1
		finished = string(f.Data[begin:after]) + " " + marker
		c.value, c.start = true, after+len(before[after-begin:])-len(strings.TrimLeft(before[after-begin:], " "))
	}
	whole := bytes.Join([][]byte{f.Data[:begin], []byte(finished), f.Data[begin+len(text):]}, nil)
	at := begin + strings.Index(finished, marker)
	for _, doc := range documentsAt(source.NewFile(f.Name, whole), begin) {
		if !doc.Holds(at) {
			continue
		}
		path, inKey := doc.At(at)
		if len(path) == 0 || inKey == c.value {
			return nil
		}
		c.doc, c.path = doc, path
		if inKey {
			c.path = path[:len(path)-1]
			c.present = doc.KeysAt(at)
			c.empty = len(c.path) == 0 && len(c.present) == 1
		}
		return c
	}
	return nil
}

// offer is something that may be written.
type offer struct {
	label, text, detail, doc string
	snippet                  string // in place of text, for editors that know snippets; empty: none
	filter                   string // what is typed to choose it; empty: the label
	kind                     int
	deprecated               bool
}

func (c *cursor) offers(store *schema.Store) []offer {
	kind := kindOf(store, c.doc)
	switch {
	case c.value && len(c.path) == 1 && c.path[0] == "kind":
		return append(kindOffers(store, c.doc.Object.APIVersion), c.skeletons(store)...)
	case c.value && len(c.path) == 1 && c.path[0] == "apiVersion":
		return versionOffers(store, c.doc.Object.Kind)
	case kind == nil && !c.value && len(c.path) == 0:
		return c.headOffers(store)
	case kind == nil:
		return nil
	case c.value:
		field, err := kind.Field(strings.Join(c.path, "."))
		if err != nil {
			return nil
		}
		return valueOffers(field)
	case len(c.path) == 0:
		return c.fieldOffers(kind.Fields())
	}
	field, err := kind.Field(strings.Join(c.path, "."))
	if err != nil || strings.Contains(field.Type, "map[") {
		return nil
	}
	return c.fieldOffers(field.Fields())
}

// fieldOffers offers what is not there yet, required fields first.
func (c *cursor) fieldOffers(fields []*schema.Field) (offers []offer) {
	for _, required := range []bool{true, false} {
		for _, f := range fields {
			if f.Required != required || slices.Contains(c.present, f.Name) {
				continue
			}
			o := offer{
				label: f.Name, text: f.Name + ": ", detail: f.Type, doc: f.Doc, kind: itemField,
				deprecated: explain.IsDeprecated(f.Doc),
			}
			if f.Required {
				o.detail += ", required"
			}
			if len(f.Fields()) > 0 || strings.HasPrefix(f.Type, "[]") || strings.HasPrefix(f.Type, "map[") {
				o.text, o.snippet = f.Name+":", skeleton(f)
			}
			offers = append(offers, o)
		}
	}
	return offers
}

// skeleton returns a field that holds others as a snippet: a list with its first element, required fields with a place
// to write.
func skeleton(f *schema.Field) string {
	first, rest := "\n  ", "\n  "
	if strings.HasPrefix(f.Type, "[]") {
		first = "\n- "
	}
	text, stop := escapeSnippet(f.Name)+":"+first, 0
	for _, child := range f.Fields() {
		if !child.Required || strings.HasPrefix(f.Type, "map[") {
			continue
		}
		if stop++; stop > 1 {
			text += rest
		}
		text += fmt.Sprintf("%s: $%d", escapeSnippet(child.Name), stop)
	}
	if stop == 0 {
		text += "$1"
	}
	return text
}

// escapeSnippet returns a text that stands for itself in a snippet.
func escapeSnippet(text string) string {
	return strings.NewReplacer(`\`, `\\`, "$", `\$`, "}", `\}`).Replace(text)
}

// valueDoc returns what the documentation of a field says of one of its values.
func valueDoc(doc string, value any) string {
	_, values, _ := strings.Cut(doc, "Possible enum values:")
	_, text, _ := strings.Cut(values, fmt.Sprintf("- `%q`", value))
	text, _, _ = strings.Cut(text, "- `\"")
	return strings.Join(strings.Fields(text), " ")
}

func valueOffers(f *schema.Field) (offers []offer) {
	for _, v := range f.Enum {
		o := offer{label: fmt.Sprint(v), text: fmt.Sprint(v), doc: valueDoc(f.Doc, v), kind: itemValue}
		if f.Default == v {
			o.detail = "default"
		}
		offers = append(offers, o)
	}
	if f.Type == "boolean" {
		offers = append(
			offers, offer{label: "true", text: "true", kind: itemValue},
			offer{label: "false", text: "false", kind: itemValue},
		)
	}
	if f.Default != nil && len(offers) == 0 {
		if text := fmt.Sprint(f.Default); text != "" && !strings.HasPrefix(text, "map[") {
			offers = append(offers, offer{label: text, text: text, detail: "default", kind: itemValue})
		}
	}
	return offers
}

func kindOffers(store *schema.Store, apiVersion string) (offers []offer) {
	for _, k := range store.Kinds() {
		if apiVersion == "" || k.GroupVersion().String() == apiVersion {
			offers = append(
				offers,
				offer{
					label: k.Kind, text: k.Kind, detail: k.GroupVersion().String(), doc: k.Type().Description,
					kind: itemClass, deprecated: k.Deprecated != "",
				},
			)
		}
	}
	return offers
}

func versionOffers(store *schema.Store, kind string) (offers []offer) {
	var seen []string
	for _, k := range store.Kinds() {
		version := k.GroupVersion().String()
		if kind != "" && k.Kind != kind || slices.Contains(seen, version) {
			continue
		}
		seen = append(seen, version)
		offers = append(offers, offer{label: version, text: version, kind: itemClass})
	}
	return offers
}

// skeletons offers kinds with the fields that they require, where nothing but the kind and its version stands.
func (c *cursor) skeletons(store *schema.Store) (offers []offer) {
	if len(c.doc.Root().Fields) > 2 {
		return nil
	}
	for _, k := range store.Kinds() {
		version := k.GroupVersion().String()
		if c.doc.Object.APIVersion != version {
			continue
		}
		subject, err := explain.Find(store, k.Resource, version)
		if err != nil {
			continue
		}
		text, err := subject.Example()
		if err != nil {
			continue
		}
		_, text, _ = strings.Cut(text, "\nkind: ")
		offers = append(offers, offer{
			label: k.Kind + " with required fields", text: strings.TrimSuffix(text, "\n"), filter: k.Kind,
			kind:   itemClass,
			detail: "a minimal " + version + " " + k.Kind, deprecated: k.Deprecated != "",
		})
	}
	return offers
}

// headOffers offers the fields by which an object is known, and into an empty document whole objects.
func (c *cursor) headOffers(store *schema.Store) (offers []offer) {
	for _, name := range []string{"apiVersion", "kind", "metadata"} {
		if !slices.Contains(c.present, name) {
			offers = append(offers, offer{label: name, text: name + ": ", kind: itemField})
		}
	}
	if !c.empty {
		return offers
	}
	for _, k := range store.Kinds() {
		subject, err := explain.Find(store, k.Resource, k.GroupVersion().String())
		if err != nil {
			continue
		}
		if text, err := subject.Example(); err == nil {
			offers = append(
				offers,
				offer{
					label: k.Kind, text: text, detail: "a minimal " + k.GroupVersion().String() + " " + k.Kind,
					doc: k.Type().Description, kind: itemClass, deprecated: k.Deprecated != "",
				},
			)
		}
	}
	return offers
}
