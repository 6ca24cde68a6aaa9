package schema

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// ProblemKind is what a value does wrong. The zero value is invalid.
type ProblemKind int

// The kinds of problems.
const (
	UnknownField ProblemKind = iota + 1
	WrongType
	Missing
	NotInEnum
	Other
)

// Problem is one place where a value breaks the schema of its kind.
type Problem struct {
	Kind    ProblemKind
	Path    string // in the API server's notation
	Message string
}

// validator is the schema of one kind, loaded by kin-openapi.
type validator struct {
	schema *openapi3.Schema
	err    error
}

// Validate holds a decoded JSON value against the schema of the kind and gives all problems.
// Nulls count as absent, as they do on the server.
// A crash of the schema library on the value is an error.
func (k *Kind) Validate(value map[string]any) (found []Problem, err error) {
	defer func() {
		if crash := recover(); crash != nil {
			found, err = nil, fmt.Errorf("validation by the schema of %s crashed: %v", k.GVK.Kind, crash)
		}
	}()
	v := k.store.validator(k.typeName)
	if v.err != nil {
		return nil, v.err
	}
	err = v.schema.VisitJSON(withoutNulls(value), openapi3.MultiErrors())
	return problems(err), nil
}

func (s *Store) validator(name string) *validator {
	s.mu.Lock()
	v := s.validators[name]
	s.mu.Unlock()
	if v != nil {
		return v
	}
	v = &validator{}
	v.schema, v.err = s.load(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.validators[name] = v
	return v
}

// load returns a definition and all that it refers to as a kin-openapi document.
func (s *Store) load(name string) (*openapi3.Schema, error) {
	schemas := map[string]json.RawMessage{}
	todo := []string{name}
	for len(todo) > 0 {
		next := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if schemas[next] != nil {
			continue
		}
		raw, err := s.bundle.Definition(next, s.index)
		if err != nil || raw == nil {
			return nil, errors.Join(fmt.Errorf("no definition %s in Kubernetes %s", next, s.Version), err)
		}
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			return nil, err
		}
		v = union(next, v)
		todo = append(todo, references(v)...)
		if schemas[next], err = json.Marshal(strict(v)); err != nil {
			return nil, err
		}
	}
	doc, err := json.Marshal(map[string]any{
		"openapi":    "3.0.0",
		"info":       map[string]any{"title": "Kubernetes", "version": s.Release},
		"paths":      map[string]any{},
		"components": map[string]any{"schemas": schemas},
	})
	if err != nil {
		return nil, err
	}
	t, err := openapi3.NewLoader().LoadFromData(doc)
	if err != nil {
		return nil, fmt.Errorf("schemas of Kubernetes %s: %w", s.Version, err)
	}
	if err := t.Components.Validate(
		context.Background(), openapi3.DisableSchemaDefaultsValidation(), openapi3.DisableExamplesValidation(),
		openapi3.DisableSchemaPatternValidation(),
	); err != nil {
		return nil, fmt.Errorf("schemas of Kubernetes %s: %w", s.Version, err)
	}
	return t.Components.Schemas[name].Value, nil
}

// union returns the types that are written in more than one way their schema: the documents of some versions
// call them strings.
func union(name string, v any) any {
	number := ""
	switch {
	case strings.HasSuffix(name, ".IntOrString"):
		number = "integer"
	case strings.HasSuffix(name, ".Quantity"):
		number = "number"
	default:
		return v
	}
	return map[string]any{"oneOf": []any{map[string]any{"type": number}, map[string]any{"type": "string"}}}
}

func references(v any) (names []string) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			names = append(names, references(e)...)
		}
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			names = append(names, ref[strings.LastIndexByte(ref, '/')+1:])
		}
		for _, e := range v {
			names = append(names, references(e)...)
		}
	}
	return names
}

