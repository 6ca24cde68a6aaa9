package clients

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/tools/record/util"
)

// Components record events through a client, the scheduler through a sink. Both are given ours, so that
//   - events that say the same are counted on, from one life of a cluster to the next. Components count for
//     as long as their process lives: every look at a pod that waits for a ConfigMap would add to its events,
//   - somebody can hear of all events in place of the API server.

// recording gives the client by which a component records events.
func (c *Set) RecordingEvents(client kubernetes.Interface) kubernetes.Interface {
	return &recordingClient{client, c}
}

// recording and what it gives are pointers, since some controllers ask whether they are nil.
type recordingClient struct {
	kubernetes.Interface
	connection *Set
}

func (r *recordingClient) CoreV1() corev1.CoreV1Interface {
	return &recordingCore{r.Interface.CoreV1(), r.connection}
}

type recordingCore struct {
	corev1.CoreV1Interface
	connection *Set
}

func (r *recordingCore) Events(namespace string) corev1.EventInterface {
	return &recordedEvents{r.CoreV1Interface.Events(namespace), r.connection}
}

type recordedEvents struct {
	corev1.EventInterface
	connection *Set
}

func (r *recordedEvents) CreateWithEventNamespace(event *v1.Event) (*v1.Event, error) {
	if r.connection.tell(event) {
		return event, nil
	}
	earlier := r.connection.prior
	event = earlier.combine(event)
	if same := earlier.claim(event); same != nil && same.Series == nil {
		patch, err := json.Marshal(map[string]any{"count": same.Count + 1, "lastTimestamp": event.LastTimestamp, "message": event.Message})
		if err != nil {
			return nil, err
		}
		//lint:ignore SA1019 recorders call no other
		if counted, err := r.EventInterface.PatchWithEventNamespace(same, patch); err == nil {
			earlier.keep(counted)
			return counted, nil
		}
	}
	//lint:ignore SA1019 recorders call no other
	created, err := r.EventInterface.CreateWithEventNamespace(event)
	// The name is of the time, which stands still while a component works.
	for later := int64(1); apierrors.IsAlreadyExists(err); later++ {
		event = event.DeepCopy()
		event.Name = util.GenerateEventName(event.InvolvedObject.Name, event.FirstTimestamp.UnixNano()+later)
		//lint:ignore SA1019 recorders call no other
		created, err = r.EventInterface.CreateWithEventNamespace(event)
	}
	if err == nil {
		earlier.keep(created)
	}
	return created, err
}

func (r *recordedEvents) UpdateWithEventNamespace(event *v1.Event) (*v1.Event, error) {
	if r.connection.tell(event) {
		return event, nil
	}
	//lint:ignore SA1019 recorders call no other
	return r.EventInterface.UpdateWithEventNamespace(event)
}

// PatchWithEventNamespace is given an event as it is after the patch.
func (r *recordedEvents) PatchWithEventNamespace(event *v1.Event, patch []byte) (*v1.Event, error) {
	if r.connection.tell(event) {
		return event, nil
	}
	//lint:ignore SA1019 recorders call no other
	return r.EventInterface.PatchWithEventNamespace(event, patch)
}

// sink gives the sink of a component that records events in the newer API.
func (c *Set) EventSink(client kubernetes.Interface) events.EventSink {
	return &recordedSeries{&events.EventSinkImpl{Interface: client.EventsV1()}, c}
}

type recordedSeries struct {
	events.EventSink
	connection *Set
}

// Create makes an event that was counted in an earlier life the next of a series.
func (r *recordedSeries) Create(ctx context.Context, event *eventsv1.Event) (*eventsv1.Event, error) {
	core := asCore(event)
	if r.connection.tell(core) {
		return event, nil
	}
	if same := r.connection.prior.claim(core); same != nil && same.Count == 0 {
		series := eventsv1.EventSeries{Count: 2, LastObservedTime: event.EventTime}
		if same.Series != nil {
			series.Count = same.Series.Count + 1
		}
		patch, err := json.Marshal(map[string]any{"series": series})
		if err != nil {
			return nil, err
		}
		known := &eventsv1.Event{ObjectMeta: metav1.ObjectMeta{Namespace: same.Namespace, Name: same.Name}}
		if counted, err := r.EventSink.Patch(ctx, known, patch); err == nil {
			return counted, nil
		}
	}
	return r.EventSink.Create(ctx, event)
}

// Patch is given an event as it is after the patch.
func (r *recordedSeries) Patch(ctx context.Context, event *eventsv1.Event, patch []byte) (*eventsv1.Event, error) {
	if r.connection.tell(asCore(event)) {
		return event, nil
	}
	return r.EventSink.Patch(ctx, event, patch)
}

