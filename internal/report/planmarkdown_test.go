package report_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/report"
)

var codeSpan = regexp.MustCompile(`<code>[^<>]*</code>`)

// What a manifest holds is text in a comment: it makes no markup, mentions nobody, and refers to no issue.
func TestPlanMarkdownEscapesWhatManifestsHold(t *testing.T) {
	evil := "@team <script>alert(1)</script> [link](http://x) #12 | cell"
	at := plan.Time(0)
	p := &plan.Plan{
		KubernetesVersion: "v1.37.2", Reason: evil, WayOut: evil, StalledAt: &at,
		Workloads: []plan.Workload{
			{Object: diag.Object{Kind: "Deployment", Namespace: "default", Name: evil}, Status: evil, Changed: true},
		},
		Problems:     []plan.Problem{{Kind: plan.Crash, Message: evil, Help: evil, Open: true}},
		Expectations: []plan.Expectation{{Expect: evil, Message: evil}},
		Outcomes:     []plan.Outcome{{Kind: plan.DrainNode, Target: evil, Reason: evil}},
		Seeds: &plan.Seeds{
			Runs: 2, Results: []plan.SeedResult{{Kind: plan.SeedStall, What: evil, Message: evil}},
		},
		Changes: []plan.Change{
			{
				Action: plan.Update, Object: diag.Object{Kind: "ConfigMap", Name: evil},
				Fields: []plan.Field{{Path: evil, Before: evil, After: evil}},
			},
		},
		Remedies:    []plan.Remedy{{Change: evil}},
		Findings:    []diag.Diagnostic{{Rule: "plan-outage", Severity: diag.Warning, Message: evil}},
		Assumptions: []string{evil},
	}
	format, err := report.LookupPlan("markdown")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := format.Write(&out, p, report.PlanOptions{}); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if n := strings.Count(text, "alert"); n < 15 {
		t.Errorf("the text is there %d times, want at least 15: a section is missing:\n%s", n, text)
	}
	text = codeSpan.ReplaceAllString(text, "") // platforms look for nothing there
	for _, bad := range []string{"@team", "<script", "[link](", "#12", " | cell"} {
		if strings.Contains(text, bad) {
			t.Errorf("%q is in the comment:\n%s", bad, text)
		}
	}
}

// Platforms refuse comments of more than 65,536 characters.
func TestPlanMarkdownIsShort(t *testing.T) {
	p := &plan.Plan{Converged: true}
	for range 2000 {
		p.Problems = append(p.Problems, plan.Problem{Open: true, Message: strings.Repeat("word ", 50)})
		p.Workloads = append(p.Workloads, plan.Workload{Changed: true})
		p.Changes = append(p.Changes, plan.Change{Action: plan.Update, Fields: make([]plan.Field, 20)})
		p.Assumptions = append(p.Assumptions, strings.Repeat("word ", 50))
	}
	format, err := report.LookupPlan("markdown")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := format.Write(&out, p, report.PlanOptions{}); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); len(text) > 65_000 || !strings.Contains(text, "more*") ||
		!strings.Contains(text, "| and 1975 more |") {
		t.Errorf("%d bytes", len(text))
	}
}
