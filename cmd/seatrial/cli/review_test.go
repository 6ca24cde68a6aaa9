package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-logr/logr"
	"github.com/rogpeppe/go-internal/diff"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"k8s.io/klog/v2"
)

// repository is a git repository in a folder of its own.
type repository struct {
	*testing.T
	dir string
}

func newRepository(t *testing.T) *repository {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Fatal("the tests of review need git:", err)
	}
	klog.SetLogger(logr.Discard())
	self := os.Args[0]
	os.Args[0] = "seatrial" // as which the program starts itself again
	t.Cleanup(func() { os.Args[0] = self })
	r := &repository{t, t.TempDir()}
	r.git("init", "--quiet", "--initial-branch=main")
	return r
}

// git runs a git command with an identity and a clock of its own.
func (r *repository) git(args ...string) string {
	r.Helper()
	cmd := exec.Command("git", append([]string{
		"-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false", "-c",
		"protocol.file.allow=always",
	}, args...)...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_DATE=2026-01-01T00:00:00Z", "GIT_COMMITTER_DATE=2026-01-01T00:00:00Z")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func (r *repository) write(name, text string) {
	r.Helper()
	file := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		r.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		r.Fatal(err)
	}
}

// replace replaces a text of a file, which must be there.
func (r *repository) replace(name, old, new string) {
	r.Helper()
	data, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		r.Fatal(err)
	}
	if !strings.Contains(string(data), old) {
		r.Fatalf("%s does not hold %q", name, old)
	}
	r.write(name, strings.ReplaceAll(string(data), old, new))
}

func (r *repository) commit(message string) {
	r.Helper()
	r.git("add", "--all")
	r.git("commit", "--quiet", "--message", message)
}

// review runs seatrial review on the repository.
func (r *repository) review(args ...string) (out, errors string, code int) {
	r.Helper()
	r.Chdir(r.dir)
	var stdout, stderr bytes.Buffer
	code = Run(context.Background(), append([]string{"review"}, args...), Streams{
		In: strings.NewReader(""), Out: &stdout, Err: &stderr, Getenv: func(string) string { return "" },
	})
	return stdout.String(), stderr.String(), code
}

// step is a commit of the history that is reviewed: edits of files, in the words of apply.
type step struct{ name, edits string }

// apply makes edits, one a line:
//
//	replace FILE OLD => NEW
//	remove FILE
//	move FROM TO
//	write FILE TEXT
//
// with \n for a line end.
func (r *repository) apply(edits string) {
	r.Helper()
	for line := range strings.Lines(edits) {
		if line = strings.TrimRight(line, "\n"); line == "" {
			continue
		}
		verb, rest, _ := strings.Cut(line, " ")
		file, text, _ := strings.Cut(rest, " ")
		text = strings.ReplaceAll(text, `\n`, "\n")
		switch verb {
		case "replace":
			old, new, ok := strings.Cut(text+" ", " => ")
			new = strings.TrimSuffix(new, " ")
			if !ok {
				r.Fatalf("no => in %q", line)
			}
			r.replace(file, old, new)
		case "write":
			r.write(file, text)
		case "remove":
			if err := os.RemoveAll(filepath.Join(r.dir, file)); err != nil {
				r.Fatal(err)
			}
		case "move":
			if err := os.Rename(filepath.Join(r.dir, file), filepath.Join(r.dir, text)); err != nil {
				r.Fatal(err)
			}
		default:
			r.Fatalf("unknown edit %q", line)
		}
	}
}

// commits are hashes, which differ with the version of git or of the text.
var commits = regexp.MustCompile(`\b[0-9a-f]{7}\b`)

