package platform

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"time"

	"golang.org/x/sys/windows"
)

// TryLock locks an open file for this process, until the file is closed or the process ends. It returns
// ErrLocked if another process holds the lock.
func TryLock(f *os.File) error {
	// The byte that is locked lies beyond any content: Windows keeps others from reading locked bytes.
	beyond := &windows.Overlapped{OffsetHigh: 1 << 30}
	err := windows.LockFileEx(
		windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, beyond,
	)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return ErrLocked
	}
	return err
}

// SyncFolder does nothing: Windows writes the entries of folders by itself.
func SyncFolder(string) error { return nil }

// Detach returns ErrUnsupported: a background process cannot be asked to end, and inherits no pipes.
func Detach(*exec.Cmd) error { return ErrUnsupported }

// Terminate ends a process.
func Terminate(pid int) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return p.Kill()
}

// ReplaceStdin makes f the standard input of the process, also for code that reads os.Stdin later.
func ReplaceStdin(f *os.File) error {
	process := windows.CurrentProcess()
	var handle windows.Handle
	err := windows.DuplicateHandle(
		process, windows.Handle(f.Fd()), process, &handle, 0, true, windows.DUPLICATE_SAME_ACCESS,
	)
	if err != nil {
		return err
	}
	if err := windows.SetStdHandle(windows.STD_INPUT_HANDLE, handle); err != nil {
		return err
	}
	os.Stdin = os.NewFile(uintptr(handle), "stdin")
	return nil
}

// ProcessorTime returns the processor time that the process has used; 0 if it is not known.
func ProcessorTime() time.Duration {
	var created, exited, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(windows.CurrentProcess(), &created, &exited, &kernel, &user); err != nil {
		return 0
	}
	ticks := func(t windows.Filetime) int64 { return int64(t.HighDateTime)<<32 | int64(t.LowDateTime) }
	return time.Duration(ticks(kernel)+ticks(user)) * 100 // of 100 ns
}

// StartSignals starts the goroutine that delivers signals, if it does not run yet: a goroutine that is
// started later belongs to the group of its starter.
func StartSignals() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	signal.Stop(signals)
}
