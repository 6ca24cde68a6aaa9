package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/internal/modcache"
	"github.com/seatrial/seatrial/schema"
)

// corpus is test data of another project, which says of each file whether it is to be accepted.
type corpus struct {
	name, module string
	folders      []string
	args         []string                               // flags of lint, with DIR for the module's folder
	accepted     func(name, text string) (yes, ok bool) // ok: the project says something about the file
	doc          string
	// explained returns for files, by name, the reason why seatrial disagrees. A disagreement without
	// an explanation fails the test, and so does an explanation without a disagreement.
	explained map[string]string
}

const (
	notManifest = "not a manifest: data of another program"
	removedAPI  = "an API version that Kubernetes " + schema.Latest + " does not serve any more"
	noNamespace = "a ServiceAccount subject needs a namespace; the test framework fills it in before it creates the object"
	template    = "a template with `{{ }}`, filled in before use"
)

// kubeconformInvalid are the fixtures that kubeconform's own acceptance tests expect to be refused
// in strict mode; those that they expect to pass, and those they do not mention, are accepted.
var kubeconformInvalid = regexp.MustCompile(
	`(^|/)(invalid|multi_invalid|list_invalid|extra_property|duplicate_property|missing_kind|missing_kind_value|missing_apiversion|test_crd|multi_invalid_resources|duplicates|duplicates-with-namespace|duplicates-with-namespace-default|duplicates-non-namespaced|duplicates-skipped-kinds)\.yaml$`,
)

var corpora = []corpus{
	{
		name: "kubectl-validate", module: "sigs.k8s.io/kubectl-validate@v0.0.4",
		folders: []string{"testcases/manifests"}, args: []string{"--crds", "DIR/testcases/crds"},
		doc: "Each file begins with the answer that a server is expected to give.",
		accepted: func(_, text string) (bool, bool) {
			return !strings.Contains(text, `"Failure"`), strings.Contains(text, `"status":`)
		},
		explained: map[string]string{
			"testcases/manifests/configmap.yaml":                      "the server refuses a finalizer without a slash (`name is neither a standard finalizer name nor is it fully qualified`); a schema does not know it",
			"testcases/manifests/error_x_list_map_duplicate_key.yaml": "a real server accepts a port given twice on create, with a warning, which seatrial shows; list types bind server-side apply only",
		},
	},
	{
		name: "kubeconform", module: "github.com/yannh/kubeconform@v0.8.0", folders: []string{"fixtures"},
		doc: "What its acceptance tests expect in strict mode; fixtures that they do not mention count as valid.",
		accepted: func(name, _ string) (bool, bool) {
			return !kubeconformInvalid.MatchString(name), !strings.Contains(name, "/cache/")
		},
		explained: map[string]string{
			"fixtures/crd_schema.yaml":                                     removedAPI,
			"fixtures/registry/sagemaker.aws.amazon.com_trainingjobs.yaml": removedAPI,
			"fixtures/duplicates-with-namespace-default.yaml":              "a duplicate only if the namespace of the client is `the-default-namespace`; seatrial takes `default`",
			"fixtures/grafanaalertrulegroup_v1beta1.json":                  notManifest,
			"fixtures/list_empty_valid.yaml":                               "a list without items: there is nothing to create, which seatrial reports (exit code 3)",
			"fixtures/blank.yaml":                                          "no documents: never a silent pass (exit code 3)",
			"fixtures/comment.yaml":                                        "no documents: never a silent pass (exit code 3)",
			"fixtures/registry/trainingjob-sagemaker-v1.json":              notManifest,
			"fixtures/same-kind-different-api.yaml":                        removedAPI,
			"fixtures/test_crd.yaml":                                       "a custom resource without its definition: counted, an error with `--strict-kinds` only",
			"fixtures/valid_large.yaml":                                    "10 MiB in one document: the server takes 3 MiB",
		},
	},
	{
		name: "Kubernetes", module: "k8s.io/kubernetes", folders: []string{
			"test/e2e/testing-manifests", "cluster/addons", "test/fixtures",
		},
		doc:      "Manifests that its own end-to-end tests and add-ons create, so all are meant to be accepted.",
		accepted: func(string, string) (bool, bool) { return true, true },
		explained: map[string]string{
			"test/e2e/testing-manifests/auth/encrypt/kind.yaml":                                         "a configuration file of kind, not an API object",
			"test/e2e/testing-manifests/auth/encrypt/softhsm-config.json":                               notManifest,
			"test/e2e/testing-manifests/serviceloadbalancer/netexecsvc.yaml":                            "`Type` for `type`: accepted without strict field validation, and lost",
			"test/e2e/testing-manifests/storage-csi/controller-role.yaml":                               "nothing but comments: no documents (exit code 3)",
			"test/e2e/testing-manifests/storage-csi/external-snapshot-metadata/backup-client-rbac.yaml": noNamespace,
			"test/e2e/testing-manifests/storage-csi/gce-pd/csi-controller-rbac.yaml":                    noNamespace,
			"cluster/addons/fluentd-gcp/fluentd-gcp-ds.yaml":                                            template,
			"cluster/addons/metadata-agent/stackdriver/metadata-agent.yaml":                             template,
			"test/fixtures/doc-yaml/admin/high-availability/kube-scheduler.yaml":                        "mounts a volume that the pod does not have: written from a running pod, refused by the server",
			"test/fixtures/doc-yaml/user-guide/update-demo/images/kitten/html/data.json":                notManifest,
			"test/fixtures/doc-yaml/user-guide/update-demo/images/nautilus/html/data.json":              notManifest,
			"test/fixtures/pkg/kubectl/cmd/apply/deploy-serverside.yaml":                                "carries a resourceVersion: what a server answers to `kubectl apply`, and refuses to create",
			"test/fixtures/pkg/kubectl/cmd/auth/rbac-v1beta1.yaml":                                      removedAPI,
			"test/fixtures/pkg/kubectl/cmd/convert/appsdeployment.yaml":                                 removedAPI,
			"test/fixtures/pkg/kubectl/cmd/convert/extensionsdeployment.yaml":                           removedAPI,
			"test/fixtures/pkg/kubectl/cmd/convert/serviceandingress.yaml":                              removedAPI,
			"test/fixtures/pkg/kubectl/cmd/convert/v1beta1ingress.yaml":                                 removedAPI,
			"test/fixtures/pkg/kubectl/cmd/expose/appsv1deployment-no-selectors.yaml":                   "a Deployment without a selector, to test an error message of `kubectl expose`",
		},
	},
}

