package virtualtime

import "sync/atomic"

// Outside runs f outside of virtual time, whose clock stands still meanwhile, and returns when f has:
// what f waits for, such as a person, may take as long as it likes. f may use nothing that was made
// inside; what it hands to inside runs in virtual time again.
func Outside(f func(inside func(func()))) {
	s := current
	s.calls.Add(1)
	defer s.calls.Add(-1)
	v := <-s.free
	v.begin <- f
	for {
		select {
		case call := <-v.calls:
			s.calls.Add(-1)
			call()
			s.calls.Add(1)
			v.called <- struct{}{}
		case r := <-v.over:
			if r != nil {
				panic(r)
			}
			return
		}
	}
}

// surface is where a run meets the outside.
type bridge struct {
	calls   atomic.Int32 // how many goroutines of the inside wait for something outside
	free    chan *call
	closing chan struct{}
}

// ground is the surface of the run that goes on.
var current *bridge

func newBridge() *bridge {
	s := &bridge{free: make(chan *call), closing: make(chan struct{})}
	go s.serve()
	return s
}

// close lets no visit begin any more.
func (s *bridge) close() { close(s.closing) }

// serve gives out visits: what they are made of must be of the outside, and so must their goroutines.
func (s *bridge) serve() {
	for {
		v := &call{begin: make(chan func(func(func()))), calls: make(chan func()), called: make(chan struct{}), over: make(chan any, 1)}
		select {
		case <-s.closing:
			return
		case s.free <- v:
			go v.run()
		}
	}
}

// visit is one call of Outside. Both sides may use its channels; a goroutine inside that waits for one
// of them stops the clock.
type call struct {
	begin  chan func(func(func()))
	calls  chan func()
	called chan struct{}
	over   chan any // what f panicked with, or nil
}

func (v *call) run() {
	defer func() { v.over <- recover() }()
	(<-v.begin)(func(call func()) {
		v.calls <- call
		<-v.called
	})
}
