package app

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/policy"
	"github.com/seatrial/seatrial/internal/policy/admission"
	"github.com/seatrial/seatrial/internal/redact"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/rules"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation"
)

// Rules returns all rules: those of package rules, and those that lint applies by itself.
func Rules() []*lint.Rule {
	return slices.Concat(lint.OwnRules, lint.DryRunRules, lint.PolicyRules, rules.All())
}

// Build is the program as far as it decides results.
type Build struct {
	Kubernetes string // version of the linked Kubernetes
	Program    string // identifies the build; empty: it cannot be told from another
}

// LintSettings say how a workspace is linted. What flags leave empty is taken from the configuration.
type LintSettings struct {
	Build  Build
	Rules  string // rule expression
	DryRun bool   // create the set in an API server of its own
	Jobs   int    // documents judged at the same time; 0: one for each CPU
	// NoSuppressions leaves comments, annotations, overrides that silence, and the baseline without effect.
	NoSuppressions bool
	// NoBaseline leaves the baseline without effect.
	NoBaseline bool
	CacheDir   string // of results; empty: none are kept
	Base       *Base  // what was there before; nil: nothing is judged as an update
}

// LintJob is a run of lint that can be repeated when the files have changed.
type LintJob struct {
	Options   lint.Options
	workspace *Workspace
	spare     chan *validation.Validator // that judge no set at the moment
	base      *Base
	overrides lint.Overrides
	baseline  *lint.Baseline // nil: none
	unused    lint.Overrides // of the last run
	narrowed  bool           // not all of the rules of the configuration run
	secrets   *sharedRedactor
	// definitions are the catalogue with those of the tree, of the last run; nil: the tree has none, or no sources.
	definitions *validation.Catalogue
}

// sharedRedactor knows the values of the Secrets that sources render to, which changes of the sources may show.
type sharedRedactor struct {
	mu sync.Mutex
	*redact.Redactor
}

func (r *sharedRedactor) addFile(f *source.File) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.AddFile(f)
}

// Redact returns a text of a file without the values of Secrets, of its own and of those that sources render to.
func (j *LintJob) Redact(name string, data []byte) []byte {
	j.secrets.mu.Lock()
	defer j.secrets.mu.Unlock()
	return []byte(j.secrets.Text(string(redact.File(source.NewFile(name, data)).Data)))
}

// Lint prepares a run of lint on a workspace.
func (w *Workspace) Lint(s LintSettings) (*LintJob, error) {
	all, err := w.Rules()
	if err != nil {
		return nil, &UsageError{err}
	}
	selection, err := w.selection(all, cmp.Or(s.Rules, strings.Join(w.Config.Rules, ",")))
	if err != nil {
		return nil, &UsageError{w.Config.Explain(err)}
	}
	if s.Jobs < 0 {
		return nil, usage("invalid --jobs %d: want 1 or more, or 0 for one for each CPU", s.Jobs)
	}
	v, err := w.validator()
	if err != nil {
		return nil, err
	}
	job := &LintJob{
		workspace: w, base: s.Base, narrowed: s.Rules != "" || s.NoSuppressions, overrides: w.Config.Overrides,
		secrets: &sharedRedactor{Redactor: redact.New()},
		spare:   make(chan *validation.Validator, runtime.GOMAXPROCS(0)),
	}
	job.keep(v)
	job.Options = lint.Options{
		Files: w.Inputs, Read: w.Read, CRDs: w.CRDs, PolicyFiles: w.Policies, Linked: s.Build.Kubernetes,
		Versions: w.Versions,
		Rules:    selection, All: all, External: w.External, IgnoreMissing: w.IgnoreMissing, Jobs: s.Jobs,
		Settings: slices.Concat(
			w.RuntimeConfig, []string{""}, w.FeatureGates, []string{""}, w.catalogue.settings(),
		),
		StrictKinds:    w.StrictKinds,
		NoSuppressions: s.NoSuppressions, Honor: w.Config.Honor,
	}
	if s.NoSuppressions {
		job.overrides = slices.DeleteFunc(
			slices.Clone(job.overrides), func(o lint.Override) bool { return o.Severity == 0 },
		)
	} else if w.Config.Baseline != "" && !s.NoBaseline {
		if job.baseline, err = lint.LoadBaseline(w.Config.Baseline); err != nil {
			return nil, &UsageError{err}
		}
	}
	if s.DryRun {
		linked := schema.Minor(s.Build.Kubernetes)
		if len(w.Versions) > 0 && !slices.Contains(w.Versions, linked) {
			return nil, usage(
				"--dry-run creates the objects in Kubernetes %s, which --kubernetes-version does not name", linked,
			)
		}
		job.Options.DryRun = dryRun
	}
	if s.CacheDir != "" && s.Build.Program != "" {
		program := s.Build.Program + " " + s.Build.Kubernetes
		job.Options.Cache = lint.NewCache(s.CacheDir, program)
		w.definitions.Folder = filepath.Join(s.CacheDir, "definitions")
		w.definitions.Build = program + "\n" + strings.Join(job.Options.Settings, "\n")
	}
	return job, nil
}

