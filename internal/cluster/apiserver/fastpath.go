package apiserver

import (
	"net/http"
	"strings"

	"github.com/emicklei/go-restful/v3"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/endpoints/filters"
	"k8s.io/apiserver/pkg/endpoints/request"

	"github.com/seatrial/seatrial/internal/cluster/inprocess"
)

// shortcut leads requests straight to the handlers of an API server that does not have to ask who is
// there: all who reach it are administrators, who may do anything. The usual way past authentication,
// authorization and the search for the route among all others takes a quarter of the time of a small request.
type fastPath struct {
	info   request.RequestInfoResolver
	routes func(method, path string) restful.RouteFunction // nil if there is none
}

// handler gives the handler of a request, nil if it has to go the usual way: it lasts, or is made in
// the name of somebody else, or its path is not that of a built-in resource.
func (s *fastPath) handler(req *http.Request) http.Handler {
	if strings.Contains(req.URL.RawQuery, "watch") || strings.Contains(req.URL.RawQuery, "timeout") || impersonates(req.Header) {
		return nil
	}
	route := s.routes(req.Method, req.URL.Path)
	if route == nil {
		return nil
	}
	return filters.WithWarningRecorder(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		info, err := s.info.NewRequestInfo(req)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError) // never: the path is known
			return
		}
		ctx := request.WithUser(request.WithRequestInfo(audit.WithAuditContext(req.Context()), info), inprocess.Admin)
		route(restful.NewRequest(req.WithContext(ctx)), restful.NewResponse(w))
	}))
}

func impersonates(header http.Header) bool {
	for name := range header {
		if strings.HasPrefix(name, "Impersonate-") {
			return true
		}
	}
	return false
}

// placeholders gives the path of a resource as the API server's routes spell it, for example
// /api/v1/namespaces/{namespace}/pods/{name}/status.
func placeholders(path string) string {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	at := rootLength(parts)
	if len(parts) > at+2 && parts[at] == "namespaces" {
		parts[at+1] = "{namespace}"
		at += 2
	}
	if len(parts) > at+1 {
		parts[at+1] = "{name}"
	}
	return "/" + strings.Join(parts, "/")
}

// rootLength is how many parts of a path name the version of a group.
func rootLength(parts []string) int {
	if parts[0] == "apis" {
		return 3 // apis, group, version
	}
	return 2 // api, version
}
