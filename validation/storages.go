package validation

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	apiextensionsinstall "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/registry/customresourcedefinition"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	policyclient "k8s.io/client-go/kubernetes/typed/policy/v1"
	restclient "k8s.io/client-go/rest"
	apiregistrationinstall "k8s.io/kube-aggregator/pkg/apis/apiregistration/install"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	apiservicestore "k8s.io/kube-aggregator/pkg/registry/apiservice/etcd"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	api "k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/lifecycle"
	"k8s.io/kubernetes/pkg/controlplane"
	controlplaneapiserver "k8s.io/kubernetes/pkg/controlplane/apiserver"
	kubeletclient "k8s.io/kubernetes/pkg/kubelet/client"
	admissionregistrationrest "k8s.io/kubernetes/pkg/registry/admissionregistration/rest"
	apiserverinternalrest "k8s.io/kubernetes/pkg/registry/apiserverinternal/rest"
	appsrest "k8s.io/kubernetes/pkg/registry/apps/rest"
	authenticationrest "k8s.io/kubernetes/pkg/registry/authentication/rest"
	authorizationrest "k8s.io/kubernetes/pkg/registry/authorization/rest"
	autoscalingrest "k8s.io/kubernetes/pkg/registry/autoscaling/rest"
	batchrest "k8s.io/kubernetes/pkg/registry/batch/rest"
	certificatesrest "k8s.io/kubernetes/pkg/registry/certificates/rest"
	coordinationrest "k8s.io/kubernetes/pkg/registry/coordination/rest"
	componentstatusstore "k8s.io/kubernetes/pkg/registry/core/componentstatus"
	endpointsstore "k8s.io/kubernetes/pkg/registry/core/endpoint/storage"
	limitrangestore "k8s.io/kubernetes/pkg/registry/core/limitrange/storage"
	nodestore "k8s.io/kubernetes/pkg/registry/core/node/storage"
	pvstore "k8s.io/kubernetes/pkg/registry/core/persistentvolume/storage"
	pvcstore "k8s.io/kubernetes/pkg/registry/core/persistentvolumeclaim/storage"
	podstore "k8s.io/kubernetes/pkg/registry/core/pod/storage"
	podtemplatestore "k8s.io/kubernetes/pkg/registry/core/podtemplate/storage"
	replicationcontrollerstore "k8s.io/kubernetes/pkg/registry/core/replicationcontroller/storage"
	corerest "k8s.io/kubernetes/pkg/registry/core/rest"
	"k8s.io/kubernetes/pkg/registry/core/service/ipallocator"
	"k8s.io/kubernetes/pkg/registry/core/service/portallocator"
	servicestore "k8s.io/kubernetes/pkg/registry/core/service/storage"
	discoveryrest "k8s.io/kubernetes/pkg/registry/discovery/rest"
	eventsrest "k8s.io/kubernetes/pkg/registry/events/rest"
	flowcontrolrest "k8s.io/kubernetes/pkg/registry/flowcontrol/rest"
	networkingrest "k8s.io/kubernetes/pkg/registry/networking/rest"
	noderest "k8s.io/kubernetes/pkg/registry/node/rest"
	policyrest "k8s.io/kubernetes/pkg/registry/policy/rest"
	rbacrest "k8s.io/kubernetes/pkg/registry/rbac/rest"
	resourcerest "k8s.io/kubernetes/pkg/registry/resource/rest"
	storagerest "k8s.io/kubernetes/pkg/registry/storage/rest"
	svmrest "k8s.io/kubernetes/pkg/registry/storagemigration/rest"
)

// kind is a kind that the server has a REST storage for.
type kind struct {
	gvk        schema.GroupVersionKind
	resource   string
	namespaced bool
	creater    rest.Creater // nil: the server does not allow to create it
	virtual    bool
	off        bool // not served unless --runtime-config asks for it
	scheme     *runtime.Scheme
	strict     runtime.Serializer
}

// group builds the storages of one API group when the first of its kinds is asked for.
type group struct {
	once  sync.Once
	build func() (genericapiserver.APIGroupInfo, error)
	kinds map[schema.GroupVersionKind]*kind
	err   error
}

// storages are the REST storages of the API server, by group.
type storages struct {
	groups map[string]*group
}

// everything enables all resources of all versions, alpha and beta too.
type everything struct{}

func (everything) ResourceEnabled(schema.GroupVersionResource) bool           { return true }
func (everything) ResourceExplicitlyEnabled(schema.GroupVersionResource) bool { return true }
func (everything) VersionExplicitlyEnabled(schema.GroupVersion) bool          { return true }
func (everything) AnyResourceForGroupEnabled(string) bool                     { return true }

