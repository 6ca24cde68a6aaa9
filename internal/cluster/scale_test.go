package cluster_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/cluster/apiserver"
)

// rollOver creates two hundred pods, rolls them over, and tells what became of each.
func rollOver(t *testing.T) (pods []string) {
	t.Helper()
	nodes, err := cluster.ParseNodes("50x4cpu8Gi")
	if err != nil {
		t.Fatal(err)
	}
	config := cluster.Config{Nodes: nodes, APIServer: apiserver.Options{Tracking: apiserver.TrackUsers}}
	simulate(t, config, func(_ *cluster.Cluster, client *kubernetes.Clientset) {
		ctx := context.Background()
		deployments := client.AppsV1().Deployments("default")
		if _, err := deployments.Create(ctx, nginx(200), metav1.CreateOptions{}); err != nil {
			t.Error(err)
		}
		time.Sleep(15 * time.Second)
		patch := []byte(`{"spec":{"template":{"spec":{"containers":[{"name":"nginx","image":"nginx:latest"}]}}}}`)
		if _, err := deployments.Patch(
			ctx, "nginx-deploy", types.StrategicMergePatchType, patch, metav1.PatchOptions{},
		); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		d, err := deployments.Get(ctx, "nginx-deploy", metav1.GetOptions{})
		if err != nil {
			t.Error(err)
			return
		}
		if d.Status.UpdatedReplicas != 200 || d.Status.AvailableReplicas != 200 {
			t.Errorf("after a minute: %+v", d.Status)
		}
		list, err := client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{})
		if err != nil {
			t.Error(err)
			return
		}
		for _, p := range list.Items {
			pods = append(
				pods,
				fmt.Sprintln(p.Name, p.UID, p.Spec.NodeName, p.Status.StartTime, p.Status.PodIP, p.ResourceVersion),
			)
		}
	})
	return pods
}

// Resource versions tell whether anything at all was written in another order.
func TestTwoHundredPodsRollOverTheSameWayEachTime(t *testing.T) {
	first, second := rollOver(t), rollOver(t)
	if len(first) != 200 {
		t.Errorf("%d pods, want 200", len(first))
	}
	for i, pod := range first {
		if i >= len(second) || second[i] != pod {
			t.Fatalf(
				"pod %d of the second run is another one:\n%s%v", i, pod,
				slices.Concat(second[min(i, len(second)):min(i+1, len(second))]),
			)
		}
	}
}
