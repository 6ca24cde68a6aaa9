package cluster_test

import (
	"runtime"
	"strings"
	"testing"

	"k8s.io/client-go/kubernetes"

	"github.com/seatrial/seatrial/internal/cluster"
)

func TestCloseLeavesNoGoroutineOfOurs(t *testing.T) {
	simulate(t, cluster.Config{}, func(e *cluster.Cluster, _ *kubernetes.Clientset) {
		e.Close()
		e.Close() // once is as good as twice
	})
	buf := make([]byte, 16<<20)
	buf = buf[:runtime.Stack(buf, true)]
	for _, g := range strings.Split(string(buf), "\n\n") {
		if strings.Contains(g, "created by github.com/seatrial/seatrial/internal/cluster.") || strings.Contains(g, "created by github.com/seatrial/seatrial/internal/cluster/kubelet.") {
			t.Errorf("left behind:\n%s", g)
		}
	}
}
