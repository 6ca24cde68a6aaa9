package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/app"
	"github.com/seatrial/seatrial/internal/atomicfile"
	"github.com/seatrial/seatrial/internal/report"
	"github.com/seatrial/seatrial/lint"
)

// lintOptions are the flags of seatrial lint.
type lintOptions struct {
	Streams
	app.Settings
	lint    app.LintSettings
	output  string
	failOn  string
	fix     bool
	unsafe  bool
	diff    bool
	color   string
	noCache bool
	all     bool
	verbose bool
	// ambiguous is a glob after a bare --ignore-missing-schemas that may have been meant for kinds; empty: none
	ambiguous string
	base      string
	context   string // of the kubeconfig, whose cluster's definitions judge; empty: none

	writeBaseline string // file to write the findings to
}

func newLintCommand(s Streams) *cobra.Command {
	o := &lintOptions{Streams: s}
	cmd := &cobra.Command{
		Use:   "lint [PATH|-]...",
		Short: "Validate manifests as the API server does, with exact locations",
		Long: `Lint reports what a new API server would answer if the manifests were created in dependency
order with strict field validation. It works offline and shows each finding under the line that
causes it. Rules add the advice of a good reviewer.

PATH is a file, a folder (searched for *.yaml, *.yml and *.json), a glob (** matches any depth),
or - for standard input. Without PATH the current folder is searched.

Rules: none, default, all, a preset (` + strings.Join(presets(), ", ") + `)
or names; a leading minus removes a rule or preset. The API server's verdict is always reported.
` + "`seatrial rules`" + ` lists the rules. A comment on or above the line of a finding suppresses it:
# seatrial:ignore RULE reason; so does an annotation of the object: seatrial/ignore.RULE: reason.

Values of Secrets are not shown.

Exit codes: 0 no findings at or above --fail-on; 1 findings; 2 wrong usage; 3 could not run;
130 interrupted.`,
		Example: `  # lint a file, a folder, or what helm would send
  seatrial lint deployment.yaml
  seatrial lint manifests/ --exclude 'manifests/old/**'
  helm template ./chart | seatrial lint -

  # do the manifests work after an upgrade of Kubernetes?
  seatrial lint --kubernetes-version 1.25,1.31,1.37 manifests/

  # what do admission, quotas and policies of the set answer?
  seatrial lint --dry-run manifests/

  # which changes since the branch main would the API server refuse?
  seatrial lint --base git:main manifests/

  # make the fixes that are certain, and show the changes
  seatrial lint --fix --diff manifests/`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Paths, o.IgnoreMissing = kindArguments(args, o.IgnoreMissing)
			o.ambiguous = ambiguousKinds(o.Paths, o.IgnoreMissing)
			o.In = interruptible{cmd.Context(), o.In}
			return o.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.output, "output", "o", report.Formats[0].Name, "output format: "+strings.Join(report.Names(), "|"))
	f.StringSliceVar(
		&o.Versions, "kubernetes-version", nil,
		"target Kubernetes version; several are compared in a table (default: the linked one)",
	)
	chartFlags(f, &o.Charts)
	f.StringSliceVar(&o.CRDs, "crds", nil, "files, folders or globs of CustomResourceDefinitions that already exist")
	f.StringVar(
		&o.context, "context", "",
		"context of the kubeconfig: judge custom resources by the definitions of its cluster, which is only read",
	)
	f.StringVar(&o.lint.Rules, "rules", "", "rules to run: none|default|all|PRESET|NAME,-NAME (default \"default\")")
	f.StringVar(&o.Config, "config", "", "configuration file (default: "+lint.ConfigName+" found upwards)")
	f.StringVar(
		&o.failOn, "fail-on", "",
		"lowest severity that makes the exit code 1: error|warning|info|never (default \"error\")",
	)
	f.StringSliceVar(&o.Exclude, "exclude", nil, "globs of files and folders to skip")
	f.StringSliceVar(
		&o.External, "external", nil,
		"objects that exist outside the set: Kind/name or Kind/namespace/name, globs allowed",
	)
	f.StringSliceVar(
		&o.IgnoreMissing, "ignore-missing-schemas", nil,
		"accept kinds without a schema: all, or globs of Kind or group/Kind",
	)
	f.Lookup("ignore-missing-schemas").NoOptDefVal = app.AnyKind
	f.StringSliceVar(
		&o.RuntimeConfig, "runtime-config", nil,
		"what the API server serves beside its defaults, as its own flag says: GROUP/VERSION=true, api/beta=true",
	)
	f.StringSliceVar(
		&o.FeatureGates, "feature-gates", nil,
		"feature gates of the API server that make it serve a kind: NAME=true",
	)
	f.BoolVar(
		&o.StrictKinds, "strict-kinds", false, "an object of a kind that nothing defines is an error, not only counted",
	)
	f.BoolVar(&o.all, "all", false, "show findings that are consequences of others as well")
	f.BoolVar(&o.verbose, "verbose", false, "show the API server's own words where the message has others")
	f.StringVar(
		&o.StdinName, "stdin-filename", "",
		"judge standard input (-) as if it were this `file`, as editors and hooks do with what is not saved",
	)
	f.BoolVar(
		&o.AnyFiles, "allow-empty", false,
		"pass over files without API objects, and exit with 0 if there are no others",
	)
	f.StringVar(
		&o.base, "base", "",
		"judge changes as updates of what was before: a file or folder, or git:REF for a branch, tag or commit",
	)
	f.BoolVar(&o.fix, "fix", false, "make the fixes that are certain, then lint again")
	f.BoolVar(
		&o.unsafe, "unsafe", false,
		"with --fix or --diff: make the fixes that are only offered, too; read what they changed",
	)
	f.BoolVar(&o.diff, "diff", false, "print the changes that --fix would make")
	f.BoolVar(
		&o.lint.DryRun, "dry-run", false,
		"create the set in a temporary API server, with admission: namespaces, quotas, Pod Security, policies",
	)
	f.StringVar(&o.color, "color", "auto", "color of the output: "+strings.Join(colorModes, "|"))
	f.BoolVar(
		&o.lint.NoSuppressions, "no-suppressions", false,
		"show findings that comments, annotations, overrides or the baseline silence",
	)
	f.StringVar(
		&o.writeBaseline, "write-baseline", "",
		"write the findings to a file, which baseline: in the configuration makes known",
	)
	f.BoolVar(&o.noCache, "no-cache", false, "do not use the cache of results")
	f.IntVar(&o.lint.Jobs, "jobs", 0, "documents to lint at the same time (default: one for each CPU)")
	for name, words := range map[string][]string{
		"output": report.Names(), "fail-on": {"error", "warning", "info", "never"}, "color": colorModes,
	} {
		cobra.CheckErr(cmd.RegisterFlagCompletionFunc(name, completeWords(words)))
	}
	return cmd
}

