package cli

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/diff"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary stand in for the program, so that scripts run it as users do.
func TestMain(m *testing.M) {
	testscript.Main(m, helpers)
}

// helpers are what the test binary is when it is called by one of these names.
var helpers = map[string]func(){
	"seatrial": func() { os.Exit(Main()) },
	"terminal": func() { os.Exit(inTerminal(os.Args[1:])) },
}

// inTerminal runs a program in a pseudo-terminal, prints what it shows there, and gives its exit code.
func inTerminal(args []string) int {
	cmd := exec.Command(args[0], args[1:]...)
	screen, err := pty.Start(cmd)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return -1
	}
	_, _ = io.Copy(os.Stdout, screen) // ends with an error when nobody has the terminal any more
	_ = cmd.Wait()                    // its exit code tells
	return cmd.ProcessState.ExitCode()
}

// TestScripts runs testdata/script/*.txtar: what a user types, and what comes back. In them,
// $REPO is the root of the repository. UPDATE=1 rewrites the expected outputs.
func TestScripts(t *testing.T) { testscript.Run(t, scripts(t, "testdata/script")) }

// scripts says how the scripts of a folder are run.
func scripts(t *testing.T, folder string) testscript.Params {
	repo, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	return testscript.Params{
		Dir:           folder,
		UpdateScripts: os.Getenv("UPDATE") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("REPO", repo)
			env.Setenv("HOME", filepath.Join(env.WorkDir, ".home"))
			env.Defer(func() { killLive(env.WorkDir) })
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "replace": replace, "damage": damage, "like": like, "eventually": eventually,
			"occupy": occupy, "etcd": startEtcd, "signal": signalLive, "ended": ended,
			"unpack": unpack,
		},
	}
}

// exits runs a command line and checks its exit code: exits CODE COMMAND ARG...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARG...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	if err != nil {
		if !strings.HasPrefix(err.Error(), "exit status ") {
			ts.Fatalf("%v", err)
		}
		code = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if code != args[0] {
		ts.Fatalf("exit code %s, want %s", code, args[0])
	}
}

// replace writes a file with one text for another: replace OLD NEW FILE
func replace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace OLD NEW FILE")
	}
	name := ts.MkAbs(args[2])
	before := ts.ReadFile(args[2])
	after := strings.ReplaceAll(before, args[0], args[1])
	if before == after {
		ts.Fatalf("%s does not contain %q", args[2], args[0])
	}
	ts.Check(os.WriteFile(name, []byte(after), 0o644))
}

// unpack writes a file of a ConfigMap's binaryData: unpack MANIFEST KEY
func unpack(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: unpack MANIFEST KEY")
	}
	m := regexp.MustCompile(`(?m)^  ` + regexp.QuoteMeta(args[1]) + `: (\S+)$`).FindStringSubmatch(ts.ReadFile(args[0]))
	if m == nil {
		ts.Fatalf("%s has no %s", args[0], args[1])
	}
	data, err := base64.StdEncoding.DecodeString(m[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), data, 0o644))
}

// damage overwrites the files of a folder with bytes that mean nothing, or from an offset on a part
// of one file: damage DIR, damage FILE OFFSET
func damage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: damage DIR, damage FILE OFFSET")
	}
	name := ts.MkAbs(args[0])
	if len(args) == 1 {
		ts.Check(filepath.WalkDir(name, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			return os.WriteFile(name, []byte("damaged"), 0o600)
		}))
		return
	}
	offset, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	ts.Check(err)
	defer f.Close()
	_, err = f.WriteAt(bytes.Repeat([]byte("damaged "), 8<<10), offset)
	ts.Check(err)
}

// What differs from cluster to cluster: names that are drawn, addresses, identifiers, ages and times.
var (
	drawnName  = regexp.MustCompile(`\b([a-z-]+)-([0-9a-f]{8,10})(?:-([a-z0-9]{5}))?\b`)
	individual = []struct {
		what *regexp.Regexp
		mask string
	}{
		{regexp.MustCompile(`kube-api-access-[a-z0-9]{5}`), "kube-api-access-ID"},
		{regexp.MustCompile(`containerd://[0-9a-f]{64}`), "containerd://ID"},
		{regexp.MustCompile(`sha256:[0-9a-f]{64}`), "sha256:ID"},
		{regexp.MustCompile(`pod-template-hash=[0-9a-f]+`), "pod-template-hash=HASH"},
		{regexp.MustCompile(`\b\d+\.\d+\.\d+\.\d+\b`), "IP"},
		{regexp.MustCompile(`[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [0-9:]{8} [+-]\d{4}`), "TIME"},
		{regexp.MustCompile(`\b[0-9.]+s \([0-9.]+s including waiting\)`), "TIME"},
		{regexp.MustCompile(`\b(?:\d+[dhm])*\d+[smhd]\b(?: \(x\d+ over \w+\))?`), "AGE"},
		{regexp.MustCompile(`ConfigMapOptional: +<nil>|Optional: +false`), "Optional"}, // of two versions of kubectl
		{regexp.MustCompile(`spec\.containers\{\w+\}: `), ""},                          // so is this
		{regexp.MustCompile(`[ \t]+`), " "},
	}
)

// like compares what the last command printed with a file, but for what differs from cluster to
// cluster: like [-head] FILE. With -head it may go on after what the file says.
func like(ts *testscript.TestScript, neg bool, args []string) {
	head := len(args) == 2 && args[0] == "-head"
	if neg || len(args) != 1 && !head {
		ts.Fatalf("usage: like [-head] FILE")
	}
	name := args[len(args)-1]
	got, want := masked(ts.ReadFile("stdout")), masked(ts.ReadFile(name))
	if got != want && !(head && want != "" && strings.HasPrefix(got, want)) {
		ts.Fatalf("%s", diff.Diff(name, []byte(want), "stdout", []byte(got)))
	}
}

// masked replaces drawn names by numbers, in the order in which they appear, and the rest by words.
func masked(text string) string {
	hashes, pods := map[string]string{}, map[string]string{}
	number := func(known map[string]string, letter, word string) string {
		if word == "" {
			return ""
		}
		if known[word] == "" {
			known[word] = fmt.Sprintf("-%s%d", letter, len(known)+1)
		}
		return known[word]
	}
	for _, i := range individual[:4] {
		text = i.what.ReplaceAllString(text, i.mask)
	}
	text = drawnName.ReplaceAllStringFunc(text, func(name string) string {
		m := drawnName.FindStringSubmatch(name)
		return m[1] + number(hashes, "h", m[2]) + number(pods, "p", m[3])
	})
	for _, i := range individual[4:] {
		text = i.what.ReplaceAllString(text, i.mask)
	}
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	return strings.Join(lines, "\n") + "\n"
}
