package simulate_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/plan/simulate"
)

// TestFit asks how many more pods fit, and compares the answer with what the scheduler of a plan comes to with so many.
func TestFit(t *testing.T) {
	const web = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: REPLICAS
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      topologySpreadConstraints: [{maxSkew: 2, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: web}}}]
      containers: [{name: web, image: "registry.example.com/web:1", resources: {requests: {cpu: 500m}}}]
`
	nodes, err := cluster.ParseNodes("2x2cpu8Gi,name=a,zone=a", "1x1cpu8Gi,name=b,zone=b")
	if err != nil {
		t.Fatal(err)
	}
	with := func(replicas string, q *plan.FitQuestion) *plan.Plan {
		in := simulate.Input{Change: documents(t, replaced(web, "REPLICAS", replicas)), Nodes: nodes, Fit: q}
		p, err := simulate.Simulate(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	f := with("2", &plan.FitQuestion{Workload: "deployment/web", SpareNode: true}).Fit
	if f.More != 4 || f.Replicas != 2 { // zone b has room for two, zone a for no more than two above that
		t.Errorf("%d more than %d, want 4 more than 2", f.More, f.Replicas)
	}
	if s := f.SpareNode; s.More != 4 || s.Node != "a-1" { // a-2 holds four and b-1 two; without b-1 its zone does not count
		t.Errorf("%+v", s)
	}
	if !slices.ContainsFunc(f.Limits, func(l plan.FitLimit) bool { return l.Plugin == "PodTopologySpread" }) {
		t.Errorf("limits %+v", f.Limits)
	}
	if p := with("6", nil); !p.Converged {
		t.Errorf("six do not fit: %s", p.Reason)
	}
	if p := with("7", nil); p.Converged {
		t.Error("seven fit")
	}
}

func replaced(text, word, by string) string { return strings.ReplaceAll(text, word, by) }
