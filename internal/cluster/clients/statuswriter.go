package clients

import (
	"context"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/kubernetes"
	typedapps "k8s.io/client-go/kubernetes/typed/apps/v1"
	typedbatch "k8s.io/client-go/kubernetes/typed/batch/v1"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/core"
	conversions "k8s.io/kubernetes/pkg/apis/core/v1"

	"github.com/seatrial/seatrial/internal/cluster/inprocess"
	"github.com/seatrial/seatrial/internal/memstore"
)

// Nothing is written as often as the statuses of pods and workloads. The kubelets and controllers of a cluster in
// memory pass them to the registries of the API server, which validate and store them as usual. That saves the
// request, its response and their goroutine, and admission where no policy could object.

// StatusRegistries are the registries of an API server in memory that store statuses.
type StatusRegistries struct {
	transport *inprocess.Transport
	db        *memstore.DB
	byKind    map[schema.GroupVersionResource]rest.Updater
}

// NewStatusRegistries returns no registries yet, for the API server behind a transport.
func NewStatusRegistries(t *inprocess.Transport, db *memstore.DB) *StatusRegistries {
	return &StatusRegistries{t, db, map[schema.GroupVersionResource]rest.Updater{}}
}

// Add adds the status registries of a group.
func (r *StatusRegistries) Add(info *genericapiserver.APIGroupInfo) {
	for _, gv := range info.PrioritizedVersions {
		for name, storage := range info.VersionedResourcesStorageMap[gv.Version] {
			resource, ok := strings.CutSuffix(name, "/status")
			updater, updates := storage.(rest.Updater)
			if ok && updates {
				r.byKind[gv.WithResource(resource)] = updater
			}
		}
	}
}

// policyPrefixes are where the store keeps what may object to a status. The admission plugins that are on by default
// ignore the statuses of the kinds below.
var policyPrefixes = []string{"/validatingadmissionpolicybindings", "/mutatingadmissionpolicybindings"}

// eligible reports whether a status may be written without a request. One with managed fields may not: the handlers
// of requests keep those.
func (r *StatusRegistries) eligible(obj metav1.Object) bool {
	if len(obj.GetManagedFields()) > 0 {
		return false
	}
	for _, prefix := range policyPrefixes {
		if r.db.Holds(prefix) {
			return false
		}
	}
	return true
}

// update does what a request of the user agent to update the status would do, at the position of that request.
func (r *StatusRegistries) update(
	ctx context.Context, userAgent string, resource schema.GroupVersionResource, obj metav1.Object,
	status rest.UpdatedObjectInfo,
) (written runtime.Object, err error) {
	prefix, group := "apis", "/"+resource.Group
	if resource.Group == "" {
		prefix, group = "api", ""
	}
	namespace, name := obj.GetNamespace(), obj.GetName()
	path := "/" + prefix + group + "/" + resource.Version +
		"/namespaces/" + namespace + "/" + resource.Resource + "/" + name + "/status"
	err = r.transport.Do("PUT "+path+" "+userAgent, func() error {
		ctx := request.WithUser(request.WithNamespace(ctx, namespace), inprocess.Admin)
		ctx = request.WithRequestInfo(ctx, &request.RequestInfo{
			IsResourceRequest: true, Path: path, Verb: "update",
			APIPrefix: prefix, APIGroup: resource.Group, APIVersion: resource.Version,
			Namespace: namespace, Resource: resource.Resource, Subresource: "status", Name: name,
			Parts: []string{resource.Resource, name, "status"},
		})
		out, _, err := r.byKind[resource].Update(ctx, name, status, nil, nil, false, &metav1.UpdateOptions{})
		if err == nil {
			written, err = legacyscheme.Scheme.UnsafeConvertToVersion(out, resource.GroupVersion())
		}
		return err
	})
	return written, err
}

// WritingStatuses returns a client that writes the statuses of pods and workloads without requests if the API server
// is in memory.
func (s *Set) WritingStatuses(client kubernetes.Interface, userAgent string) kubernetes.Interface {
	if s.Statuses == nil {
		return client
	}
	return &statusClient{client, statusAgent{s.Statuses, userAgent}}
}

