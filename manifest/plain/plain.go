// Package plain reads YAML that is written as most manifests are, and turns it into JSON ten times as fast as a whole
// YAML reader does.
//
// Its one function is [JSON]. Plain are block collections, flow collections on one line, scalars on one line and
// literal blocks. For plain text the answer is, byte for byte, that of sigs.k8s.io/yaml; for any other text, and for
// any text that is wrong, there is none, and the caller asks that library. FuzzJSON holds the two against each other.
//
//	if js := plain.JSON(text, nil); js != nil {
//		use(js)
//	}
package plain

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// JSON returns what sigs.k8s.io/yaml makes of text, or nil if the text is not plain. tree, if it is not nil, receives
// the values with their places; if the text proves not to be plain, what it has received means nothing.
func JSON(text []byte, tree Tree) []byte {
	r := readers.Get().(*reader)
	defer readers.Put(r)
	r.begin(text, tree)
	ok := r.read()
	r.tree, r.text = nil, nil
	if !ok {
		return nil
	}
	return slices.Clone(r.out)
}

// MaxDepth is how deep the collections of plain text nest at most.
const MaxDepth = 64

// Tree receives the values of a text in the order in which they end. Places are bytes of the text, from 0.
type Tree interface {
	// OpenMap begins a mapping, OpenList a list. They hold what follows until Close.
	OpenMap(start int)
	OpenList(start int)
	// Field makes the value that ended last that of a key, which spans start to end with its quotes.
	Field(start, end int)
	// Item makes the value that ended last the next element; start is the place of its dash or of the value.
	Item(start int)
	// Close ends a collection; end is the byte behind its bracket, 0 for one without brackets.
	Close(end int)
	// Scalar is a value that spans start to end, quotes included; quote is 0 for a value without quotes.
	Scalar(start, end int, quote byte)
	// Literal is a block of text: its JSON, and the place of its header and of its last line's end.
	Literal(start, end int, js []byte)
	// Null is a null that is not written down.
	Null(at int)
}

// printable reports whether a text holds neither tabs nor any line break but newlines, nor control characters.
func printable(text []byte) bool {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= ' ' && c <= '~' || c == '\n':
		case c < utf8.RuneSelf:
			return false
		default:
			r, size := utf8.DecodeRune(text[i:])
			if r < 0xa0 || size == 1 || r == '\u2028' || r == '\u2029' || r == '\ufeff' || r == '\ufffe' ||
				r == '\uffff' {
				return false
			}
			i += size - 1
		}
	}
	return true
}

var readers = sync.Pool{New: func() any { return new(reader) }}

// reader reads plain YAML from its start to its end. Its methods give false when the text
// is not plain. Those that read a block stop at the first token of the line behind it.
type reader struct {
	text   []byte
	at     int // next byte
	column int // of the token at that byte, from 0, when it begins a block; or ended
	depth  int
	out    []byte

	entries []entry // of the mappings that are open
	sorted  []byte  // room for the entries of one mapping in order

	tree Tree // nil: places are not wanted
}

// begin takes a text; the room of the one before is used again.
func (r *reader) begin(text []byte, tree Tree) {
	*r = reader{text: text, tree: tree, out: r.out[:0], sorted: r.sorted[:0], entries: r.entries[:0]}
}

// entry is an entry of a mapping: its key, and its place in the output.
type entry struct {
	key        []byte
	start, end int
}

const (
	ended  = -1  // column behind the last line
	maxKey = 128 // bytes
)

func (r *reader) read() bool {
	if !printable(r.text) {
		return false
	}
	r.nextLine()
	return r.column == 0 && r.mapping(0) && r.column == ended
}

// nextLine goes to the first token of the next line that has one.
func (r *reader) nextLine() {
	for r.at < len(r.text) {
		start := r.at
		if r.text[start] == '\n' {
			start++
		}
		r.at = start
		r.spaces()
		switch r.peek() {
		case '#':
			r.at = lineEnd(r.text, r.at)
		case '\n':
		default:
			r.column = r.at - start
			return
		}
	}
	r.column = ended
}

// peek returns the next byte; the end of the text is the end of a line.
func (r *reader) peek() byte {
	if r.at < len(r.text) {
		return r.text[r.at]
	}
	return '\n'
}

func (r *reader) spaces() {
	for r.at < len(r.text) && r.text[r.at] == ' ' {
		r.at++
	}
}

