// Package hooks holds every place where this program reaches into a corner of Kubernetes or Go that is not
// meant for it. Each has a test that fails when the corner moves.
//
// This package itself keeps a process that shows no metrics from the work for them: importing it is enough for
// metrics not to be registered before [ShowMetrics], and [DisableMetrics] keeps work queues from measuring
// themselves. The other corners are in packages of their own, because Go initialises packages that are ready
// in the order of their import paths: a package that has to be initialised before those of k8s.io must import
// nothing that sorts late.
//
// The inventory:
//
//	hooks               prometheus.DefaultRegisterer and two variables of legacyregistry are replaced, by load order;
//	                    linkname of k8s.io/client-go/util/workqueue.globalMetricsProvider
//	hooks/translations  i18n.SetLoadTranslationsFunc, by load order
//	hooks/codecs        k8s.io/client-go/kubernetes/scheme.Codecs is replaced
//	hooks/fakeclock     testing/synctest outside of a test; the text of runtime.Stack is read
//	hooks/policies      go:linkname of compilePolicy in the plugins policy/validating and policy/mutating of k8s.io/apiserver
//	hooks/claims        the field queue of pvcprotection.Controller is read, go:linkname of its method processPVC
//	hooks/globals       wait.NeverStop, the error handlers, the feature gates of client-go, the sources of random
//	                    numbers and UIDs are replaced for the time of a run
//	internal/kubernetes go:linkname of gitVersion, gitMajor and gitMinor in k8s.io/component-base/version
//	internal/memtune    runtime.MemProfileRate is set while packages are initialised, by load order
package hooks
