package explain

import (
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
	fmt.Fprintf(w, "| group | version | kind | Kubernetes |\n|---|---|---|---|\n| %s | %s | %s | %s |\n\n", orCore(d.Resource.Group), d.Resource.Version, d.Resource.Kind, d.KubernetesVersion)
	if d.Field.Description != "" {
		fmt.Fprintf(w, "%s\n\n", escape(d.Field.Description))
	}
	for _, fact := range d.Field.Facts() {
		fmt.Fprintf(w, "- %s\n", escape(fact))
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
			text += "<br>" + escape(fact)
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

// escape keeps a text within one cell of a table.
func escape(text string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;", ">", "&gt;").Replace(text)
}

// Facts tells in words what kubectl's page does not: constraints, lists, history.
func (n *Node) Facts() (out []string) {
	say := func(condition bool, format string, args ...any) {
		if condition {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	say(n.Required, "required")
	say(len(n.Enum) > 0, "one of: %s", list(n.Enum))
	say(n.tellsDefault(), "default: %v", n.Default)
	say(n.Format != "", "format: %s", n.Format)
	say(n.Pattern != "", "pattern: %s", n.Pattern)
	for _, bound := range []struct {
		what  string
		value *float64
	}{{"minimum", n.Minimum}, {"maximum", n.Maximum}} {
		if bound.value != nil {
			say(true, "%s: %v", bound.what, *bound.value)
		}
	}
	for _, bound := range []struct {
		what  string
		value *int64
	}{{"shortest", n.MinLength}, {"longest", n.MaxLength}, {"fewest items", n.MinItems}, {"most items", n.MaxItems}} {
		if bound.value != nil {
			say(true, "%s: %d", bound.what, *bound.value)
		}
	}
	say(n.Nullable, "may be null")
	say(n.ListType == "map", "items are told apart by: %s", strings.Join(n.ListMapKeys, ", "))
	say(n.ListType == "set", "items are unique")
	say(n.ListType == "atomic" || n.MapType == "atomic", "replaced as a whole by server-side apply")
	for _, v := range n.Validations {
		say(true, "rule: %s (%s)", v.Rule, v.Message)
	}
	for _, c := range n.Constraints {
		say(true, "%s", c)
	}
	say(n.Since != "" && n.Since != schema.Versions()[0], "since Kubernetes %s", n.Since)
	say(n.Deprecated, "deprecated")
	say(n.Removed != "", "removed in Kubernetes %s", n.Removed)
	say(len(n.Rules) > 0, "lint rules: %s", strings.Join(n.Rules, ", "))
	return out
}

// tellsDefault tells whether the default says something: the documents give required fields the zero value
// of their type, and structures an empty object.
func (n *Node) tellsDefault() bool {
	return n.Default != nil && fmt.Sprint(n.Default) != "map[]" && !(n.Required && meaningful(n.Default) == nil)
}

func list(values []any) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = fmt.Sprint(v)
	}
	return strings.Join(words, ", ")
}
