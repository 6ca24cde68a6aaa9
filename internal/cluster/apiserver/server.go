// Package apiserver runs the API server in memory: the real handlers, registries, admission plugins and custom
// resources of Kubernetes on a store in memory.
//
// The central type is [Server]: [New] builds it, Start fills a new store, Refuse and Close end it. What upstream builds
// at the start, and few clients ask for, is built when first used: routes (lazyroutes.go), schemas for managed fields
// (managedfields.go) and for OpenAPI (openapi.go).
//
// Some parts also serve an API server of upstream's own chain: ServeOpenAPI, ServeMetrics and
// Bootstrap.
package apiserver

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	extensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1"
	extensions "k8s.io/apiextensions-apiserver/pkg/apiserver"
	extensionsopenapi "k8s.io/apiextensions-apiserver/pkg/generated/openapi"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/authorization/union"
	"k8s.io/apiserver/pkg/endpoints/discovery/aggregated"
	"k8s.io/apiserver/pkg/endpoints/filters"
	"k8s.io/apiserver/pkg/endpoints/filters/impersonation"
	openapinamer "k8s.io/apiserver/pkg/endpoints/openapi"
	"k8s.io/apiserver/pkg/registry/generic"
	genericapiserver "k8s.io/apiserver/pkg/server"
	genericfilters "k8s.io/apiserver/pkg/server/filters"
	"k8s.io/apiserver/pkg/server/healthz"
	serveroptions "k8s.io/apiserver/pkg/server/options"
	serverroutes "k8s.io/apiserver/pkg/server/routes"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/util/compatibility"
	"k8s.io/client-go/rest"
	aggregatorscheme "k8s.io/kube-aggregator/pkg/apiserver/scheme"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/capabilities"
	"k8s.io/kubernetes/pkg/controlplane"
	"k8s.io/kubernetes/pkg/generated/openapi"
	"k8s.io/kubernetes/pkg/kubeapiserver"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac"

	"github.com/seatrial/seatrial/internal/cluster/clients"
	sharedinformers "github.com/seatrial/seatrial/internal/cluster/informers"
	"github.com/seatrial/seatrial/internal/cluster/inprocess"
	"github.com/seatrial/seatrial/internal/kubernetes/registry"
	"github.com/seatrial/seatrial/internal/memstore"
)

// Server serves the built-in groups, and behind them custom resources.
type Server struct {
	*clients.Set
	options   Options
	transport *inprocess.Transport
	generic   *genericapiserver.Config
	resources *serverstorage.ResourceConfig
	built     *genericapiserver.GenericAPIServer
	routes    *lazyRoutes // of the built-in groups
	services  *registry.Allocators
	admitting []waiter // admission plugins

	resumed    bool      // the store has the objects of a cluster
	ownService bool      // among them the Service of the API server
	hooked     time.Time // when the post-start hooks began; zero: they have not
}

// BatchWindow is the Options.BatchWindow of a deterministic cluster.
const BatchWindow = 10 * time.Millisecond

// Options configure an API server in memory. The zero value is a new one.
type Options struct {
	DB          *memstore.DB         // with the objects from before a restart; nil: a new one
	BatchWindow time.Duration        // see inprocess.Options; with 0 requests are not sequenced
	OnIdle      func()               // called before each window, when no goroutine can run; may be nil
	OnWrite     func(memstore.Write) // receives every write to the store; may be nil
	OnEvent     func(*corev1.Event)  // receives recorded events instead of the store; must not change them; may be nil
	Tracking    Tracking             // of managed fields
	Containers  Containers           // answers for containers; nil: nothing does

	// SkipBootstrapRBAC leaves out the roles of a new cluster and the endpoints of the API server. That suffices, and
	// starts sooner, where all clients are administrators.
	SkipBootstrapRBAC bool
}

