package simulate

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/seatrial/seatrial/internal/plan"
)

const (
	imageDocs = "https://kubernetes.io/docs/concepts/containers/images/"
	debugDocs = "https://kubernetes.io/docs/tasks/debug/debug-application/debug-pods/"
)

var containerTraps = []Trap{
	{
		Name:     "key-missing",
		Cause:    "A ConfigMap or Secret exists, and does not have the key that a container reads.",
		Evidence: "the kubelet does not find the key",
		WaysOut:  []string{"add the key", "set optional: true where the container can do without"},
		Report:   "https://kubernetes.io/docs/tasks/configure-pod-container/configure-pod-configmap/",
		kinds:    []string{plan.Config, plan.Mount}, explain: keyMissing,
	},
	{
		Name:     "configuration-missing",
		Cause:    "A ConfigMap or Secret that a container reads does not exist.",
		Evidence: "the kubelet does not find the object",
		WaysOut: []string{
			"add it to the manifests", "declare it with --external KIND/NAMESPACE/NAME if somebody else creates it",
		},
		Report: "https://kubernetes.io/docs/concepts/configuration/secret/#restriction-secret-must-exist",
		kinds:  []string{plan.Config, plan.Mount}, explain: configurationMissing,
	},
	{
		Name:     "runs-as-root",
		Cause:    "The pod asks for runAsNonRoot, and the container runs as user 0.",
		Evidence: "the kubelet refuses to start the container",
		WaysOut:  []string{"set runAsUser to another number than 0", "use an image whose user is not root"},
		Report:   "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/",
		kinds:    []string{plan.Config}, explain: runsAsRoot,
	},
	{
		Name:     "image-name-invalid",
		Cause:    "The name of the image is not one that a registry can have.",
		Evidence: "InvalidImageName",
		WaysOut:  []string{"write the repository in lower case, then : and a tag or @ and a digest"},
		Report:   imageDocs + "#image-names",
		kinds:    []string{plan.Image}, explain: imageNameInvalid,
	},
	{
		Name:     "image-never-pulled",
		Cause:    "imagePullPolicy is Never, and the node does not have the image.",
		Evidence: "ErrImageNeverPull",
		WaysOut:  []string{"set imagePullPolicy: IfNotPresent", "load the image on the nodes"},
		Report:   imageDocs + "#image-pull-policy",
		kinds:    []string{plan.Image}, explain: imageNeverPulled,
	},
	{
		Name:     "image-denied",
		Cause:    "The registry wants credentials that the pod does not bring, or refuses them.",
		Evidence: "the registry answers unauthorized, denied or forbidden; imagePullSecrets of the pod",
		WaysOut: []string{
			"name a Secret of type kubernetes.io/dockerconfigjson in imagePullSecrets, or in those of the service account",
		},
		Report: "https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/",
		kinds:  []string{plan.Image}, explain: imageDenied,
	},
	{
		Name:     "image-missing",
		Cause:    "The registry does not have the image, or not this tag.",
		Evidence: "the registry answers not found",
		WaysOut: []string{
			"correct the tag, or push the image first", "`kubectl rollout undo` brings the old template back",
		},
		Report: "https://github.com/kubernetes/kubernetes/issues/60164",
		kinds:  []string{plan.Image}, explain: imageMissing,
	},
	{
		Name:     "init-container-fails",
		Cause:    "An init container fails, so that the containers of the pod do not start.",
		Evidence: "exit code and restarts of an init container",
		WaysOut:  []string{"`kubectl logs POD -c CONTAINER --previous` has its output"},
		Report:   "https://kubernetes.io/docs/tasks/debug/debug-application/debug-init-containers/",
		kinds:    []string{plan.Crash}, explain: initContainerFails,
	},
	{
		Name:     "memory-limit",
		Cause:    "A container uses more memory than its limit, and is killed.",
		Evidence: "OOMKilled in the last state of the container; its limit, and what it uses according to the scenario",
		WaysOut:  []string{"raise the memory limit", "let the container use less"},
		Report:   "https://github.com/kubernetes/kubernetes/issues/24276",
		kinds:    []string{plan.Crash}, explain: memoryLimit,
	},
	{
		Name:     "ports-collide",
		Cause:    "Two containers of the pod listen on one port. They share the network, so that the second fails.",
		Evidence: "a container that exits beside another one with the same containerPort",
		WaysOut:  []string{"let one of them listen on another port"},
		Report:   "https://github.com/kubernetes/kubernetes/issues/36348",
		kinds:    []string{plan.Crash}, explain: portsCollide,
	},
	{
		Name:     "command-not-found",
		Cause:    "The command of the container does not exist in its image, or may not be run.",
		Evidence: "exit code 127 or 126",
		WaysOut:  []string{"correct command and args", "use an image that has the program"},
		Report:   debugDocs,
		kinds:    []string{plan.Crash}, explain: commandNotFound,
	},
	{
		Name: "container-ends",
		Cause: "The command of the container comes to its end with code 0. Pods of such a workload are to run for ever, so that it is " +
			"restarted, and each time later.",
		Evidence: "exit code 0 in the last state of a container that is restarted",
		WaysOut:  []string{"use a Job or a CronJob", "run a command that does not end"},
		Report:   "https://github.com/kubernetes/kubernetes/issues/53125",
		kinds:    []string{plan.Crash}, explain: containerEnds,
	},
	{
		Name:     "container-fails",
		Cause:    "The container exits with an error soon after its start, again and again.",
		Evidence: "exit code and restarts of the container",
		WaysOut: []string{
			"`kubectl logs POD -c CONTAINER --previous` has its output",
			"`kubectl rollout undo` brings the old template back",
		},
		Report: debugDocs,
		kinds:  []string{plan.Crash}, explain: containerFails,
	},
	{
		Name:     "init-container-runs-on",
		Cause:    "An init container does not end, so that the containers of the pod do not start.",
		Evidence: "an init container that is running when nothing moves any more",
		WaysOut:  []string{"let it end when what it waits for exists", "make it a sidecar: restartPolicy: Always"},
		Report:   "https://kubernetes.io/docs/concepts/workloads/pods/init-containers/",
		kinds:    []string{plan.Waiting}, explain: initContainerRunsOn,
	},
	{
		Name:     "sidecar-keeps-job",
		Cause:    "A container beside the one that does the work runs on, so that the pod of a Job never completes.",
		Evidence: "in a pod of a Job one container has ended with code 0, another one runs",
		WaysOut: []string{
			"make it a sidecar: an init container with restartPolicy: Always", "let it end when the work is done",
		},
		Report: "https://github.com/kubernetes/kubernetes/issues/73118",
		kinds:  []string{plan.Waiting}, explain: sidecarKeepsJob,
	},
	{
		Name:     "not-probed",
		Cause:    "Containers have no readiness probe: a rollout replaces all pods although the new ones may not serve.",
		Evidence: "pods of a rollout that are ready when their containers have started",
		WaysOut:  []string{"add a readinessProbe"},
		Report:   "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
		Rule:     RiskNotProbed,
	},
}

