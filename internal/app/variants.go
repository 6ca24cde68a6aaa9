package app

import (
	"path/filepath"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/seatrial/seatrial/internal/render"
	"github.com/seatrial/seatrial/lint"
)

// AddVariants adds to charts the variants that a configuration names. Rebase returns a path of the configuration in the
// tree of the charts; nil: as it is.
func AddVariants(c *lint.Config, sources []*render.Source, rebase func(string) string) {
	if rebase == nil {
		rebase = func(path string) string { return path }
	}
	for _, h := range c.Helm {
		for _, s := range sources {
			if s.Kind != render.Chart || !matchesPath(rebase(h.Chart), s.Path) {
				continue
			}
			for _, v := range h.Variants {
				variant := render.Variant{Name: v.Name, Set: v.Set, ReleaseName: v.ReleaseName, Namespace: v.Namespace}
				for _, name := range v.Values {
					variant.Values = append(variant.Values, rebase(name))
				}
				s.Variants = append(s.Variants, variant)
			}
		}
	}
}

// matchesPath reports whether a glob matches a path, both from the working folder or absolute.
func matchesPath(glob, path string) bool {
	glob, err := filepath.Abs(glob)
	if err != nil {
		return false
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return false
	}
	ok, err := doublestar.PathMatch(glob, path)
	return err == nil && ok
}

// Clusters returns the clusters of a configuration, for discovery.
func Clusters(c *lint.Config) (all []render.Cluster) {
	for _, cluster := range c.Clusters {
		all = append(all, render.Cluster(cluster))
	}
	return all
}
