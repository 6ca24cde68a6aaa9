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

	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/cluster/apiserver"
	"github.com/seatrial/seatrial/internal/memstore"
)

func TestClusterGoesOnFromItsSnapshot(t *testing.T) {
	ctx := context.Background()
	var saved bytes.Buffer
	var kubelet []byte
	simulate(t, cluster.Config{}, func(e *cluster.Cluster, client *kubernetes.Clientset) {
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
	simulate(t, cluster.Config{APIServer: apiserver.Options{DB: db}, KubeletState: kubelet},
		func(_ *cluster.Cluster, client *kubernetes.Clientset) {
			time.Sleep(30 * time.Second)
			got, err := client.CoreV1().Namespaces().Get(ctx, "shop", metav1.GetOptions{})
			if !apierrors.IsNotFound(err) {
				t.Errorf("the namespace is still there: %+v, %v", got, err)
			}
		})
}

func TestAddressesOfServicesSurviveARestart(t *testing.T) {
	ctx := context.Background()
	service := func(name string) *corev1.Service {
		return &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Ports: []corev1.ServicePort{{Port: 80}}},
		}
	}
	var saved bytes.Buffer
	var first *corev1.Service
	simulate(t, cluster.Config{}, func(e *cluster.Cluster, client *kubernetes.Clientset) {
		var err error
		if first, err = client.CoreV1().Services("default").Create(
			ctx, service("first"), metav1.CreateOptions{},
		); err != nil {
			t.Error(err)
		}
		if err := e.DB().Save(&saved); err != nil {
			t.Error(err)
		}
	})
	db, err := memstore.Load(&saved)
	if err != nil {
		t.Fatal(err)
	}
	simulate(t, cluster.Config{APIServer: apiserver.Options{DB: db}},
		func(_ *cluster.Cluster, client *kubernetes.Clientset) {
			taken := service("second")
			taken.Spec.ClusterIP = first.Spec.ClusterIP
			_, err := client.CoreV1().Services("default").Create(ctx, taken, metav1.CreateOptions{})
			if err := wantError(err, apierrors.IsInvalid, "provided IP is already allocated"); err != nil {
				t.Error(err)
			}
			taken = service("second")
			taken.Spec.Ports[0].NodePort = first.Spec.Ports[0].NodePort
			_, err = client.CoreV1().Services("default").Create(ctx, taken, metav1.CreateOptions{})
			if err := wantError(err, apierrors.IsInvalid, "provided port is already allocated"); err != nil {
				t.Error(err)
			}
			got, err := client.CoreV1().Services("default").Get(ctx, "first", metav1.GetOptions{})
			if err != nil || got.Spec.ClusterIP != first.Spec.ClusterIP {
				t.Errorf("%+v, %v", got.Spec, err)
			}
		})
}
