package kubelet

import (
	"fmt"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// place is a world of maps.
type place struct {
	configMaps map[string]*v1.ConfigMap
	secrets    map[string]*v1.Secret
	images     map[string]bool
	scripts    map[string]Script // by container; others have the default one
}

func (p *place) configMap(_, name string) *v1.ConfigMap { return p.configMaps[name] }
func (p *place) secret(_, name string) *v1.Secret       { return p.secrets[name] }
func (p *place) claim(_, _ string) *v1.PersistentVolumeClaim {
	return nil
}
func (p *place) node(name string) *v1.Node {
	offers := v1.ResourceList{v1.ResourceCPU: resource.MustParse("4"), v1.ResourceMemory: resource.MustParse("8Gi")}
	return &v1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Status:     v1.NodeStatus{Allocatable: offers, Addresses: []v1.NodeAddress{{Type: v1.NodeInternalIP, Address: "172.18.0.3"}}},
	}
}
func (p *place) scriptOf(pod *v1.Pod, c *v1.Container) Script {
	if s, ok := p.scripts[c.Name]; ok {
		return s
	}
	return DefaultScript(pod, c)
}
func (p *place) hasImage(_, image string) bool { return p.images[image] }
func (p *place) keepImage(_, image string)     { p.images[image] = true }
func (p *place) nextIP(string) string          { return "10.244.1.2" }
func (p *place) nextSlot() int                 { return 0 }

// life runs a pod for a while, jumping from one moment at which something is due to the next.
type life struct {
	*place
	pod   *v1.Pod
	state *podState
	began time.Time
	now   time.Time
	log   []string // "SECONDS REASON MESSAGE"
}

func begin(pod *v1.Pod) *life {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	pod.Name, pod.Namespace, pod.UID, pod.Spec.NodeName = "web", "default", "uid", "demo-worker"
	if pod.Spec.RestartPolicy == "" {
		pod.Spec.RestartPolicy = v1.RestartPolicyAlways
	}
	return &life{
		place: &place{configMaps: map[string]*v1.ConfigMap{}, secrets: map[string]*v1.Secret{}, images: map[string]bool{}, scripts: map[string]Script{}},
		pod:   pod, state: &podState{Containers: map[string]*containerState{}}, began: now, now: now,
	}
}

func (l *life) run(d time.Duration) *life {
	for end := l.now.Add(d); ; {
		m := &machine{now: l.now, pod: l.pod, state: l.state, world: l.place}
		due := m.step()
		l.pod.Status = m.status()
		for _, e := range m.events {
			l.log = append(l.log, fmt.Sprintf("%d %s %s", int(l.now.Sub(l.began).Seconds()), e.reason, e.message))
		}
		if due.IsZero() || due.After(end) {
			l.now = end
			return l
		}
		l.now = due
	}
}

// seconds gives the moments at which an event with a reason came.
func (l *life) seconds(reason string) string {
	var at []string
	for _, line := range l.log {
		if words := strings.Fields(line); words[1] == reason {
			at = append(at, words[0])
		}
	}
	return strings.Join(at, " ")
}

// summary is what get pods would show, more or less.
func (l *life) summary() string {
	text := string(l.pod.Status.Phase)
	if l.pod.Status.Reason != "" {
		text += " " + l.pod.Status.Reason
	}
	for _, s := range append(l.pod.Status.InitContainerStatuses, l.pod.Status.ContainerStatuses...) {
		text += fmt.Sprintf(" %s=", s.Name)
		switch {
		case s.State.Running != nil && s.Ready:
			text += "Ready"
		case s.State.Running != nil:
			text += "Running"
		case s.State.Terminated != nil:
			text += fmt.Sprintf("%s(%d)", s.State.Terminated.Reason, s.State.Terminated.ExitCode)
		case s.State.Waiting != nil:
			text += s.State.Waiting.Reason
		}
		if s.RestartCount > 0 {
			text += fmt.Sprintf("x%d", s.RestartCount)
		}
	}
	return text
}

