package kubelet

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/tools/record"
)

// place is a world of maps.
type place struct {
	configMaps map[string]*v1.ConfigMap
	secrets    map[string]*v1.Secret
	images     map[string]bool
	behaviors  map[string]Behavior // by container; others have the default one
	others     []*v1.Pod           // on the node
	claims     map[string]*v1.PersistentVolumeClaim
	volumes    map[string]*v1.PersistentVolume
	bundles    []*certificatesv1.ClusterTrustBundle
	holding    []string // pods on other nodes, every volume
	preempted  []string
	answers    map[string]bool // by host:port
}

func (p *place) configMap(_, name string) *v1.ConfigMap { return p.configMaps[name] }
func (p *place) secret(_, name string) *v1.Secret       { return p.secrets[name] }
func (p *place) trustBundle(name string) *certificatesv1.ClusterTrustBundle {
	for _, b := range p.bundles {
		if b.Name == name {
			return b
		}
	}
	return nil
}
func (p *place) trustBundlesOf(signer string, matching labels.Selector) (all []*certificatesv1.ClusterTrustBundle) {
	for _, b := range p.bundles {
		if b.Spec.SignerName == signer && matching.Matches(labels.Set(b.Labels)) {
			all = append(all, b)
		}
	}
	return all
}
func (p *place) claim(_, name string) *v1.PersistentVolumeClaim {
	return p.claims[name]
}
func (p *place) node(name string) *v1.Node {
	offers := v1.ResourceList{
		v1.ResourceCPU: resource.MustParse("4"), v1.ResourceMemory: resource.MustParse("8Gi"),
		v1.ResourcePods: resource.MustParse("3"),
	}
	return &v1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Status: v1.NodeStatus{
			Allocatable: offers, Addresses: []v1.NodeAddress{{Type: v1.NodeInternalIP, Address: "172.18.0.3"}},
		},
	}
}
func (p *place) admit(pod *v1.Pod) (reason, message string) {
	return admission(p.node(pod.Spec.NodeName), pod, p.others,
		func(victim *v1.Pod, _ bool, _ *int64, _ func(*v1.PodStatus)) error {
			p.preempted = append(p.preempted, victim.Name)
			return nil
		}, &record.FakeRecorder{})
}
func (p *place) behaviorOf(pod *v1.Pod, c *v1.Container) Behavior {
	if s, ok := p.behaviors[c.Name]; ok {
		return s
	}
	return DefaultBehavior(pod, c)
}
func (p *place) hasImage(_, image string) bool        { return p.images[image] }
func (p *place) keepImage(_, image string)            { p.images[image] = true }
func (p *place) nextIP(string) string                 { return "10.244.1.2" }
func (p *place) serviceVariables(*v1.Pod) []v1.EnvVar { return nil }
func (p *place) reach(_, host, port string) (answers, exists bool) {
	ready, exists := p.answers[host+":"+port]
	return ready, exists
}
func (p *place) holders(*v1.Pod, string) []string {
	return p.holding
}
func (p *place) volume(name string) *v1.PersistentVolume { return p.volumes[name] }

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
		place: &place{
			configMaps: map[string]*v1.ConfigMap{}, secrets: map[string]*v1.Secret{}, images: map[string]bool{},
			behaviors: map[string]Behavior{},
		},
		pod: pod, state: &podState{Containers: map[string]*containerState{}}, began: now, now: now,
	}
}

