package lsp

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"
)

// patience is how long a run may take before the editor shows that it is under way.
const patience = 500 * time.Millisecond

// progress shows a run on a folder in the editor if it takes long, until end is called.
func (s *Server) progress(ctx context.Context, folder string) (end func()) {
	if !s.client.Window.WorkDoneProgress {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var shown sync.WaitGroup
	shown.Go(func() {
		select {
		case <-ctx.Done():
			return
		case <-time.After(patience):
		}
		s.mu.Lock()
		s.tokens++
		token := fmt.Sprintf("seatrial-%d", s.tokens)
		s.mu.Unlock()
		if s.conn.Call(ctx, "window/workDoneProgress/create", progressParams{Token: token}, nil) != nil {
			return // the run has ended, or the editor shows none
		}
		s.report(token, workDoneProgress{Kind: "begin", Title: "checking " + filepath.Base(folder)})
		<-ctx.Done()
		s.report(token, workDoneProgress{Kind: "end"})
	})
	return func() {
		cancel()
		shown.Wait()
	}
}

func (s *Server) report(token string, value workDoneProgress) {
	// an editor that is gone
	_ = s.conn.Notify(context.Background(), "$/progress", progressParams{Token: token, Value: value})
}
