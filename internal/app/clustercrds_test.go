package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/seatrial/seatrial/internal/app"
)

// clusterCRD is a definition as a cluster answers it, of a Widget of a shop, or of a kind that the catalogue knows
// otherwise.
func clusterCRD(group, kind, plural, version string) map[string]any {
	return map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{
			"name": plural + "." + group, "uid": "1", "resourceVersion": "7", "managedFields": []any{},
		},
		"spec": map[string]any{
			"group": group, "scope": "Namespaced", "names": map[string]any{"kind": kind, "plural": plural},
			"versions": []any{map[string]any{
				"name": version, "served": true, "storage": true,
				"schema": map[string]any{"openAPIV3Schema": map[string]any{
					"type": "object", "properties": map[string]any{"spec": map[string]any{
						"type": "object", "required": []any{"size"},
						"properties": map[string]any{"size": map[string]any{"type": "integer"}},
					}},
				}},
			}},
		},
		"status": map[string]any{"acceptedNames": map[string]any{"kind": kind, "plural": plural}},
	}
}

// TestClusterCRDs judges by the definitions of a cluster, after those of the set and of --crds, and before the
// catalogue; what was read serves as long as the cluster cannot be reached.
func TestClusterCRDs(t *testing.T) {
	down := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down || r.URL.Path != "/apis/apiextensions.k8s.io/v1/customresourcedefinitions" ||
			r.Method != http.MethodGet {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		page := map[string]any{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinitionList"}
		if r.URL.Query().Get("continue") == "" {
			page["metadata"] = map[string]any{"continue": "more"}
			page["items"] = []any{clusterCRD("shop.example.com", "Widget", "widgets", "v1")}
		} else {
			page["items"] = []any{
				clusterCRD("cert-manager.io", "Certificate", "certificates", "v1"),
				clusterCRD("given.example.com", "Thing", "things", "v1"),
			}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(page)
	}))
	defer server.Close()
	t.Chdir(t.TempDir())
	writeTree(t, ".", map[string]string{
		"a.yaml": "apiVersion: shop.example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: {size: big}\n" +
			"---\napiVersion: shop.example.com/v2\nkind: Widget\nmetadata: {name: b}\nspec: {size: 1}\n" +
			"---\napiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: c}\nspec: {size: 1}\n" +
			"---\napiVersion: given.example.com/v1\nkind: Thing\nmetadata: {name: d}\nspec: {color: red}\n",
		"crds/thing.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n" +
			"metadata: {name: things.given.example.com}\nspec:\n  group: given.example.com\n  scope: Namespaced\n" +
			"  names: {kind: Thing, plural: things}\n  versions:\n  - name: v1\n    served: true\n    storage: true\n" +
			"    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {color: {type: string}}}}}}\n",
	})
	want := "a.yaml:4 spec.size a.yaml:6 kind"
	for _, unreachable := range []bool{false, true} {
		down = unreachable
		crds, failed, err := app.ReadClusterCRDs(t.Context(), "test", &rest.Config{Host: server.URL}, "kept")
		if err != nil || (failed != nil) != unreachable || len(crds.Definitions) != 3 ||
			crds.Kept.IsZero() == unreachable {
			t.Fatalf("unreachable %v: %v, %v, %+v", unreachable, failed, err, crds)
		}
		w, err := app.Open(
			app.NewFiles(strings.NewReader("")), app.Settings{Paths: []string{"a.yaml"}, CRDs: []string{"crds"}},
		)
		if err != nil {
			t.Fatal(err)
		}
		w.UseClusterCRDs(crds)
		job, err := w.Lint(app.LintSettings{Build: app.Build{Kubernetes: "1.37.0"}, Rules: "none"})
		if err != nil {
			t.Fatal(err)
		}
		res, err := job.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range res.Diagnostics {
			got = append(got, strings.Join([]string{d.Range.String()[:len("a.yaml:4")], d.Path}, " "))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("unreachable %v: %v, want %s", unreachable, res.Diagnostics, want)
		}
	}
	if _, _, err := app.ReadClusterCRDs(t.Context(), "other", &rest.Config{Host: server.URL}, "kept"); err == nil {
		t.Error("a cluster that cannot be reached, of which nothing was kept")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := app.ReadClusterCRDs(
		ctx, "test", &rest.Config{Host: server.URL}, "kept",
	); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
