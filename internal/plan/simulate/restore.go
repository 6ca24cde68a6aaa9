package simulate

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/manifest"
)

// lived reports whether a document is an object as a cluster has it, and not a manifest.
func lived(d *manifest.Document) bool { return objectOf(d).GetUID() != "" }

// applied reports whether an object was made with kubectl apply: only such objects are pruned, as
// kubectl does.
func applied(d *manifest.Document) bool {
	return objectOf(d).GetAnnotations()[corev1.LastAppliedConfigAnnotation] != ""
}

// divide parts what runs already: manifests, which are applied; objects as a cluster has them, which
// are put back; and nodes.
func divide(
	from []*manifest.Document,
) (manifests []*manifest.Document, objects []*unstructured.Unstructured, nodes []*corev1.Node, err error) {
	for _, d := range from {
		switch o := objectOf(d); {
		case d.Object.Kind == "Node" && d.Object.APIVersion == "v1":
			n := &corev1.Node{}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, n); err != nil {
				return nil, nil, nil, fmt.Errorf("%s: %w", d.Range(), err)
			}
			nodes = append(nodes, n)
		case isCSINode(d): // see newAttachLimits
		case o.GetUID() != "":
			objects = append(objects, o)
		default:
			manifests = append(manifests, d)
		}
	}
	return manifests, objects, nodes, nil
}

// fresh makes new nodes of those that a cluster has.
func fresh(nodes []*corev1.Node) (ready []*corev1.Node, lost []string) {
	for _, n := range nodes {
		if n.UID != "" && !nodeReady(n) {
			lost = append(lost, n.Name)
			continue
		}
		ready = append(ready, cluster.FreshNode(n))
	}
	return ready, lost
}

// restorer puts objects into a cluster in which nothing acts yet.
type restorer struct {
	*applier
	uids map[types.UID]types.UID // new ones, by those that the objects had
	tell func(format string, args ...any)
}

// restore puts back what a cluster had. The API server draws new UIDs; what owns what is kept.
func restore(
	config *rest.Config, objects []*unstructured.Unstructured, nodes []*corev1.Node, tell func(string, ...any),
) error {
	a, err := newApplier(config)
	if err != nil {
		return err
	}
	r := &restorer{applier: a, uids: map[types.UID]types.UID{}, tell: tell}
	there, err := r.findNodes(nodes)
	if err != nil {
		return err
	}
	objects = r.withoutLost(objects, nodes, there)
	type placed struct {
		*target
		o    *unstructured.Unstructured
		rank int
	}
	var all []placed
	for _, o := range objects {
		t, err := a.target(o)
		if err != nil && statesGroup(o) { // it has been read, and nothing here acts on it
			continue
		}
		if err != nil {
			tell("%s %s of the cluster is left out: %v", o.GetKind(), o.GetName(), err)
			continue
		}
		t.helper = t.helper.WithFieldValidation(metav1.FieldValidationIgnore) // another version may know other fields
		all = append(all, placed{t, o, rank(t.mapping.Resource)})
	}
	slices.SortStableFunc(all, func(a, b placed) int { return cmp.Compare(a.rank, b.rank) })
	for _, p := range all {
		if err := r.put(p.target, p.o); err != nil {
			tell("%s of the cluster is left out: %v", p.object(), unwrapped(err))
		}
	}
	return nil
}

