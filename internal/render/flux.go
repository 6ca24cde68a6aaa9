package render

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/diag"
)

// fluxKustomization is what is read of a Kustomization of Flux.
type fluxKustomization struct {
	Spec struct {
		Path                                    string
		SourceRef                               reference
		TargetNamespace, NamePrefix, NameSuffix string
		Patches                                 []types.Patch
		Components                              []string
		Images                                  []types.Image
		CommonMetadata                          struct{ Labels map[string]string }
		PostBuild                               *postBuild
		DependsOn                               []reference
	}
}

// helmRelease is what is read of a HelmRelease.
type helmRelease struct {
	Spec struct {
		Chart *struct {
			Spec struct {
				Chart       string
				Version     string
				SourceRef   reference
				ValuesFiles []string
			}
		}
		ChartRef                     *reference
		ReleaseName, TargetNamespace string
		Values                       map[string]any
		ValuesFrom                   []valuesReference
		DependsOn                    []reference
		PostRenderers                []postRenderer
	}
}

// reference names another object of Flux.
type reference struct{ Kind, Name, Namespace string }

// valuesReference names values in a ConfigMap or Secret.
type valuesReference struct {
	Kind, Name, ValuesKey, TargetPath string
	Optional                          bool
}

// postBuild are the variables of a Kustomization of Flux.
type postBuild struct {
	Substitute     map[string]string
	SubstituteFrom []reference
}

// fluxSystem is the name of the source that Flux is bootstrapped with.
const fluxSystem = "flux-system"

const (
	fluxKustomizationGroup = "kustomize.toolkit.fluxcd.io"
	fluxHelmGroup          = "helm.toolkit.fluxcd.io"
	fluxSourceGroup        = "source.toolkit.fluxcd.io"
)

// flux adds the sources that objects of Flux ask for.
func (d *discovery) flux(t *Tree) {
	for _, o := range d.objects {
		switch {
		case o.is(fluxKustomizationGroup, "Kustomization"):
			d.fluxKustomization(t, o)
		case o.is(fluxHelmGroup, "HelmRelease"):
			d.helmRelease(t, o)
		}
	}
	d.checkCycles(t, fluxKustomizationGroup, "Kustomization")
	d.checkCycles(t, fluxHelmGroup, "HelmRelease")
}

// fluxKustomization adds the folder that a Kustomization of Flux applies.
func (d *discovery) fluxKustomization(t *Tree, o *object) {
	var k fluxKustomization
	if o.decode(&k) != nil {
		return // its definition says what is wrong
	}
	d.addDefaults(t, o.File.Name, "", k.Spec.Patches)
	d.checkReferences(t, o, k.Spec.SourceRef, "spec.sourceRef.name")
	if k.Spec.Path == "" && t.inputs[filepath.Clean(o.File.Name)] {
		t.elsewhere(FluxKustomization, o, k.Spec.TargetNamespace, "its path is set by a kustomization")
		return
	}
	path, ok := d.repositoryPath(o, cmp.Or(k.Spec.Path, "."))
	if k.Spec.SourceRef.Kind != "GitRepository" {
		path, ok = d.artifactPath(o, k.Spec.SourceRef, k.Spec.Path)
	}
	known, mine := d.isThisRepository(k.Spec.SourceRef)
	if !ok {
		if !ok && known && mine {
			t.found(o, diag.Error, "spec.path", k.Spec.Path+" does not exist in this repository", "")
			return
		}
		t.elsewhere(FluxKustomization, o, k.Spec.TargetNamespace, "its path is not in this tree")
		return
	}
	fields := map[string]any{}
	target := filepath.Join(path, kustomizationNames[0])
	if f := d.folder(path); f.kustomization != nil {
		target = f.kustomization.file
		data, err := d.read(target)
		if err != nil || yaml.Unmarshal(data, &fields) != nil {
			return // the kustomization itself is judged
		}
	} else {
		fields["resources"] = d.generated(t, path)
	}
	k.adjust(fields)
	t.add(&Source{
		Kind: FluxKustomization, Path: path, File: o.File.Name, Name: o.String(), Variants: []Variant{{}},
		Inputs: d.inputsOf(path), object: o.Document,
		overlay: &overlay{file: target, fields: fields}, variables: d.variables(k.Spec.PostBuild),
	})
}

