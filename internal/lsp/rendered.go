package lsp

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// Rendering is what a variant of a source renders to, as a set of its own, with what leads back to the source.
type Rendering struct {
	File   *source.File // the text, under the name of the rendering
	Failed string       // why not all of it is rendered; empty: it is
	// Objects returns the objects of the text.
	Objects func(ctx context.Context) (*lint.Set, error)
	// Names returns the places in the files of a kustomization that name objects as they are called there.
	Names func() []Name
	// Original returns the range of a source file that has the text of a range of the rendering, and renders to it.
	Original func(d *manifest.Document, path string, at source.Range) (source.Range, bool)
	// Place returns where in the source a range of the rendering comes from.
	Place func(d *manifest.Document, path string, at source.Range) source.Range
}

// Name is a place that names an object by its kind and name.
type Name struct {
	Kind, Name string
	At         source.Range // without quotes
	Folder     string       // of the kustomization that uses the file
	Reaches    []string     // folders of the kustomizations that this one is made of, with itself
}

// spot is an occurrence in a set, and where the text of it is written.
type spot struct {
	occurrence
	in     *writtenSet
	doc    *manifest.Document // of a rendering
	path   string             // of the field, in a rendering
	object string             // that the occurrence is part of
	name   *Name              // that the place is; nil: it is none

	found   bool         // there and written are known
	there   source.Range // the text itself, in a file
	written bool         // false: no file has the text, which is composed
}

// place returns where the spot comes from.
func (s *spot) place() source.Range {
	if s.doc == nil {
		return s.at
	}
	return s.in.rendering.Place(s.doc, s.path, s.at)
}

// original returns where the text of the spot is written; false if it is composed.
func (s *spot) original() (source.Range, bool) {
	if !s.found && s.doc != nil {
		s.there, s.written = s.in.rendering.Original(s.doc, s.path, s.at)
	} else if !s.found {
		s.there, s.written = s.at, true
	}
	s.found = true
	return s.there, s.written
}

// writtenSet is a set of objects with all the places that write subjects.
type writtenSet struct {
	*objects
	rendering *Rendering // nil: the manifests of the folder
	names     []Name     // of the rendering
	spots     []*spot
}

// renaming collects the places that have to be changed together.
type renaming struct {
	sets   []*writtenSet
	name   string // the new one
	taken  map[*spot]bool
	edits  map[source.Range]bool
	checks map[string]bool
}

// spotsOf returns all places in which a rendering writes subjects.
func spotsOf(ctx context.Context, r *Rendering) (*writtenSet, error) {
	objects, err := r.Objects(ctx)
	if err != nil {
		return nil, err
	}
	return newWrittenSet(r, objects), nil
}

func newWrittenSet(r *Rendering, all *lint.Set) *writtenSet {
	name := r.File.Name
	set := &writtenSet{rendering: r, names: r.Names(), objects: &objects{
		set: all, files: map[string]*source.File{name: r.File}, docs: map[string][]*manifest.Document{},
		ports: map[portKey][]*lint.Resource{},
	}}
	for _, object := range all.All {
		doc := set.document(object)
		set.occurrences(object, func(at occurrence) {
			path := doc.PathAt(at.at.Start.Offset)
			set.spots = append(
				set.spots, &spot{occurrence: at, in: set, doc: doc, path: path, object: object.Object.String()},
			)
		})
	}
	for i := range set.names {
		n := &set.names[i]
		at := occurrence{subject: subject{kind: n.Kind, name: n.Name}, at: n.At}
		set.spots = append(set.spots, &spot{occurrence: at, in: set, name: n})
	}
	return set
}

// manifests returns the places in which the manifests of a folder write subjects.
func (o *objects) manifests() *writtenSet {
	set := &writtenSet{objects: o}
	for _, r := range o.set.All {
		o.occurrences(r, func(at occurrence) { set.spots = append(set.spots, &spot{occurrence: at, in: set}) })
	}
	return set
}

