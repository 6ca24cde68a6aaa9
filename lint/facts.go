package lint

import (
	"fmt"
	"slices"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/seatrial/seatrial/internal/manifest"
)

// newResource gathers what other objects need to know of one. obj may be nil: then only
// the identity is known.
func newResource(d *manifest.Document, obj runtime.Object, pods *PodTemplate, namespace string) *Resource {
	r := &Resource{Object: d.Object, File: d.File.Name, Document: d.Number, Item: d.Item}
	r.Object.Namespace = namespace
	if m, ok := obj.(metav1.Object); ok {
		r.Labels = m.GetLabels()
	}
	f := facts{r}
	if pods != nil {
		f.pods(pods)
		if r.Replicas != nil {
			r.ReplicasWritten = d.Has("spec", "replicas")
		}
	}
	f.kind(obj)
	return r
}

// facts fills a Resource in.
type facts struct{ *Resource }

func (f facts) refer(ref Ref) {
	if ref.Name != "" {
		f.Refs = append(f.Refs, ref)
	}
}

// local refers to an object of the core group in the same namespace.
func (f facts) local(kind, name, path, role string, optional *bool, keys ...Key) {
	f.refer(Ref{Kind: kind, Namespace: f.Object.Namespace, Name: name, Path: path, Role: role, Optional: optional != nil && *optional, Keys: keys})
}

func (f facts) cluster(group, kind, name, path, role string) {
	f.refer(Ref{Group: group, Kind: kind, Name: name, Path: path, Role: role})
}

func (f facts) pods(p *PodTemplate) {
	f.HasPods, f.PodLabels, f.Replicas = true, p.Labels, p.Replicas
	if p.Selector != nil {
		f.Selector = &Selector{LabelSelector: *p.Selector, Path: "spec.selector"}
	}
	spec, at := p.Spec, p.SpecPath
	if name := spec.ServiceAccountName; name != "" {
		f.local("ServiceAccount", name, at+".serviceAccountName", "serviceAccountName", nil)
	}
	for i, s := range spec.ImagePullSecrets {
		f.local("Secret", s.Name, fmt.Sprintf("%s.imagePullSecrets[%d].name", at, i), "imagePullSecrets", nil)
	}
	if spec.PriorityClassName != "" {
		f.cluster("scheduling.k8s.io", "PriorityClass", spec.PriorityClassName, at+".priorityClassName", "priorityClassName")
	}
	if spec.RuntimeClassName != nil {
		f.cluster("node.k8s.io", "RuntimeClass", *spec.RuntimeClassName, at+".runtimeClassName", "runtimeClassName")
	}
	for i := range spec.Volumes {
		f.volume(&spec.Volumes[i], fmt.Sprintf("%s.volumes[%d]", at, i))
	}
	for i := range spec.InitContainers {
		f.container(&spec.InitContainers[i], fmt.Sprintf("%s.initContainers[%d]", at, i))
	}
	for i := range spec.Containers {
		f.container(&spec.Containers[i], fmt.Sprintf("%s.containers[%d]", at, i))
	}
}

func (f facts) container(c *corev1.Container, at string) {
	for i, p := range c.Ports {
		f.Ports = append(f.Ports, Port{Name: p.Name, Number: p.ContainerPort, Protocol: string(p.Protocol), Path: fmt.Sprintf("%s.ports[%d].containerPort", at, i)})
	}
	for i, e := range c.Env {
		if e.ValueFrom == nil {
			continue
		}
		from, role := fmt.Sprintf("%s.env[%d].valueFrom", at, i), fmt.Sprintf("env %s of container %s", e.Name, c.Name)
		if r := e.ValueFrom.ConfigMapKeyRef; r != nil {
			f.local("ConfigMap", r.Name, from+".configMapKeyRef.name", role, r.Optional, Key{Name: r.Key, Path: from + ".configMapKeyRef.key"})
		}
		if r := e.ValueFrom.SecretKeyRef; r != nil {
			f.local("Secret", r.Name, from+".secretKeyRef.name", role, r.Optional, Key{Name: r.Key, Path: from + ".secretKeyRef.key"})
		}
	}
	for i, e := range c.EnvFrom {
		from, role := fmt.Sprintf("%s.envFrom[%d]", at, i), "envFrom of container "+c.Name
		if r := e.ConfigMapRef; r != nil {
			f.local("ConfigMap", r.Name, from+".configMapRef.name", role, r.Optional)
		}
		if r := e.SecretRef; r != nil {
			f.local("Secret", r.Name, from+".secretRef.name", role, r.Optional)
		}
	}
}

