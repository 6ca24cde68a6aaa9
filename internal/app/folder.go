package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/lsp"
	"github.com/seatrial/seatrial/internal/render"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/validation"
)

// Folders opens folders for an editor. Kinds are compiled again only when the definitions of a folder change.
type Folders struct {
	Build Build
	Child []string // command line of this program that renders charts whose templates may not end

	mu          sync.Mutex
	stores      map[string]compiled                // by folder
	objects     map[string]judged                  // by file
	definitions map[string]*validation.Definitions // by the settings that decide what is made of them
	defined     map[string]defined                 // by file
	results     map[string]*results                // by folder

	heads  heads
	memory memory
}

// compiled is the kinds of a folder, and what they were compiled from.
type compiled struct {
	key   [sha256.Size]byte
	store *schema.Store
}

// Folder is the manifests of one folder at a moment, as one set.
type Folder struct {
	*Workspace
	name string
	of   *Folders

	asked  sync.Mutex // one question about objects at a time
	set    *lint.Set
	judges *validation.Validator

	renderings map[string][]lsp.Rendering // by the file that they are made of
}

// Open takes a snapshot of a folder, without those below it: its manifests on disk, and those that are open in the
// editor, whose texts are in overlay. A name that is no absolute path is one document of its own. Version is the target
// where the configuration names none; empty, or unknown: the linked one.
func (f *Folders) Open(name string, overlay map[string][]byte, version string) (*Folder, error) {
	s := Settings{AnyFiles: true, Charts: render.Options{Child: f.Child}}
	files := manifestsIn(name, overlay)
	if filepath.IsAbs(name) {
		s.Folder = name
		s.Paths = slices.DeleteFunc(slices.Clone(files), func(file string) bool { return !onDisk(file) })
	}
	texts := WithOverlay(overlay)
	texts.memory = &f.memory
	w, err := Open(texts, s)
	if err != nil {
		return nil, err
	}
	if len(w.Versions) == 0 && slices.Contains(schema.Versions(), version) {
		w.Versions = []string{version}
	}
	w.definitions = f.definitionsFor(w)
	for _, file := range files {
		_, open := overlay[file]
		if unsaved := !slices.Contains(s.Paths, file); unsaved ||
			open && !w.owns(file) && !slices.Contains(w.Inputs, file) {
			w.Inputs = append(w.Inputs, file) // what is being written may become a manifest
		}
	}
	slices.Sort(w.Inputs)
	return &Folder{Workspace: w, name: name, of: f}, nil
}

// Close removes the temporary files of the folders.
func (f *Folders) Close() { f.heads.close() }

// definitionsFor returns what was made of definitions for folders with the settings of a workspace.
func (f *Folders) definitionsFor(w *Workspace) *validation.Definitions {
	settings := strings.Join(slices.Concat(w.RuntimeConfig, []string{""}, w.FeatureGates), "\n")
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.definitions == nil {
		f.definitions = map[string]*validation.Definitions{}
	}
	if f.definitions[settings] == nil {
		f.definitions[settings] = &validation.Definitions{}
	}
	return f.definitions[settings]
}

