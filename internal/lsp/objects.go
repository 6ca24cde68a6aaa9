package lsp

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// objects are the API objects of a folder with their places, for what leads from one to another.
type objects struct {
	set   *lint.Set
	files map[string]*source.File         // by name
	docs  map[string][]*manifest.Document // by name of the file
	open  map[string]*source.File
	ports map[portKey][]*lint.Resource // workloads that share a named port
}

// objects returns the objects of the folder of an open document.
func (s *Server) objects(ctx context.Context, d *document) (*objects, error) {
	snapshot, err := s.snapshot(d)
	if err != nil {
		return nil, err
	}
	set, err := snapshot.Objects(ctx)
	if err != nil {
		return nil, err
	}
	o := &objects{
		set: set, files: map[string]*source.File{}, docs: map[string][]*manifest.Document{},
		open: map[string]*source.File{}, ports: map[portKey][]*lint.Resource{},
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, open := range s.open {
		o.open[open.name] = open.file
	}
	return o, nil
}

// file returns a file as it is in the editor, or on disk; nil if it cannot be read.
func (o *objects) file(name string) *source.File {
	if f, ok := o.files[name]; ok {
		return f
	}
	f := o.open[name]
	if f == nil {
		if data, err := os.ReadFile(name); err == nil {
			f = source.NewFile(name, data)
		}
	}
	o.files[name] = f
	return f
}

// document returns the document of an object; nil if it cannot be read any more.
func (o *objects) document(r *lint.Resource) *manifest.Document {
	docs, ok := o.docs[r.File]
	if !ok {
		if f := o.file(r.File); f != nil {
			docs = documents(f)
		}
		o.docs[r.File] = docs
	}
	for _, d := range docs {
		if d.Number == r.Document && d.Item == r.Item {
			return d
		}
	}
	return nil
}

// subject is what can be written in several places: an object, a key of a ConfigMap or Secret, a port of a Service, a
// container or a named port of a workload, the value of a label of pods.
type subject struct {
	group, kind, namespace, name string
	key                          string // of the data
	port                         string // name or number
	container, podPort           string
	label                        string // key of the label whose value is name; there is no kind
}

// occurrence is a place where a subject is written.
type occurrence struct {
	subject
	at       source.Range // of the name alone, without quotes
	quoted   bool         // it stands in quotes
	shared   bool         // it has an anchor: other fields may take its value
	declares bool
}

// occurrences calls yield with everything that an object writes of subjects.
func (o *objects) occurrences(r *lint.Resource, yield func(occurrence)) {
	doc := o.document(r)
	if doc == nil {
		return
	}
	write := func(s subject, path string, declares bool) {
		place := doc.Find(path)
		if place.Exact && place.Node.Kind == manifest.Map {
			place = doc.Find(path + ".name")
		}
		if place.Exact && place.Node.Kind == manifest.Scalar {
			yield(occurrenceOf(doc.File, s, place.Value, place.Node.Shared, declares))
		}
	}
	gk := r.GroupKind()
	mine := subject{group: gk.Group, kind: gk.Kind, namespace: r.Object.Namespace, name: r.Object.Name}
	write(mine, "metadata.name", true)
	for _, field := range []string{"data", "stringData", "binaryData"} {
		place := doc.Find(field)
		if !place.Exact || len(r.Keys) == 0 {
			continue
		}
		for i := range place.Node.Fields {
			f := &place.Node.Fields[i]
			key := mine
			key.key = f.Name
			yield(occurrenceOf(doc.File, key, f.Key(), false, true))
		}
	}
	if gk.Kind == "Service" {
		for _, p := range r.Ports {
			named := mine
			named.port = p.Name
			if p.Name != "" {
				write(named, strings.TrimSuffix(p.Path, ".port")+".name", true)
			}
		}
	}
	for _, ref := range r.Refs {
		other := subject{group: ref.Group, kind: ref.Kind, namespace: ref.Namespace, name: ref.Name}
		write(other, ref.Path, false)
		for _, k := range ref.Keys {
			key := other
			key.key = k.Name
			write(key, k.Path, false)
		}
		if ref.Port != nil && ref.Port.Name != "" {
			port := other
			port.port = ref.Port.Name
			write(port, ref.Port.Path, false)
		}
	}
	o.podOccurrences(r, doc, yield)
}

// occurrenceOf returns the occurrence of a subject that is written at a range, perhaps in quotes.
func occurrenceOf(f *source.File, s subject, r source.Range, shared, declares bool) occurrence {
	text := string(f.Data[r.Start.Offset:r.End.Offset])
	quoted := len(text) >= 2 && (text[0] == '"' || text[0] == '\'') && text[len(text)-1] == text[0]
	if quoted {
		r = f.Range(r.Start.Offset+1, r.End.Offset-1)
	}
	return occurrence{s, r, quoted, shared, declares}
}

// at returns what is written at a byte of an open document.
func (o *objects) at(d *document, offset int) (found occurrence, ok bool) {
	for _, r := range o.set.All {
		if r.File != d.name {
			continue
		}
		o.occurrences(r, func(at occurrence) {
			if !ok && at.at.Start.Offset <= offset && offset <= at.at.End.Offset {
				found, ok = at, true
			}
		})
	}
	return found, ok
}

// of returns all places where a subject is written, each once: aliases lead to one place several times.
func (o *objects) of(s subject) (all []occurrence) {
	for _, r := range o.set.All {
		if !mentions(r, s) {
			continue
		}
		o.occurrences(r, func(at occurrence) {
			if at.subject == s && !slices.ContainsFunc(all, func(o occurrence) bool { return o.at == at.at }) {
				all = append(all, at)
			}
		})
	}
	return all
}

// mentions reports whether an object is, or refers to, the object of a subject.
func mentions(r *lint.Resource, s subject) bool {
	if s.label != "" || s.podPort != "" || s.container != "" {
		return r.Object.Namespace == s.namespace
	}
	gk := r.GroupKind()
	if gk.Group == s.group && gk.Kind == s.kind && r.Object.Namespace == s.namespace && r.Object.Name == s.name {
		return true
	}
	for _, ref := range r.Refs {
		if ref.Group == s.group && ref.Kind == s.kind && ref.Namespace == s.namespace && ref.Name == s.name {
			return true
		}
	}
	return false
}

// selectedAt returns the places of the labels of the pods that a selector at a byte of an open document chooses.
func (o *objects) selectedAt(d *document, offset int) (places []source.Range) {
	for _, r := range o.set.All {
		if r.File != d.name || r.Selector == nil {
			continue
		}
		doc := o.document(r)
		if doc == nil {
			continue
		}
		selector := doc.Find(r.Selector.Path)
		if !selector.Exact || !holds(selector, offset) {
			continue
		}
		for pods := range o.set.Selected(r) {
			if template := o.document(pods); template != nil {
				labels := strings.TrimSuffix(strings.TrimSuffix(pods.SpecPath, "spec"), ".")
				places = append(places, template.Find(strings.TrimPrefix(labels+".metadata.labels", ".")).Key)
			}
		}
	}
	return places
}

func holds(p manifest.Place, offset int) bool {
	return p.Key.Start.Offset <= offset && offset <= p.Value.End.Offset
}

// volumeAt returns the place of the volume that a volumeMount at a byte of a document mounts.
func volumeAt(doc *manifest.Document, offset int) (source.Range, bool) {
	path, inKey := doc.At(offset)
	node := scalarAt(doc.Root(), offset)
	if inKey || node == nil || !mountsVolume(path) {
		return source.Range{}, false
	}
	for _, v := range volumes(doc, path) {
		if v.Text == node.Text {
			return v.Range(), true
		}
	}
	return source.Range{}, false
}

// mountsVolume reports whether a path is that of the name in a volumeMount.
func mountsVolume(path []string) bool {
	n := len(path)
	return n >= 3 && path[n-1] == "name" && (path[n-2] == "volumeMounts" || path[n-2] == "volumeDevices")
}

// volumes returns the names of the volumes that a volumeMount at a path can mount.
func volumes(doc *manifest.Document, mount []string) (names []*manifest.Node) {
	pod := mount[:len(mount)-3]
	for _, from := range []struct{ list, name string }{
		{strings.Join(append(slices.Clone(pod), "volumes"), "."), "name"},
		{"spec.volumeClaimTemplates", "metadata.name"},
	} {
		list := doc.Find(from.list)
		if !list.Exact {
			continue
		}
		for i := range list.Node.Items {
			if p := doc.Find(fmt.Sprintf("%s[%d].%s", from.list, i, from.name)); p.Exact {
				names = append(names, p.Node)
			}
		}
	}
	return names
}

// scalarAt returns the scalar at a byte; nil: none is there.
func scalarAt(n *manifest.Node, offset int) *manifest.Node {
	r := n.Range()
	if offset < r.Start.Offset || offset > r.End.Offset {
		return nil
	}
	if n.Kind == manifest.Scalar {
		return n
	}
	for i := range n.Fields {
		if found := scalarAt(n.Fields[i].Value, offset); found != nil {
			return found
		}
	}
	for _, item := range n.Items {
		if found := scalarAt(item, offset); found != nil {
			return found
		}
	}
	return nil
}
