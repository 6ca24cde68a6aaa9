package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/redact"
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
	paths  []string   // of the workspace, as far as the base can have them
	folder string     // temporary, of a revision's files; empty: none
	ref    string     // revision of the files in folder
	top    string     // of its repository
	shown  *Files     // of the workspace: where reports read the files of the base
	kept   bool       // for later runs: what this run cancels is rendered all the same

	once     sync.Once
	sets     []*baseSet
	problems []error
}

// baseSet is the documents of a rendering, or of a file that belongs to no source.
type baseSet struct {
	file      string            // empty: a rendering
	rendering *render.Rendering // nil: a file
	docs      []*manifest.Document
}

// OpenBase finds the workspace's paths as they were: in another file or folder, or, for git:REF, at a revision of the
// git repository that they are in. The working tree stays as it is. A base must be closed.
func (w *Workspace) OpenBase(ctx context.Context, base string) (_ *Base, err error) {
	b := w.newBase()
	ref, isRevision := strings.CutPrefix(base, gitBase)
	if !isRevision {
		b.before.paths, err = b.inFolder(base)
	} else {
		b.before.paths, err = b.atRevision(ctx, ref)
	}
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	b.before.findInputs(b.before.paths, w.exclude)
	return b, nil
}

// newBase returns a base that has no files yet.
func (w *Workspace) newBase() *Base {
	before := *w
	before.Files = NewFiles(strings.NewReader(""))
	before.Inputs, before.Sources, before.Findings, before.Problems, before.External = nil, nil, nil, nil, nil
	return &Base{shown: w.Files, paths: w.paths, before: &before}
}

// baseIn returns the workspace's paths as they were at a revision whose files are in a folder, which outlives the base.
func (w *Workspace) baseIn(folder, ref, top string) *Base {
	b := w.newBase()
	b.shown = NewFiles(strings.NewReader("")) // nobody shows them
	b.folder, b.ref, b.top, b.kept = folder, ref, top, true
	b.before.paths = b.inCheckout()
	b.before.findInputs(b.before.paths, w.exclude)
	return b
}

// Close removes what OpenBase wrote.
func (b *Base) Close() error {
	if b.folder == "" {
		return nil
	}
	return os.RemoveAll(b.folder)
}

