package inprocess

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	audit "k8s.io/apiserver/pkg/apis/audit"

	sharedinformers "github.com/seatrial/seatrial/internal/cluster/informers"
	"github.com/seatrial/seatrial/internal/cluster/virtualtime"
	"github.com/seatrial/seatrial/internal/memstore"
)

// transport is an http.RoundTripper that calls a handler of the same process. Bodies are
// unbounded pipes, so that watches stream.
type Transport struct {
	db     *memstore.DB               // behind the handler, for requests that have a pace
	window time.Duration              // of virtual time that requests are collected for; 0: no pace, no order
	onIdle func()                     // Config.Rest
	batch  sharedinformers.EventBatch // of what acts on the stored objects

	handler http.Handler
	direct  func(*http.Request) http.Handler // past it; may return nil
	opened  chan struct{}                    // closed when they are set, or all is refused
	once    sync.Once                        // for opened

	mu         sync.Mutex
	requests   []*slot
	responses  []*slot
	taken      []*slot // out of a line, and perhaps not let yet
	sequencing bool
	closed     bool
	running    sync.WaitGroup // what paces
}

// transportOptions are the options of a transport.
type Options struct {
	DB          *memstore.DB  // behind the handler, for requests that have a pace
	BatchWindow time.Duration // of virtual time that requests are collected for; 0: they are not ordered
	OnIdle      func()        // Config.Rest
}

func New(o Options) *Transport {
	return &Transport{db: o.DB, window: o.BatchWindow, onIdle: o.OnIdle, opened: make(chan struct{})}
}

// notifications returns the batch of informer notifications that the transport holds back and flushes.
func (t *Transport) Notifications() *sharedinformers.EventBatch { return &t.batch }

// InProcess gives the way to a handler of this process, without a network. Requests wait until open
// says what the handler is; after refuse they fail.
func InProcess() (way http.RoundTripper, open func(http.Handler), refuse func()) {
	t := New(Options{})
	return t, func(h http.Handler) { t.Open(h, nil) }, t.Refuse
}

// open lets requests through, to a handler.
func (t *Transport) Open(h http.Handler, direct func(*http.Request) http.Handler) {
	t.once.Do(func() {
		t.handler, t.direct = h, direct
		close(t.opened)
	})
}

var errClosed = errors.New("the cluster is closed")

// turn is a request that waits to be let in, or an answer that waits to be let out.
type slot struct {
	key      string
	req      *http.Request // nil: it is none
	body     []byte        // nil: not read yet
	released chan struct{}
	once     sync.Once
}

// let ends the wait.
func (a *slot) release() { a.once.Do(func() { close(a.released) }) }

func newSlot(req *http.Request) *slot {
	return &slot{key: req.Method + " " + req.URL.RequestURI() + " " + req.UserAgent(), req: req, released: make(chan struct{})}
}

// answer is the turn of the answer to a request.
func (a *slot) response() *slot {
	return &slot{key: a.key, req: a.req, body: a.body, released: make(chan struct{})}
}

// compare orders turns by what they ask for.
func (a *slot) compare(b *slot) int {
	if order := strings.Compare(a.key, b.key); order != 0 {
		return order
	}
	return bytes.Compare(a.content(), b.content())
}

// content reads the body that the request brings.
func (a *slot) content() []byte {
	if a.body != nil || a.req == nil || a.req.GetBody == nil {
		return a.body
	}
	a.body = []byte{}
	if body, err := a.req.GetBody(); err == nil {
		a.body, _ = io.ReadAll(body) // it is in memory
	}
	return a.body
}

// steadyWatch is how long the watches of informers last in virtual time.
const steadyWatch = 10 * 365 * 24 * time.Hour

