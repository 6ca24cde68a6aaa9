package app

import (
	"bytes"
	"sort"

	"github.com/seatrial/seatrial/diag"
)

// sourceComment begins the line by which helm template and seatrial render say what a document was rendered from.
var sourceComment = []byte("# Source: ")

// origin is the template of the documents from a line on; empty: it is not known.
type origin struct {
	line int
	name string
}

// nameTemplates adds to findings the template that their document was rendered from.
func (w *Workspace) nameTemplates(findings []diag.Diagnostic) {
	files := map[string][]origin{}
	for i := range findings {
		d := &findings[i]
		origins, ok := files[d.Range.File]
		if !ok {
			origins = w.originsIn(d.Range.File)
			files[d.Range.File] = origins
		}
		n := sort.Search(len(origins), func(n int) bool { return origins[n].line > d.Range.Start.Line })
		if n > 0 {
			d.RenderedFrom = origins[n-1].name
		}
	}
}

// originsIn returns what the comments of a file say, in the order of its lines.
func (w *Workspace) originsIn(name string) (origins []origin) {
	data, err := w.Read(name)
	if err != nil || !bytes.Contains(data, sourceComment) {
		return nil
	}
	line := 0
	for text := range bytes.Lines(data) {
		line++
		if bytes.HasPrefix(text, []byte("---")) {
			origins = append(origins, origin{line: line})
		}
		if from, ok := bytes.CutPrefix(text, sourceComment); ok {
			origins = append(origins, origin{line, string(bytes.TrimSpace(from))})
		}
	}
	return origins
}
