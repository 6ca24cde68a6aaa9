package memtune

import (
	"bufio"
	"bytes"
	"os"
	"sync"
	"syscall"
)

// releaseProgram gives the pages of the program's own file back. Those that are needed again come from
// the page cache one by one. Only mappings that were never written to are released, so nothing
// can be lost.
func releaseProgram() {
	for _, m := range program() {
		syscall.Syscall(syscall.SYS_MADVISE, m.start, m.end-m.start, syscall.MADV_DONTNEED)
	}
}

// program lists the mappings of the program's file.
var program = sync.OnceValue(func() []mapping {
	exe, err := os.Executable()
	if err != nil {
		return nil
	}
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return nil
	}
	defer f.Close()
	return cleanMappings(bufio.NewScanner(f), exe)
})

// mapping is a range of addresses.
type mapping struct{ start, end uintptr }

// cleanMappings lists, from the text of /proc/PID/smaps, the mappings of a file that cannot be
// written to and hold no page of the process's own.
func cleanMappings(smaps *bufio.Scanner, file string) (clean []mapping) {
	var at mapping
	wanted := false
	for smaps.Scan() {
		fields := bytes.Fields(smaps.Bytes())
		switch {
		case len(fields) >= 5 && bytes.IndexByte(fields[0], '-') > 0: // 00400000-0048a000 r-xp 00000000 fd:03 960637 /x
			start, end, _ := bytes.Cut(fields[0], []byte("-"))
			at = mapping{address(start), address(end)}
			wanted = len(fields) == 6 && fields[1][1] == '-' && string(fields[5]) == file
		case wanted && len(fields) == 3 && string(fields[0]) == "Anonymous:" && string(fields[1]) == "0":
			clean = append(clean, at)
		}
	}
	return clean
}

// address reads a hexadecimal number.
func address(digits []byte) (n uintptr) {
	for _, d := range digits {
		switch {
		case d >= '0' && d <= '9':
			n = n<<4 | uintptr(d-'0')
		case d >= 'a' && d <= 'f':
			n = n<<4 | uintptr(d-'a'+10)
		}
	}
	return n
}
