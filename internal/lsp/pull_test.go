package lsp_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sourcegraph/jsonrpc2"
)

const (
	pulling    = `{"textDocument": {"diagnostic": {}}, "workspace": {"diagnostics": {"refreshSupport": true}}}`
	progressed = `{"window": {"workDoneProgress": true}}`
)

type report struct {
	Kind, ResultID string
	Items          []struct{ Message string }
}

func (e *client) pull(name, known string) (r report) {
	e.call("textDocument/diagnostic", map[string]any{
		"textDocument": map[string]any{"uri": uri(name)}, "previousResultId": known,
	}, &r)
	return r
}

func TestFindingsArePulledOfTheTextAsItIs(t *testing.T) {
	c := &counter{}
	capable(t, c, pulling, func(e *client) {
		e.open(uri("a.yaml"), pod("a"))
		e.open(uri("b.yaml"), pod("b"))
		first := e.pull("a.yaml", "")
		if first.Kind != "full" || len(first.Items) != 1 || first.Items[0].Message != pod("a") {
			t.Errorf("pulled %+v", first)
		}
		if again := e.pull("a.yaml", first.ResultID); again.Kind != "unchanged" {
			t.Errorf("pulled again %+v, want unchanged", again)
		}
		e.change(uri("a.yaml"), 2, pod("c"))
		if next := e.pull("a.yaml", first.ResultID); next.Kind != "full" || next.Items[0].Message != pod("c") {
			t.Errorf("after a change: pulled %+v", next)
		}
		if _, runs, _ := c.counts(); runs != 2 {
			t.Errorf("%d runs, want 2: one for each change", runs)
		}
		if got := e.shown(uri("a.yaml")); got != nil {
			t.Errorf("published %q to an editor that pulls", got)
		}
	})
}

func TestARefreshIsSentOnlyForTextsThatDidNotChange(t *testing.T) {
	capable(t, &counter{}, pulling, func(e *client) {
		e.notify("textDocument/didOpen", map[string]any{
			"textDocument": map[string]any{"uri": uri("a.yaml"), "version": 0, "text": pod("a")},
		})
		e.pull("a.yaml", "")
		time.Sleep(quiet)
		e.mu.Lock()
		defer e.mu.Unlock()
		if len(e.asked) > 0 {
			t.Errorf("the server sent %q for a text that was opened", e.asked)
		}
	})
}

func TestARefreshIsSentBeforeThePullIsAnswered(t *testing.T) {
	c := &counter{}
	capable(t, c, pulling, func(e *client) {
		e.open(uri("a.yaml"), pod("a"))
		e.open(uri("b.yaml"), pod("b"))
		e.pull("a.yaml", "")
		c.note("changed on disk")
		e.notify("textDocument/didSave", map[string]any{"textDocument": map[string]any{"uri": uri("b.yaml")}})
		e.pull("a.yaml", "")
		e.mu.Lock()
		defer e.mu.Unlock()
		if want := []string{"workspace/diagnostic/refresh"}; !slices.Equal(e.asked, want) {
			t.Errorf("before the answer the server sent %q, want %q", e.asked, want)
		}
	})
}

func TestAPullThatIsCancelledEnds(t *testing.T) {
	capable(t, &counter{hold: true}, pulling, func(e *client) {
		e.open(uri("a.yaml"), pod("a"))
		id := jsonrpc2.ID{Str: "pull", IsString: true}
		ended := make(chan error, 1)
		go func() {
			params := map[string]any{"textDocument": map[string]any{"uri": uri("a.yaml")}}
			ended <- e.Call(context.Background(), "textDocument/diagnostic", params, nil, jsonrpc2.PickID(id))
		}()
		time.Sleep(quiet)
		e.notify("$/cancelRequest", map[string]any{"id": id})
		var refusal *jsonrpc2.Error
		if err := <-ended; !errors.As(err, &refusal) || refusal.Code != -32800 {
			t.Errorf("ended with %v, want the code of a cancelled request", err)
		}
	})
}

func TestALongRunShowsProgress(t *testing.T) {
	capable(t, &counter{hold: true}, progressed, func(e *client) {
		e.open(uri("a.yaml"), pod("a"))
		time.Sleep(2 * quiet)
		e.change(uri("a.yaml"), 2, pod("b")) // ends the run
		time.Sleep(quiet / 10)
		e.mu.Lock()
		defer e.mu.Unlock()
		want := []string{"window/workDoneProgress/create", "$/progress", "$/progress"}
		if !slices.Equal(e.asked, want) {
			t.Errorf("the server sent %q, want %q", e.asked, want)
		}
	})
}
