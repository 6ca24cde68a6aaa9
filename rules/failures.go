package rules

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
)

// failureRules prevent failures that have a name.
var failureRules = []*lint.Rule{
	{
		Name:     "webhook-locks-cluster",
		Title:    "webhook that stands in the way of its own pods",
		Severity: diag.Warning,
		Category: "availability",
		Kinds:    []string{"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"},
		URL:      "https://kubernetes.io/docs/concepts/cluster-administration/admission-webhooks-good-practices/",
		Doc: "A webhook that is asked of every pod, refuses when it does not answer, and runs in the cluster itself locks it: " +
			"when its pods are gone, neither they nor those of kube-system can be made. Leave out its own namespace and " +
			"kube-system with a namespaceSelector, or let failurePolicy be Ignore.",
		Check: checkWebhook,
	},
	{
		Name:     "daemonset-surge-host-port",
		Title:    "DaemonSet whose update waits for a port of the node",
		Severity: diag.Warning,
		Category: "availability",
		Kinds:    []string{"DaemonSet"},
		URL:      "https://kubernetes.io/docs/tasks/manage-daemon/update-daemon-set/",
		Doc: "With maxSurge the new pod starts beside the old one, on the same node. Both want the same port of it: the new one " +
			"is never scheduled, and the update never goes on.",
		Check: func(p *lint.Pass) error {
			o, ok := p.Object.(*appsv1.DaemonSet)
			if !ok || o.Spec.UpdateStrategy.RollingUpdate == nil ||
				scaled(orZero(o.Spec.UpdateStrategy.RollingUpdate.MaxSurge), 100) == 0 {
				return nil
			}
			p.Containers(func(c *corev1.Container, path string, init bool) {
				for i, port := range c.Ports {
					if p.Pods.Spec.HostNetwork {
						port.HostPort = port.ContainerPort
					}
					if port.HostPort != 0 && (!init || sidecar(c)) {
						p.Report(lint.Finding{
							Path:    "spec.updateStrategy.rollingUpdate.maxSurge",
							Message: fmt.Sprintf("old and new pod want port %d of the same node", port.HostPort),
							Help:    "use maxUnavailable instead",
							Related: []lint.RelatedPath{
								{Path: fmt.Sprintf("%s.ports[%d]", path, i), Message: "the port"},
							},
						})
						return
					}
				}
			})
			return nil
		},
	},
	{
		Name:     "hpa-max-exceeds-quota",
		Title:    "autoscaler that a quota stops before its maximum",
		Severity: diag.Warning,
		Category: "availability",
		Kinds:    []string{"HorizontalPodAutoscaler"},
		URL:      "https://kubernetes.io/docs/concepts/policy/resource-quotas/",
		Doc: "maxReplicas pods of the workload request more than a ResourceQuota of the namespace grants: under load the " +
			"last ones are refused, when they are needed. What a LimitRange sets for containers counts as well. Quotas for some " +
			"pods only (scopes) are passed over.",
		CheckSet: checkQuota,
	},
	{
		Name:     "node-selector-never-matches",
		Title:    "node selector that no node has matched for years",
		Severity: diag.Warning,
		Category: "availability",
		URL:      "https://kubernetes.io/docs/reference/labels-annotations-taints/#node-role-kubernetes-io-master",
		Doc: "kubeadm has not set the label node-role.kubernetes.io/master since Kubernetes 1.24: on its clusters pods that " +
			"select it are never scheduled. The label is node-role.kubernetes.io/control-plane. Other distributions set a " +
			"value, such as true: a selector with one is passed over, and so are sets in which a Node has the label.",
		VoidedBy: func(set *lint.Set, _ string) bool {
			return slices.ContainsFunc(set.OfKind("", "Node"), func(r *lint.Resource) bool {
				_, labelled := r.Labels[oldControlPlane]
				return labelled
			})
		},
		Check: func(p *lint.Pass) error {
			const old = oldControlPlane
			if p.Pods == nil {
				return nil
			}
			if value, ok := p.Pods.Spec.NodeSelector[old]; ok && value == "" {
				p.Report(lint.Finding{
					Path:    p.Pods.SpecPath + ".nodeSelector[" + old + "]",
					OnKey:   true,
					Message: "kubeadm has not set the label " + old + " since Kubernetes 1.24",
					Help:    "select node-role.kubernetes.io/control-plane",
				})
			}
			return nil
		},
	},
	{
		Name:     "annotation-without-effect",
		Title:    "annotation that Kubernetes does not read any more",
		Severity: diag.Warning,
		Category: "lifecycle",
		URL:      "https://kubernetes.io/docs/reference/labels-annotations-taints/",
		Doc: "The annotation became a field, or went, and is not read any more: what it asked for does not happen. Those that " +
			"the API server itself warns of are api-server-warning.",
		Check: checkAnnotationEffect,
	},
	{
		Name:     "url-password",
		Title:    "password inside a URL",
		Severity: diag.Warning,
		Category: "security",
		URL:      secretsURL,
		Doc: "A URL with user and password in a variable, an argument or a ConfigMap shows the password to all who may read " +
			"the object, and often the log. Take it from a Secret; `$(NAME)` puts a variable into a URL.",
		Check: func(p *lint.Pass) error {
			eachText(p, func(text, path string, key bool) {
				if at := passwordURL(text); at != "" {
					p.Report(lint.Finding{
						Path: path, OnKey: key, Message: fmt.Sprintf("the URL of %s holds a password", at),
						Help: "put it into a Secret, and take it from there as a variable",
					})
				}
			})
			return nil
		},
	},
	{
		Name:        "cpu-limit-set",
		Title:       "container with a CPU limit",
		Severity:    diag.Info,
		Category:    "resources",
		Optional:    true,
		URL:         resourcesURL,
		Equivalents: "datree 80",
		Doc: "Opinions differ: a limit throttles a container even when the node is idle, which shows as slow answers. Its " +
			"opposite is cpu-limit-missing.",
		Check: running(func(p *lint.Pass, c *corev1.Container, path string) {
			if _, ok := c.Resources.Limits[corev1.ResourceCPU]; ok {
				p.Report(lint.Finding{
					Path: path + ".resources.limits.cpu", OnKey: true,
					Message: fmt.Sprintf("container %s is throttled at its CPU limit", c.Name),
					Fixes:   removing(path + ".resources.limits.cpu"),
				})
			}
		}),
	},
	{
		Name: "pre-stop-hook-missing", Equivalents: "datree 60",
		Title:    "container that answers requests and stops at once",
		Severity: diag.Info,
		Category: "availability",
		Optional: true,
		Kinds:    []string{"Deployment", "StatefulSet"},
		URL:      "https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/",
		Doc: "The endpoints of a pod are taken out while it already ends: requests that come in the meantime fail. A preStop " +
			"hook that sleeps a few seconds waits for that. Containers without a readiness probe are passed over.",
		Check: running(func(p *lint.Pass, c *corev1.Container, path string) {
			if c.ReadinessProbe != nil && (c.Lifecycle == nil || c.Lifecycle.PreStop == nil) {
				p.Report(lint.Finding{
					Path: path + ".lifecycle.preStop", Message: fmt.Sprintf("container %s has no preStop hook", c.Name),
					Help: "preStop: {sleep: {seconds: 5}}",
				})
			}
		}),
	},
	{
		Name:        "network-policy-allows-all",
		Title:       "NetworkPolicy that lets everything in",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		Kinds:       []string{"NetworkPolicy"},
		Equivalents: "popeye 1203",
		Doc:         "An empty rule allows all sources, or all destinations: the pods count as isolated and are not.",
		Check: func(p *lint.Pass) error {
			o, ok := p.Object.(*networkingv1.NetworkPolicy)
			if !ok {
				return nil
			}
			for i, rule := range o.Spec.Ingress {
				if len(rule.From)+len(rule.Ports) == 0 {
					p.Report(
						lint.Finding{Path: fmt.Sprintf("spec.ingress[%d]", i), Message: "the rule lets everything in"},
					)
				}
			}
			for i, rule := range o.Spec.Egress {
				if len(rule.To)+len(rule.Ports) == 0 {
					p.Report(
						lint.Finding{Path: fmt.Sprintf("spec.egress[%d]", i), Message: "the rule lets everything out"},
					)
				}
			}
			return nil
		},
	},
	{
		Name:     "topology-spread-across-revisions",
		Title:    "spread that counts the pods of all revisions",
		Severity: diag.Info,
		Category: "availability",
		Optional: true,
		Kinds:    []string{"Deployment"},
		URL:      spreadURL,
		Doc: "Without matchLabelKeys: [pod-template-hash] the old pods of a rollout count, too. When they are gone, the new " +
			"ones may stand in one zone.",
		Check: func(p *lint.Pass) error {
			if p.Pods == nil {
				return nil
			}
			for i, c := range p.Pods.Spec.TopologySpreadConstraints {
				if len(c.MatchLabelKeys) == 0 {
					p.Report(lint.Finding{
						Path:    fmt.Sprintf("%s.topologySpreadConstraints[%d].matchLabelKeys", p.Pods.SpecPath, i),
						Message: "the pods of all revisions are counted",
						Help:    "matchLabelKeys: [pod-template-hash]",
					})
				}
			}
			return nil
		},
	},
	{
		Name:        "replicas-zero",
		Title:       "workload without replicas",
		Severity:    diag.Info,
		Category:    "availability",
		Optional:    true,
		Kinds:       []string{"Deployment", "ReplicaSet", "StatefulSet", "ReplicationController"},
		Equivalents: "popeye 500",
		Doc:         "Nothing runs. Workloads that an autoscaler scales are passed over.",
		CheckSet: func(p *lint.SetPass) error {
			if r := p.Resource; r.Replicas != nil && *r.Replicas == 0 && len(scalers(p.Set, r)) == 0 {
				p.Report(lint.Finding{Path: "spec.replicas", Message: fmt.Sprintf("%s has no replicas", r.Object)})
			}
			return nil
		},
	},
	{
		Name:        "cronjob-suspended",
		Title:       "CronJob that never runs, since it is suspended",
		Severity:    diag.Info,
		Category:    "config",
		Optional:    true,
		Kinds:       []string{"CronJob"},
		Equivalents: "popeye 1500",
		Doc:         "What was suspended for a day is easily forgotten.",
		Check: eachCronJob(func(p *lint.Pass, o *batchv1.CronJob) {
			if ptr.Deref(o.Spec.Suspend, false) {
				p.Report(lint.Finding{
					Path: "spec.suspend", Message: "the CronJob is suspended",
					Fixes: setting("spec.suspend", "false"),
				})
			}
		}),
	},
	{
		Name:        "apparmor-profile-missing",
		Title:       "container without an AppArmor profile",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		Equivalents: "monokle KSV002",
		URL:         "https://kubernetes.io/docs/tutorials/security/apparmor/",
		Doc: "Container runtimes set their default profile where the node has AppArmor. Written down, a node without it " +
			"refuses the pod.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			pod := p.Pods.Spec.SecurityContext
			if (c.SecurityContext == nil || c.SecurityContext.AppArmorProfile == nil) &&
				(pod == nil || pod.AppArmorProfile == nil) && !windows(p) {
				p.Report(lint.Finding{
					Path:    path + ".securityContext.appArmorProfile",
					Message: fmt.Sprintf("container %s has no AppArmor profile", c.Name),
					Help:    "appArmorProfile: {type: RuntimeDefault}",
					Fixes:   setting(path+".securityContext.appArmorProfile.type", "RuntimeDefault"),
				})
			}
		}),
	},
	{
		Name:        "port-unnamed",
		Title:       "port that is referred to by its number",
		Severity:    diag.Info,
		Category:    "config",
		Optional:    true,
		Equivalents: "popeye 105, 108, 1102 and 1403",
		Doc: "A name stays when the number changes: of ports of containers, of their probes, of the target of a Service, " +
			"and of the backend of an Ingress.",
		Check: func(p *lint.Pass) error {
			if o, ok := p.Object.(*corev1.Service); ok && len(o.Spec.Selector) > 0 {
				for i, port := range o.Spec.Ports {
					if port.TargetPort.Type == intstr.Int {
						p.Report(lint.Finding{
							Path:    fmt.Sprintf("spec.ports[%d].targetPort", i),
							Message: fmt.Sprintf("the target port is the number %d", port.TargetPort.IntVal),
							Help:    "name the port of the container",
						})
					}
				}
			}
			numberedBackends(p)
			p.Containers(func(c *corev1.Container, path string, _ bool) {
				for i, port := range c.Ports {
					if port.Name == "" {
						p.Report(lint.Finding{
							Path:    fmt.Sprintf("%s.ports[%d]", path, i),
							Message: fmt.Sprintf("port %d of container %s has no name", port.ContainerPort, c.Name),
						})
					}
				}
				numberedProbes(p, c, path)
			})
			return nil
		},
	},
	{
		Name:        "service-traffic-policy",
		Title:       "Service whose externalTrafficPolicy does not fit its type",
		Severity:    diag.Info,
		Category:    "availability",
		Optional:    true,
		Kinds:       []string{"Service"},
		URL:         "https://kubernetes.io/docs/reference/networking/virtual-ips/#external-traffic-policy",
		Equivalents: "popeye 1107 and 1108",
		Doc: "A load balancer with the policy Cluster, the default, may send requests through a second node, and the pods see " +
			"the address of that node in place of the client's. With type NodePort and the policy Local, a node " +
			"without a pod of the Service drops what it gets: nothing tells clients which nodes to ask.",
		Check: func(p *lint.Pass) error {
			s, ok := p.Object.(*corev1.Service)
			if !ok {
				return nil
			}
			f := lint.Finding{Path: "spec.externalTrafficPolicy"}
			switch policy := s.Spec.ExternalTrafficPolicy; {
			case s.Spec.Type == corev1.ServiceTypeLoadBalancer && policy == corev1.ServiceExternalTrafficPolicyCluster:
				f.Message, f.Help = "requests may take a second node on their way, and lose the client's address", "set externalTrafficPolicy: Local"
				f.Fixes = setting(f.Path, "Local")
			case s.Spec.Type == corev1.ServiceTypeNodePort && policy == corev1.ServiceExternalTrafficPolicyLocal:
				f.Message, f.Help = "nodes without a pod of the Service drop the requests that they get", "set externalTrafficPolicy: Cluster"
				f.Fixes = setting(f.Path, "Cluster")
			default:
				return nil
			}
			p.Report(f)
			return nil
		},
	},
	{
		Name:        "owner-reference-written",
		Title:       "object with an owner that is named by its UID",
		Severity:    diag.Warning,
		Category:    "availability",
		URL:         "https://kubernetes.io/docs/concepts/architecture/garbage-collection/#owners-dependents",
		Equivalents: "monokle LNK003",
		Doc: "The garbage collector deletes an object of whose owners none exists. A UID is drawn when the owner is created, so " +
			"that a manifest cannot know it: the field was most likely copied from a running cluster.",
		Check: func(p *lint.Pass) error {
			o, ok := p.Object.(metav1.Object)
			if !ok {
				return nil
			}
			for i, owner := range o.GetOwnerReferences() {
				p.Report(lint.Finding{
					Path: fmt.Sprintf("metadata.ownerReferences[%d].uid", i),
					Message: fmt.Sprintf("the garbage collector deletes the object unless %s %s exists with this very UID",
						owner.Kind, owner.Name),
					Help:  "remove metadata.ownerReferences",
					Fixes: removing("metadata.ownerReferences"),
				})
			}
			return nil
		},
	},
	{
		Name:        "instance-label-mismatch",
		Title:       "instance label that differs from the name",
		Severity:    diag.Info,
		Category:    "config",
		Optional:    true,
		Kinds:       append([]string{"Pod"}, serving...),
		Params:      []lint.Param{{Name: "required", Doc: "report objects without the label, too", Default: false}},
		Equivalents: "polaris metadataAndInstanceMismatched",
		Doc:         "app.kubernetes.io/instance names the instance: of an object that is one, its own name.",
		Check: func(p *lint.Pass) error {
			o, ok := p.Object.(metav1.Object)
			if !ok {
				return nil
			}
			const label = "app.kubernetes.io/instance"
			switch value := o.GetLabels()[label]; {
			case value == "" && p.Params.Bool("required"):
				p.Report(
					lint.Finding{Path: "metadata.labels", OnKey: true, Message: "the label " + label + " is missing"},
				)
			case value != "" && o.GetName() != "" && value != o.GetName():
				p.Report(lint.Finding{
					Path:    "metadata.labels[" + label + "]",
					Message: fmt.Sprintf("the instance is %s, the object %s", value, o.GetName()),
				})
			}
			return nil
		},
	},
}

