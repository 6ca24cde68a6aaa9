package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/report"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/rules"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation"
)

// lintOptions are the flags of seatrial lint.
type lintOptions struct {
	Streams
	paths    []string
	output   string
	versions []string
	crds     []string
	rules    string
	config   string
	failOn   string
	exclude  []string
	external []string
	missing  []string
	fix      bool
	diff     bool
	dryRun   bool
	color    string
	noCache  bool
	jobs     int

	overlay map[string][]byte // texts of standard input and of files as fixes change them
	mu      sync.Mutex
}

func newLintCommand(s Streams) *cobra.Command {
	o := &lintOptions{Streams: s, overlay: map[string][]byte{}}
	cmd := &cobra.Command{
		Use:   "lint [PATH|-]...",
		Short: "Say what an API server would say of manifests, at the exact line",
		Long: `Lint says what a fresh API server would say if the manifests were created in dependency
order with strict field validation, offline, with each finding under the line that causes it;
and what a good reviewer would add.

PATH is a file, a folder (searched for *.yaml, *.yml and *.json), a glob (** for any depth),
or - for standard input. Without PATH the current folder is searched.

Rules: none, default, all, a preset (` + strings.Join(presets(), ", ") + `)
or names; a leading minus takes away. The API server's verdict is always given.
` + "`seatrial rules`" + ` lists the rules. A finding is silenced by a comment on or above its line,
# seatrial:ignore RULE reason, or by an annotation seatrial/ignore.RULE: reason.

Exit codes: 0 no findings at or above --fail-on; 1 findings; 2 wrong usage; 3 could not run.`,
		Example: `  # judge a file, a folder, or what helm would send
  seatrial lint deployment.yaml
  seatrial lint manifests/ --exclude 'manifests/old/**'
  helm template ./chart | seatrial lint -

  # will it survive the upgrade?
  seatrial lint --kubernetes-version 1.25,1.31,1.37 manifests/

  # what do admission, quotas and policies of the set say?
  seatrial lint --dry-run manifests/

  # mend what is certain, showing the changes
  seatrial lint --fix --diff manifests/`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.paths, o.In = args, interruptible{cmd.Context(), o.In}
			return o.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.output, "output", "o", report.Formats[0].Name, "format of the report: "+strings.Join(report.Names(), "|"))
	f.StringSliceVar(&o.versions, "kubernetes-version", nil, "target Kubernetes version; several give a matrix (default: the linked one)")
	f.StringSliceVar(&o.crds, "crds", nil, "files, folders or globs of CustomResourceDefinitions that exist already")
	f.StringVar(&o.rules, "rules", "", "rules to run: none|default|all|PRESET|NAME,-NAME (default \"default\")")
	f.StringVar(&o.config, "config", "", "configuration file (default: "+lint.ConfigName+" found upwards)")
	f.StringVar(&o.failOn, "fail-on", "", "exit with 1 from this severity on: error|warning|info|never (default \"error\")")
	f.StringSliceVar(&o.exclude, "exclude", nil, "globs of files and folders that are not read")
	f.StringSliceVar(&o.external, "external", nil, "objects that exist outside the set: Kind/name or Kind/namespace/name, globs allowed")
	f.StringSliceVar(&o.missing, "ignore-missing-schemas", nil, "accept kinds without a schema: all, or globs of Kind or group/Kind")
	f.Lookup("ignore-missing-schemas").NoOptDefVal = anyKind
	f.BoolVar(&o.fix, "fix", false, "make the changes that are certain, then judge again")
	f.BoolVar(&o.diff, "diff", false, "print the changes that --fix would make")
	f.BoolVar(&o.dryRun, "dry-run", false, "create the whole set in an API server of its own, with admission: namespaces, quotas, Pod Security, policies")
	f.StringVar(&o.color, "color", "auto", "colour: "+strings.Join(colorModes, "|"))
	f.BoolVar(&o.noCache, "no-cache", false, "neither read nor write the cache of results")
	f.IntVar(&o.jobs, "jobs", 0, "documents judged at the same time (default: one for each CPU)")
	for name, words := range map[string][]string{"output": report.Names(), "fail-on": {"error", "warning", "info", "never"}, "color": colorModes,
		"rules": append([]string{"none", "default", "all"}, presets()...)} {
		cobra.CheckErr(cmd.RegisterFlagCompletionFunc(name, completeWords(words)))
	}
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("kubernetes-version", completeVersions))
	return cmd
}

