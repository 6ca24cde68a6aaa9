package memstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"k8s.io/apimachinery/pkg/api/apitesting"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apiserver/pkg/apis/example"
	examplev1 "k8s.io/apiserver/pkg/apis/example/v1"
	"k8s.io/apiserver/pkg/features"
	"k8s.io/apiserver/pkg/storage"
	upstream "k8s.io/apiserver/pkg/storage/testing"
	"k8s.io/apiserver/pkg/storage/value"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	featuregatetesting "k8s.io/component-base/featuregate/testing"
)

var (
	scheme = runtime.NewScheme()
	codecs = serializer.NewCodecFactory(scheme)
)

func init() {
	metav1.AddToGroupVersion(scheme, metav1.SchemeGroupVersion)
	utilruntime.Must(example.AddToScheme(scheme))
	utilruntime.Must(examplev1.AddToScheme(scheme))
}

func newPods(codec runtime.Codec, tr value.Transformer) *Store {
	return NewStore(NewDB(), codec, func() runtime.Object { return &example.Pod{} }, "/pods/", tr)
}

func podCodec() runtime.Codec {
	return apitesting.TestCodec(codecs, examplev1.SchemeGroupVersion)
}

// transformed lets upstream's tests exchange the transformer.
type transformed struct{ *Store }

func (s transformed) UpdatePrefixTransformer(modify upstream.PrefixTransformerModifier) func() {
	before := s.transformer.(*upstream.PrefixTransformer)
	changed := *before
	s.transformer = modify(&changed)
	return func() { s.transformer = before }
}

func (s transformed) UpdateTransformer(modify upstream.TransformerModifier) func() {
	before := s.transformer
	s.transformer = modify(before)
	return func() { s.transformer = before }
}

func noKeyCheck(context.Context, *testing.T, string) {}

func noCallCheck(*testing.T, uint64, uint64) {}