func orZero(v *intstr.IntOrString) *intstr.IntOrString {
	if v == nil {
		return ptr.To(intstr.FromInt32(0))
	}
	return v
}

// webhook is what the two kinds of webhooks have in common.
type webhook struct {
	name      string
	client    admissionv1.WebhookClientConfig
	failure   *admissionv1.FailurePolicyType
	rules     []admissionv1.RuleWithOperations
	selectors []*metav1.LabelSelector
	filtered  bool // conditions of its own
}

func checkWebhook(p *lint.Pass) error {
	var all []webhook
	switch o := p.Object.(type) {
	case *admissionv1.ValidatingWebhookConfiguration:
		for _, w := range o.Webhooks {
			all = append(
				all,
				webhook{
					w.Name, w.ClientConfig, w.FailurePolicy, w.Rules,
					[]*metav1.LabelSelector{w.NamespaceSelector, w.ObjectSelector}, len(w.MatchConditions) > 0,
				},
			)
		}
	case *admissionv1.MutatingWebhookConfiguration:
		for _, w := range o.Webhooks {
			all = append(
				all,
				webhook{
					w.Name, w.ClientConfig, w.FailurePolicy, w.Rules,
					[]*metav1.LabelSelector{w.NamespaceSelector, w.ObjectSelector}, len(w.MatchConditions) > 0,
				},
			)
		}
	}
	for i, w := range all {
		if w.client.Service == nil || ptr.Deref(w.failure, admissionv1.Fail) != admissionv1.Fail || w.filtered ||
			slices.ContainsFunc(w.selectors, selects) || !slices.ContainsFunc(w.rules, ofPods) {
			continue
		}
		p.Report(lint.Finding{
			Path: fmt.Sprintf("webhooks[%d].failurePolicy", i),
			Message: fmt.Sprintf(
				"webhook %s refuses all pods while it does not answer, those of kube-system and its own among them",
				w.name,
			),
			Help: "leave out kube-system and " + cmp.Or(w.client.Service.Namespace, "its own namespace") +
				" with a namespaceSelector",
		})
	}
	return nil
}

