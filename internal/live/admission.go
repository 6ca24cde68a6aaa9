package live

import (
	"slices"

	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"
)

// Admission says which admission plugins run beside those that do by default, and which of these
// do not, by kube-apiserver's names.
type Admission struct{ Enable, Disable []string }

// apply changes the options of a server. What is to be disabled is none of those that seatrial
// itself enables any more.
func (a Admission) apply(o *options.ServerRunOptions) {
	plugins := o.Admission.GenericAdmission
	disabled := func(name string) bool { return slices.Contains(a.Disable, name) }
	plugins.EnablePlugins = append(slices.DeleteFunc(plugins.EnablePlugins, disabled), a.Enable...)
	plugins.DisablePlugins = a.Disable
}
