package report_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/browser"
	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/report"
	"github.com/seatrial/seatrial/source"
)

// sixty is a plan of sixty workloads of which one, Deployment pay/svc-37, has an image that does not exist.
func sixty(t *testing.T) *plan.Plan {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "sixty.plan.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var p plan.Plan
	if err := json.NewDecoder(z).Decode(&p); err != nil {
		t.Fatal(err)
	}
	return &p
}

// everything is a plan that stalls and has something in each part.
func everything(t *testing.T) *plan.Plan {
	p := recorded(t, "stalled.plan.json")
	web := p.Workloads[0].Object
	long := strings.Repeat("a-long-name-", 12)
	p.Reason = "Deployment " + long + ": " + p.Reason
	p.WayOut = "set maxSurge: 0 and maxUnavailable: 1 in the update strategy, so that an old pod goes first"
	p.Remedies = []plan.Remedy{
		{Change: "maxSurge 0", Object: web, CompletesAt: seconds(18), Desired: 3, MinAvailable: 2},
	}
	p.Expectations = []plan.Expectation{
		{Expect: "Deployment/web available >= 3 throughout", Message: "Deployment default/web: 2 available"},
		{Expect: "converged within 5m", Passed: true},
	}
	p.Outcomes = []plan.Outcome{
		{
			Kind: plan.DrainNode, Target: long, Converged: true,
			Workloads: []plan.OutcomeWorkload{{Object: web, Desired: 3}},
		},
		{
			Kind: plan.FailZone, Target: "zone-a", Reason: "0/3 nodes are available: " + long,
			Workloads: []plan.OutcomeWorkload{}, Unschedulable: 1,
		},
	}
	p.Seeds = &plan.Seeds{First: 1, Runs: 4, Converged: 3, Passed: 3, Results: []plan.SeedResult{
		{Kind: "stall", What: "Deployment default/web", Runs: 1, Seed: 3, Message: "no room: " + long}}}
	p.Fit = &plan.Fit{Object: web, Replicas: 3, More: 4, By: []string{"cpu"},
		Nodes: []plan.FitNode{{Name: long, More: 4}},
		Limits: []plan.FitLimit{
			{Plugin: "NodeResourcesFit", Reason: "Insufficient cpu", Nodes: []string{long, "node-2"}},
		},
		SpareNode: &plan.FitSpare{More: 1, Node: "node-2"}}
	p.Pack = &plan.Pack{Size: "4cpu16Gi", Nodes: 2,
		Tried:  []plan.PackTry{{Nodes: 1, Reason: "Insufficient cpu"}, {Nodes: 2, Completes: true}},
		Shares: []plan.PackShares{{Resource: "cpu", Percent: 70}}}
	p.NodeGroups = []plan.GroupUse{
		{Name: "web", Size: "4cpu16Gi", Min: 1, Max: 9, Before: 1, Peak: 3, After: 2, CPUPercent: 60, Price: 0.19},
	}
	p.Cost = &plan.Cost{Before: 0.19, Peak: 0.57, After: 0.38}
	p.Constraints = []plan.Constraint{
		{Object: diag.Object{APIVersion: "v1", Kind: "ResourceQuota", Name: long}, Summary: "pods 2/2", Hit: true},
	}
	p.Assumptions = []string{"namespace " + long + " exists"}
	for i := range p.Pods {
		p.Pods[i].Object.Name = long + p.Pods[i].Object.Name
	}
	for i := range p.Nodes {
		p.Nodes[i].Zone = long
	}
	for i, severity := range []diag.Severity{diag.Error, diag.Warning, diag.Info} {
		p.Findings = append(p.Findings,
			diag.Diagnostic{Rule: "image-tag-latest", Severity: severity, Message: "tag " + long,
				Help:   "name a version",
				Object: web,
				Range: source.Range{
					File: "new.yaml", Start: source.Pos{Line: i + 1, Column: 1},
					End: source.Pos{Line: i + 1, Column: 3},
				}})
	}
	return p
}

