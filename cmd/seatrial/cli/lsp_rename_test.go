package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// renameFolder writes the files of a repository, and returns an editor in which those are open that have marks, and a
// function that renames at a mark and returns the lines that are changed, with their new text.
func renameFolder(
	t *testing.T, files map[string]string,
) (rename func(mark, name string) (changed []string, err error), prepare func(mark string) string) {
	t.Helper()
	e := newEditor(t)
	folder := writeMarked(t, files)
	withMarks := map[string]bool{}
	for _, mark := range folder.marks {
		withMarks[mark.uri] = true
	}
	for uri := range withMarks {
		e.open(uri, folder.texts[uri])
	}
	rename = func(mark, name string) (changed []string, err error) {
		var edit struct {
			Changes map[string][]struct {
				Range   struct{ Start, End position }
				NewText string
			}
		}
		params := folder.request(mark, map[string]any{"newName": name})
		err = e.conn.Call(t.Context(), "textDocument/rename", params, &edit)
		for uri, edits := range edit.Changes {
			for _, c := range edits {
				line := strings.Split(folder.texts[uri], "\n")[c.Range.Start.Line]
				text := line[:c.Range.Start.Character] + c.NewText + line[c.Range.End.Character:]
				file, _ := filepath.Rel(folder.dir, fileOf(uri))
				at := fmt.Sprintf("%s:%d ", filepath.ToSlash(file), c.Range.Start.Line+1)
				changed = append(changed, at+strings.TrimSpace(text))
			}
		}
		slices.Sort(changed)
		return changed, err
	}
	return rename, func(mark string) string {
		var prepared struct{ Placeholder string }
		e.call("textDocument/prepareRename", folder.request(mark, nil), &prepared)
		return prepared.Placeholder
	}
}

func fileOf(uri string) string { return filepath.FromSlash(strings.TrimPrefix(uri, "file://")) }

// renameChart is a chart in which names come from values, helpers, and the templates themselves.
var renameChart = map[string]string{
	"shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
	"shop/values.yaml": `web:
  name: «value»web
  port: "«portvalue»http"
  labels:
    tier: «tier»front
image: «image»nginx
db:
  table: «subvalue»items
cache: «cache»redis
`,
	"shop/ci/large-values.yaml": "web:\n  port: large\n",
	"shop/templates/_helpers.tpl": `{{- define "shop.fullname" -}}
{{ .Release.Name }}-{{ .Chart.Name }}
{{- end }}
`,
	"shop/templates/web.yaml": `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ «used».Values.web.name }}
  labels:
    app: {{ .Values.web.name }}
spec:
  selector:
    matchLabels:
      app: {{ .Values.web.name | quote }}
      {{- toYaml .Values.web.labels | nindent 6 }}
  template:
    metadata:
      labels:
        app: {{ .Values.web.name | quote }}
        {{- toYaml .Values.web.labels | nindent 8 }}
      annotations:
        kubectl.kubernetes.io/default-container: main
        checksum/config: {{ include (print $.Template.BasePath "/config.yaml") . | sha256sum }}
    spec:
      containers:
      - name: «container»main
        image: "{{ .Values.image }}:1.27.3"
        ports:
        - name: {{ .Values.web.port }}
          containerPort: 80
        readinessProbe:
          httpGet: {port: {{ .Values.web.port }}}
        envFrom:
        - configMapRef: {name: «reference»settings}
        - configMapRef: {name: {{ «helper»include "shop.fullname" . }}}
`,
	"shop/templates/config.yaml": `apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  color: blue
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "shop.fullname" . }}
`,
	"shop/templates/service.yaml": `apiVersion: v1
kind: Service
metadata:
  name: {{ .Values.web.name }}
spec:
  selector:
    app: {{ .Values.web.name }}
    tier: front
  ports:
  - port: 80
    name: web
    targetPort: {{ .Values.web.port }}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: front
spec:
  defaultBackend: {service: {name: {{ .Values.web.name }}, port: {name: web}}}
`,
	"shop/templates/cache.yaml": `apiVersion: v1
kind: Pod
metadata:
  name: {{ .Values.cache }}
spec:
  containers:
  - name: cache
    image: {{ .Values.cache }}:7.4
`,
	"shop/charts/db/Chart.yaml":  "apiVersion: v2\nname: db\nversion: 1.0.0\n",
	"shop/charts/db/values.yaml": "table: unused\n",
	"shop/charts/db/templates/all.yaml": `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Values.table }}
---
apiVersion: v1
kind: Pod
metadata:
  name: db
spec:
  containers:
  - name: db
    image: postgres:17.2
    envFrom:
    - configMapRef:
        name: {{ .Values.table }}
`,
}

