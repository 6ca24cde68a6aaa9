package apiserver

import (
	"net/http"
	"testing"

	"github.com/emicklei/go-restful/v3"
)

func TestPlaceholders(t *testing.T) {
	for path, want := range map[string]string{
		"/":                               "/",
		"/version":                        "/version",
		"/api/v1":                         "/api/v1",
		"/api/v1/pods":                    "/api/v1/pods",
		"/api/v1/nodes/worker/status":     "/api/v1/nodes/{name}/status",
		"/api/v1/namespaces":              "/api/v1/namespaces",
		"/api/v1/namespaces/shop":         "/api/v1/namespaces/{name}",
		"/api/v1/namespaces/shop/status":  "/api/v1/namespaces/{namespace}/status", // no route: it goes the usual way
		"/api/v1/namespaces/shop/pods":    "/api/v1/namespaces/{namespace}/pods",
		"/api/v1/namespaces/shop/pods/a":  "/api/v1/namespaces/{namespace}/pods/{name}",
		"/apis/apps/v1/deployments":       "/apis/apps/v1/deployments",
		"/apis/batch/v1/namespaces/a/b/c": "/apis/batch/v1/namespaces/{namespace}/b/{name}",
		"/apis/apps/v1/namespaces/shop/deployments/web/scale": "/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale",
	} {
		if got := placeholders(path); got != want {
			t.Errorf("%s is taken for %s, want %s", path, got, want)
		}
	}
}

// What lasts, and what is asked in somebody else's name, must go the usual way.
func TestShortcutIsForAdministratorsWhoAskAtOnce(t *testing.T) {
	s := &fastPath{routes: func(method, path string) restful.RouteFunction {
		if method+" "+path != "GET /api/v1/pods" {
			return nil
		}
		return func(*restful.Request, *restful.Response) {}
	}}
	for _, c := range []struct {
		url, header string
		short       bool
	}{
		{"/api/v1/pods", "Accept", true},
		{"/api/v1/pods?limit=500", "Accept", true},
		{"/api/v1/pods?watch=true", "Accept", false},
		{"/api/v1/pods?timeout=1s", "Accept", false},
		{"/api/v1/pods", "Impersonate-User", false},
		{"/api/v1/pods", "impersonate-group", false},
		{"/api/v1/secrets", "Accept", false},
	} {
		req, err := http.NewRequest(http.MethodGet, c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(c.header, "x")
		if short := s.handler(req) != nil; short != c.short {
			t.Errorf("%s with %s goes the short way: %t, want %t", c.url, c.header, short, c.short)
		}
	}
}
