package controllers

import (
	"context"
	"fmt"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/volume/pvcprotection"

	"github.com/seatrial/seatrial/internal/kubernetes/hooks/claims"
)

// claimProtection protects claims that pods use. Upstream, one goroutine hands the claims of a namespace to another,
// which takes as many at a time as it finds, and lists the pods once for all of them: chance decides how many, and so
// how many requests there are. Here one goroutine takes one claim after another.
func (m *manager) claimProtection() error {
	claimInformer, podInformer := m.shared.Core().V1().PersistentVolumeClaims(), m.shared.Core().V1().Pods()
	c, err := pvcprotection.NewPVCProtectionController(klog.FromContext(m.ctx), claimInformer, podInformer, m.client)
	if err != nil {
		return err
	}
	synced := []cache.InformerSynced{claimInformer.Informer().HasSynced, podInformer.Informer().HasSynced}
	m.add(func(ctx context.Context) { protectClaims(ctx, c, synced) })
	return nil
}

// protectClaims works off the queue of the controller until the context ends.
func protectClaims(ctx context.Context, c *pvcprotection.Controller, synced []cache.InformerSynced) {
	queue := claims.Queue(c)
	stop := context.AfterFunc(ctx, queue.ShutDown)
	defer stop()
	if !cache.WaitForNamedCacheSyncWithContext(ctx, synced...) {
		return
	}
	for {
		key, quit := queue.Get()
		if quit {
			return
		}
		if err := protectClaim(ctx, c, key); err != nil {
			queue.AddRateLimited(key)
			utilruntime.HandleErrorWithContext(ctx, err, "Protecting claim failed", "claim", key)
		} else {
			queue.Forget(key)
		}
		queue.Done(key)
	}
}

func protectClaim(ctx context.Context, c *pvcprotection.Controller, key string) error {
	namespace, name, err := cache.SplitMetaNamespaceKey(key)
	if err != nil {
		return fmt.Errorf("key of a claim: %w", err)
	}
	return claims.Process(ctx, c, namespace, name)
}
