package kubelet

import (
	"fmt"
	"strings"

	"github.com/distribution/reference"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/resource"
)

// status is what the kubelet reports of a pod in this state.
func (m *machine) status() v1.PodStatus {
	s := m.state
	status := *m.pod.Status.DeepCopy()
	if s.Started.IsZero() {
		return status
	}
	status.ObservedGeneration = m.pod.Generation
	started := metav1.NewTime(s.Started.Truncate(0))
	if status.StartTime == nil {
		status.StartTime = &started
	}
	if status.QOSClass == "" {
		status.QOSClass = v1.PodQOSBestEffort
	}
	if s.Failed != "" {
		status.Phase, status.Reason, status.Message = v1.PodFailed, s.Failed, s.Message
		if s.Sandboxed.IsZero() {
			return status
		}
	} else {
		status.Phase = m.podPhase()
	}
	if ip := hostIP(m.world.node(m.pod.Spec.NodeName)); ip != "" {
		status.HostIP, status.HostIPs = ip, []v1.HostIP{{IP: ip}}
	}
	if s.IP != "" {
		status.PodIP, status.PodIPs = s.IP, []v1.PodIP{{IP: s.IP}}
	}
	status.InitContainerStatuses = m.containerStatuses(m.pod.Spec.InitContainers)
	status.ContainerStatuses = m.containerStatuses(m.pod.Spec.Containers)
	m.conditions(&status)
	return status
}

func (m *machine) containerStatuses(containers []v1.Container) (all []v1.ContainerStatus) {
	for i := range containers {
		all = append(all, m.containerStatus(&containers[i]))
	}
	return all
}

func (m *machine) containerStatus(c *v1.Container) v1.ContainerStatus {
	s := m.state.Containers[c.Name]
	begun := s != nil
	if s == nil {
		s = &containerState{Phase: waiting}
	}
	started := s.Phase == running && s.Passed
	status := v1.ContainerStatus{
		Name: c.Name, Image: c.Image, Ready: s.Ready, Started: &started, RestartCount: s.Restarts, ContainerID: s.ID,
		VolumeMounts: mountStatuses(c),
	}
	if len(c.Resources.Requests)+len(c.Resources.Limits) > 0 && s.Phase == running {
		status.AllocatedResources, status.Resources = c.Resources.Requests, c.Resources.DeepCopy()
	}
	if s.ID != "" {
		status.Image, status.ImageID = fullImage(c.Image)
	}
	if s.Last != nil {
		status.LastTerminationState.Terminated = s.Last
	}
	if isInit(m.pod, c) && !isSidecar(c) {
		status.Ready = s.Phase == exited && s.ExitCode == 0
	}
	switch s.Phase {
	case running:
		status.State.Running = &v1.ContainerStateRunning{StartedAt: metav1.NewTime(s.StartedAt)}
	case exited:
		status.State.Terminated = terminated(s)
	default:
		status.State.Waiting = m.waitingFor(c, s, begun)
	}
	return status
}

func (m *machine) waitingFor(c *v1.Container, s *containerState, begun bool) *v1.ContainerStateWaiting {
	if s.Phase == waiting || s.Reason == "" {
		if len(m.pod.Spec.InitContainers) > 0 && !begun {
			return &v1.ContainerStateWaiting{Reason: "PodInitializing"}
		}
		return &v1.ContainerStateWaiting{Reason: "ContainerCreating"}
	}
	if m.state.Stopping.IsZero() || s.Reason != "ContainerCreating" {
		return &v1.ContainerStateWaiting{Reason: s.Reason, Message: s.Message}
	}
	return &v1.ContainerStateWaiting{Reason: "ContainerCreating"}
}

// fullImage is an image as the runtime names it, and its identity, which is drawn from the name.
func fullImage(image string) (name, id string) {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return image, ""
	}
	return reference.TagNameOnly(named).String(), reference.TrimNamed(named).Name() + "@sha256:" + digest(image)
}

func mountStatuses(c *v1.Container) (all []v1.VolumeMountStatus) {
	for _, v := range c.VolumeMounts {
		status := v1.VolumeMountStatus{Name: v.Name, MountPath: v.MountPath, ReadOnly: v.ReadOnly, RecursiveReadOnly: v.RecursiveReadOnly}
		if v.ReadOnly && status.RecursiveReadOnly == nil {
			disabled := v1.RecursiveReadOnlyDisabled
			status.RecursiveReadOnly = &disabled
		}
		all = append(all, status)
	}
	return all
}

// podPhase sums the containers up.
func (m *machine) podPhase() v1.PodPhase {
	var pending, active, failed int
	for i := range m.pod.Spec.InitContainers {
		c := &m.pod.Spec.InitContainers[i]
		s := m.state.Containers[c.Name]
		switch {
		case s == nil, s.Phase != exited && !(isSidecar(c) && (s.Phase == running || s.Restarts > 0)):
			return v1.PodPending
		case s.Phase == exited && s.ExitCode != 0 && !isSidecar(c):
			return v1.PodFailed
		}
	}
	for i := range m.pod.Spec.Containers {
		s := m.state.Containers[m.pod.Spec.Containers[i].Name]
		switch {
		case s == nil:
			pending++
		case s.Phase == running, s.Last != nil && s.Phase != exited:
			active++
		case s.Phase != exited:
			pending++
		case s.ExitCode != 0:
			failed++
		}
	}
	switch {
	case pending > 0:
		return v1.PodPending
	case active > 0:
		return v1.PodRunning
	case failed > 0:
		return v1.PodFailed
	}
	return v1.PodSucceeded
}