// asCore gives an event of the newer API as the older one has it.
func asCore(e *eventsv1.Event) *v1.Event {
	core := &v1.Event{
		ObjectMeta: e.ObjectMeta, InvolvedObject: e.Regarding, Reason: e.Reason, Message: e.Note, Type: e.Type,
		ReportingController: e.ReportingController, ReportingInstance: e.ReportingInstance, Action: e.Action, EventTime: e.EventTime,
	}
	if e.Series != nil {
		core.Series = &v1.EventSeries{Count: e.Series.Count, LastObservedTime: e.Series.LastObservedTime}
	}
	return core
}

// tell tells whoever wants to hear of events, if there is anybody. As an API server, it takes none in a namespace
// that is about to go.
func (c *Set) tell(event *v1.Event) bool {
	if c.onEvent == nil {
		return false
	}
	namespace, err := c.namespaces.Get(event.Namespace)
	if err == nil && namespace.DeletionTimestamp == nil {
		c.onEvent(event)
	}
	return true
}

// recordTo has recorded events passed to a function, if it is not nil, in place of being stored.
func (c *Set) RecordTo(onEvent func(*v1.Event)) {
	c.onEvent, c.namespaces = onEvent, c.Informers.Core().V1().Namespaces().Lister()
}

// resumed reports whether the cluster goes on from an earlier life.
func (c *Set) Resumed() bool { return c.prior != nil }

// earlierEvents are those of an earlier life of the cluster that nothing has been added to yet.
type priorEvents struct {
	mu      sync.Mutex
	events  map[eventKey]*v1.Event  // the last that says something
	similar *record.EventAggregator // has heard of them all
}

// A recorder that has told ten events that differ in their messages alone, none of them ten minutes after the one
// before, combines what follows into one, whose message begins with Combined. Which of the ten it remembers falls by chance.
const (
	Combined     = "(combined from similar events): "
	combineFrom  = 10
	combineFor   = 600 // seconds
	combineKinds = 4096
)

// recall is a clock that can be set to the past.
type recall struct{ at time.Time } // zero: it is now

func (r *recall) Now() time.Time {
	if r.at.IsZero() {
		return time.Now()
	}
	return r.at
}

func (r *recall) Since(t time.Time) time.Duration { return r.Now().Sub(t) }

// told is what an event says.
type eventKey struct {
	about           types.UID
	part            string // of the object
	by, on          string // component and host
	kind, reason, m string
}

func keyOf(e *v1.Event) eventKey {
	said := eventKey{e.InvolvedObject.UID, e.InvolvedObject.FieldPath, e.ReportingController, e.Source.Host, e.Type, e.Reason, e.Message}
	if strings.HasPrefix(e.Message, Combined) {
		said.by, said.m = e.Source.Component, Combined
	}
	return said
}

// combine gives the event as a recorder would tell it that had told the earlier ones.
func (e *priorEvents) combine(event *v1.Event) *v1.Event {
	if e == nil || strings.HasPrefix(event.Message, Combined) {
		return event
	}
	event, _ = e.similar.EventAggregate(event)
	return event
}

// keep has an event that stands for several counted on.
func (e *priorEvents) keep(event *v1.Event) {
	if e == nil || !strings.HasPrefix(event.Message, Combined) {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.events[keyOf(event)] = event
}

// take gives the event that says the same, once: from then on who counts knows it.
func (e *priorEvents) claim(event *v1.Event) *v1.Event {
	if e == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	same := e.events[keyOf(event)]
	delete(e.events, keyOf(event))
	return same
}

// readEvents reads the events of an earlier life of the cluster.
func (c *Set) ReadEvents(ctx context.Context) error {
	all, err := c.Client.CoreV1().Events("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("reading the events of an earlier life: %w", err)
	}
	slices.SortStableFunc(all.Items, func(a, b v1.Event) int { return a.LastTimestamp.Compare(b.LastTimestamp.Time) })
	var clock recall
	e := &priorEvents{
		events:  map[eventKey]*v1.Event{},
		similar: record.NewEventAggregator(combineKinds, record.EventAggregatorByReasonFunc, record.EventAggregatorByReasonMessageFunc, combineFrom, combineFor, &clock),
	}
	for i := range all.Items {
		event := &all.Items[i]
		e.events[keyOf(event)] = event
		if clock.at = event.LastTimestamp.Time; !clock.at.IsZero() {
			e.similar.EventAggregate(event)
		}
	}
	clock.at = time.Time{}
	c.prior = e
	return nil
}
