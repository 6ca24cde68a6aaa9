package simulate

import (
	"fmt"
	"math"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/seatrial/seatrial/internal/plan"
)

// describeWorkloads returns how the workloads fared that exist, or existed at the beginning.
func (r *recorder) describeWorkloads() []plan.Workload {
	all := []plan.Workload{}
	for _, w := range r.sortedWorkloads() {
		if len(w.curve) == 0 && w.gone {
			continue
		}
		all = append(all, w.describe(r))
	}
	return all
}

func (w *workloadTrack) describe(r *recorder) plan.Workload {
	d := plan.Workload{
		Object: w.object, Strategy: strategyOf(w.current), Desired: w.point.Desired, Curve: w.curve,
		Changed: w.changed || w.gone,
	}
	if len(d.Curve) == 0 {
		d.Curve = []plan.Point{w.point}
	}
	d.MinReady, d.MinAvailable = math.MaxInt, math.MaxInt
	for _, p := range d.Curve {
		d.MinReady, d.MinAvailable = min(d.MinReady, p.Ready), min(d.MinAvailable, p.Available)
		d.MaxPods = max(d.MaxPods, p.Old+p.New+p.Stopping)
	}
	switch {
	case w.gone:
		d.Status = "deleted"
	case w.why == "":
		d.Status = doneStatus(w.current)
		d.SettledAt = ptr(max(0, r.at(*w.settled)))
	default:
		d.Status = w.why
	}
	return d
}

// doneStatus is what is said of a workload that lacks nothing.
func doneStatus(o any) string {
	switch o := o.(type) {
	case *appsv1.Deployment:
		if o.Spec.Paused {
			return "paused"
		}
		return "successfully rolled out"
	case *appsv1.StatefulSet:
		if r := o.Spec.UpdateStrategy.RollingUpdate; r != nil && r.Partition != nil && *r.Partition > 0 {
			return "partitioned roll out complete"
		}
		return "rolling update complete"
	case *appsv1.DaemonSet:
		return "successfully rolled out"
	case *batchv1.Job:
		for _, c := range o.Status.Conditions {
			if c.Status == corev1.ConditionTrue && (c.Type == batchv1.JobFailed || c.Type == batchv1.JobComplete ||
				c.Type == batchv1.JobSuspended) {
				return string(c.Type)
			}
		}
	case *batchv1.CronJob:
		if o.Status.LastSuccessfulTime != nil {
			return "last run succeeded"
		}
		return "scheduled"
	}
	return "complete"
}

// strategyOf says how a workload replaces its pods, with percentages worked out.
func strategyOf(o any) string {
	switch o := o.(type) {
	case *appsv1.Deployment:
		return deploymentStrategy(o)
	case *appsv1.StatefulSet:
		s := string(o.Spec.UpdateStrategy.Type)
		if o.Spec.PodManagementPolicy == appsv1.ParallelPodManagement {
			s += ", parallel"
		} else {
			s += ", in order"
		}
		if r := o.Spec.UpdateStrategy.RollingUpdate; r != nil && r.Partition != nil && *r.Partition > 0 {
			s += fmt.Sprintf(", partition %d", *r.Partition)
		}
		return s
	case *appsv1.DaemonSet:
		s := string(o.Spec.UpdateStrategy.Type)
		if r := o.Spec.UpdateStrategy.RollingUpdate; r != nil {
			s += fmt.Sprintf(", maxSurge %s, maxUnavailable %s", text(r.MaxSurge), text(r.MaxUnavailable))
		}
		return s
	case *batchv1.Job:
		return jobStrategy(o)
	case *batchv1.CronJob:
		return fmt.Sprintf("schedule %q, %s", o.Spec.Schedule, o.Spec.ConcurrencyPolicy)
	}
	return ""
}

func text(v *intstr.IntOrString) string {
	if v == nil {
		return "0"
	}
	return v.String()
}

// deploymentStrategy works the numbers out as the Deployment controller does: surge rounds up,
// unavailable down, and one of them is at least 1.
func deploymentStrategy(d *appsv1.Deployment) string {
	r := d.Spec.Strategy.RollingUpdate
	if d.Spec.Strategy.Type != appsv1.RollingUpdateDeploymentStrategyType || r == nil {
		return string(d.Spec.Strategy.Type)
	}
	replicas := 1
	if d.Spec.Replicas != nil {
		replicas = int(*d.Spec.Replicas)
	}
	surge, err := intstr.GetScaledValueFromIntOrPercent(r.MaxSurge, replicas, true)
	if err != nil {
		return string(d.Spec.Strategy.Type)
	}
	unavailable, err := intstr.GetScaledValueFromIntOrPercent(r.MaxUnavailable, replicas, false)
	if err != nil {
		return string(d.Spec.Strategy.Type)
	}
	if surge == 0 && unavailable == 0 {
		unavailable = 1
	}
	return fmt.Sprintf(
		"RollingUpdate %s/%s of %d -> maxSurge %d, maxUnavailable %d", text(r.MaxSurge), text(r.MaxUnavailable),
		replicas, surge, unavailable,
	)
}

func jobStrategy(j *batchv1.Job) string {
	number := func(n *int32, otherwise string) string {
		if n == nil {
			return otherwise
		}
		return fmt.Sprint(*n)
	}
	limit := "backoffLimit " + number(j.Spec.BackoffLimit, "6")
	if j.Spec.BackoffLimitPerIndex != nil {
		limit = "backoffLimitPerIndex " + number(j.Spec.BackoffLimitPerIndex, "")
	}
	s := fmt.Sprintf(
		"completions %s, parallelism %s, %s", number(j.Spec.Completions, "any"), number(j.Spec.Parallelism, "1"),
		limit,
	)
	if j.Spec.CompletionMode != nil && *j.Spec.CompletionMode == batchv1.IndexedCompletion {
		s += ", indexed"
	}
	return s
}

// progressing reports whether something will still happen although nothing moves: a rollout whose
// deadline has not come, or a container that does its work.
func (r *recorder) progressing() bool {
	for _, w := range r.workloads {
		if d, ok := w.current.(*appsv1.Deployment); ok && !w.gone && w.why != "" && awaitsDeadline(d) {
			return true
		}
	}
	for _, p := range r.pods {
		if !p.gone && works(p.pod) {
			return true
		}
	}
	return false
}

// awaitsDeadline reports whether the Deployment controller has yet to give its verdict on a rollout.
func awaitsDeadline(d *appsv1.Deployment) bool {
	if d.Spec.Paused || d.Spec.ProgressDeadlineSeconds == nil || *d.Spec.ProgressDeadlineSeconds == math.MaxInt32 {
		return false
	}
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentProgressing {
			return c.Status == corev1.ConditionTrue && c.Reason != "NewReplicaSetAvailable"
		}
	}
	return false
}

// works reports whether a pod runs to its end, or is being stopped.
func works(pod *corev1.Pod) bool {
	if pod.DeletionTimestamp != nil {
		return time.Now().Before(pod.DeletionTimestamp.Add(time.Minute))
	}
	return pod.Status.Phase == corev1.PodRunning && pod.Spec.RestartPolicy != corev1.RestartPolicyAlways
}
