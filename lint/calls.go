package lint

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"mvdan.cc/sh/v3/syntax"

	"github.com/seatrial/seatrial/schema"
)

// Call is a request to the API server that a container makes, with the rights of the ServiceAccount of its
// pod.
type Call struct {
	Verb, Group, Resource string // secrets, deployments/scale
	Command               string // that makes it, as prose: kubectl delete pod
	Path                  string // of the word that says so
}

// calls gathers the requests of a container, as far as its command line shows them: those of kubectl, and the lease of
// a controller that elects a leader. What brings credentials of its own is passed over.
func (f facts) calls(c *corev1.Container, at string) {
	for _, e := range c.Env {
		if e.Name == "KUBECONFIG" {
			return
		}
	}
	words := slices.Concat(c.Command, c.Args)
	if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(w, "kubeconfig") }) {
		return
	}
	place := func(i int) string {
		if i < len(c.Command) {
			return fmt.Sprintf("%s.command[%d]", at, i)
		}
		return fmt.Sprintf("%s.args[%d]", at, i-len(c.Command))
	}
	for i, w := range words {
		switch {
		case electsLeader(w):
			f.Calls = append(f.Calls, Call{
				Verb: "create", Group: "coordination.k8s.io", Resource: "leases", Command: w, Path: place(i),
			})
		case i == 0 && path.Base(w) == "kubectl":
			f.kubectl(words[1:], place(0))
			return
		case strings.Contains(w, "kubectl ") && len(w) < maxScript:
			f.script(w, place(i))
		}
	}
	if len(c.Command) == 0 && strings.HasPrefix(path.Base(c.Image), "kubectl:") { // its entry point
		f.kubectl(c.Args, at+".args[0]")
	}
}

// maxScript is how long a script may be that is searched for commands, in bytes.
const maxScript = 20_000

// electsLeader reports whether an argument turns on the election of a leader, as controllers call it.
func electsLeader(word string) bool {
	return slices.Contains([]string{
		"--leader-elect", "--leader-elect=true", "--enable-leader-election", "--enable-leader-election=true",
		"-leader-elect", "-enable-leader-election",
	}, word)
}

// script gathers the calls of the kubectl commands of a shell script. Words that the shell expands are empty.
func (f facts) script(text, at string) {
	file, err := syntax.NewParser().Parse(strings.NewReader(text), "")
	if err != nil {
		return
	}
	syntax.Walk(file, func(node syntax.Node) bool {
		call, ok := node.(*syntax.CallExpr)
		if !ok || len(call.Args) == 0 || path.Base(call.Args[0].Lit()) != "kubectl" {
			return true
		}
		words := make([]string, 0, len(call.Args)-1)
		for _, w := range call.Args[1:] {
			words = append(words, wordText(w))
		}
		f.kubectl(words, at)
		return true
	})
}

// wordText returns a word of a script without its quotes; empty if the shell expands it.
func wordText(w *syntax.Word) (text string) {
	for _, part := range w.Parts {
		switch p := part.(type) {
		case *syntax.Lit:
			text += p.Value
		case *syntax.SglQuoted:
			text += p.Value
		case *syntax.DblQuoted:
			for _, inner := range p.Parts {
				lit, ok := inner.(*syntax.Lit)
				if !ok {
					return ""
				}
				text += lit.Value
			}
		default:
			return ""
		}
	}
	return text
}

// credentials are the flags by which kubectl is somebody else, or talks to another server.
var credentials = []string{
	"--token", "--as", "--context", "--server", "-s", "--user", "--client-key", "--cluster", "--username",
}

// verbsOf are what commands of kubectl do with the resource that they name.
var verbsOf = map[string][]string{
	"create": {"create"}, "delete": {"delete"}, "describe": {"get"},
	"patch": {"patch"}, "label": {"patch"}, "annotate": {"patch"},
}

