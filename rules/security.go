package rules

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
)

const podSecurityURL = "https://kubernetes.io/docs/concepts/security/pod-security-standards/"

// dangerous capabilities let a container out of its box.
var dangerous = []corev1.Capability{
	"ALL",
	"SYS_ADMIN",
	"NET_ADMIN",
	"SYS_PTRACE",
	"SYS_MODULE",
	"SYS_RAWIO",
	"SYS_BOOT",
	"SYS_TIME",
	"DAC_READ_SEARCH",
	"BPF",
}

// defaultCapabilities are those that container runtimes give.
var defaultCapabilities = []string{
	"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW",
	"SETFCAP",
	"SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}

// safeSysctls are those that a kubelet allows by default.
var safeSysctls = []string{
	"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
	"net.ipv4.ip_unprivileged_port_start",
	"net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout",
	"net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes",
	"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem", "net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_notsent_lowat",
}

var securityRules = []*lint.Rule{
	{
		Name: "privileged-container", Equivalents: "kube-linter privileged-container, kube-score " +
			"container-security-context-privileged, polaris runAsPrivileged, datree 20, monokle PSS103 and KSV017, " +
			"checkov CKV_K8S_16",
		Title:    "privileged container",
		Severity: diag.Warning,
		Category: "security",
		URL:      podSecurityURL,
		Doc: "A privileged container can do on the node whatever root can. Ask for the few capabilities that are " +
			"needed instead.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			if privileged(c) {
				p.Report(lint.Finding{
					Path:    path + ".securityContext.privileged",
					Message: fmt.Sprintf("container %s is privileged", c.Name),
					Help:    "ask for single capabilities instead",
					Fixes:   setting(path+".securityContext.privileged", "false"),
				})
			}
		}),
	},
	{
		Name:        "run-as-root-user",
		Equivalents: "kube-linter run-as-non-root, monokle PSS204, checkov CKV_K8S_23, kubescape C-0013",
		Title:       "container that asks to run as root",
		Severity:    diag.Warning,
		Category:    "security",
		URL:         podSecurityURL,
		Doc: "runAsUser 0 is root. What breaks out of such a container is root on the node, unless the pod has " +
			"users of its own (hostUsers: false).",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			user, at := runAsUser(p, c, path)
			if user != nil && *user == 0 && !ownUsers(p) {
				p.Report(lint.Finding{
					Path:    at,
					Message: fmt.Sprintf("container %s runs as root", c.Name),
					Help:    "name another user than 0",
				})
			}
		}),
	},
	{
		Name: "run-as-root-allowed", Equivalents: "kube-linter run-as-non-root, polaris runAsRootAllowed, popeye " +
			"302 and 306, datree 52, monokle PSS203 and KSV012, checkov CKV_K8S_23, kubescape C-0013",
		Title:    "container that may run as root",
		Severity: diag.Info,
		Category: "security",
		URL:      podSecurityURL,
		Doc: "Unless runAsNonRoot is true or runAsUser is another user than 0, for the container or for the pod, " +
			"the image decides, and most images run as root. Pods with users of their own (hostUsers: false) are " +
			"passed over.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			user, _ := runAsUser(p, c, path)
			if user == nil && !nonRoot(p, c) && !windows(p) && !ownUsers(p) {
				p.Report(lint.Finding{
					Path:    path + ".securityContext.runAsNonRoot",
					Message: fmt.Sprintf("container %s may run as root", c.Name),
					Help:    "set securityContext.runAsNonRoot: true",
					Fixes:   setting(path+".securityContext.runAsNonRoot", "true"),
				})
			}
		}),
	},
	{
		Name: "privilege-escalation-allowed", Equivalents: "kube-linter privilege-escalation-container, polaris " +
			"privilegeEscalationAllowed, datree 47, monokle PSS202 and KSV001, checkov CKV_K8S_20, kubescape C-0016",
		Title:    "container whose processes may gain privileges",
		Severity: diag.Info,
		Category: "security",
		Optional: true,
		URL:      podSecurityURL,
		Doc:      "allowPrivilegeEscalation: false keeps setuid programs from becoming root.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			if s := c.SecurityContext; !windows(p) &&
				(s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation) {
				p.Report(lint.Finding{
					Path:    path + ".securityContext.allowPrivilegeEscalation",
					Message: fmt.Sprintf("processes of container %s may gain privileges", c.Name),
					Help:    "set securityContext.allowPrivilegeEscalation: false",
					Fixes:   setting(path+".securityContext.allowPrivilegeEscalation", "false"),
				})
			}
		}),
	},
	{
		Name: "root-filesystem-writable", Equivalents: "kube-linter no-read-only-root-fs, kube-score " +
			"container-security-context-readonlyrootfilesystem, polaris notReadOnlyRootFilesystem, datree 45, monokle " +
			"KBP102 and KSV014, checkov CKV_K8S_22, kubescape C-0017",
		Title:    "container that may write to its image",
		Severity: diag.Info,
		Category: "security",
		Optional: true,
		Doc: "readOnlyRootFilesystem: true keeps an intruder from leaving anything behind; mount an emptyDir where " +
			"the program writes.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			if s := c.SecurityContext; !windows(p) &&
				(s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem) {
				p.Report(lint.Finding{
					Path:    path + ".securityContext.readOnlyRootFilesystem",
					Message: fmt.Sprintf("container %s may write to its root filesystem", c.Name),
					Fixes:   setting(path+".securityContext.readOnlyRootFilesystem", "true"),
				})
			}
		}),
	},
	{
		Name: "capabilities-dangerous-added", Equivalents: "polaris dangerousCapabilities, datree 49, monokle " +
			"PSS104, KBP100 and KSV005, checkov CKV_K8S_39, kubescape C-0046",
		Title:    "container with capabilities that undo its isolation",
		Severity: diag.Warning,
		Category: "security",
		URL:      podSecurityURL,
		Doc: "Some capabilities are as good as root on the node: SYS_ADMIN, SYS_MODULE, SYS_PTRACE, ALL and " +
			"others.",
		Params: []lint.Param{
			{Name: "allowed", Doc: "capabilities that may be added all the same", Default: []string{}},
			{Name: "forbidden", Doc: "capabilities that may not be added, beside those", Default: []string{}},
		},
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			if c.SecurityContext == nil || c.SecurityContext.Capabilities == nil {
				return
			}
			for i, name := range c.SecurityContext.Capabilities.Add {
				bare := strings.TrimPrefix(strings.ToUpper(string(name)), "CAP_")
				if slices.Contains(dangerous, corev1.Capability(bare)) &&
					!slices.Contains(p.Params.List("allowed"), bare) ||
					slices.Contains(p.Params.List("forbidden"), bare) {
					p.Report(lint.Finding{
						Path:    fmt.Sprintf("%s.securityContext.capabilities.add[%d]", path, i),
						Message: fmt.Sprintf("container %s adds the capability %s", c.Name, name),
					})
				}
			}
		}),
	},
	host(
		"host-network",
		"kube-linter host-network, polaris hostNetworkSet, datree 28, monokle PSS102 and KSV009, checkov "+
			"CKV_K8S_19, kubescape C-0041",
		"pod on the network of its node",
		"The pod sees the node's interfaces and answers on its ports; network policies do not apply to it. Windows pods "+
			"with hostProcess, which need it, are left to that rule.",
		"hostNetwork",
		func(s *corev1.PodSpec) bool { return s.HostNetwork && !needsHostNetwork(s) },
	),
	host(
		"host-pid",
		"kube-linter host-pid, polaris hostPIDSet, datree 26, monokle PSS102 and KSV010, checkov CKV_K8S_17, "+
			"kubescape C-0038 and C-0275",
		"pod that sees the processes of its node",
		"The pod can look into every process of the node, and into its secrets.",
		"hostPID",
		func(s *corev1.PodSpec) bool { return s.HostPID },
	),
	host(
		"host-ipc",
		"kube-linter host-ipc, polaris hostIPCSet, datree 27, monokle PSS102 and KSV008, checkov CKV_K8S_18, "+
			"kubescape C-0038 and C-0276",
		"pod in the IPC namespace of its node",
		"The pod can read the shared memory of the node's processes.",
		"hostIPC",
		func(s *corev1.PodSpec) bool { return s.HostIPC },
	),
	{
		Name:        "host-path-volume",
		Equivalents: "monokle KSV023, kubescape C-0048",
		Title:       "volume that is a folder of the node",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		URL:         podSecurityURL,
		Doc: "A hostPath volume ties the pod to what lies on one node and opens the node's files to it. Pods that " +
			"share files use an emptyDir; data that must stay, a PersistentVolumeClaim.",
		Check: eachVolume(func(p *lint.Pass, v *corev1.Volume, path string) {
			if v.HostPath != nil {
				p.Report(lint.Finding{
					Path:    path + ".hostPath.path",
					Message: fmt.Sprintf("volume %s is the folder %s of the node", v.Name, v.HostPath.Path),
					Help:    "use an emptyDir, or a PersistentVolumeClaim for data that must stay",
				})
			}
		}),
	},
	{
		Name: "host-path-sensitive", Equivalents: "kube-linter sensitive-host-mounts and docker-sock, datree 30, " +
			"monokle KBP101 and KSV006, checkov CKV_K8S_27, kubescape C-0074",
		Title:    "volume that opens the node itself",
		Severity: diag.Warning,
		Category: "security",
		URL:      podSecurityURL,
		Doc: "Who can write to these folders of the node, read its secrets, or talk to its container runtime, owns " +
			"the node. Folders without secrets (/proc, /sys, /usr, /lib ...) that are mounted for reading only are " +
			"passed over.",
		Check: eachVolume(func(p *lint.Pass, v *corev1.Volume, path string) {
			if v.HostPath != nil && sensitive(v.HostPath.Path, readOnly(p, v.Name)) {
				p.Report(lint.Finding{
					Path:    path + ".hostPath.path",
					Message: fmt.Sprintf("volume %s opens %s of the node", v.Name, v.HostPath.Path),
				})
			}
		}),
	},
	{
		Name:        "host-path-writable",
		Title:       "folder of the node that a container may write to",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		URL:         podSecurityURL,
		Equivalents: "kube-linter writable-host-mount, datree 89, kubescape C-0045",
		Doc: "What a container changes there stays after it, and other pods of the node may trip over it. Mount it " +
			"with readOnly: true.",
		Check: eachVolume(func(p *lint.Pass, v *corev1.Volume, path string) {
			if v.HostPath != nil && !readOnly(p, v.Name) {
				p.Report(lint.Finding{
					Path:    path + ".hostPath.path",
					Message: fmt.Sprintf("%s of the node is mounted writable", v.HostPath.Path),
					Help:    "set readOnly: true on the volumeMount",
				})
			}
		}),
	},
	{
		Name:        "mount-propagation-bidirectional",
		Title:       "mounts that a container leaves on its node",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		Equivalents: "monokle KBP115",
		URL:         "https://kubernetes.io/docs/concepts/storage/volumes/#mount-propagation",
		Doc: "What the container mounts appears on the node and in other pods, and stays when it dies. Storage " +
			"drivers need it, nobody else.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			for i, m := range c.VolumeMounts {
				if m.MountPropagation != nil && *m.MountPropagation == corev1.MountPropagationBidirectional {
					p.Report(lint.Finding{
						Path:    fmt.Sprintf("%s.volumeMounts[%d].mountPropagation", path, i),
						Message: fmt.Sprintf("mounts of container %s appear on the node", c.Name),
						Fixes: setting(
							fmt.Sprintf("%s.volumeMounts[%d].mountPropagation", path, i), "HostToContainer",
						),
					})
				}
			}
		}),
	},
	{
		Name:     "capabilities-not-dropped",
		Title:    "container that keeps the default capabilities",
		Severity: diag.Info,
		Category: "security",
		Optional: true,
		URL:      podSecurityURL,
		Equivalents: "kube-linter drop-net-raw-capability, polaris insecureCapabilities, datree 103, monokle " +
			"KBP103, KSV003 and PSS206",
		Doc: "The runtime gives every container a dozen capabilities, NET_RAW and CHOWN among them. Few " +
			"programs need any: drop ALL, and add the ones that are missed.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			keeps := func(name string) bool { return !drops(c, name) }
			if windows(p) || !slices.ContainsFunc(defaultCapabilities, keeps) {
				return
			}
			p.Report(lint.Finding{
				Path:    path + ".securityContext.capabilities.drop",
				Message: fmt.Sprintf("container %s keeps the default capabilities", c.Name),
				Help:    "set securityContext.capabilities.drop: [ALL]",
				Fixes:   setting(path+".securityContext.capabilities.drop", "[ALL]"),
			})
		}),
	},
	{
		Name:     "seccomp-profile-missing",
		Title:    "container without a seccomp profile",
		Severity: diag.Info,
		Category: "security",
		Optional: true,
		URL:      podSecurityURL,
		Equivalents: "kube-score container-seccomp-profile, polaris linuxHardening, datree 99, monokle PSS205 and " +
			"KSV030, checkov CKV_K8S_31, kubescape C-0055",
		Doc: "Without a profile the container may make every system call, unless the kubelet is configured " +
			"to give one. RuntimeDefault suits nearly all programs.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			if profile, _ := seccomp(p, c, path); profile == nil && !windows(p) && !privileged(c) &&
				!seccompAnnotated(p, c) {
				p.Report(lint.Finding{
					Path:    path + ".securityContext.seccompProfile",
					Message: fmt.Sprintf("container %s has no seccomp profile", c.Name),
					Help:    "set securityContext.seccompProfile.type: RuntimeDefault",
					Fixes:   setting(path+".securityContext.seccompProfile.type", "RuntimeDefault"),
				})
			}
		}),
	},
	{
		Name:        "seccomp-unconfined",
		Title:       "container that asks for every system call",
		Severity:    diag.Warning,
		Category:    "security",
		URL:         podSecurityURL,
		Equivalents: "datree 61, monokle PSS110, checkov CKV_K8S_31, kubescape C-0055",
		Doc: "Unconfined turns the filter off that keeps most kernel exploits out, even where the kubelet gives one " +
			"by default.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			if profile, at := seccomp(p, c, path); profile != nil &&
				profile.Type == corev1.SeccompProfileTypeUnconfined {
				p.Report(lint.Finding{
					Path:    at + ".type",
					Message: fmt.Sprintf("container %s runs without a seccomp filter", c.Name),
					Help:    "use RuntimeDefault, or a Localhost profile",
					Fixes:   setting(at+".type", "RuntimeDefault"),
				})
			}
		}),
	},
	{
		Name:        "run-as-root-group",
		Title:       "container in the group of root",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		Equivalents: "kube-linter run-as-non-root, monokle KBP109 and KSV029",
		Doc: "Many files of an image belong to group 0 and are writable for it. A container whose user is set and " +
			"whose group is not runs in the group that the image names for the user, or in group 0.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			group, at := ids(
				p,
				c,
				path,
				"runAsGroup",
				func(s *corev1.SecurityContext) *int64 { return s.RunAsGroup },
				func(s *corev1.PodSecurityContext) *int64 { return s.RunAsGroup },
			)
			if group != nil && *group == 0 && !ownUsers(p) {
				p.Report(lint.Finding{
					Path:    at,
					Message: fmt.Sprintf("container %s runs in group 0", c.Name),
					Help:    "name another group than 0",
				})
			}
		}),
	},
	{
		Name:     "run-as-low-uid",
		Title:    "container whose user may be one of the node's",
		Severity: diag.Info,
		Category: "security",
		Optional: true,
		Equivalents: "kube-score container-security-context-user-group-id, datree 29 and 51, monokle KBP104, " +
			"KSV020, KBP105 and KSV021",
		Doc: "Users and groups below 10000 often exist on the node: what breaks out of the container may " +
			"read their files. Windows containers, and pods with users of their own (hostUsers: false), are passed " +
			"over.",
		Check: eachContainer(checkLowID),
	},
	{
		Name:        "sysctl-unsafe",
		Title:       "sysctl that the kubelet refuses",
		Severity:    diag.Warning,
		Category:    "security",
		URL:         "https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/",
		Equivalents: "kube-linter unsafe-sysctls, monokle PSS111",
		Doc: "Only sysctls that cannot harm other pods are allowed unless the kubelet names more with " +
			"--allowed-unsafe-sysctls. A pod with another one is scheduled and then fails: SysctlForbidden.",
		Check: func(p *lint.Pass) error {
			if p.Pods == nil || p.Pods.Spec.SecurityContext == nil {
				return nil
			}
			for i, s := range p.Pods.Spec.SecurityContext.Sysctls {
				if !slices.Contains(safeSysctls, strings.ReplaceAll(s.Name, "/", ".")) {
					p.Report(lint.Finding{
						Path:    fmt.Sprintf("%s.securityContext.sysctls[%d].name", p.Pods.SpecPath, i),
						Message: fmt.Sprintf("sysctl %s is not among the safe ones", s.Name),
						Help:    "the pod fails unless the kubelet allows it: --allowed-unsafe-sysctls",
					})
				}
			}
			return nil
		},
	},
	{
		Name:        "ssh-port-exposed",
		Title:       "container that serves SSH",
		Severity:    diag.Info,
		Category:    "security",
		Equivalents: "kube-linter ssh-port, monokle KBP110, kubescape C-0042",
		Doc: "A shell for whoever gets the key, past all that Kubernetes records. kubectl exec does the same and is " +
			"subject to RBAC and auditing.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			for i, port := range c.Ports {
				if port.ContainerPort == 22 && (port.Protocol == "" || port.Protocol == corev1.ProtocolTCP) {
					p.Report(lint.Finding{
						Path:    fmt.Sprintf("%s.ports[%d].containerPort", path, i),
						Message: fmt.Sprintf("container %s serves port 22, that of SSH", c.Name),
						Help:    "use kubectl exec, which is subject to RBAC",
					})
				}
			}
		}),
	},
	{
		Name:        "container-port-privileged",
		Title:       "container port below 1024",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		Equivalents: "kube-linter privileged-ports, monokle KBP113",
		Doc: "Ports below 1024 are for root, unless net.ipv4.ip_unprivileged_port_start says otherwise, as most " +
			"container runtimes set it. Listen on 8080 and let the Service map 80 to it.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			for i, port := range c.Ports {
				if port.ContainerPort > 0 && port.ContainerPort < 1024 {
					p.Report(lint.Finding{
						Path:    fmt.Sprintf("%s.ports[%d].containerPort", path, i),
						Message: fmt.Sprintf("container %s listens on port %d", c.Name, port.ContainerPort),
						Help:    "listen above 1023 and let the Service map the port",
					})
				}
			}
		}),
	},
	{
		Name:        "default-service-account-used",
		Title:       "pod that runs as the namespace's default account",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		Equivalents: "kube-linter default-service-account, popeye 300",
		Doc: "What one pod is granted, all others of the namespace have as well. A pod that gets no token " +
			"(automountServiceAccountToken: false) is passed over.",
		Check: func(p *lint.Pass) error {
			if p.Pods == nil ||
				p.Pods.Spec.AutomountServiceAccountToken != nil && !*p.Pods.Spec.AutomountServiceAccountToken {
				return nil
			}
			if name := p.Pods.Spec.ServiceAccountName; name == "" || name == "default" {
				p.Report(lint.Finding{
					Path:    p.Pods.SpecPath + ".serviceAccountName",
					Message: "the pod runs as the namespace's default ServiceAccount",
					Help:    "give it a ServiceAccount of its own",
				})
			}
			return nil
		},
	},
	{
		Name: "service-account-token-automount", Equivalents: "polaris automountServiceAccountToken, popeye 301 " +
			"and 303, datree 53, monokle KBP106, checkov CKV_K8S_38, kubescape C-0034, C-0189, C-0190 and C-0225",
		Title:    "pod that gets a token of the API server",
		Severity: diag.Info,
		Category: "security",
		Optional: true,
		Doc: "Most programs never talk to the API server. automountServiceAccountToken: false, of the pod or " +
			"of its ServiceAccount, leaves an intruder without a token.",
		CheckSet: checkToken,
	},
	{
		Name:        "service-account-field-deprecated",
		Equivalents: "kube-linter deprecated-service-account-field, kubescape C-0294",
		Title:       "deprecated field serviceAccount",
		Severity:    diag.Warning,
		Category:    "security",
		Doc:         "serviceAccount is the old name of serviceAccountName.",
		Check: func(p *lint.Pass) error {
			if p.Pods == nil || p.Pods.Spec.DeprecatedServiceAccount == "" {
				return nil
			}
			spec := strings.Split(p.Pods.SpecPath, ".") // the server fills either in from the other
			old := p.Document.Has(append(spec, "serviceAccount")...)
			if old && !p.Document.Has(append(spec, "serviceAccountName")...) {
				p.Report(lint.Finding{
					Path:    p.Pods.SpecPath + ".serviceAccount",
					OnKey:   true,
					Message: "serviceAccount is deprecated",
					Help:    "write serviceAccountName",
					Fixes: []lint.PathFix{{
						Path: p.Pods.SpecPath + ".serviceAccount", Key: "serviceAccountName",
						Message: "write serviceAccountName", Safe: true,
					}},
				})
			} else if written, _, _ := unstructured.NestedString(p.Document.Value(),
				append(spec, "serviceAccount")...); old &&
				written != p.Pods.Spec.ServiceAccountName {
				p.Report(lint.Finding{
					Path:    p.Pods.SpecPath + ".serviceAccount",
					Message: fmt.Sprintf("serviceAccount %s has no effect beside serviceAccountName", written),
					Help:    "remove serviceAccount",
					Fixes:   sure(removing(p.Pods.SpecPath + ".serviceAccount")),
				})
			}
			return nil
		},
	},
}

