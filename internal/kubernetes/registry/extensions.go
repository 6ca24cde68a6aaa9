package registry

import (
	apiextensionsinstall "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/registry/customresourcedefinition"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	apiregistrationinstall "k8s.io/kube-aggregator/pkg/apis/apiregistration/install"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	apiservicestore "k8s.io/kube-aggregator/pkg/registry/apiservice/etcd"
)

// ExtensionScheme holds the kinds that the API server serves beside the built-in ones: those of the
// server of custom resources and of the aggregator.
var ExtensionScheme = func() *runtime.Scheme {
	s := runtime.NewScheme()
	apiextensionsinstall.Install(s)
	apiregistrationinstall.Install(s)
	return s
}()

// Extensions returns the providers of the groups whose kinds are in ExtensionScheme. The cluster does not use
// them: it runs the server of custom resources itself.
func Extensions() []Provider {
	return []Provider{
		single{apiextensionsv1.GroupName, "customresourcedefinitions",
			func(get generic.RESTOptionsGetter) (rest.Storage, error) {
				return customresourcedefinition.NewREST(ExtensionScheme, get)
			}},
		single{apiregistrationv1.GroupName, "apiservices", func(get generic.RESTOptionsGetter) (rest.Storage, error) {
			return apiservicestore.NewREST(ExtensionScheme, get), nil
		}},
	}
}

// single is a group with one resource, in version v1.
type single struct {
	group, resource string
	build           func(generic.RESTOptionsGetter) (rest.Storage, error)
}

func (s single) GroupName() string { return s.group }

func (s single) NewRESTStorage(
	_ serverstorage.APIResourceConfigSource, get generic.RESTOptionsGetter,
) (genericapiserver.APIGroupInfo, error) {
	storage, err := s.build(get)
	return genericapiserver.APIGroupInfo{
		VersionedResourcesStorageMap: map[string]map[string]rest.Storage{"v1": {s.resource: storage}},
	}, err
}
