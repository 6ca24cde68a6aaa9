package lsp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/lsp"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
)

// counter is a workspace that counts what the server asks of it.
type counter struct {
	mu        sync.Mutex
	snapshots []string // folders, in order
	runs      int      // that were started
	cancelled int      // runs that were cancelled
	hold      bool     // runs wait until they are cancelled
	suffix    string   // of all messages
}

type snapshot struct {
	*counter
	overlay map[string][]byte
}

func (c *counter) open(folder string, overlay map[string][]byte, _ lsp.Settings) (lsp.Snapshot, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.snapshots = append(c.snapshots, folder)
	return snapshot{c, overlay}, nil
}

func (s snapshot) Lint(ctx context.Context) (found []diag.Diagnostic, err error) {
	s.mu.Lock()
	s.runs++
	hold, suffix := s.hold, s.suffix
	s.mu.Unlock()
	if hold {
		<-ctx.Done()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.cancelled++
		return nil, ctx.Err()
	}
	for name, text := range s.overlay {
		found = append(
			found, diag.Diagnostic{Message: string(text) + suffix, Range: source.NewFile(name, text).Range(0, 1)},
		)
	}
	return found, nil
}

func (s snapshot) Store() (*schema.Store, error) { return schema.Open(schema.Latest) }

func (s snapshot) Objects(context.Context) (*lint.Set, error) { return lint.NewSet(nil, nil), nil }

func (s snapshot) Object(context.Context, *manifest.Document) (*lint.Resource, error) {
	return &lint.Resource{}, nil
}

func (s snapshot) Stored(context.Context, *manifest.Document) (map[string]any, error) {
	return nil, nil
}

func (s snapshot) Convert(context.Context, *manifest.Document, string) (string, error) {
	return "", errors.New("not converted here")
}

func (s snapshot) Variants(string) int { return 3 }

func (s snapshot) Renderings(context.Context, string) ([]lsp.Rendering, error) { return nil, nil }

func (s snapshot) Rendered(string) bool { return false }

func (c *counter) counts() (snapshots, runs, cancelled int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.snapshots), c.runs, c.cancelled
}

// note changes what is said of all texts.
func (c *counter) note(suffix string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.suffix = suffix
}

// client is an editor.
type client struct {
	*jsonrpc2.Conn
	t *testing.T

	mu        sync.Mutex
	published map[string][]string // messages by URI
	asked     []string            // methods of the server's requests and progress
}

// editor starts a server in virtual time, lets f use it, and ends it.
func editor(t *testing.T, c *counter, f func(*client)) { capable(t, c, `{}`, f) }

// capable is an editor with capabilities.
func capable(t *testing.T, c *counter, capabilities string, f func(*client)) {
	served(t, c, capabilities, func(*lsp.Server) {}, f)
}

// served is an editor with capabilities, of a server that is changed before it starts.
func served(t *testing.T, c *counter, capabilities string, change func(*lsp.Server), f func(*client)) {
	synctest.Test(t, func(t *testing.T) {
		serverIn, out := io.Pipe()
		in, serverOut := io.Pipe()
		e := &client{t: t, published: map[string][]string{}}
		server := &lsp.Server{Open: c.open}
		change(server)
		ended := make(chan error, 1)
		go func() {
			ended <- server.Serve(context.Background(), serverIn, serverOut)
			serverOut.Close()
		}()
		stream := jsonrpc2.NewBufferedStream(pipes{in, out}, jsonrpc2.VSCodeObjectCodec{})
		e.Conn = jsonrpc2.NewConn(context.Background(), stream, jsonrpc2.HandlerWithError(e.handle))
		e.call("initialize", map[string]any{"capabilities": json.RawMessage(capabilities)}, nil)
		f(e)
		e.notify("exit", nil)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		_ = e.Close() // the server has closed it
		synctest.Wait()
	})
}

type pipes struct {
	io.Reader
	io.WriteCloser
}

