package kubelet

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/distribution/reference"
	v1 "k8s.io/api/core/v1"
	podutil "k8s.io/kubernetes/pkg/api/v1/pod"
	kubecontainer "k8s.io/kubernetes/pkg/kubelet/container"
	kubeletevents "k8s.io/kubernetes/pkg/kubelet/events"
)

// phase is the phase of a container.
type phase int

const (
	waiting  phase = iota + 1
	pulling        // until Due
	backoff        // of a pull or of a crash, until Due
	creating       // until Due
	running
	exited // for good
)

// Exit codes of the runtime.
const (
	cannotStart = 128
	killed      = 137 // by signal 9
	interrupted = 143 // by signal 15, at work that has an end; what serves ends well
)

// containerState is the state of a container that its status does not hold.
type containerState struct {
	Phase              phase
	Due                time.Time
	Reason, Message    string // of its last failure, until it runs
	PullBegan          time.Time
	PullFailures       int
	CrashWait          time.Duration
	Restarts           int32
	StartedAt          time.Time
	FinishedAt         time.Time
	ExitCode           int32
	ExitReason         string
	ExitMessage        string
	StartupProbePassed bool `json:"Passed"` // its startup probe, or it has none
	Ready              bool
	Probes             [3]probeState
	PostStartDone      bool      `json:"Hooked"` // its postStart hook has ended
	Reported           time.Time // when what is wrong was last reported
	Last               *v1.ContainerStateTerminated
	ID                 string
	Resources          v1.ResourceRequirements // that it runs with
	Image              string                  // that it was begun with
	Changed            bool                    // it ends since its image is another one by now
	Killed             bool                    // it does not end by itself
	Reached            map[string]time.Time    `json:",omitempty"` // since when services answer that its script asks
	StopBy             time.Time               // when it has ended after the signal
}

// occupies reports whether the kubelet is busy with the container, so that the next one has to wait.
func (s *containerState) occupies() bool {
	return s.Phase == pulling && s.Reason != reasonPullFailed || s.Phase == creating ||
		s.Phase == running && !s.PostStartDone
}

// Reasons of containers that wait.
const (
	reasonPullFailed = "ErrImagePull"
	reasonPullWaits  = "ImagePullBackOff"
	reasonNeverPull  = "ErrImageNeverPull"
	reasonImageName  = "InvalidImageName"
	reasonConfig     = "CreateContainerConfigError"
	reasonCrashed    = "CrashLoopBackOff"
)

func (m *machine) container(name string) *containerState {
	s := m.state.Containers[name]
	if s == nil {
		s = &containerState{Phase: waiting}
		m.state.Containers[name] = s
	}
	return s
}

// run advances a container as far as possible now.
func (m *machine) run(c *v1.Container, path string) {
	s := m.container(c.Name)
	behavior := m.env.behaviorOf(m.pod, c)
	if s.Image != "" && s.Image != c.Image {
		m.changeImage(c, s, behavior, path)
	}
	for {
		before := s.Phase
		switch s.Phase {
		case waiting:
			m.beginImage(c, s, behavior, path)
		case pulling:
			if m.reached(s.Due) {
				m.endPull(c, s, behavior, path)
			}
		case backoff:
			if s.Reason == "" {
				m.holdBack(c, s, path)
			}
			if m.reached(s.Due) {
				s.Phase = waiting
			}
		case creating:
			m.create(c, s, behavior, path)
		case running:
			m.watch(c, s, behavior, path)
		}
		if s.Phase == before || m.restartPod {
			return
		}
	}
}

// changeImage ends a container that runs another image than that of its pod, or stops waiting for the old one.
func (m *machine) changeImage(c *v1.Container, s *containerState, behavior Behavior, path string) {
	switch {
	case s.Phase == running && !s.Killed && !s.Changed:
		m.kill(c, s, behavior, nil, path, "Container "+c.Name+" definition changed, will be restarted")
		s.Changed = true
	case s.Phase == pulling, s.Phase == backoff:
		s.Phase, s.Reason, s.Message, s.PullFailures, s.CrashWait = waiting, "", "", 0, 0
	}
}

