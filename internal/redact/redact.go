// Package redact hides the values of Secrets in what a program prints.
//
// The central type is [Redactor]: it knows the values of the Secrets that it has seen, and takes them out of
// texts. [File] hides the values where they are written.
//
//	r := redact.New(docs...)
//	fmt.Println(r.Text(message))
package redact

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// Mask stands for a value that is not shown.
const Mask = "***"

// lastApplied is where kubectl apply keeps the object as it was applied, values included.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// fields are the fields of a Secret that hold its values.
var fields = []string{"data", "stringData", "binaryData"}

// minLength is how long a value must be to be replaced wherever it occurs. A shorter one is replaced where it is
// quoted or is the whole text: it may be part of a name by chance.
const minLength = 6

// Short reports whether a text is so short that it may be the value of a Secret by chance.
func Short(s string) bool { return len(s) < minLength }

// Redactor takes the values of Secrets out of texts. The zero value knows no values. It is not safe for concurrent use.
type Redactor struct {
	values []string // longest first, once index is made
	index  *index   // of values; nil: some were added since
}

// New returns a redactor that knows the values of the Secrets among some documents.
func New(docs ...*manifest.Document) *Redactor {
	r := &Redactor{}
	r.Add(docs...)
	return r
}

// Add makes the values of the Secrets among some documents known.
func (r *Redactor) Add(docs ...*manifest.Document) {
	for _, d := range docs {
		if isSecret(d) {
			r.addDocument(d)
		}
	}
	r.index = nil
}

// encryptionKind is the kind of the API server's configuration file that holds keys, in fields of the name
// encryptionKey.
const encryptionKind, encryptionKey = "EncryptionConfiguration", "secret"

func isSecret(d *manifest.Document) bool {
	return d.Object.Kind == "Secret" || d.Object.Kind == encryptionKind
}

// addDocument collects what a document keeps secret.
func (r *Redactor) addDocument(d *manifest.Document) {
	if d.Object.Kind == encryptionKind {
		r.addKeys(d.Value())
		return
	}
	r.addObject(d.Value())
}

// addKeys collects the values of all fields that hold keys.
func (r *Redactor) addKeys(v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if name == encryptionKey {
				r.addValue(value)
			} else {
				r.addKeys(value)
			}
		}
	case []any:
		for _, item := range v {
			r.addKeys(item)
		}
	}
}

// addObject collects the values of a Secret as it was decoded.
func (r *Redactor) addObject(o map[string]any) {
	for _, field := range fields {
		values, isMap := o[field].(map[string]any)
		if !isMap && o[field] != nil {
			r.add(fmt.Sprint(o[field]))
		}
		for _, v := range values {
			r.addValue(v)
		}
	}
	metadata, _ := o["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	text, _ := annotations[lastApplied].(string)
	var applied map[string]any
	if json.Unmarshal([]byte(text), &applied) == nil {
		r.addObject(applied)
	}
}

// addValue collects a value as it is written, and as it is decoded.
func (r *Redactor) addValue(v any) {
	switch v := v.(type) {
	case nil:
	case map[string]any:
		for _, inner := range v {
			r.addValue(inner)
		}
	case []any:
		for _, inner := range v {
			r.addValue(inner)
		}
	default:
		text := fmt.Sprint(v)
		r.add(text)
		r.add(base64.StdEncoding.EncodeToString([]byte(text))) // as a fix would write it
		if decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), "")); err == nil {
			r.add(string(decoded))
		}
	}
}

// add makes a text known in the forms in which messages write it, and so its lines.
func (r *Redactor) add(text string) {
	text = strings.TrimRight(text, "\r\n")
	if strings.TrimSpace(text) == "" {
		return
	}
	quoted := strconv.Quote(text)
	inJSON, _ := json.Marshal(text) // a string can be encoded
	r.values = append(
		r.values, text, strings.Join(strings.Fields(text), " "), quoted[1:len(quoted)-1],
		string(inJSON[1:len(inJSON)-1]),
	)
	if lines := strings.Split(text, "\n"); len(lines) > 1 {
		for _, line := range lines {
			if line = strings.TrimSpace(line); len(line) >= minLength {
				r.values = append(r.values, line)
			}
		}
	}
}

// Text returns s without the values.
func (r *Redactor) Text(s string) string {
	if r == nil || s == "" || len(r.values) == 0 {
		return s
	}
	if r.index == nil {
		r.values, r.index = indexed(r.values)
	}
	for _, i := range r.index.in(s) {
		s = without(s, r.values[i])
	}
	return s
}

// without returns s without one value.
func without(s, v string) string {
	switch {
	case s == v:
		return Mask
	case !strings.Contains(s, v):
	case len(v) >= minLength:
		s = strings.ReplaceAll(s, v, Mask)
	default:
		for _, quote := range []string{`"`, "`", `\"`} {
			s = strings.ReplaceAll(s, quote+v+quote, quote+Mask+quote)
		}
	}
	return s
}

