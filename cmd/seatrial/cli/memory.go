package cli

import (
	"os"
	"runtime/debug"
)

// tuneMemory lets the heap of a short-lived process grow before it is collected, up to a bound
// below what a CI container has. GOGC and GOMEMLIMIT win.
func tuneMemory() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(110 << 20)
}
