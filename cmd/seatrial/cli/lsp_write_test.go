package cli

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// writtenShop is a folder in which names are used in many ways; «NAME» marks places, which are not part of the texts.
var writtenShop = map[string]string{
	"web.yaml": `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 3
  selector:
    matchLabels: {app: «match»web}
  template:
    metadata:
      labels: {app: «label»web}
      annotations: {kubectl.kubernetes.io/default-container: «default»main}
    spec:
      affinity:
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
          - topologyKey: kubernetes.io/hostname
            labelSelector: {matchExpressions: [{key: app, operator: In, values: [«expression»web]}]}
      containers:
      - name: «container»main
        image: nginx:1.27.3
        resources: {limits: {cpu: «cpu»0.5}}
        envFrom: [{configMapRef: {name: settings}}]
        env:
        - name: «env»LEVEL
          value: "debug: yes"
        ports:
        - {name: «port»http, containerPort: 80}
        livenessProbe:
          httpGet: {port: «probe»http}
`,
	"batch.yaml": `apiVersion: v1
kind: Pod
metadata: {name: batch, labels: {app: batch}}
spec:
  containers:
  - «bare»name: batch
    image: busybox:1.37
    envFrom: [{configMapRef: {name: settings}}]
    ports:
    - {name: http, containerPort: 80}
`,
	"service.yaml": `apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: «selects»web}
  ports: [{port: 80, targetPort: «target»http}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics:
  - type: ContainerResource
    containerResource: {name: cpu, container: «metric»main, target: {type: Utilization, averageUtilization: 60}}
`,
	"settings.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n",
	"old.yaml": `# who asks
«version»apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: old}
spec:
  maxReplicas: 5 # at most
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  targetCPUUtilizationPercentage: 60
`,
	"chart/Chart.yaml":              "apiVersion: v2\nname: web\nversion: 1.0.0\n",
	"chart/ci/large-values.yaml":    "replicas: 5\n",
	"chart/values.yaml":             "replicas: 2\n",
	"chart/templates/settings.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {n: {{ .Values.replicas | quote }}}\n",
}

// written opens files of the shop in an editor, and returns how to write a request at a mark, and which mark is at a
// place.
func written(
	t *testing.T,
) (e *editor, at func(mark string, more map[string]any) map[string]any, name func(string, position) string) {
	t.Helper()
	e = newEditor(t)
	folder := writeMarked(t, writtenShop)
	folder.open(e, "batch.yaml")
	return e, folder.request, folder.name
}