// findNodes returns the names of the nodes that are there, and has what nodes own belong to them.
func (r *restorer) findNodes(nodes []*corev1.Node) (there map[string]bool, err error) {
	list, err := r.client.CoreV1().Nodes().List(context.Background(), metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	there = map[string]bool{}
	for _, now := range list.Items {
		there[now.Name] = true
		if i := slices.IndexFunc(
			nodes, func(n *corev1.Node) bool { return n.Name == now.Name && n.UID != "" },
		); i >= 0 {
			r.uids[nodes[i].UID] = now.UID
		}
	}
	return there, nil
}

// withoutLost leaves out the pods of nodes that are not there. Of nodes that are not ready that is known.
func (r *restorer) withoutLost(
	objects []*unstructured.Unstructured, nodes []*corev1.Node, there map[string]bool,
) (left []*unstructured.Unstructured) {
	lost := map[string]int{}
	for _, o := range objects {
		if node, _, _ := unstructured.NestedString(o.Object, "spec", "nodeName"); o.GetKind() == "Pod" && node != "" &&
			!there[node] {
			lost[node]++
			continue
		}
		left = append(left, o)
	}
	for _, n := range nodes {
		if !nodeReady(n) {
			delete(lost, n.Name)
		}
	}
	var told []string
	for _, node := range slices.Sorted(maps.Keys(lost)) {
		told = append(told, fmt.Sprintf("%s (%d)", node, lost[node]))
	}
	if len(told) > 0 {
		r.tell(
			"pods of nodes that are not there are left out, and made anew by what owns them: %s",
			strings.Join(told, ", "),
		)
	}
	return left
}

// put makes one object again.
func (r *restorer) put(t *target, o *unstructured.Unstructured) error {
	old := o.GetUID()
	r.prepare(o)
	status, _, _ := unstructured.NestedMap(o.Object, "status")
	unstructured.RemoveNestedField(o.Object, "status")
	made, err := t.helper.Create(t.namespace, true, o)
	if apierrors.IsAlreadyExists(err) {
		made, err = t.helper.Get(t.namespace, t.name) // every cluster has it
	}
	if err != nil {
		return err
	}
	u, ok := made.(*unstructured.Unstructured)
	if !ok {
		return fmt.Errorf("unexpected %T", made)
	}
	r.uids[old] = u.GetUID()
	if status = keptStatus(o.GetKind(), status); len(status) == 0 {
		return nil
	}
	u = u.DeepCopy()
	u.Object["status"] = status
	_, err = t.helper.WithSubresource("status").Replace(t.namespace, t.name, true, u)
	return err
}

// keptStatus is what no controller finds out by itself.
func keptStatus(kind string, status map[string]any) map[string]any {
	keys := map[string][]string{
		"StatefulSet": {
			"currentRevision", "updateRevision", "collisionCount", "replicas", "currentReplicas", "updatedReplicas",
		},
		"Job": {
			"startTime", "completionTime", "succeeded", "failed", "completedIndexes", "failedIndexes", "conditions",
			"uncountedTerminatedPods",
		},
	}[kind]
	kept := map[string]any{}
	for _, key := range keys {
		if value, ok := status[key]; ok {
			kept[key] = value
		}
	}
	if kept["conditions"] == nil {
		delete(kept, "startTime") // of another clock
	}
	return kept
}

// prepare takes out of an object what belongs to the cluster that it is from.
func (r *restorer) prepare(o *unstructured.Unstructured) {
	for _, field := range []string{
		"uid", "resourceVersion", "generation", "creationTimestamp", "selfLink", "managedFields",
	} {
		unstructured.RemoveNestedField(o.Object, "metadata", field)
	}
	var owners []metav1.OwnerReference
	for _, owner := range o.GetOwnerReferences() {
		if uid, ok := r.uids[owner.UID]; ok { // what has no owner here would be collected
			owner.UID = uid
			owners = append(owners, owner)
		}
	}
	o.SetOwnerReferences(owners)
	o.SetFinalizers(slices.DeleteFunc(o.GetFinalizers(), func(f string) bool {
		// nobody here would take it away
		return strings.Contains(f, "/") && !strings.Contains(f[:strings.IndexByte(f, '/')], "kubernetes.io")
	}))
	if change := preparations[o.GetKind()]; change != nil {
		change(r, o)
	}
}

// preparations are what else has to be changed, by kind.
var preparations = map[string]func(*restorer, *unstructured.Unstructured){
	"Service": func(_ *restorer, o *unstructured.Unstructured) {
		if ip, _, _ := unstructured.NestedString(o.Object, "spec", "clusterIP"); ip != corev1.ClusterIPNone {
			unstructured.RemoveNestedField(o.Object, "spec", "clusterIP") // from the range of another cluster
			unstructured.RemoveNestedField(o.Object, "spec", "clusterIPs")
		}
		unstructured.RemoveNestedField(o.Object, "spec", "healthCheckNodePort")
	},
	"PersistentVolume": func(r *restorer, o *unstructured.Unstructured) {
		uid, _, _ := unstructured.NestedString(o.Object, "spec", "claimRef", "uid")
		if now, ok := r.uids[types.UID(uid)]; ok {
			_ = unstructured.SetNestedField(o.Object, string(now), "spec", "claimRef", "uid") // it is there
		}
		unstructured.RemoveNestedField(o.Object, "spec", "claimRef", "resourceVersion")
	},
	"Job": func(_ *restorer, o *unstructured.Unstructured) {
		if manual, _, _ := unstructured.NestedBool(o.Object, "spec", "manualSelector"); manual {
			return
		}
		unstructured.RemoveNestedField(o.Object, "spec", "selector") // it holds the UID
		for _, label := range []string{"controller-uid", "batch.kubernetes.io/controller-uid"} {
			unstructured.RemoveNestedField(o.Object, "spec", "template", "metadata", "labels", label)
		}
	},
	"Pod": func(r *restorer, o *unstructured.Unstructured) {
		unstructured.RemoveNestedField(o.Object, "spec", "ephemeralContainers")
		labels := o.GetLabels()
		for _, label := range []string{"controller-uid", "batch.kubernetes.io/controller-uid"} {
			if now, ok := r.uids[types.UID(labels[label])]; ok {
				labels[label] = string(now)
			}
		}
		o.SetLabels(labels)
	},
}
