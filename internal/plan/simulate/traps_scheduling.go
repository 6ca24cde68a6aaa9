package simulate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	schedulinghelper "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"

	"github.com/seatrial/seatrial/internal/plan"
)

const (
	assignDocs = "https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/"
	spreadDocs = "https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/"
	taintDocs  = "https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"
)

var schedulingTraps = []Trap{
	{
		Name:     "tainted-domain",
		Cause:    "A hard spread constraint counts a node on which the pods may not run, with 0 pods: the others may not have more than maxSkew.",
		Evidence: "a node of the constraint's domains has a taint that the pods do not tolerate",
		WaysOut:  []string{"set nodeTaintsPolicy: Honor in the constraint"},
		Report:   "https://github.com/kubernetes/kubernetes/issues/116118",
		kinds:    []string{plan.Unplaced}, explain: taintedDomain,
	},
	{
		Name:     "spread-label-missing",
		Cause:    "A hard spread constraint names a label that nodes do not have. Such nodes take no pod.",
		Evidence: "PodTopologySpread rejects nodes for a missing label, and their labels lack the topology key",
		WaysOut: []string{
			"label the nodes", "spread by a label that they have, such as kubernetes.io/hostname",
			"set whenUnsatisfiable: ScheduleAnyway",
		},
		Report: "https://github.com/kubernetes/kubernetes/pull/95812",
		kinds:  []string{plan.Unplaced}, explain: spreadLabelMissing,
	},
	{
		Name:     "spread-full-domain",
		Cause:    "The domain with the fewest pods has no room, and a hard spread constraint lets the others have no more than maxSkew above it.",
		Evidence: "PodTopologySpread rejects some nodes, other filters reject those of the domain with the fewest pods",
		WaysOut:  []string{"add room in the domain", "set whenUnsatisfiable: ScheduleAnyway", "raise maxSkew"},
		Report:   spreadDocs,
		kinds:    []string{plan.Unplaced}, explain: spreadFullDomain,
	},
	{
		Name:     "scheduling-gate",
		Cause:    "The pod has a scheduling gate, and nothing removes it: the scheduler does not look at it.",
		Evidence: "schedulingGates of a pod without a node",
		WaysOut:  []string{"run the controller that removes the gate", "leave schedulingGates out"},
		Report:   "https://kubernetes.io/docs/concepts/scheduling-eviction/pod-scheduling-readiness/",
		kinds:    []string{plan.Waiting}, explain: schedulingGate,
	},
	{
		Name:     "unknown-scheduler",
		Cause:    "The pod asks for a scheduler that does not run: nobody looks for a node.",
		Evidence: "a pod without a node and without a decision, whose schedulerName no profile has",
		WaysOut:  []string{"leave schedulerName out", "declare the profile with --scheduler-config"},
		Report:   "https://kubernetes.io/docs/tasks/extend-kubernetes/configure-multiple-schedulers/",
		kinds:    []string{plan.Waiting}, explain: unknownScheduler,
	},
	{
		Name:     "preempted-without-room",
		Cause:    "Pods of higher priority have taken the room of these, and nowhere else is any.",
		Evidence: "Preempted events of the workload whose pods find no node",
		WaysOut: []string{
			"add nodes", "lower the priority of the pods that preempt", "give them preemptionPolicy: Never",
		},
		Report: "https://github.com/kubernetes/kubernetes/issues/129136",
		kinds:  []string{plan.Unplaced}, explain: preemptedWithoutRoom,
	},
	{
		Name:     "preemption-never",
		Cause:    "The pod has a high priority, and preemptionPolicy: Never: pods of lower priority keep their room.",
		Evidence: "no room for a pod that may not preempt, beside pods of lower priority",
		WaysOut:  []string{"set preemptionPolicy: PreemptLowerPriority in the PriorityClass", "add nodes"},
		Report:   "https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/#non-preempting-priority-class",
		kinds:    []string{plan.Unplaced}, explain: preemptionNever,
	},
	{
		Name:     "resource-not-offered",
		Cause:    "The pod asks for a resource that no node offers, such as a GPU.",
		Evidence: "NodeResourcesFit rejects nodes for a resource that is in the allocatable of none",
		WaysOut: []string{
			"add nodes that offer RESOURCE (--nodes 1x4cpu16Gi,resource=RESOURCE=1)", "install its device plugin",
			"leave the request out",
		},
		Report: "https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/",
		kinds:  []string{plan.Unplaced}, explain: resourceNotOffered,
	},
	{
		Name:     "pod-too-large",
		Cause:    "The pod asks for more than the largest node has, even if it were empty.",
		Evidence: "the requests of the pod beside the allocatable of each node that is for it",
		WaysOut:  []string{"ask for less", "add larger nodes"},
		Report:   "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#troubleshooting",
		kinds:    []string{plan.Unplaced}, explain: podTooLarge,
	},
	{
		Name:     "pod-limit",
		Cause:    "Nodes run as many pods as their kubelets allow, although there is CPU and memory left.",
		Evidence: "NodeResourcesFit rejects each node that is for the pod with: Too many pods",
		WaysOut:  []string{"add nodes", "raise maxPods of the kubelets"},
		Report:   "https://kubernetes.io/docs/setup/best-practices/cluster-large/",
		kinds:    []string{plan.Unplaced}, explain: podLimit,
	},
	{
		Name:     "volume-limit",
		Cause:    "A node attaches so many volumes and no more; where the pod would fit otherwise, that number is reached.",
		Evidence: "NodeVolumeLimits rejects nodes; the volumes that their pods use, and the number of the CSINode",
		WaysOut: []string{
			"add nodes", "take machine types that attach more volumes of DRIVER", "use fewer volumes for each pod",
			"use volumes that are not attached, such as shares of a network",
		},
		Report: "https://kubernetes.io/docs/concepts/storage/storage-limits/",
		kinds:  []string{plan.Unplaced}, explain: volumeLimit,
	},
	{
		Name:     "cluster-full",
		Cause:    "The pod would fit on an empty node, but none has so much left.",
		Evidence: "NodeResourcesFit rejects each node that is for the pod; what is left there",
		WaysOut:  []string{"add nodes", "ask for less", "run fewer replicas"},
		Report:   "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#troubleshooting",
		kinds:    []string{plan.Unplaced}, explain: clusterFull,
	},
	{
		Name:     "affinity-without-partner",
		Cause:    "Required pod affinity asks for a pod beside which this one runs, and no such pod runs.",
		Evidence: "InterPodAffinity rejects each node that is for the pod, and no pod matches the selector of the term",
		WaysOut: []string{
			"apply the workload that it wants to be near", "correct the labels of the term",
			"prefer instead of require",
		},
		Report: assignDocs + "#inter-pod-affinity-and-anti-affinity",
		kinds:  []string{plan.Unplaced}, explain: affinityWithoutPartner,
	},
	{
		Name:     "anti-affinity-too-many",
		Cause:    "Required anti-affinity allows one pod per domain, and there are more replicas than domains.",
		Evidence: "InterPodAffinity rejects each node that is for the pod, and pods of the same workload run there",
		WaysOut: []string{
			"run fewer replicas", "add nodes", "use topologySpreadConstraints, which allow several pods per domain",
		},
		Report: "https://github.com/kubernetes/kubernetes/issues/56539",
		kinds:  []string{plan.Unplaced}, explain: antiAffinityTooMany,
	},
	{
		Name:     "host-port-too-many",
		Cause:    "A host port is used once per node, and there are more replicas than nodes.",
		Evidence: "NodePorts rejects each node that is for the pod",
		WaysOut:  []string{"use a Service instead of hostPort", "run fewer replicas", "use a DaemonSet"},
		Report:   "https://kubernetes.io/docs/concepts/configuration/overview/#services",
		kinds:    []string{plan.Unplaced}, explain: hostPortTooMany,
	},
	{
		Name:     "cordoned",
		Cause:    "The nodes that would take the pod are cordoned.",
		Evidence: "NodeUnschedulable rejects nodes that no other filter excludes",
		WaysOut:  []string{"`kubectl uncordon NODE`", "add nodes"},
		Report:   "https://kubernetes.io/docs/tasks/administer-cluster/safely-drain-node/",
		kinds:    []string{plan.Unplaced}, explain: cordoned,
	},
	{
		Name:     "no-node-matches",
		Cause:    "No node has the labels that nodeSelector or node affinity ask for.",
		Evidence: "NodeAffinity rejects each node whose taints the pod tolerates",
		WaysOut:  []string{"label nodes", "correct nodeSelector and node affinity"},
		Report:   assignDocs + "#nodeselector",
		kinds:    []string{plan.Unplaced}, explain: noNodeMatches,
	},
	{
		Name:     "untolerated-taint",
		Cause:    "Each node has a taint that the pod does not tolerate.",
		Evidence: "TaintToleration rejects all nodes; their taints",
		WaysOut: []string{
			"add a toleration", "remove the taint: `kubectl taint nodes NODE TAINT-`", "add nodes without it",
		},
		Report: taintDocs,
		kinds:  []string{plan.Unplaced}, explain: untoleratedTaint,
	},
	{
		Name:     "daemonset-without-node",
		Cause:    "No node is for the pods of a DaemonSet, which counts as rolled out with 0 pods.",
		Evidence: "0 pods desired in the status of the DaemonSet",
		WaysOut:  []string{"correct nodeSelector and affinity", "tolerate the taints of the nodes"},
		Report:   "https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/#running-pods-on-select-nodes",
		Rule:     RiskNoNode,
	},
	{
		Name:     "one-node-has-all",
		Cause:    "One node has all pods of a workload: the scheduler spreads them only if it is told to.",
		Evidence: "the nodes of the pods when the rollout is over",
		WaysOut:  []string{"spread the pods with topologySpreadConstraints"},
		Report:   spreadDocs, Rule: RiskOneNode,
	},
	{
		Name:     "one-zone-has-all",
		Cause:    "One of several zones has all pods of a workload.",
		Evidence: "the zones of the pods when the rollout is over",
		WaysOut:  []string{"spread the pods with topologySpreadConstraints by topology.kubernetes.io/zone"},
		Report:   spreadDocs, Rule: RiskOneZone,
	},
}

