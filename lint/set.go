package lint

import (
	"iter"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

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
	anywhere    map[labelKey]*Resource    // the first pods-bearing object with a label, whatever the namespace
	provided    map[objectKey]bool        // what others will make
	claims      map[claimKey][]*Resource
	opaque      map[string]bool      // namespaces in which unknown pods may be made
	inhabitants map[string]int       // objects in each namespace that say more than who may do what there
	first       map[string]*Resource // the first object of each namespace
	defaults    map[string][]string  // what LimitRanges give, by namespace
	selectors   map[*Resource]labels.Selector
	selecting   func() map[selectingKey][]*Resource
	byOwnName   func() map[objectKey]*Resource // the first object of a group, kind and name, whatever the namespace
	ext         External
	contents    kept
	looked      atomic.Int64
}

// kept are the decoded contents of objects, by kind.
type kept struct {
	sync.Mutex
	ofKind map[string][]any
}

// claimKey files claims: those on the nodes of the cluster and on its entrance hold for all namespaces.
type claimKey struct{ kind, what string }

type objectKey struct{ group, kind, namespace, name string }

type labelKey struct{ namespace, key, value string }

// selectingKey files a selector under one label that it asks for; under none when it asks for none.
type selectingKey struct {
	schema.GroupKind
	labelKey
}

// NewSet indexes resources; external are the objects declared to exist elsewhere.
func NewSet(resources []*Resource, external External) *Set {
	s := &Set{
		All:         resources,
		byName:      make(map[objectKey]*Resource, len(resources)),
		byKind:      map[schema.GroupKind][]*Resource{},
		byLabel:     map[labelKey][]*Resource{},
		byLabelKey:  map[labelKey][]*Resource{},
		pods:        map[string][]*Resource{},
		byNamespace: map[objectKey][]*Resource{},
		referrers:   map[objectKey][]*Resource{},
		anywhere:    map[labelKey]*Resource{},
		provided:    map[objectKey]bool{},
		claims:      map[claimKey][]*Resource{},
		opaque:      map[string]bool{},
		inhabitants: map[string]int{},
		first:       map[string]*Resource{},
		defaults:    map[string][]string{},
		selectors:   map[*Resource]labels.Selector{},
		ext:         external,
	}
	var indexes sync.WaitGroup
	// each fills tables of its own
	for _, index := range []func(*Resource){s.indexIdentity, s.indexFacts, s.indexPods, s.indexSelector} {
		indexes.Go(func() {
			for _, r := range resources {
				index(r)
			}
		})
	}
	indexes.Wait()
	s.selecting = sync.OnceValue(s.fileSelectors)
	s.byOwnName = sync.OnceValue(s.fileNames)
	return s
}

func (s *Set) indexIdentity(r *Resource) {
	gk := r.GroupKind()
	s.byKind[gk] = append(s.byKind[gk], r)
	home := objectKey{gk.Group, gk.Kind, r.Object.Namespace, ""}
	s.byNamespace[home] = append(s.byNamespace[home], r)
	key := objectKey{gk.Group, gk.Kind, r.Object.Namespace, r.Object.Name}
	if _, ok := s.byName[key]; !ok && r.Object.Name != "" {
		s.byName[key] = r
	}
	if gk.Group != "rbac.authorization.k8s.io" {
		s.inhabitants[r.Object.Namespace]++
	}
	if s.first[r.Object.Namespace] == nil {
		s.first[r.Object.Namespace] = r
	}
}

// indexFacts files what an object says of others.
func (s *Set) indexFacts(r *Resource) {
	for _, ref := range r.Refs {
		to := objectKey{ref.Group, ref.Kind, ref.Namespace, ref.Name}
		s.referrers[to] = append(s.referrers[to], r)
	}
	for _, ref := range r.Provides {
		s.provided[objectKey{ref.Group, ref.Kind, ref.Namespace, ref.Name}] = true
	}
	for _, c := range r.Claims {
		key := claimKey{r.Object.Kind, c.What}
		s.claims[key] = append(s.claims[key], r)
	}
	if r.MayCreatePods {
		s.opaque[r.Object.Namespace] = true
	}
	if len(r.Defaults) > 0 {
		s.defaults[r.Object.Namespace] = append(s.defaults[r.Object.Namespace], r.Defaults...)
	}
}