// endLine steps over a comment behind a value. Nothing else may follow one.
func (r *reader) endLine() bool {
	before := r.at
	r.spaces()
	if r.peek() == '#' && r.at > before {
		r.at = lineEnd(r.text, r.at)
	}
	return r.peek() == '\n'
}

// dash reports whether an element of a block sequence begins here.
func (r *reader) dash() bool {
	return r.at+1 < len(r.text) && r.text[r.at] == '-' && r.text[r.at+1] == ' '
}

// mapping reads a block mapping whose keys stand in a column.
func (r *reader) mapping(column int) bool {
	if r.depth++; r.depth > MaxDepth {
		return false
	}
	first := len(r.entries)
	r.openMap()
	r.out = append(r.out, '{')
	for r.column == column {
		start, at := len(r.out), r.at
		key, ok := r.key()
		if !ok {
			return false
		}
		end := r.at - 1
		r.string(key)
		r.out = append(r.out, ':')
		if !r.entryValue(column) || r.column > column {
			return false
		}
		r.entries = append(r.entries, entry{key, start, len(r.out)})
		r.field(at, end)
		r.out = append(r.out, ',')
	}
	r.depth--
	r.close(0)
	return r.closeMapping(first)
}

// entryValue reads what follows the colon of a key, up to the next token that is not part of it.
func (r *reader) entryValue(column int) bool {
	colon := r.at
	if r.blank() {
		r.nextLine()
		switch {
		case r.column > column:
			return r.block()
		case r.column == column && r.dash():
			return r.sequence(column)
		}
		r.out = append(r.out, "null"...)
		r.null(colon)
		return true
	}
	return r.lineValue(column)
}

// blank reports whether nothing but a comment is left of the line, and steps over it.
func (r *reader) blank() bool {
	start := r.at
	if r.endLine() {
		return true
	}
	r.at = start
	r.spaces()
	return false
}

func (r *reader) block() bool {
	if r.dash() {
		return r.sequence(r.column)
	}
	return r.mapping(r.column)
}

// sequence reads a block sequence whose dashes stand in a column.
func (r *reader) sequence(column int) bool {
	if r.depth++; r.depth > MaxDepth {
		return false
	}
	r.openList()
	r.out = append(r.out, '[')
	for r.column == column && r.dash() {
		dash := r.at
		r.at++
		r.spaces()
		inner := column + r.at - dash
		if !r.element(column, inner) || r.column > column {
			return false
		}
		r.item(dash)
		r.out = append(r.out, ',')
	}
	r.depth--
	r.close(0)
	r.out[len(r.out)-1] = ']' // in the place of the last comma: there is at least one element
	return true
}

// element reads an element of a sequence: a collection that begins on the line of its dash, or a value.
func (r *reader) element(column, inner int) bool {
	start := r.at
	_, isKey := r.key()
	r.at = start
	if isKey || r.dash() {
		r.column = inner
		return r.block()
	}
	return r.lineValue(column)
}

// lineValue reads a value that begins on the line of its key or dash.
func (r *reader) lineValue(column int) bool {
	if r.peek() == '|' {
		return r.literal(column)
	}
	if !r.inline(r.rest) {
		return false
	}
	if !r.endLine() {
		return false
	}
	r.nextLine()
	return true
}

// inline reads a value that ends on its line. word takes what is not quoted and no collection.
func (r *reader) inline(word func() []byte) bool {
	start := r.at
	switch c := r.peek(); c {
	case '{':
		return r.flowMapping()
	case '[':
		return r.flowSequence()
	case '"', '\'':
		text, ok := r.quoted()
		if !ok {
			return false
		}
		r.string(text)
		r.leaf(start, c)
		return true
	}
	text := word()
	r.leaf(start, 0)
	return r.scalar(text)
}

