package explain

import (
	"regexp"
	"strings"

	"github.com/seatrial/seatrial/schema"
)

// Document is a subject as data. docs/explain.schema.json describes its JSON.
type Document struct {
	APIVersion        string   `json:"apiVersion"` // seatrial/v1
	Kind              string   `json:"kind"`       // Explanation
	KubernetesVersion string   `json:"kubernetesVersion"`
	Resource          Resource `json:"resource"`
	Field             *Node    `json:"field"` // the kind itself, or the field that was asked for
}

// Resource is what an API server knows of a kind.
type Resource struct {
	Group       string   `json:"group"`
	Version     string   `json:"version"`
	Kind        string   `json:"kind"`
	Plural      string   `json:"plural"`
	Singular    string   `json:"singular,omitempty"`
	ShortNames  []string `json:"shortNames,omitempty"`
	Categories  []string `json:"categories,omitempty"`
	Verbs       []string `json:"verbs,omitempty"`
	Namespaced  bool     `json:"namespaced"`
	Since       string   `json:"since,omitempty"`
	Deprecated  string   `json:"deprecated,omitempty"`
	Removed     string   `json:"removed,omitempty"`
	Replacement string   `json:"replacement,omitempty"`
}

// Node is a field with what is known of it, and the fields below.
type Node struct {
	Name          string              `json:"name,omitempty"`
	Path          string              `json:"path,omitempty"`
	Type          string              `json:"type"`
	Description   string              `json:"description,omitempty"`
	Required      bool                `json:"required,omitempty"`
	Enum          []any               `json:"enum,omitempty"`
	Default       any                 `json:"default,omitempty"`
	Format        string              `json:"format,omitempty"`
	Pattern       string              `json:"pattern,omitempty"`
	Minimum       *float64            `json:"minimum,omitempty"`
	Maximum       *float64            `json:"maximum,omitempty"`
	MinLength     *int64              `json:"minLength,omitempty"`
	MaxLength     *int64              `json:"maxLength,omitempty"`
	MinItems      *int64              `json:"minItems,omitempty"`
	MaxItems      *int64              `json:"maxItems,omitempty"`
	Nullable      bool                `json:"nullable,omitempty"`
	ListType      string              `json:"listType,omitempty"`
	ListMapKeys   []string            `json:"listMapKeys,omitempty"`
	MapType       string              `json:"mapType,omitempty"`
	PatchStrategy string              `json:"patchStrategy,omitempty"`
	PatchMergeKey string              `json:"patchMergeKey,omitempty"`
	Validations   []schema.Validation `json:"validations,omitempty"`
	Constraints   []Constraint        `json:"constraints,omitempty"`
	Rules         []string            `json:"rules,omitempty"` // lint rules that look at the field
	Since         string              `json:"since,omitempty"`
	Deprecated    bool                `json:"deprecated,omitempty"`
	Removed       string              `json:"removed,omitempty"`
	// its type holds itself; the fields are listed further up
	Recursive bool    `json:"recursive,omitempty"`
	Fields    []*Node `json:"fields,omitempty"`
}

// RulesOf names the lint rules that look at a field of a kind; rules live above this package.
type RulesOf func(kind *schema.Kind, path string) []string

// Tree returns the subject as data, with the fields below as deep as asked for.
func (s *Subject) Tree(d Depth, rules RulesOf) *Document {
	out := &Document{
		APIVersion: "seatrial/v1", Kind: "Explanation", KubernetesVersion: s.store.Version,
		Resource: resourceOf(s.Kind),
	}
	b := treeBuilder{kind: s.Kind, rules: rules, max: d.Max}
	if !d.Recursive {
		b.max = 1
	}
	if s.Field == nil {
		t := s.Kind.Type()
		out.Field = &Node{Type: s.Kind.Kind, Description: t.Description}
		out.Field.Fields = b.fields(s.Kind.Fields(), 1, []string{t.Name})
		return out
	}
	out.Field = b.node(s.Field, 0, []string{s.Kind.Type().Name})
	return out
}

