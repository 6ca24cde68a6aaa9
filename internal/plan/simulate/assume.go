package simulate

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/seatrial/seatrial/internal/cluster/kubelet"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
)

// reference is an object that pods need and that nothing of the input defines, with the keys that they ask for.
type reference struct{ kind, namespace, name string }

func (r reference) String() string {
	if r.namespace == "" {
		return r.name
	}
	return r.namespace + "/" + r.name
}

// references are what pods and claims need, with the keys that they ask for.
type references map[reference]map[string]bool

func (all references) need(kind, namespace, name string, keys ...string) {
	if name == "" {
		return
	}
	r := reference{kind, namespace, name}
	if all[r] == nil {
		all[r] = map[string]bool{}
	}
	for _, key := range keys {
		all[r][key] = true
	}
}

// assumeMissing makes the Secrets, ConfigMaps, ServiceAccounts and classes that pods need and that nothing defines,
// since somebody else may bring them. In a strict plan only those are made that exist outside according to the input.
func (s *simulation) assumeMissing(docs []*manifest.Document) error {
	needed := references{}
	defined := map[reference]bool{}
	for _, d := range docs {
		namespace := cmp.Or(d.Object.Namespace, metav1.NamespaceDefault)
		switch d.Object.Kind {
		case "PriorityClass", "RuntimeClass", "StorageClass", "VolumeAttributesClass":
			namespace = ""
		}
		defined[reference{d.Object.Kind, namespace, d.Object.Name}] = true
		needed.ofClaims(d)
		if pods := lint.PodTemplateOf(typed(d)); pods != nil && pods.Spec != nil {
			needed.ofPods(pods.References(namespace))
		}
	}
	for r := range needed {
		if defined[r] || s.Strict && !lint.External(s.External).Matches(r.kind, r.namespace, r.name) {
			delete(needed, r)
		}
	}
	s.missing = needed
	return s.makeMissing()
}

// assumeNoOperators names the kinds of custom resources that are applied.
func (s *simulation) assumeNoOperators(docs []*manifest.Document) {
	kinds := map[string]bool{}
	for _, d := range docs {
		if isCustom(d) {
			kinds[d.Object.Kind] = true
		}
	}
	if len(kinds) > 0 {
		s.assume("%s: no operator runs here, and what one would make of such objects is not in this plan",
			strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
	}
}

// isCustom reports whether a document is an object of a custom resource: its group is not one of Kubernetes', and not
// that of the node groups that a plan reads.
func isCustom(d *manifest.Document) bool {
	group, _, named := strings.Cut(d.Object.APIVersion, "/")
	return named && !schema.IsBuiltinGroup(group) && group != karpenterGroup && group != machineGroup
}

// makeMissing makes what is assumed, as far as its namespaces exist: those of the input come with it.
func (s *simulation) makeMissing() error {
	made := map[string][]string{}
	for _, r := range slices.SortedFunc(maps.Keys(s.missing), func(a, b reference) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.String(), b.String()))
	}) {
		switch err := s.applier.createAssumed(r, s.missing[r]); {
		case apierrors.IsNotFound(err) && r.namespace != "":
			continue
		case apierrors.IsAlreadyExists(err): // every cluster has it
		case err != nil:
			return fmt.Errorf("assuming %s %s: %w", r.kind, r, err)
		default:
			made[r.kind] = append(made[r.kind], r.String())
		}
		delete(s.missing, r)
	}
	for _, kind := range slices.Sorted(maps.Keys(made)) {
		s.assume("%s %s: taken to exist, since nothing here defines it", kind, strings.Join(made[kind], ", "))
	}
	return nil
}

// typed returns a document as an object of its kind's type, or, if it is none of Kubernetes', as it is written.
func typed(d *manifest.Document) runtime.Object {
	if obj, _, err := decoder.Decode(d.JSON, nil, nil); err == nil {
		return obj
	}
	return objectOf(d)
}

// ofClaims collects the storage classes that claims ask for.
func (all references) ofClaims(d *manifest.Document) {
	claims := []any{d.Value()}
	if d.Object.Kind != "PersistentVolumeClaim" {
		claims, _, _ = unstructured.NestedSlice(d.Value(), "spec", "volumeClaimTemplates")
	}
	for _, it := range claims {
		claim, _ := it.(map[string]any)
		name, _, _ := unstructured.NestedString(claim, "spec", "storageClassName")
		attributes, _, _ := unstructured.NestedString(claim, "spec", "volumeAttributesClassName")
		all.need("VolumeAttributesClass", "", attributes)
		volume, _, _ := unstructured.NestedString(claim, "spec", "volumeName")
		if volume == "" { // a class that only says which volumes match need not exist
			all.need("StorageClass", "", name)
		}
	}
}

// assumed are the kinds of objects that pods need, and that are assumed.
var assumed = []string{"ConfigMap", "PriorityClass", "RuntimeClass", "Secret", "ServiceAccount", "StorageClass"}

