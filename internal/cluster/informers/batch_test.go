package informers

import (
	"slices"
	"testing"

	"k8s.io/client-go/tools/cache"
)

// What is kept is told later, handler by handler, and each hears of it in the order in which it came.
func TestWhatIsKeptIsDeliveredInOrder(t *testing.T) {
	var p EventBatch
	var heard []string
	informer := cache.NewSharedIndexInformer(nil, nil, 0, cache.Indexers{})
	box := func(name string) cache.ResourceEventHandler {
		return p.wrap(informer, cache.ResourceEventHandlerFuncs{
			AddFunc:    func(obj any) { heard = append(heard, name+" add "+obj.(string)) },
			UpdateFunc: func(_, obj any) { heard = append(heard, name+" update "+obj.(string)) },
			DeleteFunc: func(obj any) { heard = append(heard, name+" delete "+obj.(string)) },
		})
	}
	first, second := box("first"), box("second")
	first.OnAdd("a", false)
	p.Hold()
	second.OnAdd("b", false)
	first.OnUpdate("a", "b")
	first.OnDelete("c")
	if want := []string{"first add a"}; !slices.Equal(heard, want) {
		t.Errorf("heard %q before the delivery, want %q", heard, want)
	}
	for _, notify := range p.Take() {
		notify()
	}
	second.OnDelete("d")
	want := []string{"first add a", "first update b", "first delete c", "second add b", "second delete d"}
	if !slices.Equal(heard, want) {
		t.Errorf("heard %q, want %q", heard, want)
	}
}