func (s *Set) indexPods(r *Resource) {
	if !r.HasPods {
		return
	}
	s.pods[r.Object.Namespace] = append(s.pods[r.Object.Namespace], r)
	for k, v := range r.PodLabels {
		pair, key := labelKey{r.Object.Namespace, k, v}, labelKey{r.Object.Namespace, k, ""}
		s.byLabel[pair] = append(s.byLabel[pair], r)
		s.byLabelKey[key] = append(s.byLabelKey[key], r)
		if any := (labelKey{"", k, v}); s.anywhere[any] == nil {
			s.anywhere[any] = r
		}
	}
}

func (s *Set) indexSelector(r *Resource) {
	if r.Selector == nil {
		return
	}
	if selector, err := metav1.LabelSelectorAsSelector(&r.Selector.LabelSelector); err == nil {
		s.selectors[r] = selector
	}
}

// fileNames files the objects under their names alone.
func (s *Set) fileNames() map[objectKey]*Resource {
	filed := make(map[objectKey]*Resource, len(s.All))
	for _, r := range s.All {
		gk := r.GroupKind()
		if own := (objectKey{gk.Group, gk.Kind, "", r.Object.Name}); filed[own] == nil {
			filed[own] = r
		}
	}
	return filed
}

// fileSelectors files each selector under the rarest label that it asks for.
func (s *Set) fileSelectors() map[selectingKey][]*Resource {
	filed := map[selectingKey][]*Resource{}
	for _, r := range s.All {
		if s.selectors[r] == nil {
			continue
		}
		at := labelKey{namespace: r.Object.Namespace}
		if rarest, ok := s.rarest(r.Object.Namespace, r.Selector.MatchLabels); ok {
			at = rarest
		} else if in := oneOf(&r.Selector.LabelSelector); in != nil {
			for _, value := range in.Values {
				k := selectingKey{r.GroupKind(), labelKey{r.Object.Namespace, in.Key, value}}
				filed[k] = append(filed[k], r)
			}
			continue
		}
		k := selectingKey{r.GroupKind(), at}
		filed[k] = append(filed[k], r)
	}
	return filed
}

// oneOf finds in a selector a list of values of which a label must have one; nil when there is none.
func oneOf(s *metav1.LabelSelector) *metav1.LabelSelectorRequirement {
	for i := range s.MatchExpressions {
		if s.MatchExpressions[i].Operator == metav1.LabelSelectorOpIn {
			return &s.MatchExpressions[i]
		}
	}
	return nil
}

// rarest returns the label that the fewest pods of a namespace carry; false when there are no labels.
func (s *Set) rarest(namespace string, wanted map[string]string) (best labelKey, ok bool) {
	for _, k := range sortedKeys(wanted) {
		if pair := (labelKey{namespace, k, wanted[k]}); !ok || len(s.byLabel[pair]) < len(s.byLabel[best]) {
			best, ok = pair, true
		}
	}
	return best, ok
}

// GroupKind returns the resource's API group and kind.
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

// In lists the objects of a kind in a namespace, in the order in which they were read.
func (s *Set) In(group, kind, namespace string) []*Resource {
	return s.byNamespace[objectKey{group, kind, namespace, ""}]
}

// Has reports whether a referred object is in the set, is built into every cluster, or was declared external.
func (s *Set) Has(r Ref) bool {
	return s.Get(r.Group, r.Kind, r.Namespace, r.Name) != nil || s.provides(r) || builtin(r) ||
		s.ext.Matches(r.Kind, r.Namespace, r.Name)
}

// provides reports whether somebody will make the object because of another one of the set. Claims of
// a StatefulSet's pods are filed under their name without the number.
func (s *Set) provides(r Ref) bool {
	return s.provided[objectKey{r.Group, r.Kind, r.Namespace, r.Name}] ||
		r.Kind == "PersistentVolumeClaim" &&
			s.provided[objectKey{r.Group, r.Kind, r.Namespace, strings.TrimRight(r.Name, "0123456789")}]
}

// maxCandidates bounds the search for something alike: it is a courtesy, and must not take long.
const maxCandidates = 100

func some(list []*Resource) []*Resource { return list[:min(len(list), maxCandidates)] }

// Names lists some names of a kind in a namespace, for did-you-mean.
func (s *Set) Names(group, kind, namespace string) []string {
	var names []string
	for _, r := range some(s.byNamespace[objectKey{group, kind, namespace, ""}]) {
		names = append(names, r.Object.Name)
	}
	s.looked.Add(int64(len(names)))
	return names
}

