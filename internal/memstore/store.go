package memstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/conversion"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/apiserver/pkg/storage/value"
	"k8s.io/client-go/tools/cache"
)

// Store is the storage of one resource.
type Store struct {
	db             *DB
	table          *table
	codec          runtime.Codec
	transformer    value.Transformer // nil: values are stored as the codec makes them
	versioner      storage.APIObjectVersioner
	resourcePrefix string
	newFunc        func() runtime.Object
	sizes          bool
}

var _ storage.Interface = (*Store)(nil)

// NewStore returns the storage of the resource whose keys begin with resourcePrefix. Without a transformer a record is
// decoded once, and later reads return copies of that object.
func NewStore(
	db *DB, codec runtime.Codec, newFunc func() runtime.Object, resourcePrefix string, transformer value.Transformer,
) *Store {
	if !strings.HasPrefix(resourcePrefix, "/") {
		resourcePrefix = "/" + resourcePrefix
	}
	return &Store{
		db:             db,
		table:          db.table(strings.TrimSuffix(resourcePrefix, "/")),
		codec:          codec,
		transformer:    transformer,
		resourcePrefix: resourcePrefix,
		newFunc:        newFunc,
	}
}

// Decorator returns a decorator that puts registries on db.
func Decorator(db *DB) generic.StorageDecorator {
	return func(
		c *storagebackend.ConfigForResource, resourcePrefix string, _ func(runtime.Object) (string, error),
		newFunc, _ func() runtime.Object, _ storage.AttrFunc, _ storage.IndexerFuncs, _ *cache.Indexers,
	) (storage.Interface, factory.DestroyFunc, error) {
		return NewStore(db, c.Codec, newFunc, resourcePrefix, nil), func() {}, nil
	}
}

// Versioner returns what reads and writes resource versions in objects.
func (s *Store) Versioner() storage.Versioner { return s.versioner }

// ReadinessCheck never fails.
func (s *Store) ReadinessCheck() error { return nil }

// CompactRevision returns the revision up to which there is no history.
func (s *Store) CompactRevision() int64 {
	s.db.mu.Lock()
	defer s.db.mu.Unlock()
	return s.table.compacted
}

// GetCurrentResourceVersion returns the revision of the database.
func (s *Store) GetCurrentResourceVersion(context.Context) (uint64, error) {
	return uint64(s.db.Revision()), nil
}

// EnableResourceSizeEstimation makes Stats report sizes.
func (s *Store) EnableResourceSizeEstimation(keys storage.KeysFunc) error {
	if keys == nil {
		return errors.New("KeysFunc cannot be nil")
	}
	s.sizes = true
	return nil
}

// Stats counts the objects.
func (s *Store) Stats(context.Context) (storage.Stats, error) {
	s.db.mu.Lock()
	defer s.db.mu.Unlock()
	var count, size int64
	s.table.records.Ascend(func(r *record) bool {
		count++
		size += int64(len(r.data))
		return true
	})
	stats := storage.Stats{ObjectCount: count}
	if count > 0 && s.sizes {
		stats.EstimatedAverageObjectSizeBytes = size / count
	}
	return stats, nil
}

// Get reads one object.
func (s *Store) Get(ctx context.Context, key string, opts storage.GetOptions, out runtime.Object) error {
	key, err := s.key(key, false)
	if err != nil {
		return err
	}
	r, rev := s.lookup(key)
	if err := s.checkMinimum(opts.ResourceVersion, rev); err != nil {
		return err
	}
	if r != nil {
		return s.read(ctx, r, out)
	}
	if opts.IgnoreNotFound {
		return runtime.SetZeroValue(out)
	}
	return storage.NewKeyNotFoundError(key, 0)
}

// Create writes a new object, and its stored form to out if out is not nil.
func (s *Store) Create(ctx context.Context, key string, obj, out runtime.Object, ttl uint64) error {
	key, err := s.key(key, false)
	if err != nil {
		return err
	}
	if rev, err := s.versioner.ObjectResourceVersion(obj); err == nil && rev != 0 {
		return storage.ErrResourceVersionSetOnCreate
	}
	if err := s.versioner.PrepareObjectForStorage(obj); err != nil {
		return fmt.Errorf("PrepareObjectForStorage failed: %v", err)
	}
	data, err := runtime.Encode(s.codec, obj)
	if err != nil {
		return err
	}
	r, err := s.newRecord(ctx, key, data)
	if err != nil {
		return err
	}
	if !s.swap(r, 0, ttl) {
		return storage.NewKeyExistsError(key, 0)
	}
	if out == nil {
		return nil
	}
	return s.readWritten(ctx, r, data, out)
}

