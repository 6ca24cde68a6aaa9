package simulate

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// snapshotted are the resources that a plan starts from, in the order in which they can be made
// again: each after what it needs, and pods before what might refuse them now.
var snapshotted = []schema.GroupVersionResource{
	{Version: "v1", Resource: "namespaces"},
	{Version: "v1", Resource: "nodes"},
	{Group: "scheduling.k8s.io", Version: "v1", Resource: "priorityclasses"},
	{Group: "storage.k8s.io", Version: "v1", Resource: "storageclasses"},
	{Group: "storage.k8s.io", Version: "v1", Resource: "csinodes"},
	{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"},
	trustBundles,
	{Version: "v1", Resource: "serviceaccounts"},
	{Version: "v1", Resource: "configmaps"},
	{Version: "v1", Resource: "secrets"},
	{Version: "v1", Resource: "services"},
	{Version: "v1", Resource: "persistentvolumeclaims"},
	{Version: "v1", Resource: "persistentvolumes"},
	{Group: "apps", Version: "v1", Resource: "deployments"},
	{Group: "apps", Version: "v1", Resource: "replicasets"},
	{Version: "v1", Resource: "replicationcontrollers"},
	{Group: "apps", Version: "v1", Resource: "statefulsets"},
	{Group: "apps", Version: "v1", Resource: "daemonsets"},
	{Group: "apps", Version: "v1", Resource: "controllerrevisions"},
	{Group: "batch", Version: "v1", Resource: "cronjobs"},
	{Group: "batch", Version: "v1", Resource: "jobs"},
	{Version: "v1", Resource: "pods"},
	{Group: "policy", Version: "v1", Resource: "poddisruptionbudgets"},
	{Group: "autoscaling", Version: "v2", Resource: "horizontalpodautoscalers"},
	{Version: "v1", Resource: "limitranges"},
	{Version: "v1", Resource: "resourcequotas"},
}

// trustBundles are served from Kubernetes 1.37 on.
var trustBundles = schema.GroupVersionResource{
	Group: "certificates.k8s.io", Version: "v1", Resource: "clustertrustbundles",
}

// groupResources state the node groups of a cluster that has autoscalers of which they are. Of the versions of a
// resource, the first that a cluster serves is read.
var groupResources = []schema.GroupVersionResource{
	{Group: karpenterGroup, Version: "v1", Resource: "nodepools"},
	{Group: machineGroup, Version: "v1beta2", Resource: "machinedeployments"},
	{Group: machineGroup, Version: "v1beta1", Resource: "machinedeployments"},
	{Group: machineGroup, Version: "v1beta2", Resource: "machinesets"},
	{Group: machineGroup, Version: "v1beta1", Resource: "machinesets"},
	{Group: machineGroup, Version: "v1beta2", Resource: "machinepools"},
	{Group: machineGroup, Version: "v1beta1", Resource: "machinepools"},
}

// page is how many objects are asked for at a time.
const page = 500

// Snapshot is what a cluster runs.
type Snapshot struct {
	Missing []string // resources that may not be listed, and were left out
	objects []unstructured.Unstructured
}

// ReadSnapshot reads what a cluster runs. It only lists.
func ReadSnapshot(ctx context.Context, config *rest.Config) (*Snapshot, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	served, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	s := &Snapshot{}
	read := map[schema.GroupResource]bool{}
	for _, r := range slices.Concat(snapshotted, groupResources) {
		if read[r.GroupResource()] {
			continue
		}
		objects, err := list(ctx, client.Resource(r))
		if apierrors.IsNotFound(err) && r == trustBundles || err != nil && ofGroups(r) && !serves(served, r) {
			continue
		}
		read[r.GroupResource()] = true
		switch {
		case apierrors.IsForbidden(err), apierrors.IsNotFound(err):
			s.Missing = append(s.Missing, r.Resource)
			continue
		case err != nil:
			return nil, fmt.Errorf("listing %s: %w", r.Resource, err)
		}
		for i := range objects {
			if kept(&objects[i]) {
				strip(&objects[i])
				s.objects = append(s.objects, objects[i])
			}
		}
	}
	return s, nil
}

// ofGroups reports whether a resource states node groups.
func ofGroups(r schema.GroupVersionResource) bool { return slices.Contains(groupResources, r) }

// serves reports whether a cluster has a resource.
func serves(client discovery.DiscoveryInterface, r schema.GroupVersionResource) bool {
	found, err := client.ServerResourcesForGroupVersion(r.GroupVersion().String())
	return err == nil &&
		slices.ContainsFunc(found.APIResources, func(it metav1.APIResource) bool { return it.Name == r.Resource })
}

// YAML returns a snapshot as Input.From takes it: a document an object, with its UID, so that what
// belongs together stays together. Without values, those of Secrets and ConfigMaps are left out;
// their keys stay.
func (s *Snapshot) YAML(values bool) ([]byte, error) {
	var out bytes.Buffer
	for i := range s.objects {
		o := &s.objects[i]
		if kind := o.GetKind(); !values && (kind == "Secret" || kind == "ConfigMap") {
			o = o.DeepCopy()
			hide(o)
		}
		text, err := yaml.Marshal(o.Object)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&out, "---\n%s", text)
	}
	return out.Bytes(), nil
}