func host(name, peers, title, doc, field string, set func(*corev1.PodSpec) bool) *lint.Rule {
	return &lint.Rule{
		Name:        name,
		Title:       title,
		Severity:    diag.Warning,
		Category:    "security",
		URL:         podSecurityURL,
		Doc:         doc,
		Equivalents: peers,
		Check: func(p *lint.Pass) error {
			if p.Pods != nil && set(p.Pods.Spec) {
				p.Report(lint.Finding{
					Path: p.Pods.SpecPath + "." + field, Message: field + " is on", Help: doc,
					Fixes: setting(p.Pods.SpecPath+"."+field, "false"),
				})
			}
			return nil
		},
	}
}

// needsHostNetwork reports whether the API server asks for hostNetwork: of HostProcess containers.
func needsHostNetwork(s *corev1.PodSpec) bool {
	return s.SecurityContext != nil && hostProcess(s.SecurityContext.WindowsOptions) ||
		slices.ContainsFunc(s.Containers, func(c corev1.Container) bool {
			return c.SecurityContext != nil && hostProcess(c.SecurityContext.WindowsOptions)
		})
}

// eachVolume makes a check of one that looks at each volume.
func eachVolume(f func(p *lint.Pass, v *corev1.Volume, path string)) func(*lint.Pass) error {
	return func(p *lint.Pass) error {
		if p.Pods == nil {
			return nil
		}
		for i := range p.Pods.Spec.Volumes {
			f(p, &p.Pods.Spec.Volumes[i], fmt.Sprintf("%s.volumes[%d]", p.Pods.SpecPath, i))
		}
		return nil
	}
}

