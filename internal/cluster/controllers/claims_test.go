package controllers

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	volumeutil "k8s.io/kubernetes/pkg/volume/util"
)

// TestClaimsAreProtectedOneAfterAnother: each claim that is deleted leads to a list of pods of its own, however many
// wait. What upstream makes of several is left to chance.
func TestClaimsAreProtectedOneAfterAnother(t *testing.T) {
	const count = 20
	var objects []runtime.Object
	for i := range count {
		objects = append(objects, &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: fmt.Sprintf("data-%d", i),
			DeletionTimestamp: &metav1.Time{Time: time.Unix(1, 0)},
			Finalizers:        []string{volumeutil.PVCProtectionFinalizer},
		}})
	}
	client := fake.NewClientset(objects...)
	ctx, cancel := context.WithCancel(t.Context())
	m := &manager{ctx: ctx, client: client, shared: informers.NewSharedInformerFactory(client, 0)}
	changes, err := client.CoreV1().PersistentVolumeClaims("").Watch(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.claimProtection(); err != nil {
		t.Fatal(err)
	}
	m.shared.Start(ctx.Done())
	m.shared.WaitForCacheSync(ctx.Done())
	client.ClearActions()
	var running sync.WaitGroup
	running.Go(func() { m.run[0](ctx) })
	for released := 0; released < count; {
		if e := <-changes.ResultChan(); e.Type == watch.Modified || e.Type == watch.Deleted {
			released++
		}
	}
	lists := 0
	for _, a := range client.Actions() {
		if a.Matches("list", "pods") {
			lists++
		}
	}
	if lists != count {
		t.Errorf("%d lists of pods for %d claims", lists, count)
	}
	cancel()
	running.Wait()
	m.shared.Shutdown()
}
