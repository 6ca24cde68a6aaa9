package review

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/labels"
	helper "k8s.io/component-helpers/resource"

	"github.com/seatrial/seatrial/lint"
)

// amounts are quantities by resource: requests.cpu.
type amounts map[string]resource.Quantity

// amountsOf sums up what the pods of Deployments, StatefulSets, ReplicaSets and Pods ask for, by namespace. What
// depends on the number of nodes, or runs once, is not in the sums.
func amountsOf(objects []*Object) map[string]amounts {
	byNamespace := map[string]amounts{}
	for _, o := range objects {
		replicas := int64(1)
		switch w := o.Typed.(type) {
		case *appsv1.Deployment, *appsv1.StatefulSet, *appsv1.ReplicaSet, *corev1.ReplicationController:
			if o.Resource.Replicas != nil {
				replicas = int64(*o.Resource.Replicas)
			}
		case *corev1.Pod:
			if len(w.OwnerReferences) > 0 {
				continue
			}
		default:
			continue
		}
		pods := lint.PodTemplateOf(o.Typed)
		if pods == nil {
			continue
		}
		all := byNamespace[o.Resource.Object.Namespace]
		if all == nil {
			all = amounts{}
			byNamespace[o.Resource.Object.Namespace] = all
		}
		all.addPod(&corev1.Pod{Spec: *pods.Spec}, replicas)
	}
	return byNamespace
}

// addPod adds what so many pods ask for.
func (a amounts) addPod(pod *corev1.Pod, times int64) {
	a.add("requests.", helper.PodRequests(pod, helper.PodResourcesOptions{}), times)
	a.add("limits.", helper.PodLimits(pod, helper.PodResourcesOptions{}), times)
	count := a["pods"]
	count.Add(*resource.NewQuantity(times, resource.DecimalSI))
	a["pods"] = count
}

func (a amounts) add(prefix string, list corev1.ResourceList, times int64) {
	for name, q := range list {
		sum := a[prefix+string(name)]
		q = q.DeepCopy()
		q.Mul(times)
		sum.Add(q)
		a[prefix+string(name)] = sum
	}
}

// texts returns the amounts as Kubernetes writes them.
func (a amounts) texts() map[string]string {
	texts := map[string]string{}
	for name, q := range a {
		if !q.IsZero() {
			texts[name] = q.String()
		}
	}
	return texts
}

// sums are what the pods of an environment ask for before and after the change, by namespace.
type sums struct{ before, after map[string]amounts }

// sum adds up what the pods of the environment ask for, also those of what is not compared.
func (e *environment) sum() sums {
	return sums{amountsOf(e.withRest(e.matched.before())), amountsOf(e.withRest(e.matched.after()))}
}

func (e *environment) withRest(objects []*Object) []*Object {
	if e.Rest == nil {
		return objects
	}
	return slices.Concat(objects, e.Rest())
}

// totals compares what the pods of each namespace ask for. Namespaces where nothing differs are left out.
func (e *environment) totals() (all []Total) {
	if !slices.ContainsFunc(e.pairs, func(p *pair) bool { return p.action != "" }) {
		return nil
	}
	s := e.amounts()
	namespaces := map[string]bool{}
	for ns := range s.before {
		namespaces[ns] = true
	}
	for ns := range s.after {
		namespaces[ns] = true
	}
	for _, ns := range slices.Sorted(maps.Keys(namespaces)) {
		t := Total{Environment: e.Name, Namespace: ns, Before: s.before[ns].texts(), After: s.after[ns].texts()}
		if !maps.Equal(t.Before, t.After) {
			t.Quota = e.quotaRoom(ns, s.after[ns])
			all = append(all, t)
		}
	}
	return all
}

