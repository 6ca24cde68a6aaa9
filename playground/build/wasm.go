package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// stubs are the files of modules that do not compile for a browser, as globs, with what stands in for them in
// playground/wasm/stubs. The code that calls them is linked and never runs.
var stubs = []struct{ module, files, stub string }{
	{"github.com/coreos/go-systemd/v22", "journal/journal_unix.go", "journal.go.txt"},
	{"go.etcd.io/etcd/client/pkg/v3", "fileutil/lock_flock.go", "lock_flock.go.txt"},
	{"github.com/moby/term", "term*_[unb]*.go", "term.go.txt"},
	{"k8s.io/kubectl", "pkg/util/term/resizeevents.go", "resizeevents.go.txt"},
	{"k8s.io/kubectl", "pkg/util/interrupt/interrupt.go", "interrupt.go.txt"},
}

// buildWasm compiles playground/wasm to a file. Modules of which a file does not compile are copied below work, and
// replaced there in a go.mod of their own: the module cache stays as it is.
func buildWasm(out, work string) error {
	modfile := filepath.Join(work, "go.mod")
	for _, name := range []string{"go.mod", "go.sum"} {
		if err := copyFile(name, filepath.Join(work, name)); err != nil {
			return err
		}
	}
	for _, s := range stubs {
		dir, err := moduleDir(s.module)
		if err != nil {
			return err
		}
		copied := filepath.Join(work, filepath.FromSlash(s.module))
		if _, err := os.Stat(copied); errors.Is(err, fs.ErrNotExist) {
			if err := copyModule(dir, copied); err != nil {
				return err
			}
		}
		if err := replace(filepath.Join(copied, s.files), filepath.Join("playground/wasm/stubs", s.stub)); err != nil {
			return err
		}
		if err := run("go", "mod", "edit", "-replace", s.module+"="+copied, modfile); err != nil {
			return err
		}
	}
	cmd := exec.Command("go", "build", "-modfile", modfile, "-ldflags", "-s -w", "-o", out, "./playground/wasm")
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	return runCommand(cmd)
}

// replace puts a stub in the place of the files of a glob.
func replace(glob, stub string) error {
	files, err := filepath.Glob(glob)
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no files %s: %w", glob, err)
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			return err
		}
	}
	return copyFile(stub, files[0])
}

// moduleDir returns the folder of a module in the module cache.
func moduleDir(module string) (string, error) {
	data, err := exec.Command("go", "mod", "download", "-json", module).Output()
	if err != nil {
		return "", fmt.Errorf("finding module %s: %w", module, err)
	}
	var m struct{ Dir string }
	if err := json.Unmarshal(data, &m); err != nil {
		return "", fmt.Errorf("finding module %s: %w", module, err)
	}
	return m.Dir, nil
}

// copyModule copies a module without its tests. Files of the module cache are read-only; the copies are not.
func copyModule(from, to string) error {
	return filepath.WalkDir(from, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, "_test.go") {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		return copyFile(name, filepath.Join(to, rel))
	})
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}

func run(name string, args ...string) error { return runCommand(exec.Command(name, args...)) }

func runCommand(cmd *exec.Cmd) error {
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return nil
}
