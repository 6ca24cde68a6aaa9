package virtualtime

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/uuid"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestClockJumpsOverSleep(t *testing.T) {
	err := Run(t.Context(), start, 1, func() error {
		if !time.Now().Equal(start) {
			t.Errorf("began at %v, want %v", time.Now(), start)
		}
		time.Sleep(1000 * time.Hour)
		if got := time.Since(start); got != 1000*time.Hour {
			t.Errorf("slept %v", got)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestErrorAndPanicReachTheCaller(t *testing.T) {
	want := errors.New("from inside")
	if err := Run(t.Context(), start, 1, func() error { return want }); !errors.Is(err, want) {
		t.Errorf("got %v", err)
	}
	err := Run(t.Context(), start, 1, func() error { panic("oh no") })
	if err == nil || !strings.Contains(err.Error(), "oh no") {
		t.Errorf("got %v", err)
	}
}

func TestSameSeedDrawsSameNames(t *testing.T) {
	draw := func() (id string) {
		if err := Run(t.Context(), start, 7, func() error { id = string(uuid.NewUUID()); return nil }); err != nil {
			t.Fatal(err)
		}
		return id
	}
	if a, b := draw(), draw(); a != b {
		t.Errorf("drew %s, then %s", a, b)
	}
}

func TestGoroutineThatWaitsForTheOutsideIsNamed(t *testing.T) {
	defer func(before time.Duration) { patience = before }(patience)
	patience = 200 * time.Millisecond
	outside := make(chan struct{})
	defer close(outside)
	err := Run(t.Context(), start, 1, func() error { waitOutside(outside); return nil })
	if !errors.Is(err, ErrStuck) || !strings.Contains(err.Error(), "waitOutside") {
		t.Errorf("got %v", err)
	}
}

func waitOutside(c chan struct{}) { <-c }

func TestEndOfContextEndsTheRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	outside := make(chan struct{})
	defer close(outside)
	if err := Run(ctx, start, 1, func() error { <-outside; return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsOutsideMayTakeItsTime(t *testing.T) {
	defer func(before time.Duration) { patience = before }(patience)
	patience = 20 * time.Millisecond
	outside := make(chan struct{})
	time.AfterFunc(10*patience, func() { close(outside) })
	err := Run(t.Context(), start, 1, func() error {
		inner := make(chan int, 1) // which nobody outside may touch
		Outside(func(inside func(func())) {
			<-outside
			inside(func() {
				time.Sleep(time.Hour)
				inner <- 1
			})
		})
		if got := time.Since(start); got != time.Hour || len(inner) != 1 {
			t.Errorf("slept %v, %d came", got, len(inner))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPanicOutsideReachesTheCaller(t *testing.T) {
	err := Run(t.Context(), start, 1, func() error {
		Outside(func(func(func())) { panic("oh no") })
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "oh no") {
		t.Errorf("got %v", err)
	}
}
