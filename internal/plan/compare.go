package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/diag"
)

// Difference is one thing in which two plans differ.
type Difference struct {
	Subject string // what it is about: verdict, an object, an expectation
	Change  string // both sides: at least 3 available -> 2
	Worse   bool   // the second plan is the worse one
	Better  bool   // the second plan is the better one
}

// Compare returns in what the plan b differs from a: the verdict, each workload, what stalls, the nodes, expectations.
func Compare(a, b *Plan) []Difference {
	c := &comparison{}
	c.verdict(a, b)
	c.workloads(a, b)
	c.problems(a, b)
	c.expectations(a, b)
	c.nodes(a, b)
	return c.found
}

type comparison struct{ found []Difference }

// add notes a difference. better is positive if b is the better one, negative if it is worse.
func (c *comparison) add(subject string, better int, format string, args ...any) {
	c.found = append(
		c.found,
		Difference{Subject: subject, Change: fmt.Sprintf(format, args...), Worse: better < 0, Better: better > 0},
	)
}

func (c *comparison) verdict(a, b *Plan) {
	before, after := ending(a), ending(b)
	if before == after {
		return
	}
	better := 0
	if a.Passed() != b.Passed() {
		better = sign(b.Passed())
	}
	c.add("plan", better, "%s -> %s", before, after)
}

// ending says how a plan ends.
func ending(p *Plan) string {
	switch failed := p.Failed(); {
	case !p.Converged:
		return "does not complete: " + p.Reason
	case len(failed) > 0:
		return fmt.Sprintf("completes after %s s, %d expectations not met", p.VirtualSeconds, len(failed))
	}
	return fmt.Sprintf("completes after %s s", p.VirtualSeconds)
}

func sign(better bool) int {
	if better {
		return 1
	}
	return -1
}

func (c *comparison) workloads(a, b *Plan) {
	find := func(p *Plan, o diag.Object) *Workload {
		if i := slices.IndexFunc(p.Workloads, func(w Workload) bool { return w.Object == o }); i >= 0 {
			return &p.Workloads[i]
		}
		return nil
	}
	for i := range a.Workloads {
		before := &a.Workloads[i]
		if after := find(b, before.Object); after == nil {
			c.add(before.Object.String(), 0, "is not in the second plan")
		} else {
			c.workload(before, after)
		}
	}
	for i := range b.Workloads {
		if find(a, b.Workloads[i].Object) == nil {
			c.add(b.Workloads[i].Object.String(), 0, "is not in the first plan")
		}
	}
}

func (c *comparison) workload(a, b *Workload) {
	name := a.Object.String()
	switch {
	case a.SettledAt != nil && b.SettledAt == nil:
		c.add(name, -1, "settles after %s s -> does not settle: %s", *a.SettledAt, b.Status)
	case a.SettledAt == nil && b.SettledAt != nil:
		c.add(name, 1, "does not settle -> settles after %s s", *b.SettledAt)
	case a.SettledAt != nil && a.SettledAt.String() != b.SettledAt.String():
		c.add(name, 0, "settles after %s s -> %s s", *a.SettledAt, *b.SettledAt)
	}
	for _, x := range []struct {
		what          string
		before, after int
		better        int // if there are more
	}{
		{"desired", a.Desired, b.Desired, 0}, {"least available", a.MinAvailable, b.MinAvailable, 1},
		{"least ready", a.MinReady, b.MinReady, 0}, {"most pods", a.MaxPods, b.MaxPods, 0},
	} {
		if x.before != x.after {
			better := x.better * cmp.Compare(x.after, x.before)
			if a.Desired != b.Desired {
				better = 0 // it was asked for
			}
			c.add(name, better, "%s %d -> %d", x.what, x.before, x.after)
		}
	}
}

// problems compares what still stands at the end, without what differs from run to run, such as the names of pods.
func (c *comparison) problems(a, b *Plan) {
	open := func(p *Plan) (all []*Problem) {
		for i := range p.Problems {
			if p.Problems[i].Open {
				all = append(all, &p.Problems[i])
			}
		}
		return all
	}
	without := func(all []*Problem, q *Problem) bool {
		return !slices.ContainsFunc(all, func(p *Problem) bool { return p.about() == q.about() })
	}
	before, after := open(a), open(b)
	for _, p := range before {
		if without(after, p) {
			c.add(p.about(), 1, "gone: %s", p.Message)
		}
	}
	for _, p := range after {
		if without(before, p) {
			c.add(p.about(), -1, "new: %s", p.Message)
		}
	}
}

func (c *comparison) expectations(a, b *Plan) {
	word := map[bool]string{true: "passed", false: "failed"}
	for _, before := range a.Expectations {
		i := slices.IndexFunc(b.Expectations, func(e Expectation) bool { return e.Expect == before.Expect })
		if i < 0 || b.Expectations[i].Passed == before.Passed {
			continue
		}
		after := b.Expectations[i]
		c.add(before.Expect, sign(after.Passed), "%s -> %s: %s", word[before.Passed], word[after.Passed], after.Message)
	}
}

func (c *comparison) nodes(a, b *Plan) {
	for _, before := range a.Nodes {
		i := slices.IndexFunc(b.Nodes, func(n Node) bool { return n.Name == before.Name })
		if i < 0 {
			c.add("node "+before.Name, 0, "is not in the second plan")
			continue
		}
		after := b.Nodes[i]
		var changes []string
		for _, x := range [][3]string{
			{"pods", fmt.Sprint(before.Pods), fmt.Sprint(after.Pods)}, {"cpu", before.CPU.After, after.CPU.After},
			{"memory", before.Memory.After, after.Memory.After},
		} {
			if x[1] != x[2] {
				changes = append(changes, fmt.Sprintf("%s %s -> %s", x[0], x[1], x[2]))
			}
		}
		if len(changes) > 0 {
			c.add("node "+before.Name, 0, "%s", strings.Join(changes, ", "))
		}
	}
	for _, after := range b.Nodes {
		if !slices.ContainsFunc(a.Nodes, func(n Node) bool { return n.Name == after.Name }) {
			c.add("node "+after.Name, 0, "is not in the first plan")
		}
	}
}
