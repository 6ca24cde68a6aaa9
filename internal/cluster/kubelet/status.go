package kubelet

import (
	"slices"
	"time"

	"github.com/distribution/reference"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubeletstatus "k8s.io/kubernetes/pkg/kubelet/status"
)

// status returns the status that the kubelet reports for this state.
func (m *machine) status() v1.PodStatus {
	s := m.state
	status := *m.pod.Status.DeepCopy()
	if s.Started.IsZero() {
		return status
	}
	status.ObservedGeneration = m.pod.Generation
	started := stored(s.Started)
	if status.StartTime == nil {
		status.StartTime = &started
	}
	if status.QOSClass == "" {
		status.QOSClass = v1.PodQOSBestEffort
	}
	if s.Failed != "" && s.Sandboxed.IsZero() {
		status.Phase, status.Reason, status.Message = v1.PodFailed, s.Failed, s.Message
		return status
	}
	if ip := hostIP(m.env.node(m.pod.Spec.NodeName)); ip != "" {
		status.HostIP, status.HostIPs = ip, []v1.HostIP{{IP: ip}}
	}
	if s.IP != "" {
		status.PodIP, status.PodIPs = s.IP, []v1.PodIP{{IP: s.IP}}
	}
	status.InitContainerStatuses = m.containerStatuses(m.pod.Spec.InitContainers)
	status.ContainerStatuses = m.containerStatuses(m.pod.Spec.Containers)
	status.EphemeralContainerStatuses = nil
	for i := range m.pod.Spec.EphemeralContainers {
		c := (*v1.Container)(&m.pod.Spec.EphemeralContainers[i].EphemeralContainerCommon)
		status.EphemeralContainerStatuses = append(status.EphemeralContainerStatuses, m.containerStatus(c))
	}
	status.Phase = m.podPhase(&status)
	if s.Failed != "" && s.Ended { // while anything runs, the phase stays as it was
		status.Phase, status.Reason, status.Message = v1.PodFailed, s.Failed, s.Message
	}
	m.conditions(&status)
	return status
}

// stored returns a time as the API server stores it, in seconds. A finer one would always differ, and be written again
// at each sync.
func stored(t time.Time) metav1.Time { return metav1.NewTime(t.Truncate(time.Second)) }

func (m *machine) containerStatuses(containers []v1.Container) (all []v1.ContainerStatus) {
	for i := range containers {
		all = append(all, m.containerStatus(&containers[i]))
	}
	return all
}

func (m *machine) containerStatus(c *v1.Container) v1.ContainerStatus {
	s := m.state.Containers[c.Name]
	if s == nil {
		s = &containerState{Phase: waiting}
	}
	started := s.Phase == running && s.StartupProbePassed
	status := v1.ContainerStatus{
		Name: c.Name, Image: c.Image, Ready: s.Ready, Started: &started, RestartCount: s.Restarts, ContainerID: s.ID,
		VolumeMounts: mountStatuses(c),
	}
	if s.Phase == running && len(s.Resources.Requests)+len(s.Resources.Limits) > 0 {
		status.AllocatedResources, status.Resources = s.Resources.Requests, s.Resources.DeepCopy()
	}
	if s.ID != "" {
		status.Image, status.ImageID = fullImage(c.Image)
	}
	if isInit(m.pod, c) && !isSidecar(c) {
		status.Ready = s.Phase == exited && s.ExitCode == 0
	}
	switch {
	case s.Phase == running:
		status.State.Running = &v1.ContainerStateRunning{StartedAt: stored(s.StartedAt)}
	case s.Phase == exited:
		status.State.Terminated = terminated(s)
	case s.Reason == "" && s.Last != nil: // the runtime shows the last run until the next one is there
		status.State.Terminated = s.Last
		return status
	default:
		status.State.Waiting = m.waitingFor(c, s)
	}
	if s.Last != nil {
		status.LastTerminationState.Terminated = s.Last
	}
	return status
}

func (m *machine) waitingFor(c *v1.Container, s *containerState) *v1.ContainerStateWaiting {
	switch {
	case s.Reason != "":
		return &v1.ContainerStateWaiting{Reason: s.Reason, Message: s.Message}
	// Init containers too, and others as long as nothing is wrong.
	case len(m.pod.Spec.InitContainers) > 0 && !isEphemeral(m.pod, c):
		return &v1.ContainerStateWaiting{Reason: "PodInitializing"}
	}
	return &v1.ContainerStateWaiting{Reason: "ContainerCreating"}
}

