package modcache

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Program builds a program of a module that this one requires into a folder, with the versions of all other modules
// that go.mod has: packages that both use are compiled once. The module itself need not require what the program needs
// besides.
func Program(dir, pkg, name string) (file string, err error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("finding go.mod: %w", err)
	}
	required := filepath.Dir(strings.TrimSpace(string(out)))
	for _, list := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(required, list))
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, list), data, 0o600); err != nil {
			return "", err
		}
	}
	file = filepath.Join(dir, name)
	build := exec.Command("go", "build", "-mod=mod", "-modfile="+filepath.Join(dir, "go.mod"), "-o", file, pkg)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	return file, nil
}