// newStorages prepares the groups; nothing is built yet.
func newStorages() (*storages, error) {
	cfg := &restclient.Config{Host: "http://none.invalid"}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return nil, err
	}
	inf := informers.NewSharedInformerFactory(client, 0)
	authz := authorizerfactory.NewAlwaysAllowAuthorizer()
	s := &storages{groups: map[string]*group{}}
	for _, p := range []controlplaneapiserver.RESTStorageProvider{
		&coreProvider{GenericConfig: corerest.GenericConfig{EventTTL: time.Hour, LoopbackClientConfig: cfg, Informers: inf}, client: cfg, authorizer: authz},
		admissionregistrationrest.RESTStorageProvider{Authorizer: authz, DiscoveryClient: client.Discovery()},
		apiserverinternalrest.StorageProvider{}, appsrest.StorageProvider{},
		authenticationrest.RESTStorageProvider{Authenticator: nobody{}},
		authorizationrest.RESTStorageProvider{Authorizer: authz, RuleResolver: authz},
		autoscalingrest.RESTStorageProvider{}, batchrest.RESTStorageProvider{}, certificatesrest.RESTStorageProvider{Authorizer: authz},
		coordinationrest.RESTStorageProvider{}, discoveryrest.StorageProvider{}, eventsrest.RESTStorageProvider{TTL: time.Hour},
		flowcontrolrest.RESTStorageProvider{InformerFactory: inf}, networkingrest.RESTStorageProvider{}, noderest.RESTStorageProvider{},
		policyrest.RESTStorageProvider{}, rbacrest.RESTStorageProvider{Authorizer: authz},
		resourcerest.RESTStorageProvider{NamespaceClient: client.CoreV1().Namespaces(), Authorizer: authz},
		schedulingProvider{}, storagerest.RESTStorageProvider{}, svmrest.RESTStorageProvider{},
	} {
		s.add(p.GroupName(), legacyscheme.Scheme, func() (genericapiserver.APIGroupInfo, error) {
			return p.NewRESTStorage(everything{}, emptyGetter{})
		})
	}
	s.add(lifecycle.GroupName, legacyscheme.Scheme, func() (genericapiserver.APIGroupInfo, error) { return newLifecycle(emptyGetter{}) })
	s.add(apiextensionsv1.GroupName, extensionScheme, func() (genericapiserver.APIGroupInfo, error) {
		store, err := customresourcedefinition.NewREST(extensionScheme, emptyGetter{})
		return single("v1", "customresourcedefinitions", store), err
	})
	s.add(apiregistrationv1.GroupName, extensionScheme, func() (genericapiserver.APIGroupInfo, error) {
		store := apiservicestore.NewREST(extensionScheme, emptyGetter{})
		return single("v1", "apiservices", store), nil
	})
	return s, nil
}

// extensionScheme holds the kinds that the API server serves beside its own: those of the
// extension server and of the aggregator.
var extensionScheme = func() *runtime.Scheme {
	s := runtime.NewScheme()
	apiextensionsinstall.Install(s)
	apiregistrationinstall.Install(s)
	return s
}()

func single(version, resource string, s rest.Storage) genericapiserver.APIGroupInfo {
	return genericapiserver.APIGroupInfo{VersionedResourcesStorageMap: map[string]map[string]rest.Storage{version: {resource: s}}}
}

func (s *storages) add(name string, scheme *runtime.Scheme, build func() (genericapiserver.APIGroupInfo, error)) {
	g := &group{kinds: map[schema.GroupVersionKind]*kind{}}
	g.build = func() (genericapiserver.APIGroupInfo, error) {
		info, err := build()
		if err == nil {
			err = g.fill(name, info, scheme)
		}
		return info, err
	}
	s.groups[name] = g
}

// lookup finds a kind; nil when the server has none of that name.
func (s *storages) lookup(gvk schema.GroupVersionKind) (*kind, error) {
	g := s.groups[gvk.Group]
	if g == nil {
		return nil, nil
	}
	g.once.Do(func() { _, g.err = g.build() })
	return g.kinds[gvk], g.err
}

// all lists every kind of every group.
func (s *storages) all() (kinds []*kind, err error) {
	for _, g := range s.groups {
		g.once.Do(func() { _, g.err = g.build() })
		err = errors.Join(err, g.err)
		for _, k := range g.kinds {
			kinds = append(kinds, k)
		}
	}
	return kinds, err
}

// defaultAPIs tells what a server with default settings serves.
var defaultAPIs = sync.OnceValue(controlplane.DefaultAPIResourceConfigSource)

