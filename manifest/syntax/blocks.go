package syntax

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

var blockHeader = regexp.MustCompile(`(?:^|[:\-]\s+)[|>][-+0-9]*\s*(?:#.*)?$`)

// fallenOut finds text that belongs to a block scalar but is not indented as its lines are.
func (s *explainer) fallenOut() *Problem {
	for header := min(s.line, len(s.lines)); header > 0; header-- {
		if !blockHeader.MatchString(s.text(header)) {
			continue
		}
		first := s.afterAny(header)
		if first == 0 {
			return nil
		}
		if t := s.text(first); indentOf(t) <= keyColumn(s.text(header)) {
			if keyAndValue.MatchString(t) || keyOnly.MatchString(t) || strings.HasPrefix(strings.TrimSpace(t), "-") {
				return nil
			}
			return s.whole(
				first,
				"text of a block is not indented deeper than the key above it",
				"indent it, or remove the "+strings.TrimSpace(s.text(header))[len(strings.TrimSpace(s.text(header)))-1:],
			)
		}
		for n := first + 1; n <= len(s.lines); n++ {
			t := s.text(n)
			trimmed := strings.TrimSpace(t)
			if trimmed == "" || indentOf(t) >= indentOf(s.text(first)) {
				continue
			}
			if keyAndValue.MatchString(t) || keyOnly.MatchString(t) || strings.HasPrefix(trimmed, "-") ||
				strings.HasPrefix(trimmed, "#") {
				return nil
			}
			r := s.whole(
				n,
				"text is not indented as the block that it belongs to",
				fmt.Sprintf("indent it by %d columns as the lines before it", indentOf(s.text(first))),
			)
			start := s.starts[header-1]
			r.Related = &Related{
				start + indentOf(s.text(header)),
				start + len(strings.TrimRight(s.text(header), " \t")),
				"the block begins here",
			}
			return r
		}
		return nil
	}
	return nil
}

// indentation finds the line that lines up with nothing above it.
func (s *explainer) indentation() *Problem {
	for n := 1; n <= len(s.lines); n++ {
		t := s.text(n)
		above := s.before(n)
		if above == 0 || strings.TrimSpace(t) == "" || strings.HasPrefix(strings.TrimSpace(t), "#") {
			continue
		}
		if n > s.line+1 {
			break
		}
		indent, up := indentOf(t), s.text(above)
		switch {
		case indent > contentColumn(up) && keyAndValue.MatchString(up) && (keyAndValue.MatchString(t) || keyOnly.MatchString(t)) && !opens(up):
			key := keyAndValue.FindStringSubmatch(up)[1]
			return s.whole(
				n,
				fmt.Sprintf("indented deeper than %s above, which already has a value", strconv.Quote(key)),
				fmt.Sprintf("align it at column %d with %s", contentColumn(up)+1, strconv.Quote(key)),
			)
		case indent < contentColumn(up) && n >= s.line-1:
			if r := s.astray(n); r != nil {
				return r
			}
			if strings.HasPrefix(strings.TrimSpace(up), "- ") != strings.HasPrefix(strings.TrimSpace(t), "- ") ||
				n == s.line {
				continue
			}
		}
	}
	if strings.Contains(s.message, "did not find expected '-' indicator") ||
		strings.Contains(s.message, "did not find expected key") {
		for _, n := range []int{s.line, s.line + 1, s.before(s.line)} {
			if r := s.astray(n); r != nil {
				return r
			}
		}
		if strings.TrimSpace(s.text(s.line)) != "" {
			return s.whole(
				s.line,
				"this line does not fit the indentation above it",
				"the entries of one mapping or list must begin in the same column",
			)
		}
	}
	return nil
}

// astray reports a line that begins in no column of the collections that are open there, with the nearest one.
func (s *explainer) astray(line int) *Problem {
	t := s.text(line)
	if strings.TrimSpace(t) == "" {
		return nil
	}
	indent := indentOf(t)
	nearest, column := 0, 0
	for n, outer := s.before(line), math.MaxInt; n > 0 && outer > 0; n = s.before(n) {
		up := s.text(n)
		for _, c := range []int{contentColumn(up), indentOf(up)} {
			if c == indent && c <= outer {
				return nil
			}
			if c < outer && (nearest == 0 || abs(c-indent) < abs(column-indent)) {
				nearest, column = n, c
			}
		}
		outer = min(outer, indentOf(up))
	}
	if nearest == 0 {
		return nil
	}
	return s.whole(line, fmt.Sprintf("indented by %d columns, which lines up with no line above", indent),
		fmt.Sprintf("begin it in column %d, as line %d does", column+1, s.FirstLine+nearest-1))
}

func abs(n int) int { return max(n, -n) }

// contentColumn returns where the content of a line begins, behind the dashes of list items.
func contentColumn(line string) int {
	at := indentOf(line)
	for strings.HasPrefix(line[at:], "- ") {
		at += 2
		at += indentOf(line[at:])
	}
	return at
}

// keyColumn returns where the key of a line begins, or for an element without one its dash.
func keyColumn(line string) int {
	if at := contentColumn(line); at < len(line) && line[at] != '|' && line[at] != '>' {
		return at
	}
	return indentOf(line)
}

// opens reports whether a line begins a block scalar or a flow collection, so that deeper lines are its content.
func opens(line string) bool {
	t := strings.TrimSpace(line)
	if i := strings.Index(t, " #"); i >= 0 {
		t = strings.TrimSpace(t[:i])
	}
	return strings.HasSuffix(t, "|") || strings.HasSuffix(t, ">") || strings.HasSuffix(t, "|-") ||
		strings.HasSuffix(t, ">-") ||
		strings.HasSuffix(t, "[") ||
		strings.HasSuffix(t, "{") ||
		strings.HasSuffix(t, ",")
}
