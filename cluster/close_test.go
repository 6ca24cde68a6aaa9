package cluster_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"k8s.io/client-go/kubernetes"

	"github.com/seatrial/seatrial/cluster"
)

func TestCloseLeavesNoGoroutineOfOurs(t *testing.T) {
	simulate(t, cluster.Config{}, func(e *cluster.Engine, _ *kubernetes.Clientset) {
		e.Close()
		e.Close() // once is as good as twice
	})
	buf := make([]byte, 16<<20)
	buf = buf[:runtime.Stack(buf, true)]
	for _, g := range strings.Split(string(buf), "\n\n") {
		if strings.Contains(g, "created by github.com/seatrial/seatrial/cluster.") || strings.Contains(g, "created by github.com/seatrial/seatrial/cluster/kubelet.") {
			t.Errorf("left behind:\n%s", g)
		}
	}
}

func TestNodesAreReadFromWhatUsersSay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "nodes.yaml")
	text := "---\napiVersion: v1\nkind: Node\nmetadata: {name: big}\nstatus: {capacity: {cpu: \"64\", memory: 256Gi, pods: \"110\"}}\n---\napiVersion: v1\nkind: Node\nmetadata: {name: small}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for said, want := range map[string]string{
		"demo":         "demo-control-plane demo-worker",
		"2x500mcpu1Gi": "node-1 node-2",
		"3-zone":       "node-1 node-2 node-3",
		file:           "big small",
	} {
		nodes, err := cluster.ParseNodes(said)
		if err != nil {
			t.Errorf("%s: %v", said, err)
			continue
		}
		var names []string
		for _, n := range nodes {
			names = append(names, n.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: nodes %s, want %s", said, got, want)
		}
	}
	for _, said := range []string{"", "many", "0x4cpu8Gi", "99999x4cpu8Gi", filepath.Dir(file)} {
		if _, err := cluster.ParseNodes(said); err == nil {
			t.Errorf("%q was read as nodes", said)
		}
	}
}
