package registry

import (
	"errors"
	"maps"
	"net/http"

	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	api "k8s.io/kubernetes/pkg/apis/core"
	kubeletclient "k8s.io/kubernetes/pkg/kubelet/client"
	endpointsstore "k8s.io/kubernetes/pkg/registry/core/endpoint/storage"
	limitrangestore "k8s.io/kubernetes/pkg/registry/core/limitrange/storage"
	nodestore "k8s.io/kubernetes/pkg/registry/core/node/storage"
	pvstore "k8s.io/kubernetes/pkg/registry/core/persistentvolume/storage"
	pvcstore "k8s.io/kubernetes/pkg/registry/core/persistentvolumeclaim/storage"
	podstore "k8s.io/kubernetes/pkg/registry/core/pod/storage"
	podtemplatestore "k8s.io/kubernetes/pkg/registry/core/podtemplate/storage"
	rcstore "k8s.io/kubernetes/pkg/registry/core/replicationcontroller/storage"
	servicestore "k8s.io/kubernetes/pkg/registry/core/service/storage"
)

// coreGroup is the API group without a name. Upstream's own provider needs etcd for the addresses and ports
// of Services; this one takes allocators.
type coreGroup struct{ *Options }

func (g *coreGroup) GroupName() string { return "" }

func (g *coreGroup) NewRESTStorage(
	resources serverstorage.APIResourceConfigSource, getter generic.RESTOptionsGetter,
) (genericapiserver.APIGroupInfo, error) {
	info, err := g.generic(resources, getter)
	if err != nil {
		return info, err
	}
	storages, err := g.storages(getter)
	maps.Copy(info.VersionedResourcesStorageMap["v1"], storages)
	return info, err
}

// storages returns the storages that upstream's generic configuration does not build.
func (g *coreGroup) storages(getter generic.RESTOptionsGetter) (map[string]rest.Storage, error) {
	var errs []error
	check := func(err error) { errs = append(errs, err) }
	templates, err := podtemplatestore.NewREST(getter)
	check(err)
	limits, err := limitrangestore.NewREST(getter)
	check(err)
	volumes, volumeStatus, err := pvstore.NewREST(getter)
	check(err)
	claims, claimStatus, err := pvcstore.NewREST(getter)
	check(err)
	endpoints, err := endpointsstore.NewREST(getter)
	check(err)
	controllers, err := rcstore.NewStorage(getter)
	check(err)
	kubelets := kubeletclient.KubeletClientConfig{Port: 10250, PreferredAddressTypes: []string{"InternalIP"}}
	nodes, err := nodestore.NewStorage(getter, kubelets, http.DefaultTransport)
	check(err)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	pods, err := podstore.NewStorage(
		getter, nodes.KubeletConnectionInfo, http.DefaultTransport, g.Client.PolicyV1(), g.Authorizer)
	if err != nil {
		return nil, err
	}
	services, serviceStatus, _, err := servicestore.NewREST(
		getter, api.IPv4Protocol, g.Allocators.families(), g.Allocators.Ports, nil, pods.Pod, http.DefaultTransport)
	if err != nil {
		return nil, err
	}
	storages := map[string]rest.Storage{
		"bindings":                      pods.LegacyBinding,
		"endpoints":                     endpoints,
		"limitranges":                   limits,
		"nodes":                         nodes.Node,
		"nodes/status":                  nodes.Status,
		"persistentvolumeclaims":        claims,
		"persistentvolumeclaims/status": claimStatus,
		"persistentvolumes":             volumes,
		"persistentvolumes/status":      volumeStatus,
		"pods":                          pods.Pod,
		"pods/binding":                  pods.Binding,
		"pods/ephemeralcontainers":      pods.EphemeralContainers,
		"pods/eviction":                 pods.Eviction,
		"pods/resize":                   pods.Resize,
		"pods/status":                   pods.Status,
		"podtemplates":                  templates,
		"replicationcontrollers":        controllers.Controller,
		"replicationcontrollers/scale":  controllers.Scale,
		"replicationcontrollers/status": controllers.Status,
		"services":                      services,
		"services/status":               serviceStatus,
	}
	for subresource, storage := range g.Processes {
		storages["pods/"+subresource] = storage
	}
	return storages, nil
}
