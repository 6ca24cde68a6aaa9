package render

import (
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// TestClusterGenerator makes Applications for the clusters that a generator selects, with and without Go templates.
func TestClusterGenerator(t *testing.T) {
	a := txtar.Parse([]byte(`-- set.yaml --
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: web, namespace: argocd}
spec:
  goTemplate: true
  generators:
  - clusters:
      selector: {matchLabels: {stage: prod}}
      values: {tier: "{{ .metadata.labels.tier }}"}
  template:
    metadata: {name: "web-{{ .nameNormalized }}-{{ .values.tier }}"}
    spec:
      destination: {server: "{{ .server }}", namespace: web}
      source: {repoURL: https://github.com/example/fleet, path: "overlays/{{ .metadata.labels.stage }}"}
---
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: plain, namespace: argocd}
spec:
  generators: [{clusters: {selector: {matchExpressions: [{key: stage, operator: NotIn, values: [prod]}]}}}]
  template:
    metadata: {name: "plain-{{name}}"}
    spec:
      destination: {server: "{{server}}", namespace: web}
      source: {repoURL: https://github.com/example/fleet, path: "overlays/{{metadata.labels.stage}}"}
-- overlays/prod/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: prod}
-- overlays/test/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: test}
`))
	t.Chdir(unpack(t, a))
	if tree := Discover([]string{"."}, nil); len(tree.Sources) != 0 || len(tree.Elsewhere) != 2 {
		t.Errorf("without clusters: %d sources, %d elsewhere", len(tree.Sources), len(tree.Elsewhere))
	}
	tree := Discover([]string{"."}, nil,
		Cluster{Name: "North_1", Server: "https://north", Labels: map[string]string{"stage": "prod", "tier": "a"}},
		Cluster{Name: "south", Server: "https://south", Labels: map[string]string{"stage": "prod", "tier": "b"}},
		Cluster{Name: "lab", Server: "https://lab", Labels: map[string]string{"stage": "test"}},
	)
	var got []string
	for _, s := range tree.Sources {
		_, made, _ := strings.Cut(s.Name, ": ")
		got = append(got, s.Path+" "+made)
	}
	want := "overlays/prod web-north-1-a\noverlays/prod web-south-b\noverlays/test plain-lab"
	if strings.Join(got, "\n") != want || len(tree.Elsewhere) != 0 {
		t.Errorf("got\n%s\nwant\n%s\nelsewhere %d", strings.Join(got, "\n"), want, len(tree.Elsewhere))
	}
}