func TestEditorRenamesLabelsPortsAndContainers(t *testing.T) {
	e, at, name := written(t)
	for mark, want := range map[string][]string{
		"match":  {"expression", "label", "match", "selects"},
		"target": {"port", "probe", "target"}, // the pod's port of that name is another one
		"metric": {"container", "default", "metric"},
	} {
		var edit struct {
			Changes map[string][]struct{ Range struct{ Start, End position } }
		}
		e.call("textDocument/rename", at(mark, map[string]any{"newName": "other"}), &edit)
		var got []string
		for uri, edits := range edit.Changes {
			for _, change := range edits {
				got = append(got, name(uri, change.Range.Start))
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("renaming %s changes %v, want %v", mark, got, want)
		}
	}
	for mark, c := range map[string]struct{ name, want string }{
		"label":     {"batch", "one of that name exists"},
		"port":      {"a_b", "cannot be the name of port http"},
		"container": {"Main", "cannot be the name of container main"},
	} {
		err := e.conn.Call(t.Context(), "textDocument/rename", at(mark, map[string]any{"newName": c.name}), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("renaming %s to %s: %v, want %q", mark, c.name, err, c.want)
		}
	}
}

func TestEditorShowsDefaults(t *testing.T) {
	e, at, _ := written(t)
	hints := func(file string) (shown []string) {
		var list []struct {
			Position position
			Label    string
			Tooltip  struct{ Value string }
		}
		whole := map[string]any{"start": position{}, "end": position{1000, 0}}
		e.call("textDocument/inlayHint", at(file, map[string]any{"range": whole}), &list)
		for _, h := range list {
			shown = append(shown, fmt.Sprintf("%d:%d %s", h.Position.Line, h.Position.Character, h.Label))
			if !strings.Contains(h.Tooltip.Value, strings.Split(h.Label, ", ")[0]) {
				t.Errorf("the tooltip of %q is %q", h.Label, h.Tooltip.Value)
			}
		}
		return shown
	}
	got := strings.Join(hints("web.yaml"), "\n")
	for _, want := range []string{
		"3:5 strategy.type: RollingUpdate, revisionHistoryLimit: 10",
		"11:9 dnsPolicy: ClusterFirst, restartPolicy: Always",
		"18:18 imagePullPolicy: IfNotPresent",
		"26:40 protocol: TCP",
		"27:22 periodSeconds: 10",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no default %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "replicas:") {
		t.Errorf("what is written is shown as a default:\n%s", got)
	}
	if got := strings.Join(hints("service.yaml"), "\n"); !strings.Contains(got, "3:5 type: ClusterIP") {
		t.Errorf("no type of the Service in\n%s", got)
	}
	var page struct{ Contents struct{ Value string } }
	e.call("textDocument/hover", at("cpu", nil), &page)
	if !strings.Contains(page.Contents.Value, "stored as `500m`") {
		t.Errorf("hover says %q", page.Contents.Value)
	}
}

func TestEditorCountsUses(t *testing.T) {
	e, at, _ := written(t)
	for file, want := range map[string][]string{
		"web.yaml": {"used by 2 objects"}, "service.yaml": {"selects 3 pods"}, "settings.yaml": {"used by 2 workloads"},
		"chart/values.yaml": {"renders in 2 variants"}, "chart/templates/settings.yaml": {"renders in 2 variants"},
	} {
		var lenses []struct{ Command struct{ Title string } }
		e.call("textDocument/codeLens", at(file, nil), &lenses)
		var got []string
		for _, l := range lenses {
			got = append(got, l.Command.Title)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: lenses %q, want %q", file, got, want)
		}
	}
}

func TestEditorOffersChanges(t *testing.T) {
	e, at, _ := written(t)
	offered := func(mark string) (texts map[string]string) {
		place := at(mark, nil)
		var actions []struct {
			Title string
			Edit  struct {
				Changes map[string][]struct{ NewText string }
			}
		}
		e.call("textDocument/codeAction", at(mark, map[string]any{
			"range":   map[string]any{"start": place["position"], "end": place["position"]},
			"context": map[string]any{"only": []string{"refactor"}},
		}), &actions)
		texts = map[string]string{}
		for _, a := range actions {
			for _, edits := range a.Edit.Changes {
				for _, edit := range edits {
					texts[a.Title] += edit.NewText
				}
			}
		}
		return texts
	}
	for mark, want := range map[string]map[string]string{
		"env": {
			"extract LEVEL to ConfigMap web-config": "valueFrom: {configMapKeyRef: {name: web-config, key: LEVEL}}" +
				"---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web-config\ndata:\n  LEVEL: \"debug: yes\"\n",
			"add a readiness probe": "        readinessProbe:\n          httpGet:\n            path: /\n            port: http\n",
		},
		"version": {"convert to autoscaling/v2": "# who asks\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n" +
			"  name: old\nspec:\n  maxReplicas: 5 # at most\n  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n" +
			"    name: web\n  metrics:\n" +
			"  - resource:\n      name: cpu\n      target:\n        averageUtilization: 60\n        type: Utilization\n    type: Resource\n"},
	} {
		got := offered(mark)
		if len(got) != len(want) {
			t.Errorf("%s: offered %q", mark, got)
		}
		for title, text := range want {
			if got[title] != text {
				t.Errorf("%s: %s writes\n%s\nwant\n%s", mark, title, got[title], text)
			}
		}
	}
	t.Chdir(t.TempDir())
	pod, marks := marked(writtenShop["batch.yaml"])
	e.open("untitled:batch.yaml", pod)
	var actions []struct{ Title string }
	e.call("textDocument/codeAction", map[string]any{
		"textDocument": map[string]any{"uri": "untitled:batch.yaml"},
		"context":      map[string]any{"only": []string{"refactor.rewrite"}},
		"range":        map[string]any{"start": marks["bare"], "end": marks["bare"]},
	}, &actions)
	var titles []string
	for _, a := range actions {
		titles = append(titles, a.Title)
	}
	if want := []string{"add requests", "add a readiness probe", "add a liveness probe"}; !slices.Equal(titles, want) {
		t.Errorf("of a bare container: offered %q, want %q", titles, want)
	}
}

func TestEditorCompletesSkeletonsAndValues(t *testing.T) {
	e := newEditorWith(t, map[string]any{"textDocument": map[string]any{
		"completion": map[string]any{"completionItem": map[string]any{"snippetSupport": true}},
	}})
	head := "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n"
	for _, c := range []struct{ text, label, newText, doc string }{
		{head + "  template:\n    spec:\n      cont«»\n", "containers", "containers:\n- name: $1", ""},
		{head + "  sel«»\n", "selector", "selector:\n  $1", ""},
		{
			head + "  strategy:\n    type: «»\n", "Recreate", "Recreate",
			"Kill all existing pods before creating new ones.",
		},
		{"apiVersion: v1\nkind: Serv«»\n", "Service with required fields", "Service\nmetadata:\n  name: example\n", ""},
		{head + "  broken: [\n  template:\n    spec:\n      restartPolicy: «»\n", "Never", "Never", ""},
	} {
		text, places := marked(c.text)
		e.open("untitled:new.yaml", text)
		var list struct {
			Items []struct {
				Label         string
				TextEdit      struct{ NewText string }
				Documentation struct{ Value string }
			}
		}
		e.call("textDocument/completion", map[string]any{
			"textDocument": map[string]any{"uri": "untitled:new.yaml"}, "position": places[""],
		}, &list)
		found := false
		for _, item := range list.Items {
			if item.Label == c.label {
				found = true
				if !strings.HasPrefix(item.TextEdit.NewText, c.newText) ||
					c.doc != "" && item.Documentation.Value != c.doc {
					t.Errorf("%s writes %q, documented as %q", c.label, item.TextEdit.NewText, item.Documentation.Value)
				}
			}
		}
		if !found {
			t.Errorf("%s is not offered behind %q", c.label, text[max(0, len(text)-40):])
		}
	}
}
