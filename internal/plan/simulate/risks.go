package simulate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
)

// Rules of the risks that only a simulation shows.
const (
	RiskOneNode   = "plan-one-node"     // one node holds all pods of a workload
	RiskOneZone   = "plan-one-zone"     // one zone does, where there are several
	RiskNotProbed = "plan-not-probed"   // ready means started: a rollout never waits
	RiskOutage    = "plan-outage"       // no pod was available for a while
	RiskPaused    = "plan-paused"       // a change waits for a paused Deployment
	RiskNoNode    = "plan-no-node"      // no node is to run the pods of a DaemonSet
	RiskOverdue   = "plan-overdue"      // a rollout completed after its deadline
	RiskStale     = "plan-stale-pods"   // pods go on with the old values of a ConfigMap or Secret
	RiskReplicas  = "plan-replicas"     // replicas in the manifest undo what an autoscaler has decided
	RiskSkew      = "plan-skew"         // a hard spread constraint does not hold after a rollout
	RiskSkipped   = "plan-skipped-runs" // a CronJob leaves out runs, since the one before has not ended

	RiskOverridden   = "plan-budget-overridden" // preemption breaks a budget
	RiskBudgetBlocks = "plan-budget-blocks"     // a budget never allows an eviction
	RiskPartition    = "plan-partition"         // a partition keeps pods at the old revision
	RiskOnDelete     = "plan-on-delete"         // a new template replaces no pod
	RiskPolicyLate   = "plan-policy-late"       // a policy was not in force yet when what it forbids was applied
	RiskReplaced     = "plan-replaced-runs"     // each run of a CronJob ends the one before
	RiskSuspended    = "plan-suspended"         // a Job is suspended
)

// findRisks looks for what went well this time, and may not the next.
func (s *simulation) findRisks() {
	p := &s.recorder.plan
	s.findStale()
	s.findOverridden()
	s.findSkipped()
	s.findJobRisks()
	s.findBlockingBudgets()
	s.findLatePolicies()
	defer s.nameTraps()
	for i := range p.Problems {
		if q := &p.Problems[i]; q.Kind == plan.Deadline && !q.Open {
			d := diag.Diagnostic{
				Rule: RiskOverdue, Severity: diag.Warning, Object: q.Object, Path: "spec.progressDeadlineSeconds",
				Message: fmt.Sprintf("the rollout is overdue at %s s: %s", q.At, q.Message), Help: q.Help,
			}
			s.locate(&d, q.Object)
			p.Findings = append(p.Findings, d)
		}
	}
	for i := range p.Workloads {
		w := &p.Workloads[i]
		t := s.recorder.workloads[w.Object]
		if t == nil || t.gone {
			continue
		}
		s.keptRisks(t, func(severity diag.Severity, rule, path, message, help string) {
			d := diag.Diagnostic{
				Rule: rule, Severity: severity, Message: message, Help: help, Path: path, Object: w.Object,
			}
			s.locate(&d, w.Object)
			p.Findings = append(p.Findings, d)
		})
		if !w.Changed {
			continue
		}
		for _, d := range s.risksOf(w, t) {
			d.Object = w.Object
			p.Findings = append(p.Findings, d)
		}
	}
}

// nameTraps puts the public reports beside the risks that are known traps.
func (s *simulation) nameTraps() {
	for i := range s.recorder.plan.Findings {
		if d := &s.recorder.plan.Findings[i]; d.URL == "" {
			d.URL = reportOf(d.Rule)
		}
	}
}

