package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/atomicfile"
	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/plan/simulate"
	"github.com/seatrial/seatrial/internal/redact"
	"github.com/seatrial/seatrial/internal/render"
	"github.com/seatrial/seatrial/internal/report"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// PlanOptions say what is planned.
type PlanOptions struct {
	Files *Files
	Build Build

	Manifests []string // files, folders, globs, "-": what is applied
	From      []string // the same of what runs already
	// Cluster reads what runs already from a cluster, with a name for it; nil: From says it.
	Cluster func(context.Context) (name string, s *simulate.Snapshot, err error)
	Save    string // file that keeps what Cluster reads, without the values of Secrets and ConfigMaps

	Charts render.Options // with which charts among Manifests are rendered

	Nodes      []*corev1.Node
	Scenario   string // file
	Seed       int64
	Seeds      int        // number of seeds that are tried, from Seed on; 0: 1
	Shard      plan.Shard // the part of the what-ifs and seeds that is answered
	Until      time.Duration
	Prune      bool
	Reasons    bool     // record the scheduler's filters and scores
	Strict     bool     // what nothing defines is missing
	External   []string // objects that exist although nothing defines them; those of the configuration are added
	ServerSide bool
	Force      bool // with ServerSide: take over fields that others manage

	Rules     string            // rule expression for risks
	Fit       *plan.FitQuestion // how many more replicas of a workload fit; nil: it is not asked
	Pack      string            // size of nodes of which the fewest are looked for, such as 4cpu16Gi; empty: none
	PackNodes func(int) ([]*corev1.Node, error)

	NodeGroups []plan.NodeGroup
	Expander   string

	// SchedulerConfig is a KubeSchedulerConfiguration; nil: the default.
	SchedulerConfig []byte

	WhatIf     []string // kinds of disruptions that are tried on each node or zone, or once
	SurgeNodes int      // of plan.DrainInTurn: nodes that come first, and replace others
	Remedies   bool     // look for changes with which a plan that stalls completes
	// Child is the command line of this program that answers a [WhatIf] from its standard input.
	Child []string
	// Collect is called at moments at which nothing runs; or nil.
	Collect func()
}

// PlanResult is what became of a plan. Without a Plan, Rejected says why, or there was nothing but Save to do.
type PlanResult struct {
	Plan     *plan.Plan
	Rejected *lint.Result        // the errors of manifests that the API server would reject
	Sources  []report.SourceFile // manifests, without the values of Secrets
	Redactor *redact.Redactor    // knows the values of the Secrets of the input

	NotTried bool // the what-ifs, since the plan does not complete

	Part *PlanPart // if it is one: WritePart writes it
}

// Run makes the plan.
func (o *PlanOptions) Run(ctx context.Context) (*PlanResult, error) {
	res := &PlanResult{Redactor: redact.New()}
	in, running, err := o.input(ctx, res)
	if err != nil || in == nil {
		return res, err
	}
	risks, err := o.lint(ctx, in, running, res)
	if err != nil || res.Rejected != nil {
		return res, err
	}
	return res, o.answer(ctx, in, risks, res)
}

// answer simulates the change, answers the questions about it, those of the shard if there is one, and fills in res.
func (o *PlanOptions) answer(ctx context.Context, in *simulate.Input, risks []diag.Diagnostic, res *PlanResult) error {
	p, err := o.simulate(ctx, in)
	if err != nil {
		return err
	}
	own := plan.RunOf(p)
	if o.Shard.Count > 0 {
		if res.Part, err = o.newPart(p); err != nil {
			return err
		}
	}
	if o.Remedies && !p.Converged && o.Shard.First() {
		if p.Remedies, err = simulate.Remedies(ctx, *in, p); err != nil {
			return err
		}
	}
	var asked []plan.Disruption
	if p.Converged {
		if asked, err = o.disruptions(p); err != nil {
			return err
		}
		if p.Outcomes, err = o.whatIf(ctx, *in, asked); err != nil {
			return err
		}
	}
	runs, err := o.trySeeds(ctx, *in, p, len(asked))
	if err != nil {
		return err
	}
	if o.Seeds > 1 && o.Shard.First() {
		runs = slices.Insert(runs, 0, own)
	}
	res.NotTried = !p.Converged && len(o.WhatIf) > 0
	risks = o.dropClientSide(risks)
	p.Findings = append(dropCovered(p.Findings, risks), risks...)
	diag.Sort(p.Findings)
	res.Plan = p
	switch {
	case res.Part != nil:
		res.Part.Questions, res.Part.Runs = len(asked), runs
	case o.Seeds > 1:
		p.Seeds = plan.SumSeeds(runs)
	}
	return nil
}