var missingKey = regexp.MustCompile(`couldn't find key (\S+) in (ConfigMap|Secret) (\S+)`)

var missingItem = regexp.MustCompile(`references non-existent (?:config|secret) key: (\S+)`)

func keyMissing(d *diagnosis) bool {
	if m := missingKey.FindStringSubmatch(d.problem.Message); m != nil {
		d.seen("%s exists, without key %s", m[2], m[1])
		return d.because("%s %s has no key %s", m[2], m[3], m[1])
	}
	if m := missingItem.FindStringSubmatch(d.problem.Message); m != nil {
		d.seen("a volume of %s names the key", d.problem.Object.Name)
		return d.because("a volume refers to key %s, which its object does not have", m[1])
	}
	return false
}

var missingObject = regexp.MustCompile(`(?i)(secret|configmap) "([^"]+)" not found`)

func configurationMissing(d *diagnosis) bool {
	m := missingObject.FindStringSubmatch(d.problem.Message)
	if m == nil {
		return false
	}
	kind := map[string]string{"secret": "Secret", "configmap": "ConfigMap"}[strings.ToLower(m[1])]
	namespace := d.problem.Object.Namespace
	d.name("KIND", kind)
	d.name("NAMESPACE", namespace)
	d.name("NAME", m[2])
	d.seen("%s waits for it", d.problem.Object.Name)
	return d.because("%s %s/%s does not exist", kind, namespace, m[2])
}

func runsAsRoot(d *diagnosis) bool {
	if !strings.Contains(d.problem.Message, "non-root policy") && !strings.Contains(d.problem.Message, "run as root") {
		return false
	}
	d.seen("the kubelet refuses to start the container")
	return d.because("runAsNonRoot, and the container would run as user 0")
}

