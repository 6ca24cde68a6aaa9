package validation

import (
	"encoding/json"
	"fmt"
	"reflect"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kjson "sigs.k8s.io/json"

	"k8s.io/kubernetes/pkg/api/legacyscheme"

	"github.com/seatrial/seatrial/internal/kubernetes/registry"
	"github.com/seatrial/seatrial/validation/verdict"
)

// UnconvertibleError says that there is no way from one kind to another.
type UnconvertibleError struct {
	From schema.GroupVersionKind
	To   schema.GroupVersion
}

func (e *UnconvertibleError) Error() string {
	return fmt.Sprintf("%s %s cannot be converted to %s", e.From.GroupVersion(), e.From.Kind, e.To)
}

// Converts reports whether objects of a kind can be converted to an API version.
func Converts(from schema.GroupVersionKind, to schema.GroupVersion) bool {
	_, err := schemeOf(from, to)
	return err == nil
}

// Knows reports whether the linked Kubernetes has a type for a kind, whether or not it serves it.
func Knows(gvk schema.GroupVersionKind) bool {
	return legacyscheme.Scheme.Recognizes(gvk) || registry.ExtensionScheme.Recognizes(gvk)
}

// schemeOf finds the scheme that knows both. A kind that is gone from the linked Kubernetes passes
// if the version that took its place is of the same group.
func schemeOf(from schema.GroupVersionKind, to schema.GroupVersion) (*runtime.Scheme, error) {
	for _, s := range []*runtime.Scheme{legacyscheme.Scheme, registry.ExtensionScheme} {
		if !s.Recognizes(to.WithKind(from.Kind)) {
			continue
		}
		if !s.Recognizes(from) {
			if from.Group == to.Group {
				return s, nil
			}
			continue
		}
		obj, err := s.New(from)
		if err != nil {
			continue
		}
		if _, err := convert(s, obj, to); err == nil {
			return s, nil
		}
	}
	return nil, &UnconvertibleError{from, to}
}

// Convert returns an object in another API version, as the API server would: the JSON value of what a user
// would have to write for it to mean the same. What the defaults of the new version say is left
// out, unless it was written. Causes tell what keeps the object from being read whole: a field
// that is not known would be lost. A kind that the linked Kubernetes no longer knows can be
// converted if what is written fits the new version as it stands.
func Convert(
	from schema.GroupVersionKind,
	doc []byte,
	to schema.GroupVersion,
) (out map[string]any, causes []verdict.Cause, err error) {
	defer func() {
		if crash := recover(); crash != nil {
			out, causes, err = nil, nil, fmt.Errorf("the conversion of Kubernetes crashed on this object: %v", crash)
		}
	}()
	s, err := schemeOf(from, to)
	if err != nil {
		return nil, nil, err
	}
	k := &kind{gvk: from, scheme: s, strict: strictJSON(s)}
	if !s.Recognizes(from) {
		return readAs(k, doc, to)
	}
	obj, d := k.decode(doc)
	if len(d.found) > 0 {
		return nil, d.found, nil
	}
	written, err := value(doc)
	if err != nil {
		return nil, nil, err
	}
	plain, err := converted(s, obj.DeepCopyObject(), to, false)
	if err != nil {
		return nil, nil, err
	}
	plain, _ = withoutZeros(plain, written).(map[string]any)
	s.Default(obj)
	whole, err := converted(s, obj, to, true)
	if err != nil {
		return nil, nil, err
	}
	redone, err := defaulted(s, plain, to.WithKind(from.Kind))
	if err != nil {
		return nil, nil, err
	}
	supplemented, _ := supplement(plain, redone, whole).(map[string]any)
	if written["status"] == nil { // a client does not write it
		delete(supplemented, "status")
	}
	return withoutEmpty(supplemented, written).(map[string]any), nil, nil
}

// readAs takes the text of a kind that is gone for one of the version that took its place.
func readAs(k *kind, doc []byte, to schema.GroupVersion) (map[string]any, []verdict.Cause, error) {
	written, err := value(doc)
	if err != nil {
		return nil, nil, err
	}
	written["apiVersion"] = to.String()
	moved, err := json.Marshal(written)
	if err != nil {
		return nil, nil, err
	}
	k.gvk = to.WithKind(k.gvk.Kind)
	_, d := k.decode(moved)
	return written, d.found, nil
}

