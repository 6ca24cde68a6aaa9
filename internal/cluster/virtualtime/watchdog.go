package virtualtime

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/seatrial/seatrial/internal/kubernetes/hooks/fakeclock"
	"github.com/seatrial/seatrial/internal/platform"
)

// watch reports on stuck when neither the clock nor the process has made progress for a while.
func watch(pulse *atomic.Int64, result chan error) (stuck chan error, release func()) {
	bridge := current
	stuck, done, left := make(chan error, 1), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(left)
		dog := watchdog{pulse: pulse.Load(), work: platform.ProcessorTime()}
		for {
			select {
			case <-done:
				return
			case <-time.After(patience / looks):
			}
			quiet := bridge.calls.Load() == 0 && len(result) == 0
			if dog.quiet(pulse.Load(), platform.ProcessorTime()) && quiet {
				if who, blocked := fakeclock.Blocked(); dog.see(who, blocked) {
					stuck <- fmt.Errorf("%w: %s", ErrStuck, who)
					return
				}
				dog.work = platform.ProcessorTime() // to look takes some
			} else {
				dog.see("", false)
			}
		}
	}()
	return stuck, func() {
		close(done)
		<-left
	}
}

// watchdog distinguishes a run that stands still from one that has no processor. On a busy machine seconds may pass
// in which the process does next to nothing; but whenever the watchdog gets its turn, the others get theirs. A run
// stands still if each of several looks in succession finds the same goroutine waiting at the same place.
type watchdog struct {
	pulse int64         // when it looked last
	work  time.Duration // of the processors, until then
	who   string        // waited then
	seen  int           // how often in succession
}

// quiet reports whether neither the clock has moved nor the process worked since the last look.
func (d *watchdog) quiet(pulse int64, work time.Duration) bool {
	quiet := pulse == d.pulse && work-d.work < patience/looks/20
	d.pulse, d.work = pulse, work
	return quiet
}

// see takes down which goroutine keeps the clock from moving, if one does, and reports whether the run stands still.
func (d *watchdog) see(who string, blocked bool) bool {
	switch {
	case !blocked:
		d.who, d.seen = "", 0
	case who != d.who:
		d.who, d.seen = who, 1
	default:
		d.seen++
	}
	return d.seen == looks
}
