package validation

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kjsonserializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
	kjson "sigs.k8s.io/json"

	"github.com/seatrial/seatrial/validation/verdict"
)

// strictJSON returns the decoder that a request with fieldValidation=Strict gets.
func strictJSON(scheme *runtime.Scheme) runtime.Serializer {
	return kjsonserializer.NewSerializerWithOptions(
		kjsonserializer.DefaultMetaFactory,
		scheme,
		scheme,
		kjsonserializer.SerializerOptions{Strict: true},
	)
}

// decoding is what came of decoding an object.
type decoding struct {
	found   []verdict.Cause
	removed map[string]bool // paths of values that had to be taken out to go on
	above   map[string]bool // paths of what holds them
}

// remove notes that a value had to be taken out.
func (d *decoding) remove(path string) {
	if d.removed == nil {
		d.removed, d.above = map[string]bool{}, map[string]bool{}
	}
	d.removed[path] = true
	for prefix := range prefixes(path) {
		d.above[prefix] = true
	}
}

// explains reports whether a value that was taken out is the true reason for a cause: it is missing for validation,
// which says nothing about the document. What validation says of one key or value beside it holds all the same.
func (d *decoding) explains(c verdict.Cause) bool {
	if d.removed == nil {
		return false
	}
	if d.removed[c.Path] || d.above[c.Path] && !ofOne(c) {
		return true
	}
	for prefix := range prefixes(c.Path) {
		if d.removed[prefix] {
			return true
		}
	}
	return false
}

// prefixes returns the paths of what holds the value at a path, the object itself left out.
func prefixes(path string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := 1; i < len(path); i++ {
			if (path[i] == '.' || path[i] == '[') && !yield(path[:i]) {
				return
			}
		}
	}
}

// decode reads an object into its versioned type. The server stops at the first value of a wrong
// type; here all of them are told, each in the words that the server has for it, and the object
// without them is returned.
func (k *kind) decode(doc []byte) (runtime.Object, decoding) {
	if mayBeImmense(doc) && k.holdsImmense(doc) {
		return k.decodeAround(doc, errImmense)
	}
	obj, err := k.scheme.New(k.gvk)
	if err == nil { // what the server's decoder does with a document that is as it should be
		strict, err := kjson.UnmarshalStrict(doc, obj)
		if err == nil && len(strict) == 0 {
			return obj, decoding{}
		}
	}
	obj, _, err = k.strict.Decode(doc, &k.gvk, nil)
	if runtime.IsStrictDecodingError(err) && obj != nil {
		return obj, decoding{found: strictCauses(err)}
	}
	return k.decodeAround(doc, err)
}

// strictCauses lists unknown and duplicate fields.
func strictCauses(err error) (causes []verdict.Cause) {
	strict, _ := runtime.AsStrictDecodingError(err)
	for _, e := range strict.Errors() {
		text := e.Error()
		c := verdict.Cause{Class: verdict.UnknownField, Reason: string(metav1.StatusReasonBadRequest), Message: text}
		if strings.HasPrefix(text, "duplicate field") {
			c.Class = verdict.Duplicate
		}
		if _, quoted, ok := strings.Cut(text, "field "); ok {
			if path, err := strconv.Unquote(quoted); err == nil {
				c.Path = path
			}
		}
		causes = append(causes, c)
	}
	return causes
}

// decodeAround finds the values that do not fit their type and decodes the rest.
func (k *kind) decodeAround(doc []byte, first error) (runtime.Object, decoding) {
	whole := decoding{
		found: []verdict.Cause{
			{Class: verdict.WrongType, Reason: string(metav1.StatusReasonBadRequest), Message: trimDecodeError(first)},
		},
	}
	empty, err := k.scheme.New(k.gvk)
	if err != nil {
		return nil, whole
	}
	var value map[string]any
	if kjson.UnmarshalCaseSensitivePreserveInts(doc, &value) != nil {
		return nil, whole
	}
	wrong := typeErrors(value, reflect.TypeOf(empty).Elem(), nil)
	if len(wrong) == 0 {
		return nil, whole
	}
	d := decoding{}
	for _, at := range wrong {
		d.found = append(d.found, verdict.Cause{
			Class:   verdict.WrongType,
			Reason:  string(metav1.StatusReasonBadRequest),
			Path:    at.String(),
			Message: k.decodeAlone(value, at),
		})
		d.remove(at.String())
	}
	rest, err := json.Marshal(without(value, wrong))
	if err != nil {
		return nil, d
	}
	obj, _, err := k.strict.Decode(rest, &k.gvk, nil)
	if runtime.IsStrictDecodingError(err) {
		d.found = append(d.found, strictCauses(err)...)
	} else if err != nil {
		return nil, d
	}
	return obj, d
}

