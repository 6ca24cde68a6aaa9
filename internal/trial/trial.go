// Package trial keeps a cluster in a file. A command loads it, lets its clock catch up, runs against the API server,
// and saves it; no process remains.
//
// The central type is [Trial]:
//
//	t := trial.Trial{Path: path}
//	err := t.Do(ctx, func(s *trial.Session) error {
//		client, err := kubernetes.NewForConfig(s.RESTConfig())
//		...
//	})
//
// [Verbs] are kubectl's own commands on it.
package trial

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"k8s.io/client-go/rest"

	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/cluster/apiserver"
	"github.com/seatrial/seatrial/internal/cluster/virtualtime"
	"github.com/seatrial/seatrial/internal/memstore"
)

const (
	// maxCatchUp is how much of the time between two commands the trial lives through.
	maxCatchUp = 5 * time.Minute
	// seededStep is that time in a trial with a seed, whatever the real clock says.
	seededStep = time.Second
	// flushTime lets what a command has set off reach the store.
	flushTime = 200 * time.Millisecond
	// quietLimit is up to where garbage is not collected at all, in bytes: most commands stay below.
	quietLimit = 160 << 20
	// memoryLimit is when garbage is collected more often after all, in bytes.
	memoryLimit = 1 << 30
	// maxCommand is how long a command may wait, in the time of the trial.
	maxCommand = 24 * time.Hour
)

// seededEpoch is when the clock of a trial with a seed begins.
var seededEpoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Trial is a cluster in a file. A missing file is a new cluster.
type Trial struct {
	Path string
	Now  func() time.Time // the real clock; nil: time.Now
}

// Session is a trial during a command.
type Session struct {
	*cluster.Cluster
	Began time.Time // when the command came, in the time of the trial
	Seed  int64     // 0: none
}

func (t *Trial) now() time.Time {
	if t.Now != nil {
		return t.Now()
	}
	return time.Now()
}

// Do runs f in virtual time on the trial, and saves it whatever f returns. If Do itself fails, nothing that f did is
// kept.
func (t *Trial) Do(ctx context.Context, f func(*Session) error) error {
	return t.with(ctx, func() error {
		state, err := load(t.Path)
		if errors.Is(err, fs.ErrNotExist) {
			state, err = t.fresh(0), nil
		}
		if err != nil {
			return err
		}
		return t.live(ctx, state, f)
	})
}

// look lets f read the trial as it was saved: no time passes, nothing runs, nothing is saved.
func (t *Trial) look(ctx context.Context, f func(*cluster.Cluster) error) error {
	state, err := load(t.Path)
	if errors.Is(err, fs.ErrNotExist) {
		state, err = t.fresh(0), nil
	}
	if err != nil {
		return err
	}
	return virtualtime.Run(ctx, state.Clock, 1, func() error {
		engine, err := cluster.Start(
			context.Background(), cluster.Config{APIServer: apiserver.Options{DB: state.db}, APIServerOnly: true},
		)
		if err != nil {
			return err
		}
		defer engine.Close()
		return f(engine)
	})
}

// Look lets f read the trial as it was saved, through its API server: no time passes, nothing runs, and the file is not
// changed.
func (t *Trial) Look(ctx context.Context, f func(*rest.Config) error) error {
	if _, err := os.Stat(t.Path); err != nil {
		return fmt.Errorf("reading the trial: %w", err)
	}
	return t.look(ctx, func(e *cluster.Cluster) error { return f(e.RESTConfig()) })
}

// Reset replaces the trial by a new cluster. With a seed other than 0 the same commands print the same output again:
// the clock begins at a fixed date, and moves by a second between commands.
func (t *Trial) Reset(ctx context.Context, seed int64, config cluster.Config) error {
	return t.with(ctx, func() error {
		return t.begin(ctx, t.fresh(seed), config, func(*Session) error { return nil })
	})
}

