// Package manifest reads YAML and JSON into documents that remember their places.
//
// The central type is [Document]: one API object, with the JSON that a client would send
// to the server and, built only when something has to be shown, a tree of nodes with
// their places in the file.
//
//	f := source.NewFile("a.yaml", data)
//	docs, findings := manifest.Read(f, manifest.DefaultLimits)
//	fmt.Println(docs[0].Find("spec.replicas").Value)
package manifest

import (
	"bytes"
	"strings"
	"sync"

	kjson "sigs.k8s.io/json"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/source"
)

// Limits bound the time and memory that one document may take.
type Limits struct {
	MaxBytes int // bytes of a document as written, and of the JSON that it expands to
	MaxDepth int // levels of nesting
}

// DefaultLimits are those of the API server: it takes requests of up to 3 MiB. The
// depth is far beyond what any kind needs.
var DefaultLimits = Limits{MaxBytes: 3 << 20, MaxDepth: 200}

// Document is one API object: a document of a file, or one item of a List.
type Document struct {
	File         *source.File
	Number       int    // of the document in its file, from 1; the items of a List share it
	Item         string // path of a List's item in its document ("items[2]"), else ""
	Object       diag.Object
	GenerateName string
	JSON         []byte // what a client sends to the server; must not be changed

	chunk   *Chunk
	decoded sync.Once
	value   map[string]any
	labeled sync.Once
	labels  map[string]string
	located sync.Once
	root    *Node
}

func newDocument(c *Chunk, item string, js []byte) *Document {
	d := &Document{File: c.file, Number: c.number, Item: item, JSON: js, chunk: c}
	h := scanHeader(js)
	d.Object = diag.Object{APIVersion: h.apiVersion, Kind: h.kind, Namespace: h.namespace, Name: h.name}
	d.GenerateName = h.generateName
	return d
}

// Value returns the object as decoded JSON, integers as int64. It must not be changed.
func (d *Document) Value() map[string]any {
	d.decoded.Do(func() {
		if kjson.UnmarshalCaseSensitivePreserveInts(d.JSON, &d.value) != nil {
			d.value = map[string]any{}
		}
	})
	return d.value
}

// Labels returns the labels of the object, as written. They must not be changed.
func (d *Document) Labels() map[string]string {
	d.labeled.Do(func() {
		if bytes.Contains(d.JSON, []byte(`"labels"`)) {
			d.labels = scanLabels(d.JSON)
		}
	})
	return d.labels
}

// sourceComment begins the line by which helm template and seatrial render say what a document was rendered from.
const sourceComment = "# Source: "

// RenderedFrom returns the template that a comment before the object names; empty: none does.
func (d *Document) RenderedFrom() string { return d.chunk.renderedFrom() }

func (c *Chunk) renderedFrom() string {
	for line := range bytes.Lines(c.text()) {
		line = bytes.TrimSpace(line)
		if from, ok := bytes.CutPrefix(line, []byte(sourceComment)); ok {
			return string(bytes.TrimSpace(from))
		}
		if len(line) > 0 && line[0] != '#' && !bytes.HasPrefix(line, []byte("---")) {
			break
		}
	}
	return ""
}

// IsJSON reports whether the document is written as JSON.
func (d *Document) IsJSON() bool { return d.chunk.json }

// Root returns the tree of the object with places. It is never nil: where the text defies
// location it is an empty node that spans the document.
func (d *Document) Root() *Node {
	d.located.Do(func() { d.root = d.locate() })
	return d.root
}

func (d *Document) locate() *Node {
	root := d.chunk.tree()
	if d.Item == "" {
		return root
	}
	if p := find(root, d.Item); p.Exact {
		return p.Node
	}
	return root
}

// Range returns the span of the document, or of the List's item.
func (d *Document) Range() source.Range {
	n := d.Root()
	return d.File.Range(n.start, n.end)
}

// Chunk is the text of one document, before it is parsed.
type Chunk struct {
	file       *source.File
	number     int // of the document, from 1
	start, end int // bytes
	json       bool
	separator  span // a line before the document that pretends to be a separator; else empty

	located  sync.Once
	nodes    *Node      // the tree, built on first use
	plain    []byte     // JSON of a plain chunk, from Locate
	template func() int // number of the first document of the file that only a template engine can read; or 0
}

type span struct{ start, end int }

// Number returns which document of its file the chunk is, from 1.
func (c *Chunk) Number() int { return c.number }

// Len returns the size of the chunk in bytes.
func (c *Chunk) Len() int { return c.end - c.start }

// Range returns the span of the chunk in its file.
func (c *Chunk) Range() source.Range { return c.file.Range(c.start, c.end) }

// End returns the byte of the file behind the chunk.
func (c *Chunk) End() int { return c.end }

// Locate finds the places of the chunk. Where it is known that they will be asked for, it comes before
// Parse, which then need not read plain text again.
func (c *Chunk) Locate() {
	c.located.Do(func() { c.nodes, c.plain = c.locate() })
}

func (c *Chunk) text() []byte { return c.file.Data[c.start:c.end] }

// Root returns the tree of the chunk with places, which need not be an object: a list of a JSON patch, for instance.
func (c *Chunk) Root() *Node { return c.tree() }

