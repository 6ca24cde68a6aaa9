// Command peers runs every rule over the test data of the tools that check the same things, and writes how much of what
// they find is found, and how much of what they pass is passed. `make peers` runs it.
//
// Each tool's test data is read by a function of [peers]; what a check of a tool is called here is in the rules'
// Equivalents, and, where more has to be said, in checks.tsv. explained.tsv explains each disagreement.
package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/rules"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/validation"
)

// oldVersion is judged as well: much of the test data is older than what the newest Kubernetes serves.
const oldVersion = "1.21"

// peer is a tool with test data.
type peer struct {
	name, url, revision string
	cases               func(root fs.FS) ([]testCase, error)
}

var peers = []peer{
	{"kube-linter", "https://github.com/stackrox/kube-linter", "35de568", kubeLinterCases},
	{"kube-score", "https://github.com/zegl/kube-score", "v1.20.0", kubeScoreCases},
	{"polaris", "https://github.com/FairwindsOps/polaris", "c0e23a23", polarisCases},
	{"trivy", "https://github.com/aquasecurity/trivy-checks", "80e53822", trivyCases},
	{"kubescape", "https://github.com/kubescape/regolibrary", "ce7ef32a", kubescapeCases},
	{"checkov", "https://github.com/bridgecrewio/checkov", "03d5fdad", checkovCases},
}

// testCase is a set of manifests, and what a check of a peer says of it.
type testCase struct {
	check string
	name  string // where it is from: a path, or a path and an object
	text  string
	// objects are those that are judged, as Kind/name; empty: all
	objects []string
	need    int                // how many of the objects are bad; 0: none
	params  lint.ParamSettings // of the case alone
	version string             // of Kubernetes, if the check depends on it
}

// check is what is known of a check of a peer.
type check struct {
	rules  []string           // that look for the same; empty: none
	params lint.ParamSettings // with which they do
	note   string             // why the check is left out; empty: it is not
}

func main() {
	data := flag.String("data", "bin/peers", "folder with a checkout of each peer; those that are missing are fetched")
	out := flag.String("out", "internal/peers/figures.md", "file for the figures; - is the standard output")
	only := flag.String("only", "", "the only peer")
	list := flag.Bool("list", false, "list all disagreements, explained or not, on the standard output")
	flag.Parse()
	if err := run(*data, *out, *only, *list); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run(data, out, only string, list bool) error {
	j, err := newJudge()
	if err != nil {
		return err
	}
	explained, err := readExplained()
	if err != nil {
		return err
	}
	var results []*result
	for _, p := range peers {
		if only != "" && p.name != only {
			continue
		}
		dir := filepath.Join(data, p.name)
		if err := fetch(p, dir); err != nil {
			return err
		}
		cases, err := p.cases(os.DirFS(dir))
		if err != nil {
			return fmt.Errorf("reading the test data of %s: %w", p.name, err)
		}
		r, err := j.compare(p, cases)
		if err != nil {
			return err
		}
		results = append(results, r)
		fmt.Println(r)
		if list {
			for _, d := range r.disagreements {
				fmt.Printf("%s\t%s\t%s\n", p.name, d, explained[p.name+" "+d.key()])
			}
		}
	}
	text, err := report(results, explained)
	if only != "" || out == "-" {
		return err
	}
	return errors.Join(err, os.WriteFile(out, []byte(text), 0o644))
}

// fetch fetches the revision of a peer, unless its folder exists.
func fetch(p peer, dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	for _, args := range [][]string{
		{"init", "--quiet", dir},
		{"-C", dir, "fetch", "--quiet", "--depth", "1", p.url, p.revision},
		{"-C", dir, "checkout", "--quiet", "FETCH_HEAD"},
	} {
		if text, err := exec.Command("git", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(text))
		}
	}
	return nil
}

// A judge lints cases.
type judge struct {
	validator lint.Validator
	all       []*lint.Rule
	checks    map[string]check // by peer and name
}

func newJudge() (*judge, error) {
	validator, err := validation.New()
	if err != nil {
		return nil, err
	}
	j := &judge{validator: validator, all: append(slices.Clone(lint.OwnRules), rules.All()...)}
	j.checks, err = readChecks(lint.Equivalents(j.all))
	return j, err
}

//go:embed checks.tsv
var checksTSV string

// readChecks returns the checks of all peers: what rules say of their equivalents, and what the table says instead.
func readChecks(equivalents map[string][]string) (map[string]check, error) {
	all := map[string]check{}
	for name, names := range equivalents {
		all[name] = check{rules: names}
	}
	for line := range strings.Lines(checksTSV) {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		fields := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(fields) != 5 {
			return nil, fmt.Errorf("checks.tsv: %q: %d fields, want 5", line, len(fields))
		}
		c := check{note: fields[4]}
		if fields[2] != "" {
			c.rules = strings.Split(fields[2], ",")
		}
		if err := yaml.Unmarshal([]byte(fields[3]), &c.params); err != nil {
			return nil, fmt.Errorf("checks.tsv: %q: %w", line, err)
		}
		for name := range strings.SplitSeq(fields[1], ",") {
			all[fields[0]+" "+name] = c
		}
	}
	return all, nil
}

