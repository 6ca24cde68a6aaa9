package app

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/lsp"
	"github.com/seatrial/seatrial/internal/render"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
)

// Renderings returns what the sources of the repository that a file is a part of render to.
func (f *Folder) Renderings(ctx context.Context, name string) ([]lsp.Rendering, error) {
	f.asked.Lock()
	defer f.asked.Unlock()
	if known, ok := f.renderings[name]; ok {
		return known, nil
	}
	o := f.Charts
	o.KubernetesVersion = schema.Latest
	if n := len(f.Versions); n > 0 {
		o.KubernetesVersion = f.Versions[n-1]
	}
	o.Served = servedBy(o.KubernetesVersion)
	rendered := renderAll(ctx, f.using(name), o)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	all := make([]lsp.Rendering, len(rendered))
	for i, r := range rendered {
		all[i] = f.rendering(r)
	}
	if f.renderings == nil {
		f.renderings = map[string][]lsp.Rendering{}
	}
	f.renderings[name] = all
	return all, nil
}

// using returns the sources that use a file. Those in other folders of the repository, such as the overlays of a base,
// are looked for only if one of the folder's own does.
func (f *Folder) using(name string) []*render.Source {
	others := func(s *render.Source) bool { return !s.Uses(name) }
	near := slices.DeleteFunc(slices.Clone(f.Sources), others)
	if len(near) == 0 || !filepath.IsAbs(f.name) {
		return near
	}
	root := repositoryOf(f.name)
	if root == "" {
		return near
	}
	skip := func(name string) bool { return lint.Excluded(f.exclude, name) }
	tree := render.DiscoverIn(f.readSource, []string{root}, skip, Clusters(f.Config)...)
	AddVariants(f.Config, tree.Sources, f.rebase)
	return slices.DeleteFunc(tree.Sources, others)
}

// rendering returns a rendering as the language server uses it.
func (f *Folder) rendering(r *render.Rendering) lsp.Rendering {
	file := source.NewFile(r.Name, r.Text)
	out := lsp.Rendering{File: file, Failed: failure(r), Original: r.Original, Place: r.Place}
	out.Objects = func(ctx context.Context) (*lint.Set, error) {
		f.asked.Lock()
		defer f.asked.Unlock()
		v, err := f.judge()
		if err != nil {
			return nil, err
		}
		var objects []*lint.Resource
		docs, _ := manifest.Read(file, manifest.DefaultLimits)
		for _, d := range docs {
			if d.Object.Kind != "" && d.Object.Kind != definitionKind {
				objects = append(objects, resourceOf(ctx, v, d))
			}
		}
		return lint.NewSet(objects, nil), nil
	}
	out.Names = func() (names []lsp.Name) {
		for _, n := range r.Source.Names() {
			names = append(names, lsp.Name(n))
		}
		return names
	}
	return out
}

// failure returns why not all of a source is rendered; empty if it is.
func failure(r *render.Rendering) string {
	for _, d := range r.Findings {
		if d.Severity == diag.Error || len(r.Text) == 0 {
			return d.Message
		}
	}
	return ""
}
