package schema

import "sync"

// ClusterScoped reports whether the objects of a resource live in no namespace, in the latest Kubernetes. A request for
// a namespace itself is made in it, so that namespaces are not; of resources that Kubernetes does not have it is not
// known.
func ClusterScoped(group, resource string) bool { return clusterScoped()[[2]string{group, resource}] }

var clusterScoped = sync.OnceValue(func() map[[2]string]bool {
	s, err := Open(Latest)
	if err != nil {
		return nil // nothing is known
	}
	scopes := map[[2]string]bool{}
	for _, k := range s.Kinds() {
		if !k.Namespaced && k.Resource != "namespaces" {
			scopes[[2]string{k.Group, k.Resource}] = true
		}
	}
	return scopes
})
