package pages_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/explain/pages"
	"github.com/seatrial/seatrial/schema"
)

func newSite(t *testing.T, o pages.Options) *pages.Site {
	t.Helper()
	site, err := pages.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return site
}

func files(t *testing.T, site *pages.Site) []string {
	t.Helper()
	names, err := site.Files()
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func render(t *testing.T, site *pages.Site, name string) string {
	t.Helper()
	data, err := site.Render(name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return string(data)
}

var packed = regexp.MustCompile(`^seatrialData\("([^"]*)","([^"]*)"\);\n$`)

// unpack renders a script that holds a text, and returns the text.
func unpack(t *testing.T, site *pages.Site, name string) string {
	t.Helper()
	m := packed.FindStringSubmatch(render(t, site, name))
	if m == nil || m[1] != name {
		t.Fatalf("%s holds no text for %s", name, name)
	}
	r, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(m[2])))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	href   = regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	inline = regexp.MustCompile(`<style|<script>| style="| on[a-z]+="`)
)

// place matches what states the places of a page: ids, fields of parts, and the parts below a field.
var place = regexp.MustCompile(`<li class="f" (id|data-path)="([^"]*)"|</?li| id="([^"]*)"| data-part="([^"]*)"`)

// addPlaces adds the ids of a page, or of a part below a field, as they are when all parts are loaded.
func addPlaces(t *testing.T, to map[string]bool, text map[string]string, name, above string, inside []string) {
	t.Helper()
	var fields []string // around the place, "" for other items
	for _, m := range place.FindAllStringSubmatch(text[name], -1) {
		id := cmp.Or(m[2], m[3])
		switch {
		case m[0] == "</li":
			fields = fields[:len(fields)-1]
		case m[1] == "data-path":
			id = above + "." + id
			fields = append(fields, id)
		case m[1] == "id":
			fields = append(fields, id)
		case m[0] == "<li":
			fields = append(fields, "")
		}
		if id != "" && to[id] {
			t.Errorf("%s: two things have the id %s", name, id)
		}
		if part := "parts/" + m[4] + ".js"; m[4] != "" && !slices.Contains(inside, part) {
			if text[part] == "" {
				t.Errorf("%s: no part %s", name, part)
			}
			addPlaces(t, to, text, part, fields[len(fields)-1], append(slices.Clip(inside), part))
		}
		if id != "" {
			to[id] = true
		}
	}
}

// TestEveryLinkLeadsSomewhere renders all pages of a version and follows their links.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	site := newSite(t, pages.Options{Versions: []string{schema.Latest}})
	text := map[string]string{}
	ids := map[string]map[string]bool{}
	for _, name := range files(t, site) {
		if strings.HasPrefix(name, "parts/") {
			text[name] = unpack(t, site, name)
		} else {
			text[name] = render(t, site, name)
		}
	}
	for name := range text {
		if path.Ext(name) == ".html" {
			ids[name] = map[string]bool{}
			addPlaces(t, ids[name], text, name, "", nil)
		}
	}
	if len(text) < 500 {
		t.Errorf("only %d files", len(text))
	}
	for name, page := range text {
		if path.Ext(name) != ".html" {
			continue
		}
		if bad := inline.FindString(page); bad != "" {
			t.Errorf("%s holds %s, which the policy forbids", name, bad)
		}
		if !strings.Contains(page, `http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;;`) {
			t.Errorf("%s has no policy", name)
		}
		for _, m := range href.FindAllStringSubmatch(page, -1) {
			if strings.HasPrefix(m[1], "https://") || strings.HasPrefix(m[1], "http://") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			to := name
			if file != "" {
				to = path.Join(path.Dir(name), file)
			}
			if _, ok := text[to]; !ok {
				t.Errorf("%s links to %s, which is not there", name, m[1])
			} else if anchor != "" && !ids[to][anchor] {
				t.Errorf("%s links to %s: no such place", name, m[1])
			}
		}
	}
}

// TestSharedFieldsAreLoadedOnce: nothing of the reference is large, and pod templates are written once.
func TestSharedFieldsAreLoadedOnce(t *testing.T) {
	site := newSite(t, pages.Options{Versions: schema.Versions()})
	total, shown := 0, 0
	for _, name := range files(t, site) {
		text := render(t, site, name)
		total += len(text)
		if len(text) > 600<<10 {
			t.Errorf("%s has %d bytes", name, len(text))
		}
		if strings.HasPrefix(name, "parts/") {
			text = unpack(t, site, name)
		}
		if !strings.HasPrefix(name, "types/") &&
			strings.Contains(text, "Entrypoint array. Not executed within a shell") {
			shown++
		}
	}
	if total > 12<<20 { // with those of the catalogue they are three times as many
		t.Errorf("all pages have %d bytes", total)
	}
	if shown > 3 { // containers; ephemeral ones, in the part of a pod's spec and in the page of pods
		t.Errorf("the command of a container is written in %d files", shown)
	}
}

