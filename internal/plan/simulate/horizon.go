package simulate

import (
	"time"

	"github.com/seatrial/seatrial/internal/plan"
)

const (
	// nodeLoss is how long it takes until all is done about a lost node: 50 s until it counts as lost,
	// then 300 s that pods tolerate by default.
	nodeLoss = 6*time.Minute + 30*time.Second
	// nodeReturn is how long it takes until a node that is back counts as ready.
	nodeReturn = 30 * time.Second
)

// horizon is until when something is known to happen in a scenario.
func horizon(s *plan.Scenario) (end time.Duration) {
	if s == nil {
		return 0
	}
	for _, a := range s.Actions {
		after := time.Duration(0)
		switch {
		case a.FailNode != "", a.FailZone != "":
			after = nodeLoss
		case a.RecoverNode != "":
			after = nodeReturn
		}
		end = max(end, a.At.Duration+after)
	}
	for _, l := range s.Load {
		end = max(end, l.Points[len(l.Points)-1].At.Duration)
	}
	return end
}
