package trial_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seatrial/seatrial/internal/trial"
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
		if err := v.Call(
			context.Background(), &trial.Trial{Path: args[0]}, args[2:], strings.NewReader(""), &out, os.Stderr,
		); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		os.Stdout.Write(out.Bytes())
	}
	return 0
}

// kills is how many commands are killed: a few, or as many as SEATRIAL_KILLS says.
func kills(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv("SEATRIAL_KILLS"), "12"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestKilledCommandLeavesTheTrialWhole(t *testing.T) {
	on, _ := seeded(t)
	var acknowledged []string
	died := 0
	for i := range kills(t) {
		name := fmt.Sprintf("config-%d", i)
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+on.Path+" create configmap "+name)
		var out bytes.Buffer
		cmd.Stdout = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stop := make(chan struct{})
		go killSometime(cmd.Process, on.Path, i%2 == 0, stop)
		if cmd.Wait() != nil {
			died++
		}
		close(stop)
		if strings.Contains(out.String(), "created") {
			acknowledged = append(acknowledged, name)
		}
		if err := trial.Check(on.Path); err != nil {
			t.Fatalf("after kill %d: %v", i, err)
		}
	}
	t.Logf("%d commands were killed, %d were acknowledged", died, len(acknowledged))
	found := strings.Fields(call(t, on, "get configmaps -o name"))
	for _, name := range acknowledged {
		if !slices.Contains(found, "configmap/"+name) {
			t.Errorf("%s was acknowledged and is lost", name)
		}
	}
}

// killSometime kills a command at a random moment of its life, or of its save.
func killSometime(p *os.Process, path string, saving bool, stop chan struct{}) {
	wait := time.Duration(rand.IntN(900)) * time.Millisecond
	if saving {
		before, _ := os.Stat(path)
		for began := time.Now(); time.Since(began) < time.Minute; {
			_, err := os.Stat(path + ".new")
			now, _ := os.Stat(path)
			if err == nil || before != nil && now != nil && !now.ModTime().Equal(before.ModTime()) {
				break
			}
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Microsecond):
			}
		}
		wait = time.Duration(rand.IntN(15000)) * time.Microsecond
	}
	select {
	case <-stop:
	case <-time.After(wait):
		_ = p.Kill() // it may have ended
	}
}

func TestDamagedFileIsRefused(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"empty":     func([]byte) []byte { return nil },
		"cut off":   func(b []byte) []byte { return b[:len(b)/2] },
		"one bit":   func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"something": func([]byte) []byte { return []byte("something else\n") },
		"head":      func(b []byte) []byte { return b[:20] },
	} {
		t.Run(name, func(t *testing.T) {
			on, _ := seeded(t)
			data, err := os.ReadFile(on.Path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(on.Path, damage(data), 0o600); err != nil {
				t.Fatal(err)
			}
			var damaged *trial.DamagedError
			if err := on.Do(t.Context(), func(*trial.Session) error { return nil }); !errors.As(err, &damaged) ||
				!strings.Contains(err.Error(), "`seatrial reset`") {
				t.Errorf("got %v", err)
			}
		})
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
	if err == nil || !strings.Contains(err.Error(), "interrupted while another command was working on the trial") {
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
