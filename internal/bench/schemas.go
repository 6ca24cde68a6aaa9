package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/seatrial/seatrial/internal/modcache"
)

// writeSchemas writes the schemas of the linked Kubernetes in the layout that kubeconform reads
// from a local folder: one file a kind, references filled in, unknown fields refused.
func writeSchemas(dir, kubernetes string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	source, err := modcache.Dir(kubernetes)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(source, "api/openapi-spec/swagger.json"))
	if err != nil {
		return err
	}
	var doc struct {
		Definitions map[string]map[string]any `json:"definitions"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return err
	}
	for _, definition := range doc.Definitions {
		kinds, _ := definition["x-kubernetes-group-version-kind"].([]any)
		if len(kinds) != 1 {
			continue
		}
		gvk := kinds[0].(map[string]any)
		group, _, _ := strings.Cut(fmt.Sprint(gvk["group"]), ".")
		name := strings.ToLower(fmt.Sprint(gvk["kind"]))
		if group != "" {
			name += "-" + group
		}
		schema := standalone(doc.Definitions, definition, 0)
		out, err := json.Marshal(schema)
		if err != nil {
			return err
		}
		if err := os.WriteFile(
			filepath.Join(dir, name+"-"+fmt.Sprint(gvk["version"])+".json"), out, 0o644,
		); err != nil {
			return err
		}
	}
	return nil
}

// maxDepth ends the filling in of types that hold themselves.
const maxDepth = 20

// standalone fills references in and refuses unknown fields.
func standalone(all map[string]map[string]any, schema map[string]any, depth int) map[string]any {
	if ref, ok := schema["$ref"].(string); ok {
		name := strings.TrimPrefix(ref, "#/definitions/")
		switch {
		case strings.HasSuffix(name, ".IntOrString"):
			return map[string]any{
				"oneOf": []any{map[string]any{"type": []any{"string", "null"}}, map[string]any{"type": "integer"}},
			}
		case strings.HasSuffix(name, ".Quantity"):
			return map[string]any{
				"oneOf": []any{map[string]any{"type": []any{"string", "null"}}, map[string]any{"type": "number"}},
			}
		case depth > maxDepth || strings.HasSuffix(name, ".JSONSchemaProps"):
			return map[string]any{}
		}
		return standalone(all, all[name], depth+1)
	}
	out := maps.Clone(schema)
	if kind, ok := out["type"].(string); ok && kind != "object" && kind != "array" {
		out["type"] = []any{kind, "null"}
	}
	delete(out, "description")
	if props, ok := schema["properties"].(map[string]any); ok {
		filled := map[string]any{}
		for name, p := range props {
			filled[name] = standalone(all, p.(map[string]any), depth+1)
		}
		out["properties"] = filled
		out["additionalProperties"] = false
	}
	for _, key := range []string{"items", "additionalProperties"} {
		if inner, ok := schema[key].(map[string]any); ok {
			out[key] = standalone(all, inner, depth+1)
		}
	}
	return out
}
