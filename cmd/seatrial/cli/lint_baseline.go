package cli

import (
	"fmt"
	"io"

	"github.com/seatrial/seatrial/internal/report"
	"github.com/seatrial/seatrial/lint"
)

// keepBaseline writes the findings to the file of --write-baseline.
func (o *lintOptions) keepBaseline(job *lintJob, res *lint.Result) error {
	findings := job.workspace.Redactor(res.Diagnostics).Diagnostics(res.Diagnostics)
	b := lint.NewBaseline(findings)
	if err := b.Write(o.writeBaseline); err != nil {
		return &exitError{exitFailed, err}
	}
	fmt.Fprintf(o.Err, "wrote %s to %s; baseline: %s in %s makes them known\n",
		report.Plural(len(findings), "finding"), o.writeBaseline, o.writeBaseline, lint.ConfigName)
	return nil
}

// maxGone is how many findings of a baseline that do not occur are named.
const maxGone = 10

// noteBaseline says what a baseline has silenced, and what of it does not occur any more.
func noteBaseline(w io.Writer, res *lint.Result) {
	if res.Known > 0 {
		fmt.Fprintf(w, "note: findings that the baseline knows, not shown: %d\n", res.Known)
	}
	for i, k := range res.Gone {
		if i == maxGone {
			fmt.Fprintf(w, "note: and %d more of the baseline\n", len(res.Gone)-maxGone)
			break
		}
		fmt.Fprintf(w, "note: of the baseline, but not found: %s %s of %s in %s\n", k.Rule, k.Path, k.Object, k.File)
	}
	if len(res.Gone) > 0 {
		fmt.Fprintln(w, "note: --write-baseline writes it without them")
	}
}