// validator returns a validator that serves what the user's API server does.
func (w *Workspace) validator() (*validation.Validator, error) {
	v, err := validation.New()
	if err != nil {
		return nil, err
	}
	if err := v.Serve(w.RuntimeConfig, w.FeatureGates); err != nil {
		return nil, &UsageError{err}
	}
	v.SetCatalogue(w.catalogue.judge)
	v.KeepDefinitions(w.definitions)
	return v, nil
}

// Empty reports whether there is nothing to lint.
func (j *LintJob) Empty() bool {
	w := j.workspace
	return len(j.Options.Files)+len(w.Sources)+len(w.Findings)+len(w.Components) == 0
}

// Run lints the files as they are now.
func (j *LintJob) Run(ctx context.Context) (*lint.Result, error) {
	if j.base != nil {
		j.base.load(ctx, j.version())
	}
	res, err := j.runSources(ctx)
	if err != nil || len(j.overrides) == 0 && j.baseline == nil {
		return res, err
	}
	j.unused = j.overrides.Unused(res.Diagnostics)
	kept, silenced := j.overrides.Apply(res.Diagnostics)
	if j.baseline != nil {
		kept, res.Known, res.Gone = j.baseline.Apply(kept)
	}
	res.Diagnostics = kept
	res.Count()
	res.Summary.Suppressed += silenced + res.Known
	return res, nil
}

// UnusedOverrides returns the overrides that were about no finding of the last run. It is told where all of what the
// configuration is about was judged, with all of its rules.
func (j *LintJob) UnusedOverrides() lint.Overrides {
	files := j.workspace.Config.Files()
	if len(files) == 0 || j.narrowed {
		return nil
	}
	home := filepath.Dir(files[len(files)-1])
	if !slices.ContainsFunc(j.workspace.paths, func(path string) bool {
		abs, err := filepath.Abs(path)
		if err != nil {
			return false
		}
		rel, err := filepath.Rel(abs, home)
		return err == nil && filepath.IsLocal(rel)
	}) {
		return nil
	}
	return j.unused
}

// Rules returns all rules, with those that the configuration defines.
func (w *Workspace) Rules() ([]*lint.Rule, error) {
	all := Rules()
	own, err := w.CustomRules()
	for _, r := range own {
		if slices.ContainsFunc(all, func(o *lint.Rule) bool { return o.Name == r.Name }) {
			return nil, fmt.Errorf("%s: rule %s exists already, of the program itself", r.Place, r.Name)
		}
		all = append(all, r.Rule)
	}
	return all, err
}

// CustomRules returns the rules that the configuration defines.
func (w *Workspace) CustomRules() ([]*policy.Rule, error) { return CustomRules(w.Config, w.Versions) }

// CustomRules returns the rules that a configuration defines, for some targets.
func CustomRules(c *lint.Config, targets []string) ([]*policy.Rule, error) {
	if len(c.CustomRules) == 0 {
		return nil, nil
	}
	return policy.Load(c.Files(), os.ReadFile, policy.Options{Targets: targets})
}

