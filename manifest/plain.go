package manifest

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// plainJSON turns YAML into what sigs.k8s.io/yaml makes of it, byte for byte, ten times as fast, if
// the text is as plain as most manifests are: block collections, flow collections on one line,
// scalars on one line, literal blocks. Whatever is not certain, and whatever is wrong, is left to
// that library: js is nil, and nothing is known of the text.
func plainJSON(text []byte) (js []byte) {
	p := plainReaders.Get().(*plainReader)
	defer plainReaders.Put(p)
	p.begin(text)
	if !p.read() {
		return nil
	}
	return slices.Clone(p.out)
}

// plainTree gives the nodes of a chunk if it is plain, and its JSON; else nil.
func plainTree(c *Chunk) (root *Node, js []byte) {
	p := plainReaders.Get().(*plainReader)
	defer plainReaders.Put(p)
	p.begin(c.text())
	p.locate, p.words, p.base = true, string(p.text), c.start
	defer p.forget()
	if !p.read() {
		return nil, nil
	}
	return p.node, slices.Clone(p.out)
}

// printable tells whether a text holds neither tabs nor any line break but newlines, nor control characters.
func printable(text []byte) bool {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= ' ' && c <= '~' || c == '\n':
		case c < utf8.RuneSelf:
			return false
		default:
			r, size := utf8.DecodeRune(text[i:])
			if r < 0xa0 || size == 1 || r == '\u2028' || r == '\u2029' || r == '\ufeff' || r == '\ufffe' || r == '\uffff' {
				return false
			}
			i += size - 1
		}
	}
	return true
}

var plainReaders = sync.Pool{New: func() any { return new(plainReader) }}

// plainReader reads plain YAML from its start to its end. Its methods give false when the text
// is not plain. Those that read a block stop at the first token of the line behind it.
type plainReader struct {
	text   []byte
	at     int // next byte
	column int // of the token at that byte, from 0, when it begins a block; or ended
	depth  int
	out    []byte

	entries []plainEntry // of the mappings that are open
	sorted  []byte       // room for the entries of one mapping in order

	locate bool    // nodes are wanted, too
	words  string  // the text, for what nodes keep of it
	base   int     // of the text in its file
	node   *Node   // of the value that was read last
	nodes  []Node  // room for the next ones
	fields []Field // of the mappings that are open
	items  []*Node // of the sequences that are open
}

// begin takes a text; the room of the one before is used again.
func (p *plainReader) begin(text []byte) {
	*p = plainReader{text: text, out: p.out[:0], sorted: p.sorted[:0], entries: p.entries[:0], fields: p.fields[:0], items: p.items[:0]}
}

// forget lets go of what was read.
func (p *plainReader) forget() {
	clear(p.fields[:cap(p.fields)])
	clear(p.items[:cap(p.items)])
	p.begin(nil)
}

// keep makes a node. Nodes are made many at a time: there is one for each value of the text.
func (p *plainReader) keep(n Node) *Node {
	if len(p.nodes) == 0 {
		p.nodes = make([]Node, 1+min(len(p.text)/64, 63))
	}
	at := &p.nodes[0]
	p.nodes = p.nodes[1:]
	*at = n
	return at
}

// plainEntry is an entry of a mapping: its key, and its place in the output.
type plainEntry struct {
	key        []byte
	start, end int
}

const (
	ended         = -1 // column behind the last line
	maxPlainDepth = 64
	maxPlainKey   = 128
)

func (p *plainReader) read() bool {
	if !printable(p.text) {
		return false
	}
	p.nextLine()
	return p.column == 0 && p.mapping(0) && p.column == ended
}

// collection begins a node; nil when none is wanted. What it holds will follow the fields and items of the
// collections around it: those that are open now.
func (p *plainReader) collection(kind NodeKind) (n *Node, open int) {
	switch {
	case !p.locate:
		return nil, 0
	case kind == List:
		open = len(p.items)
	default:
		open = len(p.fields)
	}
	return p.keep(Node{Kind: kind, start: p.base + p.at, end: p.base + p.at}), open
}

// item makes the value that was read last the next item of a list.
func (p *plainReader) item(n *Node, start int) {
	if n != nil {
		p.items = append(p.items, p.node)
		n.end = max(n.end, p.base+start, p.node.end)
	}
}

