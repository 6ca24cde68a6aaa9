package apiserver

import (
	"encoding/json"
	"net/http"
	"strings"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/informers"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"github.com/seatrial/seatrial/internal/cluster/kubelet"
)

// metricsAPI serves the API of the metrics server, which kubectl top reads, from the usage of simulated containers.
type metricsAPI struct {
	pods  listers.PodLister
	nodes listers.NodeLister
}

// ServeMetrics adds the API group of metrics to an API server.
func ServeMetrics(built *genericapiserver.GenericAPIServer, informers informers.SharedInformerFactory) {
	core := informers.Core().V1()
	u := &metricsAPI{pods: core.Pods().Lister(), nodes: core.Nodes().Lister()}
	gv := v1beta1.SchemeGroupVersion
	verbs := metav1.Verbs{"get", "list"}
	resources := metav1.APIResourceList{
		TypeMeta:     metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"},
		GroupVersion: gv.String(),
		APIResources: []metav1.APIResource{
			{Name: "nodes", Kind: "NodeMetrics", Verbs: verbs},
			{Name: "pods", Kind: "PodMetrics", Namespaced: true, Verbs: verbs},
		},
	}
	built.AggregatedDiscoveryGroupManager.AddGroupVersion(gv.Group, apidiscoveryv2.APIVersionDiscovery{
		Freshness: apidiscoveryv2.DiscoveryFreshnessCurrent,
		Version:   gv.Version,
		Resources: []apidiscoveryv2.APIResourceDiscovery{
			{
				Resource: "nodes", Scope: apidiscoveryv2.ScopeCluster, Verbs: verbs,
				ResponseKind: &metav1.GroupVersionKind{Kind: "NodeMetrics"},
			},
			{
				Resource: "pods", Scope: apidiscoveryv2.ScopeNamespace, Verbs: verbs,
				ResponseKind: &metav1.GroupVersionKind{Kind: "PodMetrics"},
			},
		},
	})
	version := metav1.GroupVersionForDiscovery{GroupVersion: gv.String(), Version: gv.Version}
	group := metav1.APIGroup{
		TypeMeta: metav1.TypeMeta{Kind: "APIGroup", APIVersion: "v1"}, Name: gv.Group,
		Versions: []metav1.GroupVersionForDiscovery{version}, PreferredVersion: version,
	}
	built.DiscoveryGroupManager.AddGroup(group)
	mux := built.Handler.NonGoRestfulMux
	mux.HandleFunc("/apis/"+gv.Group, func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, group) })
	mux.HandleFunc("/apis/"+gv.String(), func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, resources) })
	mux.UnlistedHandlePrefix("/apis/"+gv.String()+"/", u)
}

// ServeHTTP serves nodes, nodes/NAME, pods, namespaces/NAMESPACE/pods and namespaces/NAMESPACE/pods/NAME.
func (u *metricsAPI) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	path := strings.Split(strings.TrimPrefix(req.URL.Path, "/apis/"+v1beta1.SchemeGroupVersion.String()+"/"), "/")
	selector, err := labels.Parse(req.URL.Query().Get("labelSelector"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	namespace := ""
	if path[0] == "namespaces" && len(path) > 2 {
		namespace, path = path[1], path[2:]
	}
	name := ""
	if len(path) > 1 {
		name = path[1]
	}
	var answer any
	switch path[0] {
	case "nodes":
		answer, err = u.ofNodes(name, selector)
	case "pods":
		answer, err = u.ofPods(namespace, name, selector)
	default:
		http.NotFound(w, req)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if answer == nil {
		http.NotFound(w, req)
		return
	}
	writeJSON(w, answer)
}

func writeJSON(w http.ResponseWriter, answer any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // the client has gone if this fails
}

func (u *metricsAPI) ofNodes(name string, selector labels.Selector) (any, error) {
	nodes, err := u.nodes.List(selector)
	if err != nil {
		return nil, err
	}
	pods, err := u.pods.List(labels.Everything())
	if err != nil {
		return nil, err
	}
	list := &v1beta1.NodeMetricsList{TypeMeta: kindOf("NodeMetricsList"), Items: []v1beta1.NodeMetrics{}}
	for _, n := range nodes {
		m := v1beta1.NodeMetrics{
			TypeMeta:   kindOf("NodeMetrics"),
			ObjectMeta: metav1.ObjectMeta{Name: n.Name, Labels: n.Labels},
			Timestamp:  metav1.Now(),
			Window:     metav1.Duration{Duration: kubelet.UsageWindow},
			Usage:      use(pods, n.Name),
		}
		if n.Name == name {
			return &m, nil
		}
		list.Items = append(list.Items, m)
	}
	if name != "" {
		return nil, nil
	}
	return list, nil
}

func (u *metricsAPI) ofPods(namespace, name string, selector labels.Selector) (any, error) {
	pods, err := u.pods.Pods(namespace).List(selector)
	if err != nil {
		return nil, err
	}
	list := &v1beta1.PodMetricsList{TypeMeta: kindOf("PodMetricsList"), Items: []v1beta1.PodMetrics{}}
	for _, p := range pods {
		if p.Status.Phase != corev1.PodRunning {
			continue
		}
		m := podMetrics(p)
		if p.Name == name {
			return &m, nil
		}
		list.Items = append(list.Items, m)
	}
	if name != "" {
		return nil, nil
	}
	return list, nil
}

// podMetrics returns the usage of the containers of a pod.
func podMetrics(p *corev1.Pod) v1beta1.PodMetrics {
	m := v1beta1.PodMetrics{
		TypeMeta:   kindOf("PodMetrics"),
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: p.Name, Labels: p.Labels},
		Timestamp:  metav1.Now(),
		Window:     metav1.Duration{Duration: kubelet.UsageWindow},
	}
	for i := range p.Spec.Containers {
		c := &p.Spec.Containers[i]
		m.Containers = append(m.Containers, v1beta1.ContainerMetrics{Name: c.Name, Usage: corev1.ResourceList{
			corev1.ResourceCPU: *resource.NewMilliQuantity(
				kubelet.Usage(p, c, corev1.ResourceCPU), resource.DecimalSI,
			),
			corev1.ResourceMemory: *resource.NewQuantity(kubelet.Usage(p, c, corev1.ResourceMemory), resource.BinarySI),
		}})
	}
	return m
}

// use returns the usage of the pods that run on a node.
func use(pods []*corev1.Pod, node string) corev1.ResourceList {
	var cpu, memory int64
	for _, p := range pods {
		if p.Spec.NodeName == node && p.Status.Phase == corev1.PodRunning {
			cpu += kubelet.PodUsage(p, corev1.ResourceCPU)
			memory += kubelet.PodUsage(p, corev1.ResourceMemory)
		}
	}
	return corev1.ResourceList{
		corev1.ResourceCPU:    *resource.NewMilliQuantity(cpu, resource.DecimalSI),
		corev1.ResourceMemory: *resource.NewQuantity(memory, resource.BinarySI),
	}
}

func kindOf(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: v1beta1.SchemeGroupVersion.String(), Kind: kind}
}
