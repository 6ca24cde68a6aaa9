package cluster

import (
	"context"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/seatrial/seatrial/internal/cluster/apiserver"
	"github.com/seatrial/seatrial/internal/cluster/virtualtime"
	"github.com/seatrial/seatrial/internal/kubernetes/registry"
)

// Every reference must be decoded, or its object would be kept for ever.
func TestEveryReferenceIsDecoded(t *testing.T) {
	err := virtualtime.Run(t.Context(), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 1, func() error {
		engine, err := Start(
			context.Background(), Config{APIServer: apiserver.Options{BatchWindow: apiserver.BatchWindow}},
		)
		if err != nil {
			return err
		}
		defer engine.Close()
		ctx, deployments := context.Background(), engine.clients.Client.AppsV1().Deployments("default")
		replicas, labels := int32(3), map[string]string{"app": "web"}
		_, err = deployments.Create(ctx, &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Name: "web"},
			Spec: appsv1.DeploymentSpec{
				Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
				Template: corev1.PodTemplateSpec{
					ObjectMeta: metav1.ObjectMeta{Labels: labels},
					Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "nginx"}}},
				},
			},
		}, metav1.CreateOptions{})
		if err != nil {
			return err
		}
		time.Sleep(time.Minute)
		if err := deployments.Delete(ctx, "web", metav1.DeleteOptions{}); err != nil {
			return err
		}
		time.Sleep(time.Minute)
		for _, obj := range registry.Unclaimed() {
			t.Errorf("nobody decoded %T", obj)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
