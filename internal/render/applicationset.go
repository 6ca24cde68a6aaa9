package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"github.com/bmatcuk/doublestar/v4"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// applicationSet is what is read of an ApplicationSet of Argo CD.
type applicationSet struct {
	Spec struct {
		GoTemplate bool
		Generators []generator
		Template   map[string]any
	}
}

// generator makes the parameters of Applications. One of another kind than these is not known here.
type generator struct {
	List *struct{ Elements []map[string]any }
	Git  *gitGenerator

	Clusters *clusterGenerator
	Matrix   *struct{ Generators []map[string]any }
	Merge    *struct {
		Generators []map[string]any
		MergeKeys  []string
	}
}

type gitGenerator struct {
	Directories []struct {
		Path    string
		Exclude bool
	}
	Files  []struct{ Path string }
	Values map[string]string
}

// clusterGenerator makes Applications for the clusters that a selector of labels is about.
type clusterGenerator struct {
	Selector metav1.LabelSelector
	Values   map[string]any
}

// Cluster is a cluster that Argo CD deploys to, as a Secret declares it there.
type Cluster struct {
	Name, Server, Project string
	Labels, Annotations   map[string]string
}

// maxApplications bounds what an ApplicationSet makes.
const maxApplications = 1000

// applicationSet adds the sources of the Applications that an ApplicationSet makes.
func (d *discovery) applicationSet(t *Tree, o *object) {
	var set applicationSet
	if o.decode(&set) != nil {
		return
	}
	made := map[string]bool{}
	for i := range set.Spec.Generators {
		all, ok := d.parameters(o, &set, &set.Spec.Generators[i])
		if !ok {
			t.elsewhere(Application, o, "", "what a generator makes is not known here")
			continue
		}
		for _, parameters := range all {
			var a application
			if set.fill(set.Spec.Template, parameters, &a) != nil || made[a.Metadata.Name] ||
				len(made) >= maxApplications {
				continue
			}
			made[a.Metadata.Name] = true
			d.application(t, o, &a, a.Metadata.Name)
		}
	}
}

// parameters returns what a generator makes; ok is false if that is not known here.
func (d *discovery) parameters(o *object, set *applicationSet, g *generator) (all []map[string]any, ok bool) {
	switch {
	case g.List != nil:
		return g.List.Elements, true
	case g.Git != nil:
		return d.gitParameters(o, set, g.Git), true
	case g.Clusters != nil && len(d.clusters) > 0:
		return d.clusterParameters(set, g.Clusters)
	case g.Matrix != nil && len(g.Matrix.Generators) == 2:
		return d.matrix(o, set, g.Matrix.Generators)
	case g.Merge != nil && len(g.Merge.Generators) > 0:
		return d.merge(o, set, g.Merge.Generators, g.Merge.MergeKeys)
	}
	return nil, false
}

// clusterParameters returns the clusters that a generator selects.
func (d *discovery) clusterParameters(set *applicationSet, g *clusterGenerator) (all []map[string]any, ok bool) {
	selector, err := metav1.LabelSelectorAsSelector(&g.Selector)
	if err != nil {
		return nil, false // the definition says what is wrong
	}
	for _, c := range d.clusters {
		if !selector.Matches(labels.Set(c.Labels)) {
			continue
		}
		p := map[string]any{
			"name": c.Name, "server": c.Server, "project": c.Project,
			"nameNormalized": strings.Trim(notInNames.ReplaceAllString(strings.ToLower(c.Name), "-"), "-"),
			"metadata":       map[string]any{"labels": anyMap(c.Labels), "annotations": anyMap(c.Annotations)},
		}
		var values map[string]any
		if set.fill(g.Values, p, &values) != nil {
			return nil, false
		}
		if len(values) > 0 {
			p["values"] = values
		}
		all = append(all, p)
	}
	return all, true
}

func anyMap(texts map[string]string) map[string]any {
	out := make(map[string]any, len(texts))
	for key, text := range texts {
		out[key] = text
	}
	return out
}

// matrix combines what two generators make; the second may use the parameters of the first.
func (d *discovery) matrix(
	o *object, set *applicationSet, generators []map[string]any,
) (all []map[string]any, ok bool) {
	var first generator
	if convert(generators[0], &first) != nil {
		return nil, false
	}
	outer, ok := d.parameters(o, set, &first)
	if !ok {
		return nil, false
	}
	for _, p := range outer {
		var second generator
		if set.fill(generators[1], p, &second) != nil {
			return nil, false
		}
		inner, ok := d.parameters(o, set, &second)
		if !ok || len(all)+len(inner) > maxApplications {
			return nil, false
		}
		for _, q := range inner {
			all = append(all, loader.MergeMaps(p, q))
		}
	}
	return all, true
}

