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

// NewHitList returns hits as data.
func NewHitList(store *schema.Store, words string, hits []Hit) *HitList {
	return &HitList{"seatrial/v1", "HitList", store.Version, words, append([]Hit{}, hits...)}
}

// Search looks for words in the names and descriptions of all kinds and fields. If all words occur nowhere, places with
// most of them are hits, where small words count for nothing and some words stand for those that Kubernetes uses. Each
// type is shown once, at the kind that holds it nearest to its root. The best come first.
func Search(store *schema.Store, words []string, limit int) []Hit {
	var exact, loose [][]string // each word with what it may stand for
	for _, w := range words {
		w = strings.ToLower(w)
		exact = append(exact, append([]string{w}, meanings[stem(w)]...))
		if !smallWords[w] {
			loose = append(loose, append([]string{stem(w)}, meanings[stem(w)]...))
		}
	}
	hits := search(store, exact, len(exact))
	if len(hits) == 0 && len(loose) > 0 {
		hits = search(store, loose, len(loose)/2+1)
	}
	slices.SortStableFunc(hits, func(a, b Hit) int {
		return cmp.Or(
			b.score-a.score, len(a.Path)-len(b.Path), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Path, b.Path),
		)
	})
	return hits[:min(limit, len(hits))]
}

// search returns the places that have so many of the words at least.
func search(store *schema.Store, words [][]string, least int) (hits []Hit) {
	Each(store, func(k *schema.Kind, f *schema.Field) {
		h := Hit{APIVersion: k.GroupVersion().String(), Kind: k.Kind}
		name := k.Kind
		if f == nil {
			h.Type, h.Description = k.Kind, k.Type().Description
		} else {
			name, h.Path, h.Type, h.Description = f.Name, f.Path, f.Type, f.Doc
		}
		if h.score = score(name, h.Path, h.Description, words, least); h.score == 0 {
			return
		}
		if !schema.IsStable(k.Version) {
			h.score -= 3
		}
		if popularity(k) < len(popular) {
			h.score += 3
		}
		if k.Kind == popular[0] {
			h.score++
		}
		if strings.HasPrefix(h.Path, "status") { // nobody writes it
			h.score -= 40
		}
		hits = append(hits, h)
	})
	return hits
}

// smallWords count for nothing where not all words occur.
var smallWords = map[string]bool{
	"a": true, "across": true, "an": true, "and": true, "by": true, "for": true, "from": true, "how": true, "in": true,
	"is": true,
	"my": true, "no": true, "not": true, "of": true, "on": true, "or": true, "set": true, "the": true, "to": true,
	"with": true, "zero": true,
}

// meanings are words of Kubernetes for words that people look for.
var meanings = map[string][]string{
	"autoscal": {"horizontalpodautoscaler"}, "cpu": {"compute resource"}, "downtime": {"unavailable"},
	"graceful":    {"grace"},
	"healthcheck": {"probe"}, "host": {"hostname", "node"}, "kill": {"terminat"}, "memory": {"compute resource"},
	"oom":      {"memory"},
	"parallel": {"parallelism"}, "password": {"secret"}, "retry": {"backoff"}, "retri": {"backoff"},
	"rollout":  {"strategy"},
	"shutdown": {"terminat"}, "stop": {"terminat"}, "timeout": {"deadline"}, "zone": {"topology"},
}

// stem cuts the ending of a word that it has in other forms.
func stem(word string) string {
	for _, ending := range []string{"ing", "es", "s"} {
		if short, cut := strings.CutSuffix(word, ending); cut && len(short) > 3 {
			return short
		}
	}
	return word
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
var popular = []string{
	"Pod", "Deployment", "Service", "ConfigMap", "Secret", "Ingress", "StatefulSet", "DaemonSet", "Job", "CronJob",
	"Node", "Namespace", "PersistentVolumeClaim",
}

func popularity(k *schema.Kind) int {
	if i := slices.Index(popular, k.Kind); i >= 0 {
		return i
	}
	return len(popular)
}

// score ranks a place: a name counts more than a path, a path more than a description, a whole
// word more than a part of one. 0 means that too many words are missing.
func score(name, path, doc string, words [][]string, least int) (total int) {
	name, path, doc = strings.ToLower(name), strings.ToLower(path), strings.ToLower(doc)
	found, nearest := 0, 0
	for _, forms := range words {
		best := 0
		for _, w := range forms {
			best = max(best, scoreWord(name, path, doc, w))
		}
		if best > 0 {
			found++
		}
		nearest = max(nearest, best)
		total += best
	}
	if found < least || found < len(words) && nearest < inPath {
		return 0
	}
	return total + 100*(found-least)
}

// inPath is the score of a word that occurs in a path.
const inPath = 15

func scoreWord(name, path, doc, w string) int {
	switch {
	case name == w:
		return 100
	case strings.HasPrefix(name, w):
		return 60
	case strings.Contains(name, w):
		return 40
	case strings.Contains(path, w):
		return inPath
	case wholeWord(doc, w):
		return 10
	case strings.Contains(doc, w):
		return 4
	}
	return 0
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
				hits = append(
					hits,
					Hit{
						APIVersion: k.GroupVersion().String(), Kind: k.Kind, Path: path, Type: f.Type,
						Description: f.Doc,
					},
				)
			}
		}
	}
	slices.SortFunc(hits, func(a, b Hit) int {
		return cmp.Or(
			cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.APIVersion, b.APIVersion), len(a.Path)-len(b.Path),
			cmp.Compare(a.Path, b.Path),
		)
	})
	return hits
}