// fullImage returns the name and ID of an image in the runtime; the ID is derived from the name.
func fullImage(image string) (name, id string) {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return image, ""
	}
	return reference.TagNameOnly(named).String(), reference.TrimNamed(named).Name() + "@sha256:" + digest(image)
}

func mountStatuses(c *v1.Container) (all []v1.VolumeMountStatus) {
	for _, v := range c.VolumeMounts {
		status := v1.VolumeMountStatus{
			Name: v.Name, MountPath: v.MountPath, ReadOnly: v.ReadOnly, RecursiveReadOnly: v.RecursiveReadOnly,
		}
		if v.ReadOnly && status.RecursiveReadOnly == nil {
			disabled := v1.RecursiveReadOnlyDisabled
			status.RecursiveReadOnly = &disabled
		}
		all = append(all, status)
	}
	return all
}

// podPhase returns the phase of the pod, by its containers.
func (m *machine) podPhase(status *v1.PodStatus) v1.PodPhase {
	for i := range status.InitContainerStatuses {
		c, s := &m.pod.Spec.InitContainers[i], &status.InitContainerStatuses[i]
		switch {
		case isSidecar(c):
			if begun := s.State.Terminated != nil || s.LastTerminationState.Terminated != nil ||
				s.Started != nil && *s.Started; !begun {
				return v1.PodPending
			}
		case s.State.Terminated == nil:
			return v1.PodPending
		case s.State.Terminated.ExitCode != 0 && m.restarts(c, s.State.Terminated.ExitCode):
			return v1.PodPending
		case s.State.Terminated.ExitCode != 0:
			return v1.PodFailed
		}
	}
	var pending, active, failed int
	for i := range status.ContainerStatuses {
		c, s := &m.pod.Spec.Containers[i], &status.ContainerStatuses[i]
		switch {
		case s.State.Running != nil, s.LastTerminationState.Terminated != nil && s.State.Waiting != nil:
			active++
		case s.State.Waiting != nil:
			pending++
		case !m.state.Ended && m.restarts(c, s.State.Terminated.ExitCode) && m.state.Stopping.IsZero():
			active++
		case s.State.Terminated.ExitCode != 0:
			failed++
		}
	}
	for i := range status.InitContainerStatuses {
		if isSidecar(&m.pod.Spec.InitContainers[i]) && status.InitContainerStatuses[i].State.Running != nil {
			active++
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

// conditions sets the conditions of the kubelet, in its order, before those of others.
func (m *machine) conditions(status *v1.PodStatus) {
	all := append(slices.Clone(status.InitContainerStatuses), status.ContainerStatuses...)
	old := &m.pod.Status
	ours := []v1.PodCondition{
		m.sandboxed(),
		kubeletstatus.GeneratePodInitializedCondition(m.pod, old, all, status.Phase),
		kubeletstatus.GeneratePodReadyCondition(m.pod, old, status.Conditions, all, status.Phase),
		kubeletstatus.GenerateContainersReadyCondition(m.pod, old, all, status.Phase),
		{Type: v1.PodScheduled, Status: v1.ConditionTrue},
	}
	if m.state.Disrupted != "" && m.state.Ended {
		ours = append(ours, v1.PodCondition{
			Type: v1.DisruptionTarget, Status: v1.ConditionTrue,
			Reason: v1.PodReasonTerminationByKubelet, Message: m.state.Disrupted,
		})
	}
	if m.state.Resize != "" {
		ours = append(ours, v1.PodCondition{
			Type: v1.PodResizePending, Status: v1.ConditionTrue, Reason: v1.PodReasonInfeasible,
			Message: m.state.Resize,
		})
	}
	for i := range ours {
		ours[i].ObservedGeneration = m.pod.Generation
		ours[i].LastTransitionTime = stored(m.now)
		for _, before := range old.Conditions {
			if before.Type == ours[i].Type && before.Status == ours[i].Status {
				ours[i].LastTransitionTime = before.LastTransitionTime
			}
		}
	}
	others := slices.DeleteFunc(slices.Clone(status.Conditions), func(c v1.PodCondition) bool {
		return c.Type == v1.PodResizePending && m.state.Resize == ""
	})
	status.Conditions = foreign(others, ours)
}

func (m *machine) sandboxed() v1.PodCondition {
	c := v1.PodCondition{Type: v1.PodReadyToStartContainers, Status: v1.ConditionFalse}
	if !m.state.Sandboxed.IsZero() && !m.state.Ended {
		c.Status = v1.ConditionTrue
	}
	return c
}