// kubectl adds the requests of a command line of kubectl.
func (f facts) kubectl(words []string, at string) {
	names, flags := namesAndFlags(words)
	if len(names) == 0 {
		return
	}
	f.creates(names)
	for _, flag := range flags {
		name, value, _ := strings.Cut(flag, "=")
		if slices.Contains(credentials, name) || name == "--dry-run" && value != "server" && value != "none" {
			return
		}
	}
	command := names[0]
	add := func(verb, group, resource string) {
		f.Calls = append(f.Calls, Call{verb, group, resource, "kubectl " + command, at})
	}
	switch command {
	case "exec", "cp":
		add("create", "", "pods/exec")
		return
	case "logs":
		add("get", "", "pods/log")
		return
	case "cordon", "uncordon", "drain":
		add("patch", "", "nodes")
		return
	case "rollout":
		if len(names) > 2 && names[1] == "restart" {
			names = append([]string{"patch"}, names[2:]...)
			command = "rollout restart"
			break
		}
		return
	}
	if len(names) < 2 {
		return
	}
	f.targets(names, flags, add)
}

// creates adds the Secret or ConfigMap that a command of a Job creates, or prints to be applied.
func (f facts) creates(names []string) {
	if !f.isJob() || names[0] != "create" {
		return
	}
	switch {
	case len(names) > 3 && (names[1] == "secret" || names[1] == "secrets"): // its type comes before its name
		f.provide("Secret", names[3])
	case len(names) > 2 && (names[1] == "configmap" || names[1] == "cm"):
		f.provide("ConfigMap", names[2])
	}
}

// targets adds the requests of a command that names resources: kubectl get pods,services; kubectl delete pod/web.
func (f facts) targets(names, flags []string, add func(verb, group, resource string)) {
	for _, word := range strings.Split(names[1], ",") {
		resource, one, slash := strings.Cut(word, "/")
		kind := kindCalled(resource)
		if kind == nil {
			continue
		}
		verbs := verbsOf[names[0]]
		if names[0] == "get" {
			verbs = []string{"list"}
			if slash && one != "" || len(names) > 2 {
				verbs = []string{"get"}
			}
			if slices.Contains(flags, "-w") || slices.Contains(flags, "--watch") {
				verbs = append(verbs, "watch")
			}
		}
		for _, verb := range verbs {
			add(verb, kind.Group, kind.Resource)
		}
		if names[0] == "scale" {
			add("patch", kind.Group, kind.Resource+"/scale")
		}
	}
}

// kindCalled returns the kind of Kubernetes that kubectl takes a word for; nil if none is called that.
func kindCalled(word string) *schema.Kind {
	if word == "" {
		return nil
	}
	store, err := schema.Open(schema.Latest)
	if err != nil {
		return nil
	}
	kinds, err := store.Find(word)
	if err != nil {
		return nil
	}
	return kinds[0]
}

// switches are flags of kubectl that take no value; others that have none after a = take the next word.
var switches = []string{
	"-A", "--all-namespaces", "-w", "--watch", "--all", "--force", "--overwrite", "--now", "-i", "-t", "-it", "-ti",
	"--stdin", "--tty", "--no-headers", "--ignore-not-found", "--wait", "--show-labels", "--ignore-daemonsets",
	"--delete-emptydir-data", "--previous", "-p", "-f", "--follow", "--local", "--recursive", "-R", "--prune",
	"--disable-eviction", "--watch-only", "--list", "--quiet", "-q", "--dry-run",
}

// namesAndFlags parts a command line of kubectl into names and flags; what follows -- is left out.
func namesAndFlags(words []string) (names, flags []string) {
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch {
		case w == "--":
			return names, flags
		case strings.HasPrefix(w, "-"):
			flags = append(flags, w)
			if !strings.Contains(w, "=") && !slices.Contains(switches, w) && !attached(w) {
				i++ // its value
			}
		default:
			names = append(names, w)
		}
	}
	return names, flags
}

// attached reports whether a short flag has its value in the same word: -nshop.
func attached(flag string) bool { return !strings.HasPrefix(flag, "--") && len(flag) > 2 }
