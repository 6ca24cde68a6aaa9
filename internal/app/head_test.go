package app_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/lint"
)

// TestEditorJudgesSourcesAsChangesOfHead changes immutable fields in a template, a values file and a patch.
func TestEditorJudgesSourcesAsChangesOfHead(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	service := "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  clusterIP: %s\n  selector: {app: web}\n  ports: [{port: 80}]\n"
	files := map[string]string{
		"chart/Chart.yaml":         "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"chart/values.yaml":        "ip: None\n",
		"chart/templates/web.yaml": strings.Replace(service, "%s", "{{ .Values.ip }}", 1),
		"shop/kustomization.yaml":  "resources: [../base]\npatches: [{path: patch.yaml}]\n",
		"shop/patch.yaml":          "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  clusterIP: None\n",
		"base/kustomization.yaml":  "resources: [web.yaml]\n",
		"base/web.yaml":            strings.Replace(service, "%s", "None", 1),
	}
	for name, text := range files {
		if err := os.MkdirAll(filepath.Join(top, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(top, filepath.Dir(name)), filepath.Base(name), text)
	}
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command(
			"git", append([]string{"-C", top, "-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...,
		)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
	}
	git("init", "--quiet")
	git("add", "--all")
	git("commit", "--quiet", "--message=begin")
	folders := newFolders()
	refused := func(name, text string) (lines []int) {
		t.Helper()
		file := filepath.Join(top, name)
		f, err := folders.Open(filepath.Dir(file), map[string][]byte{file: []byte(text)}, "")
		if err != nil {
			t.Fatal(err)
		}
		found, err := f.Lint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range found {
			if d.Rule == lint.UpdateRefused && d.Range.File == file {
				lines = append(lines, d.Range.Start.Line)
			}
			for _, r := range d.Related {
				if d.Rule == lint.UpdateRefused && r.Range.File == file { // the value that a template passes on
					lines = append(lines, r.Range.Start.Line)
				}
				if strings.HasPrefix(r.Range.File, "HEAD:") || strings.HasPrefix(r.Range.File, temporary) {
					t.Errorf("%s: a related place is in %s, which the editor cannot open", name, r.Range.File)
				}
			}
		}
		return lines
	}
	for _, c := range []struct{ name, old, new string }{
		{"chart/templates/web.yaml", "{{ .Values.ip }}", "10.0.0.9"},
		{"chart/values.yaml", "None", "10.0.0.9"},
		{"shop/patch.yaml", "None", "10.0.0.9"},
	} {
		changed := strings.Replace(files[c.name], c.old, c.new, 1)
		want := strings.Count(changed[:strings.Index(changed, c.new)], "\n") + 1
		if got := refused(c.name, changed); len(got) != 1 || got[0] != want {
			t.Errorf("%s: refused in lines %v, want %d", c.name, got, want)
		}
		if got := refused(c.name, files[c.name]); len(got) != 0 {
			t.Errorf("%s as it is at HEAD is refused in lines %v", c.name, got)
		}
	}
	write(t, filepath.Join(top, "shop"), "patch.yaml", strings.Replace(files["shop/patch.yaml"], "None", "10.0.0.9", 1))
	git("commit", "--quiet", "--all", "--message=next")
	if got := refused(
		"shop/patch.yaml", strings.Replace(files["shop/patch.yaml"], "None", "10.0.0.9", 1),
	); len(got) != 0 {
		t.Errorf("what has been committed is refused in lines %v", got)
	}
	folders.Close()
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}