func runAsUser(p *lint.Pass, c *corev1.Container, path string) (*int64, string) {
	return ids(
		p,
		c,
		path,
		"runAsUser",
		func(s *corev1.SecurityContext) *int64 { return s.RunAsUser },
		func(s *corev1.PodSecurityContext) *int64 { return s.RunAsUser },
	)
}

// ids returns a container's user or group and where it is set; the container's own setting counts before the pod's.
func ids(
	p *lint.Pass,
	c *corev1.Container,
	path, field string,
	own func(*corev1.SecurityContext) *int64,
	pods func(*corev1.PodSecurityContext) *int64,
) (*int64, string) {
	if s := c.SecurityContext; s != nil && own(s) != nil {
		return own(s), path + ".securityContext." + field
	}
	if s := p.Pods.Spec.SecurityContext; s != nil && pods(s) != nil {
		return pods(s), p.Pods.SpecPath + ".securityContext." + field
	}
	return nil, path + ".securityContext." + field
}

func checkLowID(p *lint.Pass, c *corev1.Container, path string) {
	if windows(p) || ownUsers(p) {
		return
	}
	user, at := runAsUser(p, c, path)
	if user == nil || *user < 10000 {
		p.Report(lint.Finding{
			Path:    at,
			Message: fmt.Sprintf("the user of container %s is not given or below 10000", c.Name),
			Help:    "set runAsUser to 10000 or more",
		})
	}
	group, at := ids(
		p,
		c,
		path,
		"runAsGroup",
		func(s *corev1.SecurityContext) *int64 { return s.RunAsGroup },
		func(s *corev1.PodSecurityContext) *int64 { return s.RunAsGroup },
	)
	if group == nil || *group < 10000 {
		p.Report(lint.Finding{
			Path:    at,
			Message: fmt.Sprintf("the group of container %s is not given or below 10000", c.Name),
			Help:    "set runAsGroup to 10000 or more",
		})
	}
}

