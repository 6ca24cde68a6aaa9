package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"github.com/seatrial/seatrial/internal/cluster/virtualtime"
)

// Answer is the answer of the API server, with its admission plugins, to one object of a set.
type Answer struct {
	Refused    error    // an error of the API server; nil: the object is accepted
	Warnings   []string // that came with it
	PodRefused error    // what becomes of its pods, if the object is a workload that is accepted
}

// maxPods is how many pods of one workload are created.
const maxPods = 100

// DryRun creates a set of objects in a new cluster that has the existing objects, in an order in which each finds what
// it needs, and returns an answer for each. No controller runs, but pods of workloads are created: they may be rejected
// where the workload is not, by Pod Security, a quota, or because a service account is missing.
func DryRun(ctx context.Context, existing, objects []*unstructured.Unstructured) ([]Answer, error) {
	answers := make([]Answer, len(objects))
	err := virtualtime.Run(ctx, time.Now(), 1, func() error {
		engine, err := Start(context.Background(), Config{APIServerOnly: true})
		if err != nil {
			return err
		}
		defer engine.Close()
		d, err := newDryRun(engine)
		if err != nil {
			return err
		}
		d.all(existing) // what refuses one of these would not be the fault of the set
		copy(answers, d.all(objects))
		return nil
	})
	return answers, err
}

// rank is the order of kinds; other kinds come in between.
var rank = map[string]int{
	"Namespace":                -10,
	"CustomResourceDefinition": -9,
	paramKind:                  -8,
	"ValidatingAdmissionPolicy.admissionregistration.k8s.io":        -7,
	"MutatingAdmissionPolicy.admissionregistration.k8s.io":          -7,
	"ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io": -6,
	"MutatingAdmissionPolicyBinding.admissionregistration.k8s.io":   -6,
	"PriorityClass":         -5,
	"StorageClass":          -5,
	"RuntimeClass":          -5,
	"IngressClass":          -5,
	"ServiceAccount":        -4,
	"LimitRange":            -3,
	"ResourceQuota":         -3,
	"ClusterRole":           -2,
	"Role":                  -2,
	"ConfigMap":             -1,
	"Secret":                -1,
	"Pod":                   1,
	"ReplicationController": 1,
	"ReplicaSet":            1,
	"Deployment":            1,
	"StatefulSet":           1,
	"DaemonSet":             1,
	"Job":                   1,
	"CronJob":               1,
}

// paramKind stands in rank for the parameters of admission policies.
const paramKind = "parameter"

// Order returns the indexes of objects in an order in which each finds what it needs.
func Order(objects []*unstructured.Unstructured) []int {
	indexes, _ := inRanks(objects)
	return indexes
}

// inRanks returns the indexes in order, and the rank of each object.
func inRanks(objects []*unstructured.Unstructured) (indexes, ranks []int) {
	params := map[string]bool{}
	for _, o := range objects {
		if kind, _, _ := unstructured.NestedString(o.Object, "spec", "paramKind", "kind"); kind != "" {
			params[kind] = true
		}
	}
	indexes, ranks = make([]int, len(objects)), make([]int, len(objects))
	for i, o := range objects {
		indexes[i] = i
		ranks[i] = rank[o.GetKind()]
		if r, ok := rank[o.GroupVersionKind().GroupKind().String()]; ok {
			ranks[i] = r
		}
		if params[o.GetKind()] {
			ranks[i] = rank[paramKind]
		}
	}
	slices.SortStableFunc(indexes, func(a, b int) int { return ranks[a] - ranks[b] })
	return indexes, ranks
}

// dryRun creates objects, and does what controllers would do in between.
type dryRun struct {
	client   kubernetes.Interface
	dynamic  dynamic.Interface
	mapper   *restmapper.DeferredDiscoveryRESTMapper
	warnings *warnings
}

func newDryRun(c *Cluster) (*dryRun, error) {
	d := &dryRun{client: c.clients.Client, warnings: &warnings{}}
	config := c.RESTConfig()
	config.WarningHandler = d.warnings
	var err error
	if d.dynamic, err = dynamic.NewForConfig(config); err != nil {
		return nil, err
	}
	d.mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(d.client.Discovery()))
	return d, d.serviceAccount(metav1.NamespaceDefault)
}

// warnings collects the warnings of the API server.
type warnings struct{ texts []string }

var _ rest.WarningHandler = (*warnings)(nil)

func (w *warnings) HandleWarningHeader(code int, _ string, text string) {
	if code == 299 && text != "" && !slices.Contains(w.texts, text) {
		w.texts = append(w.texts, text)
	}
}

// all creates objects in order. Before each rank it waits until admission has caught up with earlier ones.
func (d *dryRun) all(objects []*unstructured.Unstructured) []Answer {
	answers := make([]Answer, len(objects))
	indexes, ranks := inRanks(objects)
	for n, i := range indexes {
		if n == 0 || ranks[i] != ranks[indexes[n-1]] {
			time.Sleep(untilHeard)
		}
		answers[i] = d.try(objects[i])
	}
	return answers
}

