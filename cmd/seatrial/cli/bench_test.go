package cli

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"
)

// BenchmarkLint lints the folder in SEATRIAL_BENCH: go test -bench Lint -cpuprofile cpu.out
func BenchmarkLint(b *testing.B) {
	dir := os.Getenv("SEATRIAL_BENCH")
	if dir == "" {
		b.Skip("SEATRIAL_BENCH names no folder")
	}
	b.ReportAllocs()
	for b.Loop() {
		code := Run(context.Background(), []string{
			"lint", "--no-cache", "--config", os.DevNull, "--fail-on", "never", "-o", "compact", dir,
		},
			Streams{In: strings.NewReader(""), Out: io.Discard, Err: os.Stderr, Getenv: os.Getenv})
		if code != exitClean {
			b.Fatal(code)
		}
	}
}
