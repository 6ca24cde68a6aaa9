package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan"
)

// manyWorkloads is how many workloads a plan moves at most to be shown each by itself; of more, those that do well are
// folded.
const manyWorkloads = 10

// shortWorkloads is how many of those that did well are named, because they were short of pods.
const shortWorkloads = 5

// wholeRollouts is how many workloads that do not complete are shown with their tables where many move.
const wholeRollouts = 3

// namedRollouts is how many of the others that do not complete are named.
const namedRollouts = 10

// moving returns the workloads that the plan moves, those that do not complete first, and of them the one that is
// blamed.
func (t *planWriter) moving() (bad, good []*plan.Workload) {
	for i := range t.Workloads {
		w := &t.Workloads[i]
		switch {
		case !w.Changed && len(w.Curve) < 2:
		case w.SettledAt == nil && w.Status != "deleted":
			bad = append(bad, w)
		default:
			good = append(good, w)
		}
	}
	blamed := func(w *plan.Workload) int {
		if strings.HasPrefix(t.Reason, w.Object.String()) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(bad, func(a, b *plan.Workload) int { return blamed(a) - blamed(b) })
	return bad, good
}

// folds reports whether so many workloads move that those that do well are folded.
func (t *planWriter) folds() bool {
	bad, good := t.moving()
	return !t.o.Verbose && len(bad)+len(good) > manyWorkloads
}

func (t *planWriter) rollouts() {
	bad, good := t.moving()
	whole := bad
	if t.fold && len(bad) > wholeRollouts {
		whole = bad[:wholeRollouts]
	}
	for _, w := range whole {
		t.rollout(w)
	}
	if rest := bad[len(whole):]; len(rest) > 0 {
		t.title("%s more that do not complete", Plural(len(rest), "workload"))
		for i, w := range rest {
			if i == namedRollouts && len(rest) > namedRollouts+2 {
				fmt.Fprintln(t, t.dim.Sprintf("  and %d more (--verbose)", len(rest)-i))
				break
			}
			fmt.Fprintf(
				t, "  %s: %s\n", printable(w.Object.String()), t.severity[diag.Error].Sprint(printable(w.Status)),
			)
		}
	}
	if !t.fold {
		for _, w := range good {
			t.rollout(w)
		}
		return
	}
	t.foldedRollouts(good)
}

// foldedRollouts writes in a line what became of workloads that did well, and a line for each of those that were short
// of pods most.
func (t *planWriter) foldedRollouts(good []*plan.Workload) {
	var end plan.Time
	var short []*plan.Workload
	for _, w := range good {
		if w.SettledAt != nil {
			end = max(end, *w.SettledAt)
		}
		if first := w.Curve[0]; first.Old+first.New > 0 && w.MinAvailable < w.Desired {
			short = append(short, w)
		}
	}
	if len(good) == 0 {
		return
	}
	t.title("%s that completed", Plural(len(good), "workload"))
	fmt.Fprintf(t, "  %s\n", t.good.Sprintf("the last one after %s s", min(end, t.VirtualSeconds)))
	slices.SortStableFunc(short, func(a, b *plan.Workload) int {
		return (a.MinAvailable - a.Desired) - (b.MinAvailable - b.Desired)
	})
	for i, w := range short {
		if i == shortWorkloads {
			fmt.Fprintln(
				t,
				t.dim.Sprintf(
					"  and %s with fewer pods than desired for a while (--verbose)", Plural(len(short)-i, "workload"),
				),
			)
			break
		}
		fmt.Fprintf(t, "  %s: at least %d of %d available\n", printable(w.Object.String()), w.MinAvailable, w.Desired)
	}
}

func (t *planWriter) rollout(w *plan.Workload) {
	head := printable(w.Object.String())
	if w.Strategy != "" {
		head += t.dim.Sprint("  " + printable(w.Strategy))
	}
	t.title("%s", head)
	rows := t.rows(w)
	if len(rows) > 0 {
		t.table(w, rows)
	}
	least := fmt.Sprintf("at least %d of %d available", w.MinAvailable, w.Desired)
	if first := w.Curve[0]; first.Old+first.New == 0 {
		least = fmt.Sprintf("%d of %d available", last(w.Curve).Available, w.Desired)
	}
	end := "settled after " + timeOf(w.SettledAt) + " s: " + w.Status
	paint := t.good
	if w.SettledAt == nil {
		end, paint = w.Status, t.severity[diag.Error]
		if w.Status == "deleted" {
			paint = t.dim
		}
	}
	switch w.Object.Kind {
	case "Job", "CronJob":
		fmt.Fprintf(t, "  %s\n", paint.Sprint(end))
	default:
		fmt.Fprintf(t, "  %s · at most %s · %s\n", least, Plural(w.MaxPods, "pod"), paint.Sprint(end))
	}
}

func last(curve []plan.Point) plan.Point { return curve[len(curve)-1] }

func timeOf(at *plan.Time) string {
	if at == nil {
		return "?"
	}
	return at.String()
}

// row is a line of a rollout's table.
type row struct {
	at    plan.Time // of its first step
	until plan.Time // of its last step
	steps []plan.Step
}

const (
	maxRows   = 16 // of a table, unless everything is asked for
	firstGap  = plan.Time(100_000_000)
	maxListed = 3 // steps that a row names one by one
)

// rows gathers what happened to a workload; steps close to each other share a row, so that the
// table stays short.
func (t *planWriter) rows(w *plan.Workload) (rows []row) {
	var steps []plan.Step
	told := map[string]bool{} // what is told of a pod once
	name := w.Object.String()
	for i := range t.Timeline { // a long one, for each workload
		s := &t.Timeline[i]
		if s.Workload != name && s.Object != w.Object && !(s.Source == plan.FromScenario && s.Object.Kind == "Node") {
			continue
		}
		switch kindOfStep(s) {
		case "":
			continue
		case "Failure", "Warning":
			key := s.Object.Name + " " + s.Event
			if told[key] {
				continue
			}
			told[key] = true
		}
		steps = append(steps, *s)
	}
	most := maxRows
	if t.o.Verbose {
		most = 4 * maxRows
	}
	if rows = gather(steps, firstGap, true); len(rows) <= most {
		return rows
	}
	for gap := firstGap; ; gap *= 2 {
		if rows = gather(steps, gap, false); len(rows) <= most {
			return rows
		}
	}
}

// gather puts steps that are no further apart than a gap into one row. Apart means that pods
// which are placed, or become ready, begin a row of their own.
func gather(steps []plan.Step, gap plan.Time, apart bool) (rows []row) {
	for _, s := range steps {
		if n := len(rows); n > 0 && s.At-rows[n-1].at <= gap && !(apart && rows[n-1].apartFrom(&s)) {
			rows[n-1].steps = append(rows[n-1].steps, s)
			rows[n-1].until = s.At
			continue
		}
		rows = append(rows, row{s.At, s.At, []plan.Step{s}})
	}
	return rows
}

// apartFrom reports whether a step should not stand in the same row.
func (r *row) apartFrom(s *plan.Step) bool {
	kind := kindOfStep(s)
	if kind != "Ready" && kind != "Scheduled" {
		return kindOfStep(&r.steps[len(r.steps)-1]) == "Ready"
	}
	return kindOfStep(&r.steps[0]) != kind
}

// kindOfStep says what a step means to a rollout; empty: nothing that matters.
func kindOfStep(s *plan.Step) string {
	switch {
	case s.Source == plan.FromScenario:
		return "Action"
	case s.Source == plan.FromState && s.Object.Kind == "Pod":
		switch s.Event {
		case "Scheduled", "Ready", "NotReady", "Terminating":
			return s.Event
		case "Completed":
			return s.Event
		}
		if s.Warning {
			return "Failure"
		}
	case s.Source == plan.FromEvent && s.Event == "ScalingReplicaSet":
		return "Scale"
	case s.Source == plan.FromEvent && s.Warning && s.Object.Kind != "Pod":
		return "Warning"
	case s.Source == plan.FromEvent && s.Event == "SuccessfulRescale":
		return "Warning"
	case s.Source == plan.FromEvent && s.Event == "FailedScheduling":
		return "Failure"
	}
	return ""
}

func (t *planWriter) table(w *plan.Workload, rows []row) {
	replaced, delayed := false, false
	for _, p := range w.Curve {
		replaced = replaced || p.Old > 0
		delayed = delayed || p.Available != p.Ready
	}
	head := "      t(s)"
	if replaced {
		head += "  old  new"
	} else {
		head += " pods"
	}
	head += "  ready"
	if delayed {
		head += "  avail"
	}
	fmt.Fprintln(t, t.dim.Sprint(head))
	for _, r := range rows {
		p := pointAt(w.Curve, r.until)
		line := fmt.Sprintf("  %8s", r.at)
		if replaced {
			line += fmt.Sprintf(" %4d %4d", p.Old, p.New)
		} else {
			line += fmt.Sprintf(" %4d", p.Old+p.New)
		}
		ready := fmt.Sprintf(" %6d", p.Ready)
		if p.Ready < p.Desired {
			ready = t.severity[diag.Warning].Sprint(ready)
		}
		line += ready
		indent := len(head)
		if delayed {
			line += fmt.Sprintf(" %6d", p.Available)
		}
		t.wrappedLine(line, indent+2, t.tell(w, r.steps))
	}
}

// wrappedLine writes a line that has been painted already, with a text behind it.
func (t *planWriter) wrappedLine(line string, indent int, text string) {
	for i, part := range wrap(printable(text), t.width-indent) {
		if i > 0 {
			line = strings.Repeat(" ", indent-2)
		}
		fmt.Fprintf(t, "%s  %s\n", line, part)
	}
}

// pointAt returns the state of a workload at a moment.
func pointAt(curve []plan.Point, at plan.Time) plan.Point {
	p := curve[0]
	for _, next := range curve {
		if next.At > at {
			break
		}
		p = next
	}
	return p
}

// tell names the steps of a row, or counts them if there are many.
func (t *planWriter) tell(w *plan.Workload, steps []plan.Step) string {
	of := map[string][]plan.Step{}
	var kinds, parts []string // in the order in which they came
	for _, s := range steps {
		kind := kindOfStep(&s)
		if of[kind] == nil {
			kinds = append(kinds, kind)
		}
		of[kind] = append(of[kind], s)
	}
	for _, kind := range kinds {
		parts = append(parts, t.tellKind(w, kind, of[kind]))
	}
	return strings.Join(parts, "; ")
}

func (t *planWriter) tellKind(w *plan.Workload, kind string, steps []plan.Step) string {
	if kind == "Scale" {
		return tellScale(w, steps)
	}
	if kind == "Action" {
		return tellActions(steps)
	}
	if kind == "Warning" {
		return steps[0].Event + ": " + steps[0].Message + times(len(steps))
	}
	var names []string
	for _, s := range steps {
		name := shortName(w.Object, s.Object.Name)
		if kind == "Scheduled" && len(steps) <= maxListed {
			name += " on " + s.Node
		}
		if kind == "Failure" {
			name += " " + failureWord(s.Event)
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	word := map[string]string{
		"Scheduled": "", "Ready": " ready", "NotReady": " not ready", "Terminating": " stopping",
		"Completed": " completed", "Failure": "",
	}[kind]
	if len(names) > maxListed {
		switch kind {
		case "Scheduled":
			word = " placed"
		case "Failure":
			word = " " + failureWord(steps[0].Event)
		}
		return Plural(len(names), "pod") + word
	}
	return strings.Join(names, ", ") + word
}

// failureWord says what became of a pod.
func failureWord(event string) string {
	if event == "FailedScheduling" {
		return "finds no node"
	}
	return event
}

func times(n int) string {
	if n < 2 {
		return ""
	}
	return fmt.Sprintf(" (%d times)", n)
}

// tellActions names what the scenario did.
func tellActions(steps []plan.Step) string {
	var parts []string
	for _, s := range steps {
		parts = append(
			parts, strings.Join(strings.Fields(strings.ToLower(s.Event)+" "+s.Object.Name+" "+s.Message), " "),
		)
	}
	return strings.Join(parts, ", ")
}

// tellScale shortens the controller's words: Scaled up replica set web-5d4f from 0 to 1.
func tellScale(w *plan.Workload, steps []plan.Step) string {
	type change struct{ set, from, to string }
	var all []change
	for _, s := range steps {
		words := strings.Fields(strings.TrimPrefix(s.Message, "(combined from similar events): "))
		if len(words) < 9 {
			continue
		}
		c := change{shortName(w.Object, words[4]), words[6], words[8]}
		i := slices.IndexFunc(all, func(o change) bool { return o.set == c.set })
		if i >= 0 {
			all[i].to = c.to
			continue
		}
		all = append(all, c)
	}
	var parts []string
	for _, c := range all {
		parts = append(parts, fmt.Sprintf("%s %s -> %s", c.set, c.from, c.to))
	}
	return strings.Join(parts, ", ")
}

// shortName leaves out what all pods of a workload have in common: 86b..-gl6s7.
func shortName(workload diag.Object, name string) string {
	rest, ok := strings.CutPrefix(name, workload.Name+"-")
	if !ok {
		return name
	}
	hash, suffix, ok := strings.Cut(rest, "-")
	switch {
	case workload.Kind != "Deployment":
		return name
	case !ok && len(hash) > 5:
		return hash[:3] + ".."
	case ok && len(hash) > 5:
		return hash[:3] + "..-" + suffix
	}
	return rest
}
