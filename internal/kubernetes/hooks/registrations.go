package hooks

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
)

// Every package that has metrics registers them while the program starts, and each of the hundred and forty
// registrations costs two switches of threads: a registry describes metrics in a goroutine of its own, while the
// goroutine that initialises packages is locked to its thread. Together they took a fifth of the start of every
// command, though only a live cluster shows metrics. They are deferred until ShowMetrics. Risk: a package that
// is initialised before this one, or registers another way, is not deferred.
func init() {
	prometheus.DefaultRegisterer = &deferring{Registerer: prometheus.DefaultRegisterer}
	mustRegister, rawMustRegister := legacyregistry.MustRegister, legacyregistry.RawMustRegister
	legacyregistry.MustRegister = func(c ...metrics.Registerable) { deferred.do(func() { mustRegister(c...) }) }
	legacyregistry.RawMustRegister = func(c ...prometheus.Collector) { deferred.do(func() { rawMustRegister(c...) }) }
}

// deferring is a registerer that defers registrations that must succeed. Those that may fail are done at once:
// the caller needs the error.
type deferring struct{ prometheus.Registerer }

func (d *deferring) MustRegister(c ...prometheus.Collector) {
	deferred.do(func() { d.Registerer.MustRegister(c...) })
}

// deferred are the registrations that have not been needed yet.
var deferred registrations

type registrations struct {
	mu      sync.Mutex
	shown   bool
	waiting []func()
}

func (r *registrations) do(register func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shown {
		register()
		return
	}
	r.waiting = append(r.waiting, register)
}

// ShowMetrics registers all metrics, for a process that shows them. Until then those of Kubernetes are not counted
// either.
func ShowMetrics() {
	deferred.mu.Lock()
	defer deferred.mu.Unlock()
	deferred.shown = true
	for _, register := range deferred.waiting {
		register()
	}
	deferred.waiting = nil
}
