package apiserver

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/emicklei/go-restful/v3"
	extensions "k8s.io/apiextensions-apiserver/pkg/apiserver"
	"k8s.io/apimachinery/pkg/util/sets"
	openapinamer "k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"
	aggregatorscheme "k8s.io/kube-aggregator/pkg/apiserver/scheme"
	"k8s.io/kube-openapi/pkg/builder"
	"k8s.io/kube-openapi/pkg/builder3"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/common/restfuladapter"
	"k8s.io/kube-openapi/pkg/handler"
	"k8s.io/kube-openapi/pkg/handler3"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
)

// The schemas of a group version are built when they are first requested. Upstream builds all of them at the start, and
// needs them for the list of their hashes; here the hash of built-in schemas is the version of Kubernetes, since they
// change with nothing else.

const openAPIV3 = "/openapi/v3"

// documents are the schemas that have been built.
type documents struct {
	generic    *genericapiserver.Config
	routes     *lazyRoutes          // of built-in groups
	containers []*restful.Container // of other built-in paths
	custom     http.Handler         // of custom resources; for v2 of everything

	mu    sync.Mutex
	built map[string]http.Handler // by group version, such as apis/apps/v1
}

const openAPIV2 = "/openapi/v2"

// ServeOpenAPI serves the schemas of all servers of a chain under the first one. The last one is the server of custom
// resources.
func ServeOpenAPI(generic *genericapiserver.Config, chain ...*genericapiserver.GenericAPIServer) error {
	return serveOpenAPI(generic, &lazyRoutes{}, chain...)
}

// serveOpenAPI also serves the schemas of routes that are not installed.
func serveOpenAPI(
	generic *genericapiserver.Config, routes *lazyRoutes, chain ...*genericapiserver.GenericAPIServer,
) error {
	d := &documents{generic: generic, routes: routes, built: map[string]http.Handler{}}
	for _, s := range chain {
		d.containers = append(d.containers, s.Handler.GoRestfulContainer)
	}
	custom := chain[len(chain)-1]
	// Its OpenAPI controllers run only if they find what PrepareRun would have set here. They merge their schemas into
	// the static ones, which are filled in before the first request for the result.
	custom.OpenAPIV3VersionedService = handler3.NewOpenAPIService()
	custom.OpenAPIVersionedService = handler.NewOpenAPIService(&spec.Swagger{})
	custom.StaticOpenAPISpec = &spec.Swagger{}
	mux := http.NewServeMux()
	if err := custom.OpenAPIV3VersionedService.RegisterOpenAPIV3VersionedService(
		openAPIV3, pathHandler{mux},
	); err != nil {
		return err
	}
	custom.OpenAPIVersionedService.RegisterOpenAPIVersionedService(openAPIV2, pathHandler{mux})
	d.custom = mux
	paths := chain[0].Handler.NonGoRestfulMux
	paths.HandleFunc(openAPIV3, d.serveIndex)
	paths.UnlistedHandlePrefix(openAPIV3+"/", http.HandlerFunc(d.serveDocument))
	paths.Handle(openAPIV2, lazyHandler(sync.OnceValues(func() (http.Handler, error) {
		return d.custom, d.fill(custom.StaticOpenAPISpec)
	})))
	return nil
}

// openAPIV3Config returns the default configuration, with definitions that are built on first use.
func openAPIV3Config(all common.GetOpenAPIDefinitions) *common.OpenAPIV3Config {
	none := func(common.ReferenceCallback) map[string]common.OpenAPIDefinition { return nil }
	namer := openapinamer.NewDefinitionNamer(legacyscheme.Scheme, extensions.Scheme, aggregatorscheme.Scheme)
	config := genericapiserver.DefaultOpenAPIV3Config(none, namer)
	var once sync.Once
	var definitions map[string]common.OpenAPIDefinition
	config.Definitions = nil
	config.GetDefinitions = func(ref common.ReferenceCallback) map[string]common.OpenAPIDefinition {
		once.Do(func() { definitions = all(ref) })
		return definitions
	}
	return config
}

// pathHandler registers handlers in a mux of the standard library.
type pathHandler struct{ mux *http.ServeMux }

func (p pathHandler) Handle(path string, h http.Handler) { p.mux.Handle(path, h) }
func (p pathHandler) HandlePrefix(path string, h http.Handler) {
	p.mux.Handle(path, h)
}

