package apiserver

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/emicklei/go-restful/v3"
	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/endpoints"
	"k8s.io/apiserver/pkg/endpoints/deprecation"
	"k8s.io/apiserver/pkg/endpoints/filters"
	"k8s.io/apiserver/pkg/endpoints/handlers"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/component-base/version"

	"github.com/seatrial/seatrial/internal/cluster/inprocess"
)

// lazyRoutes are the routes of the built-in groups. There are about eight hundred, each with a regular expression, and
// a command on a trial uses a few: those of a resource are installed at its first request. Lists and watches, which are
// all that most resources are asked for, need no route.
type lazyRoutes struct {
	versions map[string]*versionRoutes // by their root, for example /apis/apps/v1
	groups   map[string]http.Handler   // list the versions of a group, by path
	about    []*restful.WebService     // the same, for OpenAPI
	config   *genericapiserver.Config  // of the server
}

// versionRoutes are those of a version of a group.
type versionRoutes struct {
	all *endpoints.APIGroupVersion

	mu      sync.Mutex
	made    map[string]*installedRoutes // by resource; all routes by an empty name
	listing map[string]http.Handler
}

// installedRoutes are routes in a container.
type installedRoutes struct {
	container *restful.Container
	byPath    map[string]restful.RouteFunction // and method, with placeholders
}

// discoveryFile is what InstallREST would return for each resource if all were installed at the start.
//
//go:embed discovery.json
var discoveryFile []byte

// discovered returns the resources by group and version. The file is parsed each time, since the result is modified.
func discovered() (map[string][]apidiscoveryv2.APIResourceDiscovery, error) {
	var all map[string][]apidiscoveryv2.APIResourceDiscovery
	if err := json.Unmarshal(discoveryFile, &all); err != nil {
		return nil, fmt.Errorf("reading discovery.json: %w", err)
	}
	return all, nil
}

func newLazyRoutes(c *genericapiserver.Config) *lazyRoutes {
	return &lazyRoutes{versions: map[string]*versionRoutes{}, groups: map[string]http.Handler{}, config: c}
}

// add adds a version of a group.
func (r *lazyRoutes) add(v *endpoints.APIGroupVersion) {
	r.versions[rootPath(v)] = &versionRoutes{
		all: v, made: map[string]*installedRoutes{}, listing: map[string]http.Handler{},
	}
}

// rootPath returns where a version of a group is served, for example /apis/apps/v1.
func rootPath(v *endpoints.APIGroupVersion) string {
	return v.Root + "/" + v.GroupVersion.String()
}

// describe registers the handler that lists the versions of a group.
func (r *lazyRoutes) describe(path string, h http.Handler, service *restful.WebService) {
	r.groups[path] = h
	r.about = append(r.about, service)
}

// middleware serves built-in groups, and passes other requests on.
func (r *lazyRoutes) middleware(next http.Handler) http.Handler {
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
		lists, made, err := v.find(req.Method, below)
		switch {
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		case lists != nil:
			lists.ServeHTTP(w, req)
		default:
			made.container.Dispatch(w, req)
		}
	})
}

// function returns the function of a route, nil if there is none or it cannot be installed.
func (r *lazyRoutes) function(method, path string) restful.RouteFunction {
	v, below := r.version(path)
	if v == nil {
		return nil
	}
	lists, made, err := v.find(method, below)
	switch {
	case err != nil:
		return nil
	case lists != nil:
		return func(req *restful.Request, resp *restful.Response) { lists.ServeHTTP(resp.ResponseWriter, req.Request) }
	}
	return made.byPath[method+" "+placeholders(path)]
}

// version returns the version of a group that a path belongs to, nil if it is not built in, and the rest of the path.
func (r *lazyRoutes) version(path string) (v *versionRoutes, below []string) {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	root := rootLength(parts)
	if len(parts) < root {
		return nil, nil
	}
	return r.versions["/"+strings.Join(parts[:root], "/")], parts[root:]
}

// resource returns the resource of a request below the root, and whether it asks for all objects, or all of a
// namespace. The name is empty if no such resource exists.
func (v *versionRoutes) resource(below []string) (name string, collection bool) {
	old := len(below) > 0 && below[0] == "watch" // /watch/pods, which is deprecated
	if old {
		below = below[1:]
	}
	if len(below) > 2 && below[0] == "namespaces" && v.all.Storage[below[2]] != nil {
		below = below[2:]
	}
	if len(below) == 0 || v.all.Storage[below[0]] == nil {
		return "", false
	}
	return below[0], len(below) == 1 && !old
}

// find returns what serves a request below the root: the handler that lists and watches a resource, or else routes.
func (v *versionRoutes) find(method string, below []string) (lists http.Handler, made *installedRoutes, err error) {
	resource, collection := v.resource(below)
	if collection && method == http.MethodGet {
		if lists = v.lists(resource); lists != nil {
			return lists, nil, nil
		}
	}
	made, err = v.routes(resource)
	return nil, made, err
}