// tree returns the nodes of the chunk.
func (c *Chunk) tree() *Node {
	c.located.Do(func() { c.nodes, _ = c.locate() })
	return c.nodes
}

// locate returns the nodes of the chunk, and its JSON if it is plain.
func (c *Chunk) locate() (root *Node, js []byte) {
	if c.json {
		root = parseJSONTree(c.file.Data[:c.end], c.start)
	}
	if root == nil {
		root, js = plainTree(c)
	}
	if root == nil {
		root = parseYAMLTree(c)
	}
	if root == nil {
		root = &Node{Kind: Scalar, start: c.start, end: c.start + len(bytes.TrimRight(c.text(), " \t\r\n"))}
	}
	root.file(c.file)
	return root, js
}

// Read parses all documents of a file. What is wrong with the file comes back as findings;
// a broken document does not hide the others.
func Read(f *source.File, l Limits) (docs []*Document, findings []diag.Diagnostic) {
	chunks := Split(f)
	for i := range chunks {
		d, s := chunks[i].Parse(l)
		docs = append(docs, d...)
		findings = append(findings, s...)
	}
	return docs, findings
}

// byteOrderMark may stand before a UTF-8 text.
const byteOrderMark = "\xef\xbb\xbf"

// Split finds the borders of a file's documents, the way kubectl does: a line that begins
// with --- ends a YAML document, wherever it stands; JSON values follow one another. Documents
// without content are passed over.
func Split(f *source.File) []*Chunk {
	s := splitter{file: f}
	s.at = len(f.Data) - len(bytes.TrimPrefix(f.Data, []byte(byteOrderMark)))
	for s.at < len(f.Data) {
		if i := skipSpace(f.Data, s.at); i < len(f.Data) && f.Data[i] == '{' {
			if end, ok := jsonEnd(f.Data, i); ok && s.endsValue(end) {
				s.add(&Chunk{start: i, end: end, json: true})
				s.at, s.pending = end, true
				continue
			}
		}
		s.yaml()
	}
	template := sync.OnceValue(func() int { return firstTemplate(s.chunks) })
	for _, c := range s.chunks {
		c.template = template
	}
	return s.chunks
}

type splitter struct {
	file   *source.File
	at     int
	chunks []*Chunk
	// pending says that a client has read something that the next separator ends. If it has not, it takes the
	// separator for a part of the document.
	pending bool
}

func (s *splitter) add(c *Chunk) {
	c.file, c.number = s.file, len(s.chunks)+1
	s.chunks = append(s.chunks, c)
}

// endsValue reports whether what follows a JSON value may follow it: the end, another value, a separator.
func (s *splitter) endsValue(at int) bool {
	i := skipSpace(s.file.Data, at)
	rest := s.file.Data[i:]
	return len(rest) == 0 || rest[0] == '{' ||
		bytes.HasPrefix(rest, []byte("---")) && i > at && s.file.Data[i-1] == '\n'
}

// yaml takes the lines up to the next separator.
func (s *splitter) yaml() {
	data := s.file.Data
	start, separator := s.at, span{}
	if bytes.HasPrefix(data[s.at:], []byte("---")) && s.lineStart(s.at) {
		end := lineEnd(data, s.at)
		after := bytes.TrimSpace(data[s.at+3 : end])
		glued := len(after) > 0 && data[s.at+3] == '#' && !s.pending // which is no comment in YAML
		if len(after) > 0 && (after[0] != '#' || glued) {
			separator = span{s.at, s.at + len(bytes.TrimRight(data[s.at:end], " \t\r\n"))}
		}
		start = min(end+1, len(data))
		s.pending = !s.pending
	}
	at := start
	for at < len(data) && !bytes.HasPrefix(data[at:], []byte("---")) {
		at = min(lineEnd(data, at)+1, len(data))
	}
	s.at, s.pending = at, s.pending || at > start
	if separator.end > 0 || hasContent(data[start:at]) {
		s.add(&Chunk{start: start, end: at, separator: separator})
	}
}

func (s *splitter) lineStart(at int) bool {
	return at == 0 || s.file.Data[at-1] == '\n' ||
		at == len(byteOrderMark) && bytes.HasPrefix(s.file.Data, []byte(byteOrderMark))
}

// lineEnd returns the offset of the next newline, or of the end.
func lineEnd(data []byte, at int) int {
	if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
		return at + i
	}
	return len(data)
}

// hasContent reports whether YAML text holds more than comments, directives and end markers.
func hasContent(text []byte) bool {
	for len(text) > 0 {
		end := lineEnd(text, 0)
		line := bytes.TrimSpace(text[:end])
		if len(line) > 0 && line[0] != '#' && !endsDocument(line) {
			return true
		}
		text = text[min(end+1, len(text)):]
	}
	return false
}

func skipSpace(data []byte, at int) int {
	for at < len(data) && strings.IndexByte(" \t\r\n", data[at]) >= 0 {
		at++
	}
	return at
}

// jsonEnd returns the end of the JSON object that starts at an offset, by its brackets.
func jsonEnd(data []byte, at int) (end int, ok bool) {
	depth := 0
	for i := at; i < len(data); i++ {
		switch data[i] {
		case '\n':
			if bytes.HasPrefix(data[i+1:], []byte("---")) { // which no JSON value holds
				return 0, false
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1, true
			}
		case '"':
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
		}
	}
	return 0, false
}
