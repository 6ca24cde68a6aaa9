package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/seatrial/seatrial/internal/live"
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

// liveFolders are where the live clusters of a script live: in its home, and a second one.
var liveFolders = []string{".home/.local/state/seatrial/live", "second"}

// killLive ends what a script that has failed leaves behind.
func killLive(work string) {
	for _, folder := range liveFolders {
		data, err := os.ReadFile(filepath.Join(work, folder, "lock"))
		if err != nil {
			continue
		}
		if pid, err := strconv.Atoi(strings.TrimSpace(string(data))); err == nil && pid > 1 && runsIn(pid, work) {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
		}
	}
}

// signalLive sends a signal to the cluster of a folder: signal KILL|STOP|CONT FOLDER
func signalLive(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]syscall.Signal{"KILL": syscall.SIGKILL, "STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT}
	if neg || len(args) != 2 || signals[args[0]] == 0 {
		ts.Fatalf("usage: signal KILL|STOP|CONT FOLDER")
	}
	pid, running := live.Folder(ts.MkAbs(args[1])).Running()
	if !running {
		ts.Fatalf("no cluster runs in %s", args[1])
	}
	ts.Check(syscall.Kill(pid, signals[args[0]]))
	if args[0] == "KILL" && !ends(live.Folder(ts.MkAbs(args[1]))) {
		ts.Fatalf("process %d goes on", pid)
	}
}

// ended waits until the cluster of a folder has ended by itself: ended FOLDER
func ended(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: ended FOLDER")
	}
	if !ends(live.Folder(ts.MkAbs(args[0]))) {
		ts.Fatalf("the cluster in %s goes on", args[0])
	}
}

// ends waits until the cluster of a folder has ended.
func ends(folder live.Folder) bool {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if _, running := folder.Running(); !running {
			return true
		}
	}
	return false
}

