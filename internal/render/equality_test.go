package render

import (
	"bytes"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/seatrial/seatrial/internal/modcache"
	"github.com/seatrial/seatrial/source"
)

// programFolder has what was built for the tests.
var programFolder string

// TestMain removes what was built for the tests.
func TestMain(m *testing.M) {
	code := m.Run()
	if programFolder != "" {
		_ = os.RemoveAll(programFolder)
	}
	os.Exit(code)
}

// programs are helm and kustomize themselves.
type programs struct{ helm, kustomize string }

// buildPrograms builds helm and kustomize from the versions that this module links, with the versions of all other
// modules that it has: of Kubernetes' packages nothing is compiled once more.
var buildPrograms = sync.OnceValues(func() (p programs, err error) {
	dir, err := os.MkdirTemp("", "programs")
	if err != nil {
		return p, err
	}
	programFolder = dir
	if p.helm, err = modcache.Program(dir, "helm.sh/helm/v4/cmd/helm", "helm.exe"); err != nil {
		return p, err
	}
	p.kustomize, err = modcache.Program(dir, "sigs.k8s.io/kustomize/kustomize/v5", "kustomize.exe")
	return p, err
})

// proxyUnreachable is in what go says of a module that it cannot download.
var proxyUnreachable = regexp.MustCompile(`dial tcp|no such host|i/o timeout|module lookup disabled|proxyconnect`)

