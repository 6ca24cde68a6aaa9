//go:build !js

package registry

import (
	"k8s.io/apiserver/pkg/registry/generic"
	genericapiserver "k8s.io/apiserver/pkg/server"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	componentstatusstore "k8s.io/kubernetes/pkg/registry/core/componentstatus"
	corerest "k8s.io/kubernetes/pkg/registry/core/rest"
)

// generic returns the storages that upstream builds for every server, and of components, of which there are none.
func (g *coreGroup) generic(
	resources serverstorage.APIResourceConfigSource, getter generic.RESTOptionsGetter,
) (genericapiserver.APIGroupInfo, error) {
	config := corerest.GenericConfig{EventTTL: EventTTL, LoopbackClientConfig: g.Config, Informers: g.Informers}
	info, err := config.NewRESTStorage(resources, getter)
	if err == nil {
		info.VersionedResourcesStorageMap["v1"]["componentstatuses"] = componentstatusstore.NewStorage(noComponents)
	}
	return info, err
}

// noComponents returns the components whose health can be asked for: all live in this process.
func noComponents() map[string]componentstatusstore.Server { return nil }
