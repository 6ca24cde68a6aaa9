package kubelet

import (
	"crypto/sha256"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/distribution/reference"
	v1 "k8s.io/api/core/v1"
)

// Script is what a container does, as far as others can see it. The zero value runs for ever and
// is ready at once.
type Script struct {
	PullFor   time.Duration // how long its image takes to pull
	PullError string        // what the registry answers, if the image cannot be pulled
	ImageSize int64         // bytes

	RunFor     time.Duration // until it exits by itself; 0: never
	ExitCode   int32
	ExitReason string        // such as OOMKilled; empty: Completed or Error
	StopFor    time.Duration // from the signal to its exit; longer than the grace period: it is killed

	FailStartup, FailReadiness, FailLiveness bool // what its probes find
	SandboxError                             string
}

// Annotations of a pod that write the scripts of its containers. Followed by a dot and the name
// of a container, such as seatrial/exit-code.web, they are for that one alone.
const (
	annotationPullError    = "seatrial/pull-error"
	annotationPullFor      = "seatrial/pull-for"
	annotationRunFor       = "seatrial/run-for"
	annotationExitCode     = "seatrial/exit-code"
	annotationExitReason   = "seatrial/exit-reason"
	annotationStopFor      = "seatrial/stop-for"
	annotationFailProbes   = "seatrial/fail-probes" // startup, readiness, liveness, comma separated
	annotationSandboxError = "seatrial/sandbox-error"
)

// What happens by default: an image takes 1 to 3 seconds, drawn from its name; a container stops
// within a second of the signal; one of a Job does its work in 5 seconds.
const (
	defaultStop = time.Second
	defaultWork = 5 * time.Second
)

// missingTag is the tag that no registry has, by convention of this simulation.
const missingTag = "does-not-exist"

// DefaultScript reads a script from the annotations, the command and the image of a container.
func DefaultScript(pod *v1.Pod, c *v1.Container) Script {
	s := Script{StopFor: defaultStop}
	s.PullFor, s.ImageSize = imageFacts(c.Image)
	if strings.HasSuffix(c.Image, ":"+missingTag) {
		s.PullError = notFound(c.Image)
	}
	if !isSidecar(c) && (pod.Spec.RestartPolicy != v1.RestartPolicyAlways || isInit(pod, c)) {
		s.RunFor = defaultWork
	}
	followCommand(&s, c)
	followAnnotations(&s, pod, c)
	return s
}

func isInit(pod *v1.Pod, c *v1.Container) bool {
	return slices.ContainsFunc(pod.Spec.InitContainers, func(i v1.Container) bool { return i.Name == c.Name })
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

func notFound(image string) string {
	full := image
	if named, err := reference.ParseNormalizedNamed(image); err == nil {
		full = reference.TagNameOnly(named).String()
	}
	return fmt.Sprintf("rpc error: code = NotFound desc = failed to pull and unpack image %q: failed to resolve reference %q: %s: not found", full, full, full)
}

// followCommand understands the commands that examples use to end: true, false, sleep N, exit N.
func followCommand(s *Script, c *v1.Container) {
	words := strings.Fields(strings.Join(append(slices.Clone(c.Command), c.Args...), " "))
	if len(words) >= 3 && (words[0] == "sh" || words[0] == "/bin/sh" || words[0] == "bash" || words[0] == "/bin/bash") && words[1] == "-c" {
		words = words[2:]
	}
	line := strings.Join(words, " ")
	if len(words) == 0 || strings.Contains(line, "while") {
		return
	}
	last := strings.Fields(line[strings.LastIndexAny(line, ";&")+1:])
	var total time.Duration
	for i, w := range words {
		if w == "sleep" && i+1 < len(words) {
			total += seconds(strings.TrimRight(words[i+1], ";&"))
		}
	}
	switch {
	case len(last) == 1 && (last[0] == "true" || last[0] == "/bin/true"):
		s.RunFor, s.ExitCode = total+time.Second, 0
	case len(last) == 1 && (last[0] == "false" || last[0] == "/bin/false"):
		s.RunFor, s.ExitCode = total+time.Second, 1
	case len(last) == 2 && last[0] == "exit":
		code, err := strconv.Atoi(last[1])
		if err == nil {
			s.RunFor, s.ExitCode = total+time.Second, int32(code)
		}
	case len(last) == 2 && last[0] == "sleep" && total > 0:
		s.RunFor, s.ExitCode = total, 0
	}
}

// seconds reads what sleep reads: a number with an optional unit.
func seconds(word string) time.Duration {
	if n, err := strconv.ParseFloat(word, 64); err == nil {
		return time.Duration(n * float64(time.Second))
	}
	d, err := time.ParseDuration(word)
	if err != nil {
		return 0
	}
	return d
}

func followAnnotations(s *Script, pod *v1.Pod, c *v1.Container) {
	get := func(name string) (string, bool) {
		if v, ok := pod.Annotations[name+"."+c.Name]; ok {
			return v, true
		}
		v, ok := pod.Annotations[name]
		return v, ok
	}
	duration := func(name string, d *time.Duration) {
		if v, ok := get(name); ok {
			if parsed, err := time.ParseDuration(v); err == nil {
				*d = parsed
			}
		}
	}
	duration(annotationPullFor, &s.PullFor)
	duration(annotationRunFor, &s.RunFor)
	duration(annotationStopFor, &s.StopFor)
	if v, ok := get(annotationPullError); ok {
		s.PullError = v
	}
	if v, ok := get(annotationExitCode); ok {
		if code, err := strconv.Atoi(v); err == nil {
			s.ExitCode = int32(code)
			if s.RunFor == 0 {
				s.RunFor = time.Second
			}
		}
	}
	if v, ok := get(annotationExitReason); ok {
		s.ExitReason = v
	}
	if v, ok := get(annotationFailProbes); ok {
		probes := strings.Split(v, ",")
		s.FailStartup = slices.Contains(probes, "startup")
		s.FailReadiness = slices.Contains(probes, "readiness")
		s.FailLiveness = slices.Contains(probes, "liveness")
	}
	if v, ok := get(annotationSandboxError); ok {
		s.SandboxError = v
	}
}

// digest stands in for the digest of an image.
func digest(image string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(image)))
}