func presets() (names []string) {
	for _, c := range lint.Categories[1:] {
		names = append(names, c.Name)
	}
	return names
}

// anyKind is what users say for any kind without a schema; the glob does as well.
const anyKind = "all"

// allRules are the rules of package rules and those that lint speaks for itself.
func allRules() []*lint.Rule { return slices.Concat(lint.OwnRules, lint.DryRunRules, rules.All()) }

// plan is what flags and configuration together ask for.
type plan struct {
	format   report.Format
	color    bool
	failOn   diag.Severity // 0: never
	lint     lint.Options
	problems []error
}

func (o *lintOptions) run(ctx context.Context) error {
	p, err := o.complete()
	if err != nil {
		return err
	}
	if len(p.lint.Files) == 0 {
		return o.nothing(p)
	}
	progress := report.NewProgress(o.Err, time.Now)
	if isTerminal(o.Err) {
		p.lint.Progress = progress.Update
	}
	res, err := lint.Run(ctx, p.lint)
	if err == nil && (o.fix || o.diff) {
		res, err = o.mend(ctx, p, res)
	}
	progress.Done()
	if res != nil {
		p.problems = append(p.problems, res.Problems...)
	}
	switch {
	case errors.Is(err, lint.ErrNoDocuments):
		return o.nothing(p)
	case err != nil:
		return &exitError{exitFailed, err}
	}
	if err := o.write(p, res); err != nil {
		return &exitError{exitFailed, err}
	}
	return o.verdict(p, res)
}

// nothing reports that there was nothing to judge, which is never a success.
func (o *lintOptions) nothing(p *plan) error {
	if len(p.problems) > 0 {
		return &exitError{exitFailed, errors.Join(p.problems...)}
	}
	return noDocuments(o.paths)
}

// noDocuments says that there is nothing in what was named.
func noDocuments(paths []string) error {
	where := strings.Join(paths, ", ")
	if where == source.Stdin {
		where = "standard input"
	}
	return &exitError{exitFailed, fmt.Errorf("no documents found in %s", where)}
}

