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
		case corev1.ResourcePods, "requests.cpu", "requests.memory", "limits.cpu", "limits.memory":
			f.Hard[string(name)] = q.MilliValue()
		}
	}
}

// podNeeds returns what a pod takes of a quota, in thousandths.
func podNeeds(spec *corev1.PodSpec) map[string]int64 {
	needs := map[string]int64{string(corev1.ResourcePods): 1000}
	for _, q := range quotaNames {
		if sum := podTotal(spec, q.resource, q.limits); !sum.IsZero() {
			needs[q.name] = sum.MilliValue()
		}
	}
	return needs
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
