package tui

import (
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// screen reads what a program writes to a terminal and knows what a user would see.
type screen struct {
	mu            sync.Mutex
	changed       chan struct{} // closed and made anew at each change
	cells         [][]string
	x, y          int
	first, last   int    // lines of the region that scrolls
	repeat        string // what a repetition repeats
	alt, restored bool
	clipboard     string // what the last OSC 52 said, in base64
	colored       bool
	pending       []byte
	done          bool
}

func newScreen(width, height int) *screen {
	s := &screen{changed: make(chan struct{})}
	s.resize(width, height)
	return s
}

// resize returns an empty screen: programs draw all of it after a change of size.
func (s *screen) resize(width, height int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cells = make([][]string, height)
	for y := range s.cells {
		s.cells[y] = blank(width)
	}
	s.x, s.y = 0, 0
	s.first, s.last = 0, height-1
}

func blank(width int) []string {
	line := make([]string, width)
	for x := range line {
		line[x] = " "
	}
	return line
}

// read takes in all that comes from a terminal until it is closed.
func (s *screen) read(r io.Reader) {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		s.mu.Lock()
		s.take(buf[:n])
		s.done = err != nil
		close(s.changed)
		s.changed = make(chan struct{})
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// take draws the sequences that are whole and keeps the rest for later.
func (s *screen) take(data []byte) {
	s.pending = append(s.pending, data...)
	parser := ansi.NewParser()
	for len(s.pending) > 0 {
		sequence, width, n, state := ansi.DecodeSequence(s.pending, ansi.NormalState, parser)
		if state != ansi.NormalState || n == 0 || !whole(sequence, s.pending) {
			return
		}
		s.draw(string(sequence), width, parser)
		s.pending = s.pending[n:]
	}
}

// whole reports whether a letter at the very end may still get more bytes.
func whole(sequence, all []byte) bool {
	return len(sequence) < len(all) || sequence[0] < 0x80 ||
		strings.ToValidUTF8(string(sequence), "") == string(sequence)
}

func (s *screen) draw(sequence string, width int, p *ansi.Parser) {
	switch {
	case width > 0:
		s.put(sequence, width)
	case sequence == "\r":
		s.x = 0
	case sequence == "\n":
		s.down()
	case sequence == "\b":
		s.x = max(0, s.x-1)
	case sequence == "\t":
		s.x = min((s.x/8+1)*8, len(s.cells[0])-1)
	case sequence == "\x1bM" && s.y == s.first:
		s.shift(s.first, 1)
	case sequence == "\x1bM":
		s.y = max(0, s.y-1)
	case strings.HasPrefix(sequence, "\x1b]52;c;"):
		s.clipboard = strings.TrimRight(strings.TrimPrefix(sequence, "\x1b]52;c;"), "\x07\x1b\\")
	case strings.HasPrefix(sequence, "\x1b["):
		s.control(sequence, p)
	}
}

// down goes to the next line; at the end of the region that scrolls the region scrolls.
func (s *screen) down() {
	if s.y == s.last {
		s.shift(s.first, -1)
		return
	}
	s.y = min(s.y+1, len(s.cells)-1)
}

func (s *screen) put(text string, width int) {
	if s.x+width > len(s.cells[s.y]) {
		s.x = 0
		s.down()
	}
	s.cells[s.y][s.x] = text
	for i := 1; i < width; i++ {
		s.cells[s.y][s.x+i] = ""
	}
	s.x += width
	s.repeat = text
}

func (s *screen) control(sequence string, p *ansi.Parser) {
	width, height := len(s.cells[0]), len(s.cells)
	n, _ := p.Param(0, 1)
	n = max(n, 1)
	line := s.cells[s.y]
	switch command := ansi.Cmd(p.Command()); {
	case command.Prefix() == '?':
		s.private(sequence)
	case command.Prefix() != 0:
	case command.Final() == 'A':
		s.y = max(0, s.y-n)
	case command.Final() == 'B':
		s.y = min(height-1, s.y+n)
	case command.Final() == 'C':
		s.x = min(width-1, s.x+n)
	case command.Final() == 'D':
		s.x = max(0, min(s.x, width-1)-n)
	case command.Final() == 'G', command.Final() == '`':
		s.x = min(width-1, n-1)
	case command.Final() == 'd':
		s.y = min(height-1, n-1)
	case command.Final() == 'H':
		column, _ := p.Param(1, 1)
		s.y, s.x = min(height-1, n-1), min(width-1, max(column, 1)-1)
	case command.Final() == 'J':
		mode, _ := p.Param(0, 0)
		s.clear(mode)
	case command.Final() == 'K':
		mode, _ := p.Param(0, 0)
		from, to := [3]int{s.x, 0, 0}[mode], [3]int{width, s.x + 1, width}[mode]
		copy(line[min(from, width):min(to, width)], blank(width))
	case command.Final() == 'X':
		copy(line[s.x:min(width, s.x+n)], blank(width))
	case command.Final() == 'b':
		for range n {
			s.put(s.repeat, 1)
		}
	case command.Final() == 'P':
		s.cells[s.y] = append(append(line[:s.x:s.x], line[min(width, s.x+n):]...), blank(min(n, width-s.x))...)
	case command.Final() == '@':
		s.cells[s.y] = append(append(line[:s.x:s.x], blank(n)...), line[s.x:]...)[:width]
	case command.Final() == 'L':
		s.shift(s.y, n)
	case command.Final() == 'M':
		s.shift(s.y, -n)
	case command.Final() == 'S':
		s.shift(s.first, -n)
	case command.Final() == 'T':
		s.shift(s.first, n)
	case command.Final() == 'r':
		bottom, _ := p.Param(1, height)
		s.first, s.last, s.x, s.y = n-1, min(bottom, height)-1, 0, 0
	case command.Final() == 'm':
		p := "\x3b" + strings.TrimSuffix(strings.TrimPrefix(sequence, "\x1b["), "m") + ";"
		for color := 30; color < 38; color++ {
			s.colored = s.colored || strings.Contains(p, ";"+strconv.Itoa(color)+";")
		}
	}
}

// shift moves the lines from top to the end of the region down by n, or up.
func (s *screen) shift(top, n int) {
	for range max(n, -n) {
		rest := s.cells[top : s.last+1]
		if n > 0 {
			copy(rest[1:], rest)
			rest[0] = blank(len(s.cells[0]))
		} else {
			copy(rest, rest[1:])
			rest[len(rest)-1] = blank(len(s.cells[0]))
		}
	}
}

func (s *screen) clear(mode int) {
	for y := range s.cells {
		if mode == 2 || mode == 0 && y > s.y || mode == 1 && y < s.y {
			s.cells[y] = blank(len(s.cells[y]))
		}
	}
	if mode == 0 {
		copy(s.cells[s.y][s.x:], blank(len(s.cells[s.y])))
	}
}

func (s *screen) private(sequence string) {
	switch sequence {
	case "\x1b[?1049h":
		s.alt = true
	case "\x1b[?1049l":
		s.alt, s.restored = false, true
	}
}

// text returns what is to be seen, without the blanks at the ends of lines.
func (s *screen) text() string {
	var b strings.Builder
	for _, line := range s.cells {
		b.WriteString(strings.TrimRight(strings.Join(line, ""), " ") + "\n")
	}
	return b.String()
}

// waitFor returns when a condition holds, asked at every change.
func (s *screen) waitFor(t *testing.T, what string, holds func(*screen) bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		s.mu.Lock()
		ok, changed, text, done := holds(s), s.changed, s.text(), s.done
		s.mu.Unlock()
		if ok {
			return
		}
		if done {
			t.Fatalf("the terminal was closed before %s; it shows\n%s", what, text)
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("no %s; the terminal shows\n%s", what, text)
		}
	}
}

// see waits until all the texts are on the screen.
func (s *screen) see(t *testing.T, texts ...string) {
	t.Helper()
	s.waitFor(t, strings.Join(texts, ", "), func(s *screen) bool {
		shown := s.text()
		for _, text := range texts {
			if !strings.Contains(shown, text) {
				return false
			}
		}
		return true
	})
}