// complete reads the configuration and checks the flags.
func (o *lintOptions) complete() (*plan, error) {
	cfg, err := o.configuration()
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	if len(o.paths) == 0 {
		o.paths = []string{"."}
	}
	p := &plan{}
	if p.format, err = report.Lookup(o.output); err != nil {
		return nil, usageError("%v", err)
	}
	if p.color, err = useColor(o.color, o.Streams, o.Out); err != nil {
		return nil, err
	}
	if p.failOn, err = parseFailOn(first(o.failOn, cfg.FailOn, "error")); err != nil {
		return nil, usageError("%v", err)
	}
	all := allRules()
	selection, err := lint.Select(all, first(o.rules, strings.Join(cfg.Rules, ",")), cfg.Severities)
	if err != nil {
		return nil, usageError("%v", err)
	}
	for _, e := range slices.Concat(o.external, cfg.External) {
		if _, err := filepath.Match(e, ""); err != nil || strings.Count(e, "/") > 2 {
			return nil, usageError("invalid external object %q: want Kind/name or Kind/namespace/name", e)
		}
	}
	missing := slices.Concat(o.missing, cfg.IgnoreMissingSchemas)
	for i, m := range missing {
		if m == anyKind {
			missing[i] = "*"
		}
		if _, err := path.Match(m, ""); err != nil || strings.Count(m, "/") > 1 {
			return nil, usageError("invalid kind %q without a schema: want all, Kind or group/Kind, globs allowed", m)
		}
	}
	if o.jobs < 0 {
		return nil, usageError("invalid --jobs %d: want 1 or more, or 0 for one for each CPU", o.jobs)
	}
	judge, err := validation.New()
	if err != nil {
		return nil, &exitError{exitFailed, err}
	}
	p.lint = lint.Options{
		Read: o.read, Validator: judge, Linked: kubernetesVersion(), Rules: selection, All: all,
		External: slices.Concat(o.external, cfg.External), IgnoreMissing: missing, Jobs: o.jobs,
	}
	if p.lint.Versions, err = checkVersions(first2(o.versions, cfg.KubernetesVersions)); err != nil {
		return nil, err
	}
	if o.dryRun {
		if linked := schema.Minor(kubernetesVersion()); len(p.lint.Versions) > 0 && !slices.Contains(p.lint.Versions, linked) {
			return nil, usageError("--dry-run creates the objects in Kubernetes %s, which --kubernetes-version does not name", linked)
		}
		p.lint.DryRun = dryRun
	}
	exclude := slices.Concat(o.exclude, cfg.Exclude)
	if i := slices.IndexFunc(exclude, func(g string) bool { return !doublestar.ValidatePattern(filepath.ToSlash(g)) }); i >= 0 {
		return nil, usageError("invalid glob %q of what to exclude", exclude[i])
	}
	p.lint.Files, p.problems = lint.Inputs(o.paths, exclude)
	crds, problems := lint.Inputs(first2(o.crds, cfg.CRDs), nil)
	if len(problems) > 0 {
		return nil, &exitError{exitFailed, errors.Join(problems...)}
	}
	p.lint.CRDs = crds
	if !o.noCache && !o.fix && !o.diff {
		p.lint.Cache = o.cache()
	}
	return p, nil
}

// checkVersions gives the minor versions of targets, each once.
func checkVersions(versions []string) (minors []string, err error) {
	for _, v := range versions {
		minor, err := checkVersion(v)
		if err != nil {
			return nil, usageError("%v", err)
		}
		if !slices.Contains(minors, minor) {
			minors = append(minors, minor)
		}
	}
	return minors, nil
}

func (o *lintOptions) configuration() (*lint.Config, error) {
	name := o.config
	if name == "" {
		found, err := lint.FindConfig(".")
		if err != nil || found == "" {
			return &lint.Config{}, err
		}
		name = found
	}
	return lint.LoadConfig(name)
}

// cache keeps results in the user's cache folder; without one, or for a build that cannot be
// told from another, nothing is kept.
func (o *lintOptions) cache() *lint.Cache {
	dir := o.Getenv("SEATRIAL_CACHE_DIR")
	if dir == "" {
		base := o.Getenv("XDG_CACHE_HOME")
		if base == "" {
			home := o.Getenv("HOME")
			if home == "" {
				return nil
			}
			base = filepath.Join(home, ".cache")
		}
		dir = filepath.Join(base, "seatrial", "lint")
	}
	exe, err := os.Executable()
	if err != nil {
		return nil
	}
	info, err := os.Stat(exe)
	if err != nil {
		return nil
	}
	return lint.NewCache(dir, fmt.Sprintf("%s %s %d %d", buildVersion(), kubernetesVersion(), info.Size(), info.ModTime().UnixNano()))
}

// read gives the text of an input. Standard input is read once.
func (o *lintOptions) read(name string) ([]byte, error) {
	if data, err, ok := o.kept(name); ok {
		return data, err
	}
	data, err := os.ReadFile(name)
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return data, err
}

// kept gives a text that is held in memory: that of a file that a fix has changed, or standard input.
func (o *lintOptions) kept(name string) (data []byte, err error, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if data, ok := o.overlay[name]; ok {
		return data, nil, true
	}
	if name != source.Stdin {
		return nil, nil, false
	}
	data, err = io.ReadAll(o.In)
	if err == nil {
		o.overlay[name] = data
	}
	return data, err, true
}

// rounds bounds how often fixes are made and judged again: one fix can uncover the next.
const rounds = 8