func (l *life) expect(t *testing.T, want string) {
	t.Helper()
	if got := l.summary(); got != want {
		t.Errorf("after %v the pod is %q, want %q\n%s", l.now.Sub(l.began), got, want, strings.Join(l.log, "\n"))
	}
}

func (l *life) expectEvent(t *testing.T, reason, text string) {
	t.Helper()
	for _, line := range l.log {
		if words := strings.SplitN(line, " ", 3); words[1] == reason && strings.Contains(words[2], text) {
			return
		}
	}
	t.Errorf("no event %s with %q in\n%s", reason, text, strings.Join(l.log, "\n"))
}

func one(name string) v1.Container { return v1.Container{Name: name, Image: name + ":1"} }

func pod(containers ...v1.Container) *v1.Pod {
	return &v1.Pod{Spec: v1.PodSpec{Containers: containers}}
}

func TestContainerIsPulledCreatedAndStarted(t *testing.T) {
	l := begin(pod(one("a")))
	l.run(time.Second)
	l.expect(t, "Pending a=ContainerCreating")
	l.run(10 * time.Second)
	l.expect(t, "Running a=Ready")
	var reasons []string
	for _, line := range l.log {
		reasons = append(reasons, strings.Fields(line)[1])
	}
	if got := strings.Join(reasons, " "); got != "Pulling Pulled Created Started" {
		t.Errorf("events %s", got)
	}
}

func TestCrashingContainerBacksOff(t *testing.T) {
	l := begin(pod(one("a")))
	l.scripts["a"] = Script{RunFor: time.Second, ExitCode: 1}
	l.images["a:1"] = true
	l.run(30 * time.Minute)
	// The first restart is at once; then 10 s doubling to 300 s, and a second of life each.
	if got, want := l.seconds("BackOff"), "2 14 35 76 157 318 619 920 1221 1522"; got != want {
		t.Errorf("backed off at %s, want %s", got, want)
	}
	l.expect(t, "Running a=CrashLoopBackOffx"+fmt.Sprint(l.pod.Status.ContainerStatuses[0].RestartCount))
	l.expectEvent(t, "BackOff", "Back-off restarting failed container a in pod web_default(uid)")
	if m := l.pod.Status.ContainerStatuses[0].State.Waiting.Message; m != "back-off 5m0s restarting failed container=a pod=web_default(uid)" {
		t.Errorf("message %q", m)
	}
	if last := l.pod.Status.ContainerStatuses[0].LastTerminationState.Terminated; last == nil || last.ExitCode != 1 || last.Reason != "Error" {
		t.Errorf("last state %+v", last)
	}
}

func TestMissingImageBacksOffUpToFiveMinutes(t *testing.T) {
	c := one("a")
	c.Image = "a:does-not-exist"
	l := begin(pod(c)).run(4 * time.Second)
	l.expect(t, "Pending a=ImagePullBackOff")
	l.run(30 * time.Minute)
	l.expectEvent(t, "Failed", `Failed to pull image "a:does-not-exist": rpc error: code = NotFound`)
	l.expectEvent(t, "BackOff", `Back-off pulling image "a:does-not-exist"`)
	var last, gap int
	for _, at := range strings.Fields(l.seconds("Pulling")) {
		var now int
		fmt.Sscan(at, &now)
		last, gap = now, now-last
	}
	if gap < 300 || gap > 310 {
		t.Errorf("the last pulls are %d s apart", gap)
	}
}

func TestImageProblemsHaveTheirOwnReasons(t *testing.T) {
	for image, want := range map[string]string{"a:b:c": "InvalidImageName", "a:1": "ErrImageNeverPull"} {
		c := one("a")
		c.Image, c.ImagePullPolicy = image, v1.PullNever
		begin(pod(c)).run(5*time.Second).expect(t, "Pending a="+want)
	}
}

