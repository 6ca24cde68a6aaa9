package lint

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// change is a field in which two manifests of an object differ.
type change struct {
	Old, New      string // path in each of them; where a field is missing, the path that it would have
	Before, After any
	Removed       bool // only the old manifest has it
	Added         bool // only the new manifest has it

	item  string // of a list that only one of them has: by what it is told apart
	steps []changeStep
}

// changeStep leads one step down both manifests: a key of a mapping, or an item of a list.
type changeStep struct {
	key      string // of a list's item: by what it is told apart; may be empty
	inList   bool
	old, now int // index of the item; -1: the list does not have it
}

// changesOf lists the fields in which two manifests differ, in the order of their paths.
func changesOf(old, now map[string]any) []change {
	c := comparison{}
	c.compare(nil, old, now)
	return c.changes
}

// comparison collects changes.
type comparison struct{ changes []change }

func (c *comparison) compare(at []changeStep, old, now any) {
	if reflect.DeepEqual(old, now) {
		return
	}
	oldMap, oldIsMap := old.(map[string]any)
	nowMap, nowIsMap := now.(map[string]any)
	if oldIsMap && nowIsMap {
		c.mappings(at, oldMap, nowMap)
		return
	}
	oldList, oldIsList := old.([]any)
	nowList, nowIsList := now.([]any)
	if oldIsList && nowIsList {
		if pairs, ok := pairItems(oldList, nowList); ok {
			c.lists(at, pairs, oldList, nowList)
			return
		}
	}
	c.add(at, change{Before: old, After: now})
}

func (c *comparison) add(at []changeStep, found change) {
	found.steps = slices.Clone(at)
	if last := len(at) - 1; last >= 0 && at[last].inList {
		found.item = at[last].key
	}
	found.Old = pathOf(at, func(s changeStep) int { return s.old })
	found.New = pathOf(at, func(s changeStep) int { return s.now })
	c.changes = append(c.changes, found)
}

func (c *comparison) mappings(at []changeStep, old, now map[string]any) {
	keys := maps.Clone(old)
	maps.Copy(keys, now)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		before, had := old[key]
		after, has := now[key]
		c.side(append(at, changeStep{key: key}), had, has, before, after)
	}
}

// side compares values of which one may be missing.
func (c *comparison) side(at []changeStep, had, has bool, before, after any) {
	switch {
	case !had:
		c.add(at, change{After: after, Added: true})
	case !has:
		c.add(at, change{Before: before, Removed: true})
	default:
		c.compare(at, before, after)
	}
}

func (c *comparison) lists(at []changeStep, pairs []pair, old, now []any) {
	item := func(list []any, i int) any {
		if i < 0 {
			return nil
		}
		return list[i]
	}
	for _, p := range pairs {
		step := changeStep{key: p.key, inList: true, old: p.old, now: p.now}
		c.side(append(at, step), p.old >= 0, p.now >= 0, item(old, p.old), item(now, p.now))
	}
}

// mergeFields are the fields by which items of lists are told apart, the first that all items have with different
// values.
var mergeFields = []string{"name", "mountPath", "key", "port", "containerPort", "topologyKey", "type"}

// pair is an item in two lists, by index; -1: the list does not have it.
type pair struct {
	key      string
	old, now int
}

// pairItems returns which items of two lists belong together. It returns false if that is not known: for lists of texts
// and numbers that are not equally long.
func pairItems(old, now []any) (pairs []pair, ok bool) {
	for _, key := range mergeFields {
		oldKeys, ok1 := keysOfItems(old, key)
		nowKeys, ok2 := keysOfItems(now, key)
		if !ok1 || !ok2 {
			continue
		}
		for i, name := range oldKeys {
			pairs = append(pairs, pair{name, i, slices.Index(nowKeys, name)})
		}
		for i, name := range nowKeys {
			if !slices.Contains(oldKeys, name) {
				pairs = append(pairs, pair{name, -1, i})
			}
		}
		return pairs, true
	}
	if len(old) != len(now) {
		return nil, false
	}
	for i := range old {
		pairs = append(pairs, pair{"", i, i})
	}
	return pairs, true
}

// keysOfItems returns the values of a field of all items, or of their metadata; false if an item has none, or two have
// the same.
func keysOfItems(list []any, key string) (keys []string, ok bool) {
	for _, item := range list {
		m, _ := item.(map[string]any)
		value := m[key]
		if metadata, isMap := m["metadata"].(map[string]any); value == nil && isMap {
			value = metadata[key]
		}
		switch value.(type) {
		case string, int64, float64:
		default:
			return nil, false
		}
		name := fmt.Sprint(value)
		if slices.Contains(keys, name) {
			return nil, false
		}
		keys = append(keys, name)
	}
	return keys, len(list) > 0
}

// pathOf writes a path in the API server's notation. Items that a list does not have are left out, and what is below
// them.
func pathOf(steps []changeStep, index func(changeStep) int) string {
	var b strings.Builder
	for _, s := range steps {
		switch {
		case s.inList && index(s) < 0:
			return b.String()
		case s.inList:
			b.WriteString("[" + strconv.Itoa(index(s)) + "]")
		case strings.ContainsAny(s.key, "./[]"):
			b.WriteString("[" + s.key + "]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.key)
		}
	}
	return b.String()
}

// on returns an old manifest in which this change alone is made.
func (c *change) on(old map[string]any) map[string]any {
	made, _ := c.put(old, c.steps).(map[string]any)
	return made
}

func (c *change) put(v any, steps []changeStep) any {
	if len(steps) == 0 {
		return c.After
	}
	step, last := steps[0], len(steps) == 1
	switch v := v.(type) {
	case map[string]any:
		made := maps.Clone(v)
		if last && c.Removed {
			delete(made, step.key)
		} else {
			made[step.key] = c.put(v[step.key], steps[1:])
		}
		return made
	case []any:
		made := slices.Clone(v)
		switch {
		case last && c.Removed:
			return slices.Delete(made, step.old, step.old+1)
		case step.old < 0:
			return append(made, c.After)
		}
		made[step.old] = c.put(v[step.old], steps[1:])
		return made
	}
	return v
}