// rest takes the plain text up to the end of the line, or to its comment.
func (r *reader) rest() []byte {
	line := r.text[r.at:lineEnd(r.text, r.at)]
	if i := bytes.Index(line, []byte(" #")); i >= 0 {
		line = line[:i]
	}
	line = bytes.TrimRight(line, " ")
	r.at += len(line)
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

func (r *reader) word() []byte {
	start := r.at
	for r.at < len(r.text) && wordBytes[r.text[r.at]] {
		r.at++
	}
	return r.text[start:r.at]
}

// key reads a key with its colon. A key that YAML takes for something else than text is not plain.
func (r *reader) key() (key []byte, ok bool) {
	if c := r.peek(); c == '"' || c == '\'' {
		r.at++
		key = r.word()
		ok = len(key) > 0 && r.peek() == c
		r.at++
	} else {
		key = r.word()
		ok = len(key) > 0 && isLetter(key[0]) && !typed(key)
	}
	ok = ok && len(key) <= maxKey && r.peek() == ':' && r.at < len(r.text)
	r.at++
	return key, ok && (r.peek() == ' ' || r.peek() == '\n')
}

// typed reports whether a word may be a boolean or null.
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
func (r *reader) scalar(text []byte) bool {
	if len(text) == 0 {
		return false
	}
	switch c := text[0]; {
	case isDigit(c):
		return r.number(text)
	case isLetter(c):
		if typed(text) {
			return r.constant(text)
		}
	case c == '/' || c == '$' || c == '(' || c >= utf8.RuneSelf:
	case c == '-' && len(text) > 1 &&
		(isLetter(text[1]) && text[1] != '_' || text[1] == '-' && !bytes.HasPrefix(text, []byte("---"))):
	case c == '.' && (bytes.HasPrefix(text, []byte("./")) || bytes.HasPrefix(text, []byte("../"))):
	default:
		return false
	}
	r.string(text)
	return true
}

func (r *reader) constant(text []byte) bool {
	switch string(text) {
	case "true", "false", "null":
		r.out = append(r.out, text...)
		return true
	}
	return false
}

// number writes text that begins with a digit: a decimal integer, or what is certainly none, nor a time.
func (r *reader) number(text []byte) bool {
	digits := 0
	for digits < len(text) && isDigit(text[digits]) {
		digits++
	}
	rest := text[digits:]
	switch {
	case len(rest) == 0 && digits <= 15 && (text[0] != '0' || digits == 1):
		r.out = append(r.out, text...)
		return true
	case len(rest) == 0:
		return false
	case bytes.Count(rest, []byte(".")) > 1 &&
		!bytes.ContainsFunc(rest, func(r rune) bool { return r != '.' && !isDigit(byte(r)) }): // 10.0.0.1
	case text[0] == '0':
		return false
	case string(rest) == "%", bytes.IndexByte(rest, '/') >= 0: // 10%, 10.0.0.0/8
	case onlyAlphanumeric(rest) &&
		bytes.ContainsFunc(rest, func(r rune) bool { return !isDigit(byte(r)) && r != 'e' && r != 'E' }): // 100m
	default:
		return false
	}
	r.string(text)
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
func (r *reader) quoted() (text []byte, ok bool) {
	quote := r.text[r.at]
	line := r.text[r.at+1 : lineEnd(r.text, r.at)]
	end := bytes.IndexByte(line, quote)
	if end < 0 || end+1 < len(line) && line[end+1] == quote || quote == '"' && bytes.IndexByte(line[:end], '\\') >= 0 {
		return nil, false
	}
	r.at += end + 2
	return line[:end], true
}

// flow reads an element of a flow collection.
func (r *reader) flow() bool {
	if r.depth++; r.depth > MaxDepth {
		return false
	}
	ok := r.inline(r.word)
	r.depth--
	return ok
}

func (r *reader) flowMapping() bool {
	first := len(r.entries)
	r.openMap()
	r.out = append(r.out, '{')
	for more := r.open('}'); more; {
		start, at := len(r.out), r.at
		key, ok := r.key()
		if !ok {
			return false
		}
		end := r.at - 1
		r.string(key)
		r.out = append(r.out, ':')
		r.spaces()
		if !r.flow() {
			return false
		}
		r.entries = append(r.entries, entry{key, start, len(r.out)})
		r.field(at, end)
		r.out = append(r.out, ',')
		if more, ok = r.more('}'); !ok {
			return false
		}
	}
	r.close(r.at)
	return r.closeMapping(first)
}

func (r *reader) flowSequence() bool {
	r.openList()
	r.out = append(r.out, '[')
	empty := true
	for more := r.open(']'); more; empty = false {
		start := r.at
		if !r.flow() {
			return false
		}
		r.item(start)
		r.out = append(r.out, ',')
		var ok bool
		if more, ok = r.more(']'); !ok {
			return false
		}
	}
	r.close(r.at)
	if empty {
		r.out = append(r.out, ']')
		return true
	}
	r.out[len(r.out)-1] = ']'
	return true
}

// open steps over the opening bracket, and tells whether the collection has elements.
func (r *reader) open(closing byte) bool {
	r.at++
	r.spaces()
	if r.peek() != closing {
		return true
	}
	r.at++
	return false
}

// more steps over the comma or closing bracket behind an element, and tells whether another element follows.
func (r *reader) more(closing byte) (more, ok bool) {
	r.spaces()
	switch r.peek() {
	case closing:
		r.at++
		return false, true
	case ',':
		r.at++
		r.spaces()
		return true, true
	}
	return false, false
}

// literal reads a block scalar that keeps its lines. column is that of the collection that holds it.
func (r *reader) literal(column int) bool {
	start, out, end := r.at, len(r.out), 0
	r.at++
	strip := r.peek() == '-'
	if strip {
		r.at++
	}
	r.spaces()
	if r.peek() != '\n' {
		return false
	}
	r.out = append(r.out, '"')
	indent, blanks := 0, 0
	for r.at++; r.at < len(r.text); r.at = lineEnd(r.text, r.at) + 1 {
		line := r.text[r.at:lineEnd(r.text, r.at)]
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
			r.endLiteral(strip, start, end, out)
			return true
		default:
			r.out = append(r.out, `\n`...)
		}
		for ; blanks > 0; blanks-- {
			r.out = append(r.out, `\n`...)
		}
		r.escape(line[indent:])
		if spaces < len(line) {
			end = r.at + len(bytes.TrimRight(line, " "))
		}
	}
	if indent == 0 || r.text[len(r.text)-1] != '\n' {
		return false
	}
	r.at = len(r.text)
	r.endLiteral(strip, start, end, out)
	return true
}

// endLiteral ends the text that began at out in the output, and goes to the token behind it.
func (r *reader) endLiteral(strip bool, start, end, out int) {
	if !strip {
		r.out = append(r.out, `\n`...)
	}
	r.out = append(r.out, '"')
	if r.tree != nil {
		r.tree.Literal(start, end, r.out[out:])
	}
	r.at-- // to the end of the last line
	r.nextLine()
}

// closeMapping puts the entries of a mapping in the order of their keys. Keys that are given twice are not plain.
func (r *reader) closeMapping(first int) bool {
	entries := r.entries[first:]
	r.entries = r.entries[:first]
	if len(entries) == 0 {
		r.out = append(r.out, '}')
		return true
	}
	r.out[len(r.out)-1] = '}'
	byKey := func(a, b entry) int { return bytes.Compare(a.key, b.key) }
	if !slices.IsSortedFunc(entries, byKey) {
		start := entries[0].start
		slices.SortFunc(entries, byKey)
		r.sorted = r.sorted[:0]
		for _, e := range entries {
			r.sorted = append(append(r.sorted, r.out[e.start:e.end]...), ',')
		}
		copy(r.out[start:], r.sorted[:len(r.sorted)-1])
	}
	for i := range entries[1:] {
		if bytes.Equal(entries[i].key, entries[i+1].key) {
			return false
		}
	}
	return true
}

// string writes a text as encoding/json does.
func (r *reader) string(text []byte) {
	r.out = append(r.out, '"')
	r.escape(text)
	r.out = append(r.out, '"')
}

func (r *reader) escape(text []byte) {
	const hex = "0123456789abcdef"
	done := 0
	for i, c := range text {
		switch c {
		case '"', '\\':
			r.out = append(append(r.out, text[done:i]...), '\\', c)
		case '<', '>', '&':
			r.out = append(append(r.out, text[done:i]...), '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			continue
		}
		done = i + 1
	}
	r.out = append(r.out, text[done:]...)
}

// lineEnd returns the offset of the next newline, or of the end.
func lineEnd(data []byte, at int) int {
	if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
		return at + i
	}
	return len(data)
}

func (r *reader) openMap() {
	if r.tree != nil {
		r.tree.OpenMap(r.at)
	}
}

func (r *reader) openList() {
	if r.tree != nil {
		r.tree.OpenList(r.at)
	}
}

func (r *reader) field(start, end int) {
	if r.tree != nil {
		r.tree.Field(start, end)
	}
}

func (r *reader) item(start int) {
	if r.tree != nil {
		r.tree.Item(start)
	}
}

func (r *reader) close(end int) {
	if r.tree != nil {
		r.tree.Close(end)
	}
}

// leaf is a scalar that ends here.
func (r *reader) leaf(start int, quote byte) {
	if r.tree != nil {
		r.tree.Scalar(start, r.at, quote)
	}
}

func (r *reader) null(at int) {
	if r.tree != nil {
		r.tree.Null(at)
	}
}