// with runs f with the lock of the file.
func (t *Trial) with(ctx context.Context, f func() error) error {
	unlock, err := lock(ctx, t.Path)
	if err != nil {
		return err
	}
	defer unlock()
	return f()
}

func (t *Trial) fresh(seed int64) *state {
	if seed != 0 {
		return &state{Clock: seededEpoch, Seed: seed}
	}
	now := t.now()
	return &state{Clock: now, Saved: now}
}

// live continues where the last command ended.
func (t *Trial) live(ctx context.Context, state *state, f func(*Session) error) error {
	missed := t.missed(state)
	return t.begin(ctx, state, cluster.Config{APIServer: apiserver.Options{DB: state.db}, KubeletState: state.Kubelet},
		func(s *Session) error {
			time.Sleep(missed)
			s.Began = time.Now()
			return f(s)
		})
}

// missed returns how far the clock of the trial is behind.
func (t *Trial) missed(state *state) time.Duration {
	switch {
	case state.db == nil:
		return 0
	case state.Seed != 0:
		return seededStep
	}
	return min(max(t.now().Sub(state.Saved), 0), maxCatchUp)
}

// begin runs a command on a cluster, then saves it.
func (t *Trial) begin(ctx context.Context, state *state, config cluster.Config, f func(*Session) error) error {
	defer spend()()
	config.APIServer.BatchWindow, config.APIServer.Tracking = apiserver.BatchWindow, apiserver.TrackUsers
	real := t.now() // which virtual time hides
	var result error
	err := virtualtime.Run(ctx, state.Clock, state.seed(), func() error {
		engine, err := cluster.Start(context.Background(), config)
		if err != nil {
			return err
		}
		defer engine.Close()
		if result, err = bounded(
			func() error { return f(&Session{Cluster: engine, Began: time.Now(), Seed: state.Seed}) },
		); err != nil {
			return err
		}
		time.Sleep(flushTime)
		return state.take(engine)
	})
	switch {
	case err != nil && ctx.Err() != nil:
		return errors.New("interrupted: the trial is as it was before")
	case err != nil:
		return err
	}
	state.Saved = real
	if err := save(t.Path, state); err != nil {
		return err
	}
	return result
}

// spend lets the heap grow: a command is short and creates much garbage. The first collection restores the usual pace.
func spend() (restore func()) {
	percent, limit := debug.SetGCPercent(-1), debug.SetMemoryLimit(quietLimit)
	over := runtime.AddCleanup(new([16]byte), func(percent int) {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(memoryLimit)
	}, 400)
	return func() {
		over.Stop()
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}
}

// bounded gives up on a command that waits for longer than a trial may.
func bounded(f func() error) (result, err error) {
	done := make(chan error, 1)
	failed := make(chan error, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				failed <- fmt.Errorf("panic: %v\n%s", r, debug.Stack())
			}
		}()
		done <- f()
	}()
	select {
	case result = <-done:
		return result, nil
	case err = <-failed:
		return nil, err
	case <-time.After(maxCommand):
		return nil, fmt.Errorf("the command has waited for %v of the trial's time, and is given up", maxCommand)
	}
}

// state is a trial between two commands.
type state struct {
	Clock   time.Time // of the trial
	Saved   time.Time // by the real clock
	Seed    int64     // 0: none
	Kubelet []byte

	db    *memstore.DB // as it was loaded; nil: a new cluster
	saved []byte       // what is to be saved of it
}

// take copies what is saved of a running cluster.
func (s *state) take(engine *cluster.Cluster) (err error) {
	if s.Kubelet, err = engine.KubeletState(); err != nil {
		return err
	}
	var db bytes.Buffer
	if err := engine.DB().Save(&db); err != nil {
		return err
	}
	s.Clock, s.saved = time.Now(), db.Bytes()
	return nil
}

// seed returns a seed that differs for every command.
func (s *state) seed() int64 {
	seed := s.Seed
	if seed == 0 {
		seed = s.Saved.UnixNano()
	}
	if s.db != nil {
		seed += s.db.Revision()
	}
	return seed
}
