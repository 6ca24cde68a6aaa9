package cluster

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	schedulingapiv1 "k8s.io/kubernetes/pkg/apis/scheduling/v1"
	"k8s.io/kubernetes/pkg/controlplane/reconcilers"

	"github.com/seatrial/seatrial/internal/cluster/kubelet"
	linked "github.com/seatrial/seatrial/internal/kubernetes"
)

// What every new cluster has.
var systemNamespaces = []string{metav1.NamespaceDefault, metav1.NamespaceSystem, metav1.NamespacePublic, corev1.NamespaceNodeLease}

// seed writes the other objects that every cluster has, and its nodes.
func (s *apiServer) seed(ctx context.Context, nodes []*corev1.Node) error {
	for _, name := range systemNamespaces {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if _, err := s.Client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("namespace %s: %w", name, err)
		}
	}
	if !s.roleless {
		if err := s.seedPolicies(ctx); err != nil {
			return err
		}
	}
	for _, class := range schedulingapiv1.SystemPriorityClasses() {
		if err := seedPriorityClass(ctx, s.Client, class.Name, class.Value, class.Description); err != nil {
			return err
		}
	}
	if err := s.seedService(ctx); err != nil {
		return err
	}
	return seedSimulation(ctx, s.Client, nodes)
}

// seedSimulation writes what the simulation adds to an API server: a storage class and nodes.
// What is there already stays as it is.
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

func seedPriorityClass(ctx context.Context, client kubernetes.Interface, name string, value int32, description string) error {
	class := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Value: value, Description: description}
	_, err := client.SchedulingV1().PriorityClasses().Create(ctx, class, metav1.CreateOptions{})
	return named("priority class", name, err)
}

// Advertised is the address of the API server inside of the simulation: that of the node
// demo-control-plane. A loopback address is refused as an endpoint.
var Advertised = net.IPv4(172, 18, 0, 2)

const (
	apiPort    = 6443 // where it says that it listens there
	apiService = "kubernetes"
)

// seedService writes the Service of the API server, and where it leads, for who looks.
func (s *apiServer) seedService(ctx context.Context) error {
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: apiService, Labels: map[string]string{"component": "apiserver", "provider": "kubernetes"}},
		Spec: corev1.ServiceSpec{
			ClusterIP: "10.96.0.1",
			Ports:     []corev1.ServicePort{{Name: "https", Port: 443, TargetPort: intstr.FromInt32(apiPort), Protocol: corev1.ProtocolTCP}},
		},
	}
	if _, err := s.Client.CoreV1().Services(metav1.NamespaceDefault).Create(ctx, service, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("service kubernetes: %w", err)
	}
	if s.roleless {
		return nil
	}
	adapter := reconcilers.NewEndpointsAdapter(s.Client.CoreV1(), s.Client.DiscoveryV1())
	ports := []corev1.EndpointPort{{Name: "https", Port: apiPort, Protocol: corev1.ProtocolTCP}}
	if err := reconcilers.NewMasterCountEndpointReconciler(1, adapter).ReconcileEndpoints(service.Name, Advertised, ports, true); err != nil {
		return fmt.Errorf("endpoints of the service kubernetes: %w", err)
	}
	return nil
}

// seedStorageClass writes a default storage class.
func seedStorageClass(ctx context.Context, client kubernetes.Interface) error {
	mode := storagev1.VolumeBindingWaitForFirstConsumer
	policy := corev1.PersistentVolumeReclaimDelete
	class := &storagev1.StorageClass{
		ObjectMeta:        metav1.ObjectMeta{Name: "standard", Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}},
		Provisioner:       kubelet.Provisioner,
		VolumeBindingMode: &mode,
		ReclaimPolicy:     &policy,
	}
	if _, err := client.StorageV1().StorageClasses().Create(ctx, class, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
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

// oldLabels are the labels that the node controller copies, so that it need not.
var oldLabels = map[string]string{
	corev1.LabelOSStable:   "beta.kubernetes.io/os",
	corev1.LabelArchStable: "beta.kubernetes.io/arch",
}

// awaitAdmission waits until the admission plugins know the policies that are stored.
func awaitAdmission(ctx context.Context, client kubernetes.Interface) error {
	probe := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "ready-"}}
	return poll(ctx, func() (bool, error) {
		_, err := client.CoreV1().Namespaces().Create(ctx, probe, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if apierrors.IsForbidden(err) {
			return false, nil
		}
		return true, err
	})
}

// awaitServiceAccount waits until pods can be made.
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
	return wait.PollUntilContextCancel(ctx, 2*time.Millisecond, true, func(context.Context) (bool, error) { return done() })
}

// DefaultNodes are a worker and a control plane that takes no ordinary pods.
func DefaultNodes() []*corev1.Node {
	worker := NewNode("demo-worker", 1, resource.MustParse("4"), resource.MustParse("8Gi"))
	plane := NewNode("demo-control-plane", 0, resource.MustParse("4"), resource.MustParse("8Gi"))
	plane.Labels["node-role.kubernetes.io/control-plane"] = ""
	plane.Spec.Taints = []corev1.Taint{{Key: "node-role.kubernetes.io/control-plane", Effect: corev1.TaintEffectNoSchedule}}
	return []*corev1.Node{plane, worker}
}

// NewNode describes a node by what it offers. The index draws its addresses.
func NewNode(name string, index int, cpu, memory resource.Quantity) *corev1.Node {
	offers := corev1.ResourceList{
		corev1.ResourceCPU:              cpu,
		corev1.ResourceMemory:           memory,
		corev1.ResourcePods:             resource.MustParse("110"),
		corev1.ResourceEphemeralStorage: resource.MustParse("100Gi"),
	}
	cidr := podRange(index)
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
			corev1.LabelHostname:   name,
			corev1.LabelOSStable:   "linux",
			corev1.LabelArchStable: "amd64",
		}},
		Spec: corev1.NodeSpec{PodCIDR: cidr, PodCIDRs: []string{cidr}},
		Status: corev1.NodeStatus{
			Capacity:    offers,
			Allocatable: offers,
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: fmt.Sprintf("172.18.%d.%d", (index+2)/256, (index+2)%256)},
				{Type: corev1.NodeHostName, Address: name},
			},
		},
	}
}

// podRange is where the pods of a node get their addresses: beyond the 256 nodes that 10.244.0.0/16
// has room for, in the ranges from 10.129.0.0/16 on.
func podRange(index int) string {
	second := 244
	if index > 255 {
		second = 128 + index/256
	}
	return fmt.Sprintf("10.%d.%d.0/24", second, index%256)
}
