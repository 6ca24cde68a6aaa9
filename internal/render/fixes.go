package render

import (
	"strings"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// editor maps a range of a rendering to a range of a source file that has the same text and renders to it.
type editor interface {
	// original returns the range of a source file; ok is false where the text is not there as it is rendered. Newlines
	// says that the new text has several lines.
	original(doc *manifest.Document, path string, at source.Range, newlines bool) (r source.Range, ok bool)
}

// sourceFixes returns the fixes of a finding whose edits can be made in the source, there.
func (r *Rendering) sourceFixes(doc *manifest.Document, path string, fixes []diag.Fix) (mapped []diag.Fix) {
	places, ok := r.places.(editor)
	if !ok || doc == nil {
		return nil
	}
	for _, fix := range fixes {
		edits := make([]source.Edit, 0, len(fix.Edits))
		for _, e := range fix.Edits {
			at, ok := places.original(doc, path, e.Range, strings.Contains(e.NewText, "\n"))
			if !ok || r.isFixed(at.File) {
				break
			}
			edits = append(edits, source.Edit{Range: at, NewText: e.NewText})
		}
		if len(edits) == len(fix.Edits) {
			mapped = append(mapped, diag.Fix{Message: fix.Message, Edits: edits, Safe: fix.Safe})
		}
	}
	return mapped
}

// Original returns the range of a source file that has the text of a range of the rendering, and renders to it. The
// range is that of a name or value without quotes, at a path of a document. ok is false where the text is composed, or
// stands in a packaged chart.
func (r *Rendering) Original(doc *manifest.Document, path string, at source.Range) (there source.Range, ok bool) {
	switch places := r.places.(type) {
	case *templatePlaces:
		there, ok = places.unquoted(path, at)
	case editor:
		rendered, whole := doc.Find(path), at
		for _, outer := range []source.Range{rendered.Key, rendered.Value} {
			if inner := withoutQuotes(doc.File, outer); inner.Start.Offset == at.Start.Offset {
				whole = outer
			}
		}
		if there, ok = places.original(doc, path, whole, false); ok {
			there = withoutQuotes(r.fileNamed(there.File), there)
		}
	}
	return there, ok && !strings.Contains(there.File, ".tgz") && !strings.Contains(there.File, ".tar.gz")
}

// Place returns where a range of the rendering comes from.
func (r *Rendering) Place(doc *manifest.Document, path string, at source.Range) source.Range {
	return r.locate(doc, path, at)
}

// fileNamed returns a file of the source; an empty one if it cannot be read.
func (r *Rendering) fileNamed(name string) *source.File {
	data, err := r.Source.reader()(name)
	if err != nil {
		data = nil
	}
	return source.NewFile(name, data)
}

// withoutQuotes returns the range of a text without the quotes around it.
func withoutQuotes(f *source.File, r source.Range) source.Range {
	if r.End.Offset > len(f.Data) || r.End.Offset-r.Start.Offset < 2 {
		return r
	}
	first, last := f.Data[r.Start.Offset], f.Data[r.End.Offset-1]
	if first != last || first != '"' && first != '\'' {
		return r
	}
	return f.Range(r.Start.Offset+1, r.End.Offset-1)
}

// isFixed reports whether a file was read when the source was found, so that an edit of it has no effect on the
// rendering: that of the object of Flux or Argo CD that asks for it, and the kustomization that this one changes.
func (r *Rendering) isFixed(name string) bool {
	s := r.Source
	return s.object != nil && s.object.File.Name == name || s.overlay != nil && s.overlay.file == name ||
		strings.Contains(name, ".tgz") || strings.Contains(name, ".tar.gz")
}

func (p *templatePlaces) original(
	_ *manifest.Document, path string, at source.Range, newlines bool,
) (source.Range, bool) {
	if r, ok := p.sameLines(at, newlines); ok {
		return r, true
	}
	value, _, ok := p.value(path, at)
	if !ok || newlines {
		return source.Range{}, false
	}
	f := p.file(value.Range.File)
	if f == nil || !sameText(f, value.Range, p.text, at) {
		return source.Range{}, false
	}
	return value.Range, true
}

// sameLines maps a range of lines that stand in the template as they are rendered. Lines that an include has indented
// may only be edited within themselves.
func (p *templatePlaces) sameLines(at source.Range, newlines bool) (r source.Range, ok bool) {
	rendered := p.renderedFile()
	last := at.End.Line
	if last > at.Start.Line && at.End.Column == 1 {
		last--
	}
	if at.Start.Line < 1 || last > len(p.lines) {
		return r, false
	}
	from := p.lines[at.Start.Line-1]
	f := p.file(from.file)
	if f == nil || from.number < 1 || from.number+last-at.Start.Line > f.Lines() {
		return r, false
	}
	shift := 0
	for l := at.Start.Line; l <= last; l++ {
		there := p.lines[l-1]
		text, original := rendered.Line(l), f.Line(from.number+l-at.Start.Line)
		bare := strings.TrimLeft(original, " ")
		shift = len(original) - len(bare) - (len(text) - len(strings.TrimLeft(text, " ")))
		if there.file != from.file || there.number != from.number+l-at.Start.Line || strings.Contains(original, "{{") ||
			bare != strings.TrimLeft(text, " ") ||
			shift != 0 && (newlines || last != at.Start.Line || at.End.Line != last) {
			return r, false
		}
	}
	start := f.LineStart(from.number) + at.Start.Offset - rendered.LineStart(at.Start.Line) + shift
	end := start + at.End.Offset - at.Start.Offset
	if start < f.LineStart(from.number) || end > len(f.Data) {
		return r, false
	}
	return f.Range(start, end), true
}

func (o *origins) original(
	doc *manifest.Document, path string, at source.Range, newlines bool,
) (source.Range, bool) {
	rendered := doc.Find(path)
	if newlines || !rendered.Exact || at != rendered.Key && at != rendered.Value {
		return source.Range{}, false
	}
	there, ok := o.place(doc, path, at)
	if !ok {
		return source.Range{}, false
	}
	data, err := o.source.reader()(there.File)
	if err != nil || !sameText(source.NewFile(there.File, data), there, doc.File.Data, at) {
		return source.Range{}, false
	}
	return there, true
}

// sameText reports whether a range of a file has the text that is rendered at another.
func sameText(f *source.File, there source.Range, rendered []byte, at source.Range) bool {
	text := func(data []byte, r source.Range) string {
		if r.Start.Offset > r.End.Offset || r.End.Offset > len(data) {
			return ""
		}
		return string(data[r.Start.Offset:r.End.Offset])
	}
	want := text(rendered, at)
	return want != "" && want == text(f.Data, there)
}
