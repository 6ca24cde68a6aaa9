package atomicfile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/seatrial/seatrial/internal/atomicfile"
)

func content(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func entries(t *testing.T, folder string) int {
	t.Helper()
	all, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

func TestWriteReplacesAndLeavesNothingBeside(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a")
	for _, text := range []string{"old", "new", "unsynced"} {
		write := atomicfile.Write
		if text == "unsynced" {
			write = atomicfile.WriteUnsynced
		}
		if err := write(name, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
		if got := content(t, name); got != text {
			t.Errorf("got %q, want %q", got, text)
		}
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if n := entries(t, dir); n != 1 {
		t.Errorf("%d files, want 1", n)
	}
}

func TestUpdateKeepsModeAndLink(t *testing.T) {
	dir := t.TempDir()
	name, link := filepath.Join(dir, "a"), filepath.Join(dir, "link")
	if err := os.WriteFile(name, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a", link); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Update(link, []byte("new")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(link)
	if err != nil || info.Mode()&os.ModeSymlink == 0 || content(t, name) != "new" {
		t.Errorf("%v, %v, %q", info.Mode(), err, content(t, name))
	}
	if info, err = os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestCloseWithoutCommitKeepsTheOldFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a")
	if err := atomicfile.Write(name, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, temporary := range []string{"", name + ".new"} {
		f, err := atomicfile.Create(name, temporary, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString("new"); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if got := content(t, name); got != "old" || entries(t, dir) != 1 {
			t.Errorf("got %q, %d files", got, entries(t, dir))
		}
	}
}

func TestCommitAfterFlush(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a")
	f, err := atomicfile.Create(name, name+".new", 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("new"); err != nil {
		t.Fatal(err)
	}
	if err := f.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err != nil || content(t, name) != "new" {
		t.Errorf("%v, %q", err, content(t, name))
	}
}
