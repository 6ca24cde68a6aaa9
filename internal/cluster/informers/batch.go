package informers

import (
	"sync"

	"k8s.io/client-go/tools/cache"
)

// EventBatch buffers notifications while a batch of writes is applied, and delivers them once every informer cache is
// up to date: a handler that acts on the first change sees the last one, and acts once.
type EventBatch struct {
	mu       sync.Mutex
	holding  bool
	handlers []*bufferedHandler // in the order of their registration

	lists map[cache.SharedIndexInformer]*sortedLists
}

// bufferedHandler is a handler with the notifications that are held back from it.
type bufferedHandler struct {
	cache.ResourceEventHandler
	batch *EventBatch
	held  []func()
}

// wrap returns a handler whose notifications can be held back.
func (p *EventBatch) wrap(i cache.SharedIndexInformer, handler cache.ResourceEventHandler) cache.ResourceEventHandler {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := &bufferedHandler{ResourceEventHandler: replaySorted(i, handler), batch: p}
	p.handlers = append(p.handlers, b)
	return b
}

func (b *bufferedHandler) OnAdd(obj any, initial bool) {
	b.notify(func() { b.ResourceEventHandler.OnAdd(obj, initial) })
}

func (b *bufferedHandler) OnUpdate(before, now any) {
	b.notify(func() { b.ResourceEventHandler.OnUpdate(before, now) })
}

func (b *bufferedHandler) OnDelete(obj any) {
	b.notify(func() { b.ResourceEventHandler.OnDelete(obj) })
}

func (b *bufferedHandler) notify(f func()) {
	if !b.hold(f) {
		f()
	}
}

func (b *bufferedHandler) hold(f func()) bool {
	b.batch.mu.Lock()
	defer b.batch.mu.Unlock()
	if b.batch.holding {
		b.held = append(b.held, f)
	}
	return b.batch.holding
}

// Hold holds notifications back until Take.
func (p *EventBatch) Hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holding = true
}

// Take ends Hold, and returns the notifications that were held back, in order, for the caller to deliver.
func (p *EventBatch) Take() (held []func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holding = false
	for _, b := range p.handlers {
		held = append(held, b.held...)
		clear(b.held)
		b.held = b.held[:0]
	}
	return held
}