func convert(s *runtime.Scheme, obj runtime.Object, to schema.GroupVersion) (runtime.Object, error) {
	internal, err := s.UnsafeConvertToVersion(obj, runtime.InternalGroupVersioner)
	if err != nil {
		return nil, err
	}
	return s.UnsafeConvertToVersion(internal, to)
}

// converted converts an object, which is used up.
func converted(s *runtime.Scheme, obj runtime.Object, to schema.GroupVersion, defaults bool) (map[string]any, error) {
	out, err := convert(s, obj, to)
	if err != nil {
		return nil, err
	}
	if defaults {
		s.Default(out)
	}
	return content(out)
}

// defaulted fills in the defaults of a value's version.
func defaulted(s *runtime.Scheme, v map[string]any, gvk schema.GroupVersionKind) (map[string]any, error) {
	obj, err := s.New(gvk)
	if err != nil {
		return nil, err
	}
	doc, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(doc, obj); err != nil {
		return nil, err
	}
	s.Default(obj)
	return content(obj)
}

func content(obj runtime.Object) (map[string]any, error) {
	doc, err := json.Marshal(obj)
	if err != nil {
		return nil, err
	}
	return value(doc)
}

func value(doc []byte) (v map[string]any, err error) {
	return v, kjson.UnmarshalCaseSensitivePreserveInts(doc, &v)
}

// supplement adds to a value what is to be in it and does not come by default: where the defaults
// of two versions differ, those of the old one have to be written down in the new one.
func supplement(plain, defaulted, wanted any) any {
	if reflect.DeepEqual(defaulted, wanted) {
		return plain
	}
	switch wanted := wanted.(type) {
	case map[string]any:
		d, isMap := defaulted.(map[string]any)
		p, _ := plain.(map[string]any)
		if !isMap {
			return wanted
		}
		out := map[string]any{}
		for key, v := range p {
			out[key] = v
		}
		for key, v := range wanted {
			if !reflect.DeepEqual(d[key], v) {
				out[key] = supplement(p[key], d[key], v)
			}
		}
		return out
	case []any:
		d, isList := defaulted.([]any)
		p, _ := plain.([]any)
		if !isList || len(d) != len(wanted) || len(p) != len(wanted) {
			return wanted
		}
		out := make([]any, len(wanted))
		for i := range wanted {
			out[i] = supplement(p[i], d[i], wanted[i])
		}
		return out
	}
	return wanted
}

// withoutZeros leaves out the zeros that only the encoder wrote: the defaults of the version say what stands there.
func withoutZeros(v, written any) any {
	switch v := v.(type) {
	case map[string]any:
		w, _ := written.(map[string]any)
		for key, value := range v {
			before, had := w[key]
			if zero := value == int64(0) || value == "" || value == false; zero && !had {
				delete(v, key)
				continue
			}
			v[key] = withoutZeros(value, before)
		}
	case []any:
		w, _ := written.([]any)
		for i := range v {
			var before any
			if i < len(w) {
				before = w[i]
			}
			v[i] = withoutZeros(v[i], before)
		}
	}
	return v
}

// withoutEmpty leaves out the empty values that only the encoder wrote: a null time of creation,
// a status without content.
func withoutEmpty(v, written any) any {
	switch v := v.(type) {
	case map[string]any:
		w, _ := written.(map[string]any)
		out := map[string]any{}
		for key, value := range v {
			before, had := w[key]
			value = withoutEmpty(value, before)
			if m, isMap := value.(map[string]any); had || value != nil && (!isMap || len(m) > 0) {
				out[key] = value
			}
		}
		return out
	case []any:
		w, _ := written.([]any)
		out := make([]any, len(v))
		for i := range v {
			var before any
			if i < len(w) {
				before = w[i]
			}
			out[i] = withoutEmpty(v[i], before)
		}
		return out
	}
	return v
}
