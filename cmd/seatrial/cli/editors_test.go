//go:build unix

package cli

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// editors are those whose configuration in docs/editors.md is tried. Each shows the findings of a file on its output.
var editors = []struct {
	name    string
	needs   []string // a command that fails where something is missing
	heading string   // what stands before the configuration in the documentation
	config  string   // file that it is written to
	before  string   // of the configuration
	after   string   // shows the findings, once there are any
	command []string
}{
	{
		"neovim", []string{"nvim", "--version"}, "Before 0.11:", "init.lua", "", `
vim.api.nvim_create_autocmd('VimEnter', {callback = function()
  vim.wait(60000, function() return #vim.diagnostic.get(0) > 0 end, 50)
  for _, d in ipairs(vim.diagnostic.get(0)) do io.stdout:write(d.lnum + 1, ': ', d.message, '\n') end
  vim.cmd('qa!')
end})`, []string{"nvim", "--headless", "-u", "init.lua", "web.yaml"},
	},
	{
		"emacs",
		[]string{
			"emacs", "--batch", "-q", "--eval", "(progn (package-initialize) (require 'eglot) (require 'yaml-mode))",
		},
		"**Emacs** (eglot):", "init.el", "(package-initialize)\n(require 'eglot)\n", `
(find-file "web.yaml")
(yaml-mode)
(let ((eglot-sync-connect t)) (call-interactively #'eglot))
(let ((tries 600))
  (while (and (> tries 0) (not (flymake-diagnostics)))
    (setq tries (1- tries))
    (accept-process-output nil 0.1)))
(dolist (d (flymake-diagnostics))
  (princ (format "%d: %s\n" (line-number-at-pos (flymake-diagnostic-beg d)) (flymake-diagnostic-text d))))
`, []string{"emacs", "--batch", "-q", "-l", "init.el"},
	},
}

func TestEditorsShowFindings(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/editors.md")
	if err != nil {
		t.Fatal(err)
	}
	program := programPath(t)
	for _, e := range editors {
		t.Run(e.name, func(t *testing.T) {
			if err := exec.Command(e.needs[0], e.needs[1:]...).Run(); err != nil {
				t.Skipf("no %s here: %v", e.name, err)
			}
			dir := t.TempDir()
			for name, text := range map[string]string{
				e.config:   e.before + configOf(t, string(doc), e.heading) + "\n" + e.after,
				"web.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, imge: 'a:1'}]}\n",
			} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, e.command[0], e.command[1:]...)
			cmd.Dir, cmd.Env = dir, append(
				os.Environ(), "HOME="+dir, "XDG_STATE_HOME="+dir, "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"),
			)
			out, err := cmd.CombinedOutput()
			if err != nil || !regexp.MustCompile(`4: .*unknown field "spec.containers\[0\].imge"`).Match(out) {
				t.Errorf("%v, shows\n%s", err, out)
			}
		})
	}
}

// configOf returns the code behind a heading: the rest of its line between backquotes, or the indented lines below.
func configOf(t *testing.T, doc, heading string) string {
	t.Helper()
	_, rest, ok := strings.Cut(doc, heading)
	if !ok {
		t.Fatalf("the documentation has no %q", heading)
	}
	line, rest, _ := strings.Cut(rest, "\n")
	if code := strings.Trim(line, " `"); code != "" {
		return code
	}
	code, _, _ := strings.Cut(strings.TrimLeft(rest, "\n"), "\n\n")
	return code
}
