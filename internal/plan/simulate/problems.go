package simulate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan"
)

// eventClasses maps the reason of an event, and words of its message, to the kind of a problem.
var eventClasses = []struct {
	reason, words string
	kind          string
}{
	{"FailedScheduling", "", plan.Unplaced},
	{"FailedCreate", "", plan.Refused},
	{"FailedMount", "", plan.Mount},
	{"FailedAttachVolume", "", plan.Mount},
	{"ProvisioningFailed", "", plan.Mount},
	{"InspectFailed", "", plan.Image},
	{"ErrImageNeverPull", "", plan.Image},
	{"Failed", "pull", plan.Image},
	{"Failed", "Pull", plan.Image},
	{"Failed", "InvalidImageName", plan.Image},
	{"Failed", "not found", plan.Config},
	{"Failed", "couldn't find key", plan.Config},
	{"Failed", "", plan.Config},
	{"BackOff", "pulling image", plan.Image},
	{"BackOff", "", plan.Crash},
	{"Unhealthy", "", plan.Probe},
	{"Preempted", "", plan.Preempted},
	{"NodeNotReady", "", plan.NodeLost},
	{"BackoffLimitExceeded", "", plan.Backoff},
	{"DeadlineExceeded", "", plan.Backoff},
	{"PodFailurePolicy", "", plan.Backoff},
	{"FailedIndexes", "", plan.Backoff},
	{"MaxFailedIndexesExceeded", "", plan.Backoff},
	{"EvictionBlocked", "", plan.Blocked},
	{"DrainFailed", "", plan.Blocked},
}

// causeOrder lists the kinds of problems, causes before what follows from them: the first explains best why a plan
// does not converge.
var causeOrder = []string{
	plan.Denied, plan.Deleting, plan.Blocked, plan.Unplaced, plan.NodeLost, plan.Refused, plan.Image, plan.Config,
	plan.Mount,
	plan.Crash, plan.Probe, plan.Backoff, plan.Waiting, plan.Deadline, plan.Preempted, plan.Other,
}

func kindOfEvent(s *plan.Step) string {
	for _, x := range eventClasses {
		if x.reason == s.Event && strings.Contains(s.Message, x.words) {
			return x.kind
		}
	}
	if s.Warning {
		return plan.Other
	}
	return ""
}

// problemKey identifies the events of one problem.
type problemKey struct {
	kind     string
	workload diag.Object
	reason   string
}

// describeProblems collects what went wrong, by the time of its first occurrence.
func (s *simulation) describeProblems() []plan.Problem {
	r := s.recorder
	found := map[problemKey]*plan.Problem{}
	var order []*plan.Problem
	add := func(key problemKey, p plan.Problem) {
		known := found[key]
		if known == nil {
			known = &p
			found[key] = known
			order = append(order, known)
			return
		}
		known.Count += p.Count
		known.Last = p.Last
		if p.Kind == plan.Unplaced {
			known.Message = p.Message // the latest answer counts
		}
	}
	for i := range r.plan.Timeline {
		step := &r.plan.Timeline[i]
		if step.Source != plan.FromEvent && step.Event != "DrainFailed" {
			continue
		}
		kind := kindOfEvent(step)
		if kind == "" || kind == plan.Image && step.Message == "Error: ErrImagePull" || strings.HasPrefix(
			step.Message, "Error: ImagePullBackOff",
		) {
			continue
		}
		owner := s.ownerOf(step)
		reason := ""
		if kind == plan.Other {
			reason = step.Event
		}
		add(
			problemKey{kind, owner, reason},
			plan.Problem{
				Kind: kind, At: step.At, Last: step.At, Count: 1, Object: step.Object, Workload: owner,
				Message: step.Message,
			},
		)
	}
	for _, d := range r.deadlines() {
		order = append(order, &d)
	}
	for _, c := range r.plan.Changes {
		if c.Denied != "" {
			order = append(
				order,
				&plan.Problem{Kind: plan.Denied, At: c.At, Count: 1, Object: c.Object, Message: c.Denied, Open: true},
			)
		}
	}
	for _, p := range s.undeleted() {
		order = append(order, &p)
	}
	open := s.openKinds()
	all := []plan.Problem{}
	for _, p := range order {
		p.Open = p.Open || open(p)
		all = append(all, *p)
	}
	s.explainProblems(all)
	all = append(all, s.findSilent(all)...)
	slices.SortStableFunc(all, func(a, b plan.Problem) int { return cmp.Compare(a.At, b.At) })
	return all
}

