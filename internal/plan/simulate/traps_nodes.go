package simulate

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan"
)

const (
	budgetDocs   = "https://kubernetes.io/docs/tasks/run-application/configure-pdb/"
	outOfService = "if the node is off: kubectl taint node NODE node.kubernetes.io/out-of-service=nodeshutdown:NoExecute, or delete the Node"
)

var nodeTraps = []Trap{
	{
		Name:     "two-budgets",
		Cause:    "Two PodDisruptionBudgets select one pod. The API server evicts no such pod, so that drains fail.",
		Evidence: "the eviction is refused; budgets that match the labels of the pod",
		WaysOut:  []string{"leave one budget for each pod"},
		Report:   "https://github.com/kubernetes/kubernetes/issues/117065",
		kinds:    []string{plan.Blocked}, explain: twoBudgets,
	},
	{
		Name:     "budget-guards-unhealthy",
		Cause:    "Pods that are not ready are guarded by a budget that is violated already: they cannot be evicted, and do not recover.",
		Evidence: "refused evictions of pods that are not ready, and a budget with fewer healthy pods than it wants",
		WaysOut:  []string{"set unhealthyPodEvictionPolicy: AlwaysAllow in the budget"},
		Report:   "https://github.com/kubernetes/kubernetes/issues/72320",
		kinds:    []string{plan.Blocked}, explain: budgetGuardsUnhealthy,
	},
	{
		Name:     "budget-never-allows",
		Cause:    "A PodDisruptionBudget wants as many pods as there are: no eviction is ever allowed, and drains wait for ever.",
		Evidence: "0 disruptions allowed although all pods are healthy",
		WaysOut:  []string{"set maxUnavailable: 1 in the budget", "run one replica more than minAvailable"},
		Report:   "https://github.com/jupyterhub/zero-to-jupyterhub-k8s/issues/1934",
		kinds:    []string{plan.Blocked}, explain: budgetNeverAllows,
	},
	{
		Name:     "budget-waits-for-room",
		Cause:    "The budget allows the next eviction when an evicted pod runs elsewhere, and no node has a place for it.",
		Evidence: "refused evictions beside a pod of the same workload without a node",
		WaysOut:  []string{"add nodes before the drain (surge nodes)", "uncordon a node"},
		Report:   "https://kubernetes.io/docs/tasks/administer-cluster/safely-drain-node/",
		kinds:    []string{plan.Blocked}, explain: budgetWaitsForRoom,
	},
	{
		Name:     "budget-blocks-drains",
		Cause:    "A PodDisruptionBudget wants as many pods as there are: the next drain of their nodes waits for ever.",
		Evidence: "0 disruptions allowed although all pods are healthy, when nothing moves any more",
		WaysOut:  []string{"set maxUnavailable: 1 in the budget", "run one replica more than minAvailable"},
		Report:   budgetDocs, Rule: RiskBudgetBlocks,
	},
	{
		Name:     "budget-overridden",
		Cause:    "Preemption takes pods that a PodDisruptionBudget protects from evictions.",
		Evidence: "preempted pods that a violated budget selects",
		WaysOut:  []string{"give the pods a higher priority", "give those that preempt preemptionPolicy: Never"},
		Report:   "https://github.com/kubernetes/kubernetes/issues/91492", Rule: RiskOverridden,
	},
	{
		Name:     "lost-stateful-set",
		Cause:    "A pod of a StatefulSet is on a node that does not answer. It stays Terminating, and is not replaced before it is gone.",
		Evidence: "a pod that is being deleted, on a node that is not ready",
		WaysOut:  []string{outOfService},
		Report:   "https://github.com/kubernetes/kubernetes/issues/54368",
		kinds:    []string{plan.NodeLost}, explain: lostStatefulSet,
	},
	{
		Name:     "lost-volume",
		Cause:    "The disk of a pod is attached to a node that does not answer; the pod that replaces it waits for it elsewhere.",
		Evidence: "a pod that waits for a claim whose last user is on a node that is not ready",
		WaysOut:  []string{outOfService},
		Report:   "https://github.com/longhorn/longhorn/issues/1985",
		kinds:    []string{plan.NodeLost, plan.Mount}, explain: lostVolume,
	},
	{
		Name:     "namespace-waits",
		Cause:    "A namespace is deleted, and objects in it wait for a finalizer that nobody serves.",
		Evidence: "condition NamespaceFinalizersRemaining of the namespace",
		WaysOut: []string{
			"delete the objects while their controller runs, then the namespace",
			"remove the finalizer from the objects",
		},
		Report: "https://github.com/kubernetes/kubernetes/issues/60807",
		kinds:  []string{plan.Deleting}, explain: namespaceWaits,
	},
	{
		Name:     "finalizer-waits",
		Cause:    "An object is deleted, and waits for a finalizer that nobody serves.",
		Evidence: "finalizers of an object with a deletionTimestamp",
		WaysOut:  []string{"let the controller that serves the finalizer run", "remove the finalizer from the object"},
		Report:   "https://kubernetes.io/docs/concepts/overview/working-with-objects/finalizers/",
		kinds:    []string{plan.Deleting}, explain: finalizerWaits,
	},
}