// quotaRoom returns what the quotas of a namespace leave of the resources that are summed up: of several quotas the
// tightest.
func (e *environment) quotaRoom(namespace string, used amounts) (all []Room) {
	hard := amounts{}
	for _, o := range e.withRest(e.matched.after()) {
		quota, ok := quotaOf(o)
		if !ok || o.Resource.Object.Namespace != namespace {
			continue
		}
		for name, q := range quota {
			key := quotaKey(name)
			if known, ok := hard[key]; summed(key) && (!ok || q.Cmp(known) < 0) {
				hard[key] = q
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(hard)) {
		all = append(all, roomOf(name, hard[name], used[name]))
	}
	return all
}

// summed reports whether a resource of a quota is one that amountsOf sums up.
func summed(key string) bool {
	return key == "pods" || strings.HasPrefix(key, "requests.") && !strings.Contains(key, "storage") ||
		strings.HasPrefix(key, "limits.")
}

// roomOf returns what is left of a resource.
func roomOf(name string, of, used resource.Quantity) Room {
	left := of.DeepCopy()
	left.Sub(used)
	return Room{Resource: name, Of: of.String(), Left: left.String()}
}

// nodeRoom returns what the pods of the environment, and those that run beside them, leave of its nodes. Environments
// whose sums do not differ are left out.
func (e *environment) nodeRoom() []NodeRoom {
	if len(e.Nodes) == 0 || len(e.totals()) == 0 {
		return nil
	}
	used := amounts{}
	for _, sum := range e.amounts().after {
		for name, q := range sum {
			total := used[name]
			total.Add(q)
			used[name] = total
		}
	}
	for _, o := range e.withRest(e.matched.after()) {
		if d, ok := o.Typed.(*appsv1.DaemonSet); ok {
			used.addPod(&corev1.Pod{Spec: d.Spec.Template.Spec}, nodesFor(d, e.Nodes))
		}
	}
	for _, pod := range e.Running {
		used.addPod(pod, 1)
	}
	of := amounts{}
	for _, n := range e.Nodes {
		of.add("", n.Status.Allocatable, 1)
	}
	room := NodeRoom{Environment: e.Name, Nodes: len(e.Nodes), Room: []Room{}}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		key := "requests." + name
		if name == "pods" {
			key = name
		}
		if q, ok := used[key]; ok {
			room.Room = append(room.Room, roomOf(name, of[name], q))
		}
	}
	return []NodeRoom{room}
}

// nodesFor returns on how many nodes a DaemonSet runs pods, as far as its nodeSelector says it.
func nodesFor(d *appsv1.DaemonSet, nodes []*corev1.Node) (n int64) {
	selector := labels.SelectorFromSet(d.Spec.Template.Spec.NodeSelector)
	for _, node := range nodes {
		if selector.Matches(labels.Set(node.Labels)) {
			n++
		}
	}
	return n
}

// quotas finds namespaces whose pods ask for more than a ResourceQuota of theirs allows, and did not before.
func quotas(e *environment) (found []Consequence) {
	for _, p := range e.pairs {
		if p.new != nil {
			found = append(found, e.exceeded(p.old, p.new)...)
		}
	}
	if e.Rest != nil && slices.ContainsFunc(e.pairs, func(p *pair) bool { return p.action != "" }) {
		for _, o := range e.Rest() {
			found = append(found, e.exceeded(o, o)...)
		}
	}
	return found
}

// exceeded says of which resources of a quota the pods of its namespace ask for more than it allows, and did not
// before.
func (e *environment) exceeded(was, is *Object) []Consequence {
	quota, ok := quotaOf(is)
	if !ok {
		return nil
	}
	s, ns := e.amounts(), is.Resource.Object.Namespace
	hadQuota, _ := quotaOf(was)
	var over []string
	for _, name := range slices.Sorted(maps.Keys(quota)) {
		used, known := s.after[ns][quotaKey(name)]
		if !known || used.Cmp(quota[name]) <= 0 {
			continue
		}
		if hard, had := hadQuota[name]; had {
			if earlier := s.before[ns][quotaKey(name)]; earlier.Cmp(hard) > 0 {
				continue // it was so before
			}
		}
		hard := quota[name]
		over = append(over, fmt.Sprintf("%s: %s of %s", name, used.String(), hard.String()))
	}
	if len(over) == 0 {
		return nil
	}
	return []Consequence{
		about(is, "quota", High, "its pods would need more than it allows: %s", strings.Join(over, ", ")),
	}
}

// quotaOf returns what a ResourceQuota without scopes allows.
func quotaOf(o *Object) (corev1.ResourceList, bool) {
	if o == nil {
		return nil, false
	}
	q, ok := o.Typed.(*corev1.ResourceQuota)
	if !ok || len(q.Spec.Scopes) > 0 || q.Spec.ScopeSelector != nil {
		return nil, false
	}
	return q.Spec.Hard, true
}

// quotaKey returns the amount that a resource of a quota limits.
func quotaKey(name corev1.ResourceName) string {
	switch name {
	case corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage:
		return "requests." + string(name)
	}
	return string(name)
}
