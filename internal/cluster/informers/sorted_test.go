package informers

import (
	"slices"
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

func TestOrderedListsAreRememberedUntilSomethingChanges(t *testing.T) {
	store := cache.NewIndexer(
		cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc},
	)
	o := sortedIndexer{store, &sortedLists{}}
	pod := func(name, version string) *v1.Pod {
		return &v1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "default", Name: name, UID: types.UID(name), ResourceVersion: version,
			},
		}
	}
	expect := func(want ...string) {
		t.Helper()
		byNamespace, err := o.ByIndex(cache.NamespaceIndex, "default")
		if err != nil {
			t.Error(err)
		}
		sameNamespace, err := o.Index(cache.NamespaceIndex, &metav1.ObjectMeta{Namespace: "default"})
		if err != nil {
			t.Error(err)
		}
		for _, list := range [][]any{o.List(), byNamespace, sameNamespace} {
			var got []string
			for _, obj := range list {
				got = append(got, uidOf(obj))
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		}
	}
	change := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	change(store.Add(pod("c", "1")))
	change(store.Add(pod("a", "2")))
	expect("a", "c")
	o.List()[0] = pod("x", "9") // the reader's own copy
	expect("a", "c")
	change(store.Add(pod("b", "3")))
	expect("a", "b", "c")
	change(store.Delete(pod("c", "4")))
	expect("a", "b")
	if _, err := o.ByIndex("unknown", "default"); err == nil {
		t.Error("an index that is not there lists something")
	}
}
