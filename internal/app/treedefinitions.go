package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

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

// treeDefinition is a definition with the group and the name of its kind.
type treeDefinition struct {
	validation.Definition
	kind [2]string
	sum  [sha256.Size]byte
}

// addFiles adds the definitions among manifests.
func (t *treeDefinitions) addFiles(files *Files, names []string) {
	for _, name := range names {
		data, err := files.Read(name)
		if err != nil || !bytes.Contains(data, []byte(definitionKind)) {
			continue
		}
		docs, _ := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
		t.add(definitionsAmong(docs, name))
	}
}

// add adds definitions that are not known yet.
func (t *treeDefinitions) add(definitions []treeDefinition) {
	for _, d := range definitions {
		if !t.seen[d.sum] {
			t.seen[d.sum] = true
			t.byKind[d.kind] = append(t.byKind[d.kind], d.Definition)
		}
	}
}

// definitionsAmong returns the definitions among documents of a place.
func definitionsAmong(docs []*manifest.Document, place string) (definitions []treeDefinition) {
	for _, d := range docs {
		if d.Object.Kind != definitionKind || d.Object.APIVersion != "apiextensions.k8s.io/v1" {
			continue
		}
		text := d.JSON // without the rest of the document
		group, _, _ := unstructured.NestedString(d.Value(), "spec", "group")
		kind, _, _ := unstructured.NestedString(d.Value(), "spec", "names", "kind")
		definitions = append(definitions, treeDefinition{validation.Definition{
			Release: place, Local: true, Guessed: true, Versions: servedVersions(d.Value()),
			JSON: func() ([]byte, error) { return text, nil },
		}, [2]string{group, kind}, sha256.Sum256(text)})
	}
	return definitions
}

// servedVersions returns the names of the versions that a definition serves.
func servedVersions(definition map[string]any) (names []string) {
	versions, _, _ := unstructured.NestedSlice(definition, "spec", "versions")
	for _, v := range versions {
		v, _ := v.(map[string]any)
		if name, _ := v["name"].(string); name != "" && v["served"] == true {
			names = append(names, name)
		}
	}
	return names
}

// settings are what decides the answers of the definitions.
func (t *treeDefinitions) settings() (all []string) {
	for sum := range t.seen {
		all = append(all, hex.EncodeToString(sum[:]))
	}
	slices.Sort(all)
	return all
}

// before returns a catalogue in which the definitions of a tree are asked before releases that are guessed, and after
// those that the user chose. Definitions that the server refuses are left out: the set that holds them says so.
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