// selection returns the rules that run, with their settings.
func (w *Workspace) selection(all []*lint.Rule, expr string) (*lint.Selection, error) {
	selection, err := lint.Select(all, expr, w.Config.Severities)
	if err != nil {
		return nil, err
	}
	if err := w.Config.Overrides.Complete(all, time.Now()); err != nil {
		return nil, err
	}
	return selection, selection.Configure(all, w.Config.Params, w.Config.Overrides)
}

// runSet lints files as one set.
func (j *LintJob) runSet(ctx context.Context, o lint.Options) (*lint.Result, error) {
	v, err := j.validator()
	if err != nil {
		return nil, err
	}
	if j.definitions != nil {
		v.SetCatalogue(j.definitions)
	}
	o.Validator, o.Policies = v, admission.New(v)
	res, err := lint.Run(ctx, o)
	j.keep(v)
	return res, err
}

// validator returns a validator for one set: it learns definitions, and must not know those of another set. The
// storages of sets that have been judged are used again, since they take longer to build than most sets to judge.
func (j *LintJob) validator() (*validation.Validator, error) {
	select {
	case v := <-j.spare:
		return v.Renew(), nil
	default:
		return j.workspace.validator()
	}
}

// keep keeps a validator for another set.
func (j *LintJob) keep(v *validation.Validator) {
	select {
	case j.spare <- v:
	default:
	}
}

// dryRun creates the objects of a run in a cluster of their own.
func dryRun(ctx context.Context, existing, set []*unstructured.Unstructured) ([]lint.Answer, error) {
	answers, err := cluster.DryRun(ctx, existing, set)
	out := make([]lint.Answer, len(answers))
	for i, a := range answers {
		out[i] = lint.Answer(a)
	}
	return out, err
}

// Fixed is what fixes have made of the files of a job.
type Fixed struct {
	Fixes  int
	Unsafe int               // how many of these were only offered, and have to be read
	Before map[string][]byte // texts of the files that have changed, as they were
	Result *lint.Result      // of the files as they are now

	fix     func(name string, data []byte, findings []diag.Diagnostic) (fixed []byte, made int, err error)
	unsafe  bool            // fixes that are only offered are made, too
	refused map[string]bool // files of sources in which fixes do not help
}

// maxRounds bounds how often fixes are made and the files linted again: one fix can uncover the next.
const maxRounds = 8

// Fix makes the fixes that are certain, in memory, until there are none left; with unsafe it then makes those that are
// only offered. Those in sources are made only if the result, rendered again, is judged better and nowhere worse.
func (j *LintJob) Fix(ctx context.Context, res *lint.Result, unsafe bool) (*Fixed, error) {
	fixed := &Fixed{Before: map[string][]byte{}, Result: res, fix: lint.FixFile, refused: map[string]bool{}}
	if err := j.fixRounds(ctx, fixed); err != nil || !unsafe {
		return fixed, err
	}
	certain := fixed.Fixes
	fixed.fix, fixed.unsafe = lint.FixFileUnsafe, true
	err := j.fixRounds(ctx, fixed)
	fixed.Unsafe = fixed.Fixes - certain
	return fixed, err
}

// fixRounds makes fixes until there are none left.
func (j *LintJob) fixRounds(ctx context.Context, fixed *Fixed) error {
	for range maxRounds {
		made, err := j.fixOnce(fixed, j.Options.Files)
		if err != nil {
			return err
		}
		if made > 0 {
			if fixed.Result, err = j.Run(ctx); err != nil {
				return err
			}
		}
		more, err := j.fixSources(ctx, fixed)
		if err != nil {
			return err
		}
		if fixed.Fixes += made + more; made+more == 0 {
			break
		}
	}
	return nil
}

// fixOnce makes the fixes in some files.
func (j *LintJob) fixOnce(fixed *Fixed, names []string) (made int, err error) {
	for _, name := range names {
		data, err := j.workspace.Read(name)
		if err != nil {
			continue // reported already
		}
		text, n, err := fixed.fix(name, data, fixed.Result.Diagnostics)
		if err != nil {
			return 0, fmt.Errorf("fixing %s: %w", name, err)
		}
		if n == 0 {
			continue
		}
		if _, ok := fixed.Before[name]; !ok {
			fixed.Before[name] = data
		}
		made += n
		j.workspace.Put(name, text)
	}
	return made, nil
}

