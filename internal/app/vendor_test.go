package app_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/internal/app"
	"github.com/seatrial/seatrial/internal/chartrepo"
	"github.com/seatrial/seatrial/internal/render"
)

// packaged returns a chart that renders a ConfigMap with its version.
func packaged(t *testing.T, name, version string) []byte {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	archive := tar.NewWriter(zip)
	for file, text := range map[string]string{
		"Chart.yaml":         "apiVersion: v2\nname: " + name + "\nversion: " + version + "\n",
		"templates/all.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {version: {{ .Chart.Version | quote }}}\n",
	} {
		if err := archive.WriteHeader(
			&tar.Header{Name: name + "/" + file, Mode: 0o644, Size: int64(len(text))},
		); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if archive.Close() != nil || zip.Close() != nil {
		t.Fatal("the archive cannot be written")
	}
	return out.Bytes()
}

// chartServer is a repository of charts below /charts, with a password, and a registry.
type chartServer struct {
	*httptest.Server
	charts   map[string][]byte // by name and version: web-1.2.0
	requests []string
}

func newChartServer(t *testing.T) *chartServer {
	t.Helper()
	s := &chartServer{charts: map[string][]byte{}}
	for _, version := range []string{"1.1.0", "1.2.0", "2.0.0", "3.0.0-rc.1"} {
		s.charts["web-"+version] = packaged(t, "web", version)
	}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *chartServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests = append(s.requests, r.URL.Path)
	user, password, _ := r.BasicAuth()
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/charts/") && (user != "ann" || password != "planted-password"):
		http.Error(w, "who are you?", http.StatusUnauthorized)
	case path == "/charts/index.yaml":
		fmt.Fprint(w, "entries:\n  web:\n")
		for _, version := range []string{"1.1.0", "2.0.0", "1.2.0", "3.0.0-rc.1"} {
			digest := strings.TrimPrefix(render.ChartDigest(s.charts["web-"+version]), "sha256:")
			fmt.Fprintf(w, "  - {version: %q, digest: %s, urls: [web-%s.tgz]}\n", version, digest, version)
		}
		fmt.Fprint(w, "  - {version: 0.9.0, digest: bad, urls: [web-1.1.0.tgz]}\n")
	case strings.HasPrefix(path, "/charts/"):
		_, _ = w.Write(s.charts[strings.TrimSuffix(strings.TrimPrefix(path, "/charts/"), ".tgz")])
	case strings.HasPrefix(path, "/v2/shop/web/"):
		s.registry(w, r, strings.TrimPrefix(path, "/v2/shop/web/"))
	default:
		http.NotFound(w, r)
	}
}

// registry answers what a client asks of an OCI registry.
func (s *chartServer) registry(w http.ResponseWriter, r *http.Request, path string) {
	layer := s.charts["web-1.2.0"]
	manifest, _ := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"config": map[string]any{
			"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": render.ChartDigest([]byte("{}")),
			"size": 2,
		},
		"layers": []any{map[string]any{
			"mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip", "digest": render.ChartDigest(layer),
			"size": len(layer),
		}},
	})
	switch {
	case path == "tags/list":
		fmt.Fprint(w, `{"name": "shop/web", "tags": ["1.2.0", "1.2.0_build"]}`)
	case strings.HasPrefix(path, "manifests/"):
		w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
		w.Header().Set("Docker-Content-Digest", render.ChartDigest(manifest))
		w.Header().Set("Content-Length", fmt.Sprint(len(manifest)))
		if r.Method != http.MethodHead {
			_, _ = w.Write(manifest)
		}
	case path == "blobs/"+render.ChartDigest(layer):
		_, _ = w.Write(layer)
	default:
		http.NotFound(w, r)
	}
}

const release = `apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: charts, namespace: shop}
spec: {url: SERVER/charts}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web, namespace: shop}
spec: {chart: {spec: {chart: web, version: VERSION, sourceRef: {kind: HelmRepository, name: charts}}}}
`

const oci = `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: api, namespace: argocd}
spec: {source: {repoURL: HOST/shop, chart: web, targetRevision: 1.2.0}, destination: {namespace: shop}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: image, namespace: shop}
spec: {url: "oci://HOST/shop/web", ref: {semver: ">=1.0.0"}}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: image, namespace: shop}
spec: {chartRef: {kind: OCIRepository, name: image}}
`

