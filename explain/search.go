package explain

import (
	"cmp"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/schema"
)

// Hit is a place that a search found.
type Hit struct {
	APIVersion  string `json:"apiVersion"`
	Kind        string `json:"kind"`
	Path        string `json:"path"` // field path; "" for the kind itself
	Type        string `json:"type"`
	Description string `json:"description"`

	score int
}

// HitList is what a search found, as data.
type HitList struct {
	APIVersion        string `json:"apiVersion"` // seatrial/v1
	Kind              string `json:"kind"`       // HitList
	KubernetesVersion string `json:"kubernetesVersion"`
	Words             string `json:"words"` // that were looked for
	Hits              []Hit  `json:"hits"`
}

// NewHitList gives hits as data.
func NewHitList(store *schema.Store, words string, hits []Hit) *HitList {
	return &HitList{"seatrial/v1", "HitList", store.Version, words, append([]Hit{}, hits...)}
}

// Search looks for words in the names and descriptions of all kinds and fields. All words have to
// be there. Each type is told once, at the kind that holds it nearest to its root. The best come first.
func Search(store *schema.Store, words []string, limit int) []Hit {
	for i := range words {
		words[i] = strings.ToLower(words[i])
	}
	var hits []Hit
	Each(store, func(k *schema.Kind, f *schema.Field) {
		h := Hit{APIVersion: k.GroupVersion().String(), Kind: k.Kind}
		name := k.Kind
		if f == nil {
			h.Type, h.Description = k.Kind, k.Type().Description
		} else {
			name, h.Path, h.Type, h.Description = f.Name, f.Path, f.Type, f.Doc
		}
		if h.score = score(name, h.Path, h.Description, words); h.score == 0 {
			return
		}
		if !schema.IsStable(k.Version) {
			h.score -= 3
		}
		if popularity(k) < len(popular) {
			h.score += 3
		}
		hits = append(hits, h)
	})
	slices.SortStableFunc(hits, func(a, b Hit) int {
		return cmp.Or(b.score-a.score, len(a.Path)-len(b.Path), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Path, b.Path))
	})
	return hits[:min(limit, len(hits))]
}

// Each calls f for every kind, and for every field of every type once, at its place nearest to a
// kind's root. Kinds that run pods come first, since people look for a container's fields there.
func Each(store *schema.Store, f func(*schema.Kind, *schema.Field)) {
	kinds := slices.Clone(store.Kinds())
	slices.SortStableFunc(kinds, func(a, b *schema.Kind) int { return popularity(a) - popularity(b) })
	type item struct {
		kind   *schema.Kind
		fields []*schema.Field
	}
	seen := map[string]bool{}
	var level []item
	for _, k := range kinds {
		f(k, nil)
		seen[k.Type().Name] = true
		level = append(level, item{k, k.Fields()})
	}
	for len(level) > 0 {
		var next []item
		for _, it := range level {
			for _, field := range it.fields {
				f(it.kind, field)
				name := field.Element().Name
				if seen[name] {
					continue
				}
				seen[name] = name != "" // objects of custom resources have no names
				next = append(next, item{it.kind, field.Fields()})
			}
		}
		level = next
	}
}

// popular are the kinds at which types that many share are shown.
var popular = []string{"Pod", "Deployment", "Service", "ConfigMap", "Secret", "Ingress", "StatefulSet", "DaemonSet", "Job", "CronJob", "Node", "Namespace", "PersistentVolumeClaim"}

func popularity(k *schema.Kind) int {
	if i := slices.Index(popular, k.Kind); i >= 0 {
		return i
	}
	return len(popular)
}

// score ranks a place: a name counts more than a path, a path more than a description, a whole
// word more than a part of one. 0 means that a word is missing.
func score(name, path, doc string, words []string) (total int) {
	name, path, doc = strings.ToLower(name), strings.ToLower(path), strings.ToLower(doc)
	for _, w := range words {
		switch {
		case name == w:
			total += 100
		case strings.HasPrefix(name, w):
			total += 60
		case strings.Contains(name, w):
			total += 40
		case strings.Contains(path, w):
			total += 15
		case wholeWord(doc, w):
			total += 10
		case strings.Contains(doc, w):
			total += 4
		default:
			return 0
		}
	}
	return total
}

func wholeWord(text, w string) bool {
	for at := 0; ; {
		i := strings.Index(text[at:], w)
		if i < 0 {
			return false
		}
		i += at
		if (i == 0 || !letter(text[i-1])) && (i+len(w) == len(text) || !letter(text[i+len(w)])) {
			return true
		}
		at = i + 1
	}
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }

// Where lists the places that have a field of a name, in any case, every kind with its nearest ones.
func Where(store *schema.Store, name string) (hits []Hit) {
	for _, k := range store.Kinds() {
		for path, f := range paths(k) {
			if strings.EqualFold(f.Name, name) {
				hits = append(hits, Hit{APIVersion: k.GroupVersion().String(), Kind: k.Kind, Path: path, Type: f.Type, Description: f.Doc})
			}
		}
	}
	slices.SortFunc(hits, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.APIVersion, b.APIVersion), len(a.Path)-len(b.Path), cmp.Compare(a.Path, b.Path))
	})
	return hits
}