func (s *simulation) risksOf(w *plan.Workload, t *workloadTrack) (found []diag.Diagnostic) {
	add := func(severity diag.Severity, rule, path, message, detail string) {
		d := diag.Diagnostic{Rule: rule, Severity: severity, Message: message, Help: detail, Path: path}
		s.locate(&d, w.Object)
		found = append(found, d)
	}
	if d, ok := t.current.(*appsv1.Deployment); ok && d.Spec.Paused {
		add(
			diag.Warning, RiskPaused, "spec.paused", "the Deployment is paused: a new template makes no pods",
			"resume it with `kubectl rollout resume`",
		)
	}
	switch o := t.current.(type) {
	case *appsv1.DaemonSet:
		if o.Status.DesiredNumberScheduled == 0 {
			add(
				diag.Warning, RiskNoNode, "spec.template.spec.nodeSelector", "no node is to run its pods",
				"a node has to match nodeSelector and affinity, and its taints have to be tolerated",
			)
		}
		return found
	case *appsv1.Deployment, *appsv1.StatefulSet, *appsv1.ReplicaSet, *corev1.ReplicationController:
	default:
		return found
	}
	if first := w.Curve[0]; first.Available > 0 && w.MinAvailable == 0 && w.Desired > 0 {
		add(
			diag.Warning, RiskOutage, "spec", fmt.Sprintf("no pod is available for %s s", outage(w)),
			"let the strategy keep some of the old pods until new ones are ready",
		)
	}
	if replicas, resets := s.resetsReplicas(w); resets {
		add(
			diag.Warning, RiskReplicas, "spec.replicas",
			fmt.Sprintf("applying sets replicas to %d and takes %d of %d pods away; the autoscaler puts them back later",
				replicas, w.Curve[0].Desired-replicas, w.Curve[0].Desired),
			"leave replicas out of the manifest",
		)
	}
	if template := templateOf(t.current); template != nil && !probed(template) && len(w.Curve) > 1 {
		add(
			diag.Info, RiskNotProbed, "spec.template.spec.containers[0]",
			"no readinessProbe: ready means started, the rollout never waits for the application", "",
		)
	}
	s.spreadRisks(w, add)
	s.skewRisks(w, t, add)
	return found
}

