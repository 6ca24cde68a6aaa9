// Command gen reads the CustomResourceDefinitions of operators from their Go modules, and writes the catalogue:
//
//	go generate ./internal/catalogue
//
// The modules come from the module cache, or from the module proxy.
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/internal/catalogue"
	"github.com/seatrial/seatrial/internal/modcache"
	"github.com/seatrial/seatrial/validation"
)

func main() {
	log.SetFlags(0)
	index, forms, err := read(projects)
	if err != nil {
		log.Fatal(err)
	}
	if err := check(index, forms); err != nil {
		log.Fatal(err)
	}
	out, err := catalogue.Write(index, forms)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("definitions.bundle", out, 0o644); err != nil {
		log.Fatal(err)
	}
	log.Printf("%d projects, %d kinds, %d bytes", len(index.Projects), len(index.Kinds), len(out))
}

// check has the API server's own validation judge all definitions: lint compiles them without.
func check(index catalogue.Index, forms [][]byte) error {
	v, err := validation.New()
	if err != nil {
		return err
	}
	var refused []error
	for i, k := range index.Kinds {
		rest := forms[i]
		for _, f := range k.Forms {
			if answer := v.AddCRD(context.Background(), rest[:f.Length]); !answer.Accepted() {
				c := answer.Causes[0]
				refused = append(
					refused, fmt.Errorf("%s %s: %s: %s: %s", k.Project, f.Releases[0], k.Kind, c.Path, c.Message),
				)
			}
			rest = rest[f.Length:]
		}
	}
	return errors.Join(refused...)
}

// kindForms is a kind with the texts of its forms.
type kindForms struct {
	catalogue.Kind
	texts [][]byte
}

// read reads all releases of projects.
func read(projects []project) (index catalogue.Index, forms [][]byte, err error) {
	kinds := map[string]*kindForms{} // by name of the definition
	for _, p := range projects {
		entry := catalogue.Project{Name: p.name, Module: p.module, Terse: p.reading().withoutStatus}
		for _, version := range p.versions {
			if err := readRelease(&entry, p, version, kinds); err != nil {
				return index, nil, fmt.Errorf("%s %s: %w", p.name, version, err)
			}
		}
		index.Projects = append(index.Projects, entry)
	}
	for _, n := range knownByName {
		for _, d := range n.definitions() {
			add(kinds, n.project, "", d)
		}
		index.Projects = append(index.Projects, catalogue.Project{Name: n.project})
	}
	slices.SortFunc(index.Projects, func(a, b catalogue.Project) int { return cmp.Compare(a.Name, b.Name) })
	all := slices.SortedFunc(maps.Values(kinds), func(a, b *kindForms) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Kind.Kind, b.Kind.Kind))
	})
	for _, k := range all {
		index.Kinds = append(index.Kinds, k.Kind)
		forms = append(forms, bytes.Join(k.texts, nil))
	}
	return index, forms, nil
}

// readRelease adds the definitions of one release. Of a path that is tried later, only kinds and forms that are not
// known yet are taken.
func readRelease(entry *catalogue.Project, p project, version string, kinds map[string]*kindForms) error {
	module, tag, hasModule := strings.Cut(version, "@")
	if !hasModule {
		module, tag = p.module, version
	}
	dir, err := sourceDir(module, tag)
	if err != nil {
		return err
	}
	license, err := licenseOf(dir)
	if err != nil {
		return err
	}
	if entry.License != "" && entry.License != license {
		return fmt.Errorf("license %s, before it was %s", license, entry.License)
	}
	entry.License = license
	entry.Releases = append(entry.Releases, release(tag))
	found := 0
	for _, path := range p.paths {
		definitions, err := p.definitions(dir, path)
		if err != nil {
			return err
		}
		found += len(definitions)
		for _, d := range definitions {
			if p.reading().withoutAlpha && d.onlyAlpha() {
				d.text = nil
			}
			add(kinds, p.name, release(tag), d)
		}
	}
	if found == 0 {
		return errors.New("no CustomResourceDefinition found")
	}
	return nil
}

// sourceDir returns the folder of a release: of a Go module, or of a package of the npm registry.
func sourceDir(name, tag string) (string, error) {
	if npm, ok := strings.CutPrefix(name, npmPrefix); ok {
		return npmDir(npm, tag)
	}
	return modcache.Dir(name + "@" + tag)
}

