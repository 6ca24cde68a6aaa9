package cluster

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

// ordered makes informers that show and tell objects in the order of their UIDs. Those of client-go do
// it in the order of a map, which is another one each time, and some controllers choose the first of
// several that are equally good. What they tell goes through a post office.
type ordered struct {
	informers.SharedInformerFactory
	post *post
}

func (o ordered) InformerFor(obj runtime.Object, make internalinterfaces.NewInformerFunc) cache.SharedIndexInformer {
	return o.post.inOrderOfUIDs(o.SharedInformerFactory.InformerFor(obj, make))
}

func (o ordered) ForResource(gvr schema.GroupVersionResource) (informers.GenericInformer, error) {
	i, err := o.SharedInformerFactory.ForResource(gvr)
	if err != nil {
		return nil, err
	}
	return orderedGeneric{i, gvr.GroupResource(), o.post}, nil
}

// orderedMetadata does the same for informers of kinds that are known by their metadata alone.
type orderedMetadata struct {
	metadatainformer.SharedInformerFactory
	post *post
}

func (o orderedMetadata) ForResource(gvr schema.GroupVersionResource) informers.GenericInformer {
	return orderedGeneric{o.SharedInformerFactory.ForResource(gvr), gvr.GroupResource(), o.post}
}

func (o ordered) Admissionregistration() admissionregistration.Interface {
	return admissionregistration.New(o, metav1.NamespaceAll, nil)
}
func (o ordered) Apps() apps.Interface { return apps.New(o, metav1.NamespaceAll, nil) }
func (o ordered) Autoscaling() autoscaling.Interface {
	return autoscaling.New(o, metav1.NamespaceAll, nil)
}
func (o ordered) Batch() batch.Interface { return batch.New(o, metav1.NamespaceAll, nil) }
func (o ordered) Coordination() coordination.Interface {
	return coordination.New(o, metav1.NamespaceAll, nil)
}
func (o ordered) Core() core.Interface           { return core.New(o, metav1.NamespaceAll, nil) }
func (o ordered) Discovery() discovery.Interface { return discovery.New(o, metav1.NamespaceAll, nil) }
func (o ordered) Policy() policy.Interface       { return policy.New(o, metav1.NamespaceAll, nil) }
func (o ordered) Rbac() rbac.Interface           { return rbac.New(o, metav1.NamespaceAll, nil) }
func (o ordered) Resource() resource.Interface   { return resource.New(o, metav1.NamespaceAll, nil) }
func (o ordered) Scheduling() scheduling.Interface {
	return scheduling.New(o, metav1.NamespaceAll, nil)
}
func (o ordered) Storage() storage.Interface { return storage.New(o, metav1.NamespaceAll, nil) }

// orderedGeneric is an informer by the name of its resource.
type orderedGeneric struct {
	informers.GenericInformer
	resource schema.GroupResource
	post     *post
}

func (g orderedGeneric) Informer() cache.SharedIndexInformer {
	return g.post.inOrderOfUIDs(g.GenericInformer.Informer())
}

func (g orderedGeneric) Lister() cache.GenericLister {
	return cache.NewGenericLister(g.Informer().GetIndexer(), g.resource)
}

func (p *post) inOrderOfUIDs(i cache.SharedIndexInformer) cache.SharedIndexInformer {
	lists := p.listsOf(i)
	return viewed{i, func(x cache.Indexer) cache.Indexer { return orderedIndexer{x, lists} }, p.box}
}

// listsOf gives what all views of an informer share.
func (p *post) listsOf(i cache.SharedIndexInformer) *orderedLists {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lists[i] == nil {
		if p.lists == nil {
			p.lists = map[cache.SharedIndexInformer]*orderedLists{}
		}
		p.lists[i] = &orderedLists{}
	}
	return p.lists[i]
}

// orderedIndexer lists in order, and remembers that until something changes: the pods of each node are asked
// for every five seconds.
type orderedIndexer struct {
	cache.Indexer
	known *orderedLists
}

func (o orderedIndexer) List() []any {
	list, _ := o.list(listed{}, func() ([]any, error) { return o.Indexer.List(), nil }) // it cannot fail
	return list
}

func (o orderedIndexer) Index(name string, obj any) ([]any, error) {
	if meta, ok := obj.(*metav1.ObjectMeta); ok && name == cache.NamespaceIndex {
		return o.ByIndex(name, meta.Namespace)
	}
	objects, err := o.Indexer.Index(name, obj)
	return inOrder(objects), err
}

func (o orderedIndexer) ByIndex(name, value string) ([]any, error) {
	return o.list(listed{name, value}, func() ([]any, error) { return o.Indexer.ByIndex(name, value) })
}

// list gives a copy of a list, which its reader may change.
func (o orderedIndexer) list(what listed, ask func() ([]any, error)) ([]any, error) {
	version := o.LastStoreSyncResourceVersion()
	if list, ok := o.known.get(version, what); ok {
		return slices.Clone(list), nil
	}
	list, err := ask()
	if err != nil {
		return nil, err
	}
	list = inOrder(list)
	o.known.keep(version, what, slices.Clone(list))
	return list, nil
}

// listed is what is in a list: all, or what has a value in an index.
type listed struct{ index, value string }

// orderedLists are the lists of one version of a store.
type orderedLists struct {
	mu      sync.Mutex
	version string
	lists   map[listed][]any
}

func (l *orderedLists) get(version string, what listed) ([]any, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	list, ok := l.lists[what]
	return list, ok && version == l.version
}

func (l *orderedLists) keep(version string, what listed, list []any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if version != l.version || l.lists == nil {
		l.version, l.lists = version, map[listed][]any{}
	}
	if version != "" {
		l.lists[what] = list
	}
}

// comeLate lets a handler that comes late hear of what there is in order. Nothing may be on its way to
// the informer meanwhile.
func comeLate(i cache.SharedIndexInformer, handler cache.ResourceEventHandler) cache.ResourceEventHandler {
	if known := len(i.GetStore().ListKeys()); known > 1 {
		return &latecomer{ResourceEventHandler: handler, missing: known}
	}
	return handler
}

// latecomer collects what an informer knew before it had this handler, and hands it on in order.
type latecomer struct {
	cache.ResourceEventHandler
	missing int // what has not been told yet
	known   []any
}

func (l *latecomer) OnAdd(obj any, initial bool) {
	if l.missing == 0 {
		l.ResourceEventHandler.OnAdd(obj, initial)
		return
	}
	l.known = append(l.known, obj)
	if l.missing--; l.missing > 0 {
		return
	}
	for _, o := range inOrder(l.known) {
		l.ResourceEventHandler.OnAdd(o, initial)
	}
	l.known = nil
}

func inOrder(objects []any) []any {
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

// identified is an object with the head of its UID, which is enough to tell it from most others.
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
