package plan_test

import (
	"testing"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan"
)

// The same thing in several runs is counted once each, with the first seed that shows it, whatever the names of pods
// are.
func TestSeedsCountWhatIsTheSame(t *testing.T) {
	web := diag.Object{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "default", Name: "web"}
	run := func(seed int64, change func(*plan.Plan)) plan.SeedRun {
		p := &plan.Plan{Seed: seed, Converged: true}
		change(p)
		return plan.RunOf(p)
	}
	stalls := func(pod string) func(*plan.Plan) {
		return func(p *plan.Plan) {
			p.Converged, p.Reason = false, "Deployment default/web: "+pod+" finds no node"
			p.Problems = []plan.Problem{
				{Kind: plan.Unplaced, Workload: web, Message: pod + " finds no node.", Open: true},
			}
		}
	}
	fails := func(p *plan.Plan) {
		p.Expectations = []plan.Expectation{
			{Expect: "no restarts", Message: "pod web-1 restarts"}, {Expect: "stalls", Passed: true},
		}
	}
	sum := plan.SumSeeds([]plan.SeedRun{
		run(4, func(*plan.Plan) {}), run(5, stalls("web-a")), run(6, fails), run(7, stalls("web-b")),
	})
	if sum.First != 4 || sum.Runs != 4 || sum.Converged != 2 || sum.Passed != 1 {
		t.Errorf("got %+v, want 4 runs from 4 on, 2 that complete and 1 that passes", sum)
	}
	want := []plan.SeedResult{
		{
			Kind: "stall", What: "unschedulable Deployment default/web", Runs: 2, Seed: 5,
			Message: "Deployment default/web: web-a finds no node",
		},
		{Kind: "expectation", What: "no restarts", Runs: 1, Seed: 6, Message: "pod web-1 restarts"},
		{
			Kind: "problem", What: "unschedulable Deployment default/web", Runs: 2, Seed: 5,
			Message: "web-a finds no node.",
		},
	}
	if len(sum.Results) != len(want) {
		t.Fatalf("got %+v", sum.Results)
	}
	for i := range want {
		if sum.Results[i] != want[i] {
			t.Errorf("result %d is %+v, want %+v", i, sum.Results[i], want[i])
		}
	}
}
