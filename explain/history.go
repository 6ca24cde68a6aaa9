package explain

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/schema"
)

// Event is one thing that a release changed.
type Event struct {
	Version string `json:"version"`          // the release: 1.25
	Change  string `json:"change"`           // added, removed, deprecated, changed
	Path    string `json:"path"`             // the field, or "" for the kind itself
	Detail  string `json:"detail,omitempty"` // what changed
}

// History returns the releases in which a kind and its fields appeared, changed and went, oldest first.
// What the oldest known version has already is no event.
func History(gvk schema.GVK, under string) (*schema.Kind, []Event, error) {
	kind, ok := schema.History(gvk)
	if !ok {
		return nil, nil, fmt.Errorf("no known version serves %s %s", gvk.GroupVersion(), gvk.Kind)
	}
	var events []Event
	var before map[string]*schema.Field
	for i, version := range schema.Versions() {
		store, err := schema.Open(version)
		if err != nil {
			return nil, nil, err
		}
		k := store.Lookup(gvk)
		if k == nil {
			if before != nil {
				events = append(events, Event{Version: version, Change: "removed"})
			}
			before = nil
			continue
		}
		now := paths(k)
		switch {
		case before != nil:
			events = append(events, compare(span{schema.Versions()[i-1], version}, before, now)...)
		case i > 0:
			events = append(events, Event{Version: version, Change: "added"})
		}
		before = now
	}
	if kind.Deprecated != "" {
		events = append(events, Event{Version: kind.Deprecated, Change: "deprecated", Detail: replacement(kind)})
	}
	events = below(events, under)
	slices.SortStableFunc(events, func(a, b Event) int {
		return cmp.Or(
			slices.Index(schema.Versions(), a.Version)-slices.Index(schema.Versions(), b.Version),
			cmp.Compare(a.Path, b.Path),
		)
	})
	return kind, events, nil
}

// below keeps the events of a field, of what is below it, and of the kind; all, if under is empty.
func below(events []Event, under string) []Event {
	return slices.DeleteFunc(events, func(e Event) bool {
		return under != "" && e.Path != "" && e.Path != under && !strings.HasPrefix(e.Path, under+".")
	})
}

func replacement(k *schema.Kind) string {
	if k.Replacement == "" {
		return ""
	}
	return "use " + k.Replacement
}

// paths lists all fields of a kind by path. A type that holds itself is entered once.
func paths(k *schema.Kind) map[string]*schema.Field {
	all := map[string]*schema.Field{}
	var walk func(fields []*schema.Field, above []string)
	walk = func(fields []*schema.Field, above []string) {
		for _, f := range fields {
			all[f.Path] = f
			name := f.Element().Name
			if name != "" && slices.Contains(above, name) {
				continue
			}
			walk(f.Fields(), append(above[:len(above):len(above)], name))
		}
	}
	walk(k.Fields(), []string{k.Type().Name})
	return all
}