func (f facts) volume(v *corev1.Volume, at string) {
	role := "volume " + v.Name
	switch {
	case v.ConfigMap != nil:
		f.local("ConfigMap", v.ConfigMap.Name, at+".configMap.name", role, v.ConfigMap.Optional, itemKeys(v.ConfigMap.Items, at+".configMap")...)
	case v.Secret != nil:
		f.local("Secret", v.Secret.SecretName, at+".secret.secretName", role, v.Secret.Optional, itemKeys(v.Secret.Items, at+".secret")...)
	case v.PersistentVolumeClaim != nil:
		f.local("PersistentVolumeClaim", v.PersistentVolumeClaim.ClaimName, at+".persistentVolumeClaim.claimName", role, nil)
	case v.CSI != nil && v.CSI.NodePublishSecretRef != nil:
		f.local("Secret", v.CSI.NodePublishSecretRef.Name, at+".csi.nodePublishSecretRef.name", role, nil)
	case v.Projected != nil:
		for i, s := range v.Projected.Sources {
			from := fmt.Sprintf("%s.projected.sources[%d]", at, i)
			if s.ConfigMap != nil {
				f.local("ConfigMap", s.ConfigMap.Name, from+".configMap.name", role, s.ConfigMap.Optional, itemKeys(s.ConfigMap.Items, from+".configMap")...)
			}
			if s.Secret != nil {
				f.local("Secret", s.Secret.Name, from+".secret.name", role, s.Secret.Optional, itemKeys(s.Secret.Items, from+".secret")...)
			}
		}
	}
}

func itemKeys(items []corev1.KeyToPath, at string) (keys []Key) {
	for i, it := range items {
		keys = append(keys, Key{Name: it.Key, Path: fmt.Sprintf("%s.items[%d].key", at, i)})
	}
	return keys
}

func (f facts) kind(obj runtime.Object) {
	switch o := obj.(type) {
	case *corev1.Service:
		f.service(o)
	case *corev1.ConfigMap:
		for k := range o.Data {
			f.Keys = append(f.Keys, k)
		}
		for k := range o.BinaryData {
			f.Keys = append(f.Keys, k)
		}
		slices.Sort(f.Keys)
	case *corev1.Secret:
		for k := range o.Data {
			f.Keys = append(f.Keys, k)
		}
		for k := range o.StringData {
			f.Keys = append(f.Keys, k)
		}
		slices.Sort(f.Keys)
	case *corev1.ServiceAccount:
		for i, s := range o.ImagePullSecrets {
			f.local("Secret", s.Name, fmt.Sprintf("imagePullSecrets[%d].name", i), "imagePullSecrets", nil)
		}
	case *corev1.PersistentVolumeClaim:
		f.cluster("", "PersistentVolume", o.Spec.VolumeName, "spec.volumeName", "volumeName")
		if o.Spec.StorageClassName != nil {
			f.cluster("storage.k8s.io", "StorageClass", *o.Spec.StorageClassName, "spec.storageClassName", "storageClassName")
		}
	case *appsv1.StatefulSet:
		f.local("Service", o.Spec.ServiceName, "spec.serviceName", "serviceName", nil)
	case *policyv1.PodDisruptionBudget:
		if m := o.Spec.MinAvailable; m != nil && m.Type == intstr.Int {
			f.MinAvailable = m.IntVal
		}
		if o.Spec.Selector != nil {
			f.Selector = &Selector{LabelSelector: *o.Spec.Selector, Path: "spec.selector"}
		}
	case *networkingv1.NetworkPolicy:
		f.Selector = &Selector{LabelSelector: o.Spec.PodSelector, Path: "spec.podSelector"}
	case *networkingv1.Ingress:
		f.ingress(o)
	case *autoscalingv2.HorizontalPodAutoscaler:
		t := o.Spec.ScaleTargetRef
		f.scaleTarget(t.APIVersion, t.Kind, t.Name)
		f.Replicas = o.Spec.MinReplicas
	case *autoscalingv1.HorizontalPodAutoscaler:
		t := o.Spec.ScaleTargetRef
		f.scaleTarget(t.APIVersion, t.Kind, t.Name)
		f.Replicas = o.Spec.MinReplicas
	case *rbacv1.RoleBinding:
		f.binding(o.RoleRef, o.Subjects)
	case *rbacv1.ClusterRoleBinding:
		f.binding(o.RoleRef, o.Subjects)
	case *admissionv1.ValidatingAdmissionPolicyBinding:
		f.cluster(admissionv1.GroupName, "ValidatingAdmissionPolicy", o.Spec.PolicyName, "spec.policyName", "policyName")
	case *admissionv1.ValidatingWebhookConfiguration:
		for i, w := range o.Webhooks {
			f.webhook(w.ClientConfig, fmt.Sprintf("webhooks[%d].clientConfig.service", i), w.Name)
		}
	case *admissionv1.MutatingWebhookConfiguration:
		for i, w := range o.Webhooks {
			f.webhook(w.ClientConfig, fmt.Sprintf("webhooks[%d].clientConfig.service", i), w.Name)
		}
	}
}

