package diag_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/source"
)

// TestSort: findings come by file, place, severity, rule, path and message, and equal ones stay as they were.
func TestSort(t *testing.T) {
	draw := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		all := make([]diag.Diagnostic, draw.IntN(40))
		for i := range all {
			d := &all[i]
			d.Range = source.Range{File: string(rune('a' + draw.IntN(2)))}
			d.Range.Start.Line, d.Range.Start.Column = draw.IntN(3), draw.IntN(2)
			d.Document, d.Severity = draw.IntN(2), diag.Severity(1+draw.IntN(2))
			d.Rule, d.Path, d.Message = []string{"r", "s"}[draw.IntN(2)], []string{
				"p", "q",
			}[draw.IntN(2)], []string{"m", "n"}[draw.IntN(2)]
			d.Help = string(rune('A' + i)) // distinguishes equal ones
		}
		want := slices.Clone(all)
		slices.SortStableFunc(
			want, func(a, b diag.Diagnostic) int { return slices.CompareFunc(keys(a), keys(b), compare) },
		)
		diag.Sort(all)
		if !reflect.DeepEqual(all, want) {
			t.Fatalf("got %v\nwant %v", all, want)
		}
	}
}

func keys(d diag.Diagnostic) []any {
	return []any{
		d.Range.File, d.Range.Start.Line, d.Range.Start.Column, d.Document, int(d.Severity), d.Rule, d.Path, d.Message,
	}
}

func compare(a, b any) int {
	if n, ok := a.(int); ok {
		return n - b.(int)
	}
	return map[bool]int{true: -1}[a.(string) < b.(string)] + map[bool]int{true: 1}[a.(string) > b.(string)]
}
