package simulate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan"
)

const oneByOne = "set maxSurge: 0 and maxUnavailable: 1 in the update strategy, so that an old pod goes first"

var rolloutTraps = []Trap{
	{
		Name: "ordered-broken-revision",
		Cause: "An ordered StatefulSet waits for a pod of the previous revision that never becomes ready. The corrected revision does not " +
			"reach it.",
		Evidence: "a pod that is not of the update revision, and has not been ready",
		WaysOut: []string{
			"delete pod/POD: it is made again by the new revision",
			"set podManagementPolicy: Parallel in a new StatefulSet",
		},
		Report:  "https://github.com/kubernetes/kubernetes/issues/67250",
		kinds:   []string{plan.Image, plan.Config, plan.Crash, plan.Probe, plan.Mount, plan.Unplaced},
		explain: brokenOrdinal,
	},
	{
		Name:     "liveness-kills-slow-start",
		Cause:    "A liveness probe ends the container before it has started, again and again.",
		Evidence: "containers killed by a liveness probe, in pods that have never been ready; the time that the container needs",
		WaysOut: []string{
			"add a startupProbe that allows for the slowest start (failureThreshold times periodSeconds)",
		},
		Report: "https://github.com/kubernetes/kubernetes/issues/27114",
		kinds:  []string{plan.Crash, plan.Probe}, explain: killedBeforeReady,
	},
	{
		Name:     "host-port-surge",
		Cause:    "A new pod waits for the host port of the old pod, which stays until the new one is available.",
		Evidence: "NodePorts rejects nodes on which old pods run; the strategy makes pods above the number",
		WaysOut:  []string{oneByOne},
		Report:   "https://github.com/kubernetes/kubernetes/issues/106417",
		kinds:    []string{plan.Unplaced}, explain: hostPortSurge,
	},
	{
		Name: "anti-affinity-surge",
		Cause: "A new pod may not run beside pods of the same workload, and the old ones, which have all the nodes, stay until it is " +
			"available.",
		Evidence: "InterPodAffinity rejects each node that is for the pods; old pods hold them, and maxUnavailable comes to 0",
		WaysOut: []string{
			oneByOne, "prefer the spread instead of requiring it (preferredDuringSchedulingIgnoredDuringExecution)",
		},
		Report: "https://github.com/kubernetes/kubernetes/issues/116891",
		kinds:  []string{plan.Unplaced}, explain: antiAffinitySurge,
	},
	{
		Name:     "room-surge",
		Cause:    "A new pod finds no room, and the old pods, which have it, stay until the new one is available.",
		Evidence: "NodeResourcesFit rejects nodes on which old pods run, and maxUnavailable comes to 0",
		WaysOut:  []string{oneByOne, "add room for one pod more"},
		Report:   "https://github.com/kubernetes/kubernetes/issues/44395",
		kinds:    []string{plan.Unplaced}, explain: roomSurge,
	},
	{
		Name:     "quota-surge",
		Cause:    "A ResourceQuota has no room for a pod above the number, and the old pods stay until a new one is available.",
		Evidence: "the quota refuses a new pod while old pods exist, and maxUnavailable comes to 0",
		WaysOut:  []string{oneByOne, "raise the quota by one pod"},
		Report:   "https://github.com/kubernetes/kubernetes/issues/89209",
		kinds:    []string{plan.Refused}, explain: quotaSurge,
	},
	{
		Name:     "volume-surge",
		Cause:    "A new pod waits on another node for the ReadWriteOnce disk of the old pod, which stays until the new one is available.",
		Evidence: "the disk of a pod that does not start is attached for a pod of the old template",
		WaysOut:  []string{"set strategy: {type: Recreate}", oneByOne, "use a ReadWriteMany volume"},
		Report:   "https://github.com/Azure/AKS/issues/1919",
		kinds:    []string{plan.Mount}, explain: volumeSurge,
	},
	{
		Name:     "one-pod-volume-surge",
		Cause:    "The claim is ReadWriteOncePod, and the old pod has it until the new one is available.",
		Evidence: "VolumeRestrictions rejects nodes while a pod of the old template uses the claim",
		WaysOut:  []string{"set strategy: {type: Recreate}", oneByOne},
		Report:   "https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes",
		kinds:    []string{plan.Unplaced}, explain: onePodVolumeSurge,
	},
	{
		Name:     "never-ready",
		Cause:    "The readiness probe of a container that runs never succeeds, so that the rollout waits.",
		Evidence: "failed readiness probes of containers that run and are not restarted",
		WaysOut: []string{
			"compare path, port and scheme of the probe with what the container serves",
			"`kubectl rollout undo` brings the old template back",
		},
		Report: "https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/",
		kinds:  []string{plan.Probe}, explain: neverReady,
	},
	{
		Name:     "deadline-recovers",
		Cause:    "A rollout takes longer than progressDeadlineSeconds, and completes later. Those who wait for it have given up.",
		Evidence: "ProgressDeadlineExceeded in the status of a Deployment that completes afterwards",
		WaysOut:  []string{"raise progressDeadlineSeconds above the slowest start"},
		Report:   "https://github.com/kubernetes/website/issues/1699", Rule: RiskOverdue,
	},
	{
		Name:     "paused",
		Cause:    "The Deployment is paused: its new template makes no pods.",
		Evidence: "spec.paused of the Deployment as it is stored",
		WaysOut:  []string{"`kubectl rollout resume`"},
		Report:   "https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#pausing-and-resuming-a-deployment", Rule: RiskPaused,
	},
	{
		Name:     "partition-keeps-old",
		Cause:    "The partition of a StatefulSet keeps pods with lower ordinals at the old revision, although the rollout counts as complete.",
		Evidence: "pods of the old revision when the rollout is complete",
		WaysOut:  []string{"lower the partition when the updated pods have proved themselves"},
		Report:   "https://github.com/kubernetes/kubernetes/issues/70442", Rule: RiskPartition,
	},
	{
		Name:     "on-delete",
		Cause:    "With updateStrategy OnDelete a new template replaces no pod, although the rollout counts as complete.",
		Evidence: "pods of the old template when nothing moves any more",
		WaysOut:  []string{"delete the pods one after another", "set updateStrategy: {type: RollingUpdate}"},
		Report:   "https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#update-strategies",
		Rule:     RiskOnDelete,
	},
	{
		Name:     "outage",
		Cause:    "The strategy ends all old pods before a new one is ready.",
		Evidence: "no pod of a workload that had available ones is available for a while",
		WaysOut:  []string{"let the strategy keep some of the old pods until new ones are ready"},
		Report:   "https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#recreate-deployment",
		Rule:     RiskOutage,
	},
	{
		Name:     "autoscaler-and-replicas",
		Cause:    "The manifest has replicas, and each apply undoes what the autoscaler has decided.",
		Evidence: "the number of pods falls to that of the manifest, and an autoscaler raises it again",
		WaysOut:  []string{"leave replicas out of the manifest"},
		Report:   "https://github.com/kubernetes/kubernetes/issues/25238", Rule: RiskReplicas,
	},
	{
		Name:     "stale-configuration",
		Cause:    "A ConfigMap or Secret has changed, and the pods that read it as environment keep the old values.",
		Evidence: "pods that are older than the change of an object that their environment refers to",
		WaysOut: []string{
			"`kubectl rollout restart`", "put a hash of the values into an annotation of the pod template",
		},
		Report: "https://github.com/kubernetes/kubernetes/issues/22368", Rule: RiskStale,
	},
	{
		Name:     "skew-after-rollout",
		Cause:    "A hard spread constraint counts the pods of the old template while the new ones are placed, and does not hold when they are gone.",
		Evidence: "the pods of each domain when the rollout is over",
		WaysOut:  []string{"set matchLabelKeys: [pod-template-hash] in the constraint"},
		Report:   "https://github.com/kubernetes/kubernetes/issues/98215", Rule: RiskSkew,
	},
}

