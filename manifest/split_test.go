package manifest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/source"
)

// TestChunksCoverTheFile joins random lines and checks that what lies between the chunks holds no content.
func TestChunksCoverTheFile(t *testing.T) {
	lines := []string{
		"---",
		"--- # next",
		"---  ",
		"...",
		"%YAML 1.1",
		"# comment",
		"",
		"  ",
		"a: b",
		"- c",
		`{"a": "}"}`,
		`{"a": 1}{"b": 2}`,
		"{",
		"}",
		"a: |",
		"  text",
		"---x",
		"----",
		"\ufeff",
	}
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 2))
		var text strings.Builder
		for range r.IntN(12) {
			text.WriteString(lines[r.IntN(len(lines))])
			text.WriteString([]string{"\n", "\n", "\n", "\r\n"}[r.IntN(4)])
		}
		f := source.NewFile("a.yaml", []byte(text.String()))
		at := 0
		for i, c := range Split(f) {
			if c.number != i+1 || c.start < at || c.end < c.start {
				t.Fatalf("chunk %d, number %d, from %d to %d, after %d:\n%q", i, c.number, c.start, c.end, at, f.Data)
			}
			checkGap(t, f, at, max(at, c.separator.start), c)
			at = c.end
		}
		checkGap(t, f, at, len(f.Data), nil)
	}
}

// checkGap checks that no content is lost in front of a chunk.
func checkGap(t *testing.T, f *source.File, from, to int, next *Chunk) {
	t.Helper()
	if next != nil && next.separator.end == 0 {
		to = next.start
	}
	gap := strings.TrimPrefix(string(f.Data[from:to]), byteOrderMark)
	for line := range strings.Lines(gap) {
		line = strings.TrimSpace(line)
		if comment := strings.TrimSpace(strings.TrimPrefix(line, "---")); line == "" || line == "..." ||
			line[0] == '#' ||
			line[0] == '%' ||
			comment == "" ||
			comment[0] == '#' && comment != line {
			continue
		}
		t.Errorf("%s is in no chunk of\n%q", fmt.Sprintf("%q", line), f.Data)
	}
}
