package main_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"

	"github.com/seatrial/seatrial/internal/modcache"
)

const modulePath = "github.com/seatrial/seatrial"

// TestInstall installs the program as users do, with "go install .../cmd/seatrial@VERSION", from a module
// proxy on disk that serves this checkout, and asks it for its versions.
func TestInstall(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	files := checkout(t, root)
	version := contentVersion(t, files)
	proxy := moduleProxy(t, root, version, files)
	cache := goEnv(t, "GOMODCACHE")
	t.Cleanup(func() { forget(t, cache, version) })

	bin := t.TempDir()
	cmd := exec.Command("go", "install", modulePath+"/cmd/seatrial@"+version)
	cmd.Dir = t.TempDir() // outside of any module
	cmd.Env = append(os.Environ(), "GOBIN="+bin, "GOFLAGS=", "GOWORK=off", "GONOSUMDB="+modulePath, "GONOSUMCHECK=1",
		"GOPROXY=file://"+filepath.ToSlash(proxy)+","+goEnv(t, "GOPROXY"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go install: %v\n%s", err, out)
	}

	run := func(args ...string) string {
		cmd := exec.Command(filepath.Join(bin, "seatrial"), args...)
		cmd.Env = append(os.Environ(), "SEATRIAL_TRIAL="+filepath.Join(bin, "trial"))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("seatrial %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	kubernetes, err := modcache.Version("k8s.io/kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	if out := run("version"); !strings.Contains(out, "seatrial "+version) ||
		!strings.Contains(out, "Kubernetes "+kubernetes) {
		t.Errorf("seatrial version does not name %s and %s:\n%s", version, kubernetes, out)
	}
	if out := run("get", "--raw", "/version"); !strings.Contains(out, `"gitVersion": "`+kubernetes+`"`) {
		t.Errorf("the API server does not call itself %s:\n%s", kubernetes, out)
	}
	if out := run(
		"lint", "--rules", "none", filepath.Join(root, "examples", "web.yaml"),
	); !strings.Contains(out, "no findings") {
		t.Errorf("lint of a good manifest:\n%s", out)
	}
}

// checkout returns the files of the checkout: those that git tracks, and new ones.
func checkout(t *testing.T, root string) (files []zip.File) {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if info, err := os.Lstat(filepath.Join(root, name)); err == nil && info.Mode().IsRegular() {
			files = append(files, file{root, name})
		}
	}
	return files
}

// file is a file of the checkout, as a module archive takes it.
type file struct{ root, name string }

func (f file) Path() string                 { return filepath.ToSlash(f.name) }
func (f file) Lstat() (os.FileInfo, error)  { return os.Lstat(filepath.Join(f.root, f.name)) }
func (f file) Open() (io.ReadCloser, error) { return os.Open(filepath.Join(f.root, f.name)) }

// contentVersion returns a version that depends on the contents of files: the go command keeps what it
// has once downloaded of a version.
func contentVersion(t *testing.T, files []zip.File) string {
	t.Helper()
	sum := sha256.New()
	for _, f := range files {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(sum, f.Path())
		_, err = io.Copy(sum, r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	return "v0.0.0-20000101000000-" + hex.EncodeToString(sum.Sum(nil))[:12]
}

// moduleProxy writes a folder that serves one version of the module by the module proxy protocol.
func moduleProxy(t *testing.T, root, version string, files []zip.File) string {
	t.Helper()
	proxy := t.TempDir()
	dir := filepath.Join(proxy, filepath.FromSlash(modulePath), "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	goMod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	if err := zip.Create(&archive, module.Version{Path: modulePath, Version: version}, files); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"list":            []byte(version + "\n"),
		version + ".info": fmt.Appendf(nil, `{"Version": %q, "Time": "2000-01-01T00:00:00Z"}`, version),
		version + ".mod":  goMod,
		version + ".zip":  archive.Bytes(),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return proxy
}

// forget removes the version from the module cache, which keeps folders read-only.
func forget(t *testing.T, cache, version string) {
	dir := filepath.Join(cache, filepath.FromSlash(modulePath)+"@"+version)
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(name, 0o755)
		}
		return err
	})
	if err == nil {
		err = os.RemoveAll(dir)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	downloads, err := filepath.Glob(
		filepath.Join(cache, "cache", "download", filepath.FromSlash(modulePath), "@v", version+".*"),
	)
	if err != nil {
		t.Error(err)
	}
	for _, name := range downloads {
		if err := os.Remove(name); err != nil {
			t.Error(err)
		}
	}
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
