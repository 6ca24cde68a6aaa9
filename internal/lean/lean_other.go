//go:build !linux

package lean

// Release does nothing where the system does not tell which pages are the program's.
func Release() {}
