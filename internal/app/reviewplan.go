package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/plan/simulate"
	"github.com/seatrial/seatrial/internal/review"
	"github.com/seatrial/seatrial/manifest"
)

const (
	// reviewBudget is how long all simulations of a review may take, unless all are asked for. With hundreds of
	// applications the rest of a review takes some seconds more.
	reviewBudget = 8 * time.Second
	// assumedNodes are those of a cluster of which nothing is known: enough room that no pod waits for it.
	assumedNodes = "6x64cpu256Gi,zone=a,zone=b,zone=c"
	// maxReplicas is how many pods an environment may have that is simulated, unless all are asked for.
	maxReplicas = 300
)

// simulate adds the rollouts of environments whose workloads replace their pods, and assesses the risks again.
func (r *reviewer) simulate(ctx context.Context, report *review.Report) error {
	if r.Plan == PlanNone {
		return nil
	}
	assumed, err := cluster.ParseNodes(assumedNodes)
	if err != nil {
		return err
	}
	budget := r.Budget
	if budget == 0 {
		budget = reviewBudget
	}
	deadline := time.Now().Add(budget)
	for _, g := range r.groups {
		name := g.name
		if g.old == nil || g.new == nil || !rolls(report, name) && (g.nodes == nil || !resizes(report, name)) {
			continue
		}
		nodes := g.nodes
		if nodes == nil {
			nodes = assumed
		}
		rollout := review.Rollout{
			Environment: name, Nodes: g.known, Workloads: []review.Rolling{}, Problems: []string{},
			Remedies: []string{},
		}
		switch {
		case refuses(report, name):
			rollout.Why = "the API server refuses a part of the change"
		case r.Plan != PlanAll && time.Now().After(deadline):
			rollout.Why = fmt.Sprintf("the time for simulations, %s, is used up: --plan all", budget)
		case r.Plan != PlanAll && replicasOf(g.new)+replicasOf(g.old) > 2*maxReplicas:
			rollout.Why = fmt.Sprintf("it has more than %d pods: --plan all", maxReplicas)
		default:
			limit := deadline
			if r.Plan == PlanAll {
				limit = time.Now().Add(time.Hour)
			}
			if err := r.roll(ctx, g, nodes, limit, &rollout); err != nil {
				return err
			}
		}
		report.Rollouts = append(report.Rollouts, rollout)
	}
	report.Assess()
	return nil
}

// rolls reports whether workloads of an environment replace their pods.
func rolls(report *review.Report, environment string) bool {
	return slices.ContainsFunc(report.Consequences, func(c review.Consequence) bool {
		return c.Kind == "restart" && slices.Contains(c.Environments, environment)
	})
}

// resizes reports whether the pods of an environment ask for more or less than before.
func resizes(report *review.Report, environment string) bool {
	return slices.ContainsFunc(report.Totals, func(t review.Total) bool { return t.Environment == environment })
}

func refuses(report *review.Report, environment string) bool {
	return slices.ContainsFunc(report.Refused, func(f review.Finding) bool {
		return slices.Contains(f.Environments, environment)
	})
}

func replicasOf(s *review.Side) (n int) {
	for _, o := range s.Objects {
		if o.Resource.Replicas != nil {
			n += int(*o.Resource.Replicas)
		}
	}
	return n
}

