package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/openapi"
	"k8s.io/klog/v2"
	explainv2 "k8s.io/kubectl/pkg/explain/v2"

	"github.com/seatrial/seatrial/explain"
	"github.com/seatrial/seatrial/internal/cluster"
	apischema "github.com/seatrial/seatrial/schema"
)

// TestPlaintextIsThatOfKubectl compares the page of every kind that a server serves, and of every first-level field,
// with what kubectl's own library prints from the documents of the embedded API server.
func TestPlaintextIsThatOfKubectl(t *testing.T) {
	klog.SetLogger(logr.Discard())
	engine, err := cluster.Start(context.Background(), cluster.Config{APIServerOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	client, err := discovery.NewDiscoveryClientForConfig(engine.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	paths, err := client.OpenAPIV3().Paths()
	if err != nil {
		t.Fatal(err)
	}
	store, err := apischema.Open(apischema.Latest)
	if err != nil {
		t.Fatal(err)
	}
	documents := served{}
	compared := 0
	for _, k := range store.Kinds() {
		path := "apis/" + k.GroupVersion().String()
		if k.Group == "" {
			path = "api/" + k.Version
		}
		if paths[path] == nil {
			continue // not served by default
		}
		documents.use(t, path, paths[path])
		subject, err := explain.Find(store, k.Resource, k.GroupVersion().String())
		if err != nil {
			t.Fatal(err)
		}
		for _, field := range append([]string{""}, subject.FieldNames()...) {
			asked := *subject
			if field != "" {
				asked.Path = []string{field}
			}
			var got, want bytes.Buffer
			gotErr := asked.Plaintext(&got, explain.Depth{})
			wantErr := explainv2.PrintModelDescription(
				asked.Path, &want, documents, k.GroupVersion().WithResource(k.Resource), false, 0, "plaintext",
			)
			compared++
			if (gotErr == nil) != (wantErr == nil) || got.String() != want.String() {
				t.Errorf(
					"%s %s.%s: %v, %v\ngot\n%s\nwant\n%s", k.GroupVersion(), k.Kind, field, gotErr, wantErr,
					got.String(), want.String(),
				)
			}
		}
	}
	t.Logf("%d pages", compared)
	if compared < 350 {
		t.Errorf("only %d pages compared", compared)
	}
}

// served is the OpenAPI client with what the printer reads of the server's documents, so that the
// comparison does not take minutes.
type served map[string]openapi.GroupVersion

func (s served) Paths() (map[string]openapi.GroupVersion, error) { return s, nil }

func (s served) use(t *testing.T, path string, gv openapi.GroupVersion) {
	t.Helper()
	if s[path] != nil {
		return
	}
	data, err := gv.Schema("application/json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths      map[string]map[string]json.RawMessage `json:"paths"`
		Components json.RawMessage                       `json:"components"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	for _, item := range doc.Paths {
		for method, raw := range item {
			var op struct {
				GVK any `json:"x-kubernetes-group-version-kind"`
			}
			if json.Unmarshal(raw, &op) != nil || op.GVK == nil {
				delete(item, method)
				continue
			}
			item[method], _ = json.Marshal(map[string]any{"x-kubernetes-group-version-kind": op.GVK})
		}
	}
	small, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	s[path] = document(small)
}

type document []byte

func (d document) Schema(string) ([]byte, error) { return d, nil }
func (d document) ServerRelativeURL() string     { return "" }