// TestReviewOfAHistory reviews each commit of a repository with a chart, kustomizations of two environments, and
// objects of Flux and Argo CD. The Markdown of each is testdata/review/NAME.md; UPDATE=1 rewrites it.
func TestReviewOfAHistory(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/review/history.txtar")
	if err != nil {
		t.Fatal(err)
	}
	goldens, err := filepath.Abs("testdata/review")
	if err != nil {
		t.Fatal(err)
	}
	schema := compileSchema(t, "docs/review-report.schema.json")
	r := newRepository(t)
	var steps []step
	for _, f := range archive.Files {
		if name, ok := strings.CutPrefix(f.Name, "commit "); ok {
			steps = append(steps, step{name, string(f.Data)})
			continue
		}
		r.write(f.Name, string(f.Data))
	}
	r.commit("begin")
	if len(steps) < 30 {
		t.Errorf("the history has %d commits, want 30", len(steps))
	}
	seen := map[string]bool{}
	for i, s := range steps {
		r.apply(s.edits)
		r.commit(s.name)
		plan := "--plan=none"
		if strings.Contains(s.name, "rollout") {
			plan = "--plan=all"
		}
		args := []string{"--base", "HEAD~1", "--fail-on", "never", plan}
		out, errors, code := r.review(append(args, "-o", "markdown")...)
		if code != exitClean || errors != "" {
			t.Fatalf("%s: exit code %d: %s", s.name, code, errors)
		}
		if strings.Contains(out, "correct-horse") || strings.Contains(out, "battery-staple") {
			t.Errorf("%s: the value of a Secret is shown", s.name)
		}
		checkMarkdown(t, s.name, out)
		out = commits.ReplaceAllString(out, "0000000")
		if seen[s.name] {
			t.Errorf("two commits are named %s", s.name)
		}
		seen[s.name] = true
		golden := filepath.Join(goldens, fmt.Sprintf("%02d-%s.md", i+1, s.name))
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(golden, []byte(out), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if want, err := os.ReadFile(golden); err != nil || string(want) != out {
			t.Errorf("%s: %v\n%s", s.name, err, diff.Diff("want", want, "got", []byte(out)))
		}
		if i%5 == 0 {
			report, _, _ := r.review("--base", "HEAD~1", "--fail-on", "never", "--plan=none", "-o", "json", "--all")
			validateJSON(t, schema, s.name, report)
		}
	}
}

func compileSchema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join("../../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func validateJSON(t *testing.T, schema *jsonschema.Schema, name, text string) {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := schema.Validate(value); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

// maxComment is how long a comment may be, in characters.
const maxComment = 65_000

func checkMarkdown(t *testing.T, name, text string) {
	t.Helper()
	if n := utf8.RuneCountInString(text); n >= maxComment {
		t.Errorf("%s: %d characters", name, n)
	}
	if strings.Count(text, "<details>") != strings.Count(text, "</details>") {
		t.Errorf("%s: a fold does not end", name)
	}
	if !strings.HasPrefix(text, "<!-- seatrial-review -->\n") {
		t.Errorf("%s: no marker", name)
	}
}

// hostileNames are names and values that would do something in Markdown or HTML.
var hostileNames = []string{
	"</details><script>alert(1)</script>", "<!-- seatrial-review -->", "@everybody #1 !2", "[a](javascript:alert(1))",
	"a|b", "```\n# title\n```",
	"<img src=x onerror=alert(1)>", "\x1b[31mred\x1b[0m", "![x](http://example.com/x.png)",
}

func TestReviewShowsHostileTextAsText(t *testing.T) {
	r := newRepository(t)
	object := func(name, value string) string {
		data, err := json.Marshal(map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name, "namespace": value},
			"data": map[string]string{"a": value},
		})
		if err != nil {
			t.Fatal(err)
		}
		return string(data) + "\n"
	}
	for i, name := range hostileNames {
		r.write(fmt.Sprintf("f%d.yaml", i), object(name, "before"))
	}
	r.write("line\nend.yaml", object("line-end", "before"))
	r.write("<b>&.yaml", object("bold", "before"))
	r.commit("begin")
	for i, name := range hostileNames {
		r.write(fmt.Sprintf("f%d.yaml", i), object(name, name))
	}
	r.write("line\nend.yaml", object("line-end", "after"))
	r.write("<b>&.yaml", object("bold", "</code></sub><h1>x</h1>"))
	out, errors, _ := r.review("--plan=none", "--base", "HEAD", "-o", "markdown")
	checkMarkdown(t, errors, out)
	if strings.Count(out, "<!--") != 1 {
		t.Error("a value holds the marker")
	}
	for _, bad := range []string{"<script", "<img", "<h1", "a](javascript", "![x](", "\x1b", "@everybody"} {
		if i := strings.Index(outsideFences(out), bad); i >= 0 {
			t.Errorf("%q is in the Markdown:\n%s", bad, out)
		}
	}
	page, _, _ := r.review("--plan=none", "--base", "HEAD", "-o", "html")
	if strings.Contains(page, "<img") || strings.Count(page, "<script") != 2 || strings.Contains(page, "<h1>x") {
		t.Error("a value is an element of the page")
	}
	for _, format := range []string{"text", "json"} {
		if text, _, _ := r.review("--plan=none", "--base", "HEAD", "-o", format); strings.Contains(text, "\x1b") {
			t.Errorf("%s holds an escape sequence", format)
		}
	}
}

