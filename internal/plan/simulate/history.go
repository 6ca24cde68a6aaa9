package simulate

import (
	"cmp"
	"fmt"
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
	"github.com/seatrial/seatrial/internal/memstore"
	"github.com/seatrial/seatrial/internal/plan"
)

// history follows a cluster through the writes to its store, and keeps what a plan tells.
type history struct {
	mu     sync.Mutex
	heard  []news // not taken in yet
	judged []cluster.Decision

	zero    time.Time // moment of the change; before it nothing is told
	began   bool
	stirred time.Time // when something last changed that a user would see
	moved   time.Time // the same, without what happens again and again
	last    plan.Time // the same, of the plan
	objects map[string]metav1.Object
	byUID   map[types.UID]metav1.Object

	pods      map[types.UID]*podTrack
	order     []*podTrack // by creation
	workloads map[diag.Object]*workloadTrack
	nodes     map[string]*nodeTrack
	budgets   map[diag.Object]*budgetTrack
	now       plan.Time      // of the last look
	repeated  map[string]int // how often what has happened
	events    map[said]int32 // how often they came
	due       []*podTrack    // ready, but not for long enough to be available

	decisions map[types.UID]cluster.Decision // latest of each pod that is not placed yet
	unplaced  map[types.UID]*plan.Unschedulable
	waiting   []types.UID // of unplaced, in order

	plan plan.Plan
}

func newHistory() *history {
	return &history{
		objects: map[string]metav1.Object{}, byUID: map[types.UID]metav1.Object{}, pods: map[types.UID]*podTrack{},
		workloads: map[diag.Object]*workloadTrack{}, nodes: map[string]*nodeTrack{}, events: map[said]int32{}, budgets: map[diag.Object]*budgetTrack{}, repeated: map[string]int{},
		decisions: map[types.UID]cluster.Decision{}, unplaced: map[types.UID]*plan.Unschedulable{},
	}
}

// followed are the resources that a plan tells of, with their kinds.
var followed = map[string]string{
	"pods": "v1 Pod", "minions": "v1 Node", "events": "v1 Event", "controllers": "v1 ReplicationController", "resourcequotas": "v1 ResourceQuota", "limitranges": "v1 LimitRange",
	"deployments": "apps/v1 Deployment", "replicasets": "apps/v1 ReplicaSet", "statefulsets": "apps/v1 StatefulSet", "daemonsets": "apps/v1 DaemonSet",
	"controllerrevisions": "apps/v1 ControllerRevision", "jobs": "batch/v1 Job", "cronjobs": "batch/v1 CronJob",
	"poddisruptionbudgets": "policy/v1 PodDisruptionBudget", "horizontalpodautoscalers": "autoscaling/v2 HorizontalPodAutoscaler",
	"persistentvolumeclaims": "v1 PersistentVolumeClaim",
}

// resourceOf gives the resource that a key is of: /pods/default/web.
func resourceOf(key string) string {
	resource, _, _ := strings.Cut(strings.TrimPrefix(key, "/"), "/")
	return resource
}

// hear is called by the store for each write.
func (h *history) hear(w memstore.Write) {
	if _, ok := followed[resourceOf(w.Key)]; !ok {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heard = append(h.heard, news{Write: w})
}

// said is what an event says of an object.
type said struct {
	about           types.UID
	reason, message string
}

// news is a write to the store, or an event that was recorded.
type news struct {
	memstore.Write
	event *corev1.Event
}

// told is called for each event that a component records.
func (h *history) told(e *corev1.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heard = append(h.heard, news{memstore.Write{At: time.Now()}, e})
}

// decided is called by the scheduler for each decision.
func (h *history) decided(d cluster.Decision) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.judged = append(h.judged, d)
}

// catchUp takes in what was heard.
func (h *history) catchUp() error {
	h.mu.Lock()
	heard, decisions := h.heard, h.judged
	h.heard, h.judged = nil, nil
	h.mu.Unlock()
	for _, d := range decisions {
		h.judge(d)
	}
	for _, n := range heard {
		h.mature(n.At)
		if n.event != nil {
			h.takeEvent(n.At, n.event)
		} else if err := h.take(n.Write); err != nil {
			return fmt.Errorf("reading %s: %w", n.Key, err)
		}
	}
	now := time.Now()
	h.mature(now)
	h.now = h.at(now)
	return nil
}

// earlier is a moment before the change, of what was there already.
const earlier = -plan.Time(time.Millisecond)

// at gives a moment of the plan.
func (h *history) at(t time.Time) plan.Time {
	if !h.began {
		return earlier
	}
	return plan.Time(t.Sub(h.zero))
}