// strict closes objects that list their fields, and takes out what only describes.
func strict(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = strict(v[i])
		}
	case map[string]any:
		if properties, ok := v["properties"].(map[string]any); ok {
			for name := range properties {
				properties[name] = strict(properties[name])
			}
			if v["additionalProperties"] == nil && v["x-kubernetes-preserve-unknown-fields"] == nil {
				v["additionalProperties"] = false
			}
			if v["type"] == nil {
				v["type"] = "object"
			}
		}
		for _, key := range []string{"items", "allOf", "oneOf", "anyOf", "additionalProperties"} {
			if v[key] != nil {
				v[key] = strict(v[key])
			}
		}
		delete(v, "description")
		delete(v, "default")
		if f, ok := v["format"].(string); ok && f != "int32" && f != "int64" {
			delete(v, "format") // the server checks these by itself, where it does
		}
		for key := range v {
			if strings.HasPrefix(key, "x-") {
				delete(v, key)
			}
		}
	}
	return v
}

// withoutNulls copies a value without the entries that are null, with numbers as kin-openapi wants them.
func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, e := range v {
			if e != nil {
				out[key] = withoutNulls(e)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = withoutNulls(e)
		}
		return out
	case int64:
		return float64(v)
	}
	return v
}

// problems turns kin-openapi's errors into problems, in the order of their paths.
func problems(err error) (out []Problem) {
	var multi openapi3.MultiError
	var one *openapi3.SchemaError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &multi) && !isSchemaError(err):
		for _, e := range multi {
			out = append(out, problems(e)...)
		}
	case errors.As(err, &one):
		out = append(out, problem(one)...)
	default:
		out = append(out, Problem{Kind: Other, Message: err.Error()})
	}
	slices.SortStableFunc(out, func(a, b Problem) int { return strings.Compare(a.Path, b.Path) })
	return slices.Compact(out)
}

func isSchemaError(err error) bool {
	_, ok := err.(*openapi3.SchemaError)
	return ok
}

func problem(e *openapi3.SchemaError) []Problem {
	pointer := e.JSONPointer()
	path := pathOf(pointer)
	if inner := errors.Unwrap(e); inner != nil && (e.SchemaField == "allOf" || e.SchemaField == "anyOf") {
		var list openapi3.MultiError
		if errors.As(inner, &list) {
			return problems(list)
		}
	}
	switch e.SchemaField {
	case "properties", "additionalProperties":
		if _, rest, ok := strings.Cut(e.Reason, `property "`); ok {
			path = pathOf(append(slices.Clone(pointer), rest[:strings.LastIndexByte(rest, '"')]))
		}
		return []Problem{{UnknownField, path, fmt.Sprintf("unknown field %q", path)}}
	case "required":
		return []Problem{{Missing, path, "Required value"}}
	case "nullable":
		return nil // the server reads a null as if nothing had been given
	case "enum":
		if e.Value == "" {
			return nil // as good as not given: there may be a default
		}
		var allowed []string
		for _, v := range e.Schema.Enum {
			allowed = append(allowed, fmt.Sprintf("%q", v))
		}
		return []Problem{
			{
				NotInEnum,
				path,
				fmt.Sprintf(
					"Unsupported value: %s: supported values: %s",
					quoted(e.Value),
					strings.Join(allowed, ", "),
				),
			},
		}
	case "type", "oneOf", "format":
		want := "another type"
		if e.Schema.Type != nil && len(e.Schema.Type.Slice()) > 0 {
			want = strings.Join(e.Schema.Type.Slice(), " or ")
		} else if e.SchemaField == "oneOf" {
			var types []string
			for _, o := range e.Schema.OneOf {
				types = append(types, o.Value.Type.Slice()...)
			}
			want = strings.Join(types, " or ")
		}
		return []Problem{{WrongType, path, fmt.Sprintf("%s is %s, want %s", quoted(e.Value), jsonType(e.Value), want)}}
	}
	return []Problem{{Other, path, e.Reason}}
}

func quoted(v any) string {
	b, err := json.Marshal(v)
	if err != nil || len(b) > 80 {
		return "the value"
	}
	return string(b)
}

func jsonType(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case float64:
		return "a number"
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	}
	return "an object"
}

// pathOf writes a JSON pointer in the API server's notation.
func pathOf(pointer []string) string {
	var b strings.Builder
	for _, p := range pointer {
		if _, err := strconv.Atoi(p); err == nil {
			fmt.Fprintf(&b, "[%s]", p)
			continue
		}
		if strings.ContainsAny(p, "./") {
			fmt.Fprintf(&b, "[%s]", p)
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(p)
	}
	return b.String()
}
