package render

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
)

// Digest identifies what a rendering of a variant depends on, besides the options: two sources with the same digest,
// in two copies of a tree with the roots that are named, render to the same.
func (s *Source) Digest(v Variant, root string) string {
	d := &digest{hash: sha256.New(), read: s.reader(), root: root, seen: map[string]bool{}}
	d.text(string(s.Kind), s.Name, v.Name, v.ReleaseName, v.Namespace)
	d.text(v.Set...)
	for _, part := range []any{s.values, s.options.ReleaseName, s.options.Namespace} {
		data, err := json.Marshal(part)
		d.text(string(data), fmt.Sprint(err))
	}
	if s.object != nil {
		d.text(string(s.object.JSON))
	}
	if s.variables != nil {
		data, _ := json.Marshal(s.variables.values) // a map of texts
		d.text(string(data), fmt.Sprint(s.variables.open))
	}
	for _, f := range slices.Concat(v.Values, s.files) {
		d.file(f)
	}
	switch {
	case s.files != nil:
	case s.Kind == Chart, s.values != nil:
		d.folder(s.Path)
		for _, name := range d.read.localFiles(s.Path) {
			d.file(name)
		}
	default:
		if s.overlay != nil {
			data, err := json.Marshal(s.overlay.fields)
			d.text(string(data), fmt.Sprint(err))
			k := kustomizationOf(filepath.Dir(s.overlay.file), s.overlay.file, data)
			if k != nil {
				d.read.useFetched(k)
			}
			d.kustomization(k)
		}
		d.kustomized(s.Path)
	}
	return hex.EncodeToString(d.hash.Sum(nil))
}

// digest hashes files under their names from a root.
type digest struct {
	hash hash.Hash
	read Reader
	root string
	seen map[string]bool
}

// text adds texts, so that no two lists of them are the same.
func (d *digest) text(texts ...string) {
	for _, t := range texts {
		t = strings.ReplaceAll(t, d.root+string(filepath.Separator), "")
		fmt.Fprintf(d.hash, "%d:%s", len(t), t)
	}
}

// file adds a file, or that it cannot be read.
func (d *digest) file(name string) {
	if name = filepath.Clean(name); d.seen[name] {
		return
	}
	d.seen[name] = true
	data, err := d.read(name)
	below, relErr := filepath.Rel(d.root, name)
	if relErr != nil {
		below = name
	}
	fmt.Fprintf(d.hash, "%d:%s%v%d:", len(below), below, err == nil, len(data))
	_, _ = d.hash.Write(data) // a hash takes everything
}

// folder adds all files below a folder.
func (d *digest) folder(dir string) {
	// what cannot be read is not rendered either
	_ = filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			d.file(name)
		}
		return nil
	})
}

// kustomized adds a folder that has a kustomization, and those that it uses.
func (d *digest) kustomized(dir string) {
	dir = filepath.Clean(dir)
	if d.seen[dir+string(filepath.Separator)] {
		return
	}
	d.seen[dir+string(filepath.Separator)] = true
	entries, _ := os.ReadDir(dir) // one that is not there has none
	for _, e := range entries {
		if !e.IsDir() {
			d.file(filepath.Join(dir, e.Name()))
		}
	}
	d.kustomization(d.read.kustomizationIn(dir))
}

func (d *digest) kustomization(k *kustomization) {
	if k == nil {
		return
	}
	for _, f := range k.files {
		d.file(f)
	}
	d.text(k.missing...)
	for i := range k.helm {
		if chart := d.read.inflatedChart(k, &k.helm[i]); IsArchive(chart) {
			d.file(chart)
		} else if chart != "" {
			d.folder(chart)
		}
	}
	for _, folder := range k.folders {
		d.kustomized(folder)
	}
}

// localFiles returns the files of the charts beside a chart that it uses.
func (read Reader) localFiles(dir string) []string {
	hasLocal := func(name string) bool {
		data, err := read(filepath.Join(dir, name))
		return err == nil && bytes.Contains(data, []byte(localAddress))
	}
	if !slices.ContainsFunc(dependencyFiles, hasLocal) {
		return nil
	}
	files, err := read.chartFiles(dir)
	if err != nil {
		return nil
	}
	origin := map[*archive.BufferedFile]string{}
	if _, err := read.withLocalDependencies(files, dir, origin, map[string]bool{}); err != nil {
		return nil // as often as it is rendered
	}
	return slices.Sorted(maps.Values(origin))
}
