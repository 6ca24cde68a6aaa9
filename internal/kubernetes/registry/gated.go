package registry

import (
	"k8s.io/api/lifecycle/v1alpha1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	"k8s.io/kubernetes/pkg/apis/lifecycle"
	evictionstore "k8s.io/kubernetes/pkg/registry/lifecycle/eviction/storage"
	evictionrequeststore "k8s.io/kubernetes/pkg/registry/lifecycle/evictionrequest/storage"
	compositepodgroupstore "k8s.io/kubernetes/pkg/registry/scheduling/compositepodgroup/storage"
	podgroupstore "k8s.io/kubernetes/pkg/registry/scheduling/podgroup/storage"
	schedulingrest "k8s.io/kubernetes/pkg/registry/scheduling/rest"
	workloadstore "k8s.io/kubernetes/pkg/registry/scheduling/workload/storage"
	"k8s.io/utils/clock"
)

// The kinds below are behind feature gates that are off by default. A gate belongs to the process and would
// change the validation of other kinds, so their storages are built here, without it.

// gatedScheduling adds Workload, PodGroup and CompositePodGroup to the scheduling group.
type gatedScheduling struct {
	schedulingrest.RESTStorageProvider
}

func (g gatedScheduling) NewRESTStorage(
	_ serverstorage.APIResourceConfigSource, get generic.RESTOptionsGetter,
) (genericapiserver.APIGroupInfo, error) {
	info, err := g.RESTStorageProvider.NewRESTStorage(onlyVersion(schedulingv1.SchemeGroupVersion), get)
	if err != nil {
		return info, err
	}
	workloads, err := workloadstore.NewREST(get)
	if err != nil {
		return info, err
	}
	groups, _, err := podgroupstore.NewREST(get)
	if err != nil {
		return info, err
	}
	composites, _, err := compositepodgroupstore.NewREST(get)
	if err != nil {
		return info, err
	}
	info.VersionedResourcesStorageMap["v1beta1"] = map[string]rest.Storage{"workloads": workloads, "podgroups": groups}
	info.VersionedResourcesStorageMap["v1alpha3"] = map[string]rest.Storage{
		"workloads": workloads, "podgroups": groups, "compositepodgroups": composites,
	}
	return info, nil
}

// onlyVersion enables the resources of one API version.
type onlyVersion schema.GroupVersion

func (v onlyVersion) ResourceEnabled(r schema.GroupVersionResource) bool {
	return r.GroupVersion() == schema.GroupVersion(v)
}

func (v onlyVersion) ResourceExplicitlyEnabled(r schema.GroupVersionResource) bool {
	return v.ResourceEnabled(r)
}

func (v onlyVersion) VersionExplicitlyEnabled(gv schema.GroupVersion) bool {
	return gv == schema.GroupVersion(v)
}

func (v onlyVersion) AnyResourceForGroupEnabled(group string) bool { return group == v.Group }

// lifecycleGroup is the group of evictions.
type lifecycleGroup struct{}

func (lifecycleGroup) GroupName() string { return lifecycle.GroupName }

func (lifecycleGroup) NewRESTStorage(
	_ serverstorage.APIResourceConfigSource, get generic.RESTOptionsGetter,
) (genericapiserver.APIGroupInfo, error) {
	evictions, _, err := evictionstore.NewREST(get, clock.RealClock{})
	if err != nil {
		return genericapiserver.APIGroupInfo{}, err
	}
	requests, _, err := evictionrequeststore.NewREST(get)
	if err != nil {
		return genericapiserver.APIGroupInfo{}, err
	}
	return genericapiserver.APIGroupInfo{VersionedResourcesStorageMap: map[string]map[string]rest.Storage{
		v1alpha1.SchemeGroupVersion.Version: {"evictions": evictions, "evictionrequests": requests},
	}}, nil
}
