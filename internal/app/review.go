package app

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"golang.org/x/sync/errgroup"

	"github.com/seatrial/seatrial/internal/redact"
	"github.com/seatrial/seatrial/internal/review"
	"github.com/seatrial/seatrial/internal/revision"
	"github.com/seatrial/seatrial/internal/sanitize"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
)

// ReviewOptions say what is reviewed.
type ReviewOptions struct {
	Settings
	Build Build
	Rules string // rule expression

	Base string // revision of git or folder; empty: the default branch
	Head string // revision of git; empty: the working tree

	Plan   string         // PlanAuto, PlanNone or PlanAll
	Nodes  []*corev1.Node // of the simulated clusters; nil: the default ones
	Budget time.Duration  // for all simulations, with PlanAuto
	// Collect is called at moments at which nothing runs; or nil.
	Collect func()
}

// Values of ReviewOptions.Plan.
const (
	PlanAuto = "auto" // as many rollouts as the budget has room for
	PlanNone = "none"
	PlanAll  = "all"
)

// Review compares what the paths apply on two sides. The report holds no values of Secrets.
func (o *ReviewOptions) Review(ctx context.Context) (*review.Report, error) {
	r := &reviewer{ReviewOptions: o}
	defer r.close()
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	if err := r.read(ctx); err != nil {
		return nil, err
	}
	if err := r.group(); err != nil {
		return nil, err
	}
	report := review.Compare(review.Input{
		Base: r.old.revision, Head: r.new.revision, Environments: r.environments(ctx), Others: r.others,
		Unchanged: r.unchanged, Notes: r.notes,
	})
	if err := r.simulate(ctx, report); err != nil {
		return nil, err
	}
	return r.cleaned(report), nil
}

// reviewer is one review.
type reviewer struct {
	*ReviewOptions
	old, new  *reviewSide
	pairs     []*unitPair // that differ
	same      []*unit     // of the new side, that do not
	groups    []*reviewGroup
	unchanged int
	notes     []string
	folders   []string // to remove

	others func() []*review.Object
}

func (r *reviewer) close() {
	for _, f := range r.folders {
		_ = os.RemoveAll(f) // temporary
	}
}

// unitPair is a unit as both sides have it; one of them may be nil.
type unitPair struct {
	old, new         *unit
	oldRead, newRead *review.Side
	moved            bool
}

// either returns the unit of the new side, or else of the old.
func (p *unitPair) either() *unit {
	if p.new != nil {
		return p.new
	}
	return p.old
}

// open finds the sides and what they apply.
func (r *reviewer) open(ctx context.Context) error {
	if len(r.Paths) == 0 {
		r.Paths = []string{"."}
	}
	repository, folder, err := r.repository(ctx)
	if err != nil {
		return err
	}
	if folder != "" {
		err = r.openFolders(folder)
	} else {
		err = r.openRevisions(ctx, repository)
	}
	if err != nil {
		return err
	}
	for _, s := range []*reviewSide{r.new, r.old} {
		settings := r.Settings
		settings.Paths, s.configRoot = s.paths, r.new.root
		if settings.Config == "" {
			settings.Folder = r.new.configFolder()
		}
		if err := s.discover(settings, LintSettings{Build: r.Build, Rules: r.Rules}); err != nil {
			return err
		}
	}
	if r.old.empty() && r.new.empty() {
		return NoDocuments(r.Paths)
	}
	if r.old.empty() {
		r.notes = append(
			r.notes, fmt.Sprintf("%s holds nothing to compare with: everything is new", r.old.revision.Name),
		)
	}
	r.pair()
	return nil
}

// repository returns the repository of the paths, or the folder that is the base.
func (r *reviewer) repository(ctx context.Context) (repository *revision.Repository, folder string, err error) {
	repository, err = revision.Find(ctx, startFolder(r.Paths))
	info, statErr := os.Stat(r.Base)
	if statErr != nil || !info.IsDir() {
		if err != nil {
			return nil, "", usage("%w; --base takes a folder as well", err)
		}
		return repository, "", nil
	}
	written := filepath.IsAbs(r.Base) || strings.HasPrefix(filepath.ToSlash(r.Base), ".")
	if err == nil && !written {
		if _, unknown := repository.Resolve(ctx, r.Base); unknown == nil {
			return repository, "", nil
		}
	}
	if r.Head != "" {
		return nil, "", usage("--head names a revision, and --base %s a folder", r.Base)
	}
	return nil, r.Base, nil
}

