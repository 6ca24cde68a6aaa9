package trial

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/cmd/annotate"
	"k8s.io/kubectl/pkg/cmd/apiresources"
	"k8s.io/kubectl/pkg/cmd/apply"
	"k8s.io/kubectl/pkg/cmd/attach"
	"k8s.io/kubectl/pkg/cmd/auth"
	"k8s.io/kubectl/pkg/cmd/autoscale"
	"k8s.io/kubectl/pkg/cmd/cp"
	"k8s.io/kubectl/pkg/cmd/create"
	"k8s.io/kubectl/pkg/cmd/debug"
	"k8s.io/kubectl/pkg/cmd/delete"
	"k8s.io/kubectl/pkg/cmd/describe"
	"k8s.io/kubectl/pkg/cmd/diff"
	"k8s.io/kubectl/pkg/cmd/drain"
	"k8s.io/kubectl/pkg/cmd/edit"
	"k8s.io/kubectl/pkg/cmd/events"
	"k8s.io/kubectl/pkg/cmd/expose"
	"k8s.io/kubectl/pkg/cmd/get"
	"k8s.io/kubectl/pkg/cmd/label"
	"k8s.io/kubectl/pkg/cmd/logs"
	"k8s.io/kubectl/pkg/cmd/patch"
	"k8s.io/kubectl/pkg/cmd/portforward"
	"k8s.io/kubectl/pkg/cmd/replace"
	"k8s.io/kubectl/pkg/cmd/rollout"
	"k8s.io/kubectl/pkg/cmd/run"
	"k8s.io/kubectl/pkg/cmd/scale"
	"k8s.io/kubectl/pkg/cmd/set"
	"k8s.io/kubectl/pkg/cmd/taint"
	"k8s.io/kubectl/pkg/cmd/top"
	"k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/cmd/wait"
	"k8s.io/kubectl/pkg/util/completion"

	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/cluster/virtualtime"
	_ "github.com/seatrial/seatrial/internal/kubernetes/hooks/translations" // must sort before k8s.io
)

// program is the name of this program in the texts of the commands.
const program = "seatrial"

// Verb is one of kubectl's commands.
type Verb struct {
	Name  string
	Short string
	build func(util.Factory, genericiooptions.IOStreams) *cobra.Command
}

// processVerbs connect to a process in a container, which the simulated ones do not have.
var processVerbs = []string{"attach", "port-forward", "cp"}

// Verbs are kubectl's commands that work on a trial.
var Verbs = []Verb{
	{"create", "Create resources from files or arguments", create.NewCmdCreate},
	{"apply", "Create or change resources to what files say", named(apply.NewCmdApply)},
	{"get", "Show resources", named(get.NewCmdGet)},
	{"describe", "Show resources in detail, with their events", named(describe.NewCmdDescribe)},
	{"delete", "Delete resources", delete.NewCmdDelete},
	{"edit", "Edit resources in an editor", edit.NewCmdEdit},
	{"patch", "Change fields of resources", patch.NewCmdPatch},
	{"replace", "Replace resources by what files say", replace.NewCmdReplace},
	{"diff", "Show what apply would change", diff.NewCmdDiff},
	{"rollout", "Watch, pause, undo or restart rollouts", named(rollout.NewCmdRollout)},
	{"scale", "Set the number of replicas", scale.NewCmdScale},
	{"autoscale", "Let the number of replicas follow the load", autoscale.NewCmdAutoscale},
	{"set", "Set images, environment, resources and more", set.NewCmdSet},
	{"label", "Set labels of resources", label.NewCmdLabel},
	{"annotate", "Set annotations of resources", named(annotate.NewCmdAnnotate)},
	{"wait", "Wait for a condition of resources", plain(wait.NewCmdWait)},
	{"expose", "Make a Service for a workload", expose.NewCmdExposeService},
	{"run", "Run an image in a pod", run.NewCmdRun},
	{"events", "Show events", plain(events.NewCmdEvents)},
	{"taint", "Set taints of nodes", taint.NewCmdTaint},
	{"cordon", "Let no more pods onto a node", drain.NewCmdCordon},
	{"uncordon", "Let pods onto a node again", drain.NewCmdUncordon},
	{"drain", "Move the pods of a node elsewhere", drain.NewCmdDrain},
	{"top", "Show what simulated nodes and pods use", top.NewCmdTop},
	{"auth", "Ask who may do what", newAuthCommand},
	{"api-resources", "Show the kinds that the API server knows", plain(apiresources.NewCmdAPIResources)},
	{"api-versions", "Show the API versions that the API server knows", plain(apiresources.NewCmdAPIVersions)},
	{"logs", "Show the output of containers, as far as their commands are known", logs.NewCmdLogs},
	{"exec", "Run a simple command in a container", newExecCommand},
	{"attach", "Attach to a container, if it is not simulated", attach.NewCmdAttach},
	{"cp", "Copy files from and to a container, if it is not simulated", cp.NewCmdCp},
	{"debug", "Put a debugging container into a pod, or copy the pod", plain(debug.NewCmdDebug)},
	{"port-forward", "Forward ports to a pod, if it is not simulated", portforward.NewCmdPortForward},
}

