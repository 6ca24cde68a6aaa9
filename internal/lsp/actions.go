package lsp

import (
	"context"
	"fmt"
	"os"
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
	if d.linted != d.version || !wanted(fixAll) {
		return actions, nil
	}
	all, ok, err := s.fixAll(ctx, &d, len(p.Context.Only) > 0)
	if ok {
		actions = append(actions, all)
	}
	return actions, err
}

// fixes offers what to do about the findings between two bytes.
func (s *Server) fixes(d *document, from, to int, wanted func(kind string) bool) (actions []codeAction) {
	for i := range d.findings {
		f := &d.findings[i]
		if f.Range.Start.Offset > to || f.Range.End.Offset < from || !wanted(quickFix) {
			continue
		}
		for _, fix := range f.Fixes {
			if edit, ok := s.edit(d, fix.Edits); ok {
				actions = append(actions, codeAction{
					Title: fixTitle(fix), Kind: quickFix, Diagnostics: []diagnostic{s.diagnostic(d, f)},
					IsPreferred: fix.Safe, Edit: edit,
				})
			}
		}
		if lint.Suppressible(f.Rule) && !isJSON(d.file) {
			edit, _ := s.edit(d, []source.Edit{silence(d.file, f)})
			actions = append(actions, codeAction{
				Title: "silence " + f.Rule + " here", Kind: quickFix, Diagnostics: []diagnostic{s.diagnostic(d, f)},
				Edit: edit,
			})
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

// fixAll makes all certain fixes at once. What a part of a chart or a kustomization renders to may be worse with them:
// there the folder is judged with the fixes, and for that the editor must have asked for this action.
func (s *Server) fixAll(ctx context.Context, d *document, asked bool) (action codeAction, ok bool, err error) {
	fixed, made, err := lint.FixFile(d.name, d.file.Data, d.findings)
	if err != nil || made == 0 {
		return codeAction{}, false, nil
	}
	snapshot, err := s.snapshot(d)
	if err != nil {
		return codeAction{}, false, err
	}
	if snapshot.Rendered(d.name) {
		if better, err := s.better(ctx, d, fixed); !asked || !better || err != nil {
			return codeAction{}, false, err
		}
	}
	whole := source.Edit{Range: d.file.Range(0, len(d.file.Data)), NewText: string(fixed)}
	edit, _ := s.edit(d, []source.Edit{whole})
	return codeAction{Title: fmt.Sprintf("make %d certain fixes", made), Kind: fixAll, Edit: edit}, true, nil
}

// better reports whether the folder of a document is judged better with another text of it.
func (s *Server) better(ctx context.Context, d *document, text []byte) (bool, error) {
	name := folderOf(d.name)
	var before []diag.Diagnostic
	s.mu.Lock()
	overlay := s.overlay()
	if f := s.folders[name]; f != nil {
		before = f.findings
	}
	s.mu.Unlock()
	overlay[d.name] = text
	snapshot, err := s.Open(name, overlay, s.settings)
	if err != nil {
		return false, err
	}
	after, err := snapshot.Lint(ctx)
	return err == nil && lint.Better(before, after), err
}

// edit returns edits of a document, and of other files of its source; false if one of these cannot be read.
func (s *Server) edit(d *document, edits []source.Edit) (workspaceEdit, bool) {
	changes := map[string][]textEdit{}
	for _, e := range edits {
		f, uri := d.file, d.uri
		if name := e.Range.File; name != "" && !sameFile(name, d.name) {
			var ok bool
			if f, ok = s.text(name); !ok {
				return workspaceEdit{}, false
			}
			uri = s.uri(f)
		}
		changes[uri] = append(changes[uri], textEdit{Range: s.edge.rangeOf(f, e.Range), NewText: e.NewText})
	}
	return workspaceEdit{Changes: changes}, true
}

// text returns a file as it is in the editor, or else on disk.
func (s *Server) text(name string) (*source.File, bool) {
	if f := s.openText(name); f != nil {
		return f, true
	}
	data, err := os.ReadFile(name)
	return source.NewFile(name, data), err == nil
}

// openText returns a file as it is in the editor; nil if it is not open.
func (s *Server) openText(name string) *source.File {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.open {
		if sameFile(d.name, name) {
			return d.file
		}
	}
	return nil
}
