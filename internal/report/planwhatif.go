package report

import (
	"fmt"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan"
)

// outcomeTitles head the tables of outcomes.
var outcomeTitles = map[string]string{
	plan.DrainNode: "When each node is drained",
	plan.FailNode:  "When each node fails",
	plan.FailZone:  "When each zone fails",
}

// outcomes writes what becomes of the change in disruptions, a line for each node or zone.
func (t *planWriter) outcomes() {
	kind := ""
	wide := len("NODE")
	for _, a := range t.Outcomes {
		wide = max(wide, runewidth.StringWidth(a.Target))
	}
	for _, a := range t.Outcomes {
		if a.Kind != kind {
			kind = a.Kind
			t.title("%s", outcomeTitles[kind])
			what := "NODE"
			if kind == plan.FailZone {
				what = "ZONE"
			}
			fmt.Fprintln(
				t,
				t.dim.Sprintf(
					"  %-*s  %-9s  %9s  %7s  %8s  %s", wide, what, "COMPLETES", "AFTER", "BLOCKED", "UNPLACED",
					"LEAST AVAILABLE",
				),
			)
		}
		t.oneOutcome(&a, wide)
	}
}

func (t *planWriter) oneOutcome(a *plan.Outcome, wide int) {
	word, paint := "yes", t.good
	if !a.Passed() {
		word, paint = "no", t.severity[diag.Error]
	}
	least := []string{}
	for _, w := range a.Workloads {
		least = append(least, fmt.Sprintf("%s %d of %d", w.Object, w.MinAvailable, w.Desired))
	}
	if len(least) == 0 {
		least = []string{"all"}
	}
	indent := 2 + wide + 2 + 9 + 2 + 9 + 2 + 7 + 2 + 8 + 2
	head := fmt.Sprintf(
		"  %-*s  %s  %7s s  %7d  %8d", wide, a.Target, paint.Sprintf("%-9s", word), a.VirtualSeconds, a.Blocked,
		a.Unschedulable,
	)
	for i, line := range wrap(strings.Join(least, ", "), max(t.width-indent, 20)) {
		if i > 0 {
			head = strings.Repeat(" ", indent-2)
		}
		fmt.Fprintf(t, "%s  %s\n", head, line)
	}
	if a.Reason != "" {
		t.wrapped("", a.Reason, wide+4, t.dim)
	}
	if a.WayOut != "" {
		t.wrapped("", "Way out: "+a.WayOut, wide+4, t.good)
	}
	for _, refusal := range a.Refusals {
		t.wrapped("", refusal, wide+4, t.severity[diag.Warning])
	}
}
