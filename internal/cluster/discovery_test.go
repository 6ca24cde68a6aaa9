package cluster_test

import (
	"context"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/seatrial/seatrial/internal/cluster"
)

// The cached discovery must include kinds that are defined late: the garbage collector deletes the dependents of their
// objects.
func TestDependentsOfALateKindAreCollected(t *testing.T) {
	simulate(t, cluster.Config{}, func(e *cluster.Cluster, client *kubernetes.Clientset) {
		ctx := context.Background()
		time.Sleep(time.Hour)
		d, err := dynamic.NewForConfig(e.RESTConfig())
		if err != nil {
			t.Fatal(err)
		}
		definition := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
			"metadata": map[string]any{"name": "ships.example.com"},
			"spec": map[string]any{
				"group": "example.com", "scope": "Namespaced",
				"names": map[string]any{"plural": "ships", "kind": "Ship"},
				"versions": []any{
					map[string]any{
						"name": "v1", "served": true, "storage": true,
						"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object"}},
					},
				},
			},
		}}
		crds := schema.GroupVersionResource{
			Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions",
		}
		if _, err := d.Resource(crds).Create(ctx, definition, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		ships := d.Resource(
			schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "ships"},
		).Namespace(
			"default",
		)
		ship, err := ships.Create(ctx, &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "example.com/v1", "kind": "Ship", "metadata": map[string]any{"name": "fram"},
		}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		cargo := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
			Name: "cargo",
			OwnerReferences: []metav1.OwnerReference{
				{APIVersion: "example.com/v1", Kind: "Ship", Name: "fram", UID: ship.GetUID()},
			},
		}}
		maps := client.CoreV1().ConfigMaps("default")
		if _, err := maps.Create(ctx, cargo, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, err := maps.Get(ctx, "cargo", metav1.GetOptions{}); err != nil {
			t.Errorf("before its owner is deleted: %v", err)
		}
		if err := ships.Delete(ctx, "fram", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, err := maps.Get(ctx, "cargo", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			t.Errorf("after its owner was deleted: %v, want not found", err)
		}
	})
}

func TestInMemoryLeasesKeepNodesReady(t *testing.T) {
	simulate(t, cluster.Config{InMemoryLeases: true}, func(_ *cluster.Cluster, client *kubernetes.Clientset) {
		time.Sleep(time.Minute)
		before := leaseOf(t, client, "demo-worker")
		time.Sleep(10 * time.Minute)
		if after := leaseOf(t, client, "demo-worker"); !after.Spec.RenewTime.Equal(before.Spec.RenewTime) {
			t.Error("the lease was renewed")
		}
		node, err := client.CoreV1().Nodes().Get(context.Background(), "demo-worker", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range node.Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status != corev1.ConditionTrue {
				t.Errorf("the node is not ready: %s", c.Message)
			}
		}
	})
}

func leaseOf(t *testing.T, client *kubernetes.Clientset, node string) *coordinationv1.Lease {
	t.Helper()
	lease, err := client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(
		context.Background(), node, metav1.GetOptions{},
	)
	if err != nil {
		t.Fatal(err)
	}
	return lease
}