// definitions reads the definitions of a path of a release.
func (p project) definitions(dir, path string) ([]*definition, error) {
	as := p.reading()
	switch {
	case strings.HasPrefix(p.module, npmPrefix):
		return typeScriptDefinitions(dir, path, as)
	case path == openShiftTypes:
		return openShiftDefinitions(dir, as)
	case path == kubeVirtSchemas:
		return kubeVirtDefinitions(dir, as)
	}
	return definitionsIn(dir, path, as)
}

// Paths that are read in another way than definitions in YAML.
const (
	openShiftTypes  = "openapi/openapi.json"
	kubeVirtSchemas = "pkg/virt-operator/resource/generate/components/validations_generated.go"
)

// release returns the tag that users know: a version that the go command has made of a commit is a date.
func release(tag string) string {
	if m := pseudo.FindStringSubmatch(tag); m != nil {
		return "v0-" + m[1]
	}
	return strings.TrimSuffix(tag, "+incompatible")
}

var pseudo = regexp.MustCompile(`[.-](\d{8})\d{6}-[0-9a-f]{12}$`)

// add adds a definition, whose form may be known. One without text is known by its name.
func add(kinds map[string]*kindForms, project, release string, d *definition) {
	k := kinds[d.Metadata.Name]
	if k == nil {
		k = &kindForms{Kind: catalogue.Kind{
			Group: d.Spec.Group, Kind: d.Spec.Names.Kind, Plural: d.Spec.Names.Plural, Singular: d.Spec.Names.Singular,
			ShortNames: d.Spec.Names.ShortNames, Namespaced: d.Spec.Scope == "Namespaced", Project: project,
		}}
		kinds[d.Metadata.Name] = k
	}
	if k.Project != project {
		return // a copy of somebody else's
	}
	if d.text == nil {
		return
	}
	for i, text := range k.texts {
		if bytes.Equal(text, d.text) {
			if !slices.Contains(k.Forms[i].Releases, release) {
				k.Forms[i].Releases = append(k.Forms[i].Releases, release)
			}
			return
		}
	}
	k.texts = append(k.texts, d.text)
	k.Forms = append(k.Forms, catalogue.Form{Releases: []string{release}, Versions: d.served(), Length: len(d.text)})
}

// definition is what is read of a CustomResourceDefinition.
type definition struct {
	APIVersion, Kind string
	Metadata         struct{ Name string }
	Spec             struct {
		Group string
		Scope string
		Names struct {
			Plural, Singular, Kind string
			ShortNames             []string
		}
		Versions []struct {
			Name   string
			Served bool
		}
	}
	text []byte
}

func (d *definition) served() (versions []string) {
	for _, v := range d.Spec.Versions {
		if v.Served {
			versions = append(versions, v.Name)
		}
	}
	return versions
}

// onlyAlpha reports whether the definition serves alpha versions only.
func (d *definition) onlyAlpha() bool {
	return !slices.ContainsFunc(d.served(), func(v string) bool { return !strings.Contains(v, "alpha") })
}

// definitionsIn reads the definitions of the files that a glob names.
func definitionsIn(dir, glob string, as reading) (all []*definition, err error) {
	files, err := doublestar.Glob(os.DirFS(dir), glob)
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	files = slices.DeleteFunc(files, preview.MatchString)
	for _, name := range files {
		data, err := fs.ReadFile(os.DirFS(dir), name)
		if err != nil {
			return nil, err
		}
		for _, doc := range documentEnd.Split(string(data), -1) {
			if !strings.Contains(doc, "kind: CustomResourceDefinition") {
				continue
			}
			d, err := parse(doc, as)
			if err != nil {
				d, err = parse(actionLine.ReplaceAllString(doc, ""), as)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", filepath.Join(dir, name), err)
			}
			if d != nil {
				all = append(all, d)
			}
		}
	}
	return all, nil
}

var (
	// preview is in the names of files with what OpenShift offers in previews: CustomNoUpgrade has it all.
	preview     = regexp.MustCompile(`(Dev|Tech)PreviewNoUpgrade`)
	documentEnd = regexp.MustCompile(`(?m)^---\s*$`)
	// actionLine is a line of a chart's template around a definition.
	actionLine = regexp.MustCompile(`(?m)^.*\{\{.*\}\}.*$`)
)

