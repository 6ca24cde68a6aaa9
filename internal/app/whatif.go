package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/plan/simulate"
	"github.com/seatrial/seatrial/internal/platform"
)

// WhatIf is a plan for another process, since a simulation uses one processor: a disruption of one that has completed,
// or the same with another seed.
type WhatIf struct {
	// nil: what the input comes to is wanted, as a plan.SeedRun
	Disruption *plan.Disruption `json:"disruption,omitempty"`
	Input      simulate.Input   `json:"input"`
}

// disruptions returns the disruptions that are tried on a plan, in the order of WhatIf.
func (o *PlanOptions) disruptions(p *plan.Plan) (all []plan.Disruption, err error) {
	for _, kind := range o.WhatIf {
		some := plan.Disruptions(kind, p)
		for i := range some {
			some[i].Surge = o.SurgeNodes
		}
		if len(some) == 0 {
			return nil, usage(
				"--fail-each-zone: no node has a label topology.kubernetes.io/zone; see --nodes, which takes zone=NAME",
			)
		}
		all = append(all, some...)
	}
	return all, nil
}

// whatIf finds out what becomes of a plan in those disruptions that belong to the shard, in order.
func (o *PlanOptions) whatIf(ctx context.Context, in simulate.Input, all []plan.Disruption) ([]plan.Outcome, error) {
	in.Reasons = false
	var mine []plan.Disruption
	for i, d := range all {
		if o.Shard.Has(i) {
			mine = append(mine, d)
		}
	}
	if len(mine) == 0 {
		return nil, nil
	}
	outcomes := make([]plan.Outcome, len(mine))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.NumCPU())
	for i, d := range mine {
		g.Go(func() error {
			if err := platform.CallSelf(ctx, o.Child, WhatIf{&d, in}, &outcomes[i]); err != nil {
				return fmt.Errorf("trying %s: %w", d, err)
			}
			return nil
		})
	}
	return outcomes, g.Wait()
}

// trySeeds simulates the plan with the seeds that follow its own, those that belong to the shard, until there are Seeds
// of them, and returns what each comes to, in order. asked is how many other questions there are.
func (o *PlanOptions) trySeeds(
	ctx context.Context, in simulate.Input, p *plan.Plan, asked int,
) ([]plan.SeedRun, error) {
	if o.Seeds < 2 {
		return nil, nil
	}
	in.Reasons, in.Fit = false, nil
	var seeds []int64
	for i := 1; i < o.Seeds; i++ {
		if o.Shard.Has(asked + i - 1) {
			seeds = append(seeds, p.Seed+int64(i))
		}
	}
	runs := make([]plan.SeedRun, len(seeds))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.NumCPU())
	for i, seed := range seeds {
		request := WhatIf{Input: in}
		request.Input.Seed = seed
		g.Go(func() error {
			if err := platform.CallSelf(ctx, o.Child, request, &runs[i]); err != nil {
				return fmt.Errorf("trying seed %d: %w", seed, err)
			}
			return nil
		})
	}
	return runs, g.Wait()
}

// AnswerWhatIf reads a [WhatIf] in JSON, simulates it, and writes what becomes of it in JSON.
func AnswerWhatIf(ctx context.Context, r io.Reader, w io.Writer, collect func()) error {
	var request WhatIf
	if err := json.NewDecoder(r).Decode(&request); err != nil {
		return fmt.Errorf("reading what to simulate: %w", err)
	}
	request.Input.Rest = collect
	if request.Disruption == nil {
		p, err := simulate.Simulate(ctx, request.Input)
		if err != nil {
			return err
		}
		return json.NewEncoder(w).Encode(plan.RunOf(p))
	}
	p, err := simulate.Simulate(ctx, simulate.Disrupt(request.Input, *request.Disruption))
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(request.Disruption.Outcome(p))
}
