package kubelet

import (
	"encoding/pem"
	"strings"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// waits returns a pod whose init container waits for a database, with what its script reads.
func waits(script string) *v1.Pod {
	p := pod(one("a"))
	p.Spec.InitContainers = []v1.Container{{
		Name: "wait", Image: "busybox", Command: []string{"sh", "-c", script},
		Env: []v1.EnvVar{
			{Name: "DB", ValueFrom: &v1.EnvVarSource{ConfigMapKeyRef: &v1.ConfigMapKeySelector{
				LocalObjectReference: v1.LocalObjectReference{Name: "settings"}, Key: "db",
			}}},
		},
		VolumeMounts: []v1.VolumeMount{{Name: "settings", MountPath: "/etc/settings"}},
	}}
	p.Spec.Volumes = []v1.Volume{{Name: "settings", VolumeSource: v1.VolumeSource{ConfigMap: &v1.ConfigMapVolumeSource{
		LocalObjectReference: v1.LocalObjectReference{Name: "settings"},
	}}}}
	return p
}

func TestScriptsWaitForServices(t *testing.T) {
	for _, script := range []string{
		"until nc -z db 5432; do sleep 2; done",
		"until nc -z $DB 5432; do echo waiting; sleep 2; done; echo done",
		"while ! pg_isready -h $(cat /etc/settings/db); do sleep 2; done",
		"for i in $(seq 1 100); do nc -z db 5432 && exit 0; sleep 2; done; exit 1",
	} {
		l := begin(waits(script))
		l.configMaps["settings"] = &v1.ConfigMap{Data: map[string]string{"db": "db"}}
		l.answers = map[string]bool{"db:5432": false}
		l.run(2 * time.Minute)
		l.expect(t, "Pending wait=Running a=PodInitializing")
		l.answers["db:5432"] = true
		l.run(30 * time.Second)
		l.expect(t, "Running wait=Completed(0) a=Ready")
	}
}

func TestScriptsGiveUp(t *testing.T) {
	l := begin(waits("for i in $(seq 1 3); do nc -z db 5432 && exit 0; sleep 2; done; exit 7"))
	l.configMaps["settings"] = &v1.ConfigMap{}
	l.pod.Spec.InitContainers[0].Env = nil
	l.pod.Spec.RestartPolicy = v1.RestartPolicyNever
	l.run(time.Minute)
	if l.pod.Status.Phase != v1.PodFailed || !strings.Contains(l.summary(), "wait=Error(7)") {
		t.Errorf("got %s", l.summary())
	}
}

// TestServicesThatNothingDefinesMayBeAssumed lets a script go on whose Service does not exist.
func TestServicesThatNothingDefinesMayBeAssumed(t *testing.T) {
	l := begin(waits("until nslookup db; do sleep 2; done"))
	l.configMaps["settings"] = &v1.ConfigMap{}
	l.pod.Spec.InitContainers[0].Env = nil
	b := DefaultBehavior(l.pod, &l.pod.Spec.InitContainers[0])
	b.AssumeServices = true
	l.behaviors["wait"] = b
	l.run(time.Minute)
	l.expect(t, "Running wait=Completed(0) a=Ready")
	if hosts := AskedHosts(l.pod, &l.pod.Spec.InitContainers[0]); len(hosts) != 1 || hosts[0] != "db" {
		t.Errorf("asks for %q", hosts)
	}
}

// TestArgumentsMayBeTheCommand follows the example of probes in Kubernetes' documentation.
func TestArgumentsMayBeTheCommand(t *testing.T) {
	c := one("a")
	c.Args = []string{"/bin/sh", "-c", "touch /tmp/healthy; sleep 30; rm -f /tmp/healthy; sleep 600"}
	c.LivenessProbe = &v1.Probe{InitialDelaySeconds: 5, PeriodSeconds: 5, FailureThreshold: 3,
		ProbeHandler: v1.ProbeHandler{
			Exec: &v1.ExecAction{Command: []string{"cat", "/tmp/healthy"}},
		}}
	l := begin(pod(c)).run(30 * time.Second)
	if at := l.seconds("Unhealthy"); at != "" {
		t.Errorf("unhealthy at %s", at)
	}
	l.run(30 * time.Second)
	l.expectEvent(t, "Unhealthy", "Liveness probe failed: command failed with exit code 1")
}

func TestEndlessWorkNeverEnds(t *testing.T) {
	for script, want := range map[string]time.Duration{
		"while true; do sleep 10; done":          0,
		"while true; do work && exit; done":      time.Second,
		"tail -f /dev/null":                      0,
		"while true; do work; sleep 10; done":    defaultWork,
		"for i in 1 2 3; do sleep 1; done":       3 * time.Second,
		"[ -f /data/ready ] || exit 1; sleep 10": 10 * time.Second,
	} {
		c := v1.Container{Name: "c", Image: "busybox", Command: []string{"sh", "-c", script}}
		p := &v1.Pod{Spec: v1.PodSpec{RestartPolicy: v1.RestartPolicyNever, Containers: []v1.Container{c}}}
		if got := DefaultBehavior(p, &c).RunFor; got != want {
			t.Errorf("%s: ends after %v, want %v", script, got, want)
		}
	}
}

// TestServersThatAreNotKnownRunOn keeps containers that are to run from ending since nobody knows their programs.
func TestServersThatAreNotKnownRunOn(t *testing.T) {
	for script, assumed := range map[string]bool{
		"serve":                      false,
		"echo up; exec serve":        false,
		"serve && echo done":         true,
		"serve; echo done":           true,
		"while true; do serve; done": true,
		"if ready; then serve; fi":   true,
		"until nc -z localhost 80; do :; done; exec serve": false,
	} {
		c := v1.Container{Name: "c", Image: "busybox", Command: []string{"sh", "-c", script}}
		p := &v1.Pod{Spec: v1.PodSpec{RestartPolicy: v1.RestartPolicyAlways, Containers: []v1.Container{c}}}
		if b := DefaultBehavior(p, &c); b.RunFor != 0 || b.Assumed != assumed {
			t.Errorf("%s: ends after %v, assumed %v", script, b.RunFor, b.Assumed)
		}
	}
}

func TestProbesOfPortsThatHaveNoName(t *testing.T) {
	port := intstr.FromString("http")
	for _, handler := range []v1.ProbeHandler{
		{HTTPGet: &v1.HTTPGetAction{Port: port}}, {TCPSocket: &v1.TCPSocketAction{Port: port}},
	} {
		c := one("a")
		c.ReadinessProbe = &v1.Probe{PeriodSeconds: 5, FailureThreshold: 1, ProbeHandler: handler}
		l := begin(pod(c)).run(time.Minute)
		l.expect(t, "Running a=Running")
		l.expectEvent(t, "Unhealthy", `Readiness probe errored and resulted in unknown state: port "http" not found`)

		c.Ports = []v1.ContainerPort{{Name: "http", ContainerPort: 8080}}
		begin(pod(c)).run(time.Minute).expect(t, "Running a=Ready")
	}
	c := one("a")
	c.Lifecycle = &v1.Lifecycle{PostStart: &v1.LifecycleHandler{HTTPGet: &v1.HTTPGetAction{Port: port}}}
	begin(pod(c)).run(time.Minute).expectEvent(t, "FailedPostStartHook", "PostStartHook failed")
}

// TestMountedFiles reads what the kubelet mounts.
func TestMountedFiles(t *testing.T) {
	c := one("a")
	c.Resources.Limits = v1.ResourceList{}
	for name, at := range map[string]string{
		"config": "/etc/config", "secret": "/etc/secret", "api": "/etc/api", "disk": "/data",
	} {
		c.VolumeMounts = append(c.VolumeMounts, v1.VolumeMount{Name: name, MountPath: at})
	}
	for _, file := range []string{"/etc/app.conf", "/etc/hostname"} { // the kubelet's own give way
		c.VolumeMounts = append(c.VolumeMounts, v1.VolumeMount{Name: "config", MountPath: file, SubPath: "app"})
	}
	p := pod(c)
	p.Labels = map[string]string{"app": "web"}
	p.Spec.HostAliases = []v1.HostAlias{{IP: "10.1.2.3", Hostnames: []string{"old", "older"}}}
	ref := v1.LocalObjectReference{Name: "x"}
	field := &v1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.labels['app']"}
	p.Spec.Volumes = []v1.Volume{
		{
			Name:         "config",
			VolumeSource: v1.VolumeSource{ConfigMap: &v1.ConfigMapVolumeSource{LocalObjectReference: ref}},
		},
		{Name: "secret", VolumeSource: v1.VolumeSource{Secret: &v1.SecretVolumeSource{
			SecretName: "x", Items: []v1.KeyToPath{{Key: "key", Path: "deep/file"}},
		}}},
		{Name: "api", VolumeSource: v1.VolumeSource{Projected: &v1.ProjectedVolumeSource{Sources: []v1.VolumeProjection{
			{
				DownwardAPI: &v1.DownwardAPIProjection{
					Items: []v1.DownwardAPIVolumeFile{{Path: "label", FieldRef: field}},
				},
			},
		}}}},
		{Name: "disk", VolumeSource: v1.VolumeSource{EmptyDir: &v1.EmptyDirVolumeSource{}}},
	}
	l := begin(p)
	meta := metav1.ObjectMeta{Name: "x"}
	l.configMaps["x"] = &v1.ConfigMap{ObjectMeta: meta, Data: map[string]string{"app": "a=1\n", "b": ""}}
	l.secrets["x"] = &v1.Secret{ObjectMeta: meta, Data: map[string][]byte{"key": []byte("value"), "other": nil}}
	l.run(time.Minute)
	m := &machine{now: l.now, pod: l.pod, state: l.state, env: l.place}
	for name, want := range map[string]string{
		"/etc/config":           "[app b]",
		"/etc/config/app":       "a=1\n",
		"/etc/config/none":      "missing",
		"/etc/app.conf":         "a=1\n",
		"/etc/secret":           "[deep]",
		"/etc/secret/deep/file": "value",
		"/etc/secret/other":     "missing",
		"/etc/api/label":        "web",
		"/data/x":               "unknown",
		"/usr/bin/env":          "unknown",
		"/etc/hostname":         "a=1\n",
		"/etc/resolv.conf":      "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n",
	} {
		got := "unknown"
		switch f := m.mounted(&l.pod.Spec.Containers[0], name); {
		case f.Known && !f.Exists:
			got = "missing"
		case f.Names != nil:
			got = "[" + strings.Join(f.Names, " ") + "]"
		case f.Known:
			got = f.Text
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if hosts := m.hosts(); !strings.Contains(hosts, "\n10.244.1.2\tweb\n") ||
		!strings.HasSuffix(hosts, "\n10.1.2.3\told\tolder\n") {
		t.Errorf("hosts: %q", hosts)
	}
}

// A file of trust bundles has the certificates of all that are selected, each once, and nothing else of them.
func TestTrustBundlesAreMountedAsOneFile(t *testing.T) {
	certificate := func(der string) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte(der)}))
	}
	bundle := func(name, signer, text string) *certificatesv1.ClusterTrustBundle {
		return &certificatesv1.ClusterTrustBundle{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec:       certificatesv1.ClusterTrustBundleSpec{SignerName: signer, TrustBundle: text},
		}
	}
	signer, name, none, optional := "example.com/roots", "own", "none", true
	p := pod(one("a"))
	p.Spec.Containers[0].VolumeMounts = []v1.VolumeMount{{Name: "trust", MountPath: "/trust"}}
	source := func(from v1.ClusterTrustBundleProjection) v1.VolumeProjection {
		return v1.VolumeProjection{ClusterTrustBundle: &from}
	}
	p.Spec.Volumes = []v1.Volume{{Name: "trust", VolumeSource: v1.VolumeSource{
		Projected: &v1.ProjectedVolumeSource{Sources: []v1.VolumeProjection{
			source(v1.ClusterTrustBundleProjection{
				SignerName: &signer, LabelSelector: &metav1.LabelSelector{}, Path: "signer.pem",
			}),
			source(v1.ClusterTrustBundleProjection{Name: &name, Path: "own.pem"}),
			source(v1.ClusterTrustBundleProjection{Name: &none, Path: "none.pem", Optional: &optional}),
		}},
	}}}
	l := begin(p)
	l.bundles = []*certificatesv1.ClusterTrustBundle{
		bundle("b", signer, "a comment\n"+certificate("two")+certificate("one")),
		bundle("c", signer, certificate("one")),
		bundle("other", "example.com/other", certificate("three")),
		bundle(name, "", certificate("four")),
	}
	l.run(time.Minute)
	l.expect(t, "Running a=Ready")
	m := &machine{now: l.now, pod: l.pod, state: l.state, env: l.place}
	for file, want := range map[string]string{
		"signer.pem": certificate("one") + certificate("two"), "own.pem": certificate("four"), "none.pem": "",
	} {
		f := m.mounted(&l.pod.Spec.Containers[0], "/trust/"+file)
		if !f.Known || !f.Exists || f.Text != want || f.System != tmpfs {
			t.Errorf("%s: %+v, want %q", file, f, want)
		}
	}
}

