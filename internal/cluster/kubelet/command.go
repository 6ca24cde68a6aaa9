package kubelet

import (
	"slices"
	"strings"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/node/util/sysctl"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"

	"github.com/seatrial/seatrial/internal/cluster/shell"
)

// FileChange is a file that a command writes or removes.
type FileChange = shell.FileChange

// commandOf returns the command of a container with its arguments, which are all of it if its image has no entry point
// that is known.
func commandOf(c *v1.Container) []string {
	if len(c.Command) > 0 || imageName(c.Image) != "agnhost" {
		return append(slices.Clone(c.Command), c.Args...)
	}
	if len(c.Args) == 0 {
		return []string{"/agnhost", "pause"}
	}
	return append([]string{"/agnhost"}, c.Args...)
}

// expanded returns a command in which references such as $(NAME) are replaced by the variables that there are, as the
// kubelet does.
func expanded(command []string, variables map[string]string) []string {
	mapping := expansion.MappingFuncFor(variables)
	all := make([]string, len(command))
	for i, part := range command {
		all[i] = expansion.Expand(part, mapping)
	}
	return all
}

// literals returns the variables of a container whose values its manifest has, and whether there are others.
func literals(c *v1.Container) (all map[string]string, others bool) {
	all, others = map[string]string{}, len(c.EnvFrom) > 0
	for _, e := range c.Env {
		if e.ValueFrom != nil {
			others = true
			continue
		}
		all[e.Name] = expansion.Expand(e.Value, expansion.MappingFuncFor(all))
	}
	return all, others
}

// podWorld is what a command meets in a container, as far as its pod says it.
type podWorld struct {
	pod *v1.Pod
	c   *v1.Container
}

// Variable returns a variable that the container sets.
func (w podWorld) Variable(name string) (value string, set, known bool) {
	if w.c == nil {
		return "", false, false
	}
	value, set, known = "", false, len(w.c.EnvFrom) == 0 && !ofService(name)
	before := map[string]string{}
	for i := range w.c.Env {
		e := &w.c.Env[i]
		if e.ValueFrom == nil {
			before[e.Name] = expansion.Expand(e.Value, expansion.MappingFuncFor(before))
		}
		if e.Name == name {
			value, set, known = before[e.Name], true, e.ValueFrom == nil
		}
	}
	return value, set, known
}

// ofService reports whether a variable may be one of those that are set for Services.
func ofService(name string) bool {
	return strings.HasSuffix(name, "_SERVICE_HOST") || strings.HasSuffix(name, "_SERVICE_PORT")
}

// Variables returns the names of the variables that the container sets.
func (w podWorld) Variables() (names []string) {
	for _, e := range w.c.Env {
		names = append(names, e.Name)
	}
	return names
}

// namespaceFile has the namespace of the pod.
const namespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// File knows the file with the namespace of the pod.
func (w podWorld) File(name string) shell.File {
	if name == namespaceFile && w.pod != nil {
		return shell.File{Known: true, Exists: true, Text: w.pod.Namespace}
	}
	return shell.File{}
}

// Reach puts off all questions.
func (w podWorld) Reach(string, string, time.Duration) shell.Answer { return shell.Later }

// Fact returns what programs print that tell where they run.
func (w podWorld) Fact(program string) string {
	switch program {
	case "hostname":
		return hostnameOf(w.pod)
	case "pwd":
		if w.c != nil && w.c.WorkingDir != "" {
			return w.c.WorkingDir
		}
	case "uname":
		return "Linux"
	case "id":
		return identity(w.pod, w.c)
	case "id -u":
		user, _, _ := strings.Cut(strings.TrimPrefix(identity(w.pod, w.c), "uid="), " ")
		return user
	}
	if name, ok := strings.CutPrefix(program, "sysctl "); ok {
		return kernelParameter(w.pod, name)
	}
	return ""
}

// kernelParameter returns a parameter of the kernel that a pod sets, empty if it does not.
func kernelParameter(pod *v1.Pod, name string) string {
	if pod == nil || pod.Spec.SecurityContext == nil {
		return ""
	}
	for _, s := range pod.Spec.SecurityContext.Sysctls {
		if sysctl.NormalizeName(s.Name) == sysctl.NormalizeName(name) {
			return s.Value
		}
	}
	return ""
}

// hostnameOf returns the name of the host that a pod takes itself for.
func hostnameOf(pod *v1.Pod) string {
	switch {
	case pod == nil:
		return ""
	case pod.Spec.Hostname != "":
		return pod.Spec.Hostname
	case pod.Spec.HostNetwork:
		return pod.Spec.NodeName
	}
	return pod.Name[:min(len(pod.Name), maxHostname)]
}

// maxHostname is how long the name of a host is at most.
const maxHostname = 63

// understood keeps the effects of commands, which containers of many pods have in common: each step of a pod asks.
var understood = struct {
	sync.Mutex
	results map[string]shell.Result
}{results: map[string]shell.Result{}}

