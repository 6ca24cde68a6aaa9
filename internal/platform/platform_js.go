package platform

import (
	"os"
	"os/exec"
	"time"
)

// TryLock does nothing: a page in a browser is the only process.
func TryLock(*os.File) error { return nil }

// SyncFolder does nothing: a page in a browser has no disk.
func SyncFolder(string) error { return nil }

// Detach returns ErrUnsupported: a page in a browser starts no processes.
func Detach(*exec.Cmd) error { return ErrUnsupported }

// Terminate returns ErrUnsupported.
func Terminate(int) error { return ErrUnsupported }

// ReplaceStdin makes f the standard input.
func ReplaceStdin(f *os.File) error {
	os.Stdin = f
	return nil
}

// ProcessorTime returns 0: it is not known.
func ProcessorTime() time.Duration { return 0 }

// StartSignals does nothing: no signals reach a page in a browser.
func StartSignals() {}
