package cluster

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// NotReadyReason returns what an object lacks to be ready, empty if it lacks nothing. It knows pods and workloads.
func NotReadyReason(object any) string {
	switch o := object.(type) {
	case *corev1.Pod:
		return notReadyPod(o)
	case *appsv1.Deployment:
		return notReadyDeployment(o)
	case *appsv1.StatefulSet:
		return notReadyStatefulSet(o)
	case *appsv1.DaemonSet:
		return notReadyDaemonSet(o)
	case *appsv1.ReplicaSet:
		return notReadyReplicas(
			o.Spec.Replicas, o.Status.Replicas, o.Status.AvailableReplicas, o.Generation, o.Status.ObservedGeneration,
		)
	case *corev1.ReplicationController:
		return notReadyReplicas(
			o.Spec.Replicas, o.Status.Replicas, o.Status.AvailableReplicas, o.Generation, o.Status.ObservedGeneration,
		)
	case *batchv1.Job:
		return notReadyJob(o)
	}
	return ""
}

func notReadyPod(p *corev1.Pod) string {
	switch {
	case p.DeletionTimestamp != nil:
		return "Terminating"
	case p.Status.Phase == corev1.PodSucceeded, p.Status.Phase == corev1.PodFailed:
		return ""
	}
	for _, s := range p.Status.ContainerStatuses {
		if s.State.Waiting != nil {
			return s.State.Waiting.Reason
		}
	}
	for _, c := range p.Status.Conditions {
		switch {
		case c.Type == corev1.PodScheduled && c.Status != corev1.ConditionTrue:
			return c.Reason + ": " + c.Message
		case c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue:
			return ""
		}
	}
	return "not ready"
}

// wanted returns a number of replicas, one by default.
func wanted(replicas *int32) int32 {
	if replicas == nil {
		return 1
	}
	return *replicas
}

func notReadyDeployment(d *appsv1.Deployment) string {
	want, s := wanted(d.Spec.Replicas), d.Status
	switch {
	case s.ObservedGeneration < d.Generation:
		return "not looked at yet"
	case d.Spec.Paused:
		return notReadyReplicas(d.Spec.Replicas, s.Replicas, s.AvailableReplicas, d.Generation, s.ObservedGeneration)
	case s.UpdatedReplicas != want || s.AvailableReplicas != want || s.Replicas != want:
		return fmt.Sprintf("%d of %d updated replicas available", min(s.UpdatedReplicas, s.AvailableReplicas), want)
	}
	return ""
}

func notReadyStatefulSet(s *appsv1.StatefulSet) string {
	want := wanted(s.Spec.Replicas)
	if why := notReadyReplicas(
		s.Spec.Replicas, s.Status.Replicas, s.Status.AvailableReplicas, s.Generation, s.Status.ObservedGeneration,
	); why != "" {
		return why
	}
	if s.Spec.UpdateStrategy.Type != appsv1.RollingUpdateStatefulSetStrategyType {
		return ""
	}
	updated := want
	if r := s.Spec.UpdateStrategy.RollingUpdate; r != nil && r.Partition != nil {
		updated = max(0, want-*r.Partition)
	}
	if s.Status.UpdateRevision != s.Status.CurrentRevision && s.Status.UpdatedReplicas < updated {
		return fmt.Sprintf("%d of %d pods updated", s.Status.UpdatedReplicas, updated)
	}
	return ""
}

func notReadyDaemonSet(d *appsv1.DaemonSet) string {
	s := d.Status
	switch {
	case s.ObservedGeneration < d.Generation:
		return "not looked at yet"
	case s.NumberAvailable < s.DesiredNumberScheduled:
		return fmt.Sprintf("%d of %d pods available", s.NumberAvailable, s.DesiredNumberScheduled)
	case s.NumberMisscheduled > 0:
		return fmt.Sprintf("%d pods on nodes where they do not belong", s.NumberMisscheduled)
	case d.Spec.UpdateStrategy.Type == appsv1.RollingUpdateDaemonSetStrategyType &&
		s.UpdatedNumberScheduled < s.DesiredNumberScheduled:
		return fmt.Sprintf("%d of %d pods updated", s.UpdatedNumberScheduled, s.DesiredNumberScheduled)
	}
	return ""
}

func notReadyReplicas(replicas *int32, has, available int32, generation, observed int64) string {
	switch want := wanted(replicas); {
	case observed < generation:
		return "not looked at yet"
	case has > want:
		return fmt.Sprintf("%d pods, %d wanted", has, want)
	case available < want:
		return fmt.Sprintf("%d of %d pods available", available, want)
	}
	return ""
}

func notReadyJob(j *batchv1.Job) string {
	for _, c := range j.Status.Conditions {
		if c.Status != corev1.ConditionTrue {
			continue
		}
		switch c.Type {
		case batchv1.JobComplete, batchv1.JobFailed, batchv1.JobSuspended:
			return ""
		}
	}
	if j.Spec.Completions != nil {
		return fmt.Sprintf("%d of %d completions", j.Status.Succeeded, *j.Spec.Completions)
	}
	return fmt.Sprintf("%d pods active", j.Status.Active)
}
