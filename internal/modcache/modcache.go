// Package modcache finds the sources of Go modules on this machine, for tests and tools that read
// the data of other projects. A module that is not in the module cache is downloaded once by the go command.
package modcache

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/mod/module"
)

// Dir returns the directory of a module. Without a version, as in k8s.io/kubernetes, it is the one
// that go.mod requires; with one, as in k8s.io/kubernetes@v1.25.4, any that the module proxy serves.
func Dir(query string) (string, error) {
	out, err := exec.Command("go", "mod", "download", "-json", query).Output()
	if err != nil && len(out) == 0 {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return "", fmt.Errorf("finding module %s: %w", query, err)
	}
	var m struct{ Path, Version, Dir, Zip, Error string }
	if err := json.Unmarshal(out, &m); err != nil {
		return "", fmt.Errorf("finding module %s: %w", query, err)
	}
	switch {
	case m.Dir != "":
		return m.Dir, nil
	case m.Zip != "":
		// The module needs a newer Go than this one: it can be read, not built.
		return extracted(m.Path, m.Version)
	}
	return "", fmt.Errorf("finding module %s: %s", query, m.Error)
}

// extracted returns the directory into which the go command has unpacked a module.
func extracted(path, version string) (string, error) {
	escaped, err := module.EscapePath(path)
	if err != nil {
		return "", err
	}
	out, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		return "", fmt.Errorf("finding the module cache: %w", err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), filepath.FromSlash(escaped)+"@"+version)
	if _, err := os.Stat(dir); err != nil {
		return "", err
	}
	return dir, nil
}

// Version returns the version that go.mod requires of a module.
func Version(path string) (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", path).Output()
	if err != nil {
		return "", fmt.Errorf("finding the version of %s: %w", path, err)
	}
	return strings.TrimSpace(string(out)), nil
}
