package cli

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/seatrial/seatrial/internal/live"
)

// TestInformers lets shared informers, as every controller runs them, watch a live cluster: they see what comes,
// changes and goes, are told of it again at each resync, and go on by themselves when the cluster was down in between.
func TestInformers(t *testing.T) {
	home := ownHome(t)
	run := func(args ...string) {
		t.Helper()
		if out, err := program(t, args...); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	run("up", "--port", "0")
	client := liveClient(t, live.Folder(filepath.Join(home, ".local/state/seatrial/live")))
	const resync = time.Second
	factory := informers.NewSharedInformerFactoryWithOptions(
		client, resync, informers.WithNamespace(metav1.NamespaceDefault),
	)
	maps, deployments := newSeen(), newSeen()
	maps.watch(t, factory.Core().V1().ConfigMaps().Informer())
	deployments.watch(t, factory.Apps().V1().Deployments().Informer())
	stop := make(chan struct{})
	factory.Start(stop)
	t.Cleanup(func() {
		close(stop)
		factory.Shutdown()
	})
	for kind, synced := range factory.WaitForCacheSync(stop) {
		if !synced {
			t.Fatalf("%v: not synced", kind)
		}
	}

	ctx := t.Context()
	m := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "log"}, Data: map[string]string{"day": "1"}}
	if _, err := client.CoreV1().ConfigMaps("default").Create(ctx, m, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	maps.await(t, "added log")
	m.Data["day"] = "2"
	if _, err := client.CoreV1().ConfigMaps("default").Update(ctx, m, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	maps.await(t, "changed log")
	maps.await(t, "told again of log")
	run("create", "deployment", "web", "--image=nginx", "--context", "seatrial")
	deployments.await(t, "added web")
	deployments.await(t, "available web")

	run("down")
	run("up") // on the port of last time
	run("delete", "configmap", "log", "--context", "seatrial")
	maps.await(t, "deleted log")
	run("create", "configmap", "later", "--context", "seatrial")
	maps.await(t, "added later")
	if n := maps.times("added log"); n != 1 {
		t.Errorf("log was added %d times", n)
	}
}

// seen is what an informer has told.
type seen struct {
	sync.Mutex
	counts  map[string]int
	changed chan struct{}
}

func newSeen() *seen { return &seen{counts: map[string]int{}, changed: make(chan struct{}, 1)} }

func (s *seen) watch(t *testing.T, informer cache.SharedIndexInformer) {
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { s.note("added", o) },
		DeleteFunc: func(o any) { s.note("deleted", o) },
		UpdateFunc: func(before, after any) {
			switch b, a := before.(metav1.Object), after.(metav1.Object); {
			case b.GetResourceVersion() == a.GetResourceVersion():
				s.note("told again of", after)
			default:
				s.note("changed", after)
			}
			if d, ok := after.(*appsv1.Deployment); ok && d.Status.AvailableReplicas > 0 {
				s.note("available", after)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (s *seen) note(what string, object any) {
	if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = gone.Obj
	}
	s.Lock()
	s.counts[what+" "+object.(metav1.Object).GetName()]++
	s.Unlock()
	select {
	case s.changed <- struct{}{}:
	default: // somebody is to look already
	}
}

func (s *seen) times(what string) int {
	s.Lock()
	defer s.Unlock()
	return s.counts[what]
}

func (s *seen) await(t *testing.T, what string) {
	t.Helper()
	patience := time.After(time.Minute)
	for s.times(what) == 0 {
		select {
		case <-s.changed:
		case <-patience:
			t.Fatalf("the informer has not told: %s", what)
		}
	}
}
