package schema

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// crd is what is read of a CustomResourceDefinition.
type crd struct {
	Kind string
	Spec struct {
		Group string
		Names struct {
			Plural, Singular, Kind string
			ShortNames, Categories []string
		}
		Scope    string
		Versions []struct {
			Name   string
			Served bool
			Schema struct {
				OpenAPIV3Schema map[string]json.RawMessage `json:"openAPIV3Schema"`
			}
		}
	}
}

const objectMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"

// With returns a store that knows the kinds of CustomResourceDefinitions (JSON) besides its own.
// Documents of other kinds are passed over.
func (s *Store) With(definitions ...[]byte) (*Store, error) {
	out := &Store{
		Version:    s.Version,
		Release:    s.Release,
		index:      s.index,
		bundle:     s.bundle,
		types:      map[string]*Type{},
		validators: map[string]*validator{},
		spans:      map[string]map[string]Span{},
		extra:      map[string]json.RawMessage{},
	}
	for _, doc := range definitions {
		var d crd
		if err := json.Unmarshal(doc, &d); err != nil {
			return nil, fmt.Errorf("reading a CustomResourceDefinition: %w", err)
		}
		if d.Kind != "CustomResourceDefinition" {
			continue
		}
		if err := out.add(&d); err != nil {
			return nil, err
		}
	}
	out.kinds = sync.OnceValue(func() map[GVK]*Kind {
		all := map[GVK]*Kind{}
		for _, k := range s.Kinds() {
			all[k.GVK] = k
		}
		for _, k := range out.extraKinds {
			all[k.GVK] = k
		}
		return all
	})
	return out, nil
}

// add makes the served versions of a definition known.
func (s *Store) add(d *crd) error {
	for _, v := range d.Spec.Versions {
		if !v.Served {
			continue
		}
		body := v.Schema.OpenAPIV3Schema
		if body == nil {
			body = map[string]json.RawMessage{"type": json.RawMessage(`"object"`)}
		}
		gvk, err := json.Marshal(
			[]map[string]string{{"group": d.Spec.Group, "version": v.Name, "kind": d.Spec.Names.Kind}},
		)
		if err != nil {
			return err
		}
		body["x-kubernetes-group-version-kind"] = gvk
		if body["properties"], err = withMetadata(body["properties"]); err != nil {
			return fmt.Errorf("schema of %s: %w", d.Spec.Names.Kind, err)
		}
		parts := strings.Split(d.Spec.Group, ".")
		slices.Reverse(parts)
		name := strings.Join(append(parts, v.Name, d.Spec.Names.Kind), ".")
		if s.extra[name], err = json.Marshal(body); err != nil {
			return err
		}
		s.extraKinds = append(s.extraKinds, &Kind{
			GVK:        GVK{Group: d.Spec.Group, Version: v.Name, Kind: d.Spec.Names.Kind},
			Resource:   d.Spec.Names.Plural,
			Singular:   d.Spec.Names.Singular,
			ShortNames: d.Spec.Names.ShortNames,
			Categories: d.Spec.Names.Categories,
			Namespaced: d.Spec.Scope == "Namespaced",
			Verbs: []string{
				"create",
				"delete",
				"deletecollection",
				"get",
				"list",
				"patch",
				"update",
				"watch",
			},
			store:    s,
			typeName: name,
		})
	}
	return nil
}

// withMetadata returns the properties that the server adds to those of a definition.
func withMetadata(raw json.RawMessage) (json.RawMessage, error) {
	properties := map[string]json.RawMessage{}
	if raw != nil {
		if err := json.Unmarshal(raw, &properties); err != nil {
			return nil, err
		}
	}
	s, err := Open(Latest)
	if err != nil {
		return nil, err
	}
	common := s.definition("io.k8s.api.core.v1.ConfigMap").Properties
	for _, name := range []string{"apiVersion", "kind"} {
		text, err := json.Marshal(map[string]string{"type": "string", "description": common[name].Description})
		if err != nil {
			return nil, err
		}
		properties[name] = text
	}
	properties["metadata"] = json.RawMessage(
		`{"description": "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata", "allOf": [{"$ref": "#/components/schemas/` + objectMeta + `"}]}`,
	)
	return json.Marshal(properties)
}
