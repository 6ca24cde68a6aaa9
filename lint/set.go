package lint

import (
	"iter"
	"path"
	"slices"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Set is the index of all objects of a run. It answers in constant time, or in time that grows
// with the number of objects that the answer holds.
type Set struct {
	All []*Resource

	byName      map[objectKey]*Resource
	byKind      map[schema.GroupKind][]*Resource
	byLabel     map[labelKey][]*Resource  // pods-bearing objects by namespace and one label
	byLabelKey  map[labelKey][]*Resource  // the same by the label's key alone
	pods        map[string][]*Resource    // pods-bearing objects by namespace
	byNamespace map[objectKey][]*Resource // objects by group, kind and namespace
	referrers   map[objectKey][]*Resource // objects by what they name
	selectors   map[*Resource]labels.Selector
	selecting   func() map[selectingKey][]*Resource
	ext         External
}

type objectKey struct{ group, kind, namespace, name string }

type labelKey struct{ namespace, key, value string }

// selectingKey files a selector under one label that it asks for; under none when it asks for none.
type selectingKey struct {
	schema.GroupKind
	labelKey
}

// NewSet indexes resources; external are the objects declared to exist elsewhere.
func NewSet(resources []*Resource, external External) *Set {
	s := &Set{All: resources, byName: map[objectKey]*Resource{}, byKind: map[schema.GroupKind][]*Resource{},
		byLabel: map[labelKey][]*Resource{}, byLabelKey: map[labelKey][]*Resource{}, pods: map[string][]*Resource{}, byNamespace: map[objectKey][]*Resource{},
		referrers: map[objectKey][]*Resource{}, selectors: map[*Resource]labels.Selector{}, ext: external}
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
		if r.Selector != nil {
			if selector, err := metav1.LabelSelectorAsSelector(&r.Selector.LabelSelector); err == nil {
				s.selectors[r] = selector
			}
		}
		if r.HasPods {
			s.pods[r.Object.Namespace] = append(s.pods[r.Object.Namespace], r)
			for k, v := range r.PodLabels {
				pair, key := labelKey{r.Object.Namespace, k, v}, labelKey{r.Object.Namespace, k, ""}
				s.byLabel[pair] = append(s.byLabel[pair], r)
				s.byLabelKey[key] = append(s.byLabelKey[key], r)
			}
		}
	}
	s.selecting = sync.OnceValue(s.fileSelectors)
	return s
}

// fileSelectors files each selector under the rarest label that it asks for.
func (s *Set) fileSelectors() map[selectingKey][]*Resource {
	filed := map[selectingKey][]*Resource{}
	for _, r := range s.All {
		if s.selectors[r] == nil {
			continue
		}
		k := selectingKey{r.GroupKind(), labelKey{namespace: r.Object.Namespace}}
		if rarest, ok := s.rarest(r.Object.Namespace, r.Selector.MatchLabels); ok {
			k.labelKey = rarest
		}
		filed[k] = append(filed[k], r)
	}
	return filed
}

// rarest gives the label that the fewest pods of a namespace carry; false when there are no labels.
func (s *Set) rarest(namespace string, wanted map[string]string) (best labelKey, ok bool) {
	for _, k := range sortedKeys(wanted) {
		if pair := (labelKey{namespace, k, wanted[k]}); !ok || len(s.byLabel[pair]) < len(s.byLabel[best]) {
			best, ok = pair, true
		}
	}
	return best, ok
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

// Selected walks through the pods-bearing objects that a resource's selector chooses. An empty
// selector chooses all of the namespace; none at all chooses none.
func (s *Set) Selected(r *Resource) iter.Seq[*Resource] {
	return func(yield func(*Resource) bool) {
		selector := s.selectors[r]
		if selector == nil {
			return
		}
		candidates := s.pods[r.Object.Namespace]
		if rarest, ok := s.rarest(r.Object.Namespace, r.Selector.MatchLabels); ok {
			candidates = s.byLabel[rarest]
		}
		for _, c := range candidates {
			if selector.Matches(labels.Set(c.PodLabels)) && !yield(c) {
				return
			}
		}
	}
}

// Labelled finds a pods-bearing object of a namespace with all of some labels; nil where there is none.
func (s *Set) Labelled(namespace string, wanted map[string]string) *Resource {
	rarest, ok := s.rarest(namespace, wanted)
	if !ok {
		return nil
	}
	for _, c := range s.byLabel[rarest] {
		if labels.SelectorFromSet(wanted).Matches(labels.Set(c.PodLabels)) {
			return c
		}
	}
	return nil
}

// WithLabelKey lists the pods-bearing objects of a namespace that have a label of some key.
func (s *Set) WithLabelKey(namespace, key string) []*Resource {
	return s.byLabelKey[labelKey{namespace, key, ""}]
}

// HasPodsIn tells whether any pods-bearing object of the set lives in a namespace.
func (s *Set) HasPodsIn(namespace string) bool { return len(s.pods[namespace]) > 0 }

// Selecting lists the objects of a kind, in the resource's namespace, whose selector chooses its pods.
func (s *Set) Selecting(group, kind string, r *Resource) (out []*Resource) {
	gk := schema.GroupKind{Group: group, Kind: kind}
	look := func(k labelKey) {
		for _, o := range s.selecting()[selectingKey{gk, k}] {
			if s.selectors[o].Matches(labels.Set(r.PodLabels)) {
				out = append(out, o)
			}
		}
	}
	look(labelKey{namespace: r.Object.Namespace})
	for _, k := range sortedKeys(r.PodLabels) {
		look(labelKey{r.Object.Namespace, k, r.PodLabels[k]})
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