// ofPods collects what pods need to be created and to start. What is optional is not needed.
func (all references) ofPods(refs []lint.Ref) {
	for _, r := range refs {
		if r.Optional || !slices.Contains(assumed, r.Kind) || builtIn(r.Kind, r.Name) {
			continue
		}
		var keys []string
		for _, k := range r.Keys {
			keys = append(keys, k.Name)
		}
		all.need(r.Kind, r.Namespace, r.Name, keys...)
	}
}

// builtIn reports whether only the cluster itself makes objects of such a name.
func builtIn(kind, name string) bool {
	return kind == "ServiceAccount" && name == "default" ||
		kind == "PriorityClass" && strings.HasPrefix(name, "system-") // the API server reserves the prefix
}

// createAssumed makes an object that is taken to exist. Its values are empty: nobody knows them.
func (a *applier) createAssumed(r reference, keys map[string]bool) (err error) {
	ctx, options := context.Background(), metav1.CreateOptions{}
	meta := metav1.ObjectMeta{Namespace: r.namespace, Name: r.name}
	data := map[string]string{}
	for key := range keys {
		data[key] = ""
	}
	switch r.kind {
	case "Secret":
		_, err = a.client.CoreV1().Secrets(r.namespace).Create(
			ctx, &corev1.Secret{ObjectMeta: meta, StringData: data}, options,
		)
	case "ConfigMap":
		_, err = a.client.CoreV1().ConfigMaps(r.namespace).Create(
			ctx, &corev1.ConfigMap{ObjectMeta: meta, Data: data}, options,
		)
	case "ServiceAccount":
		_, err = a.client.CoreV1().ServiceAccounts(r.namespace).Create(
			ctx, &corev1.ServiceAccount{ObjectMeta: meta}, options,
		)
	case "PriorityClass":
		_, err = a.client.SchedulingV1().PriorityClasses().Create(
			ctx, &schedulingv1.PriorityClass{ObjectMeta: meta}, options,
		)
	case "StorageClass":
		late := storagev1.VolumeBindingWaitForFirstConsumer
		class := &storagev1.StorageClass{ObjectMeta: meta, Provisioner: kubelet.Provisioner, VolumeBindingMode: &late}
		_, err = a.client.StorageV1().StorageClasses().Create(ctx, class, options)
	case "VolumeAttributesClass":
		class := &storagev1.VolumeAttributesClass{ObjectMeta: meta, DriverName: kubelet.Provisioner}
		class.Parameters = map[string]string{"assumed": "true"}
		_, err = a.client.StorageV1().VolumeAttributesClasses().Create(ctx, class, options)
	case "RuntimeClass":
		_, err = a.client.NodeV1().RuntimeClasses().Create(
			ctx, &nodev1.RuntimeClass{ObjectMeta: meta, Handler: "assumed"}, options,
		)
	}
	return err
}

// unknownHosts returns the hosts that the script of a container asks for an answer, and that no Service is named.
func (s *simulation) unknownHosts(pod *corev1.Pod, c *corev1.Container) []string {
	return slices.DeleteFunc(kubelet.AskedHosts(pod, c), func(host string) bool {
		return s.engine.ServiceNamed(pod.Namespace, host) || host == "localhost" || strings.HasPrefix(host, "127.")
	})
}

// assumeScripts names the containers whose scripts depend on what is not known, unless the scenario says what they do.
func (s *simulation) assumeScripts() {
	seen := map[string]bool{}
	for _, t := range s.recorder.order {
		if t.pod.Spec.Containers == nil { // it is gone
			continue
		}
		about := nameOf(t.life.Workload)
		if about == "" {
			about = t.life.Object.String()
		}
		ends := func(c *corev1.Container, word string) {
			b := s.behaviors.behavior(t.pod, c)
			if key := about + " " + c.Name; b.Assumed && !seen[key] {
				seen[key] = true
				what := "what it reads"
				if len(b.Unknown) > 0 {
					what = strings.Join(b.Unknown, ", ")
				}
				s.assume("container %s of %s: %s of its script is not known; taken to %s", c.Name, about, what, word)
			}
			if key := about + " " + c.Name + " hosts"; b.Follows && b.AssumeServices && !seen[key] {
				seen[key] = true
				if hosts := s.unknownHosts(t.pod, c); len(hosts) > 0 {
					s.assume(
						"container %s of %s asks for %s, which nothing here defines: taken to answer", c.Name, about,
						strings.Join(hosts, ", "),
					)
				}
			}
		}
		for i := range t.pod.Spec.InitContainers {
			c := &t.pod.Spec.InitContainers[i]
			if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
				ends(c, "run on")
			} else {
				ends(c, "succeed")
			}
		}
		for i := range t.pod.Spec.Containers {
			if t.pod.Spec.RestartPolicy == corev1.RestartPolicyAlways {
				ends(&t.pod.Spec.Containers[i], "run on")
			} else {
				ends(&t.pod.Spec.Containers[i], "succeed")
			}
		}
	}
}
