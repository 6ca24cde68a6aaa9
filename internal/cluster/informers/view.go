// Package informers wraps the shared informers of client-go so that a simulation is deterministic.
//
// The central type is [Sorted], a factory whose lists and notifications have an order; [EventBatch] delivers the
// notifications of a batch of writes together.
package informers

import (
	"time"

	"k8s.io/client-go/tools/cache"
)

// View is an informer as some of its users have to see it.
type View struct {
	cache.SharedIndexInformer
	Index func(cache.Indexer) cache.Indexer // returns their indexer
	// Wrap returns a handler around a registered one; nil: handlers are not wrapped.
	Wrap func(cache.SharedIndexInformer, cache.ResourceEventHandler) cache.ResourceEventHandler
}

func (v View) GetStore() cache.Store     { return v.GetIndexer() }
func (v View) GetIndexer() cache.Indexer { return v.Index(v.SharedIndexInformer.GetIndexer()) }

func (v View) AddEventHandler(handler cache.ResourceEventHandler) (cache.ResourceEventHandlerRegistration, error) {
	return v.AddEventHandlerWithOptions(handler, cache.HandlerOptions{})
}

func (v View) AddEventHandlerWithResyncPeriod(
	handler cache.ResourceEventHandler, period time.Duration,
) (cache.ResourceEventHandlerRegistration, error) {
	return v.AddEventHandlerWithOptions(handler, cache.HandlerOptions{ResyncPeriod: &period})
}

func (v View) AddEventHandlerWithOptions(
	handler cache.ResourceEventHandler, options cache.HandlerOptions,
) (cache.ResourceEventHandlerRegistration, error) {
	if v.Wrap != nil {
		handler = v.Wrap(v.SharedIndexInformer, handler)
	}
	return v.SharedIndexInformer.AddEventHandlerWithOptions(handler, options)
}
