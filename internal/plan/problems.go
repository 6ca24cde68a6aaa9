package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/seatrial/seatrial/diag"
)

// symptoms tell the kind of a problem by the reason of an event, and words of its message.
var symptoms = []struct {
	reason, words string
	kind          string
}{
	{"FailedScheduling", "", Unplaced},
	{"FailedCreate", "", Refused},
	{"FailedMount", "", Mount},
	{"FailedAttachVolume", "", Mount},
	{"ProvisioningFailed", "", Mount},
	{"InspectFailed", "", Image},
	{"ErrImageNeverPull", "", Image},
	{"Failed", "pull", Image},
	{"Failed", "Pull", Image},
	{"Failed", "InvalidImageName", Image},
	{"Failed", "not found", Config},
	{"Failed", "couldn't find key", Config},
	{"Failed", "", Config},
	{"BackOff", "pulling image", Image},
	{"BackOff", "", Crash},
	{"Unhealthy", "", Probe},
	{"Preempted", "", Preempted},
	{"NodeNotReady", "", NodeLost},
	{"BackoffLimitExceeded", "", Backoff},
	{"DeadlineExceeded", "", Backoff},
	{"PodFailurePolicy", "", Backoff},
	{"FailedIndexes", "", Backoff},
	{"MaxFailedIndexesExceeded", "", Backoff},
	{"EvictionBlocked", "", Blocked},
}

// gravity orders kinds by how well they explain why a plan does not converge: causes before what
// follows from them.
var gravity = []string{Denied, Blocked, Unplaced, NodeLost, Refused, Image, Config, Mount, Crash, Probe, Backoff, Deadline, Preempted, Other}

func kindOfEvent(s *Step) string {
	for _, x := range symptoms {
		if x.reason == s.Event && strings.Contains(s.Message, x.words) {
			return x.kind
		}
	}
	if s.Warning {
		return Other
	}
	return ""
}

// problemKey tells which events are of one problem.
type problemKey struct {
	kind     string
	workload diag.Object
	reason   string
}

// describeProblems collects what went wrong, by the time of its first occurrence.
func (s *simulation) describeProblems() []Problem {
	h := s.history
	found := map[problemKey]*Problem{}
	var order []*Problem
	add := func(key problemKey, p Problem) {
		known := found[key]
		if known == nil {
			known = &p
			found[key] = known
			order = append(order, known)
			return
		}
		known.Count += p.Count
		known.Last = p.Last
		if p.Kind == Unplaced {
			known.Message = p.Message // the latest answer counts
		}
	}
	for i := range h.plan.Timeline {
		step := &h.plan.Timeline[i]
		if step.Source != FromEvent {
			continue
		}
		kind := kindOfEvent(step)
		if kind == "" || kind == Image && step.Message == "Error: ErrImagePull" || strings.HasPrefix(step.Message, "Error: ImagePullBackOff") {
			continue
		}
		owner := s.ownerOf(step)
		reason := ""
		if kind == Other {
			reason = step.Event
		}
		add(problemKey{kind, owner, reason}, Problem{Kind: kind, At: step.At, Last: step.At, Count: 1, Object: step.Object, Workload: owner, Message: step.Message})
	}
	for _, d := range h.deadlines() {
		order = append(order, &d)
	}
	for _, c := range h.plan.Changes {
		if c.Denied != "" {
			order = append(order, &Problem{Kind: Denied, At: c.at, Count: 1, Object: c.Object, Message: c.Denied, Open: true})
		}
	}
	open := s.openKinds()
	all := []Problem{}
	for _, p := range order {
		p.Open = p.Open || open(p)
		all = append(all, *p)
	}
	slices.SortStableFunc(all, func(a, b Problem) int { return cmp.Compare(a.At, b.At) })
	return all
}

// ownerOf gives the workload that an event is about.
func (s *simulation) ownerOf(step *Step) diag.Object {
	h := s.history
	for _, w := range h.workloads {
		if w.object.String() == step.Workload {
			return w.object
		}
	}
	if w := h.workloads[step.Object]; w != nil {
		return w.object
	}
	return diag.Object{}
}

// deadlines are the rollouts that took too long, which no event tells.
func (h *history) deadlines() (all []Problem) {
	for _, w := range h.sortedWorkloads() {
		d, ok := w.current.(*appsv1.Deployment)
		if !ok || w.gone {
			continue
		}
		for _, c := range d.Status.Conditions {
			if c.Type == appsv1.DeploymentProgressing && c.Reason == "ProgressDeadlineExceeded" && !c.LastUpdateTime.Time.Before(h.zero) {
				at := h.at(c.LastUpdateTime.Time)
				all = append(all, Problem{Kind: Deadline, At: at, Last: at, Count: 1, Object: w.object, Workload: w.object, Message: c.Message, Open: w.why != ""})
			}
		}
	}
	return all
}

