package apiserver

import (
	"fmt"
	"strings"
	"time"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/endpoints"
	"k8s.io/apiserver/pkg/endpoints/discovery"
	"k8s.io/apiserver/pkg/endpoints/discovery/aggregated"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	aggregatorscheme "k8s.io/kube-aggregator/pkg/apiserver/scheme"
	apiservicerest "k8s.io/kube-aggregator/pkg/registry/apiservice/rest"
	openapiutil "k8s.io/kube-openapi/pkg/util"
	"k8s.io/kubernetes/pkg/api/legacyscheme"

	"github.com/seatrial/seatrial/internal/cluster/inprocess"
	"github.com/seatrial/seatrial/internal/kubernetes/registry"
)

// groups returns the built-in API groups in the order in which clients prefer them.
func (s *Server) groups() []registry.Provider {
	return append(registry.Groups(&registry.Options{
		Config:        s.Config,
		Client:        s.Client,
		Informers:     s.Informers,
		Authenticator: s.generic.Authentication.Authenticator,
		Authorizer:    s.generic.Authorization.Authorizer,
		RuleResolver:  s.generic.RuleResolver,
		Allocators:    s.services,
		Processes: map[string]rest.Storage{
			"attach": unsupportedSubresource{}, "portforward": unsupportedSubresource{},
			"exec": commandREST{s.options.Containers}, "log": logREST{s.options.Containers},
		},
	}), aggregation{s})
}

// aggregation is the group of the aggregator. Its objects are stored, and nothing is proxied.
type aggregation struct{ server *Server }

func (aggregation) GroupName() string { return apiregistrationv1.GroupName }

func (a aggregation) NewRESTStorage(
	serverstorage.APIResourceConfigSource, generic.RESTOptionsGetter,
) (genericapiserver.APIGroupInfo, error) {
	resources := serverstorage.NewResourceConfig()
	resources.EnableVersions(apiregistrationv1.SchemeGroupVersion)
	codec := aggregatorscheme.Codecs.LegacyCodec(apiregistrationv1.SchemeGroupVersion)
	return apiservicerest.NewRESTStorage(resources, a.server.codecGetter(codec), false), nil
}

// install serves the groups. Upstream's InstallAPIGroups builds the schemas of all groups for managed fields, and all
// routes, which takes longer than the rest of the start; here a group builds its schema at the first write, and a
// resource its routes at the first request.
func (s *Server) install() error {
	known, err := discovered()
	if err != nil {
		return err
	}
	for _, provider := range s.groups() {
		info, err := provider.NewRESTStorage(s.resources, s.generic.RESTOptionsGetter)
		if err != nil {
			return fmt.Errorf("API group %q: %w", provider.GroupName(), err)
		}
		if len(info.VersionedResourcesStorageMap) == 0 {
			continue
		}
		if info.Scheme == legacyscheme.Scheme {
			info.NegotiatedSerializer = inprocess.RefCodecs()
			s.Statuses.Add(&info)
		}
		if err := s.installGroup(&info, known); err != nil {
			return fmt.Errorf("API group %q: %w", provider.GroupName(), err)
		}
	}
	return nil
}

