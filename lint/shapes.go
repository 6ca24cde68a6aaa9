package lint

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/google/shlex"
	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation/verdict"
)

// enrichShape says of a value of the wrong type what stands there, what the field takes, and what to write. The server's
// own words are kept beside it.
func (t *target) enrichShape(d *manifest.Document, f *diag.Diagnostic, c verdict.Cause) {
	kind := t.store().Lookup(gvkOf(d))
	holder, key, ok := locate(d.Value(), c.Path)
	if !ok {
		return
	}
	v := valueAt(holder, key)
	if kind == nil {
		if typ := typeInMessage(f.Message); typ != "" && takes(typ) != stands(v) {
			f.Server = f.Message
			f.Message = fmt.Sprintf("%s takes %s, not %s", lastName(c.Path), takes(typ), stands(v))
		}
		return
	}
	typ := typeAt(kind, c.SchemaPath())
	if typ == "Quantity" {
		enrichQuantity(d, f, c, v)
		return
	}
	if text, isText := v.(string); isText && enrichTime(d, f, c, text) {
		return
	}
	if typ != "" && takes(typ) != stands(v) {
		f.Server = f.Message
		f.Message = fmt.Sprintf("%s takes %s, not %s", lastName(c.Path), takes(typ), stands(v))
	}
	if t.enrichSelector(d, f, c) {
		return
	}
	meant, words, ok := t.meant(d, c.SchemaPath(), v)
	if !ok {
		f.Help = cmp.Or(f.Help, words)
		return
	}
	f.Help = words
	if len(f.Fixes) == 0 {
		if fix, ok := shapeFix(d, d.Find(c.Path), v, asText(d.Find(c.Path), v, meant), words); ok {
			f.Fixes = append(f.Fixes, fix)
		}
	}
}

// typeInMessage returns the type that a decoder's message names, in the schema's words; empty if it names none.
func typeInMessage(message string) string {
	m := typeMismatch.FindStringSubmatch(message)
	if m == nil {
		return ""
	}
	switch typ := strings.TrimPrefix(m[2], "*"); {
	case strings.HasPrefix(typ, "int"), strings.HasPrefix(typ, "uint"):
		return "integer"
	case strings.HasPrefix(typ, "float"):
		return "number"
	case typ == "bool":
		return "boolean"
	default:
		return typ
	}
}

// typeAt returns the type of the value at a path, as the schema has it; empty if the schema does not say.
func typeAt(kind *schema.Kind, path string) string {
	f, err := kind.Field(path)
	if err == nil {
		if strings.HasSuffix(path, "]") { // an element
			return strings.TrimPrefix(f.Type, "[]")
		}
		return f.Type
	}
	if i := strings.LastIndexAny(path, ".["); i > 0 {
		if f, err = kind.Field(path[:i]); err == nil && strings.HasPrefix(f.Type, "map[string]") {
			return strings.TrimPrefix(f.Type, "map[string]")
		}
	}
	return ""
}

// lastName returns the last name of a path: containers of spec.containers[0].
func lastName(path string) string {
	if strings.HasSuffix(path, "]") {
		i := strings.LastIndexByte(path, '[')
		if _, err := strconv.Atoi(path[i+1 : len(path)-1]); err != nil {
			return path[i+1 : len(path)-1]
		}
		return "an element of " + lastName(path[:i])
	}
	return path[strings.LastIndexByte(path, '.')+1:]
}

// meant returns the value of the right type that was most likely meant by one of a wrong type, and says what to write.
func (t *target) meant(d *manifest.Document, path string, v any) (meant any, words string, ok bool) {
	kind := t.store().Lookup(gvkOf(d))
	if kind == nil {
		return nil, "", false
	}
	f, err := kind.Field(path)
	if err != nil {
		return meantInMap(kind, path, v)
	}
	if strings.HasSuffix(path, "]") && strings.HasPrefix(f.Type, "[]") { // the value is an element of the field
		return elementMeant(f, v)
	}
	if item, list := strings.CutPrefix(f.Type, "[]"); list {
		return listMeant(f, item, v)
	}
	if f.Type == "Quantity" {
		if q, known := quantityMeant(fmt.Sprint(v)); known {
			return q, "did you mean " + q + "?", true
		}
		return nil, "", false
	}
	if m, words, ok := scalarMeant(f.Type, v); ok {
		return m, words, ok
	}
	return objectMeant(f, v)
}

