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
	"github.com/seatrial/seatrial/internal/review"
	"github.com/seatrial/seatrial/internal/sanitize"
)

// reviewWriter writes a review for people.
type reviewWriter struct {
	*bufio.Writer
	palette
	*review.Report
	o     ReviewOptions
	width int
}

func writeReviewText(w io.Writer, r *review.Report, o ReviewOptions) error {
	r = sanitize.Copy(r, sanitize.Lines)
	t := &reviewWriter{Writer: bufio.NewWriter(w), palette: newPalette(o.Color), Report: r, o: o, width: planWidth}
	if o.Width > 0 {
		t.width = min(max(o.Width, 60), planWidth)
	}
	t.head()
	t.environments()
	t.refused()
	t.consequences()
	t.changes()
	t.rollouts()
	t.findings("New findings", t.New)
	t.findings("Fixed findings", t.Fixed)
	if o.All {
		t.findings("Findings of before", t.Known)
	}
	t.totals()
	t.foot()
	return t.Flush()
}

// risk returns how a risk is painted.
func (t *reviewWriter) risk(r review.Risk) *color.Color {
	switch r {
	case review.High:
		return t.severity[diag.Error]
	case review.Medium:
		return t.severity[diag.Warning]
	case review.Low:
		return t.good
	}
	return t.dim
}

func (t *reviewWriter) head() {
	fmt.Fprintln(t, t.risk(t.Report.Risk()).Sprint(printable(reviewTitle(t.Report))))
	fmt.Fprintln(t, t.dim.Sprint(printable(sides(t.Report))))
	for _, n := range t.Notes {
		t.wrapped("note: ", n, 6, t.plain)
	}
}

func (t *reviewWriter) title(text, count string) {
	fmt.Fprintf(t, "\n%s", t.bold.Sprint(text))
	if count != "" {
		fmt.Fprint(t, t.dim.Sprint("  "+count))
	}
	fmt.Fprintln(t)
}

// wrapped writes a text under an indentation. The first line has a label.
func (t *reviewWriter) wrapped(label, text string, indent int, paint *color.Color) {
	for i, line := range wrap(printable(text), t.width-indent) {
		head := strings.Repeat(" ", indent)
		if i == 0 {
			head = label + strings.Repeat(" ", max(0, indent-runewidth.StringWidth(label)))
		}
		fmt.Fprintln(t, head+paint.Sprint(line))
	}
}

func (t *reviewWriter) environments() {
	if len(t.Environments) == 0 {
		return
	}
	width := 0
	for _, e := range t.Environments {
		width = max(width, runewidth.StringWidth(printable(e.Name)))
	}
	width = min(width, t.width/2)
	fmt.Fprintln(t)
	for _, e := range t.Environments {
		name := runewidth.FillRight(runewidth.Truncate(printable(e.Name), width, "…"), width)
		why := e.Reasons
		if len(why) == 0 {
			why = []string{e.Summary()}
		}
		fmt.Fprintf(t, "  %s  %s  ", name, t.risk(e.Risk).Sprint(runewidth.FillRight(e.Risk.String(), 6)))
		indent := width + 12
		for i, reason := range why {
			for j, line := range wrap(printable(reason), max(20, t.width-indent-2)) {
				if i+j > 0 {
					fmt.Fprint(t, strings.Repeat(" ", indent+2*min(j, 1)))
				}
				fmt.Fprintln(t, line)
			}
		}
		if e.Was != "" {
			t.wrapped("", "was "+e.Was, indent, t.dim)
		}
		if e.Problem != "" {
			t.wrapped("", e.Problem, indent, t.severity[diag.Error])
		}
		for _, v := range varyingTexts(&e) {
			t.wrapped("", v, indent, t.dim)
		}
	}
}

// varyingTexts says which fields are made anew by each rendering.
func varyingTexts(e *review.EnvironmentReport) (texts []string) {
	paths := map[string][]string{}
	for _, v := range e.Varying {
		name := v.Object.String()
		if v.Path == "" {
			paths[name] = append(paths[name], "the name")
			continue
		}
		paths[name] = append(paths[name], v.Path)
	}
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		list := paths[name]
		if len(list) > 3 {
			list = append(list[:2:2], fmt.Sprintf("%d more", len(list)-2))
		}
		texts = append(texts, fmt.Sprintf("not deterministic, no change: %s of %s", strings.Join(list, ", "), name))
	}
	return texts
}

func (t *reviewWriter) refused() {
	if len(t.Refused) == 0 {
		return
	}
	t.title("The API server refuses", "")
	for i := range t.Refused {
		t.finding(&t.Refused[i])
	}
}