func (s *Server) installGroup(
	info *genericapiserver.APIGroupInfo, known map[string][]apidiscoveryv2.APIResourceDiscovery,
) error {
	name := info.PrioritizedVersions[0].Group
	root, manager := "/apis", s.built.AggregatedDiscoveryGroupManager
	if name == "" {
		root, manager = "/api", s.built.AggregatedLegacyDiscoveryGroupManager
	}
	types, err := s.registerKinds(info)
	if err != nil {
		return err
	}
	schemas := s.typeConverter(types)
	group := metav1.APIGroup{Name: name}
	for _, gv := range info.PrioritizedVersions {
		if len(info.VersionedResourcesStorageMap[gv.Version]) == 0 {
			continue
		}
		v := s.groupVersion(info, gv.Version, root)
		v.TypeConverter = schemas
		s.routes.add(v)
		manager.AddGroupVersion(name, apidiscoveryv2.APIVersionDiscovery{
			Freshness: apidiscoveryv2.DiscoveryFreshnessCurrent,
			Version:   gv.Version,
			Resources: known[gv.String()],
		})
		group.Versions = append(
			group.Versions, metav1.GroupVersionForDiscovery{GroupVersion: gv.String(), Version: gv.Version},
		)
	}
	if name == "" {
		legacy := discovery.NewLegacyRootAPIHandler(s.generic.DiscoveryAddresses, s.built.Serializer, root)
		h := aggregated.WrapAggregatedDiscoveryToHandler(legacy, manager, manager)
		s.routes.describe(root, h, h.GenerateWebService(root, metav1.APIVersions{}))
		return nil
	}
	group.PreferredVersion = group.Versions[0]
	s.built.DiscoveryGroupManager.AddGroup(group)
	h := discovery.NewAPIGroupHandler(s.built.Serializer, group)
	s.routes.describe(root+"/"+name, h, h.WebService())
	return nil
}

func (s *Server) groupVersion(
	info *genericapiserver.APIGroupInfo, version, root string,
) *endpoints.APIGroupVersion {
	gv := info.PrioritizedVersions[0].Group
	served := map[string][]string{}
	for v, resources := range info.VersionedResourcesStorageMap {
		name := v
		if gv != "" {
			name = gv + "/" + v
		}
		for resource := range resources {
			served[resource] = append(served[resource], name)
		}
	}
	storages := map[string]rest.Storage{}
	for resource, storage := range info.VersionedResourcesStorageMap[version] {
		storages[resource] = storage
	}
	v := &endpoints.APIGroupVersion{
		Root:                        root,
		Storage:                     storages,
		AllServedVersionsByResource: served,
		MetaGroupVersion:            info.MetaGroupVersion,
		OptionsExternalVersion:      info.OptionsExternalVersion,
		ParameterCodec:              info.ParameterCodec,
		Serializer:                  info.NegotiatedSerializer,
		Creater:                     info.Scheme,
		Convertor:                   info.Scheme,
		ConvertabilityChecker:       info.Scheme,
		UnsafeConvertor:             runtime.UnsafeObjectConvertor(info.Scheme),
		Defaulter:                   info.Scheme,
		Typer:                       info.Scheme,
		Namer:                       runtime.Namer(meta.NewAccessor()),
		EquivalentResourceRegistry:  s.built.EquivalentResourceRegistry,
		Admit:                       s.generic.AdmissionControl,
		Authorizer:                  s.generic.Authorization.Authorizer,
		MinRequestTimeout:           time.Duration(s.generic.MinRequestTimeout) * time.Second,
		MaxRequestBodyBytes:         s.generic.MaxRequestBodyBytes,
	}
	v.GroupVersion.Group, v.GroupVersion.Version = gv, version
	return v
}

// registerKinds registers the kinds of the resources of a group, from which policies derive equivalent resources;
// upstream's routes do so when they are installed. It returns the names of the kinds in OpenAPI.
func (s *Server) registerKinds(info *genericapiserver.APIGroupInfo) (types []string, err error) {
	for _, gv := range info.PrioritizedVersions {
		for path, storage := range info.VersionedResourcesStorageMap[gv.Version] {
			kind, err := endpoints.GetResourceKind(gv, storage, info.Scheme)
			if err != nil {
				return nil, err
			}
			resource, subresource, _ := strings.Cut(path, "/")
			s.built.EquivalentResourceRegistry.RegisterKindFor(gv.WithResource(resource), subresource, kind)
			obj, err := info.Scheme.New(kind)
			if err != nil {
				return nil, err
			}
			types = append(types, openapiutil.GetCanonicalTypeName(obj))
		}
	}
	return types, nil
}
