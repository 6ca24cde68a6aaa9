package kubelet

import (
	"time"

	v1 "k8s.io/api/core/v1"
)

// UsageWindow is the interval over which usage is measured: that of the metrics server by default.
const UsageWindow = 15 * time.Second

// PodUsage returns the sum of what the containers of a pod use, as Usage returns it.
func PodUsage(p *v1.Pod, name v1.ResourceName) (sum int64) {
	for i := range p.Spec.Containers {
		sum += Usage(p, &p.Spec.Containers[i], name)
	}
	return sum
}
