package rules

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/pod-security-admission/api"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
)

// hardeningRules are what the standards for pods and the benchmarks ask for beside securityRules.
var hardeningRules = []*lint.Rule{
	{
		Name:        "windows-host-process",
		Title:       "Windows container that runs on the node itself",
		Severity:    diag.Warning,
		Category:    "security",
		URL:         podSecurityURL,
		Equivalents: "polaris hostProcess, monokle PSS101, trivy KSV103, kubescape C-0202 and C-0211",
		Doc: "A HostProcess container has no isolation from its Windows node: it sees its processes, files and network. " +
			"Agents of the node need it, nothing else.",
		Check: func(p *lint.Pass) error {
			if p.Pods == nil {
				return nil
			}
			if s := p.Pods.Spec.SecurityContext; s != nil && hostProcess(s.WindowsOptions) {
				p.Report(lint.Finding{
					Path:    p.Pods.SpecPath + ".securityContext.windowsOptions.hostProcess",
					Message: "the containers of the pod run on the node itself",
					Fixes:   setting(p.Pods.SpecPath+".securityContext.windowsOptions.hostProcess", "false"),
				})
			}
			p.Containers(func(c *corev1.Container, path string, _ bool) {
				if s := c.SecurityContext; s != nil && hostProcess(s.WindowsOptions) {
					p.Report(lint.Finding{
						Path:    path + ".securityContext.windowsOptions.hostProcess",
						Message: fmt.Sprintf("container %s runs on the node itself", c.Name),
					})
				}
			})
			return nil
		},
	},
	{
		Name:        "proc-mount-unmasked",
		Title:       "container that sees all of /proc",
		Severity:    diag.Warning,
		Category:    "security",
		URL:         podSecurityURL,
		Equivalents: "kube-linter unsafe-proc-mount, polaris procMount, trivy KSV027, kubescape C-0211",
		Doc: "The runtime hides the parts of /proc that tell of the node and change it. procMount: Unmasked shows them. " +
			"Only containers that build containers need it, and only in user namespaces (hostUsers: false).",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			if s := c.SecurityContext; s != nil && s.ProcMount != nil && *s.ProcMount == corev1.UnmaskedProcMount &&
				!ownUsers(p) {
				p.Report(lint.Finding{
					Path:    path + ".securityContext.procMount",
					Message: fmt.Sprintf("container %s sees all of /proc", c.Name),
					Help:    "use procMount: Default",
					Fixes: []lint.PathFix{
						{Path: path + ".securityContext.procMount", NewText: "Default", Message: "write Default"},
					},
				})
			}
		}),
	},
	{
		Name:        "selinux-options-custom",
		Title:       "SELinux options that weaken the isolation",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		URL:         podSecurityURL,
		Equivalents: "trivy KSV025, kubescape C-0211",
		Doc: "The baseline of the Pod Security Standards allows the types container_t, container_init_t, container_kvm_t " +
			"and container_engine_t, and neither user nor role: others may reach what lies on the node.",
		Check: func(p *lint.Pass) error {
			if p.Pods == nil {
				return nil
			}
			if s := p.Pods.Spec.SecurityContext; s != nil {
				reportSELinux(p, s.SELinuxOptions, p.Pods.SpecPath+".securityContext.seLinuxOptions")
			}
			p.Containers(func(c *corev1.Container, path string, _ bool) {
				if s := c.SecurityContext; s != nil {
					reportSELinux(p, s.SELinuxOptions, path+".securityContext.seLinuxOptions")
				}
			})
			return nil
		},
	},
	{
		Name:        "volume-type-restricted",
		Title:       "volume of a type that bypasses claims",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		URL:         podSecurityURL,
		Equivalents: "trivy KSV028, monokle PSS201",
		Doc: "The restricted level of the Pod Security Standards allows configMap, csi, downwardAPI, emptyDir, ephemeral, " +
			"image, persistentVolumeClaim, projected and secret. Disks and network file systems come through a claim, " +
			"which an administrator can govern. hostPath has rules of its own.",
		Check: eachVolume(func(p *lint.Pass, v *corev1.Volume, path string) {
			if kind := legacyVolume(v); kind != "" {
				p.Report(lint.Finding{
					Path:    path + "." + kind,
					OnKey:   true,
					Message: fmt.Sprintf("volume %s is of type %s", v.Name, kind),
					Help:    "use a PersistentVolumeClaim",
				})
			}
		}),
	},
	{
		Name:        "capabilities-added",
		Title:       "container with capabilities beyond the default",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		URL:         podSecurityURL,
		Equivalents: "trivy KSV022 and KSV106, checkov CKV_K8S_25, kubescape C-0046",
		Doc:         "The restricted level of the Pod Security Standards allows NET_BIND_SERVICE alone.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			if c.SecurityContext == nil || c.SecurityContext.Capabilities == nil {
				return
			}
			for i, name := range c.SecurityContext.Capabilities.Add {
				if bareCapability(name) != "NET_BIND_SERVICE" {
					p.Report(lint.Finding{
						Path:    fmt.Sprintf("%s.securityContext.capabilities.add[%d]", path, i),
						Message: fmt.Sprintf("container %s adds the capability %s", c.Name, name),
					})
				}
			}
		}),
	},
	{
		Name:     "net-raw-not-dropped",
		Title:    "container that may forge packets",
		Severity: diag.Info,
		Category: "security",
		Optional: true,
		URL:      podSecurityURL,
		Equivalents: "kube-linter drop-net-raw-capability, trivy KSV119, kubescape C-0301, checkov CKV_K8S_28 and " +
			"CKV_K8S_37",
		Doc: "NET_RAW, which the runtime gives by default, lets a container send any packet, also those that redirect the " +
			"traffic of other pods. ping needs it, hardly anything else: drop NET_RAW, or ALL.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			if !windows(p) && !drops(c, "NET_RAW") {
				p.Report(lint.Finding{
					Path:    path + ".securityContext.capabilities.drop",
					Message: fmt.Sprintf("container %s keeps the capability NET_RAW", c.Name),
					Help:    "set securityContext.capabilities.drop: [NET_RAW], or [ALL]",
					Fixes:   setting(path+".securityContext.capabilities.drop", "[NET_RAW]"),
				})
			}
		}),
	},
	{
		Name:        "security-context-missing",
		Title:       "container without any security settings",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		Equivalents: "trivy KSV118, kubescape C-0211, datree 102, checkov CKV_K8S_29",
		Doc:         "Neither the container nor its pod has a securityContext, so that nobody has decided what the container may do.",
		Params: []lint.Param{
			{Name: "each", Doc: "ask for one of the pod and one of each container", Default: false},
		},
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			pod := isZero(p.Pods.Spec.SecurityContext)
			if own := isZero(c.SecurityContext); own && (pod || p.Params.Bool("each")) {
				p.Report(lint.Finding{
					Path:    path + ".securityContext",
					OnKey:   true,
					Message: fmt.Sprintf("container %s has no securityContext", c.Name),
					Fixes:   setting(path+".securityContext.allowPrivilegeEscalation", "false"),
				})
			}
			if pod && p.Params.Bool("each") {
				p.Report(lint.Finding{
					Path:    p.Pods.SpecPath + ".securityContext",
					OnKey:   true,
					Message: "the pods have no securityContext of their own",
				})
			}
		}),
	},
	{
		Name:        "linux-hardening-missing",
		Title:       "container without any of the hardenings of Linux",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		URL:         podSecurityURL,
		Equivalents: "polaris linuxHardening, kubescape C-0055",
		Doc: "AppArmor, seccomp, SELinux and dropped capabilities each keep a container from what it does not need. " +
			"This one has none of the four.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			if !windows(p) && !hardened(p, c, path) {
				p.Report(lint.Finding{
					Path:  path + ".securityContext",
					OnKey: true,
					Message: fmt.Sprintf(
						"container %s has no AppArmor or seccomp profile, no SELinux options, and drops nothing",
						c.Name,
					),
					Help:  "set securityContext.seccompProfile.type: RuntimeDefault",
					Fixes: setting(path+".securityContext.seccompProfile.type", "RuntimeDefault"),
				})
			}
		}),
	},
	{
		Name:        "host-aliases-set",
		Title:       "pod that changes /etc/hosts",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		Equivalents: "trivy KSV007",
		Doc:         "hostAliases decide where names lead, past DNS and past whoever looks after it.",
		Check: func(p *lint.Pass) error {
			if p.Pods != nil && len(p.Pods.Spec.HostAliases) > 0 {
				p.Report(lint.Finding{
					Path: p.Pods.SpecPath + ".hostAliases", OnKey: true,
					Message: "the pod has names of its own in /etc/hosts",
					Fixes:   removing(p.Pods.SpecPath + ".hostAliases"),
				})
			}
			return nil
		},
	},
	{
		Name:        "command-sudo",
		Title:       "container that starts its program with sudo",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		Equivalents: "kubescape C-0062",
		Doc:         "sudo makes its program root again whatever runAsUser says, and fails where that is forbidden.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, at string) {
			for i, word := range c.Command {
				if slices.ContainsFunc(strings.Fields(word), func(w string) bool { return path.Base(w) == "sudo" }) {
					p.Report(lint.Finding{
						Path:    fmt.Sprintf("%s.command[%d]", at, i),
						Message: fmt.Sprintf("container %s starts its program with sudo", c.Name),
						Help:    "start it directly, with the user that it needs",
					})
				}
			}
		}),
	},
	{
		Name:        "git-sync-command",
		Title:       "git-sync whose git is chosen by a variable",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		Equivalents: "checkov CKV_K8S_159",
		Doc: "GITSYNC_GIT names the program that git-sync runs as git: who may change the variable runs any program with " +
			"the rights of the pod.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			for i, e := range c.Env {
				if e.Name == "GITSYNC_GIT" {
					p.Report(lint.Finding{
						Path:    fmt.Sprintf("%s.env[%d].name", path, i),
						Message: fmt.Sprintf("container %s runs what GITSYNC_GIT names", c.Name),
					})
				}
			}
		}),
	},
	{
		Name:        "tiller-deployed",
		Title:       "Tiller, the server of Helm 2",
		Severity:    diag.Warning,
		Category:    "security",
		Equivalents: "trivy KSV102, checkov CKV_K8S_34, CKV_K8S_44 and CKV_K8S_45",
		Doc: "Tiller does without asking who wants it whatever its own account may do, which was mostly everything. Helm 3 " +
			"and later need no server.",
		Check: func(p *lint.Pass) error { return component(p, "tiller", tillerImages, "Tiller") },
	},
	{
		Name:        "dashboard-deployed",
		Title:       "Kubernetes Dashboard, which is retired",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		Equivalents: "checkov CKV_K8S_33, kubescape C-0014",
		Doc: "The project was archived in January 2026 and gets no fixes. It was often reachable with more rights than " +
			"those of its users.",
		Check: func(p *lint.Pass) error {
			return component(p, "kubernetes-dashboard", dashboardImages, "the Kubernetes Dashboard")
		},
	},
	{
		Name:        "ingress-nginx-retired",
		Title:       "Ingress NGINX, which is retired",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		URL:         "https://kubernetes.io/blog/2025/11/11/ingress-nginx-retirement/",
		Equivalents: "kubescape C-0292",
		Doc: "Ingress NGINX (kubernetes/ingress-nginx) got its last release in March 2026: holes that are found since stay " +
			"open. Move to the Gateway API, or to another controller.",
		Check: eachImage(func(p *lint.Pass, image, path string) {
			if name := fullName(image); strings.HasSuffix(name, "ingress-nginx/controller") ||
				strings.HasSuffix(name, "/nginx-ingress-controller") && !strings.HasPrefix(name, "docker.io/nginx/") {
				p.Report(
					lint.Finding{
						Path: path, Message: fmt.Sprintf("%q is of Ingress NGINX, which gets no fixes", image),
					},
				)
			}
		}),
	},
	{
		Name:        "image-registry-frozen",
		Title:       "image of the registry that Kubernetes left",
		Severity:    diag.Warning,
		Category:    "images",
		URL:         "https://kubernetes.io/blog/2023/03/10/image-registry-redirect/",
		Equivalents: "kubescape C-0253",
		Doc: "k8s.gcr.io has been frozen since April 2023 and may go any day; registry.k8s.io has the same images, and all " +
			"later ones.",
		Check: eachImage(func(p *lint.Pass, image, path string) {
			if rest, frozen := strings.CutPrefix(image, "k8s.gcr.io/"); frozen {
				p.Report(lint.Finding{
					Path:    path,
					Message: fmt.Sprintf("image %q is of k8s.gcr.io, which is frozen", image),
					Help:    "the same image is in registry.k8s.io",
					Fixes: []lint.PathFix{
						{Path: path, NewText: "registry.k8s.io/" + rest, Message: "write registry.k8s.io/" + rest},
					},
				})
			}
		}),
	},
	{
		Name:        "service-external-ips",
		Title:       "Service that takes the traffic of addresses",
		Severity:    diag.Warning,
		Category:    "security",
		Kinds:       []string{"Service"},
		URL:         "https://kubernetes.io/docs/concepts/services-networking/service/#external-ips",
		Equivalents: "trivy KSV108",
		Doc: "Nodes send what goes to these addresses to the Service, whoever owns them: a way into the traffic of others " +
			"(CVE-2020-8554). Many clusters refuse it with the admission plugin DenyServiceExternalIPs; Kubernetes 1.36 " +
			"deprecated the field.",
		Check: func(p *lint.Pass) error {
			if s, ok := p.Object.(*corev1.Service); ok && len(s.Spec.ExternalIPs) > 0 {
				p.Report(lint.Finding{
					Path:    "spec.externalIPs",
					OnKey:   true,
					Message: fmt.Sprintf("the Service takes what goes to %s", strings.Join(s.Spec.ExternalIPs, ", ")),
					Help:    "use type LoadBalancer, or a Gateway",
					Fixes:   removing("spec.externalIPs"),
				})
			}
			return nil
		},
	},
	{
		Name:        "network-policy-selector-missing",
		Title:       "NetworkPolicy that only speaks of addresses",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		Kinds:       []string{"NetworkPolicy"},
		Equivalents: "trivy KSV038",
		Doc: "A policy for all pods of its namespace whose peers are address blocks alone says nothing of pods and " +
			"namespaces, whose addresses change.",
		Check: func(p *lint.Pass) error {
			if o, ok := p.Object.(*networkingv1.NetworkPolicy); ok && !selectsAny(o) {
				p.Report(
					lint.Finding{Path: "spec", OnKey: true, Message: "the policy selects neither pods nor namespaces"},
				)
			}
			return nil
		},
	},
	{
		Name:        "kube-system-used",
		Title:       "object in the namespace of Kubernetes itself",
		Severity:    diag.Info,
		Category:    "config",
		Optional:    true,
		Equivalents: "trivy KSV037",
		Doc: "kube-system is for what Kubernetes is made of: who may change one thing there can mostly change all. Static " +
			"pods of the control plane (label tier: control-plane) are passed over.",
		Check: func(p *lint.Pass) error {
			if p.Pods != nil && p.Document.Object.Namespace == "kube-system" &&
				p.Pods.Labels["tier"] != "control-plane" {
				p.Report(lint.Finding{Path: "metadata.namespace", Message: "the pods live in kube-system"})
			}
			return nil
		},
	},
	{
		Name:        "service-ssh-exposed",
		Title:       "Service that leads to SSH",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		Kinds:       []string{"Service"},
		Equivalents: "kubescape C-0042",
		Doc: "A shell for whoever gets the key, past all that Kubernetes records. kubectl exec does the same and is " +
			"subject to RBAC and auditing.",
		Check: func(p *lint.Pass) error {
			s, ok := p.Object.(*corev1.Service)
			if !ok {
				return nil
			}
			for i, port := range s.Spec.Ports {
				if port.Protocol == corev1.ProtocolTCP &&
					(port.Port == 22 || port.Port == 2222 || port.TargetPort.IntValue() == 22) {
					p.Report(lint.Finding{
						Path:    fmt.Sprintf("spec.ports[%d].port", i),
						Message: fmt.Sprintf("port %d leads to SSH", port.Port),
						Help:    "use kubectl exec, which is subject to RBAC",
					})
				}
			}
			return nil
		},
	},
	{
		Name:        "scc-privileged",
		Title:       "OpenShift constraint that allows privileged containers",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		Kinds:       []string{"SecurityContextConstraints"},
		Equivalents: "kube-linter scc-deny-privileged-container",
		Doc:         "Every account that may use the constraint may do on the node whatever root can.",
		Check: func(p *lint.Pass) error {
			if allowed, _ := p.Stored()["allowPrivilegedContainer"].(bool); allowed {
				p.Report(lint.Finding{
					Path: "allowPrivilegedContainer", Message: "privileged containers are allowed",
					Fixes: setting("allowPrivilegedContainer", "false"),
				})
			}
			return nil
		},
	},
	{
		Name:        "namespace-pod-security-unset",
		Title:       "namespace without a level of the Pod Security Standards",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		Kinds:       []string{"Namespace"},
		URL:         "https://kubernetes.io/docs/concepts/security/pod-security-admission/",
		Equivalents: "kubescape C-0192 and C-0193",
		Doc: "Without the label pod-security.kubernetes.io/enforce, or with the level privileged, the namespace takes any " +
			"pod, unless the cluster has another default. kube-system, which needs it, is passed over.",
		Check: func(p *lint.Pass) error {
			o, ok := p.Object.(*corev1.Namespace)
			level := ""
			if ok {
				level = o.Labels[api.EnforceLevelLabel]
			}
			if ok && o.Name != "kube-system" && (level == "" || level == string(api.LevelPrivileged)) {
				p.Report(lint.Finding{
					Path:    "metadata.labels",
					OnKey:   true,
					Message: fmt.Sprintf("namespace %s takes pods of every level", o.Name),
					Help:    "label it with pod-security.kubernetes.io/enforce: baseline, or restricted",
					Fixes:   setting("metadata.labels["+api.EnforceLevelLabel+"]", "baseline"),
				})
			}
			return nil
		},
	},
	{
		Name:        "service-account-default-token",
		Title:       "default ServiceAccount whose token every pod gets",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		Kinds:       []string{"ServiceAccount"},
		Equivalents: "checkov CKV_K8S_41, kubescape C-0189 and C-0225",
		Doc: "Every pod of the namespace that names no account runs as this one. With automountServiceAccountToken: false " +
			"they get no token, which hardly any of them needs.",
		Check: func(p *lint.Pass) error {
			o, ok := p.Object.(*corev1.ServiceAccount)
			if ok && o.Name == "default" && (o.AutomountServiceAccountToken == nil || *o.AutomountServiceAccountToken) {
				p.Report(lint.Finding{
					Path:    "automountServiceAccountToken",
					Message: "every pod of the namespace without an account of its own gets a token",
					Help:    "set automountServiceAccountToken: false",
					Fixes: []lint.PathFix{{
						Path: "automountServiceAccountToken", NewText: "false", Add: true,
						Message: "set automountServiceAccountToken: false",
					}},
				})
			}
			return nil
		},
	},
	{
		Name:        "restart-policy-never",
		Title:       "pod that is not restarted when it fails",
		Severity:    diag.Info,
		Category:    "availability",
		Optional:    true,
		Equivalents: "kube-linter restart-policy",
		Doc: "A pod of its own, or of a Job, with restartPolicy: Never stays as it is when a container fails. A Job makes " +
			"another pod, up to its backoffLimit; a pod of its own is lost.",
		Check: func(p *lint.Pass) error {
			if p.Pods != nil && p.Pods.Spec.RestartPolicy == corev1.RestartPolicyNever {
				p.Report(lint.Finding{
					Path: p.Pods.SpecPath + ".restartPolicy", Message: "a container that fails is not restarted",
					Fixes: setting(p.Pods.SpecPath+".restartPolicy", "OnFailure"),
				})
			}
			return nil
		},
	},
	{
		Name:        "node-affinity-missing",
		Title:       "pods for any node",
		Severity:    diag.Info,
		Category:    "availability",
		Optional:    true,
		Equivalents: "kube-linter no-node-affinity",
		Doc: "In a cluster of different nodes, pods that say nothing of nodes (nodeAffinity, nodeSelector) land on those " +
			"with other processors, or those that are meant for others.",
		Check: func(p *lint.Pass) error {
			if p.Pods == nil {
				return nil
			}
			s := p.Pods.Spec
			if (s.Affinity == nil || s.Affinity.NodeAffinity == nil) && len(s.NodeSelector) == 0 && s.NodeName == "" {
				p.Report(
					lint.Finding{
						Path: p.Pods.SpecPath + ".affinity.nodeAffinity", Message: "the pods may run on any node",
					},
				)
			}
			return nil
		},
	},
	{
		Name:        "template-selector-mismatch",
		Title:       "custom workload whose selector does not match its pods",
		Severity:    diag.Warning,
		Category:    "references",
		Equivalents: "kube-linter mismatching-selector, kubescape C-0296",
		Doc: "The API server refuses it for its own workloads. A Rollout or a DeploymentConfig is accepted, and its " +
			"controller then makes pods without end, or none.",
		Check: func(p *lint.Pass) error {
			if _, custom := p.Object.(*unstructured.Unstructured); !custom || p.Pods == nil || p.Pods.Selector == nil {
				return nil
			}
			selector, err := metav1.LabelSelectorAsSelector(p.Pods.Selector)
			if err == nil && !selector.Empty() && !selector.Matches(labels.Set(p.Pods.Labels)) {
				p.Report(lint.Finding{
					Path: "spec.selector",
					Message: fmt.Sprintf(
						"the selector does not match the labels of the pods, %s", labels.Set(p.Pods.Labels),
					),
					Related: []lint.RelatedPath{{Path: p.Pods.LabelsPath, Message: "the labels of the pods"}},
				})
			}
			return nil
		},
	},
}

