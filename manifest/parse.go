package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	yaml3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest/plain"
)

// Parse reads the chunk. It gives no document when it cannot be read, and several for a List.
func (c *Chunk) Parse(l Limits) ([]*Document, []diag.Diagnostic) {
	js, findings := c.quickly(l), []diag.Diagnostic(nil)
	if js == nil {
		if f := c.refuse(l); f != nil {
			return nil, []diag.Diagnostic{*f}
		}
		js, findings = c.toJSON(l)
	}
	if js == nil {
		return nil, findings
	}
	if js[0] != '{' {
		return nil, append(findings, c.notAMapping(js)...)
	}
	d := newDocument(c, "", js)
	if f := d.notAList(); f != nil {
		return nil, append(findings, *f)
	}
	docs := d.flatten()
	for _, d := range docs {
		findings = append(findings, d.identity()...)
	}
	return docs, findings
}

// quickly returns the JSON of a plain chunk, which is text that nothing can be wrong with: UTF-8, and
// not nested deep. It gives nil of any other.
func (c *Chunk) quickly(l Limits) []byte {
	if c.json || c.separator.end > 0 || c.Len() > l.MaxBytes || l.MaxDepth < plain.MaxDepth {
		return nil
	}
	js := c.plain
	if js == nil {
		js = plain.JSON(c.text(), nil)
	}
	if len(js) > l.MaxBytes {
		return nil
	}
	return js // nil: not plain
}

// refuse returns the finding about a chunk that is not even tried.
func (c *Chunk) refuse(l Limits) *diag.Diagnostic {
	text := c.text()
	switch {
	case c.separator.end > 0:
		line := string(c.file.Data[c.separator.start:c.separator.end])
		f := c.finding(
			ruleSyntax,
			c.separator.start,
			c.separator.end,
			fmt.Sprintf("%q is not a document separator", line),
			"a separator is --- alone on its line, or followed by a comment; clients refuse the file",
		)
		switch rest := line[len("---"):]; {
		case strings.TrimSpace(strings.TrimLeft(rest, "-")) == "":
			f.fix(c.separator.start, c.separator.end, "---", "write the separator as ---")
		case rest[0] == '#':
			f.fix(c.separator.start, c.separator.end, "--- "+rest, "put a space before the comment")
		case keyAndValue.MatchString(rest):
			f.fix(
				c.separator.start, c.separator.end, "---\n"+strings.TrimSpace(rest),
				"put the separator on a line of its own",
			)
		}
		return f.done()
	case len(text) > l.MaxBytes:
		return c.finding(ruleSyntax, c.start, c.start,
			fmt.Sprintf("document of %s is larger than the API server takes", sizeText(len(text))),
			fmt.Sprintf("the limit of a request is %s: split the object", sizeText(l.MaxBytes))).
			done()
	}
	if f := c.encoding(text); f != nil {
		return f
	}
	if at := tooDeep(text, l.MaxDepth); at >= 0 {
		return c.finding(
			ruleSyntax, c.start+at, c.start+at+1, fmt.Sprintf("nested deeper than %d levels", l.MaxDepth),
			"no kind needs such depth: flatten the document",
		).
			done()
	}
	return nil
}

// keyAndValue matches what begins a document on the line of its separator.
var keyAndValue = regexp.MustCompile(`^\s*[A-Za-z]\w*:\s+\S`)

// encoding refuses what is not UTF-8 text.
func (c *Chunk) encoding(text []byte) *diag.Diagnostic {
	const detail = "clients and the API server read UTF-8 only: convert the file"
	head := c.file.Data[:min(4, len(c.file.Data))]
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}) || bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return c.finding(ruleSyntax, c.start, c.start, "file is UTF-16, not UTF-8", detail).done()
	case bytes.IndexByte(head, 0) >= 0:
		return c.finding(ruleSyntax, c.start, c.start, "file is not text, or UTF-16 or UTF-32 and not UTF-8", detail).
			done()
	}
	if utf8.Valid(text) {
		return nil
	}
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			return c.finding(
				ruleSyntax, c.start+i, c.start+i+1, fmt.Sprintf("byte 0x%02x is not valid UTF-8", text[i]), detail,
			).
				done()
		}
		i += n
	}
	return nil
}

