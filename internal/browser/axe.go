package browser

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// axeEnv names the file axe.min.js of axe-core, where it is not among the playground's modules.
const axeEnv = "SEATRIAL_AXE"

// findings is a script that writes what axe finds on the page into window.axeFindings, one line for each element.
const findings = `axe.run().then((r) => {
  window.axeFindings = r.violations.flatMap((v) => v.nodes.map((n) =>
    v.id + ": " + v.help + ": " + n.target.join(" ") + ": " + n.html.slice(0, 200))).join("\n");
}); true`

// Axe returns the script of axe-core, for [Page.Accessible]. The test is skipped where there is none: npm ci in
// playground/web installs it.
func Axe(t *testing.T) string {
	t.Helper()
	script, err := axeScript()
	if err != nil {
		t.Skipf("no axe-core here: run npm ci in playground/web, or set %s to axe.min.js: %v", axeEnv, err)
	}
	return script
}

// Accessible fails the test if axe-core finds that the page is hard to use for somebody.
func (b *Page) Accessible(axe string) {
	b.Helper()
	b.Eval(axe + "; true")
	b.Eval("window.axeFindings = undefined; " + findings)
	b.Until("window.axeFindings !== undefined")
	found, err := chromedp.Run(b.Context, chromedp.Evaluate[string]("window.axeFindings"))
	if err != nil {
		b.Fatal(err)
	}
	if found != "" {
		b.Errorf("axe finds\n%s", found)
	}
}

// axeScript returns the text of axe-core.
func axeScript() (string, error) {
	if name := os.Getenv(axeEnv); name != "" {
		data, err := os.ReadFile(name)
		return string(data), err
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil || dir == filepath.Dir(dir) {
			data, err := os.ReadFile(filepath.Join(dir, "playground", "web", "node_modules", "axe-core", "axe.min.js"))
			return string(data), err
		}
		dir = filepath.Dir(dir)
	}
}
