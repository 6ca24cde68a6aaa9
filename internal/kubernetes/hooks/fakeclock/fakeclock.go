// Package fakeclock runs code with the clock of testing/synctest, outside of a test: [Run].
//
// Risk: synctest is made for tests. Run gives it a testing.T of its own, which nobody reports on, and Blocked reads the
// text of stacks, whose form may change with every Go.
package fakeclock

import (
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
)

// Run calls f in a group of goroutines with a clock of its own, which moves only when all of them are blocked.
func Run(f func()) { synctest.Test(&testing.T{}, func(*testing.T) { f() }) }

// Wait waits until every other goroutine of the group is blocked.
func Wait() { synctest.Wait() }

var (
	inGroup = regexp.MustCompile(`^goroutine \d+ .*synctest bubble`)
	canRun  = regexp.MustCompile(`^goroutine \d+ \[(running|runnable)\b`)
	waits   = regexp.MustCompile(`, \d+ minutes`)
)

// Blocked returns the stack of a goroutine that keeps the clock from moving: one of the group that waits for
// something outside of it. The text is the same for as long as the goroutine waits there. It reports false if one
// of the group can run and only has no processor.
func Blocked() (stack string, blocked bool) { return blockedIn(stacks()) }

func blockedIn(stacks string) (stack string, blocked bool) {
	stack = "no goroutine is to blame"
	for g := range strings.SplitSeq(stacks, "\n\n") {
		head, _, _ := strings.Cut(g, "\n")
		switch {
		case !inGroup.MatchString(head) || strings.Contains(head, "durable"):
		case canRun.MatchString(head):
			return "", false
		default:
			stack = waits.ReplaceAllString(head, "") + g[len(head):]
		}
	}
	return stack, true
}

func stacks() string {
	buf := make([]byte, 16<<20)
	return string(buf[:runtime.Stack(buf, true)])
}
