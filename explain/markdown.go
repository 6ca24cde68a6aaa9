package explain

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/seatrial/seatrial/schema"
)

// WriteMarkdown writes a document as Markdown: a heading, what is known, and a table of the fields.
func WriteMarkdown(w io.Writer, d *Document) error {
	title := d.Resource.Kind
	if d.Field.Path != "" {
		title += "." + d.Field.Path
	}
	fmt.Fprintf(w, "# %s\n\n", title)
	fmt.Fprintf(
		w, "| group | version | kind | Kubernetes |\n|---|---|---|---|\n| %s | %s | %s | %s |\n\n",
		orCore(d.Resource.Group), d.Resource.Version, d.Resource.Kind, d.KubernetesVersion,
	)
	if d.Field.Description != "" {
		fmt.Fprintf(w, "%s\n\n", paragraphs(d.Field.Description))
	}
	for _, fact := range d.Field.Facts() {
		fmt.Fprintf(w, "- %s\n", escape(fact.String()))
	}
	if len(d.Field.Fields) == 0 {
		return nil
	}
	fmt.Fprint(w, "| field | type | description |\n|---|---|---|\n")
	return writeRows(w, d.Field.Fields)
}

func writeRows(w io.Writer, nodes []*Node) error {
	for _, n := range nodes {
		text := escape(n.Description)
		for _, fact := range n.Facts() {
			text += "<br>" + escape(fact.String())
		}
		name := "`" + n.Path + "`"
		if n.Required {
			name = "**" + name + "**"
		}
		if _, err := fmt.Fprintf(w, "| %s | %s | %s |\n", name, escape(n.Type), text); err != nil {
			return err
		}
		if err := writeRows(w, n.Fields); err != nil {
			return err
		}
	}
	return nil
}

func orCore(group string) string {
	if group == "" {
		return "core"
	}
	return group
}

// paragraphs keeps the lines and lists of a text.
func paragraphs(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	listed := true // so far: nothing stands before the first line
	for i, line := range lines {
		item, found := strings.CutPrefix(strings.TrimSpace(line), "- ")
		lines[i] = escape(line)
		if found {
			lines[i] = "- " + escape(item)
		}
		if found && !listed {
			lines[i] = "\n" + lines[i] // a list needs room before it
		}
		listed = found || line == ""
	}
	return strings.Join(lines, "\n")
}

// escape keeps a text within one cell of a table.
func escape(text string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;", ">", "&gt;").Replace(text)
}

// Fact is one thing that is known of a field beyond its type and description.
type Fact struct {
	Label string // default
	Value string // RollingUpdate; "" when the label says all
	Code  bool   // the value is something to type, not words
}

func (f Fact) String() string {
	if f.Value == "" {
		return f.Label
	}
	return f.Label + ": " + f.Value
}

// Facts returns what kubectl explain does not print: constraints, lists, history.
func (n *Node) Facts() (out []Fact) {
	add := func(condition bool, f Fact) {
		if condition {
			out = append(out, f)
		}
	}
	add(n.Required, Fact{Label: "required"})
	out = append(out, n.Values()...)
	add(n.Since != "" && n.Since != schema.Versions()[0], Fact{Label: "since Kubernetes " + n.Since})
	add(n.Deprecated, Fact{Label: "deprecated"})
	add(n.Removed != "", Fact{Label: "removed in Kubernetes " + n.Removed})
	add(len(n.Rules) > 0, Fact{Label: "lint rules", Value: strings.Join(n.Rules, ", ")})
	return out
}

// Values returns the values that a field takes.
func (n *Node) Values() (out []Fact) {
	say := func(condition bool, label, format string, args ...any) {
		if condition {
			out = append(out, Fact{label, fmt.Sprintf(format, args...), true})
		}
	}
	say(len(n.Enum) > 0, "one of", "%s", list(n.Enum))
	say(n.hasMeaningfulDefault(), "default", "%s", literal(n.Default))
	say(n.Format != "", "format", "%s", n.Format)
	say(n.Pattern != "", "pattern", "%s", n.Pattern)
	for _, bound := range []struct {
		what  string
		value *float64
	}{{"minimum", n.Minimum}, {"maximum", n.Maximum}} {
		if bound.value != nil {
			say(true, bound.what, "%v", *bound.value)
		}
	}
	for _, bound := range []struct {
		what  string
		value *int64
	}{{"shortest", n.MinLength}, {"longest", n.MaxLength}, {"fewest items", n.MinItems}, {"most items", n.MaxItems}} {
		if bound.value != nil {
			say(true, bound.what, "%d", *bound.value)
		}
	}
	say(n.ListType == "map", "items are told apart by", "%s", strings.Join(n.ListMapKeys, ", "))
	for _, words := range []struct {
		is   bool
		text string
	}{
		{n.Nullable, "may be null"},
		{n.ListType == "set", "items are unique"},
		{n.ListType == "atomic" || n.MapType == "atomic", "replaced as a whole by server-side apply"},
	} {
		if words.is {
			out = append(out, Fact{Label: words.text})
		}
	}
	for _, v := range n.Validations {
		say(true, "rule", "%s", strings.TrimSpace(v.Rule+"  "+v.Message))
	}
	for _, c := range n.Constraints {
		f := Fact{Label: c.String()}
		if before, after, ok := strings.Cut(f.Label, ": "); ok && c.Source == "documentation" {
			f = Fact{Label: before, Value: after}
		}
		out = append(out, f)
	}
	return out
}

// literal writes a default as YAML would: structures in one line.
func literal(v any) string {
	switch v.(type) {
	case map[string]any, []any:
		if b, err := json.Marshal(v); err == nil {
			return string(b)
		}
	}
	return fmt.Sprint(v)
}

// hasMeaningfulDefault reports whether the default is worth showing: in the documents, required fields have the zero
// value of their type, and structures an empty object.
func (n *Node) hasMeaningfulDefault() bool {
	return n.Default != nil && fmt.Sprint(n.Default) != "map[]" && !(n.Required && meaningful(n.Default) == nil)
}

func list(values []any) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = fmt.Sprint(v)
	}
	return strings.Join(words, ", ")
}
