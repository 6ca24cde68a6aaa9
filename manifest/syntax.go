package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/source"
)

// Names of the rules that this package reports; package lint documents them.
const (
	ruleSyntax       = "yaml-syntax"
	ruleTab          = "yaml-tab"
	ruleDuplicateKey = "yaml-duplicate-key"
)

// report builds a finding about a chunk.
type report struct {
	c *Chunk
	d diag.Diagnostic
}

func (c *Chunk) finding(rule string, start, end int, message, detail string) *report {
	return &report{c, diag.Diagnostic{Rule: rule, Severity: diag.Error, Message: message, Help: detail, Document: c.number, Range: c.file.Range(start, end)}}
}

// fix adds a certain change of some bytes.
func (r *report) fix(start, end int, newText, message string) *report {
	r.d.Fixes = append(r.d.Fixes, diag.Fix{Message: message, Safe: true, Edits: []source.Edit{{Range: r.c.file.Range(start, end), NewText: newText}}})
	return r
}

func (r *report) relate(start, end int, message string) *report {
	r.d.Related = append(r.d.Related, diag.Related{Range: r.c.file.Range(start, end), Message: message})
	return r
}

func (r *report) done() *diag.Diagnostic { return &r.d }

// duplicates finds keys that a mapping has twice.
func (c *Chunk) duplicates() (out []diag.Diagnostic) {
	var visit func(n *Node)
	visit = func(n *Node) {
		first := make(map[string]Field, len(n.Fields))
		for _, f := range n.Fields {
			if have, ok := first[f.Name]; ok {
				out = append(out, *c.finding(ruleDuplicateKey, f.keyStart, f.keyEnd, fmt.Sprintf("key %s is given twice in one mapping", quoteYAMLKey(f.Name)),
					"clients keep the last value and lose the first one silently: remove one of them").relate(have.keyStart, have.keyEnd, "first given here").done())
			} else {
				first[f.Name] = f
			}
			visit(f.Value)
		}
		for _, it := range n.Items {
			visit(it)
		}
	}
	visit(c.tree())
	return out
}

// identity reports what a document lacks to be an API object at all.
func (d *Document) identity() (out []diag.Diagnostic) {
	if d.Object.APIVersion != "" && d.Object.Kind != "" {
		return nil
	}
	root := d.Value()
	if root["apiVersion"] == nil && root["kind"] == nil {
		if f := d.nothing(); f != nil {
			return []diag.Diagnostic{*f}
		}
	}
	for _, key := range []string{"apiVersion", "kind"} {
		switch v := root[key]; {
		case v == nil:
			out = append(out, *d.missing(key))
		case key == "kind" && d.Object.Kind == "" || key == "apiVersion" && d.Object.APIVersion == "":
			n := d.Root().Get(key).Value
			out = append(out, *d.chunk.finding(ruleSyntax, n.start, n.end, fmt.Sprintf("%s must be a text that is not empty", key), "").done())
		}
	}
	return out
}

// nothing reports a document that was never meant to be an API object: it has no apiVersion, no
// kind, and no key that could be one of them.
func (d *Document) nothing() *diag.Diagnostic {
	for _, f := range d.Root().Fields {
		if strings.EqualFold(f.Name, "apiVersion") || strings.EqualFold(f.Name, "kind") {
			return nil
		}
	}
	if d.Item != "" {
		return d.without("item has neither apiVersion nor kind", "every item of a List is an object")
	}
	return d.without("document has neither apiVersion nor kind", "not a Kubernetes manifest? leave the file out with --exclude, or exclude: in .seatrial.yaml")
}

// missing reports a key without which the document names no kind.
func (d *Document) missing(key string) *diag.Diagnostic {
	root := d.Root()
	for _, f := range root.Fields {
		if f.Name != key && strings.EqualFold(f.Name, key) {
			r := d.chunk.finding(ruleSyntax, f.keyStart, f.keyEnd, fmt.Sprintf("unknown key %s: did you mean %s?", quoteYAMLKey(f.Name), key), "keys are case-sensitive")
			newText := key
			if d.File.Data[f.keyStart] == '"' {
				newText = strconv.Quote(key)
			}
			return r.fix(f.keyStart, f.keyEnd, newText, "write "+key).done()
		}
	}
	return d.without(fmt.Sprintf("document has no %s", key), "every document names its apiVersion and kind: apiVersion: apps/v1, kind: Deployment")
}

