package admission

import (
	"context"
	"fmt"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/scheme"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/seatrial/seatrial/lint"
)

// namespaces lists the Namespaces of a set. One that it does not define is assumed to exist.
type namespaces struct {
	corelisters.NamespaceLister // not asked for lists
	known                       map[string]*corev1.Namespace
}

func newNamespaces(objects []lint.PolicyObject) *namespaces {
	n := &namespaces{known: map[string]*corev1.Namespace{}}
	for _, o := range objects {
		ns := &corev1.Namespace{}
		if runtime.DefaultUnstructuredConverter.FromUnstructured(o.Value, ns) != nil {
			ns = &corev1.Namespace{}
		}
		n.known[o.Object.Name] = named(ns, o.Object.Name)
	}
	return n
}

// named labels a Namespace with its name, as the server does.
func named(ns *corev1.Namespace, name string) *corev1.Namespace {
	ns.Name = name
	ns.Labels = labels.Merge(ns.Labels, labels.Set{corev1.LabelMetadataName: name})
	return ns
}

// Get returns a Namespace.
func (n *namespaces) Get(name string) (*corev1.Namespace, error) {
	if ns := n.known[name]; ns != nil {
		return ns, nil
	}
	return named(&corev1.Namespace{}, name), nil
}

// parameters finds the objects that policies have as their parameters.
type parameters struct {
	kinds     *kinds
	objects   func(schema.GroupKind) ([]lint.PolicyObject, error)
	informers map[schema.GroupVersionKind]*informer
}

// find fills in what a policy needs for its parameters.
func (p *parameters) find(
	kind *admissionv1.ParamKind, of *informers.GenericInformer, scope *meta.RESTScope, problem *error,
) error {
	if kind == nil {
		return nil
	}
	gvk := schema.FromAPIVersionAndKind(kind.APIVersion, kind.Kind)
	known, ok := p.kinds.of[gvk]
	if !ok {
		*problem = fmt.Errorf("failed to find resource referenced by paramKind: '%v'", gvk)
		return nil
	}
	*scope = meta.RESTScopeRoot
	if known.Namespaced {
		*scope = meta.RESTScopeNamespace
	}
	if p.informers[gvk] == nil {
		if err := p.load(gvk); err != nil {
			return err
		}
	}
	*of = p.informers[gvk]
	return nil
}

// load makes the objects of a kind known.
func (p *parameters) load(gvk schema.GroupVersionKind) error {
	objects, err := p.objects(gvk.GroupKind())
	if err != nil {
		return err
	}
	index := cache.NewIndexer(
		cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc},
	)
	for _, o := range objects {
		value := (&unstructured.Unstructured{Object: o.Value}).DeepCopy()
		value.SetNamespace(o.Object.Namespace)
		converted, err := p.kinds.ConvertToVersion(value, gvk.GroupVersion())
		if err != nil {
			return fmt.Errorf("reading %s as a parameter: %w", o.Object, err)
		}
		if err := index.Add(converted); err != nil {
			return err
		}
	}
	p.informers[gvk] = &informer{lister: cache.NewGenericLister(index, p.kinds.resource(gvk).GroupResource())}
	return nil
}

// informer lists objects that do not change.
type informer struct {
	cache.SharedIndexInformer // asked for no more than whether it has synced
	lister                    cache.GenericLister
}

// Informer implements informers.GenericInformer.
func (i *informer) Informer() cache.SharedIndexInformer { return i }

// Lister implements informers.GenericInformer.
func (i *informer) Lister() cache.GenericLister { return i.lister }

// HasSynced reports that all objects are known.
func (i *informer) HasSynced() bool { return true }

// typeConverters merges objects by the schemas of Kubernetes' own kinds; of custom resources lists are replaced.
type typeConverters struct{}

// GetTypeConverter implements patch.TypeConverterManager.
func (typeConverters) GetTypeConverter(gvk schema.GroupVersionKind) managedfields.TypeConverter {
	if scheme.Scheme.Recognizes(gvk) {
		return builtin()
	}
	return managedfields.NewDeducedTypeConverter()
}

// Run implements patch.TypeConverterManager.
func (typeConverters) Run(context.Context) {}