func (f facts) service(o *corev1.Service) {
	f.External = o.Spec.Type == corev1.ServiceTypeExternalName || len(o.Spec.Selector) == 0
	f.Headless = o.Spec.ClusterIP == corev1.ClusterIPNone
	if !f.External {
		f.Selector = &Selector{LabelSelector: metav1.LabelSelector{MatchLabels: o.Spec.Selector}, Path: "spec.selector"}
	}
	for i, p := range o.Spec.Ports {
		port := Port{Name: p.Name, Number: p.Port, Protocol: string(p.Protocol), Path: fmt.Sprintf("spec.ports[%d].port", i)}
		if p.TargetPort.Type == intstr.String {
			port.TargetName = p.TargetPort.StrVal
		} else {
			port.TargetNumber = p.TargetPort.IntVal
		}
		f.Ports = append(f.Ports, port)
	}
}

func (f facts) ingress(o *networkingv1.Ingress) {
	backend := func(b *networkingv1.IngressBackend, at string) {
		if b == nil || b.Service == nil {
			return
		}
		port := &Port{Name: b.Service.Port.Name, Number: b.Service.Port.Number, Path: at + ".service.port"}
		f.refer(Ref{Kind: "Service", Namespace: f.Object.Namespace, Name: b.Service.Name, Path: at + ".service.name", Port: port, Role: "backend"})
	}
	backend(o.Spec.DefaultBackend, "spec.defaultBackend")
	for i, rule := range o.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for j := range rule.HTTP.Paths {
			backend(&rule.HTTP.Paths[j].Backend, fmt.Sprintf("spec.rules[%d].http.paths[%d].backend", i, j))
		}
	}
	for i, t := range o.Spec.TLS {
		f.local("Secret", t.SecretName, fmt.Sprintf("spec.tls[%d].secretName", i), "tls", nil)
	}
	if o.Spec.IngressClassName != nil {
		f.cluster(networkingv1.GroupName, "IngressClass", *o.Spec.IngressClassName, "spec.ingressClassName", "ingressClassName")
	}
}

func (f facts) scaleTarget(apiVersion, kind, name string) {
	gk := schema.FromAPIVersionAndKind(apiVersion, kind)
	f.refer(Ref{Group: gk.Group, Kind: kind, Namespace: f.Object.Namespace, Name: name, Path: "spec.scaleTargetRef", Role: "scaleTargetRef"})
}

func (f facts) binding(role rbacv1.RoleRef, subjects []rbacv1.Subject) {
	ref := Ref{Group: role.APIGroup, Kind: role.Kind, Name: role.Name, Path: "roleRef.name", Role: "roleRef"}
	if role.Kind == "Role" {
		ref.Namespace = f.Object.Namespace
	}
	f.refer(ref)
	for i, s := range subjects {
		if s.Kind == rbacv1.ServiceAccountKind {
			f.refer(Ref{Kind: s.Kind, Namespace: s.Namespace, Name: s.Name, Path: fmt.Sprintf("subjects[%d].name", i), Role: "subject"})
		}
	}
}

func (f facts) webhook(c admissionv1.WebhookClientConfig, at, name string) {
	if s := c.Service; s != nil {
		f.refer(Ref{Kind: "Service", Namespace: s.Namespace, Name: s.Name, Path: at + ".name", Role: "webhook " + name})
	}
}