// openFolders makes two folders the sides.
func (r *reviewer) openFolders(base string) error {
	if len(r.Paths) != 1 {
		return usage("--base %s is a folder: compare one PATH with it", base)
	}
	if info, err := os.Stat(r.Paths[0]); err != nil || !info.IsDir() {
		return usage("--base %s is a folder, and %s is not", base, r.Paths[0])
	}
	for _, f := range []struct {
		side **reviewSide
		path string
	}{{&r.old, base}, {&r.new, r.Paths[0]}} {
		root, err := filepath.Abs(f.path)
		if err != nil {
			return err
		}
		root = withoutLinks(root)
		*f.side = &reviewSide{
			root: root, paths: []string{root},
			revision: review.Revision{Name: filepath.ToSlash(filepath.Clean(f.path))},
		}
	}
	return nil
}

// openRevisions makes a revision and the working tree, or another revision, the sides.
func (r *reviewer) openRevisions(ctx context.Context, repository *revision.Repository) error {
	base := r.Base
	if base == "" {
		branch, err := repository.DefaultBranch(ctx)
		if err != nil {
			return usage("%w: --base", err)
		}
		base = branch
	}
	head := cmp.Or(r.Head, "HEAD")
	if _, err := repository.Resolve(ctx, base); err != nil {
		return usage("--base: %w", err)
	}
	if _, err := repository.Resolve(ctx, head); err != nil {
		return usage("--head: %w", err)
	}
	commit, err := repository.MergeBase(ctx, base, head)
	if err != nil {
		if commit, err = repository.Resolve(ctx, base); err != nil {
			return err
		}
		r.notes = append(r.notes, fmt.Sprintf(
			"%s and %s have no common commit in this clone: the tip of %s is compared", base, head, base,
		))
	}
	if r.old, err = r.checkOut(ctx, repository, base, commit); err != nil {
		return err
	}
	if r.Head != "" {
		if r.new, err = r.checkOut(ctx, repository, r.Head, r.Head); err != nil {
			return err
		}
	} else {
		r.new = &reviewSide{root: withoutLinks(repository.Top), revision: review.Revision{Name: "working tree"}}
	}
	return r.locatePaths(repository.Top)
}

// checkOut makes a revision a side, under the name by which it was asked for.
func (r *reviewer) checkOut(
	ctx context.Context, repository *revision.Repository, name, ref string,
) (*reviewSide, error) {
	files, err := checkOut(ctx, repository, ref, nil)
	if err != nil {
		return nil, err
	}
	r.folders = append(r.folders, files.folder)
	return &reviewSide{root: files.folder, revision: review.Revision{Name: name, Commit: files.commit}}, nil
}

// locatePaths finds the paths on both sides.
func (r *reviewer) locatePaths(top string) error {
	for _, p := range r.Paths {
		abs, err := filepath.Abs(p)
		if err != nil {
			return err
		}
		in, ok := below(withoutLinks(top), withoutLinks(abs))
		if !ok {
			return usage("%s is not in the repository %s", p, top)
		}
		found := false
		for _, s := range []*reviewSide{r.old, r.new} {
			name := filepath.Join(s.root, in)
			if _, err := os.Stat(name); err == nil || isGlob(p) {
				s.paths = append(s.paths, name)
				found = true
			}
		}
		if !found {
			return &lint.InputError{Path: p, Err: os.ErrNotExist}
		}
	}
	return nil
}

// pair matches the units of both sides by name, and leaves out those whose inputs are the same.
func (r *reviewer) pair() {
	for _, u := range r.new.units {
		was := r.old.find(u.key)
		switch {
		case was == nil:
			r.pairs = append(r.pairs, &unitPair{new: u})
		case was.digest == u.digest:
			r.unchanged++
			r.same = append(r.same, u)
		default:
			r.pairs = append(r.pairs, &unitPair{old: was, new: u})
		}
	}
	for _, u := range r.old.units {
		if r.new.find(u.key) == nil {
			r.pairs = append(r.pairs, &unitPair{old: u})
		}
	}
	r.others = sync.OnceValue(r.readOthers)
}