// hardSpreads returns the spread constraints of the waiting pod that forbid nodes.
func (d *diagnosis) hardSpreads() (all []corev1.TopologySpreadConstraint) {
	if d.pod == nil {
		return nil
	}
	for _, c := range d.pod.pod.Spec.TopologySpreadConstraints {
		if c.WhenUnsatisfiable == corev1.DoNotSchedule {
			all = append(all, c)
		}
	}
	return all
}

func taintedDomain(d *diagnosis) bool {
	if len(d.rejectedBy("PodTopologySpread", "topology spread constraints")) == 0 {
		return false
	}
	for _, c := range d.hardSpreads() {
		if c.NodeTaintsPolicy != nil && *c.NodeTaintsPolicy == corev1.NodeInclusionPolicyHonor {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(d.recorder.nodes)) {
			n := d.recorder.nodes[name]
			if n.gone || n.node == nil || n.node.Labels[c.TopologyKey] == "" ||
				!repels(n.node, d.pod.pod.Spec.Tolerations) {
				continue
			}
			d.seen("taints of %s: %s", name, taints(n.node))
			return d.because(
				"node %s counts as a domain of %s with 0 pods, although its taint keeps the pods away", name,
				c.TopologyKey,
			)
		}
	}
	return false
}

// repels reports whether a node has a taint that keeps pods with some tolerations away.
func repels(node *corev1.Node, tolerations []corev1.Toleration) bool {
	keepsAway := func(t *corev1.Taint) bool { return t.Effect != corev1.TaintEffectPreferNoSchedule }
	_, found := schedulinghelper.FindMatchingUntoleratedTaint(
		klog.Background(), node.Spec.Taints, tolerations, keepsAway, true,
	)
	return found
}

