package tui

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seatrial/seatrial/schema"
)

// index holds the kinds and field paths of a version, to search in. Each distinct name is kept and
// compared once; an entry is a name and the entry that holds it.
type index struct {
	kinds   []*schema.Kind
	names   [][]string // spellings: of a field its name, of a kind all that users call it
	entries []entry
}

type entry struct {
	name   int32
	parent int32 // -1 for a kind
	kind   int32
	cost   int32 // in the ranking: grows with each level, and in the status, which users do not write
}

// newIndex walks all fields of a version, each type at most once on the way down to a field.
func newIndex(store *schema.Store) *index {
	b := &indexBuilder{index: &index{kinds: sorted(store.Kinds())}, known: map[string]int32{}}
	for i, k := range b.kinds {
		b.kind, b.names = int32(i), append(b.names, append([]string{k.Kind, k.Resource}, k.ShortNames...))
		at := b.add(int32(len(b.names)-1), -1, 0)
		b.fields(k.Fields(), at, nil)
	}
	return b.index
}

type indexBuilder struct {
	*index
	kind  int32
	known map[string]int32 // names of fields
}

func (b *indexBuilder) add(name, parent, cost int32) int32 {
	b.entries = append(b.entries, entry{name: name, parent: parent, kind: b.kind, cost: cost})
	return int32(len(b.entries) - 1)
}

func (b *indexBuilder) fields(fields []*schema.Field, parent int32, above []string) {
	for _, f := range fields {
		cost := b.entries[parent].cost + 3
		if f.Path == "status" {
			cost += 6
		}
		name, ok := b.known[f.Name]
		if !ok {
			name = int32(len(b.names))
			b.known[f.Name] = name
			b.names = append(b.names, []string{f.Name})
		}
		at := b.add(name, parent, cost)
		if of := f.TypeName(); !slices.Contains(above, of) || of == "" {
			b.fields(f.Fields(), at, append(slices.Clip(above), of))
		}
	}
}

// search finds entries by words, parted by spaces or dots, without indices. The last word has to be in the entry's own
// name, the others in the names above it, in their order. The best entries come first.
func (x *index) search(query string, limit int) []place {
	words := schema.Split(strings.Join(strings.Fields(strings.ToLower(query)), "."))
	if len(words) == 0 {
		return nil
	}
	scores := make([][]int, len(words))
	for i, w := range words {
		scores[i] = x.scoresOf(w)
	}
	type found struct{ at, score int }
	var all []found
	for i := range x.entries {
		if s := x.score(i, scores); s > 0 {
			all = append(all, found{i, s})
		}
	}
	slices.SortFunc(all, func(a, b found) int { return cmp.Or(b.score-a.score, a.at-b.at) })
	hits := make([]place, 0, min(limit, len(all)))
	for _, f := range all[:min(limit, len(all))] {
		hits = append(hits, x.place(f.at))
	}
	return hits
}

// scoresOf holds a word against every distinct name.
func (x *index) scoresOf(word string) []int {
	scores := make([]int, len(x.names))
	for i, spellings := range x.names {
		for _, s := range spellings {
			scores[i] = max(scores[i], likeness(s, word))
		}
	}
	return scores
}

// score ranks an entry for words whose likeness with each name is known; 0 when a word is missing.
// Near the root beats far below, spec beats status, kinds of every day and stable ones beat others.
func (x *index) score(i int, words [][]int) int {
	e := x.entries[i]
	own := words[len(words)-1][e.name]
	if own == 0 {
		return 0
	}
	total := own * len(words)
	rest := words[:len(words)-1]
	for up := e.parent; len(rest) > 0 && up >= 0; up = x.entries[up].parent {
		if s := rest[len(rest)-1][x.entries[up].name]; s > 0 {
			total += s
			rest = rest[:len(rest)-1]
		}
	}
	if len(rest) > 0 {
		return 0
	}
	return max(1, total-int(e.cost)+standing(x.kinds[e.kind]))
}

// standing returns the prior with which a kind is ranked.
func standing(k *schema.Kind) (points int) {
	if slices.Contains(k.Categories, "all") {
		points += 4
	}
	if len(k.ShortNames) > 0 {
		points++
	}
	if !schema.IsStable(k.Version) || k.Deprecated != "" {
		points -= 6
	}
	return points
}

func (x *index) place(i int) place {
	var path []string
	e := x.entries[i]
	kind := x.kinds[e.kind]
	for ; e.parent >= 0; e = x.entries[e.parent] {
		path = append(path, x.names[e.name][0])
	}
	slices.Reverse(path)
	return place{kind.GVK, strings.Join(path, ".")}
}

// likeness returns how well a word in lower case fits a name, from 0 to 100: the whole name, its beginning, the
// beginning of a word in it, the first letters of its words, a part of it, or its letters with others between them.
func likeness(name, word string) int {
	lower := strings.ToLower(name)
	switch at := strings.Index(lower, word); {
	case lower == word:
		return 100
	case at == 0:
		return 80 - min(15, len(lower)-len(word))
	case initials(name, word):
		return 62
	case at > 0 && startsWord(name, at):
		return 60 - min(15, len(lower)-len(word))
	case at > 0:
		return 40 - min(15, len(lower)-len(word))
	}
	return scattered(lower, word)
}

// startsWord reports whether a word of a name in camel case starts at an offset.
func startsWord(name string, at int) bool {
	r, _ := utf8.DecodeRuneInString(name[min(at, len(name)):])
	return at == 0 || unicode.IsUpper(r)
}

// initials reports whether a word is the first letters of the words of a name, all or the first few: ipp of
// imagePullPolicy.
func initials(name, word string) bool {
	var first []rune
	for i, r := range name {
		if i == 0 || unicode.IsUpper(r) {
			first = append(first, unicode.ToLower(r))
		}
	}
	return utf8.RuneCountInString(word) > 1 && strings.HasPrefix(string(first), word)
}

// scattered rates a word whose letters are all in a name in their order, from the first letter on, by the letters
// between them.
func scattered(name, word string) int {
	if utf8.RuneCountInString(word) < 2 || name == "" || name[0] != word[0] {
		return 0
	}
	gaps, rest := 0, []rune(word)
	for _, r := range name {
		if len(rest) == 0 {
			break
		}
		if r == rest[0] {
			rest = rest[1:]
		} else {
			gaps++
		}
	}
	if len(rest) > 0 {
		return 0
	}
	return max(5, 20-gaps)
}