// read renders and judges the units that differ.
func (r *reviewer) read(ctx context.Context) error {
	if err := r.each(ctx, func(p *unitPair) error { return p.render(r.Charts) }); err != nil {
		return err
	}
	r.joinMoved()
	for _, s := range []*reviewSide{r.old, r.new} {
		s.collect(r.pairs, s == r.new)
	}
	if err := r.each(ctx, func(p *unitPair) error { return r.judge(ctx, p, nil) }); err != nil {
		return err
	}
	return r.judgeAgain(ctx)
}

// each calls f for each pair, on all processors.
func (r *reviewer) each(ctx context.Context, f func(*unitPair) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, p := range r.pairs {
		g.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return f(p)
		})
	}
	return g.Wait()
}

// judge reads both sides of a pair. External are objects that other units bring.
func (r *reviewer) judge(ctx context.Context, p *unitPair, external []string) (err error) {
	if p.old != nil {
		if p.oldRead, err = p.old.read(ctx, nil, external); err != nil {
			return err
		}
	}
	if p.new != nil {
		if p.newRead, err = p.new.read(ctx, p.old, external); err != nil {
			return err
		}
	}
	if p.old != nil && p.new != nil {
		return p.new.update(ctx, p.oldRead, p.newRead)
	}
	return nil
}

// judgeAgain repeats the judgement of units with new findings about references, which what is unchanged may answer.
func (r *reviewer) judgeAgain(ctx context.Context) error {
	if len(r.same) == 0 {
		return nil
	}
	var again []*unitPair
	for _, p := range r.pairs {
		if p.newRead != nil && slices.ContainsFunc(p.newRead.Findings, isAboutReferences) {
			again = append(again, p)
		}
	}
	if len(again) == 0 {
		return nil
	}
	var external []string
	for _, o := range r.others() {
		external = append(external, o.Document.Object.Kind+"/"+o.Document.Object.Name)
	}
	all := r.pairs
	defer func() { r.pairs = all }()
	r.pairs = again
	return r.each(ctx, func(p *unitPair) error { return r.judge(ctx, p, external) })
}

// environments returns the pairs for comparison.
func (r *reviewer) environments(ctx context.Context) (all []*review.Environment) {
	for _, g := range r.groups {
		e := &review.Environment{
			Name: g.name, Was: g.was(), Kind: g.kind(), Old: g.old, New: g.new, Fate: g.fate,
			Elsewhere: func(ref lint.Ref) bool { return r.elsewhere(g, ref) }, Nodes: g.nodes,
		}
		if len(g.same) > 0 {
			e.Rest = sync.OnceValue(func() []*review.Object { return g.rest(ctx, r.Charts) })
		}
		if g.snapshot != nil {
			e.Running = g.snapshot.beside(g.workloads())
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *review.Environment) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// elsewhere reports whether another environment of the new side brings an object.
func (r *reviewer) elsewhere(but *reviewGroup, ref lint.Ref) bool {
	is := func(o *review.Object) bool {
		id := o.Identity()
		return id.Group == ref.Group && id.Kind == ref.Kind && id.Name == ref.Name &&
			(ref.Namespace == "" || id.Namespace == ref.Namespace)
	}
	for _, g := range r.groups {
		if g != but && g.new != nil && slices.ContainsFunc(g.new.Objects, is) {
			return true
		}
	}
	return slices.ContainsFunc(r.others(), is)
}

// cleaned returns the report without the values of Secrets, and with names of files as the repository has them.
func (r *reviewer) cleaned(report *review.Report) *review.Report {
	secrets := redact.New()
	for _, p := range r.pairs {
		for _, side := range []*review.Side{p.oldRead, p.newRead} {
			if side == nil {
				continue
			}
			var docs []*manifest.Document
			for _, o := range side.Objects {
				docs = append(docs, o.Document)
			}
			secrets.Add(docs...)
		}
	}
	roots := strings.NewReplacer(r.old.prefixes(r.new)...)
	base, head := report.Base, report.Head // the names of folders are those that were given
	cleaned := sanitize.Copy(report, func(s string) string {
		if !redact.Short(s) { // fields of Secrets are masked already; 2 replicas are not a Secret's 2
			s = secrets.Text(s)
		}
		return roots.Replace(s)
	})
	cleaned.Base, cleaned.Head = base, head
	return cleaned
}
