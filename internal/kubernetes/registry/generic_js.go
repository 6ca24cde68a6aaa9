package registry

import (
	"errors"

	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	configmapstore "k8s.io/kubernetes/pkg/registry/core/configmap/storage"
	eventstore "k8s.io/kubernetes/pkg/registry/core/event/storage"
	namespacestore "k8s.io/kubernetes/pkg/registry/core/namespace/storage"
	quotastore "k8s.io/kubernetes/pkg/registry/core/resourcequota/storage"
	secretstore "k8s.io/kubernetes/pkg/registry/core/secret/storage"
	accountstore "k8s.io/kubernetes/pkg/registry/core/serviceaccount/storage"
)

// generic returns the storages that upstream's generic configuration builds on other systems: its package reaches for
// sockets, which a browser does not have.
func (g *coreGroup) generic(
	_ serverstorage.APIResourceConfigSource, getter generic.RESTOptionsGetter,
) (genericapiserver.APIGroupInfo, error) {
	info := genericapiserver.NewDefaultAPIGroupInfo(
		"", legacyscheme.Scheme, legacyscheme.ParameterCodec, legacyscheme.Codecs,
	)
	var errs []error
	check := func(err error) { errs = append(errs, err) }
	events, err := eventstore.NewREST(getter, uint64(EventTTL.Seconds()))
	check(err)
	quotas, quotaStatus, err := quotastore.NewREST(getter)
	check(err)
	secrets, err := secretstore.NewREST(getter)
	check(err)
	configMaps, err := configmapstore.NewREST(getter)
	check(err)
	namespaces, namespaceStatus, finalize, err := namespacestore.NewREST(getter)
	check(err)
	accounts, err := accountstore.NewREST(
		getter, nil, nil, authorizerfactory.NewAlwaysDenyAuthorizer(), 0, nil, nil, nil, nil, nil, false, 0,
	)
	check(err)
	info.VersionedResourcesStorageMap["v1"] = map[string]rest.Storage{
		"configmaps": configMaps, "events": events, "namespaces": namespaces, "namespaces/finalize": finalize,
		"namespaces/status": namespaceStatus, "resourcequotas": quotas, "resourcequotas/status": quotaStatus,
		"secrets": secrets, "serviceaccounts": accounts,
	}
	return info, errors.Join(errs...)
}
