// Package convert rewrites manifests: from YAML to JSON and back, and from one API version to another.
//
// The central type is [Target], which decides the API version of each document; a [Form] writes a
// document in the order in which its author wrote it.
//
//	out, moved, err := convert.Target{Versions: versions}.Convert(doc)
//	err = convert.Forms[0].Write(w, out, doc)
package convert

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/seatrial/seatrial/manifest"
	kubernetes "github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/validation"
	"github.com/seatrial/seatrial/validation/verdict"
)

// Target says which API version a document is converted to. The zero value leaves all as they are.
type Target struct {
	Versions []schema.GroupVersion // the first that has the document's kind is taken
	Store    *kubernetes.Store     // of a Kubernetes version: what it does not serve moves to what it does; or nil
}

// RefusedError says why a document cannot be converted, and where.
type RefusedError struct {
	Document *manifest.Document
	Path     string // field path; empty for the document
	Message  string
}

func (e *RefusedError) Error() string {
	at := e.Document.Find(e.Path).Key.Start
	return fmt.Sprintf("%s:%d:%d: %s", e.Document.File.Name, at.Line, at.Column, e.Message)
}

// Convert returns the value of a document in the version of the target. Moved reports whether that is
// another one than it was written in. A field that is not known is an error, since it would be lost.
func (t Target) Convert(d *manifest.Document) (value map[string]any, moved bool, err error) {
	from := schema.FromAPIVersionAndKind(d.Object.APIVersion, d.Object.Kind)
	to, err := t.version(d, from)
	if err != nil || to == from.GroupVersion() {
		return d.Value(), false, err
	}
	value, causes, err := validation.Convert(from, d.JSON, to)
	switch {
	case err != nil:
		return nil, false, &RefusedError{d, "apiVersion", err.Error()}
	case len(causes) > 0:
		return nil, false, &RefusedError{d, causes[0].Path, causes[0].Message + ": it would be lost"}
	}
	return value, true, nil
}

// validator is made for the first object that is converted.
var validator = sync.OnceValues(validation.New)

// Judge returns what the API server refuses of a value that a document was converted to. A kind that the linked
// Kubernetes does not serve is not judged: another one is asked for.
func Judge(ctx context.Context, d *manifest.Document, value map[string]any) (refused []*RefusedError) {
	doc, err := json.Marshal(value)
	if err != nil {
		return []*RefusedError{{Document: d, Message: err.Error()}}
	}
	v, err := validator()
	if err != nil {
		return []*RefusedError{{Document: d, Message: err.Error()}}
	}
	apiVersion, _ := value["apiVersion"].(string)
	gvk := schema.FromAPIVersionAndKind(apiVersion, d.Object.Kind)
	for _, c := range v.Create(ctx, gvk, doc, cmp.Or(d.Object.Namespace, "default")).Causes {
		if c.Class == verdict.UnknownKind {
			continue
		}
		refused = append(refused, &RefusedError{Document: d, Path: c.Path, Message: fmt.Sprintf(
			"converted to %s, the API server refuses it: %s: %s", apiVersion, c.Path, c.Message,
		)})
	}
	return refused
}

// To returns a document as YAML in another API version. It is an error if the document cannot be converted to that, or
// the API server would refuse it.
func To(ctx context.Context, d *manifest.Document, apiVersion string) (string, error) {
	version, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return "", err
	}
	value, moved, err := Target{Versions: []schema.GroupVersion{version}}.Convert(d)
	if err != nil {
		return "", err
	}
	if !moved {
		return "", &RefusedError{d, "apiVersion", fmt.Sprintf("%s cannot be converted to %s", d.Object, apiVersion)}
	}
	if refused := Judge(ctx, d, value); len(refused) > 0 {
		return "", refused[0]
	}
	var out strings.Builder
	err = writeYAML(&out, value, d)
	return strings.TrimPrefix(out.String(), "---\n"), err
}

// version decides where a document goes.
func (t Target) version(d *manifest.Document, from schema.GroupVersionKind) (schema.GroupVersion, error) {
	for _, v := range t.Versions {
		if v == from.GroupVersion() || validation.Converts(from, v) {
			return v, nil
		}
	}
	if t.Store == nil || t.Store.Lookup(from) != nil || !known(from) {
		return from.GroupVersion(), nil
	}
	to, ok := t.Store.SuggestKind(from)
	if !ok || to.Kind != from.Kind || !validation.Converts(from, to.GroupVersion()) {
		return from.GroupVersion(), &RefusedError{
			d, "apiVersion",
			fmt.Sprintf(
				"%s %s is not served by Kubernetes %s, and nothing took its place", from.GroupVersion(), from.Kind,
				t.Store.Version,
			),
		}
	}
	return to.GroupVersion(), nil
}

// known reports whether any Kubernetes serves a kind, or did; custom resources are left as they are.
func known(gvk schema.GroupVersionKind) bool {
	if validation.Knows(gvk) {
		return true
	}
	for _, v := range kubernetes.Versions() {
		if s, err := kubernetes.Open(v); err == nil && s.Lookup(gvk) != nil {
			return true
		}
	}
	return false
}

// keysOf lists the keys of a map in the order in which they were written, then those that are new.
// The fields by which an object is known come first.
func keysOf(value map[string]any, like *manifest.Node, root bool) []string {
	var keys []string
	add := func(name string) {
		if _, ok := value[name]; ok && !slices.Contains(keys, name) {
			keys = append(keys, name)
		}
	}
	if like != nil {
		for _, f := range like.Target().Fields {
			add(f.Name)
		}
	}
	if root && len(keys) == 0 {
		for _, name := range strings.Fields("apiVersion kind metadata") {
			add(name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(value)) {
		add(name)
	}
	return keys
}

// child returns what was written at a key, or nil.
func child(like *manifest.Node, key string) *manifest.Node {
	if like == nil {
		return nil
	}
	if f := like.Get(key); f != nil {
		return f.Value
	}
	return nil
}

// item returns what was written as an element of a list, or nil.
func item(like *manifest.Node, i int) *manifest.Node {
	if like == nil || i >= len(like.Target().Items) {
		return nil
	}
	return like.Target().Items[i]
}
