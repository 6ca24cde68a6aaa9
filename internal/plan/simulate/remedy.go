package simulate

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/manifest"
)

// maxRemedies is how many remedies are offered.
const maxRemedies = 3

// attempt is something to try.
type attempt struct {
	change string
	object diag.Object
	adjust func(*unstructured.Unstructured)
	nodes  []*corev1.Node
	groups []plan.NodeGroup
	action *plan.Action         // of the scenario, besides its own
	from   []*manifest.Document // what runs already, in place of that of the plan
}

// input returns the input of a plan with which the attempt is tried.
func (a *attempt) input(in Input) Input {
	in.adjust = a.adjust
	if a.nodes != nil {
		in.Nodes = a.nodes
	}
	if a.groups != nil {
		in.NodeGroups = a.groups
	}
	if a.from != nil {
		in.From = a.from
	}
	if a.action != nil {
		s := plan.Scenario{}
		if in.Scenario != nil {
			s = *in.Scenario
		}
		s.Actions = append(slices.Clone(s.Actions), *a.action)
		slices.SortStableFunc(
			s.Actions, func(a, b plan.Action) int { return cmp.Compare(a.At.Duration, b.At.Duration) },
		)
		in.Scenario = &s
	}
	return in
}

// Remedies looks for the nearest changes with which a plan that has stalled completes, by simulating them one after
// another: another strategy of the rollout, more of a quota, a node more, a pod or an object deleted. Other ways may
// exist.
func Remedies(ctx context.Context, in Input, p *plan.Plan) (found []plan.Remedy, err error) {
	in.Reasons, in.Fit = false, nil
	for _, a := range allAttempts(in, p) {
		if len(found) == maxRemedies {
			return found, nil
		}
		outcome, err := Simulate(ctx, a.input(in))
		if err != nil {
			return nil, err
		}
		if !outcome.Converged {
			continue
		}
		r := plan.Remedy{Change: a.change, Object: a.object, CompletesAt: outcome.VirtualSeconds}
		about := stalledWorkload(p)
		if i := slices.IndexFunc(outcome.Workloads, func(w plan.Workload) bool { return w.Object == about }); i >= 0 {
			r.Desired, r.MinAvailable = outcome.Workloads[i].Desired, outcome.Workloads[i].MinAvailable
		}
		found = append(found, r)
	}
	return found, nil
}

// stalledWorkload returns the first workload that does not come to what it asks for: what keeps it from its end may
// keep the others, too.
func stalledWorkload(p *plan.Plan) diag.Object {
	for i := range p.Workloads {
		if p.Workloads[i].SettledAt == nil {
			return p.Workloads[i].Object
		}
	}
	return diag.Object{}
}

// allAttempts lists what may help a plan, the nearest first.
func allAttempts(in Input, p *plan.Plan) (all []attempt) {
	for i := range p.Problems {
		if q := &p.Problems[i]; q.Open {
			all = append(all, jobAttempts(in, q)...)
		}
	}
	if i := slices.IndexFunc(p.Workloads, func(w plan.Workload) bool { return w.SettledAt == nil }); i >= 0 {
		all = append(all, attempts(in, p, p.Workloads[i])...)
	}
	return all
}

// attempts lists what may help a workload, the nearest first.
func attempts(in Input, p *plan.Plan, stalled plan.Workload) (all []attempt) {
	unplaced, held, refused := false, false, ""
	for _, problem := range p.Problems {
		if !problem.Open || problem.Workload != stalled.Object && problem.Object != stalled.Object {
			continue
		}
		unplaced = unplaced || problem.Kind == plan.Unplaced
		// of a disk that an old pod has
		held = held || problem.Kind == plan.Mount && strings.HasPrefix(problem.Message, "Waiting for detach")
		if problem.Kind == plan.Refused {
			refused = problem.Message
		}
		if problem.Trap == "ordered-broken-revision" {
			all = append(all, deleteBroken(p, stalled)...)
		}
	}
	all = append(all, deleteLostNodes(p, stalled)...)
	if !unplaced && !held && refused == "" {
		return all
	}
	all = append(all, otherStrategies(stalled)...)
	for _, extra := range []int{1, lacking(stalled)} {
		if raised, ok := raise(refused, stalled.Object.Namespace, extra); ok {
			all = append(all, raised)
		}
	}
	if unplaced && stalled.Object.Kind != "DaemonSet" {
		groups := largerGroups(in, max(lacking(stalled), waiting(p)))
		if all = append(all, groups...); len(groups) == 0 {
			all = append(all, oneNodeMore(in)...)
		}
	}
	return all
}

