package lsp

import (
	"cmp"
	"context"
	"path/filepath"
	"slices"
	"time"

	"github.com/seatrial/seatrial/diag"
)

// folder is what the server knows of a folder with open documents. The lock of the server protects it.
type folder struct {
	name     string
	snapshot Snapshot           // of the texts as they are; nil: not taken since the last change
	cancel   context.CancelFunc // of the latest run
	ended    chan struct{}      // closed when the latest run has ended
	findings []diag.Diagnostic  // of the last run that was not cancelled
}

// folderOf returns the name of the folder that a document is judged in.
func folderOf(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Dir(name)
	}
	return name // never saved: it is alone
}

// changed drops the snapshot of the folder that holds a file, cancels the run on it, and starts another, which lints
// the folder when it has been unchanged for a while.
func (s *Server) changed(file string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return
	}
	name := folderOf(file)
	f := s.folders[name]
	if f == nil {
		f = &folder{name: name}
		s.folders[name] = f
	}
	f.snapshot = nil
	before := f.ended
	if f.cancel != nil {
		f.cancel()
	}
	ctx, cancel := context.WithCancel(s.ctx)
	ended := make(chan struct{})
	f.cancel, f.ended = cancel, ended
	s.runs.Go(func() {
		defer close(ended)
		defer cancel()
		if before != nil {
			<-before
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
			s.lint(ctx, f)
		}
	})
}

// lint lints a folder and publishes the findings of its open documents, unless a text changes meanwhile.
func (s *Server) lint(ctx context.Context, f *folder) {
	docs, snapshot, err := s.state(ctx, f)
	if err != nil || len(docs) == 0 {
		return // the text will change again; what was published stands
	}
	var findings []diag.Diagnostic
	judged := func(d document) bool { return isManifest(d.file) || snapshot.Rendered(d.name) }
	if slices.ContainsFunc(docs, judged) {
		end := s.progress(ctx, f.name)
		findings, err = snapshot.Lint(ctx)
		end()
		if err != nil {
			return
		}
	}
	s.mu.Lock()
	f.findings = findings
	s.mu.Unlock()
	refresh := false
	for _, d := range docs {
		var mine []diag.Diagnostic
		if judged(d) {
			mine = findingsIn(d.name, findings)
		}
		switch kept := s.keep(ctx, &d, mine); {
		case kept && s.pulls():
			refresh = refresh ||
				d.linted == d.version && s.resultOf(&d, d.findings).ResultID != s.resultOf(&d, mine).ResultID
		case kept:
			_ = s.publish(&d, mine) // an editor that is gone needs no findings
		}
	}
	if refresh {
		s.refresh()
	}
}

func findingsIn(name string, all []diag.Diagnostic) (found []diag.Diagnostic) {
	for _, f := range all {
		if sameFile(f.Range.File, name) {
			found = append(found, f)
		}
	}
	return found
}

// state returns the open documents of a folder, by name, with the snapshot that they are in. A folder without open
// documents is forgotten.
func (s *Server) state(ctx context.Context, f *folder) (docs []document, snapshot Snapshot, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	for _, d := range s.open {
		if folderOf(d.name) == f.name {
			docs = append(docs, *d)
		}
	}
	if len(docs) == 0 {
		delete(s.folders, f.name)
		return nil, nil, nil
	}
	slices.SortFunc(docs, func(a, b document) int { return cmp.Compare(a.uri, b.uri) })
	snapshot, err = s.snapshotOf(f)
	return docs, snapshot, err
}

// snapshot returns the snapshot that holds an open document as it is now.
func (s *Server) snapshot(d *document) (Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := folderOf(d.name)
	f := s.folders[name]
	if f == nil { // it was closed meanwhile
		f = &folder{name: name}
	}
	return s.snapshotOf(f)
}

// snapshotOf returns the snapshot of a folder, and takes it after a change. The lock is held.
func (s *Server) snapshotOf(f *folder) (Snapshot, error) {
	if f.snapshot != nil {
		return f.snapshot, nil
	}
	snapshot, err := s.Open(f.name, s.overlay(), s.settings)
	if err != nil {
		return nil, err
	}
	f.snapshot = snapshot
	return snapshot, nil
}

// overlay returns the texts of the open documents by name. The lock is held.
func (s *Server) overlay() map[string][]byte {
	overlay := map[string][]byte{}
	for _, d := range s.open {
		overlay[d.name] = d.file.Data
	}
	return overlay
}

// keep stores the findings of a document for code actions, and reports whether they are of the text as it is now.
func (s *Server) keep(ctx context.Context, d *document, findings []diag.Diagnostic) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := s.open[d.uri]
	if ctx.Err() != nil || open == nil || open.version != d.version {
		return false
	}
	open.findings, open.linted = findings, d.version
	return true
}