// version is an object as an update or a deletion saw it.
type version struct {
	obj   runtime.Object
	rev   int64
	data  []byte
	stale bool // the transformer requires that it is written again
	fresh bool // read from the table, not passed by the caller
}

// Delete deletes an object, if preconditions and validate allow it, and writes its last state to out.
func (s *Store) Delete(
	ctx context.Context, key string, out runtime.Object, pre *storage.Preconditions,
	validate storage.ValidateObjectFunc, cached runtime.Object, opts storage.DeleteOptions,
) error {
	key, err := s.key(key, false)
	if err != nil {
		return err
	}
	if _, err := conversion.EnforcePtr(out); err != nil {
		return fmt.Errorf("unable to convert output object to pointer: %v", err)
	}
	unreadable := opts.ExpectTransformOrDecodeError
	reread := func() (*version, error) {
		if unreadable {
			return s.unreadable(ctx, key, out)
		}
		return s.current(ctx, key, out, false)
	}
	v, err := s.fromCaller(cached, false)
	if v == nil || unreadable {
		v, err = reread()
	}
	if err != nil {
		return err
	}
	for {
		err := pre.Check(key, v.obj)
		if err == nil {
			err = validate(ctx, v.obj)
		}
		if err != nil {
			if v, err = s.retry(v, err, reread); err != nil {
				return err
			}
			continue
		}
		if r, rev := s.remove(key, v.rev); r != nil {
			if unreadable {
				return nil
			}
			if err := s.read(ctx, r, out); err != nil {
				return err
			}
			return s.versioner.UpdateObject(out, uint64(rev))
		}
		if v, err = reread(); err != nil {
			return err
		}
	}
}

// GuaranteedUpdate writes what try returns for an object, and repeats try until no other write came between.
func (s *Store) GuaranteedUpdate(
	ctx context.Context, key string, out runtime.Object, ignoreNotFound bool, pre *storage.Preconditions,
	try storage.UpdateFunc, cached runtime.Object,
) error {
	key, err := s.key(key, false)
	if err != nil {
		return err
	}
	if _, err := conversion.EnforcePtr(out); err != nil {
		return fmt.Errorf("unable to convert output object to pointer: %v", err)
	}
	reread := func() (*version, error) { return s.current(ctx, key, out, ignoreNotFound) }
	v, err := s.fromCaller(cached, true)
	if v == nil {
		v, err = reread()
	}
	if err != nil {
		return err
	}
	for {
		if err := pre.Check(key, v.obj); err != nil {
			if v.fresh {
				return err
			}
			if v, err = reread(); err != nil {
				return err
			}
			continue
		}
		updated, ttl, err := try(v.obj, storage.ResponseMeta{ResourceVersion: uint64(v.rev)})
		if err == nil {
			err = s.versioner.PrepareObjectForStorage(updated)
		}
		if err != nil {
			if v, err = s.retry(v, err, reread); err != nil {
				return err
			}
			continue
		}
		data, err := runtime.Encode(s.codec, updated)
		if err != nil {
			return err
		}
		if !v.stale && bytes.Equal(data, v.data) {
			if !v.fresh {
				if v, err = reread(); err != nil {
					return err
				}
				if !bytes.Equal(data, v.data) {
					continue
				}
			}
			if !v.stale {
				return s.decode(v.data, out, v.rev)
			}
		}
		r, err := s.newRecord(ctx, key, data)
		if err != nil {
			return err
		}
		if s.swap(r, v.rev, seconds(ttl)) {
			return s.readWritten(ctx, r, data, out)
		}
		if v, err = reread(); err != nil {
			return err
		}
	}
}

func seconds(ttl *uint64) uint64 {
	if ttl == nil {
		return 0
	}
	return *ttl
}

