package validation

import (
	"context"
	"errors"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/client-go/tools/cache"

	"github.com/seatrial/seatrial/internal/kubernetes/registry"
)

// The registries want a storage and a codec. A dry-run create asks the storage only whether
// the object exists, and uses the codec only to copy the object into the answer: an empty
// storage and a codec that hands the object over are enough, and cost nothing. A dry-run update
// reads one object, which the context of the request holds.

// storageGetter returns the storage of every registry.
type storageGetter struct{}

func (storageGetter) GetRESTOptions(gr schema.GroupResource, _ runtime.Object) (generic.RESTOptions, error) {
	return generic.RESTOptions{
		StorageConfig: &storagebackend.ConfigForResource{
			GroupResource: gr, Config: storagebackend.Config{Codec: registry.StorageCodec},
		},
		Decorator: func(*storagebackend.ConfigForResource, string, func(runtime.Object) (string, error),
			func() runtime.Object, func() runtime.Object,
			storage.AttrFunc, storage.IndexerFuncs, *cache.Indexers) (storage.Interface, factory.DestroyFunc, error) {
			return requestStorage{}, func() {}, nil
		},
		EnableGarbageCollection: true,
		DeleteCollectionWorkers: 1,
		ResourcePrefix:          gr.String(),
	}, nil
}

var errEmpty = errors.New("this storage keeps nothing")

// storedKey is the key of the one object of a request in its context.
type storedKey struct{}

// withStored returns a context in which the storages hold one object. It must have a name.
func withStored(ctx context.Context, obj runtime.Object) context.Context {
	return context.WithValue(ctx, storedKey{}, obj)
}

// requestStorage is a storage.Interface that holds what the context of a request does, and keeps nothing.
type requestStorage struct{}

// stored copies the object of a request into another one, if it is of its type and has that key.
func (requestStorage) stored(ctx context.Context, key string, out runtime.Object) bool {
	obj, ok := ctx.Value(storedKey{}).(runtime.Object)
	if !ok || reflect.TypeOf(obj) != reflect.TypeOf(out) {
		return false
	}
	if m, err := meta.Accessor(obj); err != nil || !strings.HasSuffix(key, "/"+m.GetName()) {
		return false
	}
	reflect.ValueOf(out).Elem().Set(reflect.ValueOf(obj.DeepCopyObject()).Elem())
	return true
}

func (requestStorage) Versioner() storage.Versioner { return storage.APIObjectVersioner{} }

func (requestStorage) Create(context.Context, string, runtime.Object, runtime.Object, uint64) error {
	return errEmpty
}

func (requestStorage) Delete(
	_ context.Context, key string, _ runtime.Object, _ *storage.Preconditions, _ storage.ValidateObjectFunc,
	_ runtime.Object, _ storage.DeleteOptions,
) error {
	return storage.NewKeyNotFoundError(key, 0)
}

func (requestStorage) Watch(context.Context, string, storage.ListOptions) (watch.Interface, error) {
	return watch.NewEmptyWatch(), nil
}

func (s requestStorage) Get(ctx context.Context, key string, opts storage.GetOptions, out runtime.Object) error {
	if s.stored(ctx, key, out) {
		return nil
	}
	if opts.IgnoreNotFound {
		return runtime.SetZeroValue(out)
	}
	return storage.NewKeyNotFoundError(key, 0)
}

func (requestStorage) GetList(context.Context, string, storage.ListOptions, runtime.Object) error {
	return nil
}

func (requestStorage) GuaranteedUpdate(
	_ context.Context, key string, _ runtime.Object, _ bool, _ *storage.Preconditions, _ storage.UpdateFunc,
	_ runtime.Object,
) error {
	return storage.NewKeyNotFoundError(key, 0)
}

func (requestStorage) Stats(context.Context) (storage.Stats, error)              { return storage.Stats{}, nil }
func (requestStorage) ReadinessCheck() error                                     { return nil }
func (requestStorage) RequestWatchProgress(context.Context) error                { return nil }
func (requestStorage) GetCurrentResourceVersion(context.Context) (uint64, error) { return 1, nil }
func (requestStorage) EnableResourceSizeEstimation(storage.KeysFunc) error       { return nil }
func (requestStorage) CompactRevision() int64                                    { return 0 }
