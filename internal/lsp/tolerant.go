package lsp

import (
	"bytes"
	"slices"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// maxBroken is how many lines that are no YAML are passed over.
const maxBroken = 8

// tolerant reads the objects of a text in which some lines are broken, as they are while it is written: these lines
// are read as if they were empty. The line at the byte keep stays; -1: none has to.
func tolerant(f *source.File, keep int) []*manifest.Document {
	docs, findings := manifest.Read(f, manifest.DefaultLimits)
	if !broken(docs, findings) {
		return docs
	}
	kept := 0
	if keep >= 0 {
		kept = f.Pos(keep).Line
	}
	best := docs
	text := bytes.Clone(f.Data)
	var blank []int // lines
	for range maxBroken {
		line := brokenLine(f, findings, kept, blank)
		if line == 0 {
			break
		}
		blank = append(blank, line)
		start := f.LineStart(line)
		for i := range f.Line(line) {
			text[start+i] = ' '
		}
		docs, findings = manifest.Read(source.NewFile(f.Name, bytes.Clone(text)), manifest.DefaultLimits)
		if len(docs) > len(best) {
			best = docs
		}
		if !broken(docs, findings) {
			return docs
		}
	}
	return best
}

// documentsAt reads the objects of the part of a text that holds a byte, as tolerant does. Other parts are read only if
// this one is broken.
func documentsAt(f *source.File, offset int) []*manifest.Document {
	for _, c := range manifest.Split(f) {
		if offset < c.Range().Start.Offset || offset > c.End() {
			continue
		}
		docs, findings := c.Parse(manifest.DefaultLimits)
		if len(docs) > 0 && !broken(docs, findings) {
			return docs
		}
	}
	return tolerant(f, offset)
}

// broken reports whether a part of the text was not read.
func broken(docs []*manifest.Document, findings []diag.Diagnostic) bool {
	return slices.ContainsFunc(findings, func(f diag.Diagnostic) bool {
		return !slices.ContainsFunc(docs, func(d *manifest.Document) bool { return d.Holds(f.Range.Start.Offset) })
	})
}

// brokenLine returns the line of the first finding, or one before it that has not been tried yet; 0: none.
func brokenLine(f *source.File, findings []diag.Diagnostic, kept int, blank []int) int {
	for line := min(findings[0].Range.Start.Line, f.Lines()); line > 0; line-- {
		if line == kept || slices.Contains(blank, line) || len(bytes.TrimSpace([]byte(f.Line(line)))) == 0 {
			continue
		}
		return line
	}
	return 0
}
