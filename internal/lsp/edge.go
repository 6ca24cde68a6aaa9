package lsp

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seatrial/seatrial/source"
)

// edge is where places in files become places of the protocol, and back. It counts the characters
// of a line as the editor does.
type edge func(text string) int

var (
	utf8Edge  edge = func(text string) int { return len(text) }
	utf16Edge edge = func(text string) (n int) {
		for _, r := range text {
			n++
			if r >= 1<<16 {
				n++
			}
		}
		return n
	}
)

func (e edge) position(f *source.File, p source.Pos) position {
	if !p.IsValid() {
		return position{}
	}
	start := f.LineStart(p.Line)
	return position{Line: p.Line - 1, Character: e(string(f.Data[start:max(start, min(p.Offset, len(f.Data)))]))}
}

func (e edge) rangeOf(f *source.File, r source.Range) textRange {
	return textRange{e.position(f, r.Start), e.position(f, r.End)}
}

// offset returns the byte of a place, clamped to its line.
func (e edge) offset(f *source.File, p position) int {
	line := f.Line(p.Line + 1)
	at := 0
	for n := 0; at < len(line) && n < p.Character; {
		_, size := utf8.DecodeRuneInString(line[at:])
		n += e(line[at : at+size])
		at += size
	}
	return f.LineStart(p.Line+1) + at
}

// apply returns a file after a change.
func (e edge) apply(f *source.File, c contentChange) *source.File {
	if c.Range == nil {
		return source.NewFile(f.Name, []byte(c.Text))
	}
	start, end := e.offset(f, c.Range.Start), e.offset(f, c.Range.End)
	return source.NewFile(f.Name, slices.Concat(f.Data[:start], []byte(c.Text), f.Data[max(start, end):]))
}

// fileName returns the file of a URI, or the URI itself where it names no file.
func fileName(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" {
		return uri
	}
	return filepath.FromSlash(u.Path)
}

// uriOf is the way back.
func uriOf(name string) string {
	if strings.Contains(name, ":") && !filepath.IsAbs(name) {
		return name
	}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(name)}).String()
}
