package simulate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
	batchv1 "k8s.io/api/batch/v1"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan"
)

// findSkipped looks for runs of CronJobs that did not begin, since the one before had not ended.
func (s *simulation) findSkipped() {
	p := &s.recorder.plan
	for _, w := range s.recorder.sortedWorkloads() {
		job, ok := w.current.(*batchv1.CronJob)
		if !ok || w.gone || job.Spec.ConcurrencyPolicy != batchv1.ForbidConcurrent {
			continue
		}
		started := s.recorder.startedRuns(w.object)
		due := dueRuns(job, started)
		if due <= len(started) {
			continue
		}
		d := diag.Diagnostic{
			Rule: RiskSkipped, Severity: diag.Warning, Object: w.object, Path: "spec.concurrencyPolicy",
			Message: fmt.Sprintf(
				"%d of %d runs did not begin, since the one before had not ended", due-len(started), due,
			),
			Help: "schedule it less often, or set activeDeadlineSeconds in the Job; concurrencyPolicy: Replace ends the one before",
		}
		s.locate(&d, w.object)
		p.Findings = append(p.Findings, d)
	}
}

// startedRuns returns the times for which a CronJob has made Jobs during the plan, in order. The names of the Jobs end
// with them, in minutes.
func (r *recorder) startedRuns(cronJob diag.Object) (times []time.Time) {
	for i := range r.plan.Timeline {
		step := &r.plan.Timeline[i]
		if step.Source != plan.FromEvent || step.Event != "SuccessfulCreate" || step.Object.Kind != "CronJob" ||
			step.Object.Namespace != cronJob.Namespace || step.Object.Name != cronJob.Name {
			continue
		}
		minutes, err := strconv.ParseInt(step.Message[strings.LastIndexByte(step.Message, '-')+1:], 10, 64)
		if err == nil {
			times = append(times, time.Unix(minutes*60, 0).UTC())
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}

// dueRuns counts the times of a schedule from the first of some to the last.
func dueRuns(job *batchv1.CronJob, times []time.Time) (due int) {
	if len(times) == 0 {
		return 0
	}
	spec := job.Spec.Schedule
	if job.Spec.TimeZone != nil {
		spec = fmt.Sprintf("TZ=%s %s", *job.Spec.TimeZone, spec)
	}
	schedule, err := cron.ParseStandard(spec)
	if err != nil {
		return 0 // the API server refuses it
	}
	last := times[len(times)-1]
	for t := schedule.Next(times[0].Add(-time.Second)); !t.IsZero() && !t.After(last); t = schedule.Next(t) {
		due++
	}
	return due
}
