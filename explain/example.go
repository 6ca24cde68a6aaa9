package explain

import (
	_ "embed" // minimal.yaml
	"fmt"
	"maps"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/schema"
)

//go:embed minimal.yaml
var minimalYAML []byte

// minimal holds what the examples of kinds need beyond their schemas.
var minimal = sync.OnceValues(func() (map[string]map[string]any, error) {
	var m map[string]map[string]any
	err := yaml.Unmarshal(minimalYAML, &m)
	return m, err
})

//go:embed samples.yaml
var samplesYAML []byte

// sampleSet is what examples hold for fields whose schemas do not say it.
type sampleSet struct {
	Objects map[string]map[string]any // by type
	Values  map[string]any            // by type and field: Probe.port; the type * is any
	With    map[string]map[string]any // other fields of the same object that a field needs
	Outer   map[string]map[string]any // fields of the object around that a field needs
	OneOf   map[string][]string       // fields of which an object of a type has one
}

var samples = sync.OnceValue(func() *sampleSet {
	set := &sampleSet{}
	if err := yaml.Unmarshal(samplesYAML, set); err != nil {
		panic(err) // what is embedded cannot be read: a defect of the build
	}
	return set
})

// typeOf returns the short name of a definition: Probe of io.k8s.api.core.v1.Probe.
func typeOf(definition string) string { return definition[strings.LastIndexByte(definition, '.')+1:] }

// value returns the value of a field; nil if its schema says it.
func (set *sampleSet) value(f *schema.Field) any {
	if v, ok := set.Values[typeOf(f.Holder())+"."+f.Name]; ok {
		return clone(v)
	}
	if v, ok := set.Values["*."+f.Name]; ok && suits(f, v) {
		return clone(v)
	}
	return nil
}

// suits reports whether a value has the type of a field.
func suits(f *schema.Field, v any) bool {
	switch v.(type) {
	case string:
		return f.Type == "string"
	case []any:
		return strings.HasPrefix(f.Type, "[]")
	case map[string]any:
		return strings.HasPrefix(f.Type, "map[") || len(f.Fields()) > 0
	case bool:
		return f.Type == "boolean"
	}
	return f.Type == "integer"
}

// object returns what an object of a field's type holds; nil if its schema says it, or does not have it.
func (set *sampleSet) object(f *schema.Field) map[string]any {
	known, ok := set.Objects[typeOf(f.TypeName())]
	if !ok {
		return nil
	}
	has := f.Fields()
	for name := range known {
		if !slices.ContainsFunc(has, func(child *schema.Field) bool { return child.Name == name }) {
			return nil // another type of this name
		}
	}
	return clone(known).(map[string]any)
}

// complete adds to an object what one of its fields needs, and takes away what it excludes.
func (set *sampleSet) complete(m, around map[string]any, f *schema.Field) {
	holder := typeOf(f.Holder())
	if one := set.OneOf[holder]; slices.Contains(one, f.Name) {
		for _, other := range one {
			if other != f.Name {
				delete(m, other)
			}
		}
	}
	if strings.HasSuffix(f.Type, "VolumeSource") && (holder == "Volume" || holder == "PersistentVolumeSpec") {
		for name, v := range m {
			if _, isMap := v.(map[string]any); isMap && name != f.Name && name != "capacity" {
				delete(m, name)
			}
		}
	}
	for name, v := range set.With[holder+"."+f.Name] {
		m[name] = clone(v)
	}
	for name, v := range set.Outer[holder+"."+f.Name] {
		around[name] = clone(v)
	}
}

// Example writes a minimal valid manifest of the kind: what the schema requires and what the server's
// validation asks for, with the subject's field, and the first sentence of each field's documentation.
func (s *Subject) Example() (string, error) {
	all, err := minimal()
	if err != nil {
		return "", fmt.Errorf("reading the examples: %w", err)
	}
	w := exampleWriter{kind: s.Kind}
	value := all[s.Kind.Kind+"."+s.Kind.Group]
	if value == nil {
		value = all[s.Kind.Kind]
	}
	if value == nil || !s.fits(value) {
		value, _ = required(s.Kind.Fields(), nil).(map[string]any)
	}
	value = clone(s.named(value)).(map[string]any) // the examples of kinds are shared
	if err := s.include(value); err != nil {
		return "", err
	}
	w.line(0, "apiVersion: "+s.Kind.GroupVersion().String())
	w.line(0, "kind: "+s.Kind.Kind)
	w.mapping(0, "", value)
	return w.String(), nil
}

