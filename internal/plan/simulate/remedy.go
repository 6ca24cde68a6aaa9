package simulate

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/plan"
)

// maxRemedies is how many remedies are offered.
const maxRemedies = 3

// attempt is something to try.
type attempt struct {
	change string
	object diag.Object
	adjust func(*unstructured.Unstructured)
	nodes  []*corev1.Node
}

// Remedies looks for the nearest changes with which a plan that has stalled completes, by simulating
// them one after another: another strategy of the rollout, more of a quota, a node more. Other ways
// may exist.
func Remedies(ctx context.Context, in Input, p *plan.Plan) (found []plan.Remedy, err error) {
	in.Reasons = false
	for _, stalled := range p.Workloads {
		if stalled.SettledAt != nil {
			continue
		}
		for _, a := range attempts(in, p, stalled) {
			if len(found) == maxRemedies {
				return found, nil
			}
			tried := in
			tried.adjust = a.adjust
			if a.nodes != nil {
				tried.Nodes = a.nodes
			}
			outcome, err := Simulate(ctx, tried)
			if err != nil {
				return nil, err
			}
			i := slices.IndexFunc(outcome.Workloads, func(w plan.Workload) bool { return w.Object == stalled.Object })
			if !outcome.Converged || i < 0 {
				continue
			}
			w := outcome.Workloads[i]
			found = append(found, plan.Remedy{
				Change: a.change, Object: a.object, CompletesAt: outcome.VirtualSeconds,
				Desired: w.Desired, MinAvailable: w.MinAvailable,
			})
		}
		break // what keeps the first one from its end may keep the others, too
	}
	return found, nil
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
	}
	if !unplaced && !held && refused == "" {
		return nil
	}
	if stalled.Object.Kind == "Deployment" && replaces(stalled) {
		all = append(all,
			attempt{change: fmt.Sprintf(
				"maxSurge 0, maxUnavailable 1 in %s", stalled.Object,
			), object: stalled.Object, adjust: strategy(stalled.Object, map[string]any{
				"type": "RollingUpdate", "rollingUpdate": map[string]any{
					"maxSurge": int64(0), "maxUnavailable": int64(1),
				}})},
			attempt{
				change: fmt.Sprintf("strategy Recreate in %s", stalled.Object), object: stalled.Object,
				adjust: strategy(stalled.Object, map[string]any{"type": "Recreate"}),
			})
	}
	for _, extra := range []int{1, lacking(stalled)} {
		if raised, ok := raise(refused, stalled.Object.Namespace, extra); ok {
			all = append(all, raised)
		}
	}
	if unplaced {
		all = append(all, oneNodeMore(in)...)
	}
	return all
}

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

func strategy(object diag.Object, value map[string]any) func(*unstructured.Unstructured) {
	return adjusting(object, func(u *unstructured.Unstructured) {
		_ = unstructured.SetNestedMap(u.Object, value, "spec", "strategy") // a spec that is no map has been refused
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
