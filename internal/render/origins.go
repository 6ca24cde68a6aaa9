package render

import (
	"cmp"
	"encoding/base64"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

const originAnnotation = "config.kubernetes.io/origin"

// origins finds places in the files that objects of a kustomization come from.
type origins struct {
	source *Source
	files  []string // by document of the rendering, from 0; of a generated object the kustomization
	layers func() []layer
	charts *inflated
}

// laterOrigins are origins that are found when the first place is asked for, which may be never; made returns nil if
// they cannot be.
type laterOrigins struct{ made func() *origins }

func (l laterOrigins) place(doc *manifest.Document, path string, at source.Range) (source.Range, bool) {
	if o := l.made(); o != nil {
		return o.place(doc, path, at)
	}
	return at, false
}

func (l laterOrigins) original(
	doc *manifest.Document, path string, at source.Range, newlines bool,
) (source.Range, bool) {
	if o := l.made(); o != nil {
		return o.original(doc, path, at, newlines)
	}
	return at, false
}

// originsOf reads the origins of an annotated build.
func originsOf(s *Source, annotated []byte, charts *inflated) *origins {
	docs, _ := manifest.Read(source.NewFile(s.Path, annotated), manifest.DefaultLimits)
	o := &origins{source: s, layers: sync.OnceValue(s.layers), charts: charts}
	for _, d := range docs {
		metadata, _ := d.Value()["metadata"].(map[string]any)
		annotations, _ := metadata["annotations"].(map[string]any)
		text, _ := annotations[originAnnotation].(string)
		var origin struct{ Path, ConfiguredIn string }
		if yaml.Unmarshal([]byte(text), &origin) != nil {
			origin.Path = ""
		}
		if from := cmp.Or(origin.Path, origin.ConfiguredIn); from != "" {
			from = rel(s.Path, from)
			o.files = append(o.files, cmp.Or(charts.remote[resolved(from)], from))
		} else {
			o.files = append(o.files, "")
		}
	}
	return o
}

// place looks for the field in the object's file, and, if its value differs there, in the kustomizations that change
// it.
func (o *origins) place(doc *manifest.Document, path string, at source.Range) (source.Range, bool) {
	if doc == nil || doc.Number < 1 || doc.Number > len(o.files) || o.files[doc.Number-1] == "" {
		return at, false
	}
	from, read := o.files[doc.Number-1], o.source.reader()
	f := changedField{read: read, doc: doc, path: path, rendered: doc.Find(path), name: doc.Object.Name}
	if slices.Contains(kustomizationNames, filepath.Base(from)) {
		return o.generatedPlace(from, &f, at), true
	}
	chart := o.charts.files[resolved(from)]
	find := func() (*manifest.Document, bool) { return read.findObject(from, doc) }
	located := func(r source.Range) source.Range { return r }
	if chart != nil {
		find = func() (*manifest.Document, bool) { return chart.original(doc) }
	}
	original, ok := find()
	if !ok {
		return firstLine(from), true
	}
	if chart != nil {
		located = func(r source.Range) source.Range { return chart.locate(original, path, r) }
	}
	f.name = original.Object.Name
	there := original.Find(translated(doc.Root(), original.Root(), path))
	if there.Exact == f.rendered.Exact && sameValue(there, f.rendered) {
		return located(showing(there, f.rendered, at)), true
	}
	if set, changed := o.setter(&f); changed {
		return showing(set, f.rendered, at), true
	}
	return located(showing(there, f.rendered, at)), true
}

// setter returns the place of what gave a field the value that it has: the last of the kustomizations that could.
func (o *origins) setter(f *changedField) (set manifest.Place, ok bool) {
	if !f.rendered.Exact {
		return set, false
	}
	for _, l := range o.layers() {
		if set, ok := l.setter(f); ok {
			return set, true
		}
	}
	return set, false
}

// generatedPlace returns where a field of a generated object comes from: a literal, a file or a line of one, of the
// kustomization that generates the object or of one that adds to it; else what changes the field, else the entry.
func (o *origins) generatedPlace(file string, f *changedField, at source.Range) source.Range {
	root, _ := f.read.kustomizationRoot(file)
	list, entry := generatorOf(root, f.doc)
	if entry == nil {
		return firstLine(file)
	}
	f.name = textOf(entry, "name")
	if key, isData := strings.CutPrefix(f.path, "data"); isData && f.rendered.Exact && key != "" {
		for _, l := range o.layers() {
			for _, more := range itemsOf(l.root, list) {
				if textOf(more, "name") != f.name {
					continue
				}
				if r, ok := f.read.generatedValue(l.dir, more, strings.Trim(key, ".[]"), f.text()); ok {
					return r
				}
			}
		}
	}
	if set, ok := o.setter(f); ok && f.path != "" {
		return showing(set, f.rendered, at)
	}
	return entry.Get("name").Value.Range()
}

// generatorOf returns the entry of a kustomization that generates an object, and the list that it is in: the one with
// the longest name that the object's, which has a hash and may have a prefix, contains.
func generatorOf(root *manifest.Node, doc *manifest.Document) (list string, entry *manifest.Node) {
	list = "configMapGenerator"
	if doc.Object.Kind == "Secret" {
		list = "secretGenerator"
	}
	longest := 0
	for _, item := range itemsOf(root, list) {
		if name := textOf(item, "name"); len(name) > longest && strings.Contains(doc.Object.Name, name) {
			longest, entry = len(name), item
		}
	}
	return list, entry
}

// generatedValue returns where an entry of a generator has a key with a value.
func (read Reader) generatedValue(dir string, entry *manifest.Node, key, value string) (source.Range, bool) {
	same := func(text string) bool {
		return text == value || base64.StdEncoding.EncodeToString([]byte(text)) == value
	}
	for _, item := range slices.Backward(itemsOf(entry, "literals")) {
		if k, v, ok := strings.Cut(item.Text, "="); ok && k == key && same(strings.Trim(v, `"'`)) {
			return item.Range(), true
		}
	}
	for _, item := range slices.Backward(itemsOf(entry, "envs")) {
		name := rel(dir, item.Text)
		data, _ := read(name)
		f := source.NewFile(name, data)
		for line := 1; line <= f.Lines(); line++ {
			if k, v, ok := strings.Cut(strings.TrimSpace(f.Line(line)), "="); ok && k == key && same(v) {
				return lineRange(f, line, ""), true
			}
		}
	}
	for _, item := range slices.Backward(itemsOf(entry, "files")) {
		k, name, ok := strings.Cut(item.Text, "=")
		if !ok {
			k, name = filepath.Base(item.Text), item.Text
		}
		if data, err := read(rel(dir, name)); err == nil && k == key && same(string(data)) {
			return item.Range(), true
		}
	}
	return source.Range{}, false
}

// showing returns the key or the value of a place, whichever the rendered range shows.
func showing(there, rendered manifest.Place, at source.Range) source.Range {
	if rendered.Exact && at.Start == rendered.Value.Start || !there.Key.IsValid() {
		return there.Value
	}
	return there.Key
}

func sameValue(a, b manifest.Place) bool {
	return a.Node != nil && b.Node != nil && a.Node.Kind == b.Node.Kind && a.Node.Text == b.Node.Text
}

// findObject returns the document of a file that a rendered object comes from: of the same kind and name, or of those
// of the kind whose name is a part of the rendered one, which prefixes and suffixes make longer, the one with the
// longest.
func (read Reader) findObject(name string, doc *manifest.Document) (found *manifest.Document, ok bool) {
	data, err := read(name)
	if err != nil {
		return nil, false
	}
	docs, _ := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
	twice := false
	for _, d := range docs {
		switch {
		case d.Object.Kind != doc.Object.Kind || d.Object.Name == "":
		case d.Object.Name == doc.Object.Name && (found == nil || found.Object.Name != doc.Object.Name):
			found, twice = d, false
		case !strings.Contains(doc.Object.Name, d.Object.Name):
		case found == nil || len(d.Object.Name) > len(found.Object.Name):
			found, twice = d, false
		case len(d.Object.Name) == len(found.Object.Name):
			twice = twice || found.Object.Name != doc.Object.Name
		}
	}
	return found, found != nil && !twice
}