// routes returns the routes of a resource, or of all if the name is empty, and installs them if necessary.
func (v *versionRoutes) routes(resource string) (*installedRoutes, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if made := v.made[resource]; made != nil {
		return made, nil
	}
	part := *v.all
	part.Storage = v.storages(resource)
	unchanged := func(h http.Handler) http.Handler { return h }
	handler := genericapiserver.NewAPIServerHandler("seatrial", part.Serializer, unchanged, nil)
	if _, _, err := part.InstallREST(handler.GoRestfulContainer); err != nil {
		return nil, fmt.Errorf("routes of %s in %s: %w", resource, rootPath(v.all), err)
	}
	made := &installedRoutes{handler.GoRestfulContainer, map[string]restful.RouteFunction{}}
	for _, service := range made.container.RegisteredWebServices() {
		for _, r := range service.Routes() {
			made.byPath[r.Method+" "+r.Path] = r.Function
		}
	}
	v.made[resource] = made
	return made, nil
}

// storages returns the storages of a resource and its subresources, or all.
func (v *versionRoutes) storages(resource string) map[string]rest.Storage {
	if resource == "" {
		return v.all.Storage
	}
	some := map[string]rest.Storage{}
	for path, storage := range v.all.Storage {
		if path == resource || strings.HasPrefix(path, resource+"/") {
			some[path] = storage
		}
	}
	return some
}

// lists returns a handler that lists and watches a resource as its routes would, nil if only they can.
func (v *versionRoutes) lists(resource string) http.Handler {
	v.mu.Lock()
	defer v.mu.Unlock()
	h, known := v.listing[resource]
	if !known {
		h = v.makeLists(resource)
		v.listing[resource] = h
	}
	return h
}

func (v *versionRoutes) makeLists(resource string) http.Handler {
	storage := v.all.Storage[resource]
	lister, _ := storage.(rest.Lister)
	watcher, _ := storage.(rest.Watcher)
	scoper, _ := storage.(rest.Scoper)
	if lister == nil || watcher == nil || scoper == nil {
		return nil
	}
	kind, err := endpoints.GetResourceKind(v.all.GroupVersion, storage, v.all.Typer)
	if err != nil {
		return nil
	}
	obj, err := v.all.Creater.New(kind)
	if err != nil {
		return nil
	}
	obj.GetObjectKind().SetGroupVersionKind(kind)
	major, minor, _ := deprecation.MajorMinor(version.Get())
	if deprecation.IsDeprecated(obj, major, minor) { // the routes add a warning
		return nil
	}
	scope := &handlers.RequestScope{
		Namer: handlers.ContextBasedNaming{
			Namer: v.all.Namer, ClusterScoped: !scoper.NamespaceScoped(),
		},
		Serializer:               v.all.Serializer,
		ParameterCodec:           v.all.ParameterCodec,
		Creater:                  v.all.Creater,
		Convertor:                v.all.Convertor,
		Defaulter:                v.all.Defaulter,
		Typer:                    v.all.Typer,
		UnsafeConvertor:          v.all.UnsafeConvertor,
		Authorizer:               v.all.Authorizer,
		EquivalentResourceMapper: v.all.EquivalentResourceRegistry,
		TableConvertor:           lister,
		Resource:                 v.all.GroupVersion.WithResource(resource),
		Kind:                     kind,
		HubGroupVersion:          schema.GroupVersion{Group: kind.Group, Version: runtime.APIVersionInternal},
		MetaGroupVersion:         metav1.SchemeGroupVersion,
		MaxRequestBodyBytes:      v.all.MaxRequestBodyBytes,
	}
	if v.all.MetaGroupVersion != nil {
		scope.MetaGroupVersion = *v.all.MetaGroupVersion
	}
	return handlers.ListResource(lister, watcher, scope, false, v.all.MinRequestTimeout)
}

// names returns the paths of all groups and versions, without the slash at the beginning, in no order.
func (r *lazyRoutes) names() (names []string) {
	for root := range r.versions {
		names = append(names, root[1:])
	}
	for _, service := range r.about {
		names = append(names, service.RootPath()[1:])
	}
	return names
}

// service returns the web service of a path, with all its routes; nil if there is none.
func (r *lazyRoutes) service(name string) (*restful.WebService, error) {
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

// direct returns the handler of a request, nil if it has to pass through the whole chain: it lasts, is made in the name
// of another user, or is for no built-in resource. All clients of a server in memory are administrators; leaving out
// authentication, authorization and the search among all routes saves a quarter of the time of a small request.
func (r *lazyRoutes) direct(req *http.Request) http.Handler {
	query := req.URL.RawQuery
	if strings.Contains(query, "watch") || strings.Contains(query, "timeout") || impersonates(req.Header) {
		return nil
	}
	route := r.function(req.Method, req.URL.Path)
	if route == nil {
		return nil
	}
	return filters.WithWarningRecorder(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		info, err := r.config.RequestInfoResolver.NewRequestInfo(req)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError) // never: the path is known
			return
		}
		ctx := request.WithRequestInfo(audit.WithAuditContext(req.Context()), info)
		route(restful.NewRequest(req.WithContext(request.WithUser(ctx, inprocess.Admin))), restful.NewResponse(w))
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

// placeholders returns the path of a resource as the routes of the API server spell it, for example
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

// rootLength returns how many parts of a path name the version of a group.
func rootLength(parts []string) int {
	if parts[0] == "apis" {
		return 3 // apis, group, version
	}
	return 2 // api, version
}