// field makes the value that was read last that of a key.
func (p *plainReader) field(n *Node, start, end int) {
	if n == nil {
		return
	}
	name := p.words[start:end]
	if name[0] == '"' || name[0] == '\'' {
		name = name[1 : len(name)-1]
	}
	p.fields = append(p.fields, Field{Name: name, Value: p.node, keyStart: p.base + start, keyEnd: p.base + end})
	n.end = max(n.end, p.base+end, p.node.end)
}

// close gives a collection what it holds, and makes it the value that was read last.
func (p *plainReader) close(n *Node, open int) {
	switch p.node = n; {
	case n == nil:
	case n.Kind == List:
		n.Items = slices.Clone(p.items[open:])
		p.items = p.items[:open]
	default:
		n.Fields = slices.Clone(p.fields[open:])
		p.fields = p.fields[:open]
	}
}

// leaf makes the node of a scalar that ends here; its text begins at a byte.
func (p *plainReader) leaf(start int, style Style, at, length int) {
	if p.locate {
		text := p.words[at : at+length]
		p.node = p.keep(Node{Kind: Scalar, Style: style, Text: text, start: p.base + start, end: p.base + p.at})
		p.node.Null = style == Plain && (text == "" || text == "null")
	}
}

// leafAt makes the node of a null that nobody wrote.
func (p *plainReader) leafAt(at int) {
	if p.locate {
		p.node = p.keep(Node{Kind: Scalar, Null: true, start: p.base + at, end: p.base + at})
	}
}

// nextLine goes to the first token of the next line that has one.
func (p *plainReader) nextLine() {
	for p.at < len(p.text) {
		start := p.at
		if p.text[start] == '\n' {
			start++
		}
		p.at = start
		p.spaces()
		switch p.peek() {
		case '#':
			p.at = lineEnd(p.text, p.at)
		case '\n':
		default:
			p.column = p.at - start
			return
		}
	}
	p.column = ended
}

// peek gives the next byte; the end of the text is the end of a line.
func (p *plainReader) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return '\n'
}

func (p *plainReader) spaces() {
	for p.at < len(p.text) && p.text[p.at] == ' ' {
		p.at++
	}
}

// endLine steps over a comment behind a value. Nothing else may follow one.
func (p *plainReader) endLine() bool {
	before := p.at
	p.spaces()
	if p.peek() == '#' && p.at > before {
		p.at = lineEnd(p.text, p.at)
	}
	return p.peek() == '\n'
}

// dash tells whether an element of a block sequence begins here.
func (p *plainReader) dash() bool {
	return p.at+1 < len(p.text) && p.text[p.at] == '-' && p.text[p.at+1] == ' '
}

// mapping reads a block mapping whose keys stand in a column.
func (p *plainReader) mapping(column int) bool {
	if p.depth++; p.depth > maxPlainDepth {
		return false
	}
	first := len(p.entries)
	n, open := p.collection(Map)
	p.out = append(p.out, '{')
	for p.column == column {
		start, at := len(p.out), p.at
		key, ok := p.key()
		if !ok {
			return false
		}
		end := p.at - 1
		p.string(key)
		p.out = append(p.out, ':')
		if !p.entryValue(column) || p.column > column {
			return false
		}
		p.entries = append(p.entries, plainEntry{key, start, len(p.out)})
		p.field(n, at, end)
		p.out = append(p.out, ',')
	}
	p.depth--
	p.close(n, open)
	return p.closeMapping(first)
}

// entryValue reads what follows the colon of a key, up to the next token that is not part of it.
func (p *plainReader) entryValue(column int) bool {
	colon := p.at
	if p.blank() {
		p.nextLine()
		switch {
		case p.column > column:
			return p.block()
		case p.column == column && p.dash():
			return p.sequence(column)
		}
		p.out = append(p.out, "null"...)
		p.leafAt(colon)
		return true
	}
	return p.lineValue(column)
}

// blank tells whether nothing but a comment is left of the line, and steps over it.
func (p *plainReader) blank() bool {
	start := p.at
	if p.endLine() {
		return true
	}
	p.at = start
	p.spaces()
	return false
}

