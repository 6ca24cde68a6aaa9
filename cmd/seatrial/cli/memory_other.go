//go:build !linux

package cli

// releaseProgram does nothing where the system does not tell which pages are the program's.
func releaseProgram() {}
