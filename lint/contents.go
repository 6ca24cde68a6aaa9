package lint

import (
	"encoding/json"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/seatrial/seatrial/manifest"
)

// keeps reports whether a rule that looks at the set asks for the contents of a kind.
func (r *run) keeps(kind string) bool {
	return slices.ContainsFunc(r.Rules.Rules, func(rule *Rule) bool {
		return slices.Contains(rule.Keeps, kind) || slices.Contains(rule.Keeps, "*")
	})
}

// keep keeps the contents of an object.
func (r *Resource) keep(d *manifest.Document, stored map[string]any) {
	if data, err := json.Marshal(stored); err == nil {
		r.Written, r.Stored = d.JSON, data
	}
}

// Contents returns the objects of a kind, of any group, as the server would store them: decoded JSON that must not be
// changed. Only kinds that the selected rules keep have any.
func (s *Set) Contents(kind string) []any {
	s.contents.Lock()
	defer s.contents.Unlock()
	if list, done := s.contents.ofKind[kind]; done {
		return list
	}
	list := []any{}
	for _, r := range s.All {
		if r.Object.Kind == kind && r.Stored != nil {
			list = append(list, r.StoredValue())
		}
	}
	if s.contents.ofKind == nil {
		s.contents.ofKind = map[string][]any{}
	}
	s.contents.ofKind[kind] = list
	return list
}

// Kinds lists the kinds of the set whose contents are kept, by name.
func (s *Set) Kinds() []string {
	kinds := map[string]bool{}
	for _, r := range s.All {
		if r.Stored != nil {
			kinds[r.Object.Kind] = true
		}
	}
	return sortedKeys(kinds)
}

// StoredValue returns the object as the server would store it; empty if its contents were not kept.
func (r *Resource) StoredValue() map[string]any { return decoded(r.Stored) }

// WrittenValue returns the object as written; empty if its contents were not kept.
func (r *Resource) WrittenValue() map[string]any { return decoded(r.Written) }

// decoded returns an object of JSON, integers as int64.
func decoded(data []byte) map[string]any {
	var o unstructured.Unstructured
	if len(data) == 0 || o.UnmarshalJSON(data) != nil {
		return map[string]any{}
	}
	return o.Object
}
