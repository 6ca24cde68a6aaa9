package hooks

import (
	_ "unsafe" // for go:linkname

	"k8s.io/client-go/util/workqueue"
)

// provider is where new work queues report their metrics. Its package lets it be set once, and Kubernetes' metrics
// do so as soon as they are linked. Risk: if the variable is renamed, the link fails to have an effect, or to build.
//
//go:linkname provider k8s.io/client-go/util/workqueue.globalMetricsProvider
var provider workqueue.MetricsProvider

// noop is the original provider, which measures nothing: this package is initialised before the one that sets
// the other.
var noop = provider

// DisableMetrics makes the work queues that are created from now on measure nothing, until restore. Each would wake
// twice a second for that, which in virtual time, where nothing else may happen for hours, is half of the work.
func DisableMetrics() (restore func()) {
	before := provider
	provider = noop
	return func() { provider = before }
}