// RoundTrip serves one request.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	select {
	case <-t.opened:
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	if t.window > 0 && req.Method == http.MethodGet && req.URL.RawQuery != "" {
		req = req.Clone(req.Context())
		steady(req)
	}
	ordered := t.window > 0 && !updatesEvent(req) && !looksUp(req)
	var mine *slot
	if ordered {
		mine = newSlot(req)
	}
	if err := t.acquire(mine); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background()) // a server sees none of its client's values
	stop := context.AfterFunc(req.Context(), cancel)
	w := &responseWriter{
		pipe:   newPipe(func() { stop(); cancel() }),
		header: http.Header{},
		begun:  make(chan struct{}),
	}
	t.pass(w, asServer(req, ctx))
	select {
	case <-w.begun:
	case <-req.Context().Done():
		cancel()
		return nil, req.Context().Err()
	}
	t.done(mine)
	length, err := strconv.ParseInt(w.sent.Get("Content-Length"), 10, 64)
	if err != nil {
		length = -1
	}
	return &http.Response{
		Status:     fmt.Sprintf("%d %s", w.code, http.StatusText(w.code)),
		StatusCode: w.code,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        w.sent,
		Body:          w.pipe,
		ContentLength: length,
		Request:       req,
	}, nil
}

// inTurn does something that is no request when a request of that key would be served. It ends when the answer
// would be there.
func (t *Transport) Do(key string, do func() error) error {
	var mine *slot
	if t.window > 0 {
		mine = &slot{key: key, released: make(chan struct{})}
	}
	if err := t.acquire(mine); err != nil {
		return err
	}
	defer t.done(mine)
	return do()
}

// enter waits for a turn, if there is one to wait for.
func (t *Transport) acquire(mine *slot) error {
	if mine != nil {
		t.wait(&t.requests, mine)
	}
	return t.check()
}

// leave waits for the turn of the answer.
func (t *Transport) done(mine *slot) {
	if mine != nil {
		t.wait(&t.responses, mine.response())
	}
}

// pass hands a request on to the server: where there is a shortcut, in the goroutine of its client.
func (t *Transport) pass(w *responseWriter, req *http.Request) {
	if t.direct != nil {
		if h := t.direct(req); h != nil {
			serve(h, w, req)
			return
		}
	}
	go serve(t.handler, w, req)
}

func serve(h http.Handler, w *responseWriter, req *http.Request) {
	defer w.finish()
	defer w.WriteHeader(http.StatusOK)
	defer func() {
		if r := recover(); r != nil && r != http.ErrAbortHandler {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}()
	h.ServeHTTP(w, req)
}

// asServer gives the request as the other end of a connection would see it.
func asServer(req *http.Request, ctx context.Context) *http.Request {
	r := req.WithContext(ctx)
	u := *req.URL
	r.URL = &u
	r.Header = req.Header.Clone()
	withoutRefs(r)
	r.Header.Set(audit.HeaderAuditID, "none") // or the server draws one, out of the same source as UIDs
	r.RequestURI = u.RequestURI()
	r.RemoteAddr = "127.0.0.1:1"
	r.Host = u.Host
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	if r.Body == nil {
		r.Body = http.NoBody
	}
	return r
}

// steady asks for watches that do not end. Clients draw how long their watches last, five to ten
// minutes, from a source that all goroutines share; a watch in this process need not be renewed.
func steady(req *http.Request) {
	query := req.URL.Query()
	if query.Get("watch") != "true" || query.Get("allowWatchBookmarks") != "true" || !query.Has("timeoutSeconds") {
		return
	}
	query.Set("timeoutSeconds", strconv.Itoa(int(steadyWatch.Seconds())))
	query.Del("timeout")
	req.URL.RawQuery = query.Encode()
}

// await holds a request or its answer back until its turn. In virtual time the next turn comes when
// every other goroutine is idle: all requests of the moment are there, and their order depends on what
// they say, not on which goroutine was faster. An answer comes when all who watch have taken in what
// the request has changed, so that whoever asked finds it in his caches.
func (t *Transport) wait(line *[]*slot, mine *slot) {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return
	}
	*line = append(*line, mine)
	if !t.sequencing {
		t.sequencing = true
		t.running.Go(t.sequence)
	}
	t.mu.Unlock()
	<-mine.released
}

func (t *Transport) check() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return errClosed
	}
	return nil
}

// refuse refuses all requests from now on, and those that wait for the handler or for their turn. Some hold a lock of a
// controller, which needs it to end; while it waits for that virtual time does not pass, and turns do not
// come.
func (t *Transport) Refuse() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for _, turn := range slices.Concat(t.requests, t.responses, t.taken) {
		turn.release()
	}
	t.once.Do(func() { close(t.opened) })
}

// close refuses all requests, and waits for what gave them their turns.
func (t *Transport) Close() {
	t.Refuse()
	t.running.Wait()
}

