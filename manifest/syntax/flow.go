package syntax

import (
	"fmt"
	"strings"
)

// inFlow finds what is wrong inside of brackets. The library names the line before it, or one further up.
func (s *explainer) inFlow() *Problem {
	if !strings.Contains(s.message, "did not find expected ',' or") {
		return nil
	}
	for start := min(s.line+1, len(s.lines)); start > 0; start-- {
		col := flowStart(s.text(start))
		if col < 0 {
			continue
		}
		f := flowReader{s: s, line: start, col: col}
		if r := f.read(); r != nil || f.line > s.line {
			return r
		}
	}
	return nil
}

// flowStart finds the bracket with which a value begins that is on the line of its key or dash; -1 when there is none.
func flowStart(line string) int {
	from := indentOf(line)
	if m := keyAndValue.FindStringSubmatchIndex(line); m != nil {
		from = m[4]
	}
	for strings.HasPrefix(line[from:], "- ") {
		from += 2 + indentOf(line[from+2:])
	}
	if from < len(line) && (line[from] == '[' || line[from] == '{') {
		return from
	}
	return -1
}

// flowReader reads a collection in brackets up to what cannot stand there.
type flowReader struct {
	s         *explainer
	line, col int
	open      []byte
	entry     flowEntry
}

// flowEntry is what was read of an element, or of an entry of a mapping.
type flowEntry struct {
	colon bool
	ended string // what ended its value: "quote", "bracket"
	word  bool   // its value is text without quotes
	last  int    // column where the last word of that text begins
}

func (f *flowReader) read() *Problem {
	first, margin := f.line, indentOf(f.s.text(f.line))
	for ; f.line <= len(f.s.lines); f.line, f.col = f.line+1, 0 {
		if t := f.s.text(f.line); f.line > first && f.col == 0 && strings.TrimSpace(t) != "" && indentOf(t) <= margin &&
			strings.IndexByte("]}", t[indentOf(t)]) < 0 {
			return nil // what begins in a column of the block around it: the bracket is never closed
		}
		for ; f.col < len(f.s.text(f.line)); f.col++ { // a quoted text ends on whatever line
			text := f.s.text(f.line)
			c := text[f.col]
			if c == '#' && (f.col == 0 || isSpace(text[f.col-1])) {
				break
			}
			if r := f.take(text, c); r != nil {
				return r
			}
			if len(f.open) == 0 {
				return nil
			}
		}
	}
	return nil
}

// take reads what begins with a character.
func (f *flowReader) take(text string, c byte) *Problem {
	switch {
	case isSpace(c):
	case c == ',':
		f.entry = flowEntry{}
	case c == ']' || c == '}':
		return f.close(c)
	case c == ':' && f.isColon(text):
		return f.colon(text)
	case f.entry.ended != "":
		return f.s.at(
			f.line,
			f.col,
			f.col+1,
			"text after the closing "+f.entry.ended,
			"a comma is missing before it, or quotes around the whole",
		)
	case c == '[' || c == '{':
		if f.entry.word {
			return f.s.at(
				f.line,
				f.col,
				f.col+1,
				fmt.Sprintf("bracket %c inside of a text", c),
				"a comma is missing before it, or quotes around the whole",
			)
		}
		f.open, f.entry = append(f.open, c), flowEntry{}
	case (c == '"' || c == '\'') && !f.entry.word:
		return f.quoted(c)
	default:
		if !f.entry.word || f.col == 0 || isSpace(text[f.col-1]) {
			f.entry.last = f.col
		}
		f.entry.word = true
	}
	return nil
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

// close takes a closing bracket.
func (f *flowReader) close(c byte) *Problem {
	open := f.open[len(f.open)-1]
	if want := map[byte]byte{'[': ']', '{': '}'}[open]; c != want {
		return f.s.at(
			f.line,
			f.col,
			f.col+1,
			fmt.Sprintf("bracket %c is closed by %c", open, c),
			fmt.Sprintf("write %c", want),
		)
	}
	f.open, f.entry = f.open[:len(f.open)-1], flowEntry{colon: true, ended: "bracket"}
	return nil
}

// isColon tells a colon that ends a key from one within a text.
func (f *flowReader) isColon(text string) bool {
	return f.entry.ended != "" || f.col+1 == len(text) || strings.IndexByte(" \t,[]{}", text[f.col+1]) >= 0
}

// colon takes the colon behind a key.
func (f *flowReader) colon(text string) *Problem {
	if f.entry.colon && f.entry.word {
		key := text[f.entry.last:f.col]
		return f.s.at(
			f.line,
			f.entry.last,
			f.col,
			"a comma is missing before "+key,
			"or quotes around the text that holds a colon",
		)
	}
	f.entry = flowEntry{colon: true}
	return nil
}

// quoted steps over a quoted text to its closing quote, on whatever line that is.
func (f *flowReader) quoted(quote byte) *Problem {
	for f.col++; f.line <= len(f.s.lines); f.line, f.col = f.line+1, 0 {
		for text := f.s.text(f.line); f.col < len(text); f.col++ {
			switch {
			case text[f.col] == '\\' && quote == '"':
				f.col++
			case text[f.col] != quote:
			case quote == '\'' && f.col+1 < len(text) && text[f.col+1] == quote:
				f.col++
			default:
				f.entry.ended = "quote"
				return nil
			}
		}
	}
	return nil
}
