package controllers

import (
	"context"
	"slices"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
	namespacedeletion "k8s.io/kubernetes/pkg/controller/namespace/deletion"
	controllerutil "k8s.io/kubernetes/pkg/controller/util/node"

	sharedinformers "github.com/seatrial/seatrial/internal/cluster/informers"
)

// Some controllers measure time from when they first see an object, and start again at each restart: in a trial with
// frequent commands a node without a kubelet would stay Ready, its pods would never be evicted, and namespaces would
// never be deleted. The stored objects say since when the state has lasted.

// finishNamespaces deletes the contents of namespaces that were being deleted before the restart. If something is left,
// the namespace controller continues.
func (m *manager) finishNamespaces(ctx context.Context) {
	const grace = 5 * time.Second // from the request
	namespaces := m.shared.Core().V1().Namespaces()
	if !cache.WaitForCacheSync(ctx.Done(), namespaces.Informer().HasSynced) {
		return
	}
	all, err := namespaces.Lister().List(labels.Everything())
	if err != nil {
		return // never: it reads a cache
	}
	all = slices.DeleteFunc(all, func(n *v1.Namespace) bool { return n.DeletionTimestamp == nil })
	if len(all) == 0 {
		return
	}
	slices.SortStableFunc(all, func(a, b *v1.Namespace) int {
		return a.DeletionTimestamp.Compare(b.DeletionTimestamp.Time)
	})
	deleter := namespacedeletion.NewNamespacedResourcesDeleter(ctx, m.client.CoreV1().Namespaces(), m.metadata,
		m.client.CoreV1(), m.discovery.ServerPreferredNamespacedResources, v1.FinalizerKubernetes)
	for _, n := range all {
		if !sleepUntil(ctx, n.DeletionTimestamp.Add(grace)) {
			return
		}
		if err := deleter.Delete(ctx, n.Name); err != nil {
			klog.FromContext(ctx).V(4).Info("The namespace is not empty yet", "namespace", n.Name, "err", err)
		}
	}
}

// loseNodes marks nodes unreachable whose last heartbeat, before the restart, is older than grace, as the node
// lifecycle controller would have done.
func (m *manager) loseNodes(ctx context.Context, grace time.Duration) {
	core := m.shared.Core().V1()
	nodes, leases, pods := core.Nodes(), m.shared.Coordination().V1().Leases(), core.Pods()
	if !cache.WaitForCacheSync(
		ctx.Done(), nodes.Informer().HasSynced, leases.Informer().HasSynced, pods.Informer().HasSynced,
	) {
		return
	}
	last := func(node string) (time.Time, bool) {
		lease, err := leases.Lister().Leases(v1.NamespaceNodeLease).Get(node)
		if err != nil || lease.Spec.RenewTime == nil {
			return time.Time{}, false
		}
		return lease.Spec.RenewTime.Time, true
	}
	type heartbeat struct {
		node string
		last time.Time
	}
	all, err := nodes.Lister().List(labels.Everything())
	if err != nil {
		return // never: it reads a cache
	}
	var known []heartbeat
	for _, node := range all {
		if at, ok := last(node.Name); ok {
			known = append(known, heartbeat{node.Name, at})
		}
	}
	slices.SortStableFunc(known, func(a, b heartbeat) int { return a.last.Compare(b.last) })

	broadcaster := record.NewBroadcaster(record.WithContext(ctx))
	defer broadcaster.Shutdown()
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: m.client.CoreV1().Events("")})
	recorder := broadcaster.NewRecorder(scheme.Scheme, v1.EventSource{Component: "node-controller"})
	for _, k := range known {
		if !sleepUntil(ctx, k.last.Add(grace)) {
			return
		}
		node, err := nodes.Lister().Get(k.node)
		if at, ok := last(k.node); err != nil || !ok || at.After(k.last) {
			continue
		}
		node = node.DeepCopy()
		if !markUnreachable(node) {
			continue
		}
		if _, err := m.client.CoreV1().Nodes().UpdateStatus(ctx, node, metav1.UpdateOptions{}); err != nil {
			continue // its controller will do so
		}
		controllerutil.RecordNodeStatusChange(klog.FromContext(ctx), recorder, node, "NodeNotReady")
		its, err := pods.Lister().List(labels.Everything())
		if err != nil {
			continue // never: it reads a cache
		}
		its = slices.DeleteFunc(its, func(p *v1.Pod) bool { return p.Spec.NodeName != k.node })
		if err := controllerutil.MarkPodsNotReady(ctx, m.client, recorder, its, k.node); err != nil {
			klog.FromContext(ctx).Error(err, "Marking the pods of a lost node", "node", k.node)
		}
	}
	<-ctx.Done() // recorded events are still written
}

// markUnreachable sets the node's conditions to Unknown as the node lifecycle controller does, and reports whether
// anything changed.
func markUnreachable(node *v1.Node) bool {
	_, ready := controllerutil.GetNodeCondition(&node.Status, v1.NodeReady)
	if ready == nil || ready.Status == v1.ConditionUnknown {
		return false
	}
	for _, kind := range []v1.NodeConditionType{
		v1.NodeReady, v1.NodeMemoryPressure, v1.NodeDiskPressure, v1.NodePIDPressure,
	} {
		if _, c := controllerutil.GetNodeCondition(&node.Status, kind); c != nil && c.Status != v1.ConditionUnknown {
			c.Status, c.Reason, c.Message =
				v1.ConditionUnknown, "NodeStatusUnknown", "Kubelet stopped posting node status."
			c.LastTransitionTime = metav1.Now()
		}
	}
	return true
}

