package cluster

import (
	"cmp"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/informers/apps"
	"k8s.io/client-go/informers/batch"
	"k8s.io/client-go/informers/core"
	"k8s.io/client-go/informers/internalinterfaces"
	"k8s.io/client-go/informers/policy"
	"k8s.io/client-go/informers/storage"
	"k8s.io/client-go/tools/cache"
)

// ordered makes informers whose caches list objects in the order of their UIDs. The caches of
// client-go list them in the order of a map, which is another one each time, and some controllers
// choose the first of several that are equally good.
type ordered struct {
	informers.SharedInformerFactory
}

func (o ordered) InformerFor(obj runtime.Object, make internalinterfaces.NewInformerFunc) cache.SharedIndexInformer {
	return orderedInformer{o.SharedInformerFactory.InformerFor(obj, make)}
}

func (o ordered) Apps() apps.Interface   { return apps.New(o, metav1.NamespaceAll, nil) }
func (o ordered) Batch() batch.Interface { return batch.New(o, metav1.NamespaceAll, nil) }
func (o ordered) Core() core.Interface   { return core.New(o, metav1.NamespaceAll, nil) }
func (o ordered) Policy() policy.Interface {
	return policy.New(o, metav1.NamespaceAll, nil)
}
func (o ordered) Storage() storage.Interface {
	return storage.New(o, metav1.NamespaceAll, nil)
}

type orderedInformer struct{ cache.SharedIndexInformer }

func (i orderedInformer) GetStore() cache.Store { return i.GetIndexer() }
func (i orderedInformer) GetIndexer() cache.Indexer {
	return orderedIndexer{i.SharedIndexInformer.GetIndexer()}
}

type orderedIndexer struct{ cache.Indexer }

func (i orderedIndexer) List() []any { return inOrder(i.Indexer.List()) }

func (i orderedIndexer) Index(name string, obj any) ([]any, error) {
	objects, err := i.Indexer.Index(name, obj)
	return inOrder(objects), err
}

func (i orderedIndexer) ByIndex(name, value string) ([]any, error) {
	objects, err := i.Indexer.ByIndex(name, value)
	return inOrder(objects), err
}

func inOrder(objects []any) []any {
	if len(objects) > 1 {
		slices.SortFunc(objects, func(a, b any) int { return cmp.Compare(uidOf(a), uidOf(b)) })
	}
	return objects
}

func uidOf(obj any) string {
	if pod, ok := obj.(*v1.Pod); ok {
		return string(pod.UID) // by far the most
	}
	o, err := meta.Accessor(obj)
	if err != nil {
		return ""
	}
	return string(o.GetUID())
}
