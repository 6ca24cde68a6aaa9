package live

import (
	"slices"

	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"
)

// Admission names the admission plugins that run in addition to the default ones, and default ones that do not run, by
// kube-apiserver's names.
type Admission struct{ Enable, Disable []string }

// apply changes the options of a server. A disabled plugin is removed from those that seatrial itself enables.
func (a Admission) apply(o *options.ServerRunOptions) {
	plugins := o.Admission.GenericAdmission
	disabled := func(name string) bool { return slices.Contains(a.Disable, name) }
	plugins.EnablePlugins = append(slices.DeleteFunc(plugins.EnablePlugins, disabled), a.Enable...)
	plugins.DisablePlugins = a.Disable
}
