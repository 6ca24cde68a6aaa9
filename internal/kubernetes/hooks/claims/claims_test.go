package claims_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/volume/pvcprotection"

	"github.com/seatrial/seatrial/internal/kubernetes/hooks/claims"
)

// TestClaimsAreProcessed fails when the controller keeps its queue elsewhere, or processes claims by another function.
func TestClaimsAreProcessed(t *testing.T) {
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "data"}}
	client := fake.NewClientset(claim)
	shared := informers.NewSharedInformerFactory(client, 0)
	c, err := pvcprotection.NewPVCProtectionController(
		klog.Background(), shared.Core().V1().PersistentVolumeClaims(), shared.Core().V1().Pods(), client,
	)
	if err != nil {
		t.Fatal(err)
	}
	shared.Start(t.Context().Done())
	t.Cleanup(shared.Shutdown)
	queue := claims.Queue(c)
	if queue == nil {
		t.Fatal("no queue")
	}
	key, _ := queue.Get()
	if key != "default/data" {
		t.Errorf("the queue holds %q", key)
	}
	if err := claims.Process(t.Context(), c, "default", "data"); err != nil {
		t.Fatal(err)
	}
	claim, err = client.CoreV1().PersistentVolumeClaims("default").Get(t.Context(), "data", metav1.GetOptions{})
	if err != nil || len(claim.Finalizers) != 1 {
		t.Errorf("the claim has finalizers %v, %v", claim.Finalizers, err)
	}
}
