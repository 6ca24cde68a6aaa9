package manifest

import (
	"bytes"
	"strings"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v3"
)

// parseYAMLTree returns the nodes of a chunk; nil when the text is not valid. The library tells
// where a node starts; where it ends is found by reading the text again from there.
func parseYAMLTree(c *Chunk) *Node {
	var doc yaml.Node
	text := c.text()
	if yaml.Unmarshal(text, &doc) != nil || len(doc.Content) == 0 {
		return nil
	}
	t := yamlTree{data: c.file.Data[:c.end], base: c.start, lines: lineStarts(text), seen: map[*yaml.Node]*Node{}}
	return t.node(doc.Content[0], -1)
}

type yamlTree struct {
	data  []byte
	base  int
	lines []int // offset in the chunk of each line, as YAML counts lines
	seen  map[*yaml.Node]*Node
	last  lastPlace
}

// lineStarts finds the lines of a text by all line breaks that YAML 1.1 knows.
func lineStarts(text []byte) []int {
	starts := []int{0}
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\n':
			starts = append(starts, i+1)
		case text[i] == '\r' && (i+1 == len(text) || text[i+1] != '\n'):
			starts = append(starts, i+1)
		case text[i] == 0xc2 && i+1 < len(text) && text[i+1] == 0x85:
			starts = append(starts, i+2)
		case text[i] == 0xe2 && i+2 < len(text) && text[i+1] == 0x80 && (text[i+2] == 0xa8 || text[i+2] == 0xa9):
			starts = append(starts, i+3)
		}
	}
	return starts
}

// offset turns a line and a column in characters, both from 1, into a byte of the file.
func (t *yamlTree) offset(line, column int) int {
	if line < 1 || line > len(t.lines) {
		return len(t.data)
	}
	at, n := t.base+t.lines[line-1], 1
	if t.last.line == line && t.last.column <= column { // nodes of one line mostly come from left to right
		at, n = t.last.offset, t.last.column
	}
	for ; n < column && at < len(t.data); n++ {
		_, size := utf8.DecodeRune(t.data[at:])
		at += size
	}
	at = min(at, len(t.data))
	t.last = lastPlace{line, n, at}
	return at
}

// lastPlace is a place that was looked for, from which the next one is found.
type lastPlace struct{ line, column, offset int }

// node converts a node. parent is the column, from 0, of the collection that holds it: a block
// scalar ends where the indentation falls back to it.
func (t *yamlTree) node(y *yaml.Node, parent int) *Node {
	n := &Node{Kind: Scalar, start: t.offset(y.Line, y.Column)}
	n.end = n.start
	t.seen[y] = n
	switch y.Kind {
	case yaml.AliasNode:
		n.end = t.wordEnd(n.start)
		n.alias = t.seen[y.Alias]
		if n.alias == nil || n.alias.start >= n.start { // recursive, or broken
			n.alias = nil
		}
	case yaml.ScalarNode:
		n.Text, n.Null = y.Value, y.ShortTag() == "!!null"
		t.scalar(n, y, parent)
	case yaml.MappingNode:
		n.Kind = Map
		t.mapping(n, y)
	case yaml.SequenceNode:
		n.Kind = List
		t.sequence(n, y)
	}
	return n
}

func (t *yamlTree) mapping(n *Node, y *yaml.Node) {
	column := y.Column - 1
	flow := y.Style&yaml.FlowStyle != 0
	for i := 0; i+1 < len(y.Content); i += 2 {
		key := t.node(y.Content[i], column)
		value := t.node(y.Content[i+1], column)
		if i == 0 && !flow {
			n.start = key.start // after an anchor or a tag
		}
		n.end = max(n.end, key.end, value.end)
		if y.Content[i].ShortTag() == "!!merge" {
			n.merges = append(n.merges, mergeSources(value)...)
			continue
		}
		n.Fields = append(
			n.Fields,
			Field{Name: nameOf(key.Target()), Value: value, key: key.Target(), keyStart: key.start, keyEnd: key.end},
		)
	}
	if flow {
		n.end = t.closing(n.start, n.end, '{', '}')
	}
}

// nameOf returns a key as clients send it: one that YAML takes for a boolean becomes that boolean's name.
func nameOf(key *Node) string {
	if key.Kind != Scalar || key.Style != Plain {
		return key.Text
	}
	switch key.Text {
	case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "True", "TRUE":
		return "true"
	case "n", "N", "no", "No", "NO", "off", "Off", "OFF", "False", "FALSE":
		return "false"
	}
	return key.Text
}

// mergeSources lists the mappings that a merge key takes its entries from.
func mergeSources(n *Node) []*Node {
	if n.Target().Kind == List {
		return n.Target().Items
	}
	return []*Node{n}
}

