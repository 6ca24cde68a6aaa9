package cli

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestWaitForInputCanBeInterrupted reads a standard input that nobody writes to.
func TestWaitForInputCanBeInterrupted(t *testing.T) {
	folder := t.TempDir()
	for _, args := range [][]string{
		{"lint", "-"},
		{"convert", "-"},
		{"plan", "-f", "-"},
		{"plan", "-f", "none.yaml", "--nodes", "-"},
		{"create", "-f", "-", "--trial", filepath.Join(folder, "trial")},
		{"apply", "--filename=/dev/stdin", "--trial", filepath.Join(folder, "trial")},
		{"reset", "--nodes", "-", "--trial", filepath.Join(folder, "trial")},
		{"up", "--nodes", "-", "--data-dir", filepath.Join(folder, "live")},
	} {
		ctx, interrupt := context.WithCancel(t.Context())
		in, _ := io.Pipe()
		var errors bytes.Buffer
		code := make(chan int)
		go func() {
			code <- Run(
				ctx, args,
				Streams{In: in, Out: io.Discard, Err: &errors, Getenv: func(string) string { return "" }},
			)
		}()
		interrupt()
		if got := <-code; got != exitInterrupted || errors.String() != "seatrial: interrupted\n" {
			t.Errorf("%q: exit code %d: %s", args, got, errors.String())
		}
	}
}

// TestFolderWithMoreThanFiles lints a folder with a pipe that nobody writes to, a link to it and a link
// to a folder, all named like manifests. None of them is read.
func TestFolderWithMoreThanFiles(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	for _, err := range []error{
		os.WriteFile(path("a.yaml"), []byte("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n"), 0o600),
		syscall.Mkfifo(path("pipe.yaml"), 0o600),
		os.Symlink("pipe.yaml", path("link.yaml")),
		os.Symlink("..", path("up.yaml")),
		os.Symlink("a.yaml", path("same.yml")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	code := Run(
		t.Context(), []string{"lint", "--no-cache", "--rules", "none", dir},
		Streams{Out: &out, Err: &out, Getenv: func(string) string { return "" }},
	)
	if code != exitFindings || !strings.Contains(out.String(), "2 documents of 2 files") {
		t.Errorf("exit code %d:\n%s", code, &out)
	}
}
