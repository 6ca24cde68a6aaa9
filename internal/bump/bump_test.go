package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"

	"github.com/seatrial/seatrial/internal/modcache"
)

const goMod = `module example.com/x

go 1.26

require (
	k8s.io/api v0.37.2
	k8s.io/gone v0.37.2
	k8s.io/kube-proxy v0.0.0 // indirect
	k8s.io/kubernetes v1.37.2
	sigs.k8s.io/yaml v1.6.0
)
`

func TestRequirementsMoveWithTheStagingModules(t *testing.T) {
	from, out, err := rewriteRequirements(
		"go.mod", []byte(goMod), release{"37", "3"}, []string{"k8s.io/api", "k8s.io/kube-proxy", "k8s.io/new"},
	)
	if err != nil {
		t.Fatal(err)
	}
	if from.String() != "v1.37.2" {
		t.Errorf("moved from %s", from)
	}
	wanted := []string{
		"k8s.io/kubernetes v1.37.3", "k8s.io/api v0.37.3", "k8s.io/kube-proxy v0.37.3", "k8s.io/new v0.37.3",
		"sigs.k8s.io/yaml v1.6.0",
	}
	for _, want := range wanted {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(string(out), "k8s.io/gone") {
		t.Error("a module that is no longer published is still required")
	}
}

// TestGoModHasNoReplaceDirectives keeps "go install .../cmd/seatrial@latest" possible, and the staging
// modules at the version of the linked Kubernetes.
func TestGoModHasNoReplaceDirectives(t *testing.T) {
	data, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	f, err := modfile.Parse("go.mod", data, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Replace)+len(f.Exclude) > 0 {
		t.Error("go.mod has replace or exclude directives, with which go install refuses it")
	}
	linked := linkedRelease(t)
	upstream, err := upstreamModule(linked)
	if err != nil {
		t.Fatal(err)
	}
	staging := map[string]bool{}
	for _, module := range stagingModules(upstream) {
		staging[module] = true
	}
	required := 0
	for _, r := range f.Require {
		if staging[r.Mod.Path] {
			required++
			if r.Mod.Version != linked.staging() {
				t.Errorf("go.mod requires %s, want %s", r.Mod, linked.staging())
			}
		}
	}
	if required == 0 {
		t.Error("go.mod requires no staging module")
	}
}

func linkedRelease(t *testing.T) release {
	t.Helper()
	v, err := modcache.Version(kubernetesModule)
	if err != nil {
		t.Fatal(err)
	}
	r, err := parseRelease(v)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestMoveLeavesNoPlaceBehind moves a copy of the tree by a patch and by a minor version, and looks for the
// old one.
func TestMoveLeavesNoPlaceBehind(t *testing.T) {
	from := linkedRelease(t)
	upstream, err := upstreamModule(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []release{{from.minor, "99"}, {"99", "0"}} {
		t.Run(to.String(), func(t *testing.T) {
			root := copyTree(t, "../..")
			if err := rewriteTree(root, to, stagingModules(upstream)); err != nil {
				t.Fatal(err)
			}
			gone := []string{from.String(), from.staging()}
			found := map[string]bool{}
			walk(t, root, func(name, text string) {
				for _, old := range gone {
					if strings.Contains(text, old) && !(name == bundleSources && from.minor != to.minor) {
						t.Errorf("%s still names %s", name, old)
					}
				}
				if strings.HasSuffix(name, ".md") && from.minor != to.minor &&
					strings.Contains(text, "1.20 to 1."+from.minor) {
					t.Errorf("%s still says that 1.%s is the newest version", name, from.minor)
				}
				if strings.Contains(text, to.String()) || strings.Contains(text, `"1.`+to.minor+`"`) {
					found[name] = true
				}
			})
			for _, name := range []string{bundleSources, "go.mod"} {
				if !found[name] {
					t.Errorf("%s does not name %s", name, to)
				}
			}
			if from.minor != to.minor && !found[schemaLatest] {
				t.Errorf("%s does not name 1.%s", schemaLatest, to.minor)
			}
		})
	}
}

// walk passes every file to f that the move may have to rewrite.
func walk(t *testing.T, root string, f func(name, text string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		f(filepath.ToSlash(rel), string(data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// copyTree copies the files that may name the linked version, and go.mod.
func copyTree(t *testing.T, from string) string {
	t.Helper()
	root := t.TempDir()
	err := filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if rel != "." &&
				(d.Name()[0] == '.' || d.Name() == "testdata" || d.Name() == "bin" || d.Name() == "node_modules") {
				return fs.SkipDir
			}
			return os.MkdirAll(filepath.Join(root, rel), 0o755)
		}
		if slashed := filepath.ToSlash(rel); slashed != "go.mod" && !namesLinkedVersion(slashed) {
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(root, rel), data, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func TestMoveRefusesWhatIsNotARelease(t *testing.T) {
	if err := move(".", "1.37"); err == nil || !strings.Contains(err.Error(), "v1.37.3") {
		t.Errorf("got %v", err)
	}
}

func TestMoveSaysWhichGoItNeeds(t *testing.T) {
	to := release{"38", "0"}
	if err := checkGo(to, "1.999"); err == nil || !strings.Contains(err.Error(), "v1.38.0 needs Go 1.999") {
		t.Errorf("got %v", err)
	}
	if err := checkGo(to, "1.26.0"); err != nil {
		t.Error(err)
	}
}

func TestDeclarationsOfARelease(t *testing.T) {
	linked := linkedRelease(t)
	found, err := declarations("k8s.io/kubernetes/pkg/controller/deployment", linked)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"NewDeploymentController":  "func NewDeploymentController(ctx context.Context",
		"DeploymentController":     "type DeploymentController struct",
		"DeploymentController.Run": "func (dc *DeploymentController) Run(ctx context.Context, workers int)",
	} {
		if !strings.HasPrefix(found[name], want) {
			t.Errorf("%s: got %q, want %q", name, found[name], want)
		}
	}
	if gone, err := declarations("k8s.io/kubernetes/pkg/no/such/package", linked); err != nil || gone != nil {
		t.Errorf("a package that does not exist declares %v, %v", gone, err)
	}
}

func TestCompareTellsWhatChanged(t *testing.T) {
	job := "k8s.io/kubernetes/pkg/controller/job"
	used := map[symbol][]string{
		{job, "NewController"}: nil, {job, "Controller.Run"}: nil, {job, "Gone"}: nil, {job, "generated"}: nil,
	}
	before := map[string]string{
		"NewController": "func NewController()", "Controller.Run": "func (c *Controller) Run()",
		"Gone": "const Gone = 1",
	}
	after := map[string]string{
		"NewController": "func NewController(ctx context.Context)", "Controller.Run": "func (c *Controller) Run()",
	}
	changes, err := compare(
		used, func(string) (map[string]string, map[string]string, error) { return before, after, nil },
	)
	if err != nil {
		t.Fatal(err)
	}
	want := []change{
		{symbol{job, "Gone"}, "const Gone = 1", ""},
		{symbol{job, "NewController"}, "func NewController()", "func NewController(ctx context.Context)"},
	}
	if !slices.Equal(changes, want) {
		t.Errorf("got %v, want %v", changes, want)
	}
}