func (e *client) handle(_ context.Context, _ *jsonrpc2.Conn, r *jsonrpc2.Request) (any, error) {
	if r.Method != "textDocument/publishDiagnostics" {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.asked = append(e.asked, r.Method)
		return nil, nil
	}
	var p struct {
		URI         string
		Diagnostics []struct{ Message string }
	}
	if err := json.Unmarshal(*r.Params, &p); err != nil {
		return nil, err
	}
	messages := []string{}
	for _, d := range p.Diagnostics {
		messages = append(messages, d.Message)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.published[p.URI] = messages
	return nil, nil
}

func (e *client) call(method string, params, result any) {
	if err := e.Call(context.Background(), method, params, result); err != nil {
		e.t.Errorf("%s: %v", method, err)
	}
}

func (e *client) notify(method string, params any) {
	if err := e.Notify(context.Background(), method, params); err != nil {
		e.t.Errorf("%s: %v", method, err)
	}
}

func (e *client) open(uri, text string) {
	e.notify(
		"textDocument/didOpen",
		map[string]any{"textDocument": map[string]any{"uri": uri, "version": 1, "text": text}},
	)
}

func (e *client) change(uri string, version int, text string) {
	e.notify("textDocument/didChange", map[string]any{
		"textDocument":   map[string]any{"uri": uri, "version": version},
		"contentChanges": []any{map[string]any{"text": text}},
	})
}

func (e *client) shown(uri string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.published[uri]
}

// quiet is longer than the server waits for another change.
const quiet = time.Second

func pod(name string) string { return "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name + "}\n" }

func uri(name string) string { return "file:///manifests/" + name }

func TestFolderIsLintedOnceForAllItsDocuments(t *testing.T) {
	c := &counter{}
	editor(t, c, func(e *client) {
		for i := range 10 {
			e.open(uri(fmt.Sprintf("%d.yaml", i)), pod("before"))
		}
		time.Sleep(quiet)
		if snapshots, runs, _ := c.counts(); runs != 1 || snapshots != 1 {
			t.Errorf("after opening: %d runs, %d snapshots, want 1, 1", runs, snapshots)
		}
		e.change(uri("3.yaml"), 2, pod("after"))
		time.Sleep(quiet)
		if snapshots, runs, _ := c.counts(); runs != 2 || snapshots != 2 {
			t.Errorf("after a change: %d runs, %d snapshots, want 2, 2", runs, snapshots)
		}
		for i := range 10 {
			want := pod("before")
			if i == 3 {
				want = pod("after")
			}
			if got := e.shown(uri(fmt.Sprintf("%d.yaml", i))); !slices.Equal(got, []string{want}) {
				t.Errorf("%d.yaml shows %q, want %q", i, got, want)
			}
		}
	})
}

func TestFoldersAreLintedApart(t *testing.T) {
	c := &counter{}
	editor(t, c, func(e *client) {
		e.open("file:///a/web.yaml", pod("a"))
		e.open("file:///b/web.yaml", pod("b"))
		time.Sleep(quiet)
		e.change("file:///a/web.yaml", 2, pod("a2"))
		time.Sleep(quiet)
		slices.Sort(c.snapshots)
		if want := []string{"/a", "/a", "/b"}; !slices.Equal(c.snapshots, want) || c.runs != 3 {
			t.Errorf("snapshots of %q, %d runs, want %q, 3", c.snapshots, c.runs, want)
		}
	})
}

func TestChangeCancelsTheRunBefore(t *testing.T) {
	c := &counter{hold: true}
	editor(t, c, func(e *client) {
		e.open(uri("web.yaml"), pod("first"))
		time.Sleep(quiet)
		if _, runs, cancelled := c.counts(); runs != 1 || cancelled != 0 {
			t.Fatalf("%d runs, %d cancelled, want 1, 0", runs, cancelled)
		}
		c.mu.Lock()
		c.hold = false
		c.mu.Unlock()
		e.change(uri("web.yaml"), 2, pod("second"))
		time.Sleep(quiet)
		if _, runs, cancelled := c.counts(); runs != 2 || cancelled != 1 {
			t.Errorf("%d runs, %d cancelled, want 2, 1", runs, cancelled)
		}
		if got := e.shown(uri("web.yaml")); !slices.Equal(got, []string{pod("second")}) {
			t.Errorf("it shows %q", got)
		}
	})
}

func TestHoverAndCompletionAreServedFromOneSnapshot(t *testing.T) {
	c := &counter{}
	editor(t, c, func(e *client) {
		e.open(uri("web.yaml"), pod("web"))
		place := map[string]any{
			"textDocument": map[string]any{"uri": uri("web.yaml")},
			"position":     map[string]any{"line": 1, "character": 2},
		}
		for range 3 {
			var page struct{ Contents struct{ Value string } }
			e.call("textDocument/hover", place, &page)
			if page.Contents.Value == "" {
				t.Error("hover shows nothing")
			}
			e.call("textDocument/completion", place, nil)
		}
		time.Sleep(quiet)
		if snapshots, runs, _ := c.counts(); snapshots != 1 || runs != 1 {
			t.Errorf("%d snapshots, %d runs, want 1, 1", snapshots, runs)
		}
	})
}

func TestClosedDocumentsAreNotLinted(t *testing.T) {
	c := &counter{}
	editor(t, c, func(e *client) {
		e.open(uri("web.yaml"), pod("web"))
		time.Sleep(quiet)
		e.notify("textDocument/didClose", map[string]any{"textDocument": map[string]any{"uri": uri("web.yaml")}})
		time.Sleep(quiet)
		if _, runs, _ := c.counts(); runs != 1 {
			t.Errorf("%d runs, want 1", runs)
		}
		if got := e.shown(uri("web.yaml")); len(got) != 0 {
			t.Errorf("a closed document shows %q", got)
		}
	})
}

func TestMalformedMessages(t *testing.T) {
	message := func(text string) string { return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(text), text) }
	initialize := message(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}`)
	for name, c := range map[string]struct{ in, out, err string }{
		"no JSON":       {message("hello") + initialize, `"code":-32700`, ""},
		"no request":    {message("[1]") + initialize, `"code":-32600`, ""},
		"no header":     {initialize + "hello\r\n\r\n", `"capabilities"`, "no message of the protocol"},
		"no length":     {initialize + "A: b\r\n\r\n", `"capabilities"`, `with Content-Length ""`},
		"too long":      {initialize + "Content-Length: 99999999999\r\n\r\n{", `"capabilities"`, "more than"},
		"cut off":       {initialize + "Content-Length: 10\r\n\r\n{", `"capabilities"`, "ends before"},
		"a crash":       {initialize + message(`{"jsonrpc":"2.0","id":2,"method":"textDocument/hover"}`), `"id":2`, ""},
		"ends in order": {initialize, `"capabilities"`, ""},
	} {
		var out strings.Builder
		err := (&lsp.Server{Open: (&counter{}).open}).Serve(context.Background(), strings.NewReader(c.in), &out)
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: ends with %v, want %q", name, err, c.err)
		}
		for _, want := range []string{c.out, `"capabilities"`} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: the answers lack %s: %s", name, want, out.String())
			}
		}
	}
}
