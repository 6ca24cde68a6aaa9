// Command bench measures seatrial side by side with its peers and writes docs/performance.md.
//
// The peers are built from their Go modules; all read the same files, in turns, in one run, so
// that a busy machine is as unfair to one as to the other. Ratios are worth more than seconds.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

const kubernetes = "k8s.io/kubernetes"

// peers are the programs measured beside seatrial, by the modules that they are built from.
var peers = map[string]string{
	"kubeconform":      "github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0",
	"kubectl-validate": "sigs.k8s.io/kubectl-validate@v0.0.4",
	"kube-score":       "github.com/zegl/kube-score/cmd/kube-score@v1.20.0",
}

// contender is a command line that does a task.
type contender struct {
	name  string
	args  []string
	finds bool // exits with 1, since it gives advice on valid manifests
}

// task is one thing that all contenders do.
type task struct {
	name       string
	documents  int
	rounds     int
	contenders []contender
}

// sample is one run: wall time, processor time and the most memory.
type sample struct {
	wall, cpu time.Duration
	rss       int64 // bytes
}

// part is what can be measured alone. It needs seatrial, and the folder of the peers.
type part struct {
	name    string
	measure func(seatrial, bin string, rounds int) (string, error)
}

// parts follow the tables of the peers.
var parts = []part{
	{"trial", func(seatrial, _ string, rounds int) (string, error) { return trials(seatrial, rounds) }},
	{"plan", func(seatrial, _ string, rounds int) (string, error) { return plans(seatrial, min(rounds, longRounds)) }},
	{"live", func(seatrial, _ string, rounds int) (string, error) { return lives(seatrial, min(rounds, longRounds)) }},
	{"explain", looks},
	{"review", reviews},
	{"sources", sources},
}

// longRounds is how often what takes minutes is measured, whatever else is asked for.
const longRounds = 1

func main() {
	log.SetFlags(0)
	rounds := flag.Int("rounds", 5, "runs of each command; the median counts")
	out := flag.String("o", "docs/performance.md", "page to write; - for standard output")
	alone := map[string]*bool{}
	for _, p := range parts {
		alone[p.name] = flag.Bool(p.name, false, "measure "+p.name+" alone, to standard output")
	}
	flag.StringVar(&against, "against", "", "another build of seatrial, which the sources are measured with as well")
	flag.Parse()
	b, err := newBench(*rounds)
	if err != nil {
		log.Fatal("bench: ", err)
	}
	only := slices.DeleteFunc(slices.Clone(parts), func(p part) bool { return !*alone[p.name] })
	if len(only) > 0 {
		err = b.write("-", only)
	} else {
		err = b.all(*out)
	}
	if err != nil {
		log.Fatal("bench: ", err)
	}
}

// bench knows where the programs are.
type bench struct {
	seatrial, bin string
	rounds        int
	page          strings.Builder
}

func newBench(rounds int) (*bench, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	seatrial, err := filepath.Abs("bin/seatrial")
	return &bench{seatrial: seatrial, bin: filepath.Join(base, "seatrial-bench", "bin"), rounds: rounds}, err
}

// all measures beside the peers, then the parts.
func (b *bench) all(out string) error {
	if err := buildPeers(b.bin); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "seatrial-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	tasks, err := prepare(dir, b.bin, b.seatrial, b.rounds)
	if err != nil {
		return err
	}
	b.page.WriteString(preface())
	for _, t := range tasks {
		log.Printf("%s", t.name)
		results, err := measure(t)
		if err != nil {
			return err
		}
		b.page.WriteString(table(t, results))
		if err := remember(t, results); err != nil {
			return err
		}
	}
	return b.write(out, parts)
}

// write measures parts, and writes the page.
func (b *bench) write(out string, parts []part) error {
	for _, p := range parts {
		text, err := p.measure(b.seatrial, b.bin, b.rounds)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		b.page.WriteString(text)
	}
	if out == "-" {
		_, err := io.WriteString(os.Stdout, b.page.String())
		return err
	}
	return os.WriteFile(out, []byte(b.page.String()), 0o644)
}

