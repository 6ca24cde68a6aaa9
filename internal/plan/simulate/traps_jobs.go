package simulate

import (
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan"
)

var jobTraps = []Trap{
	{
		Name:     "job-counts-disruptions",
		Cause:    "A drained, preempted or evicted pod counts as a failure of the Job, which fails although its program is right.",
		Evidence: "condition DisruptionTarget of a failed pod of the Job, which has no podFailurePolicy for it",
		WaysOut: []string{
			"add a podFailurePolicy rule: action: Ignore, onPodConditions: [{type: DisruptionTarget}]",
			"raise backoffLimit",
		},
		Report: "https://github.com/kubernetes/kubernetes/issues/130881",
		kinds:  []string{plan.Backoff}, explain: jobCountsDisruptions,
	},
	{
		Name:     "job-backoff",
		Cause:    "The pods of the Job have failed more often than backoffLimit allows.",
		Evidence: "failed pods of the Job, and their exit codes",
		WaysOut:  []string{"`kubectl logs job/JOB` has the output", "raise backoffLimit if the failure goes by itself"},
		Report:   "https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-backoff-failure-policy",
		kinds:    []string{plan.Backoff}, explain: jobBackoff,
	},
	{
		Name:     "job-deadline",
		Cause:    "The Job takes longer than activeDeadlineSeconds, and is ended.",
		Evidence: "DeadlineExceeded in the status of the Job",
		WaysOut:  []string{"raise activeDeadlineSeconds", "let more pods work at a time (parallelism)"},
		Report:   "https://kubernetes.io/docs/concepts/workloads/controllers/job/#job-termination-and-cleanup",
		kinds:    []string{plan.Backoff}, explain: jobDeadline,
	},
	{
		Name:     "skipped-runs",
		Cause:    "Runs of a CronJob do not begin, since the one before has not ended (concurrencyPolicy: Forbid).",
		Evidence: "times of the schedule at which no Job was made",
		WaysOut:  []string{"schedule it less often", "set activeDeadlineSeconds in the Job"},
		Report:   "https://github.com/kubernetes/kubernetes/issues/79995", Rule: RiskSkipped,
	},
	{
		Name:     "replaced-runs",
		Cause:    "Each run of a CronJob ends the one before, which never completes (concurrencyPolicy: Replace).",
		Evidence: "runs that were deleted before they had ended, and none that has succeeded",
		WaysOut:  []string{"schedule it less often", "set concurrencyPolicy: Forbid"},
		Report:   "https://github.com/kubernetes/website/issues/16149", Rule: RiskReplaced,
	},
	{
		Name:     "suspended",
		Cause:    "The Job is suspended: it makes no pods, and counts as complete here.",
		Evidence: "spec.suspend and condition Suspended of the Job",
		WaysOut:  []string{"set suspend: false", "let the queue controller that suspends it run"},
		Report:   "https://kubernetes.io/docs/concepts/workloads/controllers/job/#suspending-a-job",
		Rule:     RiskSuspended,
	},
}

// job returns the Job that the problem is about, as it is stored, or nil.
func (d *diagnosis) job() *batchv1.Job {
	if d.w != nil {
		if j, ok := d.w.current.(*batchv1.Job); ok {
			return j
		}
	}
	o := d.problem.Object
	j, _ := d.recorder.objects["/jobs/"+o.Namespace+"/"+o.Name].(*batchv1.Job)
	return j
}

// failedBy returns the reason with which a Job has failed, empty if it has not.
func failedBy(j *batchv1.Job) string {
	for _, c := range j.Status.Conditions {
		if c.Type == batchv1.JobFailed && c.Status == corev1.ConditionTrue {
			return c.Reason
		}
	}
	return ""
}

// podsOf returns the pods that a Job has made, also those that are gone.
func (d *diagnosis) podsOf(j *batchv1.Job) (all []*podTrack) {
	for _, t := range d.recorder.order {
		if owner := metav1.GetControllerOf(t.pod); owner != nil && owner.UID == j.UID {
			all = append(all, t)
		}
	}
	return all
}