// mend makes the certain fixes, judges again, and writes or shows the outcome. Without --fix the
// files stay as they are, and so does what is said of them.
func (o *lintOptions) mend(ctx context.Context, p *plan, res *lint.Result) (*lint.Result, error) {
	original, before := map[string][]byte{}, res
	total := 0
	for range rounds {
		made := 0
		for _, name := range p.lint.Files {
			data, err := o.read(name)
			if err != nil {
				continue // reported already
			}
			fixed, n, err := lint.FixFile(name, data, res.Diagnostics)
			if err != nil {
				return nil, fmt.Errorf("fixing %s: %w", name, err)
			}
			if n == 0 {
				continue
			}
			if _, ok := original[name]; !ok {
				original[name] = data
			}
			made += n
			o.mu.Lock()
			o.overlay[name] = fixed
			o.mu.Unlock()
		}
		if made == 0 {
			break
		}
		total += made
		judge, err := validation.New() // definitions of the text before are forgotten
		if err != nil {
			return nil, err
		}
		p.lint.Validator = judge
		if res, err = lint.Run(ctx, p.lint); err != nil {
			return nil, err
		}
	}
	if err := o.deliver(p, original, total); err != nil {
		return nil, err
	}
	if !o.fix {
		maps.Copy(o.overlay, original)
		return before, nil
	}
	return res, nil
}

// deliver writes fixed files, or shows the changes.
func (o *lintOptions) deliver(p *plan, original map[string][]byte, total int) error {
	for _, name := range p.lint.Files {
		before, changed := original[name]
		after := o.overlay[name]
		if o.diff && changed {
			if _, err := o.Out.Write(diff.Diff("a/"+strings.TrimPrefix(name, "/"), before, "b/"+strings.TrimPrefix(name, "/"), after)); err != nil {
				return err
			}
		}
		switch {
		case !o.fix:
		case name == source.Stdin:
			if !o.diff {
				data, err := o.read(name)
				if err != nil {
					return err
				}
				if _, err := o.Out.Write(data); err != nil {
					return err
				}
			}
		case changed && !bytes.Equal(before, after):
			if err := replaceFile(name, after); err != nil {
				return fmt.Errorf("writing %s: %w", name, err)
			}
		}
	}
	verb := "would make"
	if o.fix {
		verb = "made"
	}
	fixes := "fixes"
	if total == 1 {
		fixes = "fix"
	}
	_, err := fmt.Fprintf(o.Err, "%s %d %s in %d of %d files\n", verb, total, fixes, len(original), len(p.lint.Files))
	return err
}

// replaceFile writes a file in one step, with its mode kept.
func replaceFile(name string, data []byte) error {
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), ".seatrial-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Chmod(info.Mode().Perm())
	}
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}

// write writes the report. When a fixed text or a diff goes to standard output, the report goes to
// standard error.
func (o *lintOptions) write(p *plan, res *lint.Result) error {
	w := o.Out
	if o.diff || o.fix && slices.Contains(p.lint.Files, source.Stdin) {
		w = o.Err
	}
	r := &report.Lint{Result: res, Rules: allRules(), Program: buildVersion(), Source: func(name string) (*source.File, error) {
		data, err := o.read(name)
		if err != nil {
			return nil, err
		}
		return source.NewFile(name, data), nil
	}}
	return p.format.Write(w, r, report.Options{Color: p.color, Width: terminalWidth(w)})
}

// verdict gives the exit code. An input that could not be read outweighs findings.
func (o *lintOptions) verdict(p *plan, res *lint.Result) error {
	if len(p.problems) > 0 {
		return &exitError{exitFailed, errors.Join(p.problems...)}
	}
	for _, d := range res.Diagnostics {
		if p.failOn != 0 && d.Severity <= p.failOn {
			return &exitError{code: exitFindings}
		}
	}
	return nil
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

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func first2(flag, config []string) []string {
	if len(flag) > 0 {
		return flag
	}
	return config
}
