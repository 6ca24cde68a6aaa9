// Package schema knows the kinds and fields of every Kubernetes version from 1.20 on, without a network.
//
// The central type is [Store], one version's API. The data is embedded (package bundle) and opened a
// piece at a time.
//
//	s, err := schema.Open("1.25")
//	k := s.Lookup(schema.GVK{Group: "apps", Version: "v1", Kind: "Deployment"})
//	f, err := k.Field("spec.replicas")
//	fmt.Println(f.Type, f.Doc)
package schema

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"sync"

	k8sschema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/seatrial/seatrial/schema/bundle"
)

// GVK names a kind.
type GVK = k8sschema.GroupVersionKind

// The versions known go from Oldest to Latest: that of the Kubernetes linked into the program.
const (
	Oldest = "1.20"
	Latest = "1.37"
)

// Versions lists the known minor versions, oldest first.
func Versions() []string {
	b, err := bundle.Open()
	if err != nil {
		return []string{Latest}
	}
	return b.Versions
}

// Store is the API of one Kubernetes version. It may be used from many goroutines.
type Store struct {
	Version string // minor version: 1.25
	Release string // the release that the data was taken from: v1.25.16

	index  int
	bundle *bundle.Bundle
	kinds  func() map[GVK]*Kind

	mu         sync.Mutex
	types      map[string]*Type
	validators map[string]*validator
	spans      map[string]map[string]Span
	extra      map[string]json.RawMessage // definitions of CustomResourceDefinitions
	extraKinds []*Kind
}

// Kind is a kind of one version.
type Kind struct {
	GVK
	Resource    string // plural
	Singular    string
	ShortNames  []string
	Categories  []string
	Verbs       []string
	Namespaced  bool
	Since       string // first known version that serves it; the oldest known one may not be the first
	Deprecated  string // release that deprecated it, or ""
	Removed     string // release that no longer serves it, also one to come, or ""
	Replacement string // "group/version Kind" to use instead, or ""

	store    *Store
	typeName string
}

var (
	openMu sync.Mutex
	opened = map[string]*Store{}
)

// Open returns the store of a version: "1.25", "v1.25", "1.25.4". The error of an unknown version
// names the known ones.
func Open(version string) (*Store, error) {
	b, err := bundle.Open()
	if err != nil {
		return nil, fmt.Errorf("opening the schemas: %w", err)
	}
	minor := Minor(version)
	i := slices.Index(b.Versions, minor)
	if i < 0 {
		return nil, fmt.Errorf(
			"unknown Kubernetes version %q: known are %s to %s",
			version,
			b.Versions[0],
			b.Versions[len(b.Versions)-1],
		)
	}
	openMu.Lock()
	defer openMu.Unlock()
	if s := opened[minor]; s != nil {
		return s, nil
	}
	s := &Store{
		Version:    minor,
		Release:    b.Releases[i],
		index:      i,
		bundle:     b,
		types:      map[string]*Type{},
		validators: map[string]*validator{},
		spans:      map[string]map[string]Span{},
	}
	s.kinds = sync.OnceValue(s.readKinds)
	opened[minor] = s
	return s, nil
}

// Minor returns the minor version of a version: 1.25 of v1.25.4.
func Minor(version string) string {
	parts := strings.Split(strings.TrimPrefix(version, "v"), ".")
	if len(parts) < 2 {
		return version
	}
	return parts[0] + "." + parts[1]
}

func (s *Store) readKinds() map[GVK]*Kind {
	kinds := map[GVK]*Kind{}
	for i := range s.bundle.Kinds {
		if b := &s.bundle.Kinds[i]; b.In&(1<<s.index) != 0 {
			k := newKind(s, b)
			kinds[k.GVK] = k
		}
	}
	return kinds
}

func newKind(s *Store, b *bundle.Kind) *Kind {
	return &Kind{
		GVK:         GVK{Group: b.Group, Version: b.Version, Kind: b.Kind},
		Resource:    b.Resource,
		Singular:    b.Singular,
		ShortNames:  b.ShortNames,
		Categories:  b.Categories,
		Verbs:       b.Verbs,
		Namespaced:  b.Namespaced,
		Since:       s.bundle.Versions[bits.TrailingZeros32(b.In)],
		Deprecated:  b.Deprecated,
		Removed:     removal(s.bundle, b),
		Replacement: b.Replaced,
		store:       s,
		typeName:    b.Type,
	}
}

// removal returns the release that stopped serving a kind: what the data shows wins over what was announced.
func removal(b *bundle.Bundle, k *bundle.Kind) string {
	if last := bits.Len32(k.In) - 1; last < len(b.Versions)-1 {
		return b.Versions[last+1]
	}
	return k.Removed
}

// Kinds lists the kinds of the version by group, version and kind.
func (s *Store) Kinds() []*Kind {
	var out []*Kind
	for i := range s.bundle.Kinds {
		b := &s.bundle.Kinds[i]
		if k := s.kinds()[GVK{Group: b.Group, Version: b.Version, Kind: b.Kind}]; k != nil {
			out = append(out, k)
		}
	}
	return append(out, s.extraKinds...)
}