// waiting returns the container of an unready pod that waits for a reason, with its state.
func (d *diagnosis) waitingFor(reasons ...string) (*podTrack, *corev1.ContainerStatus) {
	for _, t := range d.pods() {
		for i := range t.pod.Status.ContainerStatuses {
			s := &t.pod.Status.ContainerStatuses[i]
			if s.State.Waiting != nil && slices.Contains(reasons, s.State.Waiting.Reason) {
				return t, s
			}
		}
		for i := range t.pod.Status.InitContainerStatuses {
			s := &t.pod.Status.InitContainerStatuses[i]
			if s.State.Waiting != nil && slices.Contains(reasons, s.State.Waiting.Reason) {
				return t, s
			}
		}
	}
	return nil, nil
}

func imageNameInvalid(d *diagnosis) bool {
	t, s := d.waitingFor("InvalidImageName")
	if t == nil {
		return false
	}
	d.seen("%s: InvalidImageName", t.life.Object.Name)
	return d.because("%q is not a name that an image can have (container %s)", imageOf(t.pod, s.Name), s.Name)
}

// imageOf returns the image of a container.
func imageOf(pod *corev1.Pod, name string) string {
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		if c.Name == name {
			return c.Image
		}
	}
	return ""
}

func imageNeverPulled(d *diagnosis) bool {
	t, s := d.waitingFor("ErrImageNeverPull")
	if t == nil {
		return false
	}
	d.seen("%s is on %s, which does not have the image", t.life.Object.Name, t.life.Node)
	return d.because("imagePullPolicy Never, and node %s does not have image %s", t.life.Node, imageOf(t.pod, s.Name))
}

var denied = regexp.MustCompile(`(?i)unauthorized|denied|forbidden|authentication required|no basic auth`)

func imageDenied(d *diagnosis) bool {
	t, s := d.waitingFor("ErrImagePull", "ImagePullBackOff")
	if t == nil || !denied.MatchString(d.problem.Message) {
		return false
	}
	secrets := "no imagePullSecrets"
	if n := len(t.pod.Spec.ImagePullSecrets); n > 0 {
		secrets = plural(n, "imagePullSecret")
	}
	d.seen("%s has %s", t.life.Object.Name, secrets)
	return d.because("the registry refuses image %s: %s", imageOf(t.pod, s.Name), lastPart(d.problem.Message))
}

// lastPart returns what follows the name of the image in the answer of a registry.
func lastPart(message string) string {
	if _, after, ok := strings.Cut(message, `": `); ok {
		return strings.TrimSuffix(after, ".")
	}
	return message
}

func imageMissing(d *diagnosis) bool {
	t, s := d.waitingFor("ErrImagePull", "ImagePullBackOff")
	if t == nil || !strings.Contains(d.problem.Message, "not found") {
		return false
	}
	if old := len(d.old()); old > 0 {
		d.seen("%s of the old template %s", plural(old, "pod"), runs(old))
	}
	return d.because("the registry does not have image %s (container %s)", imageOf(t.pod, s.Name), s.Name)
}

// crashed returns a container that is restarted again and again, with its last end.
func (d *diagnosis) crashed() (t *podTrack, c *corev1.Container, end *corev1.ContainerStateTerminated, restarts int32) {
	for _, t := range d.pods() {
		for i := range t.pod.Spec.Containers {
			c := &t.pod.Spec.Containers[i]
			for _, s := range t.pod.Status.ContainerStatuses {
				if s.Name == c.Name && s.LastTerminationState.Terminated != nil && s.RestartCount > 0 {
					return t, c, s.LastTerminationState.Terminated, s.RestartCount
				}
			}
		}
	}
	return nil, nil, nil, 0
}

func initContainerFails(d *diagnosis) bool {
	for _, t := range d.pods() {
		for _, s := range t.pod.Status.InitContainerStatuses {
			if s.LastTerminationState.Terminated == nil || s.RestartCount == 0 || s.Ready {
				continue
			}
			d.name("POD", t.life.Object.Name)
			d.name("CONTAINER", s.Name)
			d.seen("%s restarts", fmt.Sprint(s.RestartCount))
			return d.because(
				"init container %s exits with code %d, again and again", s.Name,
				s.LastTerminationState.Terminated.ExitCode,
			)
		}
	}
	return false
}

