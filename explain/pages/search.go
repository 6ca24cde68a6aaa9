package pages

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"regexp"
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

// maxScript is about how many bytes a script of the search may have before they are compressed.
const maxScript = 450_000

var searchName = regexp.MustCompile(`^search(-[0-9]+)?\.js$`)

func isSearchScript(name string) bool { return searchName.MatchString(name) }

func (s *Site) searchScript(name string) ([]byte, error) {
	scripts, err := s.search()
	if err != nil {
		return nil, err
	}
	if scripts[name] == nil {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return scripts[name], nil
}

// index is what the search looks in.
type index struct {
	kinds  [][]any // kind, API version, file, versions, text, other names, whether it is preferred
	types  []string
	groups []*group
	texts  []string

	number map[string]int // of types and texts
}

// group holds the fields below a place. It is written as a list: the kind, the path, and the fields.
type group struct {
	kind   int
	path   string
	fields [][]any // name, type, text, and versions where not all have it
}

func (g *group) MarshalJSON() ([]byte, error) { return json.Marshal([]any{g.kind, g.path, g.fields}) }

// numberOf returns the number of a text in a table of unique ones.
func (x *index) numberOf(table *[]string, prefix, text string) int {
	n, ok := x.number[prefix+text]
	if !ok {
		n = len(*table)
		*table = append(*table, text)
		x.number[prefix+text] = n
	}
	return n
}

func (s *Site) index() *index {
	x := &index{number: map[string]int{}}
	numbers := map[*kind]int{}
	for i, k := range s.kinds {
		numbers[k] = i
		text := x.numberOf(&x.texts, "text ", oneLine(k.Type().Description))
		names := append([]string{k.Resource}, k.ShortNames...)
		x.kinds = append(x.kinds, []any{k.GVK.Kind, k.GroupVersion().String(), k.file, k.in, text, names, k.preferred})
	}
	add := x.adder()
	for _, e := range s.entries() {
		if f := e.field; f != nil {
			above := strings.TrimSuffix(strings.TrimSuffix(f.Path, f.Name), ".")
			add(numbers[e.kind], above, f.Name, f.Type, cmp.Or(f.Doc, f.Element().Description), e.in, e.kind.in)
		}
	}
	seen := map[*list]bool{}
	for _, k := range s.kinds {
		if k.project != "" {
			s.listOf(k).eachOnce("", seen, func(above string, f *field) {
				add(numbers[k], above, f.Name, f.Forms[0].Type, firstSentence(f.Forms[0].words), f.In, k.in)
			})
		}
	}
	return x
}

// eachOnce calls do for each field of lists that were not seen, nearest to the root first. Types with names are those
// of Kubernetes, and left out.
func (l *list) eachOnce(above string, seen map[*list]bool, do func(above string, f *field)) {
	if seen[l] {
		return
	}
	seen[l] = true
	for _, f := range l.Fields {
		do(above, f)
	}
	for _, f := range l.Fields {
		if f.Below != nil && f.Type == "" {
			f.Below.eachOnce(join(above, f.Name), seen, do)
		}
	}
}

// adder returns a function that adds a field, below others of its kind and path.
func (x *index) adder() func(kind int, above, name, typeName, text string, in, inKind mask) {
	groups := map[string]*group{}
	return func(kind int, above, name, typeName, text string, in, inKind mask) {
		key := fmt.Sprint(kind, " ", above)
		g := groups[key]
		if g == nil {
			g = &group{kind: kind, path: above}
			groups[key] = g
			x.groups = append(x.groups, g)
		}
		of := []any{name, x.numberOf(&x.types, "type ", typeName), x.numberOf(&x.texts, "text ", oneLine(text))}
		if in != inKind {
			of = append(of, in)
		}
		g.fields = append(g.fields, of)
	}
}

// searchScripts writes what the search looks in.
// search.js holds the kinds and names, the others fields and texts that do not fit in it.
func (s *Site) searchScripts() (map[string][]byte, error) {
	x := s.index()
	groups, texts := pieces(x.groups, maxScript*2/3), pieces(x.texts, maxScript)
	count := len(groups) - 1 + len(texts)
	scripts := map[string][]byte{}
	add := func(name string, data map[string]any) error {
		text, err := json.Marshal(data)
		if err != nil {
			return err
		}
		scripts[name], err = packed(name, text)
		return err
	}
	err := add("search.js", map[string]any{"kinds": x.kinds, "types": x.types, "groups": groups[0], "scripts": count})
	if err != nil {
		return nil, err
	}
	for i := range count {
		more := map[string]any{}
		if i < len(groups)-1 {
			more["groups"] = groups[i+1]
		} else {
			more["texts"] = texts[i-len(groups)+1]
		}
		if err := add(fmt.Sprintf("search-%d.js", i+1), more); err != nil {
			return nil, err
		}
	}
	return scripts, nil
}

// pieces parts a list into several whose JSON has about so many bytes.
func pieces[T any](all []T, limit int) (out [][]T) {
	size, from := 0, 0
	for i, v := range all {
		data, _ := json.Marshal(v) // texts and numbers alone
		if size += len(data); size > limit {
			out, from, size = append(out, all[from:i]), i, len(data)
		}
	}
	return append(out, all[from:])
}

// navigation returns the script with the versions, and the kinds of the left side: as a part of each page they would be
// half of the site.
func (s *Site) navigation() ([]byte, error) {
	parts := make([][]any, len(s.nav))
	for i, part := range s.nav {
		links := make([][]any, len(part.Links))
		for j, l := range part.Links {
			links[j] = []any{l.File, l.Text, l.Note, l.In}
		}
		parts[i] = []any{part.Name, part.Closed, links}
	}
	data, err := json.Marshal(map[string]any{"versions": s.versions, "kinds": parts})
	if err != nil {
		return nil, err
	}
	return slices.Concat([]byte("window.seatrialSite = "), data, []byte(";\n")), nil
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// indexData is what the first page shows.
type indexData struct {
	frame
	News     []news
	Projects bool
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
	data.Projects = slices.ContainsFunc(s.nav, func(part section) bool { return part.Project })
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
		n.Fields[at].Fields = append(
			n.Fields[at].Fields,
			newField{e.field.Path, e.field.Type, e.kind.file + "#" + anchors.Replace(e.field.Path)},
		)
	}
	slices.SortStableFunc(n.Fields, func(a, b newsOfKind) int { return strings.Compare(a.Kind, b.Kind) })
	return n
}
