package cluster_test

import (
	"context"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/seatrial/seatrial/cluster"
)

func TestTwoHundredPodsRollOver(t *testing.T) {
	nodes, err := cluster.ParseNodes("50x4cpu8Gi")
	if err != nil {
		t.Fatal(err)
	}
	simulate(t, cluster.Config{Nodes: nodes}, func(_ *cluster.Engine, client *kubernetes.Clientset) {
		ctx := context.Background()
		deployments := client.AppsV1().Deployments("default")
		if _, err := deployments.Create(ctx, nginx(200), metav1.CreateOptions{}); err != nil {
			t.Error(err)
		}
		time.Sleep(15 * time.Second)
		patch := []byte(`{"spec":{"template":{"spec":{"containers":[{"name":"nginx","image":"nginx:latest"}]}}}}`)
		if _, err := deployments.Patch(ctx, "nginx-deploy", types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
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
	})
}
