package cluster

import (
	"time"

	"k8s.io/client-go/tools/cache"
)

// viewed is an informer as some of its users have to see it: through an indexer of their own, and with
// their handlers wrapped, if there is something to wrap them with.
type viewed struct {
	cache.SharedIndexInformer
	index func(cache.Indexer) cache.Indexer
	wrap  func(cache.SharedIndexInformer, cache.ResourceEventHandler) cache.ResourceEventHandler
}

func (v viewed) GetStore() cache.Store     { return v.GetIndexer() }
func (v viewed) GetIndexer() cache.Indexer { return v.index(v.SharedIndexInformer.GetIndexer()) }

func (v viewed) AddEventHandler(handler cache.ResourceEventHandler) (cache.ResourceEventHandlerRegistration, error) {
	return v.AddEventHandlerWithOptions(handler, cache.HandlerOptions{})
}

func (v viewed) AddEventHandlerWithResyncPeriod(handler cache.ResourceEventHandler, period time.Duration) (cache.ResourceEventHandlerRegistration, error) {
	return v.AddEventHandlerWithOptions(handler, cache.HandlerOptions{ResyncPeriod: &period})
}

func (v viewed) AddEventHandlerWithOptions(handler cache.ResourceEventHandler, options cache.HandlerOptions) (cache.ResourceEventHandlerRegistration, error) {
	if v.wrap != nil {
		handler = v.wrap(v.SharedIndexInformer, handler)
	}
	return v.SharedIndexInformer.AddEventHandlerWithOptions(handler, options)
}
