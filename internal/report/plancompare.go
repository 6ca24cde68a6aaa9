package report

import (
	"bufio"
	"fmt"
	"io"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/sanitize"
)

// WritePlanDiff writes in what two plans differ, for people: what is worse has an exclamation mark, what is better a
// plus.
func WritePlanDiff(w io.Writer, all []plan.Difference, o Options) error {
	t := textPlanWriter(w, o)
	if len(all) == 0 {
		fmt.Fprintln(t, "The plans come to the same.")
	}
	subject := ""
	for _, d := range all {
		if d.Subject != subject {
			subject = d.Subject
			fmt.Fprintln(t, t.bold.Sprint(printable(sanitize.Line(subject))))
		}
		mark, paint := "  ~ ", t.plain
		switch {
		case d.Worse:
			mark, paint = "  ! ", t.severity[diag.Error]
		case d.Better:
			mark, paint = "  + ", t.good
		}
		t.wrapped(mark, sanitize.Line(d.Change), len(mark), paint)
	}
	return t.Flush()
}

// WriteExpectations writes the answers to the expectations of a scenario, for people.
func WriteExpectations(w io.Writer, all []plan.Expectation, o Options) error {
	t := textPlanWriter(w, o)
	for _, e := range all {
		e.Message = sanitize.Line(e.Message)
		t.expectation(&e)
	}
	return t.Flush()
}

func textPlanWriter(w io.Writer, o Options) *planWriter {
	t := &planWriter{Writer: bufio.NewWriter(w), palette: newPalette(o.Color), width: planWidth}
	if o.Width > 0 {
		t.width = min(max(o.Width, 60), planWidth)
	}
	return t
}
