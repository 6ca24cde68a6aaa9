package kubelet

import (
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	kubeletevents "k8s.io/kubernetes/pkg/kubelet/events"
	upstream "k8s.io/kubernetes/pkg/probe"
)

// probeState is the state of a probe of a running container.
type probeState struct {
	Next             time.Time // zero: it has not begun
	Successes, Fails int       // one after another
	Settled          bool      // nothing will change any more unless the behavior does
}

// The probes of a container, as indices of containerState.Probes.
const (
	startup = iota
	readiness
	liveness
)

var probeNames = [...]string{startup: "Startup", readiness: "Readiness", liveness: "Liveness"}

// probe runs the probes, which decide on readiness and restarts.
func (m *machine) probe(c *v1.Container, s *containerState, behavior Behavior, path string) {
	if s.Killed {
		return
	}
	late := m.now.Before(s.StartedAt.Add(behavior.ReadyAfter))
	for _, f := range behavior.Files {
		m.reached(s.StartedAt.Add(f.After)) // a probe may look at it
	}
	fails := func(p *v1.Probe, always bool) bool {
		return always || portProblem(c, p) != nil || m.refused(p, s, behavior)
	}
	if !s.StartupProbePassed {
		if c.StartupProbe != nil {
			switch m.ask(c, s, c.StartupProbe, startup, fails(c.StartupProbe, behavior.FailStartup), late, path) {
			case failed:
				m.failLife(c, s, behavior, c.StartupProbe, startup, path)
				return
			case undecided:
				return
			}
		}
		s.StartupProbePassed = true
	}
	if p := c.LivenessProbe; p != nil &&
		m.ask(c, s, p, liveness, fails(p, behavior.FailLiveness), late, path) == failed {
		m.failLife(c, s, behavior, p, liveness, path)
		return
	}
	if c.ReadinessProbe == nil {
		s.Ready = true
		return
	}
	switch m.ask(c, s, c.ReadinessProbe, readiness, fails(c.ReadinessProbe, behavior.FailReadiness), late, path) {
	case succeeded:
		s.Ready = true
	case failed:
		s.Ready = false
	}
}

// refused reports whether a probe fails now because of the behavior of the container.
func (m *machine) refused(p *v1.Probe, s *containerState, behavior Behavior) bool {
	switch {
	case p.Exec != nil:
		return behavior.refuses(p.Exec.Command, m.now.Sub(s.StartedAt))
	case p.HTTPGet != nil && p.HTTPGet.Path == "/healthz" && behavior.HealthyFor > 0:
		return m.reached(s.StartedAt.Add(behavior.HealthyFor))
	}
	return false
}

// answer is the result of a probe so far.
type answer int

const (
	undecided answer = iota
	succeeded        // as often as it has to
	failed
)

// ask runs a probe if it is due, and returns the result by its thresholds.
func (m *machine) ask(
	c *v1.Container, s *containerState, p *v1.Probe, kind int, fails, late bool, path string,
) answer {
	state := &s.Probes[kind]
	period := time.Duration(max(p.PeriodSeconds, 1)) * time.Second
	switch {
	case state.Settled && !fails:
		return succeeded
	case state.Settled:
		state.Settled, state.Next = false, m.now.Add(period)
	case state.Next.IsZero():
		state.Next = firstProbe(s.StartedAt, p, period)
		if kind != startup && m.now.After(state.Next) { // the startup probe held it back
			state.Next = m.now
		}
	}
	if m.reached(state.Next) {
		m.once(c, state, p, kind, fails || late, path)
		state.Next = m.now.Add(period)
	}
	switch {
	case state.Fails >= int(max(p.FailureThreshold, 1)):
		m.at(state.Next)
		return failed
	case state.Successes >= int(max(p.SuccessThreshold, 1)):
		if state.Settled = !fails; fails {
			m.at(state.Next)
		}
		return succeeded
	}
	m.at(state.Next)
	return undecided
}

// once runs a probe.
func (m *machine) once(c *v1.Container, state *probeState, p *v1.Probe, kind int, fails bool, path string) {
	if !fails {
		state.Successes, state.Fails = state.Successes+1, 0
		return
	}
	state.Successes, state.Fails = 0, state.Fails+1
	if err := portProblem(c, p); err != nil {
		m.warn(
			path, kubeletevents.ContainerUnhealthy, "%s probe errored and resulted in %s state: %v", probeNames[kind],
			upstream.Unknown, err,
		)
		return
	}
	m.warn(path, kubeletevents.ContainerUnhealthy, "%s probe failed: %s", probeNames[kind], probeOutput(p))
}

// portProblem returns why the port of a probe is none of the container: no port has its name.
func portProblem(c *v1.Container, p *v1.Probe) error {
	switch {
	case p.HTTPGet != nil:
		return unnamed(c, p.HTTPGet.Port)
	case p.TCPSocket != nil:
		return unnamed(c, p.TCPSocket.Port)
	}
	return nil
}

// unnamed returns an error if a container has no port of a name.
func unnamed(c *v1.Container, port intstr.IntOrString) error {
	if port.Type != intstr.String {
		return nil
	}
	_, err := upstream.ResolveContainerPort(port, c)
	return err
}

// firstProbe returns the first tick of the period after the initial delay. The tick at the start itself comes a second
// late, when the kubelet knows that the container runs.
func firstProbe(started time.Time, p *v1.Probe, period time.Duration) time.Time {
	delay := time.Duration(p.InitialDelaySeconds) * time.Second
	if delay == 0 {
		return started.Add(time.Second)
	}
	return started.Add((delay + period - 1) / period * period)
}

func probeOutput(p *v1.Probe) string {
	switch {
	case p.HTTPGet != nil:
		return "HTTP probe failed with statuscode: 500"
	case p.TCPSocket != nil:
		return "dial tcp: connect: connection refused"
	case p.GRPC != nil:
		return "service unhealthy (responded with \"NOT_SERVING\")"
	}
	return "command failed with exit code 1"
}

// failLife ends a container whose startup or liveness probe has failed often enough.
func (m *machine) failLife(c *v1.Container, s *containerState, behavior Behavior, p *v1.Probe, kind int, path string) {
	message := "Container " + c.Name + " failed " + strings.ToLower(probeNames[kind]) + " probe"
	if m.pod.Spec.RestartPolicy != v1.RestartPolicyNever {
		message += ", will be restarted"
	}
	m.kill(c, s, behavior, p.TerminationGracePeriodSeconds, path, message)
}
