// Package format lays out YAML in one style, as gofmt does for Go. Comments, quotes, and the order of keys stay as they
// are, and so does the value of the text.
//
// [Source] is the whole of it:
//
//	pretty, err := format.Source(data)
//
// The style: two spaces for each level, the dashes of a list below its key, one space after dashes and colons and
// before trailing comments, at most one empty line in a row, no spaces at the end of lines. The lines of texts in
// quotes, block scalars and flow collections move as a whole.
package format

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// Source returns a text of YAML documents in the style of the package. It returns an error for a text that cannot be
// read, or that is written in a way that the package does not lay out: explicit keys, directives, tabs before the text
// of a line. JSON is returned as it is.
func Source(data []byte) ([]byte, error) {
	before, err := values(data)
	if err != nil {
		return nil, err
	}
	if text := bytes.TrimSpace(data); len(text) == 0 || text[0] == '{' || text[0] == '[' {
		return data, nil
	}
	text, bom := strings.CutPrefix(string(data), "\ufeff")
	crlf := strings.Contains(text, "\r\n")
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if strings.Contains(text, "\r") {
		return nil, errors.New("a line ends with a carriage return alone")
	}
	p := &printer{lines: strings.Split(strings.TrimSuffix(text, "\n"), "\n")}
	if err := p.print(); err != nil {
		return nil, err
	}
	pretty := strings.Join(p.out, "\n")
	if last := strings.TrimLeft(p.lines[len(p.lines)-1], " "); strings.HasSuffix(text, "\n") || last == "" ||
		!p.inBlock {
		pretty += "\n"
	}
	if crlf {
		pretty = strings.ReplaceAll(pretty, "\n", "\r\n")
	}
	if bom {
		pretty = "\ufeff" + pretty
	}
	if after, err := values([]byte(pretty)); err != nil || !slices.EqualFunc(before, after, bytes.Equal) {
		return nil, errors.New("the text is written in a way that cannot be laid out without changing its value")
	}
	return []byte(pretty), nil
}

// values returns the documents of a text as JSON.
func values(data []byte) (all [][]byte, err error) {
	for _, c := range manifest.Split(source.NewFile("", data)) {
		r := c.Range()
		js, err := yaml.YAMLToJSONStrict(data[r.Start.Offset:c.End()])
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", c.Number(), err)
		}
		all = append(all, js)
	}
	return all, nil
}

// level is a map or list in which the line stands that is being printed.
type level struct {
	from, to int // columns of its entries, before and after
	list     bool
}

// comment is a line with a comment alone, or an empty line.
type comment struct {
	column int
	text   string
}

// printer lays out lines.
type printer struct {
	lines   []string
	next    int // line that is read next
	out     []string
	levels  []level // of the last line with content, the innermost last
	waiting []comment
	inBlock bool // the last line with content ends a block scalar
}

func (p *printer) print() error {
	for p.next < len(p.lines) {
		line := strings.TrimRight(p.lines[p.next], " \t")
		text := strings.TrimLeft(line, " ")
		switch {
		case text == "" || text[0] == '#':
			p.waiting = append(p.waiting, comment{len(line) - len(text), text})
			p.next++
			continue
		case text[0] == '\t':
			return p.unsupported("a tab stands before the text")
		case line[0] == '%':
			return p.unsupported("it is a directive")
		}
		p.inBlock = false
		if marker, rest, _ := strings.Cut(line, " "); marker == "---" || marker == "..." {
			if rest = strings.TrimLeft(rest, " \t"); rest != "" && rest[0] != '#' {
				return p.unsupported("text stands beside the marker of a document")
			}
			p.flush(p.levels)
			p.out = append(p.out, joined(marker, rest))
			p.levels = nil
			p.next++
			continue
		}
		if err := p.content(line, len(line)-len(text)); err != nil {
			return err
		}
	}
	for n := len(p.waiting); n > 0 && p.waiting[n-1].text == ""; n-- {
		p.waiting = p.waiting[:n-1]
	}
	p.flush(p.levels)
	return nil
}

func (p *printer) unsupported(why string) error {
	return fmt.Errorf("line %d cannot be laid out: %s", p.next+1, why)
}

// content prints a line with content, and those that its value goes on in.
func (p *printer) content(line string, column int) error {
	before := slices.Clone(p.levels)
	first, text := -1, ""
	rest := line[column:]
	for rest == "-" || strings.HasPrefix(rest, "- ") {
		first = p.enter(column, true, first)
		after := strings.TrimLeft(rest[1:], " \t")
		text += "- "
		column += len(rest) - len(after)
		rest = after
	}
	if rest == "?" || strings.HasPrefix(rest, "? ") || rest == ":" || strings.HasPrefix(rest, ": ") {
		return p.unsupported("it has an explicit key")
	}
	key, value, isEntry := cutKey(rest)
	if isEntry || first < 0 {
		first = p.enter(column, false, first)
	}
	if isEntry {
		text, rest = text+key+":", value
	}
	p.flush(append(before, level{from: len(line) - len(strings.TrimLeft(line, " ")), to: first}))
	p.out = append(p.out, spaces(first)+strings.TrimRight(text, " "))
	return p.value(rest)
}