// TestEveryKindHasACategory: a new kind of Kubernetes has to be put into one.
func TestEveryKindHasACategory(t *testing.T) {
	site := newSite(t, pages.Options{Versions: schema.Versions()})
	for _, kind := range site.WithoutCategory() {
		t.Errorf("%s is in no category", kind)
	}
}

var partName = regexp.MustCompile(` data-part="([^"]*)"`)

func TestPagesTellWhatIsKnown(t *testing.T) {
	site := newSite(t,
		pages.Options{Versions: []string{"1.25", "1.37"}, Rules: func(_ *schema.Kind, path string) []string {
			if path == "spec.replicas" || path == "spec.template.spec.containers.image" {
				return []string{"replicas-too-few"}
			}
			return nil
		}, RuleDocs: []pages.Rule{
			{
				Name: "replicas-too-few", Title: "one replica alone", Category: "availability", Severity: "warning",
				Doc: "A node goes.", Bad: "kind: <Deployment>\n",
			},
		}})
	for page, wants := range map[string][]string{
		"deployment-v1-apps.html": {`id="spec.template"`, `data-path="spec"`,
			`href="types/deploymentspec-v1-apps.html">DeploymentSpec</a> <span class="b req">required`,
			`<code>replicas-too-few</code>`,
			`<th scope="row">Group</th><td><code>apps</code>`, `<b>kind:</b> Deployment`},
		"pod-v1-core.html": {
			`since 1.33`, `<code>Always, IfNotPresent, Never</code>`, `Cannot be updated.</em>`, `data-in="1"`,
		},
		"resourceclaim-v1-resource.k8s.io.html": {`at most 32 items`, `<li>immutable</li>`},
		"rules.html": {
			`id="replicas-too-few"`, `Finds: one replica alone.`, `<b>kind:</b> &lt;Deployment&gt;`,
		},
		"podsecuritypolicy-v1beta1-policy.html": nil, // removed in 1.25
		"cronjob-v1beta1-batch.html":            nil,
		"types/container-v1-core.html": {
			`Appears in`, `href="../types/podspec-v1-core.html">PodSpec</a>`,
		},
		"types/labelselector-v1-meta.html":            {`DeploymentSpec`},
		"persistentvolumeclaim-v1-core.html":          {`Appears in`, `StatefulSetSpec`},
		"horizontalpodautoscaler-v1-autoscaling.html": {`autoscaling/v2</a>`},
		"index.html": {
			`New in Kubernetes 1.37`, `New in Kubernetes 1.25`, `<h2>Workloads</h2>`,
		},
	} {
		data, err := site.Render(page)
		for _, m := range partName.FindAllStringSubmatch(string(data), -1) {
			data = append(data, unpack(t, site, "parts/"+m[1]+".js")...)
		}
		if wants == nil {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s is there", page)
			}
			continue
		}
		if err != nil {
			t.Error(err)
		}
		for _, want := range wants {
			if !strings.Contains(string(data), want) {
				t.Errorf("%s: no %s", page, want)
			}
		}
	}
}

const evil = `{"kind":"CustomResourceDefinition","spec":{"group":"../../<b>.example.com","scope":"Namespaced","names":{"kind":"Wid\"get<script>","plural":"widgets","singular":"widget"},
	"versions":[{"name":"v1","served":true,"schema":{"openAPIV3Schema":{"type":"object","description":"<img src=x onerror=alert(1)>","properties":{
	"spec":{"type":"object","properties":{"a\" onclick=\"x":{"type":"string","description":"see javascript:alert(1) and https://example.com/\"><script>"},"deep":{"type":"object","properties":{"flower":{"type":"string","description":"a rose"}}}}}}}}}]}}`

const catalogued = `{"kind":"CustomResourceDefinition","spec":{"group":"example.com","scope":"Namespaced","names":{"kind":"Backup","plural":"backups","singular":"backup"},"versions":[
	{"name":"v1","served":true,"schema":{"openAPIV3Schema":{"type":"object","description":"A copy.","properties":{"spec":{"type":"object","properties":{"keepings":{"type":"integer"}}}}}}},
	{"name":"v1beta1","served":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object"}}}}}]}}`

