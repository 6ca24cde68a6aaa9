package tui

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	"github.com/seatrial/seatrial/schema"
)

// fact is a line of the documentation about a kind or a field; it is left out where of returns "".
type fact[T any] struct {
	label string
	of    func(T) string
}

var kindFacts = []fact[*schema.Kind]{
	{"API version", func(k *schema.Kind) string { return k.GroupVersion().String() }},
	{"Resource", func(k *schema.Kind) string { return k.Resource }},
	{"Short names", func(k *schema.Kind) string { return strings.Join(k.ShortNames, ", ") }},
	{"Scope", func(k *schema.Kind) string {
		if k.Namespaced {
			return "namespaced"
		}
		return "cluster"
	}},
	{"Verbs", func(k *schema.Kind) string { return strings.Join(k.Verbs, ", ") }},
	{"Since", func(k *schema.Kind) string { return since(k.Since) }},
	{"Deprecated", func(k *schema.Kind) string { return release(k.Deprecated) }},
	{"Removed", func(k *schema.Kind) string { return release(k.Removed) }},
	{"Use instead", func(k *schema.Kind) string { return k.Replacement }},
}

var fieldFacts = []fact[*schema.Field]{
	{"Type", func(f *schema.Field) string { return f.Type }},
	{"Required", func(f *schema.Field) string {
		if f.Required {
			return "yes"
		}
		return "no"
	}},
	{"Default", func(f *schema.Field) string { return literal(f.Default) }},
	{"Format", func(f *schema.Field) string { return f.Format }},
	{"Enum", func(f *schema.Field) string { return literals(f.Enum) }},
	{"Since", func(f *schema.Field) string { return since(f.Span().Since) }},
	{"Removed", func(f *schema.Field) string { return release(f.Span().Removed) }},
	{"Nullable", func(f *schema.Field) string {
		if f.Schema().Nullable {
			return "yes"
		}
		return ""
	}},
	{"Minimum", func(f *schema.Field) string { return number(f.Schema().Minimum) }},
	{"Maximum", func(f *schema.Field) string { return number(f.Schema().Maximum) }},
	{"Length", func(f *schema.Field) string { return between(f.Schema().MinLength, f.Schema().MaxLength) }},
	{"Items", func(f *schema.Field) string { return between(f.Schema().MinItems, f.Schema().MaxItems) }},
	{"Pattern", func(f *schema.Field) string { return f.Schema().Pattern }},
	{"List type", func(f *schema.Field) string {
		return keyed(f.Schema().ListType, strings.Join(f.Schema().ListMapKeys, ", "))
	}},
	{"Map type", func(f *schema.Field) string { return f.Schema().MapType }},
	{"Patch", func(f *schema.Field) string { return keyed(f.Schema().Patch, f.Schema().PatchKey) }},
	{"Rules", func(f *schema.Field) string { return rules(f.Schema().Validations) }},
}

// details returns the documentation of a row, as lines no wider than width.
func details(r row, width int, s styles) []string {
	width = max(width, 1)
	switch {
	case r.field != nil:
		lines := append([]string{s.title.Render(clean(r.field.Name))}, facts(fieldFacts, r.field, width, s)...)
		lines = append(lines, prose(description(r.field), width)...)
		if r.recursive {
			lines = append(
				lines,
				prose("The type of this field is also that of a field above it: the tree has no end here.", width)...,
			)
		}
		return append(lines, contents(r.field.Fields(), width, s)...)
	case r.kind != nil:
		lines := append([]string{s.title.Render(clean(r.Kind))}, facts(kindFacts, r.kind, width, s)...)
		lines = append(lines, prose(r.kind.Type().Description, width)...)
		return append(lines, contents(r.kind.Fields(), width, s)...)
	}
	return append(
		[]string{s.title.Render(clean(groupName(r.Group)))}, prose("An API group: enter shows its kinds.", width)...,
	)
}

// facts writes what is known, the labels in one column, with long values going on below their beginning.
func facts[T any](table []fact[T], of T, width int, s styles) (lines []string) {
	const column = 13
	for _, f := range table {
		value := clean(f.of(of))
		if value == "" {
			continue
		}
		label := fmt.Sprintf("%-*s", column, f.label)
		if width < 2*column {
			lines = append(lines, s.label.Render(f.label))
			lines = append(lines, wrap(value, width)...)
			continue
		}
		for _, part := range wrap(value, width-column) {
			lines = append(lines, s.label.Render(label)+part)
			label = strings.Repeat(" ", column)
		}
	}
	return lines
}

// description returns the text of a field and, where it says more, that of its type.
func description(f *schema.Field) string {
	of := f.Element().Description
	if of == "" || strings.Contains(f.Doc, of) {
		return f.Doc
	}
	return strings.TrimSpace(f.Doc + "\n\n" + of)
}

func prose(text string, width int) []string {
	if text = strings.TrimSpace(clean(text)); text == "" {
		return nil
	}
	return append([]string{""}, wrap(text, width)...)
}

// contents lists the fields directly below.
func contents(fields []*schema.Field, width int, s styles) []string {
	if len(fields) == 0 {
		return nil
	}
	lines := []string{"", s.label.Render("Fields")}
	for _, f := range fields {
		text := s.name.Render(clean(f.Name)) + " " + s.typ.Render(clean(f.Type))
		if f.Required {
			text += " " + s.required.Render("required")
		}
		lines = append(lines, ansi.Truncate("  "+text, width, "…"))
	}
	return lines
}

func wrap(text string, width int) []string { return strings.Split(ansi.Wrap(text, width, "/"), "\n") }

// clean takes out what would command the terminal: definitions of custom resources are anybody's text.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)):
			return -1
		}
		return r
	}, text)
}

func since(version string) string {
	if version != "" && version == schema.Versions()[0] {
		return "Kubernetes " + version + " or earlier"
	}
	return release(version)
}

func release(version string) string {
	if version == "" {
		return ""
	}
	return "Kubernetes " + version
}

// literal writes a value as YAML would; empty objects that stand as defaults of structures say nothing.
func literal(v any) string {
	if s, ok := v.(string); ok && s != "" {
		return s
	}
	b, err := json.Marshal(v)
	if err != nil || v == nil || string(b) == "{}" {
		return ""
	}
	return string(b)
}

func literals(values []any) string {
	out := make([]string, 0, len(values))
	for _, v := range values {
		out = append(out, literal(v))
	}
	return strings.Join(out, ", ")
}

func number(n *float64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatFloat(*n, 'f', -1, 64)
}

func between(low, high *int64) string {
	switch {
	case low != nil && high != nil:
		return fmt.Sprintf("%d to %d", *low, *high)
	case low != nil:
		return fmt.Sprintf("at least %d", *low)
	case high != nil:
		return fmt.Sprintf("at most %d", *high)
	}
	return ""
}

func keyed(what, key string) string {
	if what == "" || key == "" {
		return what
	}
	return what + ", by " + key
}

func rules(validations []schema.Validation) string {
	var out []string
	for _, v := range validations {
		out = append(out, strings.TrimSpace(v.Rule+"\n"+v.Message))
	}
	return strings.Join(out, "\n")
}