func TestParametersOfTheKernelAreThoseOfThePod(t *testing.T) {
	p := pod(one("a"))
	if got := kernelParameter(p, "kernel.shm_rmid_forced"); got != "" {
		t.Errorf("a pod without them sets %q", got)
	}
	p.Spec.SecurityContext = &v1.PodSecurityContext{Sysctls: []v1.Sysctl{{Name: "kernel.shm_rmid_forced", Value: "1"}}}
	for name, want := range map[string]string{
		"kernel.shm_rmid_forced": "1", "kernel/shm_rmid_forced": "1", "kernel.msgmax": "",
	} {
		if got := kernelParameter(p, name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// The kubelet makes the folders by which containers mount a part of a volume: other containers find them.
func TestFoldersOfSubPathsExist(t *testing.T) {
	part, whole := one("a"), one("b")
	part.VolumeMounts = []v1.VolumeMount{{Name: "disk", MountPath: "/logs", SubPath: "one/two"}}
	whole.VolumeMounts = []v1.VolumeMount{{Name: "disk", MountPath: "/all"}}
	part.Command, whole.Command = []string{"sleep", "1h"}, []string{"sleep", "1h"}
	p := pod(part, whole)
	p.Spec.Volumes = []v1.Volume{
		{Name: "disk", VolumeSource: v1.VolumeSource{EmptyDir: &v1.EmptyDirVolumeSource{}}},
	}
	l := begin(p).run(time.Minute)
	l.expect(t, "Running a=Ready b=Ready")
	m := &machine{now: l.now, pod: l.pod, state: l.state, env: l.place}
	c := &l.pod.Spec.Containers[1]
	w := &execWorld{containerWorld: containerWorld{podWorld{l.pod, c}, m, l.state.Containers["b"], nil, false}}
	for name, exists := range map[string]bool{
		"/all": true, "/all/one": true, "/all/one/two": true, "/all/two": false, "/all/one/tw": false,
	} {
		if f := w.File(name); !f.Known || f.Exists != exists || exists && !f.Mode.IsDir() {
			t.Errorf("%s: %+v", name, f)
		}
	}
}
