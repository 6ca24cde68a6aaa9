package cluster

import (
	"context"
	"net"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	"k8s.io/client-go/kubernetes"
	api "k8s.io/kubernetes/pkg/apis/core"
	kubeletclient "k8s.io/kubernetes/pkg/kubelet/client"
	componentstatusstore "k8s.io/kubernetes/pkg/registry/core/componentstatus"
	endpointsstore "k8s.io/kubernetes/pkg/registry/core/endpoint/storage"
	limitrangestore "k8s.io/kubernetes/pkg/registry/core/limitrange/storage"
	nodestore "k8s.io/kubernetes/pkg/registry/core/node/storage"
	pvstore "k8s.io/kubernetes/pkg/registry/core/persistentvolume/storage"
	pvcstore "k8s.io/kubernetes/pkg/registry/core/persistentvolumeclaim/storage"
	podstore "k8s.io/kubernetes/pkg/registry/core/pod/storage"
	podtemplatestore "k8s.io/kubernetes/pkg/registry/core/podtemplate/storage"
	rcstore "k8s.io/kubernetes/pkg/registry/core/replicationcontroller/storage"
	corerest "k8s.io/kubernetes/pkg/registry/core/rest"
	"k8s.io/kubernetes/pkg/registry/core/service/ipallocator"
	"k8s.io/kubernetes/pkg/registry/core/service/portallocator"
	servicestore "k8s.io/kubernetes/pkg/registry/core/service/storage"
)

// serviceRange and nodePorts are what Services draw from.
var (
	serviceRange = &net.IPNet{IP: net.IPv4(10, 96, 0, 0).To4(), Mask: net.CIDRMask(16, 32)}
	nodePorts    = utilnet.PortRange{Base: 30000, Size: 2768}
)

// serviceAddresses hands out the addresses and ports of Services. Upstream keeps its books in
// etcd by a way of its own; here they are in memory, and drawn up from the Services after a load.
type serviceAddresses struct {
	ips   *ipallocator.Range
	ports *portallocator.PortAllocator
}

func newServiceAddresses() (*serviceAddresses, error) {
	ips, err := ipallocator.NewInMemory(serviceRange)
	if err != nil {
		return nil, err
	}
	ports, err := portallocator.NewInMemory(nodePorts)
	if err != nil {
		return nil, err
	}
	return &serviceAddresses{ips: ips, ports: ports}, nil
}

// recover takes what existing Services have out of the pool, and says whether that of the API server is among them.
func (a *serviceAddresses) recover(ctx context.Context, client kubernetes.Interface) (apiServer bool, err error) {
	services, err := client.CoreV1().Services("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return false, err
	}
	for _, s := range services.Items {
		apiServer = apiServer || s.Namespace == metav1.NamespaceDefault && s.Name == apiService
		for _, ip := range s.Spec.ClusterIPs {
			if parsed := net.ParseIP(ip); parsed != nil {
				_ = a.ips.Allocate(parsed) // one that is out of range or taken was accepted in its day
			}
		}
		for _, p := range s.Spec.Ports {
			if p.NodePort != 0 {
				_ = a.ports.Allocate(int(p.NodePort))
			}
		}
	}
	return apiServer, nil
}

// coreGroup is the API group without a name.
type coreGroup struct{ server *apiServer }

func (g *coreGroup) GroupName() string { return "" }

func (g *coreGroup) NewRESTStorage(resources serverstorage.APIResourceConfigSource, getter generic.RESTOptionsGetter) (genericapiserver.APIGroupInfo, error) {
	s := g.server
	config := corerest.GenericConfig{EventTTL: eventTTL, LoopbackClientConfig: s.config, Informers: s.informers}
	info, err := config.NewRESTStorage(resources, getter)
	if err != nil {
		return info, err
	}
	return info, g.addStorages(info.VersionedResourcesStorageMap["v1"], getter)
}

func (g *coreGroup) addStorages(storages map[string]rest.Storage, getter generic.RESTOptionsGetter) error {
	s := g.server
	var failed error
	check := func(err error) {
		if failed == nil {
			failed = err
		}
	}
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
	nodes, err := nodestore.NewStorage(getter, kubeletclient.KubeletClientConfig{Port: 10250, PreferredAddressTypes: []string{"InternalIP"}}, http.DefaultTransport)
	check(err)
	if failed != nil {
		return failed
	}
	pods, err := podstore.NewStorage(getter, nodes.KubeletConnectionInfo, http.DefaultTransport, s.client.PolicyV1(), s.generic.Authorization.Authorizer)
	check(err)
	s.services, err = newServiceAddresses()
	check(err)
	if failed != nil {
		return failed
	}
	families := map[api.IPFamily]ipallocator.Interface{api.IPv4Protocol: s.services.ips}
	services, serviceStatus, _, err := servicestore.NewREST(getter, api.IPv4Protocol, families, s.services.ports, nil, pods.Pod, http.DefaultTransport)
	check(err)
	for name, storage := range map[string]rest.Storage{
		"bindings":                      pods.LegacyBinding,
		"componentstatuses":             componentstatusstore.NewStorage(noComponents),
		"endpoints":                     endpoints,
		"limitranges":                   limits,
		"nodes":                         nodes.Node,
		"nodes/status":                  nodes.Status,
		"persistentvolumeclaims":        claims,
		"persistentvolumeclaims/status": claimStatus,
		"persistentvolumes":             volumes,
		"persistentvolumes/status":      volumeStatus,
		"pods":                          pods.Pod,
		"pods/attach":                   noContainers{},
		"pods/binding":                  pods.Binding,
		"pods/ephemeralcontainers":      pods.EphemeralContainers,
		"pods/eviction":                 pods.Eviction,
		"pods/exec":                     noContainers{},
		"pods/log":                      noContainers{},
		"pods/portforward":              noContainers{},
		"pods/resize":                   pods.Resize,
		"pods/status":                   pods.Status,
		"podtemplates":                  templates,
		"replicationcontrollers":        controllers.Controller,
		"replicationcontrollers/scale":  controllers.Scale,
		"replicationcontrollers/status": controllers.Status,
		"services":                      services,
		"services/status":               serviceStatus,
	} {
		storages[name] = storage
	}
	return failed
}

// noComponents are the components that can be asked how they are: all live in this process.
func noComponents() map[string]componentstatusstore.Server { return nil }