// named adapts commands that take the name of the program.
func named(
	build func(string, util.Factory, genericiooptions.IOStreams) *cobra.Command,
) func(util.Factory, genericiooptions.IOStreams) *cobra.Command {
	return func(f util.Factory, streams genericiooptions.IOStreams) *cobra.Command {
		return build(program, f, streams)
	}
}

// plain adapts commands that take no factory.
func plain(
	build func(genericclioptions.RESTClientGetter, genericiooptions.IOStreams) *cobra.Command,
) func(util.Factory, genericiooptions.IOStreams) *cobra.Command {
	return func(f util.Factory, streams genericiooptions.IOStreams) *cobra.Command { return build(f, streams) }
}

// newAuthCommand returns kubectl's command with another end for the answer no of can-i, with which kubectl ends the
// process.
func newAuthCommand(f util.Factory, streams genericiooptions.IOStreams) *cobra.Command {
	cmd := auth.NewCmdAuth(f, streams)
	ask, _, err := cmd.Find([]string{"can-i"})
	if err != nil {
		return cmd
	}
	ask.Run = func(cmd *cobra.Command, args []string) {
		o := &auth.CanIOptions{
			IOStreams:     streams,
			AllNamespaces: util.GetFlagBool(cmd, "all-namespaces"),
			Quiet:         util.GetFlagBool(cmd, "quiet"),
			NoHeaders:     util.GetFlagBool(cmd, "no-headers"),
			List:          util.GetFlagBool(cmd, "list"),
			Subresource:   util.GetFlagString(cmd, "subresource"),
		}
		util.CheckErr(o.Complete(f, args))
		util.CheckErr(o.Validate())
		if o.List {
			util.CheckErr(o.RunAccessList())
			return
		}
		allowed, err := o.RunAccessCheck()
		util.CheckErr(err)
		if !allowed {
			util.CheckErr(util.ErrExit)
		}
	}
	return cmd
}

// Command returns the command of the verb, with its flags and help, for the cluster of getter.
func (v Verb) Command(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	factory := util.NewFactory(util.NewMatchVersionFlags(getter))
	if _, ours := getter.(*connection); ours {
		factory = ownServer{factory}
	}
	cmd := v.build(factory, streams)
	completion.SetFactoryForCompletion(factory)
	if v.Name == "get" { // whose completion kubectl adds from outside
		cmd.ValidArgsFunction = completion.ResourceTypeAndNameCompletionFunc(factory)
	}
	rename(cmd)
	return cmd
}

// ways replaces commands in messages by those of this program.
var ways = strings.NewReplacer("'kubectl ", "'"+program+" ", "`kubectl ", "`"+program+" ")

// rename replaces kubectl by this program in help and examples.
func rename(cmd *cobra.Command) {
	cmd.Example = strings.ReplaceAll(cmd.Example, "kubectl ", program+" ")
	cmd.Long = strings.ReplaceAll(cmd.Long, "kubectl ", program+" ")
	for _, sub := range cmd.Commands() {
		rename(sub)
	}
}