func jobCountsDisruptions(d *diagnosis) bool {
	j := d.job()
	if j == nil || failedBy(j) != batchv1.JobReasonBackoffLimitExceeded {
		return false
	}
	for _, t := range d.podsOf(j) {
		for _, c := range t.pod.Status.Conditions {
			if c.Type == corev1.DisruptionTarget && c.Status == corev1.ConditionTrue {
				d.seen("%s: %s", t.life.Object.Name, c.Message)
				return d.because(
					"pod %s was disrupted (%s), which counts as a failure of the Job", t.life.Object.Name, c.Reason,
				)
			}
		}
	}
	return false
}

func jobBackoff(d *diagnosis) bool {
	j := d.job()
	if j == nil || failedBy(j) != batchv1.JobReasonBackoffLimitExceeded {
		return false
	}
	limit := int32(6)
	if j.Spec.BackoffLimit != nil {
		limit = *j.Spec.BackoffLimit
	}
	d.name("JOB", j.Name)
	code := ""
	for _, t := range d.podsOf(j) {
		for _, s := range t.pod.Status.ContainerStatuses {
			if s.State.Terminated != nil && s.State.Terminated.ExitCode != 0 && code == "" {
				code = fmt.Sprintf(": container %s exits with code %d", s.Name, s.State.Terminated.ExitCode)
			}
		}
	}
	d.seen("%d failed", j.Status.Failed)
	return d.because(
		"the pods of Job %s/%s have failed more than backoffLimit %d allows%s", j.Namespace, j.Name, limit, code,
	)
}

func jobDeadline(d *diagnosis) bool {
	j := d.job()
	if j == nil || failedBy(j) != batchv1.JobReasonDeadlineExceeded || j.Spec.ActiveDeadlineSeconds == nil {
		return false
	}
	d.seen("%d succeeded, %d failed", j.Status.Succeeded, j.Status.Failed)
	return d.because(
		"Job %s/%s takes longer than activeDeadlineSeconds %d", j.Namespace, j.Name, *j.Spec.ActiveDeadlineSeconds,
	)
}

// findJobRisks looks for Jobs that wait to be resumed, and for CronJobs whose runs end each other.
func (s *simulation) findJobRisks() {
	r := s.recorder
	add := func(rule, path, message, help string, o diag.Object) {
		d := diag.Diagnostic{Rule: rule, Severity: diag.Warning, Object: o, Path: path, Message: message, Help: help}
		s.locate(&d, o)
		r.plan.Findings = append(r.plan.Findings, d)
	}
	for _, w := range r.sortedWorkloads() {
		if w.gone {
			continue
		}
		switch o := w.current.(type) {
		case *batchv1.Job:
			if o.Spec.Suspend != nil && *o.Spec.Suspend && s.touched(w.object.String()) {
				add(
					RiskSuspended, "spec.suspend", "the Job is suspended: it makes no pods",
					"set suspend: false, or let what suspends it run", w.object,
				)
			}
		case *batchv1.CronJob:
			if ended := r.replacedRuns(w); o.Spec.ConcurrencyPolicy == batchv1.ReplaceConcurrent && ended > 1 &&
				o.Status.LastSuccessfulTime == nil {
				add(
					RiskReplaced, "spec.concurrencyPolicy",
					fmt.Sprintf("%d runs were ended by the next one, and none has succeeded", ended),
					"schedule it less often, or set concurrencyPolicy: Forbid", w.object,
				)
			}
		}
	}
}

// replacedRuns counts the pods of a workload that were deleted while they worked.
func (r *recorder) replacedRuns(w *workloadTrack) (count int) {
	for _, t := range w.pods {
		stopped := t.life.Stopping != nil && *t.life.Stopping >= 0
		finished := slices.ContainsFunc(t.life.States, func(x plan.PodState) bool { return x.Status == "Completed" })
		if stopped && !finished {
			count++
		}
	}
	return count
}
