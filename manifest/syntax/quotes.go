package syntax

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// escapes are the characters that may follow a backslash in double quotes.
const escapes = "0abt\tnvfre \"/\\N_LPxuU"

// escape finds a backslash in double quotes that escapes nothing.
func (s *explainer) escape() *Problem {
	if !strings.Contains(s.message, "unknown escape character") {
		return nil
	}
	for n := max(1, s.line-1); n <= min(s.line+1, len(s.lines)); n++ {
		t := s.text(n)
		open := -1
		for i := 0; i < len(t); i++ {
			switch {
			case t[i] == '"' && open < 0:
				open = i
			case t[i] == '"':
				open = -1
			case t[i] == '\\' && open >= 0 && i+1 < len(t) && strings.IndexByte(escapes, t[i+1]) < 0:
				return s.backslash(n, open, i)
			case t[i] == '\\':
				i++
			}
		}
	}
	return nil
}

// backslash is for a text in double quotes, of which one column holds a backslash that escapes nothing.
func (s *explainer) backslash(line, open, at int) *Problem {
	t := s.text(line)
	_, size := utf8.DecodeRuneInString(t[at+1:])
	word := t[at : at+1+size]
	r := s.at(line, at, at+len(word), word+" is not an escape of double quotes",
		"put the text into single quotes, where a backslash is a character like any other, or write \\"+word)
	text, _, closed := strings.Cut(t[open+1:], `"`)
	if !closed || strings.Contains(text, "'") || strings.HasSuffix(text, `\`) {
		return r
	}
	certain := true
	for i := strings.IndexByte(text, '\\'); i >= 0 && i+1 < len(text); {
		certain = certain && strings.IndexByte(escapes, text[i+1]) < 0
		next := strings.IndexByte(text[i+2:], '\\')
		if next < 0 {
			break
		}
		i += 2 + next
	}
	start := s.starts[line-1] + open
	edits := []Edit{{start, start + len(text) + 2, "'" + text + "'"}}
	r.Fixes = []Fix{{Message: "put it into single quotes", Certain: certain && s.readableAfter(edits), Edits: edits}}
	return r
}

var fenceLine = regexp.MustCompile("(?m)^```[\\w-]*[ \t]*\r?(?:\n|$)")

// fence finds the lines with which Markdown begins and ends code.
func (s *explainer) fence() *Problem {
	found := fenceLine.FindAllIndex(s.Data, -1)
	if found == nil {
		return nil
	}
	r := &Problem{Start: found[0][0], End: found[0][0] + 3,
		Message: "``` begins code in Markdown, and means nothing in YAML",
		Help:    "remove the lines that begin with ```"}
	var edits []Edit
	for _, at := range found {
		edits = append(edits, Edit{Start: at[0], End: at[1]})
	}
	r.Fixes = []Fix{{Message: "remove the lines", Certain: s.readableAfter(edits), Edits: edits}}
	return r
}

// apostrophe matches a text in single quotes that has an apostrophe.
var apostrophe = regexp.MustCompile(`^'([^'"]*\w'\w[^'"]*)'\s*$`)

// neverClosed is the problem of a quote.
func (s *explainer) neverClosed(line, col int) *Problem {
	t := s.text(line)
	r := s.at(line, col, col+1, fmt.Sprintf("quote %c is never closed", t[col]), "add the closing quote")
	end := s.starts[line-1] + len(strings.TrimRight(t, " \t"))
	key, _, isKey := strings.Cut(t[col+1:], ": ")
	if strings.Contains(t, " #") {
		return r
	}
	if m := apostrophe.FindStringSubmatch(t[col:]); m != nil && !strings.Contains(m[1], `\`) {
		r = s.at(
			line, col, end-s.starts[line-1], "the apostrophe inside of single quotes ends them",
			`write the text in double quotes: "`+m[1]+`"`,
		)
		edits := []Edit{{r.Start, r.End, `"` + m[1] + `"`}}
		r.Fixes = []Fix{{Message: "write double quotes", Certain: s.readableAfter(edits), Edits: edits}}
		return r
	}
	edits := []Edit{{end, end, t[col : col+1]}}
	if keyAndValue.MatchString(t) && isKey && !strings.ContainsAny(key, " ") { // the quote opens the key
		edits = []Edit{{r.Start, r.End, ""}}
	}
	if s.readableAfter(edits) {
		r.Fixes = []Fix{{Message: "add the closing quote", Edits: edits}}
		if edits[0].NewText == "" {
			r.Fixes[0].Message = "remove the quote"
		}
	}
	return r
}

// openQuote returns where the first quote stands whose partner is on another line and has text behind it, or that has
// none.
func (s *explainer) openQuote() (line, col int) {
	for n := 1; n <= min(s.line+2, len(s.lines)); n++ {
		if blockHeader.MatchString(s.text(n)) { // the text of a block has quotes of its own
			for next := n + 1; next <= len(s.lines); next++ {
				if t := s.text(next); strings.TrimSpace(t) != "" && indentOf(t) <= indentOf(s.text(n)) {
					break
				}
				n = next
			}
			continue
		}
		col := oddQuote(s.text(n))
		if col < 0 {
			continue
		}
		end, rest := s.closing(n, s.text(n)[col])
		if end == 0 || rest != "" && strings.IndexByte("#,]}:", rest[0]) < 0 {
			return n, col
		}
		n = end
	}
	return 0, 0
}

// closing returns the line below another one with the next quote, and what is behind it there.
func (s *explainer) closing(line int, quote byte) (end int, rest string) {
	for n := line + 1; n <= len(s.lines); n++ {
		t := s.text(n)
		if quote == '"' {
			t = strings.ReplaceAll(strings.ReplaceAll(t, `\\`, ""), `\"`, "")
		} else {
			t = strings.ReplaceAll(t, "''", "")
		}
		if i := strings.IndexByte(t, quote); i >= 0 {
			return n, strings.TrimSpace(t[i+1:])
		}
	}
	return 0, ""
}

// unclosed finds the quote or bracket that is never closed.
func (s *explainer) unclosed() *Problem {
	switch {
	case strings.Contains(s.message, "unexpected end of stream"),
		strings.Contains(s.message, "unexpected document indicator"):
		if line, col := s.openQuote(); line > 0 {
			return s.neverClosed(line, col)
		}
		for n := 1; n <= len(s.lines); n++ {
			if col := oddQuote(s.text(n)); col >= 0 {
				return s.neverClosed(n, col)
			}
		}
	case strings.Contains(s.message, "did not find expected ',' or"):
		if line, col := s.openBracket(); line > 0 {
			open := s.text(line)[col]
			p := s.at(
				line,
				col,
				col+1,
				fmt.Sprintf("bracket %c is never closed", open),
				"add the closing bracket, or quote the value",
			)
			end := s.starts[line-1] + len(strings.TrimRight(withoutComment(s.text(line)), " \t"))
			closing := map[byte]string{'[': "]", '{': "}"}[open]
			if edit := []Edit{{end, end, closing}}; s.readableAfter(edit) {
				p.Fixes = append(p.Fixes, Fix{Message: "add " + closing, Edits: edit})
			}
			return p
		}
	}
	return nil
}

// afterQuote finds what went wrong with a quoted value: text behind it, or a quote that is closed lines below.
func (s *explainer) afterQuote() *Problem {
	if !strings.Contains(s.message, "did not find expected key") {
		return nil
	}
	if line, col := s.openQuote(); line > 0 {
		return s.neverClosed(line, col)
	}
	for n := max(1, s.line-1); n <= min(s.line+2, len(s.lines)); n++ {
		t := s.text(n)
		m := keyAndValue.FindStringSubmatchIndex(t)
		if m == nil {
			continue
		}
		if col := oddQuote(t); col >= 0 {
			return s.neverClosed(n, col)
		}
		v := t[m[4]:m[5]]
		if len(v) < 2 || v[0] != '"' && v[0] != '\'' {
			continue
		}
		end := strings.IndexByte(v[1:], v[0]) + 2
		if rest := strings.TrimSpace(v[end:]); end > 1 && rest != "" && rest[0] != '#' && rest[0] != v[0] {
			return s.at(
				n,
				m[4]+end,
				len(strings.TrimRight(t, " ")),
				"text after the closing quote",
				"quote the whole value",
			)
		}
	}
	return nil
}

// oddQuote finds the quote of a value that has no partner on its line; -1 when there is none.
func oddQuote(line string) int {
	m := keyAndValue.FindStringSubmatchIndex(line)
	from := indentOf(line)
	if m != nil && (line[m[2]] != '"' && line[m[2]] != '\'' || m[3]-m[2] > 1 && line[m[3]-1] == line[m[2]]) {
		from = m[4]
	} else if strings.HasPrefix(line[from:], "- ") {
		from += 2
	}
	if from >= len(line) || line[from] != '"' && line[from] != '\'' {
		return -1
	}
	rest := line[from+1:]
	if line[from] == '"' {
		rest = strings.ReplaceAll(strings.ReplaceAll(rest, `\\`, ""), `\"`, "")
	}
	if strings.Count(rest, string(line[from]))%2 == 1 {
		return -1
	}
	return from
}

// withoutComment returns a line without the comment at its end.
func withoutComment(line string) string {
	line, _, _ = strings.Cut(line, " #")
	return line
}

// openBracket finds the last flow bracket that is open where the error is.
func (s *explainer) openBracket() (line, col int) {
	type place struct{ line, col int }
	var open []place
	for n := 1; n <= min(s.line, len(s.lines)); n++ {
		t := withoutComment(s.text(n))
		for i := range len(t) {
			switch t[i] {
			case '[', '{':
				open = append(open, place{n, i})
			case ']', '}':
				if len(open) > 0 {
					open = open[:len(open)-1]
				}
			}
		}
	}
	if len(open) == 0 {
		return 0, 0
	}
	return open[len(open)-1].line, open[len(open)-1].col
}

func (s *explainer) reserved() *Problem {
	if !strings.Contains(s.message, "cannot start any token") &&
		!strings.Contains(s.message, "expected alphabetic or numeric character") {
		return nil
	}
	for n := s.line; n <= min(s.line+1, len(s.lines)); n++ {
		if m := reservedChar.FindStringSubmatchIndex(s.text(n)); m != nil {
			end := len(strings.TrimRight(s.text(n), " \t"))
			value := s.text(n)[m[2]:end]
			r := s.at(n, m[2], end, fmt.Sprintf("a value cannot begin with %s", value[:1]), "put it into quotes")
			if !strings.ContainsAny(value, `"\#`) {
				r.fix(`"`+value+`"`, "quote the value")
			}
			return r
		}
	}
	return nil
}