// meantInMap is for the values of a map, which the schema does not list.
func meantInMap(kind *schema.Kind, path string, v any) (any, string, bool) {
	i := strings.LastIndexAny(path, ".[")
	if i < 0 {
		return nil, "", false
	}
	f, err := kind.Field(path[:i])
	if err != nil || !strings.HasPrefix(f.Type, "map[string]") {
		return nil, "", false
	}
	return scalarMeant(strings.TrimPrefix(f.Type, "map[string]"), v)
}

// scalarMeant is for a text where a number or boolean is wanted, and the other way round.
func scalarMeant(want string, v any) (any, string, bool) {
	switch v := v.(type) {
	case string:
		switch want {
		case "integer":
			if n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64); err == nil {
				return n, "remove the quotes: the field is a number", true
			}
		case "boolean":
			switch strings.ToLower(v) {
			case "true", "yes", "on":
				return true, "write true: the field is a boolean", true
			case "false", "no", "off":
				return false, "write false: the field is a boolean", true
			}
		}
	case int64, float64, bool:
		if want == "string" {
			return fmt.Sprint(v), "quote the value: the field is a string", true
		}
	}
	return nil, "", false
}

// elementMeant is for an element of a list that has another type than the list's elements.
func elementMeant(f *schema.Field, v any) (any, string, bool) {
	if m, words, ok := scalarMeant(strings.TrimPrefix(f.Type, "[]"), v); ok {
		return m, words, ok
	}
	return objectMeant(f, v)
}

// listMeant is for what stands where a list is wanted: one element without its dash, names with values.
func listMeant(f *schema.Field, item string, v any) (any, string, bool) {
	fields := map[string]bool{}
	for _, child := range f.Fields() {
		fields[child.Name] = true
	}
	switch v := v.(type) {
	case map[string]any:
		known := 0
		for key := range v {
			if fields[key] {
				known++
			}
		}
		if known > 0 {
			return []any{v}, "begin the element with a dash", true
		}
		return pairsMeant(fields, v)
	case string:
		if item == "string" {
			list := words(v)
			return list, "write it as a list: " + flowText(list), true
		}
	case float64, bool:
		if item == "string" {
			return []any{fmt.Sprint(v)}, "write it as a list: [" + scalarText(fmt.Sprint(v)) + "]", true
		}
	}
	one, help, ok := elementMeant(f, v)
	if ok {
		return []any{one}, "write it as a list: " + flowText([]any{one}), true
	}
	return nil, help, false
}

// words splits a command line into its words; a text that is none stays as it is.
func words(line string) []any {
	split, err := shlex.Split(line)
	if err != nil || len(split) == 0 {
		return []any{line}
	}
	list := make([]any, len(split))
	for i, word := range split {
		list[i] = word
	}
	return list
}

// pairsMeant is for a mapping of names to values where a list of elements with a name is wanted.
func pairsMeant(fields map[string]bool, v map[string]any) (any, string, bool) {
	if !fields["name"] || len(v) == 0 {
		return nil, "", false
	}
	var list []any
	for _, name := range sortedKeys(v) {
		switch value := v[name].(type) {
		case map[string]any:
			element := maps.Clone(value)
			element["name"] = name
			list = append(list, element)
		case string, int64, float64, bool:
			if !fields["value"] {
				return nil, "", false
			}
			list = append(list, map[string]any{"name": name, "value": fmt.Sprint(value)})
		default:
			return nil, "", false
		}
	}
	if fields["value"] {
		return list, "write each entry as an element of a list: - name: " + sortedKeys(v)[0] + ", and its value", true
	}
	return list, "write each entry as an element of a list: - name: " + sortedKeys(v)[0], true
}

