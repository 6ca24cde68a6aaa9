package explain

import (
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/seatrial/seatrial/schema"
)

// Constraint is something that is asked of a field's value beyond its type.
type Constraint struct {
	// immutable, maxItems, oneOf, ...; "documented" for a sentence of the documentation
	Rule  string `json:"rule"`
	Value string `json:"value,omitempty"` // 32, k8s-short-name; of oneOf the fields, parted by commas
	On    string `json:"on,omitempty"`    // the part of the field that it is about; "" for the field itself
	When  string `json:"when,omitempty"`  // the condition on which it holds
	Text  string `json:"text"`            // in words
	// validation: declarative validation tags; schema: the OpenAPI document; documentation
	Source string `json:"source"`
}

// String returns a constraint as one line: with feature gate X: each value: at most 32 items.
func (c Constraint) String() string {
	text := c.Text
	for _, before := range []string{c.On, c.When} {
		if before != "" {
			text = before + ": " + text
		}
	}
	if c.Source == "documentation" {
		return "documented: " + text
	}
	return text
}

// constraints lists what the linked validation declares of a field, what unions of its holder ask, and
// what its own documentation states. Nothing is concluded: sentences are quoted.
func constraints(f *schema.Field) (out []Constraint) {
	for _, d := range f.Declared() {
		if d.Rule == "required" && d.On == "" && d.When == "" && f.Required {
			continue // the schema says so already
		}
		out = append(out, Constraint{d.Rule, d.Value, d.On, d.When, d.Text, "validation"})
	}
	for _, u := range f.Unions() {
		out = append(out, unionConstraint(u, f.Name))
	}
	for _, s := range stated(f.Doc) {
		out = append(out, Constraint{Rule: "documented", Text: s, Source: "documentation"})
	}
	return out
}

// unionConstraint returns what a union of OpenAPI means for one of its fields.
func unionConstraint(u schema.Union, field string) Constraint {
	members := strings.Join(slices.Sorted(maps.Keys(u.Fields)), ", ")
	c := Constraint{Rule: "union", Value: members, Source: "schema"}
	switch {
	case u.Discriminator == field:
		c.Text = "decides which of these may be set: " + members
	case u.Discriminator != "":
		c.Text = fmt.Sprintf("may be set when %s is %s", u.Discriminator, u.Fields[field])
	default:
		c.Text = "one of " + members
	}
	return c
}

// restriction finds sentences that say what values are allowed, or that they stay.
var restriction = regexp.MustCompile(`(?i)\b(is|becomes|and) immutable\b|\b(cannot|may not|must not) be (updated|changed|modified)\b|` +
	`\bcannot be set (when|on)\b|\b(may|can) only be set\b|\bmay not be set\b|\bmust not be set\b|` +
	`\d+ < x < \d+|\b(in the range|ranged in) \[?\d|\bbetween \d+ and \d+|\b(at most|exactly|only) one of\b|\bmutually exclusive\b|` +
	`\bmust be (positive|non-?negative|greater than|less than|at least|no more than|no longer than|a value between|at most)|\b(must be|a) non-negative integer\b|` +
	`\bmaximum (length|number) of [\w ]+ is \d|\bmaximum length is \d|\bminimum value is \d|\bno more than \d+ (characters|bytes)\b`)

// meaning finds sentences that only look like restrictions: examples, what a field does, what was.
var meaning = regexp.MustCompile(`(?i)^example\b|^immutable, if set|^note: \*|\bwas immutable\b|^if true,`)

// statements caches what was found in documentation: a type is used in many places.
var statements sync.Map // documentation: sentences

// stated returns the sentences of a documentation that restrict values.
func stated(doc string) (out []string) {
	if !mayRestrict(doc) {
		return nil
	}
	if known, ok := statements.Load(doc); ok {
		return known.([]string)
	}
	for _, s := range sentences(doc) {
		if mayRestrict(s) && restricts(s) {
			out = append(out, s)
		}
	}
	statements.Store(doc, out)
	return out
}

// clues are parts of what restriction matches: looking for them is far cheaper.
var clues = []string{
	"mmutable", "be updated", "be changed", "be modified", "be set", "< x <", "n the range", "anged in", "etween ",
	"ne of", "utually", "ust be", "non-negative", "aximum ", "inimum value", "o more than",
}

func mayRestrict(doc string) bool {
	return slices.ContainsFunc(clues, func(c string) bool { return strings.Contains(doc, c) })
}

func restricts(sentence string) bool {
	return restriction.MatchString(sentence) && !meaning.MatchString(sentence)
}

// sentences takes a documentation apart.
func sentences(doc string) (out []string) {
	for line := range strings.Lines(doc) {
		rest := strings.Join(strings.Fields(line), " ")
		for rest != "" {
			first := sentence(rest)
			out = append(out, first)
			rest = strings.TrimSpace(rest[len(first):])
		}
	}
	return out
}

// WriteConstraints writes what kubectl explain does not print about a field and the fields directly below.
func WriteConstraints(w io.Writer, d *Document) error {
	var b strings.Builder
	section := func(name string, facts []Fact) {
		if len(facts) == 0 {
			return
		}
		fmt.Fprintf(&b, "  %s\n", name)
		for _, fact := range facts {
			fmt.Fprintf(&b, "    %s\n", strings.Join(wrap(fact.String(), 76), "\n    "))
		}
		b.WriteString("\n")
	}
	top := d.Field.Name
	if top == "" {
		top = d.Resource.Kind
	}
	section(top, d.Field.Facts())
	for _, f := range d.Field.Fields {
		section(f.Path[strings.LastIndexByte(f.Path, '.')+1:], f.Facts())
	}
	if b.Len() == 0 {
		b.WriteString("  none known\n\n")
	}
	_, err := io.WriteString(w, "CONSTRAINTS:\n"+b.String())
	return err
}
