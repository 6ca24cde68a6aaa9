package rules

import (
	"cmp"
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apiresource "k8s.io/apimachinery/pkg/api/resource"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
)

const (
	resourcesURL = "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/"
	defaultsDoc  = " Resources of the pod as a whole stand for those of its containers, and so does what a " +
		"LimitRange of the set gives."
	requestDoc = " A request that is not given is the limit, where there is one." + defaultsDoc
)

var resourceRules = []*lint.Rule{
	{
		Name:     "resource-quantity-implausible",
		Title:    "request or limit that is a thousand times too small or too large",
		Severity: diag.Warning,
		Category: "resources",
		Doc: "Memory without a unit is counted in bytes, and CPU in cores: `memory: 128` is 128 bytes, with which no container " +
			"starts, and `cpu: 500M` is 500 million cores, which no node has. Less than 1 MiB of memory, more than 16 TiB, " +
			"and more than 1024 cores are reported.",
		URL: resourcesURL + "#resource-units-in-kubernetes",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			for _, part := range []struct {
				name string
				list corev1.ResourceList
			}{{"requests", c.Resources.Requests}, {"limits", c.Resources.Limits}} {
				for _, resource := range []corev1.ResourceName{
					corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage,
				} {
					if q, set := part.list[resource]; set {
						implausible(
							p, fmt.Sprintf("%s.resources.%s.%s", path, part.name, resource), string(resource), q,
						)
					}
				}
			}
		}),
	},
	unset(
		lint.Rule{
			Name:  "cpu-request-missing",
			Title: "container without a CPU request",
			Equivalents: "kube-linter unset-cpu-requirements, kube-score container-resources, polaris " +
				"cpuRequestsMissing, popeye 106, datree 3, monokle KBP002 and KSV015, checkov CKV_K8S_10, kubescape " +
				"C-0050 and C-0268",
		},
		corev1.ResourceCPU,
		"request",
		"The scheduler counts requests. A pod that asks for nothing is put anywhere, and gets the least when the "+
			"node is busy."+requestDoc,
	),
	unset(
		lint.Rule{
			Name:  "memory-request-missing",
			Title: "container without a memory request",
			Equivalents: "kube-score container-resources, polaris memoryRequestsMissing, popeye 106, datree 2, " +
				"monokle KBP004 and KSV016, checkov CKV_K8S_12, kubescape C-0004 and C-0269",
		},
		corev1.ResourceMemory,
		"request",
		"The scheduler counts requests. A pod that asks for no memory is among the first to be evicted when the "+
			"node runs short."+requestDoc,
	),
	unset(
		lint.Rule{
			Name:  "memory-limit-missing",
			Title: "container without a memory limit",
			Equivalents: "kube-linter unset-memory-requirements, kube-score container-resources, polaris " +
				"memoryLimitsMissing, popeye 107, datree 4, monokle KBP005 and KSV018, checkov CKV_K8S_13, kubescape " +
				"C-0004, C-0009 and C-0271",
		},
		corev1.ResourceMemory,
		"limit",
		"A leak takes the node's memory, and other pods with it."+defaultsDoc,
	),
	unset(
		lint.Rule{
			Name:     "cpu-limit-missing",
			Title:    "container without a CPU limit",
			Optional: true,
			Equivalents: "kube-score container-resources, polaris cpuLimitsMissing, popeye 107, datree 5, monokle " +
				"KBP003 and KSV011, checkov CKV_K8S_11, kubescape C-0009, C-0050 and C-0270",
		},
		corev1.ResourceCPU,
		"limit",
		"Opinions differ: a limit throttles a container even when the node is idle. Where tenants share nodes it is "+
			"wanted all the same."+defaultsDoc,
	),
	unset(
		lint.Rule{
			Name:        "ephemeral-storage-unset",
			Title:       "container without a limit of the disk space that it writes",
			Optional:    true,
			Equivalents: "kube-score container-ephemeral-storage-request-and-limit",
		},
		corev1.ResourceEphemeralStorage,
		"limit",
		"Logs, emptyDir volumes and the container's own files lie on the node's disk. A container that fills it "+
			"gets other pods evicted."+defaultsDoc,
	),
	unequal(
		lint.Rule{
			Name:        "cpu-request-not-limit",
			Title:       "container whose CPU request is not its limit",
			Equivalents: "kube-score container-cpu-requests-equal-limits",
		},
		corev1.ResourceCPU,
	),
	unequal(
		lint.Rule{
			Name:        "memory-request-not-limit",
			Title:       "container whose memory request is not its limit",
			Equivalents: "kube-score container-memory-requests-equal-limits, datree 81",
		},
		corev1.ResourceMemory,
	),
	unequal(
		lint.Rule{
			Name:        "ephemeral-storage-request-not-limit",
			Title:       "container whose request of disk space is not its limit",
			Equivalents: "kube-score container-ephemeral-storage-request-equals-limit",
			Doc: "The container may write more than the scheduler counted. When the disk of the node runs short, the pods " +
				"that use most beyond their requests are evicted first.",
		},
		corev1.ResourceEphemeralStorage,
	),
}