// include adds the subject's field to an example that does not have it.
func (s *Subject) include(value map[string]any) error {
	fields, at, around := s.Kind.Fields(), value, map[string]any{}
	for i, name := range s.Path {
		j := slices.IndexFunc(fields, func(f *schema.Field) bool { return f.Name == name })
		if j < 0 {
			return nil
		}
		f := fields[j]
		if at[name] == nil {
			at[name] = sampleOf(f, nil, i == len(s.Path)-1)
		}
		samples().complete(at, around, f)
		around = at
		switch v := at[name].(type) {
		case map[string]any:
			if strings.HasPrefix(f.Type, "map[") {
				v, _ = v[slices.Sorted(maps.Keys(v))[0]].(map[string]any)
			}
			at = v
		case []any:
			at, _ = v[0].(map[string]any)
		default:
			at = nil
		}
		if at == nil {
			return nil
		}
		fields = f.Fields()
	}
	return nil
}

// sampleOf is a value of a field. One that would be empty gets the first of its fields, if that is wanted.
func sampleOf(f *schema.Field, above []string, filled bool) any {
	v := sample(f, above)
	fill := func(m map[string]any) {
		fields := f.Fields()
		if i := slices.IndexFunc(fields, func(f *schema.Field) bool { return f.Name == "matchLabels" }); i > 0 {
			fields = fields[i:]
		}
		for _, child := range fields {
			name := child.Element().Name
			if len(m) > 0 || slices.Contains(above, name) && name != "" {
				return
			}
			m[child.Name] = sampleOf(child, append(above[:len(above):len(above)], name), true)
		}
	}
	if !filled {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		if !strings.HasPrefix(f.Type, "map[") {
			fill(v)
		}
	case []any:
		if m, isMap := v[0].(map[string]any); isMap {
			fill(m)
		}
	}
	return v
}

// clone copies a value with all that it holds.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, it := range v {
			out[key] = clone(it)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, it := range v {
			out[i] = clone(it)
		}
		return out
	}
	return v
}

// fits reports whether a value suits the kind's schema: types changed over the versions.
func (s *Subject) fits(value map[string]any) bool {
	whole := s.named(value)
	whole["apiVersion"], whole["kind"] = s.Kind.GroupVersion().String(), s.Kind.Kind
	problems, err := s.Kind.Validate(whole)
	return err == nil && len(problems) == 0
}

// named adds a name to a value that has none. Reviews are questions, which have no name.
func (s *Subject) named(value map[string]any) map[string]any {
	value = maps.Clone(value)
	if metadata, _ := value["metadata"].(map[string]any); len(metadata) == 0 &&
		!strings.HasSuffix(s.Kind.Kind, "Review") {
		value["metadata"] = map[string]any{"name": "example"}
	}
	return value
}

// required builds a value for what a schema requires.
func required(fields []*schema.Field, above []string) any {
	value := map[string]any{}
	for _, f := range fields {
		if !f.Required {
			continue
		}
		name := f.Element().Name
		if name != "" && slices.Contains(above, name) {
			continue
		}
		value[f.Name] = sample(f, append(above[:len(above):len(above)], name))
	}
	return value
}