// tooDeep finds where brackets, dashes or indentation nest deeper than a limit; -1 when they do not.
func tooDeep(text []byte, limit int) int {
	if len(text) < limit {
		return -1
	}
	flow, indents := 0, make([]int, 0, 16)
	for at := 0; at < len(text); {
		end := lineEnd(text, at)
		line := text[at:end]
		content := len(line) - len(bytes.TrimLeft(line, " -?"))
		if content < len(line) && line[content] != '#' {
			for len(indents) > 0 && indents[len(indents)-1] >= content {
				indents = indents[:len(indents)-1]
			}
			indents = append(indents, content)
			if dashes := bytes.Count(line[:content], []byte("-")); len(indents)+dashes > limit {
				return at
			}
		}
		for i, b := range line {
			switch b {
			case '[', '{':
				if flow++; flow > limit {
					return at + i
				}
			case ']', '}':
				flow = max(flow-1, 0)
			}
		}
		at = end + 1
	}
	return -1
}

// toJSON returns what a client sends for the chunk; nil with findings when it cannot be read.
func (c *Chunk) toJSON(l Limits) ([]byte, []diag.Diagnostic) {
	text := c.text()
	if c.json && json.Valid(text) {
		return bytes.TrimSpace(text), c.duplicates()
	}
	js, findings := c.readYAML(l)
	if len(js) > l.MaxBytes {
		return nil, []diag.Diagnostic{
			*c.finding(ruleSyntax, c.start, c.start, fmt.Sprintf("document expands to %s, more than the API server "+
				"takes", sizeText(len(js))), "").done(),
		}
	}
	return js, findings
}

// readYAML returns the JSON that sigs.k8s.io/yaml makes of the chunk; nil with findings when there is none.
func (c *Chunk) readYAML(l Limits) (js []byte, findings []diag.Diagnostic) {
	text := c.text()
	if f := c.expansion(l); f != nil {
		return nil, []diag.Diagnostic{*f}
	}
	js, err := yaml.YAMLToJSONStrict(text)
	if err != nil && strings.Contains(err.Error(), "already set in map") {
		if f := c.joined(); f != nil {
			return nil, []diag.Diagnostic{*f}
		}
		findings = c.duplicates()
		js, err = yaml.YAMLToJSON(text) // merge keys may be overridden; clients take the last value
	}
	if err != nil {
		return nil, c.diagnose(err)
	}
	return js, append(findings, c.rest()...)
}

// rest reports text behind the end of a YAML document, which clients lose without a word: a document
// that begins without its ---, or what stands behind the closing bracket of one in brackets.
func (c *Chunk) rest() []diag.Diagnostic {
	text := c.text()
	at := c.start + len(text)
	if marker := endMarker(text); marker >= 0 {
		at = c.start + marker
	} else if blockAtMargin(text) && !bytes.Contains(text, []byte("\n%")) { // a directive ends one, too
		return nil // such a document goes on until a marker ends it
	}
	if end := c.tree().end; end < at {
		at = end
	}
	if i := bytes.Index(text, []byte("\n%")); i >= 0 && c.tree().Kind != Map { // the tree's reader refuses what follows
		at = min(at, c.start+i+1)
	}
	for at < c.end {
		end := lineEnd(c.file.Data, at)
		line := bytes.TrimSpace(c.file.Data[at:end])
		if len(line) > 0 && line[0] != '#' && line[0] != '%' && !endsDocument(line) {
			from := at + bytes.Index(c.file.Data[at:end], line)
			return []diag.Diagnostic{*c.finding(ruleSyntax, from, from+len(line), "text behind the end of the document",
				"clients read nothing of it: begin another document with ---, or remove it").done()}
		}
		at = end + 1
	}
	return nil
}

// endMarker finds the line ... that ends a document; -1 when there is none.
func endMarker(text []byte) int {
	for at := 0; at < len(text); at = lineEnd(text, at) + 1 {
		if endsDocument(text[at:lineEnd(text, at)]) {
			return at
		}
	}
	return -1
}

// endsDocument reports whether a line is the mark ... that ends a document.
func endsDocument(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("..."))
	rest = bytes.TrimSpace(rest)
	return ok && (len(rest) == 0 || rest[0] == '#')
}

// blockAtMargin reports whether a document is a block that begins in the first column.
func blockAtMargin(text []byte) bool {
	text = bytes.TrimPrefix(text, []byte(byteOrderMark))
	for at := 0; at < len(text); at = lineEnd(text, at) + 1 {
		line := bytes.TrimRight(text[at:lineEnd(text, at)], " \t\r")
		if len(line) > 0 && line[0] != '#' && line[0] != '%' && len(bytes.TrimSpace(line)) > 0 &&
			!bytes.HasPrefix(bytes.TrimSpace(line), []byte("#")) {
			return isLetter(line[0]) || line[0] == '-'
		}
	}
	return false
}

