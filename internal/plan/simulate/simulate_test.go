package simulate_test

import (
	"bytes"
	"errors"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"k8s.io/klog/v2"

	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/plan/simulate"
	"github.com/seatrial/seatrial/internal/report"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

func TestMain(m *testing.M) {
	klog.SetLoggerWithOptions(logr.Discard(), klog.ContextualLogger(true))
	os.Exit(m.Run())
}

// TestCases runs testdata/NAME: plan.yaml on what from.yaml has made, on the nodes of nodes, in the world of
// scenario.yaml, as long as until says, with the seed of seed, strictly if there is a file strict; all but one are
// optional. What comes of it is golden.txt; UPDATE=1 rewrites it. Each case is run twice, and once in another process
// where more goroutines run at the same time, and has to give the same bytes.
func TestCases(t *testing.T) {
	names, err := filepath.Glob("testdata/*/golden.txt")
	if os.Getenv("UPDATE") != "" {
		names, err = filepath.Glob("testdata/*/plan.yaml")
		more, _ := filepath.Glob("testdata/*/scenario.yaml")
		names = append(names, more...)
	}
	if err != nil || len(names) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	defer inAnotherProcess(t)()
	done := map[string]bool{}
	for _, name := range names {
		folder := filepath.Dir(name)
		if done[folder] {
			continue
		}
		done[folder] = true
		t.Run(filepath.Base(folder), func(t *testing.T) {
			got := tell(t, folder)
			// a day is lived through once, and once in another process
			if os.Getenv("UPDATE") == "" && os.Getenv(onceEnv) == "" && readText(t, folder, "until") == "" {
				if again := tell(t, folder); again != got {
					t.Errorf("another run in the same process tells otherwise:\n%s", firstDifference(got, again))
				}
			}
			golden := filepath.Join(folder, "golden.txt")
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("not as in %s:\n%s", golden, firstDifference(string(want), got))
			}
		})
	}
}

// inAnotherProcess runs the cases that are run here in another process beside this one, and gives the
// function that waits for it.
func inAnotherProcess(t *testing.T) (wait func()) {
	if os.Getenv("UPDATE") != "" || os.Getenv(onceEnv) != "" || testing.Short() {
		return func() {}
	}
	pattern := "^TestCases$"
	if run := flag.Lookup("test.run").Value.String(); strings.Contains(run, "Cases/") {
		pattern = run // some of them
	}
	cmd := exec.Command(os.Args[0], "-test.run="+pattern)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=7", "GOGC=30", onceEnv+"=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := cmd.Wait(); err != nil {
			t.Errorf("in another process: %v\n%s", err, out.Bytes())
		}
	}
}

// onceEnv lets the other process run each case once.
const onceEnv = "SEATRIAL_TEST_ONCE"

// input reads a case.
func input(t *testing.T, folder string) simulate.Input {
	t.Helper()
	in := simulate.Input{Change: read(t, folder, "plan.yaml"), From: read(t, folder, "from.yaml"), Reasons: true}
	_, err := os.Stat(filepath.Join(folder, "strict"))
	in.Strict = err == nil
	if text := readText(t, folder, "nodes"); text != "" {
		groups := strings.Split(strings.TrimSpace(text), "\n")
		for i, g := range groups {
			if strings.HasSuffix(g, ".yaml") {
				groups[i] = filepath.Join(folder, g)
			}
		}
		nodes, err := cluster.ParseNodes(groups...)
		if err != nil {
			t.Fatal(err)
		}
		in.Nodes = nodes
	}
	if text := readText(t, folder, "seed"); text != "" {
		seed, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		in.Seed = seed
	}
	if text := readText(t, folder, "until"); text != "" {
		until, err := time.ParseDuration(strings.TrimSpace(text))
		if err != nil {
			t.Fatal(err)
		}
		in.Until = until
	}
	scenario, err := plan.ReadScenario(filepath.Join(folder, "scenario.yaml"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	in.Scenario = scenario
	return in
}

// tell simulates a case, and tells all of it.
func tell(t *testing.T, folder string) string {
	t.Helper()
	in := input(t, folder)
	p, err := simulate.Simulate(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	conforms(t, written(t, p, "json", report.PlanOptions{}))
	return string(written(t, p, "text", report.PlanOptions{Verbose: true, Reasons: len(in.Nodes) < 10}))
}

// conforms holds a report in JSON to its schema.
func conforms(t *testing.T, report []byte) {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile("../../../docs/plan-report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(report)))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		t.Error(err)
	}
}

// written returns a plan in a format.
func written(t *testing.T, p *plan.Plan, name string, options report.PlanOptions) []byte {
	t.Helper()
	format, err := report.LookupPlan(name)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := format.Write(&out, p, options); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func readText(t *testing.T, folder, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(data)
}

func read(t *testing.T, folder, name string) []*manifest.Document {
	t.Helper()
	text := readText(t, folder, name)
	docs, findings := manifest.Read(source.NewFile(name, []byte(text)), manifest.DefaultLimits)
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	return docs
}

// firstDifference shows where two texts begin to differ.
func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			from := max(0, i-14)
			return "want:\n" + strings.Join(
				a[from:min(len(a), i+12)], "\n",
			) + "\ngot:\n" + strings.Join(b[from:min(len(b), i+12)], "\n")
		}
	}
	return "got more:\n" + strings.Join(b[len(a):], "\n")
}
