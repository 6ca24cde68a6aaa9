package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// FuzzLint lints whatever comes over standard input, with all rules and fixes, and looks for
// panics, hangs, internal errors and reports that do not parse.
func FuzzLint(f *testing.F) {
	for _, pattern := range []string{
		"../../../testdata/chapter/*", "../../../examples/*.yaml", "../../../rules/examples/*",
		"../../../validation/testdata/*.yaml",
	} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			if len(data) < 4096 {
				f.Add(data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		for _, args := range [][]string{
			{"--rules", "all", "--kubernetes-version", "1.25,1.37"}, {"--rules", "all", "--diff"},
		} {
			var out, errs bytes.Buffer
			line := append([]string{"lint", "-o", "json", "--no-cache", "--config", "/dev/null"}, args...)
			code := Run(
				ctx, append(line, "-"),
				Streams{In: bytes.NewReader(data), Out: &out, Err: &errs, Getenv: func(string) string { return "" }},
			)
			if ctx.Err() != nil {
				t.Fatalf("took more than 20 s: %s", errs.String())
			}
			switch {
			case code == exitFailed && bytes.Contains(errs.Bytes(), []byte("no documents found")):
			case code > exitFindings:
				t.Fatalf("exit code %d: %s", code, errs.String())
			case len(args) == 4 && !json.Valid(out.Bytes()):
				t.Fatalf("report does not parse: %s", out.String())
			}
		}
	})
}
