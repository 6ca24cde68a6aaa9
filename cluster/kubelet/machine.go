package kubelet

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/distribution/reference"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/resource"
)

// Intervals and limits of the kubelet.
const (
	mountTime      = 300 * time.Millisecond // volumes, when there is nothing wrong
	sandboxTime    = 400 * time.Millisecond
	createTime     = 100 * time.Millisecond
	resync         = 12 * time.Second // how often it tries again what has no back-off
	firstBackoff   = 10 * time.Second
	maxBackoff     = 300 * time.Second
	forgetCrashes  = 2 * maxBackoff // a container that ran this long begins anew
	firstMountWait = 500 * time.Millisecond
	maxMountWait   = 2*time.Minute + 2*time.Second
)

// world is what a machine sees beyond its pod.
type world interface {
	configMap(namespace, name string) *v1.ConfigMap
	secret(namespace, name string) *v1.Secret
	claim(namespace, name string) *v1.PersistentVolumeClaim
	node(name string) *v1.Node
	scriptOf(*v1.Pod, *v1.Container) Script
	hasImage(node, image string) bool
	keepImage(node, image string)
	nextIP(node string) string
	nextSlot() int
}

// podState is what has to be remembered of a pod beyond its status.
type podState struct {
	Started    time.Time // when the kubelet first saw it
	Mounted    bool
	MountWait  time.Duration
	NextMount  time.Time
	Sandboxed  time.Time // zero: no sandbox yet
	NextTry    time.Time // of the sandbox
	IP         string
	Containers map[string]*containerState
	Stopping   time.Time // when the pod was told to end
	Failed     string    // reason, if the kubelet ended the pod
	Message    string
	Ended      bool // all containers have ended for good
	Gone       bool // and the pod may be deleted
}

// phase is where a container is in its life.
type phase int

const (
	waiting  phase = iota + 1
	pulling        // until Due
	backoff        // of a pull or of a crash, until Due
	creating       // until Due
	running        // until Due, if that is set
	exited         // for good
)

// containerState is what has to be remembered of a container.
type containerState struct {
	Phase           phase
	Due             time.Time
	Reason, Message string // while it waits
	PullBegan       time.Time
	PullFailures    int
	CrashWait       time.Duration
	Restarts        int32
	StartedAt       time.Time
	FinishedAt      time.Time
	ExitCode        int32
	ExitReason      string
	Passed          bool // its startup probe, or it has none
	Ready           bool
	Reported        time.Time // when what is wrong was last reported
	Last            *v1.ContainerStateTerminated
	ID              string
	Killed          bool      // a probe has ended it
	StopBy          time.Time // when it has ended after the signal
}

// event is one that the kubelet reports.
type event struct {
	kind, reason, message string
	path                  string // of a container in the pod, or empty
}

func (e event) reference(pod *v1.Pod) *v1.ObjectReference {
	return &v1.ObjectReference{
		Kind: "Pod", APIVersion: "v1", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID,
		ResourceVersion: pod.ResourceVersion, FieldPath: e.path,
	}
}

// machine takes one pod one step further.
type machine struct {
	now    time.Time
	pod    *v1.Pod
	state  *podState
	world  world
	events []event
	due    time.Time // the earliest moment at which something happens by itself
}

func (m *machine) normal(path, reason, format string, args ...any) {
	m.events = append(m.events, event{v1.EventTypeNormal, reason, fmt.Sprintf(format, args...), path})
}

func (m *machine) warn(path, reason, format string, args ...any) {
	m.events = append(m.events, event{v1.EventTypeWarning, reason, fmt.Sprintf(format, args...), path})
}

// at asks for another step at a moment.
func (m *machine) at(t time.Time) {
	if m.due.IsZero() || t.Before(m.due) {
		m.due = t
	}
}

// reached tells whether a moment has come, and asks for a step if it has not.
func (m *machine) reached(t time.Time) bool {
	if !m.now.Before(t) {
		return true
	}
	m.at(t)
	return false
}

// step does all that is due, and tells when to step again; never, if that is the zero time.
func (m *machine) step() time.Time {
	s := m.state
	if n := m.world.node(m.pod.Spec.NodeName); n != nil && n.Annotations[AnnotationStopped] == "true" {
		return time.Time{}
	}
	if s.Started.IsZero() {
		s.Started = m.now
		s.NextMount = m.now.Add(mountTime + m.jitter())
		m.admit()
	}
	if s.Ended {
		s.Gone = m.pod.DeletionTimestamp != nil
		return time.Time{}
	}
	if m.pod.DeletionTimestamp != nil || s.Failed != "" {
		m.stop()
		return m.due
	}
	m.checkDeadline()
	if s.Failed != "" {
		m.stop()
		return m.due
	}
	if m.mount() && m.sandbox() {
		m.runContainers()
	}
	return m.due
}

