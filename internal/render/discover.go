package render

import (
	"cmp"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// Tree is what paths hold.
type Tree struct {
	Sources   []*Source
	Elsewhere []*Source         // that objects of Flux or Argo CD ask for, and cannot be rendered here
	Findings  []diag.Diagnostic // about these objects
	Wanted    []ChartRef        // charts from elsewhere that sources ask for, fetched or not
	Bases     []string          // references of kustomizations to what is elsewhere, fetched or not

	charts  map[string]bool // folders
	inputs  map[string]bool // files of kustomizations
	used    map[string]bool // folders that kustomizations use
	applied map[string]bool // folders that objects of Flux or Argo CD apply

	kustomized map[string]bool // folders with a kustomization
	disabled   map[string]bool // files that kustomizations name in comments
	defaults   []defaulting
	identities func() map[string]bool
}

// Owns reports whether a file is part of a source, and not a manifest of its own.
func (t *Tree) Owns(name string) bool {
	name = filepath.Clean(name)
	return t.inputs[name] || t.inChart(name)
}

// inChart reports whether a file belongs to a chart.
func (t *Tree) inChart(name string) bool {
	for dir := filepath.Dir(name); ; dir = filepath.Dir(dir) {
		if t.charts[dir] {
			return true
		}
		if parent := filepath.Dir(dir); parent == dir {
			return false
		}
	}
}

// Unused reports whether a file is not applied as it stands: a kustomization names it in a comment alone, or it is a
// patch that none uses, as generators of operators leave them. Such a patch lies in the folder of a kustomization, or
// in one of two below, and has the name of one, or changes objects that the kustomizations of the tree are made of.
func (t *Tree) Unused(name string) bool {
	name = filepath.Clean(name)
	if t.Owns(name) {
		return false
	}
	if t.disabled[name] {
		return true
	}
	dir := filepath.Dir(name)
	for range 3 {
		if t.kustomized[dir] {
			return isPatchName(filepath.Base(name)) || isPatchName(filepath.Base(filepath.Dir(name))) || t.changes(name)
		}
		dir = filepath.Dir(dir)
	}
	return false
}

// patchName matches names of patches: manager_auth_proxy_patch.yaml, patches, patch-replicas.yaml.
var patchName = regexp.MustCompile(`(?i)(^|[-_.])patch(es)?([-_.]|$)`)

func isPatchName(name string) bool { return patchName.MatchString(name) }

// changes reports whether all objects of a file are those of files that kustomizations use.
func (t *Tree) changes(name string) bool {
	read := Reader(ReadFile)
	found := read.identitiesOf(name)
	for _, identity := range found {
		if !t.identities()[identity] {
			return false
		}
	}
	return len(found) > 0
}

// identitiesOf returns the kinds and names of the objects of a file.
func (read Reader) identitiesOf(name string) (found []string) {
	data, err := read(name)
	if err != nil {
		return nil
	}
	docs, _ := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
	for _, d := range docs {
		found = append(found, d.Object.Kind+"/"+d.Object.Name)
	}
	return found
}

// commentedEntry matches an entry of a list that is a comment: "#- role.yaml", "# - path: patches/role.yaml".
var commentedEntry = regexp.MustCompile(`(?m)^[ \t]*#[# \t]*-[ \t]*(?:path:[ \t]*)?["']?([^\s"'#]+)`)

// commentedFiles returns the files that a kustomization names in comments.
func commentedFiles(dir string, text []byte) (files []string) {
	for _, m := range commentedEntry.FindAllSubmatch(text, -1) {
		files = append(files, rel(dir, string(m[1])))
	}
	return files
}

// kustomizationNames are the names by which kustomize finds its file in a folder.
var kustomizationNames = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// IsKustomization reports whether a file has the name of a kustomization.
func IsKustomization(name string) bool {
	return slices.Contains(kustomizationNames, filepath.Base(name))
}

// SkippedFolders are names of folders that hold other people's files, or inputs of tests that may be wrong on purpose.
// They are searched if they are named.
var SkippedFolders = []string{"vendor", "node_modules", "testdata"}

// Discover finds the sources below folders, and those that files belong to: a template leads to its chart, a patch
// to the kustomization in its folder. Skip reports whether a path is left out; nil leaves out none. What cannot be
// read is passed over. Clusters are those that Argo CD knows.
func Discover(paths []string, skip func(name string) bool, clusters ...Cluster) *Tree {
	return DiscoverIn(ReadFile, paths, skip, clusters...)
}

// DiscoverIn finds sources as Discover does. Files are read by read, such as those that are being edited.
func DiscoverIn(read Reader, paths []string, skip func(name string) bool, clusters ...Cluster) *Tree {
	d := &discovery{
		read: read, skip: skip, clusters: clusters,
		charts: map[string]bool{}, folders: map[string]*folder{}, archives: map[string]bool{},
	}
	for _, p := range paths {
		if p != source.Stdin {
			d.walk(filepath.Clean(p))
		}
	}
	return d.tree()
}

// At returns the source that a folder or a packaged chart is by itself; nil if it is none.
func At(path string) *Source {
	read := Reader(ReadFile)
	path = filepath.Clean(path)
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		if err == nil && IsArchive(path) {
			return read.archiveSource(path, true)
		}
		return nil
	}
	if read.isChart(path) {
		return read.chartSource(path)
	}
	if k := read.kustomizationIn(path); k != nil {
		return &Source{Kind: Kustomization, Path: path, File: k.file, Variants: []Variant{{}}, Inputs: k.files}
	}
	return nil
}