// written returns the sets that an open document is a part of: what the sources that use it render to, and the
// manifests of its folder; none if no source uses it.
func (s *Server) written(ctx context.Context, d *document, o *objects) (sets []*writtenSet, err error) {
	snapshot, err := s.snapshot(d)
	if err != nil {
		return nil, err
	}
	renderings, err := snapshot.Renderings(ctx, d.name)
	if err != nil || len(renderings) == 0 {
		return nil, err
	}
	for i := range renderings {
		set, err := spotsOf(ctx, &renderings[i])
		if err != nil {
			return nil, err
		}
		sets = append(sets, set)
	}
	return append(sets, o.manifests()), nil
}

// spotsAt returns what is written at a byte of a document; if nothing is, what the template's line there renders to.
func spotsAt(sets []*writtenSet, d *document, offset int) (found []*spot) {
	in := func(r source.Range) bool {
		return sameFile(r.File, d.name) && r.Start.Offset <= offset && offset <= r.End.Offset
	}
	word := wordAt(d.file, offset)
	for _, set := range sets {
		for _, s := range set.spots {
			if text := s.text(); text == "" || !strings.Contains(word, text) {
				continue
			}
			if there, ok := s.original(); ok && in(there) {
				found = append(found, s)
			}
		}
	}
	if len(found) > 0 || !strings.Contains(d.file.Line(d.file.Pos(offset).Line), "{{") {
		return found
	}
	for _, set := range sets {
		for _, s := range set.spots {
			if in(s.place()) {
				found = append(found, s)
			}
		}
	}
	return found
}

// wordAt returns what stands around a byte up to the next white space.
func wordAt(f *source.File, offset int) string {
	start := bytes.LastIndexAny(f.Data[:offset], " \t\r\n") + 1
	end := len(f.Data)
	if i := bytes.IndexAny(f.Data[offset:], " \t\r\n"); i >= 0 {
		end = offset + i
	}
	return string(f.Data[start:end])
}

// add takes a place, and with it all that are written by the same text or write the same subject.
func (r *renaming) add(first *spot) error {
	queue := []*spot{first}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		if r.taken[s] {
			continue
		}
		r.taken[s] = true
		if err := r.check(s); err != nil {
			return err
		}
		r.edits[placeOf(s.there)] = true
		for _, set := range r.sets {
			for _, other := range set.spots {
				if !r.taken[other] && other.text() == s.text() && s.leadsTo(other) {
					queue = append(queue, other)
				}
			}
		}
	}
	return nil
}

// leadsTo reports whether another place, of the same text, has to change with this one.
func (s *spot) leadsTo(other *spot) bool {
	a, b := s.subject, other.subject
	switch {
	case s.name != nil && other.name != nil:
		return a == b && s.name.related(other.name)
	case s.in == other.in && a == b:
		return true
	case s.named(other), other.named(s):
		return true
	}
	there, written := other.original()
	return written && placeOf(s.there) == placeOf(there)
}

// named reports whether a place is that of a manifest, and names the same object as another in a kustomization that is
// made of the manifest's folder, or is in it.
func (s *spot) named(other *spot) bool {
	return s.in.rendering == nil && other.name != nil && s.isObject() &&
		s.kind == other.kind && s.subject.name == other.subject.name &&
		slices.Contains(other.name.Reaches, filepath.Dir(s.at.File))
}

// related reports whether one of two kustomizations is made of the other.
func (n *Name) related(other *Name) bool {
	return slices.Contains(n.Reaches, other.Folder) || slices.Contains(other.Reaches, n.Folder)
}

func (s subject) isObject() bool {
	return s.kind != "" && s.key+s.port+s.container+s.podPort+s.label == ""
}

// placeOf returns a range by which places are compared.
func placeOf(r source.Range) source.Range {
	return source.Range{File: r.File, Start: source.Pos{Offset: r.Start.Offset}, End: source.Pos{Offset: r.End.Offset}}
}

