package informers

import (
	"cmp"
	"slices"
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/informers/admissionregistration"
	"k8s.io/client-go/informers/apps"
	"k8s.io/client-go/informers/autoscaling"
	"k8s.io/client-go/informers/batch"
	"k8s.io/client-go/informers/coordination"
	"k8s.io/client-go/informers/core"
	"k8s.io/client-go/informers/discovery"
	"k8s.io/client-go/informers/internalinterfaces"
	"k8s.io/client-go/informers/policy"
	"k8s.io/client-go/informers/rbac"
	"k8s.io/client-go/informers/resource"
	"k8s.io/client-go/informers/scheduling"
	"k8s.io/client-go/informers/storage"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"
)

// Sorted wraps a factory so that lists and notifications are sorted by UID. Those of client-go are in the order of a
// map, which differs each time, and some controllers choose the first of several objects that are equally good.
// Notifications pass through the batch.
type Sorted struct {
	informers.SharedInformerFactory
	Notifications *EventBatch
}

func (o Sorted) InformerFor(obj runtime.Object, make internalinterfaces.NewInformerFunc) cache.SharedIndexInformer {
	return o.Notifications.sorted(o.SharedInformerFactory.InformerFor(obj, make))
}

func (o Sorted) ForResource(gvr schema.GroupVersionResource) (informers.GenericInformer, error) {
	i, err := o.SharedInformerFactory.ForResource(gvr)
	if err != nil {
		return nil, err
	}
	return sortedGeneric{i, gvr.GroupResource(), o.Notifications}, nil
}

// SortedMetadata does the same for informers that hold metadata alone.
type SortedMetadata struct {
	metadatainformer.SharedInformerFactory
	Notifications *EventBatch
}

func (o SortedMetadata) ForResource(gvr schema.GroupVersionResource) informers.GenericInformer {
	return sortedGeneric{o.SharedInformerFactory.ForResource(gvr), gvr.GroupResource(), o.Notifications}
}

func (o Sorted) Admissionregistration() admissionregistration.Interface {
	return admissionregistration.New(o, metav1.NamespaceAll, nil)
}
func (o Sorted) Apps() apps.Interface { return apps.New(o, metav1.NamespaceAll, nil) }
func (o Sorted) Autoscaling() autoscaling.Interface {
	return autoscaling.New(o, metav1.NamespaceAll, nil)
}
func (o Sorted) Batch() batch.Interface { return batch.New(o, metav1.NamespaceAll, nil) }
func (o Sorted) Coordination() coordination.Interface {
	return coordination.New(o, metav1.NamespaceAll, nil)
}
func (o Sorted) Core() core.Interface           { return core.New(o, metav1.NamespaceAll, nil) }
func (o Sorted) Discovery() discovery.Interface { return discovery.New(o, metav1.NamespaceAll, nil) }
func (o Sorted) Policy() policy.Interface       { return policy.New(o, metav1.NamespaceAll, nil) }
func (o Sorted) Rbac() rbac.Interface           { return rbac.New(o, metav1.NamespaceAll, nil) }
func (o Sorted) Resource() resource.Interface   { return resource.New(o, metav1.NamespaceAll, nil) }
func (o Sorted) Scheduling() scheduling.Interface {
	return scheduling.New(o, metav1.NamespaceAll, nil)
}
func (o Sorted) Storage() storage.Interface { return storage.New(o, metav1.NamespaceAll, nil) }

// sortedGeneric is an informer by the name of its resource.
type sortedGeneric struct {
	informers.GenericInformer
	resource schema.GroupResource
	batch    *EventBatch
}

func (g sortedGeneric) Informer() cache.SharedIndexInformer {
	return g.batch.sorted(g.GenericInformer.Informer())
}

func (g sortedGeneric) Lister() cache.GenericLister {
	return cache.NewGenericLister(g.Informer().GetIndexer(), g.resource)
}

func (p *EventBatch) sorted(i cache.SharedIndexInformer) cache.SharedIndexInformer {
	lists := p.listsOf(i)
	return View{i, func(x cache.Indexer) cache.Indexer { return sortedIndexer{x, lists} }, p.wrap}
}

