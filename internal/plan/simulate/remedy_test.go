package simulate_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/plan/simulate"
)

// TestRemedies looks for ways out of plans that stall; none is told that has not completed.
func TestRemedies(t *testing.T) {
	for name, want := range map[string][]string{
		"daemonset-surge-host-port":   {"maxSurge 0, maxUnavailable 1 in DaemonSet default/edge"},
		"statefulset-broken-revision": {"deleting Pod default/db-0 after the change"},
		"node-death-statefulset": {
			"deleting Node node-1 when its pods are Terminating (or the taint node.kubernetes.io/out-of-service)",
		},
		"job-immutable":                {"deleting Job default/migrate before the change"},
		"traps/job-deadline":           {"activeDeadlineSeconds 160 in Job default/work"},
		"traps/job-counts-disruptions": {"podFailurePolicy that ignores DisruptionTarget in Job default/work"},
		"deadlock-no-room": {
			"maxSurge 0, maxUnavailable 1 in Deployment default/web", "strategy Recreate in Deployment default/web",
			"one node more like node-1 (4 cpu, 16Gi memory)",
		},
		"quota-blocks-surge": {
			"maxSurge 0, maxUnavailable 1 in Deployment default/web", "strategy Recreate in Deployment default/web",
			"pods 4 in ResourceQuota default/pods",
		},
		"deadlock-rwo-volume": {
			"maxSurge 0, maxUnavailable 1 in Deployment default/db", "strategy Recreate in Deployment default/db",
		},
		"deadlock-rwop-volume": {
			"maxSurge 0, maxUnavailable 1 in Deployment default/db", "strategy Recreate in Deployment default/db",
		},
		"drain-blocked": nil, // a budget that allows no eviction is a matter of its author
	} {
		t.Run(name, func(t *testing.T) {
			var in simulate.Input
			if trap, ok := strings.CutPrefix(name, "traps/"); ok {
				in, _ = trapInput(t, trap)
			} else {
				in = input(t, filepath.Join("testdata", name))
			}
			p, err := simulate.Simulate(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			remedies, err := simulate.Remedies(t.Context(), in, p)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range remedies {
				got = append(got, r.Change)
				if r.CompletesAt < 0 || r.MinAvailable > r.Desired {
					t.Errorf("%+v", r)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// TestDisruptions asks what becomes of a Deployment of three when a node goes.
func TestDisruptions(t *testing.T) {
	in := input(t, filepath.Join("testdata", "topology-spread"))
	p, err := simulate.Simulate(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{plan.DrainNode, plan.FailZone} {
		all := plan.Disruptions(kind, p)
		if len(all) < 2 {
			t.Fatalf("%s: %v", kind, all)
		}
		q := all[0]
		if err := q.Validate(); err != nil {
			t.Fatal(err)
		}
		outcome, err := simulate.Simulate(t.Context(), simulate.Disrupt(in, q))
		if err != nil {
			t.Fatal(err)
		}
		if a := q.Outcome(outcome); a.Target != q.Target || len(a.Workloads) == 0 ||
			a.Workloads[0].MinAvailable >= a.Workloads[0].Desired {
			t.Errorf("%s: %+v", q, a)
		}
	}
	if err := (plan.Disruption{Kind: "flood-node", Target: "node-1"}).Validate(); err == nil {
		t.Error("an unknown disruption is accepted")
	}
}
