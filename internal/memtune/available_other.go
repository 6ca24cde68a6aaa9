//go:build !linux

package memtune

// available is 0: the system is not asked.
func available() int64 { return 0 }
