package redact

import (
	"cmp"
	"slices"
	"strings"
)

// index finds which of many values occur in a text, in time that grows with the text and not with their number.
type index struct {
	values  []string
	lengths []int                // of the beginnings
	begin   map[string][]int     // the values by their beginnings
	masked  []int                // values that hold a part of a mask, and may come to be where another one was replaced
	pairs   [1 << 16 / 64]uint64 // the first two bytes that values have, a bit for each pair
	single  bool                 // a value has one byte
}

// mayBegin reports whether any value of more than one byte begins with two bytes.
func (x *index) mayBegin(a, b byte) bool {
	pair := int(a)<<8 | int(b)
	return x.pairs[pair/64]&(1<<(pair%64)) != 0
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
		if len(v) == 1 {
			x.single = true
		} else if len(v) > 1 {
			pair := int(v[0])<<8 | int(v[1])
			x.pairs[pair/64] |= 1 << (pair % 64)
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
		if !x.single && (at+1 == len(s) || !x.mayBegin(s[at], s[at+1])) {
			continue
		}
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
