package render

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/strvals"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/diag"
)

const argoGroup = "argoproj.io"

// application is what is read of an Application of Argo CD.
type application struct {
	Metadata struct{ Name, Namespace string }
	Spec     struct {
		Source      *applicationSource
		Sources     []applicationSource
		Destination struct{ Namespace string }
	}
}

// applicationSource is one of the sources of an Application.
type applicationSource struct {
	RepoURL, Path, Chart, Ref, TargetRevision string

	Helm *struct {
		ReleaseName, Values     string
		ValuesObject            map[string]any
		ValueFiles              []string
		IgnoreMissingValueFiles bool
		FileParameters          []struct{ Name, Path string }
		Parameters              []struct {
			Name, Value string
			ForceString bool
		}
	}
	Kustomize *struct {
		NamePrefix, NameSuffix, Namespace string
		Images                            []string
		CommonLabels, CommonAnnotations   map[string]string
		Patches                           []types.Patch
		Components                        []string
	}
	Directory *struct {
		Recurse          bool
		Include, Exclude string
	}
}

// argo adds the sources that Applications and ApplicationSets ask for.
func (d *discovery) argo(t *Tree) {
	for _, o := range d.objects {
		switch {
		case o.is(argoGroup, "Application"):
			var a application
			if o.decode(&a) == nil {
				d.application(t, o, &a, "")
			}
		case o.is(argoGroup, "ApplicationSet"):
			d.applicationSet(t, o)
		}
	}
}

// application adds the sources of an Application. Made is its name if an ApplicationSet makes it.
func (d *discovery) application(t *Tree, o *object, a *application, made string) {
	sources := a.Spec.Sources
	if a.Spec.Source != nil {
		sources = append(sources, *a.Spec.Source)
	}
	for i := range sources {
		s := &sources[i]
		if s.Ref != "" && s.Path == "" {
			continue // a place for values
		}
		if strings.Contains(s.Path, "{{") {
			t.elsewhere(Application, o, "", "its chart is not in this tree")
			continue
		}
		var path string
		if s.Path == "" {
			file, why := d.want(t, o.File.Name, s.chartRef())
			if file == "" {
				t.elsewhere(Application, o, a.Spec.Destination.Namespace, why)
				continue
			}
			path = file
		} else if found, ok := d.repositoryPath(o, s.Path); ok {
			path = found
		} else {
			d.missingPath(t, o, s)
			continue
		}
		if source := d.applicationSource(o, a, s, path); source != nil {
			if made != "" {
				source.Name += ": " + made
			}
			if source.Kind == Application && source.files != nil {
				for _, f := range source.files {
					t.inputs[f] = true
				}
			}
			t.add(source)
		}
	}
}

// chartRef names the chart of a source that has no path. Addresses without a scheme are those of registries.
func (s *applicationSource) chartRef() ChartRef {
	url := strings.TrimSuffix(s.RepoURL, "/")
	if !strings.Contains(url, "://") {
		url = "oci://" + url
	}
	return ChartRef{url, s.Chart, s.TargetRevision}
}

// missingPath reports a path that does not exist in this repository, if it is this one.
func (d *discovery) missingPath(t *Tree, o *object, s *applicationSource) {
	if !sameRepository(s.RepoURL, d.remote(o.File.Name)) {
		t.elsewhere(Application, o, "", "its path is not in this tree")
		return
	}
	place := "spec.source.path"
	if !o.Find(place).Exact {
		place = "spec"
	}
	t.found(o, diag.Error, place, s.Path+" does not exist in this repository", "")
}

// applicationSource returns the source that a folder is: a chart, a kustomization, or plain manifests.
func (d *discovery) applicationSource(o *object, a *application, s *applicationSource, path string) *Source {
	out := &Source{
		Kind: Application, Path: path, File: o.File.Name, Name: o.String(), Variants: []Variant{{}}, object: o.Document,
	}
	switch f := d.folder(path); {
	case f.chart || IsArchive(path):
		return d.chartApplication(out, o, a, s)
	case f.kustomization != nil:
		out.Inputs = f.kustomization.files
		out.overlay = s.overlay(d.read, f.kustomization.file)
	default:
		if out.files = d.directory(s, path); len(out.files) == 0 {
			return nil
		}
	}
	return out
}

// chartApplication completes the source of an Application that is a chart; nil if its values are not here.
func (d *discovery) chartApplication(out *Source, o *object, a *application, s *applicationSource) *Source {
	out.values, out.valuesPath = map[string]any{}, "spec.source.helm.valuesObject"
	out.options = Options{ReleaseName: a.Metadata.Name, Namespace: a.Spec.Destination.Namespace}
	if s.Helm == nil {
		return out
	}
	out.options.ReleaseName = cmp.Or(s.Helm.ReleaseName, a.Metadata.Name)
	for _, f := range s.Helm.ValueFiles {
		name, ok := d.applicationFile(o, out, f)
		if !ok {
			if s.Helm.IgnoreMissingValueFiles {
				continue
			}
			return nil
		}
		out.Variants[0].Values = append(out.Variants[0].Values, name)
	}
	var text map[string]any
	if yaml.Unmarshal([]byte(s.Helm.Values), &text) == nil {
		out.values = loader.MergeMaps(out.values, text)
	}
	out.values = loader.MergeMaps(out.values, s.Helm.ValuesObject)
	for _, p := range s.Helm.Parameters {
		parse := strvals.ParseInto
		if p.ForceString {
			parse = strvals.ParseIntoString
		}
		_ = parse(p.Name+"="+p.Value, out.values) // Argo CD reports what it cannot read
	}
	for _, p := range s.Helm.FileParameters {
		name, ok := d.applicationFile(o, out, p.Path)
		if !ok {
			return nil
		}
		content := func([]rune) (any, error) {
			data, err := d.read(name)
			return string(data), err
		}
		_ = strvals.ParseIntoFile(p.Name+"=file", out.values, content) // as above
	}
	return out
}

