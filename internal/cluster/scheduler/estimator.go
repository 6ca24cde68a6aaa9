package scheduler

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	internalcache "k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/runtime"
)

// Estimator says where pods would go, on nodes that need not exist, by the filters and scores of a running scheduler's
// profiles. Nothing is written: it keeps nodes and pods of its own. It is not safe for concurrent use.
type Estimator struct {
	scheduler *Scheduler
	nodes     []*v1.Node              // by name
	pods      []*v1.Pod               // that have a node
	snapshot  *internalcache.Snapshot // of both; nil: to be made
}

// NewEstimator returns an estimator of some nodes and the pods that have one of them.
func (s *Scheduler) NewEstimator(nodes []*v1.Node, pods []*v1.Pod) *Estimator {
	e := &Estimator{scheduler: s}
	for _, n := range nodes {
		e.AddNode(n)
	}
	for _, p := range pods {
		if e.has(p.Spec.NodeName) {
			e.pods = append(e.pods, p)
		}
	}
	return e
}

// Fork returns an estimator of the same nodes and pods, which changes on its own.
func (e *Estimator) Fork() *Estimator {
	return &Estimator{scheduler: e.scheduler, nodes: slices.Clone(e.nodes), pods: slices.Clone(e.pods)}
}

// Without returns an estimator without a node, and the pods that the node had.
func (e *Estimator) Without(node string) (*Estimator, []*v1.Pod) {
	f := e.Fork()
	f.nodes = slices.DeleteFunc(f.nodes, func(n *v1.Node) bool { return n.Name == node })
	var gone []*v1.Pod
	f.pods = slices.DeleteFunc(f.pods, func(p *v1.Pod) bool {
		if p.Spec.NodeName == node {
			gone = append(gone, p)
		}
		return p.Spec.NodeName == node
	})
	return f, gone
}

// Only returns an estimator of some of the nodes, and their pods.
func (e *Estimator) Only(nodes map[string]bool) *Estimator {
	f := e.Fork()
	f.nodes = slices.DeleteFunc(f.nodes, func(n *v1.Node) bool { return !nodes[n.Name] })
	f.pods = slices.DeleteFunc(f.pods, func(p *v1.Pod) bool { return !nodes[p.Spec.NodeName] })
	return f
}

// AddNode adds a node, which takes the place of one of the same name.
func (e *Estimator) AddNode(n *v1.Node) {
	i, found := slices.BinarySearchFunc(
		e.nodes, n.Name, func(n *v1.Node, name string) int { return strings.Compare(n.Name, name) },
	)
	if found {
		e.nodes[i] = n
	} else {
		e.nodes = slices.Insert(e.nodes, i, n)
	}
	e.snapshot = nil
}

func (e *Estimator) has(node string) bool {
	_, found := slices.BinarySearchFunc(
		e.nodes, node, func(n *v1.Node, name string) int { return strings.Compare(n.Name, name) },
	)
	return found
}

// Place finds the node that the scheduler would choose for a pod, and puts it there. Where no node passes the filters,
// node is empty, and rejected has the first filter that each did not pass.
func (e *Estimator) Place(ctx context.Context, pod *v1.Pod) (node string, rejected []Rejection, err error) {
	f, err := e.framework(ctx, pod.Spec.SchedulerName)
	if err != nil {
		return "", nil, err
	}
	if err := e.refresh(); err != nil {
		return "", nil, err
	}
	state := framework.NewCycleState()
	feasible, rejected, err := e.filter(ctx, f, state, pod)
	if err != nil || len(feasible) == 0 {
		return "", rejected, err
	}
	node, err = choose(ctx, f, state, pod, feasible)
	if err != nil {
		return "", nil, err
	}
	return node, rejected, e.put(pod, node)
}

// Fits reports whether a pod passes the filters of a node.
func (e *Estimator) Fits(ctx context.Context, pod *v1.Pod, node string) (bool, error) {
	f, err := e.framework(ctx, pod.Spec.SchedulerName)
	if err != nil {
		return false, err
	}
	if err := e.refresh(); err != nil {
		return false, err
	}
	feasible, _, err := e.filter(ctx, f, framework.NewCycleState(), pod)
	return slices.ContainsFunc(feasible, func(n fwk.NodeInfo) bool { return n.Node().Name == node }), err
}

// put adds a pod to a node.
func (e *Estimator) put(pod *v1.Pod, node string) error {
	placed := pod.DeepCopy()
	placed.Spec.NodeName = node
	e.pods = append(e.pods, placed)
	info, err := framework.NewPodInfo(placed)
	if err != nil {
		return err
	}
	return e.snapshot.AddPod(info, node)
}

// refresh makes the snapshot of nodes and pods, and shows it to the plugins.
func (e *Estimator) refresh() error {
	e.scheduler.shown.Snapshot = e.snapshot
	if e.snapshot != nil {
		return nil
	}
	e.snapshot = internalcache.NewSnapshot(e.pods, e.nodes)
	e.scheduler.shown.Snapshot = e.snapshot
	return e.snapshot.StartMutations()
}