// fill notes the kinds of a group. Subresources are not kinds of their own.
func (g *group) fill(name string, info genericapiserver.APIGroupInfo, scheme *runtime.Scheme) error {
	strict := strictJSON(scheme)
	for version, resources := range info.VersionedResourcesStorageMap {
		gv := schema.GroupVersion{Group: name, Version: version}
		for resource, store := range resources {
			if strings.Contains(resource, "/") || store == nil {
				continue
			}
			gvk, err := kindOf(gv, store, scheme)
			if err != nil {
				return err
			}
			k := &kind{gvk: gvk, resource: resource, scheme: scheme, strict: strict}
			k.creater, _ = store.(rest.Creater)
			if scoper, ok := store.(rest.Scoper); ok {
				k.namespaced = scoper.NamespaceScoped()
			}
			_, readable := store.(rest.Getter)
			k.virtual = !readable
			k.off = scheme == legacyscheme.Scheme && !alwaysServed[name] && !defaultAPIs().ResourceEnabled(gv.WithResource(resource))
			g.kinds[gvk] = k
		}
	}
	return nil
}

// alwaysServed are the groups whose resources no setting switches off.
var alwaysServed = map[string]bool{"": true}

func kindOf(gv schema.GroupVersion, store rest.Storage, scheme *runtime.Scheme) (schema.GroupVersionKind, error) {
	if p, ok := store.(rest.GroupVersionKindProvider); ok {
		return gv.WithKind(p.GroupVersionKind(gv).Kind), nil
	}
	kinds, _, err := scheme.ObjectKinds(store.New())
	if err != nil {
		return schema.GroupVersionKind{}, err
	}
	return gv.WithKind(kinds[0].Kind), nil
}

// nobody authenticates no one: what a TokenReview of an unknown token is answered.
type nobody struct{}

func (nobody) AuthenticateRequest(*http.Request) (*authenticator.Response, bool, error) {
	return &authenticator.Response{User: &user.DefaultInfo{}}, false, nil
}

// coreProvider gives the core group with allocators that live in memory.
type coreProvider struct {
	corerest.GenericConfig
	client     *restclient.Config
	authorizer authorizer.Authorizer
}

func (p *coreProvider) GroupName() string { return "" }

func (p *coreProvider) NewRESTStorage(c serverstorage.APIResourceConfigSource, get generic.RESTOptionsGetter) (genericapiserver.APIGroupInfo, error) {
	info, err := p.GenericConfig.NewRESTStorage(c, get)
	if err != nil {
		return info, err
	}
	var errs []error
	note := func(err error) { errs = append(errs, err) }
	pdbs, err := policyclient.NewForConfig(p.client)
	note(err)
	templates, err := podtemplatestore.NewREST(get)
	note(err)
	limits, err := limitrangestore.NewREST(get)
	note(err)
	volumes, _, err := pvstore.NewREST(get)
	note(err)
	claims, _, err := pvcstore.NewREST(get)
	note(err)
	endpoints, err := endpointsstore.NewREST(get)
	note(err)
	nodes, err := nodestore.NewStorage(get, kubeletclient.KubeletClientConfig{Port: 10250, PreferredAddressTypes: []string{"InternalIP"}}, http.DefaultTransport)
	note(err)
	pods, err := podstore.NewStorage(get, nodes.KubeletConnectionInfo, http.DefaultTransport, pdbs, p.authorizer)
	note(err)
	controllers, err := replicationcontrollerstore.NewStorage(get)
	note(err)
	v4, err := addresses("10.96.0.0/16")
	note(err)
	v6, err := addresses("fd00:10:96::/112")
	note(err)
	ports, err := portallocator.NewInMemory(utilnet.PortRange{Base: 30000, Size: 2768})
	note(err)
	if err := errors.Join(errs...); err != nil {
		return info, err
	}
	services, _, _, err := servicestore.NewREST(get, api.IPv4Protocol, map[api.IPFamily]ipallocator.Interface{api.IPv4Protocol: anyAddress{v4}, api.IPv6Protocol: anyAddress{v6}}, ports, nil, pods.Pod, http.DefaultTransport)
	if err != nil {
		return info, err
	}
	for resource, s := range map[string]rest.Storage{
		"podtemplates": templates, "limitranges": limits, "persistentvolumes": volumes, "persistentvolumeclaims": claims, "endpoints": endpoints,
		"nodes": nodes.Node, "pods": pods.Pod, "bindings": pods.LegacyBinding, "replicationcontrollers": controllers.Controller, "services": services,
		"componentstatuses": componentstatusstore.NewStorage(nil),
	} {
		info.VersionedResourcesStorageMap["v1"][resource] = s
	}
	return info, nil
}

// anyAddress is an allocator that gives away every address that is asked for: which range the Services
// of a cluster live in is the business of that cluster.
type anyAddress struct{ ipallocator.Interface }

func (anyAddress) Allocate(net.IP) error { return nil }

func (a anyAddress) DryRun() ipallocator.Interface { return anyAddress{a.Interface.DryRun()} }

func addresses(cidr string) (ipallocator.Interface, error) {
	_, ipNet, err := net.ParseCIDR(cidr)
	if err != nil {
		return nil, err
	}
	return ipallocator.NewInMemory(ipNet)
}