// simulate makes the plan, with the fewest nodes if they are looked for.
func (o *PlanOptions) simulate(ctx context.Context, in *simulate.Input) (*plan.Plan, error) {
	if o.PackNodes == nil {
		return simulate.Simulate(ctx, *in)
	}
	p, err := simulate.Pack(ctx, *in, o.Pack, o.PackNodes)
	if err != nil {
		return nil, err
	}
	if in.Nodes, err = o.PackNodes(len(p.Nodes)); err != nil { // what-ifs and seeds are about these
		return nil, err
	}
	return p, nil
}

// dropClientSide drops the advice to apply on the server where that is done.
func (o *PlanOptions) dropClientSide(advice []diag.Diagnostic) []diag.Diagnostic {
	return slices.DeleteFunc(advice, func(d diag.Diagnostic) bool {
		return o.ServerSide && d.Rule == "apply-annotation-too-long"
	})
}

// dropCovered drops the blocking budgets of a simulation for which a rule of lint has said the same from the manifests.
func dropCovered(simulated, advice []diag.Diagnostic) []diag.Diagnostic {
	return slices.DeleteFunc(simulated, func(d diag.Diagnostic) bool {
		return d.Rule == simulate.RiskBudgetBlocks && slices.ContainsFunc(advice, func(other diag.Diagnostic) bool {
			return other.Rule == "pdb-min-available-blocks" && other.Range.File == d.Range.File &&
				other.Document == d.Document
		})
	})
}

// input reads what is planned, with the names of the files of what runs already; nil if there is nothing to plan.
func (o *PlanOptions) input(ctx context.Context, res *PlanResult) (*simulate.Input, []string, error) {
	in := &simulate.Input{
		Nodes: o.Nodes, Seed: o.Seed, Until: o.Until, Prune: o.Prune, Reasons: o.Reasons,
		ServerSide: o.ServerSide, ForceConflicts: o.Force, Asked: o.WhatIf, Rest: o.Collect, Strict: o.Strict,
		Fit: o.Fit, SchedulerConfig: o.SchedulerConfig, NodeGroups: o.NodeGroups, Expander: o.Expander,
	}
	var err error
	if o.Scenario != "" {
		if in.Scenario, err = ReadScenario(o.Scenario); err != nil {
			return nil, nil, err
		}
		for _, text := range in.Scenario.NodeGroups {
			g, err := plan.ParseNodeGroup(text)
			if err != nil {
				return nil, nil, err
			}
			in.NodeGroups = append(in.NodeGroups, g)
		}
		for i := range in.Scenario.Actions {
			res.Redactor.Add(in.Scenario.Actions[i].Documents...)
		}
	}
	if o.SurgeNodes > 0 && len(in.NodeGroups) > 0 {
		return nil, nil, usage("--surge-nodes does not work with node groups, which make nodes themselves")
	}
	if in.Change, _, err = o.read(o.Manifests, res); err != nil {
		return nil, nil, err
	}
	var running []string
	if o.Cluster == nil {
		in.From, running, err = o.read(o.From, res)
	} else {
		in.From, running, err = o.readCluster(ctx)
	}
	if err != nil {
		return nil, nil, err
	}
	res.Redactor.Add(slices.Concat(in.Change, in.From)...)
	if err := simulate.CheckGroups(in); err != nil {
		return nil, nil, usage("%w", err)
	}
	in.FixedGroups = o.SurgeNodes > 0
	if len(o.Manifests) == 0 && o.Scenario == "" {
		return nil, nil, nil
	}
	return in, running, nil
}

