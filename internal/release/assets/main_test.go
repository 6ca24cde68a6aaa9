package main

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAssetsAreTheSameTwice(t *testing.T) {
	first, second := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	date := time.Unix(1_700_000_000, 0).UTC()
	for _, dir := range []string{first, second} {
		if err := write(dir, date); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{
		"completions/seatrial.bash", "completions/_seatrial", "completions/seatrial.fish", "completions/seatrial.ps1",
		"man/seatrial.1.gz", "man/seatrial-lint.1.gz",
	} {
		a, err := os.ReadFile(filepath.Join(first, name))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(second, name))
		if err != nil {
			t.Fatal(err)
		}
		if len(a) == 0 || string(a) != string(b) {
			t.Errorf("%s is empty or differs from run to run", name)
		}
	}
	f, err := os.Open(filepath.Join(first, "man/seatrial-lint.1.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Nov 2023", "--kubernetes-version", "seatrial lint"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the man page of lint does not say %q", want)
		}
	}
}
