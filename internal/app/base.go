package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/render"
	"github.com/seatrial/seatrial/internal/revision"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// gitBase begins a base that is a revision of git.
const gitBase = "git:"

// Base is the files of a workspace as they were before a change.
type Base struct {
	Outside []string // paths of the workspace that the base cannot have

	before *Workspace // the same paths in the base
	folder string     // temporary, of a revision's files; empty: none
	ref    string     // revision of the files in folder
	shown  *Files     // of the workspace: where reports read the files of the base

	once     sync.Once
	sets     []*baseSet
	problems []error
}

// baseSet is the documents of a rendering, or those that belong to no source.
type baseSet struct {
	variant   string
	rendering *render.Rendering // nil: of files
	docs      []*manifest.Document
}

// OpenBase finds the workspace's paths as they were: in another file or folder, or, for git:REF, at a revision of the
// git repository that they are in. The working tree stays as it is. A base must be closed.
func (w *Workspace) OpenBase(ctx context.Context, base string) (*Base, error) {
	b := &Base{shown: w.Files}
	before := *w
	before.Files = NewFiles(strings.NewReader(""))
	before.Inputs, before.Sources, before.Findings, before.Problems, before.External = nil, nil, nil, nil, nil
	b.before = &before
	ref, isRevision := strings.CutPrefix(base, gitBase)
	if !isRevision {
		paths, err := b.inFolder(base)
		if err != nil {
			return nil, err
		}
		before.findInputs(paths, w.exclude)
		return b, nil
	}
	paths, err := b.atRevision(ctx, ref)
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	before.findInputs(paths, w.exclude)
	return b, nil
}

// Workspace returns the workspace of the base. The names of its files are not those to show: see Name.
func (b *Base) Workspace() *Workspace { return b.before }

// Close removes what OpenBase wrote.
func (b *Base) Close() error {
	if b.folder == "" {
		return nil
	}
	return os.RemoveAll(b.folder)
}

// inFolder returns where the paths of the workspace are in another folder: below it, where it has them all; or else it is
// what they all were.
func (b *Base) inFolder(base string) (paths []string, err error) {
	info, err := os.Stat(base)
	if err != nil {
		return nil, lint.Unreadable(base, err)
	}
	for _, p := range b.before.paths {
		there := filepath.Join(base, p)
		if _, err := os.Stat(there); err != nil || !info.IsDir() || !filepath.IsLocal(p) {
			return []string{base}, nil
		}
		paths = append(paths, there)
	}
	return paths, nil
}

// largest is how large files are, in bytes, that are taken from a revision, unless they may be charts or manifests.
const largest = 1 << 20

// atRevision writes the files of a revision into a temporary folder, and returns where the paths of the workspace are in it.
func (b *Base) atRevision(ctx context.Context, ref string) (paths []string, err error) {
	repository, err := revision.Find(ctx, b.startFolder())
	if err != nil {
		return nil, &UsageError{fmt.Errorf("--base %s%s: %w", gitBase, ref, err)}
	}
	tree, err := repository.Tree(ctx, ref)
	if err != nil {
		return nil, &UsageError{fmt.Errorf("--base %s%s: %w", gitBase, ref, err)}
	}
	if b.folder, err = os.MkdirTemp("", "seatrial-base-"); err != nil {
		return nil, err
	}
	b.ref = ref
	keep := func(f revision.File) bool {
		ext := strings.ToLower(filepath.Ext(f.Name))
		return f.Size <= largest || ext == ".yaml" || ext == ".yml" || ext == ".json" || ext == ".tgz"
	}
	if err := tree.Write(ctx, b.folder, keep); err != nil {
		return nil, fmt.Errorf("reading the files of %s: %w", ref, err)
	}
	if err := b.markTop(repository.Top); err != nil {
		return nil, err
	}
	for _, p := range b.before.paths {
		if there, ok := b.at(repository.Top, p); ok {
			paths = append(paths, there)
		} else {
			b.Outside = append(b.Outside, p)
		}
	}
	b.before.Charts.Values = b.values(repository.Top)
	return paths, nil
}

// startFolder returns a folder of the repository: that of the first path.
func (b *Base) startFolder() string {
	for _, p := range b.before.paths {
		if p == source.Stdin {
			continue
		}
		if base, _ := doublestar.SplitPattern(filepath.ToSlash(p)); strings.ContainsAny(p, "*?[{") {
			p = filepath.FromSlash(base)
		}
		if info, err := os.Stat(p); err == nil && info.IsDir() {
			return p
		}
		return filepath.Dir(p)
	}
	return "."
}

