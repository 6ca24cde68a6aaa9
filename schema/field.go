package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/schema/bundle"
)

// Field is a field of a kind, found by its path.
type Field struct {
	Name     string
	Path     string // spec.containers.image: lists and maps add nothing
	Type     string // as kubectl explain prints it: string, []Container, map[string]string, Object
	Doc      string
	Required bool
	Enum     []any
	Default  any
	Format   string

	schema *Type // of the field as written
	holder *Type // the definition that it is a field of
	store  *Store
}

// FieldError says that a path leads to no field.
type FieldError struct {
	Path    string // as far as it exists
	Name    string // what does not
	Suggest string // did you mean, or ""
}

func (e *FieldError) Error() string {
	at := e.Path
	if at == "" {
		at = "the object"
	}
	if e.Suggest != "" {
		return fmt.Sprintf("%s has no field %q: did you mean %q?", at, e.Name, e.Suggest)
	}
	return fmt.Sprintf("%s has no field %q", at, e.Name)
}

// Span tells in which versions the field's type has the field.
func (f *Field) Span() Span { return f.store.span(f.holder.Name, f.Name) }

// Schema returns the field's type as it is written: with constraints, list type, patch strategy.
func (f *Field) Schema() *Type { return f.schema }

// Holder names the definition that the field is a field of.
func (f *Field) Holder() string { return f.holder.Name }

// Declared lists what the declarative validation of the linked Kubernetes asks of the field, beyond its
// schema. Of other versions nothing is known.
func (f *Field) Declared() []bundle.Declared {
	if f.store.Version != Latest || f.store.extra[f.holder.Name] != nil {
		return nil
	}
	all, err := bundle.Rules()
	if err != nil {
		return nil
	}
	return all[f.holder.Name][f.Name]
}

// Unions lists the unions of its holder that the field belongs to.
func (f *Field) Unions() (found []Union) {
	for _, u := range f.holder.Unions {
		if _, ok := u.Fields[f.Name]; ok || u.Discriminator == f.Name {
			found = append(found, u)
		}
	}
	return found
}

// Element returns the definition that the field holds, through lists and maps.
func (f *Field) Element() *Type { return f.store.element(f.schema) }

// Fields lists the fields of the kind itself, by name.
func (k *Kind) Fields() []*Field { return k.store.fields(k.Type(), "") }

// Fields lists the fields below a field, through lists and maps, by name.
func (f *Field) Fields() []*Field { return f.store.fields(f.store.element(f.schema), f.Path) }

// TypeName returns the definition that holds the fields below, or "".
func (f *Field) TypeName() string { return f.store.element(f.schema).Name }

func (s *Store) fields(t *Type, at string) []*Field {
	if t == nil {
		return nil
	}
	out := make([]*Field, 0, len(t.Properties))
	for _, name := range slices.Sorted(maps.Keys(t.Properties)) {
		out = append(out, s.field(t, name, at))
	}
	return out
}

func (s *Store) field(holder *Type, name, at string) *Field {
	p := holder.Properties[name]
	path := name
	if at != "" {
		path = at + "." + name
	}
	return &Field{
		Name:     name,
		Path:     path,
		Type:     s.typeName(p),
		Doc:      p.Description,
		Required: slices.Contains(holder.Required, name),
		Enum:     p.Enum,
		Default:  p.Default,
		Format:   p.Format,
		schema:   p,
		holder:   holder,
		store:    s,
	}
}

// element steps through lists, maps and references to the type that holds fields.
func (s *Store) element(t *Type) *Type {
	for {
		switch t = s.resolve(t); {
		case t.Items != nil:
			t = t.Items
		case t.Additional != nil && len(t.Properties) == 0:
			t = t.Additional
		default:
			return t
		}
	}
}

// typeName writes a type as kubectl explain does.
func (s *Store) typeName(t *Type) string {
	switch r := s.resolve(t); {
	case strings.HasSuffix(r.Name, ".IntOrString") || strings.HasSuffix(r.Name, ".Quantity"):
		return r.Name[strings.LastIndexByte(r.Name, '.')+1:] // documents of different versions write them differently
	case t.Items != nil:
		return "[]" + s.typeName(t.Items)
	case t.Type == "object" && t.Additional != nil:
		return "map[string]" + s.typeName(t.Additional)
	case r.Name != "" && (len(r.Properties) > 0 || r.Type == "object" || r.Type == ""):
		return r.Name[strings.LastIndexByte(r.Name, '.')+1:]
	case r.Type != "":
		return r.Type
	}
	return "Object"
}

// Span tells in which versions a field of a type is known.
type Span struct {
	Since   string // first known version that has it
	Removed string // version after the last one that has it; "" while the newest has it
}

// span returns the versions of a property of a definition; empty when they are not known.
func (s *Store) span(definition, property string) Span {
	s.mu.Lock()
	spans, ok := s.spans[definition]
	s.mu.Unlock()
	if !ok {
		spans = s.readSpans(definition)
		s.mu.Lock()
		s.spans[definition] = spans
		s.mu.Unlock()
	}
	return spans[property]
}

func (s *Store) readSpans(definition string) map[string]Span {
	in := map[string]uint32{}
	for _, body := range s.bundle.Types[definition].Bodies {
		raw, err := s.bundle.Definition(definition, bits.TrailingZeros32(body.In))
		if err != nil {
			return nil
		}
		var t struct {
			Properties map[string]struct{} `json:"properties"`
		}
		if json.Unmarshal(raw, &t) != nil {
			return nil
		}
		for name := range t.Properties {
			in[name] |= body.In
		}
	}
	spans := map[string]Span{}
	for name, versions := range in {
		span := Span{Since: s.bundle.Versions[bits.TrailingZeros32(versions)]}
		if last := bits.Len32(versions) - 1; last < len(s.bundle.Versions)-1 {
			span.Removed = s.bundle.Versions[last+1]
		}
		spans[name] = span
	}
	return spans
}