func hostProcess(o *corev1.WindowsSecurityContextOptions) bool {
	return o != nil && o.HostProcess != nil && *o.HostProcess
}

var allowedSELinuxTypes = []string{"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}

func reportSELinux(p *lint.Pass, o *corev1.SELinuxOptions, path string) {
	if o == nil {
		return
	}
	if !slices.Contains(allowedSELinuxTypes, o.Type) {
		p.Report(
			lint.Finding{Path: path + ".type", Message: fmt.Sprintf("SELinux type %s is none of the baseline", o.Type)},
		)
	}
	for _, set := range []struct{ field, value string }{{"user", o.User}, {"role", o.Role}} {
		if set.value != "" {
			p.Report(
				lint.Finding{
					Path: path + "." + set.field, Message: fmt.Sprintf("SELinux %s %s is set", set.field, set.value),
				},
			)
		}
	}
}

// legacyVolume returns the field of a volume that is of no type of the restricted level, other than hostPath; empty if
// it is.
func legacyVolume(v *corev1.Volume) string {
	for _, t := range []struct {
		field string
		set   bool
	}{
		{"gcePersistentDisk", v.GCEPersistentDisk != nil}, {"awsElasticBlockStore", v.AWSElasticBlockStore != nil},
		{"gitRepo", v.GitRepo != nil}, {"nfs", v.NFS != nil}, {"iscsi", v.ISCSI != nil},
		{"glusterfs", v.Glusterfs != nil},
		{"rbd", v.RBD != nil}, {"flexVolume", v.FlexVolume != nil}, {"cinder", v.Cinder != nil},
		{"cephfs", v.CephFS != nil},
		{"flocker", v.Flocker != nil}, {"fc", v.FC != nil}, {"azureFile", v.AzureFile != nil},
		{"vsphereVolume", v.VsphereVolume != nil}, {"quobyte", v.Quobyte != nil}, {"azureDisk", v.AzureDisk != nil},
		{"portworxVolume", v.PortworxVolume != nil}, {"scaleIO", v.ScaleIO != nil}, {"storageos", v.StorageOS != nil},
	} {
		if t.set {
			return t.field
		}
	}
	return ""
}

// bareCapability returns a capability in capitals and without CAP_.
func bareCapability(name corev1.Capability) string {
	return strings.TrimPrefix(strings.ToUpper(string(name)), "CAP_")
}

// drops reports whether a container drops a capability, whatever it adds again.
func drops(c *corev1.Container, capability string) bool {
	return c.SecurityContext != nil && c.SecurityContext.Capabilities != nil &&
		slices.ContainsFunc(c.SecurityContext.Capabilities.Drop, func(n corev1.Capability) bool {
			return bareCapability(n) == capability || bareCapability(n) == "ALL"
		})
}

// isZero reports whether settings are missing, or say nothing.
func isZero[T any](settings *T) bool {
	return settings == nil || equality.Semantic.DeepEqual(*settings, *new(T))
}

// hardened reports whether a container has any of the hardenings of Linux.
func hardened(p *lint.Pass, c *corev1.Container, path string) bool {
	if profile, _ := seccomp(p, c, path); profile != nil && profile.Type != "" &&
		profile.Type != corev1.SeccompProfileTypeUnconfined {
		return true
	}
	pod, own := p.Pods.Spec.SecurityContext, c.SecurityContext
	if p.Pods.Annotations[corev1.DeprecatedAppArmorBetaContainerAnnotationKeyPrefix+c.Name] != "" ||
		pod != nil && (pod.AppArmorProfile != nil || !isZero(pod.SELinuxOptions)) {
		return true
	}
	if own == nil {
		return false
	}
	if own.AppArmorProfile != nil || !isZero(own.SELinuxOptions) {
		return true
	}
	all := func(n corev1.Capability) bool { return bareCapability(n) == "ALL" }
	return own.Capabilities != nil && len(own.Capabilities.Drop) > 0 && !slices.ContainsFunc(own.Capabilities.Add, all)
}

var (
	tillerImages    = []string{"tiller"}
	dashboardImages = []string{"kubernetes-dashboard", "kubernetesui/dashboard"}
)

// component reports an object that belongs to a component which should not be there: by an image, or by its own name
// and the labels that its charts set.
func component(p *lint.Pass, name string, images []string, what string) error {
	if p.Pods == nil {
		s, ok := p.Object.(*corev1.Service)
		if ok && (strings.Contains(s.Name, name) || s.Spec.Selector["name"] == name || s.Spec.Selector["app"] == name) {
			p.Report(lint.Finding{Path: "metadata.name", Message: fmt.Sprintf("the Service leads to %s", what)})
		}
		return nil
	}
	labels := p.Pods.Labels
	if p.Pods.Spec.ServiceAccountName == name && p.Document.Object.Name != name {
		p.Report(lint.Finding{
			Path:    p.Pods.SpecPath + ".serviceAccountName",
			Message: fmt.Sprintf("the pods run with the rights of %s", what),
		})
		return nil
	}
	if labels["app"] == name || labels["k8s-app"] == name || labels["name"] == name {
		p.Report(lint.Finding{Path: "metadata.name", Message: fmt.Sprintf("%s is deployed", what)})
		return nil
	}
	return eachImage(func(p *lint.Pass, image, path string) {
		if slices.ContainsFunc(images, func(part string) bool { return strings.Contains(image, part) }) {
			p.Report(lint.Finding{Path: path, Message: fmt.Sprintf("image %q is %s", image, what)})
		}
	})(p)
}

// selectsAny reports whether a policy selects pods, or namespaces, as subjects or as peers.
func selectsAny(o *networkingv1.NetworkPolicy) bool {
	if s := o.Spec.PodSelector; len(s.MatchLabels)+len(s.MatchExpressions) > 0 {
		return true
	}
	peers, rules := 0, 0
	selector := false
	count := func(list []networkingv1.NetworkPolicyPeer) {
		rules++
		peers += len(list)
		selector = selector ||
			slices.ContainsFunc(list, func(peer networkingv1.NetworkPolicyPeer) bool { return peer.IPBlock == nil })
	}
	for _, r := range o.Spec.Ingress {
		count(r.From)
	}
	for _, r := range o.Spec.Egress {
		count(r.To)
	}
	return selector || rules == 0 || peers == 0 // denying or allowing all says of all pods what it means
}
