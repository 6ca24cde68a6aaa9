package catalogue

import (
	"encoding/json"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	k8sschema "k8s.io/apimachinery/pkg/runtime/schema"
)

// FromJSONSchema returns the CustomResourceDefinition, as JSON, of a kind that a JSON schema describes, such as those
// that editors use. It has no plural name and no scope of its own: the name is guessed, and objects may be in a
// namespace.
func FromJSONSchema(group, version, kind string, data []byte) ([]byte, error) {
	var schema map[string]any
	if err := json.Unmarshal(data, &schema); err != nil {
		return nil, fmt.Errorf("the JSON schema cannot be read: %w", err)
	}
	inlined, err := inline(schema)
	if err != nil {
		return nil, err
	}
	schema = inlined
	if _, ok := schema["properties"].(map[string]any); !ok {
		return nil, fmt.Errorf("the JSON schema has no properties")
	}
	structural(schema, 0)
	schema["type"] = "object"
	delete(schema, "x-kubernetes-preserve-unknown-fields")
	properties, _ := schema["properties"].(map[string]any)
	properties["apiVersion"], properties["kind"] = map[string]any{"type": "string"}, map[string]any{"type": "string"}
	properties["metadata"] = map[string]any{"type": "object"}
	plural, singular := meta.UnsafeGuessKindToResource(k8sschema.GroupVersionKind{Kind: kind})
	return json.Marshal(map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1",
		"kind":       "CustomResourceDefinition",
		"metadata":   map[string]any{"name": plural.Resource + "." + group},
		"spec": map[string]any{
			"group": group, "scope": "Namespaced",
			"names": map[string]any{
				"kind": kind, "singular": singular.Resource, "plural": plural.Resource, "listKind": kind + "List",
			},
			"versions": []any{map[string]any{
				"name": version, "served": true, "storage": true, "schema": map[string]any{"openAPIV3Schema": schema},
			}},
		},
	})
}

// schemaWords are the keywords of a JSON schema that a definition may have.
var schemaWords = []string{
	"additionalProperties", "allOf", "anyOf", "default", "description", "enum", "exclusiveMaximum", "exclusiveMinimum",
	"format", "items", "maxItems", "maxLength", "maxProperties", "maximum", "minItems", "minLength", "minProperties",
	"minimum", "multipleOf", "not", "nullable", "oneOf", "pattern", "properties", "required", "title", "type",
	"uniqueItems",
	"x-kubernetes-embedded-resource", "x-kubernetes-int-or-string", "x-kubernetes-list-map-keys",
	"x-kubernetes-list-type", "x-kubernetes-map-type", "x-kubernetes-preserve-unknown-fields",
	"x-kubernetes-validations",
}

// maxSchemaDepth bounds how deep a schema is read.
const maxSchemaDepth = 60

// structural changes a JSON schema into one that a definition may have: fields that it does not describe are allowed
// where the schema allows them, and every value has a type or may be any.
func structural(s map[string]any, depth int) {
	if _, refers := s["$ref"]; refers || depth > maxSchemaDepth {
		clear(s)
	}
	for word := range s {
		if !slices.Contains(schemaWords, word) {
			delete(s, word)
		}
	}
	if isIntOrString(s) {
		description := s["description"]
		clear(s)
		if s["x-kubernetes-int-or-string"] = true; description != nil {
			s["description"] = description
		}
		return
	}
	typeOf(s)
	properties, _ := s["properties"].(map[string]any)
	for name, p := range properties {
		if p, ok := p.(map[string]any); ok {
			structural(p, depth+1)
		} else {
			properties[name] = anyValue()
		}
	}
	items, hasItems := s["items"].(map[string]any)
	if hasItems {
		structural(items, depth+1)
	} else if s["type"] == "array" {
		s["items"] = anyValue()
	}
	closed := false
	switch more := s["additionalProperties"].(type) {
	case bool:
		closed = !more
		delete(s, "additionalProperties")
	case map[string]any:
		if closed = true; properties != nil {
			delete(s, "additionalProperties") // a definition has one or the other
			closed = false
		} else {
			structural(more, depth+1)
		}
	}
	if s["type"] == "object" && !closed && s["x-kubernetes-int-or-string"] == nil {
		s["x-kubernetes-preserve-unknown-fields"] = true
	}
	for _, word := range []string{"allOf", "anyOf", "oneOf"} { // a definition describes no fields in them
		if all, ok := s[word].([]any); ok && slices.ContainsFunc(all, describesMore) {
			delete(s, word)
		}
	}
	if describesMore(s["not"]) {
		delete(s, "not")
	}
}

func anyValue() map[string]any {
	return map[string]any{"x-kubernetes-preserve-unknown-fields": true}
}

// isIntOrString reports whether a schema is what generators make of an IntOrString.
func isIntOrString(s map[string]any) bool {
	if s["format"] == "int-or-string" || s["x-kubernetes-int-or-string"] == true {
		return true
	}
	if types, ok := s["type"].([]any); ok && isStringOrNumber(types) {
		return true
	}
	for _, word := range []string{"oneOf", "anyOf"} {
		all, _ := s[word].([]any)
		var types []any
		for _, a := range all {
			if a, ok := a.(map[string]any); ok {
				types = append(types, a["type"])
			}
		}
		if isStringOrNumber(types) {
			return true
		}
	}
	return false
}

// isStringOrNumber reports whether types are string and one for numbers.
func isStringOrNumber(types []any) bool {
	return len(types) == 2 && slices.Contains(types, any("string")) &&
		(slices.Contains(types, any("integer")) || slices.Contains(types, any("number")))
}

// typeOf sets the one type of a schema that a definition has; what may be of several types may be anything.
func typeOf(s map[string]any) {
	if types, ok := s["type"].([]any); ok {
		types = slices.DeleteFunc(slices.Clone(types), func(t any) bool {
			if t == "null" {
				s["nullable"] = true
			}
			return t == "null"
		})
		delete(s, "type")
		if len(types) == 1 {
			s["type"] = types[0]
		}
	}
	switch {
	case s["type"] != nil:
	case s["properties"] != nil || s["additionalProperties"] != nil:
		s["type"] = "object"
	default:
		delete(s, "items")
		s["x-kubernetes-preserve-unknown-fields"] = true
	}
}

// describesMore reports whether a part of allOf and the like has what a definition may not have there.
func describesMore(part any) bool {
	s, ok := part.(map[string]any)
	if !ok {
		return part != nil
	}
	for word, value := range s {
		switch word {
		case "properties":
			fields, _ := value.(map[string]any)
			for _, f := range fields {
				if describesMore(f) {
					return true
				}
			}
		case "type", "description", "default", "additionalProperties", "items", "nullable", "$ref", "title",
			"x-kubernetes-preserve-unknown-fields":
			return true
		}
	}
	return false
}
