package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/internal/app"
	"github.com/seatrial/seatrial/lint"
)

// clusterDefinitions reads the definitions of a cluster.
func clusterDefinitions(ctx context.Context, name string) (definitions [][]byte, err error) {
	crds, err := clusterCRDs(ctx, io.Discard, name, "")
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(crds.Definitions)) {
		data, err := yaml.YAMLToJSON(crds.Definitions[name])
		if err != nil {
			return nil, err
		}
		definitions = append(definitions, data)
	}
	return definitions, nil
}

// definitionsIn reads the definitions of files, folders and globs.
func definitionsIn(paths []string) (definitions [][]byte, err error) {
	inputs, problems := lint.Inputs(paths, nil)
	definitions, inputs, err = app.SchemaDefinitions(inputs)
	if err != nil {
		return nil, &exitError{exitFailed, err}
	}
	files, more := app.NewFiles(nil).Manifests(inputs, nil)
	if problems = append(problems, more...); len(problems) > 0 {
		return nil, &exitError{exitFailed, errors.Join(problems...)}
	}
	for _, m := range files {
		for _, f := range m.Findings {
			return nil, &exitError{
				exitFailed, fmt.Errorf("%s:%d:%d: %s", m.Name, f.Range.Start.Line, f.Range.Start.Column, f.Message),
			}
		}
		for _, d := range m.Documents {
			definitions = append(definitions, d.JSON)
		}
	}
	return definitions, nil
}

// folderDefinitions reads the definitions that the configuration names and those in the current folder, with those that
// the templates of charts there render to.
func folderDefinitions() (definitions [][]byte, err error) {
	config, err := app.Configuration("", "")
	if err != nil {
		return nil, err
	}
	files, _ := lint.Inputs(append(config.CRDs.Paths, "."), config.Exclude)
	all := app.NewFiles(nil)
	return append(all.Definitions(files), all.RenderedDefinitions(files)...), nil
}

// catalogueDefinitions returns the definitions of the catalogue that a resource, or a field of one, may be of.
func catalogueDefinitions(text string) ([][]byte, error) {
	c, err := configuredCatalogue()
	if err != nil {
		return nil, err
	}
	return c.Kinds(text)
}

// configuredCatalogue returns the catalogue with the releases that the configuration of the current folder chooses.
func configuredCatalogue() (*app.Catalogue, error) {
	config, err := app.Configuration("", "")
	if err != nil {
		return nil, err
	}
	return app.OpenCatalogue(config.CRDs.Releases)
}