// without reports at its first key what a document lacks.
func (d *Document) without(message, detail string) *diag.Diagnostic {
	root := d.Root()
	at := firstLineOf(root)
	if len(root.Fields) > 0 {
		at = d.File.Range(root.Fields[0].keyStart, root.Fields[0].keyEnd)
	}
	f := d.chunk.finding(ruleSyntax, at.Start.Offset, at.End.Offset, message, detail).done()
	f.Object = d.Object
	return f
}

var wordThenDash = regexp.MustCompile(`^([A-Za-z][\w./-]*) - `)

// notAMapping reports a document that is a list or a scalar.
func (c *Chunk) notAMapping(js []byte) []diag.Diagnostic {
	if string(js) == "null" {
		return nil
	}
	root := c.tree()
	start, end := root.start, lineEnd(c.file.Data, root.start)
	end = start + len(bytes.TrimRight(c.file.Data[start:min(end, root.end)], " \t\r"))
	const detail = "a document is a mapping that begins with apiVersion and kind"
	text := string(c.text())
	if templated(text) {
		return c.unrendered()
	}
	var s string
	switch {
	case js[0] == '[':
		return []diag.Diagnostic{*c.finding(ruleSyntax, start, end, "document is a list, not a mapping", detail+"; several objects are separated by ---").done()}
	case json.Unmarshal(js, &s) == nil && wordThenDash.MatchString(s):
		key := wordThenDash.FindStringSubmatch(s)[1]
		return []diag.Diagnostic{*c.finding(ruleSyntax, start, start+len(key), fmt.Sprintf("key %s has no colon, so the list below it is read as text", quoteYAMLKey(key)),
			"write "+key+":").fix(start, start+len(key), key+":", "add the colon").done()}
	case s != "" && strings.Contains(s, ":"):
		return []diag.Diagnostic{*c.finding(ruleSyntax, start, end, "document is a text, not a mapping: a colon needs a space after it", detail).done()}
	}
	return []diag.Diagnostic{*c.finding(ruleSyntax, start, end, "document is a single value, not a mapping", detail).done()}
}

// templated tells whether text holds the markers of a template engine.
func templated(text string) bool { return strings.Contains(text, "{{") }

// firstTemplate finds the first document that holds markers and cannot be read as they stand; 0 if there is none.
func firstTemplate(chunks []*Chunk) int {
	for _, c := range chunks {
		if !templated(string(c.text())) {
			continue
		}
		if js, err := yaml.YAMLToJSON(c.text()); err != nil || js[0] != '{' {
			return c.number
		}
	}
	return 0
}

// unrendered reports a file that only a template engine can turn into a manifest, once.
func (c *Chunk) unrendered() []diag.Diagnostic {
	if c.number != c.template() {
		return nil
	}
	at := c.start + bytes.Index(c.text(), []byte("{{"))
	end := lineEnd(c.file.Data, at)
	if i := bytes.Index(c.file.Data[at:end], []byte("}}")); i >= 0 {
		end = at + i + 2
	}
	return []diag.Diagnostic{*c.finding(ruleSyntax, at, end, "file is a template, not a manifest", "render it first: helm template CHART | seatrial lint -").done()}
}

var errorLine = regexp.MustCompile(`line (\d+): (.*)`)