// ExitError is the exit code and message of one of kubectl's commands.
type ExitError struct {
	Code    int
	Message string // on the standard error, when it is not empty
}

func (e *ExitError) Error() string { return e.Message }

// Call runs a verb with its arguments on a trial.
func (v Verb) Call(ctx context.Context, t *Trial, args []string, in io.Reader, out, errOut io.Writer) error {
	warned := newWarnings(errOut)
	if asksForHelp(args) {
		return v.execute(
			ctx, &connection{warnings: warned}, args, genericiooptions.IOStreams{In: in, Out: out, ErrOut: errOut},
		)
	}
	if why := v.impossible(args); why != "" {
		return &ExitError{Code: 1, Message: "error: " + why}
	}
	if v.Name == "logs" && v.given(args, "follow") != "" {
		args = withoutFollow(args)
	}
	return t.Do(ctx, func(s *Session) error {
		c := &connection{config: s.RESTConfig(), warnings: warned}
		if v.follows(args) {
			c.watches = &watches{}
			// it ends the watches whatever it finds
			go func() { _ = c.watches.endWhenSettled(context.Background(), s.RESTConfig()) }()
		}
		streams := genericiooptions.IOStreams{In: &person{in}, Out: out, ErrOut: errOut}
		if !v.startsProgram(args) {
			return v.execute(context.Background(), c, args, streams)
		}
		var err error
		virtualtime.Outside(func(inside func(func())) {
			c.inside, streams.In = inside, in
			err = v.execute(context.Background(), c, args, streams)
		})
		return err
	})
}

// startsProgram reports whether a command starts another program that waits for a person: an editor, or a viewer of
// differences.
func (v Verb) startsProgram(args []string) bool {
	switch v.Name {
	case "edit", "diff":
		return true
	case "apply":
		return slices.Contains(args, "edit-last-applied")
	}
	return v.Name == "create" && v.given(args, "edit") != ""
}

// impossible returns why a command cannot run on a trial, empty if it can.
func (v Verb) impossible(args []string) string {
	needs := ""
	switch {
	case slices.Contains(processVerbs, v.Name):
		needs = v.Name
	case v.Name == "exec":
		if flag := v.given(args, "stdin", "tty"); flag != "" {
			needs = "exec --" + flag
		}
	case v.Name == "run" || v.Name == "debug":
		if flag := v.given(args, "stdin", "tty", "attach", "rm"); flag != "" {
			needs = v.Name + " --" + flag
		}
	case v.Name == "create" && slices.Contains(args, "token"):
		if cmd, _, err := v.unbound().Find(args); err == nil && cmd.Name() == "token" {
			return "tokens are not issued on a trial, where nobody could be shown them: the live cluster (`seatrial up`) issues them"
		}
	}
	if needs == "" {
		return ""
	}
	return needs + " needs a process, and the containers of a trial are simulated: none runs in them"
}

// given returns the first of some flags that a command line sets, in any form.
func (v Verb) given(args []string, names ...string) string {
	cmd := v.unbound()
	if cmd.ParseFlags(args) != nil {
		return "" // as the command itself will say
	}
	for _, name := range names {
		if said, err := cmd.Flags().GetBool(name); err == nil && said {
			return name
		}
	}
	return ""
}

// unbound returns the command for inspection, not to be run.
func (v Verb) unbound() *cobra.Command {
	c := &connection{warnings: newWarnings(io.Discard)}
	cmd := v.Command(c, genericiooptions.IOStreams{Out: io.Discard, ErrOut: io.Discard})
	c.bind(cmd.Flags())
	c.warnings.bind(cmd.Flags())
	return cmd
}

// withoutFollow removes --follow from logs: a simulated container prints no more later.
func withoutFollow(args []string) []string {
	end := slices.Index(args, "--")
	if end < 0 {
		end = len(args)
	}
	return slices.Insert(slices.Clone(args), end, "--follow=false")
}

func asksForHelp(args []string) bool {
	return slices.Contains(args, "--help") || slices.Contains(args, "-h") || slices.Contains(args, "help")
}