// lookup returns what is known of a check: by its name, or by the first glob of the table that matches it.
func (j *judge) lookup(peer, name string) check {
	if c, ok := j.checks[peer+" "+name]; ok {
		return c
	}
	for _, glob := range sorted(j.checks) {
		if ok, err := path.Match(glob, peer+" "+name); ok && err == nil {
			return j.checks[glob]
		}
	}
	return check{}
}

// compare judges the cases of a peer.
func (j *judge) compare(p peer, cases []testCase) (*result, error) {
	r := &result{peer: p, left: map[string]int{}}
	for _, c := range cases {
		known := j.lookup(p.name, c.check)
		if known.note != "" {
			r.left[known.note]++
			continue
		}
		if c.version == older {
			r.left[tooOld]++
			continue
		}
		flagged, refused, err := j.flagged(c, known)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", p.name, c.name, err)
		}
		if refused != "" && flagged == 0 && (c.need > 0 || refused == noKind) &&
			!slices.Contains(known.rules, "kind-unknown") {
			r.left[refused]++
			continue
		}
		r.count(c, flagged, len(known.rules) > 0)
	}
	return r, nil
}

// noKind is why cases are left out that are written in a kind, or a version of it, that no known Kubernetes serves.
const noKind = "written in a kind that no Kubernetes since " + oldVersion + " serves, such as v1 Deployment"

// older is the version of cases for a Kubernetes before those that are known here, and tooOld why they are left out.
const older, tooOld = "older", "for a Kubernetes of long ago, such as 1.4"

// noContainers is why bad cases are left out of which no rule can say anything.
const noContainers = "bad cases without any container, or without a spec that can be read, which the API server refuses"

// flagged returns how many of the objects of a case the rules of its check flag, and why no rule may have looked at it.
func (j *judge) flagged(c testCase, known check) (n int, refused string, err error) {
	if len(known.rules) == 0 {
		return 0, "", nil
	}
	params := maps.Clone(known.params)
	if c.params != nil {
		params = c.params
	}
	diagnostics, err := j.lint(c.text, schema.Latest, known, params)
	if err != nil {
		return 0, "", err
	}
	gone := slices.DeleteFunc(
		slices.Clone(diagnostics), func(d diag.Diagnostic) bool { return d.Rule != "kind-unknown" },
	)
	if c.version != "" {
		if diagnostics, err = j.lint(c.text, c.version, known, params); err != nil {
			return 0, "", err
		}
		if len(gone) == 0 { // what comes later is not what goes
			diagnostics = slices.DeleteFunc(
				diagnostics, func(d diag.Diagnostic) bool { return d.Rule == "kind-unknown" },
			)
		}
		gone = nil
	} else if len(gone) > 0 {
		if diagnostics, err = j.lint(c.text, oldVersion, known, params); err != nil {
			return 0, "", err
		}
		if slices.ContainsFunc(diagnostics, func(d diag.Diagnostic) bool { return d.Rule == "kind-unknown" }) {
			refused = noKind
		}
	}
	if slices.ContainsFunc(diagnostics, func(d diag.Diagnostic) bool {
		return d.Severity == diag.Error && (strings.HasSuffix(d.Path, "containers") ||
			d.Path == "spec" && d.Rule == "field-type")
	}) {
		refused = cmp.Or(refused, noContainers)
	}
	found := map[string]bool{}
	for _, d := range append(diagnostics, gone...) {
		object := d.Object.Kind + "/" + d.Object.Name
		if slices.ContainsFunc(known.rules, func(r string) bool { return says(&d, r) }) &&
			(len(c.objects) == 0 || slices.Contains(c.objects, object)) {
			found[object] = true
		}
	}
	return len(found), refused, nil
}

// says reports whether a finding is of a rule, and about what follows its name and a colon, if anything does.
func says(d *diag.Diagnostic, rule string) bool {
	name, about, _ := strings.Cut(rule, ":")
	return d.Rule == name && strings.Contains(d.Path+" "+d.Message, about)
}

func (j *judge) lint(text, version string, known check, params lint.ParamSettings) ([]diag.Diagnostic, error) {
	var advice []string
	for _, rule := range known.rules {
		name, _, _ := strings.Cut(rule, ":")
		advice = append(advice, name)
	}
	advice = slices.DeleteFunc(advice, func(name string) bool {
		return !slices.ContainsFunc(j.all, func(r *lint.Rule) bool { return r.Name == name && r.Category != "verdict" })
	})
	selection, err := lint.Select(j.all, strings.Join(append([]string{"none"}, advice...), ","), nil)
	if err != nil {
		return nil, err
	}
	if err := selection.Configure(j.all, params, nil); err != nil {
		return nil, err
	}
	res, err := lint.Run(context.Background(), lint.Options{
		Files: []string{"case.yaml"}, Read: func(string) ([]byte, error) { return []byte(text), nil },
		IgnoreMissing: []string{"*"}, Validator: j.validator, Linked: "v" + schema.Latest, Versions: []string{version},
		Rules: selection, All: j.all,
	})
	if errors.Is(err, lint.ErrNoDocuments) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	return res.Diagnostics, nil
}
