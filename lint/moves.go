package lint

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation/verdict"
)

// placeMeant returns the path at which a field was most likely meant to stand; empty if it is not known.
func (t *target) placeMeant(d *manifest.Document, c verdict.Cause) string {
	if c.Wanted != "" {
		return c.Wanted
	}
	kind := t.kindOf(d)
	if kind == nil || t.foreignField(d, c) != "" || t.versionsWith(gvkOf(d), c.SchemaPath()) != "" {
		return ""
	}
	_, place := kind.SuggestField(t.schemaPath(d, c))
	return inElements(d, place, c.Path)
}

// alternatives returns the places below the holder of an unknown field that have one of its name, where there are
// several.
func (t *target) alternatives(d *manifest.Document, c verdict.Cause) []string {
	kind := t.kindOf(d)
	if kind == nil {
		return nil
	}
	places := kind.FieldsNamed(t.schemaPath(d, c))
	if len(places) > maxNamed {
		places = append(places[:maxNamed], "another field")
	}
	return places
}

// inElements returns a path of a schema as a path of a document: of each list the element that another path leads
// through, or the only one. It returns "" if there are several.
func inElements(d *manifest.Document, place, beside string) string {
	for {
		list, rest, more := strings.Cut(place, "[]")
		if !more {
			return place
		}
		if after, same := strings.CutPrefix(beside, list+"["); same {
			index, _, _ := strings.Cut(after, "]")
			place = list + "[" + index + "]" + rest
			continue
		}
		if elements, isList := valueOf(d, list).([]any); !isList || len(elements) != 1 {
			return ""
		}
		place = list + "[0]" + rest
	}
}

// moveHelp says where a field belongs, and offers to move it there.
func moveHelp(d *manifest.Document, f *diag.Diagnostic, from, to string) {
	if d.Find(to).Exact && valueOf(d, to) != nil {
		f.Help = fmt.Sprintf("%s is set already: remove it here", to)
		return
	}
	f.Help = "move it to " + to
	if fix, ok := moveFix(d, from, to); ok {
		f.Fixes = append(f.Fixes, fix)
	}
}

// moveFix moves a field with all that stands below it, in a document that is written in blocks.
func moveFix(d *manifest.Document, from, to string) (diag.Fix, bool) {
	p, parent := d.Find(from), d.Find(from[:max(0, strings.LastIndexByte(from, '.'))])
	if !p.Exact || !parent.Exact || p.Alias.IsValid() || parent.Alias.IsValid() || !inBlock(d, parent) ||
		!opensLine(d, p.Key) {
		return diag.Fix{}, false
	}
	holder, names := deepest(d, to)
	if len(names) == 0 || holder.Alias.IsValid() || !inBlock(d, holder) {
		return diag.Fix{}, false
	}
	first, last := p.Key.Start.Line, max(p.Key.End.Line, lastLine(p.Value))
	indent := holder.Node.Fields[0].Key().Start.Column - 1
	var text strings.Builder
	for _, name := range names[:len(names)-1] {
		fmt.Fprintf(&text, "%*s%s:\n", indent, "", name)
		indent += 2
	}
	shift := indent - (p.Key.Start.Column - 1)
	for n := first; n <= last; n++ {
		line := strings.TrimRight(d.File.Line(n), "\r")
		if n == first { // the field may have another name
			line = line[:p.Key.Start.Column-1] + names[len(names)-1] + line[p.Key.End.Column-1:]
		}
		text.WriteString(shiftLine(line, shift) + "\n")
	}
	return diag.Fix{
		Message: "move it to " + to, Edits: moveLines(d.File, first, last, lastLine(holder.Value)+1, text.String()),
	}, true
}

// outdented is for the line of a field of the object itself that stands in its metadata, above lines which belong to
// that field: spec: is indented, and what it holds is not indented any further.
func outdented(object map[string]any, c verdict.Cause) (repair, bool) {
	metadata, isMap := object["metadata"].(map[string]any)
	holder, name := splitPath(c.Path)
	value, has := metadata[name]
	if !isMap || holder != "metadata" || !has || value != nil || c.Class != verdict.UnknownField ||
		object[name] != nil || name != "spec" {
		return repair{}, false
	}
	whole, inside, kept := maps.Clone(object), map[string]any{}, map[string]any{}
	fix := repair{instead: c.Path, added: []string{name}}
	for key, v := range metadata {
		switch {
		case key == name:
		case slices.Contains(metadataFields, key):
			kept[key] = v
		default:
			inside[key] = v
			fix.also = append(fix.also, "metadata."+key)
		}
	}
	whole["metadata"], whole[name] = kept, inside
	fix.value = whole
	return fix, len(inside) > 0
}