// list reads all objects of a resource, page by page.
func list(
	ctx context.Context, client dynamic.NamespaceableResourceInterface,
) (all []unstructured.Unstructured, err error) {
	for options := (metav1.ListOptions{Limit: page}); ; {
		found, err := client.List(ctx, options)
		if err != nil {
			return nil, err
		}
		all = append(all, found.Items...)
		if options.Continue = found.GetContinue(); options.Continue == "" {
			return all, nil
		}
	}
}

// kept reports whether an object is needed: not what is on its way out, and not what a cluster makes
// by itself.
func kept(o *unstructured.Unstructured) bool {
	if o.GetDeletionTimestamp() != nil {
		return false
	}
	switch o.GetKind() {
	case "Pod":
		phase, _, _ := unstructured.NestedString(o.Object, "status", "phase")
		_, mirrored := o.GetAnnotations()[corev1.MirrorPodAnnotationKey]
		return !mirrored && phase != string(corev1.PodSucceeded) && phase != string(corev1.PodFailed)
	case "Secret":
		kind, _, _ := unstructured.NestedString(o.Object, "type")
		return kind != string(corev1.SecretTypeServiceAccountToken)
	case "ConfigMap":
		return o.GetName() != "kube-root-ca.crt"
	}
	return true
}

// strip takes out what no plan looks at.
func strip(o *unstructured.Unstructured) {
	o.SetManagedFields(nil)
	o.SetResourceVersion("")
	o.SetSelfLink("")
	if o.GetKind() == "Node" {
		unstructured.RemoveNestedField(o.Object, "status", "images")
	}
}

// redacted stands for a value that was not saved.
const redacted = "(not saved)"

// hide takes the values out of a Secret or a ConfigMap.
func hide(o *unstructured.Unstructured) {
	annotations := o.GetAnnotations()
	delete(annotations, corev1.LastAppliedConfigAnnotation) // it holds them, too
	o.SetAnnotations(annotations)
	for _, field := range []string{"data", "binaryData", "stringData"} {
		values, _, _ := unstructured.NestedMap(o.Object, field)
		for key := range values {
			values[key] = redacted
			switch {
			case key == corev1.DockerConfigJsonKey || key == corev1.DockerConfigKey:
				values[key] = base64.StdEncoding.EncodeToString([]byte("{}")) // which the API server reads
			case o.GetKind() == "Secret" && field == "data", field == "binaryData":
				values[key] = base64.StdEncoding.EncodeToString([]byte(redacted))
			}
		}
		if len(values) > 0 {
			_ = unstructured.SetNestedMap(o.Object, values, field) // the values are strings
		}
	}
}

// rank is the place of an object in the order of a restoration.
func rank(resource schema.GroupVersionResource) int {
	i := slices.IndexFunc(snapshotted, func(r schema.GroupVersionResource) bool {
		return r.Group == resource.Group && r.Resource == resource.Resource
	})
	if i < 0 {
		return len(snapshotted)
	}
	return i
}
