package schema_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/schema"
)

func gvk(group, version, kind string) schema.GVK {
	return schema.GVK{Group: group, Version: version, Kind: kind}
}

func open(t testing.TB, version string) *schema.Store {
	t.Helper()
	s, err := schema.Open(version)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEveryVersionHasItsKindsAndTypes(t *testing.T) {
	versions := schema.Versions()
	if len(versions) != 18 || versions[0] != schema.Oldest || versions[17] != schema.Latest {
		t.Fatalf("versions are %v", versions)
	}
	for _, v := range versions {
		s := open(t, v)
		if n := len(s.Kinds()); n < 50 {
			t.Errorf("%s: %d kinds", v, n)
		}
		for _, k := range s.Kinds() {
			if k.Type() == nil || k.Resource == "" || k.Singular == "" {
				t.Errorf("%s: %v: resource %q, singular %q, type %v", v, k.GVK, k.Resource, k.Singular, k.Type())
			}
		}
	}
}

func TestAnUnknownVersionIsRefused(t *testing.T) {
	_, err := schema.Open("1.19")
	if err == nil || !strings.Contains(err.Error(), "1.20 to 1.37") {
		t.Error(err)
	}
}

func TestKindsComeAndGo(t *testing.T) {
	for _, c := range []struct {
		gvk         schema.GVK
		since, gone string
	}{
		{gvk("extensions", "v1beta1", "Ingress"), "1.20", "1.22"},
		{gvk("policy", "v1beta1", "PodSecurityPolicy"), "1.20", "1.25"},
		{gvk("policy", "v1", "PodDisruptionBudget"), "1.21", ""},
		{gvk("batch", "v1", "CronJob"), "1.21", ""},
		{gvk("batch", "v1beta1", "CronJob"), "1.20", "1.25"},
		{gvk("autoscaling", "v2", "HorizontalPodAutoscaler"), "1.23", ""},
		{gvk("apps", "v1", "Deployment"), "1.20", ""},
	} {
		k, ok := schema.History(c.gvk)
		if !ok || k.Since != c.since || k.Removed != c.gone {
			t.Errorf("%v: since %q removed %q, want %q and %q", c.gvk, k.Since, k.Removed, c.since, c.gone)
		}
	}
	if k, _ := schema.History(gvk("batch", "v1beta1", "CronJob")); k.Deprecated != "1.21" ||
		k.Replacement != "batch/v1 CronJob" {
		t.Errorf("CronJob v1beta1: deprecated %q, replacement %q", k.Deprecated, k.Replacement)
	}
}

func TestFields(t *testing.T) {
	k := open(t, "1.25").Lookup(gvk("apps", "v1", "Deployment"))
	for path, want := range map[string]string{
		"spec":                                    "DeploymentSpec required=false since=1.20",
		"spec.replicas":                           "integer required=false since=1.20",
		"spec.selector":                           "LabelSelector required=true since=1.20",
		"spec.selector.matchLabels":               "map[string]string required=false since=1.20",
		"spec.template.spec.containers[0].image":  "string required=false since=1.20",
		"spec.template.spec.containers":           "[]Container required=true since=1.20",
		"spec.template.spec.os":                   "PodOS required=false since=1.23",
		"spec.template.spec.containers.resources": "ResourceRequirements required=false since=1.20",
		"metadata.labels":                         "map[string]string required=false since=1.20",
	} {
		f, err := k.Field(path)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := fmt.Sprintf("%s required=%v since=%s", f.Type, f.Required, f.Span().Since); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	if _, err := k.Field("spec.replica"); err == nil ||
		err.Error() != `spec has no field "replica": did you mean "replicas"?` {
		t.Error(err)
	}
}

func TestSuggestions(t *testing.T) {
	s := open(t, schema.Latest)
	for _, c := range [][2]schema.GVK{
		{gvk("", "v1", "pod"), gvk("", "v1", "Pod")},
		{gvk("", "v1", "Deployment"), gvk("apps", "v1", "Deployment")},
		{gvk("extensions", "v1beta1", "Ingress"), gvk("networking.k8s.io", "v1", "Ingress")},
		{gvk("apps", "v1", "Deploymnet"), gvk("apps", "v1", "Deployment")},
		{gvk("", "v1", "pods"), gvk("", "v1", "Pod")},
		{gvk("autoscaling", "v2beta2", "HorizontalPodAutoscaler"), gvk("autoscaling", "v2", "HorizontalPodAutoscaler")},
	} {
		if got, _ := s.SuggestKind(c[0]); got != c[1] {
			t.Errorf("%v: suggested %v, want %v", c[0], got, c[1])
		}
	}
	deployment := s.Lookup(gvk("apps", "v1", "Deployment"))
	if _, place := deployment.SuggestField("image"); place != "spec.template.spec.containers[].image" {
		t.Errorf("image of a Deployment: suggested %q", place)
	}
	pod := s.Lookup(gvk("", "v1", "Pod"))
	for path, want := range map[string][2]string{
		"spec.containers[0].imag":          {"image", ""},
		"spec.image":                       {"", "spec.containers[].image"},
		"spec.containers[0].restartpolicy": {"restartPolicy", ""},
		"spec.containers[0].volumes":       {"", "spec.volumes"},
	} {
		if name, place := pod.SuggestField(path); name != want[0] || place != want[1] {
			t.Errorf("%s: suggested %q, %q; want %v", path, name, place, want)
		}
	}
}

func TestValidateFindsAllProblems(t *testing.T) {
	k := open(t, "1.25").Lookup(gvk("apps", "v1", "Deployment"))
	problems := validate(
		t,
		k,
		`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a","annotations":{"x.y/z":1},"labels":null},
		"spec":{"replicas":"2","strategy":{"rollingUpdate":{"maxSurge":"25%"}},"template":{"spec":{"hostUsers":true,"containers":[
			{"name":"a","imag":"x","ports":[{"containerPort":"80"}],"resources":{"limits":{"cpu":1,"memory":"1Gi"}}}]}}}}`,
	)
	want := `metadata.annotations[x.y/z]: 1 is a number, want string
spec.replicas: "2" is a string, want integer
spec.selector: Required value
spec.template.spec.containers[0].imag: unknown field "spec.template.spec.containers[0].imag"
spec.template.spec.containers[0].ports[0].containerPort: "80" is a string, want integer`
	if problems != want {
		t.Errorf("got\n%s\nwant\n%s", problems, want)
	}
}

func TestValidateAcceptsWhatTheServerAccepts(t *testing.T) {
	k := open(t, "1.20").Lookup(gvk("apps", "v1", "Deployment"))
	if p := validate(t, k, `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a","creationTimestamp":null},"spec":{"selector":{"matchLabels":{"a":"b"}},
		"strategy":{"rollingUpdate":{"maxSurge":1,"maxUnavailable":"0%"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"a","image":"x","resources":{"limits":{"cpu":0.5,"memory":"1Gi"}},
		"livenessProbe":{"httpGet":{"port":"http"}}}]}}}}`); p != "" {
		t.Error(p)
	}
}

func validate(t testing.TB, k *schema.Kind, text string) string {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	problems, err := k.Validate(v)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range problems {
		out = append(out, p.Path+": "+p.Message)
	}
	return strings.Join(out, "\n")
}

func TestEveryKindOfEveryVersionCanBeValidated(t *testing.T) {
	for _, v := range []string{"1.20", "1.23", "1.30", schema.Latest} {
		for _, k := range open(t, v).Kinds() {
			if _, err := k.Validate(map[string]any{}); err != nil {
				t.Errorf("%s %v: %v", v, k.GVK, err)
			}
		}
	}
}

func BenchmarkValidateDeployment(b *testing.B) {
	k := open(b, "1.25").Lookup(gvk("apps", "v1", "Deployment"))
	for b.Loop() {
		validate(
			b,
			k,
			`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a"},"spec":{"selector":{},"template":{"spec":{"containers":[{"name":"a","image":"x"}]}}}}`,
		)
	}
}
