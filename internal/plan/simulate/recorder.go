package simulate

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/cluster/clients"
	"github.com/seatrial/seatrial/internal/cluster/scheduler"
	"github.com/seatrial/seatrial/internal/memstore"
	"github.com/seatrial/seatrial/internal/plan"
)

// recorder follows a cluster through the writes to its store, and keeps what a plan reports.
type recorder struct {
	mu               sync.Mutex
	pending          []change // not taken in yet
	pendingDecisions []scheduler.Decision

	zero         time.Time // moment of the change; before it nothing is told
	began        bool
	lastChange   time.Time       // when something last changed that a user would see
	lastProgress time.Time       // the same, without what happens again and again
	last         plan.Time       // the same, of the plan
	crashed      map[string]bool // workloads that crashed again and again before the change
	// what happens from now on is no part of the change: nodes go that are not needed any more
	settled  bool
	replaced map[string]bool // nodes that are deleted since others have come in their place
	objects  map[string]metav1.Object
	byUID    map[types.UID]metav1.Object

	pods      map[types.UID]*podTrack
	order     []*podTrack // by creation
	workloads map[diag.Object]*workloadTrack
	nodes     map[string]*nodeTrack
	budgets   map[diag.Object]*budgetTrack
	now       plan.Time          // of the last look
	repeated  map[string]int     // how often what has happened
	events    map[eventKey]int32 // how often they came
	due       []*podTrack        // ready, but not for long enough to be available

	decisions map[types.UID]scheduler.Decision // latest of each pod that is not placed yet
	unplaced  map[types.UID]*plan.Unschedulable
	waiting   []types.UID // of unplaced, in order

	plan plan.Plan
}

func newRecorder() *recorder {
	return &recorder{
		objects: map[string]metav1.Object{}, byUID: map[types.UID]metav1.Object{}, pods: map[types.UID]*podTrack{},
		workloads: map[diag.Object]*workloadTrack{}, nodes: map[string]*nodeTrack{}, events: map[eventKey]int32{},
		budgets: map[diag.Object]*budgetTrack{}, repeated: map[string]int{},
		replaced: map[string]bool{}, decisions: map[types.UID]scheduler.Decision{},
		unplaced: map[types.UID]*plan.Unschedulable{},
	}
}

// followed are the resources that a plan tells of, with their kinds.
var followed = map[string]string{
	"pods": "v1 Pod", "minions": "v1 Node", "events": "v1 Event", "controllers": "v1 ReplicationController",
	"resourcequotas": "v1 ResourceQuota", "limitranges": "v1 LimitRange",
	"deployments": "apps/v1 Deployment", "replicasets": "apps/v1 ReplicaSet", "statefulsets": "apps/v1 StatefulSet",
	"daemonsets":          "apps/v1 DaemonSet",
	"controllerrevisions": "apps/v1 ControllerRevision", "jobs": "batch/v1 Job", "cronjobs": "batch/v1 CronJob",
	"poddisruptionbudgets":     "policy/v1 PodDisruptionBudget",
	"horizontalpodautoscalers": "autoscaling/v2 HorizontalPodAutoscaler",
	"persistentvolumeclaims":   "v1 PersistentVolumeClaim", "persistentvolumes": "v1 PersistentVolume",
	"storageclasses": "storage.k8s.io/v1 StorageClass",
}

// resourceOf returns the resource that a key is of: /pods/default/web.
func resourceOf(key string) string {
	resource, _, _ := strings.Cut(strings.TrimPrefix(key, "/"), "/")
	return resource
}

// onWrite receives each write to the store.
func (r *recorder) onWrite(w memstore.Write) {
	if _, ok := followed[resourceOf(w.Key)]; !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending = append(r.pending, change{Write: w})
}

// eventKey identifies equal events of an object.
type eventKey struct {
	about           types.UID
	reason, message string
}

// change is a write to the store, or a recorded event.
type change struct {
	memstore.Write
	event *corev1.Event
}

// onEvent receives each event that a component records.
func (r *recorder) onEvent(e *corev1.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending = append(r.pending, change{memstore.Write{At: time.Now()}, e})
}

