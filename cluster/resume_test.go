package cluster_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/seatrial/seatrial/cluster"
	"github.com/seatrial/seatrial/internal/memstore"
)

func TestClusterGoesOnFromItsSnapshot(t *testing.T) {
	ctx := context.Background()
	var saved bytes.Buffer
	var kubelet []byte
	simulate(t, cluster.Config{}, func(e *cluster.Engine, client *kubernetes.Clientset) {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}
		if _, err := client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		if err := client.CoreV1().Namespaces().Delete(ctx, "shop", metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
		if err := e.DB().Save(&saved); err != nil {
			t.Error(err)
		}
		var err error
		if kubelet, err = e.KubeletState(); err != nil {
			t.Error(err)
		}
	})
	db, err := memstore.Load(&saved)
	if err != nil {
		t.Fatal(err)
	}
	simulate(t, cluster.Config{DB: db, Kubelet: kubelet}, func(_ *cluster.Engine, client *kubernetes.Clientset) {
		time.Sleep(30 * time.Second)
		got, err := client.CoreV1().Namespaces().Get(ctx, "shop", metav1.GetOptions{})
		if !apierrors.IsNotFound(err) {
			t.Errorf("the namespace is still there: %+v, %v", got, err)
		}
	})
}
