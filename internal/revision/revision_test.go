package revision

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// repository makes a repository with one commit of some files.
func repository(t *testing.T, files map[string]string) string {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	git(t, top, "init", "--quiet", "--initial-branch=main")
	commit(t, top, files)
	return top
}

func commit(t *testing.T, top string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		name = filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	git(t, top, "add", "--all")
	git(t, top, "commit", "--quiet", "--message=test")
}

func git(t *testing.T, folder string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

func treeOf(t *testing.T, folder, ref string) *Tree {
	t.Helper()
	r, err := Find(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := r.Tree(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestFilesOfEarlierRevision(t *testing.T) {
	top := repository(t, map[string]string{"a.yaml": "old", "dir/b\nc.yaml": "kept", "dir/\"d\" ü.yaml": "quoted"})
	git(t, top, "tag", "v1")
	commit(t, top, map[string]string{"a.yaml": "new", "e.yaml": "added"})
	tree := treeOf(t, filepath.Join(top, "dir"), "v1")
	out := t.TempDir()
	if err := tree.Write(t.Context(), out, nil); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"a.yaml": "old", "dir/b\nc.yaml": "kept", "dir/\"d\" ü.yaml": "quoted"} {
		data, err := tree.Read(t.Context(), name)
		if err != nil || string(data) != text {
			t.Errorf("%q: %q, %v, want %q", name, data, err, text)
		}
		if data, err = os.ReadFile(filepath.Join(out, name)); err != nil || string(data) != text {
			t.Errorf("%q was written as %q, %v, want %q", name, data, err, text)
		}
	}
	if _, err := tree.Read(t.Context(), "e.yaml"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file of a later revision: %v", err)
	}
	if data, err := os.ReadFile(filepath.Join(top, "a.yaml")); err != nil || string(data) != "new" {
		t.Errorf("the working tree has %q, %v", data, err)
	}
}

func TestFilesOfOneFolder(t *testing.T) {
	top := repository(
		t,
		map[string]string{
			"a.yaml": "", "dir/b.yaml": "b", "dir/below/c.yaml": "", "dir*/d.yaml": "d", "dirs/e.yaml": "",
		},
	)
	r, err := Find(t.Context(), top)
	if err != nil {
		t.Fatal(err)
	}
	for folder, want := range map[string]string{
		".": "a.yaml", "dir": "dir/b.yaml", "dir*": "dir*/d.yaml", "dir/below/": "dir/below/c.yaml", "none": "",
	} {
		tree, err := r.Folder(t.Context(), "main", folder)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range tree.Files() {
			names = append(names, f.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s has %q, want %q", folder, got, want)
		}
	}
}

func TestLinksThatLeadOutAreLeftOut(t *testing.T) {
	top := repository(t, map[string]string{"a.yaml": "a"})
	for name, to := range map[string]string{"in": "a.yaml", "out": "../../etc/passwd", "abs": "/etc/passwd"} {
		if err := os.Symlink(to, filepath.Join(top, name)); err != nil {
			t.Skip(err)
		}
	}
	commit(t, top, nil)
	out := t.TempDir()
	if err := treeOf(t, top, "main").Write(t.Context(), out, nil); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{"a.yaml", "in"}; !slices.Equal(names, want) {
		t.Errorf("%v were written, want %v", names, want)
	}
}

func TestNamesOutsideOfTheTreeAreRefused(t *testing.T) {
	for name, want := range map[string]bool{
		"a/b.yaml": true, ".github/x": true, "../a": false, "/a": false, ".git/config": false, "a/.GIT/hooks/x": false,
		"a/../../b": false,
	} {
		if _, ok := fileOf("100644 blob 0123 5\t" + name); ok != want {
			t.Errorf("%q: %v, want %v", name, ok, want)
		}
	}
}

func TestRevisionThatIsMissing(t *testing.T) {
	top := repository(t, map[string]string{"a.yaml": "a"})
	commit(t, top, map[string]string{"a.yaml": "b"})
	git(t, top, "update-ref", "refs/remotes/origin/feature", "HEAD")
	shallow := filepath.Join(t.TempDir(), "shallow")
	git(t, top, "clone", "--quiet", "--depth=1", "file://"+filepath.ToSlash(top), shallow)
	for _, c := range []struct{ folder, ref, want string }{
		{top, "--upload-pack=x", "invalid git revision"},
		{top, "", "invalid git revision"},
		{top, "nowhere", "`git fetch` brings what is new"},
		{top, "feature", "did you mean origin/feature?"},
		{top, "a.yaml", "no git revision"},
		{shallow, "HEAD~1", "git fetch --unshallow"},
	} {
		r, err := Find(t.Context(), c.folder)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Tree(t.Context(), c.ref); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.ref, err, c.want)
		}
	}
	if _, err := Find(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "not a git repository") {
		t.Errorf("outside of a repository: %v", err)
	}
}

func TestMergeBase(t *testing.T) {
	top := repository(t, map[string]string{"a.yaml": "a"})
	git(t, top, "switch", "--quiet", "--create=feature")
	base := treeOf(t, top, "HEAD").Commit
	commit(t, top, map[string]string{"a.yaml": "feature"})
	git(t, top, "switch", "--quiet", "main")
	commit(t, top, map[string]string{"b.yaml": "main"})
	r, err := Find(t.Context(), top)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.MergeBase(t.Context(), "main", "feature"); err != nil || got != base {
		t.Errorf("%s, %v, want %s", got, err, base)
	}
	if got, err := r.DefaultBranch(t.Context()); err != nil || got != "main" {
		t.Errorf("default branch %q, %v", got, err)
	}
}
