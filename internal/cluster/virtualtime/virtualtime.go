// Package virtualtime runs code on a clock that moves only when every goroutine inside is idle, and then at once to the
// next timer.
//
// The function is [Run]. Everything that the code uses must be made inside:
//
//	err := virtualtime.Run(ctx, start, seed, func() error {
//		time.Sleep(24 * time.Hour) // takes no real time
//		return nil
//	})
package virtualtime

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seatrial/seatrial/internal/kubernetes/hooks/fakeclock"
	"github.com/seatrial/seatrial/internal/kubernetes/hooks/globals"
)

// patience is how long nothing may happen, in real time, before the watchdog gives up.
var patience = 10 * time.Second

// looks is how often the watchdog looks in that time.
const looks = 10

// linger is how long, in real time, goroutines that have to end may take.
const linger = 2 * time.Second

// ErrStuck is part of the error of a run whose clock has stopped for good.
var ErrStuck = errors.New("virtual time stands still")

// running allows one run at a time: some state of the linked Kubernetes is global.
var running sync.Mutex

// Run calls f in virtual time that begins at start (not before the year 2000), and returns what f
// returns. Names and identifiers drawn inside depend on the seed alone. Run gives up, leaving f
// behind, when ctx ends or when a goroutine inside waits for something outside.
func Run(ctx context.Context, start time.Time, seed int64, f func() error) error {
	running.Lock()
	defer running.Unlock()
	restore := globals.Set(seed)
	var pulse atomic.Int64
	current = newBridge()
	defer current.close()
	result := make(chan error, 1)
	entered, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer func() {
			if r := recover(); r != nil {
				offer(result, fmt.Errorf("virtual time: %v", r)) // after f: goroutines were left behind
			}
		}()
		fakeclock.Run(func() {
			globals.SetInside()
			close(entered)
			time.Sleep(time.Until(start))
			stop := make(chan struct{})
			go beat(&pulse, stop)
			defer close(stop)
			offer(result, guard(f))
		})
	}()
	<-entered
	stuck, release := watch(&pulse, result)
	defer release()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-stuck:
		return err
	case err := <-result:
		select {
		case <-ended:
			restore()
		case <-time.After(linger):
		}
		return err
	}
}

// Settle waits until every other goroutine of the run is idle. One goroutine at a time may call it, and none from
// outside.
func Settle() { fakeclock.Wait() }

func offer(result chan error, err error) {
	select {
	case result <- err:
	default:
	}
}

// guard turns a panic of f into an error.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic in virtual time: %v\n%s", r, debug.Stack())
		}
	}()
	return f()
}

// beat counts the minutes of virtual time, for watch.
func beat(pulse *atomic.Int64, stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Minute):
			pulse.Add(1)
		}
	}
}
