package unmetered_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/util/workqueue"
	_ "k8s.io/component-base/metrics/prometheus/workqueue" // has them measured

	"github.com/seatrial/seatrial/internal/unmetered"
)

func TestQueuesDoNotMeasureThemselves(t *testing.T) {
	restore := unmetered.Queues()
	if measures() {
		t.Error("a queue measures itself")
	}
	restore()
	if !measures() {
		t.Error("a queue made later does not measure itself")
	}
}

// measures tells whether a new queue has a goroutine that measures it.
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