// needPrograms returns helm and kustomize. The test is skipped only if their modules cannot be downloaded.
func needPrograms(t *testing.T) programs {
	t.Helper()
	if testing.Short() {
		t.Skip("builds helm and kustomize")
	}
	p, err := buildPrograms()
	if err != nil && proxyUnreachable.MatchString(err.Error()) {
		t.Skip("the modules of helm and kustomize cannot be downloaded: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// moduleFolder returns the folder of a module that this one requires.
func moduleFolder(t *testing.T, module string) string {
	t.Helper()
	dir, err := modcache.Dir(module)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// sourceComment is a comment that says where a document comes from: helm's, or that of WithOrigins.
var sourceComment = regexp.MustCompile(`(?m)^# Source: .*\n`)

// sameBytes compares what a program prints with a rendering, apart from comments of its origin and the separator before
// the first document.
func sameBytes(t *testing.T, r *Rendering, want []byte) {
	t.Helper()
	if len(bytes.TrimSpace(want)) == 0 && len(r.Text) == 0 {
		return
	}
	got := r.WithOrigins(source.NewFile(r.Name, r.Text))
	if !bytes.HasPrefix(want, []byte("---\n")) {
		got = bytes.TrimPrefix(got, []byte("---\n"))
	}
	got, want = sourceComment.ReplaceAll(got, nil), sourceComment.ReplaceAll(want, nil)
	if bytes.Equal(got, want) {
		return
	}
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	t.Errorf("differs from byte %d: rendered\n%q\nthe program prints\n%q", i,
		got[max(0, i-100):min(len(got), i+200)], want[max(0, i-100):min(len(want), i+200)])
}

// TestChartsEqualHelm renders helm's own test charts, and those of this module, as helm template does.
func TestChartsEqualHelm(t *testing.T) {
	p := needPrograms(t)
	home := t.TempDir()
	for _, name := range []string{"HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"} {
		t.Setenv(name, home)
	}
	charts := slices.Concat(
		chartsBelow(t, moduleFolder(t, "helm.sh/helm/v4")), chartsBelow(t, unpackAll(t)), chartsBelow(t, "../.."),
	)
	rendered := 0
	for _, dir := range charts {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			s := Reader(ReadFile).chartSource(dir)
			if s == nil {
				return // a library
			}
			for _, v := range s.Variants {
				r := s.Render(v, Options{ReleaseName: "shop", Namespace: "prod"})
				args := []string{
					"template", "shop", dir, "--namespace", "prod", "--include-crds", "--kube-version", "1.37",
				}
				for _, f := range v.Values {
					args = append(args, "--values", f)
				}
				want, err := exec.Command(p.helm, args...).Output()
				var failed *exec.ExitError
				switch {
				case errors.As(err, &failed):
					if len(r.Findings) == 0 && !refusedAlone.Match(failed.Stderr) {
						t.Errorf("%s: helm refuses the chart, and nothing was found: %s", dir, failed.Stderr)
					}
				case err != nil:
					t.Fatal(err)
				case len(r.Findings) > 0:
					t.Errorf("%s: helm renders the chart, and here it is refused: %v", dir, r.Findings)
				default:
					rendered++
					again := want
					if !bytes.Equal(want, r.Text) { // it may draw values
						again, _ = exec.Command(p.helm, args...).Output()
					}
					sameBytes(t, r.withoutDrawn(want, again), withoutDrawn(want, again))
				}
			}
		})
	}
	if rendered < 30 {
		t.Errorf("%d charts were compared, of %d", rendered, len(charts))
	}
}

// refusedAlone matches what helm alone refuses: lint reports what is not YAML, and dependencies beside a chart are used
// without a copy of them.
var refusedAlone = regexp.MustCompile(`YAML parse error|missing in charts/ directory`)

// withoutDrawn returns the first of two texts without the lines that differ: values that a chart draws at random.
func withoutDrawn(text, again []byte) []byte {
	lines, others := bytes.SplitAfter(text, []byte("\n")), bytes.SplitAfter(again, []byte("\n"))
	if len(lines) != len(others) {
		return text
	}
	var out []byte
	for i, l := range lines {
		if bytes.Equal(l, others[i]) {
			out = append(out, l...)
		}
	}
	return out
}

// withoutDrawn returns the rendering without the lines that helm draws at random.
func (r *Rendering) withoutDrawn(helm, again []byte) *Rendering {
	lines, others := bytes.SplitAfter(helm, []byte("\n")), bytes.SplitAfter(again, []byte("\n"))
	mine := bytes.SplitAfter(r.Text, []byte("\n"))
	if len(lines) != len(others) || len(lines) != len(mine) || bytes.Equal(helm, again) {
		return r
	}
	out := *r
	out.Text, out.places = nil, nil
	for i, l := range lines {
		if bytes.Equal(l, others[i]) {
			out.Text = append(out.Text, mine[i]...)
		}
	}
	return &out
}

// chartsBelow returns the folders of charts below a folder.
func chartsBelow(t *testing.T, root string) (charts []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() && (e.Name() == "charts" || e.Name() == "v3") {
			return fs.SkipDir // rendered with the chart above; an experiment of helm
		}
		if err == nil && e.Name() == "Chart.yaml" {
			charts = append(charts, filepath.Dir(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return charts
}

// unpackAll writes the trees of all cases of this package, each to a folder of one.
func unpackAll(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range files {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		unpackTo(t, a, filepath.Join(root, strings.TrimSuffix(filepath.Base(name), ".txtar")))
	}
	return root
}

// TestKustomizationsEqualKustomize builds the trees of kustomize's own tests, and those of this module, as kustomize
// build does.
func TestKustomizationsEqualKustomize(t *testing.T) {
	p := needPrograms(t)
	trees := kustomizeTests(t, filepath.Join(moduleFolder(t, "sigs.k8s.io/kustomize/api"), "krusty"))
	built := 0
	for _, tree := range trees {
		t.Run(tree.name, func(t *testing.T) {
			dir := t.TempDir()
			unpackTo(t, &tree.files, dir)
			if compareKustomization(t, p, dir, filepath.FromSlash(tree.root)) {
				built++
			}
		})
	}
	if built < 150 {
		t.Errorf("%d kustomizations were compared, of %d", built, len(trees))
	}
	for _, root := range []string{unpackAll(t), "../.."} {
		err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
			if err == nil && e.Name() == "kustomization.yaml" {
				t.Run(filepath.Dir(name), func(t *testing.T) { compareKustomization(t, p, filepath.Dir(name), ".") })
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// compareKustomization builds a kustomization below a folder, and reports whether kustomize can.
func compareKustomization(t *testing.T, p programs, dir, root string) bool {
	t.Helper()
	path := filepath.Join(dir, root)
	for _, name := range kustomizationNames {
		k := Reader(ReadFile).kustomization(path, name)
		if k == nil || k.component {
			continue
		}
		r := (&Source{Kind: Kustomization, Path: path, File: k.file, Inputs: k.files}).Render(Variant{}, Options{})
		want, err := exec.Command(p.kustomize, "build", "--enable-helm", "--helm-command", p.helm, path).Output()
		var failed *exec.ExitError
		switch {
		case errors.As(err, &failed):
			if len(r.Findings) == 0 {
				t.Errorf("kustomize refuses it, and nothing was found: %s", failed.Stderr)
			}
		case err != nil:
			t.Fatal(err)
		case len(r.Text) == 0 && len(r.Findings) > 0:
			t.Errorf("kustomize builds it, and here it is refused: %v", r.Findings)
		default:
			sameBytes(t, r, want)
			return true
		}
	}
	return false
}

// kustomizeTest is the tree that a test of kustomize writes, and the folder that it builds.
type kustomizeTest struct {
	name, root string
	files      txtar.Archive
}

// kustomizeTests reads the trees of the tests in a folder of kustomize's source: those that write files from literals
// and run the default build once.
func kustomizeTests(t *testing.T, dir string) (tests []kustomizeTest) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Test") {
				if test, ok := kustomizeTestOf(f); ok {
					tests = append(tests, test)
				}
			}
		}
	}
	return tests
}

// kustomizeHeaders are what the test harness of kustomize writes before the text of a file.
var kustomizeHeaders = map[string]string{
	"WriteK": "\napiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n",
	"WriteC": "\napiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n",
	"WriteF": "",
}

func kustomizeTestOf(f *ast.FuncDecl) (test kustomizeTest, ok bool) {
	test.name, ok = f.Name.Name, true
	runs := 0
	ast.Inspect(f, func(n ast.Node) bool {
		call, isCall := n.(*ast.CallExpr)
		if !isCall {
			return true
		}
		method, isMethod := call.Fun.(*ast.SelectorExpr)
		if !isMethod || len(call.Args) == 0 {
			return true
		}
		header, writes := kustomizeHeaders[method.Sel.Name]
		switch {
		case writes:
			path, literal := literalText(call.Args[0])
			text, also := literalText(call.Args[1])
			if ok = ok && literal && also; method.Sel.Name != "WriteF" {
				path += "/kustomization.yaml"
			}
			test.files.Files = append(test.files.Files, txtar.File{Name: path, Data: []byte(header + text)})
		case method.Sel.Name == "Run" || method.Sel.Name == "RunWithErr":
			runs++
			root, literal := literalText(call.Args[0])
			test.root, ok = root, ok && literal
		case method.Sel.Name == "MakeOptionsPluginsEnabled":
			ok = false
		}
		return true
	})
	return test, ok && runs == 1 && len(test.files.Files) > 0
}

func literalText(e ast.Expr) (string, bool) {
	literal, ok := e.(*ast.BasicLit)
	if !ok {
		return "", false
	}
	text, err := strconv.Unquote(literal.Value)
	return text, err == nil
}
