// Package browser opens pages in a real headless Chromium, for tests.
//
// The central type is [Page]. What the browser complains of, a policy that is broken among it, and each request that
// leaves the site, fails the test; without a Chromium it is skipped:
//
//	b := browser.Open(t, server.URL+"/", 1440, 1000)
//	b.Open("index.html")
//	b.Until(`document.readyState === "complete"`)
package browser

import (
	"context"
	"fmt"
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
)

// Page is a page in a real headless Chromium. What the browser complains of, and each request that leaves
// the site, fails the test.
type Page struct {
	*testing.T
	Context context.Context // of the tab
	root    string          // of the site: http://127.0.0.1:1234/ or file:///tmp/...
}

// Open opens a window on a site; the test is skipped where there is no Chromium.
func Open(t *testing.T, root string, width, height int64) *Page {
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
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox,
		chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.WSURLReadTimeout(2*time.Minute))
	ctx, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	b := &Page{t, ctx, root}
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
	b.Do(Command(log.Enable, cdp.Empty{}), Command(network.Enable, network.EnableParams{}),
		Command(runtime.Enable, cdp.Empty{}),
		Command(
			emulation.SetDeviceMetricsOverride,
			emulation.SetDeviceMetricsOverrideParams{
				Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 600,
			},
		), Scheme("light"))
	return b
}

// Command is an action that sends a command of the browser's protocol.
func Command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, c, params)
		return err
	})
}

// Scheme makes the browser ask for a light or a dark page.
func Scheme(name string) chromedp.Action[chromedp.Void] {
	return Command(
		emulation.SetEmulatedMedia,
		emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"},
			},
		},
	)
}

// Do has the browser act.
func (b *Page) Do(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context, 3*time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.Fatal(err)
	}
}

// Eval has the page do something.
func (b *Page) Eval(script string) {
	b.Helper()
	if _, err := chromedp.Run(b.Context, chromedp.Evaluate[any](script)); err != nil {
		b.Fatal(err)
	}
}

// Open goes to a page of the site.
func (b *Page) Open(name string) {
	b.Helper()
	b.Do(chromedp.Navigate("about:blank"), chromedp.Navigate(b.root+name))
}

// Until waits for an expression to be true.
func (b *Page) Until(expression string) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context, time.Minute)
	defer cancel()
	for {
		_, err := chromedp.Run(ctx, chromedp.Poll[any](expression))
		if err == nil {
			return
		}
		if strings.Contains(err.Error(), "context with specified id") {
			continue // the page that was asked has just been left
		}
		state, _ := chromedp.Run(
			b.Context,
			chromedp.Evaluate[string](`location.href + " " + document.activeElement.outerHTML.slice(0, 300)`),
		)
		b.Fatalf("%s: %v; at %s", expression, err, state)
	}
}

// Press types keys.
func (b *Page) Press(keys ...string) {
	b.Helper()
	for _, k := range keys {
		b.Do(chromedp.KeyEvent(k))
	}
}

// Shot keeps a picture of the window in the folder that SHOTS names, for people to look at.
func (b *Page) Shot(name string) {
	b.Helper()
	b.shot(name, chromedp.CaptureScreenshot())
}

// ShotOfAll is like Shot, of the whole page.
func (b *Page) ShotOfAll(name string) {
	b.Helper()
	b.shot(name, chromedp.FullScreenshot(100))
}

func (b *Page) shot(name string, take chromedp.Action[[]byte]) {
	b.Helper()
	dir := os.Getenv("SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.Context, take)
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		b.Fatal(err)
	}
}
