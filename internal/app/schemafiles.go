package app

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/seatrial/seatrial/internal/catalogue"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation"
)

// schemaFiles are JSON schemas of kinds, by kind, in whatever case.
type schemaFiles map[schema.GVK]string

// schemaName matches the name of a JSON schema in a folder that is named for its group: servicemonitor_v1.json.
var schemaName = regexp.MustCompile(`^([a-z0-9]+)_(v[0-9]+(?:(?:alpha|beta)[0-9]+)?)\.json$`)

// splitSchemas takes the JSON schemas out of the files of definitions.
func splitSchemas(files []string) (definitions []string, schemas schemaFiles) {
	schemas = schemaFiles{}
	for _, name := range files {
		group := filepath.Base(filepath.Dir(name))
		if m := schemaName.FindStringSubmatch(filepath.Base(name)); m != nil && strings.Contains(group, ".") {
			schemas[schema.GVK{Group: group, Version: m[2], Kind: m[1]}] = name
			continue
		}
		definitions = append(definitions, name)
	}
	return definitions, schemas
}

// schemaLine is what editors read above a document.
var schemaLine = regexp.MustCompile(`(?m)^#\s*yaml-language-server:\s*\$schema=(\S+)[ \t]*\r?$`)

// addSchemaLine adds the schemas that comments of a file name for its documents, if they are files on this machine.
// What --crds names wins.
func (s schemaFiles) addSchemaLine(name string, data []byte) {
	if !bytes.Contains(data, []byte("yaml-language-server")) {
		return
	}
	above := 0
	for _, c := range manifest.Split(source.NewFile(name, data)) {
		m := schemaLine.FindSubmatch(data[above:c.End()])
		above = c.End()
		if m == nil || strings.Contains(string(m[1]), "://") {
			continue
		}
		path := filepath.FromSlash(string(m[1]))
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(name), path)
		}
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		docs, _ := c.Parse(manifest.DefaultLimits)
		for _, d := range docs {
			gvk := gvkOf(d.Object.APIVersion, strings.ToLower(d.Object.Kind))
			if _, known := s[gvk]; !known && gvk.Group != "" && !schema.IsBuiltinGroup(gvk.Group) {
				s[gvk] = path
			}
		}
	}
}

// definitions returns those of a kind, one of each version.
func (s schemaFiles) definitions(group, kind string) (all []validation.Definition) {
	for gvk, name := range s {
		if gvk.Group != group || gvk.Kind != strings.ToLower(kind) {
			continue
		}
		all = append(all, validation.Definition{
			Release: name, Versions: []string{gvk.Version},
			JSON: sync.OnceValues(func() ([]byte, error) { return definitionOf(name, group, gvk.Version, kind) }),
		})
	}
	slices.SortFunc(all, func(a, b validation.Definition) int { return strings.Compare(a.Release, b.Release) })
	return all
}

// definitionOf reads a JSON schema as a definition.
func definitionOf(name, group, version, kind string) ([]byte, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	definition, err := catalogue.FromJSONSchema(group, version, kind, data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return definition, nil
}

// settings are what decides the answers of the schemas: files are known by their size and the time of their last
// change.
func (s schemaFiles) settings() (all []string) {
	for gvk, name := range s {
		if info, err := os.Stat(name); err == nil {
			all = append(all, fmt.Sprintf("%s %s %d %d", gvk, name, info.Size(), info.ModTime().UnixNano()))
		}
	}
	slices.Sort(all)
	return all
}

// SchemaDefinitions returns the definitions that JSON schemas among files stand for, and the other files. The kinds are
// in lower case, as the names of the files are.
func SchemaDefinitions(files []string) (definitions [][]byte, others []string, err error) {
	others, schemas := splitSchemas(files)
	for gvk, name := range schemas {
		data, err := definitionOf(name, gvk.Group, gvk.Version, gvk.Kind)
		if err != nil {
			return nil, nil, err
		}
		definitions = append(definitions, data)
	}
	slices.SortFunc(definitions, bytes.Compare)
	return definitions, others, nil
}
