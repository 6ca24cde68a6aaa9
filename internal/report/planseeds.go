package report

import (
	"fmt"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan"
)

// seedsDiffer reports whether the plan that is shown is good, and that with another seed is not.
func (t *planWriter) seedsDiffer() bool {
	return t.Converged && len(t.Failed()) == 0 && t.Seeds != nil && t.Seeds.Passed < t.Seeds.Runs
}

// seedVerdict says what goes wrong with other seeds than the one that is shown.
func (t *planWriter) seedVerdict() {
	if !t.seedsDiffer() {
		return
	}
	for _, r := range t.Seeds.Results {
		word := ""
		switch r.Kind {
		case plan.SeedStall:
			word = "STALLS"
		case plan.SeedExpectation:
			word = "FAILS"
		default:
			continue
		}
		text := fmt.Sprintf("%s with %d of %d seeds, such as --seed %d: ", word, r.Runs, t.Seeds.Runs, r.Seed)
		if r.Kind == plan.SeedExpectation {
			text += r.What + ": "
		}
		t.wrapped("", text+r.Message, 0, t.severity[diag.Error])
	}
}

// seeds writes in how many runs what occurs. Problems that occur in all runs are shown above.
func (t *planWriter) seeds() {
	s := t.Seeds
	if s == nil {
		return
	}
	t.title("Seeds %d to %d", s.First, s.First+int64(s.Runs)-1)
	fmt.Fprintf(t, "  %d of %d complete and meet all expectations\n", s.Passed, s.Runs)
	for _, r := range s.Results {
		if r.Kind == plan.SeedProblem && r.Runs == s.Runs && !t.o.Verbose {
			continue
		}
		fmt.Fprintf(
			t, "  %3d of %d  %s  %s\n", r.Runs, s.Runs, t.dim.Sprintf("%-11s", r.Kind),
			t.bold.Sprint(printable(r.What))+t.dim.Sprintf(", seed %d", r.Seed),
		)
		t.wrapped("", r.Message, 13, t.dim)
	}
}