// TestKindsOfProjectsHavePages: they are the same in all versions, and share what Kubernetes has.
func TestKindsOfProjectsHavePages(t *testing.T) {
	store, err := schema.Open(schema.Latest)
	if err != nil {
		t.Fatal(err)
	}
	with, err := store.With([]byte(catalogued))
	if err != nil {
		t.Fatal(err)
	}
	site := newSite(
		t,
		pages.Options{
			Versions: []string{"1.25", "1.37"},
			Projects: []pages.Project{{Name: "keeper", Kinds: with.ServedAs("Backup")}},
		},
	)
	page := render(t, site, "backup-v1-example.com.html")
	part := partName.FindStringSubmatch(page) // the metadata
	for text, wants := range map[string][]string{
		page: {
			`<td>keeper</td>`, `id="spec.keepings"`, `href="backup-v1beta1-example.com.html"`,
		},
		render(t, site, "nav.js"): {
			`["keeper",true,[["backup-v1-example.com.html","Backup","example.com/v1",3],["backup-v1beta1-example.com.html","Backup","example.com/v1beta1",3]]]`,
		},
		unpack(t, site, "search.js"):        {`"spec",[["keepings"`},
		render(t, site, "index.html"):       {`<dt>keeper</dt><dd><a href="backup-v1-example.com.html">Backup</a>`},
		render(t, site, "pod-v1-core.html"): {` data-part="` + part[1] + `"`},
	} {
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("no %s in %.3000s", want, text)
			}
		}
	}
}

// TestCustomResourcesAreTextOnly: definitions are anybody's text, in names too.
func TestCustomResourcesAreTextOnly(t *testing.T) {
	site := newSite(t, pages.Options{Versions: []string{schema.Latest}, Open: func(v string) (*schema.Store, error) {
		s, err := schema.Open(v)
		if err != nil {
			return nil, err
		}
		return s.With([]byte(evil))
	}})
	name := ""
	for _, f := range files(t, site) {
		if strings.Contains(f, "wid") && strings.Contains(f, "get") && strings.HasSuffix(f, ".html") {
			name = f
		}
	}
	if name == "" || strings.ContainsAny(name, "/<>\"") || !filepath.IsLocal(name) {
		t.Fatalf("the page is %q", name)
	}
	page := render(t, site, name)
	for _, bad := range []string{"<script>", "<img", `href="javascript`, `onclick="x"`} {
		if strings.Contains(page, bad) {
			t.Errorf("%s comes through", bad)
		}
	}
	if !strings.Contains(page, `id="spec.deep.flower"`) {
		t.Error("fields of objects without a name are not shown")
	}
	if index := unpack(t, site, "search.js"); !strings.Contains(index, `"spec.deep",[["flower"`) ||
		strings.Contains(index, "<script>") {
		t.Error("the index does not hold the field, or holds markup")
	}
	if index := render(t, site, "index.html"); !strings.Contains(index, "<h2>Custom resources</h2>") {
		t.Error("custom resources have no category")
	}
}

