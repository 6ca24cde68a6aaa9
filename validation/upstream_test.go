package validation_test

import (
	"context"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	apidiscovery "k8s.io/api/apidiscovery/v2"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/seatrial/seatrial/internal/modcache"
	"github.com/seatrial/seatrial/validation"
	"github.com/seatrial/seatrial/validation/verdict"
)

// kubernetes is the folder of the linked Kubernetes' sources.
func kubernetes(t testing.TB) string {
	t.Helper()
	dir, err := modcache.Dir("k8s.io/kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func allKinds(t testing.TB, v *validation.Validator) []verdict.Kind {
	t.Helper()
	kinds, err := v.Kinds()
	if err != nil {
		t.Fatal(err)
	}
	return kinds
}

// TestEveryKindThatAServerCreates holds the kinds against the discovery document of a real
// server with all API groups enabled, the way upstream publishes it.
func TestEveryKindThatAServerCreates(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(kubernetes(t), "api/discovery/aggregated_v2.json"))
	if err != nil {
		t.Fatal(err)
	}
	var groups apidiscovery.APIGroupDiscoveryList
	if err := json.Unmarshal(data, &groups); err != nil {
		t.Fatal(err)
	}
	have := map[schema.GroupVersionKind]verdict.Kind{}
	for _, k := range allKinds(t, newValidator(t)) {
		have[k.GVK] = k
	}
	checked := 0
	for _, g := range groups.Items {
		for _, version := range g.Versions {
			for _, r := range version.Resources {
				creates := false
				for _, verb := range r.Verbs {
					creates = creates || verb == "create"
				}
				if !creates {
					continue
				}
				gvk := schema.GroupVersionKind{
					Group:   r.ResponseKind.Group,
					Version: r.ResponseKind.Version,
					Kind:    r.ResponseKind.Kind,
				}
				if gvk.Version == "" {
					gvk.Group, gvk.Version = g.Name, version.Version
				}
				k, ok := have[gvk]
				checked++
				if !ok {
					t.Errorf("%s %s cannot be judged", gvk.GroupVersion(), gvk.Kind)
					continue
				}
				if k.Resource != r.Resource || k.Namespaced != (r.Scope == apidiscovery.ScopeNamespace) {
					t.Errorf("%s is %+v, a server has %s, %s", gvk, k, r.Resource, r.Scope)
				}
			}
		}
	}
	t.Logf("%d kinds", checked)
	if checked < 60 {
		t.Errorf("only %d kinds in the discovery document", checked)
	}
}

// notStrict are objects with a field that does not exist. Upstream creates them without strict
// field validation, which drops it.
var notStrict = map[schema.GroupVersionResource]bool{
	{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"}:        true,
	{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterrolebindings"}: true,
	{Group: "scheduling.k8s.io", Version: "v1", Resource: "priorityclasses"}:             true,
	{Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices"}:               true,
}

// TestObjectsOfUpstreamsStorageTest judges the objects that upstream's own storage test creates
// on a real server, one for each stored resource: all are accepted.
func TestObjectsOfUpstreamsStorageTest(t *testing.T) {
	stubs := storageStubs(t, filepath.Join(kubernetes(t), "test/integration/etcd/data.go"))
	v := newValidator(t)
	kinds := map[schema.GroupVersionResource]verdict.Kind{}
	for _, k := range allKinds(t, v) {
		kinds[k.GVK.GroupVersion().WithResource(k.Resource)] = k
	}
	judged := 0
	for gvr, stub := range stubs {
		k, ok := kinds[gvr]
		if !ok {
			continue // of the test's own definitions, or of a version that is not there any more
		}
		var obj map[string]any
		if err := json.Unmarshal([]byte(stub), &obj); err != nil {
			t.Fatalf("%s: %v", gvr, err)
		}
		obj["apiVersion"], obj["kind"] = k.GVK.GroupVersion().String(), k.GVK.Kind
		doc, err := json.Marshal(obj)
		if err != nil {
			t.Fatal(err)
		}
		judged++
		if notStrict[gvr] {
			continue
		}
		if a := v.Create(context.Background(), k.GVK, doc, "default"); !a.Accepted() {
			t.Errorf("%s: %v\n%s", k.GVK, a.Causes, doc)
		}
	}
	t.Logf("%d of %d objects", judged, len(stubs))
	if judged < 60 {
		t.Errorf("only %d objects judged", judged)
	}
}

// storageStubs reads the entries `gvr(group, version, resource): {Stub: ...}` from Go source.
// Where upstream puts the name of an image in, the stub gets one.
func storageStubs(t testing.TB, file string) map[schema.GroupVersionResource]string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	stubs := map[schema.GroupVersionResource]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		entry, ok := n.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		call, ok := entry.Key.(*ast.CallExpr)
		value, isLit := entry.Value.(*ast.CompositeLit)
		if !ok || !isLit || len(call.Args) != 3 {
			return true
		}
		for _, e := range value.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok && kv.Key.(*ast.Ident).Name == "Stub" {
				stubs[schema.GroupVersionResource{
					Group: text(call.Args[0]), Version: text(call.Args[1]), Resource: text(call.Args[2]),
				}] = text(
					kv.Value,
				)
			}
		}
		return false
	})
	return stubs
}

// text evaluates a concatenation of string literals and variables.
func text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, _ := strconv.Unquote(e.Value)
		return s
	case *ast.BinaryExpr:
		return text(e.X) + text(e.Y)
	}
	if v, ok := e.(*ast.Ident); ok && v.Name == "namespace" {
		return "default"
	}
	return "registry.k8s.io/busybox:1" // the test's image, by one of several names
}