// undeleted are the objects that were deleted and still exist, since nobody serves their finalizers.
func (s *simulation) undeleted() (all []plan.Problem) {
	for _, c := range s.recorder.plan.Changes {
		if c.Action != plan.Delete || c.Denied != "" {
			continue
		}
		o := &unstructured.Unstructured{}
		o.SetAPIVersion(c.Object.APIVersion)
		o.SetKind(c.Object.Kind)
		o.SetNamespace(c.Object.Namespace)
		o.SetName(c.Object.Name)
		t, err := s.applier.target(o)
		if err != nil {
			continue // its kind is gone as well
		}
		now, err := t.helper.Get(t.namespace, t.name)
		if err != nil {
			continue
		}
		left, err := content(now)
		if err != nil {
			continue
		}
		o.Object = left
		if o.GetDeletionTimestamp() == nil {
			continue
		}
		p := plan.Problem{Kind: plan.Deleting, At: c.At, Last: c.At, Count: 1, Object: c.Object, Open: true}
		p.Message = fmt.Sprintf(
			"%s is Terminating: it waits for finalizer %s", c.Object, strings.Join(o.GetFinalizers(), ", "),
		)
		if message := remaining(o); message != "" {
			p.Message = fmt.Sprintf("%s is Terminating: %s", c.Object, message)
		}
		p.Help = "the controller that serves the finalizer does not run here: let it run, delete the objects before it goes, or remove the finalizer"
		all = append(all, p)
	}
	return all
}

// remaining says what a namespace waits for that is being deleted.
func remaining(o *unstructured.Unstructured) string {
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, it := range conditions {
		c, _ := it.(map[string]any)
		if c["type"] == "NamespaceFinalizersRemaining" && c["status"] == "True" {
			message, _ := c["message"].(string)
			return message
		}
	}
	return ""
}

// ownerOf returns the workload that an event is about.
func (s *simulation) ownerOf(step *plan.Step) diag.Object {
	r := s.recorder
	for _, w := range r.workloads {
		if w.object.String() == step.Workload {
			return w.object
		}
	}
	if w := r.workloads[step.Object]; w != nil {
		return w.object
	}
	return diag.Object{}
}

// deadlines are the rollouts that took too long, of which no event is recorded. One that completed later failed all the
// same for those who wait for it.
func (r *recorder) deadlines() (all []plan.Problem) {
	for _, w := range r.sortedWorkloads() {
		if w.overdue.IsZero() || w.overdue.Before(r.zero) || w.gone {
			continue
		}
		at := r.at(w.overdue)
		p := plan.Problem{
			Kind: plan.Deadline, At: at, Last: at, Count: 1, Object: w.object, Workload: w.object,
			Message: w.overdueMessage, Open: w.why != "",
		}
		if !p.Open {
			p.Help = "it completed later: kubectl rollout status, helm --wait and Argo CD report a failure all the same; raise progressDeadlineSeconds"
		}
		all = append(all, p)
	}
	return all
}

// noteDeadline notes when the Deployment controller declares a rollout overdue.
func (w *workloadTrack) noteDeadline(o metav1.Object) {
	d, ok := o.(*appsv1.Deployment)
	if !ok {
		return
	}
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentProgressing && c.Reason == "ProgressDeadlineExceeded" {
			w.overdue, w.overdueMessage = c.LastUpdateTime.Time, c.Message
		}
	}
}

// openKinds returns a function that reports whether a problem still existed at the end.
func (s *simulation) openKinds() func(*plan.Problem) bool {
	r := s.recorder
	unready := map[diag.Object]bool{}
	pending := map[diag.Object]bool{}
	for _, p := range r.order {
		if p.gone || p.pod.DeletionTimestamp != nil || p.pod.Status.Phase == corev1.PodSucceeded {
			continue
		}
		for _, o := range []diag.Object{p.life.Workload, p.life.Object} {
			pending[o] = pending[o] || p.life.Node == ""
			unready[o] = unready[o] || p.life.Node != "" && p.readyFrom.IsZero()
		}
	}
	return func(p *plan.Problem) bool {
		about := p.Workload
		if isZero(about) {
			about = p.Object
		}
		w := r.workloads[about]
		lacking := w != nil && !w.gone && w.why != ""
		switch p.Kind {
		case plan.Unplaced:
			return pending[about]
		case plan.Mount, plan.Config, plan.Image, plan.Crash, plan.Probe:
			return unready[about]
		case plan.Refused, plan.Waiting:
			return lacking
		case plan.Blocked:
			return s.runner.draining() || s.runner.failedDrain(p.Object)
		case plan.Backoff:
			return w == nil || !w.gone && failedJob(w)
		case plan.NodeLost:
			n := r.nodes[p.Object.Name]
			return n != nil && !n.gone && !n.ready
		}
		return false
	}
}

// failedJob reports whether a Job has failed, or the last one of a CronJob.
func failedJob(w *workloadTrack) bool {
	switch o := w.current.(type) {
	case *batchv1.Job:
		return jobHas(o, batchv1.JobFailed)
	case *batchv1.CronJob:
		return o.Status.LastSuccessfulTime == nil ||
			o.Status.LastScheduleTime != nil && o.Status.LastSuccessfulTime.Before(o.Status.LastScheduleTime)
	}
	return false
}

func jobHas(j *batchv1.Job, t batchv1.JobConditionType) bool {
	return slices.ContainsFunc(
		j.Status.Conditions,
		func(c batchv1.JobCondition) bool { return c.Type == t && c.Status == corev1.ConditionTrue },
	)
}

