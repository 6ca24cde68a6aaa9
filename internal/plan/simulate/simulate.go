// Package simulate finds out what a change to a cluster would do: it lets the real API server, controllers and
// scheduler act in virtual time on a cluster of simulated nodes.
//
// The central function is [Simulate], which returns a [plan.Plan] for an [Input]:
//
//	p, err := simulate.Simulate(ctx, simulate.Input{From: running, Change: manifests})
//	fmt.Println(p.Converged, p.Reason)
//
// The same input gives the same plan, names of pods included.
package simulate

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/cluster/apiserver"
	"github.com/seatrial/seatrial/internal/cluster/scheduler"
	"github.com/seatrial/seatrial/internal/cluster/virtualtime"
	"github.com/seatrial/seatrial/internal/memstore"
	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/manifest"
)

// epoch is when the clock of a plan begins. Plans tell times from the change on, so that the
// date matters to CronJobs alone: it is a Thursday.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const (
	// tick is how often a simulation looks whether it has come to an end.
	tick = 500 * time.Millisecond
	// aside is the part of a microsecond at which it does: nothing else happens then, so that no goroutine that acts at
	// the same moment may or may not have come to its end.
	aside = 137 * time.Nanosecond
	// settledFor is how long nothing may be left to do before it ends.
	settledFor = 3 * time.Second
	// deletedFor is how long the deletion of an object may take after everything else has settled.
	deletedFor = time.Minute
	// stuckFor is how long nothing may move before it ends although something is left to do: longer
	// than any back-off.
	stuckFor = 7 * time.Minute
	// preparedFor is how long what runs before the change may take to settle.
	preparedFor = 30 * time.Minute
	// autoscalerAge is how old pods are whose metrics an autoscaler believes in any case.
	autoscalerAge = 6 * time.Minute
	// recovered is how long a container has to run after a crash before it is believed to stay.
	recovered = time.Minute
	// keptScores is how many nodes of a decision are told with their scores.
	keptScores = 10
)

// simulation is one run.
type simulation struct {
	Input
	engine    *cluster.Cluster
	applier   *applier
	recorder  *recorder
	runner    *scenarioRunner // from the change on
	behaviors *behaviors
	sharers   sharers
	before    map[string]string // what was unsettled before the change, by object
	crashing  map[string]bool   // workloads whose containers crashed again and again before the change
	scaler    *scaler           // of node groups, or nil
	missing   references        // that are assumed once their namespaces exist
	limits    *attachLimits     // of volumes on nodes, or nil
	rollout   *rollout          // of nodes, or nil
}

// Simulate plans a change. The error says why it could not; what is wrong with the change itself
// is in the plan.
func Simulate(ctx context.Context, input Input) (*plan.Plan, error) {
	if input.Seed == 0 {
		input.Seed = 1
	}
	s := &simulation{
		Input: input, recorder: newRecorder(),
		behaviors: &behaviors{scenario: input.Scenario, strict: input.Strict, globs: map[string]*regexp.Regexp{}},
	}
	err := virtualtime.Run(ctx, epoch, input.Seed, s.run)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("simulating the change: %w", err)
	}
	return &s.recorder.plan, nil
}

