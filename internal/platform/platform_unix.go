//go:build unix

package platform

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// TryLock locks an open file for this process, until the file is closed or the process ends. It returns
// ErrLocked if another process holds the lock.
func TryLock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}

// SyncFolder writes the entries of a folder to the disk, after a file in it was created or renamed.
func SyncFolder(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	err = errors.Join(d.Sync(), d.Close())
	if errors.Is(err, syscall.EINVAL) {
		return nil // a file system that has nothing to write
	}
	return err
}

// Detach lets a command go on after its parent and its terminal have gone. It is called before Start.
func Detach(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return nil
}

// Terminate asks a process to end.
func Terminate(pid int) error { return syscall.Kill(pid, syscall.SIGTERM) }

// ReplaceStdin makes f the standard input of the process, also for code that holds os.Stdin.
func ReplaceStdin(f *os.File) error { return unix.Dup2(int(f.Fd()), int(os.Stdin.Fd())) }

// ProcessorTime returns the processor time that the process has used; 0 if it is not known.
func ProcessorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// StartSignals starts the goroutine that delivers signals, if it does not run yet: a goroutine that is
// started later belongs to the group of its starter.
func StartSignals() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR2)
	signal.Stop(signals)
}
