package syntax

import (
	"bytes"
	"fmt"
	"strings"
)

// blamesTab reports whether the library's message is about a tab in indentation.
func (s *explainer) blamesTab() bool {
	if strings.Contains(s.message, "found a tab character") {
		return true
	}
	if !strings.Contains(s.message, "cannot start any token") {
		return false
	}
	for n := s.line; n <= s.line+1; n++ { // it counts lines from the one before
		if strings.HasPrefix(strings.TrimLeft(s.text(n), " "), "\t") {
			return true
		}
	}
	return false
}

// tabs reports tabs in the indentation of a chunk that cannot be read: one finding for each run of lines.
// blamed says that the reader names a tab as what is wrong.
func (t Text) tabs(blamed bool) (out []Problem) {
	type place struct{ start, end int } // of the indentation
	var run []place
	flush := func() {
		if len(run) == 0 {
			return
		}
		first := bytes.IndexByte(t.Data[run[0].start:run[0].end], '\t') + run[0].start
		message := "tab in indentation"
		if len(run) > 1 {
			message = fmt.Sprintf("tabs in indentation of %d lines", len(run))
		}
		fix := Fix{Message: "indent with spaces", Certain: true}
		for _, p := range run {
			fix.Edits = append(fix.Edits, Edit{p.start, p.end, t.spaces(t.Data[p.start:p.end])})
		}
		out = append(out, Problem{Start: first, End: first + 1, Message: message, Tab: true, Fixes: []Fix{fix},
			Help: "YAML allows spaces only: `seatrial lint --fix` converts the tabs"})
		run = nil
	}
	for at := 0; at < len(t.Data); {
		end := len(t.Data)
		if i := bytes.IndexByte(t.Data[at:], '\n'); i >= 0 {
			end = at + i
		}
		content := at
		for content < end && (t.Data[content] == ' ' || t.Data[content] == '\t') {
			content++
		}
		if bytes.IndexByte(t.Data[at:content], '\t') >= 0 && len(bytes.TrimSpace(t.Data[content:end])) > 0 {
			run = append(run, place{at, content})
		} else {
			flush()
		}
		at = end + 1
	}
	flush()
	if len(out) == 0 || t.readableWithout(out) {
		return out
	}
	if !blamed {
		return nil
	}
	for i := range out { // spaces would leave the line at a depth where it does not belong
		out[i].Fixes, out[i].Help = nil, "YAML allows spaces only: begin the line where it belongs"
	}
	return out
}

// spaces returns indentation without tabs: a tab is as wide as the chunk's own step, two columns at least.
func (t Text) spaces(indent []byte) string {
	return strings.ReplaceAll(string(indent), "\t", strings.Repeat(" ", t.step()))
}

// step returns the smallest indentation by spaces that the chunk uses.
func (t Text) step() int {
	step := 0
	for _, line := range bytes.Split(t.Data, []byte("\n")) {
		n := len(line) - len(bytes.TrimLeft(line, " "))
		if n > 1 && n < len(line) && line[n] != '\t' && line[n] != '\r' && (step == 0 || n < step) {
			step = n
		}
	}
	if step == 0 || step > 8 {
		return 2
	}
	return step
}

// readableWithout reports whether the text can be read once the fix of each problem is made.
func (t Text) readableWithout(problems []Problem) bool {
	var edits []Edit
	for _, p := range problems {
		edits = append(edits, p.Fixes[0].Edits...)
	}
	return t.readableAfter(edits)
}