// findStale looks for pods that read a ConfigMap or Secret which has changed, and are not replaced.
func (s *simulation) findStale() {
	p := &s.recorder.plan
	changed := map[reference]bool{}
	for _, c := range p.Changes {
		if c.Action == plan.Update && c.Denied == "" && (c.Object.Kind == "ConfigMap" || c.Object.Kind == "Secret") {
			changed[reference{c.Object.Kind, c.Object.Namespace, c.Object.Name}] = true
		}
	}
	if len(changed) == 0 {
		return
	}
	for _, w := range s.recorder.sortedWorkloads() {
		object, _ := w.current.(runtime.Object)
		pods := lint.PodTemplateOf(object)
		older := func(t *podTrack) bool { return !t.gone && t.life.Created < 0 }
		if templateOf(w.current) == nil || pods == nil || w.gone || !slices.ContainsFunc(w.pods, older) {
			continue
		}
		var names []string
		for _, ref := range pods.References(w.object.Namespace) {
			r := reference{ref.Kind, ref.Namespace, ref.Name}
			inEnvironment := strings.Contains(ref.Path, ".env[") || strings.Contains(ref.Path, ".envFrom[")
			if name := r.kind + " " + r.String(); inEnvironment && changed[r] && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		if len(names) == 0 {
			continue
		}
		slices.Sort(names)
		d := diag.Diagnostic{
			Rule: RiskStale, Severity: diag.Warning, Object: w.object, Path: "spec.template",
			Message: fmt.Sprintf(
				"%s: its pods keep the old values of %s until they are restarted", w.object, strings.Join(names, ", "),
			),
			Help: "kubectl rollout restart, or a hash of the values in an annotation of the pod template",
		}
		s.locate(&d, w.object)
		p.Findings = append(p.Findings, d)
	}
}

// resetsReplicas reports how many pods the manifest asks for, if an autoscaler had decided for more.
func (s *simulation) resetsReplicas(w *plan.Workload) (replicas int, resets bool) {
	scaled := slices.ContainsFunc(slices.Concat(s.From, s.Change), func(d *manifest.Document) bool {
		if d.Object.Kind != "HorizontalPodAutoscaler" ||
			cmp.Or(d.Object.Namespace, metav1.NamespaceDefault) != w.Object.Namespace {
			return false
		}
		kind, _, _ := unstructured.NestedString(d.Value(), "spec", "scaleTargetRef", "kind")
		name, _, _ := unstructured.NestedString(d.Value(), "spec", "scaleTargetRef", "name")
		return kind == w.Object.Kind && name == w.Object.Name
	})
	if !scaled {
		return 0, false
	}
	for _, d := range s.Change {
		if d.Object.Kind != w.Object.Kind || d.Object.Name != w.Object.Name {
			continue
		}
		written, found, err := unstructured.NestedInt64(d.Value(), "spec", "replicas")
		if found && err == nil && int(written) < w.Curve[0].Desired {
			return int(written), true
		}
	}
	return 0, false
}

// outage is how long no pod was available.
func outage(w *plan.Workload) plan.Time {
	var sum plan.Time
	for i, p := range w.Curve[:len(w.Curve)-1] {
		if p.Available == 0 {
			sum += w.Curve[i+1].At - p.At
		}
	}
	return sum
}

func (s *simulation) spreadRisks(w *plan.Workload, add func(diag.Severity, string, string, string, string)) {
	p := &s.recorder.plan
	var nodes, zones, all []string
	count := 0
	zoneOf := map[string]string{}
	for _, n := range p.Nodes {
		zoneOf[n.Name] = n.Zone
		if n.Zone != "" && !slices.Contains(all, n.Zone) {
			all = append(all, n.Zone)
		}
	}
	for _, pod := range p.Pods {
		if pod.Workload != w.Object || pod.Node == "" || pod.Stopping != nil {
			continue
		}
		count++
		if !slices.Contains(nodes, pod.Node) {
			nodes = append(nodes, pod.Node)
		}
		if z := zoneOf[pod.Node]; z != "" && !slices.Contains(zones, z) {
			zones = append(zones, z)
		}
	}
	if count < 2 {
		return
	}
	switch {
	case len(nodes) == 1:
		add(
			diag.Warning, RiskOneNode, "spec.replicas",
			fmt.Sprintf("node %s holds all %d pods: without it, none is left", nodes[0], count),
			s.spreadAdvice(plan.FailNode, "--fail-each-node"),
		)
	case len(zones) == 1 && len(all) > 1:
		add(
			diag.Warning, RiskOneZone, "spec.replicas",
			fmt.Sprintf("zone %s holds all %d pods: without it, none is left", zones[0], count),
			s.spreadAdvice(plan.FailZone, "--fail-each-zone"),
		)
	}
}

// spreadAdvice says what to do about pods that are all in one place: to look what becomes of them, if that is
// not done already, and to spread them.
func (s *simulation) spreadAdvice(question, flag string) string {
	advice := "spread the pods with topologySpreadConstraints"
	if slices.Contains(s.Asked, question) {
		return advice
	}
	return "try " + flag + "; " + advice
}

func templateOf(o metav1.Object) *corev1.PodTemplateSpec {
	switch o := o.(type) {
	case *appsv1.Deployment:
		return &o.Spec.Template
	case *appsv1.StatefulSet:
		return &o.Spec.Template
	case *appsv1.DaemonSet:
		return &o.Spec.Template
	case *appsv1.ReplicaSet:
		return &o.Spec.Template
	case *corev1.ReplicationController:
		return o.Spec.Template
	}
	return nil
}

func probed(t *corev1.PodTemplateSpec) bool {
	return slices.ContainsFunc(t.Spec.Containers, func(c corev1.Container) bool { return c.ReadinessProbe != nil })
}

// locate returns a risk its place in the manifest, if it is about one.
func (s *simulation) locate(d *diag.Diagnostic, o diag.Object) {
	for _, m := range slices.Concat(s.Change, s.From) {
		namespace := m.Object.Namespace
		if namespace == "" {
			namespace = metav1.NamespaceDefault
		}
		if m.Object.Kind != o.Kind || m.Object.Name != o.Name || namespace != o.Namespace {
			continue
		}
		found := m.Find(d.Path)
		d.Range, d.Document = found.Value, m.Number
		if found.Key.IsValid() {
			d.Range = found.Key
		}
		return
	}
}