// onDecision receives each decision of the scheduler.
func (r *recorder) onDecision(d scheduler.Decision) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pendingDecisions = append(r.pendingDecisions, d)
}

// catchUp processes what has been received since the last time.
func (r *recorder) catchUp() error {
	r.mu.Lock()
	heard, decisions := r.pending, r.pendingDecisions
	r.pending, r.pendingDecisions = nil, nil
	r.mu.Unlock()
	for _, d := range decisions {
		r.judge(d)
	}
	slices.SortStableFunc(heard, compareChanges)
	for _, n := range heard {
		r.age(n.At)
		if n.event != nil {
			r.takeEvent(n.At, n.event)
		} else if err := r.take(n.Write); err != nil {
			return fmt.Errorf("reading %s: %w", n.Key, err)
		}
	}
	now := time.Now()
	r.age(now)
	r.now = r.at(now)
	return nil
}

// compareChanges orders what has been received by time. Writes are in order, and so are the events that a component
// records about an object; which of several components records first in a moment is up to their goroutines.
func compareChanges(a, b change) int {
	if at := a.At.Compare(b.At); at != 0 {
		return at
	}
	if a.event == nil || b.event == nil {
		return cmp.Compare(btoi(a.event != nil), btoi(b.event != nil))
	}
	return cmp.Or(
		cmp.Compare(componentOf(a.event), componentOf(b.event)),
		cmp.Compare(a.event.InvolvedObject.Kind, b.event.InvolvedObject.Kind),
		cmp.Compare(a.event.InvolvedObject.Namespace, b.event.InvolvedObject.Namespace),
		cmp.Compare(a.event.InvolvedObject.Name, b.event.InvolvedObject.Name),
	)
}

