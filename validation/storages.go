package validation

import (
	"errors"
	"strings"
	"sync"

	serverstorage "k8s.io/apiserver/pkg/server/storage"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	restclient "k8s.io/client-go/rest"
	"k8s.io/kubernetes/pkg/api/legacyscheme"

	"github.com/seatrial/seatrial/internal/kubernetes/registry"
)

// kind is a kind that the server has a REST storage for.
type kind struct {
	gvk        schema.GroupVersionKind
	resource   string
	namespaced bool
	creater    rest.Creater // nil: the server does not allow to create it
	updater    rest.Updater // nil: the server does not allow to update it
	virtual    bool
	setting    string // of the API server without which it does not serve the kind; empty: it serves it
	scheme     *runtime.Scheme
	strict     runtime.Serializer
}

// group builds the storages of one API group when the first of its kinds is asked for.
type group struct {
	once  sync.Once
	build func() error
	kinds map[schema.GroupVersionKind]*kind
	err   error
}

// storages are the REST storages of the API server, by group.
type storages struct {
	groups     map[string]*group
	namespaces *namespaces
	served     *serverstorage.ResourceConfig
	gates      map[string]bool // feature gates that are on, of those that keep a kind from being served
}

// newStorages prepares the groups; nothing is built yet.
func newStorages() (*storages, error) {
	cfg := &restclient.Config{Host: "http://none.invalid", Transport: noNetwork{}}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return nil, err
	}
	inf := informers.NewSharedInformerFactory(client, 0)
	authz := authorizerfactory.NewAlwaysAllowAuthorizer()
	allocators, err := registry.NewPermissiveAllocators()
	if err != nil {
		return nil, err
	}
	s := &storages{groups: map[string]*group{}, namespaces: &namespaces{}, served: servedByDefault()}
	options := registry.Options{
		Config: cfg, Client: offlineClient{client, s.namespaces}, Informers: inf, Allocators: allocators, Gated: true,
		Authenticator: registry.Anonymous{}, Authorizer: authz, RuleResolver: authz,
	}
	for _, p := range registry.Groups(&options) {
		s.add(p, legacyscheme.Scheme)
	}
	for _, p := range registry.Extensions() {
		s.add(p, registry.ExtensionScheme)
	}
	return s, nil
}

func (s *storages) add(p registry.Provider, scheme *runtime.Scheme) {
	g := &group{kinds: map[schema.GroupVersionKind]*kind{}}
	g.build = func() error {
		info, err := p.NewRESTStorage(registry.AllResources{}, storageGetter{})
		if err != nil {
			return err
		}
		return g.fill(s, p.GroupName(), info, scheme)
	}
	s.groups[p.GroupName()] = g
}

// lookup finds a kind; nil when the server has none of that name.
func (s *storages) lookup(gvk schema.GroupVersionKind) (*kind, error) {
	g := s.groups[gvk.Group]
	if g == nil {
		return nil, nil
	}
	g.once.Do(func() { g.err = g.build() })
	return g.kinds[gvk], g.err
}

// all lists every kind of every group.
func (s *storages) all() (kinds []*kind, err error) {
	for _, g := range s.groups {
		g.once.Do(func() { g.err = g.build() })
		err = errors.Join(err, g.err)
		for _, k := range g.kinds {
			kinds = append(kinds, k)
		}
	}
	return kinds, err
}

// fill notes the kinds of a group. Subresources are not kinds of their own.
func (g *group) fill(s *storages, name string, info genericapiserver.APIGroupInfo, scheme *runtime.Scheme) error {
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
			k.updater, _ = store.(rest.Updater)
			if scoper, ok := store.(rest.Scoper); ok {
				k.namespaced = scoper.NamespaceScoped()
			}
			_, readable := store.(rest.Getter)
			k.virtual = !readable
			if scheme == legacyscheme.Scheme && !alwaysServed[name] {
				k.setting = s.setting(gv.WithResource(resource))
			}
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
