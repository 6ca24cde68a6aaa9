package catalogue

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-openapi/jsonpointer"
)

// maxInlined bounds the objects and lists of a JSON schema whose references are replaced by what they name: a schema
// of a few lines can name itself twice on each of many levels.
const maxInlined = 500_000

// inline replaces the references of a JSON schema to its own parts, such as #/definitions/Port, by copies of the
// parts. A reference that leads back to itself, or elsewhere, stays as it is.
func inline(schema map[string]any) (map[string]any, error) {
	r := &references{root: schema, left: maxInlined}
	out, _ := r.inline(schema, nil).(map[string]any)
	if r.left < 0 {
		return nil, fmt.Errorf("the JSON schema is too large: more than %d parts after its references are resolved",
			maxInlined)
	}
	return out, nil
}

// references replaces the references of a schema.
type references struct {
	root map[string]any
	left int // of maxInlined
}

// inline returns a copy of a value. open are the references that lead to it.
func (r *references) inline(value any, open []string) any {
	if r.left--; r.left < 0 {
		return nil
	}
	switch value := value.(type) {
	case map[string]any:
		if name, ok := value["$ref"].(string); ok {
			return r.follow(value, name, open)
		}
		out := make(map[string]any, len(value))
		for key, v := range value {
			out[key] = r.inline(v, open)
		}
		return out
	case []any:
		out := make([]any, len(value))
		for i, v := range value {
			out[i] = r.inline(v, open)
		}
		return out
	}
	return value
}

// follow returns what a reference names, with the words that stand beside the reference, such as a description.
func (r *references) follow(value map[string]any, name string, open []string) any {
	target, ok := r.find(name).(map[string]any)
	if !ok || slices.Contains(open, name) {
		return value
	}
	out, ok := r.inline(target, append(slices.Clip(open), name)).(map[string]any)
	if !ok {
		return nil
	}
	beside := maps.Clone(value)
	delete(beside, "$ref")
	maps.Copy(out, beside)
	return out
}

// find returns the part of the schema that a JSON pointer in a fragment names, or nil.
func (r *references) find(name string) (part any) {
	path, local := strings.CutPrefix(name, "#/")
	if !local {
		return nil
	}
	part = r.root
	for key := range strings.SplitSeq(path, "/") {
		object, _ := part.(map[string]any)
		part = object[jsonpointer.Unescape(key)]
	}
	return part
}
