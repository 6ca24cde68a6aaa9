// Command assets writes the shell completions and man pages that a release carries.
//
//	go run ./internal/release/assets UNIXTIME DIR
//
// UNIXTIME is the time of the released commit, which the man pages show as their date.
package main

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/seatrial/seatrial/cmd/seatrial/cli"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: go run ./internal/release/assets UNIXTIME DIR")
	}
	seconds, err := strconv.ParseInt(os.Args[1], 10, 64)
	if err == nil {
		err = write(os.Args[2], time.Unix(seconds, 0).UTC())
	}
	if err != nil {
		log.Fatal("assets: ", err)
	}
}

// write fills the folders completions and man below dir.
func write(dir string, date time.Time) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	root := cli.NewCommand(
		cli.Streams{
			In: strings.NewReader(""), Out: io.Discard, Err: io.Discard, Getenv: func(string) string { return "" },
		},
	)
	root.InitDefaultCompletionCmd()
	root.DisableAutoGenTag = true
	return errors.Join(
		writeCompletions(root, filepath.Join(dir, "completions")), writeManPages(root, filepath.Join(dir, "man"), date),
	)
}

func writeCompletions(root *cobra.Command, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return errors.Join(
		root.GenBashCompletionFileV2(filepath.Join(dir, "seatrial.bash"), true),
		root.GenZshCompletionFile(filepath.Join(dir, "_seatrial")),
		root.GenFishCompletionFile(filepath.Join(dir, "seatrial.fish"), true),
		root.GenPowerShellCompletionFileWithDesc(filepath.Join(dir, "seatrial.ps1")),
	)
}

// writeManPages writes one compressed page for each command.
func writeManPages(root *cobra.Command, dir string, date time.Time) error {
	plain, err := os.MkdirTemp("", "seatrial-man-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(plain)
	header := &doc.GenManHeader{
		Section: "1", Source: "seatrial", Manual: "Sea trials for Kubernetes manifests", Date: &date,
	}
	if err := doc.GenManTree(root, header, plain); err != nil {
		return err
	}
	pages, err := os.ReadDir(plain)
	if err != nil {
		return err
	}
	if len(pages) == 0 {
		return fmt.Errorf("no man pages in %s", plain)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, page := range pages {
		if err := compress(filepath.Join(plain, page.Name()), filepath.Join(dir, page.Name()+".gz")); err != nil {
			return err
		}
	}
	return nil
}

func compress(from, to string) (err error) {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		return err
	}
	return w.Close()
}