func (p *plainReader) block() bool {
	if p.dash() {
		return p.sequence(p.column)
	}
	return p.mapping(p.column)
}

// sequence reads a block sequence whose dashes stand in a column.
func (p *plainReader) sequence(column int) bool {
	if p.depth++; p.depth > maxPlainDepth {
		return false
	}
	n, open := p.collection(List)
	p.out = append(p.out, '[')
	for p.column == column && p.dash() {
		dash := p.at
		p.at++
		p.spaces()
		inner := column + p.at - dash
		if !p.element(column, inner) || p.column > column {
			return false
		}
		p.item(n, dash)
		p.out = append(p.out, ',')
	}
	p.depth--
	p.close(n, open)
	p.out[len(p.out)-1] = ']' // in the place of the last comma: there is at least one element
	return true
}

// element reads an element of a sequence: a collection that begins on the line of its dash, or a value.
func (p *plainReader) element(column, inner int) bool {
	start := p.at
	_, isKey := p.key()
	p.at = start
	if isKey || p.dash() {
		p.column = inner
		return p.block()
	}
	return p.lineValue(column)
}

// lineValue reads a value that begins on the line of its key or dash.
func (p *plainReader) lineValue(column int) bool {
	if p.peek() == '|' {
		return p.literal(column)
	}
	if !p.inline(p.rest) {
		return false
	}
	if !p.endLine() {
		return false
	}
	p.nextLine()
	return true
}

// inline reads a value that ends on its line. word takes what is not quoted and no collection.
func (p *plainReader) inline(word func() []byte) bool {
	start := p.at
	switch c := p.peek(); c {
	case '{':
		return p.flowMapping()
	case '[':
		return p.flowSequence()
	case '"', '\'':
		text, ok := p.quoted()
		if !ok {
			return false
		}
		p.string(text)
		p.leaf(start, quoteStyle(c), start+1, len(text))
		return true
	}
	text := word()
	p.leaf(start, Plain, start, len(text))
	return p.scalar(text)
}

func quoteStyle(quote byte) Style {
	if quote == '"' {
		return DoubleQuoted
	}
	return SingleQuoted
}

// rest takes the plain text up to the end of the line, or to its comment.
func (p *plainReader) rest() []byte {
	line := p.text[p.at:lineEnd(p.text, p.at)]
	if i := bytes.Index(line, []byte(" #")); i >= 0 {
		line = line[:i]
	}
	line = bytes.TrimRight(line, " ")
	p.at += len(line)
	if bytes.HasSuffix(line, []byte(":")) || bytes.Contains(line, []byte(": ")) {
		return nil
	}
	return line
}

// wordBytes are those of the keys and flow scalars that are certainly plain.
var wordBytes = func() (is [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-") {
		is[c] = true
	}
	return is
}()

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

func (p *plainReader) word() []byte {
	start := p.at
	for p.at < len(p.text) && wordBytes[p.text[p.at]] {
		p.at++
	}
	return p.text[start:p.at]
}

// key reads a key with its colon. A key that YAML takes for something else than text is not plain.
func (p *plainReader) key() (key []byte, ok bool) {
	if c := p.peek(); c == '"' || c == '\'' {
		p.at++
		key = p.word()
		ok = len(key) > 0 && p.peek() == c
		p.at++
	} else {
		key = p.word()
		ok = len(key) > 0 && isLetter(key[0]) && !typed(key)
	}
	ok = ok && len(key) <= maxPlainKey && p.peek() == ':' && p.at < len(p.text)
	p.at++
	return key, ok && (p.peek() == ' ' || p.peek() == '\n')
}

// typed tells whether a word may be a boolean or null.
func typed(word []byte) bool {
	if strings.IndexByte("yYnNtTfFoO", word[0]) < 0 {
		return false
	}
	switch len(word) {
	case 1:
		return strings.IndexByte("yYnN", word[0]) >= 0
	case 2, 3, 4, 5:
		switch strings.ToLower(string(word)) {
		case "on", "no", "off", "yes", "true", "null", "false":
			return true
		}
	}
	return false
}

