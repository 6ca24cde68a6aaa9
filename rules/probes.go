package rules

import (
	"fmt"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/seatrial/seatrial/internal/diag"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/schema"
)

// serving are the kinds whose pods are meant to run for long.
var serving = []string{"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController"}

var probeRules = []*lint.Rule{
	{
		Name: "readiness-probe-missing", Title: "container without a readiness probe", Severity: diag.Info, Category: "probes", Kinds: serving,
		Doc: "Without it a container counts as ready once it has started: Services send it requests that it cannot answer yet, and a rolling update never waits. Containers that declare no port are passed over: nobody asks them.",
		URL: "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
		Check: probes(func(p *lint.Pass, c *corev1.Container, path string) {
			if c.ReadinessProbe == nil && len(c.Ports) > 0 {
				p.Report(lint.Finding{Path: path + ".readinessProbe", Message: fmt.Sprintf("container %s has no readiness probe", c.Name), Detail: "without one, ready means started: a rollout does not wait until it can serve"})
			}
		}),
	},
	{
		Name: "liveness-probe-missing", Title: "container without a liveness probe", Severity: diag.Info, Category: "probes", Kinds: serving,
		Doc: "Without it a container that hangs is never restarted. A program that ends when it fails needs none. Containers that declare no port are passed over.",
		URL: "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
		Check: probes(func(p *lint.Pass, c *corev1.Container, path string) {
			if c.LivenessProbe == nil && len(c.Ports) > 0 {
				p.Report(lint.Finding{Path: path + ".livenessProbe", Message: fmt.Sprintf("container %s has no liveness probe", c.Name), Detail: "without one, a container that hangs is not restarted"})
			}
		}),
	},
	{
		Name: "probes-identical", Title: "liveness and readiness probes that are the same", Severity: diag.Info, Category: "probes", Optional: true,
		Doc: "A container that is busy for a while should be left out of its Services, not killed. With one probe for both, it is killed.",
		Check: probes(func(p *lint.Pass, c *corev1.Container, path string) {
			if c.LivenessProbe != nil && reflect.DeepEqual(c.LivenessProbe, c.ReadinessProbe) {
				p.Report(lint.Finding{Path: path + ".livenessProbe", OnKey: true, Message: fmt.Sprintf("liveness and readiness probes of container %s are the same", c.Name)})
			}
		}),
	},
	{
		Name: "probe-port-missing", Title: "probe of a named port that the container does not declare", Severity: diag.Warning, Category: "probes",
		Doc:   "A port given by name is looked up among the container's own ports. When it is not there, the probe fails for ever.",
		Check: probes(checkProbePorts),
	},
}

// probes makes a check that looks at the containers that may have probes.
func probes(f func(p *lint.Pass, c *corev1.Container, path string)) func(*lint.Pass) error {
	return func(p *lint.Pass) error {
		p.Containers(func(c *corev1.Container, path string, init bool) {
			if !init || sidecar(c) {
				f(p, c, path)
			}
		})
		return nil
	}
}

func checkProbePorts(p *lint.Pass, c *corev1.Container, path string) {
	var names []string
	for _, port := range c.Ports {
		names = append(names, port.Name)
	}
	for _, probe := range []struct {
		field string
		probe *corev1.Probe
	}{{"livenessProbe", c.LivenessProbe}, {"readinessProbe", c.ReadinessProbe}, {"startupProbe", c.StartupProbe}} {
		if probe.probe == nil {
			continue
		}
		check := func(port intstr.IntOrString, at string) {
			if port.Type != intstr.String || slices.Contains(names, port.StrVal) {
				return
			}
			f := lint.Finding{Path: path + "." + probe.field + "." + at + ".port", Message: fmt.Sprintf("container %s declares no port named %q", c.Name, port.StrVal)}
			if best := schema.DidYouMean(port.StrVal, names); best != "" {
				f.Detail = fmt.Sprintf("did you mean %s?", best)
			}
			p.Report(f)
		}
		if probe.probe.HTTPGet != nil {
			check(probe.probe.HTTPGet.Port, "httpGet")
		}
		if probe.probe.TCPSocket != nil {
			check(probe.probe.TCPSocket.Port, "tcpSocket")
		}
	}
}
