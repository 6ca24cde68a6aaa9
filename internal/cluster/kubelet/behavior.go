package kubelet

import (
	"crypto/sha256"
	"fmt"
	"hash/fnv"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/distribution/reference"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/seatrial/seatrial/internal/cluster/shell"
)

// Behavior is what a container does, as far as others can observe it. The zero value runs for ever and is ready at
// once.
type Behavior struct {
	PullFor   time.Duration // how long its image takes to pull
	PullError string        // what the registry answers, if the image cannot be pulled
	ImageSize int64         // bytes

	StartError string        // why the runtime cannot start it, such as a command that is not in the image
	RunFor     time.Duration // until it exits by itself; 0: never
	Runs       int           // how many of its runs do so, before one that goes on; 0: all
	ExitCode   int32
	ExitReason string        // such as OOMKilled; empty: Completed or Error
	ReadyAfter time.Duration // from its start until probes succeed
	HealthyFor time.Duration // from its start until /healthz answers with an error; 0: never
	StopFor    time.Duration // from the signal to its exit; longer than the grace period: it is killed

	PostStartFor, PreStopFor   time.Duration // how long its hooks take
	FailPostStart, FailPreStop bool

	FailStartup, FailReadiness, FailLiveness bool // what its probes find

	CPU     int64 // that it uses, in thousandths; 0: a fifth of its request, or a little
	Memory  int64 // bytes; above its limit it is killed
	Storage int64 // bytes on the disk of the node; above its limit the pod is evicted

	SandboxError string

	Files  []FileChange // that come and go while it runs, in order
	Output string       // that it has printed when it ends

	// Assumed says that what its script does depends on what is not known: it succeeds if it is to end, and runs on
	// otherwise. Unknown are the programs of the script that are not known.
	Assumed bool
	Unknown []string

	// Follows says that its script asks for what only the cluster knows: it is followed while it runs.
	Follows        bool
	AssumeServices bool          // Services that do not exist answer its script
	work           time.Duration // until it exits, if its script does not say
}

// Annotations of a pod that set the behavior of its containers. Followed by a dot and the name of a container, such as
// seatrial/exit-code.web, they apply to that container alone.
const (
	annotationPullError    = "seatrial/pull-error"
	annotationPullFor      = "seatrial/pull-for"
	annotationStartError   = "seatrial/start-error"
	annotationRunFor       = "seatrial/run-for"
	annotationExitCode     = "seatrial/exit-code"
	annotationExitReason   = "seatrial/exit-reason"
	annotationReadyAfter   = "seatrial/ready-after"
	annotationStopFor      = "seatrial/stop-for"
	annotationFailProbes   = "seatrial/fail-probes" // startup, readiness, liveness, comma separated
	annotationFailHooks    = "seatrial/fail-hooks"  // post-start, pre-stop, comma separated
	annotationUseCPU       = "seatrial/use-cpu"
	annotationUseMemory    = "seatrial/use-memory"
	annotationUseStorage   = "seatrial/use-storage"
	annotationSandboxError = "seatrial/sandbox-error"
)

// Defaults: an image takes 1 to 3 seconds to pull, by its name; a container stops within a second of the signal; a
// container of a Job runs for 5 seconds.
const (
	defaultStop = time.Second
	defaultWork = 5 * time.Second
)

// missingTag is a tag that no image has, by convention of this simulation.
const missingTag = "does-not-exist"

// DefaultBehavior returns the behavior that the annotations, the command and the image of a container describe.
func DefaultBehavior(pod *v1.Pod, c *v1.Container) Behavior {
	s := Behavior{StopFor: defaultStop}
	s.PullFor, s.ImageSize = imageFacts(c.Image)
	if strings.HasSuffix(c.Image, ":"+missingTag) {
		s.PullError = NotFound(c.Image)
	}
	if !isSidecar(c) && !isEphemeral(pod, c) && (pod.Spec.RestartPolicy != v1.RestartPolicyAlways || isInit(pod, c)) {
		s.RunFor = defaultWork
	}
	followCommand(&s, pod, c)
	followImage(&s, c)
	followHooks(&s, c)
	followAnnotations(&s, pod, c)
	return s
}

func isInit(pod *v1.Pod, c *v1.Container) bool {
	return slices.ContainsFunc(pod.Spec.InitContainers, func(i v1.Container) bool { return i.Name == c.Name })
}

func isEphemeral(pod *v1.Pod, c *v1.Container) bool {
	return slices.ContainsFunc(pod.Spec.EphemeralContainers, func(e v1.EphemeralContainer) bool {
		return e.Name == c.Name
	})
}

func isSidecar(c *v1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == v1.ContainerRestartPolicyAlways
}

func imageFacts(image string) (pull time.Duration, size int64) {
	h := fnv.New32a()
	h.Write([]byte(image))
	n := h.Sum32()
	return time.Second + time.Duration(n%2000)*time.Millisecond, 20<<20 + int64(n%(180<<20))
}

// NotFound returns the error of a registry that does not have an image.
func NotFound(image string) string {
	full := image
	if named, err := reference.ParseNormalizedNamed(image); err == nil {
		full = reference.TagNameOnly(named).String()
	}
	return fmt.Sprintf(
		"rpc error: code = NotFound desc = failed to pull and unpack image %q: failed to resolve reference %q: %s: not found",
		full, full, full,
	)
}

// followCommand sets what the command of the container does.
func followCommand(s *Behavior, pod *v1.Pod, c *v1.Container) {
	done := understand(pod, c)
	s.work, s.Follows = s.RunFor, done.Waits || done.Reads
	s.follow(done)
}

