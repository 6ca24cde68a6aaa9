package simulate_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/plan/simulate"
)

// disks are a class of a driver, and a StatefulSet whose pods have a disk of it each.
func disks(replicas, provisioner string) string {
	return `apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast}
provisioner: ` + provisioner + `
volumeBindingMode: WaitForFirstConsumer
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: ` + replicas + `
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "registry.example.com/db:1", volumeMounts: [{name: data, mountPath: /data}]}]}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {storageClassName: fast, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
`
}

// csiNode states how many volumes of EBS a node takes.
func csiNode(name, count string) string {
	return `---
apiVersion: storage.k8s.io/v1
kind: CSINode
metadata: {name: ` + name + `, uid: 00000000-0000-4000-8000-00000000c001}
spec: {drivers: [{name: ebs.csi.aws.com, nodeID: i-1, allocatable: {count: ` + count + `}}]}
`
}

// TestAttachLimits places as many disks on nodes as a cluster states, or as is known of the driver; and on nodes that
// come.
func TestAttachLimits(t *testing.T) {
	stated := csiNode("ip-10-1-0-1", "3") + csiNode("ip-10-1-0-2", "3") + csiNode("gke-pool-1-1", "3")
	for name, x := range map[string]struct {
		stated, change string
		groups         []string
		converges      bool
		added          int
	}{
		"the cluster states three for each of two nodes": {stated, disks("6", "ebs.csi.aws.com"), nil, true, 0},
		"a seventh finds no place":                       {stated, disks("7", "ebs.csi.aws.com"), nil, false, 0},
		"the driver that was part of Kubernetes counts":  {"", disks("51", "kubernetes.io/aws-ebs"), nil, false, 0},
		"of a driver without a limit any number":         {stated, disks("7", "disks.example.com"), nil, true, 0},
		"without CSINodes what is known of the driver":   {"", disks("50", "ebs.csi.aws.com"), nil, true, 0},
		"and no more": {"", disks("51", "ebs.csi.aws.com"), nil, false, 0},
		"new nodes take as many as those that they are like": {
			stated, disks("13", "ebs.csi.aws.com"), []string{"name=web,max=9"}, true, 3,
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := statedInput(t, "clouds.yaml", x.change, x.groups...)
			in.From = append(in.From, documents(t, strings.TrimPrefix(x.stated, "---\n"))...)
			p, err := simulate.Simulate(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if p.Converged != x.converges || len(newNodes(p)) != x.added {
				t.Errorf("converges: %t, %d new nodes: %s", p.Converged, len(newNodes(p)), p.Reason)
			}
			limit := func(q plan.Problem) bool { return q.Trap == "volume-limit" }
			if !x.converges &&
				(!slices.ContainsFunc(p.Problems, limit) ||
					!strings.Contains(p.Reason, "node(s) exceed max volume count")) {
				t.Errorf("%s: %+v", p.Reason, p.Problems)
			}
		})
	}
}