func TestWriteLeavesOtherFoldersAlone(t *testing.T) {
	site := newSite(t, pages.Options{Versions: []string{"1.20"}})
	dir := t.TempDir()
	mine := filepath.Join(dir, "mine.txt")
	if err := os.WriteFile(mine, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := site.Write(dir); err == nil || !strings.Contains(err.Error(), "holds other files") {
		t.Errorf("got %v", err)
	}
	dir = filepath.Join(dir, "new")
	first, err := site.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	stale := filepath.Join(dir, "deployment-v1-apps.html")
	if _, err := os.Stat(stale); err != nil {
		t.Fatal(err)
	}
	// Files of earlier pages are removed; what was added by hand stays.
	list := filepath.Join(dir, "reference.txt")
	data, _ := os.ReadFile(list)
	if err := os.WriteFile(list, append(data, "gone.html\n../mine.txt\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "gone.html"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	second, err := site.Write(dir)
	if err != nil || first != second {
		t.Fatal(first, second, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "gone.html")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a stale page is left")
	}
	if _, err := os.Stat(mine); err != nil {
		t.Error("a file outside of the folder is gone")
	}
}

func TestSameInputGivesTheSamePages(t *testing.T) {
	for _, name := range []string{"index.html", "search.js", "pod-v1-core.html", "types/objectmeta-v1-meta.html"} {
		a := render(t, newSite(t, pages.Options{Versions: []string{"1.25", "1.37"}}), name)
		b := render(t, newSite(t, pages.Options{Versions: []string{"1.37", "1.25", "1.37"}}), name)
		if !bytes.Equal([]byte(a), []byte(b)) {
			t.Errorf("%s differs", name)
		}
	}
}

func TestServerAnswersThisMachineOnly(t *testing.T) {
	handler := newSite(t, pages.Options{Versions: []string{schema.Latest}}).Handler()
	for _, c := range []struct {
		method, host, path string
		want               int
	}{
		{"GET", "127.0.0.1:8080", "/", 200},
		{"GET", "localhost", "/pod-v1-core.html", 200},
		{"GET", "[::1]:1234", "/types/container-v1-core.html", 200},
		{"GET", "LOCALHOST:1", "/style.css", 200},
		{"HEAD", "127.0.0.1:8080", "/search.js", 200},
		{"GET", "rebind.example.com", "/", 421},
		{"GET", "127.0.0.1.example.com:80", "/", 421},
		{"GET", "localhost.example.com", "/", 421},
		{"GET", "192.168.0.1", "/", 421},
		{"GET", "0.0.0.0:8080", "/", 421},
		{"GET", "", "/", 421},
		{"POST", "127.0.0.1", "/", 405},
		{"DELETE", "127.0.0.1", "/index.html", 405},
		{"OPTIONS", "127.0.0.1", "/", 405},
		{"GET", "127.0.0.1", "/nothing.html", 404},
		{"GET", "127.0.0.1", "/types/", 404},
		{"GET", "127.0.0.1", "/types/persistentvolumeclaim-v1-core.html", 404}, // has a page as a kind
		{"GET", "127.0.0.1", "/../pages.go", 404},
		{"GET", "127.0.0.1", "/..%2f..%2fetc/passwd", 404},
		{"GET", "127.0.0.1", "/assets/style.css", 404},
	} {
		r := httptest.NewRequest(c.method, "http://127.0.0.1"+c.path, nil)
		r.Host = c.host
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s %s on %q: %d, want %d", c.method, c.path, c.host, w.Code, c.want)
		}
		for name, want := range map[string]string{
			"Content-Security-Policy": "frame-ancestors 'none'", "X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
		} {
			if !strings.Contains(w.Header().Get(name), want) {
				t.Errorf("%s on %q: %s is %q", c.path, c.host, name, w.Header().Get(name))
			}
		}
		if c.method == http.MethodHead && w.Body.Len() > 0 {
			t.Error("HEAD has a body")
		}
		if c.want == 200 && !strings.Contains(w.Header().Get("Content-Type"), "charset=utf-8") {
			t.Errorf("%s: type %q", c.path, w.Header().Get("Content-Type"))
		}
	}
}

func TestPagesAreServedCompressed(t *testing.T) {
	site := newSite(t, pages.Options{Versions: []string{schema.Latest}})
	page := render(t, site, "pod-v1-core.html")
	for encoding, want := range map[string]string{"gzip, br": "gzip", "": ""} {
		r := httptest.NewRequest("GET", "http://127.0.0.1:8080/pod-v1-core.html", nil)
		r.Header.Set("Accept-Encoding", encoding)
		w := httptest.NewRecorder()
		site.Handler().ServeHTTP(w, r)
		body := io.Reader(w.Body)
		if got := w.Header().Get("Content-Encoding"); got != want {
			t.Errorf("asked for %q: encoded as %q, want %q", encoding, got, want)
		}
		if want == "gzip" {
			if size := w.Body.Len(); size > len(page)/4 {
				t.Errorf("%d bytes of %d are served", size, len(page))
			}
			var err error
			if body, err = gzip.NewReader(body); err != nil {
				t.Fatal(err)
			}
		}
		if text, err := io.ReadAll(body); err != nil || string(text) != page {
			t.Errorf("asked for %q: %d bytes are served, %v, want the page", encoding, len(text), err)
		}
	}
}

func TestPagesDoNotRepeatTheListOfKinds(t *testing.T) {
	site := newSite(t, pages.Options{Versions: []string{schema.Latest}})
	const kind = "runtimeclass-v1-node.k8s.io.html"
	for _, name := range files(t, site) {
		if text := render(t, site, name); strings.HasPrefix(name, "types/container-") && strings.Contains(text, kind) {
			t.Errorf("%s lists all kinds", name)
		}
	}
	for _, name := range []string{"index.html", "nav.js"} {
		if !strings.Contains(render(t, site, name), kind) {
			t.Errorf("%s does not list the kinds", name)
		}
	}
}
