package simulate_test

import (
	"reflect"
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
	// a-2 holds four and b-1 two; without b-1 its zone does not count
	if s := f.SpareNode; s.More != 4 || s.Node != "a-1" {
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

// TestFitWithASpareNode: where nothing but the room of each node counts, only the nodes that take in the pods of the
// lost one are filled again. That comes to the same as filling all of them, which a pod that keeps away from others
// makes necessary.
func TestFitWithASpareNode(t *testing.T) {
	const set = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 5
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1", resources: {requests: {cpu: 300m, memory: 1Gi}}}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: large}
spec:
  replicas: 3
  selector: {matchLabels: {app: large}}
  template:
    metadata: {labels: {app: large}}
    spec: {containers: [{name: large, image: "large:1", resources: {requests: {cpu: 1100m}}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: loner}
spec:
  AFFINITY
  nodeName: c-1
  containers: [{name: loner, image: "loner:1"}]
`
	nodes, err := cluster.ParseNodes("3x2cpu8Gi,name=a", "2x3cpu4Gi,name=b", "1x1cpu1Gi,name=c")
	if err != nil {
		t.Fatal(err)
	}
	fit := func(affinity string) *plan.Fit {
		in := simulate.Input{
			Change: documents(t, replaced(set, "AFFINITY", affinity)), Nodes: nodes,
			Fit: &plan.FitQuestion{Workload: "deployment/web", SpareNode: true},
		}
		p, err := simulate.Simulate(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		return p.Fit
	}
	quick, whole := fit("priority: 0"), fit("affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "+
		"[{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: nobody}}}]}}")
	if !reflect.DeepEqual(quick, whole) {
		t.Errorf("%+v %+v, want %+v %+v", quick, quick.SpareNode, whole, whole.SpareNode)
	}
	if s := quick.SpareNode; s.Node == "" || s.More == 0 || s.More >= quick.More {
		t.Errorf("the loss of no node matters: %+v", s)
	}
}

func replaced(text, word, by string) string { return strings.ReplaceAll(text, word, by) }