// markTop makes the temporary folder the top of a repository for those who look for it, with the address that it was
// cloned from.
func (b *Base) markTop(top string) error {
	git := filepath.Join(b.folder, ".git")
	if err := os.Mkdir(git, 0o700); err != nil {
		return err
	}
	config, err := os.ReadFile(filepath.Join(top, ".git", "config"))
	if err != nil {
		return nil // a worktree's is elsewhere
	}
	return os.WriteFile(filepath.Join(git, "config"), config, 0o600)
}

// at returns where a path of the working tree is in the temporary folder; false if it is in another repository.
func (b *Base) at(top, name string) (there string, ok bool) {
	if name == source.Stdin {
		return "", false
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		return "", false
	}
	for _, top := range []string{top, resolved(top)} {
		for _, abs := range []string{abs, filepath.Join(resolved(filepath.Dir(abs)), filepath.Base(abs)), resolved(abs)} {
			if rel, err := filepath.Rel(top, abs); err == nil && filepath.IsLocal(rel) {
				return filepath.Join(b.folder, rel), true
			}
		}
	}
	return "", false
}

// resolved returns a path without links, or as it is where that is not known.
func resolved(name string) string {
	if real, err := filepath.EvalSymlinks(name); err == nil {
		return real
	}
	return name
}

// values returns the values files for charts as they were; those that the revision does not have as they are.
func (b *Base) values(top string) (files []string) {
	for _, name := range b.before.Charts.Values {
		if there, ok := b.at(top, name); ok {
			if _, err := os.Stat(there); err == nil {
				name = there
			}
		}
		files = append(files, name)
	}
	return files
}

// Name returns how reports show a file of the base: main:manifests/web.yaml, as git does, or by its path.
func (b *Base) Name(file string) string {
	if b.folder == "" {
		return file
	}
	rel, err := filepath.Rel(b.folder, file)
	if err != nil || !filepath.IsLocal(rel) {
		return file
	}
	return b.ref + ":" + filepath.ToSlash(rel)
}

// Problems returns what of the base could not be read. It is passed over.
func (b *Base) Problems(ctx context.Context, version string) []error {
	b.load(ctx, version)
	return b.problems
}

// load reads and renders the base, once.
func (b *Base) load(ctx context.Context, version string) {
	b.once.Do(func() {
		files := &baseSet{}
		for _, name := range b.before.Inputs {
			data, err := b.before.Read(name)
			if err != nil {
				b.problems = append(b.problems, &lint.InputError{Path: b.Name(name), Err: err})
				continue
			}
			files.docs = append(files.docs, b.documents(b.Name(name), data)...)
			b.shown.Put(b.Name(name), data)
		}
		b.sets = append(b.sets, files)
		job := &LintJob{workspace: b.before, Options: lint.Options{Linked: version}}
		for _, r := range job.render(ctx) {
			for _, f := range r.Findings {
				if f.Severity == diag.Error {
					b.problems = append(b.problems, fmt.Errorf("rendering %s: %s", b.Name(r.Name), f.Message))
				}
			}
			b.sets = append(b.sets, &baseSet{variant: r.Variant.Name, rendering: r, docs: b.documents(b.Name(r.Name), r.Text)})
		}
	})
}

// documents reads the documents of a file of the base, under the name that is shown. What is no YAML is passed over.
func (b *Base) documents(name string, data []byte) []*manifest.Document {
	docs, findings := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
	for _, f := range findings {
		if f.Severity == diag.Error {
			b.problems = append(b.problems, fmt.Errorf("%s: %s", f.Range, f.Message))
		}
	}
	return docs
}

// lintBase returns the objects that an object of a set may have been before: those of files, and of renderings of the same
// variant, or of all where there is none.
func (b *Base) lintBase(variant string) *lint.Base {
	var same, all []*manifest.Document
	for _, s := range b.sets {
		all = append(all, s.docs...)
		if s.rendering == nil || s.variant == variant {
			same = append(same, s.docs...)
		}
	}
	if len(same) == 0 {
		same = all
	}
	return lint.NewBase(same)
}

// locate moves related places in renderings of the base to where they come from.
func (b *Base) locate(findings []diag.Diagnostic) {
	for i := range findings {
		for j := range findings[i].Related {
			at := &findings[i].Related[j].Range
			for _, s := range b.sets {
				if s.rendering != nil && b.Name(s.rendering.Name) == at.File {
					*at = b.origin(s, *at)
					break
				}
			}
		}
	}
}

// origin returns where a place in a rendering of the base comes from.
func (b *Base) origin(s *baseSet, at source.Range) source.Range {
	at.File = s.rendering.Name
	found := diag.Diagnostic{Range: at}
	for _, d := range s.docs {
		if d.Holds(at.Start.Offset) {
			found.Document = d.Number
		}
	}
	at = s.rendering.Locate([]diag.Diagnostic{found})[0].Range
	name := b.Name(at.File)
	if data, err := b.before.Read(at.File); err == nil {
		b.shown.Put(name, data)
	}
	at.File = name
	return at
}