func sample(f *schema.Field, above []string) any {
	t := f.Schema()
	if v := samples().value(f); v != nil {
		return v
	}
	if object := samples().object(f); object != nil {
		switch {
		case strings.HasPrefix(f.Type, "[]"):
			return []any{object}
		case strings.HasPrefix(f.Type, "map["):
			return map[string]any{"example": object}
		}
		return object
	}
	switch {
	case len(f.Enum) > 0:
		return f.Enum[0]
	case len(t.Enum) > 0:
		return t.Enum[0]
	case meaningful(t.Default) != nil:
		return t.Default
	case strings.HasPrefix(f.Type, "[]"):
		if len(f.Fields()) > 0 {
			return []any{required(f.Fields(), above)}
		}
		if item := strings.TrimPrefix(f.Type, "[]"); item == "integer" {
			return []any{1}
		}
		return []any{"example"}
	case f.Type == "map[string]Quantity":
		return map[string]any{"cpu": "1"}
	case f.Type == "map[string]string" && t.Additional != nil && t.Additional.Format == "byte":
		return map[string]any{"example": "ZXhhbXBsZQ=="}
	case strings.HasPrefix(f.Type, "map["):
		return map[string]any{"example": "example"}
	case typeOf(f.TypeName()) == "Time" || f.Type == "Time":
		return "2026-01-02T15:04:05Z"
	case typeOf(f.TypeName()) == "MicroTime" || f.Type == "MicroTime":
		return "2026-01-02T15:04:05.000000Z"
	case f.Format == "byte":
		return "ZXhhbXBsZQ=="
	case f.Type == "integer" || f.Type == "number":
		return max(1, minimumOf(t))
	case f.Type == "boolean":
		return true
	case f.Type == "IntOrString":
		return 80
	case f.Type == "Quantity":
		return "1Gi"
	case len(f.Fields()) > 0:
		return required(f.Fields(), above)
	case f.Type == "string" && t.Pattern != "":
		return matching(t.Pattern)
	case f.Type == "string":
		return "example"
	}
	return map[string]any{}
}

// matching returns a short text that a pattern matches.
func matching(pattern string) string {
	if re, err := regexp.Compile(pattern); err == nil && re.MatchString("example") {
		return "example"
	}
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return "example"
	}
	return shortest(re.Simplify())
}

// shortest writes a text for a pattern: of alternatives the first, of repetitions the fewest, of characters a letter or
// digit.
func shortest(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		for _, c := range "a0A-" {
			for i := 0; i < len(re.Rune); i += 2 {
				if re.Rune[i] <= c && c <= re.Rune[i+1] {
					return string(c)
				}
			}
		}
		return string(re.Rune[0])
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "a"
	case syntax.OpCapture, syntax.OpPlus:
		return shortest(re.Sub[0])
	case syntax.OpRepeat:
		return strings.Repeat(shortest(re.Sub[0]), re.Min)
	case syntax.OpAlternate:
		return shortest(re.Sub[0])
	case syntax.OpConcat:
		var text strings.Builder
		for _, sub := range re.Sub {
			text.WriteString(shortest(sub))
		}
		return text.String()
	}
	return ""
}

func minimumOf(t *schema.Type) int {
	if t.Minimum == nil {
		return 0
	}
	return int(*t.Minimum)
}

// exampleWriter writes YAML with a comment above each field.
type exampleWriter struct {
	strings.Builder
	kind *schema.Kind
}

func (w *exampleWriter) line(indent int, text string) {
	w.WriteString(strings.Repeat("  ", indent) + text + "\n")
}

// identity keys come first, in the order in which people write them.
var order = []string{"metadata", "name", "namespace", "labels", "image", "type", "spec"}

func keysOf(m map[string]any) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		ra, rb := slices.Index(order, a), slices.Index(order, b)
		switch {
		case ra >= 0 && rb >= 0:
			return ra - rb
		case ra >= 0:
			return -1
		case rb >= 0:
			return 1
		}
		return strings.Compare(a, b)
	})
}

// mapping writes a mapping; at is its field path.
func (w *exampleWriter) mapping(indent int, at string, m map[string]any) {
	for _, key := range keysOf(m) {
		path := key
		if at != "" {
			path = at + "." + key
		}
		w.comment(indent, path)
		w.entry(indent, key+":", path, m[key])
	}
}

