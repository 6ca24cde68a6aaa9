package report_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/report"
)

// TestLongValuesShowWhereTheyDiffer: what two long values have in common is cut first.
func TestLongValuesShowWhereTheyDiffer(t *testing.T) {
	p := &plan.Plan{Converged: true, Changes: []plan.Change{{
		Action: plan.Update, Object: diag.Object{Kind: "Deployment", Namespace: "shop", Name: "web"},
		Fields: []plan.Field{
			{
				Path: "spec.template.spec.containers[web].image", Before: "registry.example.com/team/shop/web:1.4",
				After: "registry.example.com/team/shop/web:1.5",
			},
			{
				Path: "spec.template.spec.containers[web].workingDir", Before: "/srv/" + strings.Repeat("a", 90),
				After: "/var/" + strings.Repeat("b", 90),
			},
		},
	}}}
	format, err := report.LookupPlan("text")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := format.Write(&out, p, report.PlanOptions{Options: report.Options{Width: 60}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"…p/web:1.4 -> …p/web:1.5\n", "/srv/aaaa", "… -> /var/bbbb"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing:\n%s", want, out.String())
		}
	}
}

// TestManyWorkloadsAreFolded writes a plan of many workloads of which some do not complete.
func TestManyWorkloadsAreFolded(t *testing.T) {
	p := &plan.Plan{Reason: "no node"}
	settled := plan.Time(time.Second)
	for i := range 60 {
		w := plan.Workload{
			Object:  diag.Object{Kind: "Deployment", Namespace: "shop", Name: fmt.Sprintf("web-%02d", i)},
			Changed: true, Desired: 2, MinAvailable: 2, Status: "0 of 2 updated replicas available",
			Curve: []plan.Point{{Old: 2, Desired: 2}, {New: 2, Desired: 2}},
		}
		if i >= 5 {
			w.SettledAt = &settled
		}
		p.Workloads = append(p.Workloads, w)
		p.Changes = append(p.Changes, plan.Change{Action: plan.Update, Object: w.Object, Fields: []plan.Field{
			{Path: fmt.Sprintf("spec.template.spec.containers[c%d].image", i), Before: "a", After: "b"},
		}})
		p.Problems = append(
			p.Problems, plan.Problem{Kind: plan.Unplaced, Message: "no node", Workload: w.Object, Open: i < 5},
		)
	}
	write := func(verbose bool) string {
		var out strings.Builder
		format, err := report.LookupPlan("text")
		if err != nil {
			t.Fatal(err)
		}
		if err := format.Write(&out, p, report.PlanOptions{Verbose: verbose}); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	short := write(false)
	for _, want := range []string{
		"~ Deployment shop/web-00 and 59 more", "spec.template.spec.containers[].image",
		"2 workloads more that do not complete",
		"Deployment shop/web-04: 0 of 2 updated replicas available", "55 workloads that completed",
		"Deployment shop/web-00 and 4 more",
		"55 problems that went by",
	} {
		if !strings.Contains(short, want) {
			t.Errorf("%q is missing in\n%s", want, short)
		}
	}
	if n := strings.Count(short, "\n"); n > 60 {
		t.Errorf("%d lines\n%s", n, short)
	}
	if long := write(true); strings.Count(long, "spec.template.spec.containers") != 60 ||
		strings.Count(long, "Deployment shop/web-59") < 3 {
		t.Errorf("not everything is shown with --verbose:\n%s", long)
	}
}
