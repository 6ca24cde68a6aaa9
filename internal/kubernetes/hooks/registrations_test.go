package hooks_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	_ "k8s.io/apiserver/pkg/validation" // registers metrics when it is initialised
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"

	"github.com/seatrial/seatrial/internal/kubernetes/hooks"
)

// registeredAtStart is how many registrations of other packages were deferred while this binary started.
var registeredAtStart = hooks.Deferred()

// None is deferred if package hooks is initialised late, because it imports something whose path sorts late.
func TestRegistrationsOfTheStartAreDeferred(t *testing.T) {
	if registeredAtStart == 0 {
		t.Error("metrics were registered before package hooks was initialised")
	}
}

func TestMetricsAreRegisteredWhenTheyAreShown(t *testing.T) {
	register := func(when string) {
		prometheus.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: when}))
		legacyregistry.MustRegister(metrics.NewCounter(&metrics.CounterOpts{Name: when + "_kubernetes"}))
		legacyregistry.RawMustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: when + "_raw"}))
	}
	register("early")
	if shown := gather(t); shown["early"] || shown["early_kubernetes"] || shown["early_raw"] {
		t.Errorf("metrics are registered before ShowMetrics: %v", shown)
	}
	hooks.ShowMetrics()
	register("late")
	hooks.ShowMetrics() // once more does nothing
	shown := gather(t)
	for _, name := range []string{"early", "early_kubernetes", "early_raw", "late", "late_kubernetes", "late_raw"} {
		if !shown[name] {
			t.Errorf("%s is not registered", name)
		}
	}
}

// gather returns the names of the metrics of both registries.
func gather(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, from := range []prometheus.Gatherer{prometheus.DefaultGatherer, legacyregistry.DefaultGatherer} {
		families, err := from.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			names[f.GetName()] = true
		}
	}
	return names
}