// kindArguments takes a glob of kinds that follows a bare --ignore-missing-schemas from the paths:
// --ignore-missing-schemas 'example.com/*' means what it does with an equals sign, unless there are such files.
func kindArguments(args, kinds []string) (paths, ignored []string) {
	if !slices.Equal(kinds, []string{app.AnyKind}) || len(args) == 0 {
		return args, kinds
	}
	found, _ := filepath.Glob(args[0])
	group, _, isKind := strings.Cut(args[0], "/")
	if len(found) > 0 || !isKind || !strings.Contains(group, ".") && !strings.ContainsAny(args[0], "*?") {
		return args, kinds
	}
	return args[1:], args[:1]
}

// ambiguousKinds returns a glob that follows a bare --ignore-missing-schemas and matches files, but may have been meant
// for kinds; empty if there is none.
func ambiguousKinds(paths, kinds []string) string {
	if !slices.Equal(kinds, []string{app.AnyKind}) || len(paths) == 0 || !strings.HasSuffix(paths[0], "/*") {
		return ""
	}
	return paths[0]
}

func presets() (names []string) {
	for _, c := range lint.Categories[1:] {
		names = append(names, c.Name)
	}
	return names
}

// lintJob is what flags and configuration together ask for.
type lintJob struct {
	*app.LintJob
	workspace *app.Workspace
	format    report.Format
	color     bool
	failOn    diag.Severity // 0: never
	problems  []error
	base      *app.Base // nil: none
}

