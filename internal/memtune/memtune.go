// Package memtune keeps a short command fast and the memory of a long one small. Importing it is enough: it is
// initialised before most other packages, lets the heap grow before garbage is collected, and gives
// back what was touched of the program's own file with each collection of garbage, and before a simulation
// ([Simulate]). A command that is over before its first collection has none of that work: its pages of the
// file are the system's to reclaim.
package memtune

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// This package needs little of others, and is therefore initialised before most of them. The thousand
// that follow would otherwise fill a small heap three times.
func init() {
	if runtime.MemProfileRate == usualProfile {
		runtime.MemProfileRate = 0
	}
	tune()
}

// usualProfile is how often, in bytes, an allocation is noted down with its stack, for profiles that nobody
// takes: each touches the tables of functions from one end to the other. GODEBUG=memprofilerate=N wins.
const usualProfile = 512 << 10

// The heap of a process may grow to calmHeap bytes before garbage is collected in earnest, and in any
// case by heapRoom, or as much again as is alive, beyond that: a large set, and the more so a large
// cluster, must not be collected without end.
const (
	calmHeap = 128 << 20
	heapRoom = 72 << 20
)

// A simulation has more garbage than anything else: it begins with less, so that a small one stays small,
// and gets more when more is alive.
const (
	simulationHeap = 76 << 20
	large          = 32 << 20  // alive
	leastRoom      = 256 << 20 // beyond what is alive
	mostRoom       = 512 << 20 // or half as much again as is alive, if that is more
	ampleRoom      = 3 << 29   // if the system has twice as much for all that is held then
	overrun        = 384 << 20 // beyond that, if nobody calls Collect for too long
)

var simulating atomic.Bool

// Simulate says that the process is to simulate a cluster. What its start has touched of the program's file is given
// back: what is needed again comes from the page cache.
func Simulate() {
	releaseProgram()
	if settled() {
		return
	}
	simulating.Store(true)
	full.Store(simulationHeap)
	debug.SetGCPercent(-1) // the limit alone decides
	debug.SetMemoryLimit(simulationHeap + overrun)
}

// full is how much a simulation lets the heap hold before it collects garbage; 0: there is none.
var full atomic.Int64

// Collect collects the garbage of a simulation when there is enough of it. It is to be called while
// nothing else runs. A simulation runs on one processor, so that things fall in order; this runs on all.
func Collect() {
	most := full.Load()
	if most == 0 {
		return
	}
	held := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	if metrics.Read(held); int64(held[0].Value.Uint64()) < most {
		return
	}
	processors := runtime.GOMAXPROCS(runtime.NumCPU())
	defer runtime.GOMAXPROCS(processors)
	runtime.GC()
}

// settled tells whether the user has said how much memory there is.
func settled() bool { return os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" }

// isLarge tells whether a simulation is large by what is alive.
func isLarge(alive int64) bool { return simulating.Load() && alive > large }

// room is how far the heap may grow beyond what is alive.
func room(alive int64) int64 {
	if !isLarge(alive) {
		return max(heapRoom, alive)
	}
	wanted := max(alive*7/2, leastRoom)
	if ample := min(wanted, ampleRoom); alive+ample+overrun <= available()/2 {
		return max(ample, alive*3/2)
	}
	return min(wanted, max(mostRoom, alive*3/2))
}

// tune lets the heap of a short-lived process grow before it is collected, up to a bound
// below what a CI container has. GOGC and GOMEMLIMIT win.
func tune() {
	if settled() {
		return
	}
	debug.SetGCPercent(800)
	debug.SetMemoryLimit(calmHeap)
	runtime.SetFinalizer(new(sentinel), makeRoom)
}

// sentinel is an object that nobody holds: each collection of garbage finds it.
type sentinel struct{ _ *sentinel }

// makeRoom raises the limit of the heap after each collection where what is alive needs it, and makes up
// for that with the pages of the program that are not needed any more. A simulation needs most of them.
func makeRoom(s *sentinel) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	if !simulating.Load() {
		releaseProgram()
	}
	alive := int64(live[0].Value.Uint64())
	need := alive + room(alive)
	if simulating.Load() {
		full.Store(need)
		need += overrun
	}
	if need > debug.SetMemoryLimit(-1) {
		debug.SetMemoryLimit(need)
	}
	runtime.SetFinalizer(s, makeRoom)
}
