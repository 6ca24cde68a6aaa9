package unmetered

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
)

// Every package that measures itself registers its metrics while the program starts, and each of the hundred
// and forty costs two switches of threads: the registry is told in a goroutine of its own, while the one that
// initialises packages is locked to its thread. Together they took a fifth of the start of every command,
// though only a live cluster shows metrics. They are held back until somebody does. This package needs the
// registries alone, and its path sorts before those of who registers, so it is initialised before them.
func init() {
	prometheus.DefaultRegisterer = &holding{Registerer: prometheus.DefaultRegisterer}
	mustRegister, rawMustRegister := legacyregistry.MustRegister, legacyregistry.RawMustRegister
	legacyregistry.MustRegister = func(c ...metrics.Registerable) { held.do(func() { mustRegister(c...) }) }
	legacyregistry.RawMustRegister = func(c ...prometheus.Collector) { held.do(func() { rawMustRegister(c...) }) }
}

// holding is a registerer that holds back what has to succeed. What may fail is done at once: the caller waits for
// the answer.
type holding struct{ prometheus.Registerer }

func (h *holding) MustRegister(c ...prometheus.Collector) {
	held.do(func() { h.Registerer.MustRegister(c...) })
}

// held are the registrations that nobody needed so far.
var held registrations

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

// Show registers all metrics, for a process that shows them. Until then those of Kubernetes are not counted
// either.
func Show() {
	held.mu.Lock()
	defer held.mu.Unlock()
	held.shown = true
	for _, register := range held.waiting {
		register()
	}
	held.waiting = nil
}