// otherStrategies makes old pods go before new ones come.
func otherStrategies(stalled plan.Workload) (all []attempt) {
	if !replaces(stalled) {
		return nil
	}
	path := map[string][]string{
		"Deployment": {"spec", "strategy"}, "DaemonSet": {"spec", "updateStrategy"},
	}[stalled.Object.Kind]
	if path == nil {
		return nil
	}
	all = append(all, attempt{
		change: fmt.Sprintf("maxSurge 0, maxUnavailable 1 in %s", stalled.Object), object: stalled.Object,
		adjust: strategy(stalled.Object, path, map[string]any{
			"type": "RollingUpdate", "rollingUpdate": map[string]any{"maxSurge": int64(0), "maxUnavailable": int64(1)},
		}),
	})
	if stalled.Object.Kind == "Deployment" {
		all = append(all, attempt{
			change: fmt.Sprintf("strategy Recreate in %s", stalled.Object), object: stalled.Object,
			adjust: strategy(stalled.Object, path, map[string]any{"type": "Recreate"}),
		})
	}
	return all
}

// deleteBroken deletes the pods of the previous revision that an ordered StatefulSet waits for, when the change is
// made.
func deleteBroken(p *plan.Plan, stalled plan.Workload) (all []attempt) {
	for i := range p.Pods {
		pod := &p.Pods[i]
		if pod.Workload != stalled.Object || pod.New || pod.Gone != nil || pod.Ready != nil {
			continue
		}
		return []attempt{{
			change: fmt.Sprintf("deleting %s after the change", pod.Object), object: pod.Object,
			action: &plan.Action{
				At: metav1.Duration{Duration: time.Second}, DeletePod: pod.Object.Name, Namespace: pod.Object.Namespace,
			},
		}}
	}
	return nil
}

// deleteLostNodes deletes a node that does not answer, on which a pod of the workload is Terminating.
func deleteLostNodes(p *plan.Plan, stalled plan.Workload) (all []attempt) {
	lost := map[string]bool{}
	for _, n := range p.Nodes {
		lost[n.Name] = !n.Ready
	}
	for i := range p.Pods {
		pod := &p.Pods[i]
		if pod.Workload != stalled.Object || pod.Gone != nil || pod.Stopping == nil || !lost[pod.Node] {
			continue
		}
		return []attempt{{
			change: fmt.Sprintf(
				"deleting Node %s when its pods are Terminating (or the taint node.kubernetes.io/out-of-service)",
				pod.Node,
			),
			object: diag.Object{APIVersion: "v1", Kind: "Node", Name: pod.Node},
			action: &plan.Action{
				At: metav1.Duration{Duration: time.Duration(*pod.Stopping) + time.Minute}, Delete: "Node/" + pod.Node,
			},
		}}
	}
	return nil
}

// jobAttempts lists what may help a Job that is refused or has failed.
func jobAttempts(in Input, q *plan.Problem) []attempt {
	o := q.Object
	if !isZero(q.Workload) {
		o = q.Workload
	}
	if o.Kind != "Job" {
		return nil
	}
	set := func(words string, value any, path ...string) []attempt {
		return []attempt{{
			change: fmt.Sprintf("%s in %s", words, o), object: o,
			adjust: adjusting(
				o, func(u *unstructured.Unstructured) { _ = unstructured.SetNestedField(u.Object, value, path...) },
			),
		}}
	}
	switch q.Trap {
	case "job-immutable":
		kept := slices.DeleteFunc(slices.Clone(in.From), func(d *manifest.Document) bool {
			return d.Object.Kind == "Job" && d.Object.Name == o.Name &&
				cmp.Or(d.Object.Namespace, metav1.NamespaceDefault) == o.Namespace
		})
		return []attempt{{change: fmt.Sprintf("deleting %s before the change", o), object: o, from: kept}}
	case "job-counts-disruptions":
		return set("podFailurePolicy that ignores DisruptionTarget", map[string]any{"rules": []any{map[string]any{
			"action": "Ignore", "onPodConditions": []any{map[string]any{"type": "DisruptionTarget"}},
		}}}, "spec", "podFailurePolicy")
	case "job-deadline":
		m := jobDeadlineOf.FindStringSubmatch(q.Cause)
		if m == nil {
			return nil
		}
		now, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			return nil
		}
		var all []attempt
		for _, times := range []int64{2, 16} {
			all = append(
				all,
				set(fmt.Sprintf("activeDeadlineSeconds %d", now*times), now*times, "spec", "activeDeadlineSeconds")...,
			)
		}
		return all
	}
	return nil
}

var jobDeadlineOf = regexp.MustCompile(`activeDeadlineSeconds (\d+)`)

// replaces reports whether a workload has pods of an older template.
func replaces(w plan.Workload) bool { return len(w.Curve) > 0 && w.Curve[len(w.Curve)-1].Old > 0 }

// lacking is how many pods a workload has too few.
func lacking(w plan.Workload) int {
	if len(w.Curve) == 0 {
		return 1
	}
	return max(1, w.Desired-w.Curve[len(w.Curve)-1].New)
}