func onDisk(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// Rendered reports whether a file is part of a source of the folder, and judged by what that renders to.
func (f *Folder) Rendered(name string) bool { return f.owns(name) }

// extensions of the files that are manifests.
var extensions = []string{".yaml", ".yml", ".json"}

// manifestsIn lists the manifests of a folder by name.
func manifestsIn(folder string, overlay map[string][]byte) []string {
	if !filepath.IsAbs(folder) {
		return []string{folder}
	}
	found := map[string]bool{}
	for name := range overlay {
		if filepath.Dir(name) == folder {
			found[name] = true
		}
	}
	entries, _ := os.ReadDir(folder) // of a file that is not saved yet, the folder may not exist
	for _, e := range entries {
		if !e.IsDir() && slices.Contains(extensions, strings.ToLower(filepath.Ext(e.Name()))) {
			found[filepath.Join(folder, e.Name())] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// Lint lints the manifests of the folder, and what its sources render to, also as changes of what is committed.
func (f *Folder) Lint(ctx context.Context) ([]diag.Diagnostic, error) {
	job, err := f.Workspace.Lint(LintSettings{Build: f.of.Build, Base: f.of.heads.sourcesOf(ctx, f.Workspace, f.name)})
	if err != nil {
		return nil, err
	}
	job.Options.Base = f.of.heads.base(ctx, f.name)
	kept := f.of.resultsOf(f.name)
	kept.Lock()
	defer kept.Unlock()
	job.Options.Cache = kept.cache
	res, err := job.Run(ctx)
	if err != nil {
		return nil, err
	}
	dropHeadPlaces(res.Diagnostics)
	return res.Diagnostics, nil
}

// results keeps what was found in the files of a folder. One run at a time may use it.
type results struct {
	sync.Mutex
	cache *lint.Cache
}

func (f *Folders) resultsOf(folder string) *results {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.results == nil {
		f.results = map[string]*results{}
	}
	if f.results[folder] == nil {
		f.results[folder] = &results{cache: lint.NewMemoryCache()}
	}
	return f.results[folder]
}

// Store returns the kinds of the newest version that the manifests are for, with those that the folder or its
// configuration defines.
func (f *Folder) Store() (*schema.Store, error) {
	version := schema.Latest
	if len(f.Versions) > 0 {
		version = f.Versions[len(f.Versions)-1]
	}
	var definitions [][]byte
	h := sha256.New()
	fmt.Fprintln(h, version)
	for _, name := range slices.Concat(f.CRDs, f.Inputs) {
		if in := f.of.definedIn(f.Files, name); len(in.definitions) > 0 {
			definitions = append(definitions, in.definitions...)
			h.Write(in.sum[:])
		}
	}
	for _, d := range f.known() {
		definitions = append(definitions, d)
		fmt.Fprintln(h, len(d))
		h.Write(d)
	}
	key := [sha256.Size]byte(h.Sum(nil))
	f.of.mu.Lock()
	defer f.of.mu.Unlock()
	if c, ok := f.of.stores[f.name]; ok && c.key == key {
		return c.store, nil
	}
	store, err := schema.Open(version)
	if err != nil {
		return nil, err
	}
	if with, err := store.With(definitions...); err == nil {
		store = with // lint reports a definition that is wrong
	}
	if f.of.stores == nil {
		f.of.stores = map[string]compiled{}
	}
	f.of.stores[f.name] = compiled{key, store}
	return store, nil
}

// defined is the definitions in a text.
type defined struct {
	sum         [sha256.Size]byte
	definitions [][]byte // as JSON
}

// definedIn returns the definitions in a file, which is read as YAML only when it has changed.
func (f *Folders) definedIn(files *Files, name string) defined {
	data, err := files.Read(name)
	if err != nil || !bytes.Contains(data, []byte(definitionKind)) {
		return defined{}
	}
	sum := sha256.Sum256(data)
	f.mu.Lock()
	known, ok := f.defined[name]
	f.mu.Unlock()
	if ok && known.sum == sum {
		return known
	}
	known = defined{sum, definitionsOf(name, data)}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.defined == nil {
		f.defined = map[string]defined{}
	}
	f.defined[name] = known
	return known
}

// known returns the definitions of the catalogue for the kinds that occur in the folder.
func (f *Folder) known() (definitions [][]byte) {
	seen := map[schema.GVK]bool{}
	for _, name := range f.Inputs {
		data, err := f.Read(name)
		if err != nil {
			continue
		}
		for _, doc := range strings.Split(string(data), "\n---") {
			apiVersion, kind := apiVersionLine.FindStringSubmatch(doc), kindLine.FindStringSubmatch(doc)
			if apiVersion == nil || kind == nil {
				continue
			}
			gvk := gvkOf(apiVersion[1], kind[1])
			if seen[gvk] || schema.IsBuiltinGroup(gvk.Group) {
				continue
			}
			seen[gvk] = true
			if data, err := f.catalogue.Definition(gvk); err == nil && data != nil {
				definitions = append(definitions, data)
			}
		}
	}
	return definitions
}

var (
	apiVersionLine = regexp.MustCompile(`(?m)^apiVersion:[ \t]*["']?([^\s"']+)`)
	kindLine       = regexp.MustCompile(`(?m)^kind:[ \t]*["']?([^\s"']+)`)
)

func gvkOf(apiVersion, kind string) schema.GVK {
	group, version, found := strings.Cut(apiVersion, "/")
	if !found {
		group, version = "", apiVersion
	}
	return schema.GVK{Group: group, Version: version, Kind: kind}
}