// merge adds the parameters of further generators to those of the first that have the same keys.
func (d *discovery) merge(
	o *object, set *applicationSet, generators []map[string]any, keys []string,
) (all []map[string]any, ok bool) {
	for i := range generators {
		var g generator
		if convert(generators[i], &g) != nil {
			return nil, false
		}
		more, ok := d.parameters(o, set, &g)
		if !ok {
			return nil, false
		}
		if i == 0 {
			all = slices.Clone(more)
			continue
		}
		for _, m := range more {
			for j := range all {
				same := func(key string) bool { return fmt.Sprint(all[j][key]) == fmt.Sprint(m[key]) }
				if !slices.ContainsFunc(keys, func(key string) bool { return !same(key) }) {
					all[j] = loader.MergeMaps(all[j], m)
				}
			}
		}
	}
	return all, true
}

// gitParameters returns the folders or files of this repository that a generator names.
func (d *discovery) gitParameters(o *object, set *applicationSet, g *gitGenerator) (all []map[string]any) {
	top := d.tops(o.File.Name)[0]
	for _, name := range d.matchingFolders(top, g) {
		p := set.pathParameters(name)
		all = append(all, p)
	}
	for _, f := range g.Files {
		names, _ := doublestar.Glob(os.DirFS(top), strings.TrimPrefix(f.Path, "/"))
		slices.Sort(names)
		for _, name := range names {
			data, err := d.read(filepath.Join(top, filepath.FromSlash(name)))
			var values map[string]any
			if err != nil || yaml.Unmarshal(data, &values) != nil {
				continue
			}
			p := loader.MergeMaps(values, set.pathParameters(path.Dir(name)))
			all = append(all, p)
		}
	}
	if len(g.Values) > 0 {
		for _, p := range all {
			p["values"] = g.Values
		}
	}
	return all
}

// matchingFolders returns the folders that a generator includes and does not exclude, with slashes.
func (d *discovery) matchingFolders(top string, g *gitGenerator) (names []string) {
	found := map[string]bool{}
	for _, dir := range g.Directories {
		if dir.Exclude {
			continue
		}
		matched, _ := doublestar.Glob(os.DirFS(top), strings.TrimPrefix(dir.Path, "/"))
		for _, name := range matched {
			if info, err := os.Stat(filepath.Join(top, filepath.FromSlash(name))); err == nil && info.IsDir() {
				found[name] = true
			}
		}
	}
	for _, dir := range g.Directories {
		if dir.Exclude {
			maps.DeleteFunc(found, func(name string, _ bool) bool {
				ok, err := doublestar.Match(dir.Path, name)
				return err == nil && ok
			})
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// pathParameters are what a git generator says of a folder.
func (set *applicationSet) pathParameters(dir string) map[string]any {
	base := path.Base(dir)
	normalized := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(base), "-"), "-")
	if set.Spec.GoTemplate {
		return map[string]any{"path": map[string]any{
			"path": dir, "basename": base, "basenameNormalized": normalized, "segments": strings.Split(dir, "/"),
		}}
	}
	p := map[string]any{"path": dir, "path.basename": base, "path.basenameNormalized": normalized}
	for i, segment := range strings.Split(dir, "/") {
		p[fmt.Sprintf("path[%d]", i)] = segment
	}
	return p
}

// fill fills parameters into all texts of a template, and reads the result.
func (set *applicationSet) fill(template map[string]any, parameters map[string]any, into any) error {
	flat := map[string]string{}
	flatten("", parameters, flat)
	filled, err := set.fillValue(template, parameters, flat)
	if err != nil {
		return err
	}
	return convert(filled, into)
}

func convert(from, into any) error {
	data, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return yaml.Unmarshal(data, into)
}

func (set *applicationSet) fillValue(value any, parameters map[string]any, flat map[string]string) (any, error) {
	switch value := value.(type) {
	case string:
		return set.fillText(value, parameters, flat)
	case []any:
		out := make([]any, len(value))
		for i, v := range value {
			var err error
			if out[i], err = set.fillValue(v, parameters, flat); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		out := map[string]any{}
		for k, v := range value {
			filled, err := set.fillValue(v, parameters, flat)
			if err != nil {
				return nil, err
			}
			out[k] = filled
		}
		return out, nil
	}
	return value, nil
}

// simpleParameter is a parameter in a template that is not Go's.
var simpleParameter = regexp.MustCompile(`\{\{\s*([^{}\s]+)\s*\}\}`)

func (set *applicationSet) fillText(text string, parameters map[string]any, flat map[string]string) (string, error) {
	if !strings.Contains(text, "{{") {
		return text, nil
	}
	if !set.Spec.GoTemplate {
		return simpleParameter.ReplaceAllStringFunc(text, func(action string) string {
			if value, ok := flat[simpleParameter.FindStringSubmatch(action)[1]]; ok {
				return value
			}
			return action
		}), nil
	}
	functions := sprig.HermeticTxtFuncMap()
	delete(functions, "env")
	delete(functions, "expandenv")
	t, err := template.New("").Funcs(functions).Parse(text)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	err = t.Execute(&out, parameters)
	return out.String(), err
}

// flatten names the values below others with dots: metadata.labels.env.
func flatten(prefix string, value any, flat map[string]string) {
	if m, ok := value.(map[string]any); ok {
		for k, v := range m {
			flatten(strings.TrimPrefix(prefix+"."+k, "."), v, flat)
		}
		return
	}
	if value != nil {
		flat[prefix] = fmt.Sprint(value)
	}
}
