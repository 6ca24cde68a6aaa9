package apiserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/emicklei/go-restful/v3"
	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	"k8s.io/apiserver/pkg/endpoints/request"

	"github.com/seatrial/seatrial/internal/cluster/inprocess"
)

// started returns a server without controllers.
func started(t *testing.T) *Server {
	t.Helper()
	s, err := New(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Refuse()
		s.Close()
	})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// The discovery file must be what InstallREST returns for each resource. UPDATE=1 writes the file.
func TestDiscoveryFileIsCurrent(t *testing.T) {
	all := map[string][]apidiscoveryv2.APIResourceDiscovery{}
	for _, v := range started(t).routes.versions {
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
		t.Error("discovery.json is outdated: UPDATE=1 go test ./internal/cluster/apiserver -run TestDiscoveryFile")
	}
}

// Every route of a whole group version is among the routes of its resource.
func TestRoutesOfAResourceAreComplete(t *testing.T) {
	r := started(t).routes
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
			if len(below) == 1 && below[0] == "" {
				continue // it lists the resources
			}
			resource, _ := v.resource(below)
			made, err := v.routes(resource)
			if err != nil {
				t.Fatal(err)
			}
			if resource == "" || made.byPath[route.Method+" "+route.Path] == nil {
				t.Errorf("%s %s is not among the routes of %q", route.Method, route.Path, resource)
			}
			routes++
		}
	}
	if routes < 500 {
		t.Errorf("%d routes were looked at, want hundreds", routes)
	}
}

// A list without routes has the same response as the routes of the resource, in every format.
func TestListsAnswerAsRoutesDo(t *testing.T) {
	s := started(t)
	r := s.routes
	compared := 0
	for root, v := range r.versions {
		for resource := range v.all.Storage {
			h := v.lists(resource)
			if h == nil {
				continue
			}
			made, err := v.routes(resource)
			if err != nil {
				t.Fatal(err)
			}
			for _, accept := range []string{
				"application/json", "application/json;as=Table;v=v1;g=meta.k8s.io",
				"application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
				"application/vnd.kubernetes.protobuf", "text/nonsense",
			} {
				for _, query := range []string{
					"", "?limit=1", "?fieldSelector=metadata.name%3Ddefault", "?labelSelector=%21%21",
				} {
					path := root + "/" + resource + query
					got, want := answer(t, s, h, path, accept), answer(
						t, s, http.HandlerFunc(made.container.Dispatch), path, accept,
					)
					// their messages differ
					if got != want && !(strings.HasPrefix(got, "406 ") && strings.HasPrefix(want, "406 ")) {
						t.Errorf("%s as %s:\n%s\nits routes answer\n%s", path, accept, got, want)
					}
					compared++
				}
			}
		}
	}
	if compared < 1000 {
		t.Errorf("%d answers were compared, want more", compared)
	}
}

// answer returns the response of a handler to an administrator.
func answer(t *testing.T, s *Server, h http.Handler, path, accept string) string {
	t.Helper()
	req := httptest.NewRequest(http.MethodGet, path, nil)
	req.Header.Set("Accept", accept)
	info, err := s.generic.RequestInfoResolver.NewRequestInfo(req)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req.WithContext(request.WithUser(request.WithRequestInfo(req.Context(), info), inprocess.Admin)))
	return fmt.Sprint(w.Code, " ", w.Header(), " ", w.Body)
}

func TestPlaceholders(t *testing.T) {
	for path, want := range map[string]string{
		"/":                           "/",
		"/version":                    "/version",
		"/api/v1":                     "/api/v1",
		"/api/v1/pods":                "/api/v1/pods",
		"/api/v1/nodes/worker/status": "/api/v1/nodes/{name}/status",
		"/api/v1/namespaces":          "/api/v1/namespaces",
		"/api/v1/namespaces/shop":     "/api/v1/namespaces/{name}",
		// no route: it passes through the whole chain
		"/api/v1/namespaces/shop/status":                      "/api/v1/namespaces/{namespace}/status",
		"/api/v1/namespaces/shop/pods":                        "/api/v1/namespaces/{namespace}/pods",
		"/api/v1/namespaces/shop/pods/a":                      "/api/v1/namespaces/{namespace}/pods/{name}",
		"/apis/apps/v1/deployments":                           "/apis/apps/v1/deployments",
		"/apis/batch/v1/namespaces/a/b/c":                     "/apis/batch/v1/namespaces/{namespace}/b/{name}",
		"/apis/apps/v1/namespaces/shop/deployments/web/scale": "/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale",
	} {
		if got := placeholders(path); got != want {
			t.Errorf("%s becomes %s, want %s", path, got, want)
		}
	}
}

// Requests that last, and those in the name of another user, must pass through the whole chain.
func TestDirectRequestsAreShortAndOfAdministrators(t *testing.T) {
	r := started(t).routes
	for _, c := range []struct {
		url, header string
		direct      bool
	}{
		{"/api/v1/pods", "Accept", true},
		{"/api/v1/pods?limit=500", "Accept", true},
		{"/api/v1/pods?watch=true", "Accept", false},
		{"/api/v1/pods?timeout=1s", "Accept", false},
		{"/api/v1/pods", "Impersonate-User", false},
		{"/api/v1/pods", "impersonate-group", false},
		{"/api/v1/nonsense", "Accept", false},
		{"/apis/example.com/v1/ships", "Accept", false},
	} {
		req, err := http.NewRequest(http.MethodGet, c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(c.header, "x")
		if direct := r.direct(req) != nil; direct != c.direct {
			t.Errorf("%s with %s is direct: %t, want %t", c.url, c.header, direct, c.direct)
		}
	}
}
