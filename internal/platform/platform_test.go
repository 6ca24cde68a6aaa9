package platform

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const lockEnv = "SEATRIAL_TEST_LOCK"

// TestMain is also the other process of TestALockKeepsOtherProcessesOut: it tries the lock that it is told of.
func TestMain(m *testing.M) {
	name := os.Getenv(lockEnv)
	if name == "" {
		os.Exit(m.Run())
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0o600)
	if err != nil {
		os.Exit(3)
	}
	if err := TryLock(f); errors.Is(err, ErrLocked) {
		os.Exit(1)
	} else if err != nil {
		os.Exit(3)
	}
	os.Exit(0)
}

func TestALockKeepsOtherProcessesOut(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	try := func() int {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), lockEnv+"="+name)
		if err := cmd.Run(); err != nil {
			return cmd.ProcessState.ExitCode()
		}
		return 0
	}
	if code := try(); code != 0 {
		t.Fatalf("nobody holds the lock, and another process ends with %d", code)
	}
	if err := TryLock(f); err != nil {
		t.Fatal(err)
	}
	if code := try(); code != 1 {
		t.Errorf("another process ends with %d while the lock is held", code)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if code := try(); code != 0 {
		t.Errorf("another process ends with %d after the file was closed", code)
	}
}

func TestProcessorTimeGrows(t *testing.T) {
	before := ProcessorTime()
	for sum := 0; ProcessorTime() == before; {
		sum++ // until the system has counted a tick
	}
	if after := ProcessorTime(); after <= before {
		t.Errorf("%v, then %v", before, after)
	}
}

func TestSyncFolder(t *testing.T) {
	dir := t.TempDir()
	if err := SyncFolder(dir); err != nil {
		t.Error(err)
	}
}
