package rules

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/schema"
)

// serving are the kinds whose pods are meant to run for long.
var serving = []string{"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController"}

// customWorkloads are kinds of other projects that are made as a Deployment is: those of OpenShift and Argo.
var customWorkloads = []string{"DeploymentConfig", "Rollout"}

// withoutPorts makes a rule look at all containers, of pods as well.
var withoutPorts = lint.Param{
	Name: "without-ports", Doc: "look at containers that declare no port, and at pods, too", Default: false,
}

// answers reports whether a container is one that is asked, or all are meant to be looked at.
func answers(p *lint.Pass, c *corev1.Container) bool {
	return p.Params.Bool(withoutPorts.Name) || len(c.Ports) > 0 && p.Document.Object.Kind != "Pod"
}

var probeRules = []*lint.Rule{
	{
		Name:     "readiness-probe-missing",
		Title:    "container without a readiness probe",
		Severity: diag.Info,
		Category: "probes",
		Kinds:    slices.Concat(serving, customWorkloads, []string{"Pod"}),
		Params:   []lint.Param{withoutPorts},
		Doc: "Without it a container counts as ready once it has started: Services send it requests that it " +
			"cannot answer yet, and a rolling update never waits. Containers that declare no port are passed over: " +
			"nobody asks them.",
		URL: "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
		Equivalents: "kube-linter no-readiness-probe, polaris readinessProbeMissing, popeye 104, datree 12, " +
			"checkov CKV_K8S_9, kubescape C-0018",
		Check: running(func(p *lint.Pass, c *corev1.Container, path string) {
			if c.ReadinessProbe == nil && answers(p, c) {
				p.Report(lint.Finding{
					Path:    path + ".readinessProbe",
					Message: fmt.Sprintf("container %s has no readiness probe", c.Name),
					Help:    "without one, ready means started: a rollout does not wait until it can serve",
				})
			}
		}),
	},
	{
		Name:     "liveness-probe-missing",
		Title:    "container without a liveness probe",
		Severity: diag.Info,
		Category: "probes",
		Kinds:    slices.Concat(serving, customWorkloads, []string{"Pod"}),
		Params:   []lint.Param{withoutPorts},
		Doc: "Without it a container that hangs is never restarted. A program that ends when it fails needs " +
			"none. Containers that declare no port are passed over.",
		URL: "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
		Equivalents: "kube-linter no-liveness-probe, polaris livenessProbeMissing, popeye 103, datree 11, checkov " +
			"CKV_K8S_8, kubescape C-0056",
		Check: running(func(p *lint.Pass, c *corev1.Container, path string) {
			if c.LivenessProbe == nil && answers(p, c) {
				p.Report(lint.Finding{
					Path:    path + ".livenessProbe",
					Message: fmt.Sprintf("container %s has no liveness probe", c.Name),
					Help:    "without one, a container that hangs is not restarted",
				})
			}
		}),
	},
	{
		Name:     "service-pods-unprobed",
		Title:    "pods behind a Service without a probe",
		Severity: diag.Info,
		Category: "probes",
		Optional: true,
		Doc: "A Service sends requests to pods as soon as they are ready. Of these no container says when that is, or whether " +
			"it still works.",
		URL:         "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
		Equivalents: "kube-score pod-probes",
		CheckSet: func(p *lint.SetPass) error {
			r := p.Resource
			if !r.HasPods || r.ReadinessProbe && r.LivenessProbe {
				return nil
			}
			service := first(p.Set.Selecting("", "Service", r))
			if service == nil {
				return nil
			}
			missing := "readiness probe"
			if r.ReadinessProbe {
				missing = "liveness probe"
			}
			p.Report(lint.Finding{
				Path:  r.SpecPath + ".containers",
				OnKey: true,
				Message: fmt.Sprintf(
					"%s sends requests to the pods, and no container has a %s", service.Object, missing,
				),
				Related: []lint.RelatedPath{{Of: service, Path: "spec.selector", Message: "the Service"}},
			})
			return nil
		},
	},
	{
		Name:     "probes-identical",
		Title:    "liveness and readiness probes that are the same",
		Severity: diag.Info,
		Category: "probes",
		Optional: true,
		Doc: "A container that is busy for a while should be left out of its Services, not killed. With one " +
			"probe for both, it is killed.",
		Equivalents: "kube-score pod-probes-identical",
		Check: running(func(p *lint.Pass, c *corev1.Container, path string) {
			if c.LivenessProbe != nil && reflect.DeepEqual(c.LivenessProbe, c.ReadinessProbe) {
				p.Report(lint.Finding{
					Path:    path + ".livenessProbe",
					OnKey:   true,
					Message: fmt.Sprintf("liveness and readiness probes of container %s are the same", c.Name),
				})
			}
		}),
	},
	{
		Name:        "probe-port-missing",
		Title:       "probe of a named port that the container does not declare",
		Severity:    diag.Warning,
		Category:    "probes",
		Equivalents: "kube-linter liveness-port, readiness-port and startup-port",
		Doc: "A port given by name is looked up among the container's own ports. When it is not there, the " +
			"probe, or the hook, fails for ever.",
		Check: running(checkPortNames),
	},
	{
		Name:        "probe-port-undeclared",
		Title:       "probe of a port number that the container does not declare",
		Severity:    diag.Info,
		Category:    "probes",
		Optional:    true,
		Equivalents: "kube-linter liveness-port, readiness-port and startup-port",
		Doc: "It works, since declared ports are for the reader only; and the reader wonders whether one of " +
			"the numbers is wrong.",
		Check: running(checkPortNumbers),
	},
	{
		Name:     "probe-kills-slow-start",
		Title:    "liveness probe that gives up before readiness is asked for",
		Severity: diag.Warning,
		Category: "probes",
		URL:      "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
		Doc: "The container is given time to become ready, and the liveness probe kills it before that time is " +
			"over. Without a startupProbe liveness waits initialDelaySeconds and then fails failureThreshold times, " +
			"periodSeconds apart.",
		Check: running(checkPatience),
	},
}

