package schema

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// ResourceError says that a name leads to no resource.
type ResourceError struct {
	Name    string
	Version string // of Kubernetes
	Suggest string // did you mean, or ""
	Known   string // where it is known: "since Kubernetes 1.30", or ""
}

func (e *ResourceError) Error() string {
	text := fmt.Sprintf("Kubernetes %s has no resource %q", e.Version, e.Name)
	switch {
	case e.Known != "":
		return text + ": " + e.Known
	case e.Suggest != "":
		return text + fmt.Sprintf(": did you mean %s?", e.Suggest)
	}
	return text
}

// Find returns the kinds that a name may mean, the preferred one first: a plural, singular or short
// name or a kind in any case, alone or with version and group: deploy, Deployment,
// deployments.apps, deployments.v1.apps.
func (s *Store) Find(name string) ([]*Kind, error) {
	word, rest, _ := strings.Cut(strings.ToLower(name), ".")
	var found []*Kind
	for _, k := range s.Kinds() {
		if k.called(word) &&
			(rest == "" || rest == k.Group || rest == k.Version+"."+k.Group || rest == k.Version && k.Group == "") {
			found = append(found, k)
		}
	}
	if len(found) == 0 {
		return nil, s.notFound(name, word)
	}
	slices.SortStableFunc(found, func(a, b *Kind) int {
		return cmp.Or(
			cmp.Compare(groupRank(a), groupRank(b)),
			cmp.Compare(a.Group, b.Group),
			cmp.Compare(rank(b.Version), rank(a.Version)),
		)
	})
	return found, nil
}

// called reports whether a lower-case word names the kind.
func (k *Kind) called(word string) bool {
	return word == k.Resource || word == k.Singular || word == strings.ToLower(k.Kind) ||
		slices.Contains(k.ShortNames, word)
}

// groupRank puts the core group first and the second home of events last, as discovery does.
func groupRank(k *Kind) int {
	switch k.Group {
	case "":
		return 0
	case "events.k8s.io", "metrics.k8s.io":
		return 2
	}
	return 1
}

func (s *Store) notFound(name, word string) error {
	e := &ResourceError{Name: name, Version: s.Version}
	var served []string
	for _, k := range s.Kinds() {
		if k.called(word) {
			served = append(served, k.GroupVersion().String())
		}
	}
	if len(served) > 0 { // in another group or version than the one asked for
		e.Known = fmt.Sprintf("%s is served as %s", word, strings.Join(served, ", "))
		return e
	}
	for _, version := range Versions() {
		other, err := Open(version)
		if err != nil || other == s {
			continue
		}
		for _, k := range other.Kinds() {
			if !k.called(word) {
				continue
			}
			e.Known = fmt.Sprintf("%s %s was removed in Kubernetes %s", k.GroupVersion(), k.Kind, k.Removed)
			if at := slices.Index(Versions(), k.Since); at > s.index {
				e.Known = fmt.Sprintf("%s %s is served since Kubernetes %s", k.GroupVersion(), k.Kind, k.Since)
				return e
			}
		}
	}
	var names []string
	for _, k := range s.Kinds() {
		names = append(names, k.Resource, k.Singular)
	}
	e.Suggest = DidYouMean(word, names)
	return e
}
