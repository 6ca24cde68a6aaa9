package cluster

import (
	"sync"

	"k8s.io/client-go/tools/cache"
)

// post keeps what informers tell while they take in what was written together, and delivers it when all
// of them know everything: whoever acts on the first change has seen the last one, and acts once.
type post struct {
	mu      sync.Mutex
	keeping bool
	boxes   []*letterbox // in the order in which they came

	lists map[cache.SharedIndexInformer]*orderedLists
}

// letterbox is a handler with what it is not told yet.
type letterbox struct {
	cache.ResourceEventHandler
	post *post
	kept []func()
}

// box puts a letterbox before a handler.
func (p *post) box(i cache.SharedIndexInformer, handler cache.ResourceEventHandler) cache.ResourceEventHandler {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := &letterbox{ResourceEventHandler: comeLate(i, handler), post: p}
	p.boxes = append(p.boxes, b)
	return b
}

func (b *letterbox) OnAdd(obj any, initial bool) {
	b.tell(func() { b.ResourceEventHandler.OnAdd(obj, initial) })
}

func (b *letterbox) OnUpdate(before, now any) {
	b.tell(func() { b.ResourceEventHandler.OnUpdate(before, now) })
}

func (b *letterbox) OnDelete(obj any) {
	b.tell(func() { b.ResourceEventHandler.OnDelete(obj) })
}

func (b *letterbox) tell(f func()) {
	if !b.keep(f) {
		f()
	}
}

func (b *letterbox) keep(f func()) bool {
	b.post.mu.Lock()
	defer b.post.mu.Unlock()
	if b.post.keeping {
		b.kept = append(b.kept, f)
	}
	return b.post.keeping
}

// keep lets nothing through until deliver.
func (p *post) keep() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keeping = true
}

// deliver tells each handler what was kept from it.
func (p *post) deliver() {
	for _, tell := range p.empty() {
		tell()
	}
}

func (p *post) empty() (kept []func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keeping = false
	for _, b := range p.boxes {
		kept = append(kept, b.kept...)
		clear(b.kept)
		b.kept = b.kept[:0]
	}
	return kept
}
