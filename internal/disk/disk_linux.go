// Package disk gives tests disks that are full, and folders that cannot be written to. Where mounting
// is not allowed, the test is skipped, and says so.
package disk

import (
	"errors"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
)

// Small gives a folder on a disk of a size, such as 1m, and a way to change the size.
func Small(t *testing.T, size string) (folder string, resize func(size string)) {
	t.Helper()
	folder = t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("no small disk to fill: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(folder, syscall.MNT_DETACH) })
	return folder, func(size string) {
		t.Helper()
		if err := syscall.Mount("tmpfs", folder, "tmpfs", syscall.MS_REMOUNT, "size="+size); err != nil {
			t.Fatal(err)
		}
	}
}

// ReadOnly lets nobody write to a folder any more, root neither.
func ReadOnly(t *testing.T, folder string) {
	t.Helper()
	if os.Getuid() != 0 {
		if err := os.Chmod(folder, 0o500); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(folder, 0o700) })
		return
	}
	err := errors.Join(
		syscall.Mount(folder, folder, "", syscall.MS_BIND, ""),
		syscall.Mount("", folder, "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY, ""))
	t.Cleanup(func() { _ = syscall.Unmount(folder, syscall.MNT_DETACH) })
	if err != nil {
		t.Skipf("no folder that root cannot write to: %v", err)
	}
}

// Noise gives letters that cannot be compressed well.
func Noise(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + rand.IntN(26))
	}
	return string(b)
}