// check returns why a place cannot be changed; nil if it can.
func (r *renaming) check(s *spot) error {
	switch {
	case s.shared:
		return s.anchored()
	case s.name != nil:
		s.original()
		return nil
	}
	if _, ok := s.original(); !ok {
		return invalid(
			"%s cannot be renamed: %s of %s takes the name from %s, which composes it; change what it is composed of",
			s.title(), s.path, s.object, s.place(),
		)
	}
	key := fmt.Sprintf("%p %v", s.in, s.subject)
	if r.checks[key] {
		return nil
	}
	r.checks[key] = true
	return s.in.renames(s.subject, r.name)
}

// verify renders the sources with the changes of a renaming, and returns an error unless exactly the places that were
// taken have changed.
func (s *Server) verify(ctx context.Context, d *document, r *renaming, old string, texts map[string][]byte) error {
	s.mu.Lock()
	overlay, settings := s.overlay(), s.settings
	s.mu.Unlock()
	maps.Copy(overlay, texts)
	snapshot, err := s.Open(folderOf(d.name), overlay, settings)
	if err != nil {
		return err
	}
	after, err := snapshot.Renderings(ctx, d.name)
	if err != nil {
		return err
	}
	var before []*writtenSet
	for _, set := range r.sets {
		if set.rendering != nil {
			before = append(before, set)
		}
	}
	if len(after) != len(before) {
		return invalid("after the change other charts or kustomizations would use the file")
	}
	for i, set := range before {
		if now := after[i]; now.Failed != "" && set.rendering.Failed == "" {
			return invalid("%s would not be rendered any more: %s", now.File.Name, now.Failed)
		}
		if err := r.compare(set, &after[i], old); err != nil {
			return err
		}
	}
	return nil
}

// compare returns an error unless a rendering after the change is the one before with the new name.
func (r *renaming) compare(set *writtenSet, after *Rendering, old string) error {
	expected, now := documentLines(r.expected(set)), documentLines(after.File.Data)
	if len(expected) != len(now) {
		return invalid("%s would have other objects than now: it depends on the name", after.File.Name)
	}
	same := map[string]int{} // renderers may sort by name
	for _, d := range now {
		same[r.bare(d.text)]++
	}
	var changed []lines
	for _, d := range expected {
		if text := r.bare(d.text); same[text] > 0 {
			same[text]--
		} else {
			changed = append(changed, d)
		}
	}
	for _, d := range now {
		text := r.bare(d.text)
		if same[text] == 0 {
			continue
		}
		same[text]--
		if err := r.compareDocument(set, changed[0], d, old); err != nil {
			return err
		}
		changed = changed[1:]
	}
	return r.checkStrings(set, after)
}

// lines are those of a document.
type lines struct {
	first int // from 1
	text  string
}

// documentLines splits a rendering where a line ends a document.
func documentLines(text []byte) (docs []lines) {
	first := 1
	for _, part := range strings.SplitAfter(string(text), "\n---\n") {
		docs = append(docs, lines{first, strings.TrimSuffix(part, "\n---\n")})
		first += strings.Count(part, "\n")
	}
	if n := len(docs); n > 0 {
		docs[n-1].text = strings.TrimRight(docs[n-1].text, "\n")
	}
	return docs
}

// compareDocument returns an error unless a document is the expected one.
func (r *renaming) compareDocument(set *writtenSet, expected, after lines, old string) error {
	want, now := strings.Split(expected.text, "\n"), strings.Split(after.text, "\n")
	for i, line := range want {
		number := expected.first + i
		if i < len(now) && r.bare(line) == r.bare(now[i]) {
			continue
		}
		shown := ""
		if i < len(now) {
			shown = now[i]
		}
		doc, path := set.changed(number, shown)
		if doc == nil || len(want) != len(now) || !set.mayChange(doc, path, line, shown, old, r.name) {
			return set.unexpected(doc, path, number)
		}
	}
	return nil
}

// checkStrings returns an error if a place does not have the new name as a string, since a template writes it without
// quotes.
func (r *renaming) checkStrings(set *writtenSet, after *Rendering) error {
	if plain(r.name) {
		return nil
	}
	docs := documents(after.File)
	for _, s := range set.spots {
		if !r.taken[s] || s.name != nil {
			continue
		}
		before := set.documentAt(s.at.Start.Offset)
		i := slices.IndexFunc(docs, func(d *manifest.Document) bool { return d.Number == before.Number })
		if i < 0 {
			continue
		}
		if p := docs[i].Find(s.path); p.Exact && p.Node.Text == r.name && p.Node.Style == manifest.Plain {
			return invalid("%q cannot be the name of %s: %s writes it without quotes", r.name, s.title(), s.place())
		}
	}
	return nil
}

