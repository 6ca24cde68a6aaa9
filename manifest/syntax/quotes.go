package syntax

import (
	"fmt"
	"strings"
)

// unclosed finds the quote or bracket that is never closed.
func (s *explainer) unclosed() *Problem {
	switch {
	case strings.Contains(s.message, "unexpected end of stream"),
		strings.Contains(s.message, "unexpected document indicator"):
		for n := min(s.line, len(s.lines)); n >= max(1, s.line-1); n-- {
			if col := oddQuote(s.text(n)); col >= 0 {
				return s.at(
					n,
					col,
					col+1,
					fmt.Sprintf("quote %c is never closed", s.text(n)[col]),
					"add the closing quote",
				)
			}
		}
		for n := 1; n <= len(s.lines); n++ {
			if col := oddQuote(s.text(n)); col >= 0 {
				return s.at(
					n,
					col,
					col+1,
					fmt.Sprintf("quote %c is never closed", s.text(n)[col]),
					"add the closing quote",
				)
			}
		}
	case strings.Contains(s.message, "did not find expected ',' or"):
		if line, col := s.openBracket(); line > 0 {
			return s.at(
				line,
				col,
				col+1,
				fmt.Sprintf("bracket %c is never closed", s.text(line)[col]),
				"add the closing bracket, or quote the value",
			)
		}
	}
	return nil
}

// afterQuote finds what went wrong with a quoted value: text behind it, or a quote that is closed lines below.
func (s *explainer) afterQuote() *Problem {
	if !strings.Contains(s.message, "did not find expected key") {
		return nil
	}
	for n := max(1, s.line-1); n <= min(s.line+2, len(s.lines)); n++ {
		t := s.text(n)
		m := keyAndValue.FindStringSubmatchIndex(t)
		if m == nil {
			continue
		}
		if col := oddQuote(t); col >= 0 {
			return s.at(n, col, col+1, fmt.Sprintf("quote %c is never closed", t[col]), "add the closing quote")
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
	if m != nil {
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

// openBracket finds the last flow bracket that is open where the error is.
func (s *explainer) openBracket() (line, col int) {
	type place struct{ line, col int }
	var open []place
	for n := 1; n <= min(s.line, len(s.lines)); n++ {
		t := s.text(n)
		if i := strings.Index(t, " #"); i >= 0 {
			t = t[:i]
		}
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
