// Package inprocess connects clients to an API server of the same process without a network.
//
// The central type is [Transport], an http.RoundTripper that calls the server's handler. With a batch window it also
// sequences requests: those of the same window are served one after another, in an order that depends on their
// content and not on goroutines.
//
// Rules that callers may rely on:
//   - a request waits until Open has set the handler, and fails after Refuse;
//   - a sequenced request returns when every informer cache has taken in what it changed;
//   - clients of built-in kinds may receive objects by reference (AcceptRefs).
package inprocess

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	audit "k8s.io/apiserver/pkg/apis/audit"

	sharedinformers "github.com/seatrial/seatrial/internal/cluster/informers"
	"github.com/seatrial/seatrial/internal/memstore"
)

// Options configure a Transport. The zero value does not sequence requests.
type Options struct {
	DB *memstore.DB // behind the handler; needed with a BatchWindow
	// virtual time for which requests are collected before they are sequenced; 0: they are not
	BatchWindow time.Duration
	OnIdle      func() // called before each window, when no goroutine can run; may be nil
}

// Transport is an http.RoundTripper that calls a handler of the same process. Bodies are unbounded pipes, so that
// watches stream.
type Transport struct {
	sequencer

	handler http.Handler
	direct  func(*http.Request) http.Handler // see Open
	opened  chan struct{}                    // closed when the handler is set or requests are refused
	once    sync.Once                        // closes opened
}

// New returns a transport whose requests wait for Open.
func New(o Options) *Transport {
	return &Transport{sequencer: newSequencer(o), opened: make(chan struct{})}
}

// Open lets requests through to a handler. Direct may return another handler for a request, which is then called in
// the goroutine of the client; it may be nil.
func (t *Transport) Open(h http.Handler, direct func(*http.Request) http.Handler) {
	t.once.Do(func() {
		t.handler, t.direct = h, direct
		close(t.opened)
	})
}

// Refuse makes all requests fail from now on, those that wait as well. Some are made by a controller that holds a
// lock, and that needs the lock to end: until then virtual time does not pass, and no request would be released.
func (t *Transport) Refuse() {
	t.refuse()
	t.once.Do(func() { close(t.opened) })
}

// Close refuses all requests, and waits for the goroutines of the transport.
func (t *Transport) Close() {
	t.Refuse()
	t.running.Wait()
}

// Notifications returns the batch of informer notifications that the transport holds back while it serves the
// requests of a window.
func (t *Transport) Notifications() *sharedinformers.EventBatch { return &t.batch }

// RoundTrip serves one request.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	select {
	case <-t.opened:
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	if t.window > 0 && req.Method == http.MethodGet && req.URL.RawQuery != "" {
		req = req.Clone(req.Context())
		extendWatch(req)
	}
	var s *slot
	if t.window > 0 && !updatesEvent(req) && !isLookup(req) {
		s = newSlot(req)
	}
	if err := t.acquire(s); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background()) // a server sees no values of its client's context
	stop := context.AfterFunc(req.Context(), cancel)
	w := &responseWriter{
		pipe:   newPipe(func() { stop(); cancel() }),
		header: http.Header{},
		begun:  make(chan struct{}),
	}
	t.dispatch(w, serverRequest(req, ctx))
	select {
	case <-w.begun:
	case <-req.Context().Done():
		cancel()
		return nil, req.Context().Err()
	}
	t.done(s)
	return w.response(req), nil
}

// Do runs f at the position that key has in the order of requests, and returns when a response to it would be
// released.
func (t *Transport) Do(key string, f func() error) error {
	var s *slot
	if t.window > 0 {
		s = &slot{key: key, released: make(chan struct{})}
	}
	if err := t.acquire(s); err != nil {
		return err
	}
	defer t.done(s)
	return f()
}

// dispatch passes a request to the server, in the goroutine of its client if there is a direct handler for it.
func (t *Transport) dispatch(w *responseWriter, req *http.Request) {
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

// serverRequest returns the request as the server end of a connection would see it.
func serverRequest(req *http.Request, ctx context.Context) *http.Request {
	r := req.WithContext(ctx)
	u := *req.URL
	r.URL = &u
	r.Header = req.Header.Clone()
	withoutRefs(r)
	r.Header.Set(audit.HeaderAuditID, "none") // the server would draw one from the source of UIDs
	r.RequestURI = u.RequestURI()
	r.RemoteAddr = "127.0.0.1:1"
	r.Host = u.Host
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	if r.Body == nil {
		r.Body = http.NoBody
	}
	return r
}

// watchTimeout is how long the watches of informers last in virtual time.
const watchTimeout = 10 * 365 * 24 * time.Hour

// extendWatch asks for a watch that does not end. Clients draw the timeout of a watch, five to ten minutes, from a
// source that all goroutines share; a watch in the same process need not be renewed.
func extendWatch(req *http.Request) {
	query := req.URL.Query()
	if query.Get("watch") != "true" || query.Get("allowWatchBookmarks") != "true" || !query.Has("timeoutSeconds") {
		return
	}
	query.Set("timeoutSeconds", strconv.Itoa(int(watchTimeout.Seconds())))
	query.Del("timeout")
	req.URL.RawQuery = query.Encode()
}

// updatesEvent reports whether a request updates an event. Such a request must not wait: client-go holds a lock while
// it updates the events of a series, and virtual time does not pass while a goroutine waits for a lock.
func updatesEvent(req *http.Request) bool {
	return (req.Method == http.MethodPatch || req.Method == http.MethodPut) &&
		strings.Contains(req.URL.Path, "/events/")
}

// isLookup reports whether the API server's own admission reads an object that its caches may lack yet. Such a
// request is part of another one that is being served: if lookups waited, all callers that share an answer would go
// on at once.
func isLookup(req *http.Request) bool {
	return req.Method == http.MethodGet && req.UserAgent() == ServerAgent && !req.URL.Query().Has("resourceVersion")
}

// responseWriter is the server end of a response.
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

// CloseNotify is called by the watch handler, which does not use the result.
func (w *responseWriter) CloseNotify() <-chan bool { return nil }

// response returns the client end of a response that has begun.
func (w *responseWriter) response(req *http.Request) *http.Response {
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
	}
}