func (d *dryRun) try(object *unstructured.Unstructured) (a Answer) {
	d.warnings.texts = nil
	created, err := d.create(object)
	if err == nil {
		err = d.follow(created)
	}
	a.Refused, a.Warnings = err, d.warnings.texts
	if err != nil {
		return a
	}
	a.PodRefused = d.tryPods(created)
	return a
}

// create sends one object as kubectl would, with strict validation. An object that every cluster has is patched.
func (d *dryRun) create(object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	kind := object.GroupVersionKind()
	mapping, err := d.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, err
	}
	var client dynamic.ResourceInterface = d.dynamic.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		namespace := object.GetNamespace()
		if namespace == "" {
			namespace = metav1.NamespaceDefault
		}
		client = d.dynamic.Resource(mapping.Resource).Namespace(namespace)
	}
	ctx := context.Background()
	created, err := client.Create(ctx, object, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict})
	if !apierrors.IsAlreadyExists(err) {
		return created, err
	}
	patch, err := object.MarshalJSON()
	if err != nil {
		return nil, err
	}
	return client.Patch(
		ctx, object.GetName(), types.MergePatchType, patch,
		metav1.PatchOptions{FieldValidation: metav1.FieldValidationStrict},
	)
}

// follow does for an object what later ones rely on.
func (d *dryRun) follow(created *unstructured.Unstructured) error {
	switch created.GroupVersionKind().GroupKind().String() {
	case "Namespace":
		return d.serviceAccount(created.GetName())
	case "ResourceQuota":
		return d.openQuota(created)
	case "CustomResourceDefinition.apiextensions.k8s.io":
		return d.establish(created)
	}
	return nil
}

// untilHeard is how long admission takes to catch up with objects that affect later ones, in virtual time.
const untilHeard = 3 * time.Second

// serviceAccount creates the account that pods use by default.
func (d *dryRun) serviceAccount(namespace string) error {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	_, err := d.client.CoreV1().ServiceAccounts(namespace).Create(context.Background(), account, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// openQuota writes the status without which a quota is not enforced.
func (d *dryRun) openQuota(created *unstructured.Unstructured) error {
	var quota corev1.ResourceQuota
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(created.Object, &quota); err != nil {
		return err
	}
	quota.Status.Hard, quota.Status.Used = quota.Spec.Hard, corev1.ResourceList{}
	for name := range quota.Spec.Hard {
		quota.Status.Used[name] = resource.Quantity{}
	}
	_, err := d.client.CoreV1().ResourceQuotas(quota.Namespace).UpdateStatus(
		context.Background(), &quota, metav1.UpdateOptions{},
	)
	return err
}

// establish waits until a defined kind is served.
func (d *dryRun) establish(created *unstructured.Unstructured) error {
	group, _, _ := unstructured.NestedString(created.Object, "spec", "group")
	kind, _, _ := unstructured.NestedString(created.Object, "spec", "names", "kind")
	for range 100 {
		time.Sleep(50 * time.Millisecond)
		d.mapper.Reset()
		if _, err := d.mapper.RESTMapping(schema.GroupKind{Group: group, Kind: kind}); err == nil {
			return nil
		}
	}
	return nil // refused names show when its objects come
}

// templates are the paths of the pod templates of workloads.
var templates = map[string][]string{
	"ReplicationController": {"spec", "template"},
	"ReplicaSet.apps":       {"spec", "template"},
	"Deployment.apps":       {"spec", "template"},
	"StatefulSet.apps":      {"spec", "template"},
	"DaemonSet.apps":        {"spec", "template"},
	"Job.batch":             {"spec", "template"},
	"CronJob.batch":         {"spec", "jobTemplate", "spec", "template"},
}

// tryPods creates the pods of a workload, and returns the first error.
func (d *dryRun) tryPods(workload *unstructured.Unstructured) error {
	path, ok := templates[workload.GroupVersionKind().GroupKind().String()]
	if !ok {
		return nil
	}
	pod, err := templatePod(workload, path)
	if err != nil {
		return err
	}
	for range min(replicas(workload), maxPods) {
		if _, err := d.client.CoreV1().Pods(workload.GetNamespace()).Create(
			context.Background(), pod, metav1.CreateOptions{},
		); err != nil {
			return err
		}
	}
	return nil
}

// replicas returns how many pods a workload creates at a time; one for each node counts as one.
func replicas(workload *unstructured.Unstructured) int64 {
	for _, field := range []string{"replicas", "parallelism"} {
		if n, found, err := unstructured.NestedInt64(workload.Object, "spec", field); err == nil && found {
			return n
		}
	}
	return 1
}

// templatePod returns a pod as a controller would create it.
func templatePod(workload *unstructured.Unstructured, path []string) (*corev1.Pod, error) {
	content, found, err := unstructured.NestedMap(workload.Object, path...)
	if err != nil || !found {
		return nil, errors.Join(err, fmt.Errorf("%s has no pod template", workload.GetName()))
	}
	var template corev1.PodTemplateSpec
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, &template); err != nil {
		return nil, err
	}
	pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
	pod.GenerateName = workload.GetName() + "-"
	pod.Name = ""
	return pod, nil
}
