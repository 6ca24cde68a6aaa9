package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/fatih/color"
	"github.com/mattn/go-runewidth"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/sanitize"
)

// planWidth is how wide a plan is written where the terminal does not say, or is wider.
const planWidth = 100

// planWriter writes a plan for people.
type planWriter struct {
	*bufio.Writer
	palette
	*plan.Plan
	o     PlanOptions
	width int
}

func writePlanText(w io.Writer, p *plan.Plan, o PlanOptions) error {
	p = sanitize.Copy(p, sanitize.Line)
	t := &planWriter{Writer: bufio.NewWriter(w), palette: newPalette(o.Color), Plan: p, o: o, width: planWidth}
	if o.Width > 0 {
		t.width = min(max(o.Width, 60), planWidth)
	}
	t.verdict()
	t.head()
	t.changes()
	t.rollouts()
	if o.Verbose {
		t.timeline()
	}
	t.problems()
	t.unschedulable()
	t.placements()
	t.nodes()
	t.constraints()
	t.expectations()
	t.outcomes()
	t.risks()
	t.summary()
	return t.Flush()
}

// title begins a section.
func (t *planWriter) title(format string, args ...any) {
	fmt.Fprintf(t, "\n%s\n", t.bold.Sprintf(format, args...))
}

// wrapped writes a text under an indentation, broken between words. The first line has a label.
func (t *planWriter) wrapped(label, text string, indent int, paint *color.Color) {
	lines := wrap(printable(text), t.width-indent)
	for i, line := range lines {
		head := strings.Repeat(" ", indent)
		if i == 0 {
			head = label + strings.Repeat(" ", max(0, indent-runewidth.StringWidth(label)))
		}
		fmt.Fprintln(t, head+paint.Sprint(line))
	}
}

// wrap breaks a text into lines between words.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case runewidth.StringWidth(line)+1+runewidth.StringWidth(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}

// verdict says first what keeps the plan from its end.
func (t *planWriter) verdict() {
	red := t.severity[diag.Error]
	if !t.Converged {
		at := plan.Time(0)
		if t.StalledAt != nil {
			at = *t.StalledAt
		}
		t.wrapped("", fmt.Sprintf("%s at %s s: %s", t.outcome(), at, t.Reason), 0, red)
	}
	for _, e := range t.Failed() {
		t.wrapped("", fmt.Sprintf("FAILS at %s s: %s: %s", e.At, e.Expect, e.Message), 0, red)
	}
	for _, r := range t.Remedies {
		t.wrapped(
			"",
			fmt.Sprintf(
				"Would complete: %s: after %s s, at least %d of %d available", r.Change, r.CompletesAt,
				r.MinAvailable, r.Desired,
			),
			0, t.good,
		)
	}
	if !t.Converged || len(t.Failed()) > 0 {
		fmt.Fprintln(t)
	}
}

// outcome is the first word: something failed for good, or waits for what does not come, or was not done when
// the time was over.
func (t *planWriter) outcome() string {
	word := "UNFINISHED"
	for _, p := range t.Problems {
		if !p.Open || !strings.Contains(t.Reason, strings.TrimSuffix(p.Message, ".")) {
			continue
		}
		if p.Kind == plan.Backoff || p.Kind == plan.Denied {
			return "FAILS"
		}
		word = "STALLS"
	}
	return word
}

func (t *planWriter) head() {
	fmt.Fprintln(
		t,
		t.dim.Sprintf(
			"Kubernetes %s (simulated) · %s · seed %d · virtual time", strings.TrimPrefix(t.KubernetesVersion, "v"),
			plural(len(t.Nodes), "node"), t.Seed,
		),
	)
}

// glyphs of the actions, as users of other planners know them.
var glyphs = map[string]string{plan.Create: "+", plan.Update: "~", plan.Delete: "-", plan.None: "="}

const maxFields = 12 // of an object, unless everything is asked for

func (t *planWriter) changes() {
	if len(t.Changes) == 0 {
		return
	}
	t.title("Changes")
	unchanged := 0
	for i := range t.Changes {
		c := &t.Changes[i]
		if c.Action == plan.None && !t.o.Verbose && c.Denied == "" {
			unchanged++
			continue
		}
		t.change(c)
	}
	if unchanged > 0 {
		fmt.Fprintln(t, t.dim.Sprintf("  = %s as they are", plural(unchanged, "object")))
	}
}