// listsOf returns the lists that all views of an informer share.
func (p *EventBatch) listsOf(i cache.SharedIndexInformer) *sortedLists {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lists[i] == nil {
		if p.lists == nil {
			p.lists = map[cache.SharedIndexInformer]*sortedLists{}
		}
		p.lists[i] = &sortedLists{}
	}
	return p.lists[i]
}

// sortedIndexer sorts lists, and keeps them until something changes: the pods of each node are listed every
// five seconds.
type sortedIndexer struct {
	cache.Indexer
	known *sortedLists
}

func (o sortedIndexer) List() []any {
	list, _ := o.list(listed{}, func() ([]any, error) { return o.Indexer.List(), nil }) // it cannot fail
	return list
}

func (o sortedIndexer) Index(name string, obj any) ([]any, error) {
	if meta, ok := obj.(*metav1.ObjectMeta); ok && name == cache.NamespaceIndex {
		return o.ByIndex(name, meta.Namespace)
	}
	objects, err := o.Indexer.Index(name, obj)
	return sortByUID(objects), err
}

func (o sortedIndexer) ByIndex(name, value string) ([]any, error) {
	return o.list(listed{name, value}, func() ([]any, error) { return o.Indexer.ByIndex(name, value) })
}

// list returns a copy of a list, which its caller may change.
func (o sortedIndexer) list(what listed, ask func() ([]any, error)) ([]any, error) {
	version := o.LastStoreSyncResourceVersion()
	if list, ok := o.known.get(version, what); ok {
		return slices.Clone(list), nil
	}
	list, err := ask()
	if err != nil {
		return nil, err
	}
	list = sortByUID(list)
	o.known.keep(version, what, slices.Clone(list))
	return list, nil
}

// listed identifies a list: all objects, or those with a value in an index.
type listed struct{ index, value string }

// sortedLists are the lists of one version of a store.
type sortedLists struct {
	mu      sync.Mutex
	version string
	lists   map[listed][]any
}

func (l *sortedLists) get(version string, what listed) ([]any, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	list, ok := l.lists[what]
	return list, ok && version == l.version
}

func (l *sortedLists) keep(version string, what listed, list []any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if version != l.version || l.lists == nil {
		l.version, l.lists = version, map[listed][]any{}
	}
	if version != "" {
		l.lists[what] = list
	}
}

// replaySorted replays existing objects in UID order to a handler that registers late. No notification may be
// on its way to the informer meanwhile.
func replaySorted(i cache.SharedIndexInformer, handler cache.ResourceEventHandler) cache.ResourceEventHandler {
	if known := len(i.GetStore().ListKeys()); known > 1 {
		return &sortedReplay{ResourceEventHandler: handler, missing: known}
	}
	return handler
}

// sortedReplay collects the objects that an informer had before this handler, and passes them on in order.
type sortedReplay struct {
	cache.ResourceEventHandler
	missing int // number of objects that have yet to be passed on
	known   []any
}

func (l *sortedReplay) OnAdd(obj any, initial bool) {
	if l.missing == 0 {
		l.ResourceEventHandler.OnAdd(obj, initial)
		return
	}
	l.known = append(l.known, obj)
	if l.missing--; l.missing > 0 {
		return
	}
	for _, o := range sortByUID(l.known) {
		l.ResourceEventHandler.OnAdd(o, initial)
	}
	l.known = nil
}

func sortByUID(objects []any) []any {
	if len(objects) < 2 {
		return objects
	}
	sorted := make([]identified, len(objects))
	for i, obj := range objects {
		sorted[i] = identified{head(uidOf(obj)), obj}
	}
	slices.SortFunc(sorted, func(a, b identified) int {
		if a.head != b.head {
			return cmp.Compare(a.head, b.head)
		}
		return cmp.Compare(uidOf(a.obj), uidOf(b.obj))
	})
	for i := range sorted {
		objects[i] = sorted[i].obj
	}
	return objects
}

// identified is an object with the head of its UID, which differs from that of most others.
type identified struct {
	head uint64
	obj  any
}

// head orders strings as far as their first bytes do.
func head(s string) (n uint64) {
	for i := range 8 {
		n <<= 8
		if i < len(s) {
			n |= uint64(s[i])
		}
	}
	return n
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
