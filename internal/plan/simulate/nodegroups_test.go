package simulate_test

import (
	"bytes"
	"testing"

	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/plan/simulate"
	"github.com/seatrial/seatrial/internal/report"
)

// grown simulates five pods of 1500m on node groups, with more documents and a scenario; twice, to the same bytes.
func grown(t *testing.T, more string, actions []plan.Action, groups ...string) *plan.Plan {
	t.Helper()
	in := simulate.Input{Change: documents(t, `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 5
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example.com/web:1", resources: {requests: {cpu: 1500m, memory: 1Gi}}}]}
`+more)}
	if actions != nil {
		in.Scenario = &plan.Scenario{Actions: actions}
	}
	for _, text := range groups {
		g, err := plan.ParseNodeGroup(text)
		if err != nil {
			t.Fatal(err)
		}
		in.NodeGroups = append(in.NodeGroups, g)
	}
	p, err := simulate.Simulate(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	again, err := simulate.Simulate(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	first := written(t, p, "json", report.PlanOptions{})
	if !bytes.Equal(first, written(t, again, "json", report.PlanOptions{})) {
		t.Error("another run says otherwise")
	}
	conforms(t, first)
	return p
}

const (
	small = "name=small,max=10,2cpu4Gi,price=0.10"
	large = "name=large,max=3,8cpu16Gi,price=0.30"
)

// TestNodeGroupsGrow lets nodes of the cheapest group come that the filters of the scheduler accept.
func TestNodeGroupsGrow(t *testing.T) {
	for name, x := range map[string]struct {
		groups       []string
		small, large int
		cost         float64
	}{
		"one large node is cheaper for each pod": {[]string{small, large}, 0, 1, 0.3},
		"small nodes are cheaper":                {[]string{small, "name=large,max=3,8cpu16Gi,price=0.90"}, 5, 0, 0.5},
		"pods do not tolerate the cheap ones": {
			[]string{small, "name=large,max=3,8cpu16Gi,taint=gpu=yes:NoSchedule,price=0.01"}, 5, 0, 0.5,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := grown(t, "", nil, x.groups...)
			if !p.Converged {
				t.Fatal(p.Reason)
			}
			if s, l := p.NodeGroups[0].After, p.NodeGroups[1].After; s != x.small || l != x.large {
				t.Errorf("%d small and %d large nodes, want %d and %d", s, l, x.small, x.large)
			}
			if c := p.Cost; c.Before != 0 || c.After < x.cost-0.001 || c.After > x.cost+0.001 {
				t.Errorf("cost %+v, want %v after", c, x.cost)
			}
		})
	}
	if p := grown(t, "", nil, "name=small,max=3,2cpu4Gi"); p.Converged || p.NodeGroups[0].After != 3 || p.Cost != nil {
		t.Errorf("more than max: %+v", p.NodeGroups)
	}
}

// TestNodeGroupsRemedy offers a larger group where max is too small.
func TestNodeGroupsRemedy(t *testing.T) {
	g, err := plan.ParseNodeGroup("name=small,max=1,2cpu4Gi")
	if err != nil {
		t.Fatal(err)
	}
	in := simulate.Input{NodeGroups: []plan.NodeGroup{g}, Change: documents(t, `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example.com/web:1", resources: {requests: {cpu: 1500m}}}]}
`)}
	p, err := simulate.Simulate(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	remedies, err := simulate.Remedies(t.Context(), in, p)
	if err != nil {
		t.Fatal(err)
	}
	if len(remedies) != 1 || remedies[0].Change != "max 2 in node group small" {
		t.Errorf("%+v", remedies)
	}
}

// TestNodeGroupsShrink lets nodes go that are not needed any more, unless a budget keeps their pods.
func TestNodeGroupsShrink(t *testing.T) {
	fewer := []plan.Action{{Scale: &plan.ScaleAction{Workload: "Deployment/web", Replicas: 1}}}
	fewer[0].At.Duration = 3 * 60 * 1e9
	p := grown(t, "", fewer, small, large)
	if p.NodeGroups[0].After+p.NodeGroups[1].After != 1 || p.VirtualSeconds.Seconds() > 190 {
		t.Errorf("%+v, completes after %s s", p.NodeGroups, p.VirtualSeconds)
	}
	if p.Cost.Peak <= 0.1 || p.Cost.After > 0.3 {
		t.Errorf("%+v", p.Cost)
	}
	fewer[0].Scale.Replicas = 2 // on two nodes, each less than half used
	if p := grown(t, "", fewer, "name=web,max=3,4cpu16Gi"); p.NodeGroups[0].After != 1 {
		t.Errorf("under-used nodes stay: %+v", p.NodeGroups)
	}
	budget := `---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {maxUnavailable: 0, selector: {matchLabels: {app: web}}}
`
	if p := grown(t, budget, fewer, "name=web,max=3,4cpu16Gi"); p.NodeGroups[0].After != 2 {
		t.Errorf("a budget does not keep nodes: %+v", p.NodeGroups)
	}
}
