package lint

import (
	"cmp"
	"crypto/sha256"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/seatrial/seatrial/manifest"
)

// Base is the objects as they were before a change: an object that is in the base and in the set is judged as an
// update as well. The zero value and nil hold nothing.
type Base struct {
	objects map[baseKey][]*manifest.Document
	key     cacheKey // of its content
}

// baseKey is what makes two documents versions of one object, whatever their API version.
type baseKey struct{ group, kind, namespace, name string }

func baseKeyOf(d *manifest.Document) baseKey {
	return baseKey{gvkOf(d).Group, d.Object.Kind, namespaceOf(d), d.Object.Name}
}

// NewBase returns a base of some documents.
func NewBase(docs []*manifest.Document) *Base {
	b := &Base{objects: map[baseKey][]*manifest.Document{}}
	h := sha256.New()
	hashed := map[string]bool{}
	for _, d := range docs {
		if d.Object.Kind == "" || d.Object.Name == "" {
			continue
		}
		k := baseKeyOf(d)
		b.objects[k] = append(b.objects[k], d)
		if !hashed[d.File.Name] {
			hashed[d.File.Name] = true
			put(h, d.File.Name, string(d.File.Data))
		}
	}
	b.key = cacheKey(h.Sum(nil))
	return b
}

// Find returns the document that was there before d: of the same group, kind, namespace and name. Of several, as
// folders of environments have them, it is the one whose file has the most similar path; nil if that is not clear.
func (b *Base) Find(d *manifest.Document) *manifest.Document {
	if b == nil || d.Object.Name == "" {
		return nil
	}
	found := slices.Clone(b.objects[baseKeyOf(d)])
	if len(found) == 0 {
		return nil
	}
	likeness := func(o *manifest.Document) int { return alike(o.File.Name, d.File.Name) }
	slices.SortStableFunc(found, func(x, y *manifest.Document) int { return cmp.Compare(likeness(y), likeness(x)) })
	if len(found) > 1 && likeness(found[0]) == likeness(found[1]) {
		return nil
	}
	return found[0]
}

// alike returns how similar two paths are: how many folders they have in common, counted from the file upwards, and
// whether the files have the same name.
func alike(a, b string) (n int) {
	a, b = filepath.ToSlash(a), filepath.ToSlash(b)
	if path.Base(a) == path.Base(b) {
		n++
	}
	x, y := strings.Split(path.Dir(a), "/"), strings.Split(path.Dir(b), "/")
	for i := 1; i <= min(len(x), len(y)) && x[len(x)-i] == y[len(y)-i]; i++ {
		n += 2
	}
	return n
}

// beforeOf returns what a document of a base said of pods; nil if it said nothing, or there is none.
func beforeOf(old *manifest.Document) *Before {
	if old == nil {
		return nil
	}
	texts := func(path ...string) map[string]string {
		found, _, _ := unstructured.NestedStringMap(old.Value(), path...)
		return found
	}
	b := &Before{PodLabels: texts("spec", "template", "metadata", "labels")}
	if old.Object.Kind == "Service" {
		b.Selector = texts("spec", "selector")
	}
	if len(b.PodLabels)+len(b.Selector) == 0 {
		return nil
	}
	return b
}