// follow sets what a command does.
func (s *Behavior) follow(done shell.Result) {
	s.Files, s.Output, s.Assumed, s.Unknown = done.Files, done.Output, done.Guessed, done.Assumed
	s.RunFor, s.ExitCode = s.work, 0
	switch {
	case done.Waits, done.Endless && !done.Guessed:
		s.RunFor = 0
	case s.work == 0 && done.Code == 0 && !done.Slept && len(done.Assumed) > 0: // one of them may be what runs on
		s.Assumed = s.Assumed || done.Ends
	case done.Ends:
		s.RunFor, s.ExitCode = done.Takes, done.Code
		if !done.Slept {
			s.RunFor += time.Second // nothing is done in no time
		}
	}
}

// followImage knows two images: one that does nothing and never ends by itself, and one of Kubernetes' own examples of
// probes, which becomes unhealthy after a while.
func followImage(s *Behavior, c *v1.Container) {
	name := imageName(c.Image)
	idle := name == "pause" && len(c.Args) == 0 || name == "agnhost" && (len(c.Args) == 0 || c.Args[0] == "pause")
	switch {
	case idle && len(c.Command) == 0:
		s.RunFor = 0
	case name == "agnhost" && slices.Equal(c.Args, []string{"liveness"}):
		s.HealthyFor = 10 * time.Second
	}
}

// imageName returns the last part of the name of an image, without tag and digest.
func imageName(image string) string {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return ""
	}
	return path.Base(reference.Path(named))
}

// followHooks sets how long hooks take and whether they fail, by their commands.
func followHooks(s *Behavior, c *v1.Container) {
	if c.Lifecycle == nil {
		return
	}
	s.PostStartFor, s.FailPostStart = hook(c, c.Lifecycle.PostStart)
	s.PreStopFor, s.FailPreStop = hook(c, c.Lifecycle.PreStop)
}

func hook(c *v1.Container, h *v1.LifecycleHandler) (takes time.Duration, fails bool) {
	switch {
	case h == nil:
		return 0, false
	case h.Sleep != nil:
		return time.Duration(h.Sleep.Seconds) * time.Second, false
	case h.Exec != nil:
		r := shell.Run(h.Exec.Command, podWorld{})
		return r.Takes, r.Ends && r.Code != 0
	case h.HTTPGet != nil:
		return 0, unnamed(c, h.HTTPGet.Port) != nil
	}
	return 0, false
}

func followAnnotations(s *Behavior, pod *v1.Pod, c *v1.Container) {
	if len(pod.Annotations) == 0 {
		return
	}
	get := func(name string) (string, bool) {
		if v, ok := pod.Annotations[name+"."+c.Name]; ok {
			return v, true
		}
		v, ok := pod.Annotations[name]
		return v, ok
	}
	for name, d := range map[string]*time.Duration{
		annotationPullFor: &s.PullFor, annotationRunFor: &s.RunFor,
		annotationReadyAfter: &s.ReadyAfter, annotationStopFor: &s.StopFor,
	} {
		if v, ok := get(name); ok {
			if parsed, err := time.ParseDuration(v); err == nil {
				*d = parsed
			}
		}
	}
	for name, text := range map[string]*string{
		annotationPullError: &s.PullError, annotationStartError: &s.StartError,
		annotationExitReason: &s.ExitReason, annotationSandboxError: &s.SandboxError,
	} {
		if v, ok := get(name); ok {
			*text = v
		}
	}
	if _, ok := get(annotationRunFor); ok {
		s.Follows, s.Assumed = false, false
	}
	if v, ok := get(annotationExitCode); ok {
		s.Follows, s.Assumed = false, false
		if code, err := strconv.Atoi(v); err == nil {
			s.ExitCode = int32(code)
			if s.RunFor == 0 {
				s.RunFor = time.Second
			}
		}
	}
	if v, ok := get(annotationFailProbes); ok {
		probes := strings.Split(v, ",")
		s.FailStartup = slices.Contains(probes, "startup")
		s.FailReadiness = slices.Contains(probes, "readiness")
		s.FailLiveness = slices.Contains(probes, "liveness")
	}
	if v, ok := get(annotationFailHooks); ok {
		hooks := strings.Split(v, ",")
		s.FailPostStart = slices.Contains(hooks, "post-start")
		s.FailPreStop = slices.Contains(hooks, "pre-stop")
	}
	for name, amount := range map[string]*int64{annotationUseMemory: &s.Memory, annotationUseStorage: &s.Storage} {
		if v, ok := get(name); ok {
			if q, err := resource.ParseQuantity(v); err == nil {
				*amount = q.Value()
			}
		}
	}
	if v, ok := get(annotationUseCPU); ok {
		if q, err := resource.ParseQuantity(v); err == nil {
			s.CPU = q.MilliValue()
		}
	}
}

// Usage returns what a container uses: what its annotations say, a fifth of its request, or a little. CPU is in
// thousandths, memory in bytes.
func Usage(pod *v1.Pod, c *v1.Container, name v1.ResourceName) int64 {
	var s Behavior
	followAnnotations(&s, pod, c)
	q, asked := c.Resources.Requests[name]
	switch {
	case name == v1.ResourceCPU && s.CPU > 0:
		return s.CPU
	case name == v1.ResourceCPU && asked:
		return q.MilliValue() / 5
	case name == v1.ResourceCPU:
		return 1
	case s.Memory > 0:
		return s.Memory
	case asked:
		return q.Value() / 5
	}
	return 8 << 20
}

// digest returns a stand-in for the digest of an image.
func digest(image string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(image)))
}