// decodeAlone returns what the server says of one value that does not fit its type, if everything else does.
func (k *kind) decodeAlone(value map[string]any, at fieldPath) string {
	v, doc := only(value, at)
	if immense(v) {
		return fmt.Sprintf("quantity %v is beyond all bounds: a server would calculate with it for minutes", shorten(v))
	}
	text, err := json.Marshal(doc)
	if err == nil {
		_, _, err = k.strict.Decode(text, &k.gvk, nil)
	}
	if err == nil || runtime.IsStrictDecodingError(err) {
		return fmt.Sprintf("cannot decode the value of %s", at)
	}
	return trimDecodeError(err)
}

// only returns the value at a path, and what holds it with nothing beside it. A list keeps one element.
func only(v any, at fieldPath) (leaf, doc any) {
	if len(at) == 0 {
		return v, v
	}
	switch step := at[0].(type) {
	case string:
		leaf, below := only(v.(map[string]any)[step], at[1:])
		return leaf, map[string]any{step: below}
	case int:
		leaf, below := only(v.([]any)[step], at[1:])
		return leaf, []any{below}
	}
	return nil, nil
}

// trimDecodeError takes the wrapping off a decoder's message that only repeats the kind.
func trimDecodeError(err error) string {
	return strings.TrimPrefix(err.Error(), "unable to decode: ")
}

// fieldPath is a path of map keys (string) and list indices (int).
type fieldPath []any

func (p fieldPath) with(element any) fieldPath { return append(slices.Clip(slices.Clone(p)), element) }

func (p fieldPath) String() string {
	var b strings.Builder
	for _, e := range p {
		switch e := e.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", e)
		case string:
			if strings.ContainsAny(e, "./[]") {
				fmt.Fprintf(&b, "[%s]", e)
				continue
			}
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(e)
		}
	}
	return b.String()
}

// without copies a value, less what stands at some paths.
func without(v any, paths []fieldPath) any {
	here := map[any][]fieldPath{}
	for _, p := range paths {
		if len(p) > 0 {
			here[p[0]] = append(here[p[0]], p[1:])
		}
	}
	gone := func(key any) bool {
		return slices.ContainsFunc(here[key], func(p fieldPath) bool { return len(p) == 0 })
	}
	switch v := v.(type) {
	case map[string]any:
		out := maps.Clone(v)
		for key := range v {
			if gone(key) {
				delete(out, key)
			} else if len(here[key]) > 0 {
				out[key] = without(v[key], here[key])
			}
		}
		return out
	case []any:
		out := slices.Clone(v)
		for i := range v {
			if gone(i) {
				out[i] = nil
			} else if len(here[i]) > 0 {
				out[i] = without(v[i], here[i])
			}
		}
		return out
	}
	return v
}

var unmarshalerType = reflect.TypeFor[json.Unmarshaler]()

// typeErrors lists the places where a decoded JSON value does not fit a Go type.
func typeErrors(v any, t reflect.Type, at fieldPath) (out []fieldPath) {
	if v == nil {
		return nil
	}
	if t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(unmarshalerType) {
		if fits(v, t) {
			return nil
		}
		return []fieldPath{at}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typeErrors(v, t.Elem(), at)
	case reflect.Struct:
		m, ok := v.(map[string]any)
		if !ok {
			return []fieldPath{at}
		}
		for _, f := range reflect.VisibleFields(t) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if value, ok := m[name]; ok && name != "" && name != "-" {
				out = append(out, typeErrors(value, f.Type, at.with(name))...)
			}
		}
	case reflect.Map:
		m, ok := v.(map[string]any)
		if !ok {
			return []fieldPath{at}
		}
		for _, key := range slices.Sorted(maps.Keys(m)) {
			out = append(out, typeErrors(m[key], t.Elem(), at.with(key))...)
		}
	case reflect.Slice:
		list, ok := v.([]any)
		if !ok {
			if t.Elem().Kind() == reflect.Uint8 && fits(v, t) {
				return nil
			}
			return []fieldPath{at}
		}
		for i := range list {
			out = append(out, typeErrors(list[i], t.Elem(), at.with(i))...)
		}
	default:
		if !fits(v, t) {
			return []fieldPath{at}
		}
	}
	return out
}

// fits asks the decoder itself whether a value can be read as a type.
func fits(v any, t reflect.Type) bool {
	if t == quantityType && immense(v) {
		return false
	}
	data, err := json.Marshal(v)
	return err == nil && kjson.UnmarshalCaseSensitivePreserveInts(data, reflect.New(t).Interface()) == nil
}