func brokenOrdinal(d *diagnosis) bool {
	if d.w == nil {
		return false
	}
	set, ok := d.w.current.(*appsv1.StatefulSet)
	if !ok || set.Spec.PodManagementPolicy == appsv1.ParallelPodManagement {
		return false
	}
	for _, t := range d.old() {
		if !t.readyFrom.IsZero() {
			continue
		}
		d.at = max(0, min(d.at, t.life.Created))
		d.name("POD", t.pod.Name)
		d.seen("%s is of revision %s, the update revision is %s", t.pod.Name,
			t.pod.Labels[appsv1.ControllerRevisionHashLabelKey], set.Status.UpdateRevision)
		return d.because("StatefulSet %s/%s waits for %s of the previous revision, which never becomes ready: %s",
			set.Namespace, set.Name, t.pod.Name, strings.TrimSuffix(d.problem.Message, "."))
	}
	return false
}

func killedBeforeReady(d *diagnosis) bool {
	killed := d.eventsOf("Killing", "failed liveness probe")
	if d.w == nil || killed == 0 {
		return false
	}
	for _, t := range d.pods() {
		if t.life.Ready != nil {
			continue
		}
		for i := range t.pod.Spec.Containers {
			c := &t.pod.Spec.Containers[i]
			if c.LivenessProbe == nil || c.StartupProbe != nil {
				continue
			}
			l := c.LivenessProbe
			after := time.Duration(l.InitialDelaySeconds+l.PeriodSeconds*max(l.FailureThreshold-1, 0)) * time.Second
			needs := ""
			if starts := d.behaviors.behavior(t.pod, c).ReadyAfter; starts > 0 {
				needs = fmt.Sprintf(": it needs %v", starts)
			}
			d.seen("liveness probes killed containers %d times", killed)
			return d.because("livenessProbe of container %s ends it after about %v, before it is ready%s", c.Name,
				max(after, time.Second), needs)
		}
	}
	return false
}