// handlers calls f for the port of each probe and hook of a container.
func handlers(c *corev1.Container, f func(port intstr.IntOrString, path string)) {
	look := func(path string, http *corev1.HTTPGetAction, tcp *corev1.TCPSocketAction) {
		if http != nil {
			f(http.Port, path+".httpGet.port")
		}
		if tcp != nil {
			f(tcp.Port, path+".tcpSocket.port")
		}
	}
	for _, p := range []struct {
		path  string
		probe *corev1.Probe
	}{{"livenessProbe", c.LivenessProbe}, {"readinessProbe", c.ReadinessProbe}, {"startupProbe", c.StartupProbe}} {
		if p.probe != nil {
			look(p.path, p.probe.HTTPGet, p.probe.TCPSocket)
		}
	}
	if c.Lifecycle == nil {
		return
	}
	if h := c.Lifecycle.PostStart; h != nil {
		look("lifecycle.postStart", h.HTTPGet, nil)
	}
	if h := c.Lifecycle.PreStop; h != nil {
		look("lifecycle.preStop", h.HTTPGet, nil)
	}
}

func checkPortNames(p *lint.Pass, c *corev1.Container, path string) {
	var names []string
	for _, port := range c.Ports {
		names = append(names, port.Name)
	}
	handlers(c, func(port intstr.IntOrString, at string) {
		if port.Type != intstr.String || isNumber(port.StrVal) || slices.Contains(names, port.StrVal) {
			return
		}
		f := lint.Finding{
			Path:    path + "." + at,
			Message: fmt.Sprintf("container %s declares no port named %q", c.Name, port.StrVal),
			Help:    "name one of the container's own ports, or give a number",
		}
		if best := schema.DidYouMean(port.StrVal, names); best != "" {
			f.Help = fmt.Sprintf("did you mean %s?", best)
		}
		p.Report(f)
	})
}

// isNumber reports whether a port name is a number in quotes, which the API server refuses.
func isNumber(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
}

func checkPortNumbers(p *lint.Pass, c *corev1.Container, path string) {
	handlers(c, func(port intstr.IntOrString, at string) {
		declared := slices.ContainsFunc(
			c.Ports,
			func(o corev1.ContainerPort) bool { return o.ContainerPort == port.IntVal },
		)
		if port.Type == intstr.Int && !declared {
			p.Report(lint.Finding{
				Path:    path + "." + at,
				Message: fmt.Sprintf("container %s declares no port %d", c.Name, port.IntVal),
				Help:    "add it to ports, or fix the number",
			})
		}
	})
}

func checkPatience(p *lint.Pass, c *corev1.Container, path string) {
	live, ready := c.LivenessProbe, c.ReadinessProbe
	if live == nil || ready == nil || c.StartupProbe != nil {
		return
	}
	end := live.InitialDelaySeconds + live.PeriodSeconds*live.FailureThreshold
	if end < ready.InitialDelaySeconds {
		p.Report(lint.Finding{
			Path:  path + ".livenessProbe",
			OnKey: true,
			Message: fmt.Sprintf(
				"liveness gives up on container %s after %d s, readiness is first asked for after %d s",
				c.Name,
				end,
				ready.InitialDelaySeconds,
			),
			Help: "add a startupProbe: the others wait for it",
			Related: []lint.RelatedPath{
				{Path: path + ".readinessProbe.initialDelaySeconds", Message: "readiness waits until then"},
			},
		})
	}
}
