package validation

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/cel/openapi/resolver"
	"k8s.io/kube-openapi/pkg/validation/spec"

	schemas "github.com/seatrial/seatrial/schema"
)

// Schemas resolves the OpenAPI schemas of the kinds of the linked Kubernetes, from those that are embedded.
func Schemas() resolver.SchemaResolver { return embedded{} }

// embedded resolves schemas as they are published for the newest version.
type embedded struct{}

var newest = sync.OnceValues(func() (*schemas.Store, error) { return schemas.Open(schemas.Latest) })

// ResolveSchema returns the schema of a kind without references.
func (embedded) ResolveSchema(gvk schema.GroupVersionKind) (*spec.Schema, error) {
	store, err := newest()
	if err != nil {
		return nil, err
	}
	k := store.Lookup(schemas.GVK(gvk))
	if k == nil {
		return nil, fmt.Errorf("cannot resolve %v: %w", gvk, resolver.ErrSchemaNotFound)
	}
	var failed error
	read := map[string]*spec.Schema{}
	s, err := resolver.PopulateRefs(func(ref string) (*spec.Schema, bool) {
		if s, ok := read[ref]; ok {
			return s, true
		}
		data, err := k.Definition(ref[strings.LastIndexByte(ref, '/')+1:])
		if err != nil || data == nil {
			return nil, false
		}
		s := &spec.Schema{}
		if err := json.Unmarshal(data, s); err != nil {
			failed = err
			return nil, false
		}
		read[ref] = s
		return s, true
	}, "")
	if failed != nil {
		return nil, failed
	}
	return s, err
}
