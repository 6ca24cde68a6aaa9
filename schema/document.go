package schema

import (
	"encoding/json"
	"fmt"
	"strings"
)

// OpenAPI returns the OpenAPI v3 document of a kind, as an API server of the version publishes it for the
// kind's group and version, with the kind's path and the definitions that it needs.
func (k *Kind) OpenAPI() ([]byte, error) {
	schemas := map[string]json.RawMessage{}
	if err := k.store.collect(k.typeName, schemas); err != nil {
		return nil, err
	}
	doc := map[string]any{
		"openapi": "3.0.0",
		"info":    map[string]string{"title": "Kubernetes", "version": k.store.Release},
		"paths": map[string]any{k.path(): map[string]any{"get": map[string]any{
			"responses": map[string]any{},
			"x-kubernetes-group-version-kind": map[string]string{
				"group":   k.Group,
				"version": k.Version,
				"kind":    k.Kind,
			},
		}}},
		"components": map[string]any{"schemas": schemas},
	}
	return json.Marshal(doc)
}

// OpenAPIV2 gives the definitions that the kind needs as an OpenAPI v2 document, the form that servers
// and clients used before v3.
func (k *Kind) OpenAPIV2() ([]byte, error) {
	schemas := map[string]json.RawMessage{}
	if err := k.store.collect(k.typeName, schemas); err != nil {
		return nil, err
	}
	definitions := map[string]any{}
	for name, raw := range schemas {
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			return nil, err
		}
		definitions[name] = toV2(v)
	}
	return json.Marshal(
		map[string]any{"swagger": "2.0", "info": map[string]string{"title": "Kubernetes", "version": k.store.Release},
			"paths": map[string]any{}, "definitions": definitions},
	)
}

// toV2 writes a definition the way OpenAPI v2 does: references stand beside a description, and a
// value of two types is a string with a format.
func toV2(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = toV2(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = toV2(v[key])
		}
		if all, ok := v["allOf"].([]any); ok && len(all) == 1 {
			if ref, ok := all[0].(map[string]any)["$ref"]; ok {
				delete(v, "allOf")
				v["$ref"] = ref
			}
		}
		if ref, ok := v["$ref"].(string); ok {
			v["$ref"] = strings.Replace(ref, "#/components/schemas/", "#/definitions/", 1)
			delete(v, "default")
		}
		if _, ok := v["oneOf"]; ok {
			delete(v, "oneOf")
			v["type"] = "string"
		}
	}
	return v
}

// path returns the path under which a server lists the kind.
func (k *Kind) path() string {
	path := "/apis/" + k.Group + "/" + k.Version
	if k.Group == "" {
		path = "/api/" + k.Version
	}
	if k.Namespaced {
		path += "/namespaces/{namespace}"
	}
	return path + "/" + k.Resource
}

// collect adds a definition and all that it refers to.
func (s *Store) collect(name string, into map[string]json.RawMessage) error {
	if _, ok := into[name]; ok {
		return nil
	}
	raw, err := s.raw(name)
	if err != nil {
		return err
	}
	if raw == nil {
		return fmt.Errorf("no definition %s in Kubernetes %s", name, s.Version)
	}
	into[name] = raw
	const prefix = `"#/components/schemas/`
	for rest := string(raw); ; {
		_, after, ok := strings.Cut(rest, prefix)
		if !ok {
			return nil
		}
		ref, left, _ := strings.Cut(after, `"`)
		if err := s.collect(ref, into); err != nil {
			return err
		}
		rest = left
	}
}
