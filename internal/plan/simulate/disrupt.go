package simulate

import (
	"slices"

	"github.com/seatrial/seatrial/internal/plan"
)

// Disrupt returns the input of a plan in which the change has been made and has settled, and then q happens. What
// containers do, and what is expected, stays as the scenario says; its actions are over.
func Disrupt(in Input, q plan.Disruption) Input {
	if in.Prune {
		in.From = nil
	}
	in.From = append(slices.Clone(in.From), in.Change...)
	in.Change, in.Prune, in.Until = nil, false, 0
	scenario := plan.Scenario{}
	if in.Scenario != nil {
		scenario = *in.Scenario
	}
	action := plan.Action{}
	switch q.Kind {
	case plan.DrainNode:
		action.Drain = q.Target
	case plan.FailNode:
		action.FailNode = q.Target
	case plan.FailZone:
		action.FailZone = q.Target
	}
	scenario.Actions = []plan.Action{action}
	in.Scenario = &scenario
	return in
}
