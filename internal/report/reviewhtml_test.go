package report_test

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/browser"
	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/report"
	"github.com/seatrial/seatrial/internal/review"
	"github.com/seatrial/seatrial/source"
)

// sampleReview is a review with something in each part.
func sampleReview() *review.Report {
	web := diag.Object{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"}
	finding := review.Finding{
		Diagnostic: diag.Diagnostic{
			Rule: "update-refused", Severity: diag.Error, Object: web, Path: "spec.selector",
			Message: "field is immutable", Help: "use another name",
			Range: source.Range{
				File: "web.yaml", Start: source.Pos{Line: 3, Column: 1}, End: source.Pos{Line: 3, Column: 9},
			},
		},
		Environments: []string{"prod"}, Update: true,
	}
	r := &review.Report{
		Base: review.Revision{Name: "main", Commit: "0123456789"}, Head: review.Revision{Name: "working tree"},
		Environments: []review.EnvironmentReport{
			{
				Name: "prod", Kind: "kustomization", Action: "update", Updated: 1,
				Varying: []review.VaryingField{{Object: web, Path: "data.a"}},
			},
			{Name: "dev", Kind: "kustomization", Action: "update", Updated: 1, Was: "test"},
		},
		Unchanged: 3,
		Changes: []review.Change{{
			Action: review.Update, Object: web, Environments: []string{"prod", "dev"}, File: "web.yaml", Line: 3,
			Fields: []review.Field{
				{Path: "spec.replicas", Before: "1", After: "2", File: "values.yaml", Line: 7},
				{Path: "spec.paused", Before: "true", File: "web.yaml", Line: 9},
				{Path: "spec.revisionHistoryLimit", After: "3"},
				{Path: "data.text", Before: "a\nb", After: "a\nc", Lines: []string{" a", "-b", "+c"}},
			},
		}, {
			Action: review.Delete, Object: web, Environments: []string{"dev"}, Fields: []review.Field{},
			Fate: review.Left, Why: "kubectl apply deletes nothing",
		}},
		Refused: []review.Finding{finding}, New: []review.Finding{finding}, Fixed: []review.Finding{finding}, Before: 2,
		Consequences: []review.Consequence{{
			Kind: "restart", Risk: review.Low, Object: web, Message: "pods are replaced", Details: []string{"image"},
			Environments: []string{"prod", "dev"},
		}},
		Totals: []review.Total{{
			Environment: "prod", Namespace: "shop", Before: map[string]string{"pods": "1"},
			After: map[string]string{"pods": "2"},
			Quota: []review.Room{
				{Resource: "pods", Of: "10", Left: "8"}, {Resource: "requests.cpu", Of: "1", Left: "-500m"},
			},
		}},
		NodeRooms: []review.NodeRoom{
			{Environment: "prod", Nodes: 3, Room: []review.Room{{Resource: "cpu", Of: "12", Left: "10500m"}}},
		},
		Rollouts: []review.Rollout{{
			Environment: "dev", Simulated: true, Completes: true, Seconds: 12,
			Workloads: []review.Rolling{{
				Object: web, Strategy: "RollingUpdate", Desired: 2, MinAvailable: 2, MaxPods: 3, Settled: 12,
				Curve: []plan.Point{
					{At: -1, Desired: 2, Old: 2, Ready: 2, Available: 2},
					{At: plan.Time(time.Second), Desired: 2, Old: 2, New: 1, Ready: 2, Available: 2},
					{At: plan.Time(5 * time.Second), Desired: 2, New: 2, Ready: 2, Available: 2, Stopping: 1},
				},
			}},
			Timeline: []plan.Step{
				{
					At: plan.Time(time.Second), Source: plan.FromState, Object: web, Event: "Scheduled", Node: "node-1",
					Message: "to a node",
				},
				{
					At: plan.Time(2 * time.Second), Source: plan.FromEvent, Object: web, Event: "Unhealthy",
					Warning: true, Message: "probe failed", Count: 3,
				},
			},
		}},
		Notes: []string{"a note"},
	}
	r.Assess()
	return r
}

func writeReview(t *testing.T, format string, r *review.Report) string {
	t.Helper()
	f, err := report.LookupReview(format)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b, r, report.ReviewOptions{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestReviewIsOfItsSchema(t *testing.T) {
	validate(t, "../../docs/review-report.schema.json", writeReview(t, "json", sampleReview()))
	validate(t, "../../docs/review-report.schema.json", writeReview(t, "json", &review.Report{}))
}

func TestReviewTextShowsAllParts(t *testing.T) {
	text := writeReview(t, "text", sampleReview())
	for _, want := range []string{
		"high risk, 2 of 5 environments change", "main (0123456) -> working tree",
		"the API server refuses Deployment web", "was test",
		"not deterministic, no change: data.a of Deployment shop/web", "[update-refused]", "field is immutable",
		"use another name",
		"pods are replaced", "~ Deployment shop/web", "spec.replicas  1 -> 2", "        - b",
		"stays in the cluster: kubectl apply deletes nothing",
		"dev: completes after 12 s on nodes with room", "at least 2 of 2 available, at most 3 pods", "pods 1 -> 2",
		"a note",
		"2 findings of before not shown",
		"spec.paused  true -> (removed)", "spec.revisionHistoryLimit  (not set) -> 3",
		"left of the quota: pods 8 of 10, requests.cpu is 500m over 1",
		"prod, 3 nodes: left cpu 10500m of 12",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestReviewTextWrapsReasons(t *testing.T) {
	r := sampleReview()
	r.Environments[0].Reasons = []string{
		"ServiceAccount shop/bot may now do all that ClusterRole admin allows in the namespace shop, and one more",
	}
	text := writeReview(t, "text", r)
	for line := range strings.Lines(text) {
		if len(line) > 101 {
			t.Errorf("a line of %d columns: %s", len(line), line)
		}
	}
	if !strings.Contains(strings.Join(strings.Fields(text), " "), r.Environments[0].Reasons[0]) {
		t.Errorf("a reason is cut:\n%s", text)
	}
}

// openReview shows a review in a browser, as a file.
func openReview(t *testing.T, r *review.Report, width, height int64) *browser.Page {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "review.html"), []byte(writeReview(t, "html", r)), 0o644); err != nil {
		t.Fatal(err)
	}
	b := browser.Open(t, (&url.URL{Scheme: "file", Path: dir}).String()+"/", width, height)
	b.Open("review.html")
	b.Until(`document.documentElement.dataset.ready === "yes"`)
	return b
}

func TestPageOfAReviewShowsAnEnvironmentAlone(t *testing.T) {
	b := openReview(t, sampleReview(), 1200, 900)
	b.Until(`document.querySelectorAll(".envs button").length === 2`)
	b.Until(`document.querySelector("#changes").textContent.includes("spec.replicas")`)
	b.Until(`[...document.querySelectorAll("section")].length === 7`)
	b.Until(`document.querySelector("#changes .at").textContent === "values.yaml:7"`)
	b.Until(`[...document.querySelectorAll("#changes .at")].some((e) => e.textContent === "was web.yaml:9")`)
	b.Until(
		`document.querySelectorAll("#rollout svg path").length >= 4 && document.querySelectorAll("#rollout tr").length === 2`,
	)
	b.Until(`document.querySelector("#sums").textContent.includes("requests.cpu is 500m over 1")`)
	b.Until(`(() => { document.querySelectorAll(".envs button")[1].click(); return true; })()`)
	b.Until(`document.querySelector("h1").textContent === "dev" && !document.querySelector("#refused")`)
	b.Until(`document.documentElement.scrollWidth <= innerWidth`)
}

func TestPageOfAReviewFitsAPhone(t *testing.T) {
	r := sampleReview()
	r.Changes[0].Fields[0].After = strings.Repeat("x", 500)
	r.Notes = []string{`</script><img src=x onerror="document.title='broken'">`}
	b := openReview(t, r, 360, 700)
	b.Until(`document.documentElement.scrollWidth <= innerWidth`)
	b.Until(`document.title !== "broken" && !document.querySelector("img")`)
}
