package pages_test

import (
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/seatrial/seatrial/explain/pages"
	"github.com/seatrial/seatrial/internal/browser"
	"github.com/seatrial/seatrial/schema"
)

const shown = `((id) => { const n = document.getElementById(id)?.querySelector(".v:not([hidden]) .n"); return !!n && n.checkVisibility() })`

func serve(t *testing.T, versions ...string) string {
	t.Helper()
	site, err := pages.New(pages.Options{
		Versions: versions,
		Rules: func(_ *schema.Kind, path string) []string {
			if strings.HasSuffix(path, "containers.image") {
				return []string{"image-tag-latest", "image-tag-missing"}
			}
			return nil
		},
		RuleDocs: []pages.Rule{
			{
				Name: "image-tag-latest", Title: "image that changes", Category: "images", Severity: "warning",
				Doc: "Name a tag.", URL: "https://example.com/", Bad: "a: b\n", Good: "a: c\n",
			},
			{
				Name: "image-tag-missing", Title: "image without a tag", Category: "images", Severity: "warning",
				Optional: true, Doc: "Name a tag.",
			},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(site.Handler())
	t.Cleanup(server.Close)
	return server.URL + "/"
}

func TestPagesInABrowser(t *testing.T) {
	b := browser.Open(t, serve(t, "1.25", "1.33", "1.37"), 1440, 1000)
	b.Open("")
	b.Until(`document.querySelectorAll(".cards a").length > 50`)
	b.Shot("start")

	// A deep link opens what stands above the field.
	b.Open("deployment-v1-apps.html#spec.template.spec.containers.image")
	b.Until(shown + `("spec.template.spec.containers.image")`)
	b.Until(`document.getElementById("spec.template.spec.containers.image").getBoundingClientRect().top < 300`)
	b.Until(`document.querySelector(".path").textContent === "spec.template.spec.containers.image"`)
	b.Shot("deep-link")
	// The path stays in sight, and is that of the field that is read.
	b.Eval(`scrollBy({top: 3000, behavior: "instant"})`)
	b.Until(
		`/^spec\.template\.spec\.containers\./.test(document.querySelector(".path").textContent) && !document.querySelector(".path").textContent.endsWith(".image")`,
	)
	b.Until(
		`document.querySelector(".path").getBoundingClientRect().top >= document.querySelector(".top").getBoundingClientRect().bottom - 1`,
	)
	b.Do(chromedp.Click(".path a:nth-last-of-type(2)"))
	b.Until(
		`document.querySelector(".f.here").id === decodeURIComponent(location.hash.slice(1)) && document.querySelector(".path").textContent === document.querySelector(".f.here").id`,
	)

	// A part that two fields share is loaded once.
	b.Open("pod-v1-core.html#spec.containers.livenessProbe")
	b.Until(shown + `("spec.containers.livenessProbe.httpGet")`)
	b.Open("pod-v1-core.html#spec.initContainers.livenessProbe")
	b.Until(shown + `("spec.initContainers.livenessProbe.httpGet")`)
	b.Eval(`document.querySelector(".open").click()`)
	b.Until(shown + `("spec.containers.livenessProbe.httpGet.port") && !document.querySelector("details[data-part]")`)
	b.Until(
		`new Set(performance.getEntriesByType("resource").map((r) => r.name)).size === performance.getEntriesByType("resource").length`,
	)

	// Rules are links, also in parts.
	b.Open("deployment-v1-apps.html#spec.template.spec.containers.image")
	b.Until(shown + `("spec.template.spec.containers.image")`)
	b.Do(chromedp.Click(`[id="spec.template.spec.containers.image"] .rules a`))
	b.Until(
		`location.pathname === "/rules.html" && document.querySelector(":target details")?.open && document.querySelector(":target h3").checkVisibility()`,
	)
	b.Shot("rule")

	// A type that holds itself ends.
	b.Open("customresourcedefinition-v1-apiextensions.k8s.io.html#spec.versions.schema.openAPIV3Schema.not")
	b.Until(shown + `("spec.versions.schema.openAPIV3Schema.not")`)

	// The version switch takes away what the version has not, and marks what is new.
	b.Open("pod-v1-core.html#spec")
	b.Until(shown + `("spec.hostnameOverride")`)
	b.Do(chromedp.SetValue("#ui-version", "0"))
	b.Eval(`document.querySelector("#ui-version").dispatchEvent(new Event("change"))`)
	b.Until(`!` + shown + `("spec.hostnameOverride")`)
	b.Until(`document.getElementById("spec.hostUsers").classList.contains("new")`)
	b.Until(`location.search === "?kubernetes=1.25"`)
	b.Do(chromedp.Click(".only"))
	b.Until(`!` + shown + `("spec.hostname") && ` + shown + `("spec.hostUsers")`)
	b.Shot("new-in-1.25")
	b.Open("deployment-v1-apps.html") // the choice is kept
	b.Until(`document.querySelector("#ui-version").selectedOptions[0].textContent === "1.25"`)

	// Keys: the search, its hits, the field.
	b.Open("index.html?kubernetes=1.37")
	b.Until(`document.readyState === "complete"`)
	b.Press("/")
	b.Until(`document.activeElement.id === "ui-search"`)
	b.Press("graceful termination")
	b.Until(
		`[...document.querySelectorAll("#ui-hits li")].some((li) => li.textContent.includes("terminationGracePeriodSeconds"))`,
	)
	b.Until(`document.querySelectorAll("#ui-hits mark").length > 3`)
	b.Shot("search")
	b.Press(kb.Escape, "topologyKey") // the first empties the prompt
	b.Until(`document.querySelector("#ui-hits [aria-selected=true] .where")?.textContent.includes("topologyKey")`)
	b.Press(kb.ArrowDown)
	b.Until(`document.querySelectorAll("#ui-hits a")[1].getAttribute("aria-selected") === "true"`)
	b.Press(kb.ArrowUp, kb.Enter)
	b.Until(`location.hash.endsWith("topologyKey")`)
	b.Until(shown + `(decodeURIComponent(location.hash.slice(1)))`)
	b.Press("k")
	b.Until(`document.activeElement.classList.contains("n")`)
	b.Press(kb.ArrowLeft)
	b.Press("?")
	b.Until(`document.querySelector("#ui-help").open`)
	b.Press(kb.Escape)
	b.Until(`!document.querySelector("#ui-help").open`)

	// Arrows walk, open and close the fields.
	b.Open("service-v1-core.html#spec")
	b.Until(shown + `("spec")`)
	b.Do(chromedp.Focus("#spec > .v > .h > .n"))
	b.Press(kb.ArrowLeft)
	b.Until(`!document.querySelector("#spec > details").open`)
	b.Press(kb.ArrowRight)
	b.Until(`document.querySelector("#spec > details").open`)
	b.Press(kb.ArrowRight)
	b.Until(`document.activeElement.textContent === "allocateLoadBalancerNodePorts"`)
	b.Press(kb.ArrowLeft)
	b.Until(`document.activeElement.textContent === "spec"`)
	b.Press(kb.ArrowLeft)
	b.Until(`!document.querySelector("#spec > details").open`)

	// A type, and the way back to what holds it.
	b.Open("types/container-v1-core.html")
	b.Until(`[...document.querySelectorAll(".appears a")].some((a) => a.textContent === "PodSpec")`)
	b.Shot("type")

	// Dark by the system, light by the switch.
	b.Do(browser.Scheme("dark"))
	b.Open("deployment-v1-apps.html#spec.strategy")
	b.Until(`getComputedStyle(document.body).backgroundColor === "rgb(15, 19, 26)"`)
	b.Shot("dark")
	b.Do(chromedp.Click(".theme"))
	b.Until(`getComputedStyle(document.body).backgroundColor === "rgb(255, 255, 255)"`)
}

func TestPagesOnAPhone(t *testing.T) {
	b := browser.Open(t, serve(t, "1.25", "1.37"), 390, 844)
	for _, name := range []string{
		"index.html", "pod-v1-core.html#spec.containers", "types/objectmeta-v1-meta.html",
		"customresourcedefinition-v1-apiextensions.k8s.io.html",
	} {
		b.Open(name)
		b.Until(`document.readyState === "complete" && document.documentElement.scrollWidth <= 390`)
	}
	b.Open("pod-v1-core.html#spec.containers.image")
	b.Until(shown + `("spec.containers.image")`)
	b.Shot("phone")
	b.Open("pod-v1-core.html")
	b.Until(`document.readyState === "complete"`)
	b.Shot("phone-top")
	b.Until(`!document.querySelector("nav").checkVisibility()`)
	b.Do(chromedp.Click(".menu"))
	b.Until(`document.querySelector("nav").checkVisibility() && document.activeElement.textContent === "Pod"`)
	b.Shot("phone-menu")
	b.Press(kb.Escape)
	b.Until(`!document.querySelector("nav").checkVisibility()`)
	b.Do(chromedp.SendKeys("#ui-search", "secret"))
	b.Until(`document.querySelectorAll("#ui-hits li").length > 5 && document.documentElement.scrollWidth <= 390`)
	b.Shot("phone-search")
}

// TestSearchTakesTypingErrors finds what a word was meant to be.
func TestSearchTakesTypingErrors(t *testing.T) {
	b := browser.Open(t, serve(t, "1.37"), 1440, 1000)
	b.Open("index.html")
	b.Until(`document.readyState === "complete"`)
	b.Press("/")
	for typed, want := range map[string]string{
		"tolertions": "Pod.spec.tolerations", "livenesProbe": "Pod.spec.containers.livenessProbe",
		"deploymnet":   "Deployment",
		"pod replcias": "Deployment.spec.replicas", "readness": "Pod.spec.containers.readinessProbe",
	} {
		b.Eval(`document.querySelector("#ui-search").value = ""`)
		b.Press(typed)
		b.Until(`[...document.querySelectorAll("#ui-hits .where b")].some((w) => w.textContent === "` + want + `")`)
		b.Until(
			`document.querySelector(".drop .state").textContent.startsWith("nothing has ` + typed + `: looked for ")`,
		)
	}
	b.Shot("search-typo")
	b.Eval(`document.querySelector("#ui-search").value = ""`)
	b.Press("qqqqxxxx")
	b.Until(`document.querySelector(".drop .state").textContent === "nothing in Kubernetes 1.37 matches"`)
}

// TestPagesAreAccessible asks axe-core, in both colours.
func TestPagesAreAccessible(t *testing.T) {
	axe := browser.Axe(t)
	b := browser.Open(t, serve(t, "1.24", "1.25", "1.37"), 1400, 900)
	for _, scheme := range []string{"light", "dark"} {
		b.Do(browser.Scheme(scheme))
		for _, name := range []string{
			"index.html", "pod-v1-core.html#spec.containers.livenessProbe", "cronjob-v1beta1-batch.html",
			"types/container-v1-core.html",
			"cronjob-v1-batch.html?kubernetes=1.25", "rules.html#image-tag-latest",
		} {
			b.Open(name)
			b.Until(`document.readyState === "complete" && !document.querySelector("details[open][data-part]")`)
			b.Accessible(axe)
		}
		b.Press("/", "tolerations")
		b.Until(`document.querySelectorAll("#ui-hits li").length > 3`)
		b.Accessible(axe)
		b.Press(kb.Escape, kb.Escape, "?")
		b.Until(`document.querySelector("#ui-help").open`)
		b.Accessible(axe)
	}
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
	b := browser.Open(t, (&url.URL{Scheme: "file", Path: dir}).String()+"/", 1440, 1000)
	b.Open("index.html")
	b.Until(`document.readyState === "complete"`)
	b.Press("/")
	b.Press("deploym")
	b.Until(`document.querySelector("#ui-hits li")?.textContent.includes("Deployment")`)
	b.Press(kb.Enter)
	b.Until(`location.pathname.endsWith("/deployment-v1-apps.html")`)
	b.Until(shown + `("spec.replicas")`)
	b.Open("deployment-v1-apps.html#spec.template.spec.containers.image")
	b.Until(shown + `("spec.template.spec.containers.image")`)
	b.Open("types/container-v1-core.html")
	b.Until(`document.styleSheets.length === 1 && getComputedStyle(document.querySelector(".top")).display === "flex"`)
}

// TestPagesWithoutScripts: all is there, and the place of a link is in sight.
func TestPagesWithoutScripts(t *testing.T) {
	b := browser.Open(t, serve(t, "1.25", "1.37"), 1440, 1000)
	b.Do(browser.Command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	b.Open("pod-v1-core.html#spec.containers.image")
	b.Shot("no-script")
	text, err := chromedp.Run(b.Context, chromedp.Text("main"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text, "Pod is a collection of containers") {
		t.Errorf("got %.300s", text)
	}
}
