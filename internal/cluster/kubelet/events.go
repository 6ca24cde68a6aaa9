package kubelet

import (
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/record"
)

// sink writes events in parallel, as the clients of many kubelets do, and updates of one event after each other. It
// returns before an event is written.
type sink struct {
	record.EventSink
	writing *sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	waiting map[string][]func() // by event; empty while the last one is written
}

func newSink(next record.EventSink, writing *sync.WaitGroup) *sink {
	return &sink{EventSink: next, writing: writing, waiting: map[string][]func(){}}
}

// An event that the API server rejects is lost, as with a real kubelet.

func (s *sink) Create(e *v1.Event) (*v1.Event, error) {
	s.add(e, func() { _, _ = s.EventSink.Create(e) })
	return e, nil
}

func (s *sink) Update(e *v1.Event) (*v1.Event, error) {
	s.add(e, func() { _, _ = s.EventSink.Update(e) })
	return e, nil
}

func (s *sink) Patch(e *v1.Event, data []byte) (*v1.Event, error) {
	s.add(e, func() { _, _ = s.EventSink.Patch(e, data) })
	return e, nil
}

// add queues a write of an event.
func (s *sink) add(e *v1.Event, write func()) {
	event := e.Namespace + "/" + e.Name
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	line, busy := s.waiting[event]
	s.waiting[event] = append(line, write)
	if !busy {
		s.writing.Go(func() { s.work(event) })
	}
}

// close accepts no more events, and waits until queued ones are written.
func (s *sink) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

func (s *sink) work(event string) {
	for write := s.next(event); write != nil; write = s.next(event) {
		write()
	}
}

func (s *sink) next(event string) (write func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	line := s.waiting[event]
	if len(line) == 0 {
		delete(s.waiting, event)
		return nil
	}
	s.waiting[event] = line[1:]
	return line[0]
}
