package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unique"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/seatrial/seatrial/manifest"
)

// fill gathers what other objects need to know of one. obj may be nil: then only the identity is known.
func (r *Resource) fill(d *manifest.Document, obj runtime.Object, pods *PodTemplate, namespace string) {
	r.Object, r.File, r.Document, r.Item = d.Object, d.File.Name, d.Number, d.Item
	r.Object.APIVersion, r.Object.Kind = intern(d.Object.APIVersion), intern(d.Object.Kind)
	r.Object.Namespace = intern(namespace)
	if m, ok := obj.(metav1.Object); ok {
		r.Labels = m.GetLabels()
	}
	f := facts{r}
	if obj == nil {
		r.MayCreatePods = pods == nil && makesPods(d.Value())
		f.provides(d.Value())
		f.refers(d.Value())
	}
	if o, ok := obj.(*unstructured.Unstructured); ok {
		r.MayCreatePods = pods == nil && makesPods(o.Object)
		f.provides(o.Object)
		f.refers(o.Object)
	}
	if pods != nil {
		f.pods(pods)
		if r.Replicas != nil {
			r.ReplicasWritten = d.Has("spec", "replicas")
		}
	}
	f.kind(d, obj)
}

// shared returns a text that many objects of a set say as one string that all of them keep.
func intern(text string) string { return unique.Make(text).Value() }

// facts fills a Resource in.
type facts struct{ *Resource }

func (f facts) refer(ref Ref) {
	if ref.Name != "" {
		f.Refs = append(f.Refs, ref)
	}
}

// local refers to an object of the core group in the same namespace.
func (f facts) local(kind, name, path, role string, optional *bool, keys ...Key) {
	f.refer(Ref{
		Kind:      kind,
		Namespace: f.Object.Namespace,
		Name:      name,
		Path:      path,
		Role:      role,
		Optional:  optional != nil && *optional,
		Keys:      keys,
	})
}

func (f facts) cluster(group, kind, name, path, role string) {
	f.refer(Ref{Group: group, Kind: kind, Name: name, Path: path, Role: role})
}

// References returns the objects that pods in a namespace name.
func (p *PodTemplate) References(namespace string) []Ref {
	r := &Resource{}
	r.Object.Namespace = namespace
	facts{r}.pods(p)
	return r.Refs
}

func (f facts) pods(p *PodTemplate) {
	f.HasPods, f.SpecPath, f.PodLabels, f.Replicas = true, p.SpecPath, p.Labels, p.Replicas
	if p.Selector != nil {
		f.Selector = &Selector{LabelSelector: *p.Selector, Path: "spec.selector"}
	}
	spec, at := p.Spec, p.SpecPath
	f.PodNeeds, f.Ungiven = podNeeds(spec), ungiven(spec)
	f.Placement = placementOf(spec)
	f.Automount, f.HostNetwork = spec.AutomountServiceAccountToken, spec.HostNetwork
	// of init containers sidecars alone may have probes
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		f.ReadinessProbe, f.LivenessProbe =
			f.ReadinessProbe || c.ReadinessProbe != nil, f.LivenessProbe || c.LivenessProbe != nil
	}
	for i, c := range spec.ResourceClaims {
		claim := fmt.Sprintf("%s.resourceClaims[%d]", at, i)
		if c.ResourceClaimName != nil {
			f.refer(Ref{
				Group:     "resource.k8s.io",
				Kind:      "ResourceClaim",
				Namespace: f.Object.Namespace,
				Name:      *c.ResourceClaimName,
				Path:      claim + ".resourceClaimName",
				Role:      "resourceClaims",
			})
		}
		if c.ResourceClaimTemplateName != nil {
			f.refer(Ref{
				Group:     "resource.k8s.io",
				Kind:      "ResourceClaimTemplate",
				Namespace: f.Object.Namespace,
				Name:      *c.ResourceClaimTemplateName,
				Path:      claim + ".resourceClaimTemplateName",
				Role:      "resourceClaims",
			})
		}
	}
	if name := spec.ServiceAccountName; name != "" {
		f.local("ServiceAccount", name, at+".serviceAccountName", "serviceAccountName", nil)
	}
	for i, s := range spec.ImagePullSecrets {
		f.local("Secret", s.Name, fmt.Sprintf("%s.imagePullSecrets[%d].name", at, i), "imagePullSecrets", nil)
	}
	if spec.PriorityClassName != "" {
		f.cluster(
			"scheduling.k8s.io",
			"PriorityClass",
			spec.PriorityClassName,
			at+".priorityClassName",
			"priorityClassName",
		)
	}
	if spec.RuntimeClassName != nil {
		f.cluster("node.k8s.io", "RuntimeClass", *spec.RuntimeClassName, at+".runtimeClassName", "runtimeClassName")
	}
	for i := range spec.Volumes {
		f.volume(&spec.Volumes[i], fmt.Sprintf("%s.volumes[%d]", at, i))
	}
	for i := range spec.InitContainers {
		c, path := titled(spec.InitContainers, i), fmt.Sprintf("%s.initContainers[%d]", at, i)
		f.container(c, path)
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			f.runs(spec, c, path)
		}
	}
	for i := range spec.Containers {
		path := fmt.Sprintf("%s.containers[%d]", at, i)
		f.container(titled(spec.Containers, i), path)
		f.runs(spec, titled(spec.Containers, i), path)
	}
}