// diagnose tells in plain words why a chunk cannot be read. Of several that need a template engine, the first one tells.
func (c *Chunk) diagnose(err error) []diag.Diagnostic {
	text := string(c.text())
	raw := strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\n", " "), "error converting YAML to JSON: ")
	if templated(text) {
		return c.unrendered()
	}
	s := &syntaxError{c: c, lines: strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), line: 1}
	if m := errorLine.FindStringSubmatch(raw); m != nil {
		s.line, _ = strconv.Atoi(m[1])
		s.message = m[2]
	} else {
		s.message = strings.TrimPrefix(raw, "yaml: ")
	}
	if found := c.tabs(s.blamesTab()); len(found) > 0 {
		return found
	}
	if c.json && quotesKeys(c.text()) {
		return []diag.Diagnostic{*c.jsonError(raw)}
	}
	return []diag.Diagnostic{*s.explain()}
}

// blamesTab tells whether the library's message is about a tab in indentation.
func (s *syntaxError) blamesTab() bool {
	if strings.Contains(s.message, "found a tab character") {
		return true
	}
	if !strings.Contains(s.message, "cannot start any token") {
		return false
	}
	for n := s.line; n <= s.line+1; n++ { // it counts lines from the one before
		if strings.HasPrefix(strings.TrimLeft(s.text(n), " "), "\t") {
			return true
		}
	}
	return false
}

// tabs reports tabs in the indentation of a chunk that cannot be read: one finding for each run of lines.
// blamed says that the reader names a tab as what is wrong.
func (c *Chunk) tabs(blamed bool) (out []diag.Diagnostic) {
	type place struct{ start, end int } // of the indentation
	var run []place
	flush := func() {
		if len(run) == 0 {
			return
		}
		first := bytes.IndexByte(c.file.Data[run[0].start:run[0].end], '\t') + run[0].start
		message := "tab in indentation"
		if len(run) > 1 {
			message = fmt.Sprintf("tabs in indentation of %d lines", len(run))
		}
		f := c.finding(ruleTab, first, first+1, message, "YAML allows spaces only: `seatrial lint --fix` converts the tabs").done()
		fix := diag.Fix{Message: "indent with spaces", Safe: true}
		for _, p := range run {
			fix.Edits = append(fix.Edits, source.Edit{Range: c.file.Range(p.start, p.end), NewText: c.spaces(c.file.Data[p.start:p.end])})
		}
		f.Fixes = append(f.Fixes, fix)
		out = append(out, *f)
		run = nil
	}
	for at := c.start; at < c.end; {
		end := lineEnd(c.file.Data, at)
		content := at
		for content < end && (c.file.Data[content] == ' ' || c.file.Data[content] == '\t') {
			content++
		}
		if bytes.IndexByte(c.file.Data[at:content], '\t') >= 0 && len(bytes.TrimSpace(c.file.Data[content:end])) > 0 {
			run = append(run, place{at, content})
		} else {
			flush()
		}
		at = end + 1
	}
	flush()
	if len(out) == 0 || c.readableWithout(out) {
		return out
	}
	if !blamed {
		return nil
	}
	for i := range out { // spaces would leave the line at a depth where it does not belong
		out[i].Fixes, out[i].Help = nil, "YAML allows spaces only: begin the line where it belongs"
	}
	return out
}

// spaces gives indentation without tabs: a tab is as wide as the chunk's own step, two columns at least.
func (c *Chunk) spaces(indent []byte) string {
	return strings.ReplaceAll(string(indent), "\t", strings.Repeat(" ", c.step()))
}

// step gives the smallest indentation by spaces that the chunk uses.
func (c *Chunk) step() int {
	step := 0
	for _, line := range bytes.Split(c.text(), []byte("\n")) {
		n := len(line) - len(bytes.TrimLeft(line, " "))
		if n > 1 && n < len(line) && line[n] != '\t' && line[n] != '\r' && (step == 0 || n < step) {
			step = n
		}
	}
	if step == 0 || step > 8 {
		return 2
	}
	return step
}

// readableWithout tells whether the chunk can be read once the first fix of each finding is made.
func (c *Chunk) readableWithout(findings []diag.Diagnostic) bool {
	var edits []source.Edit
	for _, f := range findings {
		edits = append(edits, f.Fixes[0].Edits...)
	}
	fixed, err := source.Apply(c.file.Data, edits)
	if err != nil {
		return false
	}
	_, err = yaml.YAMLToJSON(fixed[c.start : len(fixed)-(len(c.file.Data)-c.end)])
	return err == nil
}