// artifactPath returns where a path lies in this tree of an artifact that was probably made of it, such as an
// OCIRepository with the name that Flux gives its own: below the folder of the object, or below one above it. Others
// are from elsewhere.
func (d *discovery) artifactPath(o *object, from reference, path string) (name string, ok bool) {
	path = filepath.Clean(filepath.FromSlash(strings.TrimPrefix(path, "/")))
	if from.Name != fluxSystem || path == "." || !filepath.IsLocal(path) {
		return "", false
	}
	top := filepath.Clean(d.tops(o.File.Name)[0])
	for dir := filepath.Dir(o.File.Name); ; dir = filepath.Dir(dir) {
		if name = filepath.Join(dir, path); exists(name) {
			return name, true
		}
		if dir == top || dir == filepath.Dir(dir) {
			return "", false
		}
	}
}

// adjust changes a kustomization as Flux does before it builds it.
func (k *fluxKustomization) adjust(fields map[string]any) {
	for name, value := range map[string]string{
		"namespace": k.Spec.TargetNamespace, "namePrefix": k.Spec.NamePrefix, "nameSuffix": k.Spec.NameSuffix,
	} {
		if value != "" {
			fields[name] = value
		}
	}
	addTo(fields, "patches", k.Spec.Patches)
	addTo(fields, "images", k.Spec.Images)
	addTo(fields, "components", k.Spec.Components)
	if labels := k.Spec.CommonMetadata.Labels; len(labels) > 0 {
		addTo(fields, "labels", []types.Label{{Pairs: labels}})
	}
}

// addTo appends items to a list of a kustomization.
func addTo[T any](fields map[string]any, name string, items []T) {
	list, _ := fields[name].([]any)
	for _, item := range items {
		list = append(list, item)
	}
	if len(list) > 0 {
		fields[name] = list
	}
}

// generated lists the resources of a folder without a kustomization, as Flux does: all manifests below it, and the
// folders that have one.
func (d *discovery) generated(t *Tree, dir string) (resources []string) {
	_ = filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error { // errors are passed over
		below, relErr := filepath.Rel(dir, name)
		switch {
		case err != nil || relErr != nil:
			return nil
		case e.IsDir() && name != dir:
			if strings.HasPrefix(e.Name(), ".") || d.folder(name).chart {
				return filepath.SkipDir
			}
			if d.folder(name).kustomization != nil {
				resources = append(resources, filepath.ToSlash(below))
				t.used[name] = true
				return filepath.SkipDir
			}
		case isYAML(name) && d.read.holdsObjects(name):
			resources = append(resources, filepath.ToSlash(below))
			t.inputs[filepath.Clean(name)] = true
		}
		return nil
	})
	return resources
}