func compaction(s *Store) upstream.Compaction {
	return func(_ context.Context, t *testing.T, resourceVersion string) {
		rev, err := strconv.ParseInt(resourceVersion, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		s.db.Compact(rev)
	}
}

func increase(s *Store) upstream.IncreaseRVFunc {
	return func(context.Context, *testing.T) int64 {
		s.db.mu.Lock()
		defer s.db.mu.Unlock()
		s.db.rev++
		return s.db.rev
	}
}

// suite is upstream's test suite for storages, as the etcd storage runs it. Left out are the tests
// of what is etcd's own: of GetListWithErrorAggregation, which needs a private wrapper and error of
// the etcd storage, and of WatchBookmarksWithCorrectResourceVersion, which is for the watch cache.
var suite = []struct {
	name             string
	needsTransformer bool
	waits            bool // most of the time, so that others may run meanwhile
	run              func(context.Context, *testing.T, *Store)
}{
	{
		name: "Create",
		run:  func(ctx context.Context, t *testing.T, s *Store) { upstream.RunTestCreate(ctx, t, s, noKeyCheck) },
	},
	{
		name: "CreateWithTTL", waits: true,
		run: func(ctx context.Context, t *testing.T, s *Store) { upstream.RunTestCreateWithTTL(ctx, t, s) },
	},
	{
		name: "CreateWithKeyExist",
		run:  func(ctx context.Context, t *testing.T, s *Store) { upstream.RunTestCreateWithKeyExist(ctx, t, s) },
	},
	{name: "Get", run: func(ctx context.Context, t *testing.T, s *Store) { upstream.RunTestGet(ctx, t, s) }},
	{
		name: "UnconditionalDelete",
		run:  func(ctx context.Context, t *testing.T, s *Store) { upstream.RunTestUnconditionalDelete(ctx, t, s) },
	},
	{
		name: "ConditionalDelete",
		run:  func(ctx context.Context, t *testing.T, s *Store) { upstream.RunTestConditionalDelete(ctx, t, s) },
	},
	{
		name: "DeleteWithSuggestion",
		run:  func(ctx context.Context, t *testing.T, s *Store) { upstream.RunTestDeleteWithSuggestion(ctx, t, s) },
	},
	{name: "DeleteWithSuggestionAndConflict", run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunTestDeleteWithSuggestionAndConflict(ctx, t, s)
	}},
	{name: "DeleteWithSuggestionOfDeletedObject", run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunTestDeleteWithSuggestionOfDeletedObject(ctx, t, s)
	}},
	{name: "ValidateDeletionWithSuggestion", run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunTestValidateDeletionWithSuggestion(ctx, t, s)
	}},
	{name: "ValidateDeletionWithOnlySuggestionValid", run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunTestValidateDeletionWithOnlySuggestionValid(ctx, t, s)
	}},
	{
		name: "DeleteWithConflict",
		run:  func(ctx context.Context, t *testing.T, s *Store) { upstream.RunTestDeleteWithConflict(ctx, t, s) },
	},
	{name: "PreconditionalDeleteWithSuggestion", run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunTestPreconditionalDeleteWithSuggestion(ctx, t, s)
	}},
	{name: "PreconditionalDeleteWithOnlySuggestionPass", run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunTestPreconditionalDeleteWithOnlySuggestionPass(ctx, t, s)
	}},
	{name: "DeleteExpectedDecodeError", needsTransformer: true, run: deleteUndecodable},
	{name: "DeleteWithConflictAndMissingExpectedDecodeError", needsTransformer: true,
		run: func(ctx context.Context, t *testing.T, s *Store) {
			codec := undecodable(t, s)
			upstream.RunTestDeleteWithConflictAndMissingExpectedTransformOrDecodeError(ctx, t, s, codec.now.Store)
		}},
	{name: "DeleteWithSuggestionAndMissingExpectedDecodeError", run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunTestDeleteWithSuggestionAndMissingExpectedTransformOrDecodeError(ctx, t, s)
	}},
	{
		name: "ListPaging",
		run:  func(ctx context.Context, t *testing.T, s *Store) { upstream.RunTestListPaging(ctx, t, s) },
	},
	{name: "GetListNonRecursive", run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunTestGetListNonRecursive(ctx, t, increase(s), s)
	}},
	{
		name: "GetListRecursivePrefix",
		run:  func(ctx context.Context, t *testing.T, s *Store) { upstream.RunTestGetListRecursivePrefix(ctx, t, s) },
	},
	{name: "GetListWithoutErrorAggregation", needsTransformer: true,
		run: func(ctx context.Context, t *testing.T, s *Store) {
			featuregatetesting.SetFeatureGateDuringTest(
				t, utilfeature.DefaultFeatureGate, features.AllowUnsafeMalformedObjectDeletion, false,
			)
			upstream.RunTestGetListWithoutErrorAggregation(ctx, t, transformed{s}, errors.New("bits flipped"))
		}},
	{
		name: "KeySchema",
		run:  func(ctx context.Context, t *testing.T, s *Store) { upstream.RunTestKeySchema(ctx, t, s) },
	},
	{name: "GuaranteedUpdate", needsTransformer: true, run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunTestGuaranteedUpdate(ctx, t, transformed{s}, noKeyCheck)
	}},
	{
		name: "GuaranteedUpdateWithTTL", waits: true,
		run: func(ctx context.Context, t *testing.T, s *Store) { upstream.RunTestGuaranteedUpdateWithTTL(ctx, t, s) },
	},
	{name: "GuaranteedUpdateChecksStoredData", needsTransformer: true,
		run: func(ctx context.Context, t *testing.T, s *Store) {
			upstream.RunTestGuaranteedUpdateChecksStoredData(ctx, t, transformed{s})
		}},
	{name: "GuaranteedUpdateWithConflict", run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunTestGuaranteedUpdateWithConflict(ctx, t, s)
	}},
	{name: "GuaranteedUpdateWithSuggestionAndConflict", run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunTestGuaranteedUpdateWithSuggestionAndConflict(ctx, t, s)
	}},
	{name: "TransformationFailure", needsTransformer: true, run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunTestTransformationFailure(ctx, t, transformed{s})
	}},
	{name: "List", run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunTestList(ctx, t, s, compaction(s), false, upstream.NewKubernetesRecorder(nil))
	}},
	{name: "ConsistentList", run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunTestConsistentList(ctx, t, s, increase(s), false, true, false)
	}},
	{name: "CompactRevision", run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunTestCompactRevision(ctx, t, s, increase(s), compaction(s))
	}},
	{name: "ListContinuation", run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunTestListContinuation(ctx, t, s, noCallCheck)
	}},
	{name: "ListPaginationRareObject", run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunTestListPaginationRareObject(ctx, t, s, noCallCheck)
	}},
	{name: "ListContinuationWithFilter", run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunTestListContinuationWithFilter(ctx, t, s, noCallCheck)
	}},
	{
		name: "NamespaceScopedList",
		run:  func(ctx context.Context, t *testing.T, s *Store) { upstream.RunTestNamespaceScopedList(ctx, t, s) },
	},
	{name: "ListInconsistentContinuation", run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunTestListInconsistentContinuation(ctx, t, s, compaction(s))
	}},
	{name: "ListResourceVersionMatch", needsTransformer: true, run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunTestListResourceVersionMatch(ctx, t, transformed{s})
	}},
	{name: "Stats", needsTransformer: true, run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunTestStats(ctx, t, s, s.codec, s.transformer, false)
	}},
	{name: "Watch", run: func(ctx context.Context, t *testing.T, s *Store) { upstream.RunTestWatch(ctx, t, s) }},
	{
		name: "ClusterScopedWatch",
		run:  func(ctx context.Context, t *testing.T, s *Store) { upstream.RunTestClusterScopedWatch(ctx, t, s) },
	},
	{
		name: "NamespaceScopedWatch",
		run:  func(ctx context.Context, t *testing.T, s *Store) { upstream.RunTestNamespaceScopedWatch(ctx, t, s) },
	},
	{
		name: "DeleteTriggerWatch",
		run:  func(ctx context.Context, t *testing.T, s *Store) { upstream.RunTestDeleteTriggerWatch(ctx, t, s) },
	},
	{name: "WatchFromZero", run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunTestWatchFromZero(ctx, t, s, compaction(s))
	}},
	{
		name: "WatchFromNonZero",
		run:  func(ctx context.Context, t *testing.T, s *Store) { upstream.RunTestWatchFromNonZero(ctx, t, s) },
	},
	{
		name: "DelayedWatchDelivery", waits: true,
		run: func(ctx context.Context, t *testing.T, s *Store) { upstream.RunTestDelayedWatchDelivery(ctx, t, s) },
	},
	{name: "WatchError", needsTransformer: true, run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunTestWatchError(ctx, t, transformed{s})
	}},
	{
		name: "WatchContextCancel",
		run:  func(ctx context.Context, t *testing.T, s *Store) { upstream.RunTestWatchContextCancel(ctx, t, s) },
	},
	{
		name: "WatcherTimeout",
		run:  func(ctx context.Context, t *testing.T, s *Store) { upstream.RunTestWatcherTimeout(ctx, t, s) },
	},
	{name: "WatchDeleteEventObjectHaveLatestRV", run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunTestWatchDeleteEventObjectHaveLatestRV(ctx, t, s)
	}},
	{name: "WatchInitializationSignal", run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunTestWatchInitializationSignal(ctx, t, s)
	}},
	{name: "OptionalProgressNotify", waits: true, run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunOptionalTestProgressNotify(ctx, t, s, increase(s))
	}},
	{name: "WatchDispatchBookmarkEvents", waits: true, run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunTestWatchDispatchBookmarkEvents(ctx, t, s, false)
	}},
	{name: "SendInitialEventsBackwardCompatibility", run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunSendInitialEventsBackwardCompatibility(ctx, t, s)
	}},
	{
		name: "WatchSemantics",
		run:  func(ctx context.Context, t *testing.T, s *Store) { upstream.RunWatchSemantics(ctx, t, s) },
	},
	{name: "WatchSemanticInitialEventsExtended", run: func(ctx context.Context, t *testing.T, s *Store) {
		upstream.RunWatchSemanticInitialEventsExtended(ctx, t, s)
	}},
	{
		name: "WatchListMatchSingle",
		run:  func(ctx context.Context, t *testing.T, s *Store) { upstream.RunWatchListMatchSingle(ctx, t, s) },
	},
	{name: "WatchWithUnsafeDelete", needsTransformer: true, run: func(ctx context.Context, t *testing.T, s *Store) {
		featuregatetesting.SetFeatureGateDuringTest(
			t, utilfeature.DefaultFeatureGate, features.AllowUnsafeMalformedObjectDeletion, true,
		)
		upstream.RunTestWatchWithUnsafeDelete(ctx, t, transformed{s}, errors.New("bits flipped"))
	}},
	{name: "WatchErrorIsBlockingFurtherEvents", needsTransformer: true,
		run: func(ctx context.Context, t *testing.T, s *Store) {
			upstream.RunWatchErrorIsBlockingFurtherEvents(ctx, t, transformed{s})
		}},
}