func TestEditorRenamesInCharts(t *testing.T) {
	rename, prepare := renameFolder(t, renameChart)
	for _, c := range []struct {
		mark string
		want []string
	}{
		{"value", []string{"shop/values.yaml:2 name: other"}},
		{"used", []string{"shop/values.yaml:2 name: other"}},
		{"portvalue", []string{`shop/values.yaml:3 port: "other"`}},
		{"tier", []string{"shop/templates/service.yaml:8 tier: other", "shop/values.yaml:5 tier: other"}},
		{"container", []string{
			"shop/templates/web.yaml:18 kubectl.kubernetes.io/default-container: other", "shop/templates/web.yaml:22 - name: other",
		}},
		{"reference", []string{
			"shop/templates/config.yaml:4 name: other", "shop/templates/web.yaml:30 - configMapRef: {name: other}",
		}},
		{"subvalue", []string{"shop/values.yaml:8 table: other"}},
	} {
		if changed, err := rename(c.mark, "other"); err != nil || !slices.Equal(changed, c.want) {
			t.Errorf("renaming %s changes\n%s, %v; want\n%s", c.mark, strings.Join(changed, "\n"), err,
				strings.Join(c.want, "\n"))
		}
	}
	refuses(t, rename, []struct{ mark, name, want string }{
		{"helper", "other", "which composes it"},
		{"cache", "other", "spec.containers[0].image of Pod redis would change as well"},
		{"value", "A_B", "cannot be the name of"},
		{"value", "true", "writes it without quotes"},
		{"reference", "shop-shop", "one of that name exists"},
		{"image", "other", "no name stands here"},
	})
	if got := prepare("used"); got != "web" {
		t.Errorf("the name to change in an action is %q, want web", got)
	}
}

// renameOverlay is a base with an overlay that patches it, and names its objects in other ways.
var renameOverlay = map[string]string{
	".git/HEAD": "ref: refs/heads/main\n",
	"base/kustomization.yaml": `resources: [web.yaml, service.yaml]
configMapGenerator:
- name: «generator»settings
  literals: [color=blue]
`,
	"base/web.yaml": `apiVersion: apps/v1
kind: Deployment
metadata:
  name: «base»web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: main
        image: nginx:1.27.3
        envFrom:
        - configMapRef: {name: «reference»settings}
`,
	"base/service.yaml": `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
`,
	"overlays/live/kustomization.yaml": `resources: [../../base]
patches:
- path: replicas.yaml
- target: {kind: Deployment, name: «target»web}
  patch: |
    - {op: add, path: /spec/minReadySeconds, value: 5}
`,
	"overlays/live/replicas.yaml": `apiVersion: apps/v1
kind: Deployment
metadata:
  name: «patch»web
spec:
  replicas: 3
`,
}

func TestEditorRenamesInKustomizations(t *testing.T) {
	rename, _ := renameFolder(t, renameOverlay)
	deployment := []string{
		"base/service.yaml:7 scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: other}",
		"base/web.yaml:4 name: other",
		"overlays/live/kustomization.yaml:4 - target: {kind: Deployment, name: other}",
		"overlays/live/replicas.yaml:4 name: other",
	}
	settings := []string{
		"base/kustomization.yaml:3 - name: other", "base/web.yaml:14 - configMapRef: {name: other}",
	}
	for mark, want := range map[string][]string{
		"base": deployment, "patch": deployment, "target": deployment, "reference": settings, "generator": settings,
	} {
		if changed, err := rename(mark, "other"); err != nil || !slices.Equal(changed, want) {
			t.Errorf("renaming %s changes\n%s, %v; want\n%s", mark, strings.Join(changed, "\n"), err,
				strings.Join(want, "\n"))
		}
	}
}
