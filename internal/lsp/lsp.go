// Package lsp lets editors use lint and explain while a manifest is being written: it speaks the
// Language Server Protocol.
//
// The central type is [Server]: it reports what is wrong with the documents that are open, offers fixes,
// explains the field under the cursor, and completes fields and values. All answers about a folder come from
// one [Snapshot], until a text of the folder changes.
//
//	s := &lsp.Server{Open: open, Version: "v1.0.0"}
//	err := s.Serve(ctx, os.Stdin, os.Stdout)
package lsp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
)

// Server serves one editor. Its fields must be set before Serve is called.
type Server struct {
	// Open takes a snapshot of a folder. Overlay has the texts of the files that are open, by name, which need
	// not be saved. A document that was never saved has a folder of its own, named by its URI.
	Open func(folder string, overlay map[string][]byte, settings Settings) (Snapshot, error)
	// Version of the program.
	Version string
	// Functions are the names of the functions that templates of charts may call.
	Functions []string

	conn *jsonrpc2.Conn
	edge edge
	ctx  context.Context // of Serve
	stop func()          // ends Serve
	runs sync.WaitGroup

	client clientCapabilities

	mu       sync.Mutex
	settings Settings
	open     map[string]*document               // by URI
	folders  map[string]*folder                 // of the open documents
	waiting  map[jsonrpc2.ID]context.CancelFunc // requests that wait for a run
	tokens   int                                // of progress, so far
}

// Settings are what the user sets in the editor. A folder's own configuration file wins.
type Settings struct {
	KubernetesVersion string `json:"kubernetesVersion"` // target; empty: the newest
}

// Snapshot is the manifests of a folder at a moment.
type Snapshot interface {
	// Lint lints the manifests as one set.
	Lint(ctx context.Context) ([]diag.Diagnostic, error)
	// Store returns the kinds that the manifests can be of.
	Store() (*schema.Store, error)
	// Objects returns the API objects of the files, also of those that cannot be read as a whole.
	Objects(ctx context.Context) (*lint.Set, error)
	// Object returns what is known of a document that is being written.
	Object(ctx context.Context, d *manifest.Document) (*lint.Resource, error)
	// Stored returns a document as the server would store it, with defaults; nil if it cannot be decoded.
	Stored(ctx context.Context, d *manifest.Document) (map[string]any, error)
	// Convert returns a document as text in another API version.
	Convert(ctx context.Context, d *manifest.Document, apiVersion string) (string, error)
	// Variants returns in how many ways the sources that a file is a part of are rendered.
	Variants(name string) int
	// Renderings returns what the sources that a file is a part of render to, with their objects.
	Renderings(ctx context.Context, name string) ([]Rendering, error)
	// Rendered reports whether a file is part of a chart or a kustomization, and judged by what that renders to.
	Rendered(name string) bool
}

// document is an open file.
type document struct {
	uri      string
	name     string // of the file; the URI, for one that was never saved
	version  int
	file     *source.File
	findings []diag.Diagnostic // of the text as it was linted last
	linted   int               // version that they are of
}

// unlinted is no version of a document.
const unlinted = -1 << 31

// pause is how long a folder has to be unchanged before it is linted.
const pause = 30 * time.Millisecond

// Serve answers an editor until it sends exit, closes the stream, or ctx ends.
func (s *Server) Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	ctx, s.stop = context.WithCancel(ctx)
	defer s.stop()
	s.ctx, s.open, s.folders = ctx, map[string]*document{}, map[string]*folder{}
	s.waiting = map[jsonrpc2.ID]context.CancelFunc{}
	stream := newStream(in, out)
	started := make(chan struct{})
	handle := func(ctx context.Context, _ *jsonrpc2.Conn, req *jsonrpc2.Request) (any, error) {
		<-started
		return s.answer(ctx, req)
	}
	answering := jsonrpc2.HandlerWithError(handle).SuppressErrClosed()
	s.conn = jsonrpc2.NewConn(ctx, stream, queue{s, answering}, jsonrpc2.SetLogger(silent{}))
	close(started)
	select {
	case <-ctx.Done():
	case <-s.conn.DisconnectNotify():
	}
	s.stop()
	s.mu.Lock()
	s.mu.Unlock() //lint:ignore SA2001 whoever held the lock has started its run; none is started from here on
	s.runs.Wait()
	if err := s.conn.Close(); err != nil && !errors.Is(err, jsonrpc2.ErrClosed) {
		return err
	}
	return stream.failure()
}

