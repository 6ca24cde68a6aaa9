package lsp

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"time"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/source"
)

// changed lets the open documents be judged soon.
func (s *Server) changed() {
	s.mu.Lock()
	s.dirty = true
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// judge judges what has changed, when the editor is quiet, until ctx ends.
func (s *Server) judge(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		}
		for quiet := false; !quiet; {
			select {
			case <-ctx.Done():
				return
			case <-s.wake:
			case <-time.After(pause):
				quiet = true
			}
		}
		for _, d := range s.toJudge() {
			s.judgeDocument(ctx, d)
		}
	}
}

// toJudge gives the open documents, if any of them has changed: they may refer to each other.
func (s *Server) toJudge() (docs []document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.dirty {
		return nil
	}
	s.dirty = false
	for _, d := range s.open {
		docs = append(docs, *d)
	}
	slices.SortFunc(docs, func(a, b document) int { return bytes.Compare([]byte(a.uri), []byte(b.uri)) })
	return docs
}

func (s *Server) judgeDocument(ctx context.Context, d document) {
	s.mu.Lock()
	overlay := s.overlay()
	s.mu.Unlock()
	var mine []diag.Diagnostic
	if isManifest(d.file) {
		findings, err := s.Lint(ctx, d.name, overlay)
		if err != nil {
			return // the text will change again; what was said of it stands
		}
		for _, f := range findings {
			if sameFile(f.Range.File, d.name) {
				mine = append(mine, f)
			}
		}
	}
	s.mu.Lock()
	if open := s.open[d.uri]; open != nil {
		open.findings, open.judged = mine, d.version
	}
	s.mu.Unlock()
	_ = s.publish(&d, mine) // an editor that is gone needs no findings
}

func sameFile(a, b string) bool { return filepath.Clean(a) == filepath.Clean(b) }

// isManifest tells API objects from the many other files that are YAML. A text that cannot be
// read counts if it speaks of an API version.
func isManifest(f *source.File) bool {
	for _, doc := range documents(f) {
		if doc.Object.APIVersion != "" || doc.Object.Kind != "" {
			return true
		}
	}
	return bytes.Contains(f.Data, []byte("apiVersion"))
}

// publish shows findings in the editor.
func (s *Server) publish(d *document, findings []diag.Diagnostic) error {
	shown := make([]diagnostic, 0, len(findings))
	for i := range findings {
		shown = append(shown, s.diagnostic(d, &findings[i]))
	}
	return s.conn.Notify(context.Background(), "textDocument/publishDiagnostics", publishDiagnosticsParams{URI: d.uri, Version: d.version, Diagnostics: shown})
}

var severities = map[diag.Severity]int{diag.Error: severityError, diag.Warning: severityWarning, diag.Info: severityInformation}

func (s *Server) diagnostic(d *document, f *diag.Diagnostic) diagnostic {
	out := diagnostic{Range: s.edge.rangeOf(d.file, f.Range), Severity: severities[f.Severity], Code: f.Rule, Source: "seatrial", Message: message(f)}
	if f.URL != "" {
		out.CodeDescription = &codeDescription{Href: f.URL}
	}
	if f.Rule == "api-version-deprecated" {
		out.Tags = []int{tagDeprecated}
	}
	for _, r := range f.Related {
		if sameFile(r.Range.File, d.name) {
			out.RelatedInformation = append(out.RelatedInformation, relatedInformation{Location: location{URI: d.uri, Range: s.edge.rangeOf(d.file, r.Range)}, Message: r.Message})
			continue
		}
		// The text of another file is not at hand; its places count characters, which is what most lines hold.
		at := position{Line: r.Range.Start.Line - 1, Character: r.Range.Start.Column - 1}
		to := position{Line: r.Range.End.Line - 1, Character: r.Range.End.Column - 1}
		out.RelatedInformation = append(out.RelatedInformation, relatedInformation{Location: location{URI: uriOf(r.Range.File), Range: textRange{at, to}}, Message: r.Message})
	}
	return out
}

// message tells a finding, and what to do.
func message(f *diag.Diagnostic) string {
	if f.Help == "" {
		return f.Text()
	}
	return f.Text() + "\n" + f.Help
}
