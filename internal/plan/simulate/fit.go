package simulate

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/cluster/scheduler"
	"github.com/seatrial/seatrial/internal/plan"
)

// maxFit is how many more replicas are tried at most.
const maxFit = 10000

// answerFit finds out how many more replicas of a workload fit on the nodes as they are at the end.
func (s *simulation) answerFit() error {
	if s.Fit == nil {
		return nil
	}
	w := s.fitWorkload()
	if w == nil {
		return fmt.Errorf("--fit %s: no such workload when the plan is over", s.Fit.Workload)
	}
	pod := s.replicaOf(w)
	if pod == nil {
		return fmt.Errorf("--fit %s: it has made no pod to go by", s.Fit.Workload)
	}
	if len(s.Fit.By) > 0 {
		keepRequests(pod, s.Fit.By)
	}
	nodes, pods := s.recorder.standing()
	e := s.engine.NewEstimator(nodes, pods)
	f := &plan.Fit{
		Object: w.object, Replicas: len(s.livePods(w)), By: s.Fit.By, Nodes: []plan.FitNode{},
		Limits: []plan.FitLimit{},
	}
	byNode, limits, err := fillUp(e.Fork(), pod)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(byNode)) {
		f.Nodes = append(f.Nodes, plan.FitNode{Name: name, More: byNode[name]})
		f.More += byNode[name]
	}
	f.Limits, f.AtLeast = limits, f.More == maxFit
	if s.Fit.SpareNode {
		if f.SpareNode, err = s.spareNode(e, pod, nodes, pods, byNode); err != nil {
			return err
		}
	}
	s.recorder.plan.Fit = f
	return nil
}

// fitWorkload returns the workload that the question is about, or nil.
func (s *simulation) fitWorkload() *workloadTrack {
	kind, name, _ := strings.Cut(s.Fit.Workload, "/")
	for _, w := range s.recorder.sortedWorkloads() {
		if !w.gone && strings.EqualFold(w.object.Kind, kind) && w.object.Name == name &&
			w.object.Namespace == cmp.Or(s.Fit.Namespace, metav1.NamespaceDefault) {
			return w
		}
	}
	return nil
}

// livePods returns the pods of a workload that exist and are not stopping.
func (s *simulation) livePods(w *workloadTrack) (all []*podTrack) {
	for _, t := range w.pods {
		if !t.gone && t.pod.DeletionTimestamp == nil {
			all = append(all, t)
		}
	}
	return all
}

// replicaOf returns a pod such as a workload would make, of the latest template; nil if it has made none. Claims that a
// StatefulSet makes for each pod are left out: a new pod gets its own.
func (s *simulation) replicaOf(w *workloadTrack) *corev1.Pod {
	var like *corev1.Pod
	for _, t := range s.livePods(w) {
		if w.isNew(t.pod) && len(t.pod.Spec.Containers) > 0 {
			like = t.pod
		}
	}
	if like == nil {
		return nil
	}
	pod := like.DeepCopy()
	pod.Spec.NodeName, pod.Status = "", corev1.PodStatus{Phase: corev1.PodPending}
	if w.object.Kind == "StatefulSet" {
		pod.Spec.Volumes = slices.DeleteFunc(pod.Spec.Volumes, func(v corev1.Volume) bool {
			return v.PersistentVolumeClaim != nil && strings.HasSuffix(v.PersistentVolumeClaim.ClaimName, "-"+like.Name)
		})
	}
	return pod
}

// keepRequests leaves only the requests for some resources in a pod.
func keepRequests(pod *corev1.Pod, names []string) {
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			for name := range containers[i].Resources.Requests {
				if !slices.Contains(names, string(name)) {
					delete(containers[i].Resources.Requests, name)
				}
			}
		}
	}
	pod.Spec.Overhead = nil
}

// standing returns the nodes that are ready, and the pods that take room on them.
func (r *recorder) standing() (nodes []*corev1.Node, pods []*corev1.Pod) {
	for _, name := range slices.Sorted(maps.Keys(r.nodes)) {
		if n := r.nodes[name]; n.node != nil && !n.gone {
			nodes = append(nodes, n.node)
		}
	}
	for _, t := range r.order {
		if !t.gone && t.on != nil {
			pods = append(pods, t.pod)
		}
	}
	return nodes, pods
}

// numbered returns a copy of a pod with a name and a UID of its own.
func numbered(pod *corev1.Pod, i int) *corev1.Pod {
	next := pod.DeepCopy()
	next.Name = fmt.Sprintf("%s-%d", pod.Name, i)
	next.UID = types.UID(fmt.Sprintf("%s-%d", pod.UID, i))
	return next
}

// fillUp places pods until no node takes one more, and returns how many each node has taken, and what keeps the next
// away.
func fillUp(e *scheduler.Estimator, pod *corev1.Pod) (byNode map[string]int, limits []plan.FitLimit, err error) {
	byNode = map[string]int{}
	for i := range maxFit {
		node, rejected, err := e.Place(context.Background(), numbered(pod, i))
		if err != nil {
			return nil, nil, err
		}
		if node == "" {
			return byNode, limitsOf(rejected), nil
		}
		byNode[node]++
	}
	return byNode, []plan.FitLimit{}, nil
}

