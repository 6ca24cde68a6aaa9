package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const shopChart = `
write .seatrial.yaml helm:\n- chart: charts/*\n  variants:\n  - {name: prod, values: [envs/prod.yaml], namespace: shop}\n  - {name: staging, set: [replicas=1]}\nenvironments:\n- name: production\n  sources: ["charts/web (prod)", apps/prod/**, apps/prod]\n  nodes: ["2x1cpu2Gi"]\n  kubernetesVersion: "1.36"\n- name: staging\n  sources: ["charts/web (staging)"]\n
write charts/web/Chart.yaml apiVersion: v2\nname: web\nversion: 0.1.0\n
write charts/web/values.yaml replicas: 1\n
write charts/web/templates/all.yaml apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, labels: {version: {{ .Capabilities.KubeVersion.Minor | quote }}}}\nspec:\n  replicas: {{ .Values.replicas }}\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: web, image: "web:1", resources: {requests: {cpu: 300m, memory: 100Mi}}}]}\n
write envs/prod.yaml replicas: 2\n
write apps/prod/kustomization.yaml resources: [api.yaml]\n
write apps/prod/api.yaml apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api, namespace: shop}\nspec:\n  replicas: 2\n  selector: {matchLabels: {app: api}}\n  template:\n    metadata: {labels: {app: api}}\n    spec: {containers: [{name: api, image: "api:1", resources: {requests: {cpu: 300m, memory: 100Mi}}}]}\n
`

// TestReviewOfEnvironments reviews a chart in the variants and environments that the configuration names.
func TestReviewOfEnvironments(t *testing.T) {
	r := newRepository(t)
	r.apply(shopChart)
	r.commit("shop")
	r.apply("replace charts/web/templates/all.yaml web:1 => web:2")
	type report struct {
		Environments []struct{ Name, Kind string }
		Rollouts     []struct {
			Environment, Nodes string
			Simulated          bool
			Workloads          []struct{ Object struct{ Name string } }
		}
		Consequences []struct {
			Kind         string
			Environments []string
		}
	}
	review := func(args ...string) (got report, text string) {
		t.Helper()
		out, errors, _ := r.review(append([]string{"--base", "HEAD", "-o", "json"}, args...)...)
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatalf("%v: %s%s", err, out, errors)
		}
		return got, out
	}
	got, text := review()
	names := map[string]bool{}
	for _, e := range got.Environments {
		names[e.Name] = true
	}
	if len(names) != 3 || !names["production"] || !names["staging"] || !names["charts/web"] {
		t.Errorf("environments %v in %s", names, text)
	}
	simulated := false
	for _, o := range got.Rollouts {
		if o.Environment == "production" {
			simulated = o.Simulated && o.Nodes == "the nodes of the configuration" && len(o.Workloads) > 0
		}
	}
	if !simulated {
		t.Errorf("production is not simulated on its nodes: %s", text)
	}

	r.apply("replace apps/prod/api.yaml api:1 => api:2\nreplace envs/prod.yaml 2 => 3")
	got, text = review("--plan", "none")
	if len(got.Environments) != 3 ||
		got.Environments[0].Name != "production" && !strings.Contains(text, `"environment"`) {
		t.Errorf("a chart and a kustomization of one environment are not reported as one: %s", text)
	}
	if !strings.Contains(text, `"spec.replicas"`) || strings.Contains(text, `"apps/prod"`) {
		t.Errorf("got %s", text)
	}

	out, _, _ := r.review("--base", "HEAD", "--plan", "none")
	if !strings.Contains(out, "production") || !strings.Contains(out, "4 changed") {
		t.Errorf("got %s", out)
	}
}

// TestWrongEnvironments are refused with what to write.
func TestWrongEnvironments(t *testing.T) {
	for config, want := range map[string]string{
		`helm:\n- {chart: a, variants: [{values: [b]}]}\n`:                             "a variant of a has no name",
		`helm:\n- {variants: [{name: b}]}\n`:                                           "write chart:",
		`environments:\n- {name: a}\n`:                                                 "a has no sources",
		`environments:\n- {sources: [a]}\n`:                                            "an environment has no name",
		`environments:\n- {name: a, sources: ["**"], nodes: [3xcpu]}\n`:                "nodes of a",
		`environments:\n- {name: a, sources: ["**"], kubernetesVersion: "1.3"}\n`:      "unknown Kubernetes version",
		`environments:\n- {name: a, sources: ["**"], kubernetesVersion: "1.36", x: y}`: "x",
	} {
		r := newRepository(t)
		r.apply(shopChart)
		r.apply("write .seatrial.yaml " + config)
		r.commit("shop")
		r.apply("replace apps/prod/api.yaml api:1 => api:2")
		if out, errors, code := r.review("--base", "HEAD"); code != 2 || !strings.Contains(errors, want) {
			t.Errorf("%s: exit code %d, %q, want %q\n%s", config, code, errors, want, out)
		}
	}
}

// snapshot is a cluster of one node with a pod that takes most of it, and the Deployment api of the shop.
const snapshot = `apiVersion: v1
kind: Node
metadata: {name: node-a}
status: {allocatable: {cpu: "2", memory: 4Gi, pods: "20"}, capacity: {cpu: "2", memory: 4Gi, pods: "20"}, conditions: [{type: Ready, status: "True"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: batch, namespace: other}
spec: {nodeName: node-a, containers: [{name: a, image: "batch:1", resources: {requests: {cpu: "%s"}}}]}
status: {phase: Running, conditions: [{type: Ready, status: "True"}]}
`

// TestReviewStartsFromASnapshot reviews a scale-up on the node of a snapshot, beside what runs there, under a quota of
// a part of the environment that the change leaves as it is.
func TestReviewStartsFromASnapshot(t *testing.T) {
	r := newRepository(t)
	r.apply(shopChart)
	r.apply(`write apps/base/kustomization.yaml resources: [quota.yaml]\n
write apps/base/quota.yaml apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: limits, namespace: shop}\nspec: {hard: {requests.cpu: "2", pods: "3"}}\n
write .seatrial.yaml environments:\n- name: production\n  sources: [apps/**]\n  snapshot: state/cluster.yaml\n`)
	r.write("state/cluster.yaml", fmt.Sprintf(snapshot, "1"))
	r.commit("shop")
	r.replace("apps/prod/api.yaml", "replicas: 2", "replicas: 3")
	out, errors, code := r.review()
	for _, want := range []string{
		"pods 2 -> 3, requests.cpu 600m -> 900m", "left of the quota: pods 0 of 3, requests.cpu 1100m of 2",
		"1 node: left cpu 100m of 2", "completes after", "on the nodes of the snapshot",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("exit code %d, no %q in\n%s%s", code, want, out, errors)
		}
	}
	if strings.Contains(out, "node-a") || strings.Contains(out, "batch") {
		t.Errorf("the snapshot is reviewed itself:\n%s", out)
	}
	r.write("state/cluster.yaml", fmt.Sprintf(snapshot, "1200m"))
	out, errors, code = r.review()
	if code != exitFindings || !strings.Contains(out, "does not complete") ||
		!strings.Contains(out, "cpu is 100m over 2") {
		t.Errorf("a node without room: exit code %d\n%s%s", code, out, errors)
	}
	r.write("state/cluster.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
	if _, errors, code := r.review(); code != exitUsage || !strings.Contains(errors, "holds no nodes") {
		t.Errorf("a snapshot without nodes: exit code %d: %s", code, errors)
	}
}
