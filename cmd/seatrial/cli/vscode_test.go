package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestVSCodeExtension lints and tests the extension for VS Code, and drives this program with the protocol
// implementation that VS Code's client is built on.
func TestVSCodeExtension(t *testing.T) {
	if testing.Short() {
		t.Skip("installs packages of npm")
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("no npm here: install Node.js to test the extension for VS Code")
	}
	program, err := exec.LookPath("seatrial")
	if err != nil {
		t.Fatal(err)
	}
	folder, err := filepath.Abs("../../../editors/vscode")
	if err != nil {
		t.Fatal(err)
	}
	install(t, npm, folder)
	for _, script := range []string{"check", "test", "e2e"} {
		cmd := exec.Command(npm, "run", "--silent", script)
		cmd.Dir, cmd.Env = folder, append(os.Environ(), "SEATRIAL="+program)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("npm run %s: %v\n%s", script, err, out)
		}
	}
}

// install installs the packages that a folder's lock file names, unless they are there.
func install(t *testing.T, npm, folder string) {
	t.Helper()
	lock, err := os.Stat(filepath.Join(folder, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	installed, err := os.Stat(filepath.Join(folder, "node_modules", ".package-lock.json"))
	if err == nil && installed.ModTime().After(lock.ModTime()) {
		return
	}
	cmd := exec.Command(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
}