// New returns a server that answers requests but has run no hooks yet.
func New(ctx context.Context, options Options) (*Server, error) {
	capabilities.Setup(true, 0) // privileged pods are a matter of admission, as in every real cluster
	resumed := options.DB != nil
	if !resumed {
		options.DB = memstore.NewDB()
	}
	options.DB.StartTTLs()
	if options.OnWrite != nil {
		options.DB.OnWrite(options.OnWrite)
	}
	s := &Server{
		options: options, resumed: resumed,
		transport: inprocess.New(inprocess.Options{
			DB: options.DB, BatchWindow: options.BatchWindow, OnIdle: options.OnIdle,
		}),
		resources: controlplane.DefaultAPIResourceConfigSource(),
	}
	if err := s.begin(ctx); err != nil {
		s.transport.Refuse() // its plugins may have sent requests
		return nil, err
	}
	s.RecordTo(options.OnEvent)
	return s, nil
}

// Start runs post-start hooks and informers, and creates the objects of a new cluster or reads the events of an old
// one.
func (s *Server) Start(ctx context.Context) (err error) {
	if s.ownService, err = restoreAllocations(ctx, s.Client, s.services); err != nil {
		return err
	}
	s.built.RunPostStartHooks(ctx)
	s.hooked = time.Now()
	s.Informers.Start(ctx.Done())
	s.Informers.WaitForCacheSync(ctx.Done())
	s.Quiesce()
	if err := s.awaitPlugins(); err != nil {
		return err
	}
	if s.resumed {
		return s.ReadEvents(ctx)
	}
	return s.seed(ctx)
}

// RestoreService creates the Service of the API server again if somebody has deleted it, as API servers do.
func (s *Server) RestoreService(ctx context.Context) {
	if !s.ownService {
		_ = s.seedService(ctx) // its address may be taken, a quota or a policy may forbid it
	}
}

// hookTime is how long the post-start hooks may still run: one looks every 100 ms whether the definitions are known,
// and ends the process when it is kept from that.
const hookTime = 250 * time.Millisecond

// Refuse makes all requests fail from now on.
func (s *Server) Refuse() {
	if !s.hooked.IsZero() {
		time.Sleep(time.Until(s.hooked.Add(hookTime)))
	}
	s.transport.Refuse()
}

// Close ends a server that nothing uses any more.
func (s *Server) Close() {
	s.transport.Close()
	if s.built != nil {
		s.built.Destroy()
	}
}

// begin builds the server and opens its transport.
func (s *Server) begin(ctx context.Context) (err error) {
	config := &rest.Config{Host: "http://seatrial", Transport: s.transport, QPS: -1}
	if s.Set, err = clients.New(config, true); err != nil {
		return err
	}
	s.Statuses = clients.NewStatusRegistries(s.transport, s.options.DB)
	s.DB, s.Sequenced = s.options.DB, s.options.BatchWindow > 0
	if s.Sequenced {
		s.Informers = sharedinformers.Sorted{
			SharedInformerFactory: s.Informers, Notifications: s.transport.Notifications(),
		}
	}
	if s.services, err = registry.NewAllocators(); err != nil {
		return err
	}
	if err := s.configure(ctx); err != nil {
		return err
	}
	if err := s.build(); err != nil {
		return err
	}
	paths := s.built.Handler.NonGoRestfulMux
	healthz.InstallHandler(paths)
	healthz.InstallLivezHandler(paths)
	healthz.InstallReadyzHandler(paths)
	paths.UnlistedHandle("/", serverroutes.IndexLister{StatusCode: http.StatusOK, PathProvider: pathProvider(s.paths)})
	ServeMetrics(s.built, s.Informers)
	if err := s.install(); err != nil {
		return err
	}
	s.transport.Open(s.built.Handler, s.routes.direct)
	return nil
}

// noChecks are the health checks of a server that is healthy as soon as it answers.
var noChecks = []healthz.HealthChecker{}