func (t *reviewWriter) findings(title string, all []review.Finding) {
	if len(all) == 0 {
		return
	}
	t.title(title, countedFindings(all))
	for i := range all {
		t.finding(&all[i])
	}
}

// where names the place of something and its environments, as an end of a line.
func (t *reviewWriter) where(file string, line int, environments []string) string {
	parts := []string{reviewPlace(display(file), line)}
	if file == "" {
		parts = nil
	}
	if len(t.Environments) > 1 {
		parts = append(parts, printable(inEnvironments(t.Report, environments)))
	}
	return strings.Join(parts, ", ")
}

func (t *reviewWriter) finding(f *review.Finding) {
	paint := t.severity[f.Severity]
	object := f.Object.String()
	if object == "" {
		object = display(f.Range.File)
	}
	fmt.Fprintf(t, "  %s %s  %s\n", paint.Sprint("!"), printable(object), t.dim.Sprint("["+printable(f.Rule)+"]"))
	t.wrapped("", f.Text(), 6, t.plain)
	if f.Help != "" {
		t.wrapped("", f.Help, 6, t.help)
	}
	t.wrapped("", t.where(f.Range.File, f.Range.Start.Line, f.Environments), 6, t.dim)
}

func (t *reviewWriter) consequences() {
	if len(t.Consequences) == 0 {
		return
	}
	t.title("What follows", "")
	for _, c := range t.Consequences {
		mark := t.risk(c.Risk).Sprint(runewidth.FillRight(c.Risk.String(), 6))
		fmt.Fprintf(t, "  %s %s  %s\n", mark, printable(c.Object.String()), t.dim.Sprint("["+c.Kind+"]"))
		t.wrapped("", c.Message, 9, t.plain)
		for i, d := range c.Details {
			if i == maxFields && !t.o.Verbose {
				fmt.Fprintln(t, t.dim.Sprintf("           and %d more (--verbose)", len(c.Details)-i))
				break
			}
			t.wrapped("           ", d, 11, t.plain)
		}
		t.wrapped("", t.where(c.File, c.Line, c.Environments), 9, t.dim)
	}
}

// reviewGlyphs are those of plans, and one for objects that get another name.
var reviewGlyphs = map[string]string{review.Create: "+", review.Update: "~", review.Delete: "-", review.Rename: ">"}

func (t *reviewWriter) changes() {
	if len(t.Changes) == 0 {
		return
	}
	t.title("Changes", countedChanges(t.Changes))
	paint := map[string]*color.Color{
		review.Create: t.good, review.Update: t.severity[diag.Warning], review.Delete: t.severity[diag.Error],
		review.Rename: t.severity[diag.Warning],
	}
	for i := range t.Changes {
		c := &t.Changes[i]
		name, where := printable(objectName(c)), t.where(c.File, c.Line, c.Environments)
		fmt.Fprintf(t, "  %s %s", paint[c.Action].Sprint(reviewGlyphs[c.Action]), name)
		switch {
		case where == "":
			fmt.Fprintln(t)
		case runewidth.StringWidth(name+where)+6 <= t.width:
			fmt.Fprintln(t, "  "+t.dim.Sprint(where))
		default:
			fmt.Fprintln(t)
			t.wrapped("", where, 6, t.dim)
		}
		if fate := fateText(c); fate != "" {
			t.wrapped("", fate, 6, t.dim)
		}
		t.fields(c.Fields)
	}
}

func (t *reviewWriter) fields(fields []review.Field) {
	for i, f := range fields {
		if i == maxFields && !t.o.Verbose {
			fmt.Fprintln(t, t.dim.Sprintf("      and %s more (--verbose)", Plural(len(fields)-i, "field")))
			return
		}
		path := printable(f.Path)
		if f.Defaulted {
			path += t.dim.Sprint(" (by the server)")
		}
		if len(f.Lines) > 0 {
			fmt.Fprintf(t, "      %s\n", path)
			t.lines(f.Lines)
			continue
		}
		room := t.width - 8 - runewidth.StringWidth(path)
		before, after := fieldValues(f)
		if size := runewidth.StringWidth(before + after); size+len(" -> ") > room {
			fmt.Fprintf(t, "      %s\n        %s\n", path, t.values(f, t.width-8))
			continue
		}
		fmt.Fprintf(t, "      %s  %s\n", path, t.values(f, room))
	}
}

// maxLines is how many lines of a text are shown, unless everything is asked for.
const maxLines = 20

func (t *reviewWriter) lines(lines []string) {
	for i, line := range lines {
		if i == maxLines && !t.o.Verbose {
			fmt.Fprintln(t, t.dim.Sprintf("        and %s more (--verbose)", Plural(len(lines)-i, "line")))
			return
		}
		paint := t.dim
		switch {
		case strings.HasPrefix(line, "-"):
			paint = t.severity[diag.Error]
		case strings.HasPrefix(line, "+"):
			paint = t.good
		}
		fmt.Fprintf(t, "        %s\n", paint.Sprint(runewidth.Truncate(printable(markedLine(line)), t.width-8, "…")))
	}
}