// outsideFences returns Markdown without its blocks of code.
func outsideFences(text string) string {
	var out strings.Builder
	fence := ""
	for line := range strings.Lines(text) {
		trimmed := strings.TrimRight(line, "\n")
		ticks := trimmed[:len(trimmed)-len(strings.TrimLeft(trimmed, "`"))]
		switch {
		case fence == "" && len(ticks) >= 3:
			fence = ticks
		case fence != "" && trimmed == fence:
			fence = ""
		case fence == "":
			out.WriteString(line)
		}
	}
	return out.String()
}

func TestReviewIsShortWhateverChanges(t *testing.T) {
	r := newRepository(t)
	const many = 400
	for i := range many {
		r.write(fmt.Sprintf("apps/a%d/kustomization.yaml", i), "resources: [a.yaml]\n")
		r.write(fmt.Sprintf("apps/a%d/a.yaml", i), deployment(i, "nginx:1.25"))
	}
	r.commit("begin")
	for i := range many {
		r.write(fmt.Sprintf("apps/a%d/a.yaml", i), deployment(i, fmt.Sprintf("nginx:1.26-%d", i)))
	}
	out, _, code := r.review("--plan=none", "-o", "markdown", "--page", "https://example.com/review.html")
	checkMarkdown(t, "many", out)
	if code != exitClean || !strings.Contains(out, "[The whole report](<https://example.com/review.html>)") ||
		!strings.Contains(out, "more*") {
		t.Errorf("exit code %d\n%.3000s", code, out)
	}
}

func deployment(i int, image string) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: web-%d, namespace: shop}
spec:
  selector: {matchLabels: {app: web-%[1]d}}
  template:
    metadata: {labels: {app: web-%[1]d}}
    spec: {containers: [{name: web, image: %q}]}