// scalar writes plain text with the type that YAML gives it.
func (p *plainReader) scalar(text []byte) bool {
	if len(text) == 0 {
		return false
	}
	switch c := text[0]; {
	case isDigit(c):
		return p.number(text)
	case isLetter(c):
		if typed(text) {
			return p.constant(text)
		}
	case c == '/' || c == '$' || c == '(' || c >= utf8.RuneSelf:
	case c == '-' && len(text) > 1 && (isLetter(text[1]) && text[1] != '_' || text[1] == '-' && !bytes.HasPrefix(text, []byte("---"))):
	case c == '.' && (bytes.HasPrefix(text, []byte("./")) || bytes.HasPrefix(text, []byte("../"))):
	default:
		return false
	}
	p.string(text)
	return true
}

func (p *plainReader) constant(text []byte) bool {
	switch string(text) {
	case "true", "false", "null":
		p.out = append(p.out, text...)
		return true
	}
	return false
}

// number writes text that begins with a digit: a decimal integer, or what is certainly none, nor a time.
func (p *plainReader) number(text []byte) bool {
	digits := 0
	for digits < len(text) && isDigit(text[digits]) {
		digits++
	}
	rest := text[digits:]
	switch {
	case len(rest) == 0 && digits <= 15 && (text[0] != '0' || digits == 1):
		p.out = append(p.out, text...)
		return true
	case len(rest) == 0:
		return false
	case bytes.Count(rest, []byte(".")) > 1 && !bytes.ContainsFunc(rest, func(r rune) bool { return r != '.' && !isDigit(byte(r)) }): // 10.0.0.1
	case text[0] == '0':
		return false
	case string(rest) == "%", bytes.IndexByte(rest, '/') >= 0: // 10%, 10.0.0.0/8
	case onlyAlphanumeric(rest) && bytes.ContainsFunc(rest, func(r rune) bool { return !isDigit(byte(r)) && r != 'e' && r != 'E' }): // 100m, 67cc84df8d
	default:
		return false
	}
	p.string(text)
	return true
}

func onlyAlphanumeric(text []byte) bool {
	for _, c := range text {
		if !isDigit(c) && (!isLetter(c) || c == '_') {
			return false
		}
	}
	return true
}

// quoted reads a quoted scalar that stands on one line and escapes nothing.
func (p *plainReader) quoted() (text []byte, ok bool) {
	quote := p.text[p.at]
	line := p.text[p.at+1 : lineEnd(p.text, p.at)]
	end := bytes.IndexByte(line, quote)
	if end < 0 || end+1 < len(line) && line[end+1] == quote || quote == '"' && bytes.IndexByte(line[:end], '\\') >= 0 {
		return nil, false
	}
	p.at += end + 2
	return line[:end], true
}

// flow reads an element of a flow collection.
func (p *plainReader) flow() bool {
	if p.depth++; p.depth > maxPlainDepth {
		return false
	}
	ok := p.inline(p.word)
	p.depth--
	return ok
}

func (p *plainReader) flowMapping() bool {
	first := len(p.entries)
	n, open := p.collection(Map)
	p.out = append(p.out, '{')
	for more := p.open('}'); more; {
		start, at := len(p.out), p.at
		key, ok := p.key()
		if !ok {
			return false
		}
		end := p.at - 1
		p.string(key)
		p.out = append(p.out, ':')
		p.spaces()
		if !p.flow() {
			return false
		}
		p.entries = append(p.entries, plainEntry{key, start, len(p.out)})
		p.field(n, at, end)
		p.out = append(p.out, ',')
		if more, ok = p.more('}'); !ok {
			return false
		}
	}
	p.finish(n, open)
	return p.closeMapping(first)
}

func (p *plainReader) flowSequence() bool {
	n, open := p.collection(List)
	p.out = append(p.out, '[')
	empty := true
	for more := p.open(']'); more; empty = false {
		start := p.at
		if !p.flow() {
			return false
		}
		p.item(n, start)
		p.out = append(p.out, ',')
		var ok bool
		if more, ok = p.more(']'); !ok {
			return false
		}
	}
	p.finish(n, open)
	if empty {
		p.out = append(p.out, ']')
		return true
	}
	p.out[len(p.out)-1] = ']'
	return true
}

// finish ends the node of a flow collection behind its bracket.
func (p *plainReader) finish(n *Node, open int) {
	if p.close(n, open); n != nil {
		n.end = p.base + p.at
	}
}

