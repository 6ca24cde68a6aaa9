package review

import (
	"encoding/json"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/redact"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation/verdict"
)

// NewObject returns an object with the API server's verdict on it.
func NewObject(d *manifest.Document, v verdict.Verdict, place source.Range) *Object {
	return &Object{Document: d, Typed: v.Object, Resource: lint.ResourceOf(d, v), Place: place}
}

// CompareAs has the object compared as it would be stored in another version of the API.
func (o *Object) CompareAs(obj runtime.Object) { o.stored = content(obj) }

// UpdatedTo says what the update makes of the object of the old side. Fields that apply leaves as the server has them,
// since neither side writes them, are no changes.
func (o *Object) UpdatedTo(obj runtime.Object) { o.updated = content(obj) }

// Stored returns the object as decoded JSON, as the API server stores it; as it is written if it cannot be decoded.
func (o *Object) Stored() map[string]any {
	if o.stored == nil {
		if o.stored = content(o.Typed); o.stored == nil {
			o.stored = o.Document.Value()
		}
	}
	return o.stored
}

// content returns an object as decoded JSON; nil if there is none.
func content(obj runtime.Object) map[string]any {
	switch o := obj.(type) {
	case nil:
		return nil
	case *unstructured.Unstructured:
		return o.Object
	case *corev1.Secret:
		obj = merged(o)
	}
	data, err := json.Marshal(obj) // quantities as the server writes them
	if err != nil {
		return nil
	}
	value := &unstructured.Unstructured{}
	if value.UnmarshalJSON(data) == nil {
		return value.Object
	}
	var plain map[string]any
	if json.Unmarshal(data, &plain) != nil {
		return nil
	}
	return plain
}

// merged returns a Secret with stringData among its data, where the server keeps it.
func merged(s *corev1.Secret) *corev1.Secret {
	if len(s.StringData) == 0 {
		return s
	}
	s = s.DeepCopy()
	data := maps.Clone(s.Data)
	if data == nil {
		data = map[string][]byte{}
	}
	for key, value := range s.StringData {
		data[key] = []byte(value)
	}
	s.Data, s.StringData = data, nil
	return s
}

// isSecret reports whether values of the object must not be shown.
func (o *Object) isSecret() bool { return o.Resource.Object.Kind == "Secret" }

// withoutValues takes the values of a Secret out of its fields.
func withoutValues(fields []Field) []Field {
	for i := range fields {
		f := &fields[i]
		if !underAny(f.Path, "data", "stringData", "binaryData") {
			continue
		}
		f.Lines = nil
		for _, value := range []*string{&f.Before, &f.After} {
			if *value != "" {
				*value = redact.Mask
			}
		}
	}
	return fields
}

// under reports whether a path is a field, or lies below it.
func under(path, field string) bool {
	if len(path) < len(field) || path[:len(field)] != field {
		return false
	}
	return len(path) == len(field) || path[len(field)] == '.' || path[len(field)] == '[' || path[len(field)] == ' '
}

func underAny(path string, fields ...string) bool {
	for _, f := range fields {
		if under(path, f) {
			return true
		}
	}
	return false
}

// shown returns the object as reports name it.
func (o *Object) shown() diag.Object {
	object := o.Resource.Object
	object.Name = o.Name()
	return object
}