// sleepUntil reports whether the context lasted.
func sleepUntil(ctx context.Context, t time.Time) bool {
	select {
	case <-time.After(time.Until(t)):
		return true
	case <-ctx.Done():
		return false
	}
}

// enduring are pods as the taint eviction controller has to see them: of the seconds for which they tolerate
// a taint, those before a restart are gone.
type remainingTolerations struct {
	coreinformers.PodInformer
	nodes coreinformers.NodeInformer
	began time.Time // the restart
}

func (e remainingTolerations) Informer() cache.SharedIndexInformer {
	return sharedinformers.View{
		SharedIndexInformer: e.PodInformer.Informer(),
		Index:               func(x cache.Indexer) cache.Indexer { return tolerationIndexer{x, e} },
	}
}

func (e remainingTolerations) Lister() corelisters.PodLister {
	return corelisters.NewPodLister(e.Informer().GetIndexer())
}

type tolerationIndexer struct {
	cache.Indexer
	all remainingTolerations
}

func (i tolerationIndexer) ByIndex(name, value string) ([]any, error) {
	found, err := i.Indexer.ByIndex(name, value)
	left := make([]any, len(found))
	for j, o := range found {
		left[j] = i.reduced(o)
	}
	return left, err
}

func (i tolerationIndexer) GetByKey(key string) (any, bool, error) {
	o, exists, err := i.Indexer.GetByKey(key)
	return i.reduced(o), exists, err
}

func (i tolerationIndexer) reduced(o any) any {
	if pod, ok := o.(*v1.Pod); ok {
		return i.all.reduced(pod)
	}
	return o
}

// reduced returns the pod with the remaining seconds, or the pod itself if none have passed.
func (e remainingTolerations) reduced(pod *v1.Pod) *v1.Pod {
	node, err := e.nodes.Lister().Get(pod.Spec.NodeName)
	if err != nil {
		return pod
	}
	arrived := pod.CreationTimestamp.Time
	if pod.Status.StartTime != nil {
		arrived = pod.Status.StartTime.Time
	}
	if slices.ContainsFunc(node.Spec.Taints, func(t v1.Taint) bool { return t.Effect == v1.TaintEffectNoExecute }) {
		// The controller is notified of the pod and of its node, and records an event if it schedules the same eviction
		// twice at one instant.
		time.Sleep(time.Microsecond)
	}
	changed := pod
	for _, taint := range node.Spec.Taints {
		since, ok := tainted(node, taint)
		if arrived.After(since) {
			since = arrived
		}
		passed := int64(e.began.Sub(since) / time.Second)
		if !ok || passed <= 0 {
			continue
		}
		for i, toleration := range pod.Spec.Tolerations {
			if toleration.TolerationSeconds == nil || !toleration.ToleratesTaint(klog.Background(), &taint, false) {
				continue
			}
			if changed == pod {
				changed = pod.DeepCopy()
			}
			if pod.DeletionTimestamp != nil {
				changed.Spec.Tolerations[i].TolerationSeconds = nil // what had to be done is done
				continue
			}
			seconds := changed.Spec.Tolerations[i].TolerationSeconds
			*seconds = min(*seconds, max(*toleration.TolerationSeconds-passed, 0))
		}
	}
	return changed
}

// tainted returns since when the node has a taint that evicts pods, if that is known. The node lifecycle controller
// adds its own again when it starts.
func tainted(node *v1.Node, taint v1.Taint) (time.Time, bool) {
	if taint.Effect != v1.TaintEffectNoExecute || taint.TimeAdded == nil {
		return time.Time{}, false
	}
	if _, ready := controllerutil.GetNodeCondition(&node.Status, v1.NodeReady); ready != nil && ofReadiness(taint) {
		return ready.LastTransitionTime.Time, true
	}
	return taint.TimeAdded.Time, true
}

func ofReadiness(taint v1.Taint) bool {
	return taint.Key == v1.TaintNodeUnreachable || taint.Key == v1.TaintNodeNotReady
}

// stableTaints are the nodes for the taint eviction controller: the node lifecycle controller removes the taints of
// unreachable nodes for a moment when it starts.
type stableTaints struct {
	coreinformers.NodeInformer
	until time.Time
	seen  *sync.Map // the taint by node
}

func (s stableTaints) Lister() corelisters.NodeLister {
	return taintLister{s.NodeInformer.Lister(), s}
}

type taintLister struct {
	corelisters.NodeLister
	all stableTaints
}

func (l taintLister) Get(name string) (*v1.Node, error) {
	node, err := l.NodeLister.Get(name)
	if err != nil || !time.Now().Before(l.all.until) {
		return node, err
	}
	for _, taint := range node.Spec.Taints {
		if taint.Effect == v1.TaintEffectNoExecute && ofReadiness(taint) {
			l.all.seen.Store(name, taint)
			return node, nil
		}
	}
	_, ready := controllerutil.GetNodeCondition(&node.Status, v1.NodeReady)
	taint, ok := l.all.seen.Load(name)
	if !ok || ready == nil || ready.Status == v1.ConditionTrue {
		return node, nil
	}
	node = node.DeepCopy()
	node.Spec.Taints = append(node.Spec.Taints, taint.(v1.Taint))
	return node, nil
}
