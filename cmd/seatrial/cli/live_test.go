package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestClients runs testdata/clients/*.txtar against live clusters, once with each client.
func TestClients(t *testing.T) {
	for _, client := range []string{"seatrial", "kubectl"} {
		t.Run(client, func(t *testing.T) {
			if _, err := exec.LookPath(client); err != nil && client != "seatrial" {
				t.Skipf("%s is not installed", client)
			}
			p := scripts(t, "testdata/clients")
			setup := p.Setup
			p.Setup = func(env *testscript.Env) error {
				env.Setenv("CLIENT", client)
				return setup(env)
			}
			testscript.Run(t, p)
		})
	}
}

// liveState is where a live cluster lives in the home of a script.
const liveState = ".home/.local/state/seatrial/live"

// killLive ends what a script that has failed leaves behind.
func killLive(work string) {
	data, err := os.ReadFile(filepath.Join(work, liveState, "lock"))
	if err != nil {
		return
	}
	if pid, err := strconv.Atoi(strings.TrimSpace(string(data))); err == nil && pid > 1 && runsIn(pid, work) {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
	}
}

// runsIn tells whether a process is a cluster of a script, and not another that has its number now.
func runsIn(pid int, work string) bool {
	environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return err == nil && strings.Contains(string(environment), work)
}

// masks replace what differs from run to run.
var masks = []struct {
	what *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`-[0-9a-f]{8,10}-[a-z0-9]{5}\b`), "-HASH"},
	{regexp.MustCompile(`-[0-9a-f]{8,10}\b`), "-HASH"},
	{regexp.MustCompile(`kube-api-access-[a-z0-9]{5}`), "kube-api-access-HASH"},
	{regexp.MustCompile(`pod-template-hash=[0-9a-f]+`), "pod-template-hash=HASH"},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "DIGEST"},
	{regexp.MustCompile(`10\.244\.\d+\.\d+`), "IP"},
	{regexp.MustCompile(`\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}`), "TIME"},
	{regexp.MustCompile(`in [0-9.]+m?s \([0-9.]+m?s including waiting\)\. Image size: \d+ bytes`), "in DURATION"},
	{regexp.MustCompile(`\b\d+s\b(?: \(x\d+ over \d+s\))?`), "AGE"},
	{regexp.MustCompile(`ConfigMapOptional: +<nil>|Optional: +false`), "Optional"}, // of two versions of kubectl
	{regexp.MustCompile(`spec\.containers\{\w+\}: `), ""},                          // so is this
	{regexp.MustCompile(`(?m)[ \t]+`), " "},
	{regexp.MustCompile(`(?m) $`), ""},
}

// resembles compares the standard output with a file, but for what differs from run to run:
// resembles [-head] FILE. With -head it may go on after what the file says.
func resembles(ts *testscript.TestScript, neg bool, args []string) {
	head := len(args) == 2 && args[0] == "-head"
	if neg || len(args) != 1 && !head {
		ts.Fatalf("usage: resembles [-head] FILE")
	}
	got, want := ts.ReadFile("stdout"), ts.ReadFile(args[len(args)-1])
	for _, m := range masks {
		got = m.what.ReplaceAllString(got, m.with)
	}
	if got != want && !(head && want != "" && strings.HasPrefix(got, want)) {
		ts.Fatalf("got\n%s\nwant\n%s", got, want)
	}
}

// eventually runs a command until it prints something: eventually exec COMMAND ARG...
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || args[0] != "exec" {
		ts.Fatalf("usage: eventually exec COMMAND ARG...")
	}
	const patience = time.Minute
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if err := ts.Exec(args[1], args[2:]...); err == nil && ts.ReadFile("stdout") != "" {
			return
		}
	}
	ts.Fatalf("%s prints nothing within %v", strings.Join(args[1:], " "), patience)
}
