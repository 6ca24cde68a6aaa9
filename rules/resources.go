package rules

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/seatrial/seatrial/internal/diag"
	"github.com/seatrial/seatrial/lint"
)

const requestDoc = " Defaults count: a request that is not given is the limit, where there is one, and resources of the pod as a whole stand for those of its containers."

var resourceRules = []*lint.Rule{
	unset("cpu-request-missing", "container without a CPU request", false, corev1.ResourceCPU, "request",
		"The scheduler counts requests. A pod that asks for nothing is put anywhere, and gets the least when the node is busy."+requestDoc),
	unset("memory-request-missing", "container without a memory request", false, corev1.ResourceMemory, "request",
		"The scheduler counts requests. A pod that asks for no memory is among the first to be evicted when the node runs short."+requestDoc),
	unset("memory-limit-missing", "container without a memory limit", false, corev1.ResourceMemory, "limit",
		"A leak takes the node's memory, and other pods with it."),
	unset("cpu-limit-missing", "container without a CPU limit", true, corev1.ResourceCPU, "limit",
		"Opinions differ: a limit throttles a container even when the node is idle. Where tenants share nodes it is wanted all the same."),
}

// unset makes the rule that looks for one request or limit.
func unset(name, title string, optional bool, resource corev1.ResourceName, what, doc string) *lint.Rule {
	return &lint.Rule{
		Name: name, Title: title, Severity: diag.Info, Category: "resources", Optional: optional, Doc: doc,
		URL: "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/",
		Check: func(p *lint.Pass) error {
			if p.Pods == nil || p.Pods.Spec.Resources != nil && has(*p.Pods.Spec.Resources, resource, what) {
				return nil
			}
			p.Containers(func(c *corev1.Container, path string, init bool) {
				if init && !sidecar(c) || has(c.Resources, resource, what) {
					return
				}
				p.Report(lint.Finding{Path: fmt.Sprintf("%s.resources.%ss.%s", path, what, resource), Message: fmt.Sprintf("container %s has no %s %s", c.Name, resource, what),
					Detail: fmt.Sprintf("set resources.%ss.%s", what, resource)})
			})
			return nil
		},
	}
}

// has tells whether a request or limit is set. The server fills a request in from the limit.
func has(r corev1.ResourceRequirements, name corev1.ResourceName, what string) bool {
	if _, ok := r.Limits[name]; ok {
		return true
	}
	_, ok := r.Requests[name]
	return ok && what == "request"
}

// sidecar tells whether an init container goes on running beside the others.
func sidecar(c *corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}
