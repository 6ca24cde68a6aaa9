package pages_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/seatrial/seatrial/explain/pages"
)

// browser is a page in a real headless Chromium. What the browser complains of, and each request that leaves
// the site, fails the test.
type browser struct {
	*testing.T
	ctx  context.Context
	root string // of the site: http://127.0.0.1:1234/ or file:///tmp/...
}

// browse opens a window on a site; the test is skipped where there is no Chromium.
func browse(t *testing.T, root string, width, height int64) *browser {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		t.Skip("no Chromium here: install the package chromium to run the pages in a real browser")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.WSURLReadTimeout(2*time.Minute))
	ctx, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	b := &browser{t, ctx, root}
	var mu sync.Mutex
	var complaints []string
	complain := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		complaints = append(complaints, fmt.Sprintf(format, args...))
	}
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *log.EventEntryAdded:
			complain("%s: %s", e.Entry.Source, e.Entry.Text)
		case *runtime.EventExceptionThrown:
			complain("exception: %s %v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception)
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, root) {
				complain("request to %s", e.Request.URL)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		for _, c := range complaints {
			t.Error(c)
		}
	})
	b.do(command(log.Enable, cdp.Empty{}), command(network.Enable, network.EnableParams{}), command(runtime.Enable, cdp.Empty{}),
		command(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 600}), scheme("light"))
	return b
}

// command is an action that sends a command of the browser's protocol.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, c, params)
		return err
	})
}

func scheme(name string) chromedp.Action[chromedp.Void] {
	return command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
}

func (b *browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 3*time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.Fatal(err)
	}
}

// run has the page do something.
func (b *browser) run(script string) {
	b.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[any](script)); err != nil {
		b.Fatal(err)
	}
}

// open goes to a page of the site.
func (b *browser) open(name string) {
	b.Helper()
	b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(b.root+name))
}

