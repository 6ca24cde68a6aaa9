//go:build unix

package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// terminal is a program in a pseudo-terminal.
type terminal struct {
	t      *testing.T
	file   *os.File // what is shown, and what is typed
	cmd    *exec.Cmd
	shown  strings.Builder
	output chan string
}

// startTerminal starts a program in a pseudo-terminal with so many columns.
func startTerminal(t *testing.T, columns uint16, cmd *exec.Cmd) *terminal {
	t.Helper()
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: columns, Rows: 50})
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	term := &terminal{t: t, file: f, cmd: cmd, output: make(chan string, 100)}
	go func() {
		defer close(term.output)
		buf := make([]byte, 4096)
		for {
			n, err := f.Read(buf)
			if n > 0 {
				term.output <- string(buf[:n])
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has ended, in tests that pass
		_ = f.Close()
	})
	return term
}

func (term *terminal) typed(text string) {
	term.t.Helper()
	if _, err := term.file.WriteString(text); err != nil {
		term.t.Fatal(err)
	}
}

// wait reads until a text is shown. It reports whether it was.
func (term *terminal) wait(text string) bool {
	limit := time.After(time.Minute)
	for !strings.Contains(term.shown.String(), text) {
		select {
		case part, more := <-term.output:
			if !more {
				return false
			}
			term.shown.WriteString(part)
		case <-limit:
			return false
		}
	}
	return true
}

// rest reads until the program ends, and returns all that it has shown, and its exit code.
func (term *terminal) rest() (text string, code int) {
	term.t.Helper()
	for part := range term.output {
		term.shown.WriteString(part)
	}
	_ = term.cmd.Wait() // the exit code says it
	return strings.ReplaceAll(term.shown.String(), "\r", ""), term.cmd.ProcessState.ExitCode()
}

