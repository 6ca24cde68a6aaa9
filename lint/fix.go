package lint

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/source"
)

// FixFile returns a file's text with the certain fixes of findings made, and how many were made.
// A fix that touches bytes which another one has changed is left for the next round.
func FixFile(name string, data []byte, findings []diag.Diagnostic) (fixed []byte, made int, err error) {
	return fixFile(name, data, findings, func(f *diag.Fix) bool { return f.Safe })
}

// FixFileUnsafe is FixFile for fixes that are offered as well, which somebody has to read.
func FixFileUnsafe(name string, data []byte, findings []diag.Diagnostic) (fixed []byte, made int, err error) {
	return fixFile(name, data, findings, func(*diag.Fix) bool { return true })
}

// fixFile makes the first fix of each finding that may be made.
func fixFile(
	name string, data []byte, findings []diag.Diagnostic, may func(*diag.Fix) bool,
) (fixed []byte, made int, err error) {
	var edits []source.Edit
	for _, d := range findings {
		for i := range d.Fixes {
			fix := &d.Fixes[i]
			if !may(fix) || !allIn(name, fix.Edits) {
				continue
			}
			if overlaps(edits, fix.Edits) {
				continue
			}
			edits = append(edits, fix.Edits...)
			made++
			break // the first fix of a finding is the best one
		}
	}
	if made == 0 {
		return data, 0, nil
	}
	slices.SortFunc(
		edits,
		func(a, b source.Edit) int { return cmp.Compare(a.Range.Start.Offset, b.Range.Start.Offset) },
	)
	fixed, err = source.Apply(data, edits)
	if err == nil && bytes.Equal(fixed, data) {
		made = 0
	}
	return fixed, made, err
}

func allIn(name string, edits []source.Edit) bool {
	return len(edits) > 0 && !slices.ContainsFunc(edits, func(e source.Edit) bool { return e.Range.File != name })
}

func overlaps(have, want []source.Edit) bool {
	for _, w := range want {
		for _, h := range have {
			if w.Range.Start.Offset < h.Range.End.Offset && h.Range.Start.Offset < w.Range.End.Offset ||
				w.Range.Start.Offset == h.Range.Start.Offset {
				return true
			}
		}
	}
	return false
}

// Better reports whether there are fewer findings than before, and none that was not there before.
func Better(before, after []diag.Diagnostic) bool {
	type key struct {
		file, rule, path, message string
		object                    diag.Object
	}
	known := map[key]int{}
	keyOf := func(d diag.Diagnostic) key { return key{d.Range.File, d.Rule, d.Path, d.Message, d.Object} }
	for _, d := range before {
		known[keyOf(d)]++
	}
	for _, d := range after {
		if known[keyOf(d)]--; known[keyOf(d)] < 0 {
			return false
		}
	}
	return len(after) < len(before)
}
