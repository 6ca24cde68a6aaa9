package fakeclock

import (
	"strings"
	"testing"
	"time"
)

func TestClockMovesWhenAllAreBlocked(t *testing.T) {
	Run(func() {
		begin := time.Now()
		time.Sleep(1000 * time.Hour)
		if slept := time.Since(begin); slept != 1000*time.Hour {
			t.Errorf("slept %v", slept)
		}
	})
}

// The form of stacks may change with every Go.
func TestGoroutineThatWaitsForTheOutsideIsFound(t *testing.T) {
	outside, inside, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		Run(func() { close(inside); waitOutside(outside) })
	}()
	<-inside
	for {
		stack, blocked := Blocked()
		if blocked && strings.Contains(stack, "waitOutside") {
			break
		}
		if t.Context().Err() != nil {
			t.Fatal(stack)
		}
	}
	close(outside)
	<-done
}

func waitOutside(c chan struct{}) { <-c }

func TestGoroutineThatCanRunIsNotBlocked(t *testing.T) {
	const (
		outside = "goroutine 1 [running]:\nmain.main()"
		idle    = "goroutine 7 [chan receive (durable), synctest bubble 1]:\nwaits()"
		blocked = "goroutine 8 [sync.Mutex.Lock, synctest bubble 1]:\nlocks()"
		longer  = "goroutine 8 [sync.Mutex.Lock, 2 minutes, synctest bubble 1]:\nlocks()"
		starved = "goroutine 9 [runnable, synctest bubble 1]:\nworks()"
	)
	for _, c := range []struct {
		stacks []string
		who    string
		waits  bool
	}{
		{[]string{outside, idle}, "no goroutine is to blame", true},
		{[]string{outside, idle, blocked}, blocked, true},
		{[]string{outside, idle, longer}, blocked, true},
		{[]string{outside, blocked, idle, starved}, "", false},
	} {
		if who, waits := blockedIn(strings.Join(c.stacks, "\n\n")); who != c.who || waits != c.waits {
			t.Errorf("%q: got %q, %v", c.stacks, who, waits)
		}
	}
}