// retry reads the object again after a refusal that may be due to an outdated copy, and returns the refusal if the copy
// was not outdated.
func (s *Store) retry(v *version, refusal error, reread func() (*version, error)) (*version, error) {
	if v.fresh {
		return nil, refusal
	}
	next, err := reread()
	if err != nil {
		return nil, err
	}
	if next.rev == v.rev {
		return nil, refusal
	}
	return next, nil
}

// swap writes a record if the one of its key has the expected revision, 0 if there must be none.
func (s *Store) swap(r *record, expected int64, ttl uint64) bool {
	s.db.mu.Lock()
	defer s.db.mu.Unlock()
	prev := s.table.get(r.key)
	if prev == nil && expected != 0 || prev != nil && prev.modRev != expected {
		return false
	}
	s.db.replace(s.table, r, prev)
	if ttl > 0 {
		r.expires = time.Now().Add(time.Duration(ttl) * time.Second)
		s.db.expire(s.table, r)
	}
	return true
}

// remove deletes the record of a key if it has the expected revision.
func (s *Store) remove(key string, expected int64) (*record, int64) {
	s.db.mu.Lock()
	defer s.db.mu.Unlock()
	r := s.table.get(key)
	if r == nil || r.modRev != expected {
		return nil, 0
	}
	return r, s.db.replace(s.table, nil, r)
}

func (s *Store) lookup(key string) (*record, int64) {
	s.db.mu.Lock()
	defer s.db.mu.Unlock()
	return s.table.get(key), s.db.rev
}

func (s *Store) key(key string, recursive bool) (string, error) {
	return storage.PrepareKey(s.resourcePrefix, key, recursive)
}

// checkMinimum fails if the current revision is before the one that the caller requires.
func (s *Store) checkMinimum(resourceVersion string, current int64) error {
	if resourceVersion == "" {
		return nil
	}
	minimum, err := s.versioner.ParseResourceVersion(resourceVersion)
	if err != nil {
		return apierrors.NewBadRequest(fmt.Sprintf("invalid resource version: %v", err))
	}
	if minimum > uint64(current) {
		return storage.NewTooLargeResourceVersionError(minimum, uint64(current), 0)
	}
	return nil
}

// current reads the latest version of an object.
func (s *Store) current(
	ctx context.Context, key string, like runtime.Object, ignoreNotFound bool,
) (*version, error) {
	r, _ := s.lookup(key)
	v := &version{fresh: true}
	if r == nil {
		if !ignoreNotFound {
			return nil, storage.NewKeyNotFoundError(key, 0)
		}
		v.obj = emptyLike(like)
		return v, runtime.SetZeroValue(v.obj)
	}
	v.rev = r.modRev
	var err error
	if s.shares(like) {
		v.data = r.data
		v.obj, err = s.copyOf(ctx, r, like)
		return v, err
	}
	if v.data, v.stale, err = s.fromStorage(ctx, r); err != nil {
		return nil, err
	}
	v.obj = emptyLike(like)
	return v, s.decode(v.data, v.obj, r.modRev)
}

// unreadable returns an object that may be deleted only because it cannot be decoded.
func (s *Store) unreadable(ctx context.Context, key string, like runtime.Object) (*version, error) {
	r, _ := s.lookup(key)
	if r == nil {
		return nil, storage.NewKeyNotFoundError(key, 0)
	}
	data, _, err := s.fromStorage(ctx, r)
	if err == nil {
		err = s.decode(data, emptyLike(like), r.modRev)
	}
	if err == nil {
		return nil, storage.NewInvalidObjError(
			key, "unsafe deletion is not allowed because the object is decodable from storage")
	}
	return &version{rev: r.modRev, fresh: true}, nil
}

// fromCaller returns the copy that the caller passed, nil if there is none.
func (s *Store) fromCaller(obj runtime.Object, encoded bool) (*version, error) {
	if obj == nil {
		return nil, nil
	}
	rev, err := s.versioner.ObjectResourceVersion(obj)
	if err != nil {
		return nil, fmt.Errorf("couldn't get resource version: %v", err)
	}
	v := &version{obj: obj, rev: int64(rev)}
	if !encoded {
		return v, nil
	}
	if err := s.versioner.PrepareObjectForStorage(obj); err != nil {
		return nil, err
	}
	if v.data, err = runtime.Encode(s.codec, obj); err != nil {
		return nil, err
	}
	return v, s.versioner.UpdateObject(obj, rev)
}

