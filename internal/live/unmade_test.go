package live

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestInterruptedStoreIsMadeAnew interrupts etcd at moments at which it has written half of what it
// needs. The next start comes up.
func TestInterruptedStoreIsMadeAnew(t *testing.T) {
	for after := range 12 {
		folder := Folder(t.TempDir())
		for _, patience := range []time.Duration{time.Duration(4*after) * time.Millisecond, time.Minute} {
			made, err := folder.makeStore()
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			s, err := startStore(ctx, folder.etcd(), io.Discard, func(err error) { panic(err) })
			cancel()
			if err != nil {
				if patience == time.Minute {
					t.Fatalf("after an interrupt at %d ms: %v", 4*after, err)
				}
				continue
			}
			if err := made(); err != nil {
				t.Error(err)
			}
			s.close()
		}
	}
}

// purgeEnv has the test of interrupted purges purge a folder.
const purgeEnv = "SEATRIAL_TEST_PURGE"

// TestInterruptedPurgeLeavesNoHalfStore kills a process that purges a cluster. What is left of its store does
// not keep the next one from coming up.
func TestInterruptedPurgeLeavesNoHalfStore(t *testing.T) {
	if name := os.Getenv(purgeEnv); name != "" {
		_, _ = os.Stdout.WriteString("now\n")
		if err := Folder(name).Purge(); err != nil {
			t.Error(err)
		}
		return
	}
	for after := range 8 {
		folder := Folder(t.TempDir())
		startOnce(t, folder)
		there := files(t, folder)
		purge := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
		purge.Env = append(os.Environ(), purgeEnv+"="+string(folder))
		out, err := purge.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := purge.Start(); err != nil {
			t.Fatal(err)
		}
		_, _ = out.Read(make([]byte, 1)) // it is there
		time.Sleep(time.Duration(after) * 300 * time.Microsecond)
		_ = purge.Process.Kill() // it may be over
		_ = purge.Wait()
		if err := makeFolder(string(folder)); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(folder.unmade()); err != nil {
			if left := files(t, folder); len(left) > 0 && !slices.Equal(left, there) {
				t.Errorf("what is left is taken for a store: %q of %q", left, there)
			}
		}
		startOnce(t, folder)
	}
}

// startOnce starts the etcd of a folder once.
func startOnce(t *testing.T, folder Folder) {
	t.Helper()
	made, err := folder.makeStore()
	if err != nil {
		t.Fatal(err)
	}
	s, err := startStore(t.Context(), folder.etcd(), io.Discard, func(err error) { panic(err) })
	if err != nil {
		t.Fatal(err)
	}
	if err := made(); err != nil {
		t.Error(err)
	}
	s.close()
}

// files lists the etcd of a folder.
func files(t *testing.T, folder Folder) (names []string) {
	t.Helper()
	err := filepath.WalkDir(folder.etcd(), func(name string, _ fs.DirEntry, err error) error {
		names = append(names, name)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if err != nil {
		return nil
	}
	return names
}
