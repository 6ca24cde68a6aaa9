package live

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/google/uuid"
	extensionsserver "k8s.io/apiextensions-apiserver/pkg/apiserver"
	"k8s.io/apimachinery/pkg/runtime"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/endpoints/discovery/aggregated"
	openapinamer "k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/egressselector"
	"k8s.io/apiserver/pkg/server/filters"
	serveroptions "k8s.io/apiserver/pkg/server/options"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	"k8s.io/apiserver/pkg/util/openapi"
	"k8s.io/apiserver/pkg/util/webhook"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	aggregatorserver "k8s.io/kube-aggregator/pkg/apiserver"
	aggregatorscheme "k8s.io/kube-aggregator/pkg/apiserver/scheme"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/controlplane"
	controlplaneapiserver "k8s.io/kubernetes/pkg/controlplane/apiserver"
	generatedopenapi "k8s.io/kubernetes/pkg/generated/openapi"
	"k8s.io/kubernetes/pkg/kubeapiserver"
	"k8s.io/kubernetes/pkg/kubeapiserver/authorizer/modes"

	"github.com/seatrial/seatrial/internal/cluster/apiserver"
	"github.com/seatrial/seatrial/internal/cluster/inprocess"
)

const (
	serviceRange = "10.96.0.0/16"
	issuer       = "https://kubernetes.default.svc.cluster.local"
	storePrefix  = "/registry"
	// shutdownPatience is how long open connections may keep the API server from ending.
	shutdownPatience = time.Second
)

// serviceIP is the address of the API server's own Service.
var serviceIP = net.IPv4(10, 96, 0, 1)

// server is kube-apiserver in this process: the servers of API services, of built-in kinds and of custom resources, as
// upstream chains them.
type server struct {
	chain  *aggregatorserver.APIAggregator
	config *genericapiserver.Config
	client *rest.Config // the way to it for this process, past the network
	stop   context.CancelFunc
	// kubelets connects to the kubelet of a node
	kubelets utilnet.DialFunc
	ready    bool
	ended    chan struct{}
	failed   error // why, once it has ended
}

// startServer starts the API server. It serves once awaitReady returns.
func startServer(listener net.Listener, o *options.ServerRunOptions, kubelets utilnet.DialFunc) (*server, error) {
	ctx, stop := context.WithCancel(context.Background())
	s := &server{stop: stop, ended: make(chan struct{}), kubelets: kubelets}
	way := inprocess.New(inprocess.Options{})
	fail := func(err error) (*server, error) {
		stop()
		way.Refuse()
		return nil, fmt.Errorf("API server: %w", err)
	}
	if err := s.build(ctx, o, listener, way); err != nil {
		return fail(err)
	}
	prepared, err := s.chain.PrepareRun()
	if err == nil {
		err = s.serveSchemas()
	}
	if err != nil {
		return fail(err)
	}
	way.Open(s.chain.GenericAPIServer.Handler, nil)
	s.chain.GenericAPIServer.ShutdownTimeout = shutdownPatience
	go func() {
		defer close(s.ended)
		s.failed = prepared.Run(ctx)
	}()
	return s, nil
}