// seccomp returns a container's seccomp profile and where it is set.
func seccomp(p *lint.Pass, c *corev1.Container, path string) (*corev1.SeccompProfile, string) {
	if s := c.SecurityContext; s != nil && s.SeccompProfile != nil {
		return s.SeccompProfile, path + ".securityContext.seccompProfile"
	}
	if s := p.Pods.Spec.SecurityContext; s != nil && s.SeccompProfile != nil {
		return s.SeccompProfile, p.Pods.SpecPath + ".securityContext.seccompProfile"
	}
	return nil, ""
}

// seccompAnnotated reports whether annotations choose a profile, as they did before Kubernetes 1.27. The API server
// warns of them.
func seccompAnnotated(p *lint.Pass, c *corev1.Container) bool {
	const prefix = "seccomp.security.alpha.kubernetes.io"
	profile := cmp.Or(p.Pods.Annotations["container."+prefix+"/"+c.Name], p.Pods.Annotations[prefix+"/pod"])
	return profile != "" && profile != "unconfined"
}

func privileged(c *corev1.Container) bool {
	return c.SecurityContext != nil && c.SecurityContext.Privileged != nil && *c.SecurityContext.Privileged
}

func nonRoot(p *lint.Pass, c *corev1.Container) bool {
	if s := c.SecurityContext; s != nil && s.RunAsNonRoot != nil {
		return *s.RunAsNonRoot
	}
	s := p.Pods.Spec.SecurityContext
	return s != nil && s.RunAsNonRoot != nil && *s.RunAsNonRoot
}

