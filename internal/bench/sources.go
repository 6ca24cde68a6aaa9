package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/seatrial/seatrial/internal/modcache"
)

// against is another build of seatrial, such as the one before a change; empty: none.
var against string

// What the repositories have that sources are measured on.
const (
	charts         = 120
	chartTemplates = 22 // with the three other files of a chart, 25 files each
)

// sources measures lint on charts, and on applications of Flux and Argo CD, beside helm and kustomize themselves in a
// loop, and the start on a file without sources.
func sources(seatrial, bin string, rounds int) (string, error) {
	helm, err := program(bin, "helm.sh/helm/v4/cmd/helm", "helm")
	if err != nil {
		return "", err
	}
	kustomize, err := program(bin, "sigs.k8s.io/kustomize/kustomize/v5", "kustomize")
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "seatrial-bench-sources-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	path := func(name string) string { return filepath.Join(dir, name) }
	for _, write := range []func() error{
		func() error { return writeCharts(path("charts")) },
		func() error { return writeFlux(path("flux")) },
		func() error { return writeArgo(path("argocd")) },
		func() error { return writeSmall(path("small.yaml")) },
	} {
		if err := write(); err != nil {
			return "", err
		}
	}
	lint := func(name string) (all []contender) {
		for _, build := range []struct{ name, file string }{
			{"seatrial lint", seatrial}, {"seatrial lint, another build", against},
		} {
			if build.file != "" {
				all = append(all, contender{build.name, []string{
					build.file, "lint", "--no-cache", "--fail-on", "never", "-o", "compact", path(name),
				}, false})
			}
		}
		return all
	}
	loop := func(name, program, command, folders string) contender {
		script := `for d in "$1"/*; do ` + command + ` > /dev/null || exit 1; done`
		return contender{name, []string{"sh", "-c", script, program, path(folders)}, false}
	}
	render := contender{"seatrial render", []string{seatrial, "render", path("charts")}, false}
	template := loop("helm template, in a loop", helm, `"$0" template shop "$d"`, "charts")
	build := loop("kustomize build, in a loop", kustomize, `"$0" build "$d"`, "flux/apps")
	tasks := []task{
		{"120 charts of 3,000 files", charts * chartTemplates, rounds, append(lint("charts"), render, template)},
		{"300 applications of Flux", 3 * applications, rounds, append(lint("flux"), build)},
		{"300 applications of Argo CD", 3 * applications, rounds, lint("argocd")},
		{"One plain file, beside no sources", 1, 4 * rounds, lint("small.yaml")},
	}
	var page strings.Builder
	for _, t := range tasks {
		log.Printf("%s", t.name)
		results, err := measure(t)
		if err != nil {
			return "", err
		}
		page.WriteString(table(t, results))
		if err := remember(t, results); err != nil {
			return "", err
		}
	}
	return page.String(), nil
}

// program builds a peer with the versions of modules that seatrial links, unless it is there.
func program(bin, pkg, name string) (string, error) {
	if file := filepath.Join(bin, name); exists(file) {
		return file, nil
	}
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return "", err
	}
	log.Printf("building %s", pkg)
	return modcache.Program(bin, pkg, name)
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// writeFiles writes files below a folder.
func writeFiles(dir string, files map[string]string) error {
	for name, text := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// writeCharts writes charts with helpers, values that are passed on, and conditions.
func writeCharts(dir string) error {
	for i := range charts {
		name := fmt.Sprintf("chart-%03d", i)
		files := map[string]string{
			"Chart.yaml":  "apiVersion: v2\nname: " + name + "\nversion: 1.0.0\n",
			"values.yaml": chartValues,
			"templates/_helpers.tpl": "{{- define \"labels\" -}}\napp.kubernetes.io/name: {{ .Chart.Name }}\n" +
				"app.kubernetes.io/instance: {{ .Release.Name }}\n{{- end }}\n",
		}
		for n := range chartTemplates {
			files[fmt.Sprintf("templates/web-%02d.yaml", n)] = strings.ReplaceAll(
				chartTemplate, "NUMBER", fmt.Sprint(n),
			)
		}
		if err := writeFiles(filepath.Join(dir, name), files); err != nil {
			return err
		}
	}
	return nil
}

const chartValues = `replicas: 2
image: {repository: nginx, tag: "1.29"}
resources:
  requests: {cpu: 10m, memory: 32Mi}
  limits: {memory: 64Mi}
env: {FIRST: one, SECOND: two}
`

const chartTemplate = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-{{ .Chart.Name }}-NUMBER
  labels: {{- include "labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels: {{- include "labels" . | nindent 6 }}
      number: "NUMBER"
  template:
    metadata:
      labels: {{- include "labels" . | nindent 8 }}
        number: "NUMBER"
    spec:
      containers:
      - name: web
        image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
        env:
        {{- range $name, $value := .Values.env }}
        - name: {{ $name }}
          value: {{ $value | quote }}
        {{- end }}
        {{- with .Values.resources }}
        resources: {{- toYaml . | nindent 10 }}
        {{- end }}
`

const remote = "[remote \"origin\"]\n\turl = https://github.com/example/fleet\n"

// writeFlux writes a repository of kustomizations that Kustomizations of Flux apply.
func writeFlux(dir string) error {
	files := map[string]string{
		".git/config": remote,
		"clusters/source.yaml": "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\n" +
			"metadata: {name: fleet, namespace: flux-system}\nspec: {url: https://github.com/example/fleet, interval: 1h}\n",
	}
	for i := range applications {
		name := fmt.Sprintf("app-%03d", i)
		if err := writeApplication(filepath.Join(dir, "apps", name), i, "nginx:1.29"); err != nil {
			return err
		}
		files["clusters/"+name+".yaml"] = fmt.Sprintf("apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"+
			"metadata: {name: %[1]s, namespace: flux-system}\nspec:\n  path: ./apps/%[1]s\n  interval: 1h\n  prune: true\n"+
			"  sourceRef: {kind: GitRepository, name: fleet}\n  postBuild: {substitute: {number: %[2]q}}\n", name, fmt.Sprint(
			i,
		))
	}
	return writeFiles(dir, files)
}

// writeArgo writes a repository of kustomizations that Applications of Argo CD apply.
func writeArgo(dir string) error {
	files := map[string]string{".git/config": remote}
	for i := range applications {
		name := fmt.Sprintf("app-%03d", i)
		if err := writeApplication(filepath.Join(dir, "apps", name), i, "nginx:1.29"); err != nil {
			return err
		}
		files["applications/"+name+".yaml"] = fmt.Sprintf("apiVersion: argoproj.io/v1alpha1\nkind: Application\n"+
			"metadata: {name: %[1]s, namespace: argocd}\nspec:\n  project: default\n"+
			"  destination: {server: https://kubernetes.default.svc, namespace: %[1]s}\n"+
			"  source: {repoURL: https://github.com/example/fleet, path: apps/%[1]s, targetRevision: HEAD}\n", name)
	}
	return writeFiles(dir, files)
}