func spreadLabelMissing(d *diagnosis) bool {
	nodes := d.allBy("PodTopologySpread", "missing required label")
	for _, c := range d.hardSpreads() {
		for _, name := range nodes {
			if n := d.recorder.nodes[name]; n != nil && n.node != nil {
				if _, ok := n.node.Labels[c.TopologyKey]; !ok {
					d.seen("%s: no label %s", listed(nodes), c.TopologyKey)
					return d.because(
						"no node that is for the pods has the label %s, by which they are to be spread", c.TopologyKey,
					)
				}
			}
		}
	}
	return false
}

func spreadFullDomain(d *diagnosis) bool {
	if len(d.rejectedBy("PodTopologySpread", "topology spread constraints")) == 0 {
		return false
	}
	for _, c := range d.hardSpreads() {
		counts := d.domainCounts(d.pod.pod.Namespace, &corev1.PodTemplateSpec{Spec: d.pod.pod.Spec}, &c)
		least, _ := extremes(counts)
		for _, f := range d.fits {
			n := d.recorder.nodes[f.Name]
			if f.Plugin != "PodTopologySpread" && n != nil && n.node != nil && n.node.Labels[c.TopologyKey] == least {
				d.seen("%s: %s", f.Name, f.Reason)
				return d.because("%s %s has the fewest pods, %d, and takes no more (%s); maxSkew %d keeps the pod from other domains",
					c.TopologyKey, least, counts[least], f.Reason, c.MaxSkew)
			}
		}
	}
	return false
}