// runs gathers what counts of containers that go on running: their ports, and what they request.
func (f facts) runs(spec *corev1.PodSpec, c *corev1.Container, at string) {
	for i, p := range c.Ports {
		f.Ports = append(f.Ports, Port{
			Name:     p.Name,
			Number:   p.ContainerPort,
			Protocol: string(cmp.Or(p.Protocol, corev1.ProtocolTCP)),
			Path:     fmt.Sprintf("%s.ports[%d].containerPort", at, i),
		})
	}
	for _, resource := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		if !requests(c.Resources, resource) && (spec.Resources == nil || !requests(*spec.Resources, resource)) {
			f.Unrequested = append(f.Unrequested, Request{c.Name, string(resource)})
		}
	}
}

// requests reports whether a request is made; the server fills one in from the limit.
func requests(r corev1.ResourceRequirements, name corev1.ResourceName) bool {
	_, request := r.Requests[name]
	_, limit := r.Limits[name]
	return request || limit
}

func (f facts) container(c *corev1.Container, at string) {
	f.hosts(c, at)
	f.calls(c, at)
	f.makes(c)
	for i, e := range c.Env {
		if e.ValueFrom == nil {
			continue
		}
		from, role := fmt.Sprintf("%s.env[%d].valueFrom", at, i), fmt.Sprintf("env %s of container %s", e.Name, c.Name)
		if r := e.ValueFrom.ConfigMapKeyRef; r != nil {
			f.local(
				"ConfigMap",
				r.Name,
				from+".configMapKeyRef.name",
				role,
				r.Optional,
				Key{Name: r.Key, Path: from + ".configMapKeyRef.key"},
			)
		}
		if r := e.ValueFrom.SecretKeyRef; r != nil {
			f.local(
				"Secret",
				r.Name,
				from+".secretKeyRef.name",
				role,
				r.Optional,
				Key{Name: r.Key, Path: from + ".secretKeyRef.key"},
			)
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
		f.local(
			"ConfigMap",
			v.ConfigMap.Name,
			at+".configMap.name",
			role,
			v.ConfigMap.Optional,
			itemKeys(v.ConfigMap.Items, at+".configMap")...)
	case v.Secret != nil:
		f.local(
			"Secret",
			v.Secret.SecretName,
			at+".secret.secretName",
			role,
			v.Secret.Optional,
			itemKeys(v.Secret.Items, at+".secret")...)
	case v.PersistentVolumeClaim != nil:
		f.local(
			"PersistentVolumeClaim",
			v.PersistentVolumeClaim.ClaimName,
			at+".persistentVolumeClaim.claimName",
			role,
			nil,
		)
	case v.Ephemeral != nil && v.Ephemeral.VolumeClaimTemplate != nil:
		f.storageClass(
			v.Ephemeral.VolumeClaimTemplate.Spec.StorageClassName,
			at+".ephemeral.volumeClaimTemplate.spec.storageClassName",
		)
	case v.CSI != nil && v.CSI.NodePublishSecretRef != nil:
		f.local("Secret", v.CSI.NodePublishSecretRef.Name, at+".csi.nodePublishSecretRef.name", role, nil)
	case v.Projected != nil:
		for i, s := range v.Projected.Sources {
			from := fmt.Sprintf("%s.projected.sources[%d]", at, i)
			if s.ConfigMap != nil {
				f.local(
					"ConfigMap",
					s.ConfigMap.Name,
					from+".configMap.name",
					role,
					s.ConfigMap.Optional,
					itemKeys(s.ConfigMap.Items, from+".configMap")...)
			}
			if s.Secret != nil {
				f.local(
					"Secret",
					s.Secret.Name,
					from+".secret.name",
					role,
					s.Secret.Optional,
					itemKeys(s.Secret.Items, from+".secret")...)
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

func (f facts) kind(d *manifest.Document, obj runtime.Object) {
	switch o := obj.(type) {
	case *corev1.Service:
		f.service(d, o)
	case *corev1.Node:
		f.node(o)
	//lint:ignore SA1019 people still write them
	case *corev1.Endpoints:
		f.endpoints(o)
	case *discoveryv1.EndpointSlice:
		f.endpointSlice(o)
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
		if o.Type == corev1.SecretTypeServiceAccountToken { // filled in by a controller
			f.Keys = append(
				f.Keys, corev1.ServiceAccountTokenKey, corev1.ServiceAccountRootCAKey,
				corev1.ServiceAccountNamespaceKey,
			)
		}
		slices.Sort(f.Keys)
	case *corev1.LimitRange:
		f.limitRange(o)
	case *corev1.ResourceQuota:
		f.quota(o)
	case *corev1.ServiceAccount:
		f.Automount = o.AutomountServiceAccountToken
		for i, s := range o.ImagePullSecrets {
			f.local("Secret", s.Name, fmt.Sprintf("imagePullSecrets[%d].name", i), "imagePullSecrets", nil)
		}
	case *corev1.PersistentVolumeClaim:
		f.cluster("", "PersistentVolume", o.Spec.VolumeName, "spec.volumeName", "volumeName")
		f.storageClass(o.Spec.StorageClassName, "spec.storageClassName")
		f.SingleNode = len(o.Spec.AccessModes) > 0 &&
			!slices.ContainsFunc(o.Spec.AccessModes, func(m corev1.PersistentVolumeAccessMode) bool {
				return m == corev1.ReadOnlyMany || m == corev1.ReadWriteMany
			})
	case *appsv1.StatefulSet:
		for i, c := range o.Spec.VolumeClaimTemplates {
			f.storageClass(
				c.Spec.StorageClassName, fmt.Sprintf("spec.volumeClaimTemplates[%d].spec.storageClassName", i),
			)
			f.provide("PersistentVolumeClaim", c.Name+"-"+f.Object.Name+"-") // and a number
			f.override("volume " + c.Name)
		}
		f.local("Service", o.Spec.ServiceName, "spec.serviceName", "serviceName", nil)
	case *policyv1.PodDisruptionBudget:
		f.MinAvailable = o.Spec.MinAvailable
		if o.Spec.Selector != nil {
			f.Selector = &Selector{LabelSelector: *o.Spec.Selector, Path: "spec.selector"}
		}
	case *networkingv1.NetworkPolicy:
		f.Selector = &Selector{LabelSelector: o.Spec.PodSelector, Path: "spec.podSelector"}
		f.Network = &o.Spec
		for i, rule := range o.Spec.Ingress {
			f.peers(rule.From, fmt.Sprintf("spec.ingress[%d].from", i))
		}
		for i, rule := range o.Spec.Egress {
			f.peers(rule.To, fmt.Sprintf("spec.egress[%d].to", i))
		}
	case *networkingv1.Ingress:
		f.ingress(o)
	case *autoscalingv2.HorizontalPodAutoscaler:
		t := o.Spec.ScaleTargetRef
		f.scaleTarget(t.APIVersion, t.Kind, t.Name)
		f.Replicas, f.MaxReplicas = o.Spec.MinReplicas, o.Spec.MaxReplicas
		f.metrics(o.Spec.Metrics)
	case *autoscalingv1.HorizontalPodAutoscaler:
		t := o.Spec.ScaleTargetRef
		f.scaleTarget(t.APIVersion, t.Kind, t.Name)
		f.Replicas, f.MaxReplicas = o.Spec.MinReplicas, o.Spec.MaxReplicas
		if o.Spec.TargetCPUUtilizationPercentage != nil {
			f.Utilization = []Metric{{Resource: "cpu", Path: "spec.targetCPUUtilizationPercentage"}}
		}
	case *rbacv1.RoleBinding:
		f.binding(o.RoleRef, o.Subjects)
	case *rbacv1.ClusterRoleBinding:
		f.binding(o.RoleRef, o.Subjects)
	case *admissionv1.ValidatingAdmissionPolicyBinding:
		f.cluster(
			admissionv1.GroupName, "ValidatingAdmissionPolicy", o.Spec.PolicyName, "spec.policyName", "policyName",
		)
	case *admissionv1.MutatingAdmissionPolicyBinding:
		f.cluster(admissionv1.GroupName, "MutatingAdmissionPolicy", o.Spec.PolicyName, "spec.policyName", "policyName")
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

func (f facts) service(d *manifest.Document, o *corev1.Service) {
	f.External = o.Spec.Type == corev1.ServiceTypeExternalName || len(o.Spec.Selector) == 0
	f.Headless = o.Spec.ClusterIP == corev1.ClusterIPNone
	if !f.Headless && d.Has("spec", "clusterIP") {
		f.address(append(slices.Clone(o.Spec.ClusterIPs), o.Spec.ClusterIP)...)
	}
	if !f.External {
		f.Selector = &Selector{LabelSelector: metav1.LabelSelector{MatchLabels: o.Spec.Selector}, Path: "spec.selector"}
	}
	for i, p := range o.Spec.Ports {
		port := Port{
			Name:     p.Name,
			Number:   p.Port,
			Protocol: string(p.Protocol),
			Path:     fmt.Sprintf("spec.ports[%d].port", i),
		}
		if p.TargetPort.Type == intstr.String {
			port.TargetName = p.TargetPort.StrVal
		} else {
			port.TargetNumber = p.TargetPort.IntVal
		}
		f.Ports = append(f.Ports, port)
		if p.NodePort != 0 && writesPort(d, i) {
			f.Claims = append(f.Claims, Claim{
				What: fmt.Sprintf("nodePort %d/%s", p.NodePort, p.Protocol),
				Path: fmt.Sprintf("spec.ports[%d].nodePort", i),
			})
		}
	}
	f.provide("Secret", o.Annotations["service.beta.openshift.io/serving-cert-secret-name"])
}

// writesPort reports whether a Service asks for a port of the nodes, and was not given one.
func writesPort(d *manifest.Document, i int) bool {
	ports, _, _ := unstructured.NestedSlice(d.Value(), "spec", "ports")
	if i >= len(ports) {
		return false
	}
	port, ok := ports[i].(map[string]any)
	return ok && port["nodePort"] != nil
}

// provide says that an object of the core group will be there because of this one.
func (f facts) provide(kind, name string) {
	if name != "" {
		f.Provides = append(f.Provides, Ref{Kind: kind, Namespace: f.Object.Namespace, Name: name})
	}
}

// override drops what a volume refers to, where a claim template of the same name takes its place.
func (f facts) override(role string) {
	f.Refs = slices.DeleteFunc(f.Refs, func(r Ref) bool { return r.Role == role })
}

// secretMakers are custom resources of which a controller makes a Secret, and the fields that name
// it; without such a field it has the resource's own name.
var secretMakers = []struct {
	group, kind string
	name        []string
}{
	{"cert-manager.io", "Certificate", []string{"spec", "secretName"}},
	{"external-secrets.io", "ExternalSecret", []string{"spec", "target", "name"}},
	{"bitnami.com", "SealedSecret", nil},
	{"onepassword.com", "OnePasswordItem", nil},
	{"isindir.github.com", "SopsSecret", nil},
}

// provides tells what controllers make of a custom resource.
func (f facts) provides(value map[string]any) {
	for _, m := range secretMakers {
		if gk := f.GroupKind(); gk.Group == m.group && gk.Kind == m.kind {
			name, _, _ := unstructured.NestedString(value, m.name...)
			f.provide("Secret", cmp.Or(name, f.Object.Name))
		}
	}
}

// makesPods reports whether a custom resource looks as if somebody made pods of it.
func makesPods(value any) bool {
	switch v := value.(type) {
	case map[string]any:
		for key, child := range v {
			if key == "replicas" || key == "image" || key == "instances" || key == "podMetadata" || makesPods(child) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, makesPods)
	}
	return false
}

func (f facts) limitRange(o *corev1.LimitRange) {
	for _, l := range o.Spec.Limits {
		if l.Type != corev1.LimitTypeContainer {
			continue
		}
		for name := range l.Default {
			f.Defaults = append(f.Defaults, string(name)+" limit")
		}
		for name := range l.DefaultRequest {
			f.Defaults = append(f.Defaults, string(name)+" request")
		}
	}
	slices.Sort(f.Defaults)
	f.Hard = defaultAmounts(o)
}

func (f facts) storageClass(name *string, path string) {
	if name != nil {
		f.cluster("storage.k8s.io", "StorageClass", *name, path, "storageClassName")
	}
}

// peers keeps the selectors of a policy's peers that mean pods of its own namespace.
func (f facts) peers(peers []networkingv1.NetworkPolicyPeer, at string) {
	for i, p := range peers {
		if p.PodSelector != nil && p.NamespaceSelector == nil {
			f.Peers = append(
				f.Peers,
				Selector{LabelSelector: *p.PodSelector, Path: fmt.Sprintf("%s[%d].podSelector", at, i)},
			)
		}
	}
}

func (f facts) metrics(metrics []autoscalingv2.MetricSpec) {
	for i, m := range metrics {
		at := fmt.Sprintf("spec.metrics[%d]", i)
		if r := m.Resource; r != nil && r.Target.Type == autoscalingv2.UtilizationMetricType {
			f.Utilization = append(
				f.Utilization,
				Metric{Resource: string(r.Name), Path: at + ".resource.target.averageUtilization"},
			)
		}
		if r := m.ContainerResource; r != nil && r.Target.Type == autoscalingv2.UtilizationMetricType {
			f.Utilization = append(f.Utilization, Metric{
				Resource:  string(r.Name),
				Container: r.Container,
				Path:      at + ".containerResource.target.averageUtilization",
			})
		}
	}
}

func (f facts) ingress(o *networkingv1.Ingress) {
	backend := func(b *networkingv1.IngressBackend, at string) {
		if b == nil || b.Service == nil {
			return
		}
		port := &Port{Name: b.Service.Port.Name, Number: b.Service.Port.Number, Path: at + ".service.port"}
		f.refer(Ref{
			Kind:      "Service",
			Namespace: f.Object.Namespace,
			Name:      b.Service.Name,
			Path:      at + ".service.name",
			Port:      port,
			Role:      "backend",
		})
	}
	backend(o.Spec.DefaultBackend, "spec.defaultBackend")
	for i, rule := range o.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for j := range rule.HTTP.Paths {
			at := fmt.Sprintf("spec.rules[%d].http.paths[%d]", i, j)
			backend(&rule.HTTP.Paths[j].Backend, at+".backend")
			f.Claims = append(f.Claims, Claim{What: routeOf(o, rule.Host, &rule.HTTP.Paths[j]), Path: at + ".path"})
		}
	}
	for i, t := range o.Spec.TLS {
		f.local("Secret", t.SecretName, fmt.Sprintf("spec.tls[%d].secretName", i), "tls", nil)
		if certified(o.Annotations) {
			f.provide("Secret", t.SecretName)
		}
	}
	if o.Spec.IngressClassName != nil {
		f.cluster(
			networkingv1.GroupName,
			"IngressClass",
			*o.Spec.IngressClassName,
			"spec.ingressClassName",
			"ingressClassName",
		)
	}
}

// routeOf names what an Ingress claims: a path of a host, from the controller of its class.
func routeOf(o *networkingv1.Ingress, host string, p *networkingv1.HTTPIngressPath) string {
	class := o.Annotations["kubernetes.io/ingress.class"]
	if o.Spec.IngressClassName != nil {
		class = *o.Spec.IngressClassName
	}
	kind := networkingv1.PathTypeImplementationSpecific
	if p.PathType != nil {
		kind = *p.PathType
	}
	route := fmt.Sprintf("%s path %s of host %s", kind, cmp.Or(p.Path, "/"), cmp.Or(host, "*"))
	if class != "" {
		route += " of class " + class
	}
	return route
}

// certified reports whether cert-manager makes the certificates of an Ingress.
func certified(annotations map[string]string) bool {
	for key, value := range annotations {
		if strings.HasPrefix(key, "cert-manager.io/") && strings.HasSuffix(key, "issuer") ||
			key == "kubernetes.io/tls-acme" && value == "true" {
			return true
		}
	}
	return false
}

func (f facts) scaleTarget(apiVersion, kind, name string) {
	gk := schema.FromAPIVersionAndKind(apiVersion, kind)
	f.refer(Ref{
		Group:     gk.Group,
		Kind:      kind,
		Namespace: f.Object.Namespace,
		Name:      name,
		Path:      "spec.scaleTargetRef",
		Role:      "scaleTargetRef",
	})
}

func (f facts) binding(role rbacv1.RoleRef, subjects []rbacv1.Subject) {
	ref := Ref{Group: role.APIGroup, Kind: role.Kind, Name: role.Name, Path: "roleRef.name", Role: "roleRef"}
	if role.Kind == "Role" {
		ref.Namespace = f.Object.Namespace
	}
	f.refer(ref)
	for i, s := range subjects {
		namespace := cmp.Or(s.Namespace, f.Object.Namespace) // a RoleBinding need not name its own
		if s.Kind == rbacv1.ServiceAccountKind && namespace != "" {
			f.refer(Ref{
				Kind:      s.Kind,
				Namespace: namespace,
				Name:      s.Name,
				Path:      fmt.Sprintf("subjects[%d].name", i),
				Role:      "subject",
			})
		}
	}
}

func (f facts) webhook(c admissionv1.WebhookClientConfig, at, name string) {
	if s := c.Service; s != nil {
		f.refer(Ref{Kind: "Service", Namespace: s.Namespace, Name: s.Name, Path: at + ".name", Role: "webhook " + name})
	}
}
