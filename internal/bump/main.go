// Command bump moves go.mod to another release of Kubernetes: go run ./internal/bump v1.37.3
//
// Kubernetes' module replaces its staging modules by folders, which a program that links it
// cannot use; it has to name for each the version that was published with the release.
package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/seatrial/seatrial/internal/modcache"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: go run ./internal/bump v1.37.3")
	}
	if err := move("go.mod", os.Args[1]); err != nil {
		log.Fatal("bump: ", err)
	}
}

var release = regexp.MustCompile(`^v1\.(\d+\.\d+)$`)

// move rewrites the versions in a go.mod and lets the go command complete it.
func move(name, version string) error {
	m := release.FindStringSubmatch(version)
	if m == nil {
		return fmt.Errorf("version %q: want a release such as v1.37.3", version)
	}
	dir, err := modcache.Dir("k8s.io/kubernetes@" + version)
	if err != nil {
		return err
	}
	staging, err := stagingModules(filepath.Join(dir, "go.mod"))
	if err != nil {
		return err
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	out, err := rewrite(name, data, version, "v0."+m[1], staging)
	if err != nil {
		return err
	}
	if err := os.WriteFile(name, out, 0o644); err != nil {
		return err
	}
	tidy := exec.Command("go", "mod", "tidy")
	tidy.Stdout, tidy.Stderr = os.Stdout, os.Stderr
	return tidy.Run()
}

// stagingModules lists the modules that Kubernetes keeps in its own tree.
func stagingModules(name string) ([]string, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	f, err := modfile.Parse(name, data, nil)
	if err != nil {
		return nil, err
	}
	var modules []string
	for _, r := range f.Replace {
		if strings.HasPrefix(r.New.Path, "./staging/") {
			modules = append(modules, r.Old.Path)
		}
	}
	if len(modules) == 0 { // published without replacements: the same modules by requirement
		for _, r := range f.Require {
			if strings.HasPrefix(r.Mod.Path, "k8s.io/") && r.Mod.Version == "v0.0.0" {
				modules = append(modules, r.Mod.Path)
			}
		}
	}
	if len(modules) == 0 {
		return nil, errors.New("no staging modules in " + name)
	}
	slices.Sort(modules)
	return modules, nil
}

// rewrite sets the version of Kubernetes and of each of its staging modules.
func rewrite(name string, data []byte, version, stagingVersion string, staging []string) ([]byte, error) {
	f, err := modfile.Parse(name, data, nil)
	if err != nil {
		return nil, err
	}
	for _, r := range f.Require {
		switch {
		case r.Mod.Path == "k8s.io/kubernetes":
			err = f.AddRequire(r.Mod.Path, version)
		case slices.Contains(staging, r.Mod.Path) && r.Mod.Version != "v0.0.0":
			err = f.AddRequire(r.Mod.Path, stagingVersion)
		}
		if err != nil {
			return nil, err
		}
	}
	for _, r := range slices.Clone(f.Replace) {
		if strings.HasPrefix(r.Old.Path, "k8s.io/") && r.Old.Path == r.New.Path && !slices.Contains(staging, r.Old.Path) {
			if err := f.DropReplace(r.Old.Path, r.Old.Version); err != nil {
				return nil, err
			}
		}
	}
	for _, module := range staging {
		if err := f.AddReplace(module, "", module, stagingVersion); err != nil {
			return nil, err
		}
	}
	f.Cleanup()
	f.SortBlocks()
	return f.Format()
}