// Elsewhere finds an object of the same kind and name in any namespace; nil where there is none.
func (s *Set) Elsewhere(r Ref) *Resource {
	return s.byOwnName()[objectKey{r.Group, r.Kind, "", r.Name}]
}

// Claimants lists the objects of a kind that claim one thing, in the order in which they were read.
func (s *Set) Claimants(kind string, c Claim) []*Resource { return s.claims[claimKey{kind, c.What}] }

// Describes reports whether the set says what lives in a namespace, and not only who may do what there.
func (s *Set) Describes(namespace string) bool { return s.inhabitants[namespace] > 0 }

// First returns the first object of a namespace.
func (s *Set) First(namespace string) *Resource { return s.first[namespace] }

// MayCreatePods reports whether a namespace may have pods that the set does not show.
func (s *Set) MayCreatePods(namespace string) bool { return s.opaque[namespace] }

// Defaulted reports whether a LimitRange sets something for the containers of a namespace: "cpu request".
func (s *Set) Defaulted(namespace, what string) bool {
	return slices.Contains(s.defaults[namespace], what)
}

// Looked counts the objects that answers had to look at: the cost of all questions so far.
func (s *Set) Looked() int64 { return s.looked.Load() }

// Selected walks through the pods-bearing objects that a resource's selector chooses. An empty
// selector chooses all of the namespace; none at all chooses none.
func (s *Set) Selected(r *Resource) iter.Seq[*Resource] {
	return func(yield func(*Resource) bool) {
		if r.Selector != nil {
			s.chosen(r.Object.Namespace, &r.Selector.LabelSelector, s.selectors[r], yield)
		}
	}
}

// SelectedBy walks through the pods-bearing objects of a namespace that a selector chooses.
func (s *Set) SelectedBy(namespace string, l *metav1.LabelSelector) iter.Seq[*Resource] {
	return func(yield func(*Resource) bool) {
		if selector, err := metav1.LabelSelectorAsSelector(l); err == nil {
			s.chosen(namespace, l, selector, yield)
		}
	}
}

func (s *Set) chosen(namespace string, l *metav1.LabelSelector, selector labels.Selector, yield func(*Resource) bool) {
	if selector == nil {
		return
	}
	looked := int64(0)
	defer func() { s.looked.Add(looked) }()
	for _, c := range s.candidates(namespace, l) {
		looked++
		if selector.Matches(labels.Set(c.PodLabels)) && !yield(c) {
			return
		}
	}
}

// candidates lists the pods-bearing objects among which a selector chooses: few, where it asks for
// a certain label.
func (s *Set) candidates(namespace string, l *metav1.LabelSelector) []*Resource {
	if rarest, ok := s.rarest(namespace, l.MatchLabels); ok {
		return s.byLabel[rarest]
	}
	in := oneOf(l)
	if in == nil {
		return s.pods[namespace]
	}
	var list []*Resource
	for _, value := range in.Values {
		list = append(list, s.byLabel[labelKey{namespace, in.Key, value}]...)
	}
	return list
}

// Labelled finds a pods-bearing object of a namespace with all of some labels; nil where there is
// none among the first that it looks at.
func (s *Set) Labelled(namespace string, wanted map[string]string) *Resource {
	rarest, ok := s.rarest(namespace, wanted)
	if !ok {
		return nil
	}
	for _, c := range some(s.byLabel[rarest]) {
		s.looked.Add(1)
		if labels.SelectorFromSet(wanted).Matches(labels.Set(c.PodLabels)) {
			return c
		}
	}
	return nil
}

// Astray finds pods in another namespace that a selector would choose if it looked there; nil where
// there are none among the first of each label.
func (s *Set) Astray(r *Resource) *Resource {
	for _, k := range sortedKeys(r.Selector.MatchLabels) {
		if c := s.anywhere[labelKey{"", k, r.Selector.MatchLabels[k]}]; c != nil && s.selectors[r] != nil &&
			s.selectors[r].Matches(labels.Set(c.PodLabels)) {
			return c
		}
	}
	return nil
}

// WithLabelKey lists some pods-bearing objects of a namespace that have a label of some key.
func (s *Set) WithLabelKey(namespace, key string) []*Resource {
	list := some(s.byLabelKey[labelKey{namespace, key, ""}])
	s.looked.Add(int64(len(list)))
	return list
}

