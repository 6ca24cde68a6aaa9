package memstore

import (
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// mostInterned is how many strings an interner keeps at most.
const mostInterned = 1 << 14

// interner keeps one copy of the strings by which objects are compared over and over: strings with the same address are
// equal without a look at their bytes, which are far apart in the objects of a large cluster.
type interner struct {
	mu    sync.Mutex
	known map[string]string
}

// object replaces the strings of a new object's metadata: its namespace, labels, and owners.
func (i *interner) object(obj runtime.Object) {
	o, ok := obj.(metav1.ObjectMetaAccessor)
	if !ok {
		return
	}
	m, ok := o.GetObjectMeta().(*metav1.ObjectMeta)
	if !ok {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	m.Namespace = i.string(m.Namespace)
	m.Labels = i.labels(m.Labels)
	if uid, ok := i.known[string(m.UID)]; ok {
		m.UID = types.UID(uid) // it owns others
	}
	for n := range m.OwnerReferences {
		o := &m.OwnerReferences[n]
		o.APIVersion, o.Kind, o.Name = i.string(o.APIVersion), i.string(o.Kind), i.string(o.Name)
		o.UID = types.UID(i.string(string(o.UID)))
	}
}

// labels returns a copy of labels: a key that is there keeps its address when it is set again.
func (i *interner) labels(labels map[string]string) map[string]string {
	if len(labels) == 0 {
		return labels
	}
	same := make(map[string]string, len(labels))
	for k, v := range labels {
		same[i.string(k)] = i.string(v)
	}
	return same
}

func (i *interner) string(s string) string {
	if s == "" {
		return s
	}
	if known, ok := i.known[s]; ok {
		return known
	}
	if len(i.known) >= mostInterned {
		return s
	}
	if i.known == nil {
		i.known = map[string]string{}
	}
	i.known[s] = s
	return s
}