func (s *simulation) run() error {
	manifests, objects, nodes, err := divide(s.From)
	if err != nil {
		return err
	}
	config := cluster.Config{
		APIServer: apiserver.Options{
			BatchWindow: apiserver.BatchWindow, OnIdle: s.Rest, OnWrite: s.onWrite, OnEvent: s.recorder.onEvent,
			Tracking: apiserver.TrackApplied, SkipBootstrapRBAC: !s.asksWhoMay(),
		},
		Scheduler: scheduler.Options{OnDecision: s.recorder.onDecision, Config: s.SchedulerConfig},
		Nodes:     s.Nodes, Behavior: s.behaviors.behavior, Usage: s.usage, InMemoryLeases: true,
	}
	if s.ServerSide {
		config.APIServer.Tracking = apiserver.TrackUsers // merging begins with who manages what
	}
	if s.Reasons {
		config.Scheduler.MaxScores = keptScores
	}
	var lost []string
	if config.Nodes, lost = s.beginning(nodes); len(lost) > 0 {
		s.assume("nodes that are not ready are left out, with their pods: %s", strings.Join(lost, ", "))
	}
	stated := statedGroups(s.From, config.Nodes, s.assume)
	grown, begin, err := newScaler(s.chooseGroups(stated), stated, s.Expander, s.Seed)
	if err != nil {
		return err
	}
	s.limits = newAttachLimits(&s.Input)
	if s.scaler = grown; grown != nil {
		// not nil: that would be the default nodes
		config.Nodes = append(append([]*corev1.Node{}, config.Nodes...), begin...)
		for _, g := range grown.groups {
			s.limits.alike(g.like)
		}
	}
	if s.limits != nil {
		config.Scheduler.VolumeLimits = s.limits.of
	}
	config.Prepare = func(ctx context.Context, api *rest.Config) error {
		if err := s.limits.prepare(ctx, api); err != nil || len(objects) == 0 {
			return err
		}
		return restore(api, objects, nodes, s.assume)
	}
	if s.engine, err = cluster.Start(context.Background(), config); err != nil {
		return err
	}
	defer s.engine.Close()
	if s.applier, err = newApplier(s.engine.RESTConfig()); err != nil {
		return err
	}
	s.applier.serverSide = s.ServerSide
	s.applier.force = s.ForceConflicts || len(objects) > 0 // who manages the fields of what was put back is not known
	if err := s.runBefore(manifests); err != nil {
		return err
	}
	if err := s.recorder.begin(); err != nil {
		return err
	}
	s.scaler.rebase(s.recorder)
	s.before, s.crashing = s.unsettled(), s.recorder.crashing()
	s.recorder.crashed = s.crashing
	ctx, cancel := context.WithCancel(context.Background())
	s.runner = newScenarioRunner(ctx, s.applier, s.Scenario)
	s.runner.running.Go(s.runner.play)
	defer s.runner.running.Wait()
	defer cancel()
	if err := s.applyAll(); err != nil {
		return err
	}
	if err := s.watch(); err != nil {
		return err
	}
	if s.After == nil {
		return s.finish()
	}
	cancel()
	s.runner.running.Wait()
	return s.disrupt()
}

// onWrite receives each write to the store.
func (s *simulation) onWrite(w memstore.Write) {
	if s.trace != nil {
		s.trace(w)
	}
	s.recorder.onWrite(w)
}

// asksWhoMay reports whether roles can matter: if the input has some, or policies, which may ask.
func (s *simulation) asksWhoMay() bool {
	documents := slices.Concat(s.From, s.Change)
	if s.Scenario != nil {
		for _, a := range s.Scenario.Actions {
			documents = append(documents, a.Documents...)
		}
	}
	return slices.ContainsFunc(documents, func(d *manifest.Document) bool {
		group, _, _ := strings.Cut(d.Object.APIVersion, "/")
		return group == rbacv1.GroupName || group == admissionv1.GroupName
	})
}

// RefusedBefore is the error that the API server refuses an object of what runs already.
type RefusedBefore struct {
	Document *manifest.Document
	Err      error
}

// Error names the object and its place.
func (e *RefusedBefore) Error() string {
	return fmt.Sprintf("what runs already: %s: %s: %v", e.Document.Range(), e.Document.Object, e.Err)
}

// Unwrap returns what the server says.
func (e *RefusedBefore) Unwrap() error { return e.Err }

// runBefore lets what runs already settle.
func (s *simulation) runBefore(manifests []*manifest.Document) error {
	made, err := s.applier.ensureNamespaces(slices.Concat(manifests, s.Change))
	if err != nil {
		return err
	}
	for _, name := range made {
		s.assume("namespace %s exists", name)
	}
	for _, d := range s.Definitions {
		if _, err := s.applier.apply(objectOf(d)); err != nil {
			return fmt.Errorf("definition %s of %s: %w", d.Object.Name, d.File.Name, unwrapped(err))
		}
		s.assume("%s is defined as in %s", d.Object.Name, d.File.Name)
		time.Sleep(applyPace)
	}
	s.assumeNoOperators(s.Change)
	if !slices.ContainsFunc(s.From, lived) { // a snapshot has all that there is
		if err := s.assumeMissing(slices.Concat(manifests, s.Change)); err != nil {
			return err
		}
	}
	for _, d := range inOrder(manifests) {
		if _, err := s.applier.apply(s.object(d)); err != nil {
			return &RefusedBefore{d, unwrapped(err)}
		}
		if d.Object.Kind == "Namespace" {
			if err := s.makeMissing(); err != nil {
				return err
			}
		}
		time.Sleep(applyPace)
	}
	if err := s.until(preparedFor, true); err != nil {
		return err
	}
	if s.autoscales() {
		time.Sleep(autoscalerAge)
	}
	return nil
}