// quotesKeys tells JSON from YAML in brackets by the first key.
func quotesKeys(text []byte) bool {
	at := skipSpace(text, 1)
	return at < len(text) && (text[at] == '"' || text[at] == '}')
}

func (c *Chunk) jsonError(raw string) *diag.Diagnostic {
	var syntax *json.SyntaxError
	var v any
	if err := json.Unmarshal(c.text(), &v); errors.As(err, &syntax) {
		at := min(c.start+max(int(syntax.Offset)-1, 0), c.end)
		return c.finding(ruleSyntax, at, min(at+1, c.end), "not valid JSON: "+syntax.Error(), "").done()
	}
	return c.finding(ruleSyntax, c.start, c.start+1, "not valid JSON", raw).done()
}

// syntaxError explains a message of the YAML library by the lines around the place that it names.
type syntaxError struct {
	c       *Chunk
	lines   []string
	line    int    // from 1, of the chunk
	message string // of the library, without the line
}

// at makes a finding on a part of a line (columns in bytes, from 0).
func (s *syntaxError) at(line, from, to int, message, detail string) *report {
	start := s.c.file.LineStart(s.c.file.Pos(s.c.start).Line + line - 1)
	if line == 1 {
		start = s.c.start
	}
	if s.message != "" {
		detail = strings.TrimPrefix(detail+"; the reader says: "+s.message, "; ")
	}
	return s.c.finding(ruleSyntax, start+from, start+to, message, detail)
}

func (s *syntaxError) text(line int) string {
	if line < 1 || line > len(s.lines) {
		return ""
	}
	return s.lines[line-1]
}

