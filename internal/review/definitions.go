package review

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	apischema "github.com/seatrial/seatrial/schema"
)

const definitionGroup = apiextensionsv1.GroupName

// definitions finds what CustomResourceDefinitions lose, with the custom resources of the repository that it hits.
func definitions(e *environment) (found []Consequence) {
	for _, p := range e.pairs {
		if p.old == nil || !p.old.is(definitionGroup, "CustomResourceDefinition") {
			continue
		}
		old := definitionOf(p.old)
		switch {
		case old == nil:
		case p.action == Delete && p.fate.Outcome == Pruned:
			c := about(
				p.old, "definition", High, "the definition is deleted, and with it all %s (%s)", old.Spec.Names.Plural,
				p.fate.Why,
			)
			c.Details = e.hit(old, "", nil)
			found = append(found, c)
		case p.action == Update:
			if now := definitionOf(p.new); now != nil {
				found = append(found, e.lost(p, old, now)...)
			}
		}
	}
	return found
}

func definitionOf(o *Object) *apiextensionsv1.CustomResourceDefinition {
	if d, ok := o.Typed.(*apiextensionsv1.CustomResourceDefinition); ok {
		return d
	}
	d := &apiextensionsv1.CustomResourceDefinition{}
	if runtime.DefaultUnstructuredConverter.FromUnstructured(o.Stored(), d) != nil {
		return nil
	}
	return d
}

// lost compares the versions of a definition.
func (e *environment) lost(p *pair, old, now *apiextensionsv1.CustomResourceDefinition) (found []Consequence) {
	versions := map[string]*apiextensionsv1.CustomResourceDefinitionVersion{}
	for i := range now.Spec.Versions {
		versions[now.Spec.Versions[i].Name] = &now.Spec.Versions[i]
	}
	for i := range old.Spec.Versions {
		was := &old.Spec.Versions[i]
		is := versions[was.Name]
		if !was.Served {
			continue
		}
		if is == nil || !is.Served {
			c := about(p.new, "definition", Medium, "version %s is not served any more", was.Name)
			if c.Details = e.hit(old, was.Name, nil); len(c.Details) > 0 {
				c.Risk = High
			}
			found = append(found, c)
			continue
		}
		fields := lostFields("", schemaOf(was), schemaOf(is))
		if len(fields) == 0 {
			continue
		}
		c := about(p.new, "definition", Medium, "version %s loses %s", was.Name, names(fields))
		if c.Details = e.hit(old, was.Name, fields); len(c.Details) > 0 {
			c.Risk = High
		}
		found = append(found, c)
	}
	return found
}

func schemaOf(v *apiextensionsv1.CustomResourceDefinitionVersion) *apiextensionsv1.JSONSchemaProps {
	if v.Schema == nil {
		return nil
	}
	return v.Schema.OpenAPIV3Schema
}

// lostFields lists the fields that one schema has and another has not, so that the server drops them. Of what is lost
// as a whole, the parts are not listed.
func lostFields(path string, was, is *apiextensionsv1.JSONSchemaProps) (fields []string) {
	if was == nil || is == nil || is.XPreserveUnknownFields != nil && *is.XPreserveUnknownFields {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(was.Properties)) {
		at := strings.TrimPrefix(path+"."+name, ".")
		before := was.Properties[name]
		after, ok := is.Properties[name]
		if !ok {
			if is.AdditionalProperties == nil {
				fields = append(fields, at)
			}
			continue
		}
		fields = append(fields, lostFields(at, &before, &after)...)
	}
	if was.Items != nil && is.Items != nil {
		fields = append(fields, lostFields(path+"[]", was.Items.Schema, is.Items.Schema)...)
	}
	if was.AdditionalProperties != nil && is.AdditionalProperties != nil {
		fields = append(
			fields, lostFields(path+"[*]", was.AdditionalProperties.Schema, is.AdditionalProperties.Schema)...,
		)
	}
	return fields
}

// hit lists the custom resources of the repository that are written in a version of a definition, and have one of some
// fields; the empty version is any, and no fields are none in particular.
func (e *environment) hit(
	d *apiextensionsv1.CustomResourceDefinition, version string, fields []string,
) (list []string) {
	for _, o := range e.all() {
		gk := o.Resource.GroupKind()
		if gk.Group != d.Spec.Group || gk.Kind != d.Spec.Names.Kind {
			continue
		}
		_, v, _ := strings.Cut(o.Document.Object.APIVersion, "/")
		if version != "" && v != version {
			continue
		}
		has := func(field string) bool { return hasField(o.Document.Value(), strings.Split(field, ".")) }
		if fields != nil {
			i := slices.IndexFunc(fields, has)
			if i < 0 {
				continue
			}
			list = append(list, fmt.Sprintf("%s sets %s", o.shown(), fields[i]))
			continue
		}
		list = append(list, o.shown().String())
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// hasField reports whether a value has a field; [] after a name stands for any item of a list, [*] for any of a map.
func hasField(v any, path []string) bool {
	if len(path) == 0 {
		return true
	}
	m, ok := v.(map[string]any)
	if !ok {
		return false
	}
	name, isMap := strings.CutSuffix(path[0], "[*]")
	name, isList := strings.CutSuffix(name, "[]")
	child, ok := m[name]
	below := func(v any) bool { return hasField(v, path[1:]) }
	switch {
	case !ok:
		return false
	case isList:
		items, _ := child.([]any)
		return slices.ContainsFunc(items, below)
	case isMap:
		items, _ := child.(map[string]any)
		for _, item := range items {
			if below(item) {
				return true
			}
		}
		return false
	}
	return below(child)
}

// served finds objects whose version of the API the target does not serve, although a version of Kubernetes did.
func served(e *environment) (found []Consequence) {
	for i := range e.found {
		f := &e.found[i]
		gvk := schema.FromAPIVersionAndKind(f.Object.APIVersion, f.Object.Kind)
		if f.Rule != "kind-unknown" || !apischema.IsBuiltinGroup(gvk.Group) {
			continue
		}
		c := Consequence{
			Kind: "api-not-served", Risk: High, Object: f.Object, Message: f.Message,
			File: f.Range.File, Line: f.Range.Start.Line,
		}
		if f.Help != "" {
			c.Details = []string{f.Help}
		}
		found = append(found, c)
	}
	return found
}