// comment writes what a field means; metadata needs no words.
func (w *exampleWriter) comment(indent int, path string) {
	f, err := w.kind.Field(path)
	if err != nil || f.Doc == "" || strings.HasPrefix(path, "metadata") || strings.HasSuffix(path, "metadata") ||
		strings.HasSuffix(path, "metadata.labels") {
		return
	}
	for _, line := range wrap(sentence(f.Doc), 100-2*indent) {
		w.line(indent, "# "+line)
	}
}

// entry writes a value behind its key, or below it.
func (w *exampleWriter) entry(indent int, key, path string, value any) {
	switch v := value.(type) {
	case map[string]any:
		if len(v) == 0 {
			w.line(indent, key+" {}")
			return
		}
		w.line(indent, key)
		w.mapping(indent+1, path, v)
	case []any:
		w.line(indent, key)
		for _, item := range v {
			w.item(indent, path, item)
		}
	default:
		first, rest, _ := strings.Cut(scalar(v), "\n")
		w.line(indent, key+" "+first)
		for line := range strings.Lines(rest) {
			w.line(indent+1, strings.TrimSpace(line))
		}
	}
}

func (w *exampleWriter) item(indent int, path string, item any) {
	m, ok := item.(map[string]any)
	if !ok {
		w.line(indent, "- "+scalar(item))
		return
	}
	inner := exampleWriter{kind: w.kind}
	inner.mapping(0, path, m)
	w.dashed(indent, inner.String())
}

// dashed writes a text as an item of a list.
func (w *exampleWriter) dashed(indent int, text string) {
	prefix := "- "
	for line := range strings.Lines(text) {
		w.line(indent, prefix+strings.TrimSuffix(line, "\n"))
		prefix = "  "
	}
}

func scalar(v any) string {
	text, err := yaml.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSuffix(string(text), "\n")
}

// wrap breaks a text into lines of a width.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}

// Full writes every field of the kind with its type and the first sentence of its documentation, as YAML.
func (s *Subject) Full() string {
	w := exampleWriter{kind: s.Kind}
	w.line(0, "apiVersion: "+s.Kind.GroupVersion().String())
	w.line(0, "kind: "+s.Kind.Kind)
	w.full(0, s.Kind.Fields(), []string{s.Kind.Type().Name})
	return w.String()
}

func (w *exampleWriter) full(indent int, fields []*schema.Field, above []string) {
	for _, f := range fields {
		if indent == 0 && (f.Name == "apiVersion" || f.Name == "kind" || f.Name == "status") {
			continue
		}
		mark := ""
		if f.Required {
			mark = ", required"
		}
		for _, line := range wrap(fmt.Sprintf("<%s%s> %s", f.Type, mark, sentence(f.Doc)), max(40, 100-2*indent)) {
			w.line(indent, "# "+line)
		}
		name := f.Element().Name
		below := f.Fields()
		recursive := name != "" && slices.Contains(above, name)
		switch {
		case len(below) == 0 || recursive:
			w.line(indent, f.Name+": "+placeholder(f))
		case strings.HasPrefix(f.Type, "[]"):
			w.line(indent, f.Name+":")
			inner := exampleWriter{kind: w.kind}
			inner.full(0, below, append(above[:len(above):len(above)], name))
			w.dashed(indent, inner.String())
		case strings.HasPrefix(f.Type, "map["):
			w.line(indent, f.Name+":")
			w.line(indent+1, "key:")
			w.full(indent+2, below, append(above[:len(above):len(above)], name))
		default:
			w.line(indent, f.Name+":")
			w.full(indent+1, below, append(above[:len(above):len(above)], name))
		}
	}
}

// placeholder returns a value of a field's type.
func placeholder(f *schema.Field) string {
	t := f.Schema()
	switch {
	case t.Default != nil && fmt.Sprint(t.Default) != "map[]":
		return scalar(t.Default)
	case len(f.Enum) > 0:
		return scalar(f.Enum[0])
	case strings.HasPrefix(f.Type, "[]"):
		return "[]"
	case strings.HasPrefix(f.Type, "map["):
		return "{}"
	case f.Type == "integer" || f.Type == "number":
		return "0"
	case f.Type == "boolean":
		return "false"
	case f.Type == "string":
		return `""`
	}
	return "{}"
}