// begin declares all that was so far the state before the change.
func (h *history) begin() error {
	if err := h.catchUp(); err != nil {
		return err
	}
	h.zero, h.began = time.Now(), true
	h.moved = h.zero
	clear(h.repeated)
	for _, p := range h.order {
		p.rebase(h)
	}
	for _, w := range h.workloads {
		w.rebase()
	}
	for _, n := range h.nodes {
		n.rebase()
	}
	return nil
}

var decoder = scheme.Codecs.UniversalDeserializer()

func (h *history) take(w memstore.Write) error {
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
			h.takeEvent(w.At, e)
		}
		return nil
	}
	if w.Deleted {
		delete(h.objects, w.Key)
		h.byUID[object.GetUID()] = &metav1.ObjectMeta{Namespace: object.GetNamespace(), Name: object.GetName(), OwnerReferences: object.GetOwnerReferences()}
	} else {
		h.objects[w.Key] = object
		h.byUID[object.GetUID()] = object
	}
	h.takeObject(w, decoded)
	return nil
}

func (h *history) takeObject(w memstore.Write, decoded runtime.Object) {
	switch o := decoded.(type) {
	case *corev1.Pod:
		h.takePod(w, o)
	case *corev1.Node:
		h.takeNode(w, o)
	case *policyv1.PodDisruptionBudget:
		h.takeBudget(w, o)
	case *appsv1.ReplicaSet:
		h.takeReplicaSet(w, o)
	case *appsv1.ControllerRevision:
		h.takeRevision(w, o)
	case *appsv1.Deployment, *appsv1.StatefulSet, *appsv1.DaemonSet, *corev1.ReplicationController, *batchv1.Job, *batchv1.CronJob:
		h.takeWorkload(w, decoded.(metav1.Object))
	}
}

// repeats is how often the same may happen to an object before it counts as standing still: what
// crashes again and again gets nowhere.
const repeats = 3

// move notes that something has changed, unless it has happened to the object again and again.
func (h *history) move(t time.Time, what string) {
	h.stirred = t
	h.repeated[what]++
	if h.repeated[what] <= repeats {
		h.moved = t
	}
}

// step adds a row to the timeline.
func (h *history) step(t time.Time, s plan.Step) {
	if s.Count < 2 {
		h.move(t, s.Object.String()+" "+s.Event)
	}
	if !h.began {
		return
	}
	s.At = h.at(t)
	h.last = s.At
	h.plan.Timeline = append(h.plan.Timeline, s)
}

// workloadOf gives the object that a pod belongs to in the eyes of its user: a Deployment rather
// than its ReplicaSet, a CronJob rather than its Job.
func (h *history) workloadOf(o metav1.Object) diag.Object {
	var found diag.Object
	for range 3 {
		ref := metav1.GetControllerOf(o)
		if ref == nil {
			break
		}
		found = diag.Object{APIVersion: ref.APIVersion, Kind: ref.Kind, Namespace: o.GetNamespace(), Name: ref.Name}
		owner := h.byUID[ref.UID]
		if owner == nil {
			break
		}
		o = owner
	}
	return found
}

