package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seatrial/seatrial/internal/app"
	"github.com/seatrial/seatrial/schema"
)

// TestCorpusHasNoFindings wants documents that the default rules accept: otherwise the output is measured as well, and
// figures change with each rule.
func TestCorpusHasNoFindings(t *testing.T) {
	dir := t.TempDir()
	if err := writeFolder(dir, 3); err != nil {
		t.Fatal(err)
	}
	w, err := app.Open(app.NewFiles(nil), app.Settings{Paths: []string{dir}, Config: os.DevNull})
	if err != nil {
		t.Fatal(err)
	}
	job, err := w.Lint(app.LintSettings{Build: app.Build{Kubernetes: "v" + schema.Latest + ".0"}, Rules: "default"})
	if err != nil {
		t.Fatal(err)
	}
	res, err := job.Run(t.Context())
	if err != nil || res.Summary.Documents != 30 {
		t.Fatalf("%v, summary %+v", err, res)
	}
	for _, d := range res.Diagnostics {
		t.Errorf("%s: %s (%s)", d.Range, d.Message, d.Rule)
	}
}

// TestTableShowsNoDifferenceWithinTheSpread marks a command whose runs overlap with those of the first one.
func TestTableShowsNoDifferenceWithinTheSpread(t *testing.T) {
	of := func(median, lowest, highest time.Duration) result {
		return result{sample{wall: median}, lowest, highest}
	}
	all := map[string]result{
		"first": of(10*time.Second, 9*time.Second, 12*time.Second),
		"close": of(11*time.Second, 11*time.Second, 13*time.Second),
		"apart": of(20*time.Second, 13*time.Second, 21*time.Second),
	}
	text := table(
		task{name: "task", documents: 1, contenders: []contender{{name: "first"}, {name: "close"}, {name: "apart"}}},
		all,
	)
	for _, want := range []string{
		"| first | 10.000 s | 9.000 to 12.000 s | 1.00 |", "| close | 11.000 s | 11.000 to 13.000 s | none |",
		"| apart | 20.000 s | 13.000 to 21.000 s | 2.00 |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