func (t *planWriter) change(c *plan.Change) {
	paint := map[string]*color.Color{
		plan.Create: t.good, plan.Update: t.severity[diag.Warning], plan.Delete: t.severity[diag.Error],
		plan.None: t.dim,
	}[c.Action]
	glyph := paint.Sprint(glyphs[c.Action])
	if c.Denied != "" {
		glyph = t.severity[diag.Error].Sprint("!")
	}
	name := printable(c.Object.String())
	where := ""
	if c.File != "" {
		where = fmt.Sprintf("%s:%d", display(c.File), c.Line)
	}
	if c.By != "" {
		where = "by the " + c.By
	}
	gap := max(2, t.width-4-runewidth.StringWidth(name)-runewidth.StringWidth(where))
	fmt.Fprintf(t, "  %s %s%s%s\n", glyph, name, strings.Repeat(" ", gap), t.dim.Sprint(where))
	if c.Denied != "" {
		t.wrapped("", "refused: "+c.Denied, 6, t.severity[diag.Error])
	}
	t.fields(c.Fields)
}

func (t *planWriter) fields(fields []plan.Field) {
	shown := fields
	if !t.o.Verbose && len(shown) > maxFields {
		shown = shown[:maxFields]
	}
	width := 0
	label := func(f plan.Field) string {
		if f.Defaulted {
			return f.Path + " (defaulted)"
		}
		return f.Path
	}
	for _, f := range shown {
		width = max(width, runewidth.StringWidth(label(f)))
	}
	width = min(width, t.width-40)
	for _, f := range shown {
		name := printable(label(f))
		if room := t.width - 8 - width; runewidth.StringWidth(name) <= width && fit(f, room) {
			fmt.Fprintf(t, "      %s  %s\n", runewidth.FillRight(name, width), t.values(f, room))
			continue
		}
		fmt.Fprintf(t, "      %s\n          %s\n", name, t.values(f, t.width-10))
	}
	if rest := len(fields) - len(shown); rest > 0 {
		fmt.Fprintln(t, t.dim.Sprintf("      and %s more (--verbose)", plural(rest, "field")))
	}
}

// fit tells whether the values of a field can be shown whole in so many columns.
func fit(f plan.Field, width int) bool {
	return runewidth.StringWidth(printable(f.Before))+runewidth.StringWidth(printable(f.After))+len(" -> ") <= width
}

// values shows what becomes of a field in so many columns.
func (t *planWriter) values(f plan.Field, width int) string {
	before, after := printable(f.Before), printable(f.After)
	if !fit(f, width) {
		half := max(12, (width-4)/2)
		before, after = withoutSharedHead(before, after)
		before, after = runewidth.Truncate(before, half, "…"), runewidth.Truncate(after, half, "…")
	}
	switch {
	case f.Before == "":
		return t.good.Sprint(after)
	case f.After == "":
		return t.severity[diag.Error].Sprint(before) + " -> (removed)"
	}
	return t.severity[diag.Error].Sprint(before) + " -> " + t.good.Sprint(after)
}

// withoutSharedHead leaves out how two long values begin alike, so that what differs is seen.
func withoutSharedHead(before, after string) (string, string) {
	a, b := []rune(before), []rune(after)
	same := 0
	for same < len(a) && same < len(b) && a[same] == b[same] {
		same++
	}
	const context = 8
	if same <= 2*context {
		return before, after
	}
	cut := same - context
	return "…" + string(a[cut:]), "…" + string(b[cut:])
}