// selects reports whether a selector leaves anything out.
func selects(s *metav1.LabelSelector) bool {
	return s != nil && len(s.MatchLabels)+len(s.MatchExpressions) > 0
}

// ofPods reports whether a webhook is asked when a pod is created.
func ofPods(r admissionv1.RuleWithOperations) bool {
	creates := slices.Contains(r.Operations, admissionv1.Create) ||
		slices.Contains(r.Operations, admissionv1.OperationAll)
	return creates && overlap(r.APIGroups, []string{""}) &&
		(overlap(r.Resources, []string{"pods"}) || slices.Contains(r.Resources, "*/*")) &&
		ptr.Deref(r.Scope, admissionv1.AllScopes) != admissionv1.ClusterScope
}

func checkQuota(p *lint.SetPass) error {
	workload := target(p)
	if workload == nil || p.Resource.MaxReplicas == 0 {
		return nil
	}
	for _, quota := range p.Set.Quotas(p.Resource.Object.Namespace) {
		for _, name := range sortedKeys(quota.Hard) {
			one := workload.PodNeeds[name] +
				workload.Ungiven[name]*p.Set.DefaultAmount(p.Resource.Object.Namespace, name)
			if one*int64(p.Resource.MaxReplicas) <= quota.Hard[name] {
				continue
			}
			p.Report(lint.Finding{
				Path: "spec.maxReplicas",
				Message: fmt.Sprintf("%d replicas of %s need more %s than %s grants: %d are possible",
					p.Resource.MaxReplicas, workload.Object, name, quota.Object, quota.Hard[name]/one),
				Help:    "raise the quota, or lower maxReplicas or the requests",
				Related: []lint.RelatedPath{{Of: quota, Path: "spec.hard[" + name + "]", Message: "the quota"}},
			})
			return nil
		}
	}
	return nil
}

