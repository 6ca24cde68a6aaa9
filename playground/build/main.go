// Command build makes the playground: pages, scripts and the linter as WebAssembly, ready to be served by anything that
// serves files.
//
//	go run ./playground/build bin/playground
//
// It needs npm.
package main

import (
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
)

// maxCompressed is how many bytes the linter may have in its smallest form.
const maxCompressed = 16 << 20

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
	if err := buildWasm(wasm, out+"-modules"); err != nil {
		return err
	}
	root, err := goRoot()
	if err != nil {
		return err
	}
	support := filepath.Join(root, "lib", "wasm", "wasm_exec.js")
	if err := copyFile(support, "playground/web/src/wasm_exec.js"); err != nil {
		return err
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"ci", "--ignore-scripts", "--no-audit", "--no-fund"}, {"run", "--silent", "check"},
		{"run", "--silent", "build", "--", out, wasm},
	} {
		cmd := exec.Command("npm", args...)
		cmd.Dir = "playground/web"
		if err := runCommand(cmd); err != nil {
			return err
		}
	}
	return checkSize(wasm, out)
}

// checkSize reports an error if the linter is too large for a page.
func checkSize(wasm, out string) error {
	before, err := os.Stat(wasm)
	if err != nil {
		return err
	}
	forms, err := filepath.Glob(filepath.Join(out, "seatrial-*.wasm.*"))
	if err != nil {
		return err
	}
	least := before.Size()
	for _, name := range forms {
		form, err := os.Stat(name)
		if err != nil {
			return err
		}
		log.Printf("the linter: %d bytes, in %s %d", before.Size(), filepath.Base(name), form.Size())
		least = min(least, form.Size())
	}
	if least > maxCompressed {
		return fmt.Errorf("the compressed linter has %d bytes, more than %d", least, maxCompressed)
	}
	return nil
}