// openKinds tells of a problem whether it still stood at the end.
func (s *simulation) openKinds() func(*Problem) bool {
	h := s.history
	unready := map[diag.Object]bool{}
	pending := map[diag.Object]bool{}
	for _, p := range h.order {
		if p.gone || p.pod.DeletionTimestamp != nil || p.pod.Status.Phase == corev1.PodSucceeded {
			continue
		}
		for _, o := range []diag.Object{p.life.Workload, p.life.Object} {
			pending[o] = pending[o] || p.life.Node == ""
			unready[o] = unready[o] || p.life.Node != "" && p.readyFrom.IsZero()
		}
	}
	return func(p *Problem) bool {
		about := p.Workload
		if isZero(about) {
			about = p.Object
		}
		w := h.workloads[about]
		lacking := w != nil && !w.gone && w.why != ""
		switch p.Kind {
		case Unplaced:
			return pending[about]
		case Mount, Config, Image, Crash, Probe:
			return unready[about]
		case Refused:
			return lacking
		case Blocked:
			return s.stage.draining()
		case Backoff:
			return w == nil || !w.gone && failedJob(w)
		case NodeLost:
			n := h.nodes[p.Object.Name]
			return n != nil && !n.gone && !n.ready
		}
		return false
	}
}

// failedJob tells whether a Job has failed, or the last one of a CronJob.
func failedJob(w *workloadTrack) bool {
	switch o := w.current.(type) {
	case *batchv1.Job:
		return jobHas(o, batchv1.JobFailed)
	case *batchv1.CronJob:
		return o.Status.LastSuccessfulTime == nil || o.Status.LastScheduleTime != nil && o.Status.LastSuccessfulTime.Before(o.Status.LastScheduleTime)
	}
	return false
}

func jobHas(j *batchv1.Job, t batchv1.JobConditionType) bool {
	return slices.ContainsFunc(j.Status.Conditions, func(c batchv1.JobCondition) bool { return c.Type == t && c.Status == corev1.ConditionTrue })
}

// conclude says whether the cluster came to what was asked for, and if not, why: by what explains
// it best.
func (s *simulation) conclude() {
	p := &s.history.plan
	p.VirtualSeconds = max(s.history.last, 0)
	lacking := s.lacking()
	if len(lacking) > 0 || s.stage.draining() {
		p.VirtualSeconds = s.history.now // so long it was waited for in vain
	}
	var open []*Problem
	for i := range p.Problems {
		q := &p.Problems[i]
		if q.Open && (q.Kind == Denied || q.Kind == Blocked || q.Kind == Backoff || concerns(q, lacking)) {
			open = append(open, q)
		}
	}
	slices.SortStableFunc(open, func(a, b *Problem) int {
		return cmp.Or(cmp.Compare(slices.Index(gravity, a.Kind), slices.Index(gravity, b.Kind)), cmp.Compare(a.At, b.At))
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
	p.Reason, p.StalledAt = open[0].Message, ptr(open[0].At)
	if !isZero(open[0].Workload) && !s.touched(open[0].Workload.String()) {
		p.Reason = fmt.Sprintf("%s: %s", open[0].Workload, p.Reason) // it suffers from what others do
	}
	if open[0].Kind == Denied {
		p.Reason = fmt.Sprintf("%s is refused: %s", open[0].Object, open[0].Message)
	}
	for _, q := range open[1:] {
		if q.Kind == Deadline && open[0].Kind != Denied {
			p.Reason = fmt.Sprintf("%s; ProgressDeadlineExceeded at %s s", strings.TrimSuffix(p.Reason, "."), q.At)
			break
		}
	}
}

// concerns tells whether a problem is one of an object that lacks something. What concerns no
// object in particular, such as a node, concerns all.
func concerns(p *Problem, lacking map[string]string) bool {
	if isZero(p.Workload) && p.Object.Kind != "Pod" {
		return len(lacking) > 0
	}
	return lacking[p.Workload.String()] != "" || lacking[p.Object.String()] != ""
}

// lacking gives what keeps the plan from converging: what is not as it should be, and was not so
// already before the change.
func (s *simulation) lacking() map[string]string {
	left := s.unsettled()
	owned := map[string]bool{}
	for _, p := range s.history.order {
		if !isZero(p.life.Workload) {
			owned[p.life.Object.String()] = true
		}
	}
	for name, why := range left {
		if owned[name] || s.before[name] == why && !s.touched(name) {
			delete(left, name)
		}
	}
	return left
}

// touched tells whether the change is about an object.
func (s *simulation) touched(name string) bool {
	return slices.ContainsFunc(s.history.plan.Changes, func(c Change) bool { return c.Action != None && c.Object.String() == name })
}
