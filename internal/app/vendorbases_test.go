package app_test

import (
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/internal/app"
	"github.com/seatrial/seatrial/internal/chartrepo"
	"github.com/seatrial/seatrial/internal/render"
)

// runGit runs git in a folder, without the configuration of the machine.
func runGit(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	for _, who := range []string{"AUTHOR", "COMMITTER"} {
		cmd.Env = append(cmd.Env, "GIT_"+who+"_NAME=ann", "GIT_"+who+"_EMAIL=ann@example.com")
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// writeTree writes files below a folder.
func writeTree(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// newBaseServer serves a git repository at /shop.git, whose tag v1 has a base in the folder web, and a file at
// /extra.yaml, which git does not know.
func newBaseServer(t *testing.T) *httptest.Server {
	t.Helper()
	backend, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Skip("git is not on this machine")
	}
	top := t.TempDir()
	work := filepath.Join(top, "shop")
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	writeTree(t, work, map[string]string{
		"web/kustomization.yaml":    "resources: [../common, deployment.yaml, " + server.URL + "/extra.yaml]\n",
		"web/deployment.yaml":       plainMap("web"),
		"common/kustomization.yaml": "configMapGenerator: [{name: settings, files: [settings.ini]}]\n",
		"common/settings.ini":       "a=1\n",
		"unused/big.yaml":           plainMap("unused"),
	})
	runGit(t, work, "init", "--quiet", "--initial-branch=main")
	runGit(t, work, "add", ".")
	runGit(t, work, "commit", "--quiet", "--message=first")
	runGit(t, work, "tag", "v1")
	writeTree(t, work, map[string]string{"web/deployment.yaml": plainMap("newer")})
	runGit(t, work, "commit", "--quiet", "--all", "--message=second")
	runGit(t, work, "config", "http.receivepack", "false")
	mux.Handle("/shop.git/", &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(backend)), "git-http-backend"), Root: "/shop.git",
		Env:        []string{"GIT_PROJECT_ROOT=" + filepath.Join(work, ".git"), "GIT_HTTP_EXPORT_ALL=1"},
		InheritEnv: []string{"PATH"},
	})
	mux.HandleFunc(
		"/extra.yaml", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(plainMap("extra"))) },
	)
	return server
}

func plainMap(name string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\n"
}

// vendorHere fetches what the current folder asks for.
func vendorHere(t *testing.T, v *app.Vendoring) (report string, failed int) {
	t.Helper()
	var said strings.Builder
	v.Paths, v.Client = []string{"."}, chartrepo.New()
	v.Report = func(what, done string, err error) {
		said.WriteString(what + ": " + done)
		if err != nil {
			said.WriteString(err.Error())
		}
		said.WriteString("\n")
	}
	_, failed, err := v.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return said.String(), failed
}

// rendered renders the kustomization of the current folder.
func renderedHere(t *testing.T) *render.Rendering {
	t.Helper()
	sources := render.Discover([]string{"."}, nil).Sources
	if len(sources) != 1 {
		t.Fatalf("%d sources", len(sources))
	}
	return sources[0].Render(render.Variant{}, render.Options{})
}

