package cluster_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"github.com/seatrial/seatrial/cluster"
	"github.com/seatrial/seatrial/cluster/virtual"
)

func TestMain(m *testing.M) {
	klog.SetLogger(logr.Discard())
	os.Exit(m.Run())
}

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// simulate runs a test in virtual time against a new cluster.
func simulate(t *testing.T, config cluster.Config, f func(*cluster.Engine, *kubernetes.Clientset)) {
	t.Helper()
	config.Pace = cluster.Pace
	err := virtual.Run(t.Context(), start, 1, func() error {
		engine, err := cluster.Start(context.Background(), config) // t.Context is of the outside
		if err != nil {
			return err
		}
		defer engine.Close()
		client, err := kubernetes.NewForConfig(engine.RESTConfig())
		if err != nil {
			return err
		}
		f(engine, client)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func nginx(replicas int32) *appsv1.Deployment {
	labels := map[string]string{"app": "nginx"}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "nginx-deploy", Namespace: "default"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "nginx", Image: "nginx:1.7.9"}}},
			},
		},
	}
}

func TestDeploymentBecomesAvailable(t *testing.T) {
	simulate(t, cluster.Config{}, func(_ *cluster.Engine, client *kubernetes.Clientset) {
		deployments := client.AppsV1().Deployments("default")
		if _, err := deployments.Create(context.Background(), nginx(2), metav1.CreateOptions{}); err != nil {
			t.Error(err)
			return
		}
		time.Sleep(10 * time.Second)
		d, err := deployments.Get(context.Background(), "nginx-deploy", metav1.GetOptions{})
		if err != nil {
			t.Error(err)
			return
		}
		if d.Status.AvailableReplicas != 2 {
			t.Errorf("%d replicas are available after 10 s: %+v", d.Status.AvailableReplicas, d.Status)
		}
	})
}

func TestNamespaceTakesItsObjectsWithIt(t *testing.T) {
	simulate(t, cluster.Config{}, func(_ *cluster.Engine, client *kubernetes.Clientset) {
		ctx := context.Background()
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}
		if _, err := client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
			t.Error(err)
			return
		}
		time.Sleep(5 * time.Second)
		if err := client.CoreV1().Namespaces().Delete(ctx, "shop", metav1.DeleteOptions{}); err != nil {
			t.Error(err)
			return
		}
		time.Sleep(30 * time.Second)
		got, err := client.CoreV1().Namespaces().Get(ctx, "shop", metav1.GetOptions{})
		if !apierrors.IsNotFound(err) {
			t.Errorf("the namespace is still there: %+v, %v", got.Status, err)
		}
	})
}
