package lint

import (
	"fmt"
	"regexp"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/validation/verdict"
)

// PodTemplate is what an object says of the pods that it is, or makes.
type PodTemplate struct {
	Labels      map[string]string
	Annotations map[string]string
	LabelsPath  string // spec.template.metadata.labels
	Spec        *corev1.PodSpec
	SpecPath    string // spec.template.spec
	Selector    *metav1.LabelSelector
	Replicas    *int32 // as stored; nil for kinds that have none
}

// PodTemplateOf finds the pods in an object; nil where there are none.
func PodTemplateOf(obj runtime.Object) *PodTemplate {
	template := func(t *corev1.PodTemplateSpec, path string) *PodTemplate {
		return &PodTemplate{
			Labels:      t.Labels,
			Annotations: t.Annotations,
			LabelsPath:  path + ".metadata.labels",
			Spec:        &t.Spec,
			SpecPath:    path + ".spec",
		}
	}
	scaled := func(t *corev1.PodTemplateSpec, sel *metav1.LabelSelector, replicas *int32) *PodTemplate {
		p := template(t, "spec.template")
		p.Selector, p.Replicas = sel, replicas
		return p
	}
	switch o := obj.(type) {
	case *corev1.Pod:
		return &PodTemplate{
			Labels: o.Labels, Annotations: o.Annotations, LabelsPath: "metadata.labels", Spec: &o.Spec,
			SpecPath: "spec",
		}
	case *corev1.PodTemplate:
		return template(&o.Template, "template")
	case *corev1.ReplicationController:
		if o.Spec.Template == nil {
			return nil
		}
		return scaled(o.Spec.Template, &metav1.LabelSelector{MatchLabels: o.Spec.Selector}, o.Spec.Replicas)
	case *appsv1.Deployment:
		return scaled(&o.Spec.Template, o.Spec.Selector, o.Spec.Replicas)
	case *appsv1.ReplicaSet:
		return scaled(&o.Spec.Template, o.Spec.Selector, o.Spec.Replicas)
	case *appsv1.StatefulSet:
		return scaled(&o.Spec.Template, o.Spec.Selector, o.Spec.Replicas)
	case *appsv1.DaemonSet:
		return scaled(&o.Spec.Template, o.Spec.Selector, nil)
	case *batchv1.Job:
		return template(&o.Spec.Template, "spec.template")
	case *batchv1.CronJob:
		return template(&o.Spec.JobTemplate.Spec.Template, "spec.jobTemplate.spec.template")
	case *unstructured.Unstructured:
		return customTemplate(o)
	}
	return nil
}

// customTemplate finds the pods of a custom resource that is built as workloads are: a Rollout of
// Argo, a Service of Knative. Nothing is defaulted in it.
func customTemplate(o *unstructured.Unstructured) (pods *PodTemplate) {
	defer func() {
		if recover() != nil { // the converter crashes on what is no pod at all
			pods = nil
		}
	}()
	var spec struct {
		Selector *metav1.LabelSelector  `json:"selector"`
		Replicas *int32                 `json:"replicas"`
		Template corev1.PodTemplateSpec `json:"template"`
	}
	content, ok := o.Object["spec"].(map[string]any)
	if !ok || content["template"] == nil || holdsImmense(content["template"]) ||
		runtime.DefaultUnstructuredConverter.FromUnstructured(content, &spec) != nil ||
		len(spec.Template.Spec.Containers) == 0 && o.GroupVersionKind().Group != "apps.openshift.io" {
		return nil
	}
	if spec.Template.Spec.ServiceAccountName == "" { // as the server fills it in for its own kinds
		spec.Template.Spec.ServiceAccountName = spec.Template.Spec.DeprecatedServiceAccount
	}
	// as OpenShift's DeploymentConfig has it
	if m, ok, err := unstructured.NestedStringMap(content, "selector"); ok && err == nil {
		spec.Selector = &metav1.LabelSelector{MatchLabels: m}
	}
	return &PodTemplate{
		Labels:      spec.Template.Labels,
		Annotations: spec.Template.Annotations,
		LabelsPath:  "spec.template.metadata.labels",
		Spec:        &spec.Template.Spec,
		SpecPath:    "spec.template.spec",
		Selector:    spec.Selector,
		Replicas:    spec.Replicas,
	}
}

var immense = regexp.MustCompile(`^[-+]?[0-9.]*[eE][-+]?0*[1-9][0-9]{3,}$|^[-+]?[0-9.]{200,}`)

// holdsImmense reports whether a value holds text that would be a quantity with more digits than can be calculated
// with.
func holdsImmense(v any) bool {
	switch v := v.(type) {
	case string:
		return len(v) > 5 && immense.MatchString(v)
	case map[string]any:
		for _, child := range v {
			if holdsImmense(child) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, holdsImmense)
	}
	return false
}

