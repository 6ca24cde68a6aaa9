package memstore

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/conversion"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage"
)

// The messages are those of the etcd storage.
const (
	listExpired  = "The resourceVersion for the provided list is too old."
	tokenExpired = "The provided continue parameter is too old " +
		"to display a consistent list result. You can start a new list without " +
		"the continue parameter, or use the continue token in this response to " +
		"retrieve the remainder of the results. Continuing with the provided " +
		"token results in an inconsistent list - objects that were created, " +
		"modified, or deleted between the time the first chunk was returned " +
		"and now may show up in the list."
)

// GetList reads the objects under a key that a predicate selects, up to its limit.
func (s *Store) GetList(ctx context.Context, key string, opts storage.ListOptions, list runtime.Object) error {
	prefix, err := s.key(key, opts.Recursive)
	if err != nil {
		return err
	}
	items, err := itemsOf(list)
	if err != nil {
		return err
	}
	rev, from, err := storage.ValidateListOptions(prefix, s.versioner, opts)
	if err != nil {
		return err
	}
	records, rev, err := s.find(prefix, from, rev, opts)
	if err != nil {
		return err
	}
	last, more, err := s.fill(ctx, items, records, newItem(list, items), opts.Predicate)
	if err != nil {
		return err
	}
	token, remaining, err := storage.PrepareContinueToken(last, prefix, rev, int64(len(records)), more, opts)
	if err != nil {
		return err
	}
	if err := s.versioner.UpdateList(list, uint64(rev), token, remaining); err != nil {
		return err
	}
	opts.Predicate.SetShardInfoOnList(list)
	return nil
}

func itemsOf(list runtime.Object) (reflect.Value, error) {
	pointer, err := meta.GetItemsPtr(list)
	if err != nil {
		return reflect.Value{}, err
	}
	items, err := conversion.EnforcePtr(pointer)
	if err != nil || items.Kind() != reflect.Slice {
		return reflect.Value{}, fmt.Errorf("need ptr to slice: %v", err)
	}
	return items, nil
}

// newItem returns a function that returns empty objects of the kind of the list.
func newItem(list runtime.Object, items reflect.Value) func() runtime.Object {
	if u, ok := list.(*unstructured.UnstructuredList); ok && u.GetAPIVersion() != "" {
		return func() runtime.Object {
			return &unstructured.Unstructured{Object: map[string]any{"apiVersion": u.GetAPIVersion()}}
		}
	}
	elem := items.Type().Elem()
	return func() runtime.Object { return reflect.New(elem).Interface().(runtime.Object) }
}

// find returns the records of a list in the order of their keys, and the revision of the list.
func (s *Store) find(prefix, from string, rev int64, opts storage.ListOptions) ([]*record, int64, error) {
	s.db.mu.Lock()
	defer s.db.mu.Unlock()
	switch {
	case rev > s.db.rev:
		return nil, 0, storage.NewTooLargeResourceVersionError(uint64(rev), uint64(s.db.rev), 0)
	case rev > 0 && rev < s.table.compacted:
		return nil, 0, expired(prefix, from, opts)
	case rev == 0:
		if err := s.checkMinimum(opts.ResourceVersion, s.db.rev); err != nil {
			return nil, 0, err
		}
		rev = s.db.rev
	}
	tree := s.table.at(rev)
	if !opts.Recursive {
		if r, ok := tree.Get(&record{key: prefix}); ok {
			return []*record{r}, rev, nil
		}
		return nil, rev, nil
	}
	if from == "" {
		from = prefix
	}
	var found []*record
	tree.AscendGreaterOrEqual(&record{key: from}, func(r *record) bool {
		if !strings.HasPrefix(r.key, prefix) {
			return false
		}
		found = append(found, r)
		return true
	})
	return found, rev, nil
}

// expired returns the error for a revision that is compacted, with a token to continue at the present one.
func expired(prefix, from string, opts storage.ListOptions) error {
	if opts.Predicate.Continue == "" {
		return apierrors.NewResourceExpired(listExpired)
	}
	token, err := storage.EncodeContinue(from, prefix, -1)
	if err != nil {
		return err
	}
	e := apierrors.NewResourceExpired(tokenExpired)
	e.ErrStatus.Continue = token
	return e
}

// fill appends the selected records, up to the limit of a page, and returns the last key.
func (s *Store) fill(
	ctx context.Context, items reflect.Value, records []*record, newItem func() runtime.Object,
	pred storage.SelectionPredicate,
) (last string, more bool, err error) {
	capacity := 0
	if pred.Empty() && pred.Limit == 0 {
		capacity = len(records)
	}
	items.Set(reflect.MakeSlice(items.Type(), 0, capacity))
	for _, r := range records {
		if pred.Limit > 0 && int64(items.Len()) >= pred.Limit {
			return last, true, nil
		}
		last = r.key
		if ctx.Err() != nil {
			return "", false, storage.NewTimeoutError(r.key, "request did not complete within requested timeout")
		}
		obj, err := s.selected(ctx, r, newItem(), pred)
		if err != nil {
			return "", false, err
		}
		if obj != nil {
			items.Set(reflect.Append(items, reflect.ValueOf(obj).Elem()))
		}
	}
	return last, false, nil
}

// selected fills obj and returns it, or returns nil if the predicate rejects it: before it is copied, if possible.
func (s *Store) selected(
	ctx context.Context, r *record, obj runtime.Object, pred storage.SelectionPredicate,
) (runtime.Object, error) {
	if s.shares(obj) && !pred.Empty() {
		seen, err := s.share(r, obj)
		if err != nil {
			return nil, err
		}
		if ok, err := pred.Matches(seen); err != nil || !ok {
			return nil, nil
		}
		return obj, s.read(ctx, r, obj)
	}
	if err := s.read(ctx, r, obj); err != nil {
		if storage.IsInternalError(err) {
			err = storage.NewInternalError(fmt.Errorf("unable to transform key %q: %w", r.key, err))
		}
		return nil, err
	}
	if ok, err := pred.Matches(obj); err != nil || !ok {
		return nil, nil
	}
	return obj, nil
}
