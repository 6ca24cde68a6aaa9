package lint

import (
	"path"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Set is the index of all objects of a run. It answers in constant time, or in time
// that grows with the number of pods-bearing objects of one namespace that share a label.
type Set struct {
	All []*Resource

	byName      map[objectKey]*Resource
	byKind      map[schema.GroupKind][]*Resource
	byLabel     map[labelKey][]*Resource  // pods-bearing objects by namespace and one label
	pods        map[string][]*Resource    // pods-bearing objects by namespace
	byNamespace map[objectKey][]*Resource // objects by group, kind and namespace
	referrers   map[objectKey][]*Resource // objects by what they name
	ext         External
}

type objectKey struct{ group, kind, namespace, name string }

type labelKey struct{ namespace, key, value string }

// NewSet indexes resources; external are the objects declared to exist elsewhere.
func NewSet(resources []*Resource, external External) *Set {
	s := &Set{All: resources, byName: map[objectKey]*Resource{}, byKind: map[schema.GroupKind][]*Resource{},
		byLabel: map[labelKey][]*Resource{}, pods: map[string][]*Resource{}, byNamespace: map[objectKey][]*Resource{},
		referrers: map[objectKey][]*Resource{}, ext: external}
	for _, r := range resources {
		gk := r.GroupKind()
		s.byKind[gk] = append(s.byKind[gk], r)
		home := objectKey{gk.Group, gk.Kind, r.Object.Namespace, ""}
		s.byNamespace[home] = append(s.byNamespace[home], r)
		for _, ref := range r.Refs {
			to := objectKey{ref.Group, ref.Kind, ref.Namespace, ref.Name}
			s.referrers[to] = append(s.referrers[to], r)
		}
		key := objectKey{gk.Group, gk.Kind, r.Object.Namespace, r.Object.Name}
		if _, ok := s.byName[key]; !ok && r.Object.Name != "" {
			s.byName[key] = r
		}
		if r.HasPods {
			s.pods[r.Object.Namespace] = append(s.pods[r.Object.Namespace], r)
			for k, v := range r.PodLabels {
				lk := labelKey{r.Object.Namespace, k, v}
				s.byLabel[lk] = append(s.byLabel[lk], r)
			}
		}
	}
	return s
}

// GroupKind gives the resource's API group and kind.
func (r *Resource) GroupKind() schema.GroupKind {
	return schema.FromAPIVersionAndKind(r.Object.APIVersion, r.Object.Kind).GroupKind()
}

// Get finds an object by group, kind, namespace and name; nil where the set has none.
func (s *Set) Get(group, kind, namespace, name string) *Resource {
	return s.byName[objectKey{group, kind, namespace, name}]
}

// OfKind lists the objects of a kind in the order in which they were read.
func (s *Set) OfKind(group, kind string) []*Resource {
	return s.byKind[schema.GroupKind{Group: group, Kind: kind}]
}

// Has tells whether a referred object is in the set, is built into every cluster, or was declared external.
func (s *Set) Has(r Ref) bool {
	return s.Get(r.Group, r.Kind, r.Namespace, r.Name) != nil || builtin(r) || s.ext.Matches(r.Kind, r.Namespace, r.Name)
}

// Names lists the names of a kind in a namespace, for did-you-mean.
func (s *Set) Names(group, kind, namespace string) []string {
	var names []string
	for _, r := range s.byNamespace[objectKey{group, kind, namespace, ""}] {
		names = append(names, r.Object.Name)
	}
	return names
}

// Pods lists the pods-bearing objects of a namespace that a selector chooses.
// An empty selector chooses all; nil none.
func (s *Set) Pods(namespace string, sel *metav1.LabelSelector) []*Resource {
	if sel == nil {
		return nil
	}
	selector, err := metav1.LabelSelectorAsSelector(sel)
	if err != nil {
		return nil
	}
	candidates := s.pods[namespace]
	for k, v := range sel.MatchLabels {
		if c := s.byLabel[labelKey{namespace, k, v}]; len(c) < len(candidates) {
			candidates = c
		}
	}
	var found []*Resource
	for _, r := range candidates {
		if selector.Matches(labels.Set(r.PodLabels)) {
			found = append(found, r)
		}
	}
	return found
}

// HasPodsIn tells whether any pods-bearing object of the set lives in a namespace.
func (s *Set) HasPodsIn(namespace string) bool { return len(s.pods[namespace]) > 0 }

// Selecting lists the objects of a kind, in the resource's namespace, whose selector chooses its pods.
func (s *Set) Selecting(group, kind string, r *Resource) (out []*Resource) {
	for _, o := range s.byNamespace[objectKey{group, kind, r.Object.Namespace, ""}] {
		if o.Selector == nil {
			continue
		}
		if selector, err := metav1.LabelSelectorAsSelector(&o.Selector.LabelSelector); err == nil && selector.Matches(labels.Set(r.PodLabels)) {
			out = append(out, o)
		}
	}
	return out
}

// Referring lists the objects of a kind that name a resource.
func (s *Set) Referring(kind string, r *Resource) (out []*Resource) {
	gk := r.GroupKind()
	for _, o := range s.referrers[objectKey{gk.Group, gk.Kind, r.Object.Namespace, r.Object.Name}] {
		if o.Object.Kind == kind {
			out = append(out, o)
		}
	}
	return out
}

// External lists objects that exist elsewhere, as Kind/namespace/name or Kind/name; each part may be a glob.
type External []string

// Matches tells whether an object was declared external.
func (e External) Matches(kind, namespace, name string) bool {
	return slices.ContainsFunc(e, func(pattern string) bool {
		parts := strings.SplitN(pattern, "/", 3)
		want := []string{kind, namespace, name}
		switch len(parts) {
		case 1:
			want = want[:1]
		case 2:
			want = []string{kind, name}
		}
		for i, p := range parts {
			if ok, err := path.Match(p, want[i]); err != nil || !ok {
				return false
			}
		}
		return true
	})
}

// builtin tells whether every cluster has the object from the start.
func builtin(r Ref) bool {
	switch r.Kind {
	case "ServiceAccount":
		return r.Name == "default"
	case "ConfigMap":
		return r.Name == "kube-root-ca.crt" || r.Namespace == "kube-system" && r.Name == "extension-apiserver-authentication"
	case "Namespace":
		return slices.Contains([]string{"default", "kube-system", "kube-public", "kube-node-lease"}, r.Name)
	case "ClusterRole":
		return slices.Contains([]string{"cluster-admin", "admin", "edit", "view"}, r.Name) || strings.HasPrefix(r.Name, "system:")
	case "Role":
		return strings.HasPrefix(r.Name, "system:") || r.Name == "extension-apiserver-authentication-reader"
	case "PriorityClass":
		return strings.HasPrefix(r.Name, "system-")
	case "Service":
		return r.Namespace == "default" && r.Name == "kubernetes"
	}
	return false
}
