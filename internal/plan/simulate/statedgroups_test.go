package simulate_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/plan/simulate"
	"github.com/seatrial/seatrial/internal/report"
)

// statedInput returns the input of a plan of a Deployment on the cluster of a file of testdata/groups.
func statedInput(t *testing.T, cluster, change string, groups ...string) simulate.Input {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "groups", cluster))
	if err != nil {
		t.Fatal(err)
	}
	in := simulate.Input{From: documents(t, string(text)), Change: documents(t, change)}
	for _, text := range groups {
		g, err := plan.ParseNodeGroup(text)
		if err != nil {
			t.Fatal(err)
		}
		in.NodeGroups = append(in.NodeGroups, g)
	}
	return in
}

// webAsking returns the manifest of a Deployment of pods that each ask for so much CPU, with more of the pod's spec.
func webAsking(replicas, cpu, more string) string {
	return `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: ` + replicas + `
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      ` + more + `
      containers: [{name: web, image: "registry.example.com/web:1", resources: {requests: {cpu: ` + cpu + `}}}]
`
}

// newNodes returns the nodes of a plan that did not exist before.
func newNodes(p *plan.Plan) (names []string) {
	for _, n := range p.Nodes {
		if strings.Contains(n.Name, "-new-") && n.Ready {
			names = append(names, n.Name)
		}
	}
	return names
}

// TestStatedGroups lets groups of a cluster scale as far as the cluster states it, or as the user does.
func TestStatedGroups(t *testing.T) {
	const onlyB = "nodeSelector: {topology.kubernetes.io/zone: b}"
	for name, x := range map[string]struct {
		cluster, change string
		groups          []string
		converges       bool
		added           []string // nodes
		assumed         string   // part of it
	}{
		"a NodePool scales up to its limit": {
			cluster: "karpenter.yaml", change: webAsking("5", "1500m", ""), converges: true,
			added:   []string{"general-new-1"},
			assumed: "node group general scales up to 5 nodes (cpu 10), NodePool general states it; new nodes are like those that exist: m7i.large, m7i.xlarge",
		},
		"not beyond": {
			cluster: "karpenter.yaml", change: webAsking("7", "1500m", ""), converges: false,
			added: []string{"general-new-1"},
		},
		"but as far as the user says": {
			cluster: "karpenter.yaml", change: webAsking("7", "1500m", ""), groups: []string{"name=general,max=6"},
			converges: true,
			assumed:   "node group general scales up to 6 nodes, as asked for; new nodes are like those that exist: m7i.large, m7i.xlarge",
		},
		"into a zone that its requirements name": {
			cluster: "karpenter.yaml",
			change: webAsking(
				"1", "1500m", "nodeSelector: {topology.kubernetes.io/zone: c, topology.ebs.csi.aws.com/zone: c}",
			),
			converges: true,
		},
		"with its labels and taints": {
			cluster: "karpenter.yaml", converges: true,
			change: webAsking(
				"1", "3", "nodeSelector: {team: data}\n      tolerations: [{key: gpu, operator: Exists}]",
			),
		},
		"a MachineDeployment scales between its annotations": {
			cluster: "machines.yaml", change: webAsking("2", "3", onlyB), converges: true,
			added:   []string{"workers-new-2"},
			assumed: "node group workers scales up to 4 nodes, MachineDeployment workers states it; new nodes are like those that exist: 4cpu16Gi",
		},
		"one without nodes states their capacity": {
			cluster: "machines.yaml", change: webAsking("2", "12", "tolerations: [{key: dedicated, operator: Exists}]"),
			converges: true,
			added:     []string{"large-new-1", "large-new-2"},
			assumed:   "node group large scales up to 2 nodes, MachineDeployment large states it; new nodes are as its annotations state them",
		},
		"a group of a cloud does not scale by itself": {
			cluster: "clouds.yaml", change: webAsking("4", "1500m", ""), converges: false,
			assumed: "node groups of the cluster that do not scale here: blue (1 of Standard_D2s_v5), pool-1 (1 of e2-standard-2), web (2 of m5.large); --node-group name=NAME,max=N lets one",
		},
		"but if the user says how far": {
			cluster: "clouds.yaml", change: webAsking("4", "1500m", ""), groups: []string{"name=pool-1,max=3"},
			converges: true,
			added:     []string{"pool-1-new-1", "pool-1-new-2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := statedInput(t, x.cluster, x.change, x.groups...)
			p, err := simulate.Simulate(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if p.Converged != x.converges {
				t.Errorf("converges: %t: %s", p.Converged, p.Reason)
			}
			if added := newNodes(p); x.added != nil && !slices.Equal(added, x.added) {
				t.Errorf("new nodes %q, want %q", added, x.added)
			}
			if x.assumed != "" && !slices.Contains(p.Assumptions, x.assumed) {
				t.Errorf("%q is not assumed, but %q", x.assumed, p.Assumptions)
			}
			conforms(t, written(t, p, "json", report.PlanOptions{}))
		})
	}
}

// TestStatedGroupsShrink lets nodes that come go again; those of the cluster only if the user says how few may be left.
func TestStatedGroupsShrink(t *testing.T) {
	for group, left := range map[string]int{"name=web,max=5": 2, "name=web,max=5,min=1": 1} {
		in := statedInput(
			t, "clouds.yaml", webAsking("1", "100m", "nodeSelector: {eks.amazonaws.com/nodegroup: web}"), group,
		)
		p, err := simulate.Simulate(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if use := p.NodeGroups[0]; !p.Converged || use.Before != left || use.Size != "m5.large" {
			t.Errorf("%s: %+v, want %d nodes", group, use, left)
		}
	}
}

// TestStatedGroupsRemedy offers a group of the cluster where pods find no node.
func TestStatedGroupsRemedy(t *testing.T) {
	in := statedInput(t, "clouds.yaml", webAsking("5", "1500m", ""))
	p, err := simulate.Simulate(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	found, err := simulate.Remedies(t.Context(), in, p)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(found, func(r plan.Remedy) bool { return r.Change == "max 4 in node group pool-1" }) {
		t.Errorf("%+v of %s: %+v", found, p.Reason, p.Problems)
	}
}

// TestCheckGroups names the groups that a cluster has.
func TestCheckGroups(t *testing.T) {
	for group, want := range map[string]string{
		"name=pool-1":            "node group pool-1: nothing states how many nodes it has at most: add max=",
		"name=pool-2,max=3":      "node group pool-2 has no size, such as 4cpu16Gi, and is none of the groups of the nodes: blue, pool-1, web",
		"name=pool-1,max=3":      "",
		"name=own,max=3,2cpu4Gi": "",
	} {
		in := statedInput(t, "clouds.yaml", webAsking("1", "1", ""), group)
		got := ""
		if err := simulate.CheckGroups(&in); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", group, got, want)
		}
	}
}