// awaitReady waits until the server reports that it is ready.
func (s *server) awaitReady(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(s.client)
	if err != nil {
		return err
	}
	for {
		answer, err := client.RESTClient().Get().AbsPath("/readyz").Param("verbose", "true").DoRaw(ctx)
		if err == nil {
			s.ready = true
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("API server: it has ended: %w", s.failed)
		case <-ctx.Done():
			return fmt.Errorf("the API server is not ready: %w: %s", ctx.Err(), answer)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// hookPatience is how long the post-start hooks may take before the server is ended.
const hookPatience = 10 * time.Second

// close ends the API server, and waits for its end. It must not be ended while its post-start hooks run: they would end
// the process.
func (s *server) close() error {
	if !s.ready {
		ctx, cancel := context.WithTimeout(context.Background(), hookPatience)
		defer cancel()
		if err := s.awaitReady(ctx); err != nil {
			klog.Warningf("ending it all the same: %v", err)
		}
	}
	s.stop()
	<-s.ended
	return s.failed
}

// flags are the options of kube-apiserver that differ from their defaults.
func flags(p *pki, listener net.Listener) *options.ServerRunOptions {
	o := options.NewServerRunOptions()
	o.AllowPrivileged = true // a matter of admission, as in every real cluster
	o.ServiceClusterIPRanges = serviceRange
	o.GenericServerRunOptions.AdvertiseAddress = apiserver.Advertised
	o.GenericServerRunOptions.ExternalHost = "127.0.0.1"
	o.SecureServing.Listener = listener
	o.SecureServing.BindAddress = net.IPv4(127, 0, 0, 1)
	o.SecureServing.BindPort = listener.Addr().(*net.TCPAddr).Port
	o.SecureServing.ServerCert.CertKey = serveroptions.CertKey{CertFile: p.server.cert, KeyFile: p.server.key}
	o.Authentication.Anonymous.Allow = false
	o.Authentication.ClientCert.ClientCA = p.ca.cert
	o.Authentication.ServiceAccounts.Issuers = []string{issuer}
	o.Authentication.ServiceAccounts.KeyFiles = []string{p.account.key}
	o.ServiceAccountSigningKeyFile = p.account.key
	o.Authorization.Modes = []string{modes.ModeNode, modes.ModeRBAC}
	o.Admission.GenericAdmission.EnablePlugins = []string{"NodeRestriction"}
	o.Features.EnableProfiling = false
	o.KubeletConfig.PreferredAddressTypes = []string{"InternalIP"} // names would be looked up
	return o
}

// build builds the chain of servers, as kube-apiserver's NewConfig and CreateServerChain do. It differs in that this
// process reaches the server without a network, and in that nothing is sent to the addresses of simulated nodes, pods
// and services.
func (s *server) build(
	ctx context.Context, o *options.ServerRunOptions, listener net.Listener, way http.RoundTripper,
) error {
	opts, err := o.Complete(ctx)
	if err != nil {
		return err
	}
	if errs := opts.Validate(); len(errs) > 0 {
		return errors.Join(errs...)
	}
	s.client = &rest.Config{
		Host:        "https://" + listener.Addr().String(),
		Transport:   way,
		BearerToken: uuid.NewString(),
		QPS:         -1,
	}
	generic, shared, storage, err := s.generic(ctx, opts)
	if err != nil {
		return err
	}
	kube, services, plugins, err := app.CreateKubeAPIServerConfig(opts, generic, shared, storage)
	if err != nil {
		return err
	}
	kube.ControlPlane.ProxyTransport.DialContext = dialLoopback
	kube.KubeletClientConfig.Lookup = func(egressselector.NetworkContext) (utilnet.DialFunc, error) {
		return s.kubelets, nil
	}
	resolver := webhook.NewDefaultAuthenticationInfoResolverWrapper(
		kube.ControlPlane.ProxyTransport, nil, generic.LoopbackClientConfig, generic.TracerProvider,
	)
	extensions, err := controlplaneapiserver.CreateAPIExtensionsConfig(
		*generic, shared, plugins, opts.CompletedOptions, opts.MasterCount, services, resolver,
	)
	if err != nil {
		return err
	}
	aggregator, err := controlplaneapiserver.CreateAggregatorConfig(
		*generic, opts.CompletedOptions, shared, services, kube.ControlPlane.ProxyTransport, nil, plugins,
	)
	if err != nil {
		return err
	}
	// see serveSchemas
	extensions.GenericConfig.SkipOpenAPIInstallation, aggregator.GenericConfig.OpenAPIConfig = true, nil
	config := app.Config{Options: opts, Aggregator: aggregator, KubeAPIs: kube, ApiExtensions: extensions}
	completed, err := config.Complete()
	if err != nil {
		return err
	}
	if s.chain, err = app.CreateServerChain(completed); err != nil {
		return err
	}
	s.config = generic
	apiserver.ServeMetrics(s.behind(1), shared)
	return nil
}

// behind returns a server of the chain: 0 is that of API services, 1 that of built-in kinds, 2 that
// of custom resources.
func (s *server) behind(n int) *genericapiserver.GenericAPIServer {
	at := s.chain.GenericAPIServer
	for range n {
		at = at.NextDelegate().(*genericapiserver.GenericAPIServer)
	}
	return at
}

// serveSchemas replaces the schemas of the aggregator, which are all built at the start, by schemas that are built on
// demand.
func (s *server) serveSchemas() error {
	paths := s.chain.GenericAPIServer.Handler.NonGoRestfulMux
	paths.Unregister("/openapi/v3")
	paths.Unregister("/openapi/v3/")
	return apiserver.ServeOpenAPI(s.config, s.behind(0), s.behind(1), s.behind(2))
}

// generic returns what the three servers share, as upstream's BuildGenericConfig builds it.
func (s *server) generic(
	ctx context.Context, opts options.CompletedOptions,
) (*genericapiserver.Config, informers.SharedInformerFactory, *serverstorage.DefaultStorageFactory, error) {
	c := genericapiserver.NewConfig(legacyscheme.Codecs)
	c.MergedResourceConfig = controlplane.DefaultAPIResourceConfigSource()
	client := rest.CopyConfig(s.client)
	client.ContentType = runtime.ContentTypeProtobuf
	c.LoopbackClientConfig = client
	external, err := kubernetes.NewForConfig(client)
	if err != nil {
		return nil, nil, nil, err
	}
	shared := informers.NewSharedInformerFactory(external, 10*time.Minute)
	schemes := []*runtime.Scheme{legacyscheme.Scheme, extensionsserver.Scheme, aggregatorscheme.Scheme}
	definitions, namer := openapi.GetOpenAPIDefinitionsWithoutDisabledFeatures(
		generatedopenapi.GetOpenAPIDefinitions,
	), openapinamer.NewDefinitionNamer(schemes...)
	c.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(definitions, namer)
	c.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(definitions, namer)
	c.OpenAPIConfig.Info.Title, c.OpenAPIV3Config.Info.Title = "Kubernetes", "Kubernetes"
	c.LongRunningFunc = filters.BasicLongRunningRequestCheck(
		sets.NewString("watch", "proxy"), sets.NewString("attach", "exec", "proxy", "log", "portforward"),
	)
	c.SkipOpenAPIInstallation = true // see serveSchemas
	c.DisabledPostStartHooks.Insert(apiserver.BootstrapHooks...)
	c.AggregatedDiscoveryGroupManager = aggregated.NewResourceManager("apis")
	storage, err := s.apply(ctx, c, opts, external, shared)
	return c, shared, storage, err
}

// apply applies the options to the configuration.
func (s *server) apply(
	ctx context.Context, c *genericapiserver.Config, opts options.CompletedOptions, client *kubernetes.Clientset,
	shared informers.SharedInformerFactory,
) (*serverstorage.DefaultStorageFactory, error) {
	if err := opts.GenericServerRunOptions.ApplyTo(c); err != nil {
		return nil, err
	}
	if err := opts.SecureServing.SecureServingOptions.ApplyTo(&c.SecureServing); err != nil {
		return nil, err
	}
	if err := opts.Features.ApplyTo(c, client, shared); err != nil {
		return nil, err
	}
	if err := opts.APIEnablement.ApplyTo(c, c.MergedResourceConfig, legacyscheme.Scheme); err != nil {
		return nil, err
	}
	factory := kubeapiserver.NewStorageFactoryConfigEffectiveVersion(c.EffectiveVersion)
	factory.APIResourceConfig = c.MergedResourceConfig
	factory.DefaultResourceEncoding.SetEffectiveVersion(c.EffectiveVersion)
	opts.Etcd.StorageConfig.Transport.TracerProvider = c.TracerProvider
	storage, err := factory.Complete(opts.Etcd).New()
	if err != nil {
		return nil, err
	}
	storage.StorageConfig.StorageObjectCountTracker = c.StorageObjectCountTracker
	if err := opts.Etcd.ApplyWithStorageFactoryTo(storage, c); err != nil {
		return nil, err
	}
	if err := opts.Authentication.ApplyTo(
		ctx, &c.Authentication, c.SecureServing, nil, c.OpenAPIConfig, c.OpenAPIV3Config, client, shared, c.APIServerID,
	); err != nil {
		return nil, err
	}
	c.Authorization.Authorizer, c.RuleResolver, _, err = controlplaneapiserver.BuildAuthorizer(
		ctx, opts.CompletedOptions, nil, c.APIServerID, shared,
	)
	return storage, err
}

// dialLoopback connects to this machine alone, for webhooks and API services that run here. Other addresses of a
// cluster are simulated, and may belong to real machines.
func dialLoopback(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("%s is an address of the simulated cluster: nothing runs there", address)
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}
