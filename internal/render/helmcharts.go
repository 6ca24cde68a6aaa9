package render

import (
	"bytes"
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/kio"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/seatrial/seatrial/manifest"
)

// inflated renders the helmCharts of kustomizations with helm's engine, as files that stand beside the kustomization
// and are not on disk.
type inflated struct {
	rendering *Rendering
	options   Options
	files     map[string]*Rendering // by name, with links resolved; nil: the chart is not here
	remote    map[string]string     // files that were fetched, by the names that they have beside a kustomization
}

// chartsOf returns the names of the files that the charts of a kustomization render to, for its resources.
func (c *inflated) chartsOf(k *kustomization) (resources []string) {
	for i := range k.helm {
		name := fmt.Sprintf(".seatrial-chart-%d-%s.yaml", i, k.helm[i].Name)
		file := resolved(filepath.Join(filepath.Dir(k.file), name))
		r, known := c.files[file]
		if !known {
			r = c.inflate(k, &k.helm[i], file)
			c.files[file] = r
		}
		if r != nil && len(bytes.TrimSpace(r.Text)) > 0 {
			resources = append(resources, name)
		}
	}
	return resources
}

// inflate renders a chart; nil if it is not on this machine.
func (c *inflated) inflate(k *kustomization, h *types.HelmChart, file string) *Rendering {
	read := c.rendering.Source.reader()
	path := read.inflatedChart(k, h)
	if path == "" {
		c.rendering.notRendered("kustomization", "chart "+h.Name+" is not on this machine: nothing is fetched",
			"run seatrial vendor, or put the chart into the folder charts", read.placeOf(k.file, h.Name))
		return nil
	}
	values, files, err := read.inflatedValues(filepath.Dir(k.file), path, h)
	if err != nil {
		c.rendering.failed("kustomization", oneLine(err.Error()), "", read.placeOf(k.file, h.Name))
		return nil
	}
	s := &Source{
		Kind: HelmRelease, Path: path, File: k.file, Name: file, values: values, read: read,
		options:   Options{ReleaseName: h.ReleaseName, Namespace: h.Namespace},
		skipCRDs:  !h.IncludeCRDs,
		skipHooks: h.SkipHooks, skipTests: h.SkipTests,
	}
	if IsArchive(path) {
		s.read = read.within(path)
	}
	r := s.Render(Variant{Values: files}, Options{
		KubernetesVersion: cmp.Or(h.KubeVersion, c.options.KubernetesVersion), Child: c.options.Child,
		APIVersions: slices.Concat(c.options.APIVersions, h.ApiVersions), Served: c.options.Served,
	})
	c.rendering.Findings = append(c.rendering.Findings, r.Findings...)
	return r
}

// inflatedChart returns the chart of an entry of helmCharts: where kustomize looks for it, or one that was fetched.
func (read Reader) inflatedChart(k *kustomization, h *types.HelmChart) string {
	home := rel(filepath.Dir(k.file), cmp.Or(k.chartHome, "charts"))
	path := filepath.Join(home, h.Name)
	if h.Repo != "" && h.Version != "" {
		path = filepath.Join(home, h.Name+"-"+h.Version, h.Name)
	}
	if read.isChart(path) {
		return path
	}
	if h.Repo == "" {
		return ""
	}
	file, _ := (&discovery{read: read}).vendored(k.file, inflatedRef(h))
	return file
}

func inflatedRef(h *types.HelmChart) ChartRef {
	return ChartRef{Repository: strings.TrimSuffix(h.Repo, "/"), Chart: h.Name, Version: h.Version}
}

// inflatedValues merges the values of an entry as kustomize does, and returns the files that they come from.
func (read Reader) inflatedValues(dir, chart string, h *types.HelmChart) (map[string]any, []string, error) {
	var files []string
	if h.ValuesFile != "" {
		files = append(files, rel(dir, h.ValuesFile))
	}
	fromFile := files
	if h.ValuesMerge == "merge" && len(files) == 0 {
		fromFile = []string{filepath.Join(chart, "values.yaml")}
	}
	values, err := read.values(fromFile)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case len(h.ValuesInline) == 0:
	case h.ValuesMerge == "replace":
		values = h.ValuesInline
	case h.ValuesMerge == "merge":
		values = loader.MergeMaps(h.ValuesInline, values)
	default:
		values = loader.MergeMaps(values, h.ValuesInline)
	}
	for _, name := range h.AdditionalValuesFiles {
		files = append(files, rel(dir, name))
		more, err := read.values(files[len(files)-1:])
		if err != nil {
			return nil, nil, err
		}
		values = loader.MergeMaps(values, more)
	}
	return values, files, nil
}

// original returns the document of a rendered chart that an object of the kustomization comes from.
func (r *Rendering) original(doc *manifest.Document) (*manifest.Document, bool) {
	read := Reader(func(string) ([]byte, error) { return r.Text, nil })
	return read.findObject(r.Name, doc)
}

// withCharts is a file system that has the files of rendered charts, and those that were fetched, beside
// kustomizations.
type withCharts struct {
	filesys.FileSystem
	charts *inflated
}

// ReadFile reads what a chart renders to, or a file.
func (fs withCharts) ReadFile(name string) ([]byte, error) {
	if r := fs.charts.files[resolved(name)]; r != nil {
		return asGenerated(r.Text)
	}
	if fetched := fs.charts.remote[resolved(name)]; fetched != "" {
		return fs.FileSystem.ReadFile(fetched)
	}
	return fs.FileSystem.ReadFile(name)
}

// asGenerated marks objects as kustomize marks those of charts, which it does not put into its namespace. The
// annotation is not in what it prints.
func asGenerated(text []byte) ([]byte, error) {
	objects, err := kio.FromBytes(text)
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		if err := o.PipeE(kyaml.SetAnnotation(konfig.HelmGeneratedAnnotation, "true")); err != nil {
			return nil, err
		}
	}
	out, err := kio.StringAll(objects)
	return []byte(out), err
}

// has reports whether a file is one that is not on disk.
func (c *inflated) has(name string) bool {
	name = resolved(name)
	return c.files[name] != nil || c.remote[name] != ""
}

// Exists reports whether there is a file.
func (fs withCharts) Exists(name string) bool {
	return fs.charts.has(name) || fs.FileSystem.Exists(name)
}

// CleanedAbs returns the folder and the name of a file.
func (fs withCharts) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	if !fs.charts.has(name) {
		return fs.FileSystem.CleanedAbs(name)
	}
	dir, _, err := fs.FileSystem.CleanedAbs(filepath.Dir(name))
	return dir, filepath.Base(name), err
}
