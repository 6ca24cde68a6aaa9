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

// enrichShape says of a value of the wrong type what stands there, what the field takes, and what to write. The
// server's own words are kept beside it.
func (t *target) enrichShape(d *manifest.Document, f *diag.Diagnostic, c verdict.Cause) {
	kind := t.kindOf(d)
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
	typ := cmp.Or(typeAt(kind, t.schemaPath(d, c)), typeInMessage(f.Message))
	if to := t.besideMap(d.Value(), kind, c); to != "" {
		f.Server = f.Message
		f.Message = fmt.Sprintf("%s takes %s, not %s", lastName(c.Path), takes(typ), stands(v))
		moveHelp(d, f, c.Path, to)
		return
	}
	if typ == "Quantity" {
		enrichQuantity(d, f, c, v)
		return
	}
	if text, isText := v.(string); isText && enrichTime(d, f, c, typ, text) {
		return
	}
	if typ != "" && takes(typ) != stands(v) {
		f.Server = f.Message
		f.Message = fmt.Sprintf("%s takes %s, not %s", lastName(c.Path), takes(typ), stands(v))
	}
	if t.enrichSelector(d, f, c) {
		return
	}
	if w, ok := t.rewriteOf(d, d.Value(), c); ok {
		w.enrich(d, f)
		return
	}
	if len(f.Fixes) > 0 {
		return
	}
	m := t.meant(d, t.schemaPath(d, c), v)
	f.Help = cmp.Or(m.words, f.Help)
	if m.known() && !m.draft {
		if fix, ok := shapeFix(d, d.Find(c.Path), v, asText(d.Find(c.Path), v, m.value), m.words); ok {
			f.Fixes = append(f.Fixes, fix)
		}
	}
}

// placed returns causes with the paths of the values that have the wrong type, and with the places where fields are
// missing that stand elsewhere.
func (t *target) placed(d *manifest.Document, causes []verdict.Cause) []verdict.Cause {
	causes = slices.Clone(causes)
	for i, c := range causes {
		if to := wantedAt(d, causes, c); to != "" {
			causes[i].Wanted = to
		} else if path := t.wholeOf(d, c); path != c.Path {
			causes[i].Path, causes[i].Meant = path, ""
		}
	}
	return causes
}

// wantedAt returns the path at which validation misses a field that stands further up, if there is one such path.
func wantedAt(d *manifest.Document, causes []verdict.Cause, c verdict.Cause) (to string) {
	if c.Class != verdict.UnknownField || len(causes) > maxWrong {
		return ""
	}
	holder, name := splitPath(c.Path)
	for _, o := range causes {
		if o.Class != verdict.Invalid || !strings.HasSuffix(o.Path, "."+name) || d.Find(o.Path).Exact ||
			holder != "" && !isBelow(o.Path, holder) {
			continue
		}
		if to != "" && to != o.Path {
			return ""
		}
		to = o.Path
	}
	return to
}

// wholeOf returns the path of the value that has the wrong type: that of a list for one of its elements, if the field
// takes no list at all.
func (t *target) wholeOf(d *manifest.Document, c verdict.Cause) string {
	list, element := strings.CutSuffix(c.Path, "]")
	if kind := t.kindOf(d); element && kind != nil && isWrongType(c) {
		list = list[:strings.LastIndexByte(list, '[')]
		f, err := kind.Field(t.schemaPath(d, verdict.Cause{Path: list}))
		if _, isList := valueOf(d, list).([]any); err == nil && isList && !strings.HasPrefix(f.Type, "[]") &&
			!strings.HasPrefix(f.Type, "map[") {
			return list
		}
	}
	return c.Path
}

// typeInMessage returns the type that a decoder's message names, in the schema's words; empty if it names none.
func typeInMessage(message string) string {
	m := typeMismatch.FindStringSubmatch(message)
	if m == nil {
		return ""
	}
	switch typ := strings.TrimPrefix(m[2], "*"); {
	case typ == "uint8":
		return "string" // bytes, which are written as base64
	case strings.HasPrefix(typ, "int"), strings.HasPrefix(typ, "uint"):
		return "integer"
	case strings.HasPrefix(typ, "float"):
		return "number"
	case typ == "bool":
		return "boolean"
	case typ == "[]uint8":
		return "string"
	case strings.HasPrefix(typ, "[]int"):
		return "[]integer"
	case strings.HasPrefix(typ, "[]bool"):
		return "[]boolean"
	default:
		return typ
	}
}