// helmRelease adds the chart that a HelmRelease installs, with its values.
func (d *discovery) helmRelease(t *Tree, o *object) {
	var r helmRelease
	if o.decode(&r) != nil {
		return
	}
	namespace := cmp.Or(r.Spec.TargetNamespace, o.Object.Namespace)
	chart, why := "", "its chart is not in this tree"
	switch {
	case r.Spec.ChartRef != nil:
		d.checkReferences(t, o, *r.Spec.ChartRef, "spec.chartRef.name")
		chart, why = d.want(t, o.File.Name, d.referredChart(o, r.Spec.ChartRef))
	case r.Spec.Chart != nil:
		c := r.Spec.Chart.Spec
		d.checkReferences(t, o, c.SourceRef, "spec.chart.spec.sourceRef.name")
		if chart = d.chartOfRelease(o, c.Chart, c.SourceRef.Kind); chart == "" && c.SourceRef.Kind == "HelmRepository" {
			chart, why = d.want(t, o.File.Name, ChartRef{d.repositoryURL(o, c.SourceRef), c.Chart, c.Version})
		}
	}
	if chart == "" {
		t.elsewhere(HelmRelease, o, namespace, why)
		return
	}
	values, missing := d.releaseValues(r.Spec.ValuesFrom, r.Spec.Values)
	if missing != "" {
		t.elsewhere(HelmRelease, o, namespace, "its values come from "+missing+", which is not in this tree")
		return
	}
	var files []string
	if r.Spec.Chart != nil {
		for _, f := range r.Spec.Chart.Spec.ValuesFiles {
			if path, ok := d.repositoryPath(o, f); ok {
				files = append(files, path)
			}
		}
	}
	name := o.Object.Name
	if r.Spec.TargetNamespace != "" {
		name = r.Spec.TargetNamespace + "-" + name
	}
	t.add(&Source{
		Kind: HelmRelease, Path: chart, File: o.File.Name, Name: o.String(), Variants: []Variant{{Values: files}},
		object: o.Document, values: values, valuesPath: "spec.values", postRenderers: r.Spec.PostRenderers,
		options: Options{ReleaseName: cmp.Or(r.Spec.ReleaseName, name), Namespace: namespace},
	})
}

// chartOfRelease returns the folder of a chart: a path in this repository, or a chart that was vendored.
func (d *discovery) chartOfRelease(o *object, chart, kind string) string {
	if kind == "GitRepository" {
		if path, ok := d.repositoryPath(o, chart); ok && d.folder(path).chart {
			return path
		}
		return ""
	}
	if path, ok := d.repositoryPath(o, filepath.Join(vendorFolder, chart)); ok && d.folder(path).chart {
		return path
	}
	return ""
}

// repositoryURL returns the address of a HelmRepository of the tree; empty if it is not there.
func (d *discovery) repositoryURL(o *object, r reference) string {
	repository := d.sourceObject(o, r)
	if repository == nil {
		return ""
	}
	var spec struct{ Spec struct{ URL string } }
	if repository.decode(&spec) != nil {
		return ""
	}
	return strings.TrimSuffix(spec.Spec.URL, "/")
}

// referredChart returns the chart that an OCIRepository or HelmChart of the tree names.
func (d *discovery) referredChart(o *object, r *reference) (c ChartRef) {
	named := d.sourceObject(o, *r)
	if named == nil {
		return c
	}
	var spec struct {
		Spec struct {
			URL, Chart, Version string
			SourceRef           reference
			Ref                 struct{ Tag, SemVer, Digest string }
		}
	}
	if named.decode(&spec) != nil {
		return c
	}
	s := spec.Spec
	if r.Kind == "HelmChart" {
		return ChartRef{d.repositoryURL(named, s.SourceRef), s.Chart, s.Version}
	}
	if i := strings.LastIndexByte(s.URL, '/'); i > 0 {
		c = ChartRef{s.URL[:i], s.URL[i+1:], cmp.Or(s.Ref.Digest, s.Ref.SemVer, s.Ref.Tag)}
	}
	return c
}

// sourceObject returns the object of Flux that another one refers to; nil if the tree has none, or several.
func (d *discovery) sourceObject(o *object, r reference) (found *object) {
	for _, other := range d.objects {
		if !other.is(fluxSourceGroup, r.Kind) || other.Object.Name != r.Name {
			continue
		}
		if ns := cmp.Or(r.Namespace, o.Object.Namespace); ns != "" && other.Object.Namespace != "" &&
			other.Object.Namespace != ns {
			continue
		}
		if found != nil && string(found.JSON) != string(other.JSON) {
			return nil
		}
		found = other
	}
	return found
}

