// Package virtualtime runs code in time that does not wait: its clock moves only when every
// goroutine inside has nothing to do, and then at once to the next timer.
//
// The function is [Run]. Everything that the code uses must be made inside:
//
//	err := virtualtime.Run(ctx, start, seed, func() error {
//		time.Sleep(24 * time.Hour) // takes no time at all
//		return nil
//	})
package virtualtime

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	utilrand "k8s.io/apimachinery/pkg/util/rand"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/features"

	"github.com/seatrial/seatrial/internal/platform"
	"github.com/seatrial/seatrial/internal/unmetered"
)

// patience is how long nothing may happen, in real time, before the watchdog gives up.
var patience = 10 * time.Second

// linger is how long, in real time, goroutines that were told to end may take.
const linger = 2 * time.Second

// ErrStuck is part of the error of a run whose clock has stopped for good.
var ErrStuck = errors.New("virtual time stands still")

// running admits one run at a time: some state of the linked Kubernetes is of the process.
var running sync.Mutex

// Run calls f in virtual time that begins at start (not before the year 2000), and returns what f
// returns. Names and identifiers drawn inside depend on the seed alone. Run gives up, leaving f
// behind, when ctx ends or when a goroutine inside waits for something outside.
func Run(ctx context.Context, start time.Time, seed int64, f func() error) error {
	running.Lock()
	defer running.Unlock()
	restore := adjust(seed)
	var pulse atomic.Int64
	ground = newSurface()
	defer ground.close()
	result := make(chan error, 1)
	entered, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer func() {
			if r := recover(); r != nil {
				offer(result, fmt.Errorf("virtual time: %v", r)) // after f: goroutines were left behind
			}
		}()
		synctest.Test(&testing.T{}, func(*testing.T) {
			wait.NeverStop = make(chan struct{}) // what waits for it must be able to idle
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

// Settle waits until every other goroutine of the run has nothing to do at this moment. One goroutine
// at a time may call it, and none from outside.
func Settle() { synctest.Wait() }

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

// adjust prepares what the linked Kubernetes keeps for the whole process, and gives the way back,
// for when nothing of the run is left.
func adjust(seed int64) (restore func()) {
	// The scheduler asks for signals from inside; the goroutine that delivers them must be of the outside.
	platform.StartSignals()
	uuid.SetRand(&lockedSource{r: rand.New(rand.NewSource(seed))})
	utilrand.Seed(seed)
	settings := os.Getenv("GODEBUG")
	os.Setenv("GODEBUG", strings.TrimPrefix(settings+",randseednop=0", ",")) // rand.Seed is deaf without
	//lint:ignore SA1019 Kubernetes draws its jitter from this source
	rand.Seed(seed)
	neverStop, handlers, reallyCrash := wait.NeverStop, utilruntime.ErrorHandlers, utilruntime.ReallyCrash
	// The second default handler slows floods of errors down, by a clock that began before ours.
	utilruntime.ErrorHandlers = handlers[:1]
	utilruntime.ReallyCrash = false
	gates := features.FeatureGates()
	features.ReplaceFeatureGates(lists{gates})
	measure := unmetered.Queues()
	procs := runtime.GOMAXPROCS(1) // ties between goroutines fall the same way every time
	return func() {
		runtime.GOMAXPROCS(procs)
		measure()
		features.ReplaceFeatureGates(gates)
		wait.NeverStop, utilruntime.ErrorHandlers, utilruntime.ReallyCrash = neverStop, handlers, reallyCrash
		uuid.SetRand(nil)
		os.Setenv("GODEBUG", settings)
	}
}

// lists has clients list what there is before they watch. What is streamed to them instead goes
// through a map, and loses its order.
type lists struct{ features.Gates }

func (l lists) Enabled(f features.Feature) bool {
	return f != features.WatchListClient && l.Gates.Enabled(f)
}

type lockedSource struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (s *lockedSource) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.r.Read(p)
}

// beat shows the outside that virtual time moves.
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

// watch tells when neither the clock has moved nor the processor has worked for a while.
func watch(pulse *atomic.Int64, result chan error) (stuck chan error, release func()) {
	ground := ground
	stuck, done, left := make(chan error, 1), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(left)
		last, worked := pulse.Load(), platform.ProcessorTime()
		for {
			select {
			case <-done:
				return
			case <-time.After(patience):
			}
			now, work := pulse.Load(), platform.ProcessorTime()
			if ground.visits.Load() == 0 && now == last && work-worked < patience/20 && len(result) == 0 {
				if who, waits := culprit(stacks()); waits {
					stuck <- fmt.Errorf("%w: %s", ErrStuck, who)
					return
				}
			}
			last, worked = now, work
		}
	}()
	return stuck, func() {
		close(done)
		<-left
	}
}

var (
	inBubble = regexp.MustCompile(`^goroutine \d+ .*synctest bubble`)
	canRun   = regexp.MustCompile(`^goroutine \d+ \[(running|runnable)\b`)
)

// culprit names the goroutine that keeps the clock from moving: one inside that waits for something
// outside. Where one could run, and has only not been given a processor, nobody waits.
func culprit(stacks string) (who string, waits bool) {
	who = "no goroutine is to blame"
	for g := range strings.SplitSeq(stacks, "\n\n") {
		head, _, _ := strings.Cut(g, "\n")
		switch {
		case !inBubble.MatchString(head) || strings.Contains(head, "durable"):
		case canRun.MatchString(head):
			return "", false
		default:
			who = g
		}
	}
	return who, true
}

func stacks() string {
	buf := make([]byte, 16<<20)
	return string(buf[:runtime.Stack(buf, true)])
}