// open steps over the opening bracket, and tells whether the collection has elements.
func (p *plainReader) open(closing byte) bool {
	p.at++
	p.spaces()
	if p.peek() != closing {
		return true
	}
	p.at++
	return false
}

// more steps over the comma or closing bracket behind an element, and tells whether another element follows.
func (p *plainReader) more(closing byte) (more, ok bool) {
	p.spaces()
	switch p.peek() {
	case closing:
		p.at++
		return false, true
	case ',':
		p.at++
		p.spaces()
		return true, true
	}
	return false, false
}

// literal reads a block scalar that keeps its lines. column is that of the collection that holds it.
func (p *plainReader) literal(column int) bool {
	start, out, end := p.at, len(p.out), 0
	p.at++
	strip := p.peek() == '-'
	if strip {
		p.at++
	}
	p.spaces()
	if p.peek() != '\n' {
		return false
	}
	p.out = append(p.out, '"')
	indent, blanks := 0, 0
	for p.at++; p.at < len(p.text); p.at = lineEnd(p.text, p.at) + 1 {
		line := p.text[p.at:lineEnd(p.text, p.at)]
		spaces := len(line) - len(bytes.TrimLeft(line, " "))
		switch {
		case indent == 0 && (spaces == len(line) || spaces <= column):
			return false
		case indent == 0:
			indent = spaces
		case spaces == len(line) && spaces <= indent:
			blanks++
			continue
		case spaces < indent && spaces > column:
			return false
		case spaces < indent:
			p.endLiteral(strip, start, end, out)
			return true
		default:
			p.out = append(p.out, `\n`...)
		}
		for ; blanks > 0; blanks-- {
			p.out = append(p.out, `\n`...)
		}
		p.escape(line[indent:])
		if spaces < len(line) {
			end = p.at + len(bytes.TrimRight(line, " "))
		}
	}
	if indent == 0 || p.text[len(p.text)-1] != '\n' {
		return false
	}
	p.at = len(p.text)
	p.endLiteral(strip, start, end, out)
	return true
}

// endLiteral ends the text that began at out in the output, and goes to the token behind it.
func (p *plainReader) endLiteral(strip bool, start, end, out int) {
	if !strip {
		p.out = append(p.out, `\n`...)
	}
	p.out = append(p.out, '"')
	if p.locate {
		p.node = p.keep(Node{Kind: Scalar, Style: Block, Text: unquoteJSON(p.out[out:]), start: p.base + start, end: p.base + end})
	}
	p.at-- // to the end of the last line
	p.nextLine()
}

// closeMapping puts the entries of a mapping in the order of their keys. Keys that are given twice are not plain.
func (p *plainReader) closeMapping(first int) bool {
	entries := p.entries[first:]
	p.entries = p.entries[:first]
	if len(entries) == 0 {
		p.out = append(p.out, '}')
		return true
	}
	p.out[len(p.out)-1] = '}'
	byKey := func(a, b plainEntry) int { return bytes.Compare(a.key, b.key) }
	if !slices.IsSortedFunc(entries, byKey) {
		start := entries[0].start
		slices.SortFunc(entries, byKey)
		p.sorted = p.sorted[:0]
		for _, e := range entries {
			p.sorted = append(append(p.sorted, p.out[e.start:e.end]...), ',')
		}
		copy(p.out[start:], p.sorted[:len(p.sorted)-1])
	}
	for i := range entries[1:] {
		if bytes.Equal(entries[i].key, entries[i+1].key) {
			return false
		}
	}
	return true
}

// string writes a text as encoding/json does.
func (p *plainReader) string(text []byte) {
	p.out = append(p.out, '"')
	p.escape(text)
	p.out = append(p.out, '"')
}

func (p *plainReader) escape(text []byte) {
	const hex = "0123456789abcdef"
	done := 0
	for i, c := range text {
		switch c {
		case '"', '\\':
			p.out = append(append(p.out, text[done:i]...), '\\', c)
		case '<', '>', '&':
			p.out = append(append(p.out, text[done:i]...), '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			continue
		}
		done = i + 1
	}
	p.out = append(p.out, text[done:]...)
}