// values shows what becomes of a field in so many columns.
func (t *reviewWriter) values(f review.Field, width int) string {
	before, after := fieldValues(f)
	if runewidth.StringWidth(before)+runewidth.StringWidth(after)+len(" -> ") > width {
		if f.Before != "" && f.After != "" {
			before, after = withoutSharedHead(before, after)
		}
		half := max(12, (width-len(" -> "))/2)
		room := width - len(" -> ") - min(half, runewidth.StringWidth(before))
		before = runewidth.Truncate(before, max(half, width-len(" -> ")-runewidth.StringWidth(after)), "…")
		after = runewidth.Truncate(after, max(half, room), "…")
	}
	paint := func(value string, set bool, c *color.Color) string {
		if !set {
			return value
		}
		return c.Sprint(value)
	}
	return paint(before, f.Before != "", t.severity[diag.Error]) + " -> " + paint(after, f.After != "", t.good)
}

// fieldValues returns the values of a field for people.
func fieldValues(f review.Field) (before, after string) {
	return cmp.Or(printable(f.Before), "(not set)"), cmp.Or(printable(f.After), "(removed)")
}

func (t *reviewWriter) rollouts() {
	if len(t.Rollouts) == 0 {
		return
	}
	t.title("Rollout", "")
	for i := range t.Rollouts {
		o := &t.Rollouts[i]
		paint := t.good
		if o.Simulated && !o.Completes {
			paint = t.severity[diag.Error]
		} else if !o.Simulated {
			paint = t.dim
		}
		t.wrapped("  ", o.Environment+": "+rolloutText(o), 2, paint)
		for _, w := range o.Workloads {
			t.wrapped("", rollingText(&w), 6, t.plain)
		}
		for _, p := range slices.Concat(o.Problems, o.Remedies) {
			t.wrapped("", p, 6, t.plain)
		}
	}
}

// rolloutText says how a rollout goes in one line.
func rolloutText(o *review.Rollout) string {
	on := "on nodes with room"
	if o.Nodes != "" {
		on = "on " + o.Nodes
	}
	switch {
	case !o.Simulated:
		return "not simulated: " + o.Why
	case !o.Completes:
		return fmt.Sprintf("does not complete %s: %s", on, o.Why)
	}
	return fmt.Sprintf("completes after %.0f s %s", o.Seconds, on)
}

// rollingText says how a workload fares in a rollout.
func rollingText(w *review.Rolling) string {
	text := fmt.Sprintf(
		"%s: at least %d of %d available, at most %s", w.Object, w.MinAvailable, w.Desired, Plural(w.MaxPods, "pod"),
	)
	if w.Settled < 0 {
		text += "; does not come to rest"
	}
	return text
}

func (t *reviewWriter) totals() {
	if len(t.Totals) == 0 {
		return
	}
	t.title("Requests and limits", "")
	for i := range t.Totals {
		s := &t.Totals[i]
		name := "namespace " + s.Namespace
		if len(t.Environments) > 1 {
			name = s.Environment + ", " + name
		}
		t.wrapped("  ", name+": "+strings.Join(totalTexts(s), ", "), 4, t.plain)
		if len(s.Quota) > 0 {
			t.wrapped("", "left of the quota: "+roomTexts(s.Quota), 6, t.dim)
		}
	}
	for i := range t.NodeRooms {
		n := &t.NodeRooms[i]
		name := Plural(n.Nodes, "node")
		if len(t.Environments) > 1 {
			name = n.Environment + ", " + name
		}
		t.wrapped("  ", name+": left "+roomTexts(n.Room), 4, t.plain)
	}
}

// totalTexts says which sums differ: requests.cpu 800m -> 1200m.
func totalTexts(s *review.Total) (texts []string) {
	keys := maps.Clone(s.Before)
	if keys == nil {
		keys = map[string]string{}
	}
	maps.Copy(keys, s.After)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if before, after := zero(s.Before[key]), zero(s.After[key]); before != after {
			texts = append(texts, fmt.Sprintf("%s %s -> %s", key, before, after))
		}
	}
	return texts
}

func zero(s string) string {
	if s == "" {
		return "0"
	}
	return s
}

func (t *reviewWriter) foot() {
	if t.Before > 0 && !t.o.All {
		fmt.Fprintf(t, "\n%s\n", t.dim.Sprintf("%s of before not shown: --all", Plural(t.Before, "finding")))
	}
}