type silent struct{}

func (silent) Printf(string, ...any) {}

// methods are the requests and notifications that the server supports; it rejects others, as the protocol requires.
var methods = map[string]func(*Server, context.Context, json.RawMessage) (any, error){
	"initialize":  method((*Server).initialize),
	"initialized": ignored,
	"shutdown":    ignored,
	"exit": func(
		s *Server, _ context.Context, _ json.RawMessage,
	) (any, error) {
		s.stop()
		return nil, nil
	},
	"$/setTrace":                       ignored,
	"$/cancelRequest":                  method((*Server).cancel),
	"window/workDoneProgress/cancel":   ignored,
	"textDocument/didOpen":             method((*Server).didOpen),
	"textDocument/didChange":           method((*Server).didChange),
	"textDocument/didSave":             method((*Server).didSave),
	"textDocument/didClose":            method((*Server).didClose),
	"textDocument/hover":               query((*Server).hover),
	"textDocument/inlayHint":           query((*Server).hints),
	"textDocument/completion":          query((*Server).complete),
	"textDocument/codeAction":          query((*Server).actions),
	"textDocument/documentSymbol":      query((*Server).symbols),
	"textDocument/definition":          query((*Server).definition),
	"textDocument/references":          query((*Server).references),
	"textDocument/documentHighlight":   query((*Server).highlights),
	"textDocument/prepareRename":       query((*Server).prepareRename),
	"textDocument/rename":              query((*Server).rename),
	"textDocument/foldingRange":        query((*Server).folds),
	"textDocument/selectionRange":      query((*Server).selections),
	"textDocument/documentLink":        query((*Server).links),
	"textDocument/codeLens":            query((*Server).lenses),
	"textDocument/diagnostic":          query((*Server).pull),
	"textDocument/formatting":          query((*Server).format),
	"workspace/diagnostic":             query((*Server).pullAll),
	"workspace/symbol":                 query((*Server).workspaceSymbols),
	"workspace/executeCommand":         query((*Server).execute),
	"workspace/didChangeConfiguration": method((*Server).configure),
}

func ignored(*Server, context.Context, json.RawMessage) (any, error) { return nil, nil }

// query reads the parameters of a method that may take a while.
func query[P any](
	f func(*Server, context.Context, P) (any, error),
) func(*Server, context.Context, json.RawMessage) (any, error) {
	return func(s *Server, ctx context.Context, raw json.RawMessage) (any, error) {
		return method(func(s *Server, p P) (any, error) { return f(s, ctx, p) })(s, ctx, raw)
	}
}

// method reads the parameters of a method.
func method[P any](f func(*Server, P) (any, error)) func(*Server, context.Context, json.RawMessage) (any, error) {
	return func(s *Server, _ context.Context, raw json.RawMessage) (any, error) {
		var params P
		if err := json.Unmarshal(raw, &params); err != nil {
			return nil, &jsonrpc2.Error{Code: jsonrpc2.CodeInvalidParams, Message: err.Error()}
		}
		return f(s, params)
	}
}

// answer answers a request. A crash costs the answer, not the server.
func (s *Server) answer(ctx context.Context, req *jsonrpc2.Request) (result any, err error) {
	defer func() {
		if p := recover(); p != nil {
			result, err = nil, &jsonrpc2.Error{
				Code:    jsonrpc2.CodeInternalError,
				Message: fmt.Sprintf("%s crashed: %v; please report it", req.Method, p),
			}
		}
	}()
	f, ok := methods[req.Method]
	if !ok {
		return nil, &jsonrpc2.Error{Code: jsonrpc2.CodeMethodNotFound, Message: "method not supported: " + req.Method}
	}
	raw := json.RawMessage("null")
	if req.Params != nil {
		raw = *req.Params
	}
	return f(s, ctx, raw)
}