// index is the response of /openapi/v3.
type index struct {
	Paths map[string]indexEntry `json:"paths"`
}

type indexEntry struct {
	URL string `json:"serverRelativeURL"`
}

func (d *documents) serveIndex(w http.ResponseWriter, req *http.Request) {
	custom := &recorder{header: http.Header{}}
	d.custom.ServeHTTP(custom, req)
	all := index{Paths: map[string]indexEntry{}}
	if err := json.Unmarshal(custom.body, &all); err != nil {
		http.Error(w, fmt.Sprintf("reading the list of custom schemas: %v", err), http.StatusInternalServerError)
		return
	}
	version := d.generic.EffectiveVersion.Info().GitVersion
	for name := range d.groupVersions() {
		all.Paths[name] = indexEntry{URL: openAPIV3 + "/" + name + "?hash=" + version}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(all) // the client has gone if this fails
}

func (d *documents) groupVersions() sets.Set[string] {
	names := sets.New(d.routes.names()...)
	for _, service := range d.services() {
		names.Insert(strings.TrimPrefix(service.RootPath(), "/"))
	}
	return names
}

// services returns the installed services; of a path that several serve, such as /version, the first.
func (d *documents) services() (all []*restful.WebService) {
	known := sets.New[string]()
	for _, c := range d.containers {
		for _, s := range c.RegisteredWebServices() {
			if path := s.RootPath(); !known.Has(path) {
				known.Insert(path)
				all = append(all, s)
			}
		}
	}
	return all
}

// service returns the service of a path without the slash at its beginning, nil if there is none.
func (d *documents) service(name string) (*restful.WebService, error) {
	for _, s := range d.services() {
		if strings.TrimPrefix(s.RootPath(), "/") == name {
			return s, nil
		}
	}
	return d.routes.service(name)
}

func (d *documents) serveDocument(w http.ResponseWriter, req *http.Request) {
	name := strings.TrimPrefix(req.URL.Path, openAPIV3+"/")
	h, err := d.document(name)
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	case h != nil:
		req.URL.RawQuery = "" // the hash is not that of the bytes
		h.ServeHTTP(w, req)
	default:
		d.custom.ServeHTTP(w, req)
	}
}

// document returns the handler of a built-in group version, nil if it is not built in.
func (d *documents) document(name string) (http.Handler, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if h := d.built[name]; h != nil {
		return h, nil
	}
	service, err := d.service(name)
	if err != nil || service == nil {
		return nil, err
	}
	routes := restfuladapter.AdaptWebServices([]*restful.WebService{service})
	document, err := builder3.BuildOpenAPISpecFromRoutes(routes, d.generic.OpenAPIV3Config)
	if err != nil {
		return nil, fmt.Errorf("building the schemas of %s: %w", name, err)
	}
	one := handler3.NewOpenAPIService()
	one.UpdateGroupVersion(name, document)
	d.built[name] = http.HandlerFunc(one.HandleGroupVersion)
	return d.built[name], nil
}

// fill builds the OpenAPI v2 schemas of the built-in kinds.
func (d *documents) fill(static *spec.Swagger) error {
	var services []*restful.WebService
	for _, name := range sets.List(d.groupVersions()) {
		service, err := d.service(name)
		if err != nil {
			return err
		}
		services = append(services, service)
	}
	document, err := builder.BuildOpenAPISpecFromRoutes(
		restfuladapter.AdaptWebServices(services), d.generic.OpenAPIConfig,
	)
	if err != nil {
		return fmt.Errorf("building the OpenAPI v2 schemas: %w", err)
	}
	document.Definitions = handler.PruneDefaults(document.Definitions)
	*static = *document
	return nil
}

// lazyHandler is a handler that is built on first use.
type lazyHandler func() (http.Handler, error)

func (f lazyHandler) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	h, err := f()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h.ServeHTTP(w, req)
}

// recorder keeps a response.
type recorder struct {
	header http.Header
	body   []byte
}

func (r *recorder) Header() http.Header { return r.header }
func (r *recorder) WriteHeader(int)     {}
func (r *recorder) Write(p []byte) (int, error) {
	r.body = append(r.body, p...)
	return len(p), nil
}

var _ common.PathHandlerByGroupVersion = pathHandler{}