// Known reports whether the redactor knows a value.
func (r *Redactor) Known() bool { return r != nil && len(r.values) > 0 }

// Holds reports whether a text has one of the values.
func (r *Redactor) Holds(s string) bool { return r.Text(s) != s }

// Diagnostics returns findings without the values. Of a fix that writes one only the message is left, and nobody can
// make it. The names of the fields that a finding is about are kept: secretRef does not become ***Ref for the sake of a
// value.
func (r *Redactor) Diagnostics(all []diag.Diagnostic) []diag.Diagnostic {
	if r == nil || len(r.values) == 0 {
		return all
	}
	if r.index == nil {
		r.values, r.index = indexed(r.values)
	}
	first := 0
	for first < len(all) && !r.occursIn(&all[first]) {
		first++
	}
	if first == len(all) {
		return all
	}
	all = slices.Clone(all)
	for i := first; i < len(all); i++ {
		d := &all[i]
		if !r.occursIn(d) {
			continue
		}
		d.Consequences = r.Diagnostics(d.Consequences)
		text := func(s string) string { return r.beside(s, namesIn(d.Path)) }
		derived := text(d.Message) != d.Message // what is suggested in the place of a value may hold parts of it
		if derived {
			d.Message, d.Server, d.Help = cmp.Or(d.Server, d.Message), "", ""
		}
		d.Message, d.Server, d.Help = text(d.Message), text(d.Server), text(d.Help)
		d.Related = slices.Clone(d.Related)
		for j := range d.Related {
			d.Related[j].Message = text(d.Related[j].Message)
		}
		d.Fixes = slices.DeleteFunc(slices.Clone(d.Fixes), func(f diag.Fix) bool {
			return text(f.Message) != f.Message ||
				derived && slices.ContainsFunc(f.Edits, func(e source.Edit) bool { return e.NewText != "" })
		})
		for j := range d.Fixes {
			if f := &d.Fixes[j]; slices.ContainsFunc(f.Edits,
				func(e source.Edit) bool { return r.shows(d, e.NewText) }) {
				f.Edits = nil
			}
		}
	}
	return all
}

// occursIn reports whether any value may occur in the texts of a finding.
func (r *Redactor) occursIn(d *diag.Diagnostic) bool {
	in := func(text string) bool { return len(r.index.in(text)) > 0 }
	return len(d.Consequences) > 0 || in(d.Message) || in(d.Server) || in(d.Help) ||
		slices.ContainsFunc(d.Related, func(rel diag.Related) bool { return in(rel.Message) }) ||
		slices.ContainsFunc(d.Fixes, func(f diag.Fix) bool {
			return in(f.Message) || slices.ContainsFunc(f.Edits, func(e source.Edit) bool { return in(e.NewText) })
		})
}

// shows reports whether what a fix writes shows a value. In another object than a Secret a short one is there by
// chance.
func (r *Redactor) shows(d *diag.Diagnostic, text string) bool {
	if d.Object.Kind != "Secret" && Short(strings.Trim(text, "\"'")) {
		return false
	}
	return r.beside(text, namesIn(d.Path)) != text
}

// namesIn returns the names of the fields on a path.
func namesIn(path string) []string {
	return strings.FieldsFunc(path, func(c rune) bool { return c == '.' || c == '[' || c == ']' })
}

// beside returns a text without the values, but for those that are a part of one of some names.
func (r *Redactor) beside(s string, names []string) string {
	masked := r.Text(s)
	if masked == s {
		return s
	}
	names = slices.DeleteFunc(
		names, func(name string) bool { return !strings.Contains(s, name) || !r.Holds(name) || r.Text(name) == Mask },
	)
	if len(names) == 0 {
		return masked
	}
	for _, i := range r.index.in(s) {
		s = withoutBeside(s, r.values[i], names)
	}
	return s
}

// withoutBeside returns s without one value, but where that is a part of a word that is one of some names.
func withoutBeside(s, v string, names []string) string {
	if len(v) < minLength || !slices.ContainsFunc(names, func(name string) bool { return strings.Contains(name, v) }) {
		return without(s, v)
	}
	var out strings.Builder
	for {
		i := strings.Index(s, v)
		if i < 0 {
			out.WriteString(s)
			return out.String()
		}
		from, to := i, i+len(v)
		for from > 0 && isWord(s[from-1]) {
			from--
		}
		for to < len(s) && isWord(s[to]) {
			to++
		}
		if word := s[from:to]; slices.Contains(names, word) {
			out.WriteString(s[:to])
		} else {
			out.WriteString(s[:i] + Mask)
			to = i + len(v)
		}
		s = s[to:]
	}
}

func isWord(c byte) bool {
	return c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}
