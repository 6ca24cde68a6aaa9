package lsp

import (
	"bytes"
	"context"

	"github.com/seatrial/seatrial/manifest/format"
	"github.com/seatrial/seatrial/source"
)

// format lays out a document in one style. Templates, and texts that cannot be read, are left alone.
func (s *Server) format(_ context.Context, p documentParams) (any, error) {
	edits := []textEdit{}
	d, ok := s.document(p.TextDocument.URI)
	if !ok {
		return edits, nil
	}
	if c := s.chartOf(d.name); c != nil && c.isTemplate(d.name) {
		return edits, nil
	}
	pretty, err := format.Source(d.file.Data)
	if err != nil || bytes.Equal(pretty, d.file.Data) {
		return edits, nil // a text that cannot be read has findings, which say why
	}
	return append(edits, s.lineEdit(d.file, pretty)), nil
}

// lineEdit returns the edit of whole lines that makes a text of a file.
func (s *Server) lineEdit(f *source.File, text []byte) textEdit {
	start := commonLines(f.Data, text)
	end, newEnd := len(f.Data), len(text)
	for end > start && newEnd > start {
		line, newLine := lastLineOf(f.Data[start:end]), lastLineOf(text[start:newEnd])
		if !bytes.Equal(line, newLine) {
			break
		}
		end, newEnd = end-len(line), newEnd-len(newLine)
	}
	return textEdit{Range: s.edge.rangeOf(f, f.Range(start, end)), NewText: string(text[start:newEnd])}
}

// commonLines returns the size of the lines with which both texts begin.
func commonLines(a, b []byte) (size int) {
	for size < len(a) && size < len(b) {
		end := bytes.IndexByte(a[size:], '\n') + 1
		if end == 0 || !bytes.HasPrefix(b[size:], a[size:size+end]) {
			break
		}
		size += end
	}
	return size
}

// lastLineOf returns the last line of a text that is not empty, with its end.
func lastLineOf(text []byte) []byte {
	return text[bytes.LastIndexByte(text[:len(text)-1], '\n')+1:]
}
