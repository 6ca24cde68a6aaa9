package informers

import (
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/informers/core"
	coreinformers "k8s.io/client-go/informers/core/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	podutil "k8s.io/kubernetes/pkg/api/v1/pod"
)

// ActivePods hides terminal pods from the scheduler; they would otherwise occupy node capacity until deleted. The
// scheduler's own informer lists the other pods alone; this wrapper shares the watch of the other components.
type ActivePods struct {
	informers.SharedInformerFactory
}

func (l ActivePods) Core() core.Interface { return activeCore{l.SharedInformerFactory.Core()} }

type activeCore struct{ core.Interface }

func (l activeCore) V1() coreinformers.Interface { return activeV1{l.Interface.V1()} }

type activeV1 struct{ coreinformers.Interface }

func (l activeV1) Pods() coreinformers.TypedPodInformer { return activePods{l.Interface.Pods()} }

type activePods struct{ coreinformers.TypedPodInformer }

func (l activePods) Informer() cache.SharedIndexInformer {
	index := func(x cache.Indexer) cache.Indexer { return activeIndexer{x} }
	return View{l.TypedPodInformer.Informer(), index, whileActive}
}

func (l activePods) TypedInformer() coreinformers.PodIndexInformer {
	return cache.NewTypedSharedIndexInformer[*v1.Pod](l.Informer())
}

func (l activePods) Lister() corelisters.PodLister {
	return corelisters.NewPodLister(l.Informer().GetIndexer())
}

// whileActive notifies a handler that a pod is deleted when it ends.
func whileActive(_ cache.SharedIndexInformer, handler cache.ResourceEventHandler) cache.ResourceEventHandler {
	return cache.FilteringResourceEventHandler{FilterFunc: isActive, Handler: handler}
}

// isActive reports whether a pod has not ended. The last state of a pod whose deletion was missed is passed on.
func isActive(obj any) bool {
	pod, ok := obj.(*v1.Pod)
	return !ok || !podutil.IsPodTerminal(pod)
}

type activeIndexer struct{ cache.Indexer }

func (l activeIndexer) List() []any { return onlyActive(l.Indexer.List()) }

func (l activeIndexer) Index(name string, obj any) ([]any, error) {
	objects, err := l.Indexer.Index(name, obj)
	return onlyActive(objects), err
}

func (l activeIndexer) ByIndex(name, value string) ([]any, error) {
	objects, err := l.Indexer.ByIndex(name, value)
	return onlyActive(objects), err
}

func (l activeIndexer) GetByKey(key string) (any, bool, error) {
	obj, exists, err := l.Indexer.GetByKey(key)
	if !exists || err != nil || !isActive(obj) {
		return nil, false, err
	}
	return obj, true, nil
}

func onlyActive(objects []any) []any {
	return slices.DeleteFunc(objects, func(obj any) bool { return !isActive(obj) })
}
