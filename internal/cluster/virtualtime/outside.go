package virtualtime

import "sync/atomic"

// Outside runs f outside of virtual time, whose clock does not move meanwhile, and returns when f returns: f may wait
// for real events, such as input of a person. It must not use anything that was made inside, except through inside,
// which runs a function in virtual time.
func Outside(f func(inside func(func()))) {
	b := current
	b.calls.Add(1)
	defer b.calls.Add(-1)
	c := <-b.free
	c.begin <- f
	for {
		select {
		case do := <-c.inside:
			b.calls.Add(-1)
			do()
			b.calls.Add(1)
			c.done <- struct{}{}
		case r := <-c.over:
			if r != nil {
				panic(r)
			}
			return
		}
	}
}

// bridge connects a run with goroutines outside of it.
type bridge struct {
	calls   atomic.Int32 // goroutines inside that wait for Outside
	free    chan *call
	closing chan struct{}
}

// current is the bridge of the present run.
var current *bridge

func newBridge() *bridge {
	b := &bridge{free: make(chan *call), closing: make(chan struct{})}
	go b.serve()
	return b
}

// close prevents further calls.
func (b *bridge) close() { close(b.closing) }

// serve provides calls: their channels and goroutines must be made outside.
func (b *bridge) serve() {
	for {
		c := &call{
			begin:  make(chan func(func(func()))),
			inside: make(chan func()),
			done:   make(chan struct{}),
			over:   make(chan any, 1),
		}
		select {
		case <-b.closing:
			return
		case b.free <- c:
			go c.run()
		}
	}
}

// call is one call of Outside. Both sides may use its channels; a goroutine inside that waits for one of them stops the
// clock.
type call struct {
	begin  chan func(func(func()))
	inside chan func()   // to run in virtual time
	done   chan struct{} // after each
	over   chan any      // what f panicked with, or nil
}

func (c *call) run() {
	defer func() { c.over <- recover() }()
	(<-c.begin)(func(do func()) {
		c.inside <- do
		<-c.done
	})
}
