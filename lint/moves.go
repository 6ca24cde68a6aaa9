package lint

import (
	"fmt"
	"strings"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/validation/verdict"
)

// placeMeant returns the path at which a field was most likely meant to stand; empty if it is not known.
func (t *target) placeMeant(d *manifest.Document, c verdict.Cause) string {
	if to, _ := oldForm(d, c.Path); to != "" {
		return to
	}
	kind := t.store().Lookup(gvkOf(d))
	if kind == nil || c.Siblings != nil || t.versionsWith(gvkOf(d), c.Path) != "" {
		return ""
	}
	_, place := kind.SuggestField(c.Path)
	for strings.Contains(place, "[]") { // the one element of a list
		list, _, _ := strings.Cut(place, "[]")
		holder, key, ok := locate(d.Value(), list)
		if elements, isList := valueAt(holder, key).([]any); !ok || !isList || len(elements) != 1 {
			return ""
		}
		place = strings.Replace(place, "[]", "[0]", 1)
	}
	return place
}

// oldForms are fields that another API version of a kind has, and where this one has them. The value of servicePort decides
// between two.
var oldForms = []struct{ kind, end, to string }{
	{"Ingress", ".backend.serviceName", ".backend.service.name"},
	{"Ingress", ".backend.servicePort", ".backend.service.port.number"},
	{"Ingress", "Backend.serviceName", "Backend.service.name"},
	{"Ingress", "Backend.servicePort", "Backend.service.port.number"},
}

// oldForm returns where a field of an older API version stands in this one, and what to write.
func oldForm(d *manifest.Document, path string) (to, words string) {
	if !strings.HasPrefix(d.Object.APIVersion, "networking.k8s.io/") {
		return "", ""
	}
	for _, f := range oldForms {
		if f.kind != d.Object.Kind || !strings.HasSuffix(path, f.end) {
			continue
		}
		to = strings.TrimSuffix(path, f.end) + f.to
		holder, key, _ := locate(d.Value(), path)
		if text, isText := valueAt(holder, key).(string); isText && strings.HasSuffix(to, ".port.number") {
			to = strings.TrimSuffix(to, "number") + "name"
			return to, fmt.Sprintf("in %s it is service.port.name: write service: {name: ..., port: {name: %s}}", d.Object.APIVersion, text)
		}
		if strings.HasSuffix(to, ".port.number") {
			return to, fmt.Sprintf("in %s it is service.port.number: write service: {name: ..., port: {number: %v}}",
				d.Object.APIVersion, valueAt(holder, key))
		}
		return to, fmt.Sprintf("in %s it is service.name: write service: {name: %v, port: ...}", d.Object.APIVersion, valueAt(holder, key))
	}
	return "", ""
}

// putAt gives a field its value, and makes the mappings that hold it. It returns false if the field has one already, or the
// path leads through a list of which no element is named.
func putAt(v map[string]any, path string, value any) bool {
	for {
		key, rest, ok := firstStep(v, path)
		if !ok { // the rest of the path does not exist
			name, below, deeper := strings.Cut(strings.TrimPrefix(path, "."), ".")
			if strings.ContainsAny(name, "[]") {
				return false
			}
			if !deeper {
				v[name] = value
				return true
			}
			next := map[string]any{}
			v[name] = next
			v, path = next, below
			continue
		}
		if rest == "" {
			return false
		}
		var at any = v[key.(string)]
		for strings.HasPrefix(rest, "[") {
			if key, rest, ok = firstStep(at, rest); !ok {
				return false
			}
			at = valueAt(at, key)
		}
		if v, ok = at.(map[string]any); !ok {
			return false
		}
		path = rest
	}
}
