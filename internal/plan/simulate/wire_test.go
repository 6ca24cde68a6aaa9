package simulate_test

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/plan/simulate"
)

// TestInputsSurviveJSON writes an input with everything in it, reads it, and writes it again.
func TestInputsSurviveJSON(t *testing.T) {
	in := input(t, filepath.Join("testdata", "from-cluster"))
	if in.Scenario == nil {
		in.Scenario = &plan.Scenario{}
	}
	in.Scenario.Expect = []string{"converges within 5m"}
	in.Scenario.Actions = append(in.Scenario.Actions,
		plan.Action{Apply: "list.yaml", Documents: documents(t, `apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}
`)[1:]})
	in.Seed, in.Until, in.Prune, in.ServerSide, in.ForceConflicts, in.Asked =
		7, time.Minute, true, true, true, []string{
			plan.DrainNode,
		}
	first, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var back simulate.Input
	if err := json.Unmarshal(first, &back); err != nil {
		t.Fatal(err)
	}
	second, err := json.Marshal(back)
	if err != nil {
		t.Fatal(err)
	}
	if string(first) != string(second) {
		t.Errorf("got:\n%s\nwant:\n%s", second, first)
	}
	if len(back.Change) == 0 || len(back.From) != len(in.From) || back.From[0].Range() != in.From[0].Range() {
		t.Errorf(
			"%d documents of the change, %d that run already, want %d", len(back.Change), len(back.From),
			len(in.From),
		)
	}
	action := back.Scenario.Actions[len(back.Scenario.Actions)-1]
	if len(action.Documents) != 1 || action.Documents[0].Object.Name != "b" {
		t.Errorf("the action applies %v", action.Documents)
	}
}

func TestInputsInJSONNameDocumentsThatExist(t *testing.T) {
	var in simulate.Input
	if err := json.Unmarshal([]byte(`{"files":[],"change":[{"file":0,"number":1}]}`), &in); err == nil {
		t.Error("a document of no file is accepted")
	}
}

// TestDisruptionsStartFromThePlan drains each node after a change: a workload loses pods on the nodes that hold some in
// the plan, and on no other.
func TestDisruptionsStartFromThePlan(t *testing.T) {
	nodes, err := cluster.ParseNodes("4x4cpu8Gi")
	if err != nil {
		t.Fatal(err)
	}
	in := simulate.Input{Nodes: nodes, Change: documents(t, `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example.com/web:1"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: bare}
spec:
  nodeName: node-1
  containers: [{name: bare, image: "registry.example.com/bare:1"}]
  volumes: [{name: scratch, emptyDir: {}}]
`)}
	p, err := simulate.Simulate(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	holds := map[string]bool{}
	for _, pod := range p.Pods {
		holds[pod.Node] = holds[pod.Node] || pod.Workload.Kind == "Deployment"
	}
	for _, q := range plan.Disruptions(plan.DrainNode, p) {
		after, err := simulate.Simulate(t.Context(), simulate.Disrupt(in, q))
		if err != nil {
			t.Fatal(err)
		}
		o := q.Outcome(after)
		if lost := len(o.Workloads) > 0; lost != holds[q.Target] || !o.Converged {
			t.Errorf("%s: %+v, pods of the plan on it: %v", q, o, holds[q.Target])
		}
		if refuses := len(o.Refusals) == 2; refuses != (q.Target == "node-1") {
			t.Errorf("%s: kubectl drain refuses: %q", q, o.Refusals)
		}
	}
}

// TestDeletionsThatHangAreProblems prunes a namespace with an object whose finalizer nobody serves, and one without.
func TestDeletionsThatHangAreProblems(t *testing.T) {
	definition := `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Thing, plural: things}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
`
	for finalizers, want := range map[string]string{
		"[example.com/cleanup]": "Namespace team is Terminating: Some content in the namespace has finalizers remaining: " +
			"example.com/cleanup in 1 resource instances",
		"[]": "",
	} {
		namespace := "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n---\napiVersion: example.com/v1\nkind: Thing\n" +
			"metadata: {name: x, namespace: team, finalizers: " + finalizers + "}\n"
		p, err := simulate.Simulate(t.Context(), simulate.Input{
			From: documents(t, definition+namespace), Change: documents(t, definition), Prune: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, problem := range p.Problems {
			if problem.Kind == plan.Deleting && problem.Object.Kind == "Namespace" {
				got = problem.Message
			}
		}
		if got != want || p.Converged != (want == "") {
			t.Errorf("finalizers %s: %q, want %q; converged: %v, %s", finalizers, got, want, p.Converged, p.Reason)
		}
	}
}
