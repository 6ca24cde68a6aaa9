package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/source"
)

// TestArchivesAreNotQuoted: a finding about a packaged chart names it, and shows none of its bytes.
func TestArchivesAreNotQuoted(t *testing.T) {
	archive := source.NewFile("a.tgz", []byte("\x1f\x8b\x08\x00planted\xff\xfe\n"))
	at := source.Range{File: "a.tgz", Start: source.Pos{Line: 1, Column: 1}, End: source.Pos{Line: 1, Column: 1}}
	r := &Lint{
		Result: &lint.Result{
			Diagnostics: []diag.Diagnostic{{Rule: "chart", Severity: diag.Error, Message: "broken", Range: at}},
		},
		Source: func(string) (*source.File, error) { return archive, nil },
	}
	var out bytes.Buffer
	if err := writeText(&out, r, Options{}); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.Contains(got, "a.tgz:1:1") || strings.Contains(got, "planted") {
		t.Errorf("got %q", got)
	}
}
