package cli

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/fatih/color"

	"github.com/seatrial/seatrial/explain"
	"github.com/seatrial/seatrial/schema"
)

// hits writes places, with the words that led to them marked.
func (o *explainOptions) hits(w io.Writer, hits []explain.Hit, words string) error {
	if o.structured() {
		return o.encode(w, explain.NewHitList(o.store, words, hits))
	}
	if len(hits) == 0 {
		return &exitError{exitFindings, fmt.Errorf("nothing in Kubernetes %s matches %q", o.store.Version, words)}
	}
	mark := o.marker(words)
	bold := o.attribute(color.Bold)
	for _, h := range hits {
		place := h.Kind
		if h.Path != "" {
			place += "." + h.Path
		}
		if o.output == "markdown" {
			if _, err := fmt.Fprintf(
				w, "- `%s` `%s` (%s): %s\n", place, h.Type, h.APIVersion,
				snippet(h.Description, strings.Fields(words), 100),
			); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(w, "%s <%s> (%s)\n", bold(mark(place)), h.Type, h.APIVersion)
		if line := snippet(h.Description, strings.Fields(words), 100); line != "" {
			if _, err := fmt.Fprintf(w, "    %s\n", mark(line)); err != nil {
				return err
			}
		}
	}
	return nil
}

// snippet returns the part of a description around the first of the words.
func snippet(text string, words []string, width int) string {
	text = strings.Join(strings.Fields(text), " ")
	at := -1
	for _, w := range words {
		if i := strings.Index(strings.ToLower(text), strings.ToLower(w)); i >= 0 && (at < 0 || i < at) {
			at = i
		}
	}
	runes := []rune(text)
	if len(runes) <= width {
		return text
	}
	start := 0
	if at > 0 {
		start = max(0, min(len([]rune(text[:at]))-width/3, len(runes)-width))
	}
	out := string(runes[start:min(len(runes), start+width)])
	if start > 0 {
		out = "…" + out
	}
	if start+width < len(runes) {
		out += "…"
	}
	return out
}

// marker returns a function that marks words in a text.
func (o *explainOptions) marker(words string) func(string) string {
	var patterns []string
	for _, w := range strings.Fields(words) {
		patterns = append(patterns, regexp.QuoteMeta(w))
	}
	if !o.paint || len(patterns) == 0 {
		return func(s string) string { return s }
	}
	word := regexp.MustCompile("(?i)" + strings.Join(patterns, "|"))
	found := o.attribute(color.FgYellow, color.Bold)
	return func(s string) string { return word.ReplaceAllStringFunc(s, found) }
}

func (o *explainOptions) attribute(attributes ...color.Attribute) func(string) string {
	if !o.paint {
		return func(s string) string { return s }
	}
	c := color.New(attributes...)
	c.EnableColor()
	return func(s string) string { return c.Sprint(s) }
}

var (
	heading  = regexp.MustCompile(`(?m)^[A-Z][A-Z ]+:`)
	fieldRow = regexp.MustCompile(`(?m)^( *)([\w$-]+)(\t<[^>\n]*>)( -required-)?`)
	oldField = regexp.MustCompile(`(?i)\bdeprecated\b`)
)

// painted colours what kubectl prints: headings, fields, what is required, what is deprecated, what is new
// in the version.
func (o *explainOptions) painted(subject *explain.Subject, text string) string {
	if !o.paint {
		return text
	}
	bold, cyan, red, yellow, green := o.attribute(color.Bold), o.attribute(color.FgCyan), o.attribute(
		color.FgRed,
	), o.attribute(color.FgYellow), o.attribute(color.FgGreen)
	text = heading.ReplaceAllStringFunc(text, bold)
	text = oldField.ReplaceAllStringFunc(text, yellow)
	news := newFields{subject: subject, version: o.store.Version}
	return fieldRow.ReplaceAllStringFunc(text, func(row string) string {
		m := fieldRow.FindStringSubmatch(row)
		name, mark := bold(m[2]), ""
		if f := news.field(len(m[1]), m[2]); f != nil {
			switch {
			case explain.IsDeprecated(f.Doc):
				name = yellow(m[2])
			case news.is(f):
				name, mark = green(m[2]), green(" new")
			}
		}
		if m[4] != "" {
			m[4] = red(m[4])
		}
		return m[1] + name + cyan(m[3]) + m[4] + mark
	})
}

// newFields finds the fields of the rows that kubectl prints, which tell their place by how far they are indented.
type newFields struct {
	subject *explain.Subject
	version string
	above   []struct {
		indent int
		name   string
	}
}

func (n *newFields) field(indent int, name string) *schema.Field {
	for len(n.above) > 0 && n.above[len(n.above)-1].indent >= indent {
		n.above = n.above[:len(n.above)-1]
	}
	n.above = append(n.above, struct {
		indent int
		name   string
	}{indent, name})
	path := slices.Clone(n.subject.Path)
	for _, a := range n.above {
		path = append(path, a.name)
	}
	f, err := n.subject.Kind.Field(strings.Join(path, "."))
	if err != nil {
		return nil
	}
	return f
}

// is reports whether a field came with the version.
func (n *newFields) is(f *schema.Field) bool {
	return f.Span().Since == n.version && n.version != schema.Versions()[0]
}
