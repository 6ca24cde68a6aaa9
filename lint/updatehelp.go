package lint

import (
	"slices"
	"strings"

	"github.com/seatrial/seatrial/diag"
)

// updateWayOuts say what to do about a change that the server refuses, by kind and path; the first that fits counts.
// KIND and NAME stand for those of the object, as kubectl takes them.
var updateWayOuts = []struct {
	kinds []string
	path  string // of the field or what holds it; empty: any
	text  string
}{
	{[]string{"StatefulSet"}, "spec.volumeClaimTemplates",
		"volumes that exist keep their size: grow them with `kubectl edit pvc`, " +
			"then `kubectl delete KIND NAME --cascade=orphan` and apply, which adopts the running pods"},
	{[]string{"Deployment", "ReplicaSet", "DaemonSet", "StatefulSet"}, "spec.selector",
		"use another name, or `kubectl delete KIND NAME " +
			"--cascade=orphan` and apply: pods with the old labels keep running until you delete them"},
	{[]string{"Deployment", "ReplicaSet", "DaemonSet", "StatefulSet"}, "",
		"`kubectl delete KIND NAME --cascade=orphan` and apply, " +
			"which adopts the running pods"},
	{[]string{"Job"}, "", "a Job runs once: `kubectl delete KIND NAME` and apply, or give each run a name of its own"},
	{
		[]string{"Pod"}, "",
		"pods are replaced: `kubectl replace --force -f FILE`, or let a Deployment do it with `kubectl rollout`",
	},
	{
		[]string{"PersistentVolumeClaim"}, "spec.resources",
		"volumes do not shrink: create a claim of another name and copy the data",
	},
	{[]string{"PersistentVolumeClaim"}, "", "create a claim of another name and copy the data"},
	{[]string{"PersistentVolume"}, "", "create a volume of another name"},
	{[]string{"Service"}, "spec.clusterIP",
		"leave the field out to keep the address, or `kubectl delete KIND NAME` and apply, " +
			"which interrupts clients"},
	{
		[]string{"RoleBinding", "ClusterRoleBinding"}, "roleRef",
		"`kubectl auth reconcile -f FILE` deletes the binding and creates it again",
	},
	{[]string{"ConfigMap", "Secret"}, "type", "`kubectl delete KIND NAME` and apply"},
	{[]string{"ConfigMap", "Secret"}, "",
		"use another name and refer to it, or `kubectl delete KIND NAME`, apply, and " +
			"`kubectl rollout restart` what uses it"},
	{
		[]string{"StorageClass"}, "",
		"use another name, or `kubectl delete KIND NAME` and apply: volumes that exist stay as they are",
	},
	{
		[]string{"PriorityClass"}, "",
		"use another name, or `kubectl delete KIND NAME` and apply: pods that exist keep their priority",
	},
	{[]string{"CustomResourceDefinition"}, "status.storedVersions",
		"keep the version, with served: false, until all objects are " +
			"stored in another one and status.storedVersions no longer lists it"},
	{[]string{"CustomResourceDefinition"}, "spec.versions",
		"keep the version, with served: false, until all objects are stored in " +
			"another one and status.storedVersions no longer lists it"},
	{
		[]string{"CustomResourceDefinition"}, "",
		"define another kind and migrate the objects: deleting the definition deletes them",
	},
	{nil, "", "use another name, or `kubectl delete KIND NAME` and apply"},
}

// UpdateHelp returns what to do about a change of an object that the server refuses at some paths.
func UpdateHelp(o diag.Object, paths ...string) string {
	kind := strings.ToLower(o.Kind)
	name := o.Name
	if o.Namespace != "" {
		name += " -n " + o.Namespace
	}
	for _, w := range updateWayOuts {
		at := func(path string) bool { return w.path == "" || strings.HasPrefix(path, w.path) }
		if (w.kinds == nil || slices.Contains(w.kinds, o.Kind)) && slices.ContainsFunc(paths, at) {
			return strings.NewReplacer("KIND", kind, "NAME", name).Replace(w.text)
		}
	}
	return ""
}