func memoryLimit(d *diagnosis) bool {
	t, c, end, restarts := d.crashed()
	if t == nil || end.Reason != "OOMKilled" {
		return false
	}
	uses := ""
	if b := d.behaviors.behavior(t.pod, c); b.Memory > 0 {
		uses = fmt.Sprintf(" and uses %s", memoryText(b.Memory))
	}
	d.seen("OOMKilled, %d restarts", restarts)
	return d.because(
		"container %s is killed for its memory: it has a limit of %s%s", c.Name, c.Resources.Limits.Memory(), uses,
	)
}

func portsCollide(d *diagnosis) bool {
	t, c, end, restarts := d.crashed()
	if t == nil || end.ExitCode == 0 {
		return false
	}
	for i := range t.pod.Spec.Containers {
		other := &t.pod.Spec.Containers[i]
		if other.Name == c.Name {
			continue
		}
		for _, a := range c.Ports {
			for _, b := range other.Ports {
				if a.ContainerPort == b.ContainerPort && a.Protocol == b.Protocol {
					d.seen("container %s exits with code %d, %d restarts", c.Name, end.ExitCode, restarts)
					return d.because(
						"containers %s and %s listen on port %d: the second fails", other.Name, c.Name, a.ContainerPort,
					)
				}
			}
		}
	}
	return false
}

func commandNotFound(d *diagnosis) bool {
	t, c, end, restarts := d.crashed()
	if t == nil || end.ExitCode != 127 && end.ExitCode != 126 {
		return false
	}
	what := map[int32]string{127: "does not exist in its image", 126: "may not be run"}[end.ExitCode]
	d.seen("exit code %d, %d restarts", end.ExitCode, restarts)
	return d.because("the command of container %s %s (exit code %d)", c.Name, what, end.ExitCode)
}

func containerEnds(d *diagnosis) bool {
	t, c, end, restarts := d.crashed()
	if t == nil || end.ExitCode != 0 || t.pod.Spec.RestartPolicy != corev1.RestartPolicyAlways ||
		d.eventsOf("Killing", "liveness probe") > 0 {
		return false
	}
	d.seen("exit code 0, %d restarts", restarts)
	return d.because("the command of container %s ends with code 0, and the pod is to run for ever", c.Name)
}

func containerFails(d *diagnosis) bool {
	t, c, end, restarts := d.crashed()
	if t == nil || end.ExitCode == 0 || d.eventsOf("Killing", "liveness probe") > 0 {
		return false
	}
	d.name("POD", t.life.Object.Name)
	d.name("CONTAINER", c.Name)
	if old := len(d.old()); old > 0 {
		d.seen("%s of the old template %s", plural(old, "pod"), runs(old))
	}
	d.seen("%d restarts", restarts)
	lived := end.FinishedAt.Sub(end.StartedAt.Time)
	return d.because("container %s exits with code %d %v after its start, again and again", c.Name, end.ExitCode, lived)
}

func initContainerRunsOn(d *diagnosis) bool {
	t := d.unready()
	if t == nil {
		return false
	}
	for i := range t.pod.Spec.InitContainers {
		c := &t.pod.Spec.InitContainers[i]
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			continue
		}
		for _, s := range t.pod.Status.InitContainerStatuses {
			if s.Name == c.Name && s.State.Running != nil {
				d.seen("%s is %s", t.life.Object.Name, t.line.Status)
				return d.because("init container %s does not end, and the containers of the pod wait for it", c.Name)
			}
		}
	}
	return false
}

func sidecarKeepsJob(d *diagnosis) bool {
	if d.w == nil {
		return false
	}
	switch d.w.current.(type) {
	case *batchv1.Job, *batchv1.CronJob:
	default:
		return false
	}
	for _, t := range d.pods() {
		ended, running := "", ""
		for _, s := range t.pod.Status.ContainerStatuses {
			switch {
			case s.State.Terminated != nil && s.State.Terminated.ExitCode == 0:
				ended = s.Name
			case s.State.Running != nil:
				running = s.Name
			}
		}
		if ended != "" && running != "" {
			d.seen("%s is %s", t.life.Object.Name, t.line.Ready)
			return d.because(
				"container %s has done its work, and container %s runs on: the pod never completes", ended, running,
			)
		}
	}
	return false
}
