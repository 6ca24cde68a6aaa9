// Package modcache finds the sources of Go modules on this machine, for tests and tools that read
// the data of other projects. What is not in the module cache yet is fetched once by the go command.
package modcache

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
)

// Dir gives the folder of a module: k8s.io/kubernetes@v1.37.2.
func Dir(module string) (string, error) {
	out, err := exec.Command("go", "mod", "download", "-json", module).Output()
	if err != nil && len(out) == 0 {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return "", fmt.Errorf("finding module %s: %w", module, err)
	}
	var m struct{ Dir, Error string }
	if err := json.Unmarshal(out, &m); err != nil {
		return "", fmt.Errorf("finding module %s: %w", module, err)
	}
	if m.Error != "" {
		return "", fmt.Errorf("finding module %s: %s", module, m.Error)
	}
	return m.Dir, nil
}
