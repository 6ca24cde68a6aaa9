package cluster

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

// living are the informers that all share, as the scheduler has to see them: a pod that has ended is
// gone, or it would take room on its node until it is deleted. The scheduler's own informer asks the
// server for the others alone; this one spares the server to tell each pod twice.
type living struct {
	informers.SharedInformerFactory
}

func (l living) Core() core.Interface { return livingCore{l.SharedInformerFactory.Core()} }

type livingCore struct{ core.Interface }

func (l livingCore) V1() coreinformers.Interface { return livingV1{l.Interface.V1()} }

type livingV1 struct{ coreinformers.Interface }

func (l livingV1) Pods() coreinformers.TypedPodInformer { return livingPods{l.Interface.Pods()} }

type livingPods struct{ coreinformers.TypedPodInformer }

func (l livingPods) Informer() cache.SharedIndexInformer {
	return viewed{l.TypedPodInformer.Informer(), func(x cache.Indexer) cache.Indexer { return livingIndexer{x} }, whileAlive}
}

func (l livingPods) TypedInformer() coreinformers.PodIndexInformer {
	return cache.NewTypedSharedIndexInformer[*v1.Pod](l.Informer())
}

func (l livingPods) Lister() corelisters.PodLister {
	return corelisters.NewPodLister(l.Informer().GetIndexer())
}

// whileAlive tells a handler that a pod is deleted when it ends.
func whileAlive(_ cache.SharedIndexInformer, handler cache.ResourceEventHandler) cache.ResourceEventHandler {
	return cache.FilteringResourceEventHandler{FilterFunc: alive, Handler: handler}
}

// alive tells whether a pod has not ended. What is known of one that was deleted unseen is told on.
func alive(obj any) bool {
	pod, ok := obj.(*v1.Pod)
	return !ok || !podutil.IsPodTerminal(pod)
}

type livingIndexer struct{ cache.Indexer }

func (l livingIndexer) List() []any { return onlyAlive(l.Indexer.List()) }

func (l livingIndexer) Index(name string, obj any) ([]any, error) {
	objects, err := l.Indexer.Index(name, obj)
	return onlyAlive(objects), err
}

func (l livingIndexer) ByIndex(name, value string) ([]any, error) {
	objects, err := l.Indexer.ByIndex(name, value)
	return onlyAlive(objects), err
}

func (l livingIndexer) GetByKey(key string) (any, bool, error) {
	obj, exists, err := l.Indexer.GetByKey(key)
	if !exists || err != nil || !alive(obj) {
		return nil, false, err
	}
	return obj, true, nil
}

func onlyAlive(objects []any) []any {
	return slices.DeleteFunc(objects, func(obj any) bool { return !alive(obj) })
}
