package app

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/render"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// Set reads what paths apply: charts, kustomizations and what else is a source in their folders is rendered, each
// once, and the manifests that belong to none are read. Problems are what cannot be read or rendered.
func (f *Files) Set(paths []string, o render.Options) (all []*Manifest, problems []error) {
	isFolder := func(path string) bool {
		info, err := os.Stat(path)
		return err == nil && info.IsDir() || render.IsArchive(path)
	}
	if !slices.ContainsFunc(paths, isFolder) {
		return f.Manifests(paths, nil)
	}
	git := newIgnored(paths)
	config, err := Configuration("", "")
	if err != nil {
		return nil, []error{err}
	}
	tree := render.Discover(paths, git.match, Clusters(config)...)
	for _, s := range tree.Sources {
		m, err := rendered(s, o)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		f.Put(m.Name, m.Data)
		all = append(all, m)
	}
	names, unread := lint.Inputs(paths, nil)
	problems = append(problems, unread...)
	for _, name := range names {
		if render.IsArchive(name) ||
			name != source.Stdin && !slices.Contains(paths, name) && (tree.Owns(name) || git.match(name)) {
			continue
		}
		m, err := f.Manifest(name)
		switch {
		case err != nil:
			problems = append(problems, err)
		case len(tree.Sources) == 0 || slices.Contains(paths, name) || classify(m.Data) == manifestFile:
			all = append(all, m)
		}
	}
	return all, problems
}

// rendered renders the first variant of a source. An error says what keeps it from being rendered.
func rendered(s *render.Source, o render.Options) (*Manifest, error) {
	r := s.Render(s.For(o)[0], o)
	for _, d := range r.Findings {
		if d.Severity == diag.Error {
			return nil, fmt.Errorf("rendering %s: %s: %w", r.Name, d.Range, errors.New(d.Message))
		}
	}
	file := source.NewFile(r.Name, r.Text)
	docs, findings := manifest.Read(file, manifest.DefaultLimits)
	return &Manifest{file, docs, findings}, nil
}