// until waits for an expression to be true.
func (b *browser) until(expression string) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	for {
		_, err := chromedp.Run(ctx, chromedp.Poll[any](expression))
		if err == nil {
			return
		}
		if strings.Contains(err.Error(), "context with specified id") {
			continue // the page that was asked has just been left
		}
		state, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.href + " " + document.activeElement.outerHTML.slice(0, 300)`))
		b.Fatalf("%s: %v; at %s", expression, err, state)
	}
}

func (b *browser) press(keys ...string) {
	b.Helper()
	for _, k := range keys {
		b.do(chromedp.KeyEvent(k))
	}
}

// shot keeps a picture in the folder that SHOTS names, for people to look at.
func (b *browser) shot(name string) {
	b.Helper()
	dir := os.Getenv("SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		b.Fatal(err)
	}
}

const shown = `((id) => { const n = document.getElementById(id)?.querySelector(".v:not([hidden]) .n"); return !!n && n.checkVisibility() })`

func serve(t *testing.T, versions ...string) string {
	t.Helper()
	site, err := pages.New(pages.Options{Versions: versions})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(site.Handler())
	t.Cleanup(server.Close)
	return server.URL + "/"
}

func TestPagesInABrowser(t *testing.T) {
	b := browse(t, serve(t, "1.25", "1.33", "1.37"), 1440, 1000)
	b.open("")
	b.until(`document.querySelectorAll(".cards a").length > 50`)
	b.shot("start")

	// A deep link opens what stands above the field.
	b.open("deployment-v1-apps.html#spec.template.spec.containers.image")
	b.until(shown + `("spec.template.spec.containers.image")`)
	b.until(`document.getElementById("spec.template.spec.containers.image").getBoundingClientRect().top < 300`)
	b.shot("deep-link")

	// The version switch takes away what the version has not, and marks what is new.
	b.open("pod-v1-core.html#spec")
	b.until(shown + `("spec.hostnameOverride")`)
	b.do(chromedp.SetValue("#ui-version", "0"))
	b.run(`document.querySelector("#ui-version").dispatchEvent(new Event("change"))`)
	b.until(`!` + shown + `("spec.hostnameOverride")`)
	b.until(`document.getElementById("spec.hostUsers").classList.contains("new")`)
	b.until(`location.search === "?kubernetes=1.25"`)
	b.do(chromedp.Click(".only"))
	b.until(`!` + shown + `("spec.hostname") && ` + shown + `("spec.hostUsers")`)
	b.shot("new-in-1.25")
	b.open("deployment-v1-apps.html") // the choice is kept
	b.until(`document.querySelector("#ui-version").selectedOptions[0].textContent === "1.25"`)

	// Keys: the search, its hits, the field.
	b.open("index.html?kubernetes=1.37")
	b.until(`document.readyState === "complete"`)
	b.press("/")
	b.until(`document.activeElement.id === "ui-search"`)
	b.press("graceful termination")
	b.until(`[...document.querySelectorAll("#ui-hits li")].some((li) => li.textContent.includes("terminationGracePeriodSeconds"))`)
	b.until(`document.querySelectorAll("#ui-hits mark").length > 3`)
	b.shot("search")
	b.press(kb.Escape, "topologyKey") // the first empties the prompt
	b.until(`document.querySelector("#ui-hits li[aria-selected=true] .where")?.textContent.includes("topologyKey")`)
	b.press(kb.ArrowDown)
	b.until(`document.querySelectorAll("#ui-hits li")[1].getAttribute("aria-selected") === "true"`)
	b.press(kb.ArrowUp, kb.Enter)
	b.until(`location.hash.endsWith("topologyKey")`)
	b.until(shown + `(decodeURIComponent(location.hash.slice(1)))`)
	b.press("k")
	b.until(`document.activeElement.classList.contains("n")`)
	b.press(kb.ArrowLeft)
	b.press("?")
	b.until(`document.querySelector("#ui-help").open`)
	b.press(kb.Escape)
	b.until(`!document.querySelector("#ui-help").open`)

	// Arrows walk, open and close the fields.
	b.open("service-v1-core.html#spec")
	b.until(shown + `("spec")`)
	b.do(chromedp.Focus("#spec > .v > .h > .n"))
	b.press(kb.ArrowLeft)
	b.until(`!document.querySelector("#spec > details").open`)
	b.press(kb.ArrowRight)
	b.until(`document.querySelector("#spec > details").open`)
	b.press(kb.ArrowRight)
	b.until(`document.activeElement.textContent === "allocateLoadBalancerNodePorts"`)
	b.press(kb.ArrowLeft)
	b.until(`document.activeElement.textContent === "spec"`)
	b.press(kb.ArrowLeft)
	b.until(`!document.querySelector("#spec > details").open`)

	// A type, and the way back to what holds it.
	b.open("types/container-v1-core.html")
	b.until(`[...document.querySelectorAll(".appears a")].some((a) => a.textContent === "PodSpec")`)
	b.shot("type")

	// Dark by the system, light by the switch.
	b.do(scheme("dark"))
	b.open("deployment-v1-apps.html#spec.strategy")
	b.until(`getComputedStyle(document.body).backgroundColor === "rgb(15, 19, 26)"`)
	b.shot("dark")
	b.do(chromedp.Click(".theme"))
	b.until(`getComputedStyle(document.body).backgroundColor === "rgb(255, 255, 255)"`)
}

func TestPagesOnAPhone(t *testing.T) {
	b := browse(t, serve(t, "1.25", "1.37"), 390, 844)
	for _, name := range []string{"index.html", "pod-v1-core.html#spec.containers", "types/objectmeta-v1-meta.html", "customresourcedefinition-v1-apiextensions.k8s.io.html"} {
		b.open(name)
		b.until(`document.readyState === "complete" && document.documentElement.scrollWidth <= 390`)
	}
	b.open("pod-v1-core.html#spec.containers.image")
	b.until(shown + `("spec.containers.image")`)
	b.shot("phone")
	b.open("pod-v1-core.html")
	b.until(`document.readyState === "complete"`)
	b.shot("phone-top")
	b.until(`!document.querySelector("nav").checkVisibility()`)
	b.do(chromedp.Click(".menu"))
	b.until(`document.querySelector("nav").checkVisibility() && document.activeElement.textContent === "Pod"`)
	b.shot("phone-menu")
	b.press(kb.Escape)
	b.until(`!document.querySelector("nav").checkVisibility()`)
	b.do(chromedp.SendKeys("#ui-search", "secret"))
	b.until(`document.querySelectorAll("#ui-hits li").length > 5 && document.documentElement.scrollWidth <= 390`)
	b.shot("phone-search")
}

// TestPagesAsFiles opens a folder of pages without a server.
func TestPagesAsFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "reference")
	site, err := pages.New(pages.Options{Versions: []string{"1.37"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := site.Write(dir); err != nil {
		t.Fatal(err)
	}
	b := browse(t, (&url.URL{Scheme: "file", Path: dir}).String()+"/", 1440, 1000)
	b.open("index.html")
	b.until(`document.readyState === "complete"`)
	b.press("/")
	b.press("deploym")
	b.until(`document.querySelector("#ui-hits li")?.textContent.includes("Deployment")`)
	b.press(kb.Enter)
	b.until(`location.pathname.endsWith("/deployment-v1-apps.html")`)
	b.until(shown + `("spec.replicas")`)
	b.open("types/container-v1-core.html")
	b.until(`document.styleSheets.length === 1 && getComputedStyle(document.querySelector(".top")).display === "flex"`)
}

// TestPagesWithoutScripts: all is there, and the place of a link is in sight.
func TestPagesWithoutScripts(t *testing.T) {
	b := browse(t, serve(t, "1.25", "1.37"), 1440, 1000)
	b.do(command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	b.open("pod-v1-core.html#spec.containers.image")
	b.shot("no-script")
	text, err := chromedp.Run(b.ctx, chromedp.Text("main"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text, "Pod is a collection of containers") {
		t.Errorf("got %.300s", text)
	}
}