func (o *lintOptions) run(ctx context.Context) (err error) {
	job, err := o.prepare(ctx)
	if err != nil {
		return err
	}
	if job.base != nil {
		defer func() { err = errors.Join(err, job.base.Close()) }()
	}
	if job.Empty() {
		return o.nothing(job)
	}
	progress := report.NewProgress(o.Err, time.Now)
	if isTerminal(o.Err) {
		job.Options.Progress = progress.Update
	}
	res, err := job.Run(ctx)
	if err == nil && (o.fix || o.diff) {
		res, err = o.fixFiles(ctx, job, res)
	}
	progress.Done()
	if res != nil {
		job.problems = append(job.problems, res.Problems...)
	}
	switch {
	case errors.Is(err, lint.ErrNoDocuments):
		return o.nothing(job)
	case err != nil:
		return exitWith(err)
	}
	w := o.Out
	if o.diff || o.fix && slices.ContainsFunc(job.Options.Files, job.workspace.IsStdin) {
		w = o.Err // a fixed text or a diff goes to standard output
	}
	if o.writeBaseline != "" {
		return o.keepBaseline(job, res)
	}
	res.Summary.WithoutObjects, res.Summary.Hidden = job.workspace.Foreign, job.workspace.Hidden
	if err := writeLint(
		w, job.workspace.Files, job.Options.All, res, job.format,
		report.Options{Color: job.color, All: o.all, Verbose: o.verbose},
	); err != nil {
		return &exitError{exitFailed, err}
	}
	if len(res.Assumed) > 0 {
		fmt.Fprintf(
			o.Err, "note: taken to exist, since the set does not define them: namespaces %s\n",
			strings.Join(res.Assumed, ", "),
		)
	}
	noteBaseline(o.Err, res)
	for _, glob := range job.workspace.UnusedExcludes() {
		fmt.Fprintf(o.Err, "note: exclude %q matches nothing\n", glob)
	}
	for _, unused := range job.UnusedOverrides() {
		fmt.Fprintf(
			o.Err, "note: the override of %s (%s) matches nothing\n", strings.Join(unused.Rules, ", "), unused.Reason,
		)
	}
	for _, name := range job.workspace.UTF16() {
		fmt.Fprintf(o.Err, "note: %s is UTF-16; it was read as UTF-8, as clients do\n", name)
	}
	if job.base != nil {
		o.noteBase(job.base)
	}
	if o.ambiguous != "" {
		fmt.Fprintf(
			o.Err,
			"note: %[1]s was read as files, and all missing schemas are ignored: for kinds, write --ignore-missing-schemas='%[1]s'\n",
			o.ambiguous,
		)
	}
	noteHidden(o.Err, job.workspace.Hidden)
	noteFolders(o.Err, "not searched unless named", job.workspace.Unsearched)
	if n := job.workspace.Foreign; n > 0 {
		fmt.Fprintf(o.Err, "note: files without Kubernetes objects, not judged: %d\n", n)
	}
	if n := job.workspace.Templates; n > 0 {
		fmt.Fprintf(o.Err, "note: templates of no chart, not judged unless named: %d\n", n)
	}
	if n := job.workspace.Unused; n > 0 {
		fmt.Fprintf(o.Err, "note: files that their kustomization does not use, not judged unless named: %d\n", n)
	}
	if n := job.workspace.Elsewhere; n > 0 {
		fmt.Fprintf(o.Err, "note: sources of Flux and Argo CD that are not in this tree, not rendered: %d\n", n)
	}
	return job.verdict(res)
}