func schedulingGate(d *diagnosis) bool {
	t := d.unready()
	if t == nil || t.pod.Spec.NodeName != "" || len(t.pod.Spec.SchedulingGates) == 0 {
		return false
	}
	d.seen("%s is SchedulingGated", t.life.Object.Name)
	return d.because("scheduling gate %s is never removed", t.pod.Spec.SchedulingGates[0].Name)
}

func unknownScheduler(d *diagnosis) bool {
	t := d.unready()
	if t == nil || t.pod.Spec.NodeName != "" || d.recorder.unplaced[t.pod.UID] != nil ||
		len(t.pod.Spec.SchedulingGates) > 0 ||
		slices.Contains(d.engine.Schedulers(), t.pod.Spec.SchedulerName) {
		return false
	}
	d.seen("schedulers that run: %s", strings.Join(d.engine.Schedulers(), ", "))
	return d.because("no scheduler is named %s: nobody looks for a node", t.pod.Spec.SchedulerName)
}

func preemptedWithoutRoom(d *diagnosis) bool {
	about := d.about()
	for i := range d.recorder.plan.Timeline {
		step := &d.recorder.plan.Timeline[i]
		if step.Event == "Preempted" && (step.Workload == about.String() || step.Object == about) {
			d.seen("%s at %s s: %s", step.Object.Name, step.At, step.Message)
			by, _, _ := strings.Cut(strings.TrimPrefix(step.Message, "Preempted by pod "), " on node ")
			return d.because("preempted by pod %s, and no node has room for it again", by)
		}
	}
	return false
}

func preemptionNever(d *diagnosis) bool {
	if d.pod == nil || len(d.rejectedBy("NodeResourcesFit", "")) == 0 {
		return false
	}
	policy := d.pod.pod.Spec.PreemptionPolicy
	if policy == nil || *policy != corev1.PreemptNever {
		return false
	}
	for _, t := range d.recorder.order {
		if !t.gone && t.on != nil && priorityOf(t.pod) < priorityOf(d.pod.pod) {
			d.seen("%s has priority %d, %s on %s has %d", d.pod.life.Object.Name, priorityOf(d.pod.pod),
				t.life.Object.Name,
				t.life.Node, priorityOf(t.pod))
			return d.because("preemptionPolicy Never: pods of lower priority keep the room that the pod needs")
		}
	}
	return false
}