// budgetsOf returns the budgets that select a pod.
func (r *recorder) budgetsOf(pod *corev1.Pod) (all []*budgetTrack) {
	for _, b := range r.sortedBudgets() {
		if b.object.Namespace == pod.Namespace && b.selector != nil && b.selector.Matches(labels.Set(pod.Labels)) {
			all = append(all, b)
		}
	}
	return all
}

// blocked returns the first pod of the problem, or of its node, that still runs on a cordoned node, with its budgets.
func (d *diagnosis) blocked() (*podTrack, []*budgetTrack) {
	pods := d.pods()
	if o := d.problem.Object; o.Kind == "Node" {
		pods = slices.DeleteFunc(
			slices.Clone(d.recorder.order), func(t *podTrack) bool { return t.gone || t.life.Node != o.Name },
		)
	}
	for _, t := range pods {
		n := d.recorder.nodes[t.life.Node]
		if n == nil || !n.closed {
			continue
		}
		if all := d.recorder.budgetsOf(t.pod); len(all) > 0 {
			return t, all
		}
	}
	return nil, nil
}

func twoBudgets(d *diagnosis) bool {
	t, all := d.blocked()
	if len(all) < 2 || !strings.Contains(d.problem.Message, "more than one PodDisruptionBudget") {
		return false
	}
	d.seen("%s is selected by %s and %s", t.life.Object.Name, all[0].object.Name, all[1].object.Name)
	return d.because(
		"PodDisruptionBudgets %s and %s select the same pods, which cannot be evicted then", all[0].object.Name,
		all[1].object.Name,
	)
}

func budgetGuardsUnhealthy(d *diagnosis) bool {
	t, all := d.blocked()
	if t == nil || !t.readyFrom.IsZero() {
		return false
	}
	s := all[0].status
	if s.CurrentHealthy >= s.DesiredHealthy {
		return false
	}
	d.seen("%s is %s; %d healthy, %d wanted", t.life.Object.Name, t.line.Status, s.CurrentHealthy, s.DesiredHealthy)
	return d.because(
		"PodDisruptionBudget %s/%s keeps pods that are not ready from being evicted", all[0].object.Namespace,
		all[0].object.Name,
	)
}

func budgetNeverAllows(d *diagnosis) bool {
	t, all := d.blocked()
	if t == nil || !all[0].neverAllows() {
		return false
	}
	d.seen("%s", all[0].counts())
	return d.because("PodDisruptionBudget %s/%s never allows an eviction: it wants %d healthy pods of %d",
		all[0].object.Namespace,
		all[0].object.Name, all[0].status.DesiredHealthy, all[0].status.ExpectedPods)
}

// neverAllows reports whether a budget forbids evictions although all pods are healthy.
func (b *budgetTrack) neverAllows() bool {
	s := b.status
	return s.ExpectedPods > 0 && s.DisruptionsAllowed == 0 && s.DesiredHealthy >= s.ExpectedPods
}

func (b *budgetTrack) counts() string {
	s := b.status
	return fmt.Sprintf(
		"%d healthy, %d wanted, %d expected, disruptions allowed: %d", s.CurrentHealthy, s.DesiredHealthy,
		s.ExpectedPods, s.DisruptionsAllowed,
	)
}

