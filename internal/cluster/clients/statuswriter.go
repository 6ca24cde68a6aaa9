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

// Nothing is written as often as statuses of pods and workloads. The kubelets and controllers of a cluster in memory
// hand them to the registries of the API server, which judge and store them as they do with all others. That saves
// the request and its answer, their goroutine, and admission, if there is nobody who could object.

// registries are those of an API server in memory that take statuses.
type StatusRegistries struct {
	transport *inprocess.Transport
	db        *memstore.DB
	statuses  map[schema.GroupVersionResource]rest.Updater
}

func NewStatusRegistries(t *inprocess.Transport, db *memstore.DB) *StatusRegistries {
	return &StatusRegistries{t, db, map[schema.GroupVersionResource]rest.Updater{}}
}

// add makes the registries of a group known.
func (r *StatusRegistries) Add(info *genericapiserver.APIGroupInfo) {
	for _, gv := range info.PrioritizedVersions {
		for name, storage := range info.VersionedResourcesStorageMap[gv.Version] {
			resource, ok := strings.CutSuffix(name, "/status")
			updater, takes := storage.(rest.Updater)
			if ok && takes {
				r.statuses[gv.WithResource(resource)] = updater
			}
		}
	}
}

// policies are the tables of what may object to a status. The admission plugins that are on by default look at none
// of the kinds below.
var policies = []string{"/validatingadmissionpolicybindings", "/mutatingadmissionpolicybindings"}

// take tells whether a status may go the short way. With managed fields it may not: the usual way keeps their books.
func (r *StatusRegistries) eligible(obj metav1.Object) bool {
	if len(obj.GetManagedFields()) > 0 {
		return false
	}
	for _, table := range policies {
		if r.db.Holds(table) {
			return false
		}
	}
	return true
}

// write does what the request of an agent to update a status would, when its turn has come.
func (r *StatusRegistries) write(ctx context.Context, agent string, resource schema.GroupVersionResource, namespace, name string, status rest.UpdatedObjectInfo) (written runtime.Object, err error) {
	prefix, group := "apis", "/"+resource.Group
	if resource.Group == "" {
		prefix, group = "api", ""
	}
	path := "/" + prefix + group + "/" + resource.Version + "/namespaces/" + namespace + "/" + resource.Resource + "/" + name + "/status"
	err = r.transport.Do("PUT "+path+" "+agent, func() error {
		ctx := request.WithUser(request.WithNamespace(ctx, namespace), inprocess.Admin)
		ctx = request.WithRequestInfo(ctx, &request.RequestInfo{
			IsResourceRequest: true, Path: path, Verb: "update", APIPrefix: prefix, APIGroup: resource.Group, APIVersion: resource.Version,
			Namespace: namespace, Resource: resource.Resource, Subresource: "status", Name: name, Parts: []string{resource.Resource, name, "status"},
		})
		out, _, err := r.statuses[resource].Update(ctx, name, status, nil, nil, false, &metav1.UpdateOptions{})
		if err == nil {
			written, err = legacyscheme.Scheme.UnsafeConvertToVersion(out, resource.GroupVersion())
		}
		return err
	})
	return written, err
}

// reporting gives the client by which an agent reports: a server that is somebody else's is told by requests.
func (c *Set) WritingStatuses(client kubernetes.Interface, agent string) kubernetes.Interface {
	if c.Statuses == nil {
		return client
	}
	return &statusClient{client, &reporter{c.Statuses, agent}}
}

// reporting and what it gives are pointers, since some controllers ask whether they are nil.
type statusClient struct {
	kubernetes.Interface
	to *reporter
}

// reporter writes the statuses of one agent.
type reporter struct {
	registries *StatusRegistries
	agent      string
}

func (r *statusClient) AppsV1() typedapps.AppsV1Interface {
	return &reportingApps{r.Interface.AppsV1(), r.to}
}

func (r *statusClient) BatchV1() typedbatch.BatchV1Interface {
	return &reportingBatch{r.Interface.BatchV1(), r.to}
}

func (r *statusClient) CoreV1() typedcore.CoreV1Interface {
	return &reportingCore{r.Interface.CoreV1(), r.to}
}

type reportingApps struct {
	typedapps.AppsV1Interface
	to *reporter
}

func (r *reportingApps) DaemonSets(namespace string) typedapps.DaemonSetInterface {
	return &reportedDaemonSets{r.AppsV1Interface.DaemonSets(namespace), r.to}
}

func (r *reportingApps) Deployments(namespace string) typedapps.DeploymentInterface {
	return &reportedDeployments{r.AppsV1Interface.Deployments(namespace), r.to}
}

func (r *reportingApps) ReplicaSets(namespace string) typedapps.ReplicaSetInterface {
	return &reportedReplicaSets{r.AppsV1Interface.ReplicaSets(namespace), r.to}
}

func (r *reportingApps) StatefulSets(namespace string) typedapps.StatefulSetInterface {
	return &reportedStatefulSets{r.AppsV1Interface.StatefulSets(namespace), r.to}
}

type reportingBatch struct {
	typedbatch.BatchV1Interface
	to *reporter
}

func (r *reportingBatch) CronJobs(namespace string) typedbatch.CronJobInterface {
	return &reportedCronJobs{r.BatchV1Interface.CronJobs(namespace), r.to}
}

func (r *reportingBatch) Jobs(namespace string) typedbatch.JobInterface {
	return &reportedJobs{r.BatchV1Interface.Jobs(namespace), r.to}
}

type reportingCore struct {
	typedcore.CoreV1Interface
	to *reporter
}

func (r *reportingCore) Pods(namespace string) typedcore.PodInterface {
	return &reportedPods{r.CoreV1Interface.Pods(namespace), r.to}
}