// ResourceList is what a version serves.
type ResourceList struct {
	APIVersion        string     `json:"apiVersion"` // seatrial/v1
	Kind              string     `json:"kind"`       // ResourceList
	KubernetesVersion string     `json:"kubernetesVersion"`
	Resources         []Resource `json:"resources"`
}

// NewResourceList returns kinds as data.
func NewResourceList(store *schema.Store, kinds []*schema.Kind) *ResourceList {
	l := &ResourceList{APIVersion: "seatrial/v1", Kind: "ResourceList", KubernetesVersion: store.Version}
	for _, k := range kinds {
		l.Resources = append(l.Resources, resourceOf(k))
	}
	return l
}

func resourceOf(k *schema.Kind) Resource {
	return Resource{Group: k.Group, Version: k.Version, Kind: k.Kind, Plural: k.Resource, Singular: k.Singular,
		ShortNames: k.ShortNames, Categories: k.Categories,
		Verbs: k.Verbs, Namespaced: k.Namespaced, Since: k.Since, Deprecated: k.Deprecated, Removed: k.Removed,
		Replacement: k.Replacement}
}

type treeBuilder struct {
	kind  *schema.Kind
	rules RulesOf
	max   int
}

func (b *treeBuilder) fields(fields []*schema.Field, level int, above []string) (nodes []*Node) {
	for _, f := range fields {
		nodes = append(nodes, b.node(f, level, above))
	}
	return nodes
}

// NewNode returns a field as data, without the fields below.
func NewNode(f *schema.Field) *Node {
	t, span := f.Schema(), f.Span()
	n := &Node{Name: f.Name, Path: f.Path, Type: f.Type, Description: f.Doc, Required: f.Required, Enum: f.Enum,
		Default: f.Default, Format: f.Format,
		Pattern: t.Pattern, Minimum: t.Minimum, Maximum: t.Maximum, MinLength: t.MinLength, MaxLength: t.MaxLength,
		MinItems: t.MinItems, MaxItems: t.MaxItems,
		Nullable: t.Nullable, ListType: t.ListType, ListMapKeys: t.ListMapKeys, MapType: t.MapType,
		PatchStrategy: t.Patch, PatchMergeKey: t.PatchKey,
		Validations: t.Validations, Constraints: constraints(f), Since: span.Since, Removed: span.Removed,
		Deprecated: IsDeprecated(f.Doc)}
	if n.Description == "" {
		n.Description = f.Element().Description
	}
	return n
}

// node returns a field and those below as data; above are the types that it lies in.
func (b *treeBuilder) node(f *schema.Field, level int, above []string) *Node {
	n, element := NewNode(f), f.Element()
	if b.rules != nil {
		n.Rules = b.rules(b.kind, f.Path)
	}
	for _, name := range above {
		if name == element.Name && name != "" {
			n.Recursive = true
			return n
		}
	}
	if len(element.Properties) > 0 && (b.max == 0 || level < b.max) {
		n.Fields = b.fields(f.Fields(), level+1, append(above[:len(above):len(above)], element.Name))
	}
	return n
}

var deprecated = regexp.MustCompile(
	`(?i)^deprecated\b|\bDEPRECATED\b|\bDeprecated[:.]|\bis deprecated\b|^This field is deprecated`,
)

// IsDeprecated reports whether a field's own documentation calls it deprecated.
func IsDeprecated(doc string) bool {
	return (strings.Contains(doc, "eprecated") || strings.Contains(doc, "DEPRECATED")) && deprecated.MatchString(doc)
}

// sentence returns the first sentence of a description.
func sentence(doc string) string {
	doc = strings.Join(strings.Fields(doc), " ")
	for i := 0; i+1 < len(doc); i++ {
		if doc[i] == '.' && doc[i+1] == ' ' && !strings.HasSuffix(doc[:i], "e.g") &&
			!strings.HasSuffix(doc[:i], "i.e") {
			return doc[:i+1]
		}
	}
	return doc
}