// whole marks the content of a line.
func (s *syntaxError) whole(line int, message, detail string) *report {
	t := s.text(line)
	return s.at(line, indentOf(t), max(len(strings.TrimRight(t, " \t")), indentOf(t)), message, detail)
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// before gives the last line with content above a line, or 0.
func (s *syntaxError) before(line int) int {
	for n := line - 1; n > 0; n-- {
		if t := strings.TrimSpace(s.text(n)); t != "" && !strings.HasPrefix(t, "#") {
			return n
		}
	}
	return 0
}

var (
	keyAndValue  = regexp.MustCompile(`^\s*(?:- +)*([\w./"'-]+):\s+(.*)$`)
	keyNoSpace   = regexp.MustCompile(`^\s*(?:- +)*([A-Za-z][\w-]*):([^\s:/].*)$`)
	keyNoColon   = regexp.MustCompile(`^\s*(?:- +)*([A-Za-z][\w./-]*)\s*$`) // a word alone
	keyOnly      = regexp.MustCompile(`^\s*(?:- +)*([\w./"'-]+):\s*(?:#.*)?$`)
	reservedChar = regexp.MustCompile("^\\s*(?:- +)*(?:[\\w./\"'-]+:\\s+)?([@`%*&])")
	unknownAlias = regexp.MustCompile(`unknown anchor '(.*)' referenced`)
)

// explain tries the explanations from the surest to the vaguest.
func (s *syntaxError) explain() *diag.Diagnostic {
	for _, try := range []func() *report{s.limits, s.character, s.number, s.tag, s.mapKey, s.mergeKey, s.anchor, s.inFlow, s.unclosed, s.afterQuote, s.reserved, s.fallenOut, s.missingColon, s.noSpace, s.twoColons, s.dashAfterKey, s.indentation} {
		if r := try(); r != nil {
			return r.done()
		}
	}
	line := min(s.line, len(s.lines))
	if strings.TrimSpace(s.text(line)) == "" {
		line = max(s.before(line), 1)
	}
	return s.whole(line, "not valid YAML", "").done()
}

func (s *syntaxError) limits() *report {
	switch {
	case strings.Contains(s.message, "excessive aliasing"):
		return s.at(1, 0, indentOf(s.text(1)), "aliases expand the document beyond all bounds", "write the values out")
	case strings.Contains(s.message, "exceeded max depth"):
		return s.whole(s.line, "nested too deeply", "no kind needs such depth: flatten the document")
	}
	return nil
}

// character finds the control character that YAML does not allow.
func (s *syntaxError) character() *report {
	if !strings.Contains(s.message, "control characters are not allowed") {
		return nil
	}
	for n, line := range s.lines {
		for i, r := range line {
			if r < ' ' && r != '\t' && r != '\r' || r >= 0x7f && r < 0xa0 && r != 0x85 {
				return s.at(n+1, i, i+utf8.RuneLen(r), fmt.Sprintf("control character %U is not allowed", r), `write it as an escape in double quotes, or remove it`)
			}
		}
	}
	return nil
}

var noNumber = regexp.MustCompile(`^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)

// number finds the value that is no number, or no end of them.
func (s *syntaxError) number() *report {
	if !strings.Contains(s.message, "unsupported value") {
		return nil
	}
	s.message = "" // of another language
	return s.scalar(func(n *Node) bool { return n.Style == Plain && noNumber.MatchString(n.Text) }, "%s is no value of JSON, which clients send", "quote it if it is a text")
}

// tag finds the value that is not what the tag before it says.
func (s *syntaxError) tag() *report {
	if !strings.Contains(s.message, "cannot decode !!") {
		return nil
	}
	return s.scalar(func(n *Node) bool { return n.Tagged && strings.Contains(s.message, "`"+n.Text+"`") }, "%s is not what the tag before it says", "remove the tag, or mend the value")
}

// scalar makes a finding on the first scalar that is what is looked for; nil where there is none.
func (s *syntaxError) scalar(is func(*Node) bool, message, detail string) *report {
	for _, n := range s.c.tree().all() {
		if n.Kind == Scalar && is(n) {
			return s.c.finding(ruleSyntax, n.start, n.end, fmt.Sprintf(message, n.Text), detail)
		}
	}
	return nil
}

// mapKey finds a key that is a collection, or null.
func (s *syntaxError) mapKey() *report {
	if !strings.Contains(s.message, "map key") {
		return nil
	}
	for key := range s.c.tree().all() {
		if key != nil && (key.Kind != Scalar || key.Null) {
			return s.c.finding(ruleSyntax, key.start, key.end, "a key must be a text", "JSON, which clients send, has no other keys")
		}
	}
	return nil
}

var mergeEntry = regexp.MustCompile(`(?:^|[\s{,])<<:\s*(\S.*)?$`)

// mergeKey finds the first merge key whose value is certainly no mapping.
func (s *syntaxError) mergeKey() *report {
	if !strings.Contains(s.message, "map merge requires") {
		return nil
	}
	for i, line := range s.lines {
		m := mergeEntry.FindStringSubmatchIndex(line)
		if m == nil || m[2] >= 0 && strings.ContainsAny(line[m[2]:m[2]+1], "*[{") {
			continue
		}
		col := strings.Index(line[m[0]:], "<<") + m[0]
		return s.at(i+1, col, col+2, "merge key << without a mapping to merge", "write <<: *name, where &name stands before a mapping above")
	}
	return nil
}

func (s *syntaxError) anchor() *report {
	m := unknownAlias.FindStringSubmatch(s.message)
	if m == nil {
		return nil
	}
	for i, line := range s.lines {
		if col := strings.Index(line, "*"+m[1]); col >= 0 {
			return s.at(i+1, col, col+1+len(m[1]), fmt.Sprintf("alias *%s refers to no anchor", m[1]), fmt.Sprintf("write &%s before the value that it stands for, above this line and in the same document", m[1]))
		}
	}
	return nil
}

// unclosed finds the quote or bracket that is never closed.
func (s *syntaxError) unclosed() *report {
	switch {
	case strings.Contains(s.message, "unexpected end of stream"), strings.Contains(s.message, "unexpected document indicator"):
		for n := min(s.line, len(s.lines)); n >= max(1, s.line-1); n-- {
			if col := oddQuote(s.text(n)); col >= 0 {
				return s.at(n, col, col+1, fmt.Sprintf("quote %c is never closed", s.text(n)[col]), "add the closing quote")
			}
		}
		for n := 1; n <= len(s.lines); n++ {
			if col := oddQuote(s.text(n)); col >= 0 {
				return s.at(n, col, col+1, fmt.Sprintf("quote %c is never closed", s.text(n)[col]), "add the closing quote")
			}
		}
	case strings.Contains(s.message, "did not find expected ',' or"):
		if line, col := s.openBracket(); line > 0 {
			return s.at(line, col, col+1, fmt.Sprintf("bracket %c is never closed", s.text(line)[col]), "add the closing bracket, or quote the value")
		}
	}
	return nil
}

// afterQuote finds what went wrong with a quoted value: text behind it, or a quote that is closed lines below.
func (s *syntaxError) afterQuote() *report {
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
			return s.at(n, m[4]+end, len(strings.TrimRight(t, " ")), "text after the closing quote", "quote the whole value")
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
func (s *syntaxError) openBracket() (line, col int) {
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

func (s *syntaxError) reserved() *report {
	if !strings.Contains(s.message, "cannot start any token") && !strings.Contains(s.message, "expected alphabetic or numeric character") {
		return nil
	}
	for n := s.line; n <= min(s.line+1, len(s.lines)); n++ {
		if m := reservedChar.FindStringSubmatchIndex(s.text(n)); m != nil {
			end := len(strings.TrimRight(s.text(n), " \t"))
			value := s.text(n)[m[2]:end]
			r := s.at(n, m[2], end, fmt.Sprintf("a value cannot begin with %s", value[:1]), "put it into quotes")
			if !strings.ContainsAny(value, `"\#`) {
				r.fix(r.d.Range.Start.Offset, r.d.Range.End.Offset, `"`+value+`"`, "quote the value")
			}
			return r
		}
	}
	return nil
}

