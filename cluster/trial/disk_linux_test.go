package trial_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/seatrial/seatrial/cluster/trial"
)

func TestFullDiskLeavesTheTrialAsItWas(t *testing.T) {
	folder := t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("no small disk to fill: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(folder, 0) })
	on := &trial.Trial{Path: filepath.Join(folder, "trial")}
	var full error
	for i := range 40 {
		full = on.Do(t.Context(), func(s *trial.Session) error { return addConfigMap(s, i, random(50000)) })
		if full != nil {
			break
		}
	}
	if !errors.Is(full, syscall.ENOSPC) || !strings.Contains(full.Error(), "stays as it was before the command") {
		t.Fatalf("got %v", full)
	}
	if err := trial.Check(on.Path); err != nil {
		t.Error(err)
	}
}

func random(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + rand.IntN(26))
	}
	return string(b)
}

func addConfigMap(s *trial.Session, number int, text string) error {
	client, err := kubernetes.NewForConfig(s.RESTConfig())
	if err != nil {
		return err
	}
	c := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("c-", number)}, Data: map[string]string{"text": text}}
	_, err = client.CoreV1().ConfigMaps("default").Create(context.Background(), c, metav1.CreateOptions{})
	return err
}

func TestReadOnlyFolderIsReported(t *testing.T) {
	on, _ := seeded(t)
	folder := filepath.Dir(on.Path)
	if os.Getuid() == 0 {
		if err := syscall.Mount(folder, folder, "", syscall.MS_BIND, ""); err != nil {
			t.Skipf("no folder that root cannot write to: %v", err)
		}
		t.Cleanup(func() { _ = syscall.Unmount(folder, 0) })
		if err := syscall.Mount("", folder, "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY, ""); err != nil {
			t.Skipf("no folder that root cannot write to: %v", err)
		}
	} else if err := os.Chmod(folder, 0o500); err != nil {
		t.Fatal(err)
	} else {
		t.Cleanup(func() { _ = os.Chmod(folder, 0o700) })
	}
	err := on.Do(t.Context(), func(*trial.Session) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "trial") {
		t.Errorf("got %v", err)
	}
}
