package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/browser"
	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/report"
	"github.com/seatrial/seatrial/source"
)

// recorded reads a plan that was made by seatrial plan -o json.
func recorded(t *testing.T, name string) *plan.Plan {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var p plan.Plan
	if err := json.Unmarshal(data, &p); err != nil {
		t.Fatal(err)
	}
	return &p
}

func page(t *testing.T, p *plan.Plan, files ...report.SourceFile) string {
	t.Helper()
	format, err := report.LookupPlan("html")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := format.Write(&b, p, report.PlanOptions{Files: files}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// open shows a plan in a browser, as a file.
func open(t *testing.T, p *plan.Plan, width, height int64, files ...report.SourceFile) *browser.Page {
	t.Helper()
	dir := t.TempDir()
	text := page(t, p, files...)
	if err := os.WriteFile(filepath.Join(dir, "plan.html"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	b := browser.Open(t, (&url.URL{Scheme: "file", Path: dir}).String()+"/", width, height)
	b.Open("plan.html")
	b.Until(`document.documentElement.dataset.ready === "yes"`)
	return b
}

func TestPageOfAPlanNeedsNothingElse(t *testing.T) {
	p := recorded(t, "rollout.plan.json")
	p.Reason = `</script><script>alert(1)</script>`
	p.Converged = false
	text := page(t, p)
	if n := strings.Count(text, "</script>"); n != 2 {
		t.Errorf("%d ends of scripts, want 2: the data has broken out", n)
	}
	if found := regexp.MustCompile(`(src|href)="https?:`).FindString(text); found != "" {
		t.Errorf("the page asks for something: %s", found)
	}
	if again := page(t, p); again != text {
		t.Error("the same plan gives another page")
	}
}

func TestPageOfAPlanInABrowser(t *testing.T) {
	p := recorded(t, "rollout.plan.json")
	p.Findings = []diag.Diagnostic{{Rule: "image-tag-latest", Severity: diag.Warning, Message: "tag latest moves",
		Range: source.Range{
			File: "new.yaml", Start: source.Pos{Line: 2, Column: 1}, End: source.Pos{Line: 2, Column: 3},
		}}}
	b := open(t, p, 1280, 1000, report.SourceFile{Name: "new.yaml", Lines: []string{"a: 1", "b: 2"}})
	b.Until(`document.querySelector("h1").textContent.startsWith("Completes after")`)
	b.Until(
		`document.querySelectorAll(".gantt .row.pod i").length > 10 && document.querySelectorAll(".nodes .row").length === 3`,
	)
	b.Until(
		`document.querySelector(".chart .l-avail") && document.querySelector(".minlabel").textContent.includes("at least")`,
	)
	b.Until(
		`document.querySelectorAll(".matrix tbody tr").length === 3 && document.querySelector(".matrix").textContent.includes("NodeResourcesFit")`,
	)
	b.Until(`document.querySelector("#changes del").textContent === "nginx:1.27"`)
	b.Shot("plan-light")

	// Time moves by keys, by the play button, and by an event.
	b.Do(chromedp.Focus("#scrub input"))
	b.Press(kb.End)
	b.Until(
		fmt.Sprintf(
			`parseFloat(document.querySelector("#scrub output").textContent) >= %.1f - 0.1`,
			p.VirtualSeconds.Seconds(),
		),
	)
	b.Press(kb.ArrowLeft)
	b.Until(`document.querySelector("#scrub input").value < 10000`)
	b.Press(kb.Home)
	b.Until(`document.querySelector("#scrub output").textContent === "0.0 s"`)
	b.Eval(`document.querySelector("#scrub .play").click()`)
	b.Until(
		`parseFloat(document.querySelector("#scrub output").textContent) > 1 && document.querySelector("#scrub .play").getAttribute("aria-label") === "Pause"`,
	)
	b.Eval(`document.querySelector("#scrub .play").click()`)
	b.Until(`document.querySelector("#scrub .play").getAttribute("aria-label") === "Play"`)
	b.Eval(`location.hash = "t=16"`)
	b.Until(
		`document.querySelector("#scrub output").textContent === "16.0 s" && document.querySelector(".legend").textContent.includes("available")`,
	)
	b.Shot("plan-scrubbed")

	// A pod shows its decision, a risk its line.
	b.Eval(`document.querySelectorAll(".gantt .row.pod")[3].click()`)
	b.Until(`document.querySelector(".gantt .row.pod[aria-current]")`)
	b.Eval(`document.querySelector("#risks a.where").click()`)
	b.Until(`document.querySelector(".source li:target").textContent.includes("tag latest moves")`)

	b.Eval(`document.querySelector("#theme").click()`)
	b.Until(`getComputedStyle(document.body).backgroundColor === "rgb(15, 19, 26)"`)
	b.Shot("plan-dark")
}

func TestPageOfAStalledPlanOnAPhone(t *testing.T) {
	b := open(t, recorded(t, "stalled.plan.json"), 390, 844)
	b.Until(`document.querySelector(".verdict.stalls h1").textContent.includes("Insufficient cpu")`)
	b.Until(`document.documentElement.scrollWidth <= 390`)
	b.Until(`document.querySelector(".matrix").textContent.includes("not reached")`)
	b.Until(`document.querySelector(".gantt .row.node").textContent.startsWith("no node")`)
	b.Shot("plan-phone")
}

// TestPageOfALostNode: a pod whose node is lost is not drawn as ready, although its containers say so.
func TestPageOfALostNode(t *testing.T) {
	b := open(t, recorded(t, "lost-node.plan.json"), 1280, 1000)
	b.Eval(`location.hash = "t=100"`)
	b.Until(
		`document.querySelector(".legend").textContent.includes("1 failing") && document.querySelector(".legend").textContent.includes("1 ready, from before")`,
	)
	b.Until(`document.querySelector(".gantt .row.pod .k-fail")`)
	b.Until(`document.querySelector(".tiles").textContent.includes("1 of 2least available")`)
	// at most three pods at a time
	b.Until(`![...document.querySelectorAll(".chart text")].some((n) => n.textContent === "4")`)
	b.Shot("plan-lost-node")
}

// TestPageOfLongNames: names are cut in their middle, so that the end tells pods apart.
func TestPageOfLongNames(t *testing.T) {
	p := recorded(t, "rollout.plan.json")
	for i := range p.Pods {
		p.Pods[i].Object.Name = strings.Repeat("a-long-name-", 8) + p.Pods[i].Object.Name
	}
	b := open(t, p, 1280, 1000)
	b.Until(`[...document.querySelectorAll(".gantt .row.pod .name")].every((name) => {
		const [head, tail] = name.children, outer = name.getBoundingClientRect();
		return head.scrollWidth > head.clientWidth && head.clientWidth > 30 && tail.textContent.length === 6 &&
			tail.getBoundingClientRect().right <= outer.right && name.textContent === name.title;
	})`)
	b.Shot("plan-long-names")
}

func TestPageOfWhatIf(t *testing.T) {
	p := recorded(t, "stalled.plan.json")
	web := p.Workloads[0].Object
	p.Remedies = []plan.Remedy{
		{
			Change: "maxSurge 0, maxUnavailable 1", Object: web, CompletesAt: plan.Time(18500 * time.Millisecond),
			Desired: 3, MinAvailable: 2,
		},
	}
	p.Outcomes = []plan.Outcome{
		{
			Kind: plan.DrainNode, Target: "node-1", Converged: true,
			Workloads: []plan.OutcomeWorkload{{Object: web, Desired: 3, MinAvailable: 2}},
		},
		{
			Kind: plan.FailZone, Target: "zone-a", Reason: "0/3 nodes are available",
			Workloads: []plan.OutcomeWorkload{{Object: web, Desired: 3, MinAvailable: 0}}, Unschedulable: 1,
		},
	}
	b := open(t, p, 1280, 1000)
	b.Until(`document.querySelector(".remedy li").textContent.includes("after 18.5 s, at least 2 of 3 available")`)
	b.Until(
		`document.querySelectorAll("#whatif tbody tr").length === 2 && document.querySelector("#whatif .chip.no").textContent === "stalls"`,
	)
	b.Until(`document.querySelector("#whatif").textContent.includes("1 case of 2 without a good end")`)
	b.Eval(`document.querySelector("#whatif").scrollIntoView()`)
	b.Shot("plan-whatif")
}

// TestPageOfManyPods: rows out of sight are not there, so that a thousand pods stay light.
func TestPageOfManyPods(t *testing.T) {
	p := recorded(t, "rollout.plan.json")
	pods := p.Pods
	for i := range 1000 {
		pod := pods[i%len(pods)]
		pod.Object.Name = fmt.Sprintf("%s-%d", pod.Object.Name, i)
		p.Pods = append(p.Pods, pod)
	}
	b := open(t, p, 1280, 1000)
	b.Until(
		`document.querySelectorAll(".gantt .row.pod").length > 10 && document.querySelectorAll(".gantt .row.pod").length < 120`,
	)
	b.Eval(`document.querySelector(".gantt").scrollTop = 1e6`)
	b.Until(
		`[...document.querySelectorAll(".gantt .row.pod")].some((r) => Math.abs(r.getBoundingClientRect().bottom - document.querySelector(".gantt").getBoundingClientRect().bottom) < 6)`,
	)
}