// runsIn tells whether a process is a cluster of a script, and not another that has its number now.
func runsIn(pid int, work string) bool {
	environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return err == nil && strings.Contains(string(environment), work)
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

// TestInterruptedDownGoesOn interrupts a down whose cluster takes its time. That ends all the same, and what it has
// stored stays.
func TestInterruptedDownGoesOn(t *testing.T) {
	folder := live.Folder(filepath.Join(t.TempDir(), "live"))
	ownHome(t, "--data-dir", string(folder))
	if out, err := program(t, "up", "--port", "0", "--data-dir", string(folder)); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	pid, _ := folder.Running()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	var said bytes.Buffer
	code := Run(
		ctx, []string{"down", "--purge", "--data-dir", string(folder)},
		Streams{Out: &said, Err: &said, Getenv: os.Getenv},
	)
	if want := fmt.Sprintf(
		"seatrial: interrupted: the cluster in %s goes on ending, and what it has stored stays\n", folder,
	); code != exitFailed || said.String() != want {
		t.Errorf("exit code %d, %q; want %q", code, said.String(), want)
	}
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if !ends(folder) {
		t.Error("it goes on")
	}
	if _, err := folder.Facts(); err != nil {
		t.Error(err)
	}
}

// kills is how often TestKills kills a cluster; SEATRIAL_KILLS says otherwise.
const kills = 5

// TestKills kills a live cluster again and again while objects are created and applied. After each
// start every acknowledged write is there, and in the end what was created comes up.
func TestKills(t *testing.T) {
	times := kills
	if n, err := strconv.Atoi(os.Getenv("SEATRIAL_KILLS")); err == nil {
		times = n
	} else if testing.Short() {
		t.Skip("takes half a minute")
	}
	home := ownHome(t)
	acknowledged := map[string]int{} // the last value, by ConfigMap
	for round := range times {
		if out, err := program(t, "up", "--port", "0"); err != nil {
			t.Fatalf("up after %d kills: %v\n%s", round, err, out)
		}
		check(t, acknowledged)
		write(t, home, round, acknowledged)
	}
	if out, err := program(t, "up", "--port", "0"); err != nil {
		t.Fatalf("up: %v\n%s", err, out)
	}
	check(t, acknowledged)
	if out, err := program(
		t, "wait", "--for=condition=Available", "deployment/web", "--timeout=2m", "--context", "seatrial",
	); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%d acknowledged writes", len(acknowledged))
}

// ownHome gives the program a home of its own, and in the end deletes the cluster there, or where flags say.
func ownHome(t *testing.T, flags ...string) (home string) {
	home = t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_STATE_HOME", "")
	t.Setenv("KUBECONFIG", filepath.Join(home, "kubeconfig"))
	t.Cleanup(func() { program(t, append([]string{"down", "--purge"}, flags...)...) })
	return home
}

// program runs the program itself, as scripts do.
func program(t *testing.T, args ...string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Args[0] = "seatrial"
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// write creates and changes objects until the cluster is killed in the middle of it.
func write(t *testing.T, home string, round int, acknowledged map[string]int) {
	folder := live.Folder(filepath.Join(home, ".local/state/seatrial/live"))
	client := liveClient(t, folder)
	pid, running := folder.Running()
	if !running {
		t.Fatal("it does not run")
	}
	if round == 0 {
		if out, err := program(
			t, "create", "deployment", "web", "--image=nginx", "--replicas=3", "--context", "seatrial",
		); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	timer := time.AfterFunc(
		time.Duration(300+rand.IntN(900))*time.Millisecond, func() { _ = syscall.Kill(pid, syscall.SIGKILL) },
	)
	defer timer.Stop()
	maps := client.CoreV1().ConfigMaps("default")
	for i := 0; ; i++ {
		name := fmt.Sprintf("c-%d-%d", round, i/2) // created, then applied
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err := maps.Apply(
			ctx, applycorev1.ConfigMap(name, "default").WithData(map[string]string{"value": strconv.Itoa(i)}),
			metav1.ApplyOptions{FieldManager: "kills"},
		)
		cancel()
		if err != nil {
			break
		}
		acknowledged[name] = i
	}
	if !ends(folder) {
		t.Fatal("it does not end when it is killed")
	}
}

func liveClient(t *testing.T, folder live.Folder) *kubernetes.Clientset {
	config, err := folder.RESTConfig()
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// check looks for everything that was acknowledged. A write in flight may have come through too.
func check(t *testing.T, acknowledged map[string]int) {
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	client := liveClient(t, live.Folder(filepath.Join(home, ".local/state/seatrial/live")))
	list, err := client.CoreV1().ConfigMaps("default").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, c := range list.Items {
		if n, err := strconv.Atoi(c.Data["value"]); err == nil {
			found[c.Name] = n
		}
	}
	for name, want := range acknowledged {
		if got, ok := found[name]; !ok || got < want {
			t.Errorf("%s: %d (there: %v), acknowledged %d", name, got, ok, want)
		}
	}
}

// TestIntruder looks at a live cluster as somebody else on the machine would.
func TestIntruder(t *testing.T) {
	home := ownHome(t)
	if out, err := program(t, "up", "--port", "0"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	folder := live.Folder(filepath.Join(home, ".local/state/seatrial/live"))
	facts, err := folder.Facts()
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	for _, path := range []string{
		"/", "/api", "/healthz", "/readyz", "/version", "/metrics", "/openapi/v2", "/api/v1/secrets",
		"/.well-known/openid-configuration", "/debug/pprof/",
	} {
		answer, err := client.Get(facts.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s answers %s to anybody", path, answer.Status)
		}
	}
	for _, root := range []string{string(folder), filepath.Join(home, "kubeconfig")} {
		err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if info, err := d.Info(); err == nil && info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s has the mode %v", name, info.Mode())
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	pid, _ := folder.Running()
	if got := listeners(t, pid); len(got) != 1 || got[0] != fmt.Sprintf("0100007F:%04X", facts.Port) {
		t.Errorf("listens on %v, want 127.0.0.1:%d alone", got, facts.Port)
	}
	arguments, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		t.Skipf("no /proc here: %v", err)
	}
	if got := strings.ReplaceAll(string(arguments), "\x00", " "); got != "seatrial up --port 0 --foreground " {
		t.Errorf("the process list shows %q", got)
	}
}

// listeners gives the addresses that a process listens on, as /proc writes them.
func listeners(t *testing.T, pid int) (addresses []string) {
	ours := map[string]bool{}
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil || len(files) == 0 {
		t.Skip("no /proc here")
	}
	for _, f := range files {
		if to, err := os.Readlink(f); err == nil && strings.HasPrefix(to, "socket:[") {
			ours[strings.Trim(to[len("socket:"):], "[]")] = true
		}
	}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		data, err := os.ReadFile(table)
		if err != nil {
			continue // a machine without IPv6
		}
		for _, line := range strings.Split(string(data), "\n") {
			const listening = "0A"
			if f := strings.Fields(line); len(f) > 9 && f[3] == listening && ours[f[9]] {
				addresses = append(addresses, f[1])
			}
		}
	}
	return addresses
}
