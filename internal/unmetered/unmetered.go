// Package unmetered keeps a process that shows no metrics from the work for them. Importing it is enough for
// metrics not to be registered before somebody calls [Show].
//
// [Queues] keeps work queues from measuring themselves: each wakes twice a second for that, and in virtual
// time, where nothing else may be to do for hours, that is almost half of the work.
package unmetered

import (
	_ "unsafe" // for go:linkname

	"k8s.io/client-go/util/workqueue"
)

// provider is what new work queues report to. The package that owns it lets it be set once, and Kubernetes'
// metrics do so as soon as they are linked.
//
//go:linkname provider k8s.io/client-go/util/workqueue.globalMetricsProvider
var provider workqueue.MetricsProvider

// none is the provider of before, which is known to measure nothing: this package needs the work queues
// alone, and its path sorts before that of the metrics, so it is initialised before them.
var none = provider

// Queues lets the work queues that are made from now on measure nothing, until restore.
func Queues() (restore func()) {
	was := provider
	provider = none
	return func() { provider = was }
}