// maxHidden is how many hidden files and folders are named, at most.
const maxHidden = 5

// noteHidden says which files and folders were passed over.
func noteHidden(w io.Writer, names []string) {
	noteFolders(w, "hidden, not judged unless named", names)
}

// noteFolders names the first of some files and folders.
func noteFolders(w io.Writer, what string, names []string) {
	if len(names) == 0 {
		return
	}
	said := strings.Join(names[:min(len(names), maxHidden)], ", ")
	if more := len(names) - maxHidden; more > 0 {
		said += fmt.Sprintf(" and %d more", more)
	}
	fmt.Fprintf(w, "note: %s: %s\n", what, said)
}

// maxBaseNotes is how many files of the base are named that cannot be read.
const maxBaseNotes = 5

// noteBase says what could not be compared with the base.
func (o *lintOptions) noteBase(base *app.Base) {
	for _, path := range base.Outside {
		fmt.Fprintf(o.Err, "note: not in the repository of --base, and not compared: %s\n", path)
	}
	problems := base.Problems()
	for _, err := range problems[:min(len(problems), maxBaseNotes)] {
		fmt.Fprintf(o.Err, "note: passed over in the base: %v\n", err)
	}
	if more := len(problems) - maxBaseNotes; more > 0 {
		fmt.Fprintf(o.Err, "note: passed over in the base: %d more\n", more)
	}
}

// nothing returns the error for a run without a document, which is never a success.
func (o *lintOptions) nothing(job *lintJob) error {
	if len(job.problems) > 0 {
		return &exitError{exitFailed, errors.Join(job.problems...)}
	}
	if n := job.workspace.Excluded(); n > 0 {
		_, err := fmt.Fprintf(o.Err, "note: nothing to lint: all files are excluded (%d named)\n", n)
		return err
	}
	if o.AnyFiles {
		_, err := fmt.Fprintln(o.Err, "note: no Kubernetes objects found")
		return err
	}
	noteHidden(o.Err, job.workspace.Hidden)
	noteFolders(o.Err, "not searched unless named", job.workspace.Unsearched)
	return &exitError{exitFailed, app.NoDocuments(o.Paths)}
}

// prepare checks the flags, reads the configuration, and finds the files.
func (o *lintOptions) prepare(ctx context.Context) (job *lintJob, err error) {
	if len(o.Paths) == 0 {
		o.Paths = []string{"."}
	}
	job = &lintJob{}
	if job.format, err = report.Lookup(o.output); err != nil {
		return nil, usageError("%v", err)
	}
	if job.color, err = useColor(o.color, o.Streams, o.Out); err != nil {
		return nil, err
	}
	if job.workspace, err = app.Open(app.NewFiles(o.In), o.Settings); err != nil {
		return nil, exitWith(err)
	}
	if job.failOn, err = parseFailOn(cmp.Or(o.failOn, job.workspace.Config.FailOn, "error")); err != nil {
		return nil, usageError("%v", err)
	}
	job.problems = job.workspace.Problems
	o.lint.Build = thisBuild()
	o.lint.NoBaseline = o.writeBaseline != ""
	if !o.noCache && !o.fix && !o.diff {
		o.lint.CacheDir = app.CacheDir(o.Getenv)
	}
	if o.context != "" {
		crds, err := clusterCRDs(ctx, o.Err, o.context, o.cacheDir())
		if err != nil {
			return nil, err
		}
		job.workspace.UseClusterCRDs(crds)
	}
	if o.base != "" {
		if job.base, err = job.workspace.OpenBase(ctx, o.base); err != nil {
			return nil, exitWith(err)
		}
		o.lint.Base = job.base
	}
	job.LintJob, err = job.workspace.Lint(o.lint)
	return job, exitWith(err)
}

