package cluster_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/internal/cluster"
)

// parse reads objects that are written in YAML; what is wrong with the text panics.
func parse(text string) (all []*unstructured.Unstructured) {
	for _, document := range strings.Split(text, "\n---\n") {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &o.Object); err != nil {
			panic(err)
		}
		all = append(all, o)
	}
	return all
}

// dryRunSet is out of order on purpose.
const dryRunSet = `apiVersion: stable.example.com/v1
kind: CronTab
metadata: {name: mine, namespace: shop}
spec: {replicas: many}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: root, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: root}}
  template:
    metadata: {labels: {app: root}}
    spec:
      containers: [{name: c, image: nginx, securityContext: {privileged: true}}]
---
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: baseline}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: crontabs.stable.example.com}
spec:
  group: stable.example.com
  scope: Namespaced
  names: {plural: crontabs, singular: crontab, kind: CronTab}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {replicas: {type: integer}}}}}}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: few}
spec: {hard: {pods: "2"}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: many}
spec:
  replicas: 3
  selector: {matchLabels: {app: many}}
  template:
    metadata: {labels: {app: many}}
    spec: {containers: [{name: c, image: nginx}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: lost, namespace: nowhere}
---
apiVersion: v1
kind: Service
metadata: {name: good}
spec: {selector: {app: many}, ports: [{port: 80}]}`

func TestDryRunAnswersAsTheServerWould(t *testing.T) {
	set := parse(dryRunSet)
	answers, err := cluster.DryRun(t.Context(), nil, set)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct{ refused, podRefused string }{
		{refused: `spec.replicas: Invalid value: "string"`},
		{podRefused: `violates PodSecurity "baseline:latest": privileged`},
		{},
		{},
		{},
		{podRefused: `exceeded quota: few, requested: pods=1, used: pods=2, limited: pods=2`},
		{refused: `namespaces "nowhere" not found`},
		{},
	}
	for i, a := range answers {
		check := func(what, want string, got error) {
			if want == "" && got != nil || want != "" && (got == nil || !strings.Contains(got.Error(), want)) {
				t.Errorf("%s %s: %s %v, want %q", set[i].GetKind(), set[i].GetName(), what, got, want)
			}
		}
		check("refused", want[i].refused, a.Refused)
		check("pods refused", want[i].podRefused, a.PodRefused)
	}
}