// TestVendorBases fetches a base of a git repository, with what it uses there and elsewhere, and renders it without a
// network.
func TestVendorBases(t *testing.T) {
	server := newBaseServer(t)
	t.Chdir(t.TempDir())
	base := server.URL + "/shop.git//web?ref=v1"
	writeTree(t, ".", map[string]string{
		".git/HEAD":          "",
		"kustomization.yaml": "namePrefix: my-\nresources:\n- " + base + "\n",
	})
	r := renderedHere(t)
	if len(r.Findings) != 1 || r.Findings[0].Message != base+" is not on this machine: nothing is fetched" {
		t.Fatalf("before it was fetched: %v", r.Findings)
	}
	if report, failed := vendorHere(t, &app.Vendoring{Check: true}); failed != 1 ||
		!strings.Contains(report, "was not fetched") {
		t.Fatalf("--check: %d failed\n%s", failed, report)
	}
	report, failed := vendorHere(t, &app.Vendoring{})
	if failed != 0 || strings.Count(report, "fetched") != 2 {
		t.Fatalf("%d failed\n%s", failed, report)
	}
	server.Close() // nothing needs it from here on
	r = renderedHere(t)
	if len(r.Findings) != 0 {
		t.Fatalf("%v", r.Findings)
	}
	for _, want := range []string{"name: my-web\n", "name: my-extra\n", "name: my-settings-", "a=1"} {
		if !strings.Contains(string(r.Text), want) {
			t.Errorf("%q is not in\n%s", want, r.Text)
		}
	}
	if strings.Contains(string(r.Text), "newer") {
		t.Error("it is not the version of the tag")
	}
	m := app.WithOverlay(map[string][]byte{r.Name: r.Text})
	file, err := m.Manifest(r.Name)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Documents {
		if d.Object.Name == "my-extra" && !strings.Contains(r.Origin(d).String(), "bases/extra-") {
			t.Errorf("my-extra comes from %s", r.Origin(d))
		}
	}
	if unused, _ := filepath.Glob(".seatrial/vendor/bases/*/unused"); len(unused) > 0 {
		t.Errorf("kept, and not used: %v", unused)
	}
	if report, failed := vendorHere(t, &app.Vendoring{}); failed != 0 || strings.Count(report, "kept") != 2 {
		t.Errorf("once more: %d failed\n%s", failed, report)
	}
	changed, _ := filepath.Glob(".seatrial/vendor/bases/shop-*/web/deployment.yaml")
	if len(changed) != 1 {
		t.Fatal("the base has no deployment.yaml")
	}
	if err := os.WriteFile(changed[0], []byte(plainMap("forged")), 0o600); err != nil {
		t.Fatal(err)
	}
	r = renderedHere(t)
	if len(r.Findings) != 1 || !strings.Contains(r.Findings[0].Message, "are not those of") ||
		strings.Contains(string(r.Text), "forged") {
		t.Errorf("a base that was changed: %v\n%s", r.Findings, r.Text)
	}
	writeTree(t, ".", map[string]string{"kustomization.yaml": "resources: []\n"})
	vendorHere(t, &app.Vendoring{})
	if left, _ := filepath.Glob(".seatrial/vendor/bases/*"); len(left) > 0 {
		t.Errorf("nothing asks for it any more: %v", left)
	}
}

// TestParseRemoteBase reads references as kustomize does.
func TestParseRemoteBase(t *testing.T) {
	for reference, want := range map[string]render.RemoteBase{
		"github.com/org/repo//a/b?ref=v1": {
			Repository: "https://github.com/org/repo", Path: "a/b", Ref: "v1",
		},
		"github.com/org/repo/a/b?ref=v1": {
			Repository: "https://github.com/org/repo", Path: "a/b", Ref: "v1",
		},
		"https://git.example.com/org/repo.git/a": {Repository: "https://git.example.com/org/repo.git", Path: "a"},
		"git@example.com:org/repo.git//a?ref=main": {
			Repository: "git@example.com:org/repo.git", Path: "a", Ref: "main",
		},
		"git@example.com:org/repo": {Repository: "git@example.com:org/repo"},
		"ssh://git@example.com/org/repo//a?version=2": {
			Repository: "ssh://git@example.com/org/repo", Path: "a", Ref: "2",
		},
		"git::https://example.com/org/repo//../a": {Repository: "https://example.com/org/repo", Path: "a"},
		"https://example.com/a/b.yaml":            {Repository: "https://example.com/a/b.yaml", IsFile: true},
		"file:///srv/repo//a":                     {Repository: "file:///srv/repo", Path: "a"},
	} {
		if got, err := render.ParseRemoteBase(reference); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", reference, got, err, want)
		}
	}
	if _, err := render.ParseRemoteBase("github.com/org/repo?ref=--upload-pack=x"); err == nil {
		t.Error("a ref that is an option")
	}
}
