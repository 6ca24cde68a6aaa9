package simulate

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/seatrial/seatrial/internal/cluster/kubelet"
	"github.com/seatrial/seatrial/internal/plan"
)

// behaviors holds what the containers of a scenario do. The kubelets ask it for each step.
type behaviors struct {
	scenario *plan.Scenario
	strict   bool // Services that nothing defines do not answer

	mu    sync.Mutex
	globs map[string]*regexp.Regexp
}

// behavior returns what a container does: what its pod says, then what the scenario says.
func (s *behaviors) behavior(pod *corev1.Pod, c *corev1.Container) kubelet.Behavior {
	k := kubelet.DefaultBehavior(pod, c)
	k.AssumeServices = !s.strict
	if s.scenario == nil {
		return k
	}
	for _, i := range s.scenario.Images {
		if s.matches(i.Match, c.Image) {
			writeImage(&i, &k, c.Image)
			break
		}
	}
	for i := range s.scenario.Containers {
		if x := &s.scenario.Containers[i]; s.selects(&x.Match, pod, c) {
			writeContainer(x, &k)
		}
	}
	return k
}

func writeImage(i *plan.ImageScript, k *kubelet.Behavior, image string) {
	set(&k.PullFor, i.Pull)
	if i.Size != "" {
		q := resource.MustParse(i.Size)
		k.ImageSize = q.Value()
	}
	switch {
	case i.Error != "":
		k.PullError = i.Error
	case i.Missing:
		k.PullError = kubelet.NotFound(image)
	}
}

func set(d *time.Duration, value *metav1.Duration) {
	if value != nil {
		*d = value.Duration
	}
}

func writeContainer(c *plan.ContainerScript, k *kubelet.Behavior) {
	if c.RunFor != nil || c.ExitCode != nil {
		k.Assumed, k.Follows = false, false
	}
	set(&k.ReadyAfter, c.ReadyAfter)
	set(&k.RunFor, c.RunFor)
	set(&k.StopFor, c.StopFor)
	if c.ExitCode != nil {
		k.ExitCode = *c.ExitCode
	}
	if c.ExitReason != "" {
		k.ExitReason = c.ExitReason
	}
	if k.RunFor == 0 && (c.ExitCode != nil || c.ExitReason != "") {
		k.RunFor = time.Second
	}
	if c.Crashes > 0 {
		k.Runs = c.Crashes
	}
	k.FailStartup = k.FailStartup || slices.Contains(c.FailProbes, "startup")
	k.FailReadiness = k.FailReadiness || slices.Contains(c.FailProbes, "readiness")
	k.FailLiveness = k.FailLiveness || slices.Contains(c.FailProbes, "liveness")
	if c.CPU != "" {
		q := resource.MustParse(c.CPU)
		k.CPU = q.MilliValue()
	}
	if c.Memory != "" {
		q := resource.MustParse(c.Memory)
		k.Memory = q.Value()
	}
}

func (s *behaviors) selects(m *plan.Selector, pod *corev1.Pod, c *corev1.Container) bool {
	return (m.Namespace == "" || m.Namespace == pod.Namespace) &&
		(m.Workload == "" || madeBy(pod, m.Workload)) &&
		labels.SelectorFromSet(m.Labels).Matches(labels.Set(pod.Labels)) &&
		s.matches(m.Pod, pod.Name) && s.matches(m.Node, pod.Spec.NodeName) &&
		(m.Container == "" || m.Container == c.Name) && s.matches(m.Image, c.Image)
}

// madeBy reports whether a pod belongs to a workload: Deployment/web.
func madeBy(pod *corev1.Pod, workload string) bool {
	kind, name, _ := strings.Cut(workload, "/")
	ref := metav1.GetControllerOf(pod)
	if ref == nil {
		return strings.EqualFold(kind, "Pod") && name == pod.Name
	}
	if strings.EqualFold(kind, ref.Kind) && name == ref.Name {
		return true
	}
	base := ref.Name
	if i := strings.LastIndexByte(base, '-'); i > 0 {
		base = base[:i]
	}
	return base == name && (strings.EqualFold(kind, "Deployment") && ref.Kind == "ReplicaSet" ||
		strings.EqualFold(kind, "CronJob") && ref.Kind == "Job")
}

// matches reports whether a text is what a glob means; an empty one means anything.
func (s *behaviors) matches(glob, text string) bool {
	if glob == "" {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.globs[glob]
	if r == nil {
		r = plan.CompileGlob(glob)
		s.globs[glob] = r
	}
	return r.MatchString(text)
}

// usage is what autoscalers see of a container: its share of a load, or what it is said to use.
func (s *simulation) usage(pod *corev1.Pod, c *corev1.Container, name corev1.ResourceName) int64 {
	if s.Scenario != nil && !s.recorder.zero.IsZero() {
		for i := range s.Scenario.Load {
			l := &s.Scenario.Load[i]
			if l.Resource == string(name) && cmpNamespace(l.Namespace, pod.Namespace) && madeBy(pod, l.Workload) &&
				c.Name == pod.Spec.Containers[0].Name {
				return loadAt(l, time.Since(s.recorder.zero)) / int64(max(1, s.readyPods(pod)))
			}
		}
	}
	k := s.behaviors.behavior(pod, c)
	switch {
	case name == corev1.ResourceCPU && k.CPU > 0:
		return k.CPU
	case name == corev1.ResourceMemory && k.Memory > 0:
		return k.Memory
	}
	return kubelet.Usage(pod, c, name)
}

func cmpNamespace(wanted, namespace string) bool {
	if wanted == "" {
		wanted = metav1.NamespaceDefault
	}
	return wanted == namespace
}

// sharers counts the ready pods of a workload at a moment.
type sharers struct {
	mu    sync.Mutex
	at    time.Time
	count map[string]int // by the owner of the pods
}

// readyPods counts the pods that share a load with one of them.
func (s *simulation) readyPods(pod *corev1.Pod) int {
	ref := metav1.GetControllerOf(pod)
	if ref == nil {
		return 1
	}
	s.sharers.mu.Lock()
	defer s.sharers.mu.Unlock()
	if now := time.Now(); s.sharers.at != now {
		s.sharers.at, s.sharers.count = now, map[string]int{}
		for _, p := range s.engine.Pods() {
			if other := metav1.GetControllerOf(p); other != nil && p.DeletionTimestamp == nil && podReady(p) {
				s.sharers.count[string(other.UID)]++
			}
		}
	}
	return s.sharers.count[string(ref.UID)]
}

// loadAt returns a load at a moment, in thousandths of a CPU or bytes.
func loadAt(l *plan.Load, t time.Duration) int64 {
	value := func(p plan.LoadPoint) int64 {
		q := resource.MustParse(p.Total)
		if l.Resource == "cpu" {
			return q.MilliValue()
		}
		return q.Value()
	}
	if t <= l.Points[0].At.Duration {
		return value(l.Points[0])
	}
	for i := 1; i < len(l.Points); i++ {
		a, b := l.Points[i-1], l.Points[i]
		if t <= b.At.Duration {
			share := float64(t-a.At.Duration) / float64(b.At.Duration-a.At.Duration)
			return value(a) + int64(share*float64(value(b)-value(a)))
		}
	}
	return value(l.Points[len(l.Points)-1])
}