// conditions are the kubelet's, in its order, before those of others.
func (m *machine) conditions(status *v1.PodStatus) {
	ready := m.containersReady(status.Phase)
	containers := ready
	containers.Type = v1.ContainersReady
	ready.Type = v1.PodReady
	if missing := m.missingGates(); ready.Status == v1.ConditionTrue && missing != "" {
		ready.Status, ready.Reason, ready.Message = v1.ConditionFalse, "ReadinessGatesNotReady", missing
	}
	ours := []v1.PodCondition{m.sandboxed(), m.initialized(status.Phase), ready, containers, {Type: v1.PodScheduled, Status: v1.ConditionTrue}}
	for i := range ours {
		ours[i].ObservedGeneration = m.pod.Generation
		ours[i].LastTransitionTime = metav1.NewTime(m.now)
		for _, old := range m.pod.Status.Conditions {
			if old.Type == ours[i].Type && old.Status == ours[i].Status {
				ours[i].LastTransitionTime = old.LastTransitionTime
			}
		}
	}
	status.Conditions = foreign(status.Conditions, ours)
}

func (m *machine) sandboxed() v1.PodCondition {
	c := v1.PodCondition{Type: v1.PodReadyToStartContainers, Status: v1.ConditionFalse}
	if !m.state.Sandboxed.IsZero() && !m.state.Ended {
		c.Status = v1.ConditionTrue
	}
	return c
}

func (m *machine) initialized(phase v1.PodPhase) v1.PodCondition {
	c := v1.PodCondition{Type: v1.PodInitialized, Status: v1.ConditionTrue}
	if phase == v1.PodSucceeded {
		c.Reason = "PodCompleted"
		return c
	}
	var missing []string
	for i := range m.pod.Spec.InitContainers {
		init := &m.pod.Spec.InitContainers[i]
		s := m.state.Containers[init.Name]
		done := s != nil && (s.Phase == exited && s.ExitCode == 0 || isSidecar(init) && s.Passed)
		if !done {
			missing = append(missing, init.Name)
		}
	}
	if len(missing) > 0 {
		c.Status, c.Reason = v1.ConditionFalse, "ContainersNotInitialized"
		c.Message = fmt.Sprintf("containers with incomplete status: [%s]", strings.Join(missing, " "))
	}
	return c
}

func (m *machine) containersReady(phase v1.PodPhase) v1.PodCondition {
	c := v1.PodCondition{Status: v1.ConditionFalse}
	switch phase {
	case v1.PodSucceeded:
		c.Reason = "PodCompleted"
		return c
	case v1.PodFailed:
		c.Reason = "PodFailed"
		return c
	}
	var unready []string
	note := func(container *v1.Container) {
		if s := m.state.Containers[container.Name]; s == nil || !s.Ready {
			unready = append(unready, container.Name)
		}
	}
	for i := range m.pod.Spec.InitContainers {
		if isSidecar(&m.pod.Spec.InitContainers[i]) {
			note(&m.pod.Spec.InitContainers[i])
		}
	}
	for i := range m.pod.Spec.Containers {
		note(&m.pod.Spec.Containers[i])
	}
	if len(unready) == 0 {
		c.Status = v1.ConditionTrue
		return c
	}
	c.Reason = "ContainersNotReady"
	c.Message = fmt.Sprintf("containers with unready status: [%s]", strings.Join(unready, " "))
	return c
}

// missingGates says which readiness gates are not passed.
func (m *machine) missingGates() string {
	var problems []string
	for _, gate := range m.pod.Spec.ReadinessGates {
		passed, known := false, false
		for _, c := range m.pod.Status.Conditions {
			if c.Type == gate.ConditionType {
				known, passed = true, c.Status == v1.ConditionTrue
			}
		}
		switch {
		case !known:
			problems = append(problems, fmt.Sprintf("corresponding condition of pod readiness gate %q does not exist.", gate.ConditionType))
		case !passed:
			problems = append(problems, fmt.Sprintf("the status of pod readiness gate %q is not \"True\", but False", gate.ConditionType))
		}
	}
	return strings.Join(problems, ", ")
}

// Usage is what a container of a pod is said to use: a fifth of what it asks for, or a little.
func Usage(pod *v1.Pod, name v1.ResourceName) int64 {
	requests := resource.PodRequests(pod, resource.PodResourcesOptions{})
	if q, ok := requests[name]; ok && name == v1.ResourceCPU {
		return q.MilliValue() / 5
	} else if ok {
		return q.Value() / 5
	}
	if name == v1.ResourceCPU {
		return 1
	}
	return 8 << 20
}
