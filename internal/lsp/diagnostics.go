package lsp

import (
	"bytes"
	"context"
	"path/filepath"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/source"
)

func sameFile(a, b string) bool { return filepath.Clean(a) == filepath.Clean(b) }

// isManifest reports whether a file holds API objects, as many YAML files do not. A text that cannot be read does if
// it names an API version.
func isManifest(f *source.File) bool {
	for _, doc := range documents(f) {
		if doc.Object.APIVersion != "" || doc.Object.Kind != "" {
			return true
		}
	}
	return bytes.Contains(f.Data, []byte("apiVersion"))
}

// publish sends findings to the editor.
func (s *Server) publish(d *document, findings []diag.Diagnostic) error {
	return s.conn.Notify(
		context.Background(), "textDocument/publishDiagnostics",
		publishDiagnosticsParams{URI: d.uri, Version: d.version, Diagnostics: s.diagnostics(d, findings)},
	)
}

// diagnostics returns findings as the protocol writes them.
func (s *Server) diagnostics(d *document, findings []diag.Diagnostic) []diagnostic {
	shown := make([]diagnostic, 0, len(findings))
	for i := range findings {
		shown = append(shown, s.diagnostic(d, &findings[i]))
	}
	return shown
}

var severities = map[diag.Severity]int{
	diag.Error: severityError, diag.Warning: severityWarning, diag.Info: severityInformation,
}

func (s *Server) diagnostic(d *document, f *diag.Diagnostic) diagnostic {
	out := diagnostic{
		Range: s.edge.rangeOf(d.file, f.Range), Severity: severities[f.Severity], Code: f.Rule, Source: "seatrial",
		Message: message(f),
	}
	if f.URL != "" {
		out.CodeDescription = &codeDescription{Href: f.URL}
	}
	if f.Rule == "api-version-deprecated" {
		out.Tags = []int{tagDeprecated}
	}
	for _, r := range f.Related {
		if sameFile(r.Range.File, d.name) {
			out.RelatedInformation = append(
				out.RelatedInformation,
				relatedInformation{
					Location: location{URI: d.uri, Range: s.edge.rangeOf(d.file, r.Range)}, Message: r.Message,
				},
			)
			continue
		}
		// The text of another file is not at hand; its places count characters, which is what most lines hold.
		at := position{Line: r.Range.Start.Line - 1, Character: r.Range.Start.Column - 1}
		to := position{Line: r.Range.End.Line - 1, Character: r.Range.End.Column - 1}
		out.RelatedInformation = append(
			out.RelatedInformation,
			relatedInformation{
				Location: location{URI: uriOf(r.Range.File), Range: textRange{at, to}}, Message: r.Message,
			},
		)
	}
	return out
}

// message returns what a finding says, and what to do about it.
func message(f *diag.Diagnostic) string {
	if f.Help == "" {
		return f.Text()
	}
	return f.Text() + "\n" + f.Help
}