func (t *yamlTree) sequence(n *Node, y *yaml.Node) {
	column := y.Column - 1
	for _, c := range y.Content {
		it := t.node(c, column)
		n.Items = append(n.Items, it)
		n.end = max(n.end, it.end)
	}
	if y.Style&yaml.FlowStyle != 0 {
		n.end = t.closing(n.start, n.end, '[', ']')
	}
}

// closing finds the bracket that ends a flow collection whose last element ends at an offset.
func (t *yamlTree) closing(start, from int, open, closing byte) int {
	at := max(from, t.properties(start))
	if at < len(t.data) && at == t.properties(start) && t.data[at] == open {
		at++
	}
	for at < len(t.data) {
		switch t.data[at] {
		case closing:
			return at + 1
		case '#':
			at = lineEnd(t.data, at)
		default:
			at++
		}
	}
	return from
}

// properties steps over the tag and the anchor before a value.
func (t *yamlTree) properties(at int) int {
	for at < len(t.data) && (t.data[at] == '&' || t.data[at] == '!') {
		at = skipSpace(t.data, t.wordEnd(at))
	}
	return at
}

func (t *yamlTree) wordEnd(at int) int {
	for at < len(t.data) && strings.IndexByte(" \t\r\n,]}", t.data[at]) < 0 {
		at++
	}
	return at
}

func (t *yamlTree) scalar(n *Node, y *yaml.Node, parent int) {
	if y.Value == "" && y.Style == 0 && y.Anchor == "" {
		return // nothing written
	}
	n.Tagged, n.Shared = y.Style&yaml.TaggedStyle != 0, y.Anchor != ""
	n.start = t.properties(n.start)
	n.end = n.start
	if n.start >= len(t.data) {
		return
	}
	switch t.data[n.start] {
	case '"':
		n.Style = DoubleQuoted
		n.end = t.quotedEnd(n.start, '\\')
	case '\'':
		n.Style = SingleQuoted
		n.end = t.quotedEnd(n.start, '\'')
	case '|', '>':
		n.Style = Block
		n.end = t.blockEnd(n.start, parent)
	default:
		n.end = t.plainEnd(n.start, y.Value)
	}
}

// quotedEnd finds the end of a quoted scalar. The escape character takes the next one with it;
// in single quotes that is the quote itself, doubled.
func (t *yamlTree) quotedEnd(start int, escape byte) int {
	quote := t.data[start]
	for i := start + 1; i < len(t.data); i++ {
		switch {
		case t.data[i] == escape && escape != quote:
			i++
		case t.data[i] == quote && escape == quote && i+1 < len(t.data) && t.data[i+1] == quote:
			i++
		case t.data[i] == quote:
			return i + 1
		}
	}
	return len(t.data)
}

// isBlank reports whether YAML takes a character for white space or a line break; it knows no others.
func isBlank(r rune) bool {
	switch r {
	case ' ', '\t', '\r', '\n', '\u0085', '\u2028', '\u2029':
		return true
	}
	return false
}

// plainEnd matches the value against the text: where the value has a space or a newline, the
// text may have any white space.
func (t *yamlTree) plainEnd(start int, value string) int {
	at := start
	for i := 0; i < len(value) && at < len(t.data); {
		r, size := utf8.DecodeRuneInString(value[i:])
		if !isBlank(r) {
			at += size
			i += size
			continue
		}
		for i < len(value) {
			if r, size := utf8.DecodeRuneInString(value[i:]); isBlank(r) {
				i += size
				continue
			}
			break
		}
		for at < len(t.data) {
			if r, size := utf8.DecodeRune(t.data[at:]); isBlank(r) {
				at += size
				continue
			}
			break
		}
	}
	return min(at, len(t.data))
}

// blockEnd finds the last line of a block scalar that has content, whose header starts at an offset.
func (t *yamlTree) blockEnd(start, parent int) int {
	end := lineEnd(t.data, start)
	last := start + len(bytes.TrimRight(t.data[start:end], " \t\r"))
	indent := -1
	if explicit := bytes.IndexAny(t.data[start:last], "123456789"); explicit > 0 && explicit < 3 {
		indent = max(parent, 0) + int(t.data[start+explicit]-'0')
	}
	for at := min(end+1, len(t.data)); at < len(t.data); {
		end = lineEnd(t.data, at)
		line := bytes.TrimRight(t.data[at:end], " \t\r")
		spaces := len(line) - len(bytes.TrimLeft(line, " "))
		switch {
		case len(line) == 0:
		case indent < 0 && spaces > parent || indent >= 0 && spaces >= indent:
			if indent < 0 {
				indent = spaces
			}
			last = at + len(line)
		default:
			return last
		}
		at = end + 1
	}
	return last
}
