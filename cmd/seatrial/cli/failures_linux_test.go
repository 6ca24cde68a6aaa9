package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/seatrial/seatrial/internal/disk"
	"github.com/seatrial/seatrial/internal/live"
)

// TestFullDiskLosesNothing starts a live cluster on a disk that is too small, gives it room, fills
// the disk while it is written to, and makes room again.
func TestFullDiskLosesNothing(t *testing.T) {
	small, resize := disk.Small(t, "32m")
	folder := live.Folder(filepath.Join(small, "live"))
	up := aloneAt(t, folder)

	out, err := up()
	wantFailure(t, out, err, "no space left on device; make room on the disk")
	// etcd keeps a log of 64 MB, makes the next one beforehand, and copies one that ends in the middle of a write.
	resize("300m")
	if out, err := up(); err != nil {
		t.Fatalf("with room: %v\n%s", err, out)
	}

	ballast := filepath.Join(small, "ballast")
	fill(t, ballast)
	written := writeUntilFull(t, liveClient(t, folder))
	if !ends(folder) {
		t.Fatal("it goes on without a disk")
	}
	if log, err := os.ReadFile(folder.Log()); err != nil || !strings.Contains(
		string(log), "etcd cannot go on in "+string(folder),
	) {
		t.Errorf("the log does not tell why: %v\n%s", err, log)
	}
	out, err = up()
	wantFailure(t, out, err, "no space left on device")

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if out, err := up(); err != nil {
		t.Fatalf("with room again: %v\n%s", err, out)
	}
	list, err := liveClient(t, folder).CoreV1().ConfigMaps("default").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, c := range list.Items {
		there[c.Name] = true
	}
	for _, name := range written {
		if !there[name] {
			t.Errorf("%s was acknowledged and is gone", name)
		}
	}
}

// aloneAt returns a way to start a cluster on a folder that nothing of the user's is touched by.
func aloneAt(t *testing.T, folder live.Folder) (up func() (string, error)) {
	ownHome(t, "--data-dir", string(folder))
	return func() (string, error) { return program(t, "up", "--port", "0", "--data-dir", string(folder)) }
}

func wantFailure(t *testing.T, out string, err error, says string) {
	t.Helper()
	if err == nil || err.Error() != "exit status 3" || !strings.Contains(out, says) ||
		strings.Contains(out, "goroutine") {
		t.Fatalf("got %v and %q, want exit status 3 and %q", err, out, says)
	}
}

// fill takes all room of a disk but for a megabyte.
func fill(t *testing.T, name string) {
	var room syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(name), &room); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, make([]byte, int64(room.Bavail)*room.Bsize-1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
}

// writeUntilFull returns the names of what was acknowledged.
func writeUntilFull(t *testing.T, client *kubernetes.Clientset) (written []string) {
	for i := range 1000 {
		c := &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("c-", i)},
			Data:       map[string]string{"text": disk.Noise(200_000)},
		}
		if _, err := client.CoreV1().ConfigMaps("default").Create(t.Context(), c, metav1.CreateOptions{}); err != nil {
			t.Logf("%d writes, then %.80v", len(written), err)
			return written
		}
		written = append(written, c.Name)
	}
	t.Fatal("the disk is never full")
	return nil
}

// TestReadOnlyFolderIsTold looks at what up says of a folder that it cannot write to.
func TestReadOnlyFolderIsTold(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "live")
	up := aloneAt(t, live.Folder(folder))
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	disk.ReadOnly(t, folder)
	out, err := up()
	wantFailure(t, out, err, "--data-dir names another folder")
}
