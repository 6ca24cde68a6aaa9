// Package app does what the commands of seatrial and its language server have in common: it finds the files and the
// configuration that they work on, and runs lint and plan on them. Flags, exit codes and output are package cli's.
//
// The central type is [Workspace], which [Open] makes of [Files] and [Settings]:
//
//	w, err := app.Open(app.NewFiles(os.Stdin), app.Settings{Paths: []string{"manifests/"}})
//	job, err := w.Lint(app.LintSettings{})
//	res, err := job.Run(ctx)
package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/render"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/validation"
)

// AnyKind is the name under which users accept any kind without a schema; the glob "*" does as well.
const AnyKind = "all"

// UsageError is what is wrong with a setting.
type UsageError struct{ error }

// Unwrap returns the cause.
func (e *UsageError) Unwrap() error { return e.error }

func usage(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

// Settings say what a workspace is made of. What flags leave empty is taken from the configuration file.
type Settings struct {
	Paths         []string // files, folders, globs, "-"
	StdinName     string   // under which "-" is judged, as if it were that file; empty: "-"
	Exclude       []string // globs of files and folders that are not read; those of the configuration are added
	Config        string   // configuration file; empty: the one found from Folder upwards
	Folder        string   // where the configuration is looked for; empty: the working folder
	Versions      []string // target Kubernetes versions; empty: the linked one
	CRDs          []string // files, folders and globs of CustomResourceDefinitions that exist already
	External      []string // objects that exist outside; those of the configuration are added
	IgnoreMissing []string // kinds that are accepted without a schema; those of the configuration are added
	RuntimeConfig []string // what the API server serves beside its defaults, as its own flag takes it
	FeatureGates  []string // feature gates of the API server
	StrictKinds   bool     // a kind that nothing defines is an error
	AnyFiles      bool     // paths may name files without API objects, as hooks do
	// Rebase returns a path of the configuration in the tree that is read; nil: it is the configuration's own.
	Rebase func(path string) string

	Charts render.Options // with which charts are rendered
}

// Workspace is the files that a command works on, with the configuration that holds for them.
type Workspace struct {
	*Files
	Config        *lint.Config
	Inputs        []string // names of the manifests that belong to no source, in order
	Sources       []*render.Source
	Foreign       int               // files that hold no API objects
	Hidden        []string          // files and folders that were passed over since their names begin with a dot
	Unsearched    []string          // folders with manifests that hold the files of others, or of tests
	Unused        int               // patches, and files in comments of kustomizations, that no kustomization uses
	Templates     int               // files of the last run that are templates of no chart
	Components    []string          // names of configuration files of Kubernetes' own components
	Elsewhere     int               // sources that objects of Flux and Argo CD ask for and that are not here
	Findings      []diag.Diagnostic // about files that are no manifests: kustomizations that were named
	Problems      []error           // inputs that cannot be read
	Versions      []string          // target minor versions, each once; empty: the linked one
	CRDs          []string          // names of files of definitions that exist already
	Policies      []string          // names of files of admission policies that hold for every set
	External      []string
	IgnoreMissing []string // globs of Kind or group/Kind
	RuntimeConfig []string // of the API server
	FeatureGates  []string // of the API server
	StrictKinds   bool
	AnyFiles      bool
	Charts        render.Options

	rebase         func(path string) string
	catalogue      *Catalogue
	definitions    *validation.Definitions
	paths, exclude []string                                     // as given
	schemaLines    []string                                     // names of files whose comments name schemas
	owns           func(name string) bool                       // reports whether a file is part of a source
	setForOthers   func(group, kind, path string) (file string) // see render.Tree
}

// Open finds the files of a workspace and reads its configuration.
func Open(files *Files, s Settings) (*Workspace, error) {
	cfg, err := Configuration(s.Config, s.Folder)
	if err != nil {
		return nil, &UsageError{err}
	}
	w := &Workspace{
		Files: files, Config: cfg, External: slices.Concat(s.External, cfg.External), StrictKinds: s.StrictKinds,
		AnyFiles: s.AnyFiles,
	}
	w.Charts, w.rebase, w.definitions = s.Charts, s.Rebase, &validation.Definitions{}
	if err := checkExternal(w.External); err != nil {
		return nil, err
	}
	if w.IgnoreMissing, err = kindGlobs(slices.Concat(s.IgnoreMissing, cfg.IgnoreMissingSchemas)); err != nil {
		return nil, err
	}
	w.RuntimeConfig = firstNonEmpty(s.RuntimeConfig, cfg.RuntimeConfig)
	w.FeatureGates = firstNonEmpty(s.FeatureGates, cfg.FeatureGates)
	if w.Versions, err = minors(firstNonEmpty(s.Versions, cfg.KubernetesVersions)); err != nil {
		return nil, err
	}
	exclude := slices.Concat(s.Exclude, cfg.Exclude)
	invalid := func(glob string) bool { return !doublestar.ValidatePattern(filepath.ToSlash(glob)) }
	if i := slices.IndexFunc(exclude, invalid); i >= 0 {
		return nil, usage("invalid --exclude %q: want a glob", exclude[i])
	}
	if s.Paths, err = files.nameStdin(s.Paths, s.StdinName); err != nil {
		return nil, err
	}
	w.findInputs(s.Paths, exclude)
	w.paths, w.exclude = s.Paths, exclude
	crds, problems := lint.Inputs(firstNonEmpty(s.CRDs, cfg.CRDs.Paths), nil)
	var schemas schemaFiles
	w.CRDs, schemas = splitSchemas(crds)
	for _, name := range w.schemaLines {
		if data, err := w.Read(name); err == nil {
			schemas.addSchemaLine(name, data)
		}
	}
	if w.catalogue, err = openCatalogue(cfg.CRDs.Releases, schemas); err != nil {
		return nil, &UsageError{err}
	}
	var more []error
	w.Policies, more = lint.Inputs(fromHere(cfg.Policies), nil)
	return w, errors.Join(append(problems, more...)...)
}

// fromHere returns paths relative to the working folder, as users name the files below it.
func fromHere(paths []string) []string {
	here, err := os.Getwd()
	if err != nil {
		return paths
	}
	relative := slices.Clone(paths)
	for i, p := range paths {
		if rel, err := filepath.Rel(here, p); err == nil && filepath.IsAbs(p) {
			relative[i] = rel
		}
	}
	return relative
}

// Configuration reads a configuration file, or without a name the one that is found from a folder upwards; without
// one it is empty.
func Configuration(name, folder string) (*lint.Config, error) {
	if name == "" {
		if folder == "" {
			folder = "."
		}
		found, err := lint.FindConfig(folder)
		if err != nil || found == "" {
			return &lint.Config{}, err
		}
		name = found
	}
	return lint.LoadConfig(name)
}

// Excluded counts the paths that are files, and that globs of exclude leave out.
func (w *Workspace) Excluded() (n int) {
	for _, name := range w.paths {
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() && lint.Excluded(w.exclude, name) {
			n++
		}
	}
	return n
}

// maxSearched is how many files are held against the globs of exclude, to find those that match nothing.
const maxSearched = 20000

// UnusedExcludes returns the globs of exclude that match no file or folder below the folders among the paths. Files
// that are named say nothing about the rest of a project.
func (w *Workspace) UnusedExcludes() []string {
	unused := slices.Clone(w.exclude)
	searched := 0
	for _, root := range w.paths {
		if len(unused) == 0 {
			break
		}
		if info, err := os.Stat(root); err != nil || !info.IsDir() {
			return nil
		}
		_ = filepath.WalkDir(root, func(name string, _ fs.DirEntry, err error) error {
			if searched++; searched > maxSearched {
				unused = nil // it is not known
			}
			if len(unused) == 0 {
				return filepath.SkipAll
			}
			if err == nil {
				unused = slices.DeleteFunc(unused, func(g string) bool { return lint.Excluded([]string{g}, name) })
			}
			return nil
		})
	}
	return unused
}

func checkExternal(objects []string) error {
	for _, e := range objects {
		if _, err := filepath.Match(e, ""); err != nil || strings.Count(e, "/") > 2 {
			return usage("invalid external object %q: want Kind/name or Kind/namespace/name", e)
		}
	}
	return nil
}

// kindGlobs returns globs of kinds, with "*" for AnyKind.
func kindGlobs(kinds []string) ([]string, error) {
	for i, k := range kinds {
		if k == AnyKind {
			kinds[i] = "*"
		}
		if _, err := path.Match(k, ""); err != nil || strings.Count(k, "/") > 1 {
			return nil, usage("invalid kind %q without a schema: want all, Kind or group/Kind, globs allowed", k)
		}
	}
	return kinds, nil
}

// minors returns the minor versions of targets, each once.
func minors(versions []string) (minors []string, err error) {
	for _, v := range versions {
		minor, err := MinorVersion(v)
		if err != nil {
			return nil, &UsageError{err}
		}
		if !slices.Contains(minors, minor) {
			minors = append(minors, minor)
		}
	}
	return minors, nil
}

// MinorVersion returns the minor version of a target, or an error that names the known ones.
func MinorVersion(version string) (string, error) {
	s, err := schema.Open(version)
	if err == nil {
		return s.Version, nil
	}
	if longer := version + "0"; slices.Contains(schema.Versions(), longer) {
		return "", fmt.Errorf(
			"%w; did you mean %q? Without quotes YAML reads it as the number %s", err, longer, version,
		)
	}
	return "", err
}

func firstNonEmpty(flag, config []string) []string {
	if len(flag) > 0 {
		return flag
	}
	return config
}
