package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

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
		t.add(readDefinitions(files.Definitions([]string{name}), name))
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

// readDefinitions reads the kinds that the definitions of a place define, which are JSON. Those of older API versions
// are left out.
func readDefinitions(texts [][]byte, place string) (definitions []treeDefinition) {
	for _, text := range texts {
		var head struct {
			APIVersion string
			Spec       struct {
				Group    string
				Names    struct{ Kind string }
				Versions []struct {
					Name   string
					Served bool
				}
			}
		}
		if json.Unmarshal(text, &head) != nil || head.APIVersion != "apiextensions.k8s.io/v1" {
			continue
		}
		d := treeDefinition{validation.Definition{
			Release: place, Local: true, Guessed: true, JSON: func() ([]byte, error) { return text, nil },
		}, [2]string{head.Spec.Group, head.Spec.Names.Kind}, sha256.Sum256(text)}
		for _, v := range head.Spec.Versions {
			if v.Served {
				d.Versions = append(d.Versions, v.Name)
			}
		}
		definitions = append(definitions, d)
	}
	return definitions
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
	before := validation.NewCatalogue(func(group, kind string) []validation.Definition {
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
	before.Meant = c.meant
	return before
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
