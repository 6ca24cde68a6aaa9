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

// Components record events through a client, the scheduler through a sink. Wrapping both has two uses:
//   - events that repeat are counted across restarts of a cluster. Components count while their process lives: each
//     command on a trial would otherwise add another event about the same waiting pod;
//   - events can be passed to a function instead of being stored.

// RecordingEvents returns a client for a component that records events.
func (s *Set) RecordingEvents(client kubernetes.Interface) kubernetes.Interface {
	return &recordingClient{client, s}
}

// recordingClient and the clients that it returns are pointers, since some controllers compare them with nil.
type recordingClient struct {
	kubernetes.Interface
	set *Set
}

func (r *recordingClient) CoreV1() corev1.CoreV1Interface {
	return &recordingCoreClient{r.Interface.CoreV1(), r.set}
}

type recordingCoreClient struct {
	corev1.CoreV1Interface
	set *Set
}

func (r *recordingCoreClient) Events(namespace string) corev1.EventInterface {
	return &eventClient{r.CoreV1Interface.Events(namespace), r.set}
}

type eventClient struct {
	corev1.EventInterface
	set *Set
}

func (r *eventClient) CreateWithEventNamespace(event *v1.Event) (*v1.Event, error) {
	if r.set.tell(event) {
		return event, nil
	}
	prior := r.set.prior
	event = prior.combine(event)
	if same := prior.claim(event); same != nil && same.Series == nil {
		patch, err := json.Marshal(map[string]any{
			"count": same.Count + 1, "lastTimestamp": event.LastTimestamp, "message": event.Message,
		})
		if err != nil {
			return nil, err
		}
		//lint:ignore SA1019 recorders call no other
		if counted, err := r.EventInterface.PatchWithEventNamespace(same, patch); err == nil {
			prior.keep(counted)
			return counted, nil
		}
	}
	//lint:ignore SA1019 recorders call no other
	created, err := r.EventInterface.CreateWithEventNamespace(event)
	// The name is made of the time, which does not move while a component works.
	for later := int64(1); apierrors.IsAlreadyExists(err); later++ {
		event = event.DeepCopy()
		event.Name = util.GenerateEventName(event.InvolvedObject.Name, event.FirstTimestamp.UnixNano()+later)
		//lint:ignore SA1019 recorders call no other
		created, err = r.EventInterface.CreateWithEventNamespace(event)
	}
	if err == nil {
		prior.keep(created)
	}
	return created, err
}

func (r *eventClient) UpdateWithEventNamespace(event *v1.Event) (*v1.Event, error) {
	if r.set.tell(event) {
		return event, nil
	}
	//lint:ignore SA1019 recorders call no other
	return r.EventInterface.UpdateWithEventNamespace(event)
}

// PatchWithEventNamespace receives the event as it is after the patch.
func (r *eventClient) PatchWithEventNamespace(event *v1.Event, patch []byte) (*v1.Event, error) {
	if r.set.tell(event) {
		return event, nil
	}
	//lint:ignore SA1019 recorders call no other
	return r.EventInterface.PatchWithEventNamespace(event, patch)
}

// EventSink returns the sink of a component that records events of events.k8s.io.
func (s *Set) EventSink(client kubernetes.Interface) events.EventSink {
	return &seriesSink{&events.EventSinkImpl{Interface: client.EventsV1()}, s}
}

type seriesSink struct {
	events.EventSink
	set *Set
}