// slots is how many pods begin one after another before the next begins at once again.
const slots = 4

// jitter keeps pods apart that came at the same moment. Kubernetes breaks ties between pods that
// are equally old, to the second, by chance.
func (m *machine) jitter() time.Duration {
	h := fnv.New32a()
	h.Write([]byte(m.pod.UID))
	return time.Duration(m.world.nextSlot())*1100*time.Millisecond + time.Duration(h.Sum32()%100)*time.Millisecond
}

// admit refuses a pod that does not fit on its node, which only pods bound by hand do not.
func (m *machine) admit() {
	n := m.world.node(m.pod.Spec.NodeName)
	if n == nil {
		return
	}
	requests := resource.PodRequests(m.pod, resource.PodResourcesOptions{})
	for _, name := range []v1.ResourceName{v1.ResourceCPU, v1.ResourceMemory, v1.ResourceEphemeralStorage} {
		want, have := requests[name], n.Status.Allocatable[name]
		if want.IsZero() || want.Cmp(have) <= 0 {
			continue
		}
		amount := func(v int64, milli int64) int64 {
			if name == v1.ResourceCPU {
				return milli
			}
			return v
		}
		m.fail("OutOf"+string(name), fmt.Sprintf("Pod was rejected: Node didn't have enough resource: %s, requested: %d, used: %d, capacity: %d",
			name, amount(want.Value(), want.MilliValue()), 0, amount(have.Value(), have.MilliValue())))
		m.warn("", "OutOf"+string(name), "%s", strings.TrimPrefix(m.state.Message, "Pod was rejected: "))
		return
	}
}

// fail ends a pod for a reason of the kubelet's.
func (m *machine) fail(reason, message string) {
	m.state.Failed, m.state.Message = reason, message
}

// checkDeadline ends a pod that has been active for too long.
func (m *machine) checkDeadline() {
	limit := m.pod.Spec.ActiveDeadlineSeconds
	if limit == nil || !m.reached(m.state.Started.Add(time.Duration(*limit)*time.Second)) {
		return
	}
	m.fail("DeadlineExceeded", "Pod was active on the node longer than the specified deadline")
	m.normal("", "DeadlineExceeded", "%s", m.state.Message)
}

// mount waits for the volumes.
func (m *machine) mount() bool {
	s := m.state
	if s.Mounted {
		return true
	}
	if s.MountWait == 0 && !m.reached(s.NextMount) {
		return false
	}
	volume, problem := m.missingVolume()
	if problem == "" {
		s.Mounted = true
		s.NextTry = m.now.Add(sandboxTime)
		return true
	}
	if m.reached(s.NextMount) {
		m.warn("", "FailedMount", "MountVolume.SetUp failed for volume %q : %s", volume, problem)
		s.MountWait = min(max(2*s.MountWait, firstMountWait), maxMountWait)
		s.NextMount = m.now.Add(s.MountWait)
		m.at(s.NextMount)
	}
	return false
}

// missingVolume names the first volume that cannot be mounted, and says why.
func (m *machine) missingVolume() (name, problem string) {
	for _, v := range m.pod.Spec.Volumes {
		switch {
		case v.ConfigMap != nil && !isTrue(v.ConfigMap.Optional):
			problem = m.missingKeys("configmap", v.ConfigMap.Name, v.ConfigMap.Items)
		case v.Secret != nil && !isTrue(v.Secret.Optional):
			problem = m.missingKeys("secret", v.Secret.SecretName, v.Secret.Items)
		case v.PersistentVolumeClaim != nil:
			problem = m.missingClaim(v.PersistentVolumeClaim.ClaimName)
		case v.Projected != nil:
			problem = m.missingSource(v.Projected.Sources)
		}
		if problem != "" {
			return v.Name, problem
		}
	}
	return "", ""
}

func (m *machine) missingKeys(kind, name string, items []v1.KeyToPath) string {
	keys, ok := m.keys(kind, name)
	if !ok {
		return fmt.Sprintf("%s %q not found", kind, name)
	}
	for _, i := range items {
		if !keys(i.Key) {
			return fmt.Sprintf("references non-existent %s key: %s", map[string]string{"configmap": "config", "secret": "secret"}[kind], i.Key)
		}
	}
	return ""
}

