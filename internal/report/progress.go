package report

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// Progress shows on a terminal how far a long run has come, and clears itself.
type Progress struct {
	mu      sync.Mutex
	w       io.Writer
	now     func() time.Time
	started time.Time
	shown   time.Time
	visible bool
}

// Progress appears only after a while, and is redrawn seldom.
const (
	progressAfter = 500 * time.Millisecond
	progressEvery = 100 * time.Millisecond
)

// NewProgress writes to w; now is the clock.
func NewProgress(w io.Writer, now func() time.Time) *Progress {
	return &Progress{w: w, now: now, started: now()}
}

// Update shows how many of all files are done.
func (p *Progress) Update(done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.now()
	if t.Sub(p.started) < progressAfter || t.Sub(p.shown) < progressEvery {
		return
	}
	p.shown, p.visible = t, true
	fmt.Fprintf(p.w, "\r\x1b[Kjudging %d of %s", done, Plural(total, "file"))
}

// Done clears the display.
func (p *Progress) Done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.visible {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.visible = false
	}
}
