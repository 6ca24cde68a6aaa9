package app

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/policy"
	"github.com/seatrial/seatrial/internal/policy/admission"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/rules"
	"github.com/seatrial/seatrial/schema"
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
	base      *Base
	overrides lint.Overrides
	baseline  *lint.Baseline // nil: none
	unused    lint.Overrides // of the last run
	narrowed  bool           // not all of the rules of the configuration run
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
	if _, err := w.validator(); err != nil {
		return nil, err
	}
	job := &LintJob{workspace: w, base: s.Base, narrowed: s.Rules != "" || s.NoSuppressions, overrides: w.Config.Overrides, Options: lint.Options{
		Files: w.Inputs, Read: w.Read, CRDs: w.CRDs, PolicyFiles: w.Policies, Linked: s.Build.Kubernetes, Versions: w.Versions,
		Rules: selection, All: all, External: w.External, IgnoreMissing: w.IgnoreMissing, Jobs: s.Jobs,
		Settings: slices.Concat(w.RuntimeConfig, []string{""}, w.FeatureGates, []string{""}, w.catalogue.settings()), StrictKinds: w.StrictKinds,
		NoSuppressions: s.NoSuppressions, Honor: w.Config.Honor,
	}}
	if s.NoSuppressions {
		job.overrides = slices.DeleteFunc(slices.Clone(job.overrides), func(o lint.Override) bool { return o.Severity == 0 })
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
	v, err := j.workspace.validator() // it learns definitions, and must not know those of another set
	if err != nil {
		return nil, err
	}
	o.Validator, o.Policies = v, admission.New(v)
	return lint.Run(ctx, o)
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
	Before map[string][]byte // texts of the files that have changed, as they were
	Result *lint.Result      // of the files as they are now
}

// maxRounds bounds how often fixes are made and the files linted again: one fix can uncover the next.
const maxRounds = 8

// Fix makes the fixes that are certain, in memory, until there are none left.
func (j *LintJob) Fix(ctx context.Context, res *lint.Result) (*Fixed, error) {
	fixed := &Fixed{Before: map[string][]byte{}, Result: res}
	for range maxRounds {
		made, err := j.fixOnce(fixed)
		if err != nil {
			return nil, err
		}
		if made == 0 {
			break
		}
		fixed.Fixes += made
		if fixed.Result, err = j.Run(ctx); err != nil {
			return nil, err
		}
	}
	return fixed, nil
}

func (j *LintJob) fixOnce(fixed *Fixed) (made int, err error) {
	for _, name := range j.Options.Files {
		data, err := j.workspace.Read(name)
		if err != nil {
			continue // reported already
		}
		text, n, err := lint.FixFile(name, data, fixed.Result.Diagnostics)
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