// keys gives a lookup of the keys of a ConfigMap or Secret.
func (m *machine) keys(kind, name string) (func(string) bool, bool) {
	if kind == "configmap" {
		c := m.world.configMap(m.pod.Namespace, name)
		return func(key string) bool { _, a := c.Data[key]; _, b := c.BinaryData[key]; return a || b }, c != nil
	}
	s := m.world.secret(m.pod.Namespace, name)
	return func(key string) bool { _, ok := s.Data[key]; return ok }, s != nil
}

func (m *machine) missingClaim(name string) string {
	c := m.world.claim(m.pod.Namespace, name)
	switch {
	case c == nil:
		return fmt.Sprintf("persistentvolumeclaim %q not found", name)
	case c.Status.Phase != v1.ClaimBound:
		return fmt.Sprintf("PVC %s/%s is not bound", m.pod.Namespace, name)
	}
	return ""
}

// rootCA is published in every namespace a moment after it is made; no pod has to wait for it here.
const rootCA = "kube-root-ca.crt"

func (m *machine) missingSource(sources []v1.VolumeProjection) string {
	for _, p := range sources {
		problem := ""
		switch {
		case p.ConfigMap != nil && !isTrue(p.ConfigMap.Optional) && p.ConfigMap.Name != rootCA:
			problem = m.missingKeys("configmap", p.ConfigMap.Name, p.ConfigMap.Items)
		case p.Secret != nil && !isTrue(p.Secret.Optional):
			problem = m.missingKeys("secret", p.Secret.Name, p.Secret.Items)
		}
		if problem != "" {
			return problem
		}
	}
	return ""
}

func isTrue(b *bool) bool { return b != nil && *b }

// sandbox makes the pod's network namespace.
func (m *machine) sandbox() bool {
	s := m.state
	if !s.Sandboxed.IsZero() {
		return true
	}
	if !m.reached(s.NextTry) {
		return false
	}
	for i := range m.pod.Spec.Containers {
		if problem := m.world.scriptOf(m.pod, &m.pod.Spec.Containers[i]).SandboxError; problem != "" {
			m.warn("", "FailedCreatePodSandBox", "Failed to create pod sandbox: %s", problem)
			s.NextTry = m.now.Add(resync)
			m.at(s.NextTry)
			return false
		}
	}
	s.Sandboxed = m.now
	if m.pod.Spec.HostNetwork {
		s.IP = hostIP(m.world.node(m.pod.Spec.NodeName))
	} else {
		s.IP = m.world.nextIP(m.pod.Spec.NodeName)
	}
	return true
}

// runContainers takes every container that may run one step further.
func (m *machine) runContainers() {
	if !m.runInit() {
		return
	}
	ended := true
	for i := range m.pod.Spec.Containers {
		c := &m.pod.Spec.Containers[i]
		m.run(c, fmt.Sprintf("spec.containers{%s}", c.Name))
		ended = ended && m.container(c.Name).Phase == exited
	}
	if ended {
		m.stopSidecars()
	}
}

// runInit tells whether all init containers are done; sidecars count when they have started.
func (m *machine) runInit() bool {
	for i := range m.pod.Spec.InitContainers {
		c := &m.pod.Spec.InitContainers[i]
		m.run(c, fmt.Sprintf("spec.initContainers{%s}", c.Name))
		s := m.container(c.Name)
		if isSidecar(c) {
			if s.Phase == running && s.Passed || s.Restarts > 0 {
				continue
			}
			return false
		}
		if s.Phase != exited {
			return false
		}
		if s.ExitCode != 0 {
			m.state.Ended = true // restartPolicy Never, or it would have been restarted
			return false
		}
	}
	return true
}

// stopSidecars ends the pod when its containers have ended.
func (m *machine) stopSidecars() {
	for i := len(m.pod.Spec.InitContainers) - 1; i >= 0; i-- {
		c := &m.pod.Spec.InitContainers[i]
		if s := m.container(c.Name); isSidecar(c) && s.Phase != exited {
			m.end(c, s, 0, "")
		}
	}
	m.state.Ended = true
}

func (m *machine) container(name string) *containerState {
	s := m.state.Containers[name]
	if s == nil {
		s = &containerState{Phase: waiting, Reason: "ContainerCreating"}
		m.state.Containers[name] = s
	}
	return s
}