// objectMeant is for a scalar where an object is wanted of which it is the one thing that matters.
func objectMeant(f *schema.Field, v any) (any, string, bool) {
	fields := map[string]string{}
	var required []*schema.Field
	for _, child := range f.Fields() {
		fields[child.Name] = child.Type
		if child.Required {
			required = append(required, child)
		}
	}
	wrap := func(name string, value any) (any, string, bool) {
		return map[string]any{name: value}, fmt.Sprintf("write it as {%s: %s}", name, flowText(value)), true
	}
	switch v := v.(type) {
	case string:
		for _, name := range []string{"type", "name"} {
			if fields[name] == "string" {
				return wrap(name, v)
			}
		}
		if fields["configMapRef"] != "" {
			return nil, fmt.Sprintf("write {configMapRef: {name: %[1]s}} or {secretRef: {name: %[1]s}}", scalarText(v)), false
		}
	case int64:
		for _, child := range required {
			if child.Type == "integer" {
				return wrap(child.Name, v)
			}
		}
		if fields["number"] == "integer" {
			return wrap("number", v)
		}
	case []any:
		if len(v) == 1 {
			if one, ok := v[0].(map[string]any); ok && len(fields) > 0 {
				return one, "remove the dash: the field is no list", true
			}
		}
	}
	return nil, "", false
}

// stands names what stands at a place, for messages.
func stands(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case map[string]any:
		return "a mapping"
	case []any:
		return "a list"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	}
	return "a number"
}

// takes names what a field takes, for messages.
func takes(typ string) string {
	item, list := strings.CutPrefix(typ, "[]")
	switch {
	case list && item == "string":
		return "a list of strings"
	case list:
		return "a list"
	case strings.HasPrefix(typ, "map["):
		return "a mapping of " + plural(strings.TrimPrefix(typ, "map[string]"))
	case typ == "string":
		return "a string"
	case typ == "integer":
		return "an integer"
	case typ == "number":
		return "a number"
	case typ == "boolean":
		return "true or false"
	case typ == "Quantity":
		return "a quantity"
	case typ == "IntOrString":
		return "an integer or a string"
	case typ == "Time", typ == "MicroTime":
		return "a time"
	case typ == "Duration":
		return "a duration"
	}
	return "a mapping"
}

func plural(typ string) string {
	switch typ {
	case "string":
		return "strings"
	case "integer", "number":
		return "numbers"
	}
	return "values"
}

// asText returns what was meant by a number or boolean where a text is wanted: the characters that stand there, such as
// no, 010 or 1e3, and not the value that YAML reads from them.
func asText(p manifest.Place, v, meant any) any {
	if _, wasText := v.(string); wasText || p.Node == nil || p.Node.Kind != manifest.Scalar {
		return meant
	}
	if _, isText := meant.(string); isText {
		return p.Node.Text
	}
	return meant
}

// shapeFix writes what was meant: an element gets its dash, anything else that stands on one line is replaced.
func shapeFix(d *manifest.Document, p manifest.Place, v, meant any, words string) (diag.Fix, bool) {
	if !p.Exact || p.Node == nil || !p.Value.IsValid() || p.Alias.IsValid() {
		return diag.Fix{}, false
	}
	fix := diag.Fix{Message: words}
	list, isList := meant.([]any)
	_, isMap := v.(map[string]any)
	wrapped := isList && isMap && len(list) == 1 && words == "begin the element with a dash"
	switch {
	case wrapped && p.Value.Start.Line > p.Key.End.Line:
		fix.Safe = true
		fix.Edits = dashed(d, p.Value)
	case p.Value.Start.Line == p.Value.End.Line && p.Value.Start != p.Value.End:
		fix.Safe = wrapped
		fix.Edits = []source.Edit{{Range: p.Value, NewText: flowText(meant)}}
		if wrapped {
			fix.Edits[0].NewText = "[" + string(textOf(d, p.Value)) + "]"
		}
	case p.Value.Start.Line > p.Key.End.Line && !strings.Contains(string(textOf(d, p.Value)), "#"):
		fix.Edits = []source.Edit{{Range: p.Value, NewText: blockText(p, meant)}}
	default:
		return diag.Fix{}, false
	}
	return fix, true
}

func textOf(d *manifest.Document, at source.Range) []byte {
	return d.File.Data[at.Start.Offset:at.End.Offset]
}

