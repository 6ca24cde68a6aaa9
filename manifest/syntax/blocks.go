package syntax

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

var blockHeader = regexp.MustCompile(`(?:^|[:\-]\s+)[|>][-+0-9]*\s*(?:#.*)?$`)

// bothStyles matches the header of a block scalar that asks for two styles.
var bothStyles = regexp.MustCompile(`(?:^|[:\-]\s+)(>\||\|>)`)

// twoStyles finds a block scalar that asks for folded and for literal text.
func (s *explainer) twoStyles() *Problem {
	m := bothStyles.FindStringSubmatchIndex(s.text(s.line))
	if m == nil {
		return nil
	}
	return s.at(
		s.line, m[2], m[3], "a block of text has one style", "write | to keep its line breaks, or > to join its lines",
	).
		offer("|", "write |")
}

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
			isData := keyAndValue.MatchString(t) || keyOnly.MatchString(t) ||
				strings.HasPrefix(strings.TrimSpace(t), "-")
			p := s.whole(
				first,
				"text of a block is not indented deeper than the key above it",
				"indent it, or remove the "+
					strings.TrimSpace(s.text(header))[len(strings.TrimSpace(s.text(header)))-1:],
			)
			s.offerShift(p, first, s.endOf(first, indentOf(t)), keyColumn(s.text(header))+2-indentOf(t))
			if isData && len(p.Fixes) == 0 {
				return nil
			}
			return p
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
			s.offerShift(r, n, s.endOf(n, indentOf(t)), indentOf(s.text(first))-indentOf(t))
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

// noDash finds an element that begins in the column of the dashes of its list, without one.
func (s *explainer) noDash() *Problem {
	if !strings.Contains(s.message, "did not find expected '-' indicator") {
		return nil
	}
	for n := max(1, s.line-1); n <= min(s.line+2, len(s.lines)); n++ {
		indent := indentOf(s.text(n))
		up := s.before(n)
		for up > 0 && indentOf(s.text(up)) > indent {
			up = s.before(up)
		}
		isElement := func(line int) bool { return strings.HasPrefix(strings.TrimSpace(s.text(line)), "- ") }
		if up == 0 || indentOf(s.text(up)) != indent || !isElement(up) || isElement(n) ||
			strings.TrimSpace(s.text(n)) == "" {
			continue
		}
		p := s.whole(
			n, "an element of the list has no dash",
			fmt.Sprintf("begin it with a dash, as line %d does", s.FirstLine+up-1),
		)
		at := s.starts[n-1] + indent
		if edit := []Edit{{at, at, "- "}}; s.readableAfter(edit) {
			p.Fixes = append(p.Fixes, Fix{Message: "begin it with a dash", Edits: edit})
		}
		return p
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
		case indent > contentColumn(up) && keyAndValue.MatchString(up) &&
			(keyAndValue.MatchString(t) || keyOnly.MatchString(t)) && !opens(up):
			key := keyAndValue.FindStringSubmatch(up)[1]
			p := s.whole(
				n,
				fmt.Sprintf("indented deeper than %s above, which already has a value", strconv.Quote(key)),
				fmt.Sprintf("align it at column %d with %s", contentColumn(up)+1, strconv.Quote(key)),
			)
			s.offerShift(p, n, s.endOf(n, indent), contentColumn(up)-indent)
			return p
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
	if p := s.outdented(line); p != nil {
		return p
	}
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
	p := s.whole(line, fmt.Sprintf("indented by %s, which lines up with no line above", columns(indent)),
		fmt.Sprintf("begin it in column %d, as line %d does", column+1, s.FirstLine+nearest-1))
	s.offerShift(p, line, s.endOf(line, indent), column-indent)
	return p
}

// outdented reports the lines above a line that begin left of it, where the line before them begins in the same column
// as it does: they have ended the collection of both.
func (s *explainer) outdented(line int) *Problem {
	indent := indentOf(s.text(line))
	first := s.before(line)
	for first > 0 && indentOf(s.text(first)) >= indent {
		first = s.before(first)
	}
	above := s.before(first)
	if above == 0 || contentColumn(s.text(above)) != indent && indentOf(s.text(above)) != indent {
		return nil
	}
	by := indent - indentOf(s.text(first))
	p := s.whole(first, fmt.Sprintf("indented by %s less than the lines around it", columns(by)),
		fmt.Sprintf("begin it in column %d, as lines %d and %d do", indent+1, s.FirstLine+above-1, s.FirstLine+line-1))
	s.offerShift(p, first, s.before(line), by)
	if len(p.Fixes) == 0 {
		return nil
	}
	return p
}

// columns counts columns in words.
func columns(n int) string {
	if n == 1 {
		return "1 column"
	}
	return fmt.Sprintf("%d columns", n)
}

// endOf returns the last line of what begins in a line: those below that are indented at least as much.
func (s *explainer) endOf(line, indent int) int {
	last := line
	for n := s.after(line); n > 0 && indentOf(s.text(n)) >= indent; n = s.after(n) {
		last = n
	}
	return last
}

// offerShift adds a fix that begins lines a number of columns further right, or left, if the text can be read then.
func (s *explainer) offerShift(p *Problem, first, last, by int) {
	var edits []Edit
	for n := first; n <= last; n++ {
		start := s.starts[n-1]
		switch {
		case strings.TrimSpace(s.text(n)) == "":
		case by > 0:
			edits = append(edits, Edit{start, start, strings.Repeat(" ", by)})
		case indentOf(s.text(n)) < -by:
			return
		default:
			edits = append(edits, Edit{start, start - by, ""})
		}
	}
	if by == 0 || !s.readableAfter(edits) {
		return
	}
	word := "right"
	if by < 0 {
		word = "left"
	}
	p.Fixes = append(p.Fixes, Fix{Message: fmt.Sprintf("move it %s to the %s", columns(abs(by)), word), Edits: edits})
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
	t := strings.TrimSpace(withoutComment(line))
	return strings.HasSuffix(t, "|") || strings.HasSuffix(t, ">") || strings.HasSuffix(t, "|-") ||
		strings.HasSuffix(t, ">-") ||
		strings.HasSuffix(t, "[") ||
		strings.HasSuffix(t, "{") ||
		strings.HasSuffix(t, ",")
}
