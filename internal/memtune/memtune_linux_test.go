package memtune

import (
	"bufio"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestOnlyCleanMappingsOfTheProgramAreReleased(t *testing.T) {
	const smaps = `00400000-0048a000 r-xp 00000000 fd:03 960637       /bin/seatrial
Size:                552 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me dw
0048a000-00500000 r--p 0008a000 fd:03 960637       /bin/seatrial
Anonymous:             4 kB
00500000-00600000 rw-p 00100000 fd:03 960637       /bin/seatrial
Anonymous:             0 kB
c000000000-c000400000 rw-p 00000000 00:00 0 
Anonymous:             0 kB
7f1000000000-7f1000200000 r--p 00000000 fd:03 960638       /usr/share/other
Anonymous:             0 kB
7f2000000000-7f2000200000 r--p 00200000 fd:03 960637       /bin/seatrial
Anonymous:             0 kB
`
	want := []mapping{{0x400000, 0x48a000}, {0x7f2000000000, 0x7f2000200000}}
	if got := cleanMappings(bufio.NewScanner(strings.NewReader(smaps)), "/bin/seatrial"); !slices.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

// TestReleasedPagesComeBack releases the code that is running, and runs on.
func TestReleasedPagesComeBack(t *testing.T) {
	releaseProgram()
	if _, err := os.Executable(); err != nil {
		t.Error(err)
	}
}

func TestFreeMemoryIsReadInBytes(t *testing.T) {
	for info, want := range map[string]int64{
		"MemTotal:       24689476 kB\nMemFree:  100 kB\nMemAvailable:   2048 kB\nBuffers: 1 kB\n": 2 << 20,
		"MemTotal:       24689476 kB\n": 0,
		"MemAvailable:   many kB\n":     0,
		"":                              0,
	} {
		if got := freeMemory(info); got != want {
			t.Errorf("%q: got %d, want %d", info, got, want)
		}
	}
}
