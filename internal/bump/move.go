package main

import (
	"errors"
	"fmt"
	"go/version"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/seatrial/seatrial/internal/modcache"
)

const kubernetesModule = "k8s.io/kubernetes"

// move rewrites the tree at root for a release, and has the go command complete go.mod and go.sum.
func move(root, target string) error {
	to, err := parseRelease(target)
	if err != nil {
		return err
	}
	upstream, err := upstreamModule(to)
	if err != nil {
		return err
	}
	if upstream.Go != nil {
		if err := checkGo(to, upstream.Go.Version); err != nil {
			return err
		}
	}
	if err := rewriteTree(root, to, stagingModules(upstream)); err != nil {
		return err
	}
	tidy := exec.Command("go", "mod", "tidy")
	tidy.Dir, tidy.Stdout, tidy.Stderr = root, os.Stdout, os.Stderr
	return tidy.Run()
}

// checkGo reports an error if this Go is older than the one that a release needs.
func checkGo(to release, needed string) error {
	if version.Compare("go"+needed, runtime.Version()) > 0 {
		return fmt.Errorf("%s needs Go %s, this is %s", to, needed, runtime.Version())
	}
	return nil
}

// upstreamModule reads the go.mod of a Kubernetes release.
func upstreamModule(v release) (*modfile.File, error) {
	dir, err := modcache.Dir(kubernetesModule + "@" + v.String())
	if err != nil {
		return nil, err
	}
	name := filepath.Join(dir, "go.mod")
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return modfile.Parse(name, data, nil)
}

// stagingModules lists the modules that Kubernetes develops in its own tree and publishes with each release.
func stagingModules(upstream *modfile.File) (modules []string) {
	for _, r := range upstream.Replace {
		if strings.HasPrefix(r.New.Path, "./staging/") {
			modules = append(modules, r.Old.Path)
		}
	}
	if len(modules) == 0 { // published without replacements: the same modules, required at v0.0.0
		for _, r := range upstream.Require {
			if strings.HasPrefix(r.Mod.Path, "k8s.io/") && r.Mod.Version == "v0.0.0" {
				modules = append(modules, r.Mod.Path)
			}
		}
	}
	slices.Sort(modules)
	return modules
}

// rewriteTree moves all files below root to a release.
func rewriteTree(root string, to release, staging []string) error {
	if len(staging) == 0 {
		return fmt.Errorf("no staging modules in the go.mod of Kubernetes %s", to)
	}
	name := filepath.Join(root, "go.mod")
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	from, data, err := rewriteRequirements(name, data, to, staging)
	if err != nil {
		return err
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		return err
	}
	return filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if rel != "." &&
				(strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" ||
					d.Name() == "bin" || d.Name() == "node_modules") {
				return fs.SkipDir
			}
			return nil
		}
		if !namesLinkedVersion(rel) {
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if text := rewriteText(rel, string(data), from, to); text != string(data) {
			return os.WriteFile(name, []byte(text), 0o644)
		}
		return nil
	})
}

// rewriteRequirements requires Kubernetes and all its staging modules at a release; go mod tidy drops those
// that are not needed. It returns the release that was required before.
func rewriteRequirements(name string, data []byte, to release, staging []string) (from release, out []byte, err error) {
	f, err := modfile.Parse(name, data, nil)
	if err != nil {
		return from, nil, err
	}
	i := slices.IndexFunc(f.Require, func(r *modfile.Require) bool { return r.Mod.Path == kubernetesModule })
	if i < 0 {
		return from, nil, fmt.Errorf("%s does not require %s", name, kubernetesModule)
	}
	if from, err = parseRelease(f.Require[i].Mod.Version); err != nil {
		return from, nil, fmt.Errorf("%s: %w", name, err)
	}
	var errs []error
	for _, r := range slices.Clone(f.Require) {
		if r.Mod.Version == from.staging() && !slices.Contains(staging, r.Mod.Path) {
			errs = append(errs, f.DropRequire(r.Mod.Path)) // published no more
		}
	}
	errs = append(errs, f.AddRequire(kubernetesModule, to.String()))
	for _, module := range staging {
		errs = append(errs, f.AddRequire(module, to.staging()))
	}
	if err := errors.Join(errs...); err != nil {
		return from, nil, err
	}
	f.Cleanup()
	f.SortBlocks()
	out, err = f.Format()
	return from, out, err
}

// namesLinkedVersion reports whether a file may name the linked Kubernetes. Outputs that tests generate are
// left to make update, and measurements stay with the version that they were taken with.
func namesLinkedVersion(name string) bool {
	switch name {
	case "go.mod", "go.sum", "docs/rules.md", "docs/compatibility.md", "docs/performance.md", "docs/conformance.md",
		"docs/kubernetes-bump.md":
		return false
	}
	if strings.HasPrefix(name, "internal/bump/") {
		return false
	}
	switch filepath.Ext(name) {
	case ".go":
		return !strings.HasSuffix(name, "_test.go")
	case ".md", ".json", ".yml", ".yaml", ".sh":
		return true
	}
	return filepath.Base(name) == "Makefile"
}

const (
	bundleSources = "schema/bundle/gen/main.go"
	schemaLatest  = "schema/schema.go"
)

// rewriteText replaces in one file what names the linked release.
func rewriteText(name, text string, from, to release) string {
	if name == bundleSources && from.minor != to.minor {
		// The list keeps one release of each minor version.
		return strings.Replace(text, `"`+from.String()+`"`, `"`+from.String()+`", "`+to.String()+`"`, 1)
	}
	text = strings.ReplaceAll(text, from.String(), to.String())
	text = strings.ReplaceAll(text, from.staging(), to.staging())
	if from.minor == to.minor {
		return text
	}
	if name == schemaLatest {
		text = strings.Replace(text, `Latest = "1.`+from.minor+`"`, `Latest = "1.`+to.minor+`"`, 1)
	}
	// Prose and examples name the newest minor version: "1.20 to 1.37", "1.25..1.37".
	newest := regexp.MustCompile(`\b1\.` + from.minor + `\b`)
	if ext := filepath.Ext(name); ext == ".md" || strings.HasSuffix(name, "/cli/explain.go") ||
		strings.HasSuffix(name, "/cli/lint.go") {
		text = newest.ReplaceAllString(text, "1."+to.minor)
	}
	return text
}
