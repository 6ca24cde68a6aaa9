package cluster

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/emicklei/go-restful/v3"
	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	"k8s.io/apiserver/pkg/endpoints"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
)

// routes are those of the built-in groups of an API server in memory. There are some eight hundred, each
// with a regular expression, and a command on a trial asks for a few: those of a resource are made when it
// is first asked for something, and those that list and watch it alone when no more is asked.
type routes struct {
	server   *apiServer
	versions map[string]*versionRoutes // by their root, for example /apis/apps/v1
	groups   map[string]http.Handler   // what says which versions there are, by path
	about    []*restful.WebService     // that says it, for OpenAPI
}

// versionRoutes are those of a version of a group.
type versionRoutes struct {
	server *apiServer
	all    *endpoints.APIGroupVersion

	mu   sync.Mutex
	made map[string]*madeRoutes
}

// madeRoutes are routes that are made.
type madeRoutes struct {
	container *restful.Container
	byPath    map[string]restful.RouteFunction // and method, with placeholders
}

// discovery.json says what InstallREST would say of each resource, were they all installed at the start.
//
//go:embed discovery.json
var discoveryFile []byte

// discovered are the resources by group and version. It is read each time: what hands them out changes them.
func discovered() (map[string][]apidiscoveryv2.APIResourceDiscovery, error) {
	var all map[string][]apidiscoveryv2.APIResourceDiscovery
	if err := json.Unmarshal(discoveryFile, &all); err != nil {
		return nil, fmt.Errorf("reading discovery.json: %w", err)
	}
	return all, nil
}

func newRoutes(s *apiServer) *routes {
	return &routes{server: s, versions: map[string]*versionRoutes{}, groups: map[string]http.Handler{}}
}

// add lets a version of a group be asked for.
func (r *routes) add(v *endpoints.APIGroupVersion) {
	r.versions[rootPath(v)] = &versionRoutes{server: r.server, all: v, made: map[string]*madeRoutes{}}
}

// rootPath is where a version of a group is served, for example /apis/apps/v1.
func rootPath(v *endpoints.APIGroupVersion) string {
	return v.Root + "/" + v.GroupVersion.String()
}

// describe serves what says which versions of a group there are.
func (r *routes) describe(path string, h http.Handler, service *restful.WebService) {
	r.groups[path] = h
	r.about = append(r.about, service)
}

// before serves built-in groups, and lets other requests on.
func (r *routes) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if h := r.groups[strings.TrimSuffix(req.URL.Path, "/")]; h != nil {
			h.ServeHTTP(w, req)
			return
		}
		v, below := r.version(req.URL.Path)
		if v == nil {
			next.ServeHTTP(w, req)
			return
		}
		made, err := v.routes(v.wanted(req.Method, below))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		made.container.Dispatch(w, req)
	})
}

// function gives what a route does, nil if there is none or it cannot be made.
func (r *routes) function(method, path string) restful.RouteFunction {
	v, below := r.version(path)
	if v == nil || len(below) == 0 {
		return nil
	}
	made, err := v.routes(v.wanted(method, below))
	if err != nil {
		return nil
	}
	return made.byPath[method+" "+placeholders(path)]
}

// version gives the version of a group that a path is of, nil if it is not built in, and what follows in the path.
func (r *routes) version(path string) (v *versionRoutes, below []string) {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	root := 2 // api, version
	if parts[0] == "apis" {
		root = 3 // apis, group, version
	}
	if len(parts) < root {
		return nil, nil
	}
	return r.versions["/"+strings.Join(parts[:root], "/")], parts[root:]
}

// readOnly marks what only lists and watches a resource.
const readOnly = " read-only"

// wanted tells which routes a request needs, by the name under which they are kept: those of a resource, or
// all of a version, where the name is empty.
func (v *versionRoutes) wanted(method string, below []string) string {
	if len(below) > 0 && below[0] == "watch" { // /watch/pods, which nobody should use any more
		below = below[1:]
	}
	if len(below) > 2 && below[0] == "namespaces" && v.all.Storage[below[2]] != nil {
		below = below[2:]
	}
	switch {
	case len(below) == 0 || v.all.Storage[below[0]] == nil:
		return ""
	case len(below) == 1 && method == http.MethodGet:
		return below[0] + readOnly
	}
	return below[0]
}

// routes gives the routes of a name, which it makes if need be.
func (v *versionRoutes) routes(name string) (*madeRoutes, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if made := v.made[name]; made != nil {
		return made, nil
	}
	part := *v.all
	part.Storage = v.storages(name)
	handler := genericapiserver.NewAPIServerHandler("seatrial", part.Serializer, func(h http.Handler) http.Handler { return h }, nil)
	if _, _, err := part.InstallREST(handler.GoRestfulContainer); err != nil {
		return nil, fmt.Errorf("routes of %s in %s: %w", name, rootPath(v.all), err)
	}
	made := &madeRoutes{handler.GoRestfulContainer, map[string]restful.RouteFunction{}}
	for _, service := range made.container.RegisteredWebServices() {
		for _, r := range service.Routes() {
			made.byPath[r.Method+" "+r.Path] = r.Function
		}
	}
	v.made[name] = made
	return made, nil
}

// storages are those of the routes of a name.
func (v *versionRoutes) storages(name string) map[string]rest.Storage {
	if name == "" {
		return v.all.Storage
	}
	resource, lists := strings.CutSuffix(name, readOnly)
	if lists {
		if less := reading(v.all.Storage[resource]); less != nil {
			return map[string]rest.Storage{resource: less}
		}
	}
	some := map[string]rest.Storage{}
	for path, storage := range v.all.Storage {
		if path == resource || strings.HasPrefix(path, resource+"/") {
			some[path] = storage
		}
	}
	return some
}

// readable is what a storage has to be for its resource to be listed and watched.
type readable struct {
	rest.Storage
	rest.Scoper
	rest.SingularNameProvider
	rest.Lister
	rest.Watcher
}

// reading is a storage that can do no more than list and watch, nil if this one cannot.
func reading(s rest.Storage) rest.Storage {
	scoper, _ := s.(rest.Scoper)
	namer, _ := s.(rest.SingularNameProvider)
	lister, _ := s.(rest.Lister)
	watcher, _ := s.(rest.Watcher)
	_, kind := s.(rest.GroupVersionKindProvider)
	if scoper == nil || namer == nil || lister == nil || watcher == nil || kind {
		return nil
	}
	return readable{s, scoper, namer, lister, watcher}
}

// names are the paths of all there is, without a slash at the beginning.
func (r *routes) names() (names []string) {
	for root := range r.versions {
		names = append(names, root[1:])
	}
	for _, service := range r.about {
		names = append(names, service.RootPath()[1:])
	}
	slices.Sort(names)
	return names
}

// service gives what serves a path, whole, nil if there is none.
func (r *routes) service(name string) (*restful.WebService, error) {
	for _, service := range r.about {
		if service.RootPath()[1:] == name {
			return service, nil
		}
	}
	v := r.versions["/"+name]
	if v == nil {
		return nil, nil
	}
	made, err := v.routes("")
	if err != nil {
		return nil, err
	}
	return made.container.RegisteredWebServices()[0], nil
}
