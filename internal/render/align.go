package render

import (
	"regexp"
	"strings"

	"github.com/seatrial/seatrial/source"
)

// unquoted returns where a name or value stands as it is rendered, in the template or in values; quotes may differ.
func (p *templatePlaces) unquoted(path string, at source.Range) (r source.Range, ok bool) {
	if r, ok := p.sameLines(at, false); ok {
		return r, true
	}
	from, f, ok := p.lineOf(at)
	if !ok {
		return r, false
	}
	action := anyAction
	if part, ok := p.align(from, f, at); ok && part.action == anyAction {
		return part.at, true
	} else if ok {
		action = part.action
	}
	value, _, ok := p.valueIn(path, at, action)
	if !ok {
		return r, false
	}
	there := p.file(value.Range.File)
	if there == nil {
		return r, false
	}
	r = withoutQuotes(there, value.Range)
	return r, sameText(there, r, p.text, at)
}

// anyAction stands for all actions of a line.
const anyAction = -1

// part is the part of a template's line that a part of a rendered line comes from.
type part struct {
	at     source.Range // of a text that is rendered as it is
	action int          // byte of the template at which the action begins that renders to it; anyAction: it is a text
}

// align finds the part of a line of a template that renders to a range within a line, which it knows by what stands
// between the actions.
func (p *templatePlaces) align(from line, f *source.File, at source.Range) (found part, ok bool) {
	text, begin := f.Line(from.number), f.LineStart(from.number)
	if !strings.Contains(text, "{{") || at.Start.Line != at.End.Line {
		return found, false
	}
	var pattern strings.Builder
	var parts []part // by group of the pattern
	literal := func(from, to int) {
		pattern.WriteString("(" + regexp.QuoteMeta(text[from:to]) + ")")
		parts = append(parts, part{f.Range(begin+from, begin+to), anyAction})
	}
	last := 0
	for last < len(text) {
		next := strings.Index(text[last:], "{{")
		if next < 0 {
			break
		}
		next += last
		literal(last, next)
		last = next + actionEnd(text[next:], 0)
		pattern.WriteString("(.*?)")
		parts = append(parts, part{action: begin + next})
	}
	literal(last, len(text))
	rendered := p.renderedFile()
	start := at.Start.Offset - rendered.LineStart(at.Start.Line)
	end := start + at.End.Offset - at.Start.Offset
	groups := regexp.MustCompile("^" + pattern.String() + "$").FindStringSubmatchIndex(rendered.Line(at.Start.Line))
	for i, part := range parts {
		if groups == nil || start < groups[2*i+2] || end > groups[2*i+3] {
			continue
		}
		if part.action == anyAction {
			first := part.at.Start.Offset + start - groups[2*i+2]
			part.at = f.Range(first, first+end-start)
		}
		return part, true
	}
	return found, false
}
