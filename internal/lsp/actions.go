package lsp

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/source"
)

// actions offers fixes for the findings of a range, comments that suppress advice, and changes of the object.
func (s *Server) actions(ctx context.Context, p codeActionParams) (any, error) {
	actions := []codeAction{}
	d, ok := s.document(p.TextDocument.URI)
	if !ok {
		return actions, nil
	}
	wanted := func(kind string) bool {
		return len(p.Context.Only) == 0 || slices.ContainsFunc(
			p.Context.Only, func(only string) bool { return kind == only || strings.HasPrefix(kind, only+".") },
		)
	}
	from, to := s.edge.offset(d.file, p.Range.Start), s.edge.offset(d.file, p.Range.End)
	if d.linted == d.version { // otherwise the places are those of another text
		actions = append(actions, s.fixes(&d, from, to, wanted)...)
	}
	more, err := s.refactorings(ctx, &d, from, wanted)
	if err != nil {
		return nil, err
	}
	actions = append(actions, more...)
	if all, ok := s.fixAll(&d); ok && d.linted == d.version && wanted(fixAll) {
		actions = append(actions, all)
	}
	return actions, nil
}

// fixes offers what to do about the findings between two bytes.
func (s *Server) fixes(d *document, from, to int, wanted func(kind string) bool) (actions []codeAction) {
	for i := range d.findings {
		f := &d.findings[i]
		if f.Range.Start.Offset > to || f.Range.End.Offset < from || !wanted(quickFix) {
			continue
		}
		for _, fix := range f.Fixes {
			actions = append(
				actions,
				codeAction{
					Title: fixTitle(fix), Kind: quickFix, Diagnostics: []diagnostic{s.diagnostic(d, f)},
					IsPreferred: fix.Safe, Edit: s.edit(d, fix.Edits),
				},
			)
		}
		if lint.Suppressible(f.Rule) && !isJSON(d.file) {
			actions = append(
				actions,
				codeAction{
					Title: "silence " + f.Rule + " here", Kind: quickFix,
					Diagnostics: []diagnostic{s.diagnostic(d, f)},
					Edit:        s.edit(d, []source.Edit{silence(d.file, f)}),
				},
			)
		}
	}
	return actions
}

func fixTitle(fix diag.Fix) string {
	if fix.Message != "" {
		return fix.Message
	}
	var texts []string
	for _, e := range fix.Edits {
		texts = append(texts, strings.TrimSpace(e.NewText))
	}
	return "replace by " + strings.Join(texts, ", ")
}

func isJSON(f *source.File) bool {
	return strings.HasPrefix(strings.TrimSpace(string(f.Data[:min(len(f.Data), 100)])), "{")
}

// silence writes the comment that lint understands, above the line, for the reason to be filled in.
func silence(f *source.File, d *diag.Diagnostic) source.Edit {
	at := f.LineStart(d.Range.Start.Line)
	line := f.Line(d.Range.Start.Line)
	indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
	return source.Edit{
		Range: f.Range(at, at), NewText: fmt.Sprintf("%s# seatrial:ignore %s TODO: say why\n", indent, d.Rule),
	}
}

// fixAll makes all certain fixes at once.
func (s *Server) fixAll(d *document) (codeAction, bool) {
	fixed, made, err := lint.FixFile(d.name, d.file.Data, d.findings)
	if err != nil || made == 0 {
		return codeAction{}, false
	}
	whole := source.Edit{Range: d.file.Range(0, len(d.file.Data)), NewText: string(fixed)}
	return codeAction{
		Title: fmt.Sprintf("make %d certain fixes", made), Kind: fixAll, Edit: s.edit(d, []source.Edit{whole}),
	}, true
}

func (s *Server) edit(d *document, edits []source.Edit) workspaceEdit {
	texts := make([]textEdit, len(edits))
	for i, e := range edits {
		texts[i] = textEdit{Range: s.edge.rangeOf(d.file, e.Range), NewText: e.NewText}
	}
	return workspaceEdit{Changes: map[string][]textEdit{d.uri: texts}}
}
