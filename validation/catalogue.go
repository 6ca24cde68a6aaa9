package validation

import (
	"context"
	"fmt"
	"slices"
	"sync"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kjson "sigs.k8s.io/json"

	"github.com/seatrial/seatrial/internal/kubernetes/registry"
	"github.com/seatrial/seatrial/validation/custom"
	"github.com/seatrial/seatrial/validation/verdict"
)

// Definition is a CustomResourceDefinition that somebody else's release brings.
type Definition struct {
	Release  string                 // that it is taken from: cert-manager v1.18.2, or the file of a JSON schema
	Local    bool                   // Release is the path of what holds it, beside the set that is judged
	Guessed  bool                   // the user did not say which release is in use
	Versions []string               // API versions that it serves
	JSON     func() ([]byte, error) // of the definition, which its API server is known to accept
}

// Catalogue knows kinds that nothing read defines. It may be shared by validators, and used from many goroutines.
type Catalogue struct {
	// Meant returns the group and kind that are most likely meant by ones that the catalogue does not know, or empty
	// texts. It may be nil.
	Meant func(group, kind string) (meantGroup, meantKind string)

	lookup func(group, kind string) []Definition

	mu    sync.Mutex
	kinds map[schema.GroupKind][]*release
}

// release is a definition that is compiled when the first object is judged by it.
type release struct {
	Definition
	registry func() (*custom.Registry, error)
}

// NewCatalogue returns a catalogue of definitions, which are looked up by kind, the one that judges first at the
// beginning.
func NewCatalogue(lookup func(group, kind string) []Definition) *Catalogue {
	return &Catalogue{lookup: lookup, kinds: map[schema.GroupKind][]*release{}}
}

// releases returns the definitions of a kind.
func (c *Catalogue) releases(kind schema.GroupKind) []*release {
	c.mu.Lock()
	defer c.mu.Unlock()
	if found, ok := c.kinds[kind]; ok {
		return found
	}
	var found []*release
	for _, d := range c.lookup(kind.Group, kind.Kind) {
		found = append(found, &release{d, sync.OnceValues(d.compile)})
	}
	c.kinds[kind] = found
	return found
}

// compile makes a definition known to a registry of its own.
func (d Definition) compile() (*custom.Registry, error) {
	data, err := d.JSON()
	if err != nil {
		return nil, err
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(data, crd); err != nil {
		return nil, fmt.Errorf("definition of %s: %w", d.Release, err)
	}
	registry.ExtensionScheme.Default(crd)
	definition, err := custom.NewDefinition(crd)
	if err != nil {
		return nil, err
	}
	r := custom.NewRegistry()
	r.Add(definition)
	return r, nil
}

// create judges an object by the first release that accepts it. If none does, the verdict is that of the first one
// that serves its API version; known is false if there is none.
func (c *Catalogue) create(
	ctx context.Context, gvk schema.GroupVersionKind, doc []byte, namespace string,
) (answer verdict.Verdict, known bool) {
	for _, r := range c.releases(gvk.GroupKind()) {
		if !slices.Contains(r.Versions, gvk.Version) {
			continue
		}
		definitions, err := r.registry()
		if err != nil {
			return failed(err), true
		}
		v, ok := definitions.Create(ctx, gvk, doc, namespace)
		if !ok {
			continue
		}
		v.Release, v.Local, v.Guessed = r.Release, r.Local, r.Guessed
		if v.Accepted() {
			return v, true
		}
		if !known {
			answer, known = v, true
		}
	}
	return answer, known
}

// update judges the update of an object by the first release that accepts it as a new one, or else by the first that
// serves its API version.
func (c *Catalogue) update(
	ctx context.Context, gvk schema.GroupVersionKind, old, doc []byte, namespace string,
) (answer verdict.Verdict, judged bool) {
	for _, r := range c.releases(gvk.GroupKind()) {
		if !slices.Contains(r.Versions, gvk.Version) {
			continue
		}
		definitions, err := r.registry()
		if err != nil {
			return failed(err), true
		}
		created, known := definitions.Create(ctx, gvk, doc, namespace)
		if !known || judged && !created.Accepted() {
			continue
		}
		if answer, judged = definitions.Update(ctx, gvk, old, doc, namespace); created.Accepted() {
			break
		}
	}
	return answer, judged
}

// SetCatalogue sets the catalogue that [Validator.UseCatalogue] makes known.
func (v *Validator) SetCatalogue(c *Catalogue) { v.catalogue = c }

// UseCatalogue makes the kinds of the catalogue known from now on, but for those that a definition was read of, and
// some others.
func (v *Validator) UseCatalogue(except func(group, kind string) bool) { v.except = except }

// createByCatalogue judges an object of a kind that nothing read defines.
func (v *Validator) createByCatalogue(
	ctx context.Context, gvk schema.GroupVersionKind, doc []byte, namespace string,
) (verdict.Verdict, bool) {
	if !v.usesCatalogue(gvk) {
		return verdict.Verdict{}, false
	}
	return v.catalogue.create(ctx, gvk, doc, namespace)
}

// Meant returns the group and kind of the catalogue that are most likely meant by ones that nothing defines, or empty
// texts.
func (v *Validator) Meant(group, kind string) (meantGroup, meantKind string) {
	if v.catalogue == nil || v.catalogue.Meant == nil {
		return "", ""
	}
	return v.catalogue.Meant(group, kind)
}

// usesCatalogue reports whether the catalogue judges a kind that is not built in.
func (v *Validator) usesCatalogue(gvk schema.GroupVersionKind) bool {
	return v.catalogue != nil && v.except != nil && !v.custom.Defines(gvk.GroupKind()) && !v.except(gvk.Group, gvk.Kind)
}