// HasPodsIn reports whether any pods-bearing object of the set lives in a namespace.
func (s *Set) HasPodsIn(namespace string) bool { return len(s.pods[namespace]) > 0 }

// Selecting walks through the objects of a kind, in the resource's namespace, whose selector
// chooses its pods.
func (s *Set) Selecting(group, kind string, r *Resource) iter.Seq[*Resource] {
	gk := schema.GroupKind{Group: group, Kind: kind}
	return func(yield func(*Resource) bool) {
		places := []labelKey{{namespace: r.Object.Namespace}}
		for _, k := range sortedKeys(r.PodLabels) {
			places = append(places, labelKey{r.Object.Namespace, k, r.PodLabels[k]})
		}
		looked := int64(0)
		defer func() { s.looked.Add(looked) }()
		for _, at := range places {
			for _, o := range s.selecting()[selectingKey{gk, at}] {
				looked++
				if s.selectors[o].Matches(labels.Set(r.PodLabels)) && !yield(o) {
					return
				}
			}
		}
	}
}

// Quotas lists the ResourceQuotas of a namespace that hold for all its pods.
func (s *Set) Quotas(namespace string) []*Resource {
	all := s.byNamespace[objectKey{"", "ResourceQuota", namespace, ""}]
	s.looked.Add(int64(len(all)))
	return slices.DeleteFunc(slices.Clone(all), func(r *Resource) bool { return len(r.Hard) == 0 })
}

// Referring lists the objects of a kind that name a resource.
func (s *Set) Referring(kind string, r *Resource) (out []*Resource) {
	for _, o := range s.Referrers(r) {
		if o.Object.Kind == kind {
			out = append(out, o)
		}
	}
	return out
}

// Referrers lists the objects that name a resource.
func (s *Set) Referrers(r *Resource) []*Resource {
	gk := r.GroupKind()
	return s.referrers[objectKey{gk.Group, gk.Kind, r.Object.Namespace, r.Object.Name}]
}

// Referred reports whether any object names a resource.
func (s *Set) Referred(r *Resource) bool { return len(s.Referrers(r)) > 0 }

// External lists objects that exist elsewhere, as Kind/namespace/name or Kind/name; each part may be a glob.
type External []string

// Matches reports whether an object was declared external.
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

// controllerAccounts are the ServiceAccounts that kube-controller-manager makes for its controllers.
var controllerAccounts = []string{
	"attachdetach-controller", "certificate-controller", "clusterrole-aggregation-controller", "cronjob-controller",
	"daemon-set-controller",
	"deployment-controller", "device-taint-eviction-controller", "disruption-controller", "endpoint-controller",
	"endpointslice-controller",
	"endpointslicemirroring-controller", "ephemeral-volume-controller", "expand-controller",
	"generic-garbage-collector", "horizontal-pod-autoscaler",
	"job-controller", "legacy-service-account-token-cleaner", "namespace-controller", "node-controller",
	"persistent-volume-binder", "pod-garbage-collector",
	"pv-protection-controller", "pvc-protection-controller", "replicaset-controller", "replication-controller",
	"resource-claim-controller", "resourcequota-controller",
	"root-ca-cert-publisher", "service-account-controller", "service-cidrs-controller", "statefulset-controller",
	"ttl-after-finished-controller",
	"ttl-controller", "validatingadmissionpolicy-status-controller", "volumeattributesclass-protection-controller",
}

// builtin reports whether every cluster has the object from the start.
func builtin(r Ref) bool {
	switch r.Kind {
	case "ServiceAccount":
		return r.Name == "default" || r.Namespace == "kube-system" && slices.Contains(controllerAccounts, r.Name)
	case "ConfigMap":
		return r.Name == "kube-root-ca.crt" ||
			r.Namespace == "kube-system" && r.Name == "extension-apiserver-authentication"
	case "Namespace":
		return slices.Contains([]string{"default", "kube-system", "kube-public", "kube-node-lease"}, r.Name)
	case "ClusterRole":
		return slices.Contains([]string{"cluster-admin", "admin", "edit", "view"}, r.Name) ||
			strings.HasPrefix(r.Name, "system:")
	case "Role":
		return strings.HasPrefix(r.Name, "system:") || r.Name == "extension-apiserver-authentication-reader"
	case "PriorityClass":
		return strings.HasPrefix(r.Name, "system-")
	case "Service":
		return r.Namespace == "default" && r.Name == "kubernetes"
	}
	return false
}