// oldControlPlane is the label that nodes of the control plane had before Kubernetes 1.24.
const oldControlPlane = "node-role.kubernetes.io/master"

// goneAnnotations are not read any more, and the API server does not say so.
var goneAnnotations = map[string]string{
	"scheduler.alpha.kubernetes.io/critical-pod":             "use priorityClassName: system-cluster-critical",
	"scheduler.alpha.kubernetes.io/tolerations":              "use the field tolerations",
	"scheduler.alpha.kubernetes.io/affinity":                 "use the field affinity",
	"scheduler.alpha.kubernetes.io/name":                     "use the field schedulerName",
	"pod.beta.kubernetes.io/init-containers":                 "use the field initContainers",
	"pod.alpha.kubernetes.io/init-containers":                "use the field initContainers",
	"pod.alpha.kubernetes.io/initialized":                    "remove it: a StatefulSet starts by itself",
	"security.alpha.kubernetes.io/sysctls":                   "use securityContext.sysctls",
	"security.alpha.kubernetes.io/unsafe-sysctls":            "use securityContext.sysctls",
	"service.alpha.kubernetes.io/tolerate-unready-endpoints": "use the field publishNotReadyAddresses",
	"service.beta.kubernetes.io/external-traffic":            "use the field externalTrafficPolicy",
	"volume.alpha.kubernetes.io/storage-class":               "use the field storageClassName",
	"net.beta.kubernetes.io/network-policy":                  "use a NetworkPolicy with an empty podSelector",
}

