package review

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Field is a field that differs. Items of lists are named by what tells them apart, as in
// spec.template.spec.containers[nginx].image.
type Field struct {
	Path   string `json:"path"`
	Before string `json:"before"` // empty: not set
	After  string `json:"after"`  // empty: not set any more
	// Lines are the lines of long texts and lists that differ, with a leading "-", "+" or " ".
	Lines     []string `json:"lines,omitempty"`
	Defaulted bool     `json:"defaulted,omitempty"` // by the server: neither side writes it
	// File and Line are where the new side has the field; of a field that is not set any more, where the old side had
	// it.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`

	at place
}

// place is the path of a field as people read it, and as each side has it, with the numbers of list items.
type place struct{ shown, old, now string }

// key returns the place of a field of a map.
func (p place) key(name string) place {
	return place{join(p.shown, name), join(p.old, name), join(p.now, name)}
}

// item returns the place of an item of a list, by the name that it is shown by. A side that does not have it has the
// place of the list.
func (p place) item(name string, old, now int) place {
	numbered := func(path string, i int) string {
		if i < 0 {
			return path
		}
		return fmt.Sprintf("%s[%d]", path, i)
	}
	return place{fmt.Sprintf("%s[%s]", p.shown, name), numbered(p.old, old), numbered(p.now, now)}
}

// bookkeeping is what the server and its clients keep for themselves in every object.
var bookkeeping = []string{
	"metadata.creationTimestamp", "metadata.generation", "metadata.managedFields", "metadata.resourceVersion",
	"metadata.uid", "metadata.selfLink", "status",
	"metadata.annotations[kubectl.kubernetes.io/last-applied-configuration]",
}

// Differences returns the fields in which two objects, as decoded JSON, differ.
func Differences(before, after map[string]any) []Field {
	d := &differ{}
	d.maps(place{}, before, after)
	slices.SortStableFunc(d.fields, func(a, b Field) int { return cmp.Compare(a.Path, b.Path) })
	return d.fields
}

type differ struct{ fields []Field }

// simpleKey matches keys that a path shows after a dot.
var simpleKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// join appends a key to a path in the API server's notation.
func join(path, key string) string {
	switch {
	case path == "":
		return key
	case !simpleKey.MatchString(key):
		return path + "[" + key + "]"
	}
	return path + "." + key
}

func (d *differ) maps(path place, before, after map[string]any) {
	keys := maps.Clone(before)
	if keys == nil {
		keys = map[string]any{}
	}
	maps.Copy(keys, after)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		at := path.key(key)
		if !slices.Contains(bookkeeping, at.shown) {
			d.values(at, before[key], after[key])
		}
	}
}

// values compares what two sides have at a path; nil is not set.
func (d *differ) values(path place, before, after any) {
	b, bIsMap := before.(map[string]any)
	a, aIsMap := after.(map[string]any)
	bl, bIsList := before.([]any)
	al, aIsList := after.([]any)
	switch {
	case bIsMap && aIsMap:
		d.maps(path, b, a)
	case bIsList && aIsList:
		d.lists(path, bl, al)
	case before == nil && aIsMap && len(a) > 0:
		d.maps(path, nil, a)
	case after == nil && bIsMap && len(b) > 0:
		d.maps(path, b, nil)
	case !sameValue(path.shown, before, after):
		d.add(path, before, after)
	}
}

func (d *differ) add(path place, before, after any) {
	f := Field{Path: path.shown, at: path, Before: text(before), After: text(after)}
	if long(before) || long(after) {
		f.Lines = lineDiff(linesOf(before), linesOf(after))
	}
	d.fields = append(d.fields, f)
}

// text shows a value in one line; nil is empty.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		if v == "" {
			return `""`
		}
		return v
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}

// long reports whether a value is better shown by its lines.
func long(v any) bool {
	s, ok := v.(string)
	if ok {
		return strings.Contains(strings.TrimSuffix(s, "\n"), "\n")
	}
	list, ok := v.([]any)
	return ok && len(list) > 1
}

func linesOf(v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		return strings.Split(strings.TrimSuffix(v, "\n"), "\n")
	case []any:
		lines := make([]string, len(v))
		for i, item := range v {
			lines[i] = text(item)
		}
		return lines
	}
	return []string{text(v)}
}

// sameValue reports whether two values mean the same. Numbers are compared by value, and so are texts that are
// quantities or durations of different spelling.
func sameValue(path string, a, b any) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	x, xIsNumber := number(a)
	y, yIsNumber := number(b)
	if xIsNumber && yIsNumber {
		return x == y
	}
	s, t := text(a), text(b)
	return s == t || sameQuantity(path, s, t) || sameDuration(s, t)
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case int:
		return float64(v), true
	}
	return 0, false
}

// quantities are the fields whose values are quantities, in whatever kind.
var quantities = regexp.MustCompile(`(^|\.)(requests|limits|capacity|hard|cpu|memory|storage)([.\[]|$)`)

func sameQuantity(path, a, b string) bool {
	if !quantities.MatchString(path) || len(a) > 40 || len(b) > 40 {
		return false
	}
	x, err := resource.ParseQuantity(a)
	if err != nil {
		return false
	}
	y, err := resource.ParseQuantity(b)
	return err == nil && x.Cmp(y) == 0
}

func sameDuration(a, b string) bool {
	x, err := time.ParseDuration(a)
	if err != nil {
		return false
	}
	y, err := time.ParseDuration(b)
	return err == nil && x == y
}