// eventsOf counts the events of the problem's pods with a reason, and words in their message.
func (d *diagnosis) eventsOf(reason, words string) (count int) {
	about := d.about()
	for i := range d.recorder.plan.Timeline {
		step := &d.recorder.plan.Timeline[i]
		mine := step.Workload == about.String() || step.Object == about
		if mine && step.Event == reason && strings.Contains(step.Message, words) {
			count++
		}
	}
	return count
}

func hostPortSurge(d *diagnosis) bool {
	nodes := d.rejectedBy("NodePorts", "")
	old := d.old()
	if len(nodes) == 0 || len(old) == 0 {
		return false
	}
	d.seen("%s: the port is in use; %s of the old template run", listed(nodes), plural(len(old), "pod"))
	return d.because("the new pod waits for the host port of the old one, which stays until the new one is available")
}

// plural returns a number with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// ownAntiAffinity returns the topology key by which pods of a template keep away from each other, empty for none.
func ownAntiAffinity(pod *corev1.Pod) string {
	if pod.Spec.Affinity == nil || pod.Spec.Affinity.PodAntiAffinity == nil {
		return ""
	}
	for _, term := range pod.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
		selector, err := metav1.LabelSelectorAsSelector(term.LabelSelector)
		if err == nil && selector.Matches(labels.Set(pod.Labels)) {
			return term.TopologyKey
		}
	}
	return ""
}

