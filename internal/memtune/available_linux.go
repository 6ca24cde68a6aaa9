package memtune

import (
	"os"
	"strconv"
	"strings"
	"sync"
)

// available is how many bytes of memory the process could have: those that the system has left when it is asked first,
// or those that the container is allowed.
var available = sync.OnceValue(func() int64 {
	info, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	most := freeMemory(string(info))
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		limit, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(string(limit)), 10, 64); err == nil { // "max": none
			most = min(most, n)
		}
	}
	return most
})

// freeMemory returns the bytes that are available by the text of /proc/meminfo.
func freeMemory(info string) int64 {
	_, rest, _ := strings.Cut(info, "MemAvailable:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}
