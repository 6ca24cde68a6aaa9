package kubelet

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	kubeletevents "k8s.io/kubernetes/pkg/kubelet/events"
)

// Intervals and limits of the kubelet.
const (
	mountTime      = 300 * time.Millisecond // volumes, when there is nothing wrong
	sandboxTime    = 400 * time.Millisecond
	createTime     = 100 * time.Millisecond
	resync         = 12 * time.Second // interval of retries without back-off
	nextRound      = time.Second      // until the sync after the failure of a container
	firstBackoff   = 10 * time.Second
	maxBackoff     = 300 * time.Second
	forgetCrashes  = 2 * maxBackoff // a container that ran this long has no back-off
	firstMountWait = 500 * time.Millisecond
	maxMountWait   = 2*time.Minute + 2*time.Second
	minimumGrace   = 2 * time.Second  // after the signal, however little of the grace period is left
	housekeeping   = 10 * time.Second // how often it measures what containers use
)

// environment is what a machine reads beyond its pod.
type environment interface {
	configMap(namespace, name string) *v1.ConfigMap
	secret(namespace, name string) *v1.Secret
	trustBundle(name string) *certificatesv1.ClusterTrustBundle
	trustBundlesOf(signer string, matching labels.Selector) []*certificatesv1.ClusterTrustBundle
	claim(namespace, name string) *v1.PersistentVolumeClaim
	node(name string) *v1.Node
	admit(pod *v1.Pod) (reason, message string)
	behaviorOf(*v1.Pod, *v1.Container) Behavior
	holders(pod *v1.Pod, claim string) []string
	volume(name string) *v1.PersistentVolume
	hasImage(node, image string) bool
	keepImage(node, image string)
	nextIP(node string) string
	reach(namespace, host, port string) (answers, exists bool)
	serviceVariables(*v1.Pod) []v1.EnvVar
}

// podState is the state of a pod that its status does not hold.
type podState struct {
	Slot          int       // in the order in which pods begin
	Started       time.Time // when the kubelet first saw it
	Mounted       bool
	Detaching     bool // it was reported that a volume is still attached to another node
	MountWait     time.Duration
	NextMount     time.Time
	Sandboxed     time.Time // zero: no sandbox yet
	NextTry       time.Time // of the sandbox
	IP            string
	Containers    map[string]*containerState
	Secrets       bool          // missing pull secrets were reported
	Resize        string        // why a resize is not possible, if it is not
	Stopping      time.Time     // when the end of the pod began
	Grace         time.Duration // that it was given
	Failed        string        // reason, if the kubelet ended the pod
	Message       string
	Disrupted     string // message of the condition DisruptionTarget, if the kubelet set it
	NoGracePeriod bool   `json:"Hard"` // without a grace period
	Ended         bool   // all containers have ended for good
	Gone          bool   // and the pod may be deleted
}

// event is an event that the kubelet records.
type event struct {
	kind, reason, message string
	path                  string // of a container in the pod, or empty
	source                string // component; empty: the kubelet of the node
}

// sourceOn returns the source of an event of a pod on a node.
func (e event) sourceOn(node string) v1.EventSource {
	if e.source != "" {
		return v1.EventSource{Component: e.source}
	}
	return sourceOf(node)
}

// sourceOf returns the kubelet of a node as the source of events.
func sourceOf(node string) v1.EventSource { return v1.EventSource{Component: "kubelet", Host: node} }

func (e event) reference(pod *v1.Pod) *v1.ObjectReference {
	return &v1.ObjectReference{
		Kind: "Pod", APIVersion: "v1", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID,
		ResourceVersion: pod.ResourceVersion, FieldPath: e.path,
	}
}

// machine advances one pod by one step.
type machine struct {
	now    time.Time
	pod    *v1.Pod
	state  *podState
	env    environment
	events []event
	// the earliest moment at which something happens by itself
	due time.Time
	// a restart rule restarts the whole pod: no container advances in this step
	restartPod bool
	issue      func(*v1.ServiceAccountTokenProjection) string // a token; nil: none is issued
}

func (m *machine) normal(path, reason, format string, args ...any) {
	m.events = append(
		m.events, event{kind: v1.EventTypeNormal, reason: reason, message: fmt.Sprintf(format, args...), path: path},
	)
}

func (m *machine) warn(path, reason, format string, args ...any) {
	m.events = append(
		m.events, event{kind: v1.EventTypeWarning, reason: reason, message: fmt.Sprintf(format, args...), path: path},
	)
}

// at requests another step at a time.
func (m *machine) at(t time.Time) {
	if m.due.IsZero() || t.Before(m.due) {
		m.due = t
	}
}

// reached reports whether a time has come, and requests a step if it has not.
func (m *machine) reached(t time.Time) bool {
	if !m.now.Before(t) {
		return true
	}
	m.at(t)
	return false
}

