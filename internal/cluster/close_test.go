package cluster_test

import (
	"runtime"
	"strings"
	"testing"

	"k8s.io/client-go/kubernetes"

	"github.com/seatrial/seatrial/internal/cluster"
)

func TestCloseLeavesNoGoroutine(t *testing.T) {
	simulate(t, cluster.Config{}, func(e *cluster.Cluster, _ *kubernetes.Clientset) {
		e.Close()
		e.Close() // has no further effect
	})
	buf := make([]byte, 16<<20)
	buf = buf[:runtime.Stack(buf, true)]
	for _, g := range strings.Split(string(buf), "\n\n") {
		_, creator, _ := strings.Cut(g, "created by github.com/seatrial/seatrial/internal/cluster")
		if creator != "" && !strings.HasPrefix(creator, "/virtualtime.") { // the bridge ends after the run
			t.Errorf("left behind:\n%s", g)
		}
	}
}
