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
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/cluster/apiserver"
	"github.com/seatrial/seatrial/internal/cluster/kubelet"
	"github.com/seatrial/seatrial/internal/cluster/virtualtime"
)

func TestMain(m *testing.M) {
	klog.SetLogger(logr.Discard())
	os.Exit(m.Run())
}

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// simulate runs a test in virtual time against a new cluster.
func simulate(t *testing.T, config cluster.Config, f func(*cluster.Cluster, *kubernetes.Clientset)) {
	t.Helper()
	config.APIServer.BatchWindow = apiserver.BatchWindow
	err := virtualtime.Run(t.Context(), start, 1, func() error {
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
	simulate(t, cluster.Config{}, func(_ *cluster.Cluster, client *kubernetes.Clientset) {
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
	simulate(t, cluster.Config{}, func(_ *cluster.Cluster, client *kubernetes.Clientset) {
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

func TestStatefulSetGetsItsVolumes(t *testing.T) {
	simulate(t, cluster.Config{}, func(_ *cluster.Cluster, client *kubernetes.Clientset) {
		ctx := context.Background()
		replicas, labels := int32(2), map[string]string{"app": "db"}
		set := &appsv1.StatefulSet{
			ObjectMeta: metav1.ObjectMeta{Name: "db", Namespace: "default"},
			Spec: appsv1.StatefulSetSpec{
				Replicas: &replicas,
				Selector: &metav1.LabelSelector{MatchLabels: labels},
				Template: corev1.PodTemplateSpec{
					ObjectMeta: metav1.ObjectMeta{Labels: labels},
					Spec: corev1.PodSpec{
						Containers: []corev1.Container{
							{
								Name: "mysql", Image: "mysql:8.4",
								VolumeMounts: []corev1.VolumeMount{{Name: "data", MountPath: "/data"}},
							},
						},
					},
				},
				VolumeClaimTemplates: []corev1.PersistentVolumeClaim{{
					ObjectMeta: metav1.ObjectMeta{Name: "data"},
					Spec: corev1.PersistentVolumeClaimSpec{
						AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
						Resources: corev1.VolumeResourceRequirements{
							Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")},
						},
					},
				}},
			},
		}
		if _, err := client.AppsV1().StatefulSets("default").Create(ctx, set, metav1.CreateOptions{}); err != nil {
			t.Error(err)
			return
		}
		time.Sleep(time.Minute)
		got, err := client.AppsV1().StatefulSets("default").Get(ctx, "db", metav1.GetOptions{})
		if err != nil || got.Status.ReadyReplicas != 2 {
			t.Errorf("after a minute: %+v, %v", got.Status, err)
		}
		claims := client.CoreV1().PersistentVolumeClaims("default")
		claim, err := claims.Get(ctx, "data-db-0", metav1.GetOptions{})
		if err != nil || claim.Status.Phase != corev1.ClaimBound {
			t.Errorf("claim %+v, %v", claim.Status, err)
		}
		if err := client.AppsV1().StatefulSets("default").Delete(ctx, "db", metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
		if err := claims.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		volumes, err := client.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{})
		if err != nil || len(volumes.Items) != 0 {
			t.Errorf("%d volumes are left: %v", len(volumes.Items), err)
		}
	})
}

func TestStoppedNodeLosesItsPods(t *testing.T) {
	nodes, err := cluster.ParseNodes("2x4cpu8Gi")
	if err != nil {
		t.Fatal(err)
	}
	simulate(t, cluster.Config{Nodes: nodes}, func(_ *cluster.Cluster, client *kubernetes.Clientset) {
		ctx := context.Background()
		if _, err := client.AppsV1().Deployments("default").Create(ctx, nginx(1), metav1.CreateOptions{}); err != nil {
			t.Error(err)
			return
		}
		time.Sleep(20 * time.Second)
		pods, err := client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{})
		if err != nil || len(pods.Items) != 1 {
			t.Errorf("%d pods, %v", len(pods.Items), err)
			return
		}
		first := pods.Items[0].Spec.NodeName
		stop := []byte(`{"metadata":{"annotations":{"` + kubelet.AnnotationStopped + `":"true"}}}`)
		if _, err := client.CoreV1().Nodes().Patch(
			ctx, first, types.MergePatchType, stop, metav1.PatchOptions{},
		); err != nil {
			t.Error(err)
		}
		time.Sleep(10 * time.Minute)
		d, err := client.AppsV1().Deployments("default").Get(ctx, "nginx-deploy", metav1.GetOptions{})
		if err != nil || d.Status.AvailableReplicas != 1 {
			t.Errorf("after ten minutes: %+v, %v", d.Status, err)
		}
		node, err := client.CoreV1().Nodes().Get(ctx, first, metav1.GetOptions{})
		if err != nil || len(node.Spec.Taints) == 0 {
			t.Errorf("the node is not tainted: %+v, %v", node.Spec, err)
		}
	})
}