func antiAffinitySurge(d *diagnosis) bool {
	nodes := d.allBy("InterPodAffinity", "anti-affinity")
	old := d.old()
	if d.pod == nil || len(nodes) == 0 || len(old) == 0 || !d.surges() {
		return false
	}
	key := ownAntiAffinity(d.pod.pod)
	if key == "" {
		return false
	}
	d.seen("%s: taken by %s", listed(nodes), listed(podNames(old)))
	return d.because("required anti-affinity allows one pod per %s, %s of the old template %s, and maxUnavailable is 0: no place for a new pod",
		key, plural(len(old), "pod"), holdAll(len(old), len(nodes)))
}

func holdAll(pods, nodes int) string {
	verb := "hold"
	if pods == 1 {
		verb = "holds"
	}
	if nodes == 1 {
		return verb + " the only node"
	}
	return fmt.Sprintf("%s all %d nodes", verb, nodes)
}

func roomSurge(d *diagnosis) bool {
	nodes := d.rejectedBy("NodeResourcesFit", "Insufficient")
	old := d.old()
	if d.pod == nil || len(nodes) == 0 || len(old) == 0 || !d.surges() {
		return false
	}
	if !slices.ContainsFunc(old, func(t *podTrack) bool { return slices.Contains(nodes, t.life.Node) }) {
		return false
	}
	d.seen("%s", d.room(nodes[0]))
	return d.because("no room for a pod above the number while maxUnavailable is 0: the old template keeps that of %s",
		plural(len(old), "pod"))
}

// short returns the resources of which a node has too little for the waiting pod.
func (d *diagnosis) short(node string) (names []corev1.ResourceName) {
	for _, f := range d.fits {
		if f.Name != node {
			continue
		}
		for _, part := range strings.Split(f.Reason, ", ") {
			if name, ok := strings.CutPrefix(part, "Insufficient "); ok {
				names = append(names, corev1.ResourceName(name))
			}
		}
	}
	return names
}

// room says of which resources a node has too little, and how much the waiting pod asks for.
func (d *diagnosis) room(name string) string {
	n := d.recorder.nodes[name]
	if n == nil || n.node == nil {
		return name
	}
	var left []string
	for _, resource := range d.short(name) {
		free := n.node.Status.Allocatable[resource].DeepCopy()
		for _, t := range d.recorder.order {
			if t.on == n {
				free.Sub(t.requests[resource])
			}
		}
		asks := d.pod.requests[resource]
		left = append(left, fmt.Sprintf("%s %s left, the pod asks for %s", resource, free.String(), asks.String()))
	}
	return name + ": " + strings.Join(left, "; ")
}

func quotaSurge(d *diagnosis) bool {
	m := exceeded.FindStringSubmatch(d.problem.Message)
	if m == nil || len(d.old()) == 0 || !d.surges() {
		return false
	}
	d.seen("used %s of %s, and one pod asks for %s", m[3], m[4], m[2])
	return d.because("ResourceQuota %s has no room for a pod above the number while maxUnavailable is 0", m[1])
}

func volumeSurge(d *diagnosis) bool {
	if !strings.HasPrefix(d.problem.Message, "Waiting for detach") {
		return false
	}
	waiting := d.unready()
	old := d.old()
	if waiting == nil || len(old) == 0 {
		return false
	}
	for _, t := range old {
		if shared := sharedClaim(waiting.pod, t.pod); shared != "" && t.life.Node != waiting.life.Node {
			d.seen("claim %s is attached to %s for %s, and %s is on %s", shared, t.life.Node, t.life.Object.Name,
				waiting.life.Object.Name, waiting.life.Node)
			return d.because(
				"the new pod waits for the ReadWriteOnce disk of claim %s, which the old pod has until the new one is available",
				shared,
			)
		}
	}
	return false
}

// sharedClaim returns a claim that two pods use, empty for none.
func sharedClaim(a, b *corev1.Pod) string {
	for _, name := range claimsOf(a) {
		if slices.Contains(claimsOf(b), name) {
			return name
		}
	}
	return ""
}

