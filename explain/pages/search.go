package pages

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/explain"
	"github.com/seatrial/seatrial/schema"
)

// entry is a kind or field that can be found.
type entry struct {
	kind  *kind
	field *schema.Field // nil for the kind itself
	in    mask
}

// entries lists all kinds, and each field of each type once, at its place nearest to a kind's root, with
// the versions that have it. What the newest version has comes first.
func (s *Site) entries() (out []*entry) {
	known := map[string]*entry{}
	byGVK := map[schema.GVK]*kind{}
	for _, k := range s.kinds {
		byGVK[k.GVK] = k
	}
	for i, store := range slices.Backward(s.stores) {
		explain.Each(store, func(k *schema.Kind, f *schema.Field) {
			e := &entry{kind: byGVK[k.GVK], field: f}
			if e.kind == nil {
				return
			}
			key := k.GVK.String()
			if f != nil {
				if key += " " + f.Path; f.Holder() != "" {
					key = f.Holder() + " " + f.Name
				}
			}
			if known[key] == nil {
				known[key] = e
				out = append(out, e)
			}
			known[key].in |= 1 << i
		})
	}
	return out
}

// searchIndex writes what the search looks in, as a script that hands it over: pages opened as files
// cannot read JSON.
func (s *Site) searchIndex() ([]byte, error) {
	kinds := make([][]any, len(s.kinds))
	number := map[*kind]int{}
	for i, k := range s.kinds {
		number[k] = i
		kinds[i] = []any{k.GVK.Kind, k.GroupVersion().String(), k.file, k.in, oneLine(k.Type().Description), append([]string{k.Resource}, k.ShortNames...), k.preferred}
	}
	fields := [][]any{}
	for _, e := range s.entries() {
		if e.field != nil {
			doc := e.field.Doc
			if doc == "" {
				doc = e.field.Element().Description
			}
			fields = append(fields, []any{number[e.kind], e.field.Path, e.field.Type, e.in, oneLine(doc)})
		}
	}
	data, err := json.Marshal(map[string]any{"kinds": kinds, "fields": fields})
	if err != nil {
		return nil, err
	}
	return append(append([]byte("seatrialSearch("), data...), ");\n"...), nil
}

// navigation returns the script with the kinds of the left side: as a part of each page they would be half of the site.
func (s *Site) navigation() ([]byte, error) {
	parts := make([][]any, len(s.nav))
	for i, part := range s.nav {
		links := make([][]any, len(part.Links))
		for j, l := range part.Links {
			links[j] = []any{l.File, l.Text, l.Note, l.In}
		}
		parts[i] = []any{part.Name, part.Closed, links}
	}
	data, err := json.Marshal(parts)
	if err != nil {
		return nil, err
	}
	return append(append([]byte("window.seatrialKinds = "), data...), ";\n"...), nil
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// indexData is what the first page shows.
type indexData struct {
	frame
	News []news
}

// news is what came and went with a version of the site.
type news struct {
	Version string
	In      mask
	Show    bool
	Kinds   []link
	Gone    []link
	Fields  []newsOfKind
}

// newsOfKind lists the new fields of types that a kind is the first to show.
type newsOfKind struct {
	Kind, File string
	Fields     []newField
}

type newField struct{ Path, Type, Anchor string }

func (s *Site) renderIndex() ([]byte, error) {
	data := indexData{frame: s.frame("Kubernetes API reference", "", "index.html")}
	entries := s.entries()
	for i, v := range slices.Backward(s.versions) {
		if n := s.newsOf(i, v, entries); len(n.Kinds)+len(n.Gone)+len(n.Fields) > 0 {
			data.News = append(data.News, n)
		}
	}
	return s.execute("index", data)
}

func (s *Site) newsOf(i int, v string, entries []*entry) news {
	n := news{Version: v, In: 1 << i, Show: i == len(s.versions)-1}
	if v == schema.Versions()[0] {
		return n
	}
	for _, k := range s.kinds {
		l := link{Text: k.GVK.Kind, Note: k.GroupVersion().String(), File: k.file, In: k.in}
		switch {
		case k.Since == v:
			n.Kinds = append(n.Kinds, l)
		case k.Removed == v:
			n.Gone = append(n.Gone, l)
		}
	}
	for _, e := range entries {
		if e.field == nil || e.kind.Since == v || e.field.Span().Since != v || e.in&n.In == 0 {
			continue
		}
		at := slices.IndexFunc(n.Fields, func(k newsOfKind) bool { return k.File == e.kind.file })
		if at < 0 {
			at = len(n.Fields)
			n.Fields = append(n.Fields, newsOfKind{Kind: e.kind.GVK.Kind, File: e.kind.file})
		}
		n.Fields[at].Fields = append(n.Fields[at].Fields, newField{e.field.Path, e.field.Type, e.kind.file + "#" + anchors.Replace(e.field.Path)})
	}
	slices.SortStableFunc(n.Fields, func(a, b newsOfKind) int { return strings.Compare(a.Kind, b.Kind) })
	return n
}
