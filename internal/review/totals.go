package review

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	helper "k8s.io/component-helpers/resource"

	"github.com/seatrial/seatrial/lint"
)

// amounts are quantities by resource: requests.cpu.
type amounts map[string]resource.Quantity

// amountsOf sums up what the pods of Deployments, StatefulSets, ReplicaSets and Pods ask for, by namespace. What depends
// on the number of nodes, or runs once, is not in the sums.
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
		pod := &corev1.Pod{Spec: *pods.Spec}
		all := byNamespace[o.Resource.Object.Namespace]
		if all == nil {
			all = amounts{}
			byNamespace[o.Resource.Object.Namespace] = all
		}
		all.add("requests.", helper.PodRequests(pod, helper.PodResourcesOptions{}), replicas)
		all.add("limits.", helper.PodLimits(pod, helper.PodResourcesOptions{}), replicas)
		count := all["pods"]
		count.Add(*resource.NewQuantity(replicas, resource.DecimalSI))
		all["pods"] = count
	}
	return byNamespace
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

// totals compares what the pods of each namespace ask for. Namespaces where nothing differs are left out.
func (e *environment) totals() (all []Total) {
	before, after := e.amounts()
	namespaces := map[string]bool{}
	for ns := range before {
		namespaces[ns] = true
	}
	for ns := range after {
		namespaces[ns] = true
	}
	for _, ns := range slices.Sorted(maps.Keys(namespaces)) {
		t := Total{Environment: e.Name, Namespace: ns, Before: before[ns].texts(), After: after[ns].texts()}
		if !maps.Equal(t.Before, t.After) {
			all = append(all, t)
		}
	}
	return all
}

// quotas finds namespaces whose pods ask for more than a ResourceQuota of theirs allows, and did not before.
func quotas(e *environment) (found []Consequence) {
	before, after := e.amounts()
	for _, p := range e.pairs {
		quota, ok := quotaOf(p.new)
		if !ok {
			continue
		}
		ns := p.new.Resource.Object.Namespace
		var over []string
		was, _ := quotaOf(p.old)
		for _, name := range slices.Sorted(maps.Keys(quota)) {
			used, known := after[ns][quotaKey(name)]
			if !known || used.Cmp(quota[name]) <= 0 {
				continue
			}
			if hard, had := was[name]; had {
				if earlier := before[ns][quotaKey(name)]; earlier.Cmp(hard) > 0 {
					continue // it was so before
				}
			}
			hard := quota[name]
			over = append(over, fmt.Sprintf("%s: %s of %s", name, used.String(), hard.String()))
		}
		if len(over) > 0 {
			found = append(found, about(p.new, "quota", High, "its pods would need more than it allows: %s", strings.Join(over, ", ")))
		}
	}
	return found
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