func checkAnnotationEffect(p *lint.Pass) error {
	look := func(annotations map[string]string, path string) {
		for _, key := range sortedKeys(annotations) {
			if help := goneAnnotations[key]; help != "" {
				p.Report(lint.Finding{
					Path: path + "[" + key + "]", OnKey: true,
					Message: fmt.Sprintf("annotation %s is not read any more", key), Help: help,
				})
			}
		}
	}
	if o, ok := p.Object.(metav1.Object); ok {
		look(o.GetAnnotations(), "metadata.annotations")
	}
	if p.Pods != nil && p.Pods.SpecPath != "spec" {
		look(p.Pods.Annotations, strings.TrimSuffix(p.Pods.LabelsPath, "labels")+"annotations")
	}
	return nil
}

var withPassword = regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.-]*://[^/\s:@"'<>{}]*:([^/\s:@"'<>]+)@[A-Za-z0-9.\[\]_-]+`)

// passwordURL returns the scheme and host of a URL with a password in a text; "" if there is none, or if the password
// stands for another.
func passwordURL(text string) string {
	for _, m := range withPassword.FindAllStringSubmatch(text, -1) {
		if strings.ContainsAny(m[1], "$%{}()*") || stand.MatchString(m[1]) {
			continue
		}
		u, err := url.Parse(m[0])
		if err == nil && !strings.HasSuffix(u.Hostname(), "example.com") &&
			!strings.HasSuffix(u.Hostname(), "example.org") {
			return u.Scheme + "://" + u.Host
		}
	}
	return ""
}

