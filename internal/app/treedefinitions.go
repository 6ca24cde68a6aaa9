package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/seatrial/seatrial/internal/render"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation"
)

// treeDefinitions are the CustomResourceDefinitions that the sets of a tree hold, by group and kind. Each set is judged
// by its own; what it does not define may be defined beside it, as an operator's chart defines the kinds of examples.
type treeDefinitions struct {
	byKind map[[2]string][]validation.Definition
	seen   map[[sha256.Size]byte]bool
}

// maxForms bounds how many different definitions of one kind are asked: a folder may hold those of every release.
const maxForms = 8

func newTreeDefinitions() *treeDefinitions {
	return &treeDefinitions{byKind: map[[2]string][]validation.Definition{}, seen: map[[sha256.Size]byte]bool{}}
}

// addFiles adds the definitions among manifests.
func (t *treeDefinitions) addFiles(files *Files, names []string) {
	for _, name := range names {
		data, err := files.Read(name)
		if err != nil || !bytes.Contains(data, []byte(definitionKind)) {
			continue
		}
		docs, _ := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
		for _, d := range docs {
			t.add(name, d)
		}
	}
}

// addRendering adds the definitions among the documents of a rendering.
func (t *treeDefinitions) addRendering(r *render.Rendering, docs []*manifest.Document) {
	for _, d := range docs {
		t.add(r.Source.Path, d)
	}
}

// add adds a document of a place, if it is a definition that is not known yet.
func (t *treeDefinitions) add(place string, d *manifest.Document) {
	if d.Object.Kind != definitionKind || d.Object.APIVersion != "apiextensions.k8s.io/v1" {
		return
	}
	sum := sha256.Sum256(d.JSON)
	if t.seen[sum] {
		return
	}
	t.seen[sum] = true
	group, _, _ := unstructured.NestedString(d.Value(), "spec", "group")
	kind, _, _ := unstructured.NestedString(d.Value(), "spec", "names", "kind")
	versions, _, _ := unstructured.NestedSlice(d.Value(), "spec", "versions")
	definition := validation.Definition{
		Release: place, Local: true, Guessed: true, JSON: func() ([]byte, error) { return d.JSON, nil },
	}
	for _, v := range versions {
		v, _ := v.(map[string]any)
		if name, _ := v["name"].(string); name != "" && v["served"] == true {
			definition.Versions = append(definition.Versions, name)
		}
	}
	key := [2]string{group, kind}
	t.byKind[key] = append(t.byKind[key], definition)
}

// settings are what decides the answers of the definitions.
func (t *treeDefinitions) settings() (all []string) {
	for sum := range t.seen {
		all = append(all, hex.EncodeToString(sum[:]))
	}
	slices.Sort(all)
	return all
}

// before returns a catalogue in which the definitions of a tree are asked before releases that are guessed, and after those
// that the user chose. Definitions that the server refuses are left out: the set that holds them says so.
func (t *treeDefinitions) before(c *Catalogue, accepts func(definition []byte) bool) *validation.Catalogue {
	return validation.NewCatalogue(func(group, kind string) []validation.Definition {
		all := c.definitions(group, kind)
		chosen := 0
		for chosen < len(all) && !all[chosen].Guessed {
			chosen++
		}
		local := slices.Clone(t.byKind[[2]string{group, kind}])
		slices.Reverse(local) // names of newer releases come last
		local = slices.DeleteFunc(local[:min(len(local), maxForms)], func(d validation.Definition) bool {
			data, err := d.JSON()
			return err != nil || !accepts(data)
		})
		return slices.Insert(all, chosen, local...)
	})
}

// useDefinitions makes the definitions of a tree known to all of its sets.
func (j *LintJob) useDefinitions(ctx context.Context, t *treeDefinitions) {
	if len(t.seen) == 0 {
		j.definitions = nil
		return
	}
	j.definitions = t.before(j.workspace.catalogue, func(definition []byte) bool {
		v, err := j.validator()
		if err != nil {
			return false // whoever judges a set meets the same error
		}
		defer j.keep(v)
		answer := v.AddCRD(ctx, definition)
		return answer.Accepted()
	})
}
