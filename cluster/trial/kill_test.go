package trial_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seatrial/seatrial/cluster/trial"
)

// childEnv makes the test binary run one command line on a trial: FILE COMMAND...
const childEnv = "SEATRIAL_TEST_CHILD"

// child runs as a process of its own, so that it can be killed.
func child(line string) int {
	args := strings.Fields(line)
	for _, v := range trial.Verbs {
		if v.Name != args[1] {
			continue
		}
		var out bytes.Buffer
		if err := v.Call(context.Background(), &trial.Trial{Path: args[0]}, args[2:], strings.NewReader(""), &out, os.Stderr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		os.Stdout.Write(out.Bytes())
	}
	return 0
}

func TestKilledCommandLeavesTheTrialWhole(t *testing.T) {
	on, _ := seeded(t)
	var acknowledged []string
	for i := range 16 {
		name := fmt.Sprintf("config-%d", i)
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+on.Path+" create configmap "+name)
		var out bytes.Buffer
		cmd.Stdout = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(time.Duration(rand.IntN(500))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // it may have been killed
		kill.Stop()
		if strings.Contains(out.String(), "created") {
			acknowledged = append(acknowledged, name)
		}
	}
	found := call(t, on, "get configmaps")
	for _, name := range acknowledged {
		if !strings.Contains(found, name) {
			t.Errorf("%s was acknowledged and is lost", name)
		}
	}
}

func TestErrorOfACommandReachesTheCaller(t *testing.T) {
	on, _ := seeded(t)
	want := errors.New("from inside")
	if err := on.Do(t.Context(), func(*trial.Session) error { return want }); !errors.Is(err, want) {
		t.Errorf("got %v", err)
	}
}

func TestSecondWriterIsRefused(t *testing.T) {
	on, _ := seeded(t)
	defer holdLock(t, on.Path)()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // it does not wait for the lock
	err := on.Do(ctx, func(*trial.Session) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "another command is working on the trial") {
		t.Errorf("got %v", err)
	}
}

// holdLock does what another process would.
func holdLock(t *testing.T, path string) (unlock func()) {
	t.Helper()
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	return func() { _ = f.Close() }
}

func TestFolderThatCannotBeWrittenIsReported(t *testing.T) {
	on := &trial.Trial{Path: filepath.Join(t.TempDir(), "file", "trial")}
	if err := os.WriteFile(filepath.Dir(on.Path), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := on.Do(t.Context(), func(*trial.Session) error { return nil })
	var path *fs.PathError
	if !errors.As(err, &path) {
		t.Errorf("got %v", err)
	}
}