func buildPeers(bin string) error {
	for name, pkg := range peers {
		if _, err := os.Stat(filepath.Join(bin, name)); err == nil {
			continue
		}
		log.Printf("building %s", pkg)
		cmd := exec.Command("go", "install", pkg)
		cmd.Env = append(os.Environ(), "GOBIN="+bin, "GOFLAGS=")
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("building %s: %w", pkg, err)
		}
	}
	return nil
}

// prepare writes the files and names the command lines.
func prepare(dir, bin, seatrial string, rounds int) ([]task, error) {
	path := func(name string) string { return filepath.Join(dir, name) }
	schemas := path("schemas")
	var err error
	for _, write := range []func() error{
		func() error { return writeSchemas(schemas, kubernetes) },
		func() error { return writeFolder(path("many"), 2000) },
		func() error { return writeFolder(path("half"), 1000) },
		func() error { return writeFolder(path("double"), 4000) },
		func() error { return writeFile(path("one.yaml"), 500) },
		func() error { return writeSmall(path("small.yaml")) },
	} {
		if err = write(); err != nil {
			return nil, err
		}
	}
	lint := func(args ...string) contender {
		return contender{
			name: "seatrial lint",
			args: append(
				[]string{seatrial, "lint", "--config", os.DevNull, "--fail-on", "never", "-o", "compact"}, args...,
			),
		}
	}
	noCache := func(file string) contender { return lint("--no-cache", path(file)) }
	verdict := func(file string) contender {
		c := lint("--no-cache", "--rules", "none", path(file))
		c.name += " --rules none"
		return c
	}
	kubeconform := func(file string) contender {
		return contender{name: "kubeconform",
			args: []string{filepath.Join(bin, "kubeconform"), "-strict", "-n", fmt.Sprint(runtime.NumCPU()),
				"-schema-location", schemas + "/{{.ResourceKind}}{{.KindSuffix}}.json", path(file)}}
	}
	validate := func(file string) contender {
		return contender{
			name: "kubectl-validate",
			args: []string{filepath.Join(bin, "kubectl-validate"), "--version", "1.30", path(file)},
		}
	}
	score := func(file string) contender {
		return contender{
			name: "kube-score", args: []string{filepath.Join(bin, "kube-score"), "score", "-o", "ci", path(file)},
			finds: true,
		}
	}
	cached := lint(path("many"))
	cached.name = "seatrial lint, unchanged files"
	if err := os.Setenv("SEATRIAL_CACHE_DIR", path("cache")); err != nil {
		return nil, err
	}
	if err := exec.Command(cached.args[0], cached.args[1:]...).Run(); err != nil {
		return nil, fmt.Errorf("filling the cache: %w", err)
	}
	return []task{
		{
			"One small file, process start to exit", 1, 4 * rounds,
			[]contender{noCache("small.yaml"), kubeconform("small.yaml"), validate("small.yaml"), score("small.yaml")},
		},
		{"10,000 documents in 1,000 files", 10000, rounds, []contender{noCache("half"), kubeconform("half")}},
		{
			"20,000 documents in 2,000 files", 20000, rounds,
			[]contender{noCache("many"), verdict("many"), cached, kubeconform("many"), validate("many")},
		},
		{"40,000 documents in 4,000 files", 40000, rounds, []contender{noCache("double"), kubeconform("double")}},
		{
			"5,000 documents in one file", 5000, rounds,
			[]contender{
				noCache("one.yaml"), verdict("one.yaml"), kubeconform("one.yaml"), validate("one.yaml"),
				score("one.yaml"),
			},
		},
	}, nil
}

// result is what the runs of a command have in common: the medians, and the shortest and the longest wall time.
type result struct {
	sample
	lowest, highest time.Duration
}

