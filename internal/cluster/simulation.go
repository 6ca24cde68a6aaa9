package cluster

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"

	"github.com/seatrial/seatrial/internal/cluster/kubelet"
	linked "github.com/seatrial/seatrial/internal/kubernetes"
)

// seedSimulation creates what the simulation adds to an API server: a storage class and nodes. Existing objects are not
// changed.
func seedSimulation(ctx context.Context, client kubernetes.Interface, nodes []*corev1.Node) error {
	if err := seedStorageClass(ctx, client); err != nil {
		return err
	}
	if nodes == nil {
		nodes = DefaultNodes()
	}
	for _, n := range nodes {
		if err := seedNode(ctx, client, n); err != nil {
			return fmt.Errorf("node %s: %w", n.Name, err)
		}
	}
	return nil
}

// seedStorageClass creates a default storage class.
func seedStorageClass(ctx context.Context, client kubernetes.Interface) error {
	mode := storagev1.VolumeBindingWaitForFirstConsumer
	policy := corev1.PersistentVolumeReclaimDelete
	class := &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{
			Name: "standard", Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"},
		},
		Provisioner:       kubelet.Provisioner,
		VolumeBindingMode: &mode,
		ReclaimPolicy:     &policy,
	}
	_, err := client.StorageV1().StorageClasses().Create(ctx, class, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("storage class %s: %w", class.Name, err)
	}
	return nil
}

func seedNode(ctx context.Context, client kubernetes.Interface, node *corev1.Node) error {
	node = node.DeepCopy()
	kubelet.Ready(node, linked.Version())
	for label, old := range oldLabels {
		if value, ok := node.Labels[label]; ok && node.Labels[old] == "" {
			node.Labels[old] = value
		}
	}
	created, err := client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	if err != nil || len(created.Spec.Taints) == len(node.Spec.Taints) {
		return err
	}
	created.Spec.Taints = node.Spec.Taints // without that of a node that has yet to become ready
	_, err = client.CoreV1().Nodes().Update(ctx, created, metav1.UpdateOptions{})
	if apierrors.IsConflict(err) {
		return nil // the controllers, which are there already, came first
	}
	return err
}

// oldLabels are the labels that the node controller copies; nodes are created with them.
var oldLabels = map[string]string{
	corev1.LabelOSStable:   "beta.kubernetes.io/os",
	corev1.LabelArchStable: "beta.kubernetes.io/arch",
}

// awaitAdmission waits until the admission plugins know the stored policies.
func awaitAdmission(ctx context.Context, client kubernetes.Interface) error {
	probe := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "ready-"}}
	return poll(ctx, func() (bool, error) {
		_, err := client.CoreV1().Namespaces().Create(
			ctx, probe, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}},
		)
		if apierrors.IsForbidden(err) {
			return false, nil
		}
		return true, err
	})
}

// awaitServiceAccount waits until pods can be created.
func awaitServiceAccount(ctx context.Context, client kubernetes.Interface) error {
	return poll(ctx, func() (bool, error) {
		_, err := client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		return true, err
	})
}

// awaitNodes waits until the nodes that are ready have lost the taint of new ones.
func awaitNodes(ctx context.Context, known listers.NodeLister) error {
	return poll(ctx, func() (bool, error) {
		nodes, err := known.List(labels.Everything())
		return err == nil && !slices.ContainsFunc(nodes, isNew), err
	})
}

func isNew(n *corev1.Node) bool {
	return slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	}) && slices.ContainsFunc(n.Spec.Taints, func(t corev1.Taint) bool { return t.Key == corev1.TaintNodeNotReady })
}

func poll(ctx context.Context, done wait.ConditionFunc) error {
	const interval = 2 * time.Millisecond
	return wait.PollUntilContextCancel(ctx, interval, true, func(context.Context) (bool, error) { return done() })
}