func (t *planWriter) rollouts() {
	for i := range t.Workloads {
		w := &t.Workloads[i]
		if !w.Changed && len(w.Curve) < 2 {
			continue
		}
		t.rollout(w)
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
		fmt.Fprintf(t, "  %s · at most %s · %s\n", least, plural(w.MaxPods, "pod"), paint.Sprint(end))
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

// apartFrom tells whether a step should not stand in the same row.
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

// pointAt gives the state of a workload at a moment.
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
		return plural(len(names), "pod") + word
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

// stepKey tells which steps are the same.
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
	plan.Unplaced: "unschedulable", plan.Refused: "pods refused", plan.Mount: "volume", plan.Config: "configuration", plan.Image: "image", plan.Crash: "crashes",
	plan.Probe: "probe", plan.Blocked: "eviction blocked", plan.Deadline: "deadline", plan.Preempted: "preempted", plan.NodeLost: "node lost", plan.Denied: "refused",
	plan.Backoff: "job failed", plan.Other: "warning",
}

func (t *planWriter) problems() {
	if len(t.Problems) == 0 {
		return
	}
	t.title("Problems")
	for i := range t.Problems {
		p := &t.Problems[i]
		paint := t.severity[diag.Warning]
		state := "over"
		if p.Open {
			paint, state = t.severity[diag.Error], "open"
		}
		about := p.Object
		if p.Workload != (diag.Object{}) {
			about = p.Workload
		}
		fmt.Fprintf(
			t, "  %8s  %s  %s%s\n", p.At, paint.Sprint(problemWords[p.Kind]), printable(about.String()),
			t.dim.Sprintf("%s, %s", times(p.Count), state),
		)
		t.wrapped("", p.Message, 12, t.plain)
	}
}

func (t *planWriter) unschedulable() {
	var open []plan.Unschedulable
	for _, u := range t.Unschedulable {
		if u.Until == nil {
			open = append(open, u)
		}
	}
	if len(open) == 0 {
		return
	}
	t.title("Unschedulable")
	for len(open) > 0 {
		same := func(u plan.Unschedulable) bool {
			return u.Message == open[0].Message && slices.Equal(u.Nodes, open[0].Nodes)
		}
		first, count := open[0], 0
		rest := slices.DeleteFunc(slices.Clone(open), func(u plan.Unschedulable) bool {
			if same(u) {
				count++
			}
			return same(u)
		})
		name := first.Object.Name
		if count > 1 {
			name += fmt.Sprintf(" and %d more like it", count-1)
		}
		fmt.Fprintf(t, "  %s\n", printable(name))
		t.wrapped("", first.Message, 6, t.severity[diag.Error])
		t.fits(first.Nodes)
		open = rest
	}
}

// fits shows why nodes did not take a pod.
func (t *planWriter) fits(nodes []plan.NodeFit) {
	const most = 6
	width, plugin := 0, 0
	for _, n := range nodes {
		width, plugin = max(width, len(n.Name)), max(plugin, len(n.Plugin))
	}
	for i, n := range nodes {
		if i == most && !t.o.Verbose {
			fmt.Fprintln(t, t.dim.Sprintf("      and %s more", plural(len(nodes)-most, "node")))
			return
		}
		t.wrapped(fmt.Sprintf("      %-*s  %-*s  ", width, n.Name, plugin, n.Plugin), n.Reason, 10+width+plugin, t.dim)
	}
}

func (t *planWriter) placements() {
	if len(t.Placements) == 0 {
		return
	}
	if !t.o.Verbose && !t.o.Reasons {
		return
	}
	t.title("Scheduling")
	for i := range t.Placements {
		t.placement(&t.Placements[i])
	}
}

func (t *planWriter) placement(p *plan.Placement) {
	why := fmt.Sprintf("best of %d feasible nodes", p.Feasible)
	switch {
	case p.Feasible == 1:
		why = "only feasible node; scoring skipped"
	case p.Feasible == 0:
		why = "not by the scheduler"
	}
	fmt.Fprintf(t, "  %8s  %s  on %s  %s\n", p.At, printable(p.Object.Name), t.bold.Sprint(p.Node), t.dim.Sprint(why))
	if !t.o.Reasons {
		return
	}
	for _, s := range p.Scores {
		var parts []string
		for _, x := range s.Plugins {
			parts = append(parts, fmt.Sprintf("%s %d", x.Name, x.Score))
		}
		t.wrapped(fmt.Sprintf("            %-20s %5d  ", s.Name, s.Total), strings.Join(parts, ", "), 40, t.dim)
	}
	for _, r := range p.Rejected {
		t.wrapped(fmt.Sprintf("            %-20s    --  ", r.Name), r.Plugin+": "+r.Reason, 40, t.dim)
	}
}

const maxNodes = 12 // that are shown, unless everything is asked for

func (t *planWriter) nodes() {
	if len(t.Nodes) == 0 {
		return
	}
	shown := slices.Clone(t.Nodes)
	if !t.o.Verbose && len(shown) > maxNodes {
		slices.SortStableFunc(shown, func(a, b plan.Node) int { return cmp.Compare(b.PodsPeak, a.PodsPeak) })
		shown = shown[:maxNodes]
		slices.SortStableFunc(shown, func(a, b plan.Node) int { return cmp.Compare(a.Name, b.Name) })
	}
	rows := [][]string{{"Nodes", "pods", "peak", "cpu", "memory", ""}}
	for _, n := range shown {
		note := n.Zone
		if !n.Ready {
			note = strings.TrimSpace(note + " NotReady")
		}
		rows = append(rows, []string{
			printable(n.Name), becomes(
				fmt.Sprint(n.PodsBefore), fmt.Sprint(n.Pods),
			), fmt.Sprintf("%d/%d", n.PodsPeak, n.PodsMax),
			usage(n.CPU), usage(n.Memory), note,
		})
	}
	fmt.Fprintln(t)
	for i, r := range rows {
		line := strings.TrimRight(
			fmt.Sprintf("  %-22s %10s %9s %19s %23s  %s", r[0], r[1], r[2], r[3], r[4], r[5]), " ",
		)
		if i == 0 {
			fmt.Fprintln(t, t.bold.Sprint("Nodes")+t.dim.Sprint(line[len("  Nodes"):]))
			continue
		}
		fmt.Fprintln(t, line)
	}
	if rest := len(t.Nodes) - len(shown); rest > 0 {
		fmt.Fprintln(t, t.dim.Sprintf("  and %s more (--verbose)", plural(rest, "node")))
	}
}

func usage(u plan.Usage) string { return becomes(u.Before, u.After) + "/" + u.Allocatable }

// becomes shows a value before and after, once if it stays.
func becomes(before, after string) string {
	if before == after {
		return after
	}
	return before + " -> " + after
}

func (t *planWriter) constraints() {
	if len(t.Constraints) == 0 {
		return
	}
	t.title("Gates")
	for _, g := range t.Constraints {
		paint := t.plain
		if g.Hit {
			paint = t.severity[diag.Error]
		}
		t.wrapped("  "+printable(g.Object.String())+"  ", g.Summary, runewidth.StringWidth(g.Object.String())+4, paint)
	}
}

func (t *planWriter) expectations() {
	if len(t.Expectations) == 0 {
		return
	}
	t.title("Expectations")
	for _, e := range t.Expectations {
		mark := t.good.Sprint("passed")
		if !e.Passed {
			mark = t.severity[diag.Error].Sprint("FAILED")
		}
		fmt.Fprintf(t, "  %s  %s\n", mark, t.bold.Sprint(printable(e.Expect)))
		t.wrapped("", e.Message, 10, t.dim)
	}
}

func (t *planWriter) risks() {
	var shown []diag.Diagnostic
	hidden := 0
	for _, d := range t.Findings {
		if d.Severity == diag.Info && !t.o.Verbose {
			hidden++
			continue
		}
		shown = append(shown, d)
	}
	if len(shown) > 0 {
		t.title("Risks")
	}
	for i := range shown {
		d := &shown[i]
		where := ""
		if d.Range.IsValid() {
			where = fmt.Sprintf("%s:%d:%d", display(d.Range.File), d.Range.Start.Line, d.Range.Start.Column)
		}
		fmt.Fprintf(
			t, "  %s  %s\n", t.severity[d.Severity].Sprintf("%-7s", d.Severity),
			t.dim.Sprint(strings.TrimSpace(d.Rule+"  "+where)),
		)
		t.wrapped("", d.Message, 11, t.plain)
		if d.Help != "" {
			t.wrapped("", "= "+d.Help, 11, t.help)
		}
	}
	if hidden > 0 {
		fmt.Fprintln(t, t.dim.Sprintf("\n%s of advice not shown (--verbose)", plural(hidden, "line")))
	}
	if len(t.Assumptions) > 0 {
		t.title("Assumed")
		for _, a := range t.Assumptions {
			t.wrapped("  ", a, 2, t.dim)
		}
	}
}

// summary is the last line: what changes, and how it ends.
func (t *planWriter) summary() {
	create, update, remove := t.Summary()
	end := fmt.Sprintf("Completes after %s s.", t.VirtualSeconds)
	paint := t.good
	switch {
	case !t.Converged && t.outcome() == "FAILS":
		end, paint = fmt.Sprintf("Fails; nothing moves any more after %s s.", t.VirtualSeconds), t.severity[diag.Error]
	case !t.Converged:
		end, paint = fmt.Sprintf("Does not complete within %s s.", t.VirtualSeconds), t.severity[diag.Error]
	case len(t.Failed()) > 0:
		end, paint = fmt.Sprintf("%s %s not met.", end, plural(len(t.Failed()), "expectation")), t.severity[diag.Error]
	case len(t.FailedOutcomes()) > 0:
		end, paint = fmt.Sprintf(
			"%s %d of %s without a good end.", end, len(t.FailedOutcomes()), plural(len(t.Outcomes), "question"),
		), t.severity[diag.Error]
	}
	fmt.Fprintf(
		t, "\n%s %s\n", t.bold.Sprintf("Plan: %d to create, %d to change, %d to delete.", create, update, remove),
		paint.Sprint(end),
	)
}