// updatesEvent tells requests that must not wait: client-go holds a lock while it updates the
// events of a series, and while somebody waits for a lock virtual time does not pass.
func updatesEvent(req *http.Request) bool {
	return (req.Method == http.MethodPatch || req.Method == http.MethodPut) && strings.Contains(req.URL.Path, "/events/")
}

// looksUp tells requests by which the API server's own admission asks for what its caches may lack yet. They are part
// of a request that has its turn: if they waited for one, all that share an answer would go on at once.
func looksUp(req *http.Request) bool {
	return req.Method == http.MethodGet && req.UserAgent() == ServerAgent && !req.URL.Query().Has("resourceVersion")
}

// admit gives turns while somebody waits for one: answers at once, requests at their pace. The requests
// of a moment are served before anybody hears of what they changed, as if they had reached the server
// together: whoever acts on the first change, and asks for something, has heard of the last one when he
// is answered.
func (t *Transport) sequence() {
	for {
		t.settle()
		answers, more := t.take(&t.responses)
		for _, a := range answers {
			a.release()
			t.settle()
		}
		switch {
		case len(answers) > 0:
			continue
		case !more:
			return
		}
		if t.onIdle != nil {
			t.onIdle()
		}
		if t.check() == nil {
			time.Sleep(t.window)
		}
		t.settle() // whose time has come in the same moment is there too
		requests, _ := t.take(&t.requests)
		t.db.Hold()
		for _, r := range requests {
			r.release()
			t.settle()
		}
		t.batch.Hold()
		t.db.Release()
		t.settle()
		t.running.Go(t.batch.Flush) // whoever is told may ask for something, and wait for his turn
	}
}

func (t *Transport) settle() {
	if t.check() == nil {
		virtualtime.Settle()
	}
}

// take empties a line in its order, and tells whether there is anybody at all.
func (t *Transport) take(line *[]*slot) (turns []*slot, more bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	more = len(t.requests)+len(t.responses) > 0
	t.sequencing = more
	turns, *line = *line, nil
	t.taken = turns
	slices.SortStableFunc(turns, (*slot).compare)
	return turns, more
}

// responseWriter is the server's end of a response.
type responseWriter struct {
	*pipe
	header, sent http.Header
	code         int
	once         sync.Once
	begun        chan struct{} // closed when code and sent are set
}

func (w *responseWriter) Header() http.Header { return w.header }

func (w *responseWriter) WriteHeader(code int) {
	if code >= 100 && code < 200 {
		return
	}
	w.once.Do(func() {
		w.code, w.sent = code, w.header.Clone()
		close(w.begun)
	})
}

func (w *responseWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.pipe.Write(p)
}

func (w *responseWriter) Flush() { w.WriteHeader(http.StatusOK) }

// CloseNotify is asked for by the watch handler, which then never uses it.
func (w *responseWriter) CloseNotify() <-chan bool { return nil }

var errClosedBody = errors.New("http: read on closed response body")

// pipe is a buffer without bounds. Its reader waits on a condition, which is idle in virtual time.
type pipe struct {
	mu            sync.Mutex
	changed       *sync.Cond
	buf           []byte
	ended, closed bool
	cancel        func()
}

func newPipe(cancel func()) *pipe {
	p := &pipe{cancel: cancel}
	p.changed = sync.NewCond(&p.mu)
	return p
}

func (p *pipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, io.ErrClosedPipe
	}
	p.buf = append(p.buf, b...)
	p.changed.Signal()
	return len(b), nil
}

func (p *pipe) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.buf) == 0 && !p.ended && !p.closed {
		p.changed.Wait()
	}
	switch {
	case p.closed:
		return 0, errClosedBody
	case len(p.buf) == 0:
		return 0, io.EOF
	}
	n := copy(b, p.buf)
	if p.buf = p.buf[n:]; len(p.buf) == 0 {
		p.buf = nil
	}
	return n, nil
}

// Close is the client's end: the server's request is cancelled.
func (p *pipe) Close() error {
	p.mu.Lock()
	p.closed = true
	p.changed.Broadcast()
	p.mu.Unlock()
	p.cancel()
	return nil
}

// finish is the server's end: the reader gets the rest, then the end.
func (p *pipe) finish() {
	p.mu.Lock()
	p.ended = true
	p.changed.Broadcast()
	p.mu.Unlock()
}
