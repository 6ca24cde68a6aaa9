package inprocess

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	sharedinformers "github.com/seatrial/seatrial/internal/cluster/informers"
	"github.com/seatrial/seatrial/internal/cluster/virtualtime"
	"github.com/seatrial/seatrial/internal/memstore"
)

var errClosed = errors.New("the cluster is closed")

// sequencer orders requests and their responses. In virtual time it acts when every other goroutine is idle: then all
// requests of the moment have arrived, and their order depends on their content alone.
type sequencer struct {
	db     *memstore.DB
	window time.Duration
	onIdle func()
	batch  sharedinformers.EventBatch

	mu         sync.Mutex
	requests   []*slot
	responses  []*slot
	taken      []*slot // out of a queue, and perhaps not released yet
	sequencing bool
	closed     bool
	released   int            // slots so far
	waits      int            // that Waiting has begun
	running    sync.WaitGroup // the goroutines of sequence and of notifications

	notifications chan func()   // for goroutines that have delivered others
	refused       chan struct{} // closed when closed is set
}

func newSequencer(o Options) sequencer {
	return sequencer{
		db: o.DB, window: o.BatchWindow, onIdle: o.OnIdle,
		notifications: make(chan func()), refused: make(chan struct{}),
	}
}

// slot is a request that waits to be served, or a response that waits to be returned.
type slot struct {
	key      string
	req      *http.Request // nil: the key alone orders it
	body     []byte        // nil: not read yet
	released chan struct{}
	once     sync.Once
}

func newSlot(req *http.Request) *slot {
	key := req.Method + " " + req.URL.RequestURI() + " " + req.UserAgent()
	return &slot{key: key, req: req, released: make(chan struct{})}
}

// release ends the wait.
func (s *slot) release() { s.once.Do(func() { close(s.released) }) }

// response returns the slot of the response to a request.
func (s *slot) response() *slot {
	return &slot{key: s.key, req: s.req, body: s.body, released: make(chan struct{})}
}

// compare orders slots by the content of their requests.
func (s *slot) compare(other *slot) int {
	if order := strings.Compare(s.key, other.key); order != 0 {
		return order
	}
	return bytes.Compare(s.content(), other.content())
}

// content returns the body of the request.
func (s *slot) content() []byte {
	if s.body != nil || s.req == nil || s.req.GetBody == nil {
		return s.body
	}
	s.body = []byte{}
	if body, err := s.req.GetBody(); err == nil {
		s.body, _ = io.ReadAll(body) // it is in memory
	}
	return s.body
}

// acquire waits until the request of a slot may be served; at once if the slot is nil.
func (q *sequencer) acquire(s *slot) error {
	if s != nil {
		q.wait(&q.requests, s)
	}
	return q.check()
}

// done waits until the response to the request of a slot may be returned: every watcher has then taken in what the
// request changed, so that the client finds it in its caches.
func (q *sequencer) done(s *slot) {
	if s != nil {
		q.wait(&q.responses, s.response())
	}
}

// wait adds a slot to a queue, and returns when it is released.
func (q *sequencer) wait(queue *[]*slot, s *slot) {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return
	}
	*queue = append(*queue, s)
	if !q.sequencing {
		q.sequencing = true
		q.running.Go(q.sequence)
	}
	q.mu.Unlock()
	<-s.released
}

func (q *sequencer) check() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errClosed
	}
	return nil
}

// refuse releases all slots; their requests, and all later ones, fail.
func (q *sequencer) refuse() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.closed = true
		close(q.refused)
	}
	for _, s := range slices.Concat(q.requests, q.responses, q.taken) {
		s.release()
	}
}

// sequence releases slots while there are any: responses at once, requests window by window. The requests of a window
// are served before any watch delivers what they changed, as if they had reached the server together: a client that
// acts on the first change, and sends a request, has seen the last change when it receives the response.
func (q *sequencer) sequence() {
	for {
		q.settle()
		responses, more := q.take(&q.responses)
		q.releaseEach(responses)
		switch {
		case len(responses) > 0:
			continue
		case !more:
			return
		}
		if q.onIdle != nil {
			q.onIdle()
		}
		if q.check() == nil {
			time.Sleep(q.window)
		}
		q.settle() // goroutines whose timers fire at the same moment have sent their requests
		requests, _ := q.take(&q.requests)
		q.db.Defer()
		q.releaseEach(requests)
		q.batch.Hold()
		q.db.Release()
		q.settle()
		q.notifyEach(q.batch.Take())
	}
}

// notifyEach delivers notifications one after another, each when the one before has led to nothing more: whom one wakes
// acts before the next one, and not as soon as a processor is free.
func (q *sequencer) notifyEach(notifications []func()) {
	for _, notify := range notifications {
		q.deliver(notify) // a handler may send a request, and wait for it
		q.settle()
	}
}

// deliver calls notify in a goroutine that has called others and is idle, or in a new one. A new one has a small stack,
// which handlers outgrow, and each time it grows it is copied.
func (q *sequencer) deliver(notify func()) {
	select {
	case q.notifications <- notify:
	default:
		q.running.Go(func() { q.deliverMore(notify) })
	}
}

// deliverMore calls notify, and then what is to be delivered while nothing else runs.
func (q *sequencer) deliverMore(notify func()) {
	for {
		notify()
		select {
		case notify = <-q.notifications:
		case <-q.refused:
			return
		}
	}
}

// releaseEach releases slots one after another, each when the one before has led to nothing more.
func (q *sequencer) releaseEach(slots []*slot) {
	for _, s := range slots {
		q.mu.Lock()
		q.released++
		q.mu.Unlock()
		s.release()
		q.settle()
	}
}

// Waiting is called before something that may wait for other requests, and goOn after it. Of several goroutines that
// stop waiting in the same moment, one after another goes on, in the order in which they began, each when the one
// before has led to nothing more.
func (q *sequencer) Waiting() (goOn func()) {
	if q.window == 0 {
		return func() {}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	released := q.released
	q.waits++
	s := &slot{key: fmt.Sprintf("%020d", q.waits), released: make(chan struct{})} // before all keys of requests
	return func() {
		q.mu.Lock()
		waited := q.released > released
		q.mu.Unlock()
		if waited {
			q.wait(&q.responses, s)
		}
	}
}

func (q *sequencer) settle() {
	if q.check() == nil {
		virtualtime.Settle()
	}
}

// take empties a queue in order, and reports whether any slot was waiting in either.
func (q *sequencer) take(queue *[]*slot) (slots []*slot, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	more = len(q.requests)+len(q.responses) > 0
	q.sequencing = more
	slots, *queue = *queue, nil
	q.taken = slots
	slices.SortStableFunc(slots, (*slot).compare)
	return slots, more
}