// adjusting changes one object alone.
func adjusting(object diag.Object, f func(*unstructured.Unstructured)) func(*unstructured.Unstructured) {
	return func(u *unstructured.Unstructured) {
		namespace := u.GetNamespace()
		if namespace == "" {
			namespace = "default"
		}
		if u.GetKind() == object.Kind && u.GetName() == object.Name && namespace == object.Namespace {
			f(u)
		}
	}
}

func strategy(object diag.Object, path []string, value map[string]any) func(*unstructured.Unstructured) {
	return adjusting(object, func(u *unstructured.Unstructured) {
		_ = unstructured.SetNestedMap(u.Object, value, path...) // a spec that is no map has been refused
	})
}

// exceeded is how the admission of quotas refuses a pod.
var exceeded = regexp.MustCompile(`exceeded quota: ([^,]+), requested: (.+), used: (.+), limited: (.+)$`)

// raise returns a quota what so many more pods ask for.
func raise(message, namespace string, pods int) (attempt, bool) {
	m := exceeded.FindStringSubmatch(message)
	if m == nil {
		return attempt{}, false
	}
	requested, used := quantities(m[2]), quantities(m[3])
	object := diag.Object{APIVersion: "v1", Kind: "ResourceQuota", Namespace: namespace, Name: m[1]}
	hard := map[string]string{}
	var words []string
	for _, part := range strings.Split(m[2], ",") {
		name, _, _ := strings.Cut(part, "=")
		sum := used[name].DeepCopy()
		for range pods {
			sum.Add(requested[name])
		}
		hard[name] = sum.String()
		words = append(words, name+" "+sum.String())
	}
	return attempt{change: fmt.Sprintf(
		"%s in %s", strings.Join(words, ", "), object,
	), object: object, adjust: adjusting(object, func(u *unstructured.Unstructured) {
		for name, value := range hard {
			_ = unstructured.SetNestedField(u.Object, value, "spec", "hard", name)
		}
	})}, true
}

// quantities reads pods=1,requests.cpu=200m.
func quantities(text string) map[string]resource.Quantity {
	all := map[string]resource.Quantity{}
	for _, part := range strings.Split(text, ",") {
		name, value, _ := strings.Cut(part, "=")
		if q, err := resource.ParseQuantity(value); err == nil {
			all[name] = q
		}
	}
	return all
}

// waiting returns how many pods have no node at the end: nodes for so many are enough.
func waiting(p *plan.Plan) (n int) {
	for i := range p.Unschedulable {
		if p.Unschedulable[i].Until == nil {
			n++
		}
	}
	return n
}

// largerGroups raises the max of each node group by so many nodes, those of the cluster included.
func largerGroups(in Input, more int) (all []attempt) {
	_, _, lived, err := divide(in.From)
	if err != nil {
		return nil
	}
	nodes, _ := in.beginning(lived)
	given := slices.Clone(in.NodeGroups)
	for _, s := range statedGroups(in.From, nodes, func(string, ...any) {}) {
		i := slices.IndexFunc(given, func(g plan.NodeGroup) bool { return g.Name == s.name })
		switch most := max(s.most(), len(s.nodes)); {
		case len(s.shapes) == 0, i >= 0 && given[i].Max > 0:
		case i >= 0:
			given[i].Max = most
		case len(given) < len(in.NodeGroups)+maxRemedies:
			g := plan.StatedNodeGroup(s.name)
			g.Max = most
			given = append(given, g)
		}
	}
	for i, g := range given {
		groups := slices.Clone(given[:len(in.NodeGroups)])
		if i >= len(groups) {
			i, groups = len(groups), append(groups, g)
		}
		groups[i].Max = g.Max + more
		all = append(all, attempt{change: fmt.Sprintf("max %d in node group %s", g.Max+more, g.Name), groups: groups})
	}
	return all
}

// oneNodeMore adds a node like the largest one that takes pods of users.
func oneNodeMore(in Input) []attempt {
	nodes := in.Nodes
	if nodes == nil {
		_, _, lived, err := divide(in.From)
		if err != nil {
			return nil
		}
		if nodes, _ = fresh(lived); len(nodes) == 0 {
			nodes = cluster.DefaultNodes()
		}
	}
	var largest *corev1.Node
	for _, n := range nodes {
		if len(n.Spec.Taints) == 0 && !n.Spec.Unschedulable && (largest == nil || n.Status.Capacity.Cpu().Cmp(
			*largest.Status.Capacity.Cpu(),
		) > 0) {
			largest = n
		}
	}
	if largest == nil {
		return nil
	}
	more := largest.DeepCopy()
	more.Name += "-more"
	more.Status.Addresses = nil
	if more.Labels[corev1.LabelHostname] != "" {
		more.Labels[corev1.LabelHostname] = more.Name
	}
	return []attempt{
		{
			change: fmt.Sprintf(
				"one node more like %s (%s cpu, %s memory)", largest.Name, largest.Status.Capacity.Cpu(),
				largest.Status.Capacity.Memory(),
			),
			nodes: append(slices.Clone(nodes), more),
		},
	}
}