func resourceNotOffered(d *diagnosis) bool {
	if d.pod == nil {
		return false
	}
	for _, name := range slices.Sorted(maps.Keys(d.pod.requests)) {
		if len(d.rejectedBy("NodeResourcesFit", "Insufficient "+string(name))) == 0 || d.offered(name) {
			continue
		}
		d.name("RESOURCE", string(name))
		d.seen("%s is in the allocatable of no node", name)
		return d.because("no node offers %s", name)
	}
	return false
}

// offered reports whether a node has a resource.
func (d *diagnosis) offered(name corev1.ResourceName) bool {
	for _, n := range d.recorder.nodes {
		if n.node != nil && !n.gone {
			if q, ok := n.node.Status.Allocatable[name]; ok && !q.IsZero() {
				return true
			}
		}
	}
	return false
}

func podTooLarge(d *diagnosis) bool {
	nodes := d.rejectedBy("NodeResourcesFit", "Insufficient")
	if d.pod == nil || len(nodes) == 0 {
		return false
	}
	for _, name := range []corev1.ResourceName{
		corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage,
	} {
		wanted, most := d.pod.requests[name], resource.Quantity{}
		for _, n := range nodes {
			if t := d.recorder.nodes[n]; t != nil && t.node != nil {
				if q := t.node.Status.Allocatable[name]; q.Cmp(most) > 0 {
					most = q
				}
			}
		}
		if wanted.Cmp(most) > 0 {
			d.seen("%s asks for %s %s", d.pod.life.Object.Name, name, wanted.String())
			return d.because(
				"the pod asks for %s %s, and the largest node that is for it has %s", name, wanted.String(),
				most.String(),
			)
		}
	}
	return false
}

func podLimit(d *diagnosis) bool {
	nodes := d.allBy("NodeResourcesFit", "Too many pods")
	if len(nodes) == 0 {
		return false
	}
	n := d.recorder.nodes[nodes[0]]
	if n == nil || n.node == nil {
		return false
	}
	d.seen("%s runs %d pods", nodes[0], n.now.pods)
	return d.because(
		"each node that is for the pod runs as many pods as it allows (%s on %s)", n.node.Status.Allocatable.Pods(),
		nodes[0],
	)
}

func clusterFull(d *diagnosis) bool {
	nodes := d.allBy("NodeResourcesFit", "Insufficient")
	if d.pod == nil || len(nodes) == 0 {
		return false
	}
	waiting := 0
	for _, t := range d.pods() {
		if t.pod.Spec.NodeName == "" {
			waiting++
		}
	}
	for _, n := range nodes[:min(len(nodes), 3)] {
		d.seen("%s", d.room(n))
	}
	var asks []string
	for _, name := range d.short(nodes[0]) {
		q := d.pod.requests[name]
		asks = append(asks, fmt.Sprintf("%s %s", name, q.String()))
	}
	return d.because("no node has room left for %s of %s", plural(waiting, "more pod"), strings.Join(asks, ", "))
}

func affinityWithoutPartner(d *diagnosis) bool {
	if d.pod == nil || len(d.allBy("InterPodAffinity", "didn't match pod affinity rules")) == 0 {
		return false
	}
	affinity := d.pod.pod.Spec.Affinity
	if affinity == nil || affinity.PodAffinity == nil {
		return false
	}
	for _, term := range affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
		selector, err := metav1.LabelSelectorAsSelector(term.LabelSelector)
		if err != nil {
			continue
		}
		if !slices.ContainsFunc(d.recorder.order, func(t *podTrack) bool {
			return !t.gone && t.on != nil && selector.Matches(labelSet(t.pod.Labels))
		}) {
			d.seen("no pod on a node has labels %s", selector)
			return d.because(
				"required pod affinity asks for a pod with labels %s in the same %s, and none runs", selector,
				term.TopologyKey,
			)
		}
	}
	return false
}