// beginImage uses the image on the node, or begins to pull it.
func (m *machine) beginImage(c *v1.Container, s *containerState, behavior Behavior, path string) {
	s.Image = c.Image
	if _, err := reference.ParseNormalizedNamed(c.Image); err != nil {
		message := fmt.Sprintf(
			"Failed to apply default image tag %q: couldn't parse image name %q: %v", c.Image, c.Image, err,
		)
		m.warn(path, kubeletevents.FailedToInspectImage, "%s", message)
		m.warn(path, kubeletevents.FailedToCreateContainer, "Error: %s", reasonImageName)
		m.retry(s, reasonImageName, message)
		return
	}
	present := m.env.hasImage(m.pod.Spec.NodeName, c.Image)
	switch {
	case c.ImagePullPolicy == v1.PullNever && !present:
		message := fmt.Sprintf("Container image %q is not present with pull policy of Never", c.Image)
		m.warn(path, kubeletevents.ErrImageNeverPullPolicy, "%s", message)
		m.warn(path, kubeletevents.FailedToCreateContainer, "Error: %s", reasonNeverPull)
		m.retry(s, reasonNeverPull, message)
	case present && c.ImagePullPolicy != v1.PullAlways:
		m.normal(
			path, kubeletevents.PulledImage,
			"Container image %q already present on machine and can be accessed by the pod",
			c.Image,
		)
		m.beginCreate(s)
	default:
		m.normal(path, kubeletevents.PullingImage, "Pulling image %q", c.Image)
		s.Phase, s.PullBegan = pulling, m.now
		s.Due = m.now.Add(behavior.PullFor)
		if present {
			s.Due = m.now.Add(min(behavior.PullFor, 500*time.Millisecond)) // only its digest is asked for
		}
	}
}

// retry waits for the next sync of the kubelet.
func (m *machine) retry(s *containerState, reason, message string) {
	s.Reason, s.Message = reason, message
	s.Phase, s.Due = backoff, m.now.Add(resync)
	m.at(s.Due)
}

// endPull ends a pull, with the image or an error; the next sync finds a failed one in back-off.
func (m *machine) endPull(c *v1.Container, s *containerState, behavior Behavior, path string) {
	if !s.Reported.Before(s.PullBegan) {
		m.waitForPull(c, s, path)
		return
	}
	if behavior.PullError == "" {
		took := m.now.Sub(s.PullBegan).Truncate(time.Millisecond)
		m.normal(
			path, kubeletevents.PulledImage,
			"Successfully pulled image %q in %v (%v including waiting). Image size: %d bytes.",
			c.Image, took, took, behavior.ImageSize,
		)
		m.env.keepImage(m.pod.Spec.NodeName, c.Image)
		s.PullFailures = 0
		m.beginCreate(s)
		return
	}
	m.warn(path, kubeletevents.FailedToPullImage, "Failed to pull image %q: %s", c.Image, behavior.PullError)
	m.warn(path, kubeletevents.FailedToCreateContainer, "Error: %s", reasonPullFailed)
	s.Reason, s.Message, s.Reported = reasonPullFailed, behavior.PullError, m.now
	s.Due = m.now.Add(nextRound)
	m.at(s.Due)
}

func (m *machine) waitForPull(c *v1.Container, s *containerState, path string) {
	m.normal(path, kubeletevents.BackOffPullImage, "Back-off pulling image %q", c.Image)
	m.warn(path, kubeletevents.FailedToCreateContainer, "Error: %s", reasonPullWaits)
	s.Message = fmt.Sprintf("Back-off pulling image %q: ErrImagePull: %s", c.Image, s.Message)
	s.Reason = reasonPullWaits
	wait := min(firstBackoff<<s.PullFailures, maxBackoff)
	s.Phase, s.Due = backoff, m.now.Add(wait)
	if wait < maxBackoff {
		s.PullFailures++
	}
	m.at(s.Due)
}

func (m *machine) beginCreate(s *containerState) {
	s.Phase, s.Due = creating, m.now.Add(createTime)
}

