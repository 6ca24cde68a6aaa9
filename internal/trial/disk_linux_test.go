package trial_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/seatrial/seatrial/internal/disk"
	"github.com/seatrial/seatrial/internal/trial"
)

func TestFullDiskLeavesTheTrialAsItWas(t *testing.T) {
	folder, _ := disk.Small(t, "1m")
	on := &trial.Trial{Path: filepath.Join(folder, "trial")}
	var full error
	for i := range 40 {
		full = on.Do(t.Context(), func(s *trial.Session) error { return addConfigMap(s, i, disk.Noise(50000)) })
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

func addConfigMap(s *trial.Session, number int, text string) error {
	client, err := kubernetes.NewForConfig(s.RESTConfig())
	if err != nil {
		return err
	}
	c := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("c-", number)}, Data: map[string]string{"text": text},
	}
	_, err = client.CoreV1().ConfigMaps("default").Create(context.Background(), c, metav1.CreateOptions{})
	return err
}

func TestReadOnlyFolderIsReported(t *testing.T) {
	on, _ := seeded(t)
	disk.ReadOnly(t, filepath.Dir(on.Path))
	err := on.Do(t.Context(), func(*trial.Session) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "trial") {
		t.Errorf("got %v", err)
	}
}
