package clients

import (
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/tools/reference"
	"k8s.io/klog/v2"
)

// DirectRecorder returns a recorder of a component that passes events to the function of RecordTo in the goroutine that
// records them, nil if there is no such function. Recorders of client-go start two goroutines for each event, which
// nothing puts in order.
func (s *Set) DirectRecorder(component string) events.EventRecorderLogger {
	if s.onEvent == nil {
		return nil
	}
	return directRecorder{s, component}
}

type directRecorder struct {
	set       *Set
	component string
}

func (r directRecorder) Eventf(
	regarding, related runtime.Object, kind, reason, action, note string, args ...any,
) {
	about, err := reference.GetReference(scheme.Scheme, regarding)
	if err != nil {
		return // an object that has no name
	}
	namespace := about.Namespace
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	r.set.tell(&v1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace}, InvolvedObject: *about, Type: kind, Reason: reason,
		Message: fmt.Sprintf(note, args...), Action: action, ReportingController: r.component,
		EventTime: metav1.NewMicroTime(time.Now()),
	})
}

func (r directRecorder) WithLogger(klog.Logger) events.EventRecorderLogger { return r }