// statusAgent writes statuses for one user agent.
type statusAgent struct {
	registries *StatusRegistries
	userAgent  string
}

// statusClient and the clients that it returns are pointers, since some controllers compare them with nil.
type statusClient struct {
	kubernetes.Interface
	agent statusAgent
}

func (c *statusClient) AppsV1() typedapps.AppsV1Interface {
	return &statusApps{c.Interface.AppsV1(), c.agent}
}

func (c *statusClient) BatchV1() typedbatch.BatchV1Interface {
	return &statusBatch{c.Interface.BatchV1(), c.agent}
}

func (c *statusClient) CoreV1() typedcore.CoreV1Interface {
	return &statusCore{c.Interface.CoreV1(), c.agent}
}

type statusApps struct {
	typedapps.AppsV1Interface
	agent statusAgent
}

type statusBatch struct {
	typedbatch.BatchV1Interface
	agent statusAgent
}

type statusCore struct {
	typedcore.CoreV1Interface
	agent statusAgent
}

// The clients of the kinds, one level deeper, so that a statusWriter embedded beside them overrides UpdateStatus.
type (
	daemonSets   struct{ typedapps.DaemonSetInterface }
	deployments  struct{ typedapps.DeploymentInterface }
	replicaSets  struct{ typedapps.ReplicaSetInterface }
	statefulSets struct{ typedapps.StatefulSetInterface }
	cronJobs     struct{ typedbatch.CronJobInterface }
	jobs         struct{ typedbatch.JobInterface }
	pods         struct{ typedcore.PodInterface }
)

func (c *statusApps) DaemonSets(namespace string) typedapps.DaemonSetInterface {
	next := c.AppsV1Interface.DaemonSets(namespace)
	return &struct {
		daemonSets
		statusWriter[appsv1.DaemonSet, *appsv1.DaemonSet]
	}{daemonSets{next}, newStatusWriter(c.agent, appsv1.SchemeGroupVersion, "daemonsets", next.UpdateStatus)}
}

func (c *statusApps) Deployments(namespace string) typedapps.DeploymentInterface {
	next := c.AppsV1Interface.Deployments(namespace)
	return &struct {
		deployments
		statusWriter[appsv1.Deployment, *appsv1.Deployment]
	}{deployments{next}, newStatusWriter(c.agent, appsv1.SchemeGroupVersion, "deployments", next.UpdateStatus)}
}

func (c *statusApps) ReplicaSets(namespace string) typedapps.ReplicaSetInterface {
	next := c.AppsV1Interface.ReplicaSets(namespace)
	return &struct {
		replicaSets
		statusWriter[appsv1.ReplicaSet, *appsv1.ReplicaSet]
	}{replicaSets{next}, newStatusWriter(c.agent, appsv1.SchemeGroupVersion, "replicasets", next.UpdateStatus)}
}

func (c *statusApps) StatefulSets(namespace string) typedapps.StatefulSetInterface {
	next := c.AppsV1Interface.StatefulSets(namespace)
	return &struct {
		statefulSets
		statusWriter[appsv1.StatefulSet, *appsv1.StatefulSet]
	}{statefulSets{next}, newStatusWriter(c.agent, appsv1.SchemeGroupVersion, "statefulsets", next.UpdateStatus)}
}

func (c *statusBatch) CronJobs(namespace string) typedbatch.CronJobInterface {
	next := c.BatchV1Interface.CronJobs(namespace)
	return &struct {
		cronJobs
		statusWriter[batchv1.CronJob, *batchv1.CronJob]
	}{cronJobs{next}, newStatusWriter(c.agent, batchv1.SchemeGroupVersion, "cronjobs", next.UpdateStatus)}
}

func (c *statusBatch) Jobs(namespace string) typedbatch.JobInterface {
	next := c.BatchV1Interface.Jobs(namespace)
	return &struct {
		jobs
		statusWriter[batchv1.Job, *batchv1.Job]
	}{jobs{next}, newStatusWriter(c.agent, batchv1.SchemeGroupVersion, "jobs", next.UpdateStatus)}
}