// maxUnderstood is how many effects are kept.
const maxUnderstood = 512

// understand returns the effect of the command of a container, as far as its pod says it.
func understand(pod *v1.Pod, c *v1.Container) shell.Result {
	command := commandOf(c)
	if len(command) == 0 {
		return shell.Result{}
	}
	refers := slices.ContainsFunc(command, func(part string) bool { return strings.Contains(part, "$(") })
	variables, others := literals(c)
	command = expanded(command, variables)
	var key strings.Builder
	for _, part := range append(command, c.WorkingDir, pod.Namespace, hostnameOf(pod), identity(pod, c)) {
		key.WriteString(part)
		key.WriteByte(0)
	}
	for _, e := range c.Env {
		key.WriteString(e.Name + "=" + e.Value)
		key.WriteByte(map[bool]byte{true: 1, false: 2}[e.ValueFrom == nil])
	}
	key.WriteByte(map[bool]byte{true: 1, false: 2}[len(c.EnvFrom) == 0])
	understood.Lock()
	defer understood.Unlock()
	r, ok := understood.results[key.String()]
	if !ok {
		if len(understood.results) >= maxUnderstood {
			clear(understood.results)
		}
		r = shell.Run(command, podWorld{pod, c})
		r.Reads = r.Reads || refers && others // what they stand for is known when it runs
		understood.results[key.String()] = r
	}
	return r
}

// containerWorld is what the command of a running container meets.
type containerWorld struct {
	podWorld
	*machine
	state     *containerState
	variables map[string]string
	assume    bool // Services that do not exist answer
}

// followed returns the behavior of a running container whose script asks for what only the cluster knows.
func (m *machine) followed(c *v1.Container, s *containerState, b Behavior) Behavior {
	if !b.Follows {
		return b
	}
	w := &containerWorld{podWorld{m.pod, c}, m, s, m.variables(c), b.AssumeServices}
	done := shell.Run(expanded(commandOf(c), w.variables), w)
	b.follow(done)
	if done.Waits {
		// an old one asks less often, or each answer would be worked out thousands of times
		m.at(later(s.StartedAt.Add(done.Takes), m.now.Add(m.now.Sub(s.StartedAt)/patience)))
	}
	return b
}

// patience is by which part of the time that it has waited for a script waits longer before it asks again.
const patience = 20

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Variable returns a variable of the container.
func (w *containerWorld) Variable(name string) (value string, set, known bool) {
	value, set = w.variables[name]
	return value, set, set || !ofService(name)
}

// File returns a mounted file.
func (w *containerWorld) File(name string) shell.File { return w.mounted(w.c, name) }

// Reach asks the cluster. What has answered once is taken to go on.
func (w *containerWorld) Reach(host, port string, after time.Duration) shell.Answer {
	key, at := host+":"+port, w.state.StartedAt.Add(after)
	since, ok := w.state.Reached[key]
	switch {
	case ok && !at.Before(since):
		return shell.Yes
	case at.After(w.now):
		return shell.Later
	case ok:
		return shell.No
	}
	if answers, exists := w.env.reach(w.machine.pod.Namespace, host, port); !answers && (exists || !w.assume) {
		return shell.No
	}
	if w.state.Reached == nil {
		w.state.Reached = map[string]time.Time{}
	}
	w.state.Reached[key] = at
	return shell.Yes
}

// probeWorld is what the command of a probe meets: the files that the container has written.
type probeWorld struct {
	podWorld
	behavior *Behavior
	after    time.Duration
}

// File returns a file that the container has written, or may have.
func (w probeWorld) File(name string) shell.File {
	text, there, known := w.behavior.file(name, w.after)
	return shell.File{Known: known, Exists: there, Text: text}
}

// Reach lets everything answer.
func (w probeWorld) Reach(string, string, time.Duration) shell.Answer { return shell.Yes }

// file reports whether a file exists after a while, and its content. A file is known if the container touches it at any
// time.
func (s *Behavior) file(name string, after time.Duration) (text string, there, known bool) {
	for _, f := range s.Files {
		if f.Path != name {
			continue
		}
		known = true
		if f.After <= after {
			text, there = f.Text, !f.Gone
		}
	}
	return text, there, known
}

// refuses reports whether a command fails in the container after a while, as far as that is known.
func (s *Behavior) refuses(command []string, after time.Duration) bool {
	r := shell.Run(command, probeWorld{behavior: s, after: after})
	return r.Ends && r.Code != 0
}

// AskedHosts returns the hosts that the script of a container asks for an answer, if all of them answer.
func AskedHosts(pod *v1.Pod, c *v1.Container) []string {
	if !understand(pod, c).Waits {
		return nil
	}
	return shell.Run(commandOf(c), answeringWorld{podWorld{pod, c}}).Asks
}

// answeringWorld is a world in which every host answers.
type answeringWorld struct{ podWorld }

// Reach lets everything answer.
func (answeringWorld) Reach(string, string, time.Duration) shell.Answer { return shell.Yes }
