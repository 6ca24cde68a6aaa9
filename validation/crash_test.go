package validation_test

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/seatrial/seatrial/validation"
)

const crashed = "Kubernetes' own validation crashed on this object: "

func TestACrashCostsOneDocument(t *testing.T) {
	v := newValidator(t)
	for name, text := range map[string]string{
		"nil completions": `
apiVersion: batch/v1
kind: Job
metadata: {name: count}
spec:
  completionMode: Indexed
  parallelism: 3
  successPolicy: {rules: [{succeededIndexes: "0-3"}]}
  template: {spec: {restartPolicy: Never, containers: [{name: c, image: c:1}]}}
`,
		"schema that is not structural": `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boards.example.org}
spec:
  group: example.org
  scope: Cluster
  names: {kind: Board, listKind: BoardList, plural: boards, singular: board}
  versions:
  - name: v1
    served: true
    storage: true
    selectableFields: [{jsonPath: .spec.wood}]
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {wood: {type: string}}, patternProperties: {"^x": {type: string}}}
`,
	} {
		answer := judge(t, v, text)
		if !strings.Contains(answer, crashed) || !strings.Contains(answer, "; an API server answers 500") {
			t.Errorf("%s: %s", name, answer)
		}
	}
	if answer := judge(t, v, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"); answer != "" {
		t.Errorf("what is judged next: %s", answer)
	}
}

// TestAMistypedFieldIsNotToBlameForACrash: a server never comes as far as validation with it.
func TestAMistypedFieldIsNotToBlameForACrash(t *testing.T) {
	answer := judge(t, newValidator(t), `
apiVersion: batch/v1
kind: Job
metadata: {name: count}
spec:
  completionMode: Indexed
  parallelism: 3
  completions: many
  successPolicy: {rules: [{succeededIndexes: "0-3"}]}
  template: {spec: {restartPolicy: Never, containers: [{name: c, image: c:1}]}}
`)
	if !strings.Contains(answer, "spec.completions: ") || strings.Contains(answer, crashed) ||
		strings.Contains(answer, "\n") {
		t.Errorf("answer: %s", answer)
	}
}

func TestImmenseQuantitiesAreRefusedUnread(t *testing.T) {
	v := newValidator(t)
	pod := func(quantity string) string {
		return `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [{"name": "c", "image": "c:1",
"resources": {"requests": {"memory": ` + quantity + `}}}]}}`
	}
	for quantity, want := range map[string]string{
		`"1e999999999"`:                        "beyond all bounds",
		`"-1E-99999999"`:                       "beyond all bounds",
		`"1e+0000999999999"`:                   "beyond all bounds",
		`1e999999999`:                          "beyond all bounds",
		`"` + strings.Repeat("7", 1<<20) + `"`: "beyond all bounds",
		`"1e999"`:                              "",
		`"1e0"`:                                "",
		`"` + strings.Repeat("0", 150) + `1"`:  "",
	} {
		answer := judge(t, v, pod(quantity))
		if want == "" && answer != "" || want != "" && !strings.Contains(answer, want) || len(answer) > 1000 {
			t.Errorf("%.40s: %.300s", quantity, answer)
		}
	}
	for _, text := range []string{ // no quantities
		`{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "1e999999999"}}`,
		`{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "` +
			strings.Repeat("7", 1000) + `"}}`,
	} {
		if answer := judge(t, v, text); answer != "" {
			t.Errorf("%.80s: %s", text, answer)
		}
	}
	from, to := schema.GroupVersionKind{
		Group: "autoscaling", Version: "v2", Kind: "HorizontalPodAutoscaler",
	}, schema.GroupVersion{Group: "autoscaling", Version: "v1"}
	_, causes, err := validation.Convert(from,
		[]byte(`{"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "a"}, "spec":
{"maxReplicas": 2, "scaleTargetRef": {"kind": "Deployment", "name": "a"}, "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target":
{"type": "AverageValue", "averageValue": "1e999999999"}}}]}}`), to)
	if err != nil || len(causes) != 1 || !strings.Contains(causes[0].Message, "beyond all bounds") {
		t.Errorf("conversion: %v, %v", causes, err)
	}
}

// TestManyWrongFields ends at once when the work grows with the number of wrong fields, and not within the time of a
// test run when it grows with the square.
func TestManyWrongFields(t *testing.T) {
	const many = 5000
	var labels, unknown []string
	for i := range many {
		labels = append(labels, fmt.Sprintf("l%d: %d", i, i))
		unknown = append(unknown, fmt.Sprintf("u%d: 1", i))
	}
	answer := judge(
		t, newValidator(t),
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {"+strings.Join(labels, ", ")+"}}\n"+
			strings.Join(unknown, "\n")+"\n",
	)
	if n := strings.Count(answer, "cannot unmarshal number"); n != many {
		t.Errorf("%d wrong types", n)
	}
}

// TestMessagesAreTheSameInEachRun asks twice for what names a type that CEL has made.
func TestMessagesAreTheSameInEachRun(t *testing.T) {
	text := `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boards.example.org}
spec:
  group: example.org
  scope: Cluster
  names: {kind: Board, listKind: BoardList, plural: boards, singular: board}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties: {legs: {type: array, maxItems: 3, items: {type: object, properties: {size: {type: string, maxLength: 3}}}}}
            x-kubernetes-validations: [{rule: "self.legs.size == 'a'"}]
`
	first, second := judge(t, newValidator(t), text), judge(t, newValidator(t), text)
	if first != second || !strings.Contains(first, "selfType.") {
		t.Errorf("first\n%s\nthen\n%s", first, second)
	}
}