// compare returns how fields changed. Of a field that came or went with all that is below it,
// only the field itself is listed.
func compare(over span, before, now map[string]*schema.Field) (events []Event) {
	for _, path := range slices.Sorted(maps.Keys(now)) {
		f, old := now[path], before[path]
		switch {
		case old == nil && known(before, path):
			events = append(events, Event{Version: over.to, Change: "added", Path: path, Detail: f.Type})
		case old != nil:
			if detail := changes(over, old, f); detail != "" {
				events = append(events, Event{Version: over.to, Change: "changed", Path: path, Detail: detail})
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(before)) {
		if now[path] == nil && known(now, path) {
			events = append(events, Event{Version: over.to, Change: "removed", Path: path, Detail: before[path].Type})
		}
	}
	return once(events, before, now)
}

// once keeps of the events about one field of one type, which many places may hold, the one at the
// place that is nearest to the root: a container's new field is not listed again for init containers.
func once(events []Event, before, now map[string]*schema.Field) []Event {
	type key struct{ change, holder, name, detail string }
	keyOf := func(e Event) key {
		f := now[e.Path]
		if f == nil {
			f = before[e.Path]
		}
		return key{e.Change, f.Holder(), f.Name, e.Detail}
	}
	nearest := map[key]string{}
	for _, e := range events {
		k := keyOf(e)
		if path, ok := nearest[k]; !ok || farther(path, e.Path) {
			nearest[k] = e.Path
		}
	}
	return slices.DeleteFunc(events, func(e Event) bool { return nearest[keyOf(e)] != e.Path })
}

// farther reports whether a path is farther from the root than another one, or less often read about.
func farther(a, b string) bool {
	return cmp.Or(
		cmp.Compare(strings.Count(a, "."), strings.Count(b, ".")), cmp.Compare(len(a), len(b)), cmp.Compare(a, b),
	) > 0
}

// known reports whether the field above a path is there, so that the path is news of its own.
func known(fields map[string]*schema.Field, path string) bool {
	i := strings.LastIndexByte(path, '.')
	return i < 0 || fields[path[:i]] != nil
}

// firstDefaults is the first version with OpenAPI v3 documents, which show defaults that were there before.
const firstDefaults = "1.23"

// span is a step from one version to a later one.
type span struct{ from, to string }

// crosses reports whether a version lies between the two, or is the later one.
func (s span) crosses(version string) bool {
	all := schema.Versions()
	at := slices.Index(all, version)
	a, b := slices.Index(all, s.from), slices.Index(all, s.to)
	return min(a, b) < at && at <= max(a, b)
}

// changes describes how a field changed; "" when it did not.
func changes(over span, a, b *schema.Field) string {
	var out []string
	say := func(what string, from, to any) {
		if !reflect.DeepEqual(from, to) {
			out = append(out, fmt.Sprintf("%s %v became %v", what, orNone(from), orNone(to)))
		}
	}
	say("type", a.Type, b.Type)
	say("required", a.Required, b.Required)
	// the documents list enumerations since 1.24, and more of them with later versions
	if len(a.Enum) > 0 && len(b.Enum) > 0 {
		out = append(out, enumChanges(a.Enum, b.Enum)...)
	}
	say("format", a.Format, b.Format)
	if !over.crosses(firstDefaults) {
		say("default", meaningful(a.Default), meaningful(b.Default))
	}
	if was, is := IsDeprecated(a.Doc), IsDeprecated(b.Doc); was != is {
		say("deprecated", was, is)
	}
	return strings.Join(out, "; ")
}

// enumChanges returns which values an enum gained and lost.
func enumChanges(a, b []any) (out []string) {
	for _, c := range []struct {
		word        string
		these, than []any
	}{{"gained", b, a}, {"lost", a, b}} {
		var values []any
		for _, v := range c.these {
			if !slices.Contains(c.than, v) {
				values = append(values, v)
			}
		}
		if len(values) > 0 {
			out = append(out, fmt.Sprintf("enum %s %s", c.word, list(values)))
		}
	}
	return out
}

// meaningful returns a default that says something: the documents write the zero value of a type in
// some versions and not in others.
func meaningful(v any) any {
	switch fmt.Sprint(v) {
	case "", "map[]", "0", "false":
		return nil
	}
	return v
}

func orNone(v any) any {
	if v == nil || reflect.ValueOf(v).Kind() == reflect.Slice && reflect.ValueOf(v).Len() == 0 || v == "" {
		return "none"
	}
	return v
}

// HistoryReport is a history as data.
type HistoryReport struct {
	APIVersion string  `json:"apiVersion"` // seatrial/v1
	Kind       string  `json:"kind"`       // History
	Resource   string  `json:"resource"`   // apps/v1 Deployment
	Since      string  `json:"since"`      // first known version that serves it
	Removed    string  `json:"removed,omitempty"`
	Events     []Event `json:"events"`
}

// NewHistory returns a history as data.
func NewHistory(k *schema.Kind, events []Event) *HistoryReport {
	return &HistoryReport{
		"seatrial/v1", "History", k.GroupVersion().String() + " " + k.Kind, k.Since, k.Removed,
		append([]Event{}, events...),
	}
}

// WriteHistory writes a history for people, or as Markdown.
func WriteHistory(w io.Writer, k *schema.Kind, events []Event, markdown bool) error {
	title, heading, item := "%s %s: ", "\n%s\n", "  %s\n"
	if markdown {
		title, heading, item = "# %s %s\n\n", "\n## %s\n\n", "- `%s`\n"
	}
	first := k.Since
	if first == schema.Versions()[0] {
		first += " or earlier"
	}
	if _, err := fmt.Fprintf(w, title+"since Kubernetes %s", k.GroupVersion(), k.Kind, first); err != nil {
		return err
	}
	if k.Removed != "" {
		fmt.Fprintf(w, ", removed in %s", k.Removed)
	}
	fmt.Fprintln(w)
	if len(events) == 0 {
		_, err := fmt.Fprintf(w, "\nno changes from %s to %s\n", schema.Versions()[0], schema.Latest)
		return err
	}
	last := ""
	for _, e := range events {
		if e.Version != last {
			fmt.Fprintf(w, heading, e.Version)
			last = e.Version
		}
		if _, err := fmt.Fprintf(w, item, e.line(k.Kind)); err != nil {
			return err
		}
	}
	return nil
}

var signs = map[string]string{"added": "+", "removed": "-", "deprecated": "!", "changed": "~"}

// line returns an event as one line: + spec.replicas <integer>.
func (e Event) line(kind string) string {
	what := e.Path
	if what == "" {
		what = kind
	}
	switch {
	case e.Detail == "":
	case e.Change == "added" || e.Change == "removed":
		what += " <" + e.Detail + ">"
	default:
		what += ": " + e.Detail
	}
	if e.Change == "deprecated" {
		what = "deprecated " + what
	}
	return signs[e.Change] + " " + what
}

// Changes is what is different between two versions.
type Changes struct {
	APIVersion string       `json:"apiVersion"` // seatrial/v1
	Kind       string       `json:"kind"`       // Changes
	From       string       `json:"from"`
	To         string       `json:"to"`
	Kinds      []KindChange `json:"kinds"`
}

// KindChange is what is different about one kind.
type KindChange struct {
	APIVersion string  `json:"apiVersion"`
	Kind       string  `json:"kind"`
	Change     string  `json:"change"` // added, removed, changed
	Detail     string  `json:"detail,omitempty"`
	Fields     []Event `json:"fields"`
}

// Diff compares two versions: all kinds, or those that a resource name means, or a field of these.
func Diff(from, to *schema.Store, text string) (*Changes, error) {
	out := &Changes{
		APIVersion: "seatrial/v1", Kind: "Changes", From: from.Version, To: to.Version, Kinds: []KindChange{},
	}
	wanted, under := func(*schema.Kind) bool { return true }, ""
	if text != "" {
		var named []*schema.Kind
		var err error
		for _, store := range []*schema.Store{from, to} {
			subject, errOne := Find(store, text, "")
			if err = errOne; err != nil {
				continue
			}
			kinds, _, _ := resource(store, split(text))
			named = append(named, kinds...)
			under = strings.Join(subject.Path, ".")
		}
		if len(named) == 0 {
			return nil, err
		}
		wanted = func(k *schema.Kind) bool {
			return slices.ContainsFunc(named, func(o *schema.Kind) bool { return o.GVK == k.GVK })
		}
	}
	for _, k := range from.Kinds() {
		if !wanted(k) {
			continue
		}
		if now := to.Lookup(k.GVK); now == nil {
			out.Kinds = append(
				out.Kinds, KindChange{k.GroupVersion().String(), k.Kind, "removed", replacement(k), []Event{}},
			)
		} else if events := below(
			compare(span{from.Version, to.Version}, paths(k), paths(now)), under,
		); len(events) > 0 {
			out.Kinds = append(out.Kinds, KindChange{k.GroupVersion().String(), k.Kind, "changed", "", events})
		}
	}
	for _, k := range to.Kinds() {
		if wanted(k) && from.Lookup(k.GVK) == nil {
			out.Kinds = append(out.Kinds, KindChange{k.GroupVersion().String(), k.Kind, "added", "", []Event{}})
		}
	}
	slices.SortStableFunc(out.Kinds, func(a, b KindChange) int {
		return cmp.Or(cmp.Compare(a.APIVersion, b.APIVersion), cmp.Compare(a.Kind, b.Kind))
	})
	return out, nil
}

// WriteDiff writes changes for people, or as Markdown.
func WriteDiff(w io.Writer, c *Changes, markdown bool) error {
	if markdown {
		fmt.Fprintf(w, "# Kubernetes %s to %s\n", c.From, c.To)
	}
	if len(c.Kinds) == 0 {
		_, err := fmt.Fprintf(w, "no changes from %s to %s\n", c.From, c.To)
		return err
	}
	for _, k := range c.Kinds {
		line := fmt.Sprintf("%s %s %s", signs[k.Change], k.APIVersion, k.Kind)
		if k.Detail != "" {
			line += ": " + k.Detail
		}
		if markdown {
			line = fmt.Sprintf("\n## %s %s\n\n%s", k.APIVersion, k.Kind, strings.TrimSpace(k.Change+" "+k.Detail))
			if len(k.Fields) > 0 {
				line += "\n"
			}
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
		for _, e := range k.Fields {
			if markdown {
				fmt.Fprintf(w, "- %s `%s` %s\n", e.Change, e.Path, e.Detail)
				continue
			}
			fmt.Fprintln(w, "    "+e.line(k.Kind))
		}
	}
	return nil
}
