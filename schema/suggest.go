package schema

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

// DidYouMean returns the candidate that a user most likely meant by a word, or "": the same word in
// another case, in the plural, or with a few letters wrong.
func DidYouMean(word string, candidates []string) string {
	if word == "" {
		return ""
	}
	for _, c := range candidates {
		if strings.EqualFold(c, word) {
			return c
		}
	}
	for _, c := range candidates {
		if strings.EqualFold(c, word+"s") || strings.EqualFold(c+"s", word) {
			return c
		}
	}
	if best := beginning(word, candidates); best != "" {
		return best
	}
	best, least := "", min(3, (len(word)+1)/3)
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(c), least+1); d <= least && (best == "" || d < least) {
			best, least = c, d
		}
	}
	return best
}

// Slip returns the candidate that a word is a slip of: the same letters in another case, or one small letter more, less
// or in another place. Other differences can be names of their own, such as XListenerSet and ListenerSet.
func Slip(word string, candidates []string) string {
	for _, c := range candidates {
		if strings.EqualFold(c, word) {
			return c
		}
	}
	for _, c := range candidates {
		if min(len(c), len(word)) >= 6 && distance(word, c, 2) == 1 && capitals(word) == capitals(c) {
			return c
		}
	}
	return ""
}

// capitals returns what is not a small letter of a word.
func capitals(word string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return -1
		}
		return r
	}, word)
}

// beginning returns the longest candidate that a word begins with, if what follows is not of the same word: specTODO,
// ports_2.
func beginning(word string, candidates []string) (best string) {
	for _, c := range candidates {
		rest, ok := strings.CutPrefix(word, c)
		if ok && len(c) > max(3, len(best)) &&
			!strings.ContainsFunc(rest, func(r rune) bool { return r >= 'a' && r <= 'z' }) {
			best = c
		}
	}
	return best
}

// distance counts the letters to insert, remove, replace or swap to turn a into b; counts
// above a limit are only known to be above it.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	before := make([]int, len(b)+1)
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		now := make([]int, len(b)+1)
		now[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
		before, last = last, now
	}
	return last[len(b)]
}

// SuggestKind tells what a user most likely meant by an API version and kind that the version does not
// serve: the kind in its right case or spelling, the API version that serves it now.
func (s *Store) SuggestKind(gvk GVK) (GVK, bool) {
	all := s.Kinds()
	var kinds []string
	for _, k := range all {
		kinds = append(kinds, k.GVK.Kind)
	}
	kind := gvk.Kind
	if !slices.Contains(kinds, kind) {
		kind = kindCalled(all, kind)
	}
	if kind == "" {
		if kind = DidYouMean(gvk.Kind, kinds); kind == "" {
			return GVK{}, false
		}
	}
	var best *Kind
	for _, k := range s.ServedAs(kind) {
		switch {
		case k.GVK.GroupVersion() == gvk.GroupVersion():
			return k.GVK, true
		case best == nil,
			k.GVK.Group == gvk.Group && best.GVK.Group != gvk.Group,
			k.GVK.Group == best.GVK.Group && preferred(k.GVK.Version, best.GVK.Version),
			best.GVK.Group != gvk.Group && k.GVK.Group != "events.k8s.io" && best.Deprecated != "" &&
				k.Deprecated == "":
			best = k
		}
	}
	return best.GVK, true
}

// kindCalled returns the kind whose resource or short name is a word: Service of svc and services; empty if there is
// none.
func kindCalled(all []*Kind, word string) string {
	word = strings.ToLower(word)
	for _, k := range all {
		if k.called(word) {
			return k.GVK.Kind
		}
	}
	return ""
}

// preferred reports whether an API version is to be used rather than another: v1 before v1beta1 before v1alpha1, v2
// before v1.
func preferred(a, b string) bool { return rank(a) > rank(b) }

// IsStable tells an API version such as v1 from those that may change or go, such as v1beta1.
func IsStable(version string) bool { return rank(version) >= stable }

// stable is the rank of the first stable version.
const stable = 200

func rank(version string) (r int) {
	switch {
	case strings.Contains(version, "alpha"):
	case strings.Contains(version, "beta"):
		r = 100
	default:
		r = stable
	}
	for _, c := range version {
		if c >= '0' && c <= '9' {
			return r + int(c-'0')
		}
	}
	return r
}

// IsBuiltinGroup reports whether an API group is one that Kubernetes serves itself, in any version that is known.
func IsBuiltinGroup(group string) bool { return builtinGroups()[group] }

// LikeBuiltinGroup reports whether a group is one that Kubernetes serves, or is spelt so much like one that it is
// meant. A group of another domain is not: networking.gke.io is not networking.k8s.io.
func LikeBuiltinGroup(group string) bool {
	if IsBuiltinGroup(group) {
		return true
	}
	meant := DidYouMean(group, slices.Collect(maps.Keys(builtinGroups())))
	const most = 2 // letters of a domain that are wrong
	return meant != "" && distance(domainOf(group), domainOf(meant), most+1) <= most
}

// domainOf returns the last two labels of a group.
func domainOf(group string) string {
	labels := strings.Split(group, ".")
	return strings.Join(labels[max(0, len(labels)-2):], ".")
}

var builtinGroups = sync.OnceValue(func() map[string]bool {
	groups := map[string]bool{}
	for _, version := range Versions() {
		if s, err := Open(version); err == nil {
			for _, k := range s.Kinds() {
				groups[k.GVK.Group] = true
			}
		}
	}
	return groups
})
