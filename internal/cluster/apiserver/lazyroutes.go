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
	"k8s.io/apiserver/pkg/endpoints"
	"k8s.io/apiserver/pkg/endpoints/deprecation"
	"k8s.io/apiserver/pkg/endpoints/handlers"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/component-base/version"
)

// routes are those of the built-in groups of an API server in memory. There are some eight hundred, each
// with a regular expression, and a command on a trial asks for a few: those of a resource are made when it
// is first asked for something. What lists and watches it, which is all that most are asked for, needs none.
type lazyRoutes struct {
	versions map[string]*versionRoutes // by their root, for example /apis/apps/v1
	groups   map[string]http.Handler   // what says which versions there are, by path
	about    []*restful.WebService     // that says it, for OpenAPI
}

// versionRoutes are those of a version of a group.
type versionRoutes struct {
	all *endpoints.APIGroupVersion

	mu      sync.Mutex
	made    map[string]*installedRoutes // by resource; all there are by an empty name
	listing map[string]http.Handler
}

// madeRoutes are routes that are made.
type installedRoutes struct {
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

func newLazyRoutes() *lazyRoutes {
	return &lazyRoutes{versions: map[string]*versionRoutes{}, groups: map[string]http.Handler{}}
}

// add lets a version of a group be asked for.
func (r *lazyRoutes) add(v *endpoints.APIGroupVersion) {
	r.versions[rootPath(v)] = &versionRoutes{all: v, made: map[string]*installedRoutes{}, listing: map[string]http.Handler{}}
}

// rootPath is where a version of a group is served, for example /apis/apps/v1.
func rootPath(v *endpoints.APIGroupVersion) string {
	return v.Root + "/" + v.GroupVersion.String()
}

// describe serves what says which versions of a group there are.
func (r *lazyRoutes) describe(path string, h http.Handler, service *restful.WebService) {
	r.groups[path] = h
	r.about = append(r.about, service)
}

// before serves built-in groups, and lets other requests on.
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

// function gives what a route does, nil if there is none or it cannot be made.
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

// version gives the version of a group that a path is of, nil if it is not built in, and what follows in the path.
func (r *lazyRoutes) version(path string) (v *versionRoutes, below []string) {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	root := rootLength(parts)
	if len(parts) < root {
		return nil, nil
	}
	return r.versions["/"+strings.Join(parts[:root], "/")], parts[root:]
}

// resource tells which resource a request below the root is for, and whether it is for all objects, or all of a
// namespace; an empty name if it is for none that there is.
func (v *versionRoutes) resource(below []string) (name string, collection bool) {
	old := len(below) > 0 && below[0] == "watch" // /watch/pods, which nobody should use any more
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

// find gives what serves a request below the root: what lists and watches a resource, or else the routes among which
// there is one for it.
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

// routes gives the routes of a resource, which it makes if need be; of all if the name is empty.
func (v *versionRoutes) routes(resource string) (*installedRoutes, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if made := v.made[resource]; made != nil {
		return made, nil
	}
	part := *v.all
	part.Storage = v.storages(resource)
	handler := genericapiserver.NewAPIServerHandler("seatrial", part.Serializer, func(h http.Handler) http.Handler { return h }, nil)
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

// storages are those of a resource and what is below it, or all.
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

// lists gives what lists and watches a resource, as its routes would; nil if only they can.
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
	if deprecation.IsDeprecated(obj, major, minor) { // the routes warn
		return nil
	}
	scope := &handlers.RequestScope{
		Namer:                    handlers.ContextBasedNaming{Namer: v.all.Namer, ClusterScoped: !scoper.NamespaceScoped()},
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

// names are the paths of all there is, without a slash at the beginning, in no order.
func (r *lazyRoutes) names() (names []string) {
	for root := range r.versions {
		names = append(names, root[1:])
	}
	for _, service := range r.about {
		names = append(names, service.RootPath()[1:])
	}
	return names
}

// service gives what serves a path, whole, nil if there is none.
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