func (m *machine) create(c *v1.Container, s *containerState, behavior Behavior, path string) {
	if !m.reached(s.Due) {
		return
	}
	if problem := m.badConfig(c); problem != "" {
		m.warn(path, kubeletevents.FailedToCreateContainer, "Error: %s", problem)
		m.retry(s, reasonConfig, problem)
		return
	}
	restarts := s.Restarts
	if s.Last != nil {
		restarts++
	}
	*s = containerState{
		Phase: running, StartedAt: m.now, Restarts: restarts, Last: s.Last, CrashWait: s.CrashWait,
		ID: m.id(c.Name, restarts), Resources: c.Resources, Image: s.Image,
	}
	m.normal(path, kubeletevents.CreatedContainer, "Container created")
	if behavior.StartError != "" {
		m.warn(path, kubeletevents.FailedToStartContainer, "Error: %s", behavior.StartError)
		s.ExitMessage = behavior.StartError
		m.exit(c, s, cannotStart, "StartError", path)
		return
	}
	m.normal(path, kubeletevents.StartedContainer, "Container started")
}

// id returns the ID of a container in the runtime.
func (m *machine) id(name string, restarts int32) string {
	const digits = 4
	var id strings.Builder
	id.WriteString("containerd://")
	for i := range digits {
		h := fnv.New64a()
		fmt.Fprintf(h, "%d/%s/%s/%d", i, m.pod.UID, name, restarts)
		fmt.Fprintf(&id, "%016x", h.Sum64())
	}
	return id.String()
}

// badConfig returns what prevents a container from being created, empty if nothing does: an environment variable that
// refers to a missing key, an invalid path in a volume, or a user that it must not have.
func (m *machine) badConfig(c *v1.Container) string {
	for _, from := range c.EnvFrom {
		if r := from.ConfigMapRef; r != nil && !isTrue(r.Optional) {
			if _, ok := m.keys("configmap", r.Name); !ok {
				return fmt.Sprintf("configmap %q not found", r.Name)
			}
		}
		if r := from.SecretRef; r != nil && !isTrue(r.Optional) {
			if _, ok := m.keys("secret", r.Name); !ok {
				return fmt.Sprintf("secret %q not found", r.Name)
			}
		}
	}
	for _, e := range c.Env {
		if e.ValueFrom == nil {
			continue
		}
		if r := e.ValueFrom.ConfigMapKeyRef; r != nil && !isTrue(r.Optional) {
			if problem := m.missingKey("configmap", "ConfigMap", r.Name, r.Key); problem != "" {
				return problem
			}
		}
		if r := e.ValueFrom.SecretKeyRef; r != nil && !isTrue(r.Optional) {
			if problem := m.missingKey("secret", "Secret", r.Name, r.Key); problem != "" {
				return problem
			}
		}
	}
	if problem := m.badMount(c); problem != "" {
		return problem
	}
	return m.rootForbidden(c)
}

// rootForbidden checks runAsNonRoot. The users of images are unknown: they count as other than root.
func (m *machine) rootForbidden(c *v1.Container) string {
	var user *int64
	var nonRoot *bool
	if p := m.pod.Spec.SecurityContext; p != nil {
		user, nonRoot = p.RunAsUser, p.RunAsNonRoot
	}
	if s := c.SecurityContext; s != nil {
		if s.RunAsUser != nil {
			user = s.RunAsUser
		}
		if s.RunAsNonRoot != nil {
			nonRoot = s.RunAsNonRoot
		}
	}
	if !isTrue(nonRoot) || user == nil || *user != 0 {
		return ""
	}
	return fmt.Sprintf("container's runAsUser breaks non-root policy (pod: %q, container: %s)", m.fullName(), c.Name)
}

// fullName returns the name of the pod in messages of the kubelet.
func (m *machine) fullName() string {
	return fmt.Sprintf("%s_%s(%s)", m.pod.Name, m.pod.Namespace, m.pod.UID)
}

func (m *machine) missingKey(kind, title, name, key string) string {
	keys, ok := m.keys(kind, name)
	switch {
	case !ok:
		return fmt.Sprintf("%s %q not found", kind, name)
	case !keys(key):
		return fmt.Sprintf("couldn't find key %s in %s %s/%s", key, title, m.pod.Namespace, name)
	}
	return ""
}