// keyOf authenticates a value by its key, for transformers that encrypt.
type keyOf string

func (k keyOf) AuthenticatedData() []byte { return []byte(k) }

func (s *Store) newRecord(ctx context.Context, key string, data []byte) (*record, error) {
	if s.transformer == nil {
		return &record{key: key, data: data}, nil
	}
	stored, err := s.transformer.TransformToStorage(ctx, data, keyOf(key))
	if err != nil {
		return nil, storage.NewInternalError(err)
	}
	return &record{key: key, data: stored}, nil
}

func (s *Store) fromStorage(ctx context.Context, r *record) (data []byte, stale bool, err error) {
	if s.transformer == nil {
		return r.data, false, nil
	}
	data, stale, err = s.transformer.TransformFromStorage(ctx, r.data, keyOf(r.key))
	if err != nil {
		return nil, false, storage.NewInternalError(err)
	}
	return data, stale, nil
}

// read writes a private copy of a record to out.
func (s *Store) read(ctx context.Context, r *record, out runtime.Object) error {
	if s.shares(out) {
		obj, err := s.copyOf(ctx, r, out)
		if err != nil {
			return err
		}
		return assign(out, obj)
	}
	data, _, err := s.fromStorage(ctx, r)
	if err != nil {
		return err
	}
	return s.decode(data, out, r.modRev)
}

// readWritten is read for a record whose plain data is known.
func (s *Store) readWritten(ctx context.Context, r *record, data []byte, out runtime.Object) error {
	if s.shares(out) {
		return s.read(ctx, r, out)
	}
	return s.decode(data, out, r.modRev)
}

// view returns the object of a record, which must not be changed.
func (s *Store) view(ctx context.Context, r *record) (runtime.Object, error) {
	obj := s.newFunc()
	if s.shares(obj) {
		return s.share(r, obj)
	}
	return obj, s.read(ctx, r, obj)
}

// shares reports whether decoded objects are kept. Those of custom resources are not: how their bytes are decoded
// changes with the definition of the resource.
func (s *Store) shares(obj runtime.Object) bool {
	_, custom := obj.(runtime.Unstructured)
	return s.transformer == nil && !custom
}

// share returns the decoded object of a record, which is decoded on first use.
func (s *Store) share(r *record, like runtime.Object) (runtime.Object, error) {
	if known := r.decoded.Load(); known != nil {
		return known.Object, nil
	}
	obj := emptyLike(like)
	if err := s.decode(r.data, obj, r.modRev); err != nil {
		return nil, err
	}
	s.db.strings.object(obj)
	r.decoded.CompareAndSwap(nil, &shared{obj})
	return obj, nil
}

// copyOf returns a private copy of a shared object, or the object itself if the context is ReadOnly.
func (s *Store) copyOf(ctx context.Context, r *record, like runtime.Object) (runtime.Object, error) {
	obj, err := s.share(r, like)
	if err != nil || ctx.Value(readOnly{}) != nil {
		return obj, err
	}
	return obj.DeepCopyObject(), nil
}

type readOnly struct{}

// ReadOnly returns a context for callers that change neither the objects that they receive nor what those point to: the
// store passes its own objects, not copies.
func ReadOnly(ctx context.Context) context.Context {
	return context.WithValue(ctx, readOnly{}, true)
}

func (s *Store) decode(data []byte, into runtime.Object, rev int64) error {
	if _, err := conversion.EnforcePtr(into); err != nil {
		return fmt.Errorf("unable to convert output object to pointer: %v", err)
	}
	if _, _, err := s.codec.Decode(data, nil, into); err != nil {
		return err
	}
	return s.versioner.UpdateObject(into, uint64(rev))
}

func emptyLike(obj runtime.Object) runtime.Object {
	if u, ok := obj.(runtime.Unstructured); ok {
		return u.NewEmptyInstance()
	}
	return reflect.New(reflect.TypeOf(obj).Elem()).Interface().(runtime.Object)
}

func assign(out, obj runtime.Object) error {
	to, err := conversion.EnforcePtr(out)
	if err != nil {
		return err
	}
	from := reflect.ValueOf(obj).Elem()
	if !from.Type().AssignableTo(to.Type()) {
		return fmt.Errorf("cannot read a %T as a %T", obj, out)
	}
	to.Set(from)
	return nil
}