// Lookup finds a kind; nil when the version does not serve it.
func (s *Store) Lookup(gvk GVK) *Kind { return s.kinds()[gvk] }

// History tells of a kind over all versions; ok is false when none ever served it.
func History(gvk GVK) (k *Kind, ok bool) {
	s, err := Open(Latest)
	if err != nil {
		return nil, false
	}
	for i := range s.bundle.Kinds {
		if b := &s.bundle.Kinds[i]; b.Group == gvk.Group && b.Version == gvk.Version && b.Kind == gvk.Kind {
			return newKind(s, b), true
		}
	}
	return nil, false
}

// ServedAs lists the kinds of one name that the version serves, in any group and version.
func (s *Store) ServedAs(kind string) []*Kind {
	var out []*Kind
	for _, k := range s.Kinds() {
		if k.GVK.Kind == kind {
			out = append(out, k)
		}
	}
	return out
}

// Type is a definition: an object with fields, or a simple type with a name.
type Type struct {
	Name        string           `json:"-"`
	Description string           `json:"description"`
	Type        string           `json:"type"`
	Format      string           `json:"format"`
	Properties  map[string]*Type `json:"properties"`
	Required    []string         `json:"required"`
	Items       *Type            `json:"items"`
	Additional  *Type            `json:"additionalProperties"`
	AllOf       []*Type          `json:"allOf"`
	OneOf       []*Type          `json:"oneOf"`
	Ref         string           `json:"$ref"`
	Enum        []any            `json:"enum"`
	Default     any              `json:"default"`
	ListType    string           `json:"x-kubernetes-list-type"`
	ListMapKeys []string         `json:"x-kubernetes-list-map-keys"`
	Patch       string           `json:"x-kubernetes-patch-strategy"`
	PatchKey    string           `json:"x-kubernetes-patch-merge-key"`
	MapType     string           `json:"x-kubernetes-map-type"`
	Preserve    bool             `json:"x-kubernetes-preserve-unknown-fields"`
	Nullable    bool             `json:"nullable"`
	Pattern     string           `json:"pattern"`
	Minimum     *float64         `json:"minimum"`
	Maximum     *float64         `json:"maximum"`
	MinLength   *int64           `json:"minLength"`
	MaxLength   *int64           `json:"maxLength"`
	MinItems    *int64           `json:"minItems"`
	MaxItems    *int64           `json:"maxItems"`
	Validations []Validation     `json:"x-kubernetes-validations"`
	Unions      []Union          `json:"x-kubernetes-unions"`
}

// Union is a group of fields of which one is set; the discriminator, where there is one, says which.
type Union struct {
	Discriminator string            `json:"discriminator"`
	Fields        map[string]string `json:"fields-to-discriminateBy"` // field name: value of the discriminator
}

// Validation is a rule in CEL that values have to follow.
type Validation struct {
	Rule    string `json:"rule"`
	Message string `json:"message,omitempty"`
}

// UnmarshalJSON also takes `additionalProperties: true`.
func (t *Type) UnmarshalJSON(data []byte) error {
	if string(data) == "true" || string(data) == "false" {
		return nil
	}
	type plain Type
	return json.Unmarshal(data, (*plain)(t))
}

// target returns the name of the definition that a type refers to, or "".
func (t *Type) target() string {
	ref := t.Ref
	if ref == "" && len(t.AllOf) == 1 {
		ref = t.AllOf[0].Ref
	}
	return ref[strings.LastIndexByte(ref, '/')+1:]
}

// definition returns a type by its name; nil when the version has none.
func (s *Store) definition(name string) *Type {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.types[name]; ok {
		return t
	}
	var t *Type
	if raw, err := s.raw(name); err == nil && raw != nil {
		t = &Type{}
		if json.Unmarshal(raw, t) != nil {
			t = nil
		} else {
			t.Name = name
		}
	}
	s.types[name] = t
	return t
}

// raw returns the JSON of a definition; nil when the version has none.
func (s *Store) raw(name string) (json.RawMessage, error) {
	if raw, ok := s.extra[name]; ok {
		return raw, nil
	}
	return s.bundle.Definition(name, s.index)
}

// Definition returns the JSON schema of a kind by the name that references to it end with, or of a type that one refers
// to; nil if the version has none. An empty name stands for the kind itself.
func (k *Kind) Definition(name string) (json.RawMessage, error) {
	return k.store.raw(cmp.Or(name, k.typeName))
}

// resolve follows a reference to the definition that holds the fields.
func (s *Store) resolve(t *Type) *Type {
	if name := t.target(); name != "" {
		if d := s.definition(name); d != nil {
			return d
		}
	}
	return t
}

// Custom reports whether a CustomResourceDefinition defines the kind.
func (k *Kind) Custom() bool { return k.store.extra[k.typeName] != nil }

// Type returns the definition of the kind.
func (k *Kind) Type() *Type { return k.store.definition(k.typeName) }