func TestConfigMapThatComesLateLetsTheContainerStart(t *testing.T) {
	c := one("a")
	c.EnvFrom = []v1.EnvFromSource{{ConfigMapRef: &v1.ConfigMapEnvSource{LocalObjectReference: v1.LocalObjectReference{Name: "settings"}}}}
	l := begin(pod(c)).run(10 * time.Second)
	l.expect(t, "Pending a=CreateContainerConfigError")
	l.expectEvent(t, "Failed", `Error: configmap "settings" not found`)
	l.configMaps["settings"] = &v1.ConfigMap{}
	l.run(time.Second)
	l.expect(t, "Running a=Ready")
}

func TestMissingVolumeKeepsThePodFromStarting(t *testing.T) {
	p := pod(one("a"))
	p.Spec.Volumes = []v1.Volume{{Name: "keys", VolumeSource: v1.VolumeSource{Secret: &v1.SecretVolumeSource{SecretName: "tls"}}}}
	l := begin(p).run(time.Minute)
	l.expect(t, "Pending a=ContainerCreating")
	l.expectEvent(t, "FailedMount", `MountVolume.SetUp failed for volume "keys" : secret "tls" not found`)
	l.secrets["tls"] = &v1.Secret{}
	l.run(10 * time.Second)
	l.expect(t, "Running a=Ready")
}

func TestInitContainersRunOneAfterAnotherBeforeTheOthers(t *testing.T) {
	p := pod(one("a"))
	p.Spec.InitContainers = []v1.Container{one("i"), one("j")}
	l := begin(p)
	l.scripts["i"], l.scripts["j"] = Script{RunFor: 5 * time.Second}, Script{RunFor: 5 * time.Second}
	l.run(3 * time.Second)
	l.expect(t, "Pending i=Running j=PodInitializing a=PodInitializing")
	l.run(4 * time.Second)
	l.expect(t, "Pending i=Completed(0) j=Running a=PodInitializing")
	l.run(10 * time.Second)
	l.expect(t, "Running i=Completed(0) j=Completed(0) a=Ready")
}

func TestSidecarStartsFirstAndIsStoppedLast(t *testing.T) {
	always := v1.ContainerRestartPolicyAlways
	side := one("s")
	side.RestartPolicy = &always
	p := pod(one("a"))
	p.Spec.InitContainers = []v1.Container{side}
	p.Spec.RestartPolicy = v1.RestartPolicyNever
	l := begin(p)
	l.scripts["a"] = Script{RunFor: 20 * time.Second}
	l.run(10 * time.Second)
	l.expect(t, "Running s=Ready a=Ready")
	l.run(20 * time.Second)
	l.expect(t, "Succeeded s=Completed(0) a=Completed(0)")
}

func TestRestartPolicyDecidesOverThePhase(t *testing.T) {
	for _, test := range []struct {
		policy v1.RestartPolicy
		code   int32
		want   string
	}{
		{v1.RestartPolicyNever, 0, "Succeeded a=Completed(0)"},
		{v1.RestartPolicyNever, 3, "Failed a=Error(3)"},
		{v1.RestartPolicyOnFailure, 0, "Succeeded a=Completed(0)"},
		{v1.RestartPolicyOnFailure, 3, "Running a=CrashLoopBackOffx2"},
	} {
		p := pod(one("a"))
		p.Spec.RestartPolicy = test.policy
		l := begin(p)
		l.scripts["a"] = Script{RunFor: time.Second, ExitCode: test.code}
		l.run(10 * time.Second)
		l.expect(t, test.want)
	}
}

func TestSecondContainerOnAPortCrashes(t *testing.T) {
	a, b := one("a"), one("b")
	a.Ports = []v1.ContainerPort{{ContainerPort: 80}}
	b.Ports = a.Ports
	begin(pod(a, b)).run(12*time.Second).expect(t, "Running a=Ready b=CrashLoopBackOffx2")
}