var blockHeader = regexp.MustCompile(`(?:^|[:\-]\s+)[|>][-+0-9]*\s*(?:#.*)?$`)

// fallenOut finds text that belongs to a block scalar but is not indented as its lines are.
func (s *syntaxError) fallenOut() *report {
	for header := min(s.line, len(s.lines)); header > 0; header-- {
		if !blockHeader.MatchString(s.text(header)) {
			continue
		}
		first := s.afterAny(header)
		if first == 0 {
			return nil
		}
		if t := s.text(first); indentOf(t) <= keyColumn(s.text(header)) {
			if keyAndValue.MatchString(t) || keyOnly.MatchString(t) || strings.HasPrefix(strings.TrimSpace(t), "-") {
				return nil
			}
			return s.whole(first, "text of a block is not indented deeper than the key above it", "indent it, or remove the "+strings.TrimSpace(s.text(header))[len(strings.TrimSpace(s.text(header)))-1:])
		}
		for n := first + 1; n <= len(s.lines); n++ {
			t := s.text(n)
			trimmed := strings.TrimSpace(t)
			if trimmed == "" || indentOf(t) >= indentOf(s.text(first)) {
				continue
			}
			if keyAndValue.MatchString(t) || keyOnly.MatchString(t) || strings.HasPrefix(trimmed, "-") || strings.HasPrefix(trimmed, "#") {
				return nil
			}
			r := s.whole(n, "text is not indented as the block that it belongs to", fmt.Sprintf("indent it by %d columns as the lines before it", indentOf(s.text(first))))
			start := s.c.file.LineStart(s.c.file.Pos(s.c.start).Line + header - 1)
			return r.relate(start+indentOf(s.text(header)), start+len(strings.TrimRight(s.text(header), " \t")), "the block begins here")
		}
		return nil
	}
	return nil
}

// afterAny gives the next line that is not blank, comments too, or 0.
func (s *syntaxError) afterAny(line int) int {
	for n := line + 1; n <= len(s.lines); n++ {
		if strings.TrimSpace(s.text(n)) != "" {
			return n
		}
	}
	return 0
}

