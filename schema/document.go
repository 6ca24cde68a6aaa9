package schema

import (
	"encoding/json"
	"fmt"
	"strings"
)

// OpenAPI gives the OpenAPI v3 document of a kind, as an API server of the version publishes it for the
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
			"responses":                       map[string]any{},
			"x-kubernetes-group-version-kind": map[string]string{"group": k.Group, "version": k.Version, "kind": k.Kind},
		}}},
		"components": map[string]any{"schemas": schemas},
	}
	return json.Marshal(doc)
}

// path gives the path under which a server lists the kind.
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
		return fmt.Errorf("Kubernetes %s has no definition %s", s.Version, name)
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
