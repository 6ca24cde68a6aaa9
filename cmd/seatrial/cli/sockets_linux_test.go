package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func init() { helpers["without-sockets"] = func() { os.Exit(withoutSockets(os.Args[1:])) } }

// withoutSockets becomes the program with the given arguments, which the kernel kills when it, or a process that it
// starts, asks for a socket.
func withoutSockets(args []string) int {
	runtime.LockOSThread() // the filter is the thread's, and exec keeps it
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number of the system call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_SOCKET, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_KILL_PROCESS},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	exe, err := os.Executable()
	if err == nil {
		err = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	}
	if err == nil {
		at := uintptr(unsafe.Pointer(&program))
		err = unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, at, 0, 0)
	}
	if err == nil {
		err = syscall.Exec(exe, append([]string{"seatrial"}, args...), os.Environ())
	}
	fmt.Fprintln(os.Stderr, err)
	return 125
}

// runWithoutSockets runs the program without sockets, and returns its output and how it ended.
func runWithoutSockets(t *testing.T, stdin string, args ...string) (string, *os.ProcessState) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := &exec.Cmd{
		Path: exe, Args: append([]string{"without-sockets"}, args...), Stdin: strings.NewReader(stdin),
		Stdout: &out, Stderr: &out,
		Env: append(os.Environ(), "HOME="+t.TempDir(), "SEATRIAL_CACHE_DIR="+t.TempDir()),
	}
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), cmd.ProcessState
}

// TestNoSocketIsOpened runs what works offline where the kernel kills a process that asks for a socket.
func TestNoSocketIsOpened(t *testing.T) {
	claim := filepath.Join(t.TempDir(), "claim.yaml")
	if err := os.WriteFile(claim, []byte(adminClaim), 0o600); err != nil {
		t.Fatal(err)
	}
	shop := filepath.FromSlash("../../../examples/shop.yaml")
	larger, web := filepath.FromSlash(
		"../../../examples/web-larger.yaml",
	), filepath.FromSlash("../../../examples/web.yaml")
	editorInput := ""
	for _, message := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}`,
		`{"jsonrpc":"2.0","method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///none/claim.yaml",` +
			`"version":1,"text":"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"}}}`,
		`{"jsonrpc":"2.0","id":2,"method":"textDocument/hover","params":{"textDocument":` +
			`{"uri":"file:///none/claim.yaml"},"position":{"line":2,"character":2}}}`,
		`{"jsonrpc":"2.0","id":3,"method":"shutdown"}`,
		`{"jsonrpc":"2.0","method":"exit"}`,
	} {
		editorInput += fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(message), message)
	}
	for _, c := range []struct {
		name, stdin string
		args        []string
		want        string // in the output
	}{
		{"lint", "", []string{"lint", "--fail-on", "never", "--no-cache", shop, claim}, "document"},
		{"dry run", "", []string{"lint", "--dry-run", "--fail-on", "never", "--no-cache", claim}, "document"},
		{
			"charts", "", []string{"lint", "--fail-on", "never", "--no-cache", "../../../internal/render/testdata"},
			"document",
		},
		{"explain", "", []string{"explain", "certificate.spec.issuerRef"}, "issuerRef"},
		{"convert", "", []string{"convert", "-o", "json", shop}, `"kind"`},
		{
			"plan", "", []string{"plan", "-f", larger, "--from", web, "--nodes", "3x2cpu4Gi", "--drain-each-node"},
			"drain",
		},
		{"lsp", editorInput, []string{"lsp"}, "Standard object's metadata"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, state := runWithoutSockets(t, c.stdin, c.args...)
			if status := state.Sys().(syscall.WaitStatus); status.Signaled() {
				t.Errorf("killed by %v: it asks for a socket\n%s", status.Signal(), out)
			}
			if !strings.Contains(out, c.want) {
				t.Errorf("output lacks %q:\n%s", c.want, out)
			}
		})
	}
	t.Run("the filter kills", func(t *testing.T) {
		t.Setenv("KUBECONFIG", nobody(t))
		out, state := runWithoutSockets(t, "", "plan", "-f", shop, "--context", "none")
		if status := state.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGSYS {
			t.Errorf("a command that needs the network ends with %v\n%s", state, out)
		}
	})
}

// adminClaim asks for devices as an administrator, which the API server allows in a labelled namespace only.
const adminClaim = `apiVersion: v1
kind: Namespace
metadata:
  name: drivers
  labels: {resource.kubernetes.io/admin-access: "true"}
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: all, namespace: drivers}
spec:
  devices:
    requests: [{name: gpu, exactly: {deviceClassName: gpu.example.com, adminAccess: true, allocationMode: All}}]
`

// nobody returns a kubeconfig of a server that does not exist.
func nobody(t *testing.T) string {
	name := filepath.Join(t.TempDir(), "config")
	text := `apiVersion: v1
kind: Config
clusters: [{name: none, cluster: {server: "http://127.0.0.1:1"}}]
contexts: [{name: none, context: {cluster: none, user: none}}]
users: [{name: none, user: {}}]
`
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