func antiAffinityTooMany(d *diagnosis) bool {
	nodes := d.allBy("InterPodAffinity", "anti-affinity")
	if d.pod == nil || d.w == nil || len(nodes) == 0 {
		return false
	}
	key := ownAntiAffinity(d.pod.pod)
	if key == "" {
		return false
	}
	domains := map[string]bool{}
	for _, name := range nodes {
		if n := d.recorder.nodes[name]; n != nil && n.node != nil {
			domains[n.node.Labels[key]] = true
		}
	}
	d.seen("%s: each has a pod of the workload", listed(nodes))
	return d.because(
		"required anti-affinity allows one pod per %s, there are %d for %d replicas", key, len(domains),
		desiredOf(d.w.current),
	)
}

func hostPortTooMany(d *diagnosis) bool {
	nodes := d.allBy("NodePorts", "")
	if d.pod == nil || d.w == nil || len(nodes) == 0 {
		return false
	}
	if _, ok := d.w.current.(*appsv1.DaemonSet); ok {
		return false
	}
	d.seen("%s: the port is in use", listed(nodes))
	return d.because(
		"host port %d is used once per node, there are %d for %d replicas", hostPortOf(d.pod.pod), len(nodes),
		desiredOf(d.w.current),
	)
}

// hostPortOf returns the first host port of a pod, 0 for none.
func hostPortOf(pod *corev1.Pod) int32 {
	for _, c := range pod.Spec.Containers {
		for _, p := range c.Ports {
			if p.HostPort > 0 {
				return p.HostPort
			}
		}
	}
	return 0
}

func cordoned(d *diagnosis) bool {
	nodes := d.allBy("NodeUnschedulable", "")
	if len(nodes) == 0 {
		return false
	}
	d.name("NODE", nodes[0])
	d.seen("spec.unschedulable of %s", listed(nodes))
	return d.because("the nodes that are for the pod are cordoned: %s", listed(nodes))
}

func noNodeMatches(d *diagnosis) bool {
	nodes := d.allBy("NodeAffinity", "")
	if d.pod == nil || len(nodes) == 0 {
		return false
	}
	wanted := wantedLabels(d.pod.pod)
	d.seen("%s: NodeAffinity", listed(nodes))
	return d.because("no node has the labels that the pod asks for (%s)", wanted)
}

// wantedLabels says which labels of nodes a pod asks for.
func wantedLabels(pod *corev1.Pod) string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(pod.Spec.NodeSelector)) {
		all = append(all, key+"="+pod.Spec.NodeSelector[key])
	}
	if a := pod.Spec.Affinity; a != nil && a.NodeAffinity != nil &&
		a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution != nil {
		for _, term := range a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
			for _, e := range slices.Concat(term.MatchExpressions, term.MatchFields) {
				all = append(
					all, strings.TrimSpace(fmt.Sprintf("%s %s %s", e.Key, e.Operator, strings.Join(e.Values, ","))),
				)
			}
		}
	}
	return strings.Join(all, ", ")
}

func untoleratedTaint(d *diagnosis) bool {
	nodes := d.allBy("TaintToleration", "")
	if len(nodes) == 0 {
		return false
	}
	found := map[string][]string{}
	for _, name := range nodes {
		if n := d.recorder.nodes[name]; n != nil && n.node != nil {
			found[taints(n.node)] = append(found[taints(n.node)], name)
		}
	}
	all := slices.Sorted(maps.Keys(found))
	if len(all) == 0 {
		return false
	}
	for _, text := range all {
		d.seen("%s: %s", listed(found[text]), text)
	}
	d.name("NODE", nodes[0])
	d.name("TAINT", cmp.Or(all[0], "KEY"))
	return d.because("each node that is for the pod has a taint that it does not tolerate: %s", strings.Join(all, "; "))
}