func TestStorageBehavesAsUpstreamDemands(t *testing.T) {
	modes := []struct {
		name        string
		transformer func() value.Transformer
	}{
		{"transformed", func() value.Transformer { return upstream.NewPrefixTransformer([]byte("test!"), false) }},
		{"shared objects", func() value.Transformer { return nil }},
	}
	for _, mode := range modes {
		for _, test := range suite {
			tr := mode.transformer()
			if tr == nil && test.needsTransformer {
				continue
			}
			t.Run(mode.name+"/"+test.name, func(t *testing.T) {
				if test.waits {
					t.Parallel()
				}
				test.run(context.Background(), t, newPods(podCodec(), tr))
			})
		}
	}
}

// failing is a codec that cannot decode while it is told so.
type failing struct {
	runtime.Codec
	now atomic.Bool
}

func (c *failing) Decode(
	data []byte, kind *schema.GroupVersionKind, into runtime.Object,
) (runtime.Object, *schema.GroupVersionKind, error) {
	if c.now.Load() {
		return nil, nil, errors.New("synthetic error")
	}
	return c.Codec.Decode(data, kind, into)
}

// undecodable returns a store a codec that can fail.
func undecodable(t *testing.T, s *Store) *failing {
	featuregatetesting.SetFeatureGateDuringTest(
		t, utilfeature.DefaultFeatureGate, features.AllowUnsafeMalformedObjectDeletion, true,
	)
	codec := &failing{Codec: podCodec()}
	s.codec = codec
	return codec
}