// conclude decides whether the cluster reached what was asked for, and if not, why: by what explains
// it best.
func (s *simulation) conclude() {
	p := &s.recorder.plan
	p.VirtualSeconds = max(s.recorder.last, 0)
	lacking := s.lacking()
	if len(lacking) > 0 || s.runner.draining() {
		p.VirtualSeconds = s.recorder.now // so long it was waited for in vain
	}
	var open []*plan.Problem
	for i := range p.Problems {
		q := &p.Problems[i]
		if q.Open &&
			(q.Kind == plan.Denied || q.Kind == plan.Deleting || q.Kind == plan.Blocked || q.Kind == plan.Backoff ||
				concerns(q, lacking)) {
			open = append(open, q)
		}
	}
	slices.SortStableFunc(open, func(a, b *plan.Problem) int {
		return cmp.Or(
			cmp.Compare(slices.Index(causeOrder, a.Kind), slices.Index(causeOrder, b.Kind)),
			cmp.Compare(a.At, b.At),
		)
	})
	if len(open) == 0 && len(lacking) == 0 {
		p.Converged = true
		return
	}
	if len(open) == 0 {
		names := make([]string, 0, len(lacking))
		for name := range lacking {
			names = append(names, name)
		}
		slices.Sort(names)
		p.Reason = fmt.Sprintf("%s: %s", names[0], lacking[names[0]])
		p.StalledAt = ptr(p.VirtualSeconds)
		return
	}
	p.Reason, p.StalledAt, p.WayOut = reasonOf(open[0]), ptr(open[0].At), open[0].Help
	s.nameBlamed(open)
	for _, q := range open[1:] {
		if q.Kind == plan.Deadline && open[0].Kind != plan.Denied {
			p.Reason = fmt.Sprintf("%s; ProgressDeadlineExceeded at %s s", strings.TrimSuffix(p.Reason, "."), q.At)
			break
		}
	}
}

// nameBlamed puts the workload before the reason of a plan where there are several, and how many more the same cause
// stops.
func (s *simulation) nameBlamed(open []*plan.Problem) {
	p, first := &s.recorder.plan, open[0].Workload
	if isZero(first) {
		return
	}
	more := map[diag.Object]bool{}
	for _, q := range open[1:] {
		if !isZero(q.Workload) && q.Workload != first && blameOf(q) == blameOf(open[0]) {
			more[q.Workload] = true
		}
	}
	name := first.String()
	if len(more) > 0 {
		name += " and " + plural(len(more), "more workload")
	}
	named := strings.Contains(p.Reason, first.Namespace+"/"+first.Name)
	switch {
	case named && len(more) > 0:
		p.Reason = fmt.Sprintf(
			"%s; %s for the same cause", strings.TrimSuffix(p.Reason, "."), plural(len(more), "more workload"),
		)
	case !named && (len(p.Workloads) > 1 || !s.touched(first.String())):
		p.Reason = fmt.Sprintf("%s: %s", name, p.Reason) // which one of several
	}
}

// blameOf is the same for problems of different workloads that have one cause: a quota, nodes without room, a Secret.
func blameOf(p *plan.Problem) string {
	if m := exceeded.FindStringSubmatch(p.Message); m != nil {
		return p.Workload.Namespace + "/" + m[1]
	}
	if p.Kind == plan.Unplaced {
		return p.Message
	}
	return cmp.Or(p.Cause, p.Message)
}

// reasonOf says why a plan does not converge: the cause, if it is known, and the words of the API server or the
// scheduler.
func reasonOf(p *plan.Problem) string {
	switch {
	case p.Kind == plan.Denied:
		return fmt.Sprintf("%s is refused: %s", p.Object, p.Message)
	case p.Cause == "":
		return p.Message
	case p.Kind == plan.Unplaced || p.Kind == plan.Refused:
		return p.Cause + ": " + p.Message
	}
	return p.Cause
}

// concerns reports whether a problem is one of an object that lacks something. What concerns no
// object in particular, such as a node, concerns all.
func concerns(p *plan.Problem, lacking map[string]string) bool {
	if isZero(p.Workload) && p.Object.Kind != "Pod" {
		return len(lacking) > 0
	}
	return lacking[p.Workload.String()] != "" || lacking[p.Object.String()] != ""
}

// lacking returns what keeps the plan from converging: what is not as it should be, and was not so
// already before the change.
func (s *simulation) lacking() map[string]string {
	left := s.unsettled()
	owned := map[string]bool{}
	for _, p := range s.recorder.order {
		if !isZero(p.life.Workload) {
			owned[p.life.Object.String()] = true
		}
	}
	for name, why := range left {
		asBefore := s.before[name] == why || s.crashing[name]
		if owned[name] || asBefore && !s.touched(name) {
			delete(left, name)
		}
	}
	return left
}

// touched reports whether the change is about an object.
func (s *simulation) touched(name string) bool {
	return slices.ContainsFunc(
		s.recorder.plan.Changes,
		func(c plan.Change) bool { return c.Action != plan.None && c.Object.String() == name },
	)
}
