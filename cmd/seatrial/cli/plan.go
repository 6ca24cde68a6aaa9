package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/lean"
	planning "github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/plan/simulate"
	"github.com/seatrial/seatrial/internal/report"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// planOptions are the flags of seatrial plan.
type planOptions struct {
	Streams
	files    []string
	from     []string
	trial    string
	context  string
	save     string
	nodes    []string
	scenario string
	seed     int64
	until    time.Duration
	prune    bool
	output   string
	verbose  bool
	reasons  bool
	rules    string
	color    string

	serverSide, forceConflicts     bool
	drainEach, failEach, failZones bool
	question                       string // asked by another process
	remedies                       bool

	lint    *lintOptions        // reads and judges the manifests
	sources []report.SourceFile // what was read
	running []string            // files, or texts in memory, of what runs already
}

func newPlanCommand(s Streams) *cobra.Command {
	o := &planOptions{Streams: s}
	cmd := &cobra.Command{
		Use:   "plan -f PATH...",
		Short: "Say what applying manifests would do: which pod goes where, and what gets stuck",
		Long: `Plan applies manifests to a cluster that exists only in this process, and tells what follows:
which pod goes to which node and why, how the rollout proceeds, how availability moves, and what
gets stuck. The API server, the controllers and the scheduler are the real ones; nodes and
containers are simulated, and time jumps, so that a rollout of ten minutes takes a moment. The same
input gives the same plan.

The manifests are linted first; if the API server would refuse one, nothing is simulated. They go
in as kubectl apply would send them. --from names what runs already; --trial and --context read it
from a trial or from a real cluster, of which nothing is asked but lists. --scenario says what else
happens: how long images take to pull, what containers do, nodes that fail, and what is expected
(docs/plan.md).

Exit codes: 0 the cluster comes to what is asked for, and expectations are met; 1 it does not, or a
manifest is refused; 2 wrong usage; 3 could not run.`,
		Example: `  # what would this do on an empty cluster of three nodes?
  seatrial plan -f shop/ --nodes 3x4cpu16Gi

  # and what would the change do to what runs today?
  seatrial plan -f new.yaml --from running.yaml

  # what would it do to the cluster of a context, now and from what was saved of it?
  seatrial plan -f new.yaml --context production --save production.yaml
  seatrial plan -f new.yaml --from production.yaml

  # a gate in CI: the expectations stand in the scenario
  seatrial plan -f new.yaml --from running.yaml --scenario night.yaml -o json`,
		Args: exactArgs(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.In = interruptible{cmd.Context(), o.In}
			return o.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringArrayVarP(&o.files, "filename", "f", nil, "files, folders, globs, or - for standard input: what is applied")
	f.StringArrayVar(&o.from, "from", nil, "files, folders or globs of what runs already")
	f.StringVar(&o.trial, "trial", "", "`file` of a trial that runs already; it stays as it is")
	f.StringVar(&o.context, "context", "", "context of the kubeconfig whose cluster runs already; it is only read")
	f.StringVar(&o.save, "save", "", "keep what --context or --trial reads in a `file` for --from, without the values of Secrets and ConfigMaps")
	f.StringArrayVar(&o.nodes, "nodes", nil, "nodes: `count`xCPUMEMORY such as 3x4cpu16Gi, with attributes such as 3x4cpu16Gi,zone=a,zone=b,taint=k=v:NoSchedule; demo, kind, 3-zone; or a file of Node objects; may be repeated")
	f.StringVar(&o.scenario, "scenario", "", "`file` that says what happens meanwhile, and what is expected")
	f.Int64Var(&o.seed, "seed", 1, "draws names, and ties that Kubernetes leaves to chance")
	f.DurationVar(&o.until, "until", 0, "live through so much time (default: until nothing moves any more, at most an hour)")
	f.BoolVar(&o.prune, "prune", false, "delete what --from has and -f has not")
	f.BoolVar(&o.serverSide, "server-side", false, "apply as kubectl apply --server-side does")
	f.BoolVar(&o.forceConflicts, "force-conflicts", false, "with --server-side: take over fields that others manage")
	f.BoolVar(&o.drainEach, "drain-each-node", false, "once the change has settled, what becomes of it when a node is drained? For each node")
	f.BoolVar(&o.failEach, "fail-each-node", false, "the same, when a node fails")
	f.BoolVar(&o.failZones, "fail-each-zone", false, "the same, when all nodes of a zone fail")
	f.StringVar(&o.question, "question", "", "answer one question of these")
	cobra.CheckErr(f.MarkHidden("question"))
	f.BoolVar(&o.remedies, "remedies", true, "look for the nearest change that completes, when the plan stalls")
	f.StringVarP(&o.output, "output", "o", report.PlanFormats[0].Name, "format of the plan: "+strings.Join(report.PlanNames(), "|"))
	f.BoolVarP(&o.verbose, "verbose", "v", false, "tell everything that happens")
	f.BoolVar(&o.reasons, "reasons", false, "tell why the scheduler chose each node: filters and scores by plugin")
	f.StringVar(&o.rules, "rules", "", "rules that look for risks: none|default|all|PRESET|NAME,-NAME (default \"default\")")
	f.StringVar(&o.color, "color", "auto", "colour: "+strings.Join(colorModes, "|"))
	for name, words := range map[string][]string{"output": report.PlanNames(), "color": colorModes, "rules": append([]string{"none", "default", "all"}, presets()...)} {
		cobra.CheckErr(cmd.RegisterFlagCompletionFunc(name, completeWords(words)))
	}
	return cmd
}

func (o *planOptions) run(ctx context.Context) error {
	lean.Simulate()
	format, err := report.LookupPlan(o.output)
	if err != nil {
		return usageError("%v", err)
	}
	color, err := useColor(o.color, o.Streams, o.Out)
	if err != nil {
		return err
	}
	input, err := o.input(ctx)
	if err != nil || input == nil {
		return err
	}
	if o.question != "" {
		return o.answer(ctx, *input)
	}
	risks, err := o.judge(ctx, input)
	if err != nil {
		return err
	}
	p, err := simulate.Simulate(ctx, *input)
	if err != nil {
		return &exitError{exitFailed, err}
	}
	if o.remedies && !p.Converged {
		if p.Remedies, err = simulate.Remedies(ctx, *input, p); err != nil {
			return &exitError{exitFailed, err}
		}
	}
	switch {
	case p.Converged:
		if err := o.sweep(ctx, p); err != nil {
			return err
		}
	case len(o.sweeps()) > 0:
		fmt.Fprintln(o.Err, "seatrial: the plan does not complete: what becomes of it when nodes are drained or fail was not asked")
	}
	p.Findings = append(p.Findings, risks...)
	diag.Sort(p.Findings)
	options := report.PlanOptions{Options: report.Options{Color: color, Width: terminalWidth(o.Out)}, Verbose: o.verbose, Reasons: o.reasons, Files: o.sources}
	if err := format.Write(o.Out, p, options); err != nil {
		return &exitError{exitFailed, err}
	}
	if !p.Converged || len(p.Failed()) > 0 || len(p.FailedSweeps()) > 0 {
		return &exitError{code: exitFindings}
	}
	return nil
}

// input reads what the flags name; nil if there is something to save, and nothing to plan.
func (o *planOptions) input(ctx context.Context) (*simulate.Input, error) {
	if err := o.checkStart(); err != nil {
		return nil, err
	}
	if len(o.files) == 0 && o.scenario == "" && o.save == "" {
		return nil, usageError("nothing to plan: name manifests with -f, or a --scenario")
	}
	if o.forceConflicts && !o.serverSide {
		return nil, usageError("--force-conflicts only works with --server-side") // as kubectl says
	}
	if o.until < 0 {
		return nil, usageError("invalid --until %v: want a positive duration", o.until)
	}
	in := &simulate.Input{Seed: o.seed, Until: o.until, Prune: o.prune, Reasons: o.reasons || o.output == "html", ServerSide: o.serverSide, ForceConflicts: o.forceConflicts, Asked: o.sweeps(), Rest: lean.Collect}
	if slices.Contains(o.nodes, source.Stdin) {
		if slices.Contains(slices.Concat(o.files, o.from), source.Stdin) {
			return nil, usageError("standard input cannot give manifests and nodes: write one of them into a file")
		}
		if len(o.sweeps()) > 0 {
			return nil, usageError("--nodes -: each question reads the nodes anew: write them into a file")
		}
	}
	var err error
	if in.Nodes, err = parseNodes(ctx, o.Streams, o.nodes); err != nil {
		return nil, err
	}
	if o.scenario != "" {
		scenario, err := planning.ReadScenario(o.scenario)
		if err != nil {
			return nil, &exitError{exitFailed, scenarioError(err)}
		}
		in.Scenario = scenario
	}
	o.lint = &lintOptions{Streams: o.Streams, overlay: map[string][]byte{}, paths: o.files, output: report.Formats[0].Name, color: o.color, rules: o.rules}
	if in.Change, err = o.read(o.files); err != nil {
		return nil, err
	}
	if in.From, o.running, err = o.start(ctx); err != nil {
		return nil, err
	}
	if len(o.files) == 0 && o.scenario == "" {
		return nil, nil
	}
	return in, nil
}

// scenarioError tells of a scenario that is none, or of a file that cannot be read.
func scenarioError(err error) error {
	if unread := (*lint.InputError)(nil); errors.As(err, &unread) {
		return unread
	}
	return fmt.Errorf("scenario %w", err)
}

// read gives the documents of paths.
func (o *planOptions) read(paths []string) (docs []*manifest.Document, err error) {
	files, problems := lint.Inputs(paths, nil)
	if len(problems) > 0 {
		return nil, &exitError{exitFailed, errors.Join(problems...)}
	}
	for _, name := range files {
		data, err := o.lint.read(name)
		if err != nil {
			return nil, &exitError{exitFailed, &lint.InputError{Path: name, Err: err}}
		}
		found, _ := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits) // what is wrong is found by lint
		docs = append(docs, found...)
		o.sources = append(o.sources, report.NewSourceFile(name, data, found))
	}
	if len(paths) > 0 && len(docs) == 0 {
		return nil, noDocuments(paths)
	}
	return docs, nil
}

// judge lints the manifests. What the API server would refuse is reported, and ends the plan; the
// rest is advice.
func (o *planOptions) judge(ctx context.Context, in *simulate.Input) ([]diag.Diagnostic, error) {
	if len(o.files) == 0 {
		return nil, nil
	}
	for _, d := range in.From {
		namespace := d.Object.Namespace
		if namespace == "" {
			namespace = "default"
		}
		o.lint.external = append(o.lint.external, d.Object.Kind+"/"+namespace+"/"+d.Object.Name, d.Object.Kind+"/"+d.Object.Name)
	}
	p, err := o.lint.complete()
	if err != nil {
		return nil, err
	}
	definitions := o.running
	if len(o.from) > 0 {
		definitions, _ = lint.Inputs(o.from, nil)
	}
	p.lint.CRDs = append(p.lint.CRDs, definitions...)
	res, err := lint.Run(ctx, p.lint)
	if err != nil {
		return nil, &exitError{exitFailed, err}
	}
	if len(p.problems) > 0 || len(res.Problems) > 0 {
		return nil, &exitError{exitFailed, errors.Join(slices.Concat(p.problems, res.Problems)...)}
	}
	if res.Summary.Errors == 0 {
		return res.Diagnostics, nil
	}
	res.Diagnostics = slices.DeleteFunc(res.Diagnostics, func(d diag.Diagnostic) bool { return d.Severity != diag.Error })
	res.Summary.Warnings, res.Summary.Infos = 0, 0
	if err := o.lint.write(p, res); err != nil {
		return nil, &exitError{exitFailed, err}
	}
	fmt.Fprintln(o.Err, "seatrial: nothing was simulated: the API server would refuse the manifests")
	return nil, &exitError{code: exitFindings}
}