// Create continues the series of an event that was recorded before a restart.
func (r *seriesSink) Create(ctx context.Context, event *eventsv1.Event) (*eventsv1.Event, error) {
	core := asCore(event)
	if r.set.tell(core) {
		return event, nil
	}
	if same := r.set.prior.claim(core); same != nil && same.Count == 0 {
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

// Patch receives the event as it is after the patch.
func (r *seriesSink) Patch(ctx context.Context, event *eventsv1.Event, patch []byte) (*eventsv1.Event, error) {
	if r.set.tell(asCore(event)) {
		return event, nil
	}
	return r.EventSink.Patch(ctx, event, patch)
}

// asCore returns an event of events.k8s.io as a core event.
func asCore(e *eventsv1.Event) *v1.Event {
	core := &v1.Event{
		ObjectMeta: e.ObjectMeta, InvolvedObject: e.Regarding, Reason: e.Reason, Message: e.Note, Type: e.Type,
		ReportingController: e.ReportingController, ReportingInstance: e.ReportingInstance,
		Action: e.Action, EventTime: e.EventTime,
	}
	if e.Series != nil {
		core.Series = &v1.EventSeries{Count: e.Series.Count, LastObservedTime: e.Series.LastObservedTime}
	}
	return core
}

// tell passes the event to the function of RecordTo, and reports whether there is one. Like an API server, it drops an
// event in a namespace that is being deleted.
func (s *Set) tell(event *v1.Event) bool {
	if s.onEvent == nil {
		return false
	}
	namespace, err := s.namespaces.Get(event.Namespace)
	if err == nil && namespace.DeletionTimestamp == nil {
		s.onEvent(event)
	}
	return true
}

// RecordTo passes recorded events to a function, which must not change them, instead of storing them. A nil function
// changes nothing.
func (s *Set) RecordTo(onEvent func(*v1.Event)) {
	s.onEvent, s.namespaces = onEvent, s.Informers.Core().V1().Namespaces().Lister()
}

// Resumed reports whether the cluster existed before a restart.
func (s *Set) Resumed() bool { return s.prior != nil }

// priorEvents are the events from before a restart that no component has repeated yet.
type priorEvents struct {
	mu      sync.Mutex
	events  map[eventKey]*v1.Event  // the latest with each key
	similar *record.EventAggregator // has seen them all
}

// A recorder that has recorded ten events that differ only in their messages, none of them ten minutes after the one
// before, combines the following ones into one event, whose message begins with Combined. Which of the ten it keeps
// is not determined.
const (
	Combined     = "(combined from similar events): "
	combineFrom  = 10
	combineFor   = 600 // seconds
	combineKinds = 4096
)

// pastClock is a clock that can be set to the past.
type pastClock struct{ at time.Time } // zero: the present

func (c *pastClock) Now() time.Time {
	if c.at.IsZero() {
		return time.Now()
	}
	return c.at
}

func (c *pastClock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// eventKey is equal for events that repeat each other.
type eventKey struct {
	object                types.UID
	field                 string // of the object
	component, host       string
	kind, reason, message string
}

func keyOf(e *v1.Event) eventKey {
	key := eventKey{
		object: e.InvolvedObject.UID, field: e.InvolvedObject.FieldPath,
		component: e.ReportingController, host: e.Source.Host,
		kind: e.Type, reason: e.Reason, message: e.Message,
	}
	if strings.HasPrefix(e.Message, Combined) {
		key.component, key.message = e.Source.Component, Combined
	}
	return key
}

// combine returns the event as a recorder that had recorded the prior events would write it.
func (p *priorEvents) combine(event *v1.Event) *v1.Event {
	if p == nil || strings.HasPrefix(event.Message, Combined) {
		return event
	}
	event, _ = p.similar.EventAggregate(event)
	return event
}

// keep remembers an event that stands for several, so that it is counted.
func (p *priorEvents) keep(event *v1.Event) {
	if p == nil || !strings.HasPrefix(event.Message, Combined) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events[keyOf(event)] = event
}

// claim returns and forgets the prior event that event repeats, nil if there is none; from then on the recorder counts.
func (p *priorEvents) claim(event *v1.Event) *v1.Event {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	same := p.events[keyOf(event)]
	delete(p.events, keyOf(event))
	return same
}

// ReadEvents reads the events from before a restart.
func (s *Set) ReadEvents(ctx context.Context) error {
	all, err := s.Client.CoreV1().Events("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("reading the events from before the restart: %w", err)
	}
	slices.SortStableFunc(all.Items, func(a, b v1.Event) int { return a.LastTimestamp.Compare(b.LastTimestamp.Time) })
	var clock pastClock
	p := &priorEvents{
		events: map[eventKey]*v1.Event{},
		similar: record.NewEventAggregator(combineKinds,
			record.EventAggregatorByReasonFunc, record.EventAggregatorByReasonMessageFunc, combineFrom, combineFor,
			&clock),
	}
	for i := range all.Items {
		event := &all.Items[i]
		p.events[keyOf(event)] = event
		if clock.at = event.LastTimestamp.Time; !clock.at.IsZero() {
			p.similar.EventAggregate(event)
		}
	}
	clock.at = time.Time{}
	s.prior = p
	return nil
}