// Resource is what the other objects of a set need to know of one: small, so that a
// set of any size fits into memory, and kept in the cache.
type Resource struct {
	Object   diag.Object // with the namespace filled in ("default" where none was written)
	File     string
	Document int
	Item     string // path of a List's item, as in manifest.Document

	Labels    map[string]string
	PodLabels map[string]string // labels of the pods that it is or makes
	HasPods   bool
	SpecPath  string    // of the pods' spec: spec.template.spec
	Selector  *Selector // which pods a Service, PodDisruptionBudget, NetworkPolicy or workload selects
	Replicas  *int32
	// ReplicasWritten says that the manifest sets replicas, and not a default.
	ReplicasWritten bool
	MinAvailable    *intstr.IntOrString // of a PodDisruptionBudget; nil: not given
	Ports           []Port              // container ports of its pods, or ports of a Service
	Keys            []string            // keys of a ConfigMap or Secret
	Refs            []Ref               // the objects that it names
	// objects that somebody makes because of this one: the Secret of a Certificate
	Provides    []Ref
	Claims      []Claim                         // what no other object may have as well
	Network     *networkingv1.NetworkPolicySpec // of a NetworkPolicy
	Hosts       []Host                          // that its containers are told to connect to
	Calls       []Call                          // that its containers make to the API server
	Peers       []Selector                      // pods of its own namespace that a NetworkPolicy speaks of
	HostNetwork bool                            // its pods live on the network of their node
	Placement   *Placement                      // what its pods ask of their nodes; nil: nothing
	Taints      []corev1.Taint                  // of a Node
	// addresses and ranges that a Node, endpoints or a Service are written with
	Addresses []string
	// a container of its pods has a readiness probe, a liveness probe
	ReadinessProbe, LivenessProbe bool
	Headless                      bool // a Service without an address
	External                      bool // a Service of type ExternalName, or without selector
	// may make pods of which nothing is known: a custom resource with an image or replicas
	MayCreatePods bool
	SingleNode    bool // a PersistentVolumeClaim that one node at a time can mount
	// what the Pod Security admission has against its pods, by level, where their namespace enforces one
	Violations  []Violation
	Automount   *bool     // automountServiceAccountToken of a ServiceAccount or of pods; nil: not given
	Utilization []Metric  // of a HorizontalPodAutoscaler
	Unrequested []Request // CPU and memory that containers of a workload do not request
	Defaults    []string  // what a LimitRange sets for containers: "cpu request"
	MaxReplicas int32     // of a HorizontalPodAutoscaler
	// Hard is what a ResourceQuota without scopes grants, or a LimitRange sets for a container, and PodNeeds what one
	// pod of a workload takes of it, by the quota's names (requests.cpu, pods), in thousandths.
	Hard, PodNeeds map[string]int64
	Ungiven        map[string]int64 // of how many containers of a pod nothing is said, by the same names
	// Before is what the object was before a change; nil: it was not there, or nothing is known of it.
	Before *Before
	// Written and Stored are the object as JSON, as written and with defaults, of kinds whose contents a rule looks at;
	// Stored is nil if the object cannot be decoded, or its kind is not known.
	Written, Stored []byte
}

// Before is what an object of a base said of pods.
type Before struct {
	PodLabels map[string]string // of the pods that it made
	Selector  map[string]string // of a Service
}

// Claim is something that one object of a set can have: a host and path of an Ingress, a port of the nodes.
type Claim struct {
	What string // as prose: "nodePort 30080/TCP"
	Path string
}

// Metric is a utilization that an autoscaler aims at, in percent of what is requested.
type Metric struct {
	Resource  string
	Container string // "": all containers
	Path      string
}

// Request is a request for resources that a container could make.
type Request struct{ Container, Resource string }

// Selector is a label selector and where it stands.
type Selector struct {
	metav1.LabelSelector
	Path string
}

// Port is a port of a container or a Service.
type Port struct {
	Name     string
	Number   int32  // containerPort, or a Service's port
	Protocol string // TCP, UDP, SCTP
	Path     string // of the port's number
	// Target of a Service's port: number or name, as stored.
	TargetNumber int32
	TargetName   string
}

// Ref names another object.
type Ref struct {
	Group, Kind string // API group without version, "" for core
	Namespace   string // "" for cluster-scoped kinds
	Name        string
	Path        string
	Optional    bool   // the API says that it may be absent
	Keys        []Key  // keys of a ConfigMap or Secret that are asked for
	Port        *Port  // the port asked for, by an Ingress
	Role        string // what the reference is for, as prose: "env DB_HOST of container app"
}

// Key is a key of a ConfigMap or Secret that an object asks for.
type Key struct {
	Name, Path string
	Optional   bool
}

// String names the referred object: ConfigMap shop/settings.
func (r Ref) String() string {
	return diag.Object{Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}.String()
}

// Place names where the resource was written, for messages: a.yaml, document 2.
func (r *Resource) Place() string { return fmt.Sprintf("%s, document %d", r.File, r.Document) }

// ResourceOf returns what other objects need to know of a document on which there is a verdict.
func ResourceOf(d *manifest.Document, v verdict.Verdict) *Resource {
	pods := PodTemplateOf(v.Object)
	if v.Object == nil { // as much as can be seen
		pods = PodTemplateOf(&unstructured.Unstructured{Object: d.Value()})
	}
	namespace := ""
	if !clusterScoped(v) {
		namespace = namespaceOf(d)
	}
	r := &Resource{}
	r.fill(d, v.Object, pods, namespace)
	return r
}
