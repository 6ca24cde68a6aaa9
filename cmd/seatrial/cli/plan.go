package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"

	"github.com/seatrial/seatrial/internal/app"
	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/cluster/scheduler"
	"github.com/seatrial/seatrial/internal/memtune"
	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/plan/simulate"
	"github.com/seatrial/seatrial/internal/report"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/source"
)

// planOptions are the flags of seatrial plan.
type planOptions struct {
	Streams
	app.PlanOptions
	trial   string
	context string
	nodes   []string
	output  string
	verbose bool
	reasons bool // show the scores of every placement
	color   string

	drainEach, failEach, failZones, drainInTurn bool

	fit             string   // workload
	by              []string // resources
	spareNode       bool
	schedulerConfig string // file
	nodeGroups      []string

	shard      string
	asJob      bool
	image      string
	shardInput string // file of an app.PlanJob: answer a part of it

	whatIf bool // answer an app.WhatIf, for another process
}

func newPlanCommand(s Streams) *cobra.Command {
	o := &planOptions{Streams: s}
	cmd := &cobra.Command{
		Use:   "plan [PATH|-]...",
		Short: "Simulate what applying manifests would do: where pods run, and what gets stuck",
		Long: `Plan applies manifests to a simulated cluster in this process, and reports what follows: which
pod runs on which node and why, how the rollout proceeds, how availability changes, and what gets
stuck. The API server, the controllers and the scheduler are the real ones. Nodes and containers
are simulated in virtual time, so a rollout of ten minutes takes a moment. The same input always
gives the same plan.

PATH is as for lint; -f names the same. The manifests are linted first; if the API server would
reject one, nothing is simulated. They are applied as kubectl apply does. --from names what runs
already; --trial and --context read it from a trial or from a real cluster, which is only read.
--scenario says what else happens: how long images take to pull, what containers do, which nodes
fail; and what is expected (docs/plan.md).

Values of Secrets are not shown.

Exit codes: 0 everything that was applied becomes ready, and expectations are met, with every seed; 1 it does not, or
a manifest is rejected; 2 wrong usage; 3 could not run; 130 interrupted.`,
		Example: `  # what would this do on an empty cluster of three nodes?
  seatrial plan shop/ --nodes 3x4cpu16Gi

  # and what would the change do to what runs today?
  seatrial plan -f new.yaml --from running.yaml

  # what would it do to a real cluster: now, and later from what was saved of it?
  seatrial plan -f new.yaml --context production --save production.yaml
  seatrial plan -f new.yaml --from production.yaml

  # does it depend on chance? the same with twelve seeds
  seatrial plan -f new.yaml --from running.yaml --seeds 12

  # a check in CI: the scenario has the expectations
  seatrial plan -f new.yaml --from running.yaml --scenario night.yaml -o json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Manifests, o.In = append(o.Manifests, args...), interruptible{cmd.Context(), o.In}
			return o.run(cmd.Context())
		},
	}
	cmd.AddCommand(newPlanDiffCommand(s), newPlanMergeCommand(s))
	f := cmd.Flags()
	f.StringArrayVarP(
		&o.Manifests, "filename", "f", nil, "files, folders, globs, or - for standard input: what is applied",
	)
	chartFlags(f, &o.Charts)
	f.StringArrayVar(&o.From, "from", nil, "files, folders or globs of what runs already")
	f.StringVar(&o.trial, "trial", "", "start from the trial in `file`, which is not changed")
	f.StringVar(&o.context, "context", "", "context of the kubeconfig: start from its cluster, which is only read")
	f.StringVar(
		&o.Save, "save", "",
		"write what --context or --trial reads to a `file` for --from, without the values of Secrets and ConfigMaps",
	)
	f.StringArrayVar(
		&o.nodes, "nodes", nil,
		"nodes: `count`xCPUMEMORY such as 3x4cpu16Gi, with attributes such as 3x4cpu16Gi,zone=a,zone=b,taint=k=v:NoSchedule; demo, kind, 3-zone; or a file of Node objects; may be repeated",
	)
	f.StringArrayVar(
		&o.nodeGroups, "node-group", nil,
		"nodes that come when pods need them, and go: name=web,min=1,max=20,4cpu16Gi,zone=a,zone=b,taint=k=v:NoSchedule,price=0.19,boot=1m,idle=10m; without a size, a group that the cluster has: name=web,max=20; may be repeated",
	)
	f.StringVar(
		&o.Expander, "expander", plan.Expanders[0],
		"how to choose between node groups: "+strings.Join(plan.Expanders, "|"),
	)
	f.StringVar(&o.Scenario, "scenario", "", "`file` with what happens meanwhile, and what is expected")
	f.Int64Var(&o.Seed, "seed", 1, "seed for generated names and for choices that Kubernetes makes at random")
	f.IntVar(
		&o.Seeds, "seeds", 1,
		"number of seeds to try, from --seed on: in how many each stall, risk or failed expectation occurs",
	)
	f.DurationVar(
		&o.Until, "until", 0, "simulate so much time (default: until nothing changes any more, at most an hour)",
	)
	f.BoolVar(&o.Prune, "prune", false, "delete objects that are in --from and not in -f")
	f.BoolVar(
		&o.Strict, "strict", false,
		"Secrets, ConfigMaps, ServiceAccounts and classes that nothing defines are missing, not assumed",
	)
	f.StringSliceVar(
		&o.External, "external", nil,
		"objects that exist although nothing defines them: Kind/name or Kind/namespace/name, globs allowed",
	)
	f.BoolVar(&o.ServerSide, "server-side", false, "apply as kubectl apply --server-side does")
	f.BoolVar(&o.Force, "force-conflicts", false, "with --server-side: take over fields that others manage")
	f.BoolVar(
		&o.drainEach, "drain-each-node", false,
		"when the change is complete, try for each node what happens when it is drained",
	)
	f.BoolVar(&o.failEach, "fail-each-node", false, "the same, when the node fails")
	f.BoolVar(&o.failZones, "fail-each-zone", false, "the same, when all nodes of a zone fail")
	f.BoolVar(
		&o.drainInTurn, "drain-nodes-in-turn", false,
		"when the change is complete, drain the nodes one after another, as a rolling upgrade of nodes does",
	)
	f.IntVar(
		&o.SurgeNodes, "surge-nodes", 0,
		"with --drain-nodes-in-turn: `number` of new nodes that come first and replace as many (default: each node comes back)",
	)
	f.StringVar(
		&o.fit, "fit", "",
		"how many more replicas of a `workload` the nodes hold at the end: Kind/name or Kind/namespace/name",
	)
	f.StringSliceVar(&o.by, "by", nil, "with --fit: resources that count alone, such as cpu (default: all)")
	f.BoolVar(
		&o.spareNode, "spare-node", false,
		"with --fit: also if any one node is lost, and its pods need room on the others",
	)
	f.StringVar(
		&o.Pack, "pack", "",
		"find the fewest nodes of a `size` with which the plan completes: 4cpu16Gi, with attributes as --nodes has them",
	)
	f.StringVar(
		&o.schedulerConfig, "scheduler-config", "",
		"`file` with a KubeSchedulerConfiguration: profiles, plugins and weights of the scheduler",
	)
	f.StringVar(
		&o.shard, "shard", "",
		"answer the part `I/N` of the questions about nodes, zones and seeds, and write it for seatrial plan merge; N: in a pod of an Indexed Job",
	)
	f.BoolVar(&o.asJob, "as-job", false, "print an Indexed Job whose pods each answer a part: --shard N says how many")
	f.StringVar(&o.image, "image", "", "with --as-job: the image of seatrial")
	f.StringVar(&o.shardInput, app.ShardInputFlag, "", "`file` with what --as-job has written")
	cobra.CheckErr(f.MarkHidden(app.ShardInputFlag))
	f.BoolVar(&o.whatIf, whatIfFlag, false, "simulate the disruption that standard input describes in JSON")
	cobra.CheckErr(f.MarkHidden(whatIfFlag))
	f.BoolVar(&o.Remedies, "remedies", true, "look for the nearest change that completes, when the plan stalls")
	f.StringVarP(
		&o.output, "output", "o", report.PlanFormats[0].Name,
		"output format: "+strings.Join(report.PlanNames(), "|"),
	)
	f.BoolVarP(&o.verbose, "verbose", "v", false, "show everything that happens")
	f.BoolVar(&o.Reasons, "reasons", false, "show why the scheduler chose each node: filters and scores by plugin")
	f.StringVar(
		&o.Rules, "rules", "", "rules that report risks: none|default|all|PRESET|NAME,-NAME (default \"default\")",
	)
	f.StringVar(&o.color, "color", "auto", "color of the output: "+strings.Join(colorModes, "|"))
	for name, words := range map[string][]string{"output": report.PlanNames(), "color": colorModes} {
		cobra.CheckErr(cmd.RegisterFlagCompletionFunc(name, completeWords(words)))
	}
	return cmd
}

// whatIfFlag makes another process of this program simulate a disruption.
const whatIfFlag = "what-if"

func (o *planOptions) run(ctx context.Context) error {
	memtune.Simulate()
	if o.whatIf {
		return exitWith(app.AnswerWhatIf(ctx, o.In, o.Out, memtune.Collect))
	}
	if o.shardInput != "" {
		return o.answerShard(ctx)
	}
	format, err := report.LookupPlan(o.output)
	if err != nil {
		return usageError("%v", err)
	}
	color, err := useColor(o.color, o.Streams, o.Out)
	if err != nil {
		return err
	}
	if err := o.complete(ctx); err != nil {
		return err
	}
	end := underWay(o.Streams, "simulating")
	res, err := o.plan(ctx)
	end()
	if err != nil {
		return exitWith(err)
	}
	if res.Part != nil {
		return exitWith(res.WritePart(o.Out))
	}
	res.Redact()
	if res.Rejected != nil {
		if err := writeLint(
			o.Out, o.Files, app.Rules(), res.Rejected, report.Formats[0], report.Options{Color: color},
		); err != nil {
			return &exitError{exitFailed, err}
		}
		fmt.Fprintln(o.Err, "seatrial: nothing was simulated: the API server would refuse the manifests")
		return &exitError{code: exitFindings}
	}
	if res.Plan == nil {
		return nil // there was something to save, and nothing to plan
	}
	return writePlan(o.Streams, format, res, report.PlanOptions{
		Options: report.Options{Color: color, Width: terminalWidth(o.Out)}, Verbose: o.verbose, Reasons: o.reasons,
	})
}

// writePlan writes a plan. The error has the exit code if it does not pass.
func writePlan(s Streams, format report.PlanFormat, res *app.PlanResult, options report.PlanOptions) error {
	if res.NotTried {
		fmt.Fprintln(
			s.Err,
			"seatrial: the plan does not complete: what becomes of it when nodes are drained or fail was not asked",
		)
	}
	options.Files = res.Sources
	if err := format.Write(s.Out, res.Plan, options); err != nil {
		return &exitError{exitFailed, err}
	}
	if !res.Plan.Passed() {
		return &exitError{code: exitFindings}
	}
	return nil
}

// complete checks the flags, and fills in what follows from them.
func (o *planOptions) complete(ctx context.Context) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	o.Files, o.Build, o.Child, o.Collect = app.NewFiles(o.In), thisBuild(), []string{
		"plan", "--" + whatIfFlag,
	}, memtune.Collect
	o.reasons, o.Reasons = o.Reasons, o.Reasons || o.output == "html"
	for _, x := range []struct {
		asked bool
		kind  string
	}{
		{o.drainEach, plan.DrainNode}, {o.failEach, plan.FailNode}, {o.failZones, plan.FailZone},
		{o.drainInTurn, plan.DrainInTurn},
	} {
		if x.asked {
			o.WhatIf = append(o.WhatIf, x.kind)
		}
	}
	if o.trial != "" || o.context != "" {
		o.Cluster = o.snapshot
	}
	if err := o.completeScheduling(); err != nil {
		return err
	}
	if err := o.completeShard(); err != nil {
		return err
	}
	o.Nodes, err = parseNodes(ctx, o.Streams, o.nodes)
	return err
}

// completeScheduling fills in what is asked of the scheduler.
func (o *planOptions) completeScheduling() error {
	if o.fit != "" {
		parts := strings.Split(o.fit, "/")
		q := &plan.FitQuestion{Workload: o.fit, By: o.by, SpareNode: o.spareNode}
		if len(parts) == 3 {
			q.Namespace, q.Workload = parts[1], parts[0]+"/"+parts[2]
		}
		if len(parts) < 2 || len(parts) > 3 || slices.Contains(parts, "") {
			return usageError("invalid --fit %q: want Kind/name or Kind/namespace/name, such as deployment/web", o.fit)
		}
		o.Fit = q
	}
	for _, text := range o.nodeGroups {
		g, err := plan.ParseNodeGroup(text)
		if err == nil && g.Size != "" {
			_, err = simulate.GroupNodes(&g)
		}
		if err != nil {
			return usageError("--node-group: %v", err)
		}
		o.NodeGroups = append(o.NodeGroups, g)
	}
	if !slices.Contains(plan.Expanders, o.Expander) {
		return usageError("unknown --expander %q: want one of %s", o.Expander, strings.Join(plan.Expanders, ", "))
	}
	if o.Pack != "" {
		o.PackNodes = simulate.SizedNodes(o.Pack, cluster.ParseNodes)
		if _, err := o.PackNodes(1); err != nil {
			return usageError("invalid --pack %q: want a size such as 4cpu16Gi: %v", o.Pack, err)
		}
	}
	if o.schedulerConfig == "" {
		return nil
	}
	data, err := os.ReadFile(o.schedulerConfig)
	if err != nil {
		return exitWith(lint.Unreadable(o.schedulerConfig, err))
	}
	if _, err := scheduler.ReadConfig(data); err != nil {
		return usageError("--scheduler-config %s: %v", o.schedulerConfig, err)
	}
	o.SchedulerConfig = data
	return nil
}

// check rejects flags that contradict each other.
func (o *planOptions) check() error {
	var named []string
	for flag, given := range map[string]bool{
		"--from": len(o.From) > 0, "--trial": o.trial != "", "--context": o.context != "",
	} {
		if given {
			named = append(named, flag)
		}
	}
	switch {
	case len(named) > 1:
		return usageError("only one of --from, --trial and --context says what runs already")
	case o.Save != "" && (len(named) == 0 || len(o.From) > 0):
		return usageError("nothing to save: --save keeps what --context or --trial reads")
	case len(o.Manifests) == 0 && o.Scenario == "" && o.Save == "":
		return usageError("nothing to plan: name manifests with -f, or a --scenario")
	case o.Force && !o.ServerSide:
		return usageError("--force-conflicts only works with --server-side") // as kubectl says
	case o.Seeds < 1:
		return usageError("invalid --seeds %d: want a number of at least 1", o.Seeds)
	case o.fit == "" && (len(o.by) > 0 || o.spareNode):
		return usageError("--by and --spare-node only work with --fit")
	case o.Pack != "" && len(o.nodes) > 0:
		return usageError("--pack looks for the number of nodes: leave --nodes out")
	case o.SurgeNodes < 0:
		return usageError("invalid --surge-nodes %d: want a number that is not negative", o.SurgeNodes)
	case o.SurgeNodes > 0 && !o.drainInTurn:
		return usageError("--surge-nodes only works with --drain-nodes-in-turn")
	case o.Until < 0:
		return usageError("invalid --until %v: want a positive duration", o.Until)
	case slices.Contains(o.nodes, source.Stdin) && slices.Contains(slices.Concat(o.Manifests, o.From), source.Stdin):
		return usageError("standard input cannot give manifests and nodes: write one of them into a file")
	}
	return nil
}

// snapshot reads the trial or the cluster that the flags name.
func (o *planOptions) snapshot(ctx context.Context) (name string, s *simulate.Snapshot, err error) {
	if o.trial != "" {
		t, err := openTrial(o.Streams, o.trial)
		if err != nil {
			return "", nil, err
		}
		err = t.Look(ctx, func(config *rest.Config) error {
			// a context from outside would not end in virtual time
			s, err = simulate.ReadSnapshot(context.Background(), config)
			return err
		})
		return "trial " + o.trial, s, err
	}
	name = "context " + o.context
	config, err := contextConfig(o.context)
	if err != nil {
		return "", nil, err
	}
	config.QPS, config.Burst = 50, 100
	if s, err = simulate.ReadSnapshot(ctx, config); err != nil {
		return "", nil, fmt.Errorf("reading the cluster of %s: %w", name, err)
	}
	if len(s.Missing) > 0 {
		fmt.Fprintf(
			o.Err, "seatrial: %s does not let you list %s: the plan does without\n", name,
			strings.Join(s.Missing, ", "),
		)
	}
	return name, s, nil
}