func (s *Server) initialize(p initializeParams) (any, error) {
	s.edge = utf16Edge
	encoding := "utf-16"
	if slices.Contains(p.Capabilities.General.PositionEncodings, "utf-8") {
		s.edge, encoding = utf8Edge, "utf-8"
	}
	s.client = p.Capabilities
	if p.InitializationOptions != nil {
		s.settings = *p.InitializationOptions
	}
	result := initializeResult{
		Capabilities: serverCapabilities{
			PositionEncoding:   encoding,
			TextDocumentSync:   textDocumentSyncOptions{OpenClose: true, Change: syncIncremental, Save: true},
			HoverProvider:      true,
			CompletionProvider: completionOptions{TriggerCharacters: []string{" ", "\n", "-", "."}},
			CodeActionProvider: codeActionOptions{
				CodeActionKinds: []string{quickFix, fixAll, refactorExtract, refactorRewrite},
			},
			DocumentSymbolProvider:    true,
			DefinitionProvider:        true,
			ReferencesProvider:        true,
			DocumentHighlightProvider: true,
			RenameProvider:            renameOptions{PrepareProvider: true},
			WorkspaceSymbolProvider:   true,
			ExecuteCommandProvider:    executeCommandOptions{Commands: commandNames()},
			FoldingRangeProvider:      true,
			SelectionRangeProvider:    true,
			FormattingProvider:        true,
			InlayHintProvider:         true,
		},
		ServerInfo: serverInfo{Name: "seatrial", Version: s.Version},
	}
	if s.pulls() {
		result.Capabilities.DiagnosticProvider = &diagnosticOptions{
			Identifier: "seatrial", InterFileDependencies: true, WorkspaceDiagnostics: true,
		}
	}
	return result, nil
}

// configure takes over changed settings, and judges all folders again.
func (s *Server) configure(p configurationParams) (any, error) {
	s.mu.Lock()
	changed := p.Settings.Seatrial != nil && *p.Settings.Seatrial != s.settings
	if changed {
		s.settings = *p.Settings.Seatrial
	}
	names := make([]string, 0, len(s.open))
	for _, d := range s.open {
		names = append(names, d.name)
	}
	s.mu.Unlock()
	if changed {
		for _, name := range names {
			s.changed(name)
		}
	}
	return nil, nil
}

func (s *Server) didOpen(p didOpenParams) (any, error) {
	name := fileName(p.TextDocument.URI)
	s.mu.Lock()
	s.open[p.TextDocument.URI] = &document{
		uri: p.TextDocument.URI, name: name, version: p.TextDocument.Version,
		file: source.NewFile(name, []byte(p.TextDocument.Text)), linted: unlinted,
	}
	s.mu.Unlock()
	s.changed(name)
	return nil, nil
}

func (s *Server) didChange(p didChangeParams) (any, error) {
	s.mu.Lock()
	d := s.open[p.TextDocument.URI]
	if d != nil && len(p.ContentChanges) > 0 {
		d.version = p.TextDocument.Version
		for _, c := range p.ContentChanges {
			d.file = s.edge.apply(d.file, c)
		}
	}
	s.mu.Unlock()
	if d != nil {
		s.changed(d.name)
	}
	return nil, nil
}

func (s *Server) didSave(p documentParams) (any, error) {
	s.changed(fileName(p.TextDocument.URI)) // other files of the folder may have changed meanwhile
	return nil, nil
}

func (s *Server) didClose(p documentParams) (any, error) {
	s.mu.Lock()
	d := s.open[p.TextDocument.URI]
	delete(s.open, p.TextDocument.URI)
	s.mu.Unlock()
	if d == nil {
		return nil, nil
	}
	s.changed(d.name)
	return nil, s.publish(d, nil)
}

// document returns an open document as it is now.
func (s *Server) document(uri string) (d document, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if open := s.open[uri]; open != nil {
		return *open, true
	}
	return d, false
}

// documents reads the objects of a text.
func documents(f *source.File) []*manifest.Document {
	docs, _ := manifest.Read(f, manifest.DefaultLimits)
	return docs
}
