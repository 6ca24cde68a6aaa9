package trial_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/trial"
)

// BenchmarkCommand is a command on a small trial, but for the start of the process.
func BenchmarkCommand(b *testing.B) {
	on := &trial.Trial{Path: filepath.Join(b.TempDir(), "trial")}
	if err := on.Reset(b.Context(), 1, cluster.Config{}); err != nil {
		b.Fatal(err)
	}
	var get trial.Verb
	for _, v := range trial.Verbs {
		if v.Name == "get" {
			get = v
		}
	}
	for b.Loop() {
		var out bytes.Buffer
		if err := get.Call(b.Context(), on, []string{"nodes"}, strings.NewReader(""), &out, &out); err != nil {
			b.Fatal(err)
		}
	}
}