// componentOf returns the component that recorded an event.
func componentOf(e *corev1.Event) string {
	return cmp.Or(e.ReportingController, e.Source.Component)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// earlier is a moment before the change, of what was there already.
const earlier = -plan.Time(time.Millisecond)

// at returns a moment of the plan, to the microsecond: see aside.
func (r *recorder) at(t time.Time) plan.Time {
	if !r.began {
		return earlier
	}
	return plan.Time(t.Sub(r.zero).Truncate(time.Microsecond))
}

// begin declares all that was so far the state before the change.
func (r *recorder) begin() error {
	if err := r.catchUp(); err != nil {
		return err
	}
	r.zero, r.began = time.Now(), true
	r.lastProgress = r.zero
	clear(r.repeated)
	for _, p := range r.order {
		p.rebase(r)
	}
	for _, w := range r.workloads {
		w.rebase()
	}
	for _, n := range r.nodes {
		n.rebase()
	}
	return nil
}

var decoder = scheme.Codecs.UniversalDeserializer()

func (r *recorder) take(w memstore.Write) error {
	kind := followed[resourceOf(w.Key)]
	decoded, _, err := decoder.Decode(w.Data, nil, nil)
	if err != nil {
		return err
	}
	object, ok := decoded.(metav1.Object)
	if !ok {
		return fmt.Errorf("a %T is no %s", decoded, kind)
	}
	if e, ok := decoded.(*corev1.Event); ok {
		if !w.Deleted {
			r.takeEvent(w.At, e)
		}
		return nil
	}
	if w.Deleted {
		delete(r.objects, w.Key)
		r.byUID[object.GetUID()] = &metav1.ObjectMeta{
			Namespace: object.GetNamespace(), Name: object.GetName(), OwnerReferences: object.GetOwnerReferences(),
		}
	} else {
		r.objects[w.Key] = object
		r.byUID[object.GetUID()] = object
	}
	r.takeObject(w, decoded)
	return nil
}

func (r *recorder) takeObject(w memstore.Write, decoded runtime.Object) {
	switch o := decoded.(type) {
	case *corev1.Pod:
		r.takePod(w, o)
	case *corev1.Node:
		r.takeNode(w, o)
	case *policyv1.PodDisruptionBudget:
		r.takeBudget(w, o)
	case *appsv1.ReplicaSet:
		r.takeReplicaSet(w, o)
	case *appsv1.ControllerRevision:
		r.takeRevision(w, o)
	case *appsv1.Deployment, *appsv1.StatefulSet, *appsv1.DaemonSet, *corev1.ReplicationController, *batchv1.Job,
		*batchv1.CronJob:
		r.takeWorkload(w, decoded.(metav1.Object))
	}
}

// repeats is how often the same may happen to an object before it counts as standing still: what
// crashes again and again gets nowhere.
const repeats = 3

// move notes that something has changed, unless it has happened to the object again and again.
func (r *recorder) move(t time.Time, what string) {
	r.lastChange = t
	r.repeated[what]++
	if r.repeated[what] <= repeats {
		r.lastProgress = t
	}
}

// asBefore reports whether a step is of a workload that crashed before the change already, and that the change is not
// about.
func (r *recorder) asBefore(s *plan.Step) bool {
	return r.crashed[s.Workload] && !slices.ContainsFunc(r.plan.Changes, func(c plan.Change) bool {
		return c.Action != plan.None && c.Object.String() == s.Workload
	})
}

// step adds a row to the timeline.
func (r *recorder) step(t time.Time, s plan.Step) {
	if s.Count < 2 {
		r.move(t, s.Object.String()+" "+s.Event)
	}
	if !r.began {
		return
	}
	s.At = r.at(t)
	if s.Count < 2 && !r.settled && !r.asBefore(&s) {
		r.last = s.At
	}
	r.plan.Timeline = append(r.plan.Timeline, s)
}

// workloadOf returns the object that a pod belongs to in the eyes of its user: a Deployment rather
// than its ReplicaSet, a CronJob rather than its Job.
func (r *recorder) workloadOf(o metav1.Object) diag.Object {
	var found diag.Object
	for range 3 {
		ref := metav1.GetControllerOf(o)
		if ref == nil {
			break
		}
		found = diag.Object{APIVersion: ref.APIVersion, Kind: ref.Kind, Namespace: o.GetNamespace(), Name: ref.Name}
		owner := r.byUID[ref.UID]
		if owner == nil {
			break
		}
		o = owner
	}
	return found
}

// takeEvent adds an event to the timeline each time that it is recorded, and counts equal ones.
func (r *recorder) takeEvent(at time.Time, e *corev1.Event) {
	ref := e.InvolvedObject
	message := r.named(strings.TrimPrefix(oneLine(e.Message), clients.Combined))
	key := eventKey{ref.UID, e.Reason, message}
	count := r.events[key] + 1
	if e.Series != nil {
		count = max(count, e.Series.Count)
	}
	r.events[key] = count
	s := plan.Step{
		Source: plan.FromEvent, Event: e.Reason, Message: message, Warning: e.Type == corev1.EventTypeWarning,
		Object: diag.Object{APIVersion: ref.APIVersion, Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name},
		Count:  int(count),
	}
	if s.Count < 2 {
		s.Count = 0
	}
	if p := r.pods[ref.UID]; p != nil {
		s.Node, s.Workload = p.life.Node, nameOf(p.life.Workload)
	} else if o := r.byUID[ref.UID]; o != nil {
		s.Workload = nameOf(r.workloadOf(o))
	}
	r.step(at, s)
}

var preemptedBy = regexp.MustCompile(`^Preempted by pod ([0-9a-f-]{36})`)

// named puts the name of a preempting pod in the place of its UID.
func (r *recorder) named(message string) string {
	m := preemptedBy.FindStringSubmatch(message)
	if m == nil || r.pods[types.UID(m[1])] == nil {
		return message
	}
	o := r.pods[types.UID(m[1])].life.Object
	return strings.Replace(message, m[1], o.Namespace+"/"+o.Name, 1)
}

// nameOf names an object in a Step, empty for none.
func nameOf(o diag.Object) string {
	if isZero(o) {
		return ""
	}
	return o.String()
}

// podTrack follows one pod.
type podTrack struct {
	pod  *corev1.Pod
	life *plan.Pod
	line plan.PodState
	gone bool

	restarts int // before the change

	workload   *workloadTrack // or nil
	share      share          // in the counts of its workload
	readyFrom  time.Time      // zero: it is not ready
	readySince time.Time      // the same as the pod says, to the second; controllers count from it
	requests   corev1.ResourceList
	on         *nodeTrack // where its requests count, or nil
}

// share is what a pod adds to the counts of its workload.
type share struct{ present, updated, ready, available, stopping bool }

func (r *recorder) takePod(w memstore.Write, pod *corev1.Pod) {
	p := r.pods[pod.UID]
	if p == nil {
		if w.Deleted {
			return
		}
		p = r.meet(w, pod)
	}
	p.pod = pod
	if w.Deleted {
		r.lose(w, p)
		return
	}
	r.update(w, p)
}

// meet begins to follow a pod.
func (r *recorder) meet(w memstore.Write, pod *corev1.Pod) *podTrack {
	owner := r.workloadOf(pod)
	p := &podTrack{pod: pod, requests: requestsOf(pod)}
	p.life = &plan.Pod{
		Object:   diag.Object{APIVersion: "v1", Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name},
		Workload: owner, Created: r.at(w.At), Priority: priorityOf(pod),
		CPU: quantity(p.requests, corev1.ResourceCPU), Memory: quantity(p.requests, corev1.ResourceMemory),
	}
	if !isZero(owner) {
		p.workload = r.workload(owner)
		p.workload.pods = append(p.workload.pods, p)
	}
	r.pods[pod.UID] = p
	r.order = append(r.order, p)
	return p
}

func priorityOf(pod *corev1.Pod) int32 {
	if pod.Spec.Priority == nil {
		return 0
	}
	return *pod.Spec.Priority
}

// rebase makes the present the state before the change.
func (p *podTrack) rebase(r *recorder) {
	age := p.pod.CreationTimestamp.Time
	p.life.Created = r.at(age)
	if p.life.Scheduled != nil {
		p.life.Scheduled = ptr(earlier)
	}
	if p.life.Ready != nil {
		p.life.Ready = ptr(earlier)
	}
	p.line.At = 0
	p.restarts = p.line.Restarts
	p.life.States = []plan.PodState{p.line}
}

func ptr[T any](v T) *T { return &v }

// update records what has changed in a pod.
func (r *recorder) update(w memstore.Write, p *podTrack) {
	pod := p.pod
	if pod.Spec.NodeName != "" && p.life.Node == "" {
		p.life.Node = pod.Spec.NodeName
		p.life.Scheduled = ptr(r.at(w.At))
		r.podStep(w.At, p, "Scheduled", "on "+pod.Spec.NodeName, false)
		r.placed(w.At, p)
	}
	if pod.DeletionTimestamp != nil && p.life.Stopping == nil {
		p.life.Stopping = ptr(r.at(w.At))
	}
	r.occupy(p)
	if line, err := cluster.PrintedStatus(pod); err == nil && (line.Ready != p.line.Ready ||
		line.Status != p.line.Status ||
		line.Restarts != p.line.Restarts) {
		before := p.line
		p.line = plan.PodState{At: r.at(w.At), Ready: line.Ready, Status: line.Status, Restarts: line.Restarts}
		p.life.States = append(p.life.States, p.line)
		stopped := p.life.Stopping != nil && line.Status != "Terminating" // its containers have ended
		if !stopped && (line.Status != before.Status || line.Restarts != before.Restarts) {
			r.podStep(w.At, p, line.Status, describeState(p.line), isFailure(line.Status))
		}
	}
	ready := podReady(pod)
	switch {
	case ready && p.readyFrom.IsZero():
		p.readyFrom = w.At
		p.readySince = readySince(pod)
		if p.life.Ready == nil {
			p.life.Ready = ptr(r.at(w.At))
		}
		r.podStep(w.At, p, "Ready", p.line.Ready, false)
	case !ready && !p.readyFrom.IsZero():
		p.readyFrom = time.Time{}
		if pod.DeletionTimestamp == nil && pod.Status.Phase == corev1.PodRunning {
			r.podStep(w.At, p, "NotReady", p.line.Ready, true)
		}
	}
	r.count(w.At, p)
}

func describeState(s plan.PodState) string {
	if s.Restarts == 0 {
		return s.Ready
	}
	return fmt.Sprintf("%s, %d restarts", s.Ready, s.Restarts)
}

func (r *recorder) podStep(t time.Time, p *podTrack, event, message string, warning bool) {
	r.step(
		t,
		plan.Step{
			Source: plan.FromState, Object: p.life.Object, Event: event, Message: message, Warning: warning,
			Node: p.life.Node, Workload: nameOf(p.life.Workload),
		},
	)
}

// isFailure reports whether a status is one that users look for when something is wrong.
func isFailure(status string) bool {
	status = strings.TrimPrefix(status, "Init:")
	switch status {
	case "Error", "Evicted", "OOMKilled", "CrashLoopBackOff", "Failed", "Unknown", "NodeLost", "ContainerStatusUnknown":
		return true
	}
	return strings.HasPrefix(status, "Err") || strings.HasSuffix(status, "BackOff") ||
		strings.HasSuffix(status, "Error") || strings.HasPrefix(status, "Invalid") ||
		strings.HasPrefix(status, "OutOf") || strings.HasPrefix(status, "ExitCode:")
}

func podReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// readySince is when a pod became ready, as it says itself.
func readySince(pod *corev1.Pod) time.Time {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.LastTransitionTime.Time
		}
	}
	return time.Time{}
}