// follows reports whether a command would watch for ever.
func (v Verb) follows(args []string) bool {
	return (v.Name == "get" || v.Name == "events") && v.given(args, "watch", "watch-only") != ""
}

// Complete returns the completions of a command line, as cobra's completion expects them.
func (v Verb) Complete(
	ctx context.Context, t *Trial, args []string, toComplete string,
) ([]string, cobra.ShellCompDirective) {
	var out bytes.Buffer
	c := &connection{warnings: newWarnings(io.Discard)}
	ask := func() error {
		streams := genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: io.Discard}
		cmd := v.Command(c, streams)
		line := append([]string{cobra.ShellCompRequestCmd, v.Name}, append(args, toComplete)...)
		return execute(context.Background(), cmd, c.bind, c.warnings, line, streams)
	}
	var err error
	if strings.HasPrefix(toComplete, "-") {
		err = ask()
	} else {
		err = t.look(ctx, func(e *cluster.Cluster) error {
			c.config = e.RESTConfig()
			return ask()
		})
	}
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	last := len(lines) - 1
	directive, err := strconv.Atoi(strings.TrimPrefix(lines[last], ":"))
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return lines[:last], cobra.ShellCompDirective(directive)
}

// execute runs the command on a trial.
func (v Verb) execute(ctx context.Context, c *connection, args []string, streams genericiooptions.IOStreams) error {
	return execute(ctx, v.Command(c, streams), c.bind, c.warnings, append([]string{v.Name}, args...), streams)
}

// CallReal runs the verb on a real cluster, in real time: a context of the user's kubeconfig.
func (v Verb) CallReal(ctx context.Context, name string, args []string, in io.Reader, out, errOut io.Writer) error {
	warned := newWarnings(errOut)
	flags := genericclioptions.NewConfigFlags(true).WithWrapConfigFn(warned.handle)
	streams := genericiooptions.IOStreams{In: in, Out: out, ErrOut: errOut}
	if v.Name == "exec" {
		v.build = newConnectedExec
	}
	return execute(
		ctx, v.Command(flags, streams), flags.AddFlags, warned, append([]string{v.Name, "--context", name}, args...),
		streams,
	)
}

// execute runs one of kubectl's commands, whose ways to end are its own.
func execute(
	ctx context.Context, cmd *cobra.Command, bind func(*pflag.FlagSet), warned *warnings, args []string,
	streams genericiooptions.IOStreams,
) (err error) {
	root := &cobra.Command{Use: program, SilenceErrors: true, SilenceUsage: true}
	root.CompletionOptions.DisableDefaultCmd = true
	bind(root.PersistentFlags())
	warned.bind(root.PersistentFlags())
	root.AddCommand(cmd)
	root.SetArgs(args)
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	util.BehaviorOnFatal(
		func(message string, code int) { panic(&ExitError{Code: code, Message: ways.Replace(message)}) },
	)
	defer util.DefaultBehaviorOnFatal()
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *ExitError:
			err = r
		default:
			place := origin()
			if !strings.HasPrefix(place, "k8s.io/kubectl/") {
				panic(r)
			}
			err = &ExitError{
				Code: 1,
				Message: fmt.Sprintf(
					"error: kubectl's own code failed at %s: %v; it did not expect what the server answered; look whether every object names its namespace",
					place, r,
				),
			}
		}
	}()
	if err := root.ExecuteContext(ctx); err != nil {
		return &ExitError{Code: 1, Message: fmt.Sprintf("error: %v", err)}
	}
	return warned.failed()
}

// origin returns where a recovered panic began: a function and a line.
func origin() string {
	stack := make([]uintptr, 64)
	frames := runtime.CallersFrames(stack[:runtime.Callers(1, stack)])
	began := false
	for {
		f, more := frames.Next()
		switch {
		case strings.HasPrefix(f.Function, "runtime."):
			began = began || strings.HasSuffix(f.Function, "panic")
		case began:
			return fmt.Sprintf("%s:%d", f.Function, f.Line)
		}
		if !more {
			return ""
		}
	}
}
