package cli

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/lint"
)

const repo = "../../.."

// seatrialOnPath puts this test binary on a path of its own as seatrial; see TestMain.
func seatrialOnPath(t *testing.T) (path string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(exe, filepath.Join(bin, "seatrial")); err != nil {
		t.Fatal(err)
	}
	return bin + string(os.PathListSeparator) + os.Getenv("PATH")
}

// readYAML decodes a file of the repository; unknown keys are errors.
func readYAML(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(repo, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(data, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// shell runs a script in a folder and gives what it prints and its exit code.
func shell(t *testing.T, dir, script string, env ...string) (out string, code int) {
	t.Helper()
	cmd := exec.Command("bash", "-e", "-o", "pipefail", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "PATH="+seatrialOnPath(t), "SEATRIAL_CACHE_DIR="+t.TempDir()), env...)
	text, err := cmd.CombinedOutput()
	if exit, ok := err.(*exec.ExitError); ok {
		return string(text), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(text), 0
}

// shop copies manifests into a folder: a good one and a bad one.
func shop(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for from, to := range map[string]string{
		"testdata/chapter/nginx-deployment.yaml": "good.yaml", "testdata/chapter/map.json": "bad.json",
	} {
		data, err := os.ReadFile(filepath.Join(repo, from))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, to), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestPreCommitHooks(t *testing.T) {
	var hooks []struct {
		ID, Name, Description, Entry, Language string
		TypesOr                                []string `json:"types_or"`
		RequireSerial                          bool     `json:"require_serial"`
		PassFilenames                          *bool    `json:"pass_filenames"`
		AlwaysRun                              bool     `json:"always_run"`
		Stages                                 []string
	}
	readYAML(t, ".pre-commit-hooks.yaml", &hooks)
	for _, h := range hooks {
		if h.Language != "golang" || !h.RequireSerial || h.Name == "" || h.Description == "" {
			t.Errorf("%+v", h)
		}
		if h.PassFilenames != nil {
			continue // TestReviewHook
		}
		if out, code := shell(t, shop(t), h.Entry+" good.yaml"); code != exitClean {
			t.Errorf("%s on a good file: exit code %d\n%s", h.ID, code, out)
		}
	}
	if out, code := shell(
		t, shop(t), hooks[0].Entry+" good.yaml bad.json",
	); code != exitFindings || !strings.Contains(out, `did you mean Pod?`) {
		t.Errorf("%s on a bad file: exit code %d\n%s", hooks[0].ID, code, out)
	}
}

func TestGitHubAction(t *testing.T) {
	var action struct {
		Name, Description string
		Branding          map[string]string
		Inputs            map[string]struct{ Description, Default string }
		Runs              struct {
			Using string
			Steps []struct {
				Name, Shell, Run string
				Env              map[string]string
			}
		}
	}
	readYAML(t, "action.yml", &action)
	input := regexp.MustCompile(`\$\{\{ inputs\.([a-z0-9-]+) \}\}`)
	run := func(dir string, given map[string]string) (string, int) {
		var script strings.Builder
		env := []string{"GITHUB_ACTION_PATH=/nonexistent", "RUNNER_TEMP=" + dir, "GITHUB_PATH=/dev/null"}
		for _, step := range action.Runs.Steps {
			for name, value := range step.Env {
				m := input.FindStringSubmatch(value)
				if m == nil {
					t.Fatalf("%s=%s", name, value)
				}
				in, ok := action.Inputs[m[1]]
				if !ok {
					t.Fatalf("no input %s", m[1])
				}
				if v, ok := given[m[1]]; ok {
					in.Default = v
				}
				env = append(env, name+"="+in.Default)
			}
			script.WriteString(step.Run + "\n")
		}
		return shell(t, dir, script.String(), env...)
	}
	dir := shop(t)
	out, code := run(dir, map[string]string{"sarif-file": "out.sarif", "kubernetes-version": "1.31,1.37"})
	if code != exitFindings || !strings.Contains(out, "::error file=bad.json,line=3,col=11,") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	data, err := os.ReadFile(filepath.Join(dir, "out.sarif"))
	if err != nil || !json.Valid(data) {
		t.Errorf("the SARIF file: %v\n%s", err, data)
	}
	if out, code := run(dir, map[string]string{"paths": "*.yaml", "fail-on": "warning"}); code != exitClean {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if out, code := run(dir, map[string]string{"fail-on": "never"}); code != exitClean {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// TestInstallScript installs from a server that plays the releases' one.
func TestInstallScript(t *testing.T) {
	var archive bytes.Buffer
	z := gzip.NewWriter(&archive)
	w := tar.NewWriter(z)
	program := "#!/bin/sh\necho released\n"
	if err := w.WriteHeader(&tar.Header{Name: "seatrial", Mode: 0o755, Size: int64(len(program))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(program)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("seatrial_%s_%s.tar.gz", runtime.GOOS, runtime.GOARCH)
	digest := fmt.Sprintf("%x", sha256.Sum256(archive.Bytes()))
	files := map[string][]byte{
		"/download/v1.2.3/" + name:       archive.Bytes(),
		"/download/v1.2.3/checksums.txt": []byte(digest + "  " + name + "\n"),
		"/latest/download/" + name:       archive.Bytes(),
		"/latest/download/checksums.txt": []byte(strings.Repeat("0", 64) + "  " + name + "\n"),
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(data)
	}))
	defer server.Close()
	script, err := filepath.Abs(filepath.Join(repo, "install.sh"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte("#!/bin/sh\necho go $*\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, version, digest, want string
		code                        int
	}{
		{"a release", "v1.2.3", "", "released", 0},
		{"a release by its digest", "v1.2.3", digest, "released", 0},
		{"another digest", "v1.2.3", strings.Repeat("1", 64), "has the SHA-256 digest " + digest + ", want 1111", 1},
		{"checksums of another archive", "", "", "has the SHA-256 digest " + digest + ", want 0000", 1},
		{"no release", "v9.9.9", "", "go install github.com/seatrial/seatrial/cmd/seatrial@v9.9.9", 0},
		{"no release, but a digest", "v9.9.9", digest, "cannot download the release whose digest is given", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			bin := t.TempDir()
			out, code := shell(t, dir,
				fmt.Sprintf("PATH=%s:$PATH; sh %s %s; test ! -e %[3]s/seatrial || %[3]s/seatrial", dir, script, bin),
				"SEATRIAL_RELEASES="+server.URL, "SEATRIAL_VERSION="+c.version, "SEATRIAL_SHA256="+c.digest)
			if code != c.code || !strings.Contains(out, c.want) {
				t.Errorf("exit code %d, want %d and %q\n%s", code, c.code, c.want, out)
			}
		})
	}
}

func TestGitLabJob(t *testing.T) {
	var jobs map[string]struct {
		Image        string
		Variables    map[string]string
		Cache        map[string]any
		BeforeScript []string `json:"before_script"`
		Script       []string
		Rules        []map[string]string
		Artifacts    struct {
			When    string
			Paths   []string
			Reports struct{ Codequality string }
		}
	}
	readYAML(t, "docs/gitlab-ci.yml", &jobs)
	job := jobs["seatrial"]
	dir := shop(t)
	out, code := shell(t, dir, strings.Join(append(job.BeforeScript, job.Script...), "\n"))
	if code != exitFindings {
		t.Errorf("exit code %d\n%s", code, out)
	}
	data, err := os.ReadFile(filepath.Join(dir, job.Artifacts.Reports.Codequality))
	if err != nil {
		t.Fatal(err)
	}
	var issues []struct {
		Severity, Fingerprint string
		Location              struct{ Path string }
	}
	if err := json.Unmarshal(data, &issues); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, i := range issues {
		found = found || i.Severity == "major" && i.Location.Path == "bad.json" && i.Fingerprint != ""
	}
	if !found {
		t.Errorf("%s", data)
	}
}

// TestEditorPatterns holds the patterns in docs/integrations.md against the compact format.
func TestEditorPatterns(t *testing.T) {
	out, _ := shell(t, shop(t), "seatrial lint -o compact .")
	line, _, _ := strings.Cut(out, "\n")
	page, err := os.ReadFile(filepath.Join(repo, "docs/integrations.md"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`"regexp": ("(?:[^"\\]|\\.)*")`).FindSubmatch(page)
	var pattern string
	if m == nil || json.Unmarshal(m[1], &pattern) != nil {
		t.Fatal("no problem matcher in docs/integrations.md")
	}
	got := regexp.MustCompile(pattern).FindStringSubmatch(line)
	if got == nil || got[1] != "bad.json" || got[2] != "3" || got[3] != "11" || got[4] != "error" ||
		!strings.Contains(got[5], "no matches for kind") {
		t.Errorf("%q of %q", got, line)
	}
}

// TestConfigurationAndItsSchemaAgree returns both the same files.
func TestConfigurationAndItsSchemaAgree(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(repo, "docs/config.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	for text, valid := range map[string]bool{
		"{}": true,
		"rules: [default, -replicas-too-few]\nseverities: {image-tag-latest: error}\nexclude: ['charts/**']\nkubernetesVersions: ['1.31']\ncrds: [crds/]\nexternal: [Secret/shop/*]\nignoreMissingSchemas: ['*']\nfailOn: warning": true,
		"failOn: never": true,
		"crds: {cert-manager: '1.18', keda: 2.21, istio: off}": true,
		"crds: [crds/, {istio: off}]":                          true,
		"crds: crds/":                                          false,
		"honor: [kube-linter, trivy]\nbaseline: known.json":    true,
		"honor: [kubescape]":                                   false,
		"params: {replicas-too-few: {min-replicas: 3}}":        true,
		"params: [3]":                                          false,
		"overrides: [{reason: r, rules: [all], kinds: [Job], namespaces: [a], names: [b*], labels: {a: b}, until: 2027-03-31}]": true,
		"overrides: [{reason: r, params: {a: {b: 1}}, paths: ['vendor/**']}]":                                                   true,
		"overrides: [{reason: r, rules: [all], label: {a: b}}]":                                                                 false,
		"customRules: [rules.yaml, {name: a, expression: 'true', message: m}]":                                                  true,
		"customRules: rules.yaml":               false,
		"crds: [1]":                             false,
		"crds: {istio: true}":                   false,
		"crds: {istio: [1]}":                    false,
		"ruels: [default]":                      false,
		"exclude: charts":                       false,
		"severities: {image-tag-latest: grave}": false,
		"kubernetesVersions: 1.31":              false,
	} {
		name := filepath.Join(t.TempDir(), lint.ConfigName)
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, loadErr := lint.LoadConfig(name)
		js, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(js)))
		if err != nil {
			t.Fatal(err)
		}
		schemaErr := schema.Validate(v)
		if (loadErr == nil) != valid || (schemaErr == nil) != valid {
			t.Errorf("%s: want valid %v; the program says %v, the schema %v", text, valid, loadErr, schemaErr)
		}
	}
}