// programPath returns the path of this program.
func programPath(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("seatrial")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestHelpIsAsWideAsTheTerminal(t *testing.T) {
	env := append(os.Environ(), "XDG_STATE_HOME="+t.TempDir(), "PAGER=cat")
	for _, verb := range []string{"", "lint", "plan", "explain", "get", "create", "rollout", "autoscale"} {
		args := append(strings.Fields(verb), "--help")
		cmd := exec.Command(programPath(t), args...)
		cmd.Env = env
		text, code := startTerminal(t, 80, cmd).rest()
		if code != exitClean || !strings.Contains(text, "Usage:") {
			t.Errorf("%s --help: exit code %d, shows %q", verb, code, text)
		}
		example := false
		for _, line := range strings.Split(text, "\n") {
			if line != "" && line[0] != ' ' {
				example = line == "Examples:"
			}
			words := len(strings.Fields(line))
			if n := len([]rune(line)); n > 80 && words > 1 &&
				(!example || strings.HasPrefix(strings.TrimSpace(line), "#")) {
				t.Errorf("%s --help has a line of %d columns: %s", verb, n, line)
			}
		}
	}
}

func TestWhatTakesLongIsShown(t *testing.T) {
	screen, tty, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	defer screen.Close()
	end := underWay(Streams{Err: tty}, "simulating")
	var shown strings.Builder
	buf := make([]byte, 4096)
	for !strings.Contains(shown.String(), "simulating, 1 s") {
		n, err := screen.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		shown.Write(buf[:n])
	}
	end()
	end()
	if _, err := tty.WriteString("done\n"); err != nil {
		t.Fatal(err)
	}
	for !strings.Contains(shown.String(), "done") {
		n, err := screen.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		shown.Write(buf[:n])
	}
	if !strings.HasSuffix(strings.TrimSpace(shown.String()), "\r\x1b[Kdone") {
		t.Errorf("the line is not cleared: %q", shown.String())
	}
	tty.Close()
}

// TestCommandsShowWhatTheyDo: each reads a pipe into which nothing is written until the terminal shows what takes so
// long.
func TestCommandsShowWhatTheyDo(t *testing.T) {
	for _, c := range []struct{ args, text, want string }{
		{"expect PIPE night.yaml", "{}", "reading the plan, 1 s"},
		{"create -f PIPE", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", "simulating, 1 s"},
	} {
		t.Run(strings.Fields(c.args)[0], func(t *testing.T) {
			dir := t.TempDir()
			pipe := filepath.Join(dir, "pipe")
			if err := syscall.Mkfifo(pipe, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(programPath(t), strings.Fields(strings.ReplaceAll(c.args, "PIPE", pipe))...)
			cmd.Dir, cmd.Env = dir, append(
				os.Environ(), "HOME="+dir, "XDG_STATE_HOME="+dir, "SEATRIAL_TRIAL="+filepath.Join(dir, "trial"),
			)
			term := startTerminal(t, 200, cmd)
			if !term.wait(c.want) {
				t.Fatalf("the terminal shows %q, and not %q", term.shown.String(), c.want)
			}
			if err := os.WriteFile(pipe, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if text, _ := term.rest(); !strings.Contains(text, c.want+"\x1b[K") {
				t.Errorf("the line is not cleared: %q", text)
			}
		})
	}
}

// shells are those whose completion is tested: how each is started without the user's own settings, and what it is told
// first.
var shells = []struct {
	command []string
	needs   string // file; empty: none
	setup   string
}{
	{
		[]string{"bash", "--norc", "--noprofile", "-i"}, "/usr/share/bash-completion/bash_completion",
		"source /usr/share/bash-completion/bash_completion; source <(seatrial completion bash)",
	},
	{[]string{"zsh", "-f", "-i"}, "", "autoload -Uz compinit; compinit -u -D; source <(seatrial completion zsh)"},
	{[]string{"fish", "--no-config", "-i"}, "", "seatrial completion fish | source"},
}

func TestShellsComplete(t *testing.T) {
	for _, shell := range shells {
		t.Run(shell.command[0], func(t *testing.T) {
			path, err := exec.LookPath(shell.command[0])
			if err != nil {
				t.Skipf("no %s here", shell.command[0])
			}
			if _, err := os.Stat(shell.needs); shell.needs != "" && err != nil {
				t.Skipf("the completion of %s needs the package bash-completion", shell.command[0])
			}
			cmd := exec.Command(path, shell.command[1:]...)
			cmd.Dir = t.TempDir()
			for name, text := range map[string]string{
				"values.yaml": "image: {tag: one}\n",
				"kubeconfig":  "apiVersion: v1\nkind: Config\ncontexts: [{name: staging-eu, context: {}}]\n",
				"night.yaml":  "", "web.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n" +
					"spec: {containers: [{name: web, image: 'a:1', envFrom: [{secretRef: {name: passwords}}]}]}\n",
			} {
				if err := os.WriteFile(filepath.Join(cmd.Dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cmd.Env = append(os.Environ(), "HOME="+cmd.Dir, "XDG_STATE_HOME="+cmd.Dir,
				"KUBECONFIG="+filepath.Join(cmd.Dir, "kubeconfig"),
				"PS1=$ ", "TERM=xterm", "INPUTRC=/dev/null")
			term := startTerminal(t, 200, cmd)
			term.typed(shell.setup + "; echo rea''dy\r")
			if !term.wait("ready\r\n") {
				t.Fatalf("the shell shows %q", term.shown.String())
			}
			for typed, want := range map[string]string{
				"lint --rules default,-image-not":  "lint --rules default,-image-not-digest-pinned",
				"lint --kubernetes-version 1.25,1": "lint --kubernetes-version 1.25,1.",
				"lint --external Sec":              "lint --external Secret/passwords",
				"plan --nodes 3x4":                 "plan --nodes 3x4cpu16Gi",
				"plan --scenario ni":               "plan --scenario night.yaml",
				"plan --context stag":              "plan --context staging-eu",
				"explain --diff 1.20":              "explain --diff 1.20..",
				"render --set im":                  "render --set image.tag=",
				"get -n kube-n":                    "get -n kube-node-lease",
			} {
				if got := term.completed(typed); got != want {
					t.Errorf("%s is completed to %q, want %q", typed, got, want)
				}
			}
		})
	}
}

// completed types a command of this program and a tab, and returns the line that it is completed to.
func (term *terminal) completed(text string) string {
	term.t.Helper()
	before := term.shown.Len()
	// ctrl-A and ctrl-E: the begin and the end of the line
	term.typed("seatrial " + text + "\t\x01echo line:\x05:end\r")
	printed := regexp.MustCompile(`[\r\n]line:seatrial ([^\r\n]*?) *:end`)
	for limit := time.After(time.Minute); ; {
		if m := printed.FindStringSubmatch(term.shown.String()[before:]); m != nil {
			return m[1]
		}
		select {
		case part, more := <-term.output:
			if !more {
				return "nothing: the shell has ended"
			}
			term.shown.WriteString(part)
		case <-limit:
			return "nothing: the shell shows " + term.shown.String()[before:]
		}
	}
}

// TestParagraphsAreLines holds the joining of lines against help as it is written in the source.
func TestParagraphsAreLines(t *testing.T) {
	for text, want := range map[string]string{
		"One two\nthree.\n\nFour\n--five six.":      "One two three.\n\nFour --five six.",
		"Write:\n\n  crds:\n    istio: off\n\nEnd.": "Write:\n\n  crds:\n    istio: off\n\nEnd.",
		"Either\n- a\n- b\nor c":                    "Either\n- a\n- b\nor c",
		"  indented\nprose":                         "  indented\nprose",
	} {
		if got := joinLines(text); got != want {
			t.Errorf("joinLines(%q) = %q, want %q", text, got, want)
		}
	}
}
