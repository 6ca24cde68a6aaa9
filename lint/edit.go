package lint

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// editsOf returns the changes of text that make a fix; nil if one of them cannot be made where the document is written
// as it is.
func editsOf(d *manifest.Document, fix *PathFix) []source.Edit {
	if fix.Key != "" {
		p := d.Find(fix.Path)
		if !p.Exact || !p.Key.IsValid() || p.Alias.IsValid() {
			return nil
		}
		name := fix.Key
		if d.IsJSON() {
			quoted, _ := json.Marshal(name) // a string has JSON
			name = string(quoted)
		}
		return []source.Edit{{Range: p.Key, NewText: name}}
	}
	edit, ok := editOf(d, fix)
	if !ok {
		return nil
	}
	edits := []source.Edit{edit}
	for i := range fix.And {
		edit, ok := editOf(d, &fix.And[i])
		if !ok || overlaps(edits, []source.Edit{edit}) {
			return nil
		}
		edits = append(edits, edit)
	}
	return edits
}

func editOf(d *manifest.Document, fix *PathFix) (source.Edit, bool) {
	p := d.Find(fix.Path)
	switch {
	case p.Alias.IsValid():
		return source.Edit{}, false
	case fix.Remove:
		return removal(d, fix.Path, p)
	case p.Exact && p.Value.IsValid():
		written := string(d.File.Data[p.Value.Start.Offset:p.Value.End.Offset])
		return source.Edit{Range: p.Value, NewText: inStyle(d, written, fix.NewText)}, true
	case !fix.Add:
		return source.Edit{}, false
	}
	return addition(d, fix.Path, inStyle(d, "", fix.NewText))
}

// plainText matches text that needs no quotes in YAML, unless it is read as something else than a string.
var plainText = regexp.MustCompile(`^[A-Za-z0-9/_.][-A-Za-z0-9/_.@]*(:[-A-Za-z0-9/_.@]+)*$`)

// inStyle returns the text of a value in double quotes as the one that it replaces is quoted, or without quotes if that
// has none and neither needs any.
func inStyle(d *manifest.Document, written, text string) string {
	value, err := strconv.Unquote(text)
	if err != nil || d.IsJSON() || strings.HasPrefix(written, `"`) || !plainText.MatchString(value) {
		return text
	}
	if strings.HasPrefix(written, "'") {
		return "'" + value + "'"
	}
	var read any
	if yaml.Unmarshal([]byte(value), &read) != nil || read != any(value) {
		return text
	}
	return value
}

// removal removes a field that stands on lines of its own, unless it is the only one of its mapping.
func removal(d *manifest.Document, path string, p manifest.Place) (source.Edit, bool) {
	parent := d.Find(path[:max(0, strings.LastIndexByte(path, '.'))])
	if !p.Exact || !parent.Exact || !inBlock(d, parent) || len(parent.Node.Fields) < 2 || !opensLine(d, p.Key) {
		return source.Edit{}, false
	}
	last := max(p.Key.End.Line, lastLine(p.Value))
	return source.Edit{Range: d.File.Range(d.File.LineStart(p.Key.Start.Line), lineEnd(d.File, last))}, true
}

// addition adds a field with the mappings that hold it, behind the last field of the deepest mapping that exists.
func addition(d *manifest.Document, path, text string) (source.Edit, bool) {
	holder, names := holderOf(d, path)
	if len(names) == 0 || holder.Alias.IsValid() || holder.Node == nil || holder.Node.Kind != manifest.Map ||
		!holder.Value.IsValid() {
		return source.Edit{}, false
	}
	if !inBlock(d, holder) {
		return flowAddition(d, holder, names, text)
	}
	indent := holder.Node.Fields[0].Key().Start.Column - 1
	var b strings.Builder
	for i, name := range names {
		b.WriteString(strings.Repeat(" ", indent) + name + ":")
		if i < len(names)-1 {
			b.WriteByte('\n')
		}
		indent += 2
	}
	added := b.String() + " " + text + "\n"
	at := lineEnd(d.File, lastLine(holder.Value))
	if at > 0 && d.File.Data[at-1] != '\n' {
		added = "\n" + strings.TrimSuffix(added, "\n")
	}
	return source.Edit{Range: d.File.Range(at, at), NewText: added}, true
}

// holderOf returns the deepest mapping that exists above a field, and the names that lead from there to it.
func holderOf(d *manifest.Document, path string) (manifest.Place, []string) {
	open := strings.LastIndexByte(path, '[')
	if open < 0 || !strings.HasSuffix(path, "]") {
		return deepest(d, path)
	}
	name := path[open+1 : len(path)-1]
	if holder := d.Find(path[:open]); holder.Exact {
		return holder, []string{name}
	}
	holder, names := deepest(d, path[:open])
	if len(names) == 0 {
		return holder, nil
	}
	return holder, append(names, name)
}

// flowAddition adds a field to a mapping in brackets.
func flowAddition(d *manifest.Document, holder manifest.Place, names []string, text string) (source.Edit, bool) {
	end := holder.Value.End.Offset - 1
	if end < 0 || d.File.Data[end] != '}' || holder.Value.Start.Line != holder.Value.End.Line {
		return source.Edit{}, false
	}
	added := text
	for i := len(names) - 1; i >= 0; i-- {
		name := names[i]
		if d.IsJSON() {
			quoted, _ := json.Marshal(name) // a string has JSON
			name = string(quoted)
		}
		added = name + ": " + added
		if i > 0 {
			added = "{" + added + "}"
		}
	}
	if len(holder.Node.Fields) > 0 {
		added = ", " + added
	}
	return source.Edit{Range: d.File.Range(end, end), NewText: added}, true
}