// framework returns the framework of a profile for estimators, which they share: it is made when it is first needed.
func (e *Estimator) framework(ctx context.Context, scheduler string) (framework.Framework, error) {
	s := e.scheduler
	scheduler = cmp.Or(scheduler, v1.DefaultSchedulerName)
	if f := s.estimating[scheduler]; f != nil {
		return f, nil
	}
	running := s.frameworks[scheduler]
	i := slices.IndexFunc(s.profiles, func(p config.KubeSchedulerProfile) bool { return p.SchedulerName == scheduler })
	if running == nil || i < 0 {
		return nil, fmt.Errorf("no scheduler is named %s", scheduler)
	}
	profile := s.profiles[i].DeepCopy()
	profile.SchedulerName += "-estimate" // plugins add indexers of the name of their profile
	f, err := runtime.NewFramework(
		ctx, s.registry, profile,
		runtime.WithClientSet(running.ClientSet()), runtime.WithInformerFactory(running.SharedInformerFactory()),
		runtime.WithSharedDRAManager(running.SharedDRAManager()),
		runtime.WithSharedCSIManager(estimatedCSI{running.SharedCSIManager(), s}),
		runtime.WithSnapshotSharedLister(s.shown), runtime.WithParallelism(1),
		runtime.WithEventRecorder(running.EventRecorder()),
	)
	if err != nil {
		return nil, fmt.Errorf("profile %s: %w", scheduler, err)
	}
	s.estimating[scheduler] = f
	return f, nil
}

// filter returns the nodes that pass the filters, by name, and the first filter that the others did not pass.
func (e *Estimator) filter(
	ctx context.Context, f framework.Framework, state fwk.CycleState, pod *v1.Pod,
) (feasible []fwk.NodeInfo, rejected []Rejection, err error) {
	pre, status, _ := f.RunPreFilterPlugins(ctx, state, pod)
	if !status.IsSuccess() && !status.IsRejected() {
		return nil, nil, status.AsError()
	}
	for _, n := range e.nodes {
		if !status.IsSuccess() {
			rejected = append(rejected, rejection(n.Name, status))
			continue
		}
		if !pre.AllNodes() && !pre.NodeNames.Has(n.Name) {
			rejected = append(
				rejected, Rejection{n.Name, "NodeAffinity", "node(s) didn't match Pod's node affinity/selector"},
			)
			continue
		}
		info, err := e.snapshot.Get(n.Name)
		if err != nil {
			return nil, nil, err
		}
		switch s := f.RunFilterPlugins(ctx, state, pod, info); {
		case s.IsSuccess():
			feasible = append(feasible, info)
		case s.IsRejected():
			rejected = append(rejected, rejection(n.Name, s))
		default:
			return nil, nil, s.AsError()
		}
	}
	return feasible, rejected, nil
}

// choose returns the best of some nodes.
func choose(
	ctx context.Context, f framework.Framework, state fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo,
) (string, error) {
	if len(nodes) == 1 {
		return nodes[0].Node().Name, nil
	}
	if status := f.RunPreScorePlugins(ctx, state, pod, nodes); !status.IsSuccess() {
		return "", status.AsError()
	}
	scores, status := f.RunScorePlugins(ctx, state, pod, nodes)
	if !status.IsSuccess() {
		return "", status.AsError()
	}
	best := slices.MaxFunc(scores, func(a, b fwk.NodePluginScores) int {
		return cmp.Or(
			cmp.Compare(a.TotalScore, b.TotalScore),
			cmp.Compare(tieBreak(string(pod.UID), a.Name), tieBreak(string(pod.UID), b.Name)),
			cmp.Compare(b.Name, a.Name),
		)
	})
	return best.Name, nil
}

// estimatedCSI reports to plugins how many volumes nodes take, those that do not exist included.
type estimatedCSI struct {
	fwk.CSIManager
	scheduler *Scheduler
}

// CSINodes returns the lister of the nodes that the estimator has that asks.
func (m estimatedCSI) CSINodes() fwk.CSINodeLister {
	return estimatedLister{m.CSIManager.CSINodes(), m.scheduler}
}

type estimatedLister struct {
	fwk.CSINodeLister
	scheduler *Scheduler
}

// Get returns what the cluster knows of a node, or what the node would register.
func (l estimatedLister) Get(name string) (*storagev1.CSINode, error) {
	found, err := l.CSINodeLister.Get(name)
	if err == nil || l.scheduler.limits == nil {
		return found, err
	}
	info, missing := l.scheduler.shown.Get(name)
	if missing != nil {
		return nil, err
	}
	if would := l.scheduler.limits(info.Node()); would != nil {
		return would, nil
	}
	return nil, err
}

// shown is what plugins see of the nodes of the estimator that asks them.
type shown struct{ *internalcache.Snapshot }
