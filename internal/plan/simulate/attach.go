package simulate

import (
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/seatrial/seatrial/internal/cluster/kubelet"
	"github.com/seatrial/seatrial/manifest"
)

// attachLimits say how many volumes of which drivers nodes take.
type attachLimits struct {
	stated map[string]*storagev1.CSINode // by node: what the cluster states; nil: it states nothing, and defaults count
	like   map[string]string             // nodes that may come, and the node of the cluster that each is like
}

// newAttachLimits returns the limits of a plan; nil if no volume of it is of a driver that has one.
func newAttachLimits(in *Input) *attachLimits {
	l := &attachLimits{like: map[string]string{}}
	limited := false
	documents := slices.Concat(in.From, in.Change)
	if in.Scenario != nil {
		for i := range in.Scenario.Actions {
			documents = append(documents, in.Scenario.Actions[i].Documents...)
		}
	}
	for _, d := range documents {
		switch {
		case isCSINode(d):
			n := &storagev1.CSINode{}
			if runtime.DefaultUnstructuredConverter.FromUnstructured(objectOf(d).Object, n) == nil {
				if l.stated == nil {
					l.stated = map[string]*storagev1.CSINode{}
				}
				l.stated[n.Name] = n
			}
		case d.Object.Kind == "StorageClass":
			provisioner, _, _ := unstructured.NestedString(d.Value(), "provisioner")
			limited = limited || kubelet.AttachLimited(provisioner)
		case d.Object.Kind == "PersistentVolume":
			driver, _, _ := unstructured.NestedString(d.Value(), "spec", "csi", "driver")
			limited = limited || kubelet.AttachLimited(driver)
		}
	}
	if !limited && l.stated == nil {
		return nil
	}
	return l
}

func isCSINode(d *manifest.Document) bool {
	return d.Object.Kind == "CSINode" && d.Object.APIVersion == storagev1.SchemeGroupVersion.String()
}

// of returns the limits of a node, nil if it has none.
func (l *attachLimits) of(node *corev1.Node) *storagev1.CSINode {
	if l == nil {
		return nil
	}
	if l.stated == nil {
		return kubelet.CSINode(node)
	}
	stated := l.stated[node.Name]
	if stated == nil {
		stated = l.stated[l.like[node.Name]]
	}
	if stated == nil || len(stated.Spec.Drivers) == 0 {
		return nil
	}
	made := &storagev1.CSINode{ObjectMeta: metav1.ObjectMeta{Name: node.Name}}
	if migrated := stated.Annotations[corev1.MigratedPluginsAnnotationKey]; migrated != "" {
		made.Annotations = map[string]string{corev1.MigratedPluginsAnnotationKey: migrated}
	}
	made.Spec = *stated.Spec.DeepCopy()
	return made
}

// alike notes which nodes are like which of the cluster.
func (l *attachLimits) alike(like map[string]string) {
	if l != nil {
		maps.Copy(l.like, like)
	}
}

// create makes the CSINode of a node.
func (l *attachLimits) create(ctx context.Context, client kubernetes.Interface, node *corev1.Node) error {
	made := l.of(node)
	if made == nil {
		return nil
	}
	_, err := client.StorageV1().CSINodes().Create(ctx, made, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("attach limits of node %s: %w", node.Name, err)
	}
	return nil
}

// prepare makes the CSINodes of all nodes of a cluster.
func (l *attachLimits) prepare(ctx context.Context, api *rest.Config) error {
	if l == nil {
		return nil
	}
	client, err := kubernetes.NewForConfig(api)
	if err != nil {
		return err
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range nodes.Items {
		if err := l.create(ctx, client, &nodes.Items[i]); err != nil {
			return err
		}
	}
	return nil
}

// addNode adds a node to the cluster.
func (s *simulation) addNode(ctx context.Context, node *corev1.Node) error {
	if err := s.limits.create(ctx, s.applier.client, node); err != nil {
		return err
	}
	return s.engine.AddNode(ctx, node)
}

// volumeLimit explains pods that no node takes since it has as many volumes as its driver attaches.
func volumeLimit(d *diagnosis) bool {
	nodes := d.rejectedBy("NodeVolumeLimits", "")
	if d.pod == nil || len(nodes) == 0 {
		return false
	}
	for _, name := range nodes {
		n := d.recorder.nodes[name]
		if n == nil || n.node == nil {
			continue
		}
		c := d.limits.of(n.node)
		if c == nil {
			continue
		}
		for _, driver := range c.Spec.Drivers {
			used := d.recorder.attached(name, driver.Name)
			if driver.Allocatable == nil || driver.Allocatable.Count == nil || used == 0 {
				continue
			}
			d.seen("%s: %d volumes of %s, it takes %d", name, used, driver.Name, *driver.Allocatable.Count)
			if d.cause == "" {
				d.name("DRIVER", driver.Name)
				d.because("%s has %d volumes of %s and takes no more than %d: %s finds no place for its own", name,
					used, driver.Name,
					*driver.Allocatable.Count, d.pod.life.Object.Name)
			}
		}
	}
	return d.cause != ""
}

// attached returns how many volumes of a driver the pods of a node use.
func (r *recorder) attached(node, driver string) int {
	volumes := map[string]bool{}
	for _, t := range r.order {
		if t.gone || t.on == nil || t.on.name != node {
			continue
		}
		for _, name := range claimsOf(t.pod) {
			if c := r.claim(t.pod.Namespace, name); c != nil && c.Spec.VolumeName != "" {
				v, _ := r.objects["/persistentvolumes/"+c.Spec.VolumeName].(*corev1.PersistentVolume)
				if v != nil && v.Spec.CSI != nil && v.Spec.CSI.Driver == driver {
					volumes[v.Name] = true
				}
			}
		}
	}
	return len(volumes)
}
