package kubelet

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/kubernetes/pkg/kubelet/envvars"

	"github.com/seatrial/seatrial/internal/cluster/shell"
)

// Output is what a command prints.
type Output struct {
	Out, Err string
	Code     int32
	Takes    time.Duration // until it ends
}

// Log is what a run of a container has printed.
type Log struct {
	Run     int32 // its restarts
	Running bool
	Pieces  []LogPiece // in the order of their times
}

// LogPiece is a part of a log.
type LogPiece struct {
	At   time.Time
	Text string
	Err  bool // of the standard error
}

// Text returns all of a log.
func (l *Log) Text() string { return l.Select(&v1.PodLogOptions{}) }

// Beyond returns what a log has beyond an earlier one of the same run.
func (l *Log) Beyond(earlier *Log) *Log {
	more := *l
	more.Pieces = l.Pieces[min(len(earlier.Pieces), len(l.Pieces)):]
	return &more
}

// Select returns what of a log is asked for: its end, what is new enough, at most so many bytes.
func (l *Log) Select(o *v1.PodLogOptions) string {
	var lines []string
	for _, p := range l.Pieces {
		if o.SinceTime != nil && p.At.Before(o.SinceTime.Time) ||
			o.SinceSeconds != nil && time.Since(p.At) > time.Duration(*o.SinceSeconds)*time.Second ||
			o.Stream != nil && (*o.Stream == v1.LogStreamStdout && p.Err || *o.Stream == v1.LogStreamStderr && !p.Err) {
			continue
		}
		for line := range strings.Lines(p.Text) {
			if o.Timestamps {
				line = p.At.UTC().Format(time.RFC3339Nano) + " " + line
			}
			lines = append(lines, line)
		}
	}
	if o.TailLines != nil {
		lines = lines[max(0, len(lines)-int(*o.TailLines)):]
	}
	text := strings.Join(lines, "")
	if o.LimitBytes != nil {
		text = text[:min(len(text), int(*o.LimitBytes))]
	}
	return text
}

// Exec returns what a command would print in a running container, as far as nothing matters that is not known. The
// error says what is.
func (k *Kubelet) Exec(namespace, pod, container string, command []string) (*Output, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	w, err := k.inside(namespace, pod, container)
	if err != nil {
		return nil, err
	}
	if w.state.Phase != running {
		return nil, fmt.Errorf("container %s of pod %s does not run", w.c.Name, pod)
	}
	r := shell.Run(command, w)
	switch {
	case len(r.Assumed) > 0:
		return nil, simulatedError(pod, "nobody knows what %s does", strings.Join(r.Assumed, ", "))
	case r.Reads:
		return nil, simulatedError(pod, "nobody knows what its image and its disks hold")
	case !r.Ends:
		return nil, simulatedError(pod, "the command does not end")
	}
	return &Output{Out: r.Output, Err: r.Errors, Code: r.Code, Takes: r.Takes}, nil
}

// Log returns what the present or last run of a container has printed, or the one before, as far as its command is
// known.
func (k *Kubelet) Log(namespace, pod, container string, previous bool) (*Log, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	w, err := k.inside(namespace, pod, container)
	if err != nil {
		return nil, err
	}
	s := w.state
	began, ran := s.StartedAt, w.now.Sub(s.StartedAt)
	log := &Log{Run: s.Restarts, Running: s.Phase == running}
	command, last := commandOf(w.c), s.Last
	switch {
	case len(command) == 0 && (last != nil || s.Phase == running || s.Phase == exited):
		return nil, simulatedError(pod, "nobody knows what its image prints")
	case previous && last == nil:
		return nil, fmt.Errorf("previous terminated container %q in pod %q not found", w.c.Name, pod)
	case previous, s.Phase != running && s.Phase != exited && last != nil:
		began, ran, log.Running = last.StartedAt.Time, last.FinishedAt.Sub(last.StartedAt.Time), false
	case s.Phase == exited:
		ran = s.FinishedAt.Sub(began)
	case s.Phase != running:
		return nil, fmt.Errorf(
			"container %q in pod %q is waiting to start: %s", w.c.Name, pod, reasonOf(s, "ContainerCreating"),
		)
	}
	r := shell.Run(expanded(command, w.variables), w)
	if len(r.Assumed) > 0 && r.Output == "" {
		return nil, simulatedError(pod, "nobody knows what %s prints", strings.Join(r.Assumed, ", "))
	}
	for _, p := range r.Prints {
		if p.After <= ran {
			log.Pieces = append(log.Pieces, LogPiece{At: began.Add(p.After), Text: p.Text, Err: p.Err})
		}
	}
	return log, nil
}

func reasonOf(s *containerState, otherwise string) string {
	if s.Reason != "" {
		return s.Reason
	}
	return otherwise
}

// simulatedError says that a process would have to run.
func simulatedError(pod, format string, args ...any) error {
	const simulated = "the containers of pod %q are simulated: no process runs in them, and "
	return fmt.Errorf(simulated+format, append([]any{pod}, args...)...)
}

