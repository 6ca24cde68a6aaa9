package lint

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

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
	if kind == nil || !ok {
		return
	}
	typ := typeAt(kind, c.Path)
	v := valueAt(holder, key)
	if typ == "Quantity" {
		enrichQuantity(d, f, c, v)
		return
	}
	if typ != "" && takes(typ) != stands(v) {
		f.Server = f.Message
		f.Message = fmt.Sprintf("%s takes %s, and %s stands here", lastName(c.Path), takes(typ), stands(v))
	}
	meant, words, ok := t.meant(d, c.Path, v)
	if !ok {
		return
	}
	f.Help = words
	if len(f.Fixes) == 0 {
		if fix, ok := shapeFix(d, d.Find(c.Path), v, meant, words); ok {
			f.Fixes = append(f.Fixes, fix)
		}
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
	_, key, _ := locate(d.Value(), path)
	if _, element := key.(int); element { // the value is an element of the field
		return scalarMeant(strings.TrimPrefix(f.Type, "[]"), v)
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
	case string, int64, float64, bool:
		if item == "string" {
			return []any{fmt.Sprint(v)}, "write it as a list: [" + scalarText(fmt.Sprint(v)) + "]", true
		}
		if text, isText := v.(string); isText && fields["name"] {
			return []any{map[string]any{"name": text}}, "write it as a list: [{name: " + scalarText(text) + "}]", true
		}
	}
	return nil, "", false
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
	for _, child := range f.Fields() {
		fields[child.Name] = child.Type
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
	case int64:
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
		return "nothing"
	case map[string]any:
		return "a mapping"
	case []any:
		return "a list"
	case string:
		return "a text"
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
		return "a list of texts"
	case list:
		return "a list"
	case strings.HasPrefix(typ, "map["):
		return "a mapping of names to " + plural(strings.TrimPrefix(typ, "map[string]"))
	case typ == "string":
		return "a text"
	case typ == "integer":
		return "a whole number"
	case typ == "number":
		return "a number"
	case typ == "boolean":
		return "true or false"
	case typ == "Quantity":
		return "a quantity"
	case typ == "IntOrString":
		return "a number or a text"
	case typ == "Time", typ == "MicroTime":
		return "a time"
	}
	return "a mapping"
}

func plural(typ string) string {
	switch typ {
	case "string":
		return "texts"
	case "integer", "number":
		return "numbers"
	}
	return "values"
}

// shapeFix writes what was meant: an element gets its dash, anything else that stands on one line is written anew.
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
			text := string(d.File.Data[p.Value.Start.Offset:p.Value.End.Offset])
			fix.Edits[0].NewText = "[" + text + "]"
		}
	default:
		return diag.Fix{}, false
	}
	return fix, true
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
