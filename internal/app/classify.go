package app

import (
	"bytes"
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/schema"
)

// topLevelKeys distinguish a manifest from other YAML.
var topLevelKeys = regexp.MustCompile(`^(?:[-{ ]*)["']?(apiVersion|kind|metadata|spec)["']?[ \t]*:(.*)`)

// tools are the API groups of configuration files that have the form of a manifest and that no API server takes.
var tools = []string{
	"kind.x-k8s.io/*", "kubeadm.k8s.io/*", "kubelet.config.k8s.io/*", "kubeproxy.config.k8s.io/*",
	"kubescheduler.config.k8s.io/*", "kubecontrollermanager.config.k8s.io/*", "apiserver.config.k8s.io/*",
	"apiserver.k8s.io/*", "audit.k8s.io/*", "pod-security.admission.config.k8s.io/*", "client.authentication.k8s.io/*",
	"kustomize.config.k8s.io/*",
	"seatrial/*", "skaffold/*", "k3d.io/*", "ctlptl.dev/*", "eksctl.io/*", "backstage.io/*", "minikube.sigs.k8s.io/*",
}

// fileKind says what a file is for lint.
type fileKind int

const (
	manifestFile fileKind = iota
	toolFile              // configuration of a tool, in the form of a manifest
	otherFile             // values, workflows, package.json
)

// classify says whether a text holds API objects. A text that may be a manifest with a mistake is one.
func classify(text []byte) fileKind {
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') {
		var object map[string]any
		if json.Unmarshal(trimmed, &object) == nil {
			apiVersion, _ := object["apiVersion"].(string)
			kind, _ := object["kind"].(string)
			return kindOf(keysOf(object), apiVersion, kind)
		}
		if bytes.Contains(text, []byte("apiVersion")) {
			return manifestFile
		}
	}
	if isPlainly(text) {
		return manifestFile
	}
	if bytes.Contains(text, []byte("AWSTemplateFormatVersion")) {
		return otherFile
	}
	var found []fileKind
	for doc := range documents(text) {
		if k, some := classifyDocument(doc); some {
			found = append(found, k)
		}
	}
	switch {
	case len(found) == 0 || slices.Contains(found, manifestFile):
		if len(found) == 0 && len(bytes.TrimSpace(text)) > 0 && !bytes.Contains(text, []byte("apiVersion")) {
			return otherFile
		}
		return manifestFile
	case slices.Contains(found, toolFile):
		return toolFile
	}
	return otherFile
}

// isPlainly reports whether a text begins with an object that no tool reads, as most manifests do.
func isPlainly(text []byte) bool {
	rest, ok := bytes.CutPrefix(text, []byte("apiVersion: "))
	if !ok || !bytes.Contains(rest, []byte("\nkind: ")) {
		return false
	}
	version, _, _ := bytes.Cut(rest, []byte("\n"))
	version = bytes.TrimSpace(version)
	return slices.Contains(
		[]string{"apps/v1", "batch/v1", "rbac.authorization.k8s.io/v1", "networking.k8s.io/v1"}, string(version),
	) ||
		string(version) == "v1" && !bytes.Contains(rest, []byte("\nkind: Config\n"))
}

func keysOf(object map[string]any) map[string]bool {
	keys := map[string]bool{}
	for _, name := range []string{"apiVersion", "kind", "metadata", "spec"} {
		_, keys[name] = object[name]
	}
	return keys
}

// documents yields the documents of a YAML text.
func documents(text []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		start := 0
		for at := 0; at < len(text); {
			end := at + bytes.IndexByte(text[at:], '\n') + 1
			if end == at {
				end = len(text)
			}
			if bytes.HasPrefix(text[at:], []byte("---")) && at > start {
				if !yield(text[start:at]) {
					return
				}
				start = at
			}
			at = end
		}
		yield(text[start:])
	}
}

// classifyDocument looks at the keys of a document with the indentation of its first line; some is false for a
// document without content.
func classifyDocument(doc []byte) (k fileKind, some bool) {
	keys := map[string]bool{}
	apiVersion, kind := "", ""
	indent := -1
	for l := range bytes.Lines(doc) {
		line := strings.TrimRight(string(l), "\r\n")
		line = strings.TrimPrefix(strings.TrimPrefix(line, "\ufeff"), "---")
		content := strings.TrimLeft(line, " ")
		if content == "" || content[0] == '#' || content[0] == '%' {
			continue
		}
		if indent < 0 {
			indent = len(line) - len(content)
		}
		if len(line)-len(content) != indent {
			if keys["kind"] && kind == "" { // it stands on a line of its own
				kind = strings.Trim(content, `"' `)
			}
			continue
		}
		if m := topLevelKeys.FindStringSubmatch(content); m != nil {
			keys[m[1]] = true
			value, _, _ := strings.Cut(strings.TrimSpace(m[2]), " #")
			switch value = strings.Trim(value, `"' `); m[1] {
			case "apiVersion":
				apiVersion = value
			case "kind":
				kind = value
			}
		}
	}
	return kindOf(keys, apiVersion, kind), indent >= 0
}

func kindOf(keys map[string]bool, apiVersion, kind string) fileKind {
	group := func(glob string) bool { ok, _ := path.Match(glob, apiVersion); return ok }
	switch {
	case slices.ContainsFunc(tools, group), apiVersion == "v1" && kind == "Config",
		apiVersion == "argoproj.io/v1alpha1" && kind == "ConfigManagementPlugin":
		return toolFile
	case isForeign(apiVersion, kind):
		return toolFile
	case keys["apiVersion"] && keys["kind"],
		(keys["apiVersion"] || keys["kind"]) && (keys["metadata"] || keys["spec"]),
		keys["metadata"] && keys["spec"]:
		return manifestFile
	}
	return otherFile
}

// plainGroups are the groups of Kubernetes without a dot. Those of custom resources have one.
var plainGroups = []string{"apps", "batch", "autoscaling", "policy", "extensions"}

// isForeign reports whether no API server can serve an object, and none that one serves is meant by it: neither the
// group, which has no dot, nor the kind resembles one of Kubernetes (release-notes/v2, bug-fix).
func isForeign(apiVersion, kind string) bool {
	group, _, ok := strings.Cut(apiVersion, "/")
	if !ok || group == "" || kind == "" || strings.ContainsAny(group, ".{$<") || slices.Contains(plainGroups, group) ||
		schema.DidYouMean(group, plainGroups) != "" {
		return false
	}
	store, err := schema.Open(schema.Latest)
	if err != nil {
		return false
	}
	_, meant := store.SuggestKind(schema.GVK{Kind: kind})
	return !meant
}