// missingColon finds the last line, down to where the reader gave up, that is a bare word above deeper lines or a list.
func (s *syntaxError) missingColon() *report {
	keys := 0
	for n := min(s.line+1, len(s.lines)); n > 0 && keys < 3; n-- {
		t := s.text(n)
		if keyAndValue.MatchString(t) || keyOnly.MatchString(t) {
			keys++
		}
		m := keyNoColon.FindStringSubmatchIndex(t)
		next := s.after(n)
		if m == nil || next == 0 || !s.beneath(n, next) {
			continue
		}
		key := t[m[2]:m[3]]
		r := s.at(n, m[2], m[3], fmt.Sprintf("key %s has no colon", quoteYAMLKey(key)), "write "+key+":")
		return r.fix(r.d.Range.Start.Offset, r.d.Range.End.Offset, key+":", "add the colon")
	}
	return nil
}

// beneath tells whether a line belongs to the word that stands alone on a line above.
func (s *syntaxError) beneath(line, next int) bool {
	column := contentColumn(s.text(line))
	if indent := indentOf(s.text(next)); indent != column {
		return indent > column
	}
	return strings.HasPrefix(s.text(next)[column:], "- ")
}

// after gives the next line with content below a line, or 0.
func (s *syntaxError) after(line int) int {
	for n := line + 1; n <= len(s.lines); n++ {
		if t := strings.TrimSpace(s.text(n)); t != "" && !strings.HasPrefix(t, "#") {
			return n
		}
	}
	return 0
}

func (s *syntaxError) noSpace() *report {
	for _, n := range []int{s.line, s.before(s.line), s.line + 1, s.line - 1} {
		m := keyNoSpace.FindStringSubmatchIndex(s.text(n))
		if m == nil || strings.Contains(s.text(n), ": ") {
			continue
		}
		key := s.text(n)[m[2]:m[3]]
		r := s.at(n, m[2], m[3]+1, fmt.Sprintf("no space after the colon of %s", quoteYAMLKey(key)), "write "+key+": followed by the value")
		return r.fix(r.d.Range.Start.Offset, r.d.Range.End.Offset, key+": ", "add the space")
	}
	for _, n := range []int{s.line, s.before(s.line)} { // a line without any colon among keys
		t := s.text(n)
		trimmed := strings.TrimSpace(t)
		if strings.Contains(s.message, "could not find expected ':'") && trimmed != "" && !strings.Contains(trimmed, ":") && !strings.HasPrefix(trimmed, "- ") && !strings.HasPrefix(trimmed, "#") {
			return s.whole(n, fmt.Sprintf("no colon in %s", strconv.Quote(trimmed)), "an entry of a mapping is written key: value")
		}
	}
	return nil
}

func (s *syntaxError) twoColons() *report {
	if !strings.Contains(s.message, "mapping values are not allowed") {
		return nil
	}
	for _, n := range []int{s.line, s.before(s.line), s.line + 1} {
		t := s.text(n)
		m := keyAndValue.FindStringSubmatchIndex(t)
		if m == nil {
			continue
		}
		value := t[m[4]:m[5]]
		if i := strings.Index(value+" ", ": "); i > 0 && !strings.ContainsAny(value[:1], `"'{[|>`) {
			end := m[4] + len(strings.TrimRight(value, " \t"))
			r := s.at(n, m[4], end, fmt.Sprintf("value of %s holds a colon followed by a space", quoteYAMLKey(t[m[2]:m[3]])), "put the value into quotes; or, if it is a mapping, on a line of its own")
			if !strings.ContainsAny(value, `"\#`) && strings.Contains(value[:i], " ") { // a text, not a key
				r.fix(r.d.Range.Start.Offset, r.d.Range.End.Offset, `"`+strings.TrimRight(value, " \t")+`"`, "quote the value")
			}
			return r
		}
	}
	return nil
}

func (s *syntaxError) dashAfterKey() *report {
	if !strings.Contains(s.message, "block sequence entries are not allowed") {
		return nil
	}
	for _, n := range []int{s.line, s.before(s.line)} {
		t := s.text(n)
		if m := keyAndValue.FindStringSubmatchIndex(t); m != nil && strings.HasPrefix(t[m[4]:], "- ") {
			return s.at(n, m[4], m[4]+1, "a list cannot begin on the line of its key", "put the - on the next line")
		}
	}
	return nil
}