// dashed makes an element of a list of a block: a dash before its first line, two columns before the others.
func dashed(d *manifest.Document, at source.Range) []source.Edit {
	edits := []source.Edit{{Range: d.File.Range(at.Start.Offset, at.Start.Offset), NewText: "- "}}
	for n := at.Start.Line + 1; n <= at.End.Line; n++ {
		if strings.TrimSpace(d.File.Line(n)) == "" {
			continue
		}
		start := d.File.LineStart(n)
		edits = append(edits, source.Edit{Range: d.File.Range(start, start), NewText: "  "})
	}
	return edits
}

// flowText writes a small value in brackets.
func flowText(v any) string {
	switch v := v.(type) {
	case map[string]any:
		keys := sortedKeys(v)
		if i := slices.Index(keys, "name"); i > 0 {
			keys = append([]string{"name"}, slices.Delete(keys, i, i+1)...)
		}
		var parts []string
		for _, k := range keys {
			parts = append(parts, k+": "+flowText(v[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		var parts []string
		for _, it := range v {
			parts = append(parts, flowText(it))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case string:
		return scalarText(v)
	}
	return fmt.Sprint(v)
}

// enrichSelector says what is wrong with a selector of the wrong shape.
func (t *target) enrichSelector(d *manifest.Document, f *diag.Diagnostic, c verdict.Cause) bool {
	fix, ok := t.selectorMeant(d, d.Value(), c)
	if !ok {
		return false
	}
	name := lastName(fix.path)
	labels, _ := fix.value.(map[string]any)
	if inner, wrapped := labels["matchLabels"]; wrapped {
		f.Help = fmt.Sprintf("the labels of %s stand below matchLabels: write %s: {matchLabels: %s}", name, name, flowText(inner))
	} else {
		f.Help = fmt.Sprintf("%s of a %s has no matchLabels: write %s: %s", name, d.Object.Kind, name, flowText(labels))
	}
	p := d.Find(fix.path)
	if p.Exact && p.Value.IsValid() && !p.Alias.IsValid() && len(f.Fixes) == 0 {
		text := flowText(labels)
		if inBlock(d, p) {
			text = blockText(p, labels)
		}
		f.Fixes = append(f.Fixes, replaceFix(p.Value, text, name+": "+flowText(labels)))
	}
	return true
}

// selectorMeant is for labels that stand where a label selector is wanted, and the other way round.
func (t *target) selectorMeant(d *manifest.Document, object map[string]any, c verdict.Cause) (repair, bool) {
	kind := t.store().Lookup(gvkOf(d))
	dot := strings.LastIndexByte(c.Path, '.')
	if kind == nil || dot < 0 {
		return repair{}, false
	}
	parent := c.Path[:dot]
	f, err := kind.Field(c.SchemaPath()[:max(0, strings.LastIndexByte(c.SchemaPath(), '.'))])
	holder, key, found := locate(object, parent)
	if err != nil || !found {
		return repair{}, false
	}
	have, _ := valueAt(holder, key).(map[string]any)
	switch {
	case f.Type == "map[string]string" && c.Class == verdict.WrongType && strings.HasSuffix(c.Path, ".matchLabels"):
		labels, isMap := have["matchLabels"].(map[string]any)
		return repair{path: parent, value: labels}, isMap && len(have) == 1
	case f.Type == "LabelSelector" && c.Class == verdict.UnknownField && have["matchLabels"] == nil:
		labels, rest, also := map[string]any{}, map[string]any{}, []string{}
		for name, v := range have {
			if _, isText := v.(string); isText {
				labels[name] = v
				also = append(also, parent+"."+name)
			} else {
				rest[name] = v
			}
		}
		rest["matchLabels"] = labels
		also = slices.DeleteFunc(also, func(path string) bool { return path == c.Path })
		return repair{path: parent, value: rest, also: also}, slices.Contains(sortedKeys(labels), c.Path[dot+1:])
	}
	return repair{}, false
}

// blockText writes a value with each entry on a line of its own, as deep as the one in its place.
func blockText(p manifest.Place, v any) string {
	text, err := yaml.Marshal(v)
	if err != nil {
		return flowText(v)
	}
	indent := "\n" + strings.Repeat(" ", p.Value.Start.Column-1)
	return strings.ReplaceAll(strings.TrimSuffix(string(text), "\n"), "\n", indent)
}