// limitsOf groups rejections by their reason.
func limitsOf(rejected []scheduler.Rejection) []plan.FitLimit {
	limits := []plan.FitLimit{}
	for _, r := range rejected {
		i := slices.IndexFunc(
			limits, func(l plan.FitLimit) bool { return l.Plugin == r.Plugin && l.Reason == r.Reason },
		)
		if i < 0 {
			i = len(limits)
			limits = append(limits, plan.FitLimit{Plugin: r.Plugin, Reason: r.Reason})
		}
		limits[i].Nodes = append(limits[i].Nodes, r.Node)
	}
	slices.SortStableFunc(limits, func(a, b plan.FitLimit) int { return cmp.Compare(len(b.Nodes), len(a.Nodes)) })
	return limits
}

// likeness is the same for nodes that only differ in their names: the same room, labels and taints, and pods of the
// same workloads.
func (s *simulation) likeness(n *corev1.Node) string {
	known := maps.Clone(n.Labels)
	delete(known, corev1.LabelHostname)
	var pods []string
	for _, t := range s.recorder.order {
		if t.on != nil && t.on.name == n.Name && !t.gone {
			pods = append(pods, t.life.Workload.String()+" "+t.life.CPU+" "+t.life.Memory)
		}
	}
	slices.Sort(pods)
	return fmt.Sprint(known, n.Spec.Taints, n.Spec.Unschedulable, n.Status.Allocatable, pods)
}

// spareNode finds out how many more replicas fit so that the pods of any one node find room on the others. byNode is
// what fits on each while all are there.
func (s *simulation) spareNode(
	e *scheduler.Estimator, pod *corev1.Pod, nodes []*corev1.Node, pods []*corev1.Pod, byNode map[string]int,
) (*plan.FitSpare, error) {
	most := 0
	for _, more := range byNode {
		most += more
	}
	alone := most < maxFit && nodesAreIndependent(pod, pods)
	spare := &plan.FitSpare{More: most}
	seen := map[string]bool{}
	for _, n := range nodes {
		alike := s.likeness(n)
		if seen[alike] {
			continue // its loss comes to the same
		}
		seen[alike] = true
		rest, moved := e.Without(n.Name)
		found := plan.FitSpare{Node: n.Name}
		touched, unplaced, err := placeAgain(rest, moved)
		if err != nil {
			return nil, err
		}
		found.Unplaced = unplaced
		if len(unplaced) == 0 {
			kept := 0 // on nodes that the loss changes nothing about
			if alone {
				rest = rest.Only(touched)
				for name, more := range byNode {
					if name != n.Name && !touched[name] {
						kept += more
					}
				}
			}
			more, _, err := fillUp(rest, pod)
			if err != nil {
				return nil, err
			}
			for _, more := range more {
				found.More += more
			}
			found.More += kept
		}
		if found.More < spare.More || spare.Node == "" && found.More <= spare.More {
			spare = &found
		}
	}
	return spare, nil
}

// placeAgain finds nodes for the pods of a lost node, and returns which nodes have taken one, and the pods for which
// there is none. Pods of DaemonSets are lost with the node.
func placeAgain(
	rest *scheduler.Estimator, moved []*corev1.Pod,
) (touched map[string]bool, unplaced []diag.Object, err error) {
	touched = map[string]bool{}
	for _, p := range moved {
		if owner := metav1.GetControllerOf(p); owner != nil && owner.Kind == "DaemonSet" {
			continue
		}
		again := p.DeepCopy()
		again.Spec.NodeName = ""
		node, _, err := rest.Place(context.Background(), again)
		if err != nil {
			return nil, nil, err
		}
		if node == "" {
			unplaced = append(
				unplaced, diag.Object{APIVersion: "v1", Kind: "Pod", Namespace: p.Namespace, Name: p.Name},
			)
			continue
		}
		touched[node] = true
	}
	return touched, unplaced, nil
}

// nodesAreIndependent reports whether what fits on a node depends on the pods of that node alone: nothing spreads a pod
// over nodes, keeps it beside or away from others, or shares volumes and devices between nodes.
func nodesAreIndependent(pod *corev1.Pod, others []*corev1.Pod) bool {
	if len(pod.Spec.ResourceClaims) > 0 || pod.Spec.Affinity != nil &&
		(pod.Spec.Affinity.PodAffinity != nil || pod.Spec.Affinity.PodAntiAffinity != nil) {
		return false
	}
	for _, c := range pod.Spec.TopologySpreadConstraints {
		if c.WhenUnsatisfiable == corev1.DoNotSchedule {
			return false
		}
	}
	for _, v := range pod.Spec.Volumes {
		if v.PersistentVolumeClaim != nil || v.Ephemeral != nil {
			return false
		}
	}
	return !slices.ContainsFunc(others, func(p *corev1.Pod) bool {
		return p.Spec.Affinity != nil && p.Spec.Affinity.PodAntiAffinity != nil
	})
}
