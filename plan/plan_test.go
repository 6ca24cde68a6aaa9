package plan_test

import (
	"os"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"

	"github.com/seatrial/seatrial/internal/manifest"
	"github.com/seatrial/seatrial/internal/source"
	"github.com/seatrial/seatrial/plan"
)

func TestMain(m *testing.M) {
	klog.SetLogger(logr.Discard())
	os.Exit(m.Run())
}

func read(t *testing.T, name string) []*manifest.Document {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	docs, findings := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	return docs
}

func TestChapterRollsOver(t *testing.T) {
	p, err := plan.Simulate(t.Context(), plan.Input{From: read(t, "../testdata/chapter/nginx-deployment.yaml"), Change: read(t, "../testdata/chapter/nginx-deployment-latest.yaml")})
	if err != nil {
		t.Fatal(err)
	}
	if !p.Converged {
		t.Error(p.Reason)
	}
}