`, i, image)
}

func TestReviewOfUnusualRepositories(t *testing.T) {
	object := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: \"%d\"}\n"
	t.Run("base not there", func(t *testing.T) {
		r := newRepository(t)
		r.write("a.yaml", fmt.Sprintf(object, 1))
		r.commit("begin")
		if _, errors, code := r.review("--base", "nowhere"); code != exitUsage ||
			!strings.Contains(errors, `no git revision "nowhere"`) {
			t.Errorf("exit code %d: %s", code, errors)
		}
	})
	t.Run("no commit", func(t *testing.T) {
		r := newRepository(t)
		r.write("a.yaml", fmt.Sprintf(object, 1))
		if _, errors, code := r.review(); code != exitUsage || errors == "" {
			t.Errorf("exit code %d: %s", code, errors)
		}
	})
	t.Run("no git", func(t *testing.T) {
		r := &repository{t, t.TempDir()}
		r.write("a.yaml", fmt.Sprintf(object, 1))
		if _, errors, code := r.review(); code != exitUsage || !strings.Contains(errors, "--base takes a folder") {
			t.Errorf("exit code %d: %s", code, errors)
		}
	})
	t.Run("two folders", func(t *testing.T) {
		r := &repository{t, t.TempDir()}
		r.write("old/a.yaml", fmt.Sprintf(object, 1))
		r.write("new/a.yaml", fmt.Sprintf(object, 2))
		if out, errors, code := r.review("new", "--base", "./old"); code != exitClean ||
			!strings.Contains(out, "data.a  1 -> 2") {
			t.Errorf("exit code %d: %s%s", code, out, errors)
		}
	})
	t.Run("shallow clone", func(t *testing.T) {
		r := newRepository(t)
		for i := range 3 {
			r.write("a.yaml", fmt.Sprintf(object, i))
			r.commit(fmt.Sprint(i))
		}
		shallow := &repository{t, t.TempDir()}
		shallow.git("clone", "--quiet", "--depth=1", "file://"+r.dir, ".")
		if _, errors, code := shallow.review("--base", "HEAD~1"); code != exitUsage ||
			!strings.Contains(errors, "shallow") {
			t.Errorf("exit code %d: %s", code, errors)
		}
	})
	t.Run("submodule", func(t *testing.T) {
		other := newRepository(t)
		other.write("b.yaml", fmt.Sprintf(object, 1))
		other.commit("begin")
		r := newRepository(t)
		r.write("a.yaml", fmt.Sprintf(object, 1))
		r.git("submodule", "--quiet", "add", "file://"+other.dir, "other")
		r.commit("begin")
		r.write("a.yaml", fmt.Sprintf(object, 2))
		if out, errors, code := r.review("a.yaml"); code != exitClean || !strings.Contains(out, "data.a  1 -> 2") {
			t.Errorf("exit code %d: %s%s", code, out, errors)
		}
	})
	t.Run("no common commit", func(t *testing.T) {
		r := newRepository(t)
		r.write("a.yaml", fmt.Sprintf(object, 1))
		r.commit("begin")
		r.git("checkout", "--quiet", "--orphan", "other")
		r.write("a.yaml", fmt.Sprintf(object, 2))
		r.commit("other")
		out, errors, code := r.review("--base", "main")
		if code != exitClean || !strings.Contains(out, "data.a  1 -> 2") || !strings.Contains(out, "no common commit") {
			t.Errorf("exit code %d: %s%s", code, out, errors)
		}
	})
	t.Run("submodule that moves", func(t *testing.T) {
		other := newRepository(t)
		other.write("b.yaml", fmt.Sprintf(object, 1))
		other.commit("begin")
		r := newRepository(t)
		r.write("a.yaml", fmt.Sprintf(object, 1))
		r.git("submodule", "--quiet", "add", "file://"+other.dir, "other")
		r.commit("begin")
		other.write("b.yaml", fmt.Sprintf(object, 2))
		other.commit("next")
		r.git("-C", "other", "pull", "--quiet", "origin", "main")
		r.commit("next")
		if out, errors, code := r.review(
			"--base", "HEAD~1", "--head", "HEAD",
		); code != exitClean || strings.Contains(out, "other/") {
			t.Errorf("exit code %d: %s%s", code, out, errors)
		}
	})
	t.Run("folder with files renamed", func(t *testing.T) {
		r := newRepository(t)
		r.write("apps/old/kustomization.yaml", "resources: [a.yaml]\n")
		r.write("apps/old/a.yaml", deployment(0, "nginx:1.25"))
		r.write("b.yaml", fmt.Sprintf(object, 1))
		r.commit("begin")
		r.apply("move apps moved\nmove b.yaml c.yaml\nreplace moved/old/a.yaml 1.25 => 1.26")
		out, errors, code := r.review("--plan=none")
		if code != exitClean || !strings.Contains(out, "was apps/old") || !strings.Contains(out, "Changes  1 changed") {
			t.Errorf("exit code %d: %s%s", code, out, errors)
		}
	})
	t.Run("merge conflict in a file", func(t *testing.T) {
		r := newRepository(t)
		r.write("a.yaml", fmt.Sprintf(object, 1))
		r.commit("begin")
		r.write("a.yaml", "<<<<<<< HEAD\n"+fmt.Sprintf(object, 2)+"=======\n"+fmt.Sprintf(object, 3)+">>>>>>> other\n")
		out, errors, code := r.review()
		if code != exitFindings || !strings.Contains(out, "merge conflict that is not resolved") ||
			strings.Contains(out, "deleted") {
			t.Errorf("exit code %d: %s%s", code, out, errors)
		}
	})
	t.Run("subfolder", func(t *testing.T) {
		r := newRepository(t)
		r.write("apps/a.yaml", fmt.Sprintf(object, 1))
		r.write("b.yaml", fmt.Sprintf(object, 1))
		r.commit("begin")
		r.write("apps/a.yaml", fmt.Sprintf(object, 2))
		r.write("b.yaml", fmt.Sprintf(object, 2))
		out, errors, code := r.review("apps")
		if code != exitClean || !strings.Contains(out, "apps/a.yaml:2") || strings.Contains(out, "b.yaml") {
			t.Errorf("exit code %d: %s%s", code, out, errors)
		}
	})
}

func TestReviewFailsOnWhatIsNamed(t *testing.T) {
	r := newRepository(t)
	r.write("a.yaml", deployment(0, "nginx:1.25"))
	r.commit("begin")
	r.write("a.yaml", deployment(0, "nginx:1.26"))
	for args, want := range map[string]int{
		"": exitClean, "--fail-on restart": exitFindings, "--fail-on restart,never": exitClean,
		"--fail-on volume":  exitClean,
		"--fail-on nothing": exitUsage, "--plan some": exitUsage, "-o xml": exitUsage,
	} {
		if _, errors, code := r.review(append([]string{"--plan=none"}, strings.Fields(args)...)...); code != want {
			t.Errorf("%s: exit code %d, want %d: %s", args, code, want, errors)
		}
	}
	r.replace("a.yaml", "{app: web-0}", "{app: web-1}")
	if _, errors, code := r.review("--plan=none"); code != exitFindings || !strings.Contains(errors, "refused") {
		t.Errorf("a selector changes: exit code %d: %s", code, errors)
	}
}

// TestReviewWritesTheSameTwice holds two runs against each other.
func TestReviewWritesTheSameTwice(t *testing.T) {
	r := newRepository(t)
	for i := range 20 {
		r.write(fmt.Sprintf("apps/a%d/kustomization.yaml", i), "resources: [a.yaml]\n")
		r.write(fmt.Sprintf("apps/a%d/a.yaml", i), deployment(i%3, "nginx:1.25"))
	}
	r.commit("begin")
	for i := range 20 {
		r.write(fmt.Sprintf("apps/a%d/a.yaml", i), deployment(i%3, "quay.io/nginx:latest"))
	}
	var outs []string
	for range 3 {
		out, _, _ := r.review("--plan=none", "-o", "json", "--all")
		outs = append(outs, out)
	}
	if len(slices.Compact(outs)) != 1 {
		t.Error("the reports differ")
	}
}

// TestReviewSimulatesRollouts reviews a change of pods whose Secret nothing defines, beside a hook of helm.
func TestReviewSimulatesRollouts(t *testing.T) {
	r := newRepository(t)
	r.write("namespace.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n")
	r.write(
		"a.yaml",
		strings.Replace(
			deployment(0, "nginx:1.25"), `"nginx:1.25"`, `"nginx:1.25", envFrom: [{secretRef: {name: login}}]`, 1,
		),
	)
	r.write("chart/Chart.yaml", "apiVersion: v2\nname: chart\nversion: 1.0.0\n")
	r.write("chart/templates/a.yaml", deployment(1, "nginx:1.25"))
	r.write("chart/templates/test.yaml",
		"apiVersion: v1\nkind: Pod\nmetadata: {name: test, namespace: shop, annotations: {helm.sh/hook: test}}\n"+
			"spec: {restartPolicy: Never, containers: [{name: test, image: \"test:1.0\"}]}\n")
	r.commit("begin")
	r.replace("a.yaml", "nginx:1.25", "nginx:1.26")
	r.replace("chart/templates/a.yaml", "nginx:1.25", "nginx:1.26")
	out, errors, code := r.review("--plan=all")
	if code != exitClean || strings.Count(out, ": completes after") != 2 || strings.Contains(out, "Pod shop/test") {
		t.Errorf("exit code %d: %s%s", code, out, errors)
	}
	if out, _, _ := r.review("--plan=none"); strings.Contains(out, "Rollout") {
		t.Errorf("rollouts although none are asked for:\n%s", out)
	}
}

func TestReviewSaysWhyARolloutIsNotSimulated(t *testing.T) {
	r := newRepository(t)
	before := strings.Replace(
		deployment(1, "nginx:1.27"), "name: web,", `name: web, ports: [{containerPort: "80"}],`, 1,
	)
	r.write("web.yaml", before)
	r.commit("begin")
	r.git("checkout", "-q", "-b", "change")
	r.write("web.yaml", deployment(1, "nginx:1.28"))
	out, errors, _ := r.review("--plan", "all")
	if want := "the API server refuses Deployment shop/web-1 as it is before"; !strings.Contains(strings.Join(strings.Fields(out), " "), want) || strings.Contains(out, "Go struct") {
		t.Errorf("want %q in\n%s%s", want, out, errors)
	}
}

// appliedBy returns objects of Flux that apply two folders.
func appliedBy(settings string) string {
	text := "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: flux-system, namespace: flux-system}\n" +
		"spec: {interval: 1m, url: 'https://example.com/shop.git'}\n"
	for _, name := range []string{"a", "b"} {
		text += fmt.Sprintf("---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: %s, namespace: flux-system}\n"+
			"spec: {interval: 1m, path: ./apps/%[1]s, sourceRef: {kind: GitRepository, name: flux-system}, %s}\n", name, settings)
	}
	return text
}

// TestReviewOfWhatIsDeletedAndCreatedAgain changes a selector where what applies the object forces its way.
func TestReviewOfWhatIsDeletedAndCreatedAgain(t *testing.T) {
	const argo = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a, namespace: argocd}\nspec:\n  project: default\n" +
		"  destination: {server: 'https://kubernetes.default.svc', namespace: shop}\n  source: {repoURL: 'https://example.com/shop.git', path: apps/a, targetRevision: HEAD}\n"
	forced := func(annotation string) string {
		return strings.Replace(
			deployment(0, "nginx:1.25"), "namespace: shop}", "namespace: shop, annotations: {"+annotation+"}}", 1,
		)
	}
	for name, c := range map[string]struct{ tool, object, why string }{
		"Flux, by its object": {
			appliedBy("prune: true, force: true"), deployment(0, "nginx:1.25"), "spec.force of the Kustomization",
		},
		"Flux, by the annotation": {
			appliedBy("prune: true"), forced("kustomize.toolkit.fluxcd.io/force: enabled"),
			"kustomize.toolkit.fluxcd.io/force",
		},
		"Argo CD": {
			argo, forced("argocd.argoproj.io/sync-options: 'Prune=false, Force=true'"),
			"argocd.argoproj.io/sync-options has Force=true",
		},
		"not at all": {appliedBy("prune: true"), deployment(0, "nginx:1.25"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRepository(t)
			r.git("remote", "add", "origin", "https://example.com/shop.git")
			r.write("clusters/tool.yaml", c.tool)
			r.write("apps/a/web.yaml", c.object)
			r.write("apps/b/web.yaml", deployment(1, "nginx:1.25"))
			r.commit("begin")
			r.replace("apps/a/web.yaml", "{app: web-0}", "{app: other}")
			var got struct {
				Refused      []struct{ Rule string }
				Consequences []struct{ Kind, Risk, Message string }
			}
			out, errors, code := r.review("--plan=none", "-o", "json")
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatalf("%v: %s%s", err, out, errors)
			}
			again := ""
			for _, c := range got.Consequences {
				if c.Kind == "recreate" {
					again = c.Message
				}
			}
			if c.why == "" {
				if code != exitFindings || len(got.Refused) == 0 || again != "" {
					t.Errorf("exit code %d, %q: %s", code, again, out)
				}
			} else if code != exitClean || len(got.Refused) > 0 ||
				!strings.Contains(again, "is deleted and created again") || !strings.Contains(again, c.why) {
				t.Errorf("exit code %d, %q, want %q: %s", code, again, c.why, out)
			}
		})
	}
}

// TestReviewOfMovedObjects moves an object from one environment to another.
func TestReviewOfMovedObjects(t *testing.T) {
	for settings, want := range map[string]string{
		"prune: true":  "high   Deployment shop/web-0  [moved]",
		"prune: false": "low    Deployment shop/web-0  [moved]",
	} {
		r := newRepository(t)
		r.git("remote", "add", "origin", "https://example.com/shop.git")
		r.write("clusters/tool.yaml", appliedBy(settings))
		r.write("apps/a/web.yaml", deployment(0, "nginx:1.25"))
		r.write("apps/a/other.yaml", deployment(1, "nginx:1.25"))
		r.write("apps/b/other.yaml", deployment(2, "nginx:1.25"))
		r.commit("begin")
		r.apply("move apps/a/web.yaml apps/b/web.yaml")
		if out, errors, _ := r.review("--plan=none"); !strings.Contains(out, want) {
			t.Errorf("%s: no %q in\n%s%s", settings, want, out, errors)
		}
	}
}

// TestReviewOfValuesThatEachRenderingDraws changes a chart beside values that are drawn, of each sort.
func TestReviewOfValuesThatEachRenderingDraws(t *testing.T) {
	r := newRepository(t)
	r.write("chart/Chart.yaml", "apiVersion: v2\nname: chart\nversion: 1.0.0\n")
	drawn := map[string]string{
		"random": "{{ randAlphaNum 8 }}", "time": "{{ now | unixEpoch }}-{{ now.Nanosecond }}", "id": "{{ uuidv4 }}",
	}
	text := "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: drawn\n  annotations: {at: '{{ now.Nanosecond }}'}\ndata:\n  fixed: a\n"
	for name, value := range drawn {
		text += fmt.Sprintf("  %s: '%s'\n", name, value)
	}
	r.write("chart/templates/drawn.yaml", text)
	r.commit("begin")
	r.replace("chart/templates/drawn.yaml", "fixed: a", "fixed: b")
	var got struct {
		Environments []struct{ Varying []struct{ Path string } }
		Changes      []struct{ Fields []struct{ Path string } }
	}
	out, errors, _ := r.review("--plan=none", "-o", "json")
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v: %s%s", err, out, errors)
	}
	if len(got.Changes) != 1 || len(got.Changes[0].Fields) != 1 || got.Changes[0].Fields[0].Path != "data.fixed" {
		t.Errorf("changes %+v, want data.fixed alone", got.Changes)
	}
	varying := map[string]bool{}
	for _, e := range got.Environments {
		for _, v := range e.Varying {
			varying[v.Path] = true
		}
	}
	for _, path := range []string{"data.random", "data.time", "data.id", "metadata.annotations.at"} {
		if !varying[path] {
			t.Errorf("%s is not told as not deterministic: %v", path, varying)
		}
	}
}