// lose ends the life of a pod.
func (r *recorder) lose(w memstore.Write, p *podTrack) {
	if p.gone {
		return
	}
	p.gone = true
	p.life.Gone = ptr(r.at(w.At))
	if p.life.Stopping == nil {
		p.life.Stopping = p.life.Gone
	}
	if p.on != nil {
		p.on.add(p, -1)
		p.on = nil
	}
	p.readyFrom = time.Time{}
	r.podStep(w.At, p, "Deleted", "", false)
	r.count(w.At, p)
	p.pod = remains(p.pod)
}

// remains is what a plan still asks of a pod that is gone: over a day there are many.
func remains(pod *corev1.Pod) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: pod.ObjectMeta,
		Spec:       corev1.PodSpec{NodeName: pod.Spec.NodeName},
		Status:     corev1.PodStatus{Phase: pod.Status.Phase, Conditions: pod.Status.Conditions},
	}
}

// count brings the counts of the pod's workload up to date.
func (r *recorder) count(t time.Time, p *podTrack) {
	if p.workload == nil {
		return
	}
	now := share{}
	if !p.gone && p.pod.Status.Phase != corev1.PodSucceeded && p.pod.Status.Phase != corev1.PodFailed {
		now.stopping = p.pod.DeletionTimestamp != nil
		now.present = !now.stopping
		now.updated = now.present && p.workload.isNew(p.pod)
		now.ready = now.present && !p.readyFrom.IsZero()
		wait := p.workload.minReady
		now.available = now.ready && (wait == 0 || !t.Before(p.readySince.Add(wait)))
		if now.ready && !now.available && !slices.Contains(r.due, p) {
			r.due = append(r.due, p)
		}
	}
	if now == p.share {
		return
	}
	movePoint(&p.workload.point, p.share, now)
	p.share = now
	p.workload.note(r, t)
}

