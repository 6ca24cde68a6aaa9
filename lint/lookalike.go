package lint

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/manifest/syntax"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation/verdict"
)

// mayHoldLookalikes reports whether a text has a byte with which the characters of [syntax.Lookalike] begin.
func mayHoldLookalikes(text []byte) bool {
	for _, b := range []byte{0xc2, 0xe2, 0xe3, 0xef} {
		if bytes.IndexByte(text, b) >= 0 {
			return true
		}
	}
	return false
}

// unreadableBlanks reports characters that show as blanks, or as nothing, and have become part of keys, in a document
// that the server refuses. They are one finding, which has to be fixed first.
func (r *run) unreadableBlanks(d *manifest.Document, v verdict.Verdict) (diag.Diagnostic, bool) {
	if v.Accepted() || !mayHoldLookalikes(d.JSON) {
		return diag.Diagnostic{}, false
	}
	found := newDiagnostic(ruleSyntax, d)
	fix := diag.Fix{Message: "write spaces", Safe: true}
	name := ""
	collect := func(at source.Range) {
		for offset := at.Start.Offset; offset < at.End.Offset; {
			c, n := utf8.DecodeRune(d.File.Data[offset:])
			if called, meant, ok := syntax.Lookalike(c); ok && syntax.Blank(c) {
				edit := source.Edit{Range: d.File.Range(offset, offset+n), NewText: meant}
				if len(fix.Edits) == 0 {
					name, found.Range = called, edit.Range
				}
				fix.Edits = append(fix.Edits, edit)
			} else if called, meant, ok := syntax.Punctuation(c); ok && meant == ":" {
				edit := source.Edit{
					Range: d.File.Range(offset, offset+n), NewText: meant + syntax.SpaceAfter(d.File.Data, offset+n),
				}
				name, found.Range, fix.Message = called, edit.Range, "write a colon"
				fix.Edits = append(fix.Edits, edit)
				return
			}
			offset += n
		}
	}
	eachScalar(d.Root(), "", func(path string, key bool, n *manifest.Node, at source.Range) {
		if isFreeText(d, path) && !key {
			return
		}
		if text := string(textOf(d, at)); key ||
			n.Style == manifest.Plain && (holdsKey(text) || foreignColon.MatchString(text) && mistyped(v, path)) {
			collect(at)
		}
	})
	if len(fix.Edits) == 0 {
		return diag.Diagnostic{}, false
	}
	found.Message = syntax.LookalikeMessage(name, len(fix.Edits))
	if fix.Message == "write a colon" {
		found.Message = name + " in the place of a colon"
	}
	found.Help = "YAML reads it as text, a part of the key: replace it"
	found.Fixes = []diag.Fix{fix}
	return found, true
}

// foreignColon matches a key with a colon that is none to YAML.
var foreignColon = regexp.MustCompile(`^[A-Za-z][\w.-]*[\x{ff1a}\x{fe55}]`)

// mistyped reports whether the server refuses a value because of its type.
func mistyped(v verdict.Verdict, path string) bool {
	return slices.ContainsFunc(v.Causes, func(c verdict.Cause) bool { return c.Path == path && isWrongType(c) })
}

// holdsKey reports whether a plain scalar looks like a key and a value with a blank between them that is none to YAML.
func holdsKey(text string) bool {
	_, after, found := strings.Cut(text, ":")
	c, _ := utf8.DecodeRuneInString(after)
	return found && syntax.Blank(c)
}

// lookalikes warns of values that hold characters which look like others.
func (r *run) lookalikes(d *manifest.Document) (out []diag.Diagnostic) {
	if !r.judged(ruleLookalike.Name) || !mayHoldLookalikes(d.JSON) {
		return nil
	}
	eachScalar(d.Root(), "", func(path string, key bool, n *manifest.Node, at source.Range) {
		if key || n.Style == manifest.Block || isFreeText(d, path) {
			return
		}
		image := strings.HasSuffix(path, ".image") // no node can pull it
		text := string(textOf(d, at))
		name, meant, ok := withoutLookalikes(text, n.Style)
		if !ok || n.Style != manifest.Plain && strings.HasPrefix(name, "curly quote") && !image {
			return
		}
		f := newDiagnostic(ruleLookalike, d)
		f.Severity = r.Rules.severityOf(ruleLookalike, &Finding{})
		if image {
			f.Severity = diag.Error
		}
		f.Path, f.Range = path, firstLine(at)
		f.Message = name + " is a part of the value"
		f.Help = "write " + meant
		f.Fixes = []diag.Fix{{Message: f.Help, Safe: !n.Shared, Edits: []source.Edit{{Range: at, NewText: meant}}}}
		out = append(out, f)
	})
	return out
}

