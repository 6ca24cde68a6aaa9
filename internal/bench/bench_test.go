package main

import (
	"strings"
	"testing"
	"time"
)

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