// age marks pods as available that have been ready for minReadySeconds.
func (r *recorder) age(t time.Time) {
	if len(r.due) == 0 {
		return
	}
	slices.SortStableFunc(r.due, func(a, b *podTrack) int { return a.availableAt().Compare(b.availableAt()) })
	for len(r.due) > 0 && !t.Before(r.due[0].availableAt()) {
		p := r.due[0]
		r.due = r.due[1:]
		if p.readyFrom.IsZero() || p.gone {
			continue
		}
		r.count(p.availableAt(), p)
	}
}

func (p *podTrack) availableAt() time.Time { return p.readySince.Add(p.workload.minReady) }

// workloadTrack follows an object that makes pods.
type workloadTrack struct {
	object   diag.Object
	current  metav1.Object // latest; nil if it was not seen
	minReady time.Duration
	revision int64  // of the latest template
	hash     string // of the latest template, as its pods are labelled; empty: all pods are alike
	pods     []*podTrack
	point    plan.Point
	curve    []plan.Point
	why      string // what it lacks; empty: nothing

	overdue        time.Time // when its rollout was declared overdue; zero: never
	overdueMessage string
	settled        *time.Time
	changed        bool
	gone           bool
}

func (r *recorder) workload(o diag.Object) *workloadTrack {
	w := r.workloads[o]
	if w == nil {
		w = &workloadTrack{object: o}
		r.workloads[o] = w
	}
	return w
}