func budgetWaitsForRoom(d *diagnosis) bool {
	t, all := d.blocked()
	if t == nil {
		return false
	}
	for _, other := range d.pods() {
		if other.pod.Spec.NodeName == "" {
			d.seen("%s finds no node; %s", other.life.Object.Name, all[0].counts())
			return d.because("PodDisruptionBudget %s/%s allows no more evictions before %s runs, and no node takes it",
				all[0].object.Namespace,
				all[0].object.Name, other.life.Object.Name)
		}
	}
	return false
}

func lostStatefulSet(d *diagnosis) bool {
	for _, t := range d.recorder.order {
		owner := metav1.GetControllerOf(t.pod)
		if t.gone || owner == nil || owner.Kind != "StatefulSet" || t.life.Node != d.problem.Object.Name ||
			t.pod.DeletionTimestamp == nil {
			continue
		}
		d.name("NODE", t.life.Node)
		d.seen("%s is Terminating, %s is not ready", t.life.Object.Name, t.life.Node)
		return d.because(
			"%s stays Terminating on node %s, which does not answer, and is not replaced before it is gone",
			t.life.Object, t.life.Node,
		)
	}
	return false
}

func lostVolume(d *diagnosis) bool {
	for _, t := range d.recorder.order {
		if t.gone || t.life.Node == "" || !t.readyFrom.IsZero() || t.pod.DeletionTimestamp != nil {
			continue
		}
		for _, other := range d.recorder.order {
			n := d.recorder.nodes[other.life.Node]
			if other == t || other.gone || n == nil || n.ready || n.gone || other.pod.Namespace != t.pod.Namespace {
				continue
			}
			shared := sharedClaim(t.pod, other.pod)
			about := d.problem.Object.Name == n.name ||
				d.problem.Workload == t.life.Workload && !isZero(t.life.Workload)
			if shared == "" || !about {
				continue
			}
			d.name("NODE", n.name)
			d.seen("%s on %s waits for claim %s of %s", t.life.Object.Name, t.life.Node, shared, other.life.Object.Name)
			return d.because("the disk of claim %s is attached to node %s, which does not answer: %s waits for it on %s", shared, n.name,
				t.life.Object, t.life.Node)
		}
	}
	return false
}

func namespaceWaits(d *diagnosis) bool {
	if d.problem.Object.Kind != "Namespace" {
		return false
	}
	d.seen("deleted at %s s", d.problem.At)
	return d.because("%s", d.problem.Message)
}

func finalizerWaits(d *diagnosis) bool {
	d.seen("deleted at %s s", d.problem.At)
	return d.because("%s", d.problem.Message)
}

// findBlockingBudgets looks for budgets that no eviction will ever pass.
func (s *simulation) findBlockingBudgets() {
	p := &s.recorder.plan
	for _, b := range s.recorder.sortedBudgets() {
		blocked := slices.ContainsFunc(p.Problems, func(q plan.Problem) bool {
			return q.Kind == plan.Blocked && q.Object.Namespace == b.object.Namespace
		})
		if !b.neverAllows() || blocked || !s.touchedAny(b) {
			continue
		}
		d := diag.Diagnostic{
			Rule: RiskBudgetBlocks, Severity: diag.Warning, Object: b.object, Path: "spec",
			Message: fmt.Sprintf(
				"no eviction is ever allowed: the budget wants %d healthy pods of %d", b.status.DesiredHealthy,
				b.status.ExpectedPods,
			),
			Help: "set maxUnavailable: 1, or run one replica more: until then, drains of the nodes of these pods wait",
		}
		s.locate(&d, b.object)
		p.Findings = append(p.Findings, d)
	}
}

// touchedAny reports whether the change is about a budget, or about a workload whose pods it selects.
func (s *simulation) touchedAny(b *budgetTrack) bool {
	if s.touched(b.object.String()) {
		return true
	}
	return slices.ContainsFunc(s.recorder.order, func(t *podTrack) bool {
		return !t.gone && t.pod.Namespace == b.object.Namespace && b.selector != nil &&
			b.selector.Matches(labels.Set(t.pod.Labels)) && s.touched(t.life.Workload.String())
	})
}