// applicationFile returns a file that an Application names: below its chart, or, as $REF/PATH, in the repository.
func (d *discovery) applicationFile(o *object, s *Source, path string) (name string, ok bool) {
	name = filepath.Join(s.Path, filepath.FromSlash(path))
	if _, below, isRef := strings.Cut(path, "/"); isRef && strings.HasPrefix(path, "$") {
		if name, ok = d.repositoryPath(o, below); !ok {
			return "", false
		}
	}
	return name, exists(name)
}

// overlay returns a kustomization with the options of an Application.
func (s *applicationSource) overlay(read Reader, file string) *overlay {
	fields := map[string]any{}
	data, err := read(file)
	if err != nil || yaml.Unmarshal(data, &fields) != nil || s.Kustomize == nil {
		return nil
	}
	for name, value := range map[string]string{
		"namePrefix": s.Kustomize.NamePrefix, "nameSuffix": s.Kustomize.NameSuffix, "namespace": s.Kustomize.Namespace,
	} {
		if value != "" {
			fields[name] = value
		}
	}
	for name, pairs := range map[string]map[string]string{
		"commonLabels": s.Kustomize.CommonLabels, "commonAnnotations": s.Kustomize.CommonAnnotations,
	} {
		if len(pairs) > 0 {
			all, _ := fields[name].(map[string]any)
			all = maps.Clone(all)
			for key, value := range pairs {
				all = loader.MergeMaps(all, map[string]any{key: value})
			}
			fields[name] = all
		}
	}
	var images []types.Image
	for _, text := range s.Kustomize.Images {
		images = append(images, imageOf(text))
	}
	addTo(fields, "images", images)
	addTo(fields, "patches", s.Kustomize.Patches)
	addTo(fields, "components", s.Kustomize.Components)
	return &overlay{file: file, fields: fields}
}

// imageOf reads an image as kustomize edit set image takes it: name=other:tag, name:tag, name@digest.
func imageOf(text string) (i types.Image) {
	name, to, renamed := strings.Cut(text, "=")
	if !renamed {
		to = name
	}
	if image, digest, ok := strings.Cut(to, "@"); ok {
		to, i.Digest = image, digest
	} else if colon := strings.LastIndexByte(to, ':'); colon > strings.LastIndexByte(to, '/') {
		to, i.NewTag = to[:colon], to[colon+1:]
	}
	i.Name = to
	if renamed {
		i.Name, i.NewName = name, to
	}
	return i
}

// directory lists the manifests of a folder as Argo CD does.
func (d *discovery) directory(s *applicationSource, dir string) (files []string) {
	recurse, include, exclude := false, "", ""
	if o := s.Directory; o != nil {
		recurse, include, exclude = o.Recurse, o.Include, o.Exclude
	}
	matches := func(glob, name string) bool {
		ok, err := doublestar.Match(glob, name)
		return err == nil && ok
	}
	_ = filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error { // errors are passed over
		below, relErr := filepath.Rel(dir, name)
		switch {
		case err != nil || relErr != nil:
			return nil
		case e.IsDir():
			if name != dir && (!recurse || strings.HasPrefix(e.Name(), ".") || d.folder(name).chart) {
				return filepath.SkipDir
			}
			return nil
		case !isYAML(name) && filepath.Ext(name) != ".json", !d.read.holdsObjects(name),
			include != "" && !matches(include, filepath.ToSlash(below)),
			exclude != "" && matches(exclude, filepath.ToSlash(below)):
			return nil
		}
		files = append(files, filepath.Clean(name))
		return nil
	})
	slices.Sort(files)
	return files
}

// renderFiles joins plain manifests.
func (r *Rendering) renderFiles() {
	places := &templatePlaces{rendering: r}
	var text strings.Builder
	for _, name := range r.Source.files {
		data, err := r.Source.reader()(name)
		if err != nil || text.Len()+len(data) > maxRenderedBytes {
			continue
		}
		text.WriteString("---\n")
		places.lines = append(places.lines, line{file: name, number: 1})
		content := strings.TrimSuffix(string(data), "\n") + "\n"
		for number := range strings.Count(content, "\n") {
			places.lines = append(places.lines, line{file: name, number: number + 1})
		}
		text.WriteString(content)
	}
	places.text = []byte(text.String())
	r.Text, r.places = places.text, places
}
