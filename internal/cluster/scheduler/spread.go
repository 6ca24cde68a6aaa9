package scheduler

import (
	"context"
	"slices"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	appslisters "k8s.io/client-go/listers/apps/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/feature"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/helper"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/podtopologyspread"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
)

const summarizedSpreadName = "PodTopologySpreadByZone"

// summarizedSpread is upstream's plugin. For the constraints that a scheduler gives to pods without any, upstream
// counts in each cycle the pods of all nodes that match, by zone. The counts are kept from one cycle to the next
// instead, and upstream's own code is shown one node for each zone, with as many pods.
type summarizedSpread struct {
	*podtopologyspread.PodTopologySpread
	summary *podtopologyspread.PodTopologySpread // sees zones in place of nodes; nil: upstream counts
	zones   *zoneLister
	nodes   fwk.SharedLister
	owners  owners
	known   map[countedPods]*zoneCounts
}

// owners lists what default constraints take their selectors from.
type owners struct {
	services     corelisters.ServiceLister
	controllers  corelisters.ReplicationControllerLister
	replicaSets  appslisters.ReplicaSetLister
	statefulSets appslisters.StatefulSetLister
}

// newSummarizedSpread returns a factory of the plugin.
func newSummarizedSpread(features feature.Features) frameworkruntime.PluginFactory {
	return func(ctx context.Context, args runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
		real, err := podtopologyspread.New(ctx, args, handle, features)
		if err != nil {
			return nil, err
		}
		s := &summarizedSpread{
			PodTopologySpread: real.(*podtopologyspread.PodTopologySpread), nodes: handle.SnapshotSharedLister(),
		}
		if a, ok := args.(*config.PodTopologySpreadArgs); !ok || a.DefaultingType != config.SystemDefaulting {
			return s, nil
		}
		s.zones = &zoneLister{}
		summary, err := podtopologyspread.New(ctx, args, summaryHandle{handle, s.zones}, features)
		if err != nil {
			return nil, err
		}
		s.summary, s.known = summary.(*podtopologyspread.PodTopologySpread), map[countedPods]*zoneCounts{}
		core, apps := handle.SharedInformerFactory().Core().V1(), handle.SharedInformerFactory().Apps().V1()
		s.owners = owners{
			core.Services().Lister(), core.ReplicationControllers().Lister(), apps.ReplicaSets().Lister(),
			apps.StatefulSets().Lister(),
		}
		return s, nil
	}
}

func (s *summarizedSpread) Name() string { return summarizedSpreadName }

// PreScore has upstream count the pods of zones where that is the same as counting those of nodes.
func (s *summarizedSpread) PreScore(
	ctx context.Context, state fwk.CycleState, pod *v1.Pod, feasible []fwk.NodeInfo,
) *fwk.Status {
	nodes, err := s.nodes.NodeInfos().List()
	if err != nil || s.summary == nil || !countsAllNodes(pod) {
		return s.PodTopologySpread.PreScore(ctx, state, pod, feasible)
	}
	selector := s.owners.selector(pod)
	if selector.Empty() {
		return s.PodTopologySpread.PreScore(ctx, state, pod, feasible)
	}
	s.zones.infos = s.counts(countedPods{pod.Namespace, selector.String()}, selector).refresh(nodes)
	return s.summary.PreScore(ctx, state, pod, feasible)
}

// countsAllNodes reports whether a pod has the default constraints, and the pods of all nodes count. Those of a group
// are assumed on nodes whose generation stays as it is.
func countsAllNodes(pod *v1.Pod) bool {
	affinity := pod.Spec.Affinity
	return len(pod.Spec.TopologySpreadConstraints) == 0 && len(pod.Spec.NodeSelector) == 0 &&
		pod.Spec.SchedulingGroup == nil && (affinity == nil || affinity.NodeAffinity == nil)
}

func (o owners) selector(pod *v1.Pod) labels.Selector {
	return helper.DefaultSelector(pod, o.services, o.controllers, o.replicaSets, o.statefulSets)
}

// mostCounts is how many selectors have their counts kept: those of the pods that are being scheduled, and of some
// that were.
const mostCounts = 64

