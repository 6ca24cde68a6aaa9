package controllers

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"

	sharedinformers "github.com/seatrial/seatrial/internal/cluster/informers"
)

// liveOnly are the groups that only controllers of a live cluster use, where nothing is sorted.
var liveOnly = map[string]string{"Certificates": "certificates", "Networking": "serviceRanges"}

// A group that Sorted does not have would run in the order of a map.
func TestInformersOfControllersAreSorted(t *testing.T) {
	sorted := reflect.ValueOf(sharedinformers.Sorted{
		SharedInformerFactory: informers.NewSharedInformerFactory(fake.NewClientset(), 0),
		Notifications:         &sharedinformers.EventBatch{},
	})
	seen := 0
	for group, by := range groupsOfControllers(t) {
		seen++
		if liveOnly[group] == by {
			continue
		}
		method := sorted.MethodByName(group)
		if method.Type().NumIn() > 0 {
			continue // no group: a method of the factory
		}
		// What it returns is a pointer to a struct with the factory that makes the informers of the group.
		made := method.Call(nil)[0].Elem().Elem().FieldByName("factory")
		if !made.IsValid() || made.Elem().Type() != sorted.Type() {
			t.Errorf("the informers of %s, which %s uses, are not sorted: add the group to informers.Sorted", group, by)
		}
	}
	if seen < 8 {
		t.Errorf("found %d groups: the test does not see what controllers use", seen)
	}
}

// groupsOfControllers returns the groups whose informers the methods of manager take from its factory, with one of
// them.
func groupsOfControllers(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	groups := map[string]string{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				call, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if factory, ok := call.X.(*ast.SelectorExpr); ok && factory.Sel.Name == "shared" &&
					ast.IsExported(call.Sel.Name) {
					if old, known := groups[call.Sel.Name]; !known || liveOnly[call.Sel.Name] == old {
						groups[call.Sel.Name] = f.Name.Name
					}
				}
				return true
			})
		}
	}
	delete(groups, "Start") // of the factory itself
	return groups
}