func TestProbesDecideOverReadinessAndLife(t *testing.T) {
	probe := &v1.Probe{InitialDelaySeconds: 5, PeriodSeconds: 10, FailureThreshold: 3, ProbeHandler: v1.ProbeHandler{HTTPGet: &v1.HTTPGetAction{}}}
	ready := one("a")
	ready.ReadinessProbe = probe
	l := begin(pod(ready)).run(5 * time.Second)
	l.expect(t, "Running a=Running")
	l.run(10 * time.Second)
	l.expect(t, "Running a=Ready")

	l = begin(pod(ready))
	l.scripts["a"] = Script{FailReadiness: true}
	l.run(time.Minute)
	l.expect(t, "Running a=Running")
	l.expectEvent(t, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 500")

	alive := one("a")
	alive.LivenessProbe = probe
	l = begin(pod(alive))
	l.scripts["a"] = Script{FailLiveness: true}
	l.run(50 * time.Second)
	l.expectEvent(t, "Killing", "Container a failed liveness probe, will be restarted")
	l.expect(t, "Running a=Readyx1")
	if code := l.pod.Status.ContainerStatuses[0].LastTerminationState.Terminated.ExitCode; code != 137 {
		t.Errorf("exit code %d", code)
	}
}

func TestDeletedPodEndsInsideItsGracePeriod(t *testing.T) {
	for _, test := range []struct {
		stop time.Duration
		want string
	}{
		{time.Second, "Succeeded a=Completed(0)"},
		{time.Hour, "Failed a=Error(137)"},
	} {
		l := begin(pod(one("a")))
		l.scripts["a"] = Script{StopFor: test.stop}
		l.run(10 * time.Second)
		grace, now := int64(5), metav1.NewTime(l.now)
		l.pod.DeletionTimestamp, l.pod.DeletionGracePeriodSeconds = &now, &grace
		l.run(500 * time.Millisecond)
		l.expectEvent(t, "Killing", "Stopping container a")
		l.run(5 * time.Second)
		l.expect(t, test.want)
		if !l.state.Gone {
			t.Error("the pod may not be deleted yet")
		}
	}
}

func TestPodThatDoesNotFitIsRefused(t *testing.T) {
	c := one("a")
	c.Resources.Requests = v1.ResourceList{v1.ResourceCPU: resource.MustParse("5")}
	l := begin(pod(c)).run(time.Second)
	l.expect(t, "Failed OutOfcpu")
	if want := "Pod was rejected: Node didn't have enough resource: cpu, requested: 5000, used: 0, capacity: 4000"; l.pod.Status.Message != want {
		t.Errorf("message %q, want %q", l.pod.Status.Message, want)
	}
}

func TestPodPastItsDeadlineFails(t *testing.T) {
	p := pod(one("a"))
	limit := int64(30)
	p.Spec.ActiveDeadlineSeconds = &limit
	begin(p).run(time.Minute).expect(t, "Failed DeadlineExceeded a=Completed(0)")
}

func TestSandboxThatCannotBeMadeIsTriedAgain(t *testing.T) {
	l := begin(pod(one("a")))
	l.scripts["a"] = Script{SandboxError: "no pause image"}
	l.run(time.Minute)
	l.expect(t, "Pending a=ContainerCreating")
	if got := len(strings.Fields(l.seconds("FailedCreatePodSandBox"))); got != 5 {
		t.Errorf("tried %d times in a minute", got)
	}
}

func TestCommandsThatExamplesUseAreUnderstood(t *testing.T) {
	for line, want := range map[string]Script{
		"sleep 3600":                    {RunFor: time.Hour},
		"sh -c exit 3":                  {RunFor: time.Second, ExitCode: 3},
		"sh -c sleep 5; exit 1":         {RunFor: 6 * time.Second, ExitCode: 1},
		"/bin/false":                    {RunFor: time.Second, ExitCode: 1},
		"sh -c while true; do x; done":  {},
		"nginx -g daemon off;":          {},
		"sh -c echo hello && sleep 10s": {RunFor: 10 * time.Second},
	} {
		var got Script
		followCommand(&got, &v1.Container{Command: strings.SplitN(line, " ", 3)})
		if got != want {
			t.Errorf("%s: runs for %v and exits with %d, want %v and %d", line, got.RunFor, got.ExitCode, want.RunFor, want.ExitCode)
		}
	}
}