// autoscales reports whether there is an autoscaler in what runs or comes. It ignores the metrics of
// pods that are young, so that what runs already must not be.
func (s *simulation) autoscales() bool {
	return slices.ContainsFunc(
		slices.Concat(s.From, s.Change),
		func(d *manifest.Document) bool { return d.Object.Kind == "HorizontalPodAutoscaler" },
	)
}

func (s *simulation) assume(format string, args ...any) {
	s.recorder.plan.Assumptions = append(s.recorder.plan.Assumptions, fmt.Sprintf(format, args...))
}

// applyAll makes the change.
func (s *simulation) applyAll() error {
	for _, d := range inOrder(s.Change) {
		c, err := s.applier.apply(s.object(d))
		place(&c, d)
		if err != nil {
			c = refused(c, err)
			s.explainRefusal(&c, d)
		}
		s.recorder.plan.Changes = append(s.recorder.plan.Changes, c)
		if d.Object.Kind == "Namespace" {
			if err := s.makeMissing(); err != nil {
				return err
			}
		}
		time.Sleep(applyPace)
	}
	if s.Prune {
		s.prune()
	}
	return nil
}

// prune deletes what ran before and is not in the change, in reverse order.
func (s *simulation) prune() {
	kept := map[diag.Object]bool{}
	for _, c := range s.recorder.plan.Changes {
		kept[c.Object] = true
	}
	before := slices.DeleteFunc(inOrder(s.From), func(d *manifest.Document) bool { return lived(d) && !applied(d) })
	slices.Reverse(before)
	for _, d := range before {
		t, err := s.applier.target(objectOf(d))
		if err != nil || kept[t.object()] {
			continue
		}
		c := plan.Change{Action: plan.Delete, Object: t.object()}
		place(&c, d)
		propagation := metav1.DeletePropagationBackground
		if _, err := t.helper.DeleteWithOptions(
			t.namespace, t.name, &metav1.DeleteOptions{PropagationPolicy: &propagation},
		); err != nil {
			c = refused(c, err)
		}
		s.recorder.plan.Changes = append(s.recorder.plan.Changes, c)
		time.Sleep(applyPace)
	}
}

// watch lets the cluster act until nothing moves any more.
func (s *simulation) watch() error {
	if s.Until > 0 {
		return s.until(s.Until, false)
	}
	return s.until(horizon(s.Scenario)+DefaultUntil+s.rollout.longest(), true)
}

// until lets time pass; not to the end of it if all has settled or is stuck, and may end early.
func (s *simulation) until(limit time.Duration, early bool) error {
	time.Sleep(aside)
	for end := time.Now().Add(limit); time.Now().Before(end); {
		time.Sleep(min(tick, time.Until(end)))
		if err := s.recorder.catchUp(); err != nil {
			return err
		}
		if s.runner != nil {
			s.recorder.takeOver(s.runner)
		}
		if err := s.scale(time.Now()); err != nil {
			return fmt.Errorf("node groups: %w", err)
		}
		if err := s.roll(time.Now()); err != nil {
			return fmt.Errorf("draining nodes in turn: %w", err)
		}
		if early && s.ended(time.Now()) {
			return nil
		}
	}
	return s.recorder.catchUp()
}

func (s *simulation) ended(now time.Time) bool {
	switch {
	case now.Sub(s.recorder.lastChange) < settledFor:
		return false
	case s.runner != nil && (s.runner.busy() || now.Before(
		s.recorder.zero.Add(horizon(s.Scenario)+afterLoad(s.Scenario)),
	)):
		return false
	case s.scaler.busy(now, s.recorder.lastChange), s.rollout.busy(s.runner):
		return false
	case len(s.unsettled()) == 0 && (s.runner == nil || !s.runner.draining()):
		last := s.recorder.lastChange
		if last.Before(s.recorder.zero) {
			last = s.recorder.zero
		}
		return now.Sub(last) >= deletedFor || len(s.undeleted()) == 0
	}
	return now.Sub(s.recorder.lastProgress) >= stuckFor && !s.recorder.progressing()
}

// afterLoad is how long autoscalers may take to follow the end of a load: as long as they look
// back before they scale down.
func afterLoad(s *plan.Scenario) time.Duration {
	if s == nil || len(s.Load) == 0 {
		return 0
	}
	return 6 * time.Minute
}

// unsettled returns what is not as it should be: what each object lacks, by its name.
func (s *simulation) unsettled() map[string]string {
	left := map[string]string{}
	for _, w := range s.recorder.workloads {
		if w.current != nil && !w.gone && w.why != "" {
			left[w.object.String()] = w.why
		}
	}
	for _, p := range s.recorder.pods {
		if why := s.unsettledPod(p); why != "" {
			left[p.life.Object.String()] = why
		}
	}
	return left
}

