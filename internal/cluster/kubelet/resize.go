package kubelet

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/klog/v2"
	kubeletevents "k8s.io/kubernetes/pkg/kubelet/events"
)

// resize applies changed resources to running containers if the node has them: in place, or by a restart where the
// container requires one.
func (m *machine) resize() {
	var changed []*v1.Container
	for i := range m.pod.Spec.Containers {
		c := &m.pod.Spec.Containers[i]
		if s := m.container(c.Name); s.Phase == running && !equality.Semantic.DeepEqual(s.Resources, c.Resources) {
			changed = append(changed, c)
		}
	}
	if len(changed) == 0 {
		m.state.Resize = ""
		return
	}
	if problem := m.tooLarge(); problem != "" {
		if m.state.Resize != problem {
			m.state.Resize = problem
			m.warn(
				"", kubeletevents.ResizeInfeasible, "%s",
				kubeletevents.PodResizePendingMsg(
					klog.Background(), m.pod, v1.PodReasonInfeasible, problem, m.pod.Generation,
				),
			)
		}
		return
	}
	m.state.Resize = ""
	m.normal(
		"", kubeletevents.ResizeStarted, "%s",
		kubeletevents.PodResizeStartedMsg(klog.Background(), m.pod, m.pod.Generation),
	)
	for _, c := range changed {
		s := m.container(c.Name)
		if restartsOnResize(c, s.Resources) {
			path := m.path(c)
			m.normal(path, kubeletevents.KillingContainer, "Container %s resize requires restart", c.Name)
			m.end(s, killed, "")
			s.Last, s.Phase = terminated(s), waiting
		}
		s.Resources = c.Resources
	}
	m.normal(
		"", kubeletevents.ResizeCompleted, "%s",
		kubeletevents.PodResizeCompletedMsg(klog.Background(), m.pod, m.pod.Generation),
	)
}

// tooLarge returns the resource of the pod that the node could never hold, empty if there is none.
func (m *machine) tooLarge() string {
	n := m.env.node(m.pod.Spec.NodeName)
	if n == nil {
		return ""
	}
	for _, name := range []v1.ResourceName{v1.ResourceCPU, v1.ResourceMemory} {
		var asked int64
		for _, c := range m.pod.Spec.Containers {
			asked += amount(c.Resources.Requests, name)
		}
		if has := amount(n.Status.Allocatable, name); asked > has {
			return fmt.Sprintf("Node didn't have enough capacity: %s, requested: %d, capacity: %d", name, asked, has)
		}
	}
	return ""
}

// amount returns a resource in the unit of the kubelet.
func amount(list v1.ResourceList, name v1.ResourceName) int64 {
	q := list[name]
	if name == v1.ResourceCPU {
		return q.MilliValue()
	}
	return q.Value()
}

func restartsOnResize(c *v1.Container, before v1.ResourceRequirements) bool {
	for _, p := range c.ResizePolicy {
		if p.RestartPolicy != v1.RestartContainer {
			continue
		}
		if amount(before.Requests, p.ResourceName) != amount(c.Resources.Requests, p.ResourceName) ||
			amount(before.Limits, p.ResourceName) != amount(c.Resources.Limits, p.ResourceName) {
			return true
		}
	}
	return false
}