func (s *Server) configure(ctx context.Context) error {
	c := genericapiserver.NewConfig(legacyscheme.Codecs)
	s.generic = c
	c.EffectiveVersion = compatibility.DefaultBuildEffectiveVersion()
	c.MergedResourceConfig = s.resources
	c.LoopbackClientConfig = s.Config
	c.ExternalAddress = "127.0.0.1:6443"
	c.PublicAddress = net.IPv4(127, 0, 0, 1)
	c.MaxRequestsInFlight, c.MaxMutatingRequestsInFlight = 0, 0
	c.EnableProfiling, c.EnableIndex, c.EnableMetrics = false, false, false
	c.StorageObjectCountTracker = nil
	c.SkipOpenAPIInstallation = true // see openapi.go
	c.HealthzChecks, c.LivezChecks, c.ReadyzChecks = noChecks, noChecks, noChecks
	c.OpenAPIV3Config = openAPIV3Config(openapi.GetOpenAPIDefinitions)
	namer := openapinamer.NewDefinitionNamer(legacyscheme.Scheme, extensions.Scheme, aggregatorscheme.Scheme)
	c.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(openapi.GetOpenAPIDefinitions, namer)
	c.AggregatedDiscoveryGroupManager = aggregated.NewResourceManager("apis") // of both servers
	s.routes = newLazyRoutes(c)
	c.BuildHandlerChainFunc = func(h http.Handler, c *genericapiserver.Config) http.Handler {
		return handlerChain(s.routes.middleware(h), c)
	}
	c.Authentication.Authenticator = authenticator.RequestFunc(everyoneIsAdmin)
	if err := s.authorize(); err != nil {
		return err
	}
	getter, err := s.storages()
	if err != nil {
		return err
	}
	c.RESTOptionsGetter = getter
	c.AdmissionControl, err = s.admission(ctx)
	return err
}

func everyoneIsAdmin(*http.Request) (*authenticator.Response, bool, error) {
	return &authenticator.Response{User: inprocess.Admin}, true, nil
}

// authorize allows administrators everything, and other users what RBAC allows.
func (s *Server) authorize() error {
	r := s.Informers.Rbac().V1()
	rules := rbac.New(
		&rbac.RoleGetter{Lister: r.Roles().Lister()},
		&rbac.RoleBindingLister{Lister: r.RoleBindings().Lister()},
		&rbac.ClusterRoleGetter{Lister: r.ClusterRoles().Lister()},
		&rbac.ClusterRoleBindingLister{Lister: r.ClusterRoleBindings().Lister()},
	)
	administrators := authorizerfactory.NewPrivilegedGroups(user.SystemPrivilegedGroup)
	both, err := union.New(
		union.NamedAuthorizer{AuthorizerName: "administrators", Authorizer: administrators},
		union.NamedAuthorizer{AuthorizerName: "rbac", Authorizer: rules},
	)
	s.generic.Authorization.Authorizer, s.generic.RuleResolver = both, rules
	return err
}

// storages returns options that put the registries of the built-in kinds on the store.
func (s *Server) storages() (generic.RESTOptionsGetter, error) {
	c := kubeapiserver.NewStorageFactoryConfigEffectiveVersion(s.generic.EffectiveVersion)
	c.APIResourceConfig = s.resources
	options := serveroptions.NewEtcdOptions(storagebackend.NewDefaultConfig("/registry", nil))
	options.DefaultStorageMediaType = runtime.ContentTypeProtobuf // as kube-apiserver does
	factory, err := c.Complete(options).New()
	if err != nil {
		return nil, err
	}
	return optionsGetter(func(gr schema.GroupResource, example runtime.Object) (generic.RESTOptions, error) {
		config, err := factory.NewConfig(gr, example)
		if err != nil {
			return generic.RESTOptions{}, err
		}
		return s.restOptions(config, factory.ResourcePrefix(gr)), nil
	}), nil
}

func (s *Server) restOptions(config *storagebackend.ConfigForResource, prefix string) generic.RESTOptions {
	return generic.RESTOptions{
		StorageConfig:           config,
		Decorator:               memstore.Decorator(s.options.DB),
		EnableGarbageCollection: true,
		DeleteCollectionWorkers: 1,
		ResourcePrefix:          prefix,
	}
}