// parse reads a definition of the current API version, and leaves out what does not describe objects; nil if the
// text is something else.
func parse(text string, as reading) (*definition, error) {
	d := &definition{}
	if err := yaml.Unmarshal([]byte(text), d); err != nil {
		return nil, err
	}
	if d.APIVersion != "apiextensions.k8s.io/v1" || d.Kind != "CustomResourceDefinition" || d.Spec.Group == "" {
		return nil, nil
	}
	var all map[string]any
	if err := yaml.Unmarshal([]byte(text), &all); err != nil {
		return nil, err
	}
	delete(all, "status")
	metadata := map[string]any{"name": d.Metadata.Name}
	old, _ := all["metadata"].(map[string]any)
	annotations, _ := old["annotations"].(map[string]any)
	if approved, ok := annotations[approval]; ok {
		metadata["annotations"] = map[string]any{approval: approved}
	}
	all["metadata"] = metadata
	if spec, ok := all["spec"].(map[string]any); ok {
		delete(spec, "conversion") // a webhook that is not here
		if filledIn[d.Metadata.Name] {
			eachSchema(spec, func(top map[string]any) { delete(top, "required") })
		}
		eachObject(spec, func(schema map[string]any) {
			if text, ok := schema["description"].(string); ok {
				schema["description"] = shortened(text, as.maxDescription)
			}
			dropTypedChoice(schema)
		})
		if as.withoutStatus {
			eachSchema(spec, openStatus)
		}
	}
	text2, err := json.Marshal(all)
	d.text = text2
	return d, err
}

// filledIn are definitions whose objects an admission plugin of the project completes before they are validated.
var filledIn = map[string]bool{
	"securitycontextconstraints.security.openshift.io": true, // security.openshift.io/DefaultSecurityContextConstraints
}

// eachSchema calls f with the schema of each version of a definition.
func eachSchema(spec map[string]any, f func(top map[string]any)) {
	versions, _ := spec["versions"].([]any)
	for _, v := range versions {
		version, _ := v.(map[string]any)
		schema, _ := version["schema"].(map[string]any)
		if top, ok := schema["openAPIV3Schema"].(map[string]any); ok {
			f(top)
		}
	}
}

// openStatus lets the status of an object hold anything.
func openStatus(top map[string]any) {
	properties, _ := top["properties"].(map[string]any)
	if properties["status"] != nil {
		properties["status"] = map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}
	}
}

// eachObject calls f with a value and those below it that are objects.
func eachObject(value any, f func(object map[string]any)) {
	switch value := value.(type) {
	case map[string]any:
		f(value)
		for _, v := range value {
			eachObject(v, f)
		}
	case []any:
		for _, v := range value {
			eachObject(v, f)
		}
	}
}

// dropTypedChoice removes a choice between types, which the API server refuses in a schema, and allows any value there.
func dropTypedChoice(schema map[string]any) {
	if choices, ok := schema["oneOf"].([]any); ok && slices.ContainsFunc(choices, hasType) {
		delete(schema, "oneOf")
		schema["x-kubernetes-preserve-unknown-fields"] = true
	}
}

func hasType(choice any) bool {
	schema, _ := choice.(map[string]any)
	_, typed := schema["type"].(string)
	return typed
}

// approval is what the API server asks of definitions in groups of Kubernetes' own.
const approval = "api-approved.kubernetes.io"

// shortened cuts a text at the end of a sentence.
func shortened(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	cut := strings.ToValidUTF8(text[:limit], "")
	if i := strings.LastIndex(cut, ". "); i > 0 {
		return cut[:i+1]
	}
	return strings.TrimSpace(cut) + " ..."
}

// licenses are recognised by their words.
var licenses = []struct{ spdx, words string }{
	{"Apache-2.0", "Apache License Version 2.0"},
	{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy"},
	{"BSD-3-Clause", "Redistribution and use in source and binary forms"},
}

// licenseOf returns the license of a module, which must be one that lets its definitions be passed on.
func licenseOf(dir string) (string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "LICENSE*"))
	if err != nil {
		return "", err
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			continue // a folder of other licenses
		}
		text := strings.ReplaceAll(
			strings.Join(strings.Fields(string(data)), " "), "License, Version", "License Version",
		)
		for _, l := range licenses {
			if strings.Contains(text, l.words) {
				return l.spdx, nil
			}
		}
	}
	return "", errors.New("no license that is known to let the definitions be passed on")
}
