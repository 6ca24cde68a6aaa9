package lsp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"slices"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/source"
)

// codeCancelled is the code of the error that answers a request which was cancelled.
const codeCancelled = -32800

// pulls reports whether the editor asks for findings. One without refresh requests gets them unasked, as others
// do.
func (s *Server) pulls() bool {
	return s.client.TextDocument.Diagnostic != nil && s.client.Workspace.Diagnostics.RefreshSupport
}

// waits are the requests whose answers wait for a run of lint.
var waits = map[string]bool{"textDocument/diagnostic": true, "workspace/diagnostic": true}

// queue answers messages in their order, apart from requests that wait: what the editor sends next may end the run
// that they wait for.
type queue struct {
	server *Server
	next   jsonrpc2.Handler
}

// Handle implements jsonrpc2.Handler.
func (q queue) Handle(ctx context.Context, conn *jsonrpc2.Conn, req *jsonrpc2.Request) {
	if !waits[req.Method] {
		q.next.Handle(ctx, conn, req)
		return
	}
	s := q.server
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		cancel()
		return
	}
	stop := context.AfterFunc(s.ctx, cancel)
	s.waiting[req.ID] = cancel
	s.runs.Go(func() {
		defer cancel()
		defer stop()
		q.next.Handle(ctx, conn, req)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.waiting, req.ID)
	})
}

// cancel ends a request that waits. Others are answered before a cancellation is read.
func (s *Server) cancel(p cancelParams) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel := s.waiting[p.ID]; cancel != nil {
		cancel()
	}
	return nil, nil
}

// settled waits until the last run on a folder has ended.
func (s *Server) settled(ctx context.Context, name string) error {
	for {
		s.mu.Lock()
		var ended chan struct{}
		if f := s.folders[name]; f != nil {
			ended = f.ended
		}
		s.mu.Unlock()
		if ended == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return &jsonrpc2.Error{Code: codeCancelled, Message: "the request was cancelled"}
		case <-ended:
		}
		s.mu.Lock()
		f := s.folders[name]
		last := f == nil || f.ended == ended
		s.mu.Unlock()
		if last {
			return nil
		}
	}
}

// pull returns the findings of an open document, as it is when no run on its folder is left.
func (s *Server) pull(ctx context.Context, p documentDiagnosticParams) (any, error) {
	d, ok := s.document(p.TextDocument.URI)
	if !ok {
		return s.resultOf(&d, nil), nil
	}
	if err := s.settled(ctx, folderOf(d.name)); err != nil {
		return nil, err
	}
	d, _ = s.document(p.TextDocument.URI)
	return s.resultOf(&d, d.findings).since(p.PreviousResultID), nil
}

// resultOf returns the report of findings in a document.
func (s *Server) resultOf(d *document, findings []diag.Diagnostic) documentDiagnosticReport {
	items := []diagnostic{}
	if d.file != nil {
		items = s.diagnostics(d, findings)
	}
	data, err := json.Marshal(items)
	if err != nil {
		panic(err) // strings and numbers can be written
	}
	sum := sha256.Sum256(data)
	return documentDiagnosticReport{Kind: reportFull, ResultID: hex.EncodeToString(sum[:8]), Items: &items}
}

// since returns the report for an editor that knows an earlier one.
func (r documentDiagnosticReport) since(known string) documentDiagnosticReport {
	if r.ResultID != known {
		return r
	}
	return documentDiagnosticReport{Kind: reportUnchanged, ResultID: known}
}

// pullAll returns the findings in all files of the folders with open documents.
func (s *Server) pullAll(ctx context.Context, p workspaceDiagnosticParams) (any, error) {
	s.mu.Lock()
	names := slices.Sorted(maps.Keys(s.folders))
	s.mu.Unlock()
	known := map[string]string{}
	for _, id := range p.PreviousResultIDs {
		known[id.URI] = id.Value
	}
	report := workspaceDiagnosticReport{Items: []workspaceDocumentReport{}}
	for _, name := range names {
		if err := s.settled(ctx, name); err != nil {
			return nil, err
		}
		for _, r := range s.reports(name) {
			r.documentDiagnosticReport = r.since(known[r.URI])
			delete(known, r.URI)
			report.Items = append(report.Items, r)
		}
	}
	for _, uri := range slices.Sorted(maps.Keys(known)) { // nothing is wrong with them any more
		r := s.resultOf(&document{}, nil)
		report.Items = append(
			report.Items, workspaceDocumentReport{documentDiagnosticReport: r.since(known[uri]), URI: uri},
		)
	}
	return report, nil
}

// reports returns what the last run on a folder found, by file: those that are open, and others with findings.
func (s *Server) reports(name string) (all []workspaceDocumentReport) {
	s.mu.Lock()
	docs := map[string]*document{}
	var findings []diag.Diagnostic
	if f := s.folders[name]; f != nil {
		findings = f.findings
	}
	for _, open := range s.open {
		if folderOf(open.name) == name {
			d := *open
			docs[d.name] = &d
		}
	}
	s.mu.Unlock()
	for _, f := range findings {
		if docs[f.Range.File] == nil {
			docs[f.Range.File] = closed(f.Range.File)
		}
	}
	for _, file := range slices.Sorted(maps.Keys(docs)) {
		d := docs[file]
		r := workspaceDocumentReport{URI: d.uri}
		if d.version >= 0 {
			r.Version = &d.version
			r.documentDiagnosticReport = s.resultOf(d, d.findings)
		} else {
			r.documentDiagnosticReport = s.resultOf(d, findingsIn(file, findings))
		}
		all = append(all, r)
	}
	return all
}

// closed returns a document that is not open, as it is on disk.
func closed(name string) *document {
	data, _ := os.ReadFile(name) // without its text, findings stand at its beginning
	return &document{uri: uriOf(name), name: name, version: -1, file: source.NewFile(name, data)}
}

// refresh asks the editor to ask for findings again, before the requests that wait for the run are answered. It does
// not wait for the editor's answer: what the editor asks next waits for the run that found them. It is called during a
// run.
func (s *Server) refresh() {
	asked, err := s.conn.DispatchCall(s.ctx, "workspace/diagnostic/refresh", nil)
	if err != nil {
		return // an editor that is gone needs no findings
	}
	s.runs.Go(func() { _ = asked.Wait(s.ctx, nil) })
}