// differs reports whether the difference between two commands is more than that between runs of one.
func (r result) differs(from result) bool { return r.lowest > from.highest || r.highest < from.lowest }

// measure runs the contenders in turns.
func measure(t task) (map[string]result, error) {
	samples := map[string][]sample{}
	for range t.rounds {
		for _, c := range t.contenders {
			s, err := once(c)
			if err != nil {
				return nil, err
			}
			samples[c.name] = append(samples[c.name], s)
		}
	}
	results := map[string]result{}
	for name, list := range samples {
		r := result{sample: medianOf(list), lowest: list[0].wall, highest: list[0].wall}
		for _, s := range list {
			r.lowest, r.highest = min(r.lowest, s.wall), max(r.highest, s.wall)
		}
		results[name] = r
	}
	return results, nil
}

func medianOf(list []sample) sample {
	return sample{
		wall: median(list, func(s sample) time.Duration { return s.wall }),
		cpu:  median(list, func(s sample) time.Duration { return s.cpu }),
		rss:  median(list, func(s sample) int64 { return s.rss }),
	}
}

func median[T time.Duration | int64](list []sample, of func(sample) T) T {
	values := make([]T, len(list))
	for i, s := range list {
		values[i] = of(s)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func once(c contender) (sample, error) {
	cmd := exec.Command(c.args[0], c.args[1:]...)
	var text strings.Builder
	cmd.Stderr = &text
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if err != nil && !(c.finds && cmd.ProcessState.ExitCode() == 1) {
		return sample{}, fmt.Errorf("%s: %w\n%s", strings.Join(c.args, " "), err, text.String())
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return sample{wall, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), usage.Maxrss * 1024}, nil
}

func preface() string {
	return fmt.Sprintf("# Performance\n\n"+
		"Made by `make bench` on a machine with %d cores (%s/%s, %s). All commands of a table run in turns on the same files; the medians are shown. "+
		"Machines differ and are noisy: read the ratios, not the seconds. The ratio is the wall time of the command over that of `seatrial lint` with its default rules and without its cache: "+
		"above 1, the command takes longer; none, that the runs of both overlap: no difference was measured. The spread is from the shortest run to the longest. "+
		"[history.tsv](performance/history.tsv) keeps what was measured before. Memory is the most that was resident.\n\n"+
		"The peers are built from their Go modules: kubeconform v0.8.0 (`-strict`, a worker for each core, local schemas made from the same Kubernetes), kubectl-validate v0.0.4 (its newest built-in schemas, those of 1.30), "+
		"and kube-score v1.20.0. What is done in the time differs. kubeconform and kubectl-validate check schemas; kube-score gives advice; seatrial runs the API server's own validation, gives advice and looks at the set as a whole.\n\n"+
		"Ten, twenty and forty thousand documents show that time grows with the number of documents and that memory hardly does: of each document only what others need to know is kept.\n",
		runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

func table(t task, results map[string]result) string {
	var b strings.Builder
	fmt.Fprintf(
		&b,
		"\n## %s\n\n| command | wall | spread | ratio | documents/s | CPU a document | memory |\n|---|---|---|---|---|---|---|\n",
		t.name,
	)
	base := results[t.contenders[0].name]
	for i, c := range t.contenders {
		s := results[c.name]
		ratio := fmt.Sprintf("%.2f", s.wall.Seconds()/base.wall.Seconds())
		if i > 0 && !s.differs(base) {
			ratio = "none"
		}
		fmt.Fprintf(&b, "| %s | %.3f s | %.3f to %.3f s | %s | %.0f | %.3f ms | %d MB |\n", c.name, s.wall.Seconds(),
			s.lowest.Seconds(), s.highest.Seconds(), ratio, float64(t.documents)/s.wall.Seconds(),
			s.cpu.Seconds()*1000/float64(t.documents), s.rss>>20)
	}
	return b.String()
}