// takeEvent tells of an event, once for each time that it was recorded. It counts those that say the same.
func (h *history) takeEvent(at time.Time, e *corev1.Event) {
	ref := e.InvolvedObject
	message := strings.TrimPrefix(oneLine(e.Message), cluster.Combined)
	key := said{ref.UID, e.Reason, message}
	count := h.events[key] + 1
	if e.Series != nil {
		count = max(count, e.Series.Count)
	}
	h.events[key] = count
	s := plan.Step{
		Source: plan.FromEvent, Event: e.Reason, Message: message, Warning: e.Type == corev1.EventTypeWarning,
		Object: diag.Object{APIVersion: ref.APIVersion, Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name},
		Count:  int(count),
	}
	if s.Count < 2 {
		s.Count = 0
	}
	if p := h.pods[ref.UID]; p != nil {
		s.Node, s.Workload = p.life.Node, nameOf(p.life.Workload)
	} else if o := h.byUID[ref.UID]; o != nil {
		s.Workload = nameOf(h.workloadOf(o))
	}
	h.step(at, s)
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

func (h *history) takePod(w memstore.Write, pod *corev1.Pod) {
	p := h.pods[pod.UID]
	if p == nil {
		if w.Deleted {
			return
		}
		p = h.meet(w, pod)
	}
	p.pod = pod
	if w.Deleted {
		h.lose(w, p)
		return
	}
	h.update(w, p)
}

// meet begins to follow a pod.
func (h *history) meet(w memstore.Write, pod *corev1.Pod) *podTrack {
	owner := h.workloadOf(pod)
	p := &podTrack{pod: pod, requests: requestsOf(pod)}
	p.life = &plan.Pod{
		Object:   diag.Object{APIVersion: "v1", Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name},
		Workload: owner, Created: h.at(w.At), Priority: priorityOf(pod),
		CPU: quantity(p.requests, corev1.ResourceCPU), Memory: quantity(p.requests, corev1.ResourceMemory),
	}
	if !isZero(owner) {
		p.workload = h.workload(owner)
		p.workload.pods = append(p.workload.pods, p)
	}
	h.pods[pod.UID] = p
	h.order = append(h.order, p)
	return p
}

func priorityOf(pod *corev1.Pod) int32 {
	if pod.Spec.Priority == nil {
		return 0
	}
	return *pod.Spec.Priority
}

// rebase makes the present the state before the change.
func (p *podTrack) rebase(h *history) {
	age := p.pod.CreationTimestamp.Time
	p.life.Created = h.at(age)
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

// update tells what has changed of a pod.
func (h *history) update(w memstore.Write, p *podTrack) {
	pod := p.pod
	if pod.Spec.NodeName != "" && p.life.Node == "" {
		p.life.Node = pod.Spec.NodeName
		p.life.Scheduled = ptr(h.at(w.At))
		h.podStep(w.At, p, "Scheduled", "on "+pod.Spec.NodeName, false)
		h.placed(w.At, p)
	}
	if pod.DeletionTimestamp != nil && p.life.Stopping == nil {
		p.life.Stopping = ptr(h.at(w.At))
	}
	h.occupy(p)
	if line, err := cluster.LineOf(pod); err == nil && (line.Ready != p.line.Ready || line.Status != p.line.Status || line.Restarts != p.line.Restarts) {
		before := p.line
		p.line = plan.PodState{At: h.at(w.At), Ready: line.Ready, Status: line.Status, Restarts: line.Restarts}
		p.life.States = append(p.life.States, p.line)
		stopped := p.life.Stopping != nil && line.Status != "Terminating" // its containers have ended
		if !stopped && (line.Status != before.Status || line.Restarts != before.Restarts) {
			h.podStep(w.At, p, line.Status, describeState(p.line), isFailure(line.Status))
		}
	}
	ready := podReady(pod)
	switch {
	case ready && p.readyFrom.IsZero():
		p.readyFrom = w.At
		p.readySince = readySince(pod)
		if p.life.Ready == nil {
			p.life.Ready = ptr(h.at(w.At))
		}
		h.podStep(w.At, p, "Ready", p.line.Ready, false)
	case !ready && !p.readyFrom.IsZero():
		p.readyFrom = time.Time{}
		if pod.DeletionTimestamp == nil && pod.Status.Phase == corev1.PodRunning {
			h.podStep(w.At, p, "NotReady", p.line.Ready, true)
		}
	}
	h.count(w.At, p)
}

func describeState(s plan.PodState) string {
	if s.Restarts == 0 {
		return s.Ready
	}
	return fmt.Sprintf("%s, %d restarts", s.Ready, s.Restarts)
}

func (h *history) podStep(t time.Time, p *podTrack, event, message string, warning bool) {
	h.step(t, plan.Step{Source: plan.FromState, Object: p.life.Object, Event: event, Message: message, Warning: warning, Node: p.life.Node, Workload: nameOf(p.life.Workload)})
}

// isFailure tells whether a status is one that users look for when something is wrong.
func isFailure(status string) bool {
	status = strings.TrimPrefix(status, "Init:")
	switch status {
	case "Error", "Evicted", "OOMKilled", "CrashLoopBackOff", "Failed", "Unknown", "NodeLost", "ContainerStatusUnknown":
		return true
	}
	return strings.HasPrefix(status, "Err") || strings.HasSuffix(status, "BackOff") || strings.HasSuffix(status, "Error") || strings.HasPrefix(status, "Invalid") || strings.HasPrefix(status, "OutOf") || strings.HasPrefix(status, "ExitCode:")
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
func (h *history) lose(w memstore.Write, p *podTrack) {
	if p.gone {
		return
	}
	p.gone = true
	p.life.Gone = ptr(h.at(w.At))
	if p.life.Stopping == nil {
		p.life.Stopping = p.life.Gone
	}
	if p.on != nil {
		p.on.add(p, -1)
		p.on = nil
	}
	p.readyFrom = time.Time{}
	h.podStep(w.At, p, "Deleted", "", false)
	h.count(w.At, p)
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
func (h *history) count(t time.Time, p *podTrack) {
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
		if now.ready && !now.available && !slices.Contains(h.due, p) {
			h.due = append(h.due, p)
		}
	}
	if now == p.share {
		return
	}
	movePoint(&p.workload.point, p.share, now)
	p.share = now
	p.workload.note(h, t)
}

// mature makes pods available that have been ready for long enough.
func (h *history) mature(t time.Time) {
	if len(h.due) == 0 {
		return
	}
	slices.SortStableFunc(h.due, func(a, b *podTrack) int { return a.availableAt().Compare(b.availableAt()) })
	for len(h.due) > 0 && !t.Before(h.due[0].availableAt()) {
		p := h.due[0]
		h.due = h.due[1:]
		if p.readyFrom.IsZero() || p.gone {
			continue
		}
		h.count(p.availableAt(), p)
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
	settled  *time.Time
	changed  bool
	gone     bool
}

func (h *history) workload(o diag.Object) *workloadTrack {
	w := h.workloads[o]
	if w == nil {
		w = &workloadTrack{object: o}
		h.workloads[o] = w
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
func (w *workloadTrack) note(h *history, t time.Time) {
	if !h.began {
		return
	}
	w.point.At = h.at(t)
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

// isNew tells whether a pod is of the latest template.
func (w *workloadTrack) isNew(pod *corev1.Pod) bool {
	if w.hash == "" {
		return true
	}
	return pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey] == w.hash || pod.Labels[appsv1.ControllerRevisionHashLabelKey] == w.hash
}

// renew makes another template the latest.
func (h *history) renew(t time.Time, w *workloadTrack, hash string) {
	if w.hash == hash {
		return
	}
	w.hash = hash
	for _, p := range w.pods {
		h.count(t, p)
	}
}

const revisionAnnotation = "deployment.kubernetes.io/revision"

func (h *history) takeReplicaSet(w memstore.Write, rs *appsv1.ReplicaSet) {
	owner := metav1.GetControllerOf(rs)
	if owner == nil || owner.Kind != "Deployment" {
		h.takeWorkload(w, rs)
		return
	}
	if w.Deleted {
		return
	}
	d := h.workload(diag.Object{APIVersion: owner.APIVersion, Kind: owner.Kind, Namespace: rs.Namespace, Name: owner.Name})
	revision, err := strconv.ParseInt(rs.Annotations[revisionAnnotation], 10, 64)
	if err != nil || revision < d.revision {
		return
	}
	d.revision = revision
	h.renew(w.At, d, rs.Labels[appsv1.DefaultDeploymentUniqueLabelKey])
}

func (h *history) takeRevision(w memstore.Write, r *appsv1.ControllerRevision) {
	owner := metav1.GetControllerOf(r)
	if owner == nil || w.Deleted {
		return
	}
	d := h.workload(diag.Object{APIVersion: owner.APIVersion, Kind: owner.Kind, Namespace: r.Namespace, Name: owner.Name})
	if r.Revision < d.revision {
		return
	}
	d.revision = r.Revision
	hash := r.Labels[appsv1.ControllerRevisionHashLabelKey]
	if owner.Kind == "StatefulSet" {
		hash = r.Name // its pods are labelled with the whole name
	}
	h.renew(w.At, d, hash)
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

func (h *history) takeWorkload(wr memstore.Write, o metav1.Object) {
	apiVersion, kind := kindOf(o)
	if owner := metav1.GetControllerOf(o); owner != nil {
		return // what a CronJob makes is told of with it
	}
	w := h.workload(diag.Object{APIVersion: apiVersion, Kind: kind, Namespace: o.GetNamespace(), Name: o.GetName()})
	if wr.Deleted {
		w.gone = true
		w.point.Desired = 0
		w.note(h, wr.At)
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
		w.note(h, wr.At)
	}
	before := w.why
	w.why = cluster.Unsettled(o)
	switch {
	case w.why != "":
		w.settled = nil
	case w.settled == nil || before != "":
		w.settled = ptr(wr.At)
	}
	if w.why != before {
		h.move(wr.At, w.object.String()+" "+w.why)
	}
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

// desiredOf gives the number of pods that an object asks for.
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

// sortedWorkloads gives the workloads that were seen, by kind, namespace and name.
func (h *history) sortedWorkloads() []*workloadTrack {
	var all []*workloadTrack
	for _, w := range h.workloads {
		if w.current != nil {
			all = append(all, w)
		}
	}
	slices.SortFunc(all, func(a, b *workloadTrack) int {
		return cmp.Or(cmp.Compare(a.object.Kind, b.object.Kind), cmp.Compare(a.object.Namespace, b.object.Namespace), cmp.Compare(a.object.Name, b.object.Name))
	})
	return all
}
