// Package source holds the bytes of the files a user wrote, and the places in them.
//
// The central type is [Range]: a span of one file, from a start to an end [Pos].
// Positions count bytes and characters; formats that count otherwise (UTF-16 in
// SARIF and the editor protocol) convert at their own edge.
//
//	f := source.NewFile("a.yaml", data)
//	r := f.Range(10, 15)           // bytes 10 to 15
//	fmt.Println(r.Start.Line, r.Start.Column)
package source

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sort"
	"sync"
	"unicode/utf16"
	"unicode/utf8"
)

// Pos is one place in a file.
type Pos struct {
	Offset int // bytes from the start of the file, from 0
	Line   int // lines, from 1
	Column int // characters (Unicode code points) in the line, from 1
}

// IsValid reports whether the position was set.
func (p Pos) IsValid() bool { return p.Line > 0 }

// Range is a span of one file. End is the place after the last character.
type Range struct {
	File       string // name of the file as the user gave it
	Start, End Pos
}

// IsValid reports whether the range was set.
func (r Range) IsValid() bool { return r.Start.IsValid() }

// Compare orders ranges by file, start and end.
func (r Range) Compare(o Range) int {
	return cmp.Or(
		cmp.Compare(r.File, o.File),
		cmp.Compare(r.Start.Line, o.Start.Line),
		cmp.Compare(r.Start.Column, o.Start.Column),
		cmp.Compare(r.End.Line, o.End.Line),
		cmp.Compare(r.End.Column, o.End.Column),
	)
}

// String returns the place as compilers print it: file:line:column.
func (r Range) String() string {
	return fmt.Sprintf("%s:%d:%d", Display(r.File), r.Start.Line, r.Start.Column)
}

// Stdin is the name under which standard input is read and reported.
const Stdin = "-"

// Display names a file to people.
func Display(name string) string {
	if name == Stdin {
		return "<stdin>"
	}
	return name
}

// Edit replaces the bytes of a range with a new text.
type Edit struct {
	Range   Range
	NewText string
}

// File is the content of one input with an index of its lines.
type File struct {
	Name string
	Data []byte

	once  sync.Once
	lines []int // offset of the first byte of each line, built on first use

	counted    sync.Once
	characters []int // characters before each block of blockBytes bytes, built for the first long line
}

// blockBytes is how many bytes are counted at a time, at most: lines may be as long as files.
const blockBytes = 512

// Decode returns a text as UTF-8, and whether it was UTF-16 with a byte order mark, which clients read as well.
func Decode(data []byte) (text []byte, utf16Text bool) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}) && !bytes.HasPrefix(data, []byte{0xff, 0xfe, 0, 0}):
		order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	default:
		return data, false
	}
	units := make([]uint16, (len(data)-2)/2)
	for i := range units {
		units[i] = order.Uint16(data[2+2*i:])
	}
	return []byte(string(utf16.Decode(units))), true
}

// NewFile holds data under the given name. It keeps data and does not copy it.
func NewFile(name string, data []byte) *File { return &File{Name: name, Data: data} }

// index returns the offset of the first byte of each line.
func (f *File) index() []int {
	f.once.Do(func() {
		f.lines = append(make([]int, 0, 1+bytes.Count(f.Data, []byte{'\n'})), 0)
		for i, c := range f.Data {
			if c == '\n' {
				f.lines = append(f.lines, i+1)
			}
		}
	})
	return f.lines
}

// Lines tells how many lines the file has; a file without a newline has one.
func (f *File) Lines() int { return len(f.index()) }

// LineStart returns the offset of the first byte of a line (from 1), clamped to the file.
func (f *File) LineStart(line int) int {
	lines := f.index()
	switch {
	case line < 1:
		return 0
	case line > len(lines):
		return len(f.Data)
	}
	return lines[line-1]
}

// Line returns the text of a line (from 1) without its line break.
func (f *File) Line(line int) string {
	lines := f.index()
	if line < 1 || line > len(lines) {
		return ""
	}
	end := len(f.Data)
	if line < len(lines) {
		end = lines[line] - 1
	}
	start := lines[line-1]
	if end > start && f.Data[end-1] == '\r' {
		end--
	}
	return string(f.Data[start:end])
}

// Pos returns the place of a byte offset, clamped to the file.
func (f *File) Pos(offset int) Pos {
	offset = min(max(offset, 0), len(f.Data))
	lines := f.index()
	i := sort.SearchInts(lines, offset+1) - 1
	return Pos{Offset: offset, Line: i + 1, Column: f.between(lines[i], offset) + 1}
}

// between counts the characters from one byte to another.
func (f *File) between(start, end int) int {
	if end-start <= 2*blockBytes {
		return utf8.RuneCount(f.Data[start:end])
	}
	return f.before(end) - f.before(start)
}

// before counts the characters before a byte.
func (f *File) before(offset int) int {
	f.counted.Do(func() {
		f.characters = make([]int, 1, 2+len(f.Data)/blockBytes)
		for at := 0; at+blockBytes <= len(f.Data); at += blockBytes {
			f.characters = append(f.characters, f.characters[len(f.characters)-1]+starts(f.Data[at:at+blockBytes]))
		}
	})
	block := offset / blockBytes
	return f.characters[block] + starts(f.Data[block*blockBytes:offset])
}

// starts counts the bytes with which a character begins.
func starts(data []byte) (n int) {
	for _, c := range data {
		if utf8.RuneStart(c) {
			n++
		}
	}
	return n
}

// Offset returns the byte offset of a line and a column in characters, both from 1, clamped to the line.
func (f *File) Offset(line, column int) int {
	start := f.LineStart(line)
	text := f.Line(line)
	off := 0
	for n := 1; n < column && off < len(text); n++ {
		_, size := utf8.DecodeRuneInString(text[off:])
		off += size
	}
	return start + off
}

// Range returns the span from byte start to byte end (exclusive).
func (f *File) Range(start, end int) Range {
	return Range{File: f.Name, Start: f.Pos(start), End: f.Pos(end)}
}

// ErrOverlap is returned by [Apply] when two edits touch the same bytes.
var ErrOverlap = errors.New("edits overlap")

// Apply returns data with the edits made. Edits are taken in any order, and must not overlap.
func Apply(data []byte, edits []Edit) ([]byte, error) {
	sorted := slices.Clone(edits)
	slices.SortStableFunc(
		sorted,
		func(a, b Edit) int { return cmp.Compare(a.Range.Start.Offset, b.Range.Start.Offset) },
	)
	var out []byte
	at := 0
	for _, e := range sorted {
		if e.Range.Start.Offset < at {
			return nil, fmt.Errorf("%s: %w", e.Range, ErrOverlap)
		}
		if e.Range.End.Offset < e.Range.Start.Offset || e.Range.End.Offset > len(data) {
			return nil, fmt.Errorf("%s: edit outside the file", e.Range)
		}
		out = append(out, data[at:e.Range.Start.Offset]...)
		out = append(out, e.NewText...)
		at = e.Range.End.Offset
	}
	return append(out, data[at:]...), nil
}
