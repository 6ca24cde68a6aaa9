package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/version"
)

// npmPrefix begins the name of a project's module that is a package of the npm registry.
const npmPrefix = "npm:"

// schemaGenerator is the package that makes JSON schemas of TypeScript interfaces.
const schemaGenerator = "ts-json-schema-generator@2.4.0"

// npmDir installs a package of the npm registry beside the schema generator, once, and returns its folder.
func npmDir(name, tag string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	root := filepath.Join(cache, "seatrial-catalogue", strings.ReplaceAll(name, "/", "+")+"@"+tag)
	dir := filepath.Join(root, "node_modules", filepath.FromSlash(name))
	if _, err := os.Stat(filepath.Join(dir, "package.json")); err == nil {
		return dir, nil
	}
	install := exec.Command("npm", "install", "--prefix", root, "--ignore-scripts", "--no-audit", "--no-fund",
		name+"@"+tag, schemaGenerator)
	if out, err := install.CombinedOutput(); err != nil {
		return "", fmt.Errorf("installing %s: %w: %s", name, err, out)
	}
	return dir, nil
}

// typeScriptDefinitions makes definitions of the kinds that a @kubernetes-models package declares: one of each kind,
// with all its versions. Kinds whose group does not match a regular expression are
// left out. It needs node.
func typeScriptDefinitions(dir, groups string, as reading) (all []*definition, err error) {
	out, err := exec.Command("node", filepath.Join("gen", "typescript.mjs"), dir, groups).Output()
	if err != nil {
		return nil, err
	}
	type declared struct {
		APIVersion, Kind string
		Schema           json.RawMessage
	}
	kinds := map[[2]string][]declared{} // by group and kind
	var order [][2]string
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var d declared
		if err := decoder.Decode(&d); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		group, _, _ := strings.Cut(d.APIVersion, "/")
		key := [2]string{group, d.Kind}
		if kinds[key] == nil {
			order = append(order, key)
		}
		kinds[key] = append(kinds[key], d)
	}
	for _, key := range order {
		versions := kinds[key]
		slices.SortFunc(versions, func(a, b declared) int {
			return version.CompareKubeAwareVersionStrings(versionOf(b.APIVersion), versionOf(a.APIVersion))
		})
		var merged *definition
		for _, v := range versions {
			d, err := fromJSONSchema(key[0], versionOf(v.APIVersion), v.Kind, v.Schema, as,
				slices.Contains(clusterScopedModels, v.Kind))
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", v.APIVersion, v.Kind, err)
			}
			if merged, err = merge(merged, d); err != nil {
				return nil, err
			}
		}
		all = append(all, merged)
	}
	return all, nil
}

// clusterScopedModels are the kinds of the packages whose objects are in no namespace: interfaces do not say it.
var clusterScopedModels = []string{
	"ComputeClass", "ClusterImportConfig", "Membership", "NetworkLogging", "RedirectService", "UpdateInfo",
}

func versionOf(apiVersion string) string {
	_, v, _ := strings.Cut(apiVersion, "/")
	return v
}

// merge adds the versions of a definition to those of another, which are newer.
func merge(newer, older *definition) (*definition, error) {
	if newer == nil {
		return older, nil
	}
	var a, b struct {
		APIVersion string         `json:"apiVersion"`
		Kind       string         `json:"kind"`
		Metadata   map[string]any `json:"metadata"`
		Spec       map[string]any `json:"spec"`
	}
	if err := json.Unmarshal(newer.text, &a); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(older.text, &b); err != nil {
		return nil, err
	}
	more, _ := b.Spec["versions"].([]any)
	for _, v := range more {
		v.(map[string]any)["storage"] = false
	}
	versions, _ := a.Spec["versions"].([]any)
	a.Spec["versions"] = append(versions, more...)
	text, err := json.Marshal(a)
	newer.text = text
	newer.Spec.Versions = append(newer.Spec.Versions, older.Spec.Versions...)
	return newer, err
}