// ReadScenario reads a scenario. The error says which one is wrong, or that a file cannot be read.
func ReadScenario(name string) (*plan.Scenario, error) {
	s, err := plan.ReadScenario(name)
	if unread := (*lint.InputError)(nil); errors.As(err, &unread) {
		return nil, unread
	}
	if err != nil {
		return nil, fmt.Errorf("scenario %w", err)
	}
	return s, nil
}

// read returns the documents of paths, and the names of their files. Lint reports what is wrong with them.
func (o *PlanOptions) read(paths []string, res *PlanResult) (docs []*manifest.Document, names []string, err error) {
	files, problems := o.Files.Set(paths, o.Charts)
	if len(problems) > 0 {
		return nil, nil, errors.Join(problems...)
	}
	for _, m := range files {
		docs = append(docs, m.Documents...)
		names = append(names, m.Name)
		res.Sources = append(res.Sources, report.NewSourceFile(m.Name, redact.File(m.File).Data))
	}
	if len(paths) > 0 && len(docs) == 0 {
		return nil, nil, NoDocuments(paths)
	}
	return docs, names, nil
}

// readCluster returns what a cluster runs. Its text is kept in memory alone.
func (o *PlanOptions) readCluster(ctx context.Context) (docs []*manifest.Document, names []string, err error) {
	name, snapshot, err := o.Cluster(ctx)
	if err != nil {
		return nil, nil, err
	}
	if o.Save != "" {
		data, err := snapshot.YAML(false)
		if err == nil {
			err = atomicfile.Write(o.Save, data, 0o600)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("saving the snapshot: %w", err)
		}
	}
	data, err := snapshot.YAML(true)
	if err != nil {
		return nil, nil, err
	}
	docs, findings := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
	if len(findings) > 0 {
		return nil, nil, fmt.Errorf("%s: %s: %s", name, findings[0].Range, findings[0].Message)
	}
	o.Files.Put(name, data)
	return docs, []string{name}, nil
}

// lint lints the manifests. What the API server would reject ends the plan; the rest is returned as advice.
func (o *PlanOptions) lint(
	ctx context.Context, in *simulate.Input, running []string, res *PlanResult,
) ([]diag.Diagnostic, error) {
	if len(o.Manifests) == 0 {
		return nil, nil
	}
	s := Settings{Paths: o.Manifests, Charts: o.Charts, External: slices.Clone(o.External)}
	for _, d := range in.From {
		name := cmp.Or(d.Object.Namespace, "default") + "/" + d.Object.Name
		s.External = append(s.External, d.Object.Kind+"/"+name, d.Object.Kind+"/"+d.Object.Name)
	}
	w, err := Open(o.Files, s)
	if err != nil {
		return nil, err
	}
	in.External = slices.Concat(o.External, w.Config.External)
	w.CRDs = append(w.CRDs, running...)
	for _, s := range w.Sources {
		s.Variants = s.Variants[:1] // as they are planned
	}
	job, err := w.Lint(LintSettings{Build: o.Build, Rules: o.Rules})
	if err != nil {
		return nil, err
	}
	found, err := job.Run(ctx)
	if err != nil {
		return nil, err
	}
	if problems := slices.Concat(w.Problems, found.Problems); len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	if found.Summary.Errors == 0 {
		in.Definitions, err = w.catalogue.documents(slices.Concat(in.Change, in.From))
		return found.Diagnostics, err
	}
	notError := func(d diag.Diagnostic) bool { return d.Severity != diag.Error }
	found.Diagnostics = slices.DeleteFunc(found.Diagnostics, notError)
	found.Summary.Warnings, found.Summary.Infos = 0, 0
	res.Rejected = found
	return nil, nil
}

// Redact takes the values of Secrets out of the texts of the result.
func (res *PlanResult) Redact() {
	if res.Plan != nil {
		res.Plan.EachText(res.Redactor.Text)
		res.Plan.Findings = res.Redactor.Diagnostics(res.Plan.Findings)
	}
	for _, f := range res.Sources {
		for i, line := range f.Lines {
			f.Lines[i] = res.Redactor.Text(line)
		}
	}
	if res.Rejected != nil {
		res.Rejected.Diagnostics = res.Redactor.Diagnostics(res.Rejected.Diagnostics)
	}
}