// enter makes the map or list innermost that has an entry at a column. It returns the column after printing of the
// first entry of the line, which is first unless that is negative.
func (p *printer) enter(column int, list bool, first int) int {
	for len(p.levels) > 0 && p.top().from > column {
		p.levels = p.levels[:len(p.levels)-1]
	}
	if len(p.levels) > 1 && p.top().from == column && p.top().list && !list {
		p.levels = p.levels[:len(p.levels)-1] // the list has the column of its key
	}
	if len(p.levels) == 0 || p.top().from < column || p.top().list != list {
		to := 0
		switch {
		case len(p.levels) == 0:
		case p.top().list, !list:
			to = p.top().to + 2
		default:
			to = p.top().to
		}
		p.levels = append(p.levels, level{column, to, list})
	}
	if first >= 0 {
		return first
	}
	return p.top().to
}

func (p *printer) top() level { return p.levels[len(p.levels)-1] }

// flush prints the comments that wait, each at the column of what it stands beside: the level with its column, or the
// nearest one to the left of it.
func (p *printer) flush(levels []level) {
	for _, c := range p.waiting {
		switch {
		case c.text != "":
			p.out = append(p.out, spaces(place(c.column, levels))+c.text)
			p.inBlock = false
		case len(p.out) > 0 && p.out[len(p.out)-1] != "":
			p.out = append(p.out, "")
		}
	}
	p.waiting = nil
}

// place returns the column after printing of what stands at a column among levels. Of two with one column, the later
// counts.
func place(column int, levels []level) int {
	nearest := level{from: -1}
	for _, l := range levels {
		if l.from <= column && l.from >= nearest.from {
			nearest = l
		}
	}
	if nearest.from < 0 {
		return column
	}
	return nearest.to + column - nearest.from
}

// value prints the value behind a key or a dash, and all lines that it goes on in.
func (p *printer) value(rest string) error {
	props, rest := cutProperties(strings.TrimLeft(rest, " \t"))
	p.add(props)
	p.next++
	if rest == "" || rest[0] == '#' {
		p.add(rest)
		return nil
	}
	switch rest[0] {
	case '|', '>':
		p.block(rest)
		return nil
	case '"', '\'', '{', '[':
		return p.flow(rest)
	}
	if i := commentAt(rest); i >= 0 {
		p.add(strings.TrimRight(rest[:i], " \t"))
		p.add(rest[i:])
		return nil
	}
	p.add(rest)
	shift := p.shift()
	for end := p.next; end < len(p.lines); end++ {
		line := p.lines[end]
		text := strings.TrimLeft(line, " \t")
		if text == "" {
			continue
		}
		if len(line)-len(text) <= p.top().from || text[0] == '#' {
			break
		}
		for ; p.next <= end; p.next++ {
			p.out = append(p.out, moved(strings.TrimRight(p.lines[p.next], " \t"), shift))
		}
	}
	return nil
}

// shift returns how many columns the lines of a value move.
func (p *printer) shift() int { return p.top().to - p.top().from }

// add adds a text to the line that is being printed.
func (p *printer) add(text string) {
	last := &p.out[len(p.out)-1]
	if strings.TrimLeft(*last, " ") == "" {
		*last += text
		return
	}
	*last = joined(*last, text)
}

// block prints a block scalar. Its lines stay as they are, apart from their indentation.
func (p *printer) block(header string) {
	header, note, _ := strings.Cut(header, " ")
	p.add(header)
	p.add(strings.TrimLeft(note, " \t"))
	indent, to := -1, p.top().to+2
	if i := strings.IndexAny(header, "123456789"); i >= 0 {
		indent, to = p.top().from+int(header[i]-'0'), p.top().to+int(header[i]-'0')
	}
	var lines []string
	kept := 0 // lines up to the last one that counts
	for ; p.next < len(p.lines); p.next++ {
		line := p.lines[p.next]
		text := strings.TrimLeft(line, " ")
		column := len(line) - len(text)
		if text != "" && indent < 0 {
			indent = max(column, p.top().from+1)
		}
		switch {
		case text == "" && (indent < 0 || column <= indent):
			lines = append(lines, "")
		case column < indent:
			p.endBlock(header, lines, kept)
			return
		default:
			lines = append(lines, spaces(to)+line[indent:])
			kept = len(lines)
		}
	}
	p.endBlock(header, lines, kept)
}

// endBlock prints the lines of a block scalar. Empty lines at its end count only if it keeps them.
func (p *printer) endBlock(header string, lines []string, kept int) {
	if !strings.Contains(header, "+") {
		if kept < len(lines) {
			p.waiting = append(p.waiting, comment{})
		}
		lines = lines[:kept]
	}
	p.out = append(p.out, lines...)
	p.inBlock = true
}

// flow prints a text in quotes or a collection in braces or brackets.
func (p *printer) flow(rest string) error {
	var s scanner
	shift := p.shift()
	for first := true; ; first = false {
		end, done := s.scan(rest)
		switch {
		case !first && s.quote == 0:
			p.out = append(p.out, moved(strings.TrimRight(rest[:end], " \t"), shift))
		case !first:
			p.out = append(p.out, moved(rest[:end], shift))
		case s.quote == 0:
			p.add(strings.TrimRight(rest[:end], " \t"))
		default:
			p.add(rest[:end])
		}
		if done {
			rest = strings.TrimLeft(rest[end:], " \t")
			if rest != "" && rest[0] != '#' {
				return p.unsupported("text follows a value")
			}
			p.add(strings.TrimRight(rest, " \t"))
			return nil
		}
		if p.next == len(p.lines) {
			return p.unsupported("a value does not end")
		}
		rest = p.lines[p.next]
		p.next++
	}
}
