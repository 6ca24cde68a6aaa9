package app

import (
	"maps"
	"slices"
	"sync"

	"github.com/seatrial/seatrial/internal/catalogue"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation"
)

// Catalogue is the definitions of operators that the program brings along, as the configuration chooses them. It
// is opened when the first kind is looked up.
type Catalogue struct {
	releases map[string]string
	open     func() (*catalogue.Catalogue, error)
	judge    *validation.Catalogue
	schemas  schemaFiles // which judge before the releases
}

// OpenCatalogue returns the catalogue with the releases that a configuration chooses.
func OpenCatalogue(releases map[string]string) (*Catalogue, error) {
	return openCatalogue(releases, nil)
}

func openCatalogue(releases map[string]string, schemas schemaFiles) (*Catalogue, error) {
	c := &Catalogue{releases: releases, open: catalogue.Open, schemas: schemas}
	if len(releases) > 0 {
		all, err := catalogue.Open()
		if err != nil {
			return nil, err
		}
		chosen, err := all.Choose(releases)
		if err != nil {
			return nil, err
		}
		c.open = func() (*catalogue.Catalogue, error) { return chosen, nil }
	}
	c.judge = validation.NewCatalogue(c.definitions)
	c.judge.Meant = c.meant
	return c, nil
}

// meant returns the group and kind that are most likely meant by ones that the catalogue does not have.
func (c *Catalogue) meant(group, kind string) (meantGroup, meantKind string) {
	opened, err := c.open()
	if err != nil {
		return "", ""
	}
	return opened.Meant(group, kind)
}

// settings are what decides the answers of the catalogue besides the build.
func (c *Catalogue) settings() (all []string) {
	for _, name := range slices.Sorted(maps.Keys(c.releases)) {
		all = append(all, name+"="+c.releases[name])
	}
	return append(all, c.schemas.settings()...)
}

// definitions looks up a kind for a validator. A catalogue that cannot be read is a defect of the build, which its
// tests find.
func (c *Catalogue) definitions(group, kind string) (all []validation.Definition) {
	all = c.schemas.definitions(group, kind)
	opened, err := c.open()
	if err != nil {
		return all
	}
	for _, d := range opened.Definitions(group, kind) {
		all = append(all, validation.Definition{
			Release: d.String(), Guessed: opened.Release(d.Kind.Project) == "", Versions: d.Versions,
			JSON: sync.OnceValues(d.JSON),
		})
	}
	return all
}

// Each calls f for the newest definition of each kind, as JSON, with the name of its project. Projects whose
// definitions are terse are left out.
func (c *Catalogue) Each(f func(project string, definition []byte)) error {
	opened, err := c.open()
	if err != nil {
		return err
	}
	terse := map[string]bool{}
	for _, p := range opened.Projects {
		terse[p.Name] = p.Terse
	}
	for _, k := range opened.Index.Kinds {
		newest := opened.Newest(k.Group, k.Kind)
		if newest == nil || terse[k.Project] {
			continue
		}
		data, err := newest.JSON()
		if err != nil {
			return err
		}
		f(k.Project, data)
	}
	return nil
}

// Kinds returns the newest definitions, as JSON, of the kinds that users may mean by a resource.
func (c *Catalogue) Kinds(resource string) (definitions [][]byte, err error) {
	opened, err := c.open()
	if err != nil {
		return nil, err
	}
	for _, k := range opened.Find(resource) {
		data, err := opened.Newest(k.Group, k.Kind).JSON()
		if err != nil {
			return nil, err
		}
		definitions = append(definitions, data)
	}
	return definitions, nil
}

// Definition returns the definition of a kind, as JSON: of those that serve the version the newest; nil if there is
// none.
func (c *Catalogue) Definition(gvk schema.GVK) ([]byte, error) {
	for _, d := range c.schemas.definitions(gvk.Group, gvk.Kind) {
		if slices.Contains(d.Versions, gvk.Version) {
			return d.JSON()
		}
	}
	d, err := c.find(gvk)
	if d == nil || err != nil {
		return nil, err
	}
	return d.JSON()
}

func (c *Catalogue) find(gvk schema.GVK) (*catalogue.Definition, error) {
	opened, err := c.open()
	if err != nil {
		return nil, err
	}
	for _, d := range opened.Definitions(gvk.Group, gvk.Kind) {
		if slices.Contains(d.Versions, gvk.Version) {
			return d, nil
		}
	}
	return nil, nil
}

// documents returns the definitions of kinds that occur in a set which does not define them.
func (c *Catalogue) documents(set []*manifest.Document) (definitions []*manifest.Document, err error) {
	have := map[string]bool{}
	for _, d := range set {
		if d.Object.Kind == definitionKind {
			have[d.Object.Name] = true
		}
	}
	for _, d := range set {
		gvk := gvkOf(d.Object.APIVersion, d.Object.Kind)
		if gvk.Group == "" || schema.IsBuiltinGroup(gvk.Group) {
			continue
		}
		found, err := c.find(gvk)
		if err != nil {
			return nil, err
		}
		if found == nil || have[found.Kind.Plural+"."+gvk.Group] {
			continue
		}
		have[found.Kind.Plural+"."+gvk.Group] = true
		data, err := found.JSON()
		if err != nil {
			return nil, err
		}
		docs, _ := manifest.Read(source.NewFile(found.String(), data), manifest.DefaultLimits)
		definitions = append(definitions, docs...)
	}
	return definitions, nil
}
