package report

import (
	"bufio"
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
	fold  bool // there is too much to show all of it
}

func writePlanText(w io.Writer, p *plan.Plan, o PlanOptions) error {
	p = sanitize.Copy(p, sanitize.Line)
	t := &planWriter{Writer: bufio.NewWriter(w), palette: newPalette(o.Color), Plan: p, o: o, width: planWidth}
	if o.Width > 0 {
		t.width = min(max(o.Width, 60), planWidth)
	}
	t.fold = t.folds()
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
	t.groups()
	t.fit()
	t.pack()
	t.outcomes()
	t.seeds()
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
		if t.WayOut != "" {
			t.wrapped("", "Way out: "+t.WayOut, 0, t.good)
		}
	}
	for _, e := range t.Failed() {
		t.wrapped("", fmt.Sprintf("FAILS at %s s: %s: %s", e.At, e.Expect, e.Message), 0, red)
	}
	t.seedVerdict()
	for _, r := range t.Remedies {
		t.wrapped(
			"",
			"Would complete: "+remedyText(&r), 0, t.good,
		)
	}
	if !t.Converged || len(t.Failed()) > 0 || t.seedsDiffer() {
		fmt.Fprintln(t)
	}
}

// remedyText says with what a plan completes, and how.
func remedyText(r *plan.Remedy) string {
	text := fmt.Sprintf("%s: after %s s", r.Change, r.CompletesAt)
	if r.Desired > 0 {
		text += fmt.Sprintf(", at least %d of %d available", r.MinAvailable, r.Desired)
	}
	return text
}

// outcome is the first word: something failed for good, or waits for what does not come, or was not done when
// the time was over.
func (t *planWriter) outcome() string {
	word := "UNFINISHED"
	for _, p := range t.Problems {
		if !p.Says(t.Reason) {
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
			Plural(len(t.Nodes), "node"), t.Seed,
		),
	)
}

func (t *planWriter) expectations() {
	if len(t.Expectations) == 0 {
		return
	}
	t.title("Expectations")
	for _, e := range t.Expectations {
		t.expectation(&e)
	}
}

func (t *planWriter) expectation(e *plan.Expectation) {
	mark := t.good.Sprint("passed")
	if !e.Passed {
		mark = t.severity[diag.Error].Sprint("FAILED")
	}
	fmt.Fprintf(t, "  %s  %s\n", mark, t.bold.Sprint(printable(e.Expect)))
	t.wrapped("", e.Message, 10, t.dim)
}

// sameRisks is how many risks of one rule are shown, unless everything is asked for.
const sameRisks = 3

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
	byRule := map[string]int{} // risks of a rule
	for i := range shown {
		d := &shown[i]
		if byRule[d.Rule]++; byRule[d.Rule] > sameRisks && !t.o.Verbose {
			continue
		}
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
	for _, rule := range slices.Sorted(maps.Keys(byRule)) {
		if more := byRule[rule] - sameRisks; more > 0 && !t.o.Verbose {
			fmt.Fprintln(t, t.dim.Sprintf("  and %d more of %s (--verbose)", more, rule))
		}
	}
	if hidden > 0 {
		fmt.Fprintln(t, t.dim.Sprintf("\n%s of advice not shown (--verbose)", Plural(hidden, "line")))
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
		end, paint = fmt.Sprintf("%s %s not met.", end, Plural(len(t.Failed()), "expectation")), t.severity[diag.Error]
	case t.seedsDiffer():
		end = fmt.Sprintf("%s Not with %d of %d seeds.", end, t.Seeds.Runs-t.Seeds.Passed, t.Seeds.Runs)
		paint = t.severity[diag.Error]
	case len(t.FailedOutcomes()) > 0:
		end, paint = fmt.Sprintf(
			"%s %d of %s without a good end.", end, len(t.FailedOutcomes()), Plural(len(t.Outcomes), "question"),
		), t.severity[diag.Error]
	}
	fmt.Fprintf(
		t, "\n%s %s\n", t.bold.Sprintf("Plan: %d to create, %d to change, %d to delete.", create, update, remove),
		paint.Sprint(end),
	)
}