// fixSources makes the fixes in files of sources: all at once, or, if that is not judged better, one file after
// another.
func (j *LintJob) fixSources(ctx context.Context, fixed *Fixed) (made int, err error) {
	names := map[string]bool{}
	for _, d := range fixed.Result.Diagnostics {
		for _, fix := range d.Fixes {
			for _, e := range fix.Edits {
				if name := e.Range.File; (fix.Safe || fixed.unsafe) && !fixed.refused[name] &&
					!slices.Contains(j.Options.Files, name) {
					names[name] = true
				}
			}
		}
	}
	if len(names) == 0 {
		return 0, nil
	}
	all := slices.Sorted(maps.Keys(names))
	made, better, err := j.tryFixes(ctx, fixed, all)
	if better || err != nil {
		return made, err
	}
	if len(all) == 1 {
		fixed.refused[all[0]] = true
		return 0, nil
	}
	for _, name := range all {
		n, better, err := j.tryFixes(ctx, fixed, []string{name})
		if err != nil {
			return 0, err
		}
		if made += n; !better {
			fixed.refused[name] = true
		}
	}
	return made, nil
}

// tryFixes makes the fixes in some files of sources, and undoes them if the result is not better.
func (j *LintJob) tryFixes(ctx context.Context, fixed *Fixed, names []string) (made int, better bool, err error) {
	texts := map[string][]byte{}
	for _, name := range names {
		if texts[name], err = j.workspace.Read(name); err != nil {
			return 0, false, err
		}
	}
	if made, err = j.fixOnce(fixed, names); made == 0 || err != nil {
		return 0, false, err
	}
	res, err := j.Run(ctx)
	if err != nil {
		return 0, false, err
	}
	if lint.Better(fixed.Result.Diagnostics, res.Diagnostics) {
		fixed.Result = res
		return made, true, nil
	}
	for name, text := range texts {
		j.workspace.Put(name, text)
	}
	return 0, false, nil
}

// Files returns the names of the files that fixes may have changed: the inputs of the job, and those of sources.
func (j *LintJob) Files(fixed *Fixed) []string {
	names := slices.Clone(j.Options.Files)
	for _, name := range slices.Sorted(maps.Keys(fixed.Before)) {
		if _, _, changed := j.Changed(fixed, name); changed && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// Undo restores the texts of the files as they were before fixes.
func (j *LintJob) Undo(fixed *Fixed) {
	for name, data := range fixed.Before {
		j.workspace.Put(name, data)
	}
}

// Changed reports whether fixes have changed a file, and returns its text before and after.
func (j *LintJob) Changed(fixed *Fixed, name string) (before, after []byte, changed bool) {
	before, ok := fixed.Before[name]
	if !ok {
		return nil, nil, false
	}
	after, err := j.workspace.Read(name) // it is in memory
	return before, after, err == nil && !bytes.Equal(before, after)
}

// CacheDir returns the folder for results in the cache folder of the user, or nothing if there is none.
func CacheDir(getenv func(string) string) string {
	if dir := getenv("SEATRIAL_CACHE_DIR"); dir != "" {
		return dir
	}
	base := getenv("XDG_CACHE_HOME")
	if base == "" {
		home := getenv("HOME")
		if home == "" {
			return ""
		}
		base = filepath.Join(home, ".cache")
	}
	return filepath.Join(base, "seatrial", "lint")
}

// ThisBuild identifies the running program: its version, and the file that it was started from.
func ThisBuild(version, kubernetes string) Build {
	b := Build{Kubernetes: kubernetes}
	exe, err := os.Executable()
	if err != nil {
		return b
	}
	info, err := os.Stat(exe)
	if err != nil {
		return b
	}
	b.Program = fmt.Sprintf("%s %d %d", version, info.Size(), info.ModTime().UnixNano())
	return b
}
