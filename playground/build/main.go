// Command build makes the playground: pages, scripts and the linter as WebAssembly, ready to be served by anything that
// serves files.
//
//	go run ./playground/build bin/playground
//
// It needs npm.
package main

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// maxCompressed is how many bytes the compressed linter may have. The aim is 12 MB: what the storages link beside what
// judges has to go first.
const maxCompressed = 34 << 20

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: go run ./playground/build FOLDER")
	}
	out, err := filepath.Abs(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	if err := build(out); err != nil {
		log.Fatal("building the playground: ", err)
	}
}

// build makes the playground in a folder, whose files of an earlier build are removed.
func build(out string) error {
	work, err := os.MkdirTemp("", "playground-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	wasm := filepath.Join(work, "seatrial.wasm")
	if err := buildWasm(wasm, filepath.Join(work, "modules")); err != nil {
		return err
	}
	if err := compress(wasm, wasm+".gz"); err != nil {
		return err
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return err
	}
	support := filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js")
	if err := copyFile(support, "playground/web/src/wasm_exec.js"); err != nil {
		return err
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"ci", "--ignore-scripts", "--no-audit", "--no-fund"}, {"run", "--silent", "check"}, {"run", "--silent", "build", "--", out, wasm + ".gz"},
	} {
		cmd := exec.Command("npm", args...)
		cmd.Dir = "playground/web"
		if err := runCommand(cmd); err != nil {
			return err
		}
	}
	return nil
}

// compress writes a compressed copy of a file, and reports an error if it is too large for a page.
func compress(name, to string) (err error) {
	in, err := os.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	z, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	before, err := io.Copy(z, in)
	if err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	info, err := out.Stat()
	if err != nil {
		return err
	}
	log.Printf("the linter: %d bytes, %d compressed", before, info.Size())
	if info.Size() > maxCompressed {
		return fmt.Errorf("the compressed linter has %d bytes, more than %d", info.Size(), maxCompressed)
	}
	return nil
}