// Pods returns a client that writes the status of a pod without the rest of it. Registry and kubelets leave a stored
// pod unchanged.
func (c *statusCore) Pods(namespace string) typedcore.PodInterface {
	next := c.CoreV1Interface.Pods(namespace)
	w := newStatusWriter(c.agent, v1.SchemeGroupVersion, "pods", next.UpdateStatus)
	w.server = func() context.Context { return memstore.ReadOnly(context.Background()) }
	w.status = func(pod *v1.Pod) rest.UpdatedObjectInfo { return podStatus{pod} }
	return &struct {
		pods
		statusWriter[v1.Pod, *v1.Pod]
	}{pods{next}, w}
}

// object is an object with a status, and how it is serialized.
type object[T any] interface {
	*T
	runtime.Object
	metav1.Object
	Marshal() ([]byte, error)
	Unmarshal([]byte) error
}

// statusWriter updates the statuses of one kind.
type statusWriter[T any, P object[T]] struct {
	agent    statusAgent
	resource schema.GroupVersionResource
	fallback func(context.Context, P, metav1.UpdateOptions) (P, error) // sends a request
	server   func() context.Context                                    // of the server, which sees none of its client's
	status   func(P) rest.UpdatedObjectInfo
}

func newStatusWriter[T any, P object[T]](
	agent statusAgent, gv schema.GroupVersion, resource string,
	fallback func(context.Context, P, metav1.UpdateOptions) (P, error),
) statusWriter[T, P] {
	roundTrip := func(obj P) rest.UpdatedObjectInfo { return roundTripped[T, P]{obj} }
	return statusWriter[T, P]{agent, gv.WithResource(resource), fallback, context.Background, roundTrip}
}

// UpdateStatus writes the status of an object to its registry, or sends a request if that is not possible.
func (w statusWriter[T, P]) UpdateStatus(ctx context.Context, obj P, options metav1.UpdateOptions) (P, error) {
	if !w.agent.registries.eligible(obj) {
		return w.fallback(ctx, obj, options)
	}
	written, err := w.agent.registries.update(w.server(), w.agent.userAgent, w.resource, obj, w.status(obj))
	if err != nil {
		return nil, err
	}
	return written.(P), nil
}

// roundTripped updates an object to what would arrive over a wire, with times in whole seconds.
type roundTripped[T any, P object[T]] struct{ obj P }

func (s roundTripped[T, P]) Preconditions() *metav1.Preconditions { return sameUID(s.obj) }

func (s roundTripped[T, P]) UpdatedObject(context.Context, runtime.Object) (runtime.Object, error) {
	data, err := s.obj.Marshal()
	if err != nil {
		return nil, err
	}
	arrived := P(new(T))
	if err := arrived.Unmarshal(data); err != nil {
		return nil, err
	}
	legacyscheme.Scheme.Default(arrived)
	return legacyscheme.Scheme.UnsafeConvertToVersion(arrived, runtime.InternalGroupVersioner)
}

// podStatus updates the status of a pod, and keeps its spec.
type podStatus struct{ pod *v1.Pod }

func (s podStatus) Preconditions() *metav1.Preconditions { return sameUID(s.pod) }

func (s podStatus) UpdatedObject(_ context.Context, old runtime.Object) (runtime.Object, error) {
	defaulted := &v1.Pod{Status: *s.pod.Status.DeepCopy()}
	legacyscheme.Scheme.Default(defaulted)
	known := old.(*core.Pod)
	updated := *known // shares the spec
	known.ObjectMeta.DeepCopyInto(&updated.ObjectMeta)
	updated.ResourceVersion = s.pod.ResourceVersion
	updated.Status = core.PodStatus{}
	return &updated, conversions.Convert_v1_PodStatus_To_core_PodStatus(&defaulted.Status, &updated.Status, nil)
}

func sameUID(obj metav1.Object) *metav1.Preconditions {
	uid := obj.GetUID()
	return &metav1.Preconditions{UID: &uid}
}