// TestCompatibility lints the test data of other projects, file by file, and keeps
// docs/compatibility.md true; UPDATE=1 writes it.
func TestCompatibility(t *testing.T) {
	var rows, lists strings.Builder
	for _, c := range corpora {
		dir, err := modcache.Dir(c.module)
		if err != nil {
			t.Fatal(err)
		}
		files, agreed := 0, 0
		var disagreements []string
		for _, name := range manifestsIn(t, dir, c.folders) {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			want, ok := c.accepted(name, string(data))
			if !ok {
				continue
			}
			files++
			code, first := lintFile(t, dir, name, c.args)
			if (code == exitClean) == want {
				agreed++
				if c.explained[name] != "" {
					t.Errorf("%s: %s agrees now: remove the explanation", c.name, name)
				}
				continue
			}
			if c.explained[name] == "" {
				t.Errorf("%s: %s: exit code %d, the project expects acceptance %v: %s", c.name, name, code, want, first)
			}
			disagreements = append(disagreements, fmt.Sprintf("- `%s`: %s", name, c.explained[name]))
		}
		if len(disagreements) != len(c.explained) {
			t.Errorf("%s: %d explanations for %d disagreements", c.name, len(c.explained), len(disagreements))
		}
		fmt.Fprintf(
			&rows, "| %s | `%s` | %d | %d | %d |\n", c.name, withVersion(t, c.module), files, agreed, files-agreed,
		)
		fmt.Fprintf(&lists, "\n## %s\n\n%s\n\n%s\n", c.name, c.doc, strings.Join(disagreements, "\n"))
	}
	doc := "# What other projects' test data says\n\n" +
		"`seatrial lint --rules none` over the test data of other projects, straight from their Go modules, each file on its own, for Kubernetes " + schema.Latest + ". " +
		"A test makes this page (`make update`) and fails when a verdict changes that is not explained here.\n\n" +
		"| project | module | files | agreed | explained |\n|---|---|---|---|---|\n" + rows.String() + lists.String() +
		peerFigures(t)
	checkGenerated(t, "../../../docs/compatibility.md", doc)
}

// peerFigures returns what `make peers` found, and how.
func peerFigures(t *testing.T) string {
	t.Helper()
	figures, err := os.ReadFile("../../../internal/peers/figures.md")
	if err != nil {
		t.Fatal(err)
	}
	return `
## Tools that check the same things

What all rules find in the test data of other tools: each case is a set of manifests of which a check of the tool says
that they are bad, or good. ` + "`make peers`" +
		` fetches the data, runs the rules that are meant to find the same (what each check is
called here: ` + "`Equivalents`" + ` of the rules, and ` + "`internal/peers/checks.tsv`" +
		`), and writes this section. A bad case counts as found
if such a rule, or the API server's verdict on the same field, points at it. Much of the data is for versions of long
ago: what 1.37 does not serve is judged for 1.21.

` + string(figures)
}

// withVersion returns a module with its version, which is that of go.mod where the module names none.
func withVersion(t testing.TB, module string) string {
	t.Helper()
	if strings.Contains(module, "@") {
		return module
	}
	version, err := modcache.Version(module)
	if err != nil {
		t.Fatal(err)
	}
	return module + "@" + version
}

// manifestsIn lists the YAML and JSON files of folders, by path from dir.
func manifestsIn(t testing.TB, dir string, folders []string) (names []string) {
	t.Helper()
	for _, folder := range folders {
		err := fs.WalkDir(os.DirFS(dir), folder, func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name)) {
				names = append(names, name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
}

// lintFile lints one file in this process and gives the exit code and the first error.
func lintFile(t testing.TB, dir, name string, args []string) (code int, first string) {
	t.Helper()
	line := []string{
		"lint", "--no-cache", "--rules", "none", "--config", "/dev/null", "-o", "json", filepath.Join(dir, name),
	}
	for _, a := range args {
		line = append(line, strings.ReplaceAll(a, "DIR", dir))
	}
	var out, errs bytes.Buffer
	code = Run(
		context.Background(), line,
		Streams{In: strings.NewReader(""), Out: &out, Err: &errs, Getenv: func(string) string { return "" }},
	)
	var report struct {
		Diagnostics []struct{ Severity, Message, Path string }
	}
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		return code, errs.String()
	}
	for _, d := range report.Diagnostics {
		if d.Severity == "error" {
			return code, d.Path + ": " + d.Message
		}
	}
	return code, errs.String()
}

// checkGenerated compares a generated page with the one in the repository; UPDATE=1 writes it.
func checkGenerated(t testing.TB, file, text string) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil || string(have) != text {
		t.Errorf("%s is stale: run make update (%v)", file, err)
	}
}
