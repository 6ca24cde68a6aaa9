// Command crosscheck type-checks the program for other platforms, without building it for them:
//
//	go run ./internal/crosscheck windows/amd64 darwin/arm64
//
// Kubernetes is checked by its declarations alone, which takes a tenth of the time of a build.
package main

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"log"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/tools/go/packages"
)

const module = "github.com/seatrial/seatrial"

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("usage: go run ./internal/crosscheck GOOS/GOARCH...")
	}
	failed := false
	for _, platform := range os.Args[1:] {
		if err := check(platform, module+"/cmd/seatrial"); err != nil {
			log.Printf("%s:\n%v", platform, err)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}

// check type-checks a program and all that it imports for a platform, and returns the errors in this module's
// packages, and those of others that keep them from being checked.
func check(platform, program string) error {
	goos, goarch, ok := strings.Cut(platform, "/")
	if !ok {
		return fmt.Errorf("platform %q: want GOOS/GOARCH, such as windows/amd64", platform)
	}
	roots, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedCompiledGoFiles | packages.NeedImports | packages.NeedDeps,
		Env:  append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0"),
	}, program)
	if err != nil {
		return err
	}
	c := &checker{fset: token.NewFileSet(), sizes: types.SizesFor("gc", goarch), done: map[string]*result{}}
	for _, p := range roots {
		c.check(p)
	}
	slices.SortFunc(c.errs, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errors.Join(c.errs...)
}

// checker type-checks packages in the order of their imports.
type checker struct {
	fset  *token.FileSet
	sizes types.Sizes
	done  map[string]*result // by import path
	mu    sync.Mutex
	errs  []error
}

// result is a package that is being checked, or has been when ready is closed.
type result struct {
	ready chan struct{}
	types *types.Package
}

// check returns the types of a package when those of its imports are known.
func (c *checker) check(p *packages.Package) *types.Package {
	c.mu.Lock()
	r, started := c.done[p.PkgPath]
	if !started {
		r = &result{ready: make(chan struct{})}
		c.done[p.PkgPath] = r
	}
	c.mu.Unlock()
	if started {
		<-r.ready
		return r.types
	}
	defer close(r.ready)
	var imports sync.WaitGroup
	for _, i := range p.Imports {
		imports.Go(func() { c.check(i) })
	}
	imports.Wait()
	r.types = c.checkFiles(p)
	return r.types
}

func (c *checker) checkFiles(p *packages.Package) *types.Package {
	if p.PkgPath == "unsafe" {
		return types.Unsafe
	}
	ours := strings.HasPrefix(p.PkgPath, module)
	report := func(err error) {
		if ours {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.errs = append(c.errs, err)
		}
	}
	for _, e := range p.Errors {
		report(e)
	}
	var files []*ast.File
	for _, name := range p.CompiledGoFiles {
		f, err := parser.ParseFile(c.fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			report(err)
			continue
		}
		files = append(files, f)
	}
	config := types.Config{
		IgnoreFuncBodies: !ours, Sizes: c.sizes, FakeImportC: true, Error: report,
		Importer: importer(func(path string) (*types.Package, error) {
			if path == "unsafe" {
				return types.Unsafe, nil
			}
			if i := p.Imports[path]; i != nil {
				return c.check(i), nil
			}
			return nil, fmt.Errorf("%s: no package %q for this platform", p.PkgPath, path)
		}),
	}
	pkg, _ := config.Check(p.PkgPath, c.fset, files, nil) // errors are reported one by one
	return pkg
}

type importer func(path string) (*types.Package, error)

func (f importer) Import(path string) (*types.Package, error) { return f(path) }
