package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/rogpeppe/go-internal/diff"
)

// kubectl's diff runs diff(1) on two folders. Where there is none it runs this program, which is
// told by diffEnv to compare the two folders that it is called with.
const (
	diffEnv     = "SEATRIAL_DIFF_FOLDERS"
	externalEnv = "KUBECTL_EXTERNAL_DIFF"
)

// provideDiff lets this program stand in for diff(1) where that is missing.
func provideDiff(s Streams) {
	if s.Getenv(externalEnv) != "" {
		return
	}
	if _, err := exec.LookPath("diff"); err == nil {
		return
	}
	if self, err := os.Executable(); err == nil {
		os.Setenv(externalEnv, self)
		os.Setenv(diffEnv, "1")
	}
}

// diffFolders compares two folders as diff -u -N does, and gives its exit code.
func diffFolders(from, to string, out, errOut io.Writer) int {
	before, err := files(from)
	after, err2 := files(to)
	if err = errors.Join(err, err2); err != nil {
		fmt.Fprintf(errOut, "diff: %v\n", err)
		return 2
	}
	code := 0
	names := maps.Clone(before)
	maps.Copy(names, after)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if bytes.Equal(before[name], after[name]) {
			continue
		}
		code = 1
		if _, err := out.Write(
			diff.Diff(filepath.Join(from, name), before[name], filepath.Join(to, name), after[name]),
		); err != nil {
			return 2
		}
	}
	return code
}

// files reads a folder.
func files(folder string) (map[string][]byte, error) {
	all := map[string][]byte{}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		all[name], err = os.ReadFile(path)
		return err
	})
	return all, err
}