// cacheDir returns the folder that may keep what was read; empty: none may.
func (o *lintOptions) cacheDir() string {
	if o.noCache {
		return ""
	}
	return app.CacheDir(o.Getenv)
}

// fixFiles makes the fixes that are certain, or all with --unsafe, and writes the files or shows the changes. Without
// --fix the files stay as they are, and so does the result.
func (o *lintOptions) fixFiles(ctx context.Context, job *lintJob, res *lint.Result) (*lint.Result, error) {
	fixed, err := job.Fix(ctx, res, o.unsafe)
	if err != nil {
		return nil, err
	}
	files, changed := job.Files(fixed), 0
	for _, name := range files {
		if _, _, is := job.Changed(fixed, name); is {
			changed++
		}
		if err := o.deliver(job, fixed, name); err != nil {
			return nil, err
		}
	}
	verb := "would make"
	if o.fix {
		verb = "made"
	}
	fixes := "fixes"
	if fixed.Fixes == 1 {
		fixes = "fix"
	}
	_, err = fmt.Fprintf(
		o.Err, "%s %d %s in %d of %d files%s\n", verb, fixed.Fixes, fixes, changed, len(files), toRead(fixed.Unsafe),
	)
	if err != nil || o.fix {
		return fixed.Result, err
	}
	job.Undo(fixed)
	return res, nil
}

// toRead says how many fixes somebody has to read.
func toRead(unsafe int) string {
	if unsafe == 0 {
		return ""
	}
	return fmt.Sprintf("; %d of them only offered: read the changes before you apply them", unsafe)
}

// deliver writes a file as fixes have made it, or shows the changes.
func (o *lintOptions) deliver(job *lintJob, fixed *app.Fixed, name string) error {
	before, after, changed := job.Changed(fixed, name)
	if o.diff && changed {
		if err := writeDiff(o.Out, name, job.Redact(name, before), job.Redact(name, after)); err != nil {
			return err
		}
	}
	switch {
	case !o.fix:
	case job.workspace.IsStdin(name):
		if o.diff {
			return nil
		}
		data, err := job.workspace.Read(name)
		if err == nil {
			_, err = o.Out.Write(data)
		}
		return err
	case changed:
		if err := atomicfile.Update(name, after); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	return nil
}

// writeDiff shows how a file changes.
func writeDiff(w io.Writer, name string, before, after []byte) error {
	base := strings.TrimPrefix(name, "/")
	_, err := w.Write(diff.Diff("a/"+base, before, "b/"+base, after))
	return err
}

// writeLint writes a report, without the values of Secrets.
func writeLint(
	w io.Writer, files *app.Files, rules []*lint.Rule, res *lint.Result, format report.Format, o report.Options,
) error {
	shown := *res
	shown.Diagnostics = files.Redactor(res.Diagnostics).Diagnostics(res.Diagnostics)
	r := &report.Lint{Result: &shown, Rules: rules, Program: buildVersion(), Source: files.Redacted}
	o.Width = terminalWidth(w)
	return format.Write(w, r, o)
}

// verdict returns the error with the exit code. An input that could not be read outweighs findings.
func (job *lintJob) verdict(res *lint.Result) error {
	if len(job.problems) > 0 {
		return &exitError{exitFailed, errors.Join(job.problems...)}
	}
	for _, d := range res.Diagnostics {
		if job.failOn != 0 && d.Severity <= job.failOn {
			return &exitError{code: exitFindings}
		}
	}
	return nil
}

// thisBuild identifies the running program for results that are kept.
func thisBuild() app.Build { return app.ThisBuild(buildVersion(), kubernetesVersion()) }

func parseFailOn(s string) (diag.Severity, error) {
	if s == "never" {
		return 0, nil
	}
	severity, err := diag.ParseSeverity(s)
	if err != nil {
		return 0, fmt.Errorf("invalid --fail-on %q: want error, warning, info or never", s)
	}
	return severity, nil
}