// portTaken reports whether an earlier container of the pod listens on a port of this one: they share one network
// namespace. Of init containers only sidecars run at the same time.
func (m *machine) portTaken(c *v1.Container) bool {
	for i := range m.pod.Spec.InitContainers {
		other := &m.pod.Spec.InitContainers[i]
		if other.Name == c.Name {
			return false
		}
		if isSidecar(other) && sharePort(other, c) {
			return true
		}
	}
	if isInit(m.pod, c) {
		return false
	}
	for i := range m.pod.Spec.Containers {
		other := &m.pod.Spec.Containers[i]
		if other.Name == c.Name {
			return false
		}
		if sharePort(other, c) {
			return true
		}
	}
	return false
}

func sharePort(a, b *v1.Container) bool {
	for _, x := range a.Ports {
		for _, y := range b.Ports {
			if x.ContainerPort == y.ContainerPort && x.Protocol == y.Protocol {
				return true
			}
		}
	}
	return false
}

// watch advances a running container: its hook, its probes and its end.
func (m *machine) watch(c *v1.Container, s *containerState, behavior Behavior, path string) {
	if !s.PostStartDone && !m.postStart(c, s, behavior, path) {
		return
	}
	behavior = m.followed(c, s, behavior)
	if due, code, reason := m.fate(c, s, behavior); !due.IsZero() && m.reached(due) {
		s.ExitMessage = lastWords(c, s, behavior, m.now.Sub(s.StartedAt), code)
		m.exit(c, s, code, reason, path)
		return
	}
	m.probe(c, s, behavior, path)
}

// lastWords returns the termination message of a container: what it wrote to the termination log, or, if it failed and
// the policy allows it, the end of its output.
func lastWords(c *v1.Container, s *containerState, behavior Behavior, ran time.Duration, code int32) string {
	text, there, _ := behavior.file(c.TerminationMessagePath, ran)
	if there && text != "" {
		return text[:min(len(text), kubecontainer.MaxContainerTerminationMessageLength)]
	}
	if c.TerminationMessagePolicy != v1.TerminationMessageFallbackToLogsOnError || code == 0 || s.Killed {
		return ""
	}
	return behavior.Output[max(0, len(behavior.Output)-kubecontainer.MaxContainerTerminationMessageLogLength):]
}

// fate returns when and how a container will end; the zero time means never.
func (m *machine) fate(
	c *v1.Container, s *containerState, behavior Behavior,
) (due time.Time, code int32, reason string) {
	limit := c.Resources.Limits[v1.ResourceMemory]
	switch {
	case s.Changed && behavior.StopFor <= m.grace():
		if behavior.RunFor > 0 {
			code = interrupted
		}
		return s.Due, code, ""
	case s.Killed:
		return s.Due, killed, ""
	case m.portTaken(c):
		return s.StartedAt.Add(time.Second), 1, ""
	case !limit.IsZero() && behavior.Memory > limit.Value():
		return s.StartedAt.Add(time.Second), killed, "OOMKilled"
	case behavior.RunFor == 0, behavior.Runs > 0 && int(s.Restarts) >= behavior.Runs:
		return time.Time{}, 0, ""
	}
	code = behavior.ExitCode
	if behavior.ExitReason == "OOMKilled" {
		code = killed
	}
	return s.StartedAt.Add(behavior.RunFor), code, behavior.ExitReason
}

// postStart runs the hook of a container that has just started, and reports whether it has succeeded.
func (m *machine) postStart(c *v1.Container, s *containerState, behavior Behavior, path string) bool {
	if c.Lifecycle == nil || c.Lifecycle.PostStart == nil {
		s.PostStartDone = true
		return true
	}
	if !m.reached(s.StartedAt.Add(behavior.PostStartFor)) {
		return false
	}
	s.PostStartDone = true
	if !behavior.FailPostStart {
		return true
	}
	m.warn(path, kubeletevents.FailedPostStartHook, "PostStartHook failed")
	m.kill(c, s, behavior, nil, path, kubeletevents.FailedPostStartHook)
	return true
}

