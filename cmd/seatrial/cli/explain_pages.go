package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/seatrial/seatrial/explain/pages"
	"github.com/seatrial/seatrial/internal/loopback"
	"github.com/seatrial/seatrial/rules"
	"github.com/seatrial/seatrial/schema"
)

func (o *explainOptions) site() (*pages.Site, error) {
	projects, err := o.projects()
	if err != nil {
		return nil, err
	}
	site, err := pages.New(pages.Options{
		Versions: o.versions, Open: o.open, Rules: rulesOf, RuleDocs: ruleDocs(), Projects: projects,
	})
	if err != nil {
		return nil, &exitError{exitFailed, err}
	}
	return site, nil
}

// projects returns the kinds of the catalogue, by project.
func (o *explainOptions) projects() (projects []pages.Project, err error) {
	c, err := configuredCatalogue()
	if err != nil {
		return nil, err
	}
	definitions := map[string][][]byte{}
	if err := c.Each(func(project string, definition []byte) {
		definitions[project] = append(definitions[project], definition)
	}); err != nil {
		return nil, &exitError{exitFailed, err}
	}
	store, err := schema.Open(schema.Latest)
	if err != nil {
		return nil, &exitError{exitFailed, err}
	}
	for _, name := range slices.Sorted(maps.Keys(definitions)) {
		with, err := store.With(definitions[name]...)
		if err != nil {
			return nil, &exitError{exitFailed, err}
		}
		custom := slices.DeleteFunc(slices.Clone(with.Kinds()), func(k *schema.Kind) bool { return !k.Custom() })
		projects = append(projects, pages.Project{Name: name, Kinds: custom})
	}
	return projects, nil
}

// ruleDocs returns the descriptions of rules for the pages.
func ruleDocs() (docs []pages.Rule) {
	for _, r := range rules.All() {
		bad, good := rules.Example(r.Name)
		docs = append(docs, pages.Rule{
			Name: r.Name, Title: r.Title, Severity: r.Severity.String(), Category: r.Category, Optional: r.Optional,
			Doc: r.Doc, URL: r.URL, Bad: bad, Good: good,
		})
	}
	return docs
}

// writeSite writes the reference as a folder of pages.
func (o *explainOptions) writeSite(text string) error {
	if text != "" {
		return usageError("-o html writes the pages of all kinds: leave %s out", text)
	}
	site, err := o.site()
	if err != nil {
		return err
	}
	n, err := site.Write(o.outputDir)
	if err != nil {
		return &exitError{exitFailed, err}
	}
	_, err = fmt.Fprintf(o.Err, "wrote %d files: open %s/index.html\n", n, o.outputDir)
	return err
}

// serveSite shows the reference to browsers on this machine until it is interrupted.
func (o *explainOptions) serveSite(ctx context.Context, text string) error {
	page := ""
	if text != "" {
		subject, err := o.find(text)
		if err != nil {
			return explainError(err)
		}
		page = pages.Link(subject.Kind, subject.Path)
	}
	site, err := o.site()
	if err != nil {
		return err
	}
	err = loopback.Serve(ctx, o.port, site.Handler(), func(address string) {
		fmt.Fprintf(o.Out, "http://%s/%s\n", address, page)
		fmt.Fprintln(o.Err, "serving to this machine only; ctrl-C ends")
	})
	if err != nil {
		return &exitError{exitFailed, err}
	}
	return nil
}