func seconds(n int) plan.Time { return plan.Time(time.Duration(n) * time.Second) }

// TestPagesOfPlansAreAccessible: on a screen and a phone, light and dark, axe finds nothing and nothing is wider than
// the window.
func TestPagesOfPlansAreAccessible(t *testing.T) {
	axe := browser.Axe(t)
	plans := map[string]*plan.Plan{
		"rollout": recorded(t, "rollout.plan.json"), "sixty": sixty(t), "everything": everything(t),
	}
	for name, p := range plans {
		for _, width := range []int64{1280, 400} {
			t.Run(fmt.Sprintf("%s-%d", name, width), func(t *testing.T) {
				b := open(
					t, p, width, 1000,
					report.SourceFile{Name: "new.yaml", Lines: []string{"a: 1", "b: 2", strings.Repeat("long ", 99)}},
				)
				for _, scheme := range []string{"light", "dark"} {
					b.Do(browser.Scheme(scheme))
					b.Until(fmt.Sprintf(`document.documentElement.dataset.theme === %q`, scheme))
					b.Until(fmt.Sprintf(`document.documentElement.scrollWidth <= %d`, width))
					b.ShotOfAll(fmt.Sprintf("%s-%d-%s", name, width, scheme))
					b.Accessible(axe)
				}
			})
		}
	}
}

// TestPageOpensAtTheWorst: of the workload that keeps the plan from its end, when that began.
func TestPageOpensAtTheWorst(t *testing.T) {
	b := open(t, sixty(t), 1280, 1000)
	b.Until(`document.querySelector("#availability [aria-pressed=true]").textContent === "Deployment pay/svc-37"`)
	b.Until(`document.querySelector("#scrub output").textContent === "4.1 s"`)
	b.Until(`document.querySelector(".gantt .row.pod[aria-current]").textContent.startsWith("svc-37-")`)
	b.Until(`document.querySelector(".events .row.here")?.textContent.includes("4.1 s")`)
	b.Until(`(() => {
		const box = document.querySelector(".events").getBoundingClientRect(), row = document.querySelector(".events .here").getBoundingClientRect();
		return row.top >= box.top && row.bottom <= box.bottom;
	})()`)
	b.Until(
		`document.querySelector("h1").textContent.startsWith("Deployment pay/svc-37: the registry does not have image")`,
	)
	b.Until(`document.querySelector("#problems li").textContent.includes("pay/svc-37")`)

	// The others are in a list, and where all is well the page opens before the change.
	b.Eval(
		`{ const all = document.querySelector("#availability select"); all.value = 59; all.dispatchEvent(new Event("change")); }`,
	)
	b.Until(
		`document.querySelector("#availability svg").getAttribute("aria-label").includes("svc-") && !document.querySelector("#availability [aria-pressed=true]")`,
	)
	b = open(t, recorded(t, "rollout.plan.json"), 1280, 1000)
	b.Until(`document.querySelector("#scrub output").textContent === "0.0 s"`)
}

// TestHeadlineIsOneLine: what does not fit into it follows in whole.
func TestHeadlineIsOneLine(t *testing.T) {
	p := everything(t)
	b := open(t, p, 400, 800)
	b.Until(`document.querySelector("h1").getBoundingClientRect().height < 40`)
	b.Until(
		`document.querySelector("h1 + p").textContent === document.querySelector("h1").title && document.querySelector("h1 + p").checkVisibility()`,
	)
	p.Reason, p.WayOut = "no room", ""
	b = open(t, p, 1280, 800)
	b.Until(
		`document.querySelector("h1").textContent.endsWith("no room") && !document.querySelector("h1 + p").checkVisibility()`,
	)
}

func TestPageOfSixtyWorkloadsIsSmall(t *testing.T) {
	if n := len(page(t, sixty(t))); n > 300_000 {
		t.Errorf("the page has %d bytes, want at most 300000", n)
	}
}
