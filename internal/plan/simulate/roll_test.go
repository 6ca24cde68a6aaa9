package simulate_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/plan/simulate"
)

// rolled drains three nodes in turn under a Deployment of three that takes 20 s to start, with more documents.
func rolled(t *testing.T, surge int, minAvailable, more string) plan.Outcome {
	t.Helper()
	nodes, err := cluster.ParseNodes("3x2cpu4Gi,zone=a,zone=b")
	if err != nil {
		t.Fatal(err)
	}
	in := simulate.Input{Nodes: nodes, Change: documents(t, `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {seatrial/ready-after: 20s}}
    spec:
      containers:
      - name: web
        image: registry.example.com/web:1
        resources: {requests: {cpu: "1"}}
        readinessProbe: {httpGet: {path: /, port: 80}, periodSeconds: 1}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: `+minAvailable+`, selector: {matchLabels: {app: web}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {containers: [{name: agent, image: "registry.example.com/agent:1"}]}
`+more)}
	d := plan.Disruption{Kind: plan.DrainInTurn, Target: plan.AllNodes, Surge: surge}
	if err := d.Validate(); err != nil {
		t.Fatal(err)
	}
	var written []string
	var outcome plan.Outcome
	for range 2 {
		p, err := simulate.Simulate(t.Context(), simulate.Disrupt(in, d))
		if err != nil {
			t.Fatal(err)
		}
		outcome = d.Outcome(p)
		text, err := json.Marshal(outcome)
		if err != nil {
			t.Fatal(err)
		}
		written = append(written, string(text))
	}
	if written[0] != written[1] {
		t.Errorf("another run says otherwise:\n%s\n%s", written[0], written[1])
	}
	if len(outcome.Turns) != 3 {
		t.Fatalf("turns: %+v", outcome.Turns)
	}
	return outcome
}

func TestNodesAreDrainedInTurn(t *testing.T) {
	o := rolled(t, 0, "2", "")
	if !o.Passed() || len(o.Workloads) == 0 {
		t.Fatalf("%+v", o)
	}
	var last plan.Time
	for _, turn := range o.Turns {
		if turn.At == nil || turn.Drained == nil || turn.Done == nil || turn.ReplacedBy != "" || *turn.At < last {
			t.Errorf("%+v", turn)
			continue
		}
		last = *turn.Done
	}
	if web := o.Workloads[slices.IndexFunc(o.Workloads, isDeployment)]; web.MinAvailable != 2 {
		t.Errorf("the budget keeps 2 of 3, got %+v", web)
	}
}

// isDeployment reports whether an outcome is about a Deployment.
func isDeployment(w plan.OutcomeWorkload) bool { return w.Object.Kind == "Deployment" }

// TestBudgetsMakeDrainsWait puts two pods of one workload on a node that its budget lets go one at a time.
func TestBudgetsMakeDrainsWait(t *testing.T) {
	o := rolled(t, 0, "3", "")
	if o.Passed() || o.Turns[len(o.Turns)-1].At != nil || o.Blocked == 0 {
		t.Fatalf("a budget that allows no eviction lets nodes go: %+v", o)
	}
	blocked := slices.IndexFunc(o.Turns, func(t plan.Turn) bool { return t.Waited > 0 })
	if blocked < 0 || o.Turns[blocked].Drained != nil {
		t.Errorf("%+v", o.Turns)
	}
}

func TestSurgeNodesReplaceOthers(t *testing.T) {
	o := rolled(t, 2, "2", `---
apiVersion: v1
kind: Pod
metadata: {name: bare}
spec: {containers: [{name: bare, image: "registry.example.com/bare:1"}]}
`)
	if !o.Converged {
		t.Fatalf("%+v", o)
	}
	var refusals []string
	for _, turn := range o.Turns {
		if turn.ReplacedBy != turn.Node+"-new" || turn.Done == nil {
			t.Errorf("%+v", turn)
		}
		refusals = append(refusals, turn.Refusals...)
	}
	if *o.Turns[0].At != *o.Turns[1].At || *o.Turns[2].At <= *o.Turns[1].Done {
		t.Errorf("two at a time, then the last: %+v", o.Turns)
	}
	if len(refusals) != 1 || !strings.Contains(refusals[0], "bare") {
		t.Errorf("refusals %q", refusals)
	}
}