// itemKeys are the fields that may tell the items of a list apart, in the order in which they are tried.
var itemKeys = [][]string{
	{"name"}, {"containerPort", "protocol"}, {"port", "protocol"}, {"mountPath"}, {"devicePath"}, {"key"},
	{"topologyKey", "whenUnsatisfiable"}, {"topologyKey"}, {"ip"}, {"uid"}, {"conditionType"},
	{"kind", "namespace", "name"},
	{"host"}, {"path"}, {"type"}, {"id"},
}

// lists matches the items of two lists: by their names, by their values, or by their place.
func (d *differ) lists(path place, before, after []any) {
	if slices.EqualFunc(before, after, func(a, b any) bool { return same(path.shown, a, b) }) {
		return
	}
	if !areMaps(before) || !areMaps(after) {
		d.add(path, list(before), list(after))
		return
	}
	keys := keysFor(before, after)
	if keys == nil {
		d.unnamed(path, before, after)
		return
	}
	b, order := named(before, keys)
	a, newOrder := named(after, keys)
	names := maps.Clone(b)
	maps.Copy(names, a)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		at := path.item(name, slices.Index(order, name), slices.Index(newOrder, name))
		switch {
		case b[name] == nil:
			d.add(at, nil, a[name])
		case a[name] == nil:
			d.add(at, b[name], nil)
		default:
			d.maps(at, b[name], a[name])
		}
	}
	d.order(path, b, a, order, newOrder)
}

// order compares the order of the items that two lists have in common.
func (d *differ) order(path place, b, a map[string]map[string]any, order, newOrder []string) {
	order = slices.DeleteFunc(order, func(name string) bool { return a[name] == nil })
	newOrder = slices.DeleteFunc(newOrder, func(name string) bool { return b[name] == nil })
	if !slices.Equal(order, newOrder) {
		d.fields = append(d.fields, Field{
			Path: path.shown + " (order)", at: path, Before: strings.Join(order, ", "),
			After: strings.Join(newOrder, ", "),
		})
	}
}

// list returns a list as a value that is not set when it is empty.
func list(items []any) any {
	if len(items) == 0 {
		return nil
	}
	return items
}

// same reports whether two values have no differences.
func same(path string, a, b any) bool {
	d := &differ{}
	d.values(place{shown: path}, a, b)
	return len(d.fields) == 0
}

func areMaps(list []any) bool {
	return !slices.ContainsFunc(list, func(v any) bool { _, ok := v.(map[string]any); return !ok })
}

// keysFor returns the fields by which the items of both lists can be told apart; nil: none.
func keysFor(lists ...[]any) []string {
	for _, keys := range itemKeys {
		if !slices.ContainsFunc(lists, func(list []any) bool { return !identify(list, keys) }) {
			return keys
		}
	}
	return nil
}

// identify reports whether all items have some of the fields, and no two the same.
func identify(list []any, keys []string) bool {
	seen := map[string]bool{}
	for _, item := range list {
		name, ok := nameOf(item, keys)
		if !ok || seen[name] {
			return false
		}
		seen[name] = true
	}
	return true
}

// nameOf returns the values of the keys of an item; the first must be there.
func nameOf(item any, keys []string) (string, bool) {
	m, _ := item.(map[string]any)
	metadata, _ := m["metadata"].(map[string]any) // of templates of claims
	var parts []string
	for i, key := range keys {
		value := m[key]
		if value == nil && metadata != nil {
			value = metadata[key]
		}
		switch v := value.(type) {
		case nil:
			if i == 0 {
				return "", false
			}
		case map[string]any, []any:
			return "", false
		default:
			parts = append(parts, fmt.Sprint(v))
		}
	}
	return strings.Join(parts, "/"), true
}

// named returns the items of a list by name, and their names in order.
func named(list []any, keys []string) (items map[string]map[string]any, order []string) {
	items = map[string]map[string]any{}
	for _, item := range list {
		name, _ := nameOf(item, keys)
		items[name] = item.(map[string]any)
		order = append(order, name)
	}
	return items, order
}

// unnamed compares lists whose items have no names: those that are equal belong together, the others in their order.
func (d *differ) unnamed(path place, before, after []any) {
	b, a := slices.Clone(before), slices.Clone(after)
	where := func(old, now int) place { return path.item(strconv.Itoa(max(old, now)), old, now) }
	var restBefore, restAfter []int
	taken := make([]bool, len(a))
	for i := range b {
		j := slices.IndexFunc(a, func(v any) bool { return same(path.shown, b[i], v) })
		for j >= 0 && taken[j] {
			next := slices.IndexFunc(a[j+1:], func(v any) bool { return same(path.shown, b[i], v) })
			if next < 0 {
				j = -1
				break
			}
			j += 1 + next
		}
		if j < 0 {
			restBefore = append(restBefore, i)
			continue
		}
		taken[j] = true
	}
	for j := range a {
		if !taken[j] {
			restAfter = append(restAfter, j)
		}
	}
	if len(restBefore)+len(restAfter) == 0 {
		d.add(place{path.shown + " (order)", path.old, path.now}, before, after)
		return
	}
	for _, i := range restBefore {
		n := nearest(path, b[i], a, restAfter)
		if n < 0 {
			d.add(where(i, -1), b[i], nil)
			continue
		}
		to := restAfter[n]
		d.values(path.item(strconv.Itoa(to), i, to), b[i], a[to])
		restAfter = slices.Delete(restAfter, n, n+1)
	}
	for _, j := range restAfter {
		d.add(where(-1, j), nil, a[j])
	}
}

// nearest returns which of some items differs least from another one; negative: there are none.
func nearest(path place, item any, items []any, among []int) (best int) {
	best, least := -1, 0
	for n, j := range among {
		d := &differ{}
		d.values(path, item, items[j])
		if best < 0 || len(d.fields) < least {
			best, least = n, len(d.fields)
		}
	}
	return best
}
