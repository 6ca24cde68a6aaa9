package render

import (
	"cmp"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-openapi/jsonpointer"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// layer is a kustomization, or an object of Flux or Argo CD that changes one, as far as it changes objects.
type layer struct {
	dir    string         // that the names of files are relative to
	file   *source.File   // with the text of root
	root   *manifest.Node // its fields
	fields map[string]string
}

// fluxFields and argoFields are the fields of objects that are called otherwise than those of a kustomization.
var (
	fluxFields = map[string]string{"namespace": "targetNamespace"}
	argoPaths  = []string{"spec.source.kustomize", "spec.template.spec.source.kustomize"}
)

// layers returns what changes the objects of a kustomization, the last to do so first.
func (s *Source) layers() (all []layer) {
	if d := s.object; d != nil && s.Kind == FluxKustomization {
		if spec := d.Find("spec"); spec.Exact {
			all = append(all, layer{s.Path, d.File, spec.Node, fluxFields})
		}
	}
	if d := s.object; d != nil && s.Kind == Application {
		for _, path := range argoPaths {
			if options := d.Find(path); options.Exact {
				all = append(all, layer{s.Path, d.File, options.Node, nil})
			}
		}
	}
	return append(all, s.reader().layersBelow(s.Path, map[string]bool{})...)
}

// layersBelow returns the kustomization of a folder, and those that it uses: components change what resources make.
func (read Reader) layersBelow(dir string, seen map[string]bool) (all []layer) {
	if seen[dir] {
		return nil
	}
	seen[dir] = true
	for _, name := range kustomizationNames {
		root, file := read.kustomizationRoot(filepath.Join(dir, name))
		if root == nil {
			continue
		}
		all = append(all, layer{dir, file, root, nil})
		fetched := map[string]string{}
		if k := read.kustomization(dir, name); k != nil && k.fetched != nil {
			fetched = k.fetched
		}
		for _, list := range []string{"components", "resources", "bases"} {
			for _, item := range slices.Backward(itemsOf(root, list)) {
				all = append(all, read.layersBelow(cmp.Or(fetched[item.Text], rel(dir, item.Text)), seen)...)
			}
		}
		break
	}
	return all
}

// kustomizationRoot reads the tree of a kustomization file; nil if there is none.
func (read Reader) kustomizationRoot(name string) (*manifest.Node, *source.File) {
	data, err := read(name)
	if err != nil {
		return nil, nil
	}
	f := source.NewFile(name, data)
	chunks := manifest.Split(f)
	if len(chunks) == 0 || chunks[0].Root().Kind != manifest.Map {
		return nil, nil
	}
	return chunks[0].Root(), f
}

// changedField is a field of a rendered object whose value its own file does not have.
type changedField struct {
	read     Reader
	doc      *manifest.Document // as rendered
	path     string
	rendered manifest.Place
	name     string // of the object in its own file
}

// last returns the last two names of the path: labels, app.
func (f *changedField) last() (parent, name string) {
	steps := stepsOf(f.doc.Root(), f.path)
	if n := len(steps); n > 0 {
		name = steps[n-1]
		if n > 1 {
			parent = steps[n-2]
		}
	}
	return parent, name
}

func (f *changedField) text() string {
	if f.rendered.Node == nil {
		return ""
	}
	return f.rendered.Node.Text
}

// setter returns the entry that gave a field its value; kustomize applies these kinds of entries in the reverse order.
func (l *layer) setter(f *changedField) (set manifest.Place, ok bool) {
	for _, kind := range []func(*changedField) (manifest.Place, bool){
		l.replacement, l.image, l.replicas, l.pair, l.affix, l.namespace, l.patch,
	} {
		if set, ok := kind(f); ok {
			return set, true
		}
	}
	return set, false
}

// get returns an entry of the kustomization; nil: it has none.
func (l *layer) get(name string) *manifest.Field {
	if other, ok := l.fields[name]; ok {
		name = other
	}
	return l.root.Get(name)
}

func placeOfField(f *manifest.Field) manifest.Place {
	return manifest.Place{Key: f.Key(), Value: f.Value.Range(), Node: f.Value, Exact: true}
}

// placeOfNode is that of an entry that has no name.
func placeOfNode(n *manifest.Node) manifest.Place {
	return manifest.Place{Key: n.Range(), Value: n.Range(), Node: n, Exact: true}
}

// itemsOf returns the items of a list of a mapping.
func itemsOf(n *manifest.Node, name string) []*manifest.Node {
	if n == nil || n.Get(name) == nil {
		return nil
	}
	return n.Get(name).Value.Target().Items
}

// textOf returns the text of a field of a mapping.
func textOf(n *manifest.Node, name string) string {
	if n == nil || n.Get(name) == nil {
		return ""
	}
	return n.Get(name).Value.Target().Text
}

// fieldOf returns a field of a field; nil if there is none.
func fieldOf(n *manifest.Node, name string) *manifest.Node {
	if n == nil || n.Get(name) == nil {
		return nil
	}
	return n.Get(name).Value.Target()
}

// image returns the entry of images that made a container's image what it is: its tag, or its name.
func (l *layer) image(f *changedField) (set manifest.Place, ok bool) {
	if _, name := f.last(); name != "image" {
		return set, false
	}
	for _, entry := range slices.Backward(itemsOf(l.root, "images")) {
		if entry.Kind == manifest.Scalar { // as Argo CD writes them
			i := imageOf(entry.Text)
			if f.text() == i.Name+suffix(":", i.NewTag)+suffix("@", i.Digest) ||
				f.text() == i.NewName+suffix(":", i.NewTag)+suffix("@", i.Digest) {
				return placeOfNode(entry), true
			}
			continue
		}
		name := textOf(entry, "newName")
		if name == "" {
			name = textOf(entry, "name")
		}
		rest, ok := strings.CutPrefix(f.text(), name)
		if !ok || name == "" || rest != "" && rest[0] != ':' && rest[0] != '@' {
			continue
		}
		for key, mark := range map[string]string{"newTag": ":", "digest": "@"} {
			if value := textOf(entry, key); value != "" && strings.Contains(rest, mark+value) {
				return placeOfField(entry.Get(key)), true
			}
		}
		if field := entry.Get("newName"); field != nil {
			return placeOfField(field), true
		}
	}
	return set, false
}

func suffix(mark, text string) string {
	if text == "" {
		return ""
	}
	return mark + text
}

// replicas returns the entry of replicas for the object.
func (l *layer) replicas(f *changedField) (set manifest.Place, ok bool) {
	if f.path != "spec.replicas" {
		return set, false
	}
	for _, entry := range slices.Backward(itemsOf(l.root, "replicas")) {
		if textOf(entry, "name") == f.name && textOf(entry, "count") == f.text() {
			return placeOfField(entry.Get("count")), true
		}
	}
	return set, false
}

// pair returns the entry of labels or annotations for a field that is one, or of a selector.
func (l *layer) pair(f *changedField) (set manifest.Place, ok bool) {
	parent, key := f.last()
	var all []*manifest.Node
	switch parent {
	case "annotations":
		all = append(all, fieldOf(l.root, "commonAnnotations"))
	case "labels", "matchLabels", "selector":
		all = append(all, fieldOf(l.root, "commonLabels"), fieldOf(fieldOf(l.root, "commonMetadata"), "labels"))
		for _, item := range itemsOf(l.root, "labels") {
			all = append(all, fieldOf(item, "pairs"))
		}
	}
	for _, pairs := range slices.Backward(all) {
		if textOf(pairs, key) == f.text() && f.text() != "" {
			return placeOfField(pairs.Get(key)), true
		}
	}
	return set, false
}

// affix returns the prefix or suffix of an object's name.
func (l *layer) affix(f *changedField) (set manifest.Place, ok bool) {
	if f.path != "metadata.name" {
		return set, false
	}
	for _, affix := range []string{"nameSuffix", "namePrefix"} {
		field := l.get(affix)
		if field == nil || field.Value.Text == "" {
			continue
		}
		has := strings.HasPrefix
		if affix == "nameSuffix" {
			has = strings.HasSuffix
		}
		if has(f.text(), field.Value.Text) && !has(f.name, field.Value.Text) {
			return placeOfField(field), true
		}
	}
	return set, false
}

// namespace returns the entry that sets the namespace.
func (l *layer) namespace(f *changedField) (set manifest.Place, ok bool) {
	field := l.get("namespace")
	if _, name := f.last(); name != "namespace" || field == nil || field.Value.Text != f.text() {
		return set, false
	}
	return placeOfField(field), true
}

// replacement returns the field path of a replacement that leads to the field.
func (l *layer) replacement(f *changedField) (set manifest.Place, ok bool) {
	for _, entry := range slices.Backward(itemsOf(l.root, "replacements")) {
		all := []*manifest.Node{entry}
		if path := textOf(entry, "path"); path != "" {
			root, _ := f.read.treeOf(rel(l.dir, path))
			if all = []*manifest.Node{root}; root != nil && root.Kind == manifest.List {
				all = root.Items
			}
		}
		for _, r := range all {
			for _, target := range slices.Backward(itemsOf(r, "targets")) {
				selected := fieldOf(target, "select")
				if !f.selected(textOf(selected, "kind"), textOf(selected, "name")) {
					continue
				}
				for _, path := range itemsOf(target, "fieldPaths") {
					if f.leadsHere(path.Text) {
						return placeOfNode(path), true
					}
				}
			}
		}
	}
	return set, false
}

// selected reports whether a selector of a kind and a pattern of a name, each of which may be empty, is about the
// object.
func (f *changedField) selected(kind, name string) bool {
	if kind != "" && kind != f.doc.Object.Kind {
		return false
	}
	if name == "" {
		return true
	}
	pattern, err := regexp.Compile("^(?:" + name + ")$")
	return err == nil && (pattern.MatchString(f.name) || pattern.MatchString(f.doc.Object.Name))
}

// selectedItem is an item of a list in a field path: [name=web].
var selectedItem = regexp.MustCompile(`^\[([^=\]]+)=([^\]]*)\]$`)

// leadsHere reports whether a field path of a replacement leads to the field: spec.containers.[name=web].image.
func (f *changedField) leadsHere(path string) bool {
	steps := stepsOf(f.doc.Root(), f.path)
	names := strings.Split(strings.ReplaceAll(path, `\.`, "\x00"), ".")
	if len(names) != len(steps) {
		return false
	}
	n := f.doc.Root()
	for i, name := range names {
		name = strings.ReplaceAll(name, "\x00", ".")
		here := stepTo(n, steps[i])
		if item := selectedItem.FindStringSubmatch(name); item != nil {
			if here == nil || textOf(here, item[1]) != item[2] {
				return false
			}
		} else if name != "*" && name != steps[i] {
			return false
		}
		n = here
	}
	return true
}

// patch returns the place in a patch that gave the field its value.
func (l *layer) patch(f *changedField) (set manifest.Place, ok bool) {
	for _, list := range []string{"patchesJson6902", "patches", "patchesStrategicMerge"} {
		for _, entry := range slices.Backward(itemsOf(l.root, list)) {
			target := fieldOf(entry, "target")
			if target != nil && !f.selected(textOf(target, "kind"), textOf(target, "name")) {
				continue
			}
			for _, tree := range l.patchTrees(f.read, entry) {
				if set, ok = f.inPatch(tree.root, target != nil); ok {
					if tree.within != nil {
						set = placeOfNode(tree.within)
					}
					return set, true
				}
			}
		}
	}
	return set, false
}

// patchTree is a patch. If it stands in a text whose places are not those of the file, that is within.
type patchTree struct{ root, within *manifest.Node }

// patchTrees reads an entry of patches: a file, or a patch in the kustomization.
func (l *layer) patchTrees(read Reader, entry *manifest.Node) (trees []patchTree) {
	inline := fieldOf(entry, "patch")
	name := textOf(entry, "path")
	if entry.Kind == manifest.Scalar { // of patchesStrategicMerge
		if name = entry.Text; strings.Contains(name, "\n") {
			name, inline = "", entry
		}
	}
	if name != "" {
		data, err := read(rel(l.dir, name))
		if err != nil {
			return nil
		}
		for _, c := range manifest.Split(source.NewFile(rel(l.dir, name), data)) {
			trees = append(trees, patchTree{root: c.Root()})
		}
		return trees
	}
	if inline == nil {
		return nil
	}
	for _, c := range manifest.Split(embedded(l.file, inline)) {
		if c.Root().Kind != manifest.Scalar {
			trees = append(trees, patchTree{root: c.Root()})
		}
	}
	if len(trees) > 0 {
		return trees
	}
	for _, c := range manifest.Split(source.NewFile(l.file.Name, []byte(inline.Text))) {
		trees = append(trees, patchTree{c.Root(), inline})
	}
	return trees
}

// embedded returns a file in which only the text of a scalar is left, where it stands: what is read of it has the
// places of the file.
func embedded(f *source.File, n *manifest.Node) *source.File {
	at := n.Range()
	start, end := at.Start.Offset, at.End.Offset
	switch n.Style {
	case manifest.Block:
		start = f.LineStart(min(at.Start.Line+1, f.Lines()))
	case manifest.SingleQuoted, manifest.DoubleQuoted:
		start, end = start+1, end-1
	}
	data := slices.Clone(f.Data)
	for i := range data {
		if (i < start || i >= end) && data[i] != '\n' {
			data[i] = ' '
		}
	}
	return source.NewFile(f.Name, data)
}

// treeOf reads the first document of a file.
func (read Reader) treeOf(name string) (*manifest.Node, bool) {
	data, err := read(name)
	if err != nil {
		return nil, false
	}
	chunks := manifest.Split(source.NewFile(name, data))
	if len(chunks) == 0 {
		return nil, false
	}
	return chunks[0].Root(), true
}

// inPatch looks for the field in a patch: a list of operations, or a part of an object. Targeted patches need not name
// it.
func (f *changedField) inPatch(root *manifest.Node, targeted bool) (set manifest.Place, ok bool) {
	if root.Kind == manifest.List {
		return f.inOperations(root)
	}
	name := textOf(fieldOf(root, "metadata"), "name")
	if !targeted && (textOf(root, "kind") != f.doc.Object.Kind || name != f.name && name != f.doc.Object.Name) {
		return set, false
	}
	set = root.Find(translated(f.doc.Root(), root, f.path))
	return set, set.Exact && sameValue(set, f.rendered)
}

// inOperations looks for the operation of a JSON patch that gave the field its value.
func (f *changedField) inOperations(operations *manifest.Node) (set manifest.Place, ok bool) {
	steps := stepsOf(f.doc.Root(), f.path)
	for _, operation := range slices.Backward(operations.Items) {
		pointer := strings.Split(strings.TrimPrefix(textOf(operation, "path"), "/"), "/")
		value := operation.Get("value")
		if value == nil || len(pointer) > len(steps) {
			continue
		}
		matches := true
		for i, name := range pointer {
			name = jsonpointer.Unescape(name)
			_, err := strconv.Atoi(steps[i])
			matches = matches && (name == steps[i] || name == "-" && err == nil)
		}
		if !matches {
			continue
		}
		set = placeOfField(value)
		n := value.Value.Target()
		for _, name := range steps[len(pointer):] {
			field := n.Get(name)
			if field != nil {
				set = placeOfField(field)
			}
			if n = stepTo(n, name); n == nil {
				break
			}
			if field == nil {
				set = placeOfNode(n)
			}
		}
		if n != nil && sameValue(set, f.rendered) {
			return set, true
		}
	}
	return set, false
}

// stepsOf splits a path by the tree that it leads through, since names may hold dots: names, and numbers of items.
func stepsOf(n *manifest.Node, path string) (steps []string) {
	for n != nil && path != "" {
		end := nextStep(n, path)
		step := strings.Trim(strings.TrimPrefix(path[:end], "."), "[]")
		steps, path = append(steps, step), path[end:]
		n = stepTo(n, step)
	}
	return steps
}

// nextStep returns where the first step of a path ends: the longest that leads somewhere.
func nextStep(n *manifest.Node, path string) int {
	for end := len(path); end > 0; end-- {
		if end < len(path) && path[end] != '.' && path[end] != '[' {
			continue
		}
		step := strings.TrimPrefix(path[:end], ".")
		if strings.HasPrefix(step, "[") && strings.HasSuffix(step, "]") {
			step = strings.Trim(step, "[]")
		}
		if stepTo(n, step) != nil {
			return end
		}
	}
	return len(path)
}

// stepTo returns the node below another; nil if there is none.
func stepTo(n *manifest.Node, step string) *manifest.Node {
	if n = n.Target(); n.Kind == manifest.List {
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(n.Items) {
			return n.Items[i].Target()
		}
		return nil
	}
	if f := n.Get(step); f != nil {
		return f.Value.Target()
	}
	return nil
}

// mergeKeys are the fields by which items of lists are known.
var mergeKeys = []string{"name", "mountPath", "containerPort", "port", "key", "ip", "devicePath", "topologyKey"}

// translated returns the path that a path in one tree has in another, in which lists may have other items: the items of
// the same name are the same.
func translated(from, to *manifest.Node, path string) string {
	var out strings.Builder
	for rest := path; rest != ""; {
		end := nextStep(from, rest)
		step, text := strings.Trim(strings.TrimPrefix(rest[:end], "."), "[]"), rest[:end]
		next := stepTo(from, step)
		if from.Target().Kind == manifest.List && to != nil {
			step = itemLike(next, to.Target(), step)
			text = "[" + step + "]"
		}
		out.WriteString(text)
		if rest = rest[end:]; next == nil {
			return out.String() + rest
		}
		if from = next; to != nil {
			to = stepTo(to, step)
		}
	}
	return out.String()
}

// itemLike returns the number of the item of a list that is the same as another one; if there is none, that number,
// except where names tell items apart.
func itemLike(item, list *manifest.Node, number string) string {
	if item == nil {
		return number
	}
	for _, key := range mergeKeys {
		if text := textOf(item, key); item.Kind == manifest.Map && text != "" {
			for i, other := range list.Items {
				if other = other.Target(); other.Kind == manifest.Map && textOf(other, key) == text {
					return strconv.Itoa(i)
				}
			}
			if key == "name" {
				return strconv.Itoa(len(list.Items)) // it is not there
			}
			return number
		}
	}
	return number
}