func (l *life) run(d time.Duration) *life {
	for end := l.now.Add(d); ; {
		m := &machine{now: l.now, pod: l.pod, state: l.state, env: l.place}
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

// seconds returns the moments at which an event with a reason came.
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
	l.behaviors["a"] = Behavior{RunFor: time.Second, ExitCode: 1}
	l.images["a:1"] = true
	l.run(30 * time.Minute)
	// The first restart is at once; then 10 s doubling to 300 s, and a second of life each.
	if got, want := l.seconds("BackOff"), "3 15 36 77 158 319 620 921 1222 1523"; got != want {
		t.Errorf("backed off at %s, want %s", got, want)
	}
	l.expect(t, "Running a=CrashLoopBackOffx"+fmt.Sprint(l.pod.Status.ContainerStatuses[0].RestartCount))
	l.expectEvent(t, "BackOff", "Back-off restarting failed container a in pod web_default(uid)")
	if m := l.pod.Status.ContainerStatuses[0].State.Waiting.Message; m != "back-off 5m0s restarting failed container=a pod=web_default(uid)" {
		t.Errorf("message %q", m)
	}
	if last := l.pod.Status.ContainerStatuses[0].LastTerminationState.Terminated; last == nil || last.ExitCode != 1 ||
		last.Reason != "Error" {
		t.Errorf("last state %+v", last)
	}
}

// TestWhatGetPodsWatchShows lists the states of pods in which something fails, as they follow each other in
// `kubectl get pods --watch` (the documentation, "Pod Lifecycle", "Container restarts", and "Images",
// "ImagePullBackOff").
func TestWhatGetPodsWatchShows(t *testing.T) {
	missing := one("a")
	missing.Image = "a:does-not-exist"
	unset := one("a")
	unset.EnvFrom = []v1.EnvFromSource{
		{ConfigMapRef: &v1.ConfigMapEnvSource{LocalObjectReference: v1.LocalObjectReference{Name: "settings"}}},
	}
	for name, test := range map[string]struct {
		container v1.Container
		behavior  Behavior
		want      []string
	}{
		"crash": {one("a"), Behavior{RunFor: 5 * time.Second, ExitCode: 1}, []string{
			"Pending a=ContainerCreating", "Running a=Ready", "Running a=Error(1)", "Running a=Readyx1",
			"Running a=Error(1)x1", "Running a=CrashLoopBackOffx1",
			"Running a=Readyx2", "Running a=Error(1)x2", "Running a=CrashLoopBackOffx2",
		}},
		"image": {missing, DefaultBehavior(pod(missing), &missing), []string{
			"Pending a=ContainerCreating", "Pending a=ErrImagePull", "Pending a=ImagePullBackOff",
			"Pending a=ErrImagePull", "Pending a=ImagePullBackOff",
		}},
		"configuration": {
			unset, Behavior{}, []string{"Pending a=ContainerCreating", "Pending a=CreateContainerConfigError"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := begin(pod(test.container))
			l.behaviors["a"] = test.behavior
			var got []string
			for range 300 {
				l.run(100 * time.Millisecond)
				if s := l.summary(); len(got) == 0 || got[len(got)-1] != s {
					got = append(got, s)
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

// TestDiskOfAnotherNodeIsWaitedFor holds a pod back until its disk is free; a volume that many nodes may use,
// or that no node attaches, keeps nobody.
func TestDiskOfAnotherNodeIsWaitedFor(t *testing.T) {
	csi := v1.PersistentVolumeSource{CSI: &v1.CSIPersistentVolumeSource{}}
	for name, test := range map[string]struct {
		mode   v1.PersistentVolumeAccessMode
		source v1.PersistentVolumeSource
		want   string
	}{
		"disk":   {v1.ReadWriteOnce, csi, "Pending a=ContainerCreating"},
		"shared": {v1.ReadWriteMany, csi, "Running a=Ready"},
		"path": {
			v1.ReadWriteOnce, v1.PersistentVolumeSource{HostPath: &v1.HostPathVolumeSource{}}, "Running a=Ready",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := pod(one("a"))
			p.Spec.Volumes = []v1.Volume{
				{
					Name: "data",
					VolumeSource: v1.VolumeSource{
						PersistentVolumeClaim: &v1.PersistentVolumeClaimVolumeSource{ClaimName: "data"},
					},
				},
			}
			l := begin(p)
			l.claims = map[string]*v1.PersistentVolumeClaim{
				"data": {
					Spec:   v1.PersistentVolumeClaimSpec{VolumeName: "disk"},
					Status: v1.PersistentVolumeClaimStatus{Phase: v1.ClaimBound},
				},
			}
			l.volumes = map[string]*v1.PersistentVolume{"disk": {
				ObjectMeta: metav1.ObjectMeta{Name: "disk"},
				Spec: v1.PersistentVolumeSpec{
					AccessModes: []v1.PersistentVolumeAccessMode{test.mode}, PersistentVolumeSource: test.source,
				},
			}}
			l.holding = []string{"other-1", "other-2"}
			l.run(10*time.Minute).expect(t, test.want)
			if l.seconds("FailedAttachVolume") != "" {
				l.expectEvent(
					t, "FailedAttachVolume",
					`Waiting for detach for volume "disk" Volume is already used by pod(s) other-1, other-2`,
				)
			}
			l.holding = nil
			l.run(10*time.Second).expect(t, "Running a=Ready")
		})
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
	c.EnvFrom = []v1.EnvFromSource{
		{ConfigMapRef: &v1.ConfigMapEnvSource{LocalObjectReference: v1.LocalObjectReference{Name: "settings"}}},
	}
	l := begin(pod(c)).run(10 * time.Second)
	l.expect(t, "Pending a=CreateContainerConfigError")
	l.expectEvent(t, "Failed", `Error: configmap "settings" not found`)
	l.configMaps["settings"] = &v1.ConfigMap{}
	l.run(time.Second)
	l.expect(t, "Pending a=CreateContainerConfigError") // nothing wakes the kubelet
	l.run(12 * time.Second)
	l.expect(t, "Running a=Ready")
}

func TestMissingVolumeKeepsThePodFromStarting(t *testing.T) {
	p := pod(one("a"))
	p.Spec.Volumes = []v1.Volume{
		{Name: "keys", VolumeSource: v1.VolumeSource{Secret: &v1.SecretVolumeSource{SecretName: "tls"}}},
	}
	l := begin(p).run(time.Minute)
	l.expect(t, "Pending a=ContainerCreating")
	l.expectEvent(t, "FailedMount", `MountVolume.SetUp failed for volume "keys" : secret "tls" not found`)
	l.secrets["tls"] = &v1.Secret{}
	l.run(2 * time.Second)
	l.expect(t, "Pending a=ContainerCreating") // the next try comes 64 s after the last one
	l.run(time.Minute)
	l.expect(t, "Running a=Ready")
}

func TestMissingTrustBundleKeepsThePodFromStarting(t *testing.T) {
	name, signer, serving, optional := "roots", "example.com/roots", servingSigner, true
	selected := &metav1.LabelSelector{MatchLabels: map[string]string{"trust": "live"}}
	roots := func(labels map[string]string) *certificatesv1.ClusterTrustBundle {
		return &certificatesv1.ClusterTrustBundle{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
			Spec:       certificatesv1.ClusterTrustBundleSpec{SignerName: signer},
		}
	}
	const byName = `while getting ClusterTrustBundle: clustertrustbundle.certificates.k8s.io "roots" not found`
	const bySigner = "combination of signerName and labelSelector matched zero ClusterTrustBundles"
	for _, c := range []struct {
		what string
		from v1.ClusterTrustBundleProjection
		is   *certificatesv1.ClusterTrustBundle
		want string // event; empty: the pod starts
	}{
		{"none of the name", v1.ClusterTrustBundleProjection{Name: &name}, nil, byName},
		{"one of the name", v1.ClusterTrustBundleProjection{Name: &name}, roots(nil), ""},
		{
			"none of the name, and it may miss", v1.ClusterTrustBundleProjection{Name: &name, Optional: &optional}, nil,
			"",
		},
		{
			"none that is selected", v1.ClusterTrustBundleProjection{SignerName: &signer, LabelSelector: selected},
			roots(nil), bySigner,
		},
		{"nothing selects", v1.ClusterTrustBundleProjection{SignerName: &signer}, roots(nil), bySigner},
		{
			"one that is selected", v1.ClusterTrustBundleProjection{SignerName: &signer, LabelSelector: selected},
			roots(selected.MatchLabels), "",
		},
		{
			"all of the signer",
			v1.ClusterTrustBundleProjection{SignerName: &signer, LabelSelector: &metav1.LabelSelector{}}, roots(nil),
			"",
		},
		{
			"that of the API server",
			v1.ClusterTrustBundleProjection{SignerName: &serving, LabelSelector: &metav1.LabelSelector{}}, nil, "",
		},
		{
			"none of the signer, and they may miss",
			v1.ClusterTrustBundleProjection{SignerName: &signer, Optional: &optional}, nil, "",
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			p := pod(one("a"))
			p.Spec.Volumes = []v1.Volume{
				{
					Name: "trust",
					VolumeSource: v1.VolumeSource{
						Projected: &v1.ProjectedVolumeSource{
							Sources: []v1.VolumeProjection{{ClusterTrustBundle: &c.from}},
						},
					},
				},
			}
			l := begin(p)
			if c.is != nil {
				l.bundles = []*certificatesv1.ClusterTrustBundle{c.is}
			}
			l.run(time.Minute)
			if c.want == "" {
				l.expect(t, "Running a=Ready")
				return
			}
			l.expect(t, "Pending a=ContainerCreating")
			l.expectEvent(t, "FailedMount", `MountVolume.SetUp failed for volume "trust" : `+c.want)
		})
	}
}

func TestInitContainersRunOneAfterAnotherBeforeTheOthers(t *testing.T) {
	p := pod(one("a"))
	p.Spec.InitContainers = []v1.Container{one("i"), one("j")}
	l := begin(p)
	l.behaviors["i"], l.behaviors["j"] = Behavior{RunFor: 5 * time.Second}, Behavior{RunFor: 5 * time.Second}
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
	l.behaviors["a"] = Behavior{RunFor: 20 * time.Second}
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
		{v1.RestartPolicyOnFailure, 3, "Running a=CrashLoopBackOffx1"},
	} {
		p := pod(one("a"))
		p.Spec.RestartPolicy = test.policy
		l := begin(p)
		l.behaviors["a"] = Behavior{RunFor: time.Second, ExitCode: test.code}
		l.run(10 * time.Second)
		l.expect(t, test.want)
	}
}

func TestSecondContainerOnAPortCrashes(t *testing.T) {
	a, b := one("a"), one("b")
	a.Ports = []v1.ContainerPort{{ContainerPort: 80}}
	b.Ports = a.Ports
	begin(pod(a, b)).run(12*time.Second).expect(t, "Running a=Ready b=CrashLoopBackOffx1")
}

func TestProbesDecideOverReadinessAndLife(t *testing.T) {
	probe := &v1.Probe{
		InitialDelaySeconds: 5, PeriodSeconds: 10, FailureThreshold: 3,
		ProbeHandler: v1.ProbeHandler{HTTPGet: &v1.HTTPGetAction{}},
	}
	ready := one("a")
	ready.ReadinessProbe = probe
	l := begin(pod(ready)).run(5 * time.Second)
	l.expect(t, "Running a=Running")
	l.run(10 * time.Second)
	l.expect(t, "Running a=Ready")

	l = begin(pod(ready))
	l.behaviors["a"] = Behavior{FailReadiness: true}
	l.run(time.Minute)
	l.expect(t, "Running a=Running")
	l.expectEvent(t, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 500")

	alive := one("a")
	alive.LivenessProbe = probe
	l = begin(pod(alive))
	l.behaviors["a"] = Behavior{FailLiveness: true}
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
		l.behaviors["a"] = Behavior{StopFor: test.stop}
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

func TestNodeRefusesWhatItCannotTake(t *testing.T) {
	request := func(cpu string) v1.Container {
		c := one("a")
		c.Resources.Requests = v1.ResourceList{v1.ResourceCPU: resource.MustParse(cpu)}
		return c
	}
	hostPort := func() v1.Container {
		c := one("a")
		c.Ports = []v1.ContainerPort{{ContainerPort: 80, HostPort: 80, Protocol: v1.ProtocolTCP}}
		return c
	}
	for name, test := range map[string]struct {
		others          []*v1.Pod
		pod             *v1.Pod
		reason, message string
	}{
		"too large": {
			nil, pod(request("5")), "OutOfcpu",
			"Node didn't have enough resource: cpu, requested: 5000, used: 0, capacity: 4000",
		},
		"no room left": {
			[]*v1.Pod{pod(request("3"))}, pod(request("2")), "OutOfcpu",
			"Node didn't have enough resource: cpu, requested: 2000, used: 3000, capacity: 4000",
		},
		"too many": {
			[]*v1.Pod{pod(one("x")), pod(one("y")), pod(one("z"))}, pod(one("a")), "OutOfpods",
			"Node didn't have enough resource: pods, requested: 1, used: 3, capacity: 3",
		},
		"port taken": {
			[]*v1.Pod{pod(hostPort())}, pod(hostPort()), "NodePorts",
			"Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
		},
		"wrong selector": {
			nil,
			func() *v1.Pod { p := pod(one("a")); p.Spec.NodeSelector = map[string]string{"disk": "ssd"}; return p }(),
			"NodeAffinity", "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := begin(test.pod)
			l.others = test.others
			l.run(time.Second)
			l.expect(t, "Failed "+test.reason)
			if want := "Pod was rejected: " + test.message; l.pod.Status.Message != want {
				t.Errorf("message %q, want %q", l.pod.Status.Message, want)
			}
			l.expectEvent(t, test.reason, test.message)
		})
	}
}

func TestCriticalPodTakesTheRoomOfOthers(t *testing.T) {
	other := pod(one("x"))
	other.Name = "other"
	other.Spec.Containers[0].Resources.Requests = v1.ResourceList{v1.ResourceCPU: resource.MustParse("3")}
	critical := pod(one("a"))
	critical.Spec.Priority = new(int32)
	*critical.Spec.Priority = 2000001000
	critical.Spec.Containers[0].Resources.Requests = v1.ResourceList{v1.ResourceCPU: resource.MustParse("2")}
	l := begin(critical)
	l.others = []*v1.Pod{other}
	l.run(10 * time.Second)
	l.expect(t, "Running a=Ready")
	if len(l.preempted) != 1 || l.preempted[0] != "other" {
		t.Errorf("preempted %v", l.preempted)
	}
}

func TestPodPastItsDeadlineFails(t *testing.T) {
	p := pod(one("a"))
	limit := int64(30)
	p.Spec.ActiveDeadlineSeconds = &limit
	l := begin(p).run(31 * time.Second)
	l.expectEvent(t, "DeadlineExceeded", "Pod was active on the node longer than the specified deadline")
	l.run(time.Minute).expect(t, "Failed DeadlineExceeded a=Completed(0)")
}

func TestSandboxThatCannotBeMadeIsTriedAgain(t *testing.T) {
	l := begin(pod(one("a")))
	l.behaviors["a"] = Behavior{SandboxError: "no pause image"}
	l.run(time.Minute)
	l.expect(t, "Pending a=ContainerCreating")
	if got := len(strings.Fields(l.seconds("FailedCreatePodSandBox"))); got != 5 {
		t.Errorf("tried %d times in a minute", got)
	}
}

func TestCommandsThatExamplesUseAreUnderstood(t *testing.T) {
	for line, want := range map[string]Behavior{
		"sleep 3600":                     {RunFor: time.Hour},
		"sh -c exit 3":                   {RunFor: time.Second, ExitCode: 3},
		"sh -c sleep 5; exit 1":          {RunFor: 6 * time.Second, ExitCode: 1},
		"/bin/false":                     {RunFor: time.Second, ExitCode: 1},
		"sh -c while true; do x; done":   {Assumed: true},
		"nginx -g daemon off;":           {},
		"sh -c echo hello && sleep 10s":  {RunFor: 10 * time.Second},
		"sh -ec exit 4; sleep 5":         {RunFor: time.Second, ExitCode: 4},
		"sh -c false && sleep 5":         {RunFor: time.Second, ExitCode: 1},
		"sh -c false || sleep 5":         {RunFor: 5 * time.Second},
		"sh -c echo 'a; b' >&2\nexit 2":  {RunFor: time.Second, ExitCode: 2},
		"sh -c if x; then\nexit 1\nfi":   {Assumed: true},
		"sh -c if x; then y; fi; exit 1": {Assumed: true},
		"sh -c echo \"nginx; true\" | x": {},
		"sh -c # why\nsleep 3 # for\n":   {RunFor: 3 * time.Second},
		"sh -c sleep \\\n 4":             {RunFor: 4 * time.Second},
		"sh -c exit $CODE":               {RunFor: time.Second},
		"sh -c echo hello; exec nginx":   {},
		"/bin/echo hello":                {RunFor: time.Second},
	} {
		var got Behavior
		followCommand(&got, &v1.Pod{}, &v1.Container{Command: strings.SplitN(line, " ", 3)})
		if got.RunFor != want.RunFor || got.ExitCode != want.ExitCode || got.Assumed != want.Assumed {
			t.Errorf(
				"%s: runs for %v and exits with %d, want %v and %d", line, got.RunFor, got.ExitCode, want.RunFor,
				want.ExitCode,
			)
		}
	}
}

func TestFirstProbeComesAtTheTickAfterTheDelay(t *testing.T) {
	for _, test := range []struct {
		delay, period int32
		want          time.Duration // after the start
	}{
		{0, 10, time.Second}, {5, 10, 10 * time.Second}, {10, 10, 10 * time.Second}, {11, 10, 20 * time.Second},
		{5, 1, 5 * time.Second},
	} {
		var start time.Time
		p := &v1.Probe{InitialDelaySeconds: test.delay, PeriodSeconds: test.period}
		if got := firstProbe(start, p, time.Duration(test.period)*time.Second).Sub(start); got != test.want {
			t.Errorf("delay %d, period %d: %v, want %v", test.delay, test.period, got, test.want)
		}
	}
}

func TestStartupProbeGatesTheOthers(t *testing.T) {
	probe := func(threshold int32) *v1.Probe {
		return &v1.Probe{
			PeriodSeconds: 5, FailureThreshold: threshold,
			ProbeHandler: v1.ProbeHandler{TCPSocket: &v1.TCPSocketAction{}},
		}
	}
	c := one("a")
	c.StartupProbe, c.LivenessProbe, c.ReadinessProbe = probe(10), probe(1), probe(1)
	l := begin(pod(c))
	l.behaviors["a"] = Behavior{ReadyAfter: 20 * time.Second}
	l.run(15 * time.Second)
	l.expect(t, "Running a=Running")
	l.run(30 * time.Second)
	l.expect(t, "Running a=Ready")
	if strings.Contains(strings.Join(l.log, "\n"), "Liveness") {
		t.Error("the liveness probe did not wait for the startup probe")
	}
	l.expectEvent(t, "Unhealthy", "Startup probe failed: dial tcp: connect: connection refused")

	c.StartupProbe = probe(2)
	l = begin(pod(c))
	l.behaviors["a"] = Behavior{FailStartup: true, StopFor: time.Second}
	l.run(12 * time.Second)
	l.expectEvent(t, "Killing", "Container a failed startup probe, will be restarted")
}

func TestReadinessFollowsTheBehavior(t *testing.T) {
	c := one("a")
	c.ReadinessProbe = &v1.Probe{
		PeriodSeconds: 10, FailureThreshold: 3, ProbeHandler: v1.ProbeHandler{Exec: &v1.ExecAction{}},
	}
	l := begin(pod(c)).run(time.Minute)
	l.expect(t, "Running a=Ready")
	l.pod.Annotations = map[string]string{annotationFailProbes: "readiness"}
	l.run(25 * time.Second)
	l.expect(t, "Running a=Ready") // two of three failures
	l.run(10 * time.Second)
	l.expect(t, "Running a=Running")
	l.pod.Annotations = nil
	l.run(10 * time.Second)
	l.expect(t, "Running a=Ready")
}

func TestContainerIsRestartedWithAnotherImage(t *testing.T) {
	l := begin(pod(one("a")))
	l.run(10 * time.Second)
	l.pod.Spec.Containers[0].Image = "other"
	l.run(10 * time.Second)
	l.expectEvent(t, "Killing", "Container a definition changed, will be restarted")
	l.expectEvent(t, "Pulling", `Pulling image "other"`)
	l.expect(t, "Running a=Readyx1")
	if last := l.pod.Status.ContainerStatuses[0].LastTerminationState.Terminated; last.ExitCode != 0 {
		t.Errorf("exit code %d", last.ExitCode)
	}

	l.pod.Spec.Containers[0].Image = "third"
	l.run(10 * time.Second)
	l.expect(t, "Running a=Readyx2")
	if pulled, want := l.seconds("Pulling"), "0 11 21"; pulled != want {
		t.Errorf("images are pulled at %s, want %s\n%s", pulled, want, strings.Join(l.log, "\n"))
	}

	never := pod(one("a"))
	never.Spec.RestartPolicy = v1.RestartPolicyNever
	l = begin(never)
	l.behaviors["a"] = Behavior{}
	l.run(10 * time.Second)
	l.pod.Spec.Containers[0].Image = "other"
	l.run(10 * time.Second)
	l.expect(t, "Running a=Readyx1")

	l = begin(pod(one("a")))
	l.behaviors["a"] = Behavior{PullError: "not found"}
	l.run(2 * time.Minute)
	l.expect(t, "Pending a=ImagePullBackOff")
	delete(l.behaviors, "a")
	l.pod.Spec.Containers[0].Image = "other"
	l.run(10 * time.Second)
	l.expect(t, "Running a=Ready")
}

func TestContainerAboveItsMemoryLimitIsKilled(t *testing.T) {
	c := one("a")
	c.Resources.Limits = v1.ResourceList{v1.ResourceMemory: resource.MustParse("64Mi")}
	p := pod(c)
	p.Annotations = map[string]string{annotationUseMemory + ".a": "100Mi"}
	l := begin(p).run(20 * time.Second)
	if last := l.pod.Status.ContainerStatuses[0].LastTerminationState.Terminated; last == nil ||
		last.Reason != "OOMKilled" || last.ExitCode != 137 {
		t.Errorf("last state %+v", last)
	}
}

func TestPodThatFillsTheDiskIsEvicted(t *testing.T) {
	limit := resource.MustParse("1Gi")
	c := one("a")
	c.Resources.Limits = v1.ResourceList{v1.ResourceEphemeralStorage: limit}
	p := pod(c)
	p.Annotations = map[string]string{annotationUseStorage: "2Gi"}
	l := begin(p).run(30 * time.Second)
	l.expect(t, "Failed Evicted a=Error(137)")
	l.expectEvent(t, "Evicted", `Container a exceeded its local ephemeral storage limit "1Gi". `)
	found := false
	for _, c := range l.pod.Status.Conditions {
		found = found ||
			c.Type == v1.DisruptionTarget && c.Status == v1.ConditionTrue && c.Reason == "TerminationByKubelet"
	}
	if !found {
		t.Errorf("conditions %+v", l.pod.Status.Conditions)
	}

	p = pod(one("a"))
	p.Spec.Volumes = []v1.Volume{
		{Name: "cache", VolumeSource: v1.VolumeSource{EmptyDir: &v1.EmptyDirVolumeSource{SizeLimit: &limit}}},
	}
	p.Spec.Containers[0].VolumeMounts = []v1.VolumeMount{{Name: "cache", MountPath: "/cache"}}
	p.Annotations = map[string]string{annotationUseStorage: "2Gi"}
	begin(p).run(30*time.Second).expectEvent(t, "Evicted", `Usage of EmptyDir volume "cache" exceeds the limit "1Gi". `)
}

func TestHooks(t *testing.T) {
	hooked := func(h v1.Lifecycle) *v1.Pod {
		c := one("a")
		c.Lifecycle = &h
		return pod(c)
	}
	handler := func(command ...string) *v1.LifecycleHandler {
		return &v1.LifecycleHandler{Exec: &v1.ExecAction{Command: command}}
	}
	remove := func(l *life, seconds int64) *life {
		now := metav1.NewTime(l.now)
		l.pod.DeletionTimestamp, l.pod.DeletionGracePeriodSeconds = &now, &seconds
		return l
	}
	t.Run("postStart that fails", func(t *testing.T) {
		l := begin(hooked(v1.Lifecycle{PostStart: handler("false")})).run(20 * time.Second)
		l.expectEvent(t, "FailedPostStartHook", "PostStartHook failed")
		l.expectEvent(t, "BackOff", "Back-off restarting failed container a")
	})
	t.Run("preStop inside the grace period", func(t *testing.T) {
		l := remove(begin(hooked(v1.Lifecycle{PreStop: handler("sleep", "5")})).run(10*time.Second), 30)
		l.run(5*time.Second).expect(t, "Running a=Ready")
		l.run(2*time.Second).expect(t, "Succeeded a=Completed(0)")
	})
	t.Run("preStop beyond the grace period", func(t *testing.T) {
		l := remove(begin(hooked(v1.Lifecycle{PreStop: handler("sleep", "60")})).run(10*time.Second), 5)
		l.behaviors["a"] = Behavior{PreStopFor: time.Minute, StopFor: time.Hour}
		l.run(6*time.Second).expect(t, "Running a=Ready")
		l.run(2*time.Second).expect(t, "Failed a=Error(137)")
	})
	t.Run("preStop that fails", func(t *testing.T) {
		l := remove(begin(hooked(v1.Lifecycle{PreStop: handler("sh", "-c", "exit 1")})).run(10*time.Second), 30)
		l.run(5*time.Second).expectEvent(t, "FailedPreStopHook", "PreStopHook failed")
	})
}

func TestSidecarsGetTheSignalInReverseOrder(t *testing.T) {
	always := v1.ContainerRestartPolicyAlways
	p := pod(one("a"))
	for _, name := range []string{"s", "r"} {
		c := one(name)
		c.RestartPolicy = &always
		p.Spec.InitContainers = append(p.Spec.InitContainers, c)
	}
	l := begin(p)
	for _, name := range []string{"a", "r", "s"} {
		l.behaviors[name] = Behavior{StopFor: 3 * time.Second}
	}
	l.run(20 * time.Second)
	now, grace := metav1.NewTime(l.now), int64(30)
	l.pod.DeletionTimestamp, l.pod.DeletionGracePeriodSeconds = &now, &grace
	for _, want := range []string{
		"Running s=Ready r=Ready a=Completed(0)", "Running s=Ready r=Completed(0) a=Completed(0)",
		"Succeeded s=Completed(0) r=Completed(0) a=Completed(0)",
	} {
		l.run(3*time.Second+100*time.Millisecond).expect(t, want)
	}
}

func TestContainerRestartRules(t *testing.T) {
	never := v1.ContainerRestartPolicyNever
	c := one("a")
	c.RestartPolicy = &never
	c.RestartPolicyRules = []v1.ContainerRestartRule{{
		Action: v1.ContainerRestartRuleActionRestart,
		ExitCodes: &v1.ContainerRestartRuleOnExitCodes{
			Operator: v1.ContainerRestartRuleOnExitCodesOpIn, Values: []int32{42},
		},
	}}
	for code, want := range map[int32]string{42: "Running a=CrashLoopBackOffx1", 1: "Failed a=Error(1)"} {
		p := pod(c)
		p.Spec.RestartPolicy = v1.RestartPolicyNever
		l := begin(p)
		l.behaviors["a"] = Behavior{RunFor: time.Second, ExitCode: code}
		l.run(10 * time.Second)
		l.expect(t, want)
	}
}

func TestRuleRestartsAllContainers(t *testing.T) {
	never := v1.ContainerRestartPolicyNever
	watcher := one("w")
	watcher.RestartPolicy = &never
	watcher.RestartPolicyRules = []v1.ContainerRestartRule{{
		Action: v1.ContainerRestartRuleActionRestartAllContainers,
		ExitCodes: &v1.ContainerRestartRuleOnExitCodes{
			Operator: v1.ContainerRestartRuleOnExitCodesOpIn, Values: []int32{88},
		},
	}}
	p := pod(one("a"), watcher)
	p.Spec.InitContainers = []v1.Container{one("i")}
	p.Spec.RestartPolicy = v1.RestartPolicyNever
	l := begin(p)
	l.behaviors["i"], l.behaviors["a"], l.behaviors["w"] = Behavior{RunFor: time.Second}, Behavior{}, Behavior{
		RunFor: 10 * time.Second, ExitCode: 88,
	}
	l.run(20 * time.Second)
	l.expect(t, "Running i=Completed(0)x1 a=Readyx1 w=Readyx1")
}

func TestContainerThatCannotStart(t *testing.T) {
	p := pod(one("a"))
	p.Annotations = map[string]string{annotationStartError: `exec: "nginxx": executable file not found in $PATH`}
	l := begin(p).run(10 * time.Second)
	l.expectEvent(t, "Failed", `Error: exec: "nginxx": executable file not found in $PATH`)
	l.expect(t, "Running a=CrashLoopBackOffx1")
	if last := l.pod.Status.ContainerStatuses[0].LastTerminationState.Terminated; last.ExitCode != 128 ||
		last.Reason != "StartError" {
		t.Errorf("last state %+v", last)
	}
}

func TestRootIsForbiddenWhereThePodSaysSo(t *testing.T) {
	root, yes := int64(0), true
	p := pod(one("a"))
	p.Spec.SecurityContext = &v1.PodSecurityContext{RunAsUser: &root, RunAsNonRoot: &yes}
	l := begin(p).run(10 * time.Second)
	l.expect(t, "Pending a=CreateContainerConfigError")
	l.expectEvent(t, "Failed", "Error: container's runAsUser breaks non-root policy")
}

func TestContainersStartOneAfterAnother(t *testing.T) {
	l := begin(pod(one("a"), one("b")))
	l.behaviors["a"], l.behaviors["b"] = Behavior{PullFor: 5 * time.Second}, Behavior{PullFor: 5 * time.Second}
	l.run(3 * time.Second)
	l.expect(t, "Pending a=ContainerCreating b=ContainerCreating")
	l.run(4 * time.Second)
	l.expect(t, "Pending a=Ready b=ContainerCreating")
	l.run(5 * time.Second)
	l.expect(t, "Running a=Ready b=Ready")
}

func TestEphemeralContainerRunsBesideTheOthers(t *testing.T) {
	p := pod(one("a"))
	l := begin(p).run(10 * time.Second)
	p.Spec.EphemeralContainers = []v1.EphemeralContainer{
		{EphemeralContainerCommon: v1.EphemeralContainerCommon{Name: "debug", Image: "busybox"}},
	}
	l.run(10 * time.Second)
	l.expect(t, "Running a=Ready")
	if s := l.pod.Status.EphemeralContainerStatuses; len(s) != 1 || s[0].State.Running == nil {
		t.Errorf("ephemeral containers %+v", s)
	}
}

func TestMissingPullSecretIsReported(t *testing.T) {
	p := pod(one("a"))
	p.Spec.ImagePullSecrets = []v1.LocalObjectReference{{Name: "registry"}}
	l := begin(p).run(10 * time.Second)
	l.expectEvent(
		t, "FailedToRetrieveImagePullSecret",
		"Unable to retrieve some image pull secrets (registry); attempting to pull the image may not succeed.",
	)
	l.expect(t, "Running a=Ready")
}

func TestResizeInPlace(t *testing.T) {
	sized := func(cpu string) v1.ResourceRequirements {
		return v1.ResourceRequirements{Requests: v1.ResourceList{v1.ResourceCPU: resource.MustParse(cpu)}}
	}
	c := one("a")
	c.Resources = sized("1")
	l := begin(pod(c)).run(10 * time.Second)
	l.pod.Spec.Containers[0].Resources = sized("2")
	l.run(time.Second)
	l.expectEvent(t, "ResizeCompleted", `"cpu":"2"`)
	l.expect(t, "Running a=Ready")
	if got := l.pod.Status.ContainerStatuses[0].AllocatedResources.Cpu().String(); got != "2" {
		t.Errorf("allocated cpu %s", got)
	}
	l.pod.Spec.Containers[0].Resources = sized("9")
	l.run(time.Second)
	l.expectEvent(t, "ResizeInfeasible", "Node didn't have enough capacity: cpu, requested: 9000, capacity: 4000")
	if got := l.pod.Status.ContainerStatuses[0].AllocatedResources.Cpu().String(); got != "2" {
		t.Errorf("allocated cpu %s", got)
	}
}

func TestSecondDeletionIsInAGreaterHurry(t *testing.T) {
	l := begin(pod(one("a")))
	l.behaviors["a"] = Behavior{StopFor: time.Hour}
	l.run(10 * time.Second)
	now, grace := metav1.NewTime(l.now), int64(600)
	l.pod.DeletionTimestamp, l.pod.DeletionGracePeriodSeconds = &now, &grace
	l.run(time.Minute).expect(t, "Running a=Ready")
	shorter := int64(1)
	l.pod.DeletionGracePeriodSeconds = &shorter
	l.run(time.Second).expect(t, "Failed a=Error(137)")
}

// TestExecProbesSeeTheFilesOfTheContainer is the first example of probes in Kubernetes' documentation.
func TestExecProbesSeeTheFilesOfTheContainer(t *testing.T) {
	c := one("a")
	c.Command = []string{"/bin/sh", "-c", "touch /tmp/healthy; sleep 30; rm -f /tmp/healthy; sleep 600"}
	c.LivenessProbe = &v1.Probe{
		ProbeHandler:        v1.ProbeHandler{Exec: &v1.ExecAction{Command: []string{"cat", "/tmp/healthy"}}},
		InitialDelaySeconds: 5, PeriodSeconds: 5, FailureThreshold: 3,
	}
	l := begin(pod(c)).run(30 * time.Second)
	l.expect(t, "Running a=Ready")
	l.run(30 * time.Second)
	l.expectEvent(t, "Unhealthy", "Liveness probe failed: command failed with exit code 1")
	l.expectEvent(t, "Killing", "Container a failed liveness probe, will be restarted")
	l.run(15*time.Second).expect(t, "Running a=Readyx1")
}

func TestProbeWhoseCommandFailsNeverSucceeds(t *testing.T) {
	c := one("a")
	c.ReadinessProbe = &v1.Probe{
		ProbeHandler: v1.ProbeHandler{Exec: &v1.ExecAction{Command: []string{"/bin/false"}}}, PeriodSeconds: 5,
		FailureThreshold: 3,
	}
	begin(pod(c)).run(time.Hour).expect(t, "Running a=Running")
}

// TestLivenessOfTheExampleImage is the second example of the documentation.
func TestLivenessOfTheExampleImage(t *testing.T) {
	c := one("a")
	c.Image, c.Args = "registry.k8s.io/e2e-test-images/agnhost:2.40", []string{"liveness"}
	c.LivenessProbe = &v1.Probe{
		ProbeHandler: v1.ProbeHandler{
			HTTPGet: &v1.HTTPGetAction{Path: "/healthz", Port: intstr.FromInt32(8080)},
		},
		InitialDelaySeconds: 3, PeriodSeconds: 3, FailureThreshold: 3,
	}
	l := begin(pod(c)).run(30 * time.Second)
	l.expectEvent(t, "Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 500")
	l.expect(t, "Running a=Readyx1")
}

func TestContainerLeavesAMessage(t *testing.T) {
	for _, test := range []struct {
		script string
		policy v1.TerminationMessagePolicy
		want   string
	}{
		{"echo -n done > /dev/termination-log", v1.TerminationMessageReadFile, "done"},
		{"echo 'it is full' >/dev/termination-log; exit 1", v1.TerminationMessageReadFile, "it is full\n"},
		{"echo -n said; false", v1.TerminationMessageReadFile, ""},
		{"echo -n said; false", v1.TerminationMessageFallbackToLogsOnError, "said"},
		{"echo -n said; true", v1.TerminationMessageFallbackToLogsOnError, ""},
		{"echo -n done > /dev/termination-log; echo said; true", v1.TerminationMessageFallbackToLogsOnError, "done"},
		{"echo -n $WHY > /dev/termination-log; exit 1", v1.TerminationMessageReadFile, ""},
	} {
		c := one("a")
		c.Command = []string{"/bin/sh", "-c", test.script}
		c.TerminationMessagePath, c.TerminationMessagePolicy = "/dev/termination-log", test.policy
		p := pod(c)
		p.Spec.RestartPolicy = v1.RestartPolicyNever
		l := begin(p).run(time.Minute)
		end := l.pod.Status.ContainerStatuses[0].State.Terminated
		if end == nil || end.Message != test.want {
			t.Errorf("%s: ended with %+v, want the message %q", test.script, end, test.want)
		}
	}
}

func TestPathInAVolumeIsMadeOfVariables(t *testing.T) {
	c := one("a")
	c.Env = []v1.EnvVar{
		{
			Name: "WHERE",
			ValueFrom: &v1.EnvVarSource{
				FieldRef: &v1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.annotations['where']"},
			},
		},
		{Name: "INSIDE", Value: "$(WHERE)/of"},
	}
	c.VolumeMounts = []v1.VolumeMount{{Name: "data", MountPath: "/data", SubPathExpr: "$(WHERE)"}}
	l := begin(pod(c)).run(5 * time.Second)
	l.expect(t, "Pending a=CreateContainerConfigError")
	l.expectEvent(t, "Failed", "Error: missing value for WHERE")
	for value, want := range map[string]string{
		"/etc": "Error: error SubPath `/etc` must not be an absolute path",
		"..":   "Error: unable to provision SubPath `..`: must not contain '..'",
	} {
		l.pod.Annotations = map[string]string{"where": value}
		l.run(15 * time.Second)
		l.expectEvent(t, "Failed", want)
	}
	l.pod.Annotations["where"] = "part"
	l.run(15*time.Second).expect(t, "Running a=Ready")
}

func TestPodWithInitContainersInitializesUntilItRuns(t *testing.T) {
	p := pod(one("a"))
	p.Spec.InitContainers = []v1.Container{one("i")}
	l := begin(p)
	for range 3 {
		l.run(time.Second)
		if s := l.pod.Status; s.InitContainerStatuses[0].State.Running == nil {
			l.expect(t, "Pending i=PodInitializing a=PodInitializing")
		}
	}
	l.run(30*time.Second).expect(t, "Running i=Completed(0) a=Ready")
}
