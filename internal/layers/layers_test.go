package layers

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/seatrial/seatrial/"

// layers from the ground up. A package imports only from lines above its own; packages on one
// line do not import each other.
var layers = [][]string{
	{"internal/source", "internal/modcache"},
	{"internal/diag"},
	{"internal/manifest", "schema/bundle"},
	{"schema"},
	{"internal/verdict", "internal/memstore"},
	{"validation/custom"},
	{"validation"},
	{"lint", "explain", "cluster"},
	{"rules", "plan"},
	{"report", "lsp"},
	{"cmd/seatrial/cli"},
	{"cmd/seatrial"},
}

// tools stand beside the layers: nobody imports them.
var tools = []string{"schema/bundle/gen", "internal/layers", "internal/bench", "internal/kubernetes"}

// kubernetes are the only packages that may import k8s.io/kubernetes: linking it costs every binary.
var kubernetes = []string{"validation", "validation/custom", "cluster"}

// plain packages know nothing of API clients.
var plain = []string{"internal/source", "internal/diag", "internal/manifest", "schema", "schema/bundle"}

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

// layerOf finds the line of a package; a sub-package is on the line of its parent.
func layerOf(name string) int {
	for {
		for i, line := range layers {
			if slices.Contains(line, name) {
				return i
			}
		}
		i := strings.LastIndexByte(name, '/')
		if i < 0 {
			return -1
		}
		name = name[:i]
	}
}

func family(a, b string) bool {
	return a == b || strings.HasPrefix(a, b+"/") || strings.HasPrefix(b, a+"/")
}

func TestPackagesImportOnlyFromBelow(t *testing.T) {
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if slices.Contains(tools, name) {
			continue
		}
		mine := layerOf(name)
		if mine < 0 {
			t.Errorf("%s is on no line: say where it belongs", name)
			continue
		}
		for _, i := range p.Imports {
			other, ours := strings.CutPrefix(i, module)
			if !ours {
				continue
			}
			if theirs := layerOf(other); theirs > mine || theirs == mine && !family(name, other) || slices.Contains(tools, other) {
				t.Errorf("%s imports %s, which is not below it", name, other)
			}
		}
	}
}

func TestKubernetesIsLinkedInFewPlaces(t *testing.T) {
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		allowed := slices.ContainsFunc(kubernetes, func(k string) bool { return name == k || strings.HasPrefix(name, k+"/") })
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