// expansion refuses documents whose aliases would make them too large, before they are expanded.
func (c *Chunk) expansion(l Limits) *diag.Diagnostic {
	text := c.text()
	if bytes.IndexByte(text, '*') < 0 || bytes.IndexByte(text, '&') < 0 {
		return nil
	}
	var doc yaml3.Node
	if yaml3.Unmarshal(text, &doc) != nil {
		return nil // diagnosed later
	}
	m := expander{limit: l.MaxBytes, sizes: map[*yaml3.Node]int{}, open: map[*yaml3.Node]bool{}}
	at := c.start + bytes.IndexByte(text, '&')
	switch size := m.measure(&doc); {
	case m.cycle != "":
		if i := bytes.Index(text, []byte("*"+m.cycle)); i >= 0 {
			at = c.start + i
		}
		return c.finding(ruleSyntax, at, at+1+len(m.cycle), fmt.Sprintf("alias *%s stands inside of the value that "+
			"it stands for", m.cycle), "write the value out").
			done()
	case size > l.MaxBytes:
		return c.finding(
			ruleSyntax, at, at+1, fmt.Sprintf("aliases expand the document to more than %s", sizeText(l.MaxBytes)),
			"write the values out, or use fewer aliases of aliases",
		).
			done()
	}
	return nil
}

// expander measures values with their aliases written out.
type expander struct {
	limit int
	sizes map[*yaml3.Node]int
	open  map[*yaml3.Node]bool
	cycle string // anchor of a value that holds itself
}

func (m *expander) measure(n *yaml3.Node) int {
	if s, ok := m.sizes[n]; ok {
		return s
	}
	if m.open[n] {
		m.cycle = n.Anchor
		return m.limit + 1
	}
	m.open[n] = true
	s := len(n.Value) + 4
	if n.Kind == yaml3.AliasNode {
		s = m.measure(n.Alias)
	}
	for _, child := range n.Content {
		if s += m.measure(child); s > m.limit {
			break
		}
	}
	m.sizes[n] = s
	return s
}

// notAList reports a List whose items are something else than a list.
func (d *Document) notAList() *diag.Diagnostic {
	if d.Object.Kind != "List" || d.Object.APIVersion != "v1" {
		return nil
	}
	items := d.Value()["items"]
	if _, ok := items.([]any); ok || items == nil {
		return nil
	}
	key := d.Root().Get("items")
	f := d.chunk.finding(
		ruleSyntax, key.keyStart, key.keyEnd, "items of a List must be a list", "begin each object with a dash",
	).
		done()
	f.Object = d.Object
	return f
}

// flatten returns the documents of a List, each as a client would send it; of a List in a List too.
func (d *Document) flatten() []*Document {
	if !strings.HasSuffix(d.Object.Kind, "List") {
		return []*Document{d}
	}
	if !scanHeader(d.JSON).hasItems {
		if d.Object.Kind == "List" && d.Object.APIVersion == "v1" && d.Has("items") {
			return nil // items: null
		}
		return []*Document{d} // what clients take for an object of that kind
	}
	var list struct {
		Items []json.RawMessage `json:"items"`
	}
	if json.Unmarshal(d.JSON, &list) != nil {
		return []*Document{d}
	}
	kind := strings.TrimSuffix(d.Object.Kind, "List")
	docs := make([]*Document, 0, len(list.Items))
	for i, raw := range list.Items {
		path := strings.TrimPrefix(fmt.Sprintf("%s.items[%d]", d.Item, i), ".")
		it := newDocument(d.chunk, path, raw)
		if kind != "" && it.Object.Kind == "" && len(raw) > 0 && raw[0] == '{' {
			it = newDocument(d.chunk, path, inherit(raw, d.Object.APIVersion, kind))
		}
		docs = append(docs, it.flatten()...)
	}
	return docs
}

// inherit returns an item of a typed list the kind that the list implies.
func inherit(raw []byte, apiVersion, kind string) []byte {
	identity, _ := json.Marshal(map[string]string{"apiVersion": apiVersion, "kind": kind})
	rest := bytes.TrimSpace(raw[1:])
	if rest[0] == '}' {
		return identity
	}
	return append(append(identity[:len(identity)-1], ','), rest...)
}

func sizeText(n int) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d KiB", n>>10)
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }
