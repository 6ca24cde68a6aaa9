package lint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation/verdict"
)

// maxTorn is how many keys an element has, at most, that is taken for a part of another one.
const maxTorn = 3

// A torn element is one that stands in its list as several, by dashes too many.
type torn struct {
	list        string
	first, last int // its parts
}

// tornElement returns the torn element whose part lacks the field at a path, which validation misses and another part
// has. Parts have no key in common.
func tornElement(d *manifest.Document, path string) (torn, bool) {
	element, name := splitPath(path)
	open := strings.LastIndexByte(element, '[')
	if open < 0 || !strings.HasSuffix(element, "]") || strings.ContainsAny(name, "[]") {
		return torn{}, false
	}
	at, err := strconv.Atoi(element[open+1 : len(element)-1])
	elements, isList := valueOf(d, element[:open]).([]any)
	if err != nil || !isList || at >= len(elements) || len(elements) > maxWrong {
		return torn{}, false
	}
	t := torn{list: element[:open]}
	var keys []string
	for i, e := range elements {
		part, isMap := e.(map[string]any)
		if !isMap || len(part) == 0 {
			return torn{}, false
		}
		names := sortedKeys(part)
		apart := len(names) <= maxTorn && len(keys) <= maxTorn &&
			!slices.ContainsFunc(names, func(key string) bool { return slices.Contains(keys, key) })
		switch {
		case apart:
			keys = append(keys, names...)
		case i > at:
			return t, t.lacks(elements, at, name, keys)
		default:
			t.first, keys = i, names
		}
		t.last = i
	}
	return t, t.lacks(elements, at, name, keys)
}

// lacks reports whether a part of the element lacks a field that another part has.
func (t torn) lacks(elements []any, at int, name string, keys []string) bool {
	part, _ := elements[at].(map[string]any)
	return t.first < t.last && part[name] == nil && slices.Contains(keys, name)
}

// enrich says which dashes to remove, and offers it.
func (t torn) enrich(d *manifest.Document, f *diag.Diagnostic) {
	var names []string
	fix := diag.Fix{Message: "remove the dash"}
	for i := t.first + 1; i <= t.last; i++ {
		part := d.Find(fmt.Sprintf("%s[%d]", t.list, i))
		fields := part.Node.Target().Fields
		for j := range fields {
			names = append(names, fields[j].Name)
		}
		if i == t.first+1 && len(fields) > 0 {
			f.Range = fields[0].Key()
		}
		if edit, ok := withoutDash(d, part); ok {
			fix.Edits = append(fix.Edits, edit)
		}
	}
	verb := "belongs"
	if len(names) > 1 {
		verb = "belong"
	}
	f.Help = fmt.Sprintf("remove the dash: %s %s to the element above", listedNames(names, "and"), verb)
	if len(fix.Edits) == t.last-t.first {
		f.Fixes = append(f.Fixes, fix)
	}
}

// withoutDash removes the dash of an element, so that it goes on the one above.
func withoutDash(d *manifest.Document, p manifest.Place) (source.Edit, bool) {
	if !p.Exact || p.Alias.IsValid() || !p.Key.IsValid() {
		return source.Edit{}, false
	}
	line := d.File.Line(p.Key.Start.Line)
	before := line[:p.Key.Start.Offset-d.File.LineStart(p.Key.Start.Line)]
	if strings.TrimSpace(before) != "-" {
		return source.Edit{}, false
	}
	at := d.File.LineStart(p.Key.Start.Line) + strings.IndexByte(before, '-')
	return source.Edit{Range: d.File.Range(at, at+1), NewText: " "}, true
}

// isOfTorn reports whether a cause is about the same torn element as an earlier one.
func isOfTorn(d *manifest.Document, before []verdict.Cause, c verdict.Cause) bool {
	if c.Class != verdict.Invalid {
		return false
	}
	t, ok := tornElement(d, c.Path)
	return ok && slices.ContainsFunc(before, func(o verdict.Cause) bool {
		if o.Class != verdict.Invalid || !isBelow(o.Path, t.list) {
			return false
		}
		other, found := tornElement(d, o.Path)
		return found && other == t
	})
}