// movePoint exchanges a pod's old share for its new one.
func movePoint(p *plan.Point, old, now share) {
	for _, c := range []struct {
		count       *int
		before, now bool
	}{
		{&p.New, old.present && old.updated, now.present && now.updated},
		{&p.Old, old.present && !old.updated, now.present && !now.updated},
		{&p.Ready, old.ready, now.ready},
		{&p.Available, old.available, now.available},
		{&p.Stopping, old.stopping, now.stopping},
	} {
		switch {
		case c.now && !c.before:
			*c.count++
		case c.before && !c.now:
			*c.count--
		}
	}
}

// note adds a point to the curve.
func (w *workloadTrack) note(r *recorder, t time.Time) {
	if !r.began {
		return
	}
	w.point.At = r.at(t)
	if n := len(w.curve); n > 0 && w.curve[n-1].At == w.point.At {
		w.curve[n-1] = w.point
		return
	}
	w.curve = append(w.curve, w.point)
}

func (w *workloadTrack) rebase() {
	w.point.At = 0
	w.curve = []plan.Point{w.point}
	w.changed = false
}

// isNew reports whether a pod is of the latest template.
func (w *workloadTrack) isNew(pod *corev1.Pod) bool {
	if w.hash == "" {
		return true
	}
	return pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey] == w.hash ||
		pod.Labels[appsv1.ControllerRevisionHashLabelKey] == w.hash
}

// renew makes another template the latest.
func (r *recorder) renew(t time.Time, w *workloadTrack, hash string) {
	if w.hash == hash {
		return
	}
	w.hash = hash
	for _, p := range w.pods {
		r.count(t, p)
	}
}

const revisionAnnotation = "deployment.kubernetes.io/revision"

func (r *recorder) takeReplicaSet(w memstore.Write, rs *appsv1.ReplicaSet) {
	owner := metav1.GetControllerOf(rs)
	if owner == nil || owner.Kind != "Deployment" {
		r.takeWorkload(w, rs)
		return
	}
	if w.Deleted {
		return
	}
	revision, err := strconv.ParseInt(rs.Annotations[revisionAnnotation], 10, 64)
	if err != nil {
		revision = -1 // of no template that counts
	}
	r.takeTemplate(w.At, rs, owner, revision, rs.Labels[appsv1.DefaultDeploymentUniqueLabelKey])
}

func (r *recorder) takeRevision(w memstore.Write, revision *appsv1.ControllerRevision) {
	owner := metav1.GetControllerOf(revision)
	if owner == nil || w.Deleted {
		return
	}
	hash := revision.Labels[appsv1.ControllerRevisionHashLabelKey]
	if owner.Kind == "StatefulSet" {
		hash = revision.Name // its pods are labelled with the whole name
	}
	r.takeTemplate(w.At, revision, owner, revision.Revision, hash)
}

// takeTemplate makes the template that o holds the latest of its owner, unless a later revision is known.
func (r *recorder) takeTemplate(
	t time.Time, o metav1.Object, owner *metav1.OwnerReference, revision int64, hash string,
) {
	w := r.workload(
		diag.Object{APIVersion: owner.APIVersion, Kind: owner.Kind, Namespace: o.GetNamespace(), Name: owner.Name},
	)
	if revision < w.revision {
		return
	}
	w.revision = revision
	r.renew(t, w, hash)
}

