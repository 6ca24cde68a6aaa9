package rules

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/seatrial/seatrial/internal/diag"
	"github.com/seatrial/seatrial/lint"
)

const podSecurityURL = "https://kubernetes.io/docs/concepts/security/pod-security-standards/"

// dangerous capabilities let a container out of its box.
var dangerous = []corev1.Capability{"ALL", "SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "SYS_MODULE", "SYS_RAWIO", "SYS_BOOT", "SYS_TIME", "DAC_READ_SEARCH", "BPF"}

var securityRules = []*lint.Rule{
	{
		Name: "privileged-container", Title: "privileged container", Severity: diag.Warning, Category: "security", URL: podSecurityURL,
		Doc: "A privileged container can do on the node whatever root can. Ask for the few capabilities that are needed instead.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			if s := c.SecurityContext; s != nil && s.Privileged != nil && *s.Privileged {
				p.Report(lint.Finding{Path: path + ".securityContext.privileged", Message: fmt.Sprintf("container %s is privileged", c.Name), Detail: "ask for single capabilities instead"})
			}
		}),
	},
	{
		Name: "run-as-root-user", Title: "container that asks to run as root", Severity: diag.Warning, Category: "security", URL: podSecurityURL,
		Doc: "runAsUser 0 is root. What breaks out of such a container is root on the node.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			user, at := runAsUser(p, c, path)
			if user != nil && *user == 0 {
				p.Report(lint.Finding{Path: at, Message: fmt.Sprintf("container %s runs as root", c.Name), Detail: "name another user than 0"})
			}
		}),
	},
	{
		Name: "run-as-root-allowed", Title: "container that may run as root", Severity: diag.Info, Category: "security", URL: podSecurityURL,
		Doc: "Unless runAsNonRoot is true or runAsUser is another user than 0, for the container or for the pod, the image decides, and most images run as root.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			user, _ := runAsUser(p, c, path)
			if user == nil && !nonRoot(p, c) && !windows(p) {
				p.Report(lint.Finding{Path: path + ".securityContext.runAsNonRoot", Message: fmt.Sprintf("container %s may run as root", c.Name), Detail: "set securityContext.runAsNonRoot: true"})
			}
		}),
	},
	{
		Name: "privilege-escalation-allowed", Title: "container whose processes may gain privileges", Severity: diag.Info, Category: "security", Optional: true, URL: podSecurityURL,
		Doc: "allowPrivilegeEscalation: false keeps setuid programs from becoming root.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			if s := c.SecurityContext; !windows(p) && (s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation) {
				p.Report(lint.Finding{Path: path + ".securityContext.allowPrivilegeEscalation", Message: fmt.Sprintf("processes of container %s may gain privileges", c.Name), Detail: "set securityContext.allowPrivilegeEscalation: false"})
			}
		}),
	},
	{
		Name: "root-filesystem-writable", Title: "container that may write to its image", Severity: diag.Info, Category: "security", Optional: true,
		Doc: "readOnlyRootFilesystem: true keeps an intruder from leaving anything behind; mount an emptyDir where the program writes.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			if s := c.SecurityContext; !windows(p) && (s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem) {
				p.Report(lint.Finding{Path: path + ".securityContext.readOnlyRootFilesystem", Message: fmt.Sprintf("container %s may write to its root filesystem", c.Name)})
			}
		}),
	},
	{
		Name: "capabilities-dangerous-added", Title: "container with capabilities that undo its isolation", Severity: diag.Warning, Category: "security", URL: podSecurityURL,
		Doc: "Some capabilities are as good as root on the node: SYS_ADMIN, SYS_MODULE, SYS_PTRACE, ALL and others.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			if c.SecurityContext == nil || c.SecurityContext.Capabilities == nil {
				return
			}
			for i, name := range c.SecurityContext.Capabilities.Add {
				if slices.Contains(dangerous, corev1.Capability(strings.TrimPrefix(strings.ToUpper(string(name)), "CAP_"))) {
					p.Report(lint.Finding{Path: fmt.Sprintf("%s.securityContext.capabilities.add[%d]", path, i), Message: fmt.Sprintf("container %s adds the capability %s", c.Name, name)})
				}
			}
		}),
	},
	host("host-network", "pod on the network of its node", "The pod sees the node's interfaces and answers on its ports; network policies do not apply to it.", "hostNetwork", func(s *corev1.PodSpec) bool { return s.HostNetwork }),
	host("host-pid", "pod that sees the processes of its node", "The pod can look into every process of the node, and into its secrets.", "hostPID", func(s *corev1.PodSpec) bool { return s.HostPID }),
	host("host-ipc", "pod in the IPC namespace of its node", "The pod can read the shared memory of the node's processes.", "hostIPC", func(s *corev1.PodSpec) bool { return s.HostIPC }),
	{
		Name: "host-path-volume", Title: "volume that is a folder of the node", Severity: diag.Info, Category: "security", Optional: true, URL: podSecurityURL,
		Doc: "A hostPath volume ties the pod to what lies on one node and opens the node's files to it. Pods that share files use an emptyDir; data that must stay, a PersistentVolumeClaim.",
		Check: eachVolume(func(p *lint.Pass, v *corev1.Volume, path string) {
			if v.HostPath != nil {
				p.Report(lint.Finding{Path: path + ".hostPath.path", Message: fmt.Sprintf("volume %s is the folder %s of the node", v.Name, v.HostPath.Path), Detail: "use an emptyDir, or a PersistentVolumeClaim for data that must stay"})
			}
		}),
	},
	{
		Name: "host-path-sensitive", Title: "volume that opens the node itself", Severity: diag.Warning, Category: "security", URL: podSecurityURL,
		Doc: "Who can write to these folders of the node, or talk to its container runtime, owns the node.",
		Check: eachVolume(func(p *lint.Pass, v *corev1.Volume, path string) {
			if v.HostPath != nil && sensitive(v.HostPath.Path) {
				p.Report(lint.Finding{Path: path + ".hostPath.path", Message: fmt.Sprintf("volume %s opens %s of the node", v.Name, v.HostPath.Path)})
			}
		}),
	},
	{
		Name: "service-account-token-automount", Title: "pod that gets a token of the API server", Severity: diag.Info, Category: "security", Optional: true,
		Doc: "Most programs never talk to the API server. automountServiceAccountToken: false leaves an intruder without a token.",
		Check: func(p *lint.Pass) error {
			if p.Pods != nil && (p.Pods.Spec.AutomountServiceAccountToken == nil || *p.Pods.Spec.AutomountServiceAccountToken) {
				p.Report(lint.Finding{Path: p.Pods.SpecPath + ".automountServiceAccountToken", Message: "the pod gets a token of the API server"})
			}
			return nil
		},
	},
	{
		Name: "service-account-field-deprecated", Title: "deprecated field serviceAccount", Severity: diag.Warning, Category: "security",
		Doc: "serviceAccount is the old name of serviceAccountName.",
		Check: func(p *lint.Pass) error {
			if p.Pods == nil || p.Pods.Spec.DeprecatedServiceAccount == "" {
				return nil
			}
			spec := strings.Split(p.Pods.SpecPath, ".") // the server fills either in from the other
			if p.Document.Has(append(spec, "serviceAccount")...) && !p.Document.Has(append(spec, "serviceAccountName")...) {
				p.Report(lint.Finding{Path: p.Pods.SpecPath + ".serviceAccount", OnKey: true, Message: "serviceAccount is deprecated", Detail: "write serviceAccountName"})
			}
			return nil
		},
	},
}