// Field finds a field by its path. Indices and JSONPath dots are passed over: spec.containers[0].image.
func (k *Kind) Field(path string) (*Field, error) {
	t, at := k.Type(), ""
	var f *Field
	for _, name := range Split(path) {
		if t == nil || t.Properties[name] == nil {
			return nil, &FieldError{Path: at, Name: name, Suggest: DidYouMean(name, names(t))}
		}
		f = k.store.field(t, name, at)
		at = f.Path
		t = k.store.element(f.schema)
	}
	if f == nil {
		return nil, &FieldError{}
	}
	return f, nil
}

func names(t *Type) []string {
	if t == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(t.Properties))
}

// Split takes a field path apart, without indices: spec, containers, image.
func Split(path string) (names []string) {
	for _, part := range strings.Split(path, ".") {
		if i := strings.IndexByte(part, '['); i >= 0 {
			part = part[:i]
		}
		if part != "" {
			names = append(names, part)
		}
	}
	return names
}

// SuggestField tells what a user most likely meant by a field that does not exist: its right
// spelling, or the place near by where a field of that name does exist.
func (k *Kind) SuggestField(path string) (name, place string) {
	parts := Split(path)
	if len(parts) == 0 {
		return "", ""
	}
	wrong := parts[len(parts)-1]
	parent := k.typeAt(parts[:len(parts)-1])
	if parent == nil {
		return "", ""
	}
	at := k.elementPath(parts[:len(parts)-1])
	if best := DidYouMean(wrong, names(parent)); best != "" {
		// A longer name that ends as the wrong one does may hold what was meant: template of spec.jobTemplate.spec.
		if longer := len(best) > len(wrong)+1 &&
			strings.HasSuffix(strings.ToLower(best), strings.ToLower(wrong)); longer {
			below, whole := k.store.below(parent, at, wrong), strings.TrimPrefix(at+"."+best, ".")
			if strings.HasPrefix(below, whole) {
				return "", below
			}
		}
		return best, ""
	}
	for n := len(parts) - 2; n >= 0; n-- { // levels up
		if k.typeAt(parts[:n]).Properties[wrong] != nil {
			return "", strings.TrimPrefix(k.elementPath(parts[:n])+"."+wrong, ".")
		}
	}
	if place = k.store.below(parent, at, wrong); place != "" {
		return "", place
	}
	for n := len(parts) - 2; n >= 0; n-- { // between pods, containers and their security contexts
		place = k.store.below(k.typeAt(parts[:n]), k.elementPath(parts[:n]), wrong)
		if strings.HasSuffix(place, "containers[]."+wrong) || strings.HasSuffix(place, "securityContext."+wrong) {
			return "", place
		}
	}
	return "", ""
}

// typeAt returns the type at the end of a path, of a list that of its elements; nil if the path does not exist.
func (k *Kind) typeAt(names []string) *Type {
	t := k.Type()
	for _, name := range names {
		if t == nil || t.Properties[name] == nil {
			return nil
		}
		t = k.store.element(t.Properties[name])
	}
	return t
}

// elementPath joins the names of a path, with brackets after those of lists.
func (k *Kind) elementPath(names []string) string {
	path := ""
	fields := k.Fields()
	for _, name := range names {
		i := slices.IndexFunc(fields, func(f *Field) bool { return f.Name == name })
		if i < 0 {
			return strings.Join(names, ".")
		}
		path = strings.TrimPrefix(path+"."+name+suffixOf(fields[i]), ".")
		fields = fields[i].Fields()
	}
	return path
}

// deepest is how many levels down a field of a name is looked for: from a Deployment to its containers.
const deepest = 5

// below finds the nearest field of a name beneath a type; "" when there is none, or several
// on one level, so that which one was meant is anybody's guess.
func (s *Store) below(t *Type, at, name string) string {
	found := s.holders(t, at, name, deepest)
	for _, path := range found { // a container is what people write about
		if len(found) == 1 || strings.HasSuffix(path, "containers[]") ||
			strings.HasSuffix(path, "containers[].securityContext") {
			return path + "." + name
		}
	}
	return ""
}

// holders returns the paths of the fields beneath a type that have a child of a name: those of the nearest level that
// has some, down to a number of levels.
func (s *Store) holders(t *Type, at, name string, levels int) (found []string) {
	level := s.fields(t, at)
	for range levels {
		var next []*Field
		for _, f := range level {
			path := f.Path + suffixOf(f)
			if f.Name == "status" && at == "" || f.Name == "initContainers" || f.Name == "ephemeralContainers" {
				continue
			}
			e := s.element(f.schema)
			if e.Properties[name] != nil {
				found = append(found, path)
			}
			next = append(next, s.fields(e, path)...)
		}
		if len(found) > 0 {
			return found
		}
		level = next
	}
	return nil
}

// FieldsNamed returns the fields on the nearest level beneath the holder of a path that have a child with the last name
// of the path, such as the two that have finalizers.
func (k *Kind) FieldsNamed(path string) []string {
	parts := Split(path)
	if len(parts) == 0 {
		return nil
	}
	last := len(parts) - 1
	holder := k.typeAt(parts[:last])
	if holder == nil {
		return nil
	}
	found := k.store.holders(holder, k.elementPath(parts[:last]), parts[last], 2)
	for i, place := range found {
		found[i] = strings.TrimSuffix(place, "[]")
	}
	return found
}

func suffixOf(f *Field) string {
	if strings.HasPrefix(f.Type, "[]") {
		return "[]"
	}
	return ""
}