var metadataFields = []string{
	"name", "generateName", "namespace", "labels", "annotations", "finalizers", "ownerReferences",
}

// enrichOutdent says that the line of a field is indented too deep.
func enrichOutdent(d *manifest.Document, f *diag.Diagnostic, c verdict.Cause) bool {
	fix, ok := outdented(d.Value(), c)
	if !ok {
		return false
	}
	name := fix.added[0]
	f.Help = fmt.Sprintf("begin the line %s: in column 1: it is no part of metadata", name)
	if p := d.Find(c.Path); p.Exact && opensLine(d, p.Key) {
		start := d.File.LineStart(p.Key.Start.Line)
		f.Fixes = append(f.Fixes, replaceFix(d.File.Range(start, p.Key.Start.Offset), "", f.Help))
	}
	return true
}

// moveLines deletes lines of a file and inserts a text before another line.
func moveLines(f *source.File, first, last, before int, text string) []source.Edit {
	cut := f.Range(f.LineStart(first), lineEnd(f, last))
	at := lineEnd(f, before-1)
	if at > 0 && f.Data[at-1] != '\n' {
		text = "\n" + strings.TrimSuffix(text, "\n")
	}
	if at >= cut.Start.Offset && at <= cut.End.Offset {
		return []source.Edit{{Range: cut, NewText: text}}
	}
	return []source.Edit{{Range: cut}, {Range: f.Range(at, at), NewText: text}}
}

// lineEnd returns the first byte after a line and its end.
func lineEnd(f *source.File, line int) int {
	if line >= f.Lines() {
		return len(f.Data)
	}
	return f.LineStart(line + 1)
}

// lastLine returns the last line of a range that holds a character.
func lastLine(r source.Range) int {
	if r.End.Column == 1 && r.End.Line > r.Start.Line {
		return r.End.Line - 1
	}
	return r.End.Line
}

// shiftLine indents a line by more columns, or fewer.
func shiftLine(line string, by int) string {
	if strings.TrimSpace(line) == "" {
		return ""
	}
	if by >= 0 {
		return strings.Repeat(" ", by) + line
	}
	indent := len(line) - len(strings.TrimLeft(line, " "))
	return line[min(-by, indent):]
}

// inBlock reports whether a place holds a mapping whose entries stand on lines of their own, without brackets.
func inBlock(d *manifest.Document, p manifest.Place) bool {
	return p.Node != nil && p.Node.Kind == manifest.Map && len(p.Node.Fields) > 0 && p.Value.IsValid() &&
		d.File.Data[p.Value.Start.Offset] != '{'
}

// opensLine reports whether nothing but indentation stands before a place, and no quote opens there.
func opensLine(d *manifest.Document, at source.Range) bool {
	if !at.IsValid() || d.File.Data[at.Start.Offset] == '"' || d.File.Data[at.Start.Offset] == '\'' {
		return false
	}
	return strings.TrimSpace(d.File.Line(at.Start.Line)[:at.Start.Column-1]) == ""
}

// deepest returns the place that exists of a path, as far down as it does, and the names that do not. There are none if
// a name that is missing is that of a list's element, or if the whole path exists.
func deepest(d *manifest.Document, path string) (manifest.Place, []string) {
	var names []string
	for at := path; ; {
		p := d.Find(at)
		if p.Exact {
			return p, names
		}
		dot := strings.LastIndexByte(at, '.')
		name := at[dot+1:]
		if strings.ContainsAny(name, "[]") {
			return p, nil
		}
		names = append([]string{name}, names...)
		at = at[:max(0, dot)]
	}
}

// putAt sets a field, and makes the mappings that hold it. It returns false if the field has one already, or the
// path leads through a list of which no element is named.
func putAt(v map[string]any, path string, value any) bool {
	for {
		key, rest, ok := firstStep(v, path)
		if !ok { // the rest of the path does not exist
			name, below, deeper := strings.Cut(strings.TrimPrefix(path, "."), ".")
			if strings.ContainsAny(name, "[]") {
				return false
			}
			if !deeper {
				v[name] = value
				return true
			}
			next := map[string]any{}
			v[name] = next
			v, path = next, below
			continue
		}
		if rest == "" {
			return false
		}
		var at any = v[key.(string)]
		for strings.HasPrefix(rest, "[") {
			if key, rest, ok = firstStep(at, rest); !ok {
				return false
			}
			at = valueAt(at, key)
		}
		if v, ok = at.(map[string]any); !ok {
			return false
		}
		path = rest
	}
}