// step does everything that is due, and returns when to step again; the zero time means never.
func (m *machine) step() time.Time {
	s := m.state
	if n := m.env.node(m.pod.Spec.NodeName); n != nil && stopped(n) {
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
	if m.pod.DeletionTimestamp == nil && s.Failed == "" {
		m.checkDeadline()
	}
	if m.pod.DeletionTimestamp != nil || s.Failed != "" || !s.Stopping.IsZero() {
		m.stop()
		return m.due
	}
	if m.mount() && m.sandbox() {
		m.runContainers()
		m.checkStorage()
	}
	return m.due
}

// slots is the number of staggered start offsets; pods take them round-robin.
const slots = 4

// jitter returns an offset between pods that begin at the same moment. Kubernetes breaks ties between pods of the same
// age, in seconds, by chance. The offset differs in nanoseconds too: addresses are assigned in that order.
func (m *machine) jitter() time.Duration {
	h := fnv.New32a()
	h.Write([]byte(m.pod.UID))
	return time.Duration(m.state.Slot)*1100*time.Millisecond + time.Duration(h.Sum32()%100_000_000)*time.Nanosecond
}

// admit rejects a pod that its node cannot run, which happens to pods that the scheduler did not place, or placed on
// outdated data.
func (m *machine) admit() {
	reason, message := m.env.admit(m.pod)
	if reason == "" {
		return
	}
	m.fail(reason, "Pod was rejected: "+message)
	m.warn("", reason, "%s", message)
}

// fail ends a pod with a reason of the kubelet.
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

// checkStorage evicts a pod that uses more of the node's disk than its limit.
func (m *machine) checkStorage() {
	for i := range m.pod.Spec.Containers {
		c := &m.pod.Spec.Containers[i]
		s := m.state.Containers[c.Name]
		used := m.env.behaviorOf(m.pod, c).Storage
		if used == 0 || s == nil || s.Phase != running {
			continue
		}
		message := m.storageExceeded(c, used)
		if message == "" || !m.reached(s.StartedAt.Add(housekeeping)) {
			continue
		}
		m.fail("Evicted", message)
		m.state.Disrupted, m.state.NoGracePeriod = message, true
		m.warn("", "Evicted", "%s", message)
		m.stop()
		return
	}
}

// storageExceeded returns the storage limit that a container exceeds, in the kubelet's words; empty if there is none.
func (m *machine) storageExceeded(c *v1.Container, used int64) string {
	for _, v := range m.pod.Spec.Volumes {
		if v.EmptyDir != nil && v.EmptyDir.SizeLimit != nil && used > v.EmptyDir.SizeLimit.Value() &&
			mounts(c, v.Name) {
			return fmt.Sprintf(
				"Usage of EmptyDir volume %q exceeds the limit %q. ", v.Name, v.EmptyDir.SizeLimit.String(),
			)
		}
	}
	if limit, ok := c.Resources.Limits[v1.ResourceEphemeralStorage]; ok && used > limit.Value() {
		return fmt.Sprintf("Container %s exceeded its local ephemeral storage limit %q. ", c.Name, limit.String())
	}
	return ""
}

func mounts(c *v1.Container, volume string) bool {
	for _, m := range c.VolumeMounts {
		if m.Name == volume {
			return true
		}
	}
	return false
}

// sandbox creates the pod's network namespace.
func (m *machine) sandbox() bool {
	s := m.state
	if !s.Sandboxed.IsZero() {
		return true
	}
	if !m.reached(s.NextTry) {
		return false
	}
	m.reportPullSecrets()
	for i := range m.pod.Spec.Containers {
		if problem := m.env.behaviorOf(m.pod, &m.pod.Spec.Containers[i]).SandboxError; problem != "" {
			m.warn("", kubeletevents.FailedCreatePodSandBox, "Failed to create pod sandbox: %s", problem)
			s.NextTry = m.now.Add(resync)
			m.at(s.NextTry)
			return false
		}
	}
	s.Sandboxed = m.now
	if m.pod.Spec.HostNetwork {
		s.IP = hostIP(m.env.node(m.pod.Spec.NodeName))
	} else {
		s.IP = m.env.nextIP(m.pod.Spec.NodeName)
	}
	return true
}

// reportPullSecrets records once which secrets for pulling images are missing; that alone does not prevent a pod from
// running.
func (m *machine) reportPullSecrets() {
	var missing []string
	for _, r := range m.pod.Spec.ImagePullSecrets {
		if r.Name != "" && m.env.secret(m.pod.Namespace, r.Name) == nil {
			missing = append(missing, r.Name)
		}
	}
	if len(missing) > 0 && !m.state.Secrets {
		m.state.Secrets = true
		m.warn(
			"", "FailedToRetrieveImagePullSecret",
			"Unable to retrieve some image pull secrets (%s); attempting to pull the image may not succeed.",
			strings.Join(missing, ", "),
		)
	}
}

// runContainers advances every container that may run. As the kubelet does, it pulls and creates one container of a pod
// after another.
func (m *machine) runContainers() {
	m.resize()
	if !m.runInit() {
		return
	}
	ended, busy := true, false
	for i := range m.pod.Spec.Containers {
		c := &m.pod.Spec.Containers[i]
		s := m.container(c.Name)
		if busy && s.Phase == waiting && s.Last == nil {
			ended = false
			continue
		}
		m.run(c, "spec.containers{"+c.Name+"}")
		if m.restartPod {
			return
		}
		busy = busy || s.occupies()
		ended = ended && s.Phase == exited
	}
	for i := range m.pod.Spec.EphemeralContainers {
		e := &m.pod.Spec.EphemeralContainers[i]
		m.run((*v1.Container)(&e.EphemeralContainerCommon), "spec.ephemeralContainers{"+e.Name+"}")
	}
	if ended {
		m.stop()
	}
}

// runInit reports whether all init containers are done; sidecars count when they have started.
func (m *machine) runInit() bool {
	for i := range m.pod.Spec.InitContainers {
		c := &m.pod.Spec.InitContainers[i]
		m.run(c, "spec.initContainers{"+c.Name+"}")
		s := m.container(c.Name)
		if isSidecar(c) {
			if s.Phase == running && s.StartupProbePassed || s.Restarts > 0 || s.Last != nil {
				continue
			}
			return false
		}
		if s.Phase != exited {
			return false
		}
		if s.ExitCode != 0 {
			m.stop() // its policy is against another try
			return false
		}
	}
	return true
}

// stop ends all containers inside the grace period: sidecars last, in reverse order.
func (m *machine) stop() {
	s := m.state
	switch grace := m.grace(); {
	case s.Stopping.IsZero():
		s.Stopping, s.Grace = m.now, grace
		m.signal()
	case grace < s.Grace: // deleted once more, in a greater hurry
		s.Grace = grace
		m.hurry()
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
		code := int32(0)
		switch {
		case cs.Killed:
			code = killed
		case m.env.behaviorOf(m.pod, c).RunFor > 0:
			code = interrupted
		}
		m.end(cs, code, "")
	}
	if !left {
		s.Ended = true
		s.Gone = m.pod.DeletionTimestamp != nil
	}
}

// signal ends the running containers: first their hooks run, then they receive the signal, sidecars after the
// containers that they serve.
func (m *machine) signal() {
	end, turn := m.now.Add(m.state.Grace), m.now
	for _, c := range m.all() {
		s := m.container(c.Name)
		if s.Phase != running {
			continue
		}
		path := m.path(c)
		m.normal(path, kubeletevents.KillingContainer, "Stopping container %s", c.Name)
		behavior := m.env.behaviorOf(m.pod, c)
		if m.state.Grace == 0 {
			s.StopBy, s.Killed = m.now, true
			continue
		}
		signalled := m.now
		if c.Lifecycle != nil && c.Lifecycle.PreStop != nil {
			signalled = earliest(m.now.Add(behavior.PreStopFor), end)
			if behavior.FailPreStop {
				m.warn(path, kubeletevents.FailedPreStopHook, "PreStopHook failed")
			}
		}
		if isSidecar(c) {
			signalled = latest(signalled, earliest(turn, end))
		}
		deadline := latest(end, signalled.Add(minimumGrace))
		s.StopBy = signalled.Add(behavior.StopFor)
		if s.StopBy.After(deadline) {
			s.StopBy, s.Killed = deadline, true
		}
		turn = latest(turn, s.StopBy)
	}
}

// hurry ends the containers that would take longer than a shortened grace period.
func (m *machine) hurry() {
	end := latest(m.now, m.state.Stopping.Add(max(m.state.Grace, minimumGrace)))
	for _, c := range m.all() {
		if s := m.container(c.Name); s.Phase == running && s.StopBy.After(end) {
			s.StopBy, s.Killed = end, true
		}
	}
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// grace returns the grace period of the pod.
func (m *machine) grace() time.Duration {
	if m.state.NoGracePeriod {
		return 0
	}
	for _, seconds := range []*int64{m.pod.DeletionGracePeriodSeconds, m.pod.Spec.TerminationGracePeriodSeconds} {
		if seconds != nil {
			return time.Duration(*seconds) * time.Second
		}
	}
	return 30 * time.Second
}

// all returns the containers in the order in which they are stopped.
func (m *machine) all() []*v1.Container {
	var all []*v1.Container
	for i := range m.pod.Spec.Containers {
		all = append(all, &m.pod.Spec.Containers[i])
	}
	for i := range m.pod.Spec.EphemeralContainers {
		all = append(all, (*v1.Container)(&m.pod.Spec.EphemeralContainers[i].EphemeralContainerCommon))
	}
	for i := len(m.pod.Spec.InitContainers) - 1; i >= 0; i-- {
		all = append(all, &m.pod.Spec.InitContainers[i])
	}
	return all
}

// path returns the name of a container in events.
func (m *machine) path(c *v1.Container) string {
	switch {
	case isInit(m.pod, c):
		return "spec.initContainers{" + c.Name + "}"
	case isEphemeral(m.pod, c):
		return "spec.ephemeralContainers{" + c.Name + "}"
	}
	return "spec.containers{" + c.Name + "}"
}