// expected returns the text of a rendering in which the places that were taken have the new name.
func (r *renaming) expected(set *writtenSet) []byte {
	f := set.rendering.File
	var taken []*spot
	for _, s := range set.spots {
		if r.taken[s] && s.name == nil {
			taken = append(taken, s)
		}
	}
	slices.SortFunc(taken, func(a, b *spot) int { return cmp.Compare(b.at.Start.Offset, a.at.Start.Offset) })
	taken = slices.CompactFunc(taken, func(a, b *spot) bool { return a.at == b.at })
	text := slices.Clone(f.Data)
	for _, s := range taken {
		text = slices.Concat(text[:s.at.Start.Offset], []byte(r.name), text[s.at.End.Offset:])
	}
	return text
}

// hash matches checksums in hexadecimal digits.
var hash = regexp.MustCompile(`\b[0-9a-f]{32,64}\b`)

// bare returns a line without checksums, and without quotes around the new name.
func (r *renaming) bare(line string) string {
	return hash.ReplaceAllString(strings.ReplaceAll(line, strconv.Quote(r.name), r.name), "")
}

// generated matches the hash that kustomize adds to a name.
const generated = `-[2456789bcdfghkmt]{10}`

// changed returns the document and the path of the field that differs first in a line of a rendering.
func (set *writtenSet) changed(line int, now string) (*manifest.Document, string) {
	f := set.rendering.File
	text := f.Line(line)
	same := 0
	for same < len(text) && same < len(now) && text[same] == now[same] {
		same++
	}
	offset := f.LineStart(line) + max(same, len(text)-len(strings.TrimLeft(text, " -")))
	if doc := set.documentAt(offset); doc != nil {
		return doc, doc.PathAt(offset)
	}
	return nil, ""
}

// documentAt returns the document of a rendering at a byte, or nil.
func (set *writtenSet) documentAt(offset int) *manifest.Document {
	name := set.rendering.File.Name
	if set.docs[name] == nil {
		set.docs[name] = documents(set.rendering.File)
	}
	for _, doc := range set.docs[name] {
		if doc.Holds(offset) {
			return doc
		}
	}
	return nil
}

// objectLabel matches the path of a label of an object itself.
var objectLabel = regexp.MustCompile(`^metadata\.?\[?labels\b`)

// mayChange reports whether a line may change with the name without being a place that writes it: an object's own label
// that is made of the same value, or, in a kustomization, a name that it completes.
func (set *writtenSet) mayChange(doc *manifest.Document, path, line, now, old, name string) bool {
	if objectLabel.MatchString(path) {
		return now == strings.ReplaceAll(line, old, name)
	}
	if len(set.names) == 0 {
		return false
	}
	for _, s := range set.spots {
		if s.doc == nil || s.path != path || !doc.Holds(s.at.Start.Offset) {
			continue
		}
		hashed := regexp.MustCompile(`(` + regexp.QuoteMeta(old) + `|` + regexp.QuoteMeta(name) + `)` + generated)
		plain := func(text string) string { return hashed.ReplaceAllString(text, "$1") }
		if plain(now) == strings.ReplaceAll(plain(line), old, name) {
			return true
		}
	}
	return false
}

// unexpected says which line of a rendering would change though it does not write the name.
func (set *writtenSet) unexpected(doc *manifest.Document, path string, line int) error {
	r := set.rendering
	if doc == nil {
		return invalid("line %d of %s would change as well, which is no place that refers to it", line, r.File.Name)
	}
	at := r.Place(doc, path, doc.Find(path).Value)
	return invalid(
		"%s of %s would change as well, though it does not refer to the name: see %s",
		cmp.Or(path, "line "+strconv.Itoa(line)), doc.Object, at,
	)
}
