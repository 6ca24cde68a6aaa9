package cluster_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/cluster/apiserver"
)

// OnEvent receives the events of scheduler, controllers and kubelets, and the API server stores none of them.
func TestOnEventReceivesEventsInsteadOfTheServer(t *testing.T) {
	var mu sync.Mutex
	received := map[string]int32{} // the highest count by reason
	config := cluster.Config{APIServer: apiserver.Options{OnEvent: func(e *corev1.Event) {
		mu.Lock()
		defer mu.Unlock()
		received[e.Reason] = max(received[e.Reason], e.Count, 1)
	}}}
	simulate(t, config, func(_ *cluster.Cluster, client *kubernetes.Clientset) {
		ctx := context.Background()
		deployment := nginx(1)
		deployment.Spec.Template.Spec.Containers[0].Command = []string{"false"}
		if _, err := client.AppsV1().Deployments("default").Create(
			ctx, deployment, metav1.CreateOptions{},
		); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		for _, reason := range []string{
			"ScalingReplicaSet", "SuccessfulCreate", "Scheduled", "Pulled", "Started", "BackOff",
		} {
			if received[reason] == 0 {
				t.Errorf("%s was not received", reason)
			}
		}
		if received["BackOff"] < 2 {
			t.Errorf("BackOff has the count %d at most, want it counted", received["BackOff"])
		}
		stored, err := client.CoreV1().Events("").List(ctx, metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if i := slices.IndexFunc(
			stored.Items, func(e corev1.Event) bool { return e.InvolvedObject.Kind == "Pod" },
		); i >= 0 {
			t.Errorf("the API server stores the event %s", stored.Items[i].Reason)
		}
	})
}

// An API server accepts no events in a namespace that is being deleted.
func TestOnEventReceivesNothingOfATerminatingNamespace(t *testing.T) {
	killed := false
	config := cluster.Config{APIServer: apiserver.Options{OnEvent: func(e *corev1.Event) {
		killed = killed || e.Reason == "Killing"
	}}}
	simulate(t, config, func(_ *cluster.Cluster, client *kubernetes.Clientset) {
		ctx := context.Background()
		if _, err := client.CoreV1().Namespaces().Create(
			ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}, metav1.CreateOptions{},
		); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		deployment := nginx(1)
		deployment.Namespace = "shop"
		if _, err := client.AppsV1().Deployments("shop").Create(ctx, deployment, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if err := client.CoreV1().Namespaces().Delete(ctx, "shop", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if killed {
			t.Error("received the end of a container in a namespace that is being deleted")
		}
	})
}
