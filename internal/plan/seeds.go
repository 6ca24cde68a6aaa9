package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/diag"
)

// Kinds of a SeedResult.
const (
	SeedStall       = "stall"       // the plan does not complete
	SeedExpectation = "expectation" // an expectation is not met
	SeedRisk        = "risk"        // a risk that the simulation shows
	SeedProblem     = "problem"     // something went wrong, if only for a while
)

// seedKinds are the kinds in the order in which they are reported.
var seedKinds = []string{SeedStall, SeedExpectation, SeedRisk, SeedProblem}

// Seeds is what the same plan comes to with other seeds.
type Seeds struct {
	First     int64        `json:"first"`     // the seeds are consecutive
	Runs      int          `json:"runs"`      // number of seeds
	Converged int          `json:"converged"` // runs that complete
	Passed    int          `json:"passed"`    // runs that complete and meet all expectations
	Results   []SeedResult `json:"results"`   // by kind, the most frequent first
}

// SeedResult is something that occurs with some seeds, or all.
type SeedResult struct {
	Kind    string `json:"kind"`    // stall, expectation, risk, problem
	What    string `json:"what"`    // the same in all runs: the expectation, or the object and what befell it
	Runs    int    `json:"runs"`    // in how many it occurs
	Seed    int64  `json:"seed"`    // the first with which it does
	Message string `json:"message"` // of that seed
}

// SeedRun is what a plan comes to with one seed.
type SeedRun struct {
	Seed      int64        `json:"seed"`
	Converged bool         `json:"converged"`
	Results   []SeedResult `json:"results"`
}

// RunOf returns what a plan comes to.
func RunOf(p *Plan) SeedRun {
	run := SeedRun{Seed: p.Seed, Converged: p.Converged}
	add := func(kind, what, message string) {
		r := SeedResult{Kind: kind, What: what, Runs: 1, Seed: p.Seed, Message: message}
		if !slices.ContainsFunc(run.Results, r.same) {
			run.Results = append(run.Results, r)
		}
	}
	if !p.Converged {
		add(SeedStall, stallOf(p), p.Reason)
	}
	for _, e := range p.Failed() {
		add(SeedExpectation, e.Expect, e.Message)
	}
	for _, d := range p.Findings {
		if strings.HasPrefix(d.Rule, "plan-") && d.Severity != diag.Info {
			add(SeedRisk, d.Rule+" "+d.Object.String(), d.Message)
		}
	}
	for i := range p.Problems {
		add(SeedProblem, p.Problems[i].about(), p.Problems[i].Message)
	}
	return run
}

// about names a problem without what differs from run to run, such as the names of pods.
func (p *Problem) about() string {
	o := p.Workload
	if (o == diag.Object{}) {
		o = p.Object
	}
	return p.Kind + " " + o.String()
}

// stallOf names what keeps a plan from its end, as about does.
func stallOf(p *Plan) string {
	for i := range p.Problems {
		if q := &p.Problems[i]; q.Says(p.Reason) {
			return q.about()
		}
	}
	return "unfinished"
}

func (r SeedResult) same(other SeedResult) bool { return r.Kind == other.Kind && r.What == other.What }

// SumSeeds counts what occurs in runs, which are in the order of their seeds.
func SumSeeds(runs []SeedRun) *Seeds {
	s := &Seeds{Runs: len(runs), Results: []SeedResult{}}
	for i, run := range runs {
		if i == 0 {
			s.First = run.Seed
		}
		if run.Converged {
			s.Converged++
		}
		if run.passed() {
			s.Passed++
		}
		for _, r := range run.Results {
			if j := slices.IndexFunc(s.Results, r.same); j >= 0 {
				s.Results[j].Runs++
			} else {
				s.Results = append(s.Results, r)
			}
		}
	}
	slices.SortStableFunc(s.Results, func(a, b SeedResult) int {
		return cmp.Or(
			cmp.Compare(slices.Index(seedKinds, a.Kind), slices.Index(seedKinds, b.Kind)),
			cmp.Compare(b.Runs, a.Runs), cmp.Compare(a.Seed, b.Seed), cmp.Compare(a.What, b.What),
		)
	})
	return s
}

func (run *SeedRun) passed() bool {
	return run.Converged &&
		!slices.ContainsFunc(run.Results, func(r SeedResult) bool { return r.Kind == SeedExpectation })
}