// kinds of the objects that make pods.
func kindOf(o metav1.Object) (apiVersion, kind string) {
	switch o.(type) {
	case *appsv1.Deployment:
		return "apps/v1", "Deployment"
	case *appsv1.ReplicaSet:
		return "apps/v1", "ReplicaSet"
	case *appsv1.StatefulSet:
		return "apps/v1", "StatefulSet"
	case *appsv1.DaemonSet:
		return "apps/v1", "DaemonSet"
	case *corev1.ReplicationController:
		return "v1", "ReplicationController"
	case *batchv1.Job:
		return "batch/v1", "Job"
	case *batchv1.CronJob:
		return "batch/v1", "CronJob"
	}
	return "", ""
}

func (r *recorder) takeWorkload(wr memstore.Write, o metav1.Object) {
	apiVersion, kind := kindOf(o)
	if owner := metav1.GetControllerOf(o); owner != nil {
		return // what a CronJob makes is told of with it
	}
	w := r.workload(diag.Object{APIVersion: apiVersion, Kind: kind, Namespace: o.GetNamespace(), Name: o.GetName()})
	if wr.Deleted {
		w.gone = true
		w.point.Desired = 0
		w.note(r, wr.At)
		return
	}
	if w.current == nil || w.current.GetGeneration() != o.GetGeneration() {
		w.changed = true
	}
	isNew := w.current == nil
	w.current, w.gone = o, false
	w.minReady = minReady(o)
	if desired := desiredOf(o); desired != w.point.Desired || isNew {
		w.point.Desired = desired
		w.note(r, wr.At)
	}
	w.noteDeadline(o)
	before := w.why
	w.why = w.correct(cluster.NotReadyReason(o))
	switch {
	case w.why != "":
		w.settled = nil
	case w.settled == nil || before != "":
		w.settled = ptr(wr.At)
	}
	if w.why != before {
		r.move(wr.At, w.object.String()+" "+w.why)
	}
}

// correct counts the updated replicas that are available, which the status of a Deployment does not distinguish from
// others.
func (w *workloadTrack) correct(why string) string {
	d, ok := w.current.(*appsv1.Deployment)
	if !ok || w.hash == "" || !strings.HasSuffix(why, " updated replicas available") {
		return why
	}
	available := 0
	for _, p := range w.pods {
		if p.share.available && p.share.updated {
			available++
		}
	}
	return fmt.Sprintf("%d of %d updated replicas available", available, desiredOf(d))
}

func minReady(o metav1.Object) time.Duration {
	var seconds int32
	switch o := o.(type) {
	case *appsv1.Deployment:
		seconds = o.Spec.MinReadySeconds
	case *appsv1.ReplicaSet:
		seconds = o.Spec.MinReadySeconds
	case *appsv1.StatefulSet:
		seconds = o.Spec.MinReadySeconds
	case *appsv1.DaemonSet:
		seconds = o.Spec.MinReadySeconds
	case *corev1.ReplicationController:
		seconds = o.Spec.MinReadySeconds
	}
	return time.Duration(seconds) * time.Second
}

// desiredOf returns the number of pods that an object asks for.
func desiredOf(o metav1.Object) int {
	one := func(n *int32) int {
		if n == nil {
			return 1
		}
		return int(*n)
	}
	switch o := o.(type) {
	case *appsv1.Deployment:
		return one(o.Spec.Replicas)
	case *appsv1.ReplicaSet:
		return one(o.Spec.Replicas)
	case *appsv1.StatefulSet:
		return one(o.Spec.Replicas)
	case *corev1.ReplicationController:
		return one(o.Spec.Replicas)
	case *appsv1.DaemonSet:
		return int(o.Status.DesiredNumberScheduled)
	case *batchv1.Job:
		return int(o.Status.Active)
	}
	return 0
}

// sortedWorkloads returns the workloads that were seen, by kind, namespace and name.
func (r *recorder) sortedWorkloads() []*workloadTrack {
	var all []*workloadTrack
	for _, w := range r.workloads {
		if w.current != nil {
			all = append(all, w)
		}
	}
	slices.SortFunc(all, func(a, b *workloadTrack) int {
		return cmp.Or(
			cmp.Compare(a.object.Kind, b.object.Kind), cmp.Compare(a.object.Namespace, b.object.Namespace),
			cmp.Compare(a.object.Name, b.object.Name),
		)
	})
	return all
}
