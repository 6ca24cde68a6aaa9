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

	plan.DrainInTurn: "When the nodes are drained in turn",
}

// outcomes writes what becomes of the change in disruptions, a line for each node or zone.
func (t *planWriter) outcomes() {
	kind := ""
	wide := len("NODE")
	for _, a := range t.Outcomes {
		wide = max(wide, runewidth.StringWidth(a.Target))
		if a.Kind == plan.DrainInTurn {
			wide = max(wide, len("NODES"))
		}
	}
	for _, a := range t.Outcomes {
		if a.Kind != kind {
			kind = a.Kind
			t.title("%s%s", outcomeTitles[kind], howReplaced(&a))
			what := "NODE"
			switch kind {
			case plan.FailZone:
				what = "ZONE"
			case plan.DrainInTurn:
				what = "NODES"
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
	t.turns(a, wide+4)
}

// howReplaced says of an upgrade of nodes what takes their place, empty for other disruptions.
func howReplaced(a *plan.Outcome) string {
	switch {
	case a.Kind != plan.DrainInTurn:
		return ""
	case a.Surge == 0:
		return ", each back before the next"
	}
	return ", replaced by " + Plural(a.Surge, "surge node") + " at a time"
}

// turns writes how the upgrade of each node went.
func (t *planWriter) turns(a *plan.Outcome, indent int) {
	waiting := 0
	for i := range a.Turns {
		turn := &a.Turns[i]
		if turn.At == nil {
			waiting++
			continue
		}
		t.wrapped("", turnText(turn), indent, t.dim)
		for _, refusal := range turn.Refusals {
			t.wrapped("", refusal, indent+2, t.severity[diag.Warning])
		}
	}
	if waiting > 0 {
		t.wrapped("", Plural(waiting, "node")+" not begun", indent, t.dim)
	}
}

// turnText says how the upgrade of a node went that has begun.
func turnText(turn *plan.Turn) string {
	text := fmt.Sprintf("%s: from %s s on, not drained", turn.Node, turn.At)
	if turn.Drained != nil {
		text = fmt.Sprintf("%s: from %s s on, drained in %s s", turn.Node, turn.At, *turn.Drained-*turn.At)
	}
	if turn.Waited > 0 {
		text += fmt.Sprintf(", budgets forbade evictions for %s s", turn.Waited)
	}
	if turn.ReplacedBy != "" {
		text += ", replaced by " + turn.ReplacedBy
	}
	return text
}