type discovery struct {
	read Reader
	skip func(string) bool

	clusters []Cluster

	charts  map[string]bool    // outermost charts, by folder
	folders map[string]*folder // that were looked at

	files    []string        // that may hold manifests
	archives map[string]bool // packaged charts; true: it is one of the paths
	objects  []*object
	maps     map[string]map[string]string // data of ConfigMaps
}

// folder is what a folder is.
type folder struct {
	chart         bool
	kustomization *kustomization // nil: none
	below         bool           // it is below the paths, or uses a file among them
}

// folder looks at a folder, once.
func (d *discovery) folder(dir string) *folder {
	if f, ok := d.folders[dir]; ok {
		return f
	}
	f := &folder{chart: d.read.isChart(dir), kustomization: d.read.kustomizationIn(dir)}
	d.folders[dir] = f
	return f
}

// walk looks at all folders below root, or, if it is a file, at those above that may use it.
func (d *discovery) walk(root string) {
	info, err := os.Stat(root)
	if err != nil || !info.IsDir() {
		if dir := d.chartOf(root); dir != "" {
			d.charts[dir] = true
		}
		d.folder(filepath.Dir(root)).below = true
		d.climb(filepath.Clean(root))
		if err == nil && IsArchive(root) {
			d.archives[filepath.Clean(root)] = true
		}
		if isYAML(root) {
			d.files = append(d.files, root)
		}
		return
	}
	_ = filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error { // errors are passed over
		switch {
		case err == nil && !e.IsDir() && isYAML(name) && (d.skip == nil || !d.skip(name)):
			d.files = append(d.files, filepath.Clean(name))
			return nil
		case err == nil && e.Type().IsRegular() && IsArchive(name) && (d.skip == nil || !d.skip(name)):
			if name = filepath.Clean(name); !d.archives[name] {
				d.archives[name] = false
			}
			return nil
		case err != nil || !e.IsDir():
			return nil
		case name != root && (strings.HasPrefix(e.Name(), ".") || slices.Contains(SkippedFolders, e.Name())),
			d.skip != nil && d.skip(name):
			return fs.SkipDir
		}
		f := d.folder(name)
		f.below = true
		if f.chart {
			if dir := d.chartOf(filepath.Join(name, "Chart.yaml")); dir != "" {
				d.charts[dir] = true
			}
		}
		return nil
	})
}

// climbed is how many folders above that of a file are searched for a kustomization that uses it.
const climbed = 4

// climb looks for kustomizations above a file that use it, such as one with its patches in a folder.
func (d *discovery) climb(file string) {
	dir := filepath.Dir(file)
	for range climbed {
		if exists(filepath.Join(dir, ".git")) || filepath.Dir(dir) == dir || dir == "." {
			return
		}
		dir = filepath.Dir(dir)
		if f := d.folder(dir); f.kustomization != nil && slices.Contains(f.kustomization.files, file) {
			f.below = true
		}
	}
}

// chartOf returns the folder of the outermost chart that a file belongs to, or an empty name.
func (d *discovery) chartOf(name string) (chart string) {
	for dir := filepath.Dir(name); ; dir = filepath.Dir(dir) {
		if d.folder(dir).chart {
			chart = dir
		}
		if parent := filepath.Dir(dir); parent == dir {
			return chart
		}
	}
}

// isChart reports whether a folder is a chart.
func (read Reader) isChart(dir string) bool {
	data, err := read(filepath.Join(dir, "Chart.yaml"))
	if err != nil {
		return false
	}
	var c struct{ Name string }
	return yaml.Unmarshal(data, &c) == nil && c.Name != ""
}

