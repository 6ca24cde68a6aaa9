package render

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	release "helm.sh/helm/v4/pkg/release/v1"
	"helm.sh/helm/v4/pkg/release/v1/util"
)

// chartOutput is what a chart renders to, before it is split into documents and sorted.
type chartOutput struct {
	Templates map[string]string // by name: web/templates/service.yaml
	CRDs      []renderedFile    // of the folders crds, in helm's order
}

type renderedFile struct{ Name, Text string }

// chartDocument is a document of a chart's output.
type chartDocument struct {
	name  string // of the template
	text  string
	line  int  // of the template's output on which it begins, from 0
	whole bool // a file that no template engine has seen
	test  bool // a hook of helm test
}

// documents returns the documents in the order in which helm prints them, and the index of the first hook. If one of
// them is not YAML, which helm refuses, each template is one document.
func (c *chartOutput) documents() (all []chartDocument, hooks int) {
	for _, crd := range c.CRDs {
		all = append(all, chartDocument{name: crd.Name, text: crd.Text, whole: true})
	}
	sortedHooks, manifests, err := util.SortManifests(c.Templates, nil, util.InstallOrder)
	if err != nil {
		for _, name := range slices.Sorted(maps.Keys(c.Templates)) {
			if text := c.Templates[name]; strings.TrimSpace(text) != "" && !isPartial(name) {
				all = append(all, chartDocument{name: name, text: text})
			}
		}
		return all, len(all)
	}
	unused := map[string][]chartDocument{} // by template
	next := func(name, text string) chartDocument {
		if _, ok := unused[name]; !ok {
			unused[name] = c.split(name)
		}
		i := slices.IndexFunc(unused[name], func(d chartDocument) bool { return d.text == text })
		d := unused[name][i]
		unused[name] = slices.Delete(unused[name], i, i+1)
		return d
	}
	for _, m := range manifests {
		all = append(all, next(m.Name, m.Content))
	}
	hooks = len(all)
	for _, h := range sortedHooks {
		d := next(h.Path, h.Manifest)
		d.test = slices.Contains(h.Events, release.HookTest)
		all = append(all, d)
	}
	return all, hooks
}

// split returns the documents of a template's output in their order, as helm divides it.
func (c *chartOutput) split(name string) (documents []chartDocument) {
	output := c.Templates[name]
	texts := util.SplitManifests(output)
	at, lines := 0, 0
	for i := range len(texts) {
		text := texts[fmt.Sprintf("manifest-%d", i)]
		begin := at + strings.Index(output[at:], text)
		lines += strings.Count(output[at:begin], "\n")
		documents = append(documents, chartDocument{name: name, text: text, line: lines})
		at = begin + len(text)
		lines += strings.Count(text, "\n")
	}
	return documents
}

// isPartial reports whether a template holds only definitions, by its name.
func isPartial(name string) bool {
	return strings.HasPrefix(name[strings.LastIndexByte(name, '/')+1:], "_")
}
