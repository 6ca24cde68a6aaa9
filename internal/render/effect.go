package render

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
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

// contentsOf reads what the kustomization of a folder is made of. Known keeps what was read.
func (read Reader) contentsOf(dir string, known map[string]contents) contents {
	if c, ok := known[dir]; ok {
		return c
	}
	known[dir] = contents{} // if it uses itself
	k := read.kustomizationIn(dir)
	if k == nil {
		return contents{}
	}
	w := &k.written
	c := contents{complete: len(k.remote)+len(k.missing)+len(k.helm)+k.charts+
		len(w.Generators)+len(w.Transformers)+len(w.Configurations) == 0}
	for _, folder := range k.folders {
		below := read.contentsOf(folder, known)
		c.images = append(c.images, below.images...)
		c.objects = append(c.objects, below.objects...)
		c.complete = c.complete && below.complete
	}
	read.addFiles(&c, dir, w)
	known[dir] = c
	return c
}

// addFiles adds the objects of a kustomization's own files and generators, and the names that it changes.
func (read Reader) addFiles(c *contents, dir string, k *types.Kustomization) {
	for _, name := range k.Resources {
		data, err := read(rel(dir, name))
		if err != nil {
			continue // a folder
		}
		c.addImages(string(data))
		identities := read.identitiesOf(rel(dir, name))
		for _, i := range identities {
			kind, called, _ := strings.Cut(i, "/")
			c.objects = append(c.objects, identity{kind, []string{called}})
		}
		if len(identities) == 0 {
			c.complete = false // it is yet to be written, as flux bootstrap does
		}
	}
	for _, p := range k.Patches {
		read.addPatch(c, dir, p.Patch, p.Path)
	}
	//lint:ignore SA1019 people still use this field
	for _, p := range k.PatchesStrategicMerge {
		read.addPatch(c, dir, string(p), string(p)) // a patch, or the name of its file
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
	if k.NamePrefix+k.NameSuffix == "" {
		return
	}
	for i := range c.objects {
		names := c.objects[i].names
		c.objects[i].names = append(slices.Clip(names), k.NamePrefix+names[len(names)-1]+k.NameSuffix)
	}
}

// addPatch adds the images of a patch, and of the file that holds it.
func (read Reader) addPatch(c *contents, dir, patch, path string) {
	c.addImages(patch)
	if data, err := read(rel(dir, path)); path != "" && err == nil {
		c.addImages(string(data))
	}
}

func (c *contents) addImages(text string) {
	for _, m := range imageLine.FindAllStringSubmatch(text, -1) {
		c.images = append(c.images, m[1])
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
	read, known := r.Source.reader(), map[string]contents{}
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
		if c := read.contentsOf(l.dir, known); c.complete {
			r.checkImages(images, c.images)
			r.checkTargets(patches, c.objects)
		}
	}
}

// checkImages warns of entries of images that are the name of no image.
func (r *Rendering) checkImages(entries []*manifest.Node, images []string) {
	var names []string
	for _, image := range images {
		names = append(names, imageOf(image).Name)
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
			"the target of the patch selects no resource: %s %s does not exist", kind, name)), " "), help, target.Range())
	}
}