// claimsOf returns the names of the claims of a pod.
func claimsOf(pod *corev1.Pod) (names []string) {
	for _, v := range pod.Spec.Volumes {
		if v.PersistentVolumeClaim != nil {
			names = append(names, v.PersistentVolumeClaim.ClaimName)
		}
	}
	return names
}

func onePodVolumeSurge(d *diagnosis) bool {
	if d.pod == nil || len(d.rejectedBy("VolumeRestrictions", "ReadWriteOncePod")) == 0 {
		return false
	}
	for _, t := range d.old() {
		if shared := sharedClaim(d.pod.pod, t.pod); shared != "" {
			d.seen("%s uses claim %s", t.life.Object.Name, shared)
			return d.because(
				"claim %s is ReadWriteOncePod, and the old pod has it until the new one is available", shared,
			)
		}
	}
	return false
}

func neverReady(d *diagnosis) bool {
	t := d.unready()
	failed := d.eventsOf("Unhealthy", "Readiness probe failed")
	if t == nil || t.life.Ready != nil || failed == 0 || d.eventsOf("Killing", "liveness probe") > 0 {
		return false
	}
	for i := range t.pod.Spec.Containers {
		c := &t.pod.Spec.Containers[i]
		running := slices.ContainsFunc(t.pod.Status.ContainerStatuses, func(s corev1.ContainerStatus) bool {
			return s.Name == c.Name && s.State.Running != nil && !s.Ready && s.RestartCount == 0
		})
		if c.ReadinessProbe != nil && running {
			d.seen("container %s of %s runs and has not been restarted", c.Name, t.life.Object.Name)
			return d.because("readinessProbe (%s) of container %s never succeeds: %s", probeText(c.ReadinessProbe),
				c.Name,
				strings.TrimPrefix(strings.TrimSuffix(d.problem.Message, "."), "Readiness probe failed: "))
		}
	}
	return false
}

// probeText says what a probe asks.
func probeText(p *corev1.Probe) string {
	switch {
	case p.HTTPGet != nil:
		return fmt.Sprintf("httpGet :%s%s", p.HTTPGet.Port.String(), p.HTTPGet.Path)
	case p.TCPSocket != nil:
		return "tcpSocket :" + p.TCPSocket.Port.String()
	case p.GRPC != nil:
		return fmt.Sprintf("grpc :%d", p.GRPC.Port)
	case p.Exec != nil:
		return "exec " + strings.Join(p.Exec.Command, " ")
	}
	return "none"
}

// keptRisks looks for pods of the old template that the update strategy does not replace.
func (s *simulation) keptRisks(
	t *workloadTrack, add func(severity diag.Severity, rule, path, message, help string),
) {
	kept := 0
	for _, p := range t.pods {
		if !p.gone && p.pod.DeletionTimestamp == nil && !t.isNew(p.pod) {
			kept++
		}
	}
	if kept == 0 || !s.touched(t.object.String()) {
		return
	}
	onDelete := func() {
		add(
			diag.Warning, RiskOnDelete, "spec.updateStrategy.type",
			fmt.Sprintf(
				"updateStrategy OnDelete replaces no pod: %s of the old template %s", plural(kept, "pod"), runs(kept),
			),
			"delete the pods one after another, or set type: RollingUpdate",
		)
	}
	switch o := t.current.(type) {
	case *appsv1.StatefulSet:
		if o.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType {
			onDelete()
		} else if r := o.Spec.UpdateStrategy.RollingUpdate; r != nil && r.Partition != nil && *r.Partition > 0 {
			add(
				diag.Warning, RiskPartition, "spec.updateStrategy.rollingUpdate.partition",
				fmt.Sprintf("partition %d keeps %s at the old revision", *r.Partition, plural(kept, "pod")),
				"lower the partition when the updated pods have proved themselves",
			)
		}
	case *appsv1.DaemonSet:
		if o.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType {
			onDelete()
		}
	}
}

func runs(pods int) string {
	if pods == 1 {
		return "runs on"
	}
	return "run on"
}
