package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	v1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	typedeventsv1 "k8s.io/client-go/kubernetes/typed/events/v1"
)

// Components count events that say the same, for as long as their process lives. A cluster that lives
// from command to command would tell everything anew each time: every look at a pod that waits for a
// ConfigMap would add to its events.

// counting is a client that goes on counting where an earlier life of the cluster ended. It and what it
// gives are pointers, since some controllers ask whether they are nil.
type counting struct {
	kubernetes.Interface
	earlier *earlierEvents
}

// countOn makes a client go on counting the events of an earlier life.
func countOn(client kubernetes.Interface, earlier *earlierEvents) kubernetes.Interface {
	if earlier == nil {
		return client
	}
	return &counting{client, earlier}
}

func (c *counting) CoreV1() corev1.CoreV1Interface {
	return &countingCore{c.Interface.CoreV1(), c.earlier}
}

func (c *counting) EventsV1() typedeventsv1.EventsV1Interface {
	return &countingGroup{c.Interface.EventsV1(), c.earlier}
}

type countingCore struct {
	corev1.CoreV1Interface
	earlier *earlierEvents
}

func (c *countingCore) Events(namespace string) corev1.EventInterface {
	return &countingEvents{c.CoreV1Interface.Events(namespace), c.earlier}
}

type countingEvents struct {
	corev1.EventInterface
	earlier *earlierEvents
}

// CreateWithEventNamespace creates an event, or counts it with one that says the same.
func (e *countingEvents) CreateWithEventNamespace(event *v1.Event) (*v1.Event, error) {
	if same := e.earlier.take(event); same != nil && same.Series == nil {
		patch, err := json.Marshal(map[string]any{"count": same.Count + 1, "lastTimestamp": event.LastTimestamp})
		if err != nil {
			return nil, err
		}
		//lint:ignore SA1019 recorders call no other
		if counted, err := e.EventInterface.PatchWithEventNamespace(same, patch); err == nil {
			return counted, nil
		}
	}
	//lint:ignore SA1019 recorders call no other
	return e.EventInterface.CreateWithEventNamespace(event)
}

type countingGroup struct {
	typedeventsv1.EventsV1Interface
	earlier *earlierEvents
}

func (g *countingGroup) Events(namespace string) typedeventsv1.EventInterface {
	return &countingSeries{g.EventsV1Interface.Events(namespace), g.earlier}
}

type countingSeries struct {
	typedeventsv1.EventInterface
	earlier *earlierEvents
}

// Create creates an event, or makes it the next of a series that says the same.
func (e *countingSeries) Create(ctx context.Context, event *eventsv1.Event, options metav1.CreateOptions) (*eventsv1.Event, error) {
	if same := e.earlier.take(&v1.Event{InvolvedObject: event.Regarding, Reason: event.Reason, Message: event.Note, Type: event.Type, ReportingController: event.ReportingController}); same != nil && same.Count == 0 {
		series := eventsv1.EventSeries{Count: 2, LastObservedTime: event.EventTime}
		if same.Series != nil {
			series.Count = same.Series.Count + 1
		}
		patch, err := json.Marshal(map[string]any{"series": series})
		if err != nil {
			return nil, err
		}
		if counted, err := e.Patch(ctx, same.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err == nil {
			return counted, nil
		}
	}
	return e.EventInterface.Create(ctx, event, options)
}

// earlierEvents are those of an earlier life of the cluster that nothing has been added to yet.
type earlierEvents struct {
	mu     sync.Mutex
	events map[told]*v1.Event // the last that says something
}

// told is what an event says.
type told struct {
	about           types.UID
	part            string // of the object
	by, on          string // component and host
	kind, reason, m string
}

func says(e *v1.Event) told {
	return told{e.InvolvedObject.UID, e.InvolvedObject.FieldPath, e.ReportingController, e.Source.Host, e.Type, e.Reason, e.Message}
}

// take gives the event that says the same, once: from then on who counts knows it.
func (e *earlierEvents) take(event *v1.Event) *v1.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	same := e.events[says(event)]
	delete(e.events, says(event))
	return same
}

// readEvents reads all of them.
func readEvents(ctx context.Context, client kubernetes.Interface) (*earlierEvents, error) {
	all, err := client.CoreV1().Events("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading the events of an earlier life: %w", err)
	}
	e := &earlierEvents{events: map[told]*v1.Event{}}
	for i := range all.Items {
		event := &all.Items[i]
		e.events[says(event)] = event
	}
	return e, nil
}
