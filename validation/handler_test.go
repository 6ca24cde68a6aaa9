package validation_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation"
	"github.com/seatrial/seatrial/validation/verdict"
)

const widgets = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {kind: Widget, listKind: WidgetList, plural: widgets, singular: widget}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}}
---
`

func TestTheHandlerPreparesObjects(t *testing.T) {
	owner := "{apiVersion: v1, kind: Pod, name: a, uid: 8d8d2ad9-0f54-4a4c-8d6b-6b8bb5d2a001}"
	duplicate := "Warning metadata.ownerReferences: .metadata.ownerReferences contains duplicate entries; " +
		"API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; " +
		"please fix your requests; duplicate UID(s) observed: 8d8d2ad9-0f54-4a4c-8d6b-6b8bb5d2a001"
	system := "creationTimestamp: 2026-01-02T03:04:05Z, uid: 8d8d2ad9-0f54-4a4c-8d6b-6b8bb5d2a001, managedFields: [{manager: kubectl}]"
	for name, c := range map[string]struct{ text, want string }{
		"generated name of a custom resource": {
			widgets + "{apiVersion: example.org/v1, kind: Widget, metadata: {generateName: w-}, spec: {size: 1}}", "",
		},
		"long prefix of a custom resource": {
			widgets + "{apiVersion: example.org/v1, kind: Widget, metadata: {generateName: " +
				strings.Repeat("w", 300) + "}}",
			"metadata.generateName: Invalid value: \"" + strings.Repeat("w", 300),
		},
		"bad prefix of a custom resource": {widgets + "{apiVersion: example.org/v1, kind: Widget, metadata: {generateName: W_}}",
			"FieldValueInvalid metadata.generateName: Invalid value: \"W_\": a lowercase RFC 1123"},
		"bad name made of a bad prefix": {widgets + "{apiVersion: example.org/v1, kind: Widget, metadata: {generateName: W_}}",
			"FieldValueInvalid metadata.name: Invalid value: \"W_xxxxx\": a lowercase RFC 1123"},
		"system metadata of a custom resource": {
			widgets + "{apiVersion: example.org/v1, kind: Widget, metadata: {name: w, " + system + "}}", "",
		},
		"owners of a custom resource twice": {widgets + "{apiVersion: example.org/v1, kind: Widget, metadata: {name: w, ownerReferences: [" + owner + ", " + owner + "]}}",
			duplicate},
		"owners twice": {
			"{apiVersion: v1, kind: ConfigMap, metadata: {name: a, ownerReferences: [" + owner + ", " + owner + "]}}",
			duplicate,
		},
		"audiences of a TokenReview": {
			"{apiVersion: authentication.k8s.io/v1, kind: TokenReview, spec: {token: abc, audiences: [vault]}}", "",
		},
		"system metadata of a review": {
			"{apiVersion: authorization.k8s.io/v1, kind: SubjectAccessReview, metadata: {" + system +
				"}, spec: {user: a, resourceAttributes: {verb: get, resource: pods}}}",
			"",
		},
		"system metadata of a self review": {
			"{apiVersion: authorization.k8s.io/v1, kind: SelfSubjectAccessReview, metadata: {creationTimestamp: 2026-01-02T03:04:05Z}, spec: {resourceAttributes: {verb: get, resource: pods}}}",
			"",
		},
	} {
		got := judge(t, newValidator(t), c.text)
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestDefaultAdmissionThatNeedsNoState(t *testing.T) {
	pod := func(spec string) string {
		return "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {" + spec +
			", containers: [{name: c, image: c:1}]}}"
	}
	token := "volumes: [{name: t, projected: {sources: [{serviceAccountToken: {path: t}}]}}]"
	for name, c := range map[string]struct{ text, want string }{
		"token of the default account": {pod(token), ""},
		"priority of its own": {
			pod("priority: 7"), "Forbidden spec.priority: the integer value of priority (7) must not be provided",
		},
		"priority of no class":       {pod("priority: 0"), ""},
		"priority of a system class": {pod("priorityClassName: system-node-critical, priority: 2000001000"), ""},
		"other priority than the class": {pod("priorityClassName: system-node-critical, priority: 2000000000"),
			"Forbidden spec.priority: the integer value of priority (2000000000) must not be provided in pod spec; priority admission controller computed 2000001000"},
		"priority of an unknown class": {pod("priorityClassName: ours, priority: 5"), ""},
		"preemption policy": {
			pod("preemptionPolicy: Never"),
			"Forbidden spec.preemptionPolicy: the string value of PreemptionPolicy (Never)",
		},
		"default preemption policy": {pod("preemptionPolicy: PreemptLowerPriority"), ""},
		"overhead without a class": {
			pod("overhead: {cpu: 10m}"),
			"Forbidden spec.overhead: pod rejected: Pod Overhead set without corresponding RuntimeClass",
		},
		"overhead with a class": {pod("runtimeClassName: gvisor, overhead: {cpu: 10m}"), ""},
	} {
		got := judge(t, newValidator(t), c.text)
		if c.want == "" && got != "" || !strings.Contains(got, c.want) || strings.Contains(got, "\n") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestAPodSecurityLabelIsToldOnce(t *testing.T) {
	for _, level := range []string{"Restricted", "not a level", "-"} {
		got := judge(
			t, newValidator(t),
			"{apiVersion: v1, kind: Namespace, metadata: {name: a, labels: {pod-security.kubernetes.io/enforce: \""+
				level+"\"}}}",
		)
		if got == "" || strings.Contains(got, "\n") {
			t.Errorf("%s: %s", level, got)
		}
	}
}

func TestAdminAccessLooksAtTheNamespaceInTheProcess(t *testing.T) {
	claim := `{apiVersion: resource.k8s.io/v1, kind: ResourceClaim, metadata: {name: a, namespace: ops}, spec: {devices: {requests:
[{name: d, exactly: {deviceClassName: gpu.example.org, allocationMode: All, adminAccess: true}}]}}}`
	v := newValidator(t)
	if got := judge(t, v, claim); got != "" {
		t.Errorf("in a namespace that is not in the set: %s", got)
	}
	v.AddNamespace("ops", nil)
	if got := judge(t, v, claim); !strings.Contains(got, "admin access to devices requires the `resource.kubernetes.io/admin-access: true` label") {
		t.Errorf("in a namespace without the label: %s", got)
	}
	v.AddNamespace("ops", map[string]string{"resource.kubernetes.io/admin-access": "true"})
	if got := judge(t, v, claim); got != "" {
		t.Errorf("in a namespace with the label: %s", got)
	}
}

func TestWhatAServerServesDependsOnItsSettings(t *testing.T) {
	class := "{apiVersion: resource.k8s.io/v1beta1, kind: DeviceClass, metadata: {name: gpu.example.org}, spec: {}}"
	workload := "{apiVersion: scheduling.k8s.io/v1beta1, kind: Workload, metadata: {name: a}, spec: {}}"
	for name, c := range map[string]struct {
		runtimeConfig, gates []string
		text, want           string
	}{
		"by default":             {nil, nil, class, "--runtime-config=resource.k8s.io/v1beta1=true"},
		"with the version":       {[]string{"resource.k8s.io/v1beta1=true"}, nil, class, ""},
		"with the version alone": {[]string{"resource.k8s.io/v1beta1"}, nil, class, ""},
		"with all beta versions": {[]string{"api/beta=true"}, nil, class, ""},
		"with all versions":      {[]string{"api/all=true"}, nil, class, ""},
		"a kind behind a gate": {
			nil, nil, workload,
			"--runtime-config=scheduling.k8s.io/v1beta1=true and --feature-gates=GenericWorkload=true",
		},
		"without its gate": {[]string{"api/all=true"}, nil, workload, "--feature-gates=GenericWorkload=true"},
		"with its gate":    {[]string{"api/all=true"}, []string{"GenericWorkload=true"}, workload, ""},
		"a version switched off": {
			[]string{"apps/v1=false"}, nil, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}",
			"--runtime-config=apps/v1=true",
		},
		"what is always there": {
			[]string{"api/all=false"}, nil, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}", "",
		},
	} {
		v := newValidator(t)
		if err := v.Serve(c.runtimeConfig, c.gates); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := answer(t, v, c.text); got.NotServed != c.want {
			t.Errorf("%s: %q, want %q", name, got.NotServed, c.want)
		}
	}
	for _, wrong := range []string{"resource.k8s.io/v1beta1=yes", "=true"} {
		if err := newValidator(t).Serve([]string{wrong}, nil); err == nil {
			t.Errorf("%s: no error", wrong)
		}
	}
}

// answer returns the verdict on one object.
func answer(t testing.TB, v *validation.Validator, text string) verdict.Verdict {
	t.Helper()
	docs, _ := manifest.Read(source.NewFile("a.yaml", []byte(text)), manifest.DefaultLimits)
	gvk := schema.FromAPIVersionAndKind(docs[0].Object.APIVersion, docs[0].Object.Kind)
	return v.Create(t.Context(), gvk, docs[0].JSON, "default")
}
