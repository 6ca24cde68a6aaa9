package render

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
)

// contents is what a kustomization has before it changes anything, as far as its files say.
type contents struct {
	objects  []identity
	images   []string // without tags and digests
	complete bool     // false: some of it comes from elsewhere, or is made by a program
}

// identity is that of an object, with the names that it has had on the way.
type identity struct {
	kind  string
	names []string
}

// imageLine matches the images of a text.
var imageLine = regexp.MustCompile(`(?m)\bimage["']?:[ \t]*["']?([^\s"'#,}]+)`)

// contentsOf reads what the kustomization of a folder is made of. Seen holds the folders on the way.
func (read Reader) contentsOf(dir string, seen map[string]bool) (c contents) {
	if seen[dir] {
		return contents{}
	}
	seen[dir] = true
	for _, name := range kustomizationNames {
		data, err := read(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		var k types.Kustomization
		found := read.kustomization(dir, name)
		if found == nil || yaml.Unmarshal(data, &k) != nil {
			return contents{}
		}
		c.complete = len(found.remote)+len(found.missing)+len(found.helm)+found.charts+
			len(k.Generators)+len(k.Transformers)+len(k.Configurations) == 0
		for _, folder := range found.folders {
			below := read.contentsOf(folder, seen)
			c.images = append(c.images, below.images...)
			c.objects = append(c.objects, below.objects...)
			c.complete = c.complete && below.complete
		}
		read.addFiles(&c, dir, &k)
		return c
	}
	return contents{}
}

// addFiles adds the objects of a kustomization's own files and generators, and the names that it changes.
func (read Reader) addFiles(c *contents, dir string, k *types.Kustomization) {
	var texts []string
	for _, name := range k.Resources {
		data, err := read(rel(dir, name))
		if err != nil {
			continue // a folder
		}
		texts = append(texts, string(data))
		docs, _ := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
		for _, d := range docs {
			c.objects = append(c.objects, identity{d.Object.Kind, []string{d.Object.Name}})
		}
		if len(docs) == 0 {
			c.complete = false // it is yet to be written, as flux bootstrap does
		}
	}
	for _, p := range k.Patches {
		texts = append(texts, p.Patch)
		if data, err := read(rel(dir, p.Path)); p.Path != "" && err == nil {
			texts = append(texts, string(data))
		}
	}
	//lint:ignore SA1019 people still use this field
	for _, p := range k.PatchesStrategicMerge {
		texts = append(texts, string(p))
		if data, err := read(rel(dir, string(p))); err == nil {
			texts = append(texts, string(data))
		}
	}
	for _, text := range texts {
		for _, m := range imageLine.FindAllStringSubmatch(text, -1) {
			c.images = append(c.images, m[1])
		}
	}
	for _, i := range k.Images {
		if i.NewName != "" {
			c.images = append(c.images, i.NewName)
		}
	}
	for _, g := range k.ConfigMapGenerator {
		c.objects = append(c.objects, identity{"ConfigMap", []string{g.Name}})
	}
	for _, g := range k.SecretGenerator {
		c.objects = append(c.objects, identity{"Secret", []string{g.Name}})
	}
	for i := range c.objects {
		o := &c.objects[i]
		if k.NamePrefix+k.NameSuffix != "" {
			o.names = append(o.names, k.NamePrefix+o.names[len(o.names)-1]+k.NameSuffix)
		}
	}
}

// matching matches the whole of a name, as the regular expressions of kustomize do.
func matching(pattern string) *regexp.Regexp {
	if p, err := regexp.Compile("^(?:" + pattern + ")$"); err == nil {
		return p
	}
	return regexp.MustCompile("^" + regexp.QuoteMeta(pattern) + "$")
}

// checkEffects warns of entries of kustomizations that change nothing: images that no container has, and targets of
// patches that no resource is. Of components, and of what is not known in full, nothing is said.
func (r *Rendering) checkEffects() {
	read := r.Source.reader()
	for _, l := range r.Source.layers() {
		vendored := strings.Contains(filepath.ToSlash(l.dir)+"/", vendorFolder+"/")
		ofObject := l.fields != nil || l.file.Name == r.Source.File && r.Source.Kind != Kustomization
		if ofObject || vendored || textOf(l.root, "kind") == types.ComponentKind {
			continue
		}
		images, patches := itemsOf(l.root, "images"), itemsOf(l.root, "patches")
		if len(images)+len(patches) == 0 {
			continue
		}
		if c := read.contentsOf(l.dir, map[string]bool{}); c.complete {
			r.checkImages(images, c.images)
			r.checkTargets(patches, c.objects)
		}
	}
}

// imageVersion matches the tag and the digest at the end of an image.
var imageVersion = regexp.MustCompile(`(?::[\w.{}-]*)?(?:@sha\d+:[\w.{}-]*)?$`)

// checkImages warns of entries of images that are the name of no image.
func (r *Rendering) checkImages(entries []*manifest.Node, images []string) {
	var names []string
	for _, image := range images {
		names = append(names, imageVersion.ReplaceAllString(image, ""))
	}
	slices.Sort(names)
	names = slices.Compact(names)
	for _, entry := range entries {
		entry = entry.Target()
		name := textOf(entry, "name")
		if name == "" || slices.ContainsFunc(names, matching(name).MatchString) {
			continue
		}
		help := "write the image as the resources name it, without its tag, or remove the entry"
		if best := schema.DidYouMean(name, names); best != "" {
			help = fmt.Sprintf("did you mean %s?", best)
		} else if i := slices.IndexFunc(names, func(n string) bool { return strings.HasSuffix(n, "/"+name) }); i >= 0 {
			help = fmt.Sprintf("did you mean %s?", names[i])
		}
		r.notRendered(
			"kustomization", fmt.Sprintf("no container has the image %s: the entry changes nothing", name), help,
			entry.Get("name").Value.Range(),
		)
	}
}

// checkTargets warns of patches whose target selects nothing.
func (r *Rendering) checkTargets(patches []*manifest.Node, objects []identity) {
	for _, patch := range patches {
		target := fieldOf(patch.Target(), "target")
		kind, name := textOf(target, "kind"), textOf(target, "name")
		if kind+name == "" {
			continue // one without a target is an error of the build
		}
		ofKind, ofName := matching(kind), matching(name)
		var names []string // of objects of the kind
		selected := false
		for _, o := range objects {
			if kind == "" || ofKind.MatchString(o.kind) {
				names = append(names, o.names...)
				selected = selected || name == "" || slices.ContainsFunc(o.names, ofName.MatchString)
			}
		}
		if selected {
			continue
		}
		help := "write the kind and name of a resource, or remove the patch"
		if best := schema.DidYouMean(name, names); best != "" {
			help = fmt.Sprintf("did you mean %s?", best)
		}
		r.notRendered("kustomization", strings.Join(strings.Fields(fmt.Sprintf(
			"the target of the patch selects nothing: no resource is %s %s", kind, name)), " "), help, target.Range())
	}
}