func (s *summarizedSpread) counts(of countedPods, selector labels.Selector) *zoneCounts {
	if s.known[of] == nil {
		if len(s.known) >= mostCounts {
			clear(s.known)
		}
		s.known[of] = &zoneCounts{namespace: of.namespace, selector: selector, zones: map[string]*zone{}}
	}
	return s.known[of]
}

// countedPods identifies pods that are counted together.
type countedPods struct{ namespace, selector string }

// zoneCounts counts the pods of a namespace that match a selector, by zone.
type zoneCounts struct {
	namespace string
	selector  labels.Selector
	nodes     []nodeCount // in the order of the snapshot
	zones     map[string]*zone
	order     []*zone
}

// nodeCount is how many of the pods a node had when it was looked at last.
type nodeCount struct {
	generation int64
	pods       int
	zone       *zone
}

// refresh counts the pods of nodes that have changed, and returns a node for each zone.
func (c *zoneCounts) refresh(nodes []fwk.NodeInfo) []fwk.NodeInfo {
	for len(c.nodes) > len(nodes) {
		c.remove(len(c.nodes) - 1)
		c.nodes = c.nodes[:len(c.nodes)-1]
	}
	for i, n := range nodes {
		switch {
		case i == len(c.nodes):
			c.nodes = append(c.nodes, nodeCount{})
		case c.nodes[i].generation == n.GetGeneration():
			continue
		default:
			c.remove(i)
		}
		c.nodes[i] = c.count(n)
	}
	infos := make([]fwk.NodeInfo, 0, len(c.order))
	for _, z := range c.order {
		if z.nodes > 0 {
			infos = append(infos, z)
		}
	}
	return infos
}

// remove takes back what a node has added to its zone.
func (c *zoneCounts) remove(i int) {
	n := c.nodes[i]
	n.zone.nodes--
	n.zone.pods = n.zone.pods[:len(n.zone.pods)-n.pods]
}

// count adds a node to its zone.
func (c *zoneCounts) count(info fwk.NodeInfo) nodeCount {
	n := nodeCount{generation: info.GetGeneration(), zone: c.zone(info.Node())}
	n.zone.nodes++
	for _, p := range info.GetPods() {
		pod := p.GetPod()
		if pod.DeletionTimestamp == nil && pod.Namespace == c.namespace && c.selector.Matches(labels.Set(pod.Labels)) {
			n.pods++
			n.zone.add(p)
		}
	}
	return n
}

func (c *zoneCounts) zone(node *v1.Node) *zone {
	name, known := node.Labels[v1.LabelTopologyZone]
	z := c.zones[name]
	if z == nil {
		z = &zone{node: &v1.Node{}}
		if known {
			z.node.ObjectMeta = metav1.ObjectMeta{Labels: map[string]string{v1.LabelTopologyZone: name}}
		}
		c.zones[name], c.order = z, append(c.order, z)
	}
	return z
}

// zone stands for the nodes of a zone. Each of its pods is the first one that was counted: any that matches will do.
type zone struct {
	fwk.NodeInfo // has no method that is called
	node         *v1.Node
	nodes        int
	pods         []fwk.PodInfo
}

func (z *zone) Node() *v1.Node         { return z.node }
func (z *zone) GetPods() []fwk.PodInfo { return z.pods }

func (z *zone) add(pod fwk.PodInfo) {
	if len(z.pods) > 0 {
		pod = z.pods[0]
	}
	z.pods = append(z.pods, pod)
}

// summaryHandle is the handle of a plugin that sees zones in place of nodes.
type summaryHandle struct {
	fwk.Handle
	zones *zoneLister
}

func (h summaryHandle) SnapshotSharedLister() fwk.SharedLister { return h.zones }

// zoneLister lists the zones of the pod that is being scheduled.
type zoneLister struct {
	fwk.SharedLister
	fwk.NodeInfoLister
	infos []fwk.NodeInfo
}

func (l *zoneLister) NodeInfos() fwk.NodeInfoLister { return l }

func (l *zoneLister) List() ([]fwk.NodeInfo, error) { return slices.Clip(l.infos), nil }