// run takes a container as far as it gets now.
func (m *machine) run(c *v1.Container, path string) {
	s := m.container(c.Name)
	script := m.world.scriptOf(m.pod, c)
	for {
		before := s.Phase
		switch s.Phase {
		case waiting:
			m.beginImage(c, s, script, path)
		case pulling:
			if m.reached(s.Due) {
				m.endPull(c, s, script, path)
			}
		case backoff:
			if m.reached(s.Due) {
				s.Phase = waiting
			}
		case creating:
			m.create(c, s, script, path)
		case running:
			m.watch(c, s, script, path)
		}
		if s.Phase == before {
			return
		}
	}
}

// beginImage finds the image on the node, or begins to pull it.
func (m *machine) beginImage(c *v1.Container, s *containerState, script Script, path string) {
	if _, err := reference.ParseNormalizedNamed(c.Image); err != nil {
		message := fmt.Sprintf("Failed to apply default image tag %q: couldn't parse image name %q: %v", c.Image, c.Image, err)
		if s.Reason != "InvalidImageName" {
			m.warn(path, "InspectFailed", "%s", message)
			m.warn(path, "Failed", "Error: InvalidImageName")
		}
		m.retry(s, "InvalidImageName", message)
		return
	}
	present := m.world.hasImage(m.pod.Spec.NodeName, c.Image)
	switch {
	case c.ImagePullPolicy == v1.PullNever && !present:
		message := fmt.Sprintf("Container image %q is not present with pull policy of Never", c.Image)
		if s.Reason != "ErrImageNeverPull" {
			m.warn(path, "ErrImageNeverPull", "%s", message)
			m.warn(path, "Failed", "Error: ErrImageNeverPull")
		}
		m.retry(s, "ErrImageNeverPull", message)
	case present && c.ImagePullPolicy != v1.PullAlways:
		m.normal(path, "Pulled", "Container image %q already present on machine and can be accessed by the pod", c.Image)
		m.beginCreate(s)
	default:
		m.normal(path, "Pulling", "Pulling image %q", c.Image)
		s.Phase, s.PullBegan = pulling, m.now
		s.Due = m.now.Add(script.PullFor)
		if present {
			s.Due = m.now.Add(min(script.PullFor, 500*time.Millisecond)) // only its digest is asked for
		}
	}
}

// retry waits for the next round of the kubelet.
func (m *machine) retry(s *containerState, reason, message string) {
	s.Reason, s.Message = reason, message
	s.Phase, s.Due = backoff, m.now.Add(resync)
	m.at(s.Due)
}

func (m *machine) endPull(c *v1.Container, s *containerState, script Script, path string) {
	if script.PullError == "" {
		took := m.now.Sub(s.PullBegan).Truncate(time.Millisecond)
		m.normal(path, "Pulled", "Successfully pulled image %q in %v (%v including waiting). Image size: %d bytes.", c.Image, took, took, script.ImageSize)
		m.world.keepImage(m.pod.Spec.NodeName, c.Image)
		s.PullFailures = 0
		m.beginCreate(s)
		return
	}
	if s.Reason != "ErrImagePull" {
		message := fmt.Sprintf("failed to pull image %q: %s", c.Image, script.PullError)
		m.warn(path, "Failed", "Failed to pull image %q: %s", c.Image, script.PullError)
		m.warn(path, "Failed", "Error: ErrImagePull")
		s.Reason, s.Message = "ErrImagePull", message
		s.Due = m.now.Add(time.Second) // until the next round, which finds it in back-off
		m.at(s.Due)
		return
	}
	m.normal(path, "BackOff", "Back-off pulling image %q", c.Image)
	m.warn(path, "Failed", "Error: ImagePullBackOff")
	s.Message = fmt.Sprintf("Back-off pulling image %q: ErrImagePull: %s", c.Image, s.Message)
	s.Reason = "ImagePullBackOff"
	s.Phase, s.Due = backoff, m.now.Add(min(firstBackoff<<s.PullFailures, maxBackoff))
	if firstBackoff<<s.PullFailures < maxBackoff {
		s.PullFailures++
	}
	m.at(s.Due)
}

func (m *machine) beginCreate(s *containerState) {
	s.Phase, s.Due = creating, m.now.Add(createTime)
}