// stand are words that stand for a password.
var stand = regexp.MustCompile(
	`(?i)^(x+|pass(word|wd)?|pwd|changeme|change-me|secret|your[-_]?.*|my[-_]?pass(word)?|token|redacted|placeholder)$`,
)

// numberedProbes finds probes that name their port by its number.
func numberedProbes(p *lint.Pass, c *corev1.Container, path string) {
	for _, probe := range []struct {
		field string
		of    *corev1.Probe
	}{{"startupProbe", c.StartupProbe}, {"readinessProbe", c.ReadinessProbe}, {"livenessProbe", c.LivenessProbe}} {
		if probe.of == nil {
			continue
		}
		say := func(handler string, port intstr.IntOrString) {
			if port.Type == intstr.Int {
				p.Report(lint.Finding{
					Path: fmt.Sprintf("%s.%s.%s.port", path, probe.field, handler),
					Message: fmt.Sprintf(
						"the %s of container %s asks port number %d", probe.field, c.Name, port.IntVal,
					),
					Help: "name the port of the container",
				})
			}
		}
		if h := probe.of.HTTPGet; h != nil {
			say("httpGet", h.Port)
		}
		if h := probe.of.TCPSocket; h != nil {
			say("tcpSocket", h.Port)
		}
	}
}

// numberedBackends finds backends of an Ingress that name the port of their Service by its number.
func numberedBackends(p *lint.Pass) {
	o, ok := p.Object.(*networkingv1.Ingress)
	if !ok {
		return
	}
	say := func(b *networkingv1.IngressBackend, path string) {
		if b != nil && b.Service != nil && b.Service.Port.Number != 0 {
			p.Report(lint.Finding{
				Path: path + ".service.port.number",
				Message: fmt.Sprintf(
					"the backend is port number %d of Service %s", b.Service.Port.Number, b.Service.Name,
				),
				Help: "name the port of the Service",
			})
		}
	}
	say(o.Spec.DefaultBackend, "spec.defaultBackend")
	for i, rule := range o.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for j := range rule.HTTP.Paths {
			say(&rule.HTTP.Paths[j].Backend, fmt.Sprintf("spec.rules[%d].http.paths[%d].backend", i, j))
		}
	}
}
