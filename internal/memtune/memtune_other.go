//go:build !linux

package memtune

// The system does not tell which pages are the program's.
func releaseProgram() {}
