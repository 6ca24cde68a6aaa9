package simulate

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	schedulinghelper "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/lint"
)

// A trap is a known way in which a rollout gets stuck. Its explain function reports whether an open problem is of its kind: it
// may replace the message by the cause, and says what to do.
type trap struct {
	kinds   []string // of problems
	explain func(s *simulation, p *plan.Problem) bool
}

// traps are tried in order; the first that explains a problem counts.
var traps = []trap{
	{[]string{plan.Denied}, immutableField},
	{[]string{plan.Image, plan.Config, plan.Crash, plan.Probe, plan.Mount, plan.Unplaced}, brokenOrdinal},
	{[]string{plan.Crash, plan.Probe}, killedBeforeReady},
	{[]string{plan.Unplaced}, hostPortSurge},
	{[]string{plan.Unplaced}, taintedDomain},
	{[]string{plan.NodeLost}, lostStatefulSet},
	{[]string{plan.Config, plan.Mount}, missingObject},
}

// explainProblems puts what is known about problems beside them.
func (s *simulation) explainProblems(all []plan.Problem) {
	for i := range all {
		for _, t := range traps {
			if all[i].Open && slices.Contains(t.kinds, all[i].Kind) && t.explain(s, &all[i]) {
				break
			}
		}
	}
}

// refusedPath matches the first path of the server's answer to an update.
var refusedPath = regexp.MustCompile(` is invalid: \[?([A-Za-z][\w.\[\]/-]*): `)

// refusedChange matches what the server says of a change, and not of a value.
var refusedChange = regexp.MustCompile(`field is immutable|is immutable after|updates to statefulset spec|may not be changed` +
	`|may not change|cannot change roleRef|updates to parameters are forbidden|can not be less than|previously a storage version`)

func immutableField(_ *simulation, p *plan.Problem) bool {
	m := refusedPath.FindStringSubmatch(p.Message)
	if m == nil || !refusedChange.MatchString(p.Message) {
		return false
	}
	o := p.Object
	if o.Namespace == metav1.NamespaceDefault {
		o.Namespace = ""
	}
	p.Help = lint.UpdateHelp(o, m[1])
	return true
}

// brokenOrdinal is a StatefulSet whose pods are replaced in order: a pod of the previous revision that never gets ready is not
// replaced.
func brokenOrdinal(s *simulation, p *plan.Problem) bool {
	w := s.recorder.workloads[p.Workload]
	if w == nil {
		return false
	}
	set, ok := w.current.(*appsv1.StatefulSet)
	if !ok || set.Spec.PodManagementPolicy == appsv1.ParallelPodManagement {
		return false
	}
	for _, t := range w.pods {
		if t.gone || w.isNew(t.pod) || !t.readyFrom.IsZero() {
			continue
		}
		p.Message = fmt.Sprintf(
			"StatefulSet %s/%s waits for %s of the previous revision, which never becomes ready: %s",
			set.Namespace, set.Name, t.pod.Name, strings.TrimSuffix(p.Message, "."),
		)
		p.At = max(0, min(p.At, t.life.Created))
		p.Help = fmt.Sprintf(
			"delete pod/%s: it is made again by the new revision; or set podManagementPolicy: Parallel in a new StatefulSet", t.pod.Name,
		)
		return true
	}
	return false
}

// killedBeforeReady is a container that a liveness probe ends before it has started.
func killedBeforeReady(s *simulation, p *plan.Problem) bool {
	w := s.recorder.workloads[p.Workload]
	if w == nil || !s.killedByProbe(p.Workload) {
		return false
	}
	for _, t := range w.pods {
		if t.gone || t.life.Ready != nil {
			continue
		}
		for i := range t.pod.Spec.Containers {
			c := &t.pod.Spec.Containers[i]
			if c.LivenessProbe == nil || c.StartupProbe != nil {
				continue
			}
			l := c.LivenessProbe
			after := time.Duration(l.InitialDelaySeconds+l.PeriodSeconds*max(l.FailureThreshold-1, 0)) * time.Second
			p.Message = fmt.Sprintf("livenessProbe of container %s ends it after about %v, before it is ready", c.Name, max(after, time.Second))
			p.Help = "add a startupProbe that allows for the slowest start (failureThreshold times periodSeconds)"
			if starts := s.behaviors.behavior(t.pod, c).ReadyAfter; starts > 0 {
				p.Message += fmt.Sprintf(": it needs %v", starts)
			}
			return true
		}
	}
	return false
}

