// Package globals replaces what the linked Kubernetes keeps for the whole process, for the time of a run in virtual
// time: [Set].
//
// Risk: Kubernetes may keep such state elsewhere tomorrow; then a run is not the same twice, or stands still.
package globals

import (
	"math/rand"
	"os"
	"runtime"
	"strings"
	"sync"

	"github.com/google/uuid"
	utilrand "k8s.io/apimachinery/pkg/util/rand"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/features"

	"github.com/seatrial/seatrial/internal/kubernetes/hooks"
	"github.com/seatrial/seatrial/internal/platform"
)

// Processors is how many goroutines of a run may run at the same time. Outcomes must not depend on it: tests raise it,
// so that goroutines interleave in more ways than those of a busy machine do.
var Processors = 1

// available is how many processors the process had before the run.
var available = 1

// Available returns how many processors a run could use, at most as many as are asked for.
func Available(most int) int { return min(available, most) }

// UseProcessors lets goroutines of a run use that many processors, until restore is called.
func UseProcessors(n int) (restore func()) {
	before := runtime.GOMAXPROCS(n)
	return func() { runtime.GOMAXPROCS(before) }
}

// Set makes what is drawn at random depend on the seed alone, and the order of goroutines on nothing. restore is to be
// called when nothing of the run is left. It has to be called outside of the run.
func Set(seed int64) (restore func()) {
	// The scheduler asks for signals from inside; the goroutine that delivers them must be one of the outside.
	platform.StartSignals()
	uuid.SetRand(&lockedSource{r: rand.New(rand.NewSource(seed))})
	utilrand.Seed(seed)
	settings := os.Getenv("GODEBUG")
	os.Setenv("GODEBUG", strings.TrimPrefix(settings+",randseednop=0", ",")) // rand.Seed does nothing without
	//lint:ignore SA1019 Kubernetes draws its jitter from this source
	rand.Seed(seed)
	neverStop, handlers, reallyCrash := wait.NeverStop, utilruntime.ErrorHandlers, utilruntime.ReallyCrash
	// The second default handler slows floods of errors down, by a clock that began before that of the run.
	utilruntime.ErrorHandlers = handlers[:1]
	utilruntime.ReallyCrash = false
	gates := features.FeatureGates()
	features.ReplaceFeatureGates(listing{gates})
	measure := hooks.DisableMetrics()
	procs := runtime.GOMAXPROCS(Processors)
	available = procs
	return func() {
		runtime.GOMAXPROCS(procs)
		measure()
		features.ReplaceFeatureGates(gates)
		wait.NeverStop, utilruntime.ErrorHandlers, utilruntime.ReallyCrash = neverStop, handlers, reallyCrash
		uuid.SetRand(nil)
		os.Setenv("GODEBUG", settings)
	}
}

// SetInside replaces what has to be made inside of the run: a goroutine that waits for a channel of the outside
// would stop the clock.
func SetInside() { wait.NeverStop = make(chan struct{}) }

// listing makes clients list before they watch. Objects that are streamed to them instead pass through a map, and lose
// their order.
type listing struct{ features.Gates }

func (l listing) Enabled(f features.Feature) bool {
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