// kill ends a container that the kubelet has given up. Such a container hangs, and is killed when its time to stop is
// over.
func (m *machine) kill(c *v1.Container, s *containerState, behavior Behavior, grace *int64, path, message string) {
	m.normal(path, kubeletevents.KillingContainer, "%s", message)
	limit := m.grace()
	if grace != nil {
		limit = time.Duration(*grace) * time.Second
	}
	stopping := behavior.StopFor
	if c.Lifecycle != nil && c.Lifecycle.PreStop != nil {
		stopping += behavior.PreStopFor
	}
	s.Killed, s.Ready = true, false
	s.Due = m.now.Add(min(stopping, limit))
	m.at(s.Due)
}

// exit ends a run of a container, and restarts it if the policy requires it.
func (m *machine) exit(c *v1.Container, s *containerState, code int32, reason, path string) {
	m.end(s, code, reason)
	if s.Changed { // whatever the policy says, and without back-off
		s.Last, s.Reason, s.CrashWait, s.Phase = terminated(s), "", 0, waiting
		return
	}
	rule, ok := podutil.FindMatchingContainerRestartRule(*c, code)
	if ok && rule.Action == v1.ContainerRestartRuleActionRestartAllContainers {
		m.restartAll()
		return
	}
	if !m.restarts(c, code) {
		return
	}
	ran := s.FinishedAt.Sub(s.StartedAt)
	s.Last, s.Reason = terminated(s), ""
	if ran >= forgetCrashes {
		s.CrashWait = 0
	}
	if s.CrashWait == 0 { // the first crash is forgiven
		s.CrashWait = firstBackoff
		s.Phase = waiting
		return
	}
	s.Phase, s.Due = backoff, m.now.Add(s.CrashWait)
	m.holdBack(c, s, path)
}

// holdBack records that a crashed container is not started yet, in the sync after the one that found it ended.
func (m *machine) holdBack(c *v1.Container, s *containerState, path string) {
	m.at(s.Due)
	if !m.reached(s.FinishedAt.Add(nextRound)) {
		return
	}
	m.warn(
		path, kubeletevents.BackOffStartContainer, "Back-off restarting failed container %s in pod %s", c.Name,
		m.fullName(),
	)
	s.Reason = reasonCrashed
	s.Message = fmt.Sprintf("back-off %s restarting failed container=%s pod=%s", s.CrashWait, c.Name, m.fullName())
	s.CrashWait = min(2*s.CrashWait, maxBackoff)
}

// restartAll restarts the whole pod, init containers first, as a restart rule of a container may require.
func (m *machine) restartAll() {
	for _, c := range m.all() {
		s := m.container(c.Name)
		if isEphemeral(m.pod, c) {
			continue
		}
		if s.Phase == running {
			m.end(s, killed, "RestartingAllContainers")
		}
		if s.Phase == exited {
			s.Last, s.Phase = terminated(s), waiting
		}
	}
	m.restartPod = true
	m.at(m.now)
}

// restarts reports whether the policies of the container and of the pod restart it after an exit.
func (m *machine) restarts(c *v1.Container, code int32) bool {
	if isEphemeral(m.pod, c) {
		return false
	}
	if isInit(m.pod, c) && !isSidecar(c) && code == 0 {
		return false
	}
	return podutil.ContainerShouldRestart(*c, m.pod.Spec, code)
}

// end ends a container.
func (m *machine) end(s *containerState, code int32, reason string) {
	switch {
	case reason != "":
	case code == 0:
		reason = "Completed"
	default:
		reason = "Error"
	}
	s.Phase, s.FinishedAt, s.ExitCode, s.ExitReason = exited, m.now, code, reason
	s.Ready, s.StartupProbePassed, s.Due = false, false, time.Time{}
}

func terminated(s *containerState) *v1.ContainerStateTerminated {
	return &v1.ContainerStateTerminated{
		ExitCode: s.ExitCode, Reason: s.ExitReason, Message: s.ExitMessage, ContainerID: s.ID,
		StartedAt: stored(s.StartedAt), FinishedAt: stored(s.FinishedAt),
	}
}
