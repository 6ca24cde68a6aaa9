package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"

	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/rules"
)

// TestDryRunExamples proves the examples of the rules that need a whole API server.
func TestDryRunExamples(t *testing.T) {
	run := func(text string) (string, int) {
		var out bytes.Buffer
		code := Run(t.Context(), []string{"lint", "--dry-run", "--rules", "none", "-o", "compact", "-"},
			Streams{In: strings.NewReader(text), Out: &out, Err: &out, Getenv: func(string) string { return "" }})
		return out.String(), code
	}
	klog.SetLogger(logr.Discard())
	for _, r := range lint.DryRunRules {
		bad, good := rules.Example(r.Name)
		if out, code := run(bad); code != exitFindings || !strings.Contains(out, r.Name) {
			t.Errorf("%s: the bad example is not found: %s", r.Name, out)
		}
		if out, code := run(good); code != exitClean {
			t.Errorf("%s: the good example is refused: %s", r.Name, out)
		}
	}
}