// killedByProbe reports whether a liveness probe ended a container of a workload.
func (s *simulation) killedByProbe(workload diag.Object) bool {
	return slices.ContainsFunc(s.recorder.plan.Timeline, func(step plan.Step) bool {
		return step.Event == "Killing" && step.Workload == nameOf(workload) && strings.Contains(step.Message, "failed liveness probe")
	})
}

// hostPortSurge is a pod that waits for the port which the pod that it is to replace has.
func hostPortSurge(s *simulation, p *plan.Problem) bool {
	w := s.recorder.workloads[p.Workload]
	if w == nil || !strings.Contains(p.Message, "didn't have free ports for the requested pod ports") {
		return false
	}
	switch o := w.current.(type) {
	case *appsv1.DaemonSet:
		if r := o.Spec.UpdateStrategy.RollingUpdate; r == nil || r.MaxSurge == nil || r.MaxSurge.String() == "0" {
			return false
		}
	case *appsv1.Deployment:
		if o.Spec.Strategy.Type != appsv1.RollingUpdateDeploymentStrategyType {
			return false
		}
	default:
		return false
	}
	p.Help = "the old pod has the host port until it ends: set maxSurge: 0 and maxUnavailable: 1 in the update strategy"
	return true
}

// taintedDomain is a spread constraint that counts a node on which the pods may not run.
func taintedDomain(s *simulation, p *plan.Problem) bool {
	w := s.recorder.workloads[p.Workload]
	if w == nil || !strings.Contains(p.Message, "topology spread constraints") {
		return false
	}
	template := templateOf(w.current)
	if template == nil {
		return false
	}
	for _, c := range template.Spec.TopologySpreadConstraints {
		if c.WhenUnsatisfiable != corev1.DoNotSchedule || c.NodeTaintsPolicy != nil && *c.NodeTaintsPolicy == corev1.NodeInclusionPolicyHonor {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(s.recorder.nodes)) {
			n := s.recorder.nodes[name]
			if n.gone || n.node == nil || !repels(n.node, template.Spec.Tolerations) {
				continue
			}
			p.Help = fmt.Sprintf(
				"node %s counts as a domain of %s with 0 pods, although its taint keeps them away: set nodeTaintsPolicy: Honor in the constraint",
				name, c.TopologyKey,
			)
			return true
		}
	}
	return false
}

// repels reports whether a node has a taint that keeps pods with some tolerations away.
func repels(node *corev1.Node, tolerations []corev1.Toleration) bool {
	keepsAway := func(t *corev1.Taint) bool { return t.Effect != corev1.TaintEffectPreferNoSchedule }
	_, found := schedulinghelper.FindMatchingUntoleratedTaint(klog.Background(), node.Spec.Taints, tolerations, keepsAway, true)
	return found
}

// lostStatefulSet is a pod of a StatefulSet that cannot end, since its node does not answer, and is not replaced before.
func lostStatefulSet(s *simulation, p *plan.Problem) bool {
	for _, t := range s.recorder.order {
		owner := metav1.GetControllerOf(t.pod)
		if t.gone || owner == nil || owner.Kind != "StatefulSet" || t.life.Node != p.Object.Name || t.pod.DeletionTimestamp == nil {
			continue
		}
		p.Message = fmt.Sprintf("%s stays Terminating on node %s, which does not answer, and is not replaced before it is gone", t.life.Object, t.life.Node)
		p.Help = fmt.Sprintf(
			"if the node is off: kubectl taint node %s node.kubernetes.io/out-of-service=nodeshutdown:NoExecute, or delete the Node", t.life.Node,
		)
		return true
	}
	return false
}

// missingObject is a Secret or ConfigMap that does not exist.
func missingObject(s *simulation, p *plan.Problem) bool {
	if !s.Strict || !strings.Contains(p.Message, "not found") {
		return false
	}
	p.Help = "add it to the manifests, or declare it with --external Kind/namespace/name if somebody else creates it"
	return true
}
