package site_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/seatrial/seatrial/internal/browser"
	"github.com/seatrial/seatrial/internal/playground/site"
)

// folder is where make playground writes the pages; SEATRIAL_PLAYGROUND names another one.
const folder = "../../../bin/playground"

// open opens the playground in a browser. Requests counts the requests to the server.
func open(t *testing.T, width int64) (page *browser.Page, requests func() []string) {
	t.Helper()
	dir := folder
	if other := os.Getenv("SEATRIAL_PLAYGROUND"); other != "" {
		dir = other
	}
	if _, err := site.Find(dir); err != nil {
		t.Skip(err) // it compiles Kubernetes once more
	}
	var mu sync.Mutex
	var asked []string
	handler := site.Handler(dir)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.URL.Path)
		mu.Unlock()
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return browser.Open(t, server.URL+"/", width, 900), func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string(nil), asked...)
	}
}

const ready = `performance.getEntriesByName("verdict").length > 0`

// load waits until the page has judged its text.
func load(b *browser.Page) {
	b.Helper()
	for range 180 { // a machine that is busy compiles the linter slowly
		if done, _ := chromedp.Run(b.Context, chromedp.Evaluate[bool](ready)); done {
			took, _ := chromedp.Run(
				b.Context, chromedp.Evaluate[float64](`performance.getEntriesByName("verdict")[0].startTime`),
			)
			b.Logf("first verdict after %.1f s", took/1000)
			return
		}
		time.Sleep(time.Second)
	}
	b.Until(ready)
}

// set replaces the text of the editor, as a paste does.
func set(text string) string {
	return fmt.Sprintf(`(() => {
		const content = document.getElementById("editor").shadowRoot.querySelector(".cm-content");
		content.focus();
		content.dispatchEvent(new KeyboardEvent("keydown", {key: "a", code: "KeyA", keyCode: 65, ctrlKey: true, bubbles: true}));
		const clipboardData = new DataTransfer();
		clipboardData.setData("text/plain", %q);
		content.dispatchEvent(new ClipboardEvent("paste", {clipboardData, bubbles: true, cancelable: true}));
		return true;
	})()`, text)
}

func TestThePageJudgesAndAsksForNothing(t *testing.T) {
	b, requests := open(t, 1400)
	b.Open("")
	load(b)
	loaded := len(requests())
	b.Until(`/rejects this: 2 errors/.test(document.getElementById("verdict").textContent)`)
	b.Shot("playground-light")
	b.Eval(`document.getElementById("theme").click()`)
	b.Shot("playground-dark")
	b.Eval(
		`[...document.querySelectorAll(".finding .button")].find((f) => f.textContent.includes("containers[0].image")).click()`,
	)
	b.Until(`/rejects this: 1 error$/.test(document.getElementById("verdict").textContent)`)
	b.Eval(set("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n"))
	b.Until(`/accepts this/.test(document.getElementById("verdict").textContent)`)
	b.Eval(`document.getElementById("tab-explain").click()`)
	b.Until(`/configmap/i.test(document.querySelector("#explain h2")?.textContent ?? "")`)
	b.Shot("playground-explain")
	b.Eval(`document.getElementById("tab-convert").click(); document.querySelector("[data-form=json]").click()`)
	b.Until(`document.getElementById("converted").textContent.includes('"kind": "ConfigMap"')`)
	b.Eval(`document.getElementById("share").click()`)
	b.Until(`location.hash.startsWith("#v=")`)
	if after := requests(); len(after) != loaded {
		t.Errorf("requests after the page was loaded: %q", after[loaded:])
	}
}

func TestTheVersionDecides(t *testing.T) {
	b, _ := open(t, 1400)
	b.Open("")
	load(b)
	b.Eval(set("apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata:\n  name: web\n"))
	b.Until(`/rejects this/.test(document.getElementById("verdict").textContent)`)
	b.Eval(
		`(() => { const v = document.getElementById("version"); v.value = "1.24"; v.dispatchEvent(new Event("change")); })()`,
	)
	b.Until(`/1\.24 accepts this/.test(document.getElementById("verdict").textContent)`)
}

func TestASharedTextOpens(t *testing.T) {
	b, _ := open(t, 400)
	b.Open("#v=1.30&t=S04sSM1LTVGwBQA") // not a text that can be read: the first example
	load(b)
	b.Eval(set("kind: Shared\n"))
	b.Eval(`document.getElementById("share").click()`)
	b.Until(`location.hash.startsWith("#v=")`)
	b.Shot("playground-phone")
	b.Eval(`location.reload()`)
	b.Until(ready + ` && document.getElementById("editor").shadowRoot.textContent.includes("Shared")`)
	b.Until(`document.documentElement.scrollWidth <= innerWidth`)
}

func TestTheSmallestFormIsServed(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"seatrial-1.wasm.gz": "gzip", "seatrial-1.wasm.br": "br", "seatrial-2.wasm.gz": "gzip", "index.html": "page",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if found, err := site.Find("nowhere", dir); err != nil || found != dir {
		t.Errorf("found %q, %v", found, err)
	}
	for _, c := range []struct {
		path, accepts, encoding string
		code                    int
	}{
		{"/seatrial-1.wasm", "gzip, deflate, br, zstd", "br", 200},
		{"/seatrial-1.wasm", "gzip;q=1.0", "gzip", 200},
		{"/seatrial-2.wasm", "br, gzip", "gzip", 200},
		{"/seatrial-1.wasm", "", "", 404},
		{"/seatrial-3.wasm", "br", "", 404},
	} {
		r := httptest.NewRequest("GET", "http://127.0.0.1:8080"+c.path, nil)
		r.Header.Set("Accept-Encoding", c.accepts)
		w := httptest.NewRecorder()
		site.Handler(dir).ServeHTTP(w, r)
		if got := w.Header().Get("Content-Encoding"); w.Code != c.code || got != c.encoding ||
			got != "" && w.Body.String() != got {
			t.Errorf("%s for %q: %d, encoded as %q: %q", c.path, c.accepts, w.Code, got, w.Body)
		}
		if got := w.Header().Get("Content-Type"); c.code == 200 && got != "application/wasm" {
			t.Errorf("%s has the type %q", c.path, got)
		}
	}
}

func TestFindSaysWhatToDo(t *testing.T) {
	if _, err := site.Find("elsewhere", "anywhere"); err == nil ||
		!strings.Contains(err.Error(), "no playground in elsewhere") {
		t.Errorf("got %v", err)
	}
}