// vendored runs vendor in a folder, and returns what it reported, one line for each chart.
func vendored(t *testing.T, v app.Vendoring, dir string) (lines []string, failed int) {
	t.Helper()
	v.Paths = []string{dir}
	if v.Client == nil {
		v.Client = chartrepo.New()
	}
	v.Client.PlainHTTP = true
	v.Report = func(what, done string, err error) {
		what, _, _ = strings.Cut(what, " of ")
		lines = append(lines, fmt.Sprintf("%s: %s%v", what, done, err))
	}
	_, failed, err := v.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return lines, failed
}

// versions returns the versions of the charts that the sources below a folder render, by the name of the release.
func versions(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, s := range render.Discover([]string{dir}, nil).Sources {
		r := s.Render(s.Variants[0], render.Options{})
		for _, d := range r.Findings {
			t.Errorf("%s: %s", r.Name, d.Message)
		}
		text := string(r.Text)
		name, _, _ := strings.Cut(text[strings.Index(text, "name: ")+6:], "}")
		_, version, _ := strings.Cut(text, "version: ")
		found[name] = strings.Trim(version, "\"}\n")
	}
	return found
}

func TestVendor(t *testing.T) {
	s := newChartServer(t)
	dir := t.TempDir()
	t.Setenv("HELM_REPOSITORY_CONFIG", filepath.Join(dir, "repositories.yaml"))
	t.Setenv("HELM_REGISTRY_CONFIG", filepath.Join(dir, "none.json"))
	t.Setenv("DOCKER_CONFIG", dir)
	host := strings.TrimPrefix(s.URL, "http://")
	fill := strings.NewReplacer("SERVER", s.URL, "HOST", host, "VERSION", "1.x").Replace
	if err := os.Mkdir(filepath.Join(dir, ".git"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "release.yaml", fill(release), "oci.yaml", fill(oci))

	// Without the password nothing comes from the repository; what can be fetched is.
	lines, failed := vendored(t, app.Vendoring{}, dir)
	if failed != 1 || len(lines) != 3 || !strings.Contains(strings.Join(lines, "\n"), "401") {
		t.Fatalf("%d failed: %q", failed, lines)
	}
	write(
		t, dir, "repositories.yaml",
		"repositories: [{name: a, url: "+s.URL+"/charts, username: ann, password: planted-password}]\n",
	)
	lines, failed = vendored(t, app.Vendoring{}, dir)
	if failed != 0 || strings.Contains(strings.Join(lines, "\n"), "planted") {
		t.Fatalf("%d failed: %q", failed, lines)
	}
	want := map[string]string{"shop-web": "1.2.0", "web": "1.2.0", "api": "1.2.0", "image": "1.2.0"}
	for name, version := range versions(t, dir) {
		if want[name] != version {
			t.Errorf("%s has version %q", name, version)
		}
	}
	if n := len(versions(t, dir)); n != 3 {
		t.Errorf("%d sources are rendered, want 3", n)
	}

	// Once more, and nothing is asked for.
	s.requests = nil
	if lines, _ := vendored(t, app.Vendoring{}, dir); len(s.requests) > 0 || !strings.Contains(lines[0], "kept") {
		t.Errorf("asked for %q, %q", s.requests, lines)
	}
	if _, failed := vendored(t, app.Vendoring{Check: true}, dir); failed != 0 {
		t.Error("a chart is said to be missing")
	}

	// A newer version is taken when it is asked for.
	write(t, dir, "release.yaml", strings.Replace(fill(release), "version: 1.x", `version: ">=1.1.0"`, 1))
	if _, failed := vendored(t, app.Vendoring{Check: true}, dir); failed != 1 {
		t.Error("a chart that was not fetched passes")
	}
	vendored(t, app.Vendoring{}, dir)
	if v := versions(t, dir)["web"]; v != "2.0.0" {
		t.Errorf("version %s, want 2.0.0 and no pre-release", v)
	}

	// A file that is not the one of the lock is not rendered.
	files, _ := filepath.Glob(filepath.Join(dir, ".seatrial/vendor/charts/*.tgz"))
	if len(files) != 2 {
		t.Fatalf("kept are %q, want the two that are used", files)
	}
	for _, f := range files {
		if err := os.WriteFile(f, packaged(t, "web", "6.6.6"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if all := versions(t, dir); len(all) != 0 {
		t.Errorf("rendered is what was not fetched: %v", all)
	}
	if _, failed := vendored(t, app.Vendoring{Check: true}, dir); failed != 3 {
		t.Errorf("%d are missing, want 3", failed)
	}
	if lines, failed := vendored(t, app.Vendoring{}, dir); failed != 0 {
		t.Errorf("not fetched again: %q", lines)
	}
}

func TestVendorRefusesWhatItCannotTrust(t *testing.T) {
	s := newChartServer(t)
	dir := t.TempDir()
	t.Setenv("HELM_REPOSITORY_CONFIG", filepath.Join(dir, "repositories.yaml"))
	write(
		t, dir, "repositories.yaml",
		"repositories: [{name: a, url: "+s.URL+"/charts, username: ann, password: planted-password}]\n",
	)
	for version, want := range map[string]string{
		"0.9.0":    "the index says bad",
		"9.x":      "no version satisfies",
		"nonsense": "neither there nor a range of versions",
	} {
		write(t, dir, "release.yaml", strings.NewReplacer("SERVER", s.URL, "VERSION", version).Replace(release))
		if lines, failed := vendored(t, app.Vendoring{}, dir); failed != 1 || !strings.Contains(lines[0], want) {
			t.Errorf("%s: %q, want %q", version, lines, want)
		}
	}
	lock := filepath.Join(dir, filepath.FromSlash(render.LockFile))
	if err := os.MkdirAll(filepath.Dir(lock), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(
		lock,
		[]byte("charts:\n- {repository: "+s.URL+"/charts, chart: web, version: nonsense, resolved: 1.1.0, digest: a, file: ../../../x.tgz}\n"),
		0o600,
	); err != nil {
		t.Fatal(err)
	}
	if all := versions(t, dir); len(all) != 0 {
		t.Errorf("a file outside of the folder is rendered: %v", all)
	}
}

// TestDependenciesThatWereFetched are rendered with the chart that asks for them.
func TestDependenciesThatWereFetched(t *testing.T) {
	s := newChartServer(t)
	dir := t.TempDir()
	t.Setenv("HELM_REPOSITORY_CONFIG", filepath.Join(dir, "repositories.yaml"))
	write(
		t, dir, "repositories.yaml",
		"repositories: [{name: a, url: "+s.URL+"/charts, username: ann, password: planted-password}]\n",
	)
	write(
		t, dir, "Chart.yaml",
		"apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies: [{name: web, version: ^1.0.0, repository: \""+s.URL+
			"/charts\"}]\n",
	)
	if lines, failed := vendored(t, app.Vendoring{}, dir); failed != 0 || len(lines) != 1 {
		t.Fatalf("%d failed: %q", failed, lines)
	}
	if all := versions(t, dir); len(all) != 1 || all["shop"] != "1.2.0" {
		t.Errorf("rendered are %v", all)
	}
}

// TestVendorOfAFolderKeepsTheRest: what other folders of the repository ask for stays in the lock, and on disk.
func TestVendorOfAFolderKeepsTheRest(t *testing.T) {
	s := newChartServer(t)
	dir := t.TempDir()
	t.Setenv("HELM_REPOSITORY_CONFIG", filepath.Join(dir, "repositories.yaml"))
	write(
		t, dir, "repositories.yaml",
		"repositories: [{name: a, url: "+s.URL+"/charts, username: ann, password: planted-password}]\n",
	)
	for _, folder := range []string{".git", "a", "b"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for folder, version := range map[string]string{"a": "1.1.0", "b": "2.0.0"} {
		write(
			t, filepath.Join(dir, folder), "release.yaml",
			strings.NewReplacer("SERVER", s.URL, "VERSION", version).Replace(release),
		)
		if lines, failed := vendored(t, app.Vendoring{}, filepath.Join(dir, folder)); failed != 0 || len(lines) != 1 {
			t.Fatalf("%d failed: %q", failed, lines)
		}
	}
	if lines, failed := vendored(t, app.Vendoring{Check: true}, dir); failed != 0 || len(lines) != 2 {
		t.Errorf("%d are missing: %q", failed, lines)
	}
}
