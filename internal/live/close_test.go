package live_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"github.com/seatrial/seatrial/internal/live"
)

func TestMain(m *testing.M) {
	klog.SetLogger(logr.Discard())
	os.Exit(m.Run())
}

// TestOneClusterAfterAnother starts clusters in one process. None leaves a goroutine behind,
// and what the first has stored is there in the last.
func TestOneClusterAfterAnother(t *testing.T) {
	home := t.TempDir()
	for round, name := range []string{"a", "b", "a"} {
		folder := live.Folder(filepath.Join(home, name))
		c, err := live.Start(t.Context(), live.Config{Folder: folder})
		if err != nil {
			t.Fatalf("start %d: %v", round+1, err)
		}
		visit(t, folder, round == 2)
		for range 2 { // once is as good as twice
			if err := c.Close(); err != nil {
				t.Errorf("close %d: %v", round+1, err)
			}
		}
		if left := leftBehind(""); len(left) > 0 {
			t.Fatalf("cluster %d leaves %d goroutines behind:\n\n%s", round+1, len(left), strings.Join(left, "\n\n"))
		}
	}
}

// visit leaves an object in a cluster, where there has or has not been one before.
func visit(t *testing.T, folder live.Folder, been bool) {
	config, err := folder.RESTConfig()
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	maps := client.CoreV1().ConfigMaps("default")
	if _, err := maps.Get(t.Context(), "visited", metav1.GetOptions{}); (err == nil) != been {
		t.Errorf("got %v, want an object: %v", err, been)
	}
	if _, err := maps.Apply(
		t.Context(), applycorev1.ConfigMap("visited", "default"), metav1.ApplyOptions{FieldManager: "visitor"},
	); err != nil {
		t.Error(err)
	}
}

// us is what the stacks of our own goroutines say.
const us = "created by github.com/seatrial/seatrial/internal/cluster"

// leftBehind returns the goroutines that are there although no cluster is, and say a word, but for those
// of tests and of the process. Some of the API server's wait for three seconds whatever happens.
func leftBehind(word string) (left []string) {
	const patience = 6 * time.Second
	ofProcess := regexp.MustCompile(
		`testing\.(tRunner|\(\*T\)|\(\*M\)|runTests)|created by (os/signal|k8s\.io/klog|k8s\.io/apiserver/pkg/server/healthz\.\(\*log\))`,
	)
	buf := make([]byte, 16<<20)
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		left = nil
		for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(g, word) && !ofProcess.MatchString(g) {
				left = append(left, g)
			}
		}
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
	}
}

// TestAStartThatFailsLeavesNothing interrupts a start: what it had begun ends, and the folder is free.
func TestAStartThatFailsLeavesNothing(t *testing.T) {
	folder := live.Folder(filepath.Join(t.TempDir(), "live"))
	for _, after := range []time.Duration{0, 100 * time.Millisecond, 300 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		c, err := live.Start(ctx, live.Config{Folder: folder})
		cancel()
		if err == nil {
			err = c.Close() // a machine that is faster than the interrupt
		}
		t.Logf("interrupted after %v: %v", after, err)
		if pid, running := folder.Running(); running {
			t.Fatalf("interrupted after %v: process %d holds the folder", after, pid)
		}
		if left := leftBehind(us); len(left) > 0 {
			t.Fatalf(
				"interrupted after %v: %d goroutines are left:\n\n%s", after, len(left), strings.Join(left, "\n\n"),
			)
		}
	}
	c, err := live.Start(t.Context(), live.Config{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