// ownUsers reports whether root in the pod is nobody on the node.
func ownUsers(p *lint.Pass) bool {
	return p.Pods.Spec.HostUsers != nil && !*p.Pods.Spec.HostUsers
}

func windows(p *lint.Pass) bool {
	return p.Pods.Spec.OS != nil && p.Pods.Spec.OS.Name == corev1.Windows
}

// checkToken finds pods that get a token; the pod's own word counts before that of its account.
func checkToken(p *lint.SetPass) error {
	r := p.Resource
	automount := r.Automount
	for _, ref := range r.Refs {
		if account := p.Set.Get("", "ServiceAccount", ref.Namespace, ref.Name); automount == nil &&
			ref.Role == "serviceAccountName" &&
			account != nil {
			automount = account.Automount
		}
	}
	if r.HasPods && (automount == nil || *automount) {
		p.Report(lint.Finding{
			Path:    r.SpecPath + ".automountServiceAccountToken",
			Message: "the pod gets a token of the API server",
			Help:    "set automountServiceAccountToken: false",
			Fixes:   setting(r.SpecPath+".automountServiceAccountToken", "false"),
		})
	}
	return nil
}

// powerful are folders of the node that give power over it to those who write there; to those who
// only read there, too, when secrets lie in them.
var powerful = []struct {
	path    string
	secrets bool
}{
	{
		"/",
		true,
	}, {"/etc", true}, {"/etc/kubernetes", true}, {"/root", true}, {"/home", true}, {"/var/lib/kubelet", true}, {
		"/var/lib/etcd", true,
	}, {"/var", true}, {"/var/lib", true},
	{
		"/var/lib/docker",
		true,
	}, {"/var/lib/containerd", true}, {"/run", true}, {
		"/var/run", true,
	}, {"/run/containerd", true}, {"/run/crio", true},
	{
		"/boot",
		false,
	}, {"/dev", false}, {"/lib", false}, {"/proc", false}, {
		"/sys", false,
	}, {"/usr", false}, {"/bin", false}, {"/sbin", false},
}

// cloudCredentials are where the clouds' command lines keep their keys.
var cloudCredentials = regexp.MustCompile(`/(\.aws|\.azure|\.config/gcloud|azure\.json|gcloud)(/|$)`)

// sensitive reports whether a path of the node gives power over the node. A socket does even when it
// is mounted for reading only.
func sensitive(name string, readOnly bool) bool {
	name = path.Clean(name)
	for _, f := range powerful {
		if name == f.path {
			return f.secrets || !readOnly
		}
	}
	return cloudCredentials.MatchString(name) || slices.Contains(
		[]string{"docker.sock", "containerd.sock", "crio.sock", "cri-dockerd.sock"},
		path.Base(name),
	) ||
		strings.HasPrefix(name, "/etc/kubernetes/")
}

// readOnly reports whether all containers mount a volume for reading only, and one does at all.
func readOnly(p *lint.Pass, volume string) bool {
	mounts, writable := 0, false
	p.Containers(func(c *corev1.Container, _ string, _ bool) {
		for _, m := range c.VolumeMounts {
			if m.Name == volume {
				mounts++
				writable = writable || !m.ReadOnly
			}
		}
	})
	return mounts > 0 && !writable
}