// unsettledPod returns what a pod lacks, empty if it lacks nothing.
func (s *simulation) unsettledPod(p *podTrack) string {
	if p.gone {
		return ""
	}
	why := cluster.NotReadyReason(p.pod)
	if why == "" && p.mayCrashAgain() {
		return fmt.Sprintf("restarted %d times", p.line.Restarts)
	}
	return why
}

// crashing returns the workloads with a container that has crashed, and has not run for long since.
func (r *recorder) crashing() map[string]bool {
	found := map[string]bool{}
	for _, p := range r.pods {
		steady := !p.readyFrom.IsZero() && time.Since(p.readyFrom) >= recovered
		if !p.gone && p.line.Restarts > 0 && !steady {
			found[p.life.Workload.String()] = true
		}
	}
	return found
}

// mayCrashAgain reports whether a pod has crashed, and not run for long since.
func (p *podTrack) mayCrashAgain() bool {
	return p.line.Restarts > p.restarts && !p.readyFrom.IsZero() && time.Since(p.readyFrom) < recovered
}

// finish draws the conclusions.
func (s *simulation) finish() error {
	r := s.recorder
	p := &r.plan
	p.APIVersion, p.Kind, p.Seed = plan.APIVersion, plan.Kind, s.Seed
	p.KubernetesVersion = s.engine.Version()
	p.Filters = s.engine.Filters()
	p.Workloads = r.describeWorkloads()
	p.Pods = []plan.Pod{}
	for _, t := range r.order {
		if t.gone && *t.life.Gone < 0 {
			continue
		}
		t.life.New = t.workload != nil && t.workload.isNew(t.pod)
		p.Pods = append(p.Pods, *t.life)
	}
	p.Nodes = r.describeNodes()
	s.describeGroups()
	p.Unschedulable = r.describeUnschedulable()
	slices.SortStableFunc(p.Timeline, compareSteps)
	p.Problems = s.describeProblems()
	p.Constraints = r.describeConstraints()
	s.conclude()
	p.End = r.now
	s.describeRollout()
	p.Expectations = s.Scenario.Judge(p, plan.EvidenceOf(p))
	s.findRisks()
	s.assumeScripts()
	fill(p)
	return s.answerFit()
}

// compareSteps orders what happened by time. Events that come again are updated by goroutines of their own, which
// nobody puts in order: those of one moment are told by what they are about, after what else there was.
func compareSteps(a, b plan.Step) int {
	if at := cmp.Compare(a.At, b.At); at != 0 || a.Count < 2 && b.Count < 2 {
		return at
	}
	return cmp.Or(
		cmp.Compare(min(a.Count, 2), min(b.Count, 2)), cmp.Compare(a.Object.String(), b.Object.String()),
		cmp.Compare(a.Event, b.Event), cmp.Compare(a.Message, b.Message),
	)
}

// fill makes empty lists of those that are nil, as JSON has them.
func fill(p *plan.Plan) {
	set := func(empty bool, f func()) {
		if empty {
			f()
		}
	}
	set(p.Changes == nil, func() { p.Changes = []plan.Change{} })
	set(p.Timeline == nil, func() { p.Timeline = []plan.Step{} })
	set(p.Placements == nil, func() { p.Placements = []plan.Placement{} })
	set(p.Problems == nil, func() { p.Problems = []plan.Problem{} })
	set(p.Constraints == nil, func() { p.Constraints = []plan.Constraint{} })
	set(p.Expectations == nil, func() { p.Expectations = []plan.Expectation{} })
	set(p.Assumptions == nil, func() { p.Assumptions = []string{} })
	set(p.Findings == nil, func() { p.Findings = []diag.Diagnostic{} })
	for i := range p.Changes {
		set(p.Changes[i].Fields == nil, func() { p.Changes[i].Fields = []plan.Field{} })
	}
}

func (r *recorder) describeUnschedulable() []plan.Unschedulable {
	all := []plan.Unschedulable{}
	for _, uid := range r.waiting {
		u := r.unplaced[uid]
		if p := r.pods[uid]; p != nil {
			u.Workload = p.life.Workload
			if u.Until == nil && p.life.Stopping != nil {
				u.Until = p.life.Stopping
			}
			for _, c := range p.pod.Status.Conditions {
				if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Message != "" {
					u.Message = c.Message // with what preemption had to add
				}
			}
		}
		all = append(all, *u)
	}
	return all
}

// isZero reports whether an object is none.
func isZero(o diag.Object) bool { return o == diag.Object{} }

// oneLine returns a text without line breaks.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