// roll simulates the change of a group until a moment. What the environment applies besides takes its room.
func (r *reviewer) roll(
	ctx context.Context, g *reviewGroup, nodes []*corev1.Node, limit time.Time, rollout *review.Rollout,
) error {
	for _, u := range g.same {
		if err := u.render(r.Charts); err != nil {
			return err
		}
	}
	in := simulate.Input{
		From:   g.snapshot.with(slices.Concat(documentsOf(g.old), g.unchanged())),
		Change: slices.Concat(documentsOf(g.new), g.unchanged()),
		Nodes:  nodes, Rest: r.Collect,
		External: r.new.workspace.External,
	}
	if g.snapshot != nil && r.Nodes == nil && len(g.nodes) == len(g.snapshot.nodes) &&
		g.nodes[0] == g.snapshot.nodes[0] {
		in.Nodes = nil // those of the snapshot, with what is on them
	}
	var err error
	if in.Definitions, err = r.new.workspace.catalogue.documents(slices.Concat(in.From, in.Change)); err != nil {
		return err
	}
	limited, cancel := context.WithDeadline(ctx, limit)
	defer cancel()
	result, err := simulate.Simulate(limited, in)
	var refused *simulate.RefusedBefore
	switch {
	case errors.As(err, &refused):
		rollout.Why = fmt.Sprintf("the API server refuses %s as it is before the change", refused.Document.Object)
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && limited.Err() != nil: // however a component of the cluster puts it
		rollout.Why = "it would take too long: --plan all"
		return nil
	case err != nil:
		rollout.Why = err.Error()
		return nil
	}
	unplaced := func(problem plan.Problem) bool { return problem.Kind == plan.Unplaced && problem.Open }
	if g.nodes == nil && slices.ContainsFunc(result.Problems, unplaced) {
		rollout.Why = "pods fit on none of the nodes that are assumed: name nodes with --nodes"
		return nil
	}
	if !result.Converged && stalledBefore(result) {
		rollout.Why = "what is there before the change does not come to rest"
		return nil
	}
	fill(rollout, result)
	return nil
}

// stalledBefore reports whether a plan waits for workloads that the change does not touch alone.
func stalledBefore(p *plan.Plan) bool {
	touched := false
	for _, w := range p.Workloads {
		if w.SettledAt == nil && w.Changed {
			touched = true
		}
	}
	return !touched && len(p.Workloads) > 0
}

// fill writes a plan into a rollout.
func fill(rollout *review.Rollout, p *plan.Plan) {
	rollout.Simulated, rollout.Completes, rollout.Seconds = true, p.Converged, p.VirtualSeconds.Seconds()
	if !p.Converged {
		rollout.Why = p.Reason
		if p.WayOut != "" {
			rollout.Remedies = append(rollout.Remedies, p.WayOut)
		}
	}
	for _, w := range p.Workloads {
		if !w.Changed || w.MaxPods == 0 {
			continue
		}
		rolling := review.Rolling{
			Object: w.Object, Strategy: w.Strategy, Desired: w.Desired, MinAvailable: w.MinAvailable,
			MaxPods: w.MaxPods,
			Settled: -1, Curve: w.Curve,
		}
		if w.SettledAt != nil {
			rolling.Settled = w.SettledAt.Seconds()
		}
		rollout.Workloads = append(rollout.Workloads, rolling)
	}
	for _, problem := range p.Problems {
		if !problem.Open {
			continue
		}
		if !strings.Contains(rollout.Why, strings.TrimSuffix(problem.Message, ".")) { // it is said once
			rollout.Problems = append(rollout.Problems, problem.Message)
		}
		if problem.Help != "" && !slices.Contains(rollout.Remedies, problem.Help) {
			rollout.Remedies = append(rollout.Remedies, problem.Help)
		}
	}
	for _, c := range p.Constraints {
		if c.Violation != "" {
			rollout.Problems = append(rollout.Problems, fmt.Sprintf("%s: %s", c.Object, c.Violation))
		}
	}
	rollout.Timeline = p.Timeline[:min(len(p.Timeline), maxSteps)]
}

// maxSteps is how many steps of a rollout a report holds.
const maxSteps = 300

// documentsOf returns what a side applies, without hooks.
func documentsOf(s *review.Side) (docs []*manifest.Document) {
	for _, o := range s.Objects {
		docs = append(docs, o.Document)
	}
	return withoutHooks(docs)
}

// withoutHooks leaves out the hooks of helm, which run beside the release.
func withoutHooks(docs []*manifest.Document) (kept []*manifest.Document) {
	for _, d := range docs {
		metadata, _ := d.Value()["metadata"].(map[string]any)
		annotations, _ := metadata["annotations"].(map[string]any)
		if annotations["helm.sh/hook"] == nil {
			kept = append(kept, d)
		}
	}
	return kept
}