func host(name, title, doc, field string, set func(*corev1.PodSpec) bool) *lint.Rule {
	return &lint.Rule{
		Name: name, Title: title, Severity: diag.Warning, Category: "security", URL: podSecurityURL, Doc: doc,
		Check: func(p *lint.Pass) error {
			if p.Pods != nil && set(p.Pods.Spec) {
				p.Report(lint.Finding{Path: p.Pods.SpecPath + "." + field, Message: field + " is on", Detail: doc})
			}
			return nil
		},
	}
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
	if s := c.SecurityContext; s != nil && s.RunAsUser != nil {
		return s.RunAsUser, path + ".securityContext.runAsUser"
	}
	if s := p.Pods.Spec.SecurityContext; s != nil && s.RunAsUser != nil {
		return s.RunAsUser, p.Pods.SpecPath + ".securityContext.runAsUser"
	}
	return nil, ""
}

func nonRoot(p *lint.Pass, c *corev1.Container) bool {
	if s := c.SecurityContext; s != nil && s.RunAsNonRoot != nil {
		return *s.RunAsNonRoot
	}
	s := p.Pods.Spec.SecurityContext
	return s != nil && s.RunAsNonRoot != nil && *s.RunAsNonRoot
}

func windows(p *lint.Pass) bool {
	return p.Pods.Spec.OS != nil && p.Pods.Spec.OS.Name == corev1.Windows
}

// sensitive tells whether a path of the node gives power over the node.
func sensitive(path string) bool {
	path = strings.TrimSuffix(path, "/")
	for _, s := range []string{"", "/boot", "/dev", "/etc", "/lib", "/proc", "/sys", "/usr", "/root", "/bin", "/sbin", "/var/lib/kubelet", "/var/lib/docker", "/var/lib/containerd"} {
		if path == s {
			return true
		}
	}
	return strings.HasSuffix(path, "docker.sock") || strings.HasSuffix(path, "containerd.sock") || strings.HasSuffix(path, "crio.sock") || strings.HasPrefix(path, "/etc/kubernetes")
}