// optionsGetter is a function as a generic.RESTOptionsGetter.
type optionsGetter func(schema.GroupResource, runtime.Object) (generic.RESTOptions, error)

func (f optionsGetter) GetRESTOptions(
	gr schema.GroupResource, example runtime.Object,
) (generic.RESTOptions, error) {
	return f(gr, example)
}

// codecGetter returns options that put registries with one codec on the store.
func (s *Server) codecGetter(codec runtime.Codec) generic.RESTOptionsGetter {
	return optionsGetter(func(gr schema.GroupResource, _ runtime.Object) (generic.RESTOptions, error) {
		config := storagebackend.NewDefaultConfig("/registry", codec).ForResource(gr)
		return s.restOptions(config, gr.Group+"/"+gr.Resource), nil
	})
}

// build builds the two servers. The first passes requests that it does not know to the server of custom resources.
func (s *Server) build() error {
	custom := *s.generic
	custom.OpenAPIV3Config = openAPIV3Config(extensionsopenapi.GetOpenAPIDefinitions) // far fewer
	custom.PostStartHooks = map[string]genericapiserver.PostStartHookConfigEntry{}
	custom.MergedResourceConfig = extensions.DefaultAPIResourceConfigSource()
	codec := extensions.Codecs.LegacyCodec(extensionsv1.SchemeGroupVersion, v1beta1.SchemeGroupVersion)
	custom.RESTOptionsGetter = s.codecGetter(codec)
	config := extensions.Config{
		GenericConfig: &genericapiserver.RecommendedConfig{Config: custom, SharedInformerFactory: s.Informers},
		ExtraConfig: extensions.ExtraConfig{
			CRDRESTOptionsGetter: s.codecGetter(unstructured.UnstructuredJSONScheme),
			MasterCount:          1,
			AuthResolverWrapper:  authResolver,
			ServiceResolver:      noServices{},
		},
	}
	crds, err := config.Complete().New(genericapiserver.NewEmptyDelegate())
	if err != nil {
		return fmt.Errorf("server of custom resources: %w", err)
	}
	if s.built, err = s.generic.Complete(s.Informers).New("seatrial", crds.GenericAPIServer); err != nil {
		return fmt.Errorf("API server: %w", err)
	}
	return serveOpenAPI(s.generic, s.routes, s.built, crds.GenericAPIServer)
}

// pathProvider lists the paths that the root shows.
type pathProvider func() []string

func (f pathProvider) ListedPaths() []string { return f() }

// paths returns the paths that the root shows.
func (s *Server) paths() []string {
	all := s.built.ListedPaths()
	for _, name := range s.routes.names() {
		all = append(all, "/"+name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// handlerChain is the part of upstream's chain that affects responses: authentication, impersonation, authorization,
// warnings, deadlines and recovery from panics.
func handlerChain(h http.Handler, c *genericapiserver.Config) http.Handler {
	h = filters.WithAuthorization(h, c.Authorization.Authorizer, c.Serializer)
	h = impersonation.WithImpersonation(h, c.Authorization.Authorizer, c.Serializer)
	h = filters.WithAudit(h, c.AuditBackend, c.AuditPolicyRuleEvaluator, c.LongRunningFunc)
	h = filters.WithAuthentication(h, c.Authentication.Authenticator, filters.Unauthorized(c.Serializer), nil, nil)
	h = filters.WithWarningRecorder(h)
	h = filters.WithRequestDeadline(
		h, c.AuditBackend, c.AuditPolicyRuleEvaluator, c.LongRunningFunc, c.Serializer, c.RequestTimeout,
	)
	h = filters.WithRequestInfo(h, c.RequestInfoResolver)
	h = filters.WithRequestReceivedTimestamp(h)
	h = genericfilters.WithPanicRecovery(h, c.RequestInfoResolver)
	return filters.WithAuditInit(h)
}
