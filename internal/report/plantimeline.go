package report

import (
	"fmt"
	"maps"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan"
)

// timeline shows everything that happened.
func (t *planWriter) timeline() {
	t.title("Timeline")
	repeated := repeats(t.Timeline)
	for i := range t.Timeline {
		s := &t.Timeline[i]
		r := repeated[keyOfStep(s)]
		if s.Source == plan.FromEvent && s.Event == "Scheduled" || r != nil && r.first != s {
			continue // the state, or the first of them, says the same
		}
		object := s.Object.Name
		if s.Object.Kind != "Pod" {
			object = strings.ToLower(s.Object.Kind) + "/" + object
		}
		message := s.Message
		switch {
		case r != nil:
			message += fmt.Sprintf(" (%d times until %s s)", r.count, r.last)
		case s.Count > 1:
			message += times(s.Count)
		}
		paint := t.plain
		switch {
		case s.Warning:
			paint = t.severity[diag.Warning]
		case s.Source == plan.FromEvent:
			paint = t.dim
		}
		label := fmt.Sprintf("  %8s  %-17s %s  ", s.At, s.Event, printable(object))
		if runewidth.StringWidth(label)+runewidth.StringWidth(message) <= t.width {
			fmt.Fprintln(t, paint.Sprint(strings.TrimRight(label+printable(message), " ")))
			continue
		}
		fmt.Fprintln(t, paint.Sprint(strings.TrimRight(label, " ")))
		t.wrapped("", message, 30, paint)
	}
}

// maxRepeats is how often the same warning is told with its time.
const maxRepeats = 3

// stepKey identifies steps that are the same.
type stepKey struct {
	object         diag.Object
	event, message string
}

func keyOfStep(s *plan.Step) stepKey { return stepKey{s.Object, s.Event, s.Message} }

// repeat is a warning that came again and again.
type repeat struct {
	first *plan.Step
	last  plan.Time
	steps int
	count int // as the cluster told, if it did
}

// repeats finds the warnings that came too often to be told each time.
func repeats(steps []plan.Step) map[stepKey]*repeat {
	found := map[stepKey]*repeat{}
	for i := range steps {
		s := &steps[i]
		if s.Source != plan.FromEvent || !s.Warning {
			continue
		}
		r := found[keyOfStep(s)]
		if r == nil {
			r = &repeat{first: s}
			found[keyOfStep(s)] = r
		}
		r.last, r.steps, r.count = s.At, r.steps+1, max(r.count+1, s.Count) // the cluster counts on
	}
	maps.DeleteFunc(found, func(_ stepKey, r *repeat) bool { return r.steps <= maxRepeats })
	return found
}

// problemWords name the kinds of problems.
var problemWords = map[string]string{
	plan.Unplaced: "unschedulable", plan.Refused: "pods refused", plan.Mount: "volume", plan.Config: "configuration",
	plan.Image: "image", plan.Crash: "crashes",
	plan.Probe: "probe", plan.Blocked: "eviction blocked", plan.Deadline: "deadline", plan.Preempted: "preempted",
	plan.NodeLost: "node lost", plan.Denied: "refused",
	plan.Backoff: "job failed", plan.Deleting: "deletion", plan.Waiting: "waits", plan.Other: "warning",
}

func (t *planWriter) problems() {
	if len(t.Problems) == 0 {
		return
	}
	t.title("Problems")
	open, over := map[string]int{}, 0 // by kind
	for i := range t.Problems {
		if p := &t.Problems[i]; p.Open {
			open[p.Kind]++
		} else {
			over++
		}
	}
	for i := range t.Problems {
		p := &t.Problems[i]
		switch {
		case !t.fold:
			t.problem(p, 0)
		case p.Open && open[p.Kind] > 0:
			t.problem(p, open[p.Kind]-1)
			open[p.Kind] = 0 // the others are counted
		}
	}
	if t.fold && over > 0 {
		fmt.Fprintln(t, t.dim.Sprintf("  %s that went by (--verbose)", Plural(over, "problem")))
	}
}

// problem writes a problem, and how many workloads have one of its kind besides.
func (t *planWriter) problem(p *plan.Problem, alike int) {
	paint := t.severity[diag.Warning]
	state := "over"
	if p.Open {
		paint, state = t.severity[diag.Error], "open"
	}
	about := p.Object
	if p.Workload != (diag.Object{}) {
		about = p.Workload
	}
	name := printable(about.String())
	if alike > 0 {
		name += fmt.Sprintf(" and %d more", alike)
	}
	fmt.Fprintf(
		t, "  %8s  %s  %s%s\n", p.At, paint.Sprint(problemWords[p.Kind]), name,
		t.dim.Sprintf("%s, %s", times(p.Count), state),
	)
	t.wrapped("", p.Message, 12, t.plain)
	if p.Cause != "" && p.Cause != p.Message && !strings.Contains(t.Reason, p.Cause) {
		t.wrapped("", "cause: "+p.Cause, 12, t.bold)
	}
	for _, e := range p.Evidence {
		t.wrapped("", "- "+e, 12, t.dim)
	}
	if p.Report != "" {
		t.wrapped("", fmt.Sprintf("%s: %s", p.Trap, p.Report), 12, t.dim)
	}
	if p.Help != "" && p.Help != t.WayOut {
		t.wrapped("", "= "+p.Help, 12, t.help)
	}
}
