package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seatrial/seatrial/internal/app"
)

// TestReviewEndsWhenItsTimeIsOver cuts the simulation of a rollout off at many moments: whatever it is doing, the rest
// of the review is reported.
func TestReviewEndsWhenItsTimeIsOver(t *testing.T) {
	deployment := func(tag string) string {
		return `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 20
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example.com/web:` + tag + `"}]}
`
	}
	before, after := t.TempDir(), t.TempDir()
	write(t, before, "web.yaml", deployment("1"))
	write(t, after, "web.yaml", deployment("2"))
	for budget := 20 * time.Millisecond; budget < 500*time.Millisecond; budget += 40 * time.Millisecond {
		o := app.ReviewOptions{
			Build: app.Build{Kubernetes: "v1.37.2"}, Base: before, Plan: app.PlanAuto, Budget: budget,
		}
		o.Paths = []string{after}
		r, err := o.Review(t.Context())
		if err != nil {
			t.Fatalf("after %s: %v", budget, err)
		}
		if len(r.Rollouts) != 1 {
			t.Fatalf("after %s: %d rollouts, want one", budget, len(r.Rollouts))
		}
		if why := r.Rollouts[0].Why; why != "" && !strings.Contains(why, "--plan all") {
			t.Fatalf("after %s: the rollout is not shown because %s", budget, why)
		}
	}
}
