package admission

import (
	"encoding/json"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured/unstructuredscheme"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/seatrial/seatrial/validation"
	"github.com/seatrial/seatrial/validation/verdict"
)

// kinds are the kinds of a set and how its objects are converted: what the API server passes to admission plugins. The
// objects are unstructured.
type kinds struct {
	runtime.ObjectTyper
	of          map[schema.GroupVersionKind]verdict.Kind
	equivalents runtime.EquivalentResourceRegistry
}

func newKinds(v Validator) (*kinds, error) {
	all, err := v.Kinds()
	if err != nil {
		return nil, err
	}
	k := &kinds{
		ObjectTyper: unstructuredscheme.NewUnstructuredObjectTyper(), of: map[schema.GroupVersionKind]verdict.Kind{},
		equivalents: runtime.NewEquivalentResourceRegistry(),
	}
	for _, kind := range append(all, v.Custom()...) {
		k.of[kind.GVK] = kind
		k.equivalents.RegisterKindFor(kind.GVK.GroupVersion().WithResource(kind.Resource), "", kind.GVK)
	}
	return k, nil
}

// resource returns the resource of a kind; of one that is not known by the usual rules for plurals.
func (k *kinds) resource(gvk schema.GroupVersionKind) schema.GroupVersionResource {
	if kind, ok := k.of[gvk]; ok {
		return gvk.GroupVersion().WithResource(kind.Resource)
	}
	plural, _ := meta.UnsafeGuessKindToResource(gvk)
	return plural
}

// GetObjectCreater implements admission.ObjectInterfaces.
func (k *kinds) GetObjectCreater() runtime.ObjectCreater { return k }

// GetObjectTyper implements admission.ObjectInterfaces.
func (k *kinds) GetObjectTyper() runtime.ObjectTyper { return k }

// GetObjectDefaulter implements admission.ObjectInterfaces.
func (k *kinds) GetObjectDefaulter() runtime.ObjectDefaulter { return k }

// GetObjectConvertor implements admission.ObjectInterfaces.
func (k *kinds) GetObjectConvertor() runtime.ObjectConvertor { return k }

// GetEquivalentResourceMapper implements admission.ObjectInterfaces.
func (k *kinds) GetEquivalentResourceMapper() runtime.EquivalentResourceMapper { return k.equivalents }

// New returns an empty object.
func (k *kinds) New(gvk schema.GroupVersionKind) (runtime.Object, error) {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(gvk)
	return o, nil
}

// Default leaves an object as it is: it has been defaulted.
func (k *kinds) Default(runtime.Object) {}

// Convert converts an object into the version of another one, which it replaces.
func (k *kinds) Convert(in, out, _ any) error {
	from, ok := in.(*unstructured.Unstructured)
	to, ok2 := out.(*unstructured.Unstructured)
	if !ok || !ok2 {
		return fmt.Errorf("cannot convert %T to %T", in, out)
	}
	version := to.GroupVersionKind().GroupVersion()
	converted, err := k.ConvertToVersion(from, version)
	if err != nil {
		return err
	}
	to.Object = converted.(*unstructured.Unstructured).Object
	return nil
}

// ConvertToVersion converts an object.
func (k *kinds) ConvertToVersion(in runtime.Object, to runtime.GroupVersioner) (runtime.Object, error) {
	o, ok := in.(*unstructured.Unstructured)
	if !ok {
		return nil, fmt.Errorf("cannot convert %T", in)
	}
	gvk := o.GroupVersionKind()
	wanted, ok := to.KindForGroupVersionKinds([]schema.GroupVersionKind{gvk})
	if !ok || wanted.GroupVersion() == gvk.GroupVersion() {
		return in, nil
	}
	if !validation.Knows(gvk) { // versions of a custom resource have the same schema, or a webhook
		out := o.DeepCopy()
		out.SetGroupVersionKind(wanted)
		return out, nil
	}
	doc, err := json.Marshal(o.Object)
	if err != nil {
		return nil, err
	}
	value, _, err := validation.Convert(gvk, doc, wanted.GroupVersion())
	if err != nil {
		return nil, err
	}
	out := &unstructured.Unstructured{Object: value}
	out.SetGroupVersionKind(wanted)
	return out, nil
}

// ConvertFieldLabel is not asked.
func (k *kinds) ConvertFieldLabel(_ schema.GroupVersionKind, label, value string) (string, string, error) {
	return label, value, nil
}

// builtin merges objects of Kubernetes' own kinds.
var builtin = sync.OnceValue(func() managedfields.TypeConverter {
	return applyconfigurations.NewTypeConverter(scheme.Scheme)
})