// typeAt returns the type of the value at a path, as the schema has it; empty if the schema does not say.
func typeAt(kind *schema.Kind, path string) string {
	f, err := kind.Field(path)
	if err == nil {
		if strings.HasSuffix(path, "]") { // an element, or the value of a key
			return strings.TrimPrefix(strings.TrimPrefix(f.Type, "[]"), "map[string]")
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

// meant returns what was most likely meant by a value of a wrong type.
func (t *target) meant(d *manifest.Document, path string, v any) meaning {
	kind := t.kindOf(d)
	if kind == nil {
		return meaning{}
	}
	f, err := kind.Field(path)
	if err != nil {
		return meantInMap(kind, path, v)
	}
	s := slot{d, path, f}
	typ := f.Type
	if strings.HasSuffix(path, "]") { // the value is an element of the field, or that of a key
		typ = strings.TrimPrefix(strings.TrimPrefix(typ, "[]"), "map[string]")
	}
	if item, list := strings.CutPrefix(typ, "[]"); list {
		return listMeant(s, item, v)
	}
	return oneMeant(s, typ, v)
}

// meantInMap is for the values of a map, which the schema does not list.
func meantInMap(kind *schema.Kind, path string, v any) meaning {
	i := strings.LastIndexAny(path, ".[")
	if i < 0 {
		return meaning{}
	}
	f, err := kind.Field(path[:i])
	if err != nil || !strings.HasPrefix(f.Type, "map[string]") {
		return meaning{}
	}
	return oneMeant(slot{path: path, field: f}, strings.TrimPrefix(f.Type, "map[string]"), v)
}

// oneMeant is for what stands where one value of a type is wanted.
func oneMeant(s slot, typ string, v any) meaning {
	switch typ {
	case "integer":
		return integerMeant(s.name(), v)
	case "number":
		return numberMeant(v)
	case "boolean":
		return booleanMeant(v)
	case "string":
		return textMeant(s, v)
	case "Quantity":
		if q, known := quantityMeant(fmt.Sprint(v)); known {
			return meaning{value: q, words: "did you mean " + q + "?"}
		}
		return meaning{}
	case "IntOrString":
		return meaning{words: "write a number, or a text"}
	case "Time", "MicroTime", "Duration":
		return meaning{}
	}
	if item, isMap := strings.CutPrefix(typ, "map[string]"); isMap {
		return mapMeant(s, item, v)
	}
	return objectMeant(s, typ, v)
}

// numberMeant is for what stands where a number is wanted that may have a fraction.
func numberMeant(v any) meaning {
	if text, isText := v.(string); isText {
		if f, err := strconv.ParseFloat(strings.ReplaceAll(text, ",", "."), 64); err == nil {
			return meaning{value: f, words: fmt.Sprintf("did you mean %v?", f)}
		}
	}
	return meaning{words: "write a number"}
}

// listMeant is for what stands where a list is wanted: one element without its dash, names with values.
func listMeant(s slot, item string, v any) meaning {
	fields := map[string]bool{}
	for _, child := range s.field.Fields() {
		fields[child.Name] = true
	}
	switch v := v.(type) {
	case map[string]any:
		if slices.ContainsFunc(sortedKeys(v), func(key string) bool { return fields[key] }) {
			return meaning{value: []any{v}, words: dashWords}
		}
		if m := pairsMeant(fields, v); m.known() {
			return m
		}
		return meaning{words: "write a list: " + listExample(s, item)}
	case string:
		if item == "string" {
			list := words(v)
			if !slices.Contains([]string{"command", "args"}, s.name()) && strings.Contains(v, ",") {
				list = listed(v)
			}
			return meaning{value: list, words: "write it as a list: " + flowText(list)}
		}
	case int64, float64, bool:
		if item == "string" {
			return meaning{
				value: []any{fmt.Sprint(v)}, words: "write it as a list: [" + scalarText(fmt.Sprint(v)) + "]",
			}
		}
	}
	one := oneMeant(s, item, v)
	if one.known() && !one.draft {
		return meaning{value: []any{one.value}, words: "write it as a list: " + flowText([]any{one.value})}
	}
	if said, ok := strings.CutPrefix(one.words, "write it as {"); ok {
		one.words = "write it as a list with the element {" + said
	}
	if one.known() {
		one.value = []any{one.value}
	}
	one.words = cmp.Or(one.words, "write a list: "+listExample(s, item))
	return one
}

// listExample shows a list of elements of a type.
func listExample(s slot, item string) string {
	fields := s.field.Fields()
	switch {
	case item == "string":
		return "[a, b]"
	case item == "integer":
		return "[1, 2]"
	case len(fields) == 0:
		return "[...]"
	}
	name := fields[0].Name
	for _, f := range fields {
		if f.Required {
			name = f.Name
			break
		}
	}
	return fmt.Sprintf("[{%s: ...}]", name)
}

// listed splits a text at its commas.
func listed(text string) (list []any) {
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// dashWords is said of an element that stands where its list is wanted.
const dashWords = "begin the element with a dash"

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
func pairsMeant(fields map[string]bool, v map[string]any) meaning {
	if !fields["name"] || len(v) == 0 {
		return meaning{}
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
				return meaning{}
			}
			list = append(list, map[string]any{"name": name, "value": fmt.Sprint(value)})
		default:
			return meaning{}
		}
	}
	say := "write each entry as an element of a list: - name: " + sortedKeys(v)[0]
	if fields["value"] {
		say += ", and its value"
	}
	return meaning{value: list, words: say}
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
	if rest, found := strings.CutPrefix(words, "did you mean "); found {
		value, _, _ := strings.Cut(rest, "?")
		fix.Message = "write " + value
	}
	list, isList := meant.([]any)
	_, isMap := v.(map[string]any)
	wrapped := isList && isMap && len(list) == 1 && words == dashWords
	switch {
	case wrapped && p.Value.Start.Line > p.Key.End.Line:
		fix.Safe = true
		fix.Edits = dashed(d, p.Value)
	case p.Value.Start.Line == p.Value.End.Line && p.Value.Start != p.Value.End:
		fix.Safe = wrapped
		fix.Edits = []source.Edit{{Range: p.Value, NewText: flowText(meant)}}
		// a list below its key
		if p.Key.IsValid() && p.Value.Start.Line > p.Key.End.Line && p.Value.Start.Column <= p.Key.Start.Column {
			fix.Edits[0].NewText = strings.Repeat(" ", p.Key.Start.Column-p.Value.Start.Column+2) + flowText(meant)
		}
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
		for _, first := range []string{"name", "type", "kind", "apiGroup", "apiVersion"} {
			if i := slices.Index(keys, first); i > 0 {
				keys = append([]string{first}, slices.Delete(keys, i, i+1)...)
			}
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
		f.Help = fmt.Sprintf(
			"the labels of %s stand below matchLabels: write %s: {matchLabels: %s}", name, name, flowText(inner),
		)
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
	kind := t.kindOf(d)
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

// blockText writes a value with each entry on a line of its own, as deep as the one in its place, and deeper than its
// key.
func blockText(p manifest.Place, v any) string {
	text, err := yaml.Marshal(v)
	if err != nil {
		return flowText(v)
	}
	column := p.Value.Start.Column - 1
	indent := column
	if p.Key.IsValid() && p.Key.Start.Line < p.Value.Start.Line && indent < p.Key.Start.Column {
		indent = p.Key.Start.Column + 1
	}
	lines := strings.ReplaceAll(strings.TrimSuffix(string(text), "\n"), "\n", "\n"+strings.Repeat(" ", indent))
	return strings.Repeat(" ", indent-column) + lines
}