// implausible reports a quantity that no container can have been meant to get.
func implausible(p *lint.Pass, path, name string, q apiresource.Quantity) {
	const small, large, cores = 1 << 20, 16 << 40, 1024
	finding := lint.Finding{Path: path}
	suggest := func(meant string) {
		finding.Help = fmt.Sprintf("did you mean %s?", meant)
		finding.Fixes = []lint.PathFix{{Path: path, NewText: strconv.Quote(meant), Message: "write " + meant}}
	}
	value := q.Value()
	switch {
	case name == "cpu" && value > cores:
		finding.Message = fmt.Sprintf("%s: %s is %d cores", name, q.String(), value)
		if value%1000000 == 0 {
			suggest(fmt.Sprintf("%dm", value/1000000))
		} else {
			suggest(fmt.Sprintf("%dm", value))
		}
	case name == "cpu" || q.IsZero() || q.MilliValue()%1000 != 0: // the API server warns of fractions of bytes
		return
	case value < small:
		finding.Message = fmt.Sprintf("%s: %s is %d bytes", name, q.String(), value)
		if value%1000 == 0 {
			value /= 1000
		}
		suggest(fmt.Sprintf("%dMi", value))
	case value > large:
		finding.Message = fmt.Sprintf("%s: %s is more than any node has", name, q.String())
		finding.Help = "check the unit"
	default:
		return
	}
	p.Report(finding)
}

// unset makes the rule that looks for one request or limit.
func unset(r lint.Rule, resource corev1.ResourceName, what, doc string) *lint.Rule {
	r.Severity, r.Category, r.URL, r.Doc = diag.Info, "resources", resourcesURL, doc
	r.VoidedBy = func(set *lint.Set, namespace string) bool {
		return set.Defaulted(
			namespace, string(resource)+" "+what,
		)
	}
	r.Check = func(p *lint.Pass) error {
		if p.Pods == nil || p.Pods.Spec.Resources != nil && has(*p.Pods.Spec.Resources, resource, what) {
			return nil
		}
		return running(func(p *lint.Pass, c *corev1.Container, path string) {
			if !has(c.Resources, resource, what) {
				p.Report(lint.Finding{
					Path:    fmt.Sprintf("%s.resources.%ss.%s", path, what, resource),
					Message: fmt.Sprintf("container %s has no %s %s", c.Name, resource, what),
					Help:    fmt.Sprintf("set resources.%ss.%s", what, resource),
				})
			}
		})(p)
	}
	return &r
}

// unequal makes the rule that compares a request with its limit.
func unequal(r lint.Rule, resource corev1.ResourceName) *lint.Rule {
	r.Severity, r.Category, r.URL, r.Optional = diag.Info, "resources", resourcesURL, true
	r.Doc = cmp.Or(r.Doc,
		"A container may use more than the scheduler counted, and is the first to suffer when the node runs "+
			"short. With requests equal to limits for CPU and memory a pod is Guaranteed: it is evicted last. A request "+
			"that is not given is the limit.")
	r.Check = running(func(p *lint.Pass, c *corev1.Container, path string) {
		request, limit := c.Resources.Requests[resource], c.Resources.Limits[resource]
		_, requested := c.Resources.Requests[resource]
		if requested && request.Cmp(limit) != 0 {
			p.Report(lint.Finding{
				Path: fmt.Sprintf("%s.resources.requests.%s", path, resource),
				Message: fmt.Sprintf(
					"the %s request %s of container %s is not its limit",
					resource,
					request.String(),
					c.Name,
				),
			})
		}
	})
	return &r
}

// running makes a check that looks at the containers that go on running: no init containers but sidecars.
func running(f func(p *lint.Pass, c *corev1.Container, path string)) func(*lint.Pass) error {
	return func(p *lint.Pass) error {
		p.Containers(func(c *corev1.Container, path string, init bool) {
			if !init || sidecar(c) {
				f(p, c, path)
			}
		})
		return nil
	}
}

// has reports whether a request or limit is set. The server fills a request in from the limit.
func has(r corev1.ResourceRequirements, name corev1.ResourceName, what string) bool {
	if _, ok := r.Limits[name]; ok {
		return true
	}
	_, ok := r.Requests[name]
	return ok && what == "request"
}

// sidecar reports whether an init container goes on running beside the others.
func sidecar(c *corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}
