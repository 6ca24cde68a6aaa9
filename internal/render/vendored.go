package render

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"sigs.k8s.io/yaml"
)

// LockFile names the charts and bases that were fetched from elsewhere, below the top of a repository.
const LockFile = vendorFolder + "/charts.lock"

// ChartRef names a chart in a repository of charts or in a registry.
type ChartRef struct {
	Repository string `json:"repository"` // https://charts.example.com, oci://registry.example.com/charts
	Chart      string `json:"chart"`
	Version    string `json:"version,omitempty"` // or a range of versions; empty: the newest
}

// String names the chart with its version.
func (c ChartRef) String() string {
	name := c.Chart
	if c.Version != "" {
		name += " " + c.Version
	}
	return name + " of " + c.Repository
}

// Locked is a chart that was fetched.
type Locked struct {
	ChartRef `json:",inline"`
	Resolved string `json:"resolved"` // version
	File     string `json:"file"`     // beside the lock file
	Digest   string `json:"digest"`   // of the file: sha256:...
}

// Lock lists the charts and the bases of kustomizations that were fetched.
type Lock struct {
	Charts []Locked     `json:"charts"`
	Bases  []LockedBase `json:"bases,omitempty"`
}

// ReadLock reads a lock file.
func ReadLock(data []byte) (*Lock, error) {
	l := &Lock{}
	if yaml.UnmarshalStrict(data, l) != nil {
		return nil, errors.New(
			LockFile + " is not as seatrial vendor writes it: remove it, and run seatrial vendor again",
		)
	}
	return l, nil
}

// Find returns the entry of a chart; nil if it was not fetched.
func (l *Lock) Find(c ChartRef) *Locked {
	for i := range l.Charts {
		if l.Charts[i].ChartRef == c {
			return &l.Charts[i]
		}
	}
	return nil
}

// ChartDigest returns the digest of a packaged chart as a lock file writes it.
func ChartDigest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// isChartRepository reports whether an address is one of a repository of charts or a registry.
func isChartRepository(repository string) bool {
	scheme, _, _ := strings.Cut(repository, "://")
	return scheme == "http" || scheme == "https" || scheme == "oci"
}

// want notes that a chart from elsewhere is asked for, and returns the file that holds it; why says what is wrong if
// there is none.
func (d *discovery) want(t *Tree, near string, c ChartRef) (file, why string) {
	if !isChartRepository(c.Repository) || c.Chart == "" || strings.Contains(c.Repository+c.Chart+c.Version, "{{") {
		return "", "its chart is not in this tree"
	}
	if !slices.Contains(t.Wanted, c) {
		t.Wanted = append(t.Wanted, c)
	}
	return d.vendored(near, c)
}

// vendored returns the file of a chart that was fetched.
func (d *discovery) vendored(near string, c ChartRef) (file, why string) {
	for _, top := range d.tops(near) {
		name := filepath.Join(top, filepath.FromSlash(LockFile))
		data, err := d.read(name)
		if err != nil {
			continue
		}
		lock, err := ReadLock(data)
		if err != nil {
			return "", err.Error()
		}
		entry := lock.Find(c)
		if entry == nil {
			continue
		}
		if !filepath.IsLocal(filepath.FromSlash(entry.File)) {
			return "", fmt.Sprintf("%s names a file outside of its folder", LockFile)
		}
		file = filepath.Join(filepath.Dir(name), filepath.FromSlash(entry.File))
		data, err = d.read(file)
		if err != nil {
			return "", "its chart is in " + LockFile + ", and the file is not there: run seatrial vendor"
		}
		if ChartDigest(data) != entry.Digest {
			return "", "its chart is not the one of " + LockFile + ": run seatrial vendor"
		}
		return file, ""
	}
	return "", "its chart is not in this tree: seatrial vendor fetches it"
}

// dependencies notes the charts from elsewhere that the charts of the tree depend on, and the charts and bases of
// kustomizations.
func (d *discovery) dependencies(t *Tree) {
	for _, f := range d.folders {
		if f.kustomization == nil || !f.below {
			continue
		}
		for _, r := range f.kustomization.references() {
			if !slices.Contains(t.Bases, r) {
				t.Bases = append(t.Bases, r)
			}
		}
		for i := range f.kustomization.helm {
			if h := &f.kustomization.helm[i]; h.Repo != "" {
				d.want(t, f.kustomization.file, inflatedRef(h))
			}
		}
	}
	for dir := range t.charts {
		for _, c := range d.read.remoteDependencies(dir) {
			d.want(t, filepath.Join(dir, chartFile), c)
		}
	}
}

const chartFile = "Chart.yaml"

// remoteDependencies returns the charts from elsewhere that a chart asks for and does not hold.
func (read Reader) remoteDependencies(dir string) (refs []ChartRef) {
	data, err := read(filepath.Join(dir, chartFile))
	var m chart.Metadata
	if err != nil || yaml.Unmarshal(data, &m) != nil {
		return nil
	}
	for _, dep := range m.Dependencies {
		if dep == nil || !isChartRepository(dep.Repository) || exists(filepath.Join(dir, "charts", dep.Name)) {
			continue
		}
		if packaged, err := filepath.Glob(
			filepath.Join(dir, "charts", dep.Name+"-*.tgz"),
		); err == nil && len(packaged) > 0 {
			continue
		}
		refs = append(refs, dependencyRef(dep))
	}
	return refs
}

func dependencyRef(dep *chart.Dependency) ChartRef {
	return ChartRef{Repository: strings.TrimSuffix(dep.Repository, "/"), Chart: dep.Name, Version: dep.Version}
}

// addFetchedDependencies loads the dependencies that were fetched.
func (r *Rendering) addFetchedDependencies(c *chart.Chart) error {
	missing := missingDependencies(c)
	d := &discovery{read: r.Source.reader()}
	for _, dep := range c.Metadata.Dependencies {
		if dep == nil || !slices.Contains(missing, dep.Name) || !isChartRepository(dep.Repository) {
			continue
		}
		file, _ := d.vendored(filepath.Join(r.Source.Path, chartFile), dependencyRef(dep))
		if file == "" {
			continue // it is reported as missing
		}
		files, err := r.Source.reader().archiveFiles(file)
		if err != nil {
			return fmt.Errorf("dependency %s: %w", dep.Name, err)
		}
		dependency, err := loader.LoadFiles(files)
		if err != nil {
			return fmt.Errorf("dependency %s: %w", dep.Name, err)
		}
		c.AddDependency(dependency)
	}
	return nil
}
