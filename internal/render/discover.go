package render

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/source"
)

// Tree is what paths hold.
type Tree struct {
	Sources []*Source
	Loose   []string // YAML and JSON files that belong to no source
}

// kustomizationNames are the names by which kustomize finds its file in a folder.
var kustomizationNames = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// skippedFolders hold other people's files.
var skippedFolders = []string{"vendor", "node_modules"}

// Discover finds the sources below paths. A path that is a file belongs to the source that uses it: a template
// leads to its chart, a patch to its kustomization. Skip reports whether a path is left out; nil leaves out none.
func Discover(paths []string, skip func(name string) bool) (*Tree, error) {
	d := &discovery{skip: skip, charts: map[string]bool{}, kustomizations: map[string]*kustomization{}}
	for _, p := range paths {
		if err := d.walk(p); err != nil {
			return nil, err
		}
	}
	return d.tree(), nil
}

type discovery struct {
	skip           func(string) bool
	charts         map[string]bool           // by folder
	kustomizations map[string]*kustomization // by folder
	files          []string                  // YAML and JSON files, in order
}

func (d *discovery) walk(root string) error {
	info, err := os.Stat(root)
	if err != nil || !info.IsDir() {
		d.addFile(root)
		return nil // a file, a glob or standard input; reading it will tell
	}
	return filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil // reported by whoever reads it
		}
		if d.skip != nil && name != root && d.skip(name) {
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if !e.IsDir() {
			d.addFile(name)
			return nil
		}
		if name != root && (strings.HasPrefix(e.Name(), ".") || slices.Contains(skippedFolders, e.Name())) {
			return fs.SkipDir
		}
		d.addFolder(name)
		return nil
	})
}

// addFolder notes the chart or kustomization that a folder is.
func (d *discovery) addFolder(dir string) {
	if isChart(dir) && !d.inChart(dir) {
		d.charts[dir] = true
	}
	if _, known := d.kustomizations[dir]; known {
		return
	}
	for _, name := range kustomizationNames {
		if k := readKustomization(dir, name); k != nil {
			d.kustomizations[dir] = k
			return
		}
	}
}

// addFile notes a file, and the sources above it that may use it.
func (d *discovery) addFile(name string) {
	if name == source.Stdin || slices.Contains(d.files, name) && len(d.files) < 100 {
		if name == source.Stdin {
			d.files = append(d.files, name)
		}
		return
	}
	if dir := chartOf(name); dir != "" {
		d.charts[dir] = true
		return
	}
	if dir := filepath.Dir(name); d.kustomizations[dir] == nil {
		d.addFolder(dir)
	}
	if !slices.Contains(kustomizationNames, filepath.Base(name)) {
		d.files = append(d.files, name)
	}
}

// inChart reports whether a folder lies below a chart, as dependencies do.
func (d *discovery) inChart(dir string) bool {
	for parent := filepath.Dir(dir); parent != dir; dir, parent = parent, filepath.Dir(parent) {
		if d.charts[parent] {
			return true
		}
	}
	return false
}

// isChart reports whether a folder is a chart: Chart.yaml with a name, not of somebody else's format.
func isChart(dir string) bool {
	data, err := os.ReadFile(filepath.Join(dir, "Chart.yaml"))
	if err != nil {
		return false
	}
	var c struct{ Name, APIVersion string }
	return yaml.Unmarshal(data, &c) == nil && c.Name != ""
}

// chartOf returns the folder of the outermost chart that a file belongs to, or an empty name.
func chartOf(name string) (chart string) {
	for dir := filepath.Dir(name); ; dir = filepath.Dir(dir) {
		if isChart(dir) {
			chart = dir
		}
		if parent := filepath.Dir(dir); parent == dir || dir == "." {
			return chart
		}
	}
}

func (d *discovery) tree() *Tree {
	t := &Tree{}
	for dir := range d.charts {
		if s := chartSource(dir); s != nil {
			t.Sources = append(t.Sources, s)
		}
	}
	used, inputs := map[string]bool{}, map[string]bool{}
	for _, k := range d.kustomizations {
		for _, folder := range k.folders {
			used[folder] = true
		}
		for _, file := range k.files {
			inputs[file] = true
		}
	}
	for dir, k := range d.kustomizations {
		if !used[dir] && !k.component {
			t.Sources = append(t.Sources, &Source{Kind: Kustomization, Path: dir, File: k.file, Variants: []Variant{{}}, Inputs: k.files})
		}
	}
	slices.SortFunc(t.Sources, func(a, b *Source) int { return strings.Compare(a.Path, b.Path) })
	for _, name := range d.files {
		if !inputs[filepath.Clean(name)] {
			t.Loose = append(t.Loose, name)
		}
	}
	return t
}