func (d *discovery) tree() *Tree {
	t := &Tree{
		charts: d.charts, inputs: map[string]bool{}, used: map[string]bool{}, applied: map[string]bool{},
		kustomized: map[string]bool{}, disabled: map[string]bool{},
	}
	t.identities = sync.OnceValue(func() map[string]bool {
		all := map[string]bool{}
		for name := range t.inputs {
			for _, identity := range d.read.identitiesOf(name) {
				all[identity] = true
			}
		}
		return all
	})
	for dir := range d.charts {
		if s := d.read.chartSource(dir); s != nil {
			t.Sources = append(t.Sources, s)
		}
	}
	for name, named := range d.archives {
		if t.inChart(name) && !named {
			continue // a dependency
		}
		if s := d.read.archiveSource(name, named); s != nil {
			t.Sources = append(t.Sources, s)
			t.inputs[name] = true
		}
	}
	generated := map[string]bool{}
	for dir, f := range d.folders {
		if f.kustomization == nil || !f.below || t.Owns(f.kustomization.file) {
			continue
		}
		t.inputs[filepath.Join(dir, filepath.Base(f.kustomization.file))] = true
		t.kustomized[dir] = true
		d.addDefaults(t, f.kustomization.file, dir, f.kustomization.written.Patches)
		if data, err := d.read(f.kustomization.file); err == nil {
			for _, file := range commentedFiles(dir, data) {
				t.disabled[file] = true
			}
		}
		for _, folder := range f.kustomization.folders {
			t.used[folder] = true
		}
		for _, name := range f.kustomization.missing {
			if name = rel(dir, name); d.skip != nil && d.skip(name) {
				generated[name] = true
			}
		}
		for _, file := range f.kustomization.files {
			t.inputs[file] = true
		}
	}
	d.readObjects(t)
	d.flux(t)
	slices.SortStableFunc(t.defaults, func(a, b defaulting) int { return strings.Compare(a.file, b.file) })
	d.argo(t)
	d.dependencies(t)
	usesFlux := slices.ContainsFunc(
		d.objects, func(o *object) bool { return o.is(fluxKustomizationGroup, "Kustomization") },
	)
	for dir, f := range d.folders {
		k := f.kustomization
		if k == nil || !f.below || k.component || t.used[dir] || t.applied[dir] ||
			!t.inputs[filepath.Join(dir, filepath.Base(k.file))] {
			continue
		}
		t.Sources = append(t.Sources, &Source{
			Kind: Kustomization, Path: dir, File: k.file, Variants: []Variant{{}}, Inputs: k.files,
			unrestricted: usesFlux,
		})
	}
	d.circularKustomizations(t)
	for _, s := range slices.Concat(t.Sources, t.Elsewhere) {
		s.generated = generated
		if s.read == nil {
			s.read = d.read
			if IsArchive(s.Path) {
				s.read = d.read.within(s.Path)
			}
		}
	}
	slices.SortFunc(t.Sources, func(a, b *Source) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Name, b.Name))
	})
	return t
}

// circularKustomizations reports kustomizations that use each other in a circle, and that none outside of it uses: they
// would be built by nothing.
func (d *discovery) circularKustomizations(t *Tree) {
	uses := map[string][]string{}
	for dir, f := range d.folders {
		if f.kustomization != nil && f.below {
			uses[dir] = f.kustomization.folders
		}
	}
	known := map[string]bool{} // what is built, or was reported
	var reach func(dir string)
	reach = func(dir string) {
		if !known[dir] {
			known[dir] = true
			for _, next := range uses[dir] {
				reach(next)
			}
		}
	}
	for dir := range uses {
		if !t.used[dir] || t.applied[dir] {
			reach(dir)
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(uses)) {
		cycle := cycleFrom(dir, uses)
		if known[dir] || cycle == nil {
			continue
		}
		reach(dir)
		file := d.folders[dir].kustomization.file
		at := firstLine(file)
		if entry, err := filepath.Rel(dir, append(cycle, dir)[1]); err == nil {
			at = d.read.placeOf(file, filepath.ToSlash(entry))
		}
		t.Findings = append(t.Findings, diag.Diagnostic{
			Rule: "kustomization", Severity: diag.Error, Range: at, Help: "remove one of these resources",
			Message: "the kustomization uses itself: " + strings.Join(append(cycle, dir), " -> "),
		})
	}
}