func deleteUndecodable(ctx context.Context, t *testing.T, s *Store) {
	codec := undecodable(t, s)
	upstream.RunTestDeleteExpectedTransformOrDecodeError(ctx, t, s, codec.now.Store)
}

func TestSnapshotKeepsObjectsAndRevisions(t *testing.T) {
	before := newPods(podCodec(), nil)
	for i := range 3 {
		pod := &example.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: fmt.Sprint("pod-", i)}}
		if err := before.Create(t.Context(), "/pods/ns/"+pod.Name, pod, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	var first, second bytes.Buffer
	if err := before.db.Save(&first); err != nil {
		t.Fatal(err)
	}
	if err := before.db.Save(&second); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same content was saved as different bytes")
	}
	db, err := Load(&first)
	if err != nil {
		t.Fatal(err)
	}
	if db.Revision() != before.db.Revision() {
		t.Errorf("loaded revision %d, want %d", db.Revision(), before.db.Revision())
	}
	after := NewStore(db, podCodec(), before.newFunc, "/pods/", nil)
	var pod example.Pod
	if err := after.Get(t.Context(), "/pods/ns/pod-1", storage.GetOptions{}, &pod); err != nil {
		t.Fatal(err)
	}
	if pod.Name != "pod-1" || pod.ResourceVersion != "3" {
		t.Errorf("loaded %s at %s, want pod-1 at 3", pod.Name, pod.ResourceVersion)
	}
}

