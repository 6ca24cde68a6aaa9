package report_test

import (
	"bytes"
	"strings"
	"testing"

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
