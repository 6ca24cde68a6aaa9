// Package platform hides where operating systems differ: locks, signals, background processes, processor time. On
// Windows everything works except starting the live cluster in the background; in a browser only what needs no other
// process works.
//
// There is no central type: each function does one thing on every system, or returns [ErrUnsupported].
package platform

import "errors"

var (
	// ErrLocked is returned by TryLock for a file that another process has locked.
	ErrLocked = errors.New("locked by another process")
	// ErrUnsupported is returned where the operating system has no way to do what was asked.
	ErrUnsupported = errors.New("not supported on this operating system")
)
