package hooks_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/util/workqueue"
	_ "k8s.io/component-base/metrics/prometheus/workqueue" // installs a provider that measures

	"github.com/seatrial/seatrial/internal/kubernetes/hooks"
)

func TestQueuesDoNotMeasureThemselves(t *testing.T) {
	restore := hooks.DisableMetrics()
	if measures() {
		t.Error("a queue measures itself")
	}
	restore()
	if !measures() {
		t.Error("a queue made later does not measure itself")
	}
}

// measures reports whether a new queue has a goroutine that measures it.
func measures() bool {
	queue := workqueue.NewTypedWithConfig(workqueue.TypedQueueConfig[string]{Name: "measured"})
	defer queue.ShutDown()
	stacks := make([]byte, 1<<20)
	for range 100 { // it may not have begun yet
		if strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "updateUnfinishedWorkLoop") {
			return true
		}
		time.Sleep(time.Millisecond)
	}
	return false
}
