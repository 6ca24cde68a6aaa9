package validation

import (
	"context"
	"errors"

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
// storage and a codec that hands the object over are enough, and cost nothing.

// emptyGetter gives every registry an empty storage.
type emptyGetter struct{}

func (emptyGetter) GetRESTOptions(gr schema.GroupResource, _ runtime.Object) (generic.RESTOptions, error) {
	return generic.RESTOptions{
		StorageConfig: &storagebackend.ConfigForResource{GroupResource: gr, Config: storagebackend.Config{Codec: registry.StorageCodec}},
		Decorator: func(*storagebackend.ConfigForResource, string, func(runtime.Object) (string, error), func() runtime.Object, func() runtime.Object,
			storage.AttrFunc, storage.IndexerFuncs, *cache.Indexers) (storage.Interface, factory.DestroyFunc, error) {
			return emptyStorage{}, func() {}, nil
		},
		EnableGarbageCollection: true,
		DeleteCollectionWorkers: 1,
		ResourcePrefix:          gr.String(),
	}, nil
}

var errEmpty = errors.New("this storage keeps nothing")

// emptyStorage is a storage.Interface that holds nothing.
type emptyStorage struct{}

func (emptyStorage) Versioner() storage.Versioner { return storage.APIObjectVersioner{} }

func (emptyStorage) Create(context.Context, string, runtime.Object, runtime.Object, uint64) error {
	return errEmpty
}

func (emptyStorage) Delete(_ context.Context, key string, _ runtime.Object, _ *storage.Preconditions, _ storage.ValidateObjectFunc, _ runtime.Object, _ storage.DeleteOptions) error {
	return storage.NewKeyNotFoundError(key, 0)
}

func (emptyStorage) Watch(context.Context, string, storage.ListOptions) (watch.Interface, error) {
	return watch.NewEmptyWatch(), nil
}

func (emptyStorage) Get(_ context.Context, key string, opts storage.GetOptions, out runtime.Object) error {
	if opts.IgnoreNotFound {
		return runtime.SetZeroValue(out)
	}
	return storage.NewKeyNotFoundError(key, 0)
}

func (emptyStorage) GetList(context.Context, string, storage.ListOptions, runtime.Object) error {
	return nil
}

func (emptyStorage) GuaranteedUpdate(_ context.Context, key string, _ runtime.Object, _ bool, _ *storage.Preconditions, _ storage.UpdateFunc, _ runtime.Object) error {
	return storage.NewKeyNotFoundError(key, 0)
}

func (emptyStorage) Stats(context.Context) (storage.Stats, error)              { return storage.Stats{}, nil }
func (emptyStorage) ReadinessCheck() error                                     { return nil }
func (emptyStorage) RequestWatchProgress(context.Context) error                { return nil }
func (emptyStorage) GetCurrentResourceVersion(context.Context) (uint64, error) { return 1, nil }
func (emptyStorage) EnableResourceSizeEstimation(storage.KeysFunc) error       { return nil }
func (emptyStorage) CompactRevision() int64                                    { return 0 }