// indentation finds the line that lines up with nothing above it.
func (s *syntaxError) indentation() *report {
	for n := 1; n <= len(s.lines); n++ {
		t := s.text(n)
		above := s.before(n)
		if above == 0 || strings.TrimSpace(t) == "" || strings.HasPrefix(strings.TrimSpace(t), "#") {
			continue
		}
		if n > s.line+1 {
			break
		}
		indent, up := indentOf(t), s.text(above)
		switch {
		case indent > contentColumn(up) && keyAndValue.MatchString(up) && (keyAndValue.MatchString(t) || keyOnly.MatchString(t)) && !opens(up):
			key := keyAndValue.FindStringSubmatch(up)[1]
			return s.whole(n, fmt.Sprintf("indented deeper than %s above, which already has a value", quoteYAMLKey(key)),
				fmt.Sprintf("align it at column %d with %s", contentColumn(up)+1, quoteYAMLKey(key)))
		case indent < contentColumn(up) && n >= s.line-1:
			if r := s.astray(n); r != nil {
				return r
			}
			if strings.HasPrefix(strings.TrimSpace(up), "- ") != strings.HasPrefix(strings.TrimSpace(t), "- ") || n == s.line {
				continue
			}
		}
	}
	if strings.Contains(s.message, "did not find expected '-' indicator") || strings.Contains(s.message, "did not find expected key") {
		for _, n := range []int{s.line, s.line + 1, s.before(s.line)} {
			if r := s.astray(n); r != nil {
				return r
			}
		}
		if strings.TrimSpace(s.text(s.line)) != "" {
			return s.whole(s.line, "this line does not fit the indentation above it", "the entries of one mapping or list must begin in the same column")
		}
	}
	return nil
}

// astray reports a line that begins in no column of the collections that are open there, with the nearest one.
func (s *syntaxError) astray(line int) *report {
	t := s.text(line)
	if strings.TrimSpace(t) == "" {
		return nil
	}
	indent := indentOf(t)
	nearest, column := 0, 0
	for n, outer := s.before(line), math.MaxInt; n > 0 && outer > 0; n = s.before(n) {
		up := s.text(n)
		for _, c := range []int{contentColumn(up), indentOf(up)} {
			if c == indent && c <= outer {
				return nil
			}
			if c < outer && (nearest == 0 || abs(c-indent) < abs(column-indent)) {
				nearest, column = n, c
			}
		}
		outer = min(outer, indentOf(up))
	}
	if nearest == 0 {
		return nil
	}
	return s.whole(line, fmt.Sprintf("indented by %d columns, which lines up with no line above", indent),
		fmt.Sprintf("begin it in column %d, as line %d does", column+1, s.c.file.Pos(s.c.start).Line+nearest-1))
}

func abs(n int) int { return max(n, -n) }

// contentColumn gives where the content of a line begins, behind the dashes of list items.
func contentColumn(line string) int {
	at := indentOf(line)
	for strings.HasPrefix(line[at:], "- ") {
		at += 2
		at += indentOf(line[at:])
	}
	return at
}

// keyColumn gives where the key of a line begins, or for an element without one its dash.
func keyColumn(line string) int {
	if at := contentColumn(line); at < len(line) && line[at] != '|' && line[at] != '>' {
		return at
	}
	return indentOf(line)
}

// opens tells whether a line begins a block scalar or a flow collection, so that deeper lines are its content.
func opens(line string) bool {
	t := strings.TrimSpace(line)
	if i := strings.Index(t, " #"); i >= 0 {
		t = strings.TrimSpace(t[:i])
	}
	return strings.HasSuffix(t, "|") || strings.HasSuffix(t, ">") || strings.HasSuffix(t, "|-") || strings.HasSuffix(t, ">-") || strings.HasSuffix(t, "[") || strings.HasSuffix(t, "{") || strings.HasSuffix(t, ",")
}
