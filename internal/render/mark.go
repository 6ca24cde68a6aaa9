package render

import (
	"strconv"
	"strings"
)

// Marks are private characters around a number. Before the end of each line of a template's text stands a mark
// with the number of that line, and another where text begins a line; what is rendered carries them along, through
// helpers and loops.
const (
	markStart = '\uE0F0'
	markEnd   = '\uE0F1'
)

// line is a line of a template.
type line struct {
	file   string
	number int
	of     string // the template that is rendered, by helm's name; file may be that of its helpers
}

// marker numbers the lines of templates.
type marker struct {
	lines   []line
	actions map[line]bool // lines on which an action stands
}

// mark returns a template with a mark before each line end in its text. Where an action trims the white space
// that follows it, no mark is set in that space: it would keep the engine from trimming.
func (m *marker) mark(file, template string) string {
	var b strings.Builder
	number, blank := 1, false // blank: nothing but trimmed space since the action
	fresh := true             // nothing of the line has been seen but space
	for i := 0; i < len(template); {
		if strings.HasPrefix(template[i:], "{{") {
			end := actionEnd(template, i)
			action := template[i:end]
			b.WriteString(action)
			m.acts(file, number)
			number += strings.Count(action, "\n")
			m.acts(file, number)
			blank, fresh = strings.HasSuffix(action, "-}}"), false
			i = end
			continue
		}
		c := template[i]
		if c == '\n' {
			if !blank {
				b.WriteString(m.next(file, number))
			}
			number++
			fresh = true
		} else if c != ' ' && c != '\t' && c != '\r' {
			if blank = false; fresh {
				b.WriteString(m.next(file, number))
				fresh = false
			}
		}
		b.WriteByte(c)
		i++
	}
	return b.String()
}

func (m *marker) acts(file string, number int) {
	if m.actions == nil {
		m.actions = map[line]bool{}
	}
	m.actions[line{file: file, number: number}] = true
}

func (m *marker) next(file string, number int) string {
	m.lines = append(m.lines, line{file: file, number: number})
	return string(markStart) + strconv.Itoa(len(m.lines)-1) + string(markEnd)
}

// actionEnd returns where an action that begins at start ends. Texts and comments may hold braces.
func actionEnd(s string, start int) int {
	if rest := strings.TrimLeft(strings.TrimPrefix(s[start+2:], "-"), " \t\n\r"); strings.HasPrefix(rest, "/*") {
		if i := strings.Index(s[start:], "*/"); i >= 0 {
			if j := strings.Index(s[start+i:], "}}"); j >= 0 {
				return start + i + j + 2
			}
		}
		return len(s)
	}
	for i := start + 2; i < len(s); i++ {
		switch s[i] {
		case '"', '`', '\'':
			quote := s[i]
			for i++; i < len(s) && s[i] != quote; i++ {
				if s[i] == '\\' && quote != '`' {
					i++
				}
			}
		case '}':
			if strings.HasPrefix(s[i:], "}}") {
				return i + 2
			}
		}
	}
	return len(s)
}

// unmark takes the marks out of a rendered text, and returns for each of its lines the template's line. A line
// without a mark, such as one from toYaml, has that of the next mark below it.
func (m *marker) unmark(text string) (clean string, lines []line) {
	var b strings.Builder
	var current line
	for i := 0; i < len(text); {
		if strings.HasPrefix(text[i:], string(markStart)) {
			rest := text[i+len(string(markStart)):]
			digits, after, ok := strings.Cut(rest, string(markEnd))
			if n, err := strconv.Atoi(digits); ok && err == nil && n < len(m.lines) {
				if current == (line{}) {
					current = m.lines[n] // the first mark of a line is that of its beginning
				}
				i = len(text) - len(after)
				continue
			}
		}
		if text[i] == '\n' {
			lines = append(lines, current)
			current = line{}
		}
		b.WriteByte(text[i])
		i++
	}
	lines = append(lines, current)
	for i := len(lines) - 2; i >= 0; i-- {
		if lines[i] == (line{}) {
			lines[i] = lines[i+1]
		}
	}
	return b.String(), lines
}

// linesLike returns the lines that marks tell of a clean text, where the marked one is the same apart from values that
// actions make, such as checksums of other templates and what is drawn at random; nil if it is not: a mark may decide a
// condition.
func (m *marker) linesLike(clean, marked string) []line {
	unmarked, lines := m.unmark(marked)
	if unmarked == clean {
		return lines
	}
	want, got := strings.Split(clean, "\n"), strings.Split(unmarked, "\n")
	if len(want) != len(got) {
		return nil
	}
	for i, l := range want {
		key, _, ok := strings.Cut(l, ":")
		if other, _, is := strings.Cut(got[i], ":"); l != got[i] &&
			(!ok || !is || key != other || !m.actions[lines[i]]) {
			return nil
		}
	}
	return lines
}
