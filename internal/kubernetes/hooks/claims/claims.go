// Package claims lets others work off the queue of the controller that protects PersistentVolumeClaims, whose own
// workers hand claims to each other in an order left to chance.
package claims

import (
	"context"
	"reflect"
	"unsafe"

	"k8s.io/client-go/util/workqueue"
	"k8s.io/kubernetes/pkg/controller/volume/pvcprotection"
)

// Queue returns the queue of a controller, of keys of claims; nil, if it is kept elsewhere.
func Queue(c *pvcprotection.Controller) workqueue.TypedRateLimitingInterface[string] {
	field := reflect.ValueOf(c).Elem().FieldByName("queue")
	if !field.IsValid() {
		return nil
	}
	queue, _ := reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem().
		Interface().(workqueue.TypedRateLimitingInterface[string])
	return queue
}

// Process does for one claim what the controller does for it.
func Process(ctx context.Context, c *pvcprotection.Controller, namespace, name string) error {
	return processPVC(c, ctx, namespace, name, &pvcprotection.LazyLivePodList{})
}

//go:linkname processPVC k8s.io/kubernetes/pkg/controller/volume/pvcprotection.(*Controller).processPVC
func processPVC(
	c *pvcprotection.Controller, ctx context.Context, namespace, name string, pods *pvcprotection.LazyLivePodList,
) error
