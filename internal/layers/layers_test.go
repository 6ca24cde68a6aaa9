package layers

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/seatrial/seatrial/"

// layers from the ground up. A package imports only from lines above its own; the
// entries of one line do not import each other.
var layers = [][]string{
	{"internal/platform", "internal/termsvg"},
	{"source", "internal/sanitize", "internal/atomicfile", "internal/modcache", "internal/browser", "internal/disk",
		"internal/loopback", "internal/memtune", "internal/frames", "internal/revision",
		"internal/kubernetes"},
	{"diag"},
	{"manifest", "schema/bundle"},
	{"schema", "internal/redact"},
	{"validation/verdict", "internal/memstore"},
	{"validation/nondeterminism", "validation/handler", "internal/kubernetes/registry"},
	{"validation/custom"},
	{"validation"},
	{"internal/cluster/informers", "internal/cluster/virtualtime", "internal/cluster/shell"},
	{"internal/cluster/inprocess"},
	{"internal/cluster/clients"},
	{"internal/cluster/kubelet"},
	{"internal/cluster/apiserver", "internal/cluster/controllers", "internal/cluster/scheduler"},
	{"lint", "explain", "internal/convert", "internal/cluster"},
	{"internal/network"},
	{"internal/live", "internal/trial", "rules", "internal/plan", "internal/policy"},
	{"internal/plan/simulate", "internal/review"},
	{"internal/report", "internal/lsp"},
	{"internal/playground"},
	{"internal/catalogue"},
	{"internal/render"},
	{"internal/chartrepo"},
	{"internal/app"},
	{"cmd/seatrial/cli"},
	{"cmd/seatrial"},
}

// tools stand beside the layers: nobody imports them.
var tools = []string{
	"schema/bundle/gen", "internal/layers", "internal/bench", "internal/bench/engine", "internal/release/assets",
	"internal/skips", "internal/crosscheck", "internal/peers", "internal/bump", "playground/build",
}

// kubernetes are the only packages that may import k8s.io/kubernetes: linking it costs every binary.
var kubernetes = []string{
	"internal/kubernetes", "validation", "validation/custom", "internal/cluster", "internal/live", "internal/trial",
}

// light packages link at most so many others, and none of k8s.io/kubernetes: their tests start at once.
var light = map[string]int{
	"lint": 340, "rules": 345, "schema": 220, "explain": 445, "internal/plan": 400, "internal/report": 500,
	"internal/lsp": 480,
}

// plain packages know nothing of API clients.
var plain = []string{"source", "diag", "manifest", "schema", "schema/bundle"}

type pkg struct {
	ImportPath string
	Imports    []string
}

func list(t *testing.T) (pkgs []pkg) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for dec.More() {
		var p pkg
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
	return pkgs
}

// layerOf finds the line of a package, and its entry there; a sub-package stands with its parent.
func layerOf(name string) (line int, entry string) {
	for {
		for i, line := range layers {
			if slices.Contains(line, name) {
				return i, name
			}
		}
		i := strings.LastIndexByte(name, '/')
		if i < 0 {
			return -1, ""
		}
		name = name[:i]
	}
}

func TestPackagesImportOnlyFromBelow(t *testing.T) {
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if slices.Contains(tools, name) {
			continue
		}
		mine, entry := layerOf(name)
		if mine < 0 {
			t.Errorf("%s is on no line: say where it belongs", name)
			continue
		}
		for _, i := range p.Imports {
			other, ours := strings.CutPrefix(i, module)
			if !ours {
				continue
			}
			theirs, others := layerOf(other)
			if theirs > mine || theirs == mine && others != entry || slices.Contains(tools, other) {
				t.Errorf("%s imports %s, which is not below it", name, other)
			}
		}
	}
}

func TestKubernetesIsLinkedInFewPlaces(t *testing.T) {
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		allowed := slices.ContainsFunc(
			kubernetes, func(k string) bool { return name == k || strings.HasPrefix(name, k+"/") },
		)
		for _, i := range p.Imports {
			if strings.HasPrefix(i, "k8s.io/kubernetes/") && !allowed {
				t.Errorf("%s imports %s", name, i)
			}
			if strings.HasPrefix(i, "k8s.io/client-go") && slices.Contains(plain, name) {
				t.Errorf("%s imports %s", name, i)
			}
		}
	}
}

func TestLightPackagesLinkFewOthers(t *testing.T) {
	for name, most := range light {
		out, err := exec.Command("go", "list", "-deps", module+name).Output()
		if err != nil {
			t.Fatal(err)
		}
		deps := strings.Fields(string(out))
		if len(deps) > most {
			t.Errorf("%s links %d packages, want at most %d", name, len(deps), most)
		}
		heavy := func(dep string) bool { return strings.HasPrefix(dep, "k8s.io/kubernetes/") }
		if i := slices.IndexFunc(deps, heavy); i >= 0 {
			t.Errorf("%s links %s", name, deps[i])
		}
	}
}