type (
	reportedDaemonSets struct {
		typedapps.DaemonSetInterface
		to *reporter
	}
	reportedDeployments struct {
		typedapps.DeploymentInterface
		to *reporter
	}
	reportedReplicaSets struct {
		typedapps.ReplicaSetInterface
		to *reporter
	}
	reportedStatefulSets struct {
		typedapps.StatefulSetInterface
		to *reporter
	}
	reportedCronJobs struct {
		typedbatch.CronJobInterface
		to *reporter
	}
	reportedJobs struct {
		typedbatch.JobInterface
		to *reporter
	}
	reportedPods struct {
		typedcore.PodInterface
		to *reporter
	}
)

func (r *reportedDaemonSets) UpdateStatus(ctx context.Context, set *appsv1.DaemonSet, options metav1.UpdateOptions) (*appsv1.DaemonSet, error) {
	return report(ctx, r.to, appsv1.SchemeGroupVersion.WithResource("daemonsets"), set, options, r.DaemonSetInterface.UpdateStatus)
}

func (r *reportedDeployments) UpdateStatus(ctx context.Context, d *appsv1.Deployment, options metav1.UpdateOptions) (*appsv1.Deployment, error) {
	return report(ctx, r.to, appsv1.SchemeGroupVersion.WithResource("deployments"), d, options, r.DeploymentInterface.UpdateStatus)
}

func (r *reportedReplicaSets) UpdateStatus(ctx context.Context, set *appsv1.ReplicaSet, options metav1.UpdateOptions) (*appsv1.ReplicaSet, error) {
	return report(ctx, r.to, appsv1.SchemeGroupVersion.WithResource("replicasets"), set, options, r.ReplicaSetInterface.UpdateStatus)
}

func (r *reportedStatefulSets) UpdateStatus(ctx context.Context, set *appsv1.StatefulSet, options metav1.UpdateOptions) (*appsv1.StatefulSet, error) {
	return report(ctx, r.to, appsv1.SchemeGroupVersion.WithResource("statefulsets"), set, options, r.StatefulSetInterface.UpdateStatus)
}

func (r *reportedCronJobs) UpdateStatus(ctx context.Context, job *batchv1.CronJob, options metav1.UpdateOptions) (*batchv1.CronJob, error) {
	return report(ctx, r.to, batchv1.SchemeGroupVersion.WithResource("cronjobs"), job, options, r.CronJobInterface.UpdateStatus)
}

func (r *reportedJobs) UpdateStatus(ctx context.Context, job *batchv1.Job, options metav1.UpdateOptions) (*batchv1.Job, error) {
	return report(ctx, r.to, batchv1.SchemeGroupVersion.WithResource("jobs"), job, options, r.JobInterface.UpdateStatus)
}

func (r *reportedPods) UpdateStatus(ctx context.Context, pod *v1.Pod, options metav1.UpdateOptions) (*v1.Pod, error) {
	unchanged := memstore.Unchanged(context.Background()) // by the registry, and by kubelets
	return reportAs(ctx, unchanged, r.to, v1.SchemeGroupVersion.WithResource("pods"), pod, podStatus{pod}, options, r.PodInterface.UpdateStatus)
}

// reported is an object with a status, as it goes over a wire.
type reported[T any] interface {
	*T
	runtime.Object
	metav1.Object
	Marshal() ([]byte, error)
	Unmarshal([]byte) error
}

// usually is how a client updates a status.
type usually[P any] func(context.Context, P, metav1.UpdateOptions) (P, error)

// report writes a status, the usual way where it has to.
func report[T any, P reported[T]](ctx context.Context, to *reporter, resource schema.GroupVersionResource, obj P, options metav1.UpdateOptions, usual usually[P]) (P, error) {
	return reportAs(ctx, context.Background(), to, resource, obj, sent[T, P]{obj}, options, usual)
}

// reportAs writes a status as that of something else. The server sees its own context, and none of its client's.
func reportAs[T any, P reported[T]](ctx, server context.Context, to *reporter, resource schema.GroupVersionResource, obj P, status rest.UpdatedObjectInfo, options metav1.UpdateOptions, usual usually[P]) (P, error) {
	if !to.registries.eligible(obj) {
		return usual(ctx, obj, options)
	}
	written, err := to.registries.write(server, to.agent, resource, obj.GetNamespace(), obj.GetName(), status)
	if err != nil {
		return nil, err
	}
	return written.(P), nil
}

// sent tells a registry what becomes of an object: what would have arrived, with times of whole seconds.
type sent[T any, P reported[T]] struct{ obj P }

func (s sent[T, P]) Preconditions() *metav1.Preconditions { return sameUID(s.obj) }

func (s sent[T, P]) UpdatedObject(context.Context, runtime.Object) (runtime.Object, error) {
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

// podStatus tells a registry what becomes of a pod: its status alone.
type podStatus struct{ pod *v1.Pod }

func (s podStatus) Preconditions() *metav1.Preconditions { return sameUID(s.pod) }

func (s podStatus) UpdatedObject(_ context.Context, old runtime.Object) (runtime.Object, error) {
	defaulted := &v1.Pod{Status: *s.pod.Status.DeepCopy()}
	legacyscheme.Scheme.Default(defaulted)
	known := old.(*core.Pod)
	updated := *known // its spec stays what it is
	known.ObjectMeta.DeepCopyInto(&updated.ObjectMeta)
	updated.ResourceVersion = s.pod.ResourceVersion
	updated.Status = core.PodStatus{}
	return &updated, conversions.Convert_v1_PodStatus_To_core_PodStatus(&defaulted.Status, &updated.Status, nil)
}

func sameUID(obj metav1.Object) *metav1.Preconditions {
	uid := obj.GetUID()
	return &metav1.Preconditions{UID: &uid}
}
