package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
)

// The documents in the modules are written with enumerations switched off, but servers show them
// since 1.24: with the values, and a list of them at the end of the description. Both stand in the Go
// source that servers make their documents from.
const generatedDefinitions = "pkg/generated/openapi/zz_generated.openapi.go"

// enumeration is what the source says of a property whose values are limited.
type enumeration struct {
	values      []string
	description string
	below       []string // steps from the property to the type: items, additionalProperties
}

// addEnumerations puts into the definitions what the source of a version tells. Versions before
// 1.24 have no such source, and their servers show no enumerations.
func (r *release) addEnumerations(source []byte) error {
	if source == nil {
		return nil
	}
	definitions, err := readEnumerations(source)
	if err != nil {
		return fmt.Errorf("%s: %w", generatedDefinitions, err)
	}
	for name, properties := range definitions {
		raw, ok := r.types[name]
		if !ok {
			continue
		}
		var definition map[string]any
		if err := json.Unmarshal(raw, &definition); err != nil {
			return err
		}
		all, _ := definition["properties"].(map[string]any)
		for property, e := range properties {
			if at, ok := all[property].(map[string]any); ok {
				e.write(at)
			}
		}
		text, err := json.Marshal(definition)
		if err != nil {
			return err
		}
		if r.types[name], err = canonical(text); err != nil {
			return err
		}
	}
	return nil
}

// write adds an enumeration to a property.
func (e *enumeration) write(property map[string]any) {
	if e.description != "" {
		property["description"] = e.description
	}
	at := property
	for _, step := range e.below {
		next, ok := at[step].(map[string]any)
		if !ok {
			return
		}
		at = next
	}
	at["enum"] = e.values
}

// readEnumerations finds the properties with enumerations, by definition and name.
func readEnumerations(source []byte) (map[string]map[string]*enumeration, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "zz_generated.openapi.go", source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	names := definitionNames(file)
	found := map[string]map[string]*enumeration{}
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || names[f.Name.Name] == "" {
			continue
		}
		properties := map[string]*enumeration{}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			kv, ok := n.(*ast.KeyValueExpr)
			if !ok || !isName(kv.Key, "Properties") {
				return true
			}
			for _, element := range kv.Value.(*ast.CompositeLit).Elts {
				property := element.(*ast.KeyValueExpr)
				e := &enumeration{}
				e.read(property.Value, nil)
				if name, ok := text(property.Key); ok && len(e.values) > 0 {
					properties[name] = e
				}
			}
			return false
		})
		if len(properties) > 0 {
			found[names[f.Name.Name]] = properties
		}
	}
	return found, nil
}

// read looks through the type of a property; steps lead from the property to it.
func (e *enumeration) read(n ast.Node, steps []string) {
	ast.Inspect(n, func(n ast.Node) bool {
		kv, ok := n.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		switch {
		case isName(kv.Key, "Items"):
			e.read(kv.Value, append(slices.Clone(steps), "items"))
			return false
		case isName(kv.Key, "AdditionalProperties"):
			e.read(kv.Value, append(slices.Clone(steps), "additionalProperties"))
			return false
		case isName(kv.Key, "Description") && len(steps) == 0:
			if description, ok := text(kv.Value); ok && strings.Contains(description, "Possible enum values:") {
				e.description = description
			}
		case isName(kv.Key, "Enum"):
			for _, v := range kv.Value.(*ast.CompositeLit).Elts {
				if value, ok := text(v); ok {
					e.values = append(e.values, value)
				}
			}
			e.below = steps
		}
		return true
	})
}

// definitionNames maps the functions of the source to the names of the definitions that they make:
// schema_k8sio_api_core_v1_PodSpec makes io.k8s.api.core.v1.PodSpec.
func definitionNames(file *ast.File) map[string]string {
	imports := map[string]string{}
	for _, spec := range file.Imports {
		from, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		name := path.Base(from)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imports[name] = from
	}
	names := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		kv, ok := n.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		call, ok := kv.Value.(*ast.CallExpr)
		if !ok {
			return true
		}
		f, ok := call.Fun.(*ast.Ident)
		if !ok || !strings.HasPrefix(f.Name, "schema_") {
			return true
		}
		if goName := goTypeName(kv.Key, imports); goName != "" {
			names[f.Name] = definitionName(goName)
		}
		return true
	})
	return names
}

// goTypeName reads the key of a definition: "k8s.io/api/core/v1.PodSpec", or since 1.35
// corev1.PodSpec{}.OpenAPIModelName().
func goTypeName(key ast.Expr, imports map[string]string) string {
	if name, ok := text(key); ok {
		return name
	}
	call, ok := key.(*ast.CallExpr)
	if !ok {
		return ""
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	literal, ok := method.X.(*ast.CompositeLit)
	if !ok {
		return ""
	}
	if t, ok := literal.Type.(*ast.SelectorExpr); ok {
		if from, ok := t.X.(*ast.Ident); ok {
			return imports[from.Name] + "." + t.Sel.Name
		}
	}
	return ""
}

// definitionName is the name that documents give to a Go type: the domain backwards, then the path.
func definitionName(goName string) string {
	domain, rest, _ := strings.Cut(goName, "/")
	parts := strings.Split(domain, ".")
	slices.Reverse(parts)
	return strings.Join(parts, ".") + "." + strings.ReplaceAll(rest, "/", ".")
}

func isName(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

// text gives the value of a literal.
func text(e ast.Expr) (string, bool) {
	literal, ok := e.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", false
	}
	value, err := strconv.Unquote(literal.Value)
	return value, err == nil
}
