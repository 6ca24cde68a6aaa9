package lint

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// quotaNames are the names that quotas have for what pods request, and for their limits.
var quotaNames = []struct {
	name     string
	resource corev1.ResourceName
	limits   bool
}{
	{"requests.cpu", corev1.ResourceCPU, false}, {"requests.memory", corev1.ResourceMemory, false},
	{"limits.cpu", corev1.ResourceCPU, true}, {"limits.memory", corev1.ResourceMemory, true},
}

// quota keeps what a ResourceQuota grants to all pods of its namespace.
func (f facts) quota(o *corev1.ResourceQuota) {
	if len(o.Spec.Scopes) > 0 || o.Spec.ScopeSelector != nil {
		return
	}
	f.Hard = map[string]int64{}
	for name, q := range o.Spec.Hard {
		switch name {
		case corev1.ResourceCPU, corev1.ResourceMemory:
			f.Hard["requests."+string(name)] = q.MilliValue()
		case corev1.ResourcePods, "count/pods", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory":
			f.Hard[string(name)] = q.MilliValue()
		}
	}
}

// podNeeds returns what a pod takes of a quota, in thousandths.
func podNeeds(spec *corev1.PodSpec) map[string]int64 {
	needs := map[string]int64{string(corev1.ResourcePods): 1000, "count/pods": 1000}
	for _, q := range quotaNames {
		if sum := podTotal(spec, q.resource, q.limits); !sum.IsZero() {
			needs[q.name] = sum.MilliValue()
		}
	}
	return needs
}

// ungiven returns how many containers of a pod that run at the same time give no amount, by the quota's names.
func ungiven(spec *corev1.PodSpec) map[string]int64 {
	none := map[string]int64{}
	for _, q := range quotaNames {
		count := func(r *corev1.ResourceRequirements) {
			_, limit := r.Limits[q.resource]
			_, request := r.Requests[q.resource]
			if !limit && (q.limits || !request) {
				none[q.name]++
			}
		}
		for i := range spec.InitContainers {
			if c := &spec.InitContainers[i]; c.RestartPolicy != nil &&
				*c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
				count(&c.Resources)
			}
		}
		for i := range spec.Containers {
			count(&spec.Containers[i].Resources)
		}
	}
	if len(none) == 0 || spec.Resources != nil {
		return nil
	}
	return none
}

// defaultAmounts returns what a LimitRange sets for a container, by the quota's names, in thousandths.
func defaultAmounts(o *corev1.LimitRange) map[string]int64 {
	amounts := map[string]int64{}
	for _, l := range o.Spec.Limits {
		if l.Type != corev1.LimitTypeContainer {
			continue
		}
		for _, q := range quotaNames {
			list := l.DefaultRequest
			if q.limits {
				list = l.Default
			}
			if amount, ok := list[q.resource]; ok {
				amounts[q.name] = amount.MilliValue()
			}
		}
	}
	return amounts
}

// DefaultAmount returns what LimitRanges of a namespace give to a container that says nothing of it, by the name that a
// quota has for it, in thousandths.
func (s *Set) DefaultAmount(namespace, name string) (most int64) {
	for _, r := range s.byNamespace[objectKey{"", "LimitRange", namespace, ""}] {
		most = max(most, r.Hard[name])
	}
	return most
}

// podTotal sums up what the containers of a pod that run at the same time request.
func podTotal(spec *corev1.PodSpec, name corev1.ResourceName, limits bool) resource.Quantity {
	of := func(r corev1.ResourceRequirements) resource.Quantity {
		if limits {
			return r.Limits[name]
		}
		if q, ok := r.Requests[name]; ok {
			return q
		}
		return r.Limits[name]
	}
	if spec.Resources != nil {
		if q := of(*spec.Resources); !q.IsZero() {
			return q
		}
	}
	var sum resource.Quantity
	for i := range spec.InitContainers {
		c := &spec.InitContainers[i]
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			sum.Add(of(c.Resources))
		}
	}
	for i := range spec.Containers {
		sum.Add(of(spec.Containers[i].Resources))
	}
	return sum
}
