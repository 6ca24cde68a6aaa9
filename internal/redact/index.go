package redact

import (
	"cmp"
	"slices"
	"strings"
)

// index finds which of many values occur in a text, in time that grows with the text and not with their number.
type index struct {
	values  []string
	lengths []int            // of the beginnings
	begin   map[string][]int // the values by their beginnings
	masked  []int            // values that hold a part of a mask, and may come to be where another one was replaced
}

// beginnings are the lengths by which values are found: a value is filed under the longest that it has.
var beginnings = []int{32, 16, 8, 4, 2, 1}

// indexed returns values, each once and the longest first, with their index.
func indexed(values []string) ([]string, *index) {
	values = slices.Clone(values)
	slices.SortFunc(values, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	values = slices.Compact(values)
	x := &index{values: values, begin: make(map[string][]int, len(values))}
	for i, v := range values {
		for _, n := range beginnings {
			if len(v) >= n {
				x.begin[v[:n]] = append(x.begin[v[:n]], i)
				if !slices.Contains(x.lengths, n) {
					x.lengths = append(x.lengths, n)
				}
				break
			}
		}
		if strings.Contains(v, Mask[:1]) {
			x.masked = append(x.masked, i)
		}
	}
	return values, x
}

// in returns the values that occur in a text, or may do so when others have been replaced, in their order.
func (x *index) in(s string) []int {
	var found []int
	for at := range len(s) {
		for _, n := range x.lengths {
			if at+n > len(s) {
				continue
			}
			for _, i := range x.begin[s[at:at+n]] {
				if strings.HasPrefix(s[at:], x.values[i]) {
					found = append(found, i)
				}
			}
		}
	}
	if len(found) == 0 {
		return nil
	}
	found = append(found, x.masked...)
	slices.Sort(found)
	return slices.Compact(found)
}
