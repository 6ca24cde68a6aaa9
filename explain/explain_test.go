package explain_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/explain"
	"github.com/seatrial/seatrial/schema"
)

func open(t testing.TB, version string) *schema.Store {
	t.Helper()
	s, err := schema.Open(version)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func find(t testing.TB, version, text string) *explain.Subject {
	t.Helper()
	s, err := explain.Find(open(t, version), text, "")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFindTakesEveryNameOfAResource(t *testing.T) {
	for text, want := range map[string]string{
		"pod": "v1 Pod ", "po": "v1 Pod ", "PODS": "v1 Pod ", "Pod": "v1 Pod ",
		"deploy.spec":                         "apps/v1 Deployment spec",
		"deployments.apps.spec.replicas":      "apps/v1 Deployment spec.replicas",
		"deployments.v1.apps":                 "apps/v1 Deployment ",
		"hpa":                                 "autoscaling/v2 HorizontalPodAutoscaler ",
		"hpa.v1.autoscaling.spec":             "autoscaling/v1 HorizontalPodAutoscaler spec",
		"events":                              "v1 Event ",
		"events.events.k8s.io.reason":         "events.k8s.io/v1 Event reason",
		"pods.spec.containers[0].image":       "v1 Pod spec.containers.image",
		"pods.spec.containers[*]['image']":    "v1 Pod spec.containers.image",
		"netpol.spec":                         "networking.k8s.io/v1 NetworkPolicy spec",
		"crd.spec":                            "apiextensions.k8s.io/v1 CustomResourceDefinition spec",
		"svc.spec.selector":                   "v1 Service spec.selector",
		"ingresses.v1.networking.k8s.io.spec": "networking.k8s.io/v1 Ingress spec",
	} {
		s, err := explain.Find(open(t, "1.37"), text, "")
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := s.Kind.GroupVersion().String() + " " + s.Kind.Kind + " " + strings.Join(s.Path, "."); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestFindHelpsWithWhatIsNotThere(t *testing.T) {
	for _, c := range []struct{ version, text, apiVersion, want string }{
		{"1.37", "deploymnt", "", `did you mean deployment?`},
		{"1.37", "deployment.spec.replica", "", `did you mean "replicas"?`},
		{"1.37", "deployment.spec.containers", "", "the field exists at spec.template.spec.containers"},
		{"1.25", "validatingadmissionpolicy", "", "served since Kubernetes 1.26"},
		{"1.37", "podsecuritypolicy", "", "removed in Kubernetes 1.25"},
		{"1.37", "deployment", "apps/v2", "but as apps/v1"},
		{"1.37", "", "", "name a resource"},
	} {
		_, err := explain.Find(open(t, c.version), c.text, c.apiVersion)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.text, err, c.want)
		}
	}
}

func TestDataFollowsItsSchema(t *testing.T) {
	s, err := jsonschema.NewCompiler().Compile("../docs/explain.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	store := open(t, "1.37")
	deployment := find(t, "1.37", "deployment").Kind.GVK
	kind, events, err := explain.History(deployment, "")
	if err != nil {
		t.Fatal(err)
	}
	changes, err := explain.Diff(open(t, "1.20"), store, "")
	if err != nil {
		t.Fatal(err)
	}
	data := map[string]any{
		"list":    explain.NewResourceList(store, store.Kinds()),
		"history": explain.NewHistory(kind, events),
		"diff":    changes,
		"search": explain.NewHitList(
			store, "rolling update", explain.Search(store, []string{"rolling", "update"}, 20),
		),
		"nothing": explain.NewHitList(store, "xyzzy", nil),
		"where":   explain.NewHitList(store, "image", explain.Where(store, "image")),
	}
	for _, text := range []string{
		"pod", "deployment.spec.template.spec.containers", "crd", "service.spec.ports", "validatingadmissionpolicy",
	} {
		data[text] = find(t, "1.37", text).Tree(explain.Depth{Recursive: true}, nil)
	}
	for name, of := range data {
		text, err := json.Marshal(of)
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Validate(map[string]any{"apiVersion": "seatrial/v1", "kind": "History"}); err == nil {
		t.Error("the schema accepts a history without events")
	}
}

func TestTreeMarksTypesThatHoldThemselves(t *testing.T) {
	recursive := 0
	var walk func(n *explain.Node)
	walk = func(n *explain.Node) {
		if n.Recursive {
			recursive++
		}
		for _, f := range n.Fields {
			walk(f)
		}
	}
	walk(find(t, "1.37", "crd").Tree(explain.Depth{Recursive: true}, nil).Field)
	if recursive == 0 {
		t.Error("JSONSchemaProps holds itself, and nothing is marked")
	}
}

func TestTreeEndsAtTheDepthAskedFor(t *testing.T) {
	d := find(t, "1.37", "pod").Tree(explain.Depth{Recursive: true, Max: 2}, nil)
	for _, f := range d.Field.Fields {
		for _, g := range f.Fields {
			if len(g.Fields) > 0 {
				t.Fatalf("%s has fields", g.Path)
			}
		}
	}
}

func TestHistory(t *testing.T) {
	k := find(t, "1.37", "cronjob").Kind
	kind, events, err := explain.History(k.GVK, "spec")
	if err != nil || kind.Since != "1.21" {
		t.Fatal(kind, err)
	}
	want := map[string]string{"": "1.21", "spec.timeZone": "1.24"}
	for _, e := range events {
		if v, ok := want[e.Path]; ok && e.Change == "added" {
			if e.Version != v {
				t.Errorf("%s was added in %s, not in %s", e.Path, v, e.Version)
			}
			delete(want, e.Path)
		}
	}
	if len(want) > 0 {
		t.Errorf("not shown: %v", want)
	}
}

func TestDiff(t *testing.T) {
	c, err := explain.Diff(open(t, "1.24"), open(t, "1.25"), "")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, k := range c.Kinds {
		got[k.APIVersion+" "+k.Kind] = k.Change
	}
	for kind, want := range map[string]string{
		"policy/v1beta1 PodSecurityPolicy": "removed", "batch/v1 Job": "changed",
		"networking.k8s.io/v1alpha1 ClusterCIDR": "added",
	} {
		if got[kind] != want {
			t.Errorf("%s: %q, want %s", kind, got[kind], want)
		}
	}
}

func TestDiffOfAField(t *testing.T) {
	c, err := explain.Diff(open(t, "1.22"), open(t, "1.37"), "deployment.spec.template.spec.os")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Kinds) != 1 || len(c.Kinds[0].Fields) != 1 || c.Kinds[0].Fields[0].Path != "spec.template.spec.os" {
		t.Errorf("got %+v", c.Kinds)
	}
	c, err = explain.Diff(open(t, "1.22"), open(t, "1.37"), "cronjobs.v1beta1.batch")
	if err != nil || len(c.Kinds) != 1 || c.Kinds[0].Change != "removed" {
		t.Errorf("got %+v, %v", c, err)
	}
	for text, want := range map[string]string{
		"pod.spec.foo": `no field "foo"`, "deployments.v1beta1.apps": "deployments is served as apps/v1",
		"nothing": "no resource",
	} {
		if _, err := explain.Diff(open(t, "1.22"), open(t, "1.37"), text); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func TestSearchFindsAndRanks(t *testing.T) {
	for words, want := range map[string]string{
		"terminationGracePeriodSeconds": "spec.terminationGracePeriodSeconds",
		"cronjob":                       "",
		"liveness probe":                "spec.containers.livenessProbe",
		"taint effect":                  "spec.taints.effect",
		"graceful shutdown seconds":     "spec.terminationGracePeriodSeconds",
		"zero downtime":                 "spec.strategy.rollingUpdate.maxUnavailable",
		"spread pods across zones":      "spec.topologySpreadConstraints",
		"cpu limit":                     "spec.resources.limits",
	} {
		hits := explain.Search(open(t, "1.37"), strings.Fields(words), 3)
		found := false
		for _, h := range hits {
			found = found || h.Path == want
		}
		if !found {
			t.Errorf("%s: got %+v", words, hits)
		}
	}
	if hits := explain.Search(open(t, "1.37"), []string{"nothing", "of", "thekind"}, 5); len(hits) > 0 {
		t.Errorf("got %+v", hits)
	}
}

// TestExampleHasTheField asks for examples of fields that a minimal manifest does not have.
func TestExampleHasTheField(t *testing.T) {
	for text, want := range map[string]string{
		"pod.spec.containers.envFrom":                                 "configMapRef:",
		"pod.spec.containers.livenessProbe.httpGet":                   "port: ",
		"deployment.spec.strategy.rollingUpdate.maxUnavailable":       "maxUnavailable: ",
		"pod.spec.topologySpreadConstraints.labelSelector":            "labelSelector:",
		"networkpolicy.spec.ingress.from.namespaceSelector":           "namespaceSelector:",
		"deployment.spec.template.metadata.annotations":               "annotations:",
		"statefulset.spec.volumeClaimTemplates.spec.storageClassName": "storageClassName: ",
	} {
		subject, err := explain.Find(open(t, "1.37"), text, "")
		if err != nil {
			t.Fatal(err)
		}
		example, err := subject.Example()
		if err != nil || !strings.Contains(example, want) {
			t.Errorf("%s: %v\n%s", text, err, example)
		}
		var value map[string]any
		if err := yaml.Unmarshal([]byte(example), &value); err != nil {
			t.Errorf("%s: %v\n%s", text, err, example)
		}
		if problems, err := subject.Kind.Validate(value); err != nil || len(problems) > 0 {
			t.Errorf("%s: %v %v\n%s", text, problems, err, example)
		}
	}
}

func TestWhere(t *testing.T) {
	kinds := map[string]bool{}
	for _, h := range explain.Where(open(t, "1.37"), "startupprobe") {
		kinds[h.Kind] = true
	}
	for _, k := range []string{"Pod", "Deployment", "CronJob"} {
		if !kinds[k] {
			t.Errorf("no %s has a startupProbe", k)
		}
	}
}

func TestCustomResources(t *testing.T) {
	crd := `{"kind":"CustomResourceDefinition","spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"backups","singular":"backup","kind":"Backup","shortNames":["bk"]},
		"versions":[{"name":"v1","served":true,"schema":{"openAPIV3Schema":{"type":"object","description":"A backup.","properties":{"spec":{"type":"object","required":["keep"],
		"properties":{"keep":{"type":"integer","minimum":1,"description":"How many to keep."},"mode":{"type":"string","enum":["Full","Delta"],"pattern":"^[A-Z]"}},
		"x-kubernetes-validations":[{"rule":"self.keep < 100","message":"too many"}]}}}}}]}}`
	store, err := open(t, "1.37").With([]byte(crd))
	if err != nil {
		t.Fatal(err)
	}
	s, err := explain.Find(store, "bk.spec", "")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := s.Plaintext(&b, explain.Depth{}); err != nil ||
		!strings.Contains(b.String(), "keep\t<integer> -required-") ||
		!strings.Contains(b.String(), "How many to keep.") {
		t.Errorf("%v\n%s", err, b.String())
	}
	n := s.Tree(explain.Depth{Recursive: true}, nil).Field
	if len(n.Validations) != 1 || n.Fields[0].Minimum == nil || n.Fields[1].Pattern != "^[A-Z]" ||
		len(n.Fields[1].Enum) != 2 {
		t.Errorf("constraints are lost: %+v", n)
	}
	if _, err := explain.Find(store, "deploy.spec", ""); err != nil {
		t.Error(err)
	}
}

func TestFullExampleHoldsEveryField(t *testing.T) {
	text := find(t, "1.37", "pod").Full()
	for _, want := range []string{
		"terminationGracePeriodSeconds:", "- # <[]string>", "livenessProbe:", "# <string, required>",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
}

func TestMarkdownStopsAtTheWriter(t *testing.T) {
	d := find(t, "1.37", "pod").Tree(explain.Depth{}, nil)
	if err := explain.WriteMarkdown(full{}, d); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}

var errFull = errors.New("disk full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