func TestDamagedSnapshotIsRefused(t *testing.T) {
	if _, err := Load(bytes.NewReader([]byte("no snapshot"))); err == nil {
		t.Error("no error")
	}
}

func TestDeferredWritesAreReadAtOnceAndDeliveredLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer synctest.Wait()
		defer stop()
		s := newPods(podCodec(), nil)
		w, err := s.Watch(
			ctx, "/pods/", storage.ListOptions{ResourceVersion: "1", Predicate: storage.Everything, Recursive: true},
		)
		if err != nil {
			t.Fatal(err)
		}
		s.db.Defer()
		for _, name := range []string{"a", "b"} {
			pod := &example.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}}
			if err := s.Create(ctx, "/pods/"+name, pod, nil, 0); err != nil {
				t.Fatal(err)
			}
			if err := s.Get(ctx, "/pods/"+name, storage.GetOptions{}, &example.Pod{}); err != nil {
				t.Errorf("reading %s: %v", name, err)
			}
		}
		synctest.Wait()
		if n := len(w.ResultChan()); n != 0 {
			t.Errorf("%d events were delivered before Release", n)
		}
		s.db.Release()
		if synctest.Wait(); len(w.ResultChan()) != 2 {
			t.Errorf("%d events were delivered, want 2", len(w.ResultChan()))
		}
		if err := s.Create(ctx, "/pods/c", &example.Pod{ObjectMeta: metav1.ObjectMeta{Name: "c"}}, nil, 0); err != nil {
			t.Fatal(err)
		}
		if synctest.Wait(); len(w.ResultChan()) != 3 {
			t.Error("what was written afterwards was not told")
		}
	})
}

// Old objects are kept decoded for the watches that are about to tell them, and no longer, also while writes are held.
func TestPastIsNotKeptDecoded(t *testing.T) {
	s := newPods(podCodec(), nil)
	const writes = 3 * decodedHistory
	for i := range writes {
		s.db.Defer()
		pod := &example.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: map[string]string{"write": strconv.Itoa(i)}},
		}
		write := func(runtime.Object, storage.ResponseMeta) (runtime.Object, *uint64, error) { return pod, nil, nil }
		if err := s.GuaranteedUpdate(t.Context(), "/pods/a", &example.Pod{}, true, nil, write, nil); err != nil {
			t.Fatal(err)
		}
		s.db.Release()
	}
	decoded := 0
	for _, e := range s.table.history {
		if e.current.decoded.Load() != nil {
			decoded++
		}
	}
	if len(s.table.history) != writes || decoded > decodedHistory+1 {
		t.Errorf("%d of %d objects are decoded, want no more than %d", decoded, len(s.table.history), decodedHistory+1)
	}
}

// Who changes nothing is given what the store holds, everybody else a copy.
func TestUnchangedObjectsAreNotCopied(t *testing.T) {
	s := newPods(podCodec(), nil)
	pod := &example.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: map[string]string{"app": "web"}}}
	if err := s.Create(t.Context(), "/pods/a", pod, nil, 0); err != nil {
		t.Fatal(err)
	}
	read := func(ctx context.Context) *example.Pod {
		got := &example.Pod{}
		if err := s.Get(ctx, "/pods/a", storage.GetOptions{}, got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	held := read(ReadOnly(t.Context()))
	read(t.Context()).Labels["app"] = "other"
	if held.Labels["app"] != "web" {
		t.Error("a reader was given what the store holds")
	}
	held.Labels["app"] = "changed"
	if read(t.Context()).Labels["app"] != "changed" {
		t.Error("who changes nothing was given a copy")
	}
}
