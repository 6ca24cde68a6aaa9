package simulate_test

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/plan/simulate"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// TestRolloutsKeepTheirBounds rolls Deployments with all pairs of maxSurge and maxUnavailable over, in one
// cluster, and holds the pods that there were, and that were available, to what the API promises of the two
// fields (RollingUpdateDeployment in k8s.io/api/apps/v1; ResolveFenceposts in pkg/controller/deployment/util).
func TestRolloutsKeepTheirBounds(t *testing.T) {
	type bounds struct{ pods, available int }
	shares := []string{"0%", "34%", "50%", "100%"}
	want := map[string]bounds{}
	var before, after strings.Builder
	for _, replicas := range []int{1, 3, 7} {
		for i, surge := range shares {
			for j, unavailable := range shares {
				if i+j == 0 {
					continue // the API server refuses it
				}
				name := fmt.Sprintf("web-%d-%d-%d", replicas, i, j)
				want[name] = bounds{
					replicas + scaled(t, surge, replicas, true),
					replicas - max(scaled(t, unavailable, replicas, false), fencepost(i)),
				}
				deployment(&before, name, replicas, surge, unavailable, "nginx:1.27")
				deployment(&after, name, replicas, surge, unavailable, "nginx:1.28")
			}
		}
	}
	nodes, err := cluster.ParseNodes("4x32cpu64Gi,pods=500")
	if err != nil {
		t.Fatal(err)
	}
	p, err := simulate.Simulate(
		t.Context(),
		simulate.Input{From: documents(t, before.String()), Change: documents(t, after.String()), Nodes: nodes},
	)
	if err != nil {
		t.Fatal(err)
	}
	if !p.Converged || len(p.Workloads) != len(want) {
		t.Fatalf("%d of %d workloads, %s", len(p.Workloads), len(want), p.Reason)
	}
	for _, w := range p.Workloads {
		b := want[w.Object.Name]
		most := 0
		for _, point := range w.Curve {
			most = max(most, point.Old+point.New) // those that stop come on top
		}
		if most > b.pods || w.MinAvailable < b.available {
			t.Errorf(
				"%s: up to %d pods, at least %d available, want at most %d and at least %d", w.Strategy, most,
				w.MinAvailable, b.pods, b.available,
			)
		}
		if end := w.Curve[len(w.Curve)-1]; end.New != w.Desired || end.Available != w.Desired || end.Old != 0 {
			t.Errorf("%s ends with %+v", w.Strategy, end)
		}
	}
}

// fencepost is how many pods may be unavailable where both numbers come to 0.
func fencepost(surge int) int {
	if surge == 0 {
		return 1
	}
	return 0
}

func scaled(t *testing.T, share string, of int, up bool) int {
	t.Helper()
	v := intstr.FromString(share)
	n, err := intstr.GetScaledValueFromIntOrPercent(&v, of, up)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func deployment(w *strings.Builder, name string, replicas int, surge, unavailable, image string) {
	fmt.Fprintf(w, `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s}
spec:
  replicas: %[2]d
  strategy: {rollingUpdate: {maxSurge: %[3]s, maxUnavailable: %[4]s}}
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec: {containers: [{name: web, image: "%[5]s"}]}
`, name, replicas, surge, unavailable, image)
}

func documents(t *testing.T, text string) []*manifest.Document {
	t.Helper()
	docs, findings := manifest.Read(source.NewFile("many.yaml", []byte(text)), manifest.DefaultLimits)
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	return docs
}
