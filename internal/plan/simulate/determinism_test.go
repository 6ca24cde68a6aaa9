package simulate_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seatrial/seatrial/internal/kubernetes/hooks/globals"
	"github.com/seatrial/seatrial/internal/memstore"
	"github.com/seatrial/seatrial/internal/plan/simulate"
	"github.com/seatrial/seatrial/internal/report"
)

// runsEnv is how often each case of TestSameInputSameBytes is simulated, and casesEnv a pattern of the cases.
const (
	runsEnv  = "SEATRIAL_DETERMINISM_RUNS"
	casesEnv = "SEATRIAL_DETERMINISM_CASES"
)

// TestSameInputSameBytes simulates cases again and again, with one, two and four processors while others work, and
// compares every write to the store and the report. More than one processor is more than plans have: goroutines then
// interleave in ways that a busy machine leads to once in a while.
func TestSameInputSameBytes(t *testing.T) {
	if testing.Short() {
		t.Skip("it simulates each case many times")
	}
	cases, runs := []string{
		filepath.Join("same-bytes", "everything-at-once"), filepath.Join("same-bytes", "many-nodes"),
		filepath.Join("same-bytes", "quota"),
		"preemption-budget", "topology-spread-blocked",
	}, 6
	if n, err := strconv.Atoi(os.Getenv(runsEnv)); err == nil {
		runs = n
	}
	if pattern := os.Getenv(casesEnv); pattern != "" {
		folders, err := filepath.Glob(filepath.Join("testdata", pattern))
		if err != nil || len(folders) == 0 {
			t.Fatalf("no cases %s: %v", pattern, err)
		}
		cases = cases[:0]
		for _, f := range folders {
			cases = append(cases, strings.TrimPrefix(f, "testdata"+string(filepath.Separator)))
		}
	}
	for _, name := range cases {
		t.Run(name, func(t *testing.T) {
			want := traced(t, name, 1)
			for i := 1; i < runs && !t.Failed(); i++ {
				processors := []int{4, 2, 1}[i%3]
				if i%2 == 0 {
					want.compare(t, traced(t, name, processors))
					continue
				}
				stop := busy(runtime.NumCPU())
				want.compare(t, traced(t, name, processors))
				stop()
			}
		})
	}
}

// busy keeps so many goroutines working outside of virtual time until stop is called.
func busy(workers int) (stop func()) {
	var done atomic.Bool
	for range workers {
		go func() {
			for n := 0; !done.Load(); n++ {
			}
		}()
	}
	return func() { done.Store(true) }
}

// trace is what one run wrote and reported.
type trace struct {
	processors int
	writes     []string
	report     string
}

func traced(t *testing.T, name string, processors int) trace {
	t.Helper()
	defer func(before int) { globals.Processors = before }(globals.Processors)
	globals.Processors = processors
	found := trace{processors: processors}
	in := input(t, filepath.Join("testdata", name)).Traced(func(w memstore.Write) {
		found.writes = append(found.writes,
			fmt.Sprintf("%v %d %s created=%t deleted=%t\n%q", w.At.Format("15:04:05.000000"),
				w.Revision, w.Key, w.Created, w.Deleted, w.Data))
	})
	p, err := simulate.Simulate(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	found.report = string(written(t, p, "json", report.PlanOptions{Reasons: true}))
	return found
}

// compare reports the first difference.
func (want trace) compare(t *testing.T, got trace) {
	t.Helper()
	for i := range min(len(want.writes), len(got.writes)) {
		if want.writes[i] == got.writes[i] {
			continue
		}
		t.Errorf("with %d processors write %d of %d differs:\nwant:\n%s\ngot:\n%s\nwant: %s\ngot:  %s", got.processors,
			i,
			len(want.writes), heads(want.writes, i), heads(got.writes, i), want.writes[i], got.writes[i])
		return
	}
	if len(want.writes) != len(got.writes) {
		t.Errorf("with %d processors %d writes, want %d", got.processors, len(got.writes), len(want.writes))
	}
	if want.report != got.report {
		t.Errorf("with %d processors the report differs:\n%s", got.processors, firstDifference(want.report, got.report))
	}
}

// heads returns what was written around a write, without the objects.
func heads(writes []string, i int) string {
	var lines []string
	for _, w := range writes[max(0, i-6):min(len(writes), i+6)] {
		head, _, _ := strings.Cut(w, "\n")
		lines = append(lines, head)
	}
	return strings.Join(lines, "\n")
}