// vendorFolder holds charts from elsewhere, below the top of the repository.
const vendorFolder = ".seatrial/vendor"

// releaseValues merges the values of a release; missing names what they come from and is not in the tree.
func (d *discovery) releaseValues(
	from []valuesReference, inline map[string]any,
) (values map[string]any, missing string) {
	values = map[string]any{}
	for _, f := range from {
		data, ok := d.configMaps()[f.Name]
		if f.Kind != "ConfigMap" || !ok || f.TargetPath != "" {
			if f.Optional {
				continue
			}
			return nil, fmt.Sprintf("%s %s", f.Kind, f.Name)
		}
		var more map[string]any
		if yaml.Unmarshal([]byte(data[cmp.Or(f.ValuesKey, "values.yaml")]), &more) == nil {
			values = loader.MergeMaps(values, more)
		}
	}
	return loader.MergeMaps(values, inline), ""
}

// variables collects the variables of a Kustomization; nil: nothing is substituted.
func (d *discovery) variables(p *postBuild) *variables {
	if p == nil {
		return nil
	}
	v := &variables{values: map[string]string{}}
	for _, from := range p.SubstituteFrom {
		data, ok := d.configMaps()[from.Name]
		if from.Kind != "ConfigMap" || !ok {
			v.open = true
			continue
		}
		maps.Copy(v.values, data)
	}
	maps.Copy(v.values, p.Substitute)
	return v
}

// checkReferences reports a source that is named and not there. Where other names of the kind are not known, such as
// that of the repository that Flux was bootstrapped with, nothing is.
func (d *discovery) checkReferences(t *Tree, o *object, r reference, path string) {
	if r.Name == "" || r.Name == fluxSystem || strings.Contains(r.Name, "$") {
		return
	}
	some := false
	for _, other := range d.objects {
		if other.is(fluxSourceGroup, r.Kind) {
			if other.Object.Name == r.Name {
				return
			}
			some = true
		}
	}
	if some {
		t.found(o, diag.Warning, path, fmt.Sprintf("%s %s is not in this tree", r.Kind, r.Name), "")
	}
}

// checkCycles reports what objects of a kind depend on and is not there, and those that wait for each other.
func (d *discovery) checkCycles(t *Tree, group, kind string) {
	byName := map[string]*object{}
	depends := map[string][]string{}
	for _, o := range d.objects {
		var k fluxKustomization
		if !o.is(group, kind) || o.decode(&k) != nil {
			continue
		}
		byName[o.Object.Name] = o
		for i, r := range k.Spec.DependsOn {
			depends[o.Object.Name] = append(depends[o.Object.Name], r.Name)
			if !d.named(group, kind, r.Name) && !strings.Contains(r.Name, "$") {
				t.found(o, diag.Warning, fmt.Sprintf("spec.dependsOn[%d].name", i),
					fmt.Sprintf("%s %s is not in this tree", kind, r.Name), "")
			}
		}
	}
	reported := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(depends)) {
		cycle := cycleFrom(name, depends)
		if cycle == nil || reported[name] {
			continue
		}
		for _, member := range cycle {
			reported[member] = true
		}
		t.found(byName[name], diag.Error, "spec.dependsOn",
			fmt.Sprintf("%s waits for itself: %s", kind, strings.Join(append(cycle, name), " -> ")),
			"remove one of the dependencies")
	}
}

// cycleFrom returns the path that leads from a name back to it, or nil.
func cycleFrom(start string, depends map[string][]string) []string {
	seen := map[string]bool{}
	var walk func(name string, path []string) []string
	walk = func(name string, path []string) []string {
		path = append(slices.Clone(path), name)
		for _, next := range depends[name] {
			if next == start {
				return path
			}
			if !seen[next] {
				seen[next] = true
				if cycle := walk(next, path); cycle != nil {
					return cycle
				}
			}
		}
		return nil
	}
	return walk(start, nil)
}
