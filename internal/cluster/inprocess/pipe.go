package inprocess

import (
	"errors"
	"io"
	"sync"
)

var errClosedBody = errors.New("http: read on closed response body")

// pipe is an unbounded buffer between a server that writes and a client that reads. Its reader waits on a condition,
// which counts as idle in virtual time.
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

// Close closes the client end, and cancels the request on the server.
func (p *pipe) Close() error {
	p.mu.Lock()
	p.closed = true
	p.changed.Broadcast()
	p.mu.Unlock()
	p.cancel()
	return nil
}

// finish closes the server end: the client reads the rest, then EOF.
func (p *pipe) finish() {
	p.mu.Lock()
	p.ended = true
	p.changed.Broadcast()
	p.mu.Unlock()
}
