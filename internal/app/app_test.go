package app_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/app"
	"github.com/seatrial/seatrial/lint"
)

// write makes files of a folder, given as name and text in turn.
func write(t *testing.T, folder string, files ...string) {
	t.Helper()
	for i := 0; i < len(files); i += 2 {
		if err := os.WriteFile(filepath.Join(folder, files[i]), []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func configMap(name string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\n"
}

func TestFilesReadMemoryThenStandardInputThenDisk(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, "a.yaml", "disk")
	name := filepath.Join(folder, "a.yaml")
	files := app.NewFiles(strings.NewReader("input"))
	for _, want := range []string{"disk", "memory"} {
		if want == "memory" {
			files.Put(name, []byte("memory"))
		}
		if data, err := files.Read(name); err != nil || string(data) != want {
			t.Errorf("got %q, %v, want %q", data, err, want)
		}
	}
	for range 2 { // the second time, there is nothing left to read
		if data, err := files.Read("-"); err != nil || string(data) != "input" {
			t.Errorf("standard input is %q, %v", data, err)
		}
	}
}

func TestSettingsWinOverConfiguration(t *testing.T) {
	folder := t.TempDir()
	write(
		t, folder, ".seatrial.yaml", "kubernetesVersions: [\"1.30\"]\nexclude: [skipped.yaml]\n", "a.yaml",
		configMap("a"), "skipped.yaml", "a: 1",
	)
	s := app.Settings{Paths: []string{folder}, Folder: folder}
	w, err := app.Open(app.NewFiles(nil), s)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{filepath.Join(folder, "a.yaml")}; !slices.Equal(w.Inputs, want) ||
		!slices.Equal(w.Versions, []string{"1.30"}) {
		t.Errorf("inputs %q, versions %q", w.Inputs, w.Versions)
	}
	s.Versions = []string{"1.31", "1.31"}
	if w, err = app.Open(app.NewFiles(nil), s); err != nil || !slices.Equal(w.Versions, []string{"1.31"}) {
		t.Errorf("versions %q, %v", w.Versions, err)
	}
}

func TestWrongSettingsAreUsageErrors(t *testing.T) {
	for name, s := range map[string]app.Settings{
		"version":  {Versions: []string{"1.3"}},
		"exclude":  {Exclude: []string{"a["}},
		"external": {External: []string{"a/b/c/d"}},
		"missing":  {IgnoreMissing: []string{"a/b/c"}},
	} {
		_, err := app.Open(app.NewFiles(nil), s)
		if wrong := (*app.UsageError)(nil); !errors.As(err, &wrong) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

const definition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ships.example.com}
spec:
  group: example.com
  names: {kind: Ship, plural: ships, singular: ship, listKind: ShipList}
  scope: Namespaced
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
`

func TestFolderKeepsKindsUntilADefinitionChanges(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, "crd.yaml", definition)
	folders := &app.Folders{}
	store := func(overlay map[string][]byte) any {
		t.Helper()
		f, err := folders.Open(folder, overlay, "")
		if err != nil {
			t.Fatal(err)
		}
		s, err := f.Store()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := store(nil)
	if store(map[string][]byte{filepath.Join(folder, "a.yaml"): []byte(configMap("a"))}) != first {
		t.Error("kinds are compiled again although no definition has changed")
	}
	changed := strings.Replace(definition, "kind: Ship,", "kind: Boat,", 1)
	if store(map[string][]byte{filepath.Join(folder, "crd.yaml"): []byte(changed)}) == first {
		t.Error("a definition has changed in the editor, and the kinds are those of before")
	}
}

func TestFolderHoldsDiskAndEditor(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, "b.yaml", configMap("b"), "notes.txt", "no manifest")
	overlay := map[string][]byte{
		filepath.Join(folder, "new.yaml"):            []byte(configMap("new")),
		filepath.Join(folder, "below", "other.yaml"): []byte(configMap("other")),
	}
	f, err := (&app.Folders{}).Open(folder, overlay, "")
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{filepath.Join(folder, "b.yaml"),
		filepath.Join(folder, "new.yaml")}; !slices.Equal(f.Inputs, want) {
		t.Errorf("inputs %q, want %q", f.Inputs, want)
	}
}

// TestFolderIsComparedWithHead edits a committed manifest: what may not change is found until it is committed.
func TestFolderIsComparedWithHead(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	top := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
		cmd.Dir = top
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	folder := filepath.Join(top, "deploy")
	name := filepath.Join(folder, "a.yaml")
	text := configMap("a") + "immutable: true\ndata: {a: old}\n"
	changed := strings.Replace(text, "old", "new", 1)
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, folder, "a.yaml", text)
	git("init", "--quiet")
	git("add", "--all")
	git("commit", "--quiet", "--message=first")
	folders := &app.Folders{Build: app.Build{Kubernetes: "v1.37.2"}}
	refused := func(now string) (found []diag.Diagnostic) {
		t.Helper()
		f, err := folders.Open(folder, map[string][]byte{name: []byte(now)}, "")
		if err != nil {
			t.Fatal(err)
		}
		all, err := f.Lint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range all {
			if d.Rule == lint.UpdateRefused {
				found = append(found, d)
			}
		}
		return found
	}
	if found := refused(text); len(found) > 0 {
		t.Errorf("an unchanged file: %v", found)
	}
	found := refused(changed)
	if len(found) != 1 || found[0].Range.File != name || found[0].Path != "data.a" || len(found[0].Related) > 0 {
		t.Errorf("a change that is refused: %+v", found)
	}
	write(t, folder, "a.yaml", changed)
	git("commit", "--quiet", "--all", "--message=second")
	if found := refused(changed); len(found) > 0 {
		t.Errorf("after a commit: %v", found)
	}
}

func TestFixesCanBeUndone(t *testing.T) {
	folder := t.TempDir()
	text := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {port: 80}\n"
	write(t, folder, "a.yaml", text)
	name := filepath.Join(folder, "a.yaml")
	w, err := app.Open(app.NewFiles(nil), app.Settings{Paths: []string{name}, Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	job, err := w.Lint(app.LintSettings{Build: app.Build{Kubernetes: "v1.37.2"}})
	if err != nil {
		t.Fatal(err)
	}
	res, err := job.Run(t.Context())
	if err != nil || res.Summary.Errors != 1 {
		t.Fatalf("%+v, %v", res, err)
	}
	fixed, err := job.Fix(t.Context(), res, false)
	if err != nil {
		t.Fatal(err)
	}
	before, after, changed := job.Changed(fixed, name)
	if fixed.Fixes != 1 || fixed.Result.Summary.Errors != 0 || !changed || string(before) != text ||
		!strings.Contains(string(after), `"80"`) {
		t.Errorf("%d fixes, %d errors left: %q", fixed.Fixes, fixed.Result.Summary.Errors, after)
	}
	job.Undo(fixed)
	if data, err := w.Read(name); err != nil || string(data) != text {
		t.Errorf("%q, %v", data, err)
	}
	if data, err := os.ReadFile(name); err != nil || string(data) != text {
		t.Errorf("the file on disk is %q, %v", data, err)
	}
}
