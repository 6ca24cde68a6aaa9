// Package syntax explains in plain words why YAML or JSON text cannot be read.
//
// Its one function is [Explain]: it takes the message of the YAML library and looks at the lines around the place that
// the message names, which is often a line or more away from the mistake.
//
//	for _, p := range syntax.Explain(syntax.Text{Data: text, FirstLine: 1}, err) {
//		fmt.Println(p.Start, p.Message, p.Help)
//	}
package syntax

import (
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
)

// Text is what cannot be read.
type Text struct {
	Data      []byte
	FirstLine int  // number of its first line in the file, for messages
	JSON      bool // it begins with a brace
	// Values lists the scalars, collections and keys of the text, each key before its value, as far as they can be
	// read.
	Values func() []Value
}

// Value is a scalar or a collection of the text.
type Value struct {
	Text       string // of a scalar, without quotes
	Start, End int    // bytes of the text
	Scalar     bool
	Null       bool
	Plain      bool // written without quotes, and no block
	Tagged     bool // its type is written before it
	Key        bool // it is the key of the value that follows
}

// Problem is what is wrong at one place. Places are bytes of the text, from 0.
type Problem struct {
	Start, End int
	Message    string // one line, without a full stop
	Help       string // what to do; may be empty
	Tab        bool   // a tab in indentation
	Fixes      []Fix  // the best one first
	Related    *Related
}

// Fix is a change that makes the text readable.
type Fix struct {
	Message string
	Certain bool // nothing else can have been meant
	Edits   []Edit
}

// Edit replaces a part of the text.
type Edit struct {
	Start, End int
	NewText    string
}

// Related is another place that explains a problem.
type Related struct {
	Start, End int
	Message    string
}

// fix adds a certain fix: the problem's place gets a new text.
func (p *Problem) fix(newText, message string) *Problem {
	p.Fixes = append(p.Fixes, Fix{Message: message, Certain: true, Edits: []Edit{{p.Start, p.End, newText}}})
	return p
}

// offer adds a fix that is not certain: the problem's place gets a new text.
func (p *Problem) offer(newText, message string) *Problem {
	p.Fixes = append(p.Fixes, Fix{Message: message, Edits: []Edit{{p.Start, p.End, newText}}})
	return p
}

var errorLine = regexp.MustCompile(`line (\d+): (.*)`)

// Explain returns what is wrong with a text that the YAML library refuses with err: at least one problem.
func Explain(t Text, err error) []Problem {
	text := string(t.Data)
	raw := strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\n", " "), "error converting YAML to JSON: ")
	s := &explainer{Text: t, lines: strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), line: 1}
	s.starts = []int{0}
	for i, c := range t.Data {
		if c == '\n' {
			s.starts = append(s.starts, i+1)
		}
	}
	if m := errorLine.FindStringSubmatch(raw); m != nil {
		s.line, _ = strconv.Atoi(m[1])
		s.message = m[2]
	} else {
		s.message = strings.TrimPrefix(raw, "yaml: ")
	}
	if found := s.conflict(); found != nil {
		return []Problem{*found}
	}
	if found := t.tabs(s.blamesTab()); len(found) > 0 {
		return found
	}
	if found := t.lookalikes(); len(found) > 0 {
		return found
	}
	if t.JSON && quotesKeys(t.Data) {
		return []Problem{*t.jsonError(raw)}
	}
	return []Problem{*s.explain()}
}

// conflict finds the first line that git writes around the sides of a merge conflict.
func (s *explainer) conflict() *Problem {
	for i, line := range s.lines {
		if strings.HasPrefix(line, "<<<<<<< ") || strings.HasPrefix(line, ">>>>>>> ") {
			s.message = "" // it is about what follows from the conflict
			return s.whole(i+1, "merge conflict that is not resolved",
				"keep what should be there, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>")
		}
	}
	return nil
}

// quotesKeys tells JSON from YAML in brackets by the first key.
func quotesKeys(text []byte) bool {
	at := 1
	for at < len(text) && strings.IndexByte(" \t\r\n", text[at]) >= 0 {
		at++
	}
	return at < len(text) && (text[at] == '"' || text[at] == '}')
}

func (t Text) jsonError(raw string) *Problem {
	var syntax *json.SyntaxError
	var v any
	if err := json.Unmarshal(t.Data, &v); errors.As(err, &syntax) {
		at := min(max(int(syntax.Offset)-1, 0), len(t.Data))
		return &Problem{Start: at, End: min(at+1, len(t.Data)), Message: "not valid JSON: " + syntax.Error()}
	}
	return &Problem{Start: 0, End: 1, Message: "not valid JSON", Help: raw}
}

// explainer explains a message of the YAML library by the lines around the place that it names.
type explainer struct {
	Text
	lines   []string
	starts  []int  // byte of each line
	line    int    // from 1, of the chunk
	message string // of the library, without the line
}

// at makes a finding on a part of a line (columns in bytes, from 0).
func (s *explainer) at(line, from, to int, message, detail string) *Problem {
	start := s.starts[min(max(line, 1), len(s.starts))-1]
	if s.message != "" {
		detail = strings.TrimPrefix(detail+"; the reader says: "+s.message, "; ")
	}
	return &Problem{Start: start + from, End: start + to, Message: message, Help: detail}
}

func (s *explainer) text(line int) string {
	if line < 1 || line > len(s.lines) {
		return ""
	}
	return s.lines[line-1]
}

// whole marks the content of a line.
func (s *explainer) whole(line int, message, detail string) *Problem {
	t := s.text(line)
	return s.at(line, indentOf(t), max(len(strings.TrimRight(t, " \t")), indentOf(t)), message, detail)
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// before returns the last line with content above a line, or 0.
func (s *explainer) before(line int) int {
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
func (s *explainer) explain() *Problem {
	for _, try := range []func() *Problem{
		s.directive, s.dashes, s.fence, s.limits, s.character, s.number, s.tag, s.mapKey, s.mergeKey, s.anchor,
		s.escape, s.inFlow,
		s.unclosed, s.afterQuote, s.reserved, s.twoStyles, s.fallenOut, s.dashWithoutSpace, s.missingColon,
		s.assignment, s.noSpace, s.twoColons,
		s.dashAfterKey, s.noDash, s.indentation,
	} {
		if r := try(); r != nil {
			return r
		}
	}
	line := min(s.line, len(s.lines))
	if strings.TrimSpace(s.text(line)) == "" {
		line = max(s.before(line), 1)
	}
	return s.whole(line, "not valid YAML", "")
}

// readableAfter reports whether the text can be read once edits are made, which stand in the order of the text.
func (t Text) readableAfter(edits []Edit) bool {
	var fixed []byte
	at := 0
	for _, e := range edits {
		fixed = append(append(fixed, t.Data[at:e.Start]...), e.NewText...)
		at = e.End
	}
	_, err := yaml.YAMLToJSON(append(fixed, t.Data[at:]...))
	return err == nil
}

// afterAny returns the next line that is not blank, comments too, or 0.
func (s *explainer) afterAny(line int) int {
	for n := line + 1; n <= len(s.lines); n++ {
		if strings.TrimSpace(s.text(n)) != "" {
			return n
		}
	}
	return 0
}

// after returns the next line with content below a line, or 0.
func (s *explainer) after(line int) int {
	for n := line + 1; n <= len(s.lines); n++ {
		if t := strings.TrimSpace(s.text(n)); t != "" && !strings.HasPrefix(t, "#") {
			return n
		}
	}
	return 0
}
