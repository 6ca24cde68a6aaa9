package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"testing"

	"github.com/emicklei/go-restful/v3"
	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
)

// bareRoutes are the routes of a server on which nothing acts.
func bareRoutes(t *testing.T) *routes {
	engine, err := Start(context.Background(), Config{Bare: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(engine.Close)
	return engine.server.routes
}

// What clients are told of each resource comes out of a file, and has to be what the server would say.
// UPDATE=1 writes the file.
func TestDiscoveryFileSaysWhatTheServerWould(t *testing.T) {
	all := map[string][]apidiscoveryv2.APIResourceDiscovery{}
	for _, v := range bareRoutes(t).versions {
		resources, _, err := v.all.InstallREST(restful.NewContainer())
		if err != nil {
			t.Fatal(err)
		}
		all[v.all.GroupVersion.String()] = resources
	}
	want, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile("discovery.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(discoveryFile, want) {
		t.Error("discovery.json does not say what the server would: UPDATE=1 go test ./cluster -run TestDiscoveryFile")
	}
}

// Every route that there is when all are made at once is found when those of its resource are made alone.
func TestRoutesOfAResourceAreAllThatItHas(t *testing.T) {
	r := bareRoutes(t)
	routes := 0
	for root, v := range r.versions {
		whole, err := v.routes("")
		if err != nil {
			t.Fatal(err)
		}
		for _, route := range whole.container.RegisteredWebServices()[0].Routes() {
			at, below := r.version(route.Path)
			if at != v {
				t.Fatalf("%s is not of %s", route.Path, root)
			}
			name := v.wanted(route.Method, below)
			if len(below) > 0 && below[0] != "" && name == "" {
				t.Errorf("%s %s needs all routes of %s", route.Method, route.Path, root)
			}
			made, err := v.routes(name)
			if err != nil {
				t.Fatal(err)
			}
			if made.byPath[route.Method+" "+route.Path] == nil {
				t.Errorf("%s %s is not among the routes of %q", route.Method, route.Path, name)
			}
			routes++
		}
	}
	if routes < 500 {
		t.Errorf("%d routes were looked at, want hundreds", routes)
	}
}
