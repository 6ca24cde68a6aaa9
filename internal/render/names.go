package render

import (
	"cmp"
	"slices"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// Named is a place in the files of a kustomization that names an object by its kind and the name that it has there:
// that of the object itself, of a patch, of the target of a patch, or of a generator.
type Named struct {
	Kind, Name string
	At         source.Range // of the name, without quotes
	Folder     string       // of the kustomization that uses the file
	Reaches    []string     // folders of the kustomizations that this one is made of, with itself
}

// Names returns the places in the files of a kustomization that name objects; none for a chart.
func (s *Source) Names() (names []Named) {
	if s.isChart() {
		return nil
	}
	used := s.kustomizations()
	for dir, k := range used {
		reaches := reached(dir, used)
		for _, n := range append(s.reader().namesIn(k.file), s.reader().objectNames(k.files)...) {
			n.Folder, n.Reaches = dir, reaches
			names = append(names, n)
		}
	}
	slices.SortFunc(names, func(a, b Named) int {
		return cmp.Or(cmp.Compare(a.At.File, b.At.File), cmp.Compare(a.At.Start.Offset, b.At.Start.Offset))
	})
	return names
}

// kustomizations returns the kustomizations that a source is made of, by folder.
func (s *Source) kustomizations() map[string]*kustomization {
	used := map[string]*kustomization{}
	folders := []string{s.Path}
	for len(folders) > 0 {
		dir := folders[0]
		folders = folders[1:]
		if used[dir] != nil {
			continue
		}
		if k := s.reader().kustomizationIn(dir); k != nil {
			used[dir] = k
			folders = append(folders, k.folders...)
		}
	}
	return used
}

// reached returns the folders that a kustomization is made of.
func reached(dir string, all map[string]*kustomization) (folders []string) {
	folders = []string{dir}
	for i := 0; i < len(folders); i++ {
		for _, next := range all[folders[i]].folders {
			if all[next] != nil && !slices.Contains(folders, next) {
				folders = append(folders, next)
			}
		}
	}
	return folders
}

// objectNames returns the names of the objects in files, such as patches.
func (read Reader) objectNames(files []string) (names []Named) {
	for _, file := range files {
		data, err := read(file)
		if err != nil {
			continue // the rendering says so
		}
		f := source.NewFile(file, data)
		docs, _ := manifest.Read(f, manifest.DefaultLimits)
		for _, d := range docs {
			if p := d.Find("metadata.name"); p.Exact && d.Object.Kind != "" {
				names = append(names, Named{Kind: d.Object.Kind, Name: d.Object.Name, At: withoutQuotes(f, p.Value)})
			}
		}
	}
	return names
}

// namesIn returns what a kustomization itself names.
func (read Reader) namesIn(file string) (names []Named) {
	root, f := read.kustomizationRoot(file)
	add := func(kind string, n *manifest.Node) {
		if n != nil && n.Get("name") != nil {
			name := n.Get("name").Value
			names = append(names, Named{Kind: kind, Name: name.Text, At: withoutQuotes(f, name.Range())})
		}
	}
	for _, list := range []string{"patches", "patchesJson6902"} {
		for _, item := range itemsOf(root, list) {
			target := fieldOf(item, "target")
			add(textOf(target, "kind"), target)
		}
	}
	for list, kind := range map[string]string{"configMapGenerator": "ConfigMap", "secretGenerator": "Secret"} {
		for _, item := range itemsOf(root, list) {
			add(kind, item)
		}
	}
	return names
}