// inside returns what a command meets in a container. An empty name is that of the first one.
func (k *Kubelet) inside(namespace, pod, container string) (*execWorld, error) {
	p := k.pod(namespace, pod)
	if p == nil {
		return nil, fmt.Errorf("pods %q not found", pod)
	}
	state := k.memory.Pods[p.UID]
	if state == nil {
		return nil, simulatedError(pod, "no kubelet has seen it yet")
	}
	m := &machine{now: time.Now(), pod: p, state: state, env: k}
	if k.tokens != nil {
		m.issue = func(s *v1.ServiceAccountTokenProjection) string { return k.token(p, s) }
	}
	for _, c := range m.all() {
		if container != "" && c.Name != container || container == "" && c.Name != p.Spec.Containers[0].Name {
			continue
		}
		s := state.Containers[c.Name]
		if s == nil {
			s = &containerState{Phase: waiting}
		}
		w := &execWorld{containerWorld: containerWorld{podWorld{p, c}, m, s, m.variables(c), false}}
		w.complete()
		w.behavior = k.behaviorOf(p, c)
		return w, nil
	}
	return nil, fmt.Errorf("container %s is not valid for pod %s", container, pod)
}

// execWorld is what a command meets that is run in a container beside its own.
type execWorld struct {
	containerWorld
	behavior Behavior
}

// complete adds the variables that every container has, and those of Services.
func (w *execWorld) complete() {
	all := map[string]string{
		"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
		"HOSTNAME": hostnameOf(w.machine.pod),
	}
	for _, e := range w.env.serviceVariables(w.machine.pod) {
		all[e.Name] = e.Value
	}
	maps.Copy(all, w.variables)
	w.variables = all
}

// Variable returns a variable of the container.
func (w *execWorld) Variable(name string) (value string, set, known bool) {
	value, set = w.variables[name]
	return value, set, true
}

// Variables returns the names of the variables, in order.
func (w *execWorld) Variables() []string { return slices.Sorted(maps.Keys(w.variables)) }

// File returns a file that the container has written, or a mounted one.
func (w *execWorld) File(name string) shell.File {
	if text, there, known := w.behavior.file(name, w.now.Sub(w.state.StartedAt)); known {
		return shell.File{Known: true, Exists: there, Text: text}
	}
	if f := w.mounted(w.c, name); f.Known {
		return f
	}
	return w.shared(name)
}

// shared returns what is at a path of a volume that begins empty, if it is known what the other containers of the pod
// have written there.
func (w *execWorld) shared(name string) shell.File {
	name = path.Clean(name)
	mount, v := w.volumeAt(w.c, name)
	if v == nil || v.EmptyDir == nil {
		return shell.File{}
	}
	inside, ok := w.inVolume(w.c, mount, name)
	if !ok {
		return shell.File{}
	}
	files, ok := w.written(v.Name)
	if !ok {
		return shell.File{}
	}
	f := fileIn(files, inside)
	if f.Known && !f.Exists && w.madeFolder(v.Name, inside) {
		f = shell.File{Known: true, Exists: true, Names: []string{}}
	}
	f.Mode = 0o644
	if f.Names != nil {
		f.Mode = fs.ModeDir | 0o777
	}
	if v.EmptyDir.Medium == v1.StorageMediumMemory {
		f.System = tmpfs
	}
	return f
}

// madeFolder reports whether the kubelet has made a folder of a volume, for a container that mounts it by its subPath.
func (w *execWorld) madeFolder(volume, name string) bool {
	for _, c := range w.all() {
		for i := range c.VolumeMounts {
			mount := &c.VolumeMounts[i]
			if mount.Name != volume {
				continue
			}
			made, ok := w.inVolume(c, mount, path.Clean(mount.MountPath))
			if ok && (made == name || strings.HasPrefix(made, name+"/")) {
				return true
			}
		}
	}
	return false
}

// written returns the files that the other containers of the pod have written to a volume, if all of them are known.
func (w *execWorld) written(volume string) (files map[string]string, known bool) {
	files = map[string]string{}
	for _, c := range w.all() {
		s := w.machine.state.Containers[c.Name]
		if c.Name == w.c.Name || s == nil || s.StartedAt.IsZero() {
			continue
		}
		for i := range c.VolumeMounts {
			mount := &c.VolumeMounts[i]
			if mount.Name != volume {
				continue
			}
			b := w.env.behaviorOf(w.machine.pod, c)
			if len(b.Unknown) > 0 || len(commandOf(c)) == 0 {
				return nil, false
			}
			for _, f := range b.Files {
				if inside, ok := w.inVolume(c, mount, path.Clean(f.Path)); ok && f.After <= w.now.Sub(s.StartedAt) {
					if delete(files, inside); !f.Gone {
						files[inside] = f.Text
					}
				}
			}
		}
	}
	return files, true
}

// Reach asks the cluster as it is now.
func (w *execWorld) Reach(host, port string, _ time.Duration) shell.Answer {
	if answers, _ := w.env.reach(w.machine.pod.Namespace, host, port); answers {
		return shell.Yes
	}
	return shell.No
}

// serviceVariables returns the variables that name the Services of a pod's namespace, and the API server.
func (k *Kubelet) serviceVariables(pod *v1.Pod) []v1.EnvVar {
	var all []*v1.Service
	if s := k.service(v1.NamespaceDefault, "kubernetes"); s != nil {
		all = append(all, s)
	}
	if pod.Spec.EnableServiceLinks == nil || *pod.Spec.EnableServiceLinks {
		some, err := k.known.services.Services(pod.Namespace).List(labels.Everything())
		if err == nil {
			slices.SortFunc(some, func(a, b *v1.Service) int { return strings.Compare(a.Name, b.Name) })
			all = append(all, some...)
		}
	}
	return envvars.FromServices(slices.CompactFunc(all, func(a, b *v1.Service) bool { return a.UID == b.UID }))
}