// withoutLookalikes returns the text of a scalar as it was most likely meant, and the name of the first character that
// was not.
func withoutLookalikes(text string, style manifest.Style) (name, meant string, ok bool) {
	inner := text
	if style != manifest.Plain && len(text) > 1 {
		inner = text[1 : len(text)-1]
	}
	first, size := utf8.DecodeRuneInString(inner)
	last, _ := utf8.DecodeLastRuneInString(inner)
	_, opens, _ := syntax.Lookalike(first)
	_, closes, _ := syntax.Lookalike(last)
	if (opens == `"` || opens == "'") && opens == closes && len(inner) > size {
		name, _, _ = syntax.Lookalike(first)
		inner = inner[size : len(inner)-utf8.RuneLen(last)]
		return name, scalarText(inner), !strings.ContainsAny(inner, `"\`)
	}
	trimmed := strings.TrimFunc(text, syntax.Blank)
	words := strings.Contains(trimmed, " ") // a sentence may want its words kept together
	clean := strings.Map(func(r rune) rune {
		called, to, is := syntax.Lookalike(r)
		if !is || !syntax.Blank(r) || words && to == " " {
			return r
		}
		if name == "" {
			name = called
		}
		if to == "" {
			return -1
		}
		return ' '
	}, text)
	if style == manifest.Plain {
		clean = strings.TrimSpace(clean)
	}
	return name, clean, name != "" && clean != ""
}

// hiddenIn returns the scalar at a path, or the entry of the mapping there, that a message refuses because of a
// character that looks like another one, with the name of the character and the text that was most likely meant.
func hiddenIn(d *manifest.Document, path, message string) (at source.Range, name, meant string, ok bool) {
	p := d.Find(path)
	if !p.Exact || p.Node == nil || p.Alias.IsValid() {
		return source.Range{}, "", "", false
	}
	n := p.Node
	if n.Kind == manifest.Map {
		if n = refusedEntry(n, message); n == nil {
			return source.Range{}, "", "", false
		}
	}
	at = n.Range()
	if n.Kind != manifest.Scalar || n.Style == manifest.Block || !at.IsValid() || at.Start.Line != at.End.Line {
		return source.Range{}, "", "", false
	}
	name, meant, ok = withoutLookalikes(string(textOf(d, at)), n.Style)
	return at, name, meant, ok
}

// refusedEntry returns the value of a mapping that a message names; nil if it names none.
func refusedEntry(n *manifest.Node, message string) *manifest.Node {
	m := invalidText.FindStringSubmatch(message)
	if m == nil {
		return nil
	}
	text, err := strconv.Unquote(m[1])
	if err != nil {
		return nil
	}
	for _, f := range n.Fields {
		if v := f.Value.Target(); v.Kind == manifest.Scalar && v.Text == text {
			return v
		}
	}
	return nil
}

// enrichHidden says that a value is refused because of a character that looks like another one. It reports whether it
// is.
func enrichHidden(d *manifest.Document, f *diag.Diagnostic, path string) bool {
	at, name, meant, ok := hiddenIn(d, path, f.Message)
	if !ok {
		return false
	}
	f.Server = f.Message
	f.Message, f.Help, f.Range = name+" is a part of the value", "write "+meant, at
	f.Fixes = []diag.Fix{{Message: f.Help, Safe: true, Edits: []source.Edit{{Range: at, NewText: meant}}}}
	return true
}

// isFreeText reports whether a value is text for people or programs of which Kubernetes knows nothing.
func isFreeText(d *manifest.Document, path string) bool {
	for _, prefix := range []string{
		"data", "stringData", "metadata.annotations", "spec.template.metadata.annotations",
	} {
		if path == prefix || strings.HasPrefix(path, prefix+".") {
			return true
		}
	}
	return strings.HasSuffix(strings.ToLower(path), "description") || isDefinition(d)
}

// eachScalar visits the keys and scalars of a tree, with the path of each.
func eachScalar(n *manifest.Node, path string, visit func(path string, key bool, n *manifest.Node, at source.Range)) {
	if n.Kind == manifest.Scalar {
		if at := n.Range(); n.Target() == n && at.IsValid() {
			visit(path, false, n, at)
		}
		return
	}
	for i := range n.Fields {
		f := &n.Fields[i]
		at := strings.TrimPrefix(path+"."+f.Name, ".")
		visit(at, true, f.Value, f.Key())
		eachScalar(f.Value, at, visit)
	}
	for i, it := range n.Items {
		eachScalar(it, path+"["+strconv.Itoa(i)+"]", visit)
	}
}