func (m *machine) create(c *v1.Container, s *containerState, script Script, path string) {
	if !m.reached(s.Due) {
		return
	}
	if problem := m.missingConfig(c); problem != "" {
		if s.Reason != "CreateContainerConfigError" || m.reached(s.Reported.Add(resync)) {
			m.warn(path, "Failed", "Error: %s", problem)
			s.Reported = m.now
		}
		s.Reason, s.Message = "CreateContainerConfigError", problem
		m.at(s.Reported.Add(resync))
		return
	}
	m.normal(path, "Created", "Container created")
	m.normal(path, "Started", "Container started")
	*s = containerState{
		Phase: running, StartedAt: m.now, Restarts: s.Restarts, Last: s.Last, CrashWait: s.CrashWait,
		ID: m.id(c.Name, s.Restarts),
	}
	if script.RunFor > 0 {
		s.Due = m.now.Add(script.RunFor)
	}
	if m.portTaken(c) {
		s.Due = m.now.Add(time.Second)
	}
}

// id is the name of a container in the runtime.
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

// missingConfig says what the environment of a container refers to in vain.
func (m *machine) missingConfig(c *v1.Container) string {
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
	return ""
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

// portTaken tells whether an earlier container of the pod listens on a port of this one: they
// share one network namespace.
func (m *machine) portTaken(c *v1.Container) bool {
	for i := range m.pod.Spec.Containers {
		other := &m.pod.Spec.Containers[i]
		if other.Name == c.Name {
			return false
		}
		for _, theirs := range other.Ports {
			for _, ours := range c.Ports {
				if ours.ContainerPort == theirs.ContainerPort && ours.Protocol == theirs.Protocol {
					return true
				}
			}
		}
	}
	return false
}

// watch looks after a running container: its probes, and its end.
func (m *machine) watch(c *v1.Container, s *containerState, script Script, path string) {
	if !s.Due.IsZero() && m.reached(s.Due) {
		code, reason := script.ExitCode, script.ExitReason
		switch {
		case s.Killed:
			code, reason = 137, ""
		case m.portTaken(c):
			code, reason = 1, ""
		}
		m.exit(c, s, code, reason, path)
		return
	}
	m.probe(c, s, script, path)
}

// probe lets the probes decide over readiness and life.
func (m *machine) probe(c *v1.Container, s *containerState, script Script, path string) {
	if p := c.StartupProbe; p != nil && !s.Passed {
		if script.FailStartup {
			m.failLife(c, s, p, "Startup", path)
			return
		}
		if !m.reached(s.StartedAt.Add(delay(p) + time.Second)) {
			return
		}
	}
	s.Passed = true
	if p := c.LivenessProbe; p != nil && script.FailLiveness {
		m.failLife(c, s, p, "Liveness", path)
	}
	p := c.ReadinessProbe
	switch {
	case p == nil:
		s.Ready = true
	case script.FailReadiness:
		m.unhealthy(s, p, "Readiness", path)
	default:
		s.Ready = m.reached(s.StartedAt.Add(delay(p) + time.Second))
	}
}

// delay is when a probe first finds what it is looking for.
func delay(p *v1.Probe) time.Duration {
	return time.Duration(p.InitialDelaySeconds)*time.Second +
		time.Duration(max(p.SuccessThreshold, 1)-1)*time.Duration(max(p.PeriodSeconds, 1))*time.Second
}

// unhealthy reports a failing probe once a period, and tells how often it has failed.
func (m *machine) unhealthy(s *containerState, p *v1.Probe, kind, path string) int {
	period := time.Duration(max(p.PeriodSeconds, 1)) * time.Second
	first := s.StartedAt.Add(time.Duration(p.InitialDelaySeconds)*time.Second + period)
	if !m.reached(first) {
		return 0
	}
	count := int(m.now.Sub(first)/period) + 1
	latest := first.Add(time.Duration(count-1) * period)
	if s.Reported.Before(latest) {
		m.warn(path, "Unhealthy", "%s probe failed: %s", kind, probeOutput(p))
		s.Reported = latest
	}
	m.at(latest.Add(period))
	return count
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
func (m *machine) failLife(c *v1.Container, s *containerState, p *v1.Probe, kind, path string) {
	if m.unhealthy(s, p, kind, path) < int(max(p.FailureThreshold, 1)) || s.Killed {
		return
	}
	m.normal(path, "Killing", "Container %s failed %s probe, will be restarted", c.Name, strings.ToLower(kind))
	s.Killed = true
	s.Due = m.now.Add(time.Second)
	m.at(s.Due)
}

// exit ends a run of a container, and restarts it if the policy says so.
func (m *machine) exit(c *v1.Container, s *containerState, code int32, reason, path string) {
	m.end(c, s, code, reason)
	if !m.restarts(c, code) {
		return
	}
	s.Last = terminated(s)
	if s.FinishedAt.Sub(s.StartedAt) >= forgetCrashes {
		s.CrashWait = 0
	}
	s.Restarts++
	if s.CrashWait == 0 { // the first crash is forgiven
		s.CrashWait = firstBackoff
		s.Phase = waiting
		return
	}
	pod := fmt.Sprintf("%s_%s(%s)", m.pod.Name, m.pod.Namespace, m.pod.UID)
	m.warn(path, "BackOff", "Back-off restarting failed container %s in pod %s", c.Name, pod)
	s.Reason = "CrashLoopBackOff"
	s.Message = fmt.Sprintf("back-off %s restarting failed container=%s pod=%s", s.CrashWait, c.Name, pod)
	s.Phase, s.Due = backoff, m.now.Add(s.CrashWait)
	s.CrashWait = min(2*s.CrashWait, maxBackoff)
	m.at(s.Due)
}

// restarts tells what the policy says to an exit.
func (m *machine) restarts(c *v1.Container, code int32) bool {
	policy := m.pod.Spec.RestartPolicy
	if isInit(m.pod, c) && !isSidecar(c) && policy == v1.RestartPolicyAlways {
		policy = v1.RestartPolicyOnFailure
	}
	if c.RestartPolicy != nil {
		policy = v1.RestartPolicy(*c.RestartPolicy)
	}
	return policy == v1.RestartPolicyAlways || policy == v1.RestartPolicyOnFailure && code != 0
}

// end ends a container for good.
func (m *machine) end(c *v1.Container, s *containerState, code int32, reason string) {
	switch {
	case reason != "":
	case code == 0:
		reason = "Completed"
	default:
		reason = "Error"
	}
	s.Phase, s.FinishedAt, s.ExitCode, s.ExitReason = exited, m.now, code, reason
	s.Ready, s.Passed, s.Due = false, false, time.Time{}
}

func terminated(s *containerState) *v1.ContainerStateTerminated {
	return &v1.ContainerStateTerminated{
		ExitCode: s.ExitCode, Reason: s.ExitReason, ContainerID: s.ID,
		StartedAt: metav1.NewTime(s.StartedAt), FinishedAt: metav1.NewTime(s.FinishedAt),
	}
}

// stop ends all containers inside the grace period: sidecars last, in reverse order.
func (m *machine) stop() {
	s := m.state
	if s.Stopping.IsZero() {
		s.Stopping = m.now
		m.signal()
	}
	left := false
	for _, c := range m.all() {
		cs := m.container(c.Name)
		if cs.Phase != running {
			continue
		}
		if !m.reached(cs.StopBy) {
			left = true
			continue
		}
		code, reason := int32(0), ""
		if m.world.scriptOf(m.pod, c).StopFor > m.grace() {
			code = 137
		}
		m.end(c, cs, code, reason)
	}
	if !left {
		s.Ended = true
		s.Gone = m.pod.DeletionTimestamp != nil
	}
}

// signal tells the running containers to end.
func (m *machine) signal() {
	at := m.now
	for _, c := range m.all() {
		s := m.container(c.Name)
		if s.Phase != running {
			continue
		}
		path := "spec.containers{" + c.Name + "}"
		if isInit(m.pod, c) {
			path = "spec.initContainers{" + c.Name + "}"
		}
		m.normal(path, "Killing", "Stopping container %s", c.Name)
		s.StopBy = m.now.Add(min(m.world.scriptOf(m.pod, c).StopFor, m.grace()))
		if isSidecar(c) && s.StopBy.Before(at) {
			s.StopBy = at
		}
		if s.StopBy.After(at) {
			at = s.StopBy
		}
	}
}

// grace is how long containers may take to end.
func (m *machine) grace() time.Duration {
	for _, seconds := range []*int64{m.pod.DeletionGracePeriodSeconds, m.pod.Spec.TerminationGracePeriodSeconds} {
		if seconds != nil {
			return time.Duration(*seconds) * time.Second
		}
	}
	return 30 * time.Second
}

// all gives the containers in the order in which they are stopped.
func (m *machine) all() []*v1.Container {
	var all []*v1.Container
	for i := range m.pod.Spec.Containers {
		all = append(all, &m.pod.Spec.Containers[i])
	}
	for i := len(m.pod.Spec.InitContainers) - 1; i >= 0; i-- {
		all = append(all, &m.pod.Spec.InitContainers[i])
	}
	return all
}