// inFolder returns where the paths of the workspace are in another folder: below it, where it has them all; or else it
// is what they all were.
func (b *Base) inFolder(base string) (paths []string, err error) {
	info, err := os.Stat(base)
	if err != nil {
		return nil, lint.Unreadable(base, err)
	}
	for _, p := range b.paths {
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

// atRevision writes the files of a revision into a temporary folder, and returns where the paths of the workspace are
// in it.
func (b *Base) atRevision(ctx context.Context, ref string) (paths []string, err error) {
	repository, err := revision.Find(ctx, startFolder(b.paths))
	if err != nil {
		return nil, &UsageError{fmt.Errorf("--base %s%s: %w", gitBase, ref, err)}
	}
	b.ref, b.top = ref, repository.Top
	files, err := checkOut(ctx, repository, ref, maybeInput)
	if err != nil {
		return nil, fmt.Errorf("--base %s%s: %w", gitBase, ref, err)
	}
	b.folder = files.folder
	return b.inCheckout(), nil
}

// maybeInput reports whether a file of a revision may be part of a chart, a kustomization or a manifest.
func maybeInput(f revision.File) bool {
	ext := strings.ToLower(filepath.Ext(f.Name))
	return f.Size <= largest || ext == ".yaml" || ext == ".yml" || ext == ".json" || ext == ".tgz"
}

// inCheckout returns where the paths of the workspace are in the folder of the base.
func (b *Base) inCheckout() (paths []string) {
	for _, p := range b.paths {
		there, ok := b.at(b.top, p)
		_, err := os.Stat(there)
		switch {
		case !ok:
			b.Outside = append(b.Outside, p)
		case err == nil || isGlob(p): // what is new has no base
			paths = append(paths, there)
		}
	}
	b.before.Charts.Values = b.values(b.top)
	return paths
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
	for _, top := range []string{top, withoutLinks(top)} {
		for _, abs := range []string{
			abs, filepath.Join(withoutLinks(filepath.Dir(abs)), filepath.Base(abs)), withoutLinks(abs),
		} {
			if rel, ok := below(top, abs); ok {
				return filepath.Join(b.folder, rel), true
			}
		}
	}
	return "", false
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

// name returns how reports show a file of the base: main:manifests/web.yaml, as git does, or by its path.
func (b *Base) name(file string) string {
	if b.folder == "" {
		return file
	}
	rel, ok := below(b.folder, file)
	if !ok {
		return file
	}
	return b.ref + ":" + filepath.ToSlash(rel)
}

// Problems returns what of the base could not be read, once a run has read it. It is passed over.
func (b *Base) Problems() []error { return b.problems }

// load reads and renders the base, once.
func (b *Base) load(ctx context.Context, version string) {
	if b.kept {
		ctx = context.WithoutCancel(ctx)
	}
	b.once.Do(func() {
		for _, err := range b.before.Problems {
			var input *lint.InputError
			if errors.As(err, &input) {
				err = &lint.InputError{Path: b.name(input.Path), Err: input.Err}
			}
			b.problems = append(b.problems, err)
		}
		for _, name := range b.before.Inputs {
			data, err := b.before.Read(name)
			if err != nil {
				b.problems = append(b.problems, &lint.InputError{Path: b.name(name), Err: err})
				continue
			}
			b.sets = append(b.sets, &baseSet{file: name, docs: b.documents(b.name(name), data)})
			b.shown.Put(b.name(name), data)
		}
		job := &LintJob{workspace: b.before, Options: lint.Options{Linked: version}}
		for _, r := range job.render(ctx) {
			for _, f := range r.Findings {
				if f.Severity == diag.Error {
					b.problems = append(b.problems, fmt.Errorf("rendering %s: %s", b.name(r.Name), f.Message))
				}
			}
			b.sets = append(b.sets, &baseSet{rendering: r, docs: b.documents(b.name(r.Name), r.Text)})
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

// sourceKey is what a rendering has in common with the one that it was before: where its source is, and the variant.
type sourceKey struct{ file, name, variant string }

// place returns where a file is in the base or in the workspace: from the top of the repository, or from the path that
// was named.
func (b *Base) place(file string, before bool) string {
	roots := b.paths
	if before {
		roots = b.before.paths
	}
	if b.folder != "" {
		roots = []string{b.folder}
		if !before {
			there, ok := b.at(b.top, file)
			if !ok {
				return file
			}
			file = there
		}
	}
	for i, root := range roots {
		if rel, ok := below(root, file); ok {
			if len(b.paths) != len(b.before.paths) {
				i = 0
			}
			return fmt.Sprintf("%d %s", i, filepath.ToSlash(rel))
		}
	}
	return file
}

func (b *Base) keyOf(r *render.Rendering, before bool) sourceKey {
	return sourceKey{b.place(r.Source.File, before), r.Source.Name, r.Variant.Name}
}

// match finds what the sets of a workspace were before: a rendering that of the same source and variant. Renderings
// that have none, such as those of folders that were renamed, were one of those that are gone, or files that are.
// Objects in files were in files, or in a rendering that is gone.
func (b *Base) match(inputs []string, renderings []*render.Rendering) (loose *lint.Base, rendered []*lint.Base) {
	there := map[string]bool{} // files of the workspace, and renderings
	for _, name := range inputs {
		there[b.place(name, false)] = true
	}
	now := map[sourceKey]bool{}
	for _, r := range renderings {
		now[b.keyOf(r, false)] = true
	}
	same := map[sourceKey][]*manifest.Document{}
	gone := map[string][]*manifest.Document{} // by variant
	var inFiles, goneFiles []*manifest.Document
	for _, s := range b.sets {
		switch {
		case s.rendering == nil:
			inFiles = append(inFiles, s.docs...)
			if !there[b.place(s.file, true)] {
				goneFiles = append(goneFiles, s.docs...)
			}
		case now[b.keyOf(s.rendering, true)]:
			same[b.keyOf(s.rendering, true)] = s.docs
		default:
			variant := s.rendering.Variant.Name
			gone[variant] = append(gone[variant], s.docs...)
			inFiles = append(inFiles, s.docs...)
		}
	}
	for _, r := range renderings {
		docs, ok := same[b.keyOf(r, false)]
		if !ok {
			docs = slices.Concat(gone[r.Variant.Name], goneFiles)
		}
		rendered = append(rendered, lint.NewBase(docs))
	}
	return lint.NewBase(inFiles), rendered
}

// locate moves related places in renderings of the base to where they come from.
func (b *Base) locate(findings []diag.Diagnostic) {
	for _, s := range b.sets {
		if s.rendering == nil {
			continue
		}
		for _, at := range locateRelated(findings, b.name(s.rendering.Name), s.rendering, s.docs) {
			data, err := b.before.Read(at.File)
			at.File = b.name(at.File)
			if err == nil {
				b.shown.Put(at.File, data)
			}
		}
	}
}

// locateRelated moves the related places of findings that are in a rendering, under the name of its documents, to where
// they come from, and returns them.
func locateRelated(
	findings []diag.Diagnostic, name string, r *render.Rendering, docs []*manifest.Document,
) (moved []*source.Range) {
	for i := range findings {
		for j := range findings[i].Related {
			at := &findings[i].Related[j].Range
			if at.File != name {
				continue
			}
			at.File = r.Name
			found := diag.Diagnostic{Path: findings[i].Path, Range: *at}
			for _, d := range docs {
				if d.Holds(at.Start.Offset) {
					found.Document = d.Number
				}
			}
			*at = r.Locate([]diag.Diagnostic{found})[0].Range
			moved = append(moved, at)
		}
	}
	return moved
}

// addSecrets makes the values of rendered Secrets of the base known to a redactor.
func (b *Base) addSecrets(r *redact.Redactor) {
	for _, s := range b.sets {
		if s.rendering != nil {
			r.AddFile(source.NewFile(s.rendering.Name, s.rendering.Text))
		}
	}
}
