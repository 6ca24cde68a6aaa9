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

// WhatIf is a disruption of a plan that has completed, for another process: a simulation uses one processor.
type WhatIf struct {
	Disruption plan.Disruption `json:"disruption"`
	Input      simulate.Input  `json:"input"`
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
		g.Go(func() (err error) {
			outcomes[i], err = o.ask(ctx, WhatIf{d, in})
			return err
		})
	}
	return outcomes, g.Wait()
}

// ask lets another process simulate a disruption.
func (o *PlanOptions) ask(ctx context.Context, w WhatIf) (outcome plan.Outcome, err error) {
	if err := platform.CallSelf(ctx, o.Child, w, &outcome); err != nil {
		return outcome, fmt.Errorf("trying %s: %w", w.Disruption, err)
	}
	return outcome, nil
}

// AnswerWhatIf reads a [WhatIf] in JSON, simulates it, and writes the outcome in JSON.
func AnswerWhatIf(ctx context.Context, r io.Reader, w io.Writer, collect func()) error {
	var request WhatIf
	if err := json.NewDecoder(r).Decode(&request); err != nil {
		return fmt.Errorf("reading what to simulate: %w", err)
	}
	request.Input.Rest = collect
	p, err := simulate.Simulate(ctx, simulate.Disrupt(request.Input, request.Disruption))
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(request.Disruption.Outcome(p))
}
