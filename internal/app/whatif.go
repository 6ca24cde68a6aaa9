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

// WhatIf is a plan for another process, since a simulation uses one processor: a disruption of one that has completed, or
// the same with another seed.
type WhatIf struct {
	Disruption *plan.Disruption `json:"disruption,omitempty"` // nil: what the input comes to is wanted, as a plan.SeedRun
	Input      simulate.Input   `json:"input"`
}

// whatIf finds out what becomes of a plan when a node or a zone goes, for each of them, in the order of WhatIf.
func (o *PlanOptions) whatIf(ctx context.Context, in simulate.Input, p *plan.Plan) ([]plan.Outcome, error) {
	var all []plan.Disruption
	for _, kind := range o.WhatIf {
		some := plan.Disruptions(kind, p)
		if len(some) == 0 {
			return nil, usage(
				"--fail-each-zone: no node has a label topology.kubernetes.io/zone; see --nodes, which takes zone=NAME",
			)
		}
		all = append(all, some...)
	}
	if len(all) == 0 {
		return nil, nil
	}
	in.Reasons = false
	outcomes := make([]plan.Outcome, len(all))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.NumCPU())
	for i, d := range all {
		g.Go(func() error {
			if err := platform.CallSelf(ctx, o.Child, WhatIf{&d, in}, &outcomes[i]); err != nil {
				return fmt.Errorf("trying %s: %w", d, err)
			}
			return nil
		})
	}
	return outcomes, g.Wait()
}

// trySeeds simulates the plan with the seeds that follow its own, until there are Seeds of them.
func (o *PlanOptions) trySeeds(ctx context.Context, in simulate.Input, p *plan.Plan) error {
	if o.Seeds < 2 {
		return nil
	}
	in.Reasons, in.Fit = false, nil
	runs := make([]plan.SeedRun, o.Seeds)
	runs[0] = plan.RunOf(p)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.NumCPU())
	for i := 1; i < o.Seeds; i++ {
		in.Seed = p.Seed + int64(i)
		request := WhatIf{Input: in}
		g.Go(func() error {
			if err := platform.CallSelf(ctx, o.Child, request, &runs[i]); err != nil {
				return fmt.Errorf("trying seed %d: %w", request.Input.Seed, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	p.Seeds = plan.SumSeeds(runs)
	return nil
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
