package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"

	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/platform"
	"github.com/seatrial/seatrial/internal/report"
	"github.com/seatrial/seatrial/internal/sanitize"
	"github.com/seatrial/seatrial/internal/trial"
	"github.com/seatrial/seatrial/source"
)

// trialEnv names the file of the trial where --trial does not.
const trialEnv = "SEATRIAL_TRIAL"

const trialHelp = `

It works on the trial: a cluster of your own in a file, with the real API server, controllers
and scheduler, and simulated nodes. Nothing has to be installed, and nothing keeps running.
--trial FILE (or ` + trialEnv + `) names another file; --context NAME, a real cluster of your kubeconfig.
Where create, apply, delete, diff and replace take -f, they also take a chart or a kustomization, and render
it with --helm-values, --set and --release-name as lint does.`

// newTrialCommands are the verbs of kubectl, and those that deal with the trial itself.
func newTrialCommands(s Streams) []*cobra.Command {
	commands := []*cobra.Command{newAdvanceCommand(s), newResetCommand(s), newStatusCommand(s)}
	for _, v := range trial.Verbs {
		commands = append(commands, newVerbCommand(s, v))
	}
	return commands
}

// newVerbCommand stands in for one of kubectl's commands, which is made when it is called: to
// make them all would take longer than most other commands run.
func newVerbCommand(s Streams, v trial.Verb) *cobra.Command {
	run := func(cmd *cobra.Command, args []string) error { return runVerb(cmd.Context(), s, v, args) }
	cmd := &cobra.Command{
		Use:                v.Name,
		Short:              v.Short,
		Long:               v.Short + "." + trialHelp,
		GroupID:            trialGroup,
		DisableFlagParsing: true,
		RunE:               run,
		ValidArgsFunction: func(
			cmd *cobra.Command, args []string, toComplete string,
		) ([]string, cobra.ShellCompDirective) {
			return completeVerb(cmd.Context(), s, v, args, toComplete)
		},
	}
	// it has nobody to tell of an error
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) { _ = run(cmd, []string{"--help"}) })
	return cmd
}

// completeVerb offers what kubectl's command would on the trial.
func completeVerb(
	ctx context.Context, s Streams, v trial.Verb, args []string, toComplete string,
) ([]string, cobra.ShellCompDirective) {
	file, args := takeFlag(args, "--trial")
	if name, _ := takeFlag(args, "--context"); name != "" && !strings.HasPrefix(toComplete, "-") {
		return nil, cobra.ShellCompDirectiveNoFileComp // a real cluster is not asked for words
	}
	t, err := openTrial(s, file)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	switch last := args[max(0, len(args)-1):]; {
	case slices.Equal(last, []string{"--context"}):
		return completeContexts(nil, nil, toComplete)
	case slices.Equal(last, []string{"-n"}), slices.Equal(last, []string{"--namespace"}):
		get := trial.Verbs[slices.IndexFunc(trial.Verbs, func(v trial.Verb) bool { return v.Name == "get" })]
		return get.Complete(ctx, t, []string{"namespaces"}, toComplete)
	}
	return v.Complete(ctx, t, args, toComplete)
}

// trialGroup is the heading of these commands in the help.
const trialGroup = "trial"

func runVerb(ctx context.Context, s Streams, v trial.Verb, args []string) error {
	file, args := takeFlag(args, "--trial")
	rendered, args, err := renderSources(v.Name, args)
	if err != nil {
		return err
	}
	defer rendered.remove()
	terminal := s
	help, flush := wrappedHelp(s.Out, args)
	defer flush()
	s.Out, s.Err = rendered.naming(help), rendered.naming(s.Err)
	if name, rest := takeFlag(args, "--context"); name != "" {
		signal.Reset(os.Interrupt, syscall.SIGTERM) // kubectl sees to them itself
		return kubectlError(s, v.CallReal(ctx, name, rest, s.In, s.Out, s.Err))
	}
	t, err := openTrial(s, file)
	if err != nil {
		return err
	}
	if v.Name == "diff" {
		provideDiff(s)
	}
	if err := takeStdin(ctx, s, args); err != nil {
		return &exitError{exitFailed, err}
	}
	// What a command has printed is true once the trial is saved, not before.
	var held orderedOutput
	end := func() {}
	if v.Name != "edit" { // its editor has the terminal
		end = underWay(terminal, "simulating")
	}
	prompted := &promptingInput{s.In, func() error {
		end()
		return held.show()
	}}
	failed := v.Call(ctx, t, args, prompted, held.to(s.Out), held.to(s.Err))
	end()
	var exit *trial.ExitError
	if failed != nil && !errors.As(failed, &exit) {
		return &exitError{exitFailed, failed}
	}
	if err := held.show(); err != nil {
		return err
	}
	return kubectlError(s, failed)
}

// orderedOutput holds back what is written to several writers, in the order of writing.
type orderedOutput struct {
	mu    sync.Mutex
	parts []part
}

type part struct {
	to   io.Writer
	text []byte
}

// to returns a writer that holds back what is for w.
func (s *orderedOutput) to(w io.Writer) io.Writer { return &orderedWriter{s, w} }

type orderedWriter struct {
	*orderedOutput
	w io.Writer
}

func (s *orderedWriter) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := len(s.parts) - 1; last >= 0 && s.parts[last].to == s.w {
		s.parts[last].text = append(s.parts[last].text, b...)
	} else {
		s.parts = append(s.parts, part{s.w, bytes.Clone(b)})
	}
	return len(b), nil
}

// show passes on what was held back.
func (s *orderedOutput) show() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.parts {
		if _, err := p.to.Write(p.text); err != nil {
			return err
		}
	}
	s.parts = nil
	return nil
}

// promptingInput is an input that a user is prompted for: the prompt is shown before it is read.
type promptingInput struct {
	in   io.Reader
	show func() error
}

func (a *promptingInput) Read(b []byte) (int, error) {
	if err := a.show(); err != nil {
		return 0, err
	}
	return a.in.Read(b)
}

// kubectlError ends as kubectl would: with its message and its exit code.
func kubectlError(s Streams, err error) error {
	var exit *trial.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	if exit.Message != "" {
		fmt.Fprintln(s.Err, strings.TrimSuffix(exit.Message, "\n"))
	}
	return &exitError{code: exit.Code}
}

// takeFlag takes a flag with its value out of arguments that are not parsed yet.
func takeFlag(args []string, name string) (value string, rest []string) {
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "--":
			return value, append(rest, args[i:]...)
		case args[i] == name && i+1 < len(args):
			value = args[i+1]
			i++
		case strings.HasPrefix(args[i], name+"="):
			value = strings.TrimPrefix(args[i], name+"=")
		default:
			rest = append(rest, args[i])
		}
	}
	return value, rest
}

// takeStdin reads the standard input to its end, if a command wants it, and puts what it was into its place:
// before a trial is locked, since who writes it may be a command on the same trial, and so that an
// interrupt is heard. Who wants it reads os.Stdin, or the file of that name.
func takeStdin(ctx context.Context, s Streams, args []string) error {
	if !slices.ContainsFunc(args, namesStdin) {
		return nil
	}
	f, err := unnamedFile()
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(f, interruptible{ctx, s.In}); err != nil {
		return fmt.Errorf("reading the standard input: %w", err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return platform.ReplaceStdin(f)
}

// namesStdin reports whether an argument stands for the standard input, in one of the ways of kubectl's flags.
func namesStdin(arg string) bool {
	return slices.Contains(
		[]string{source.Stdin, "-f-", "-f=-", "--filename=-"}, arg,
	) || strings.Contains(arg, "/dev/stdin")
}

// parseNodes reads what --nodes says.
func parseNodes(ctx context.Context, s Streams, groups []string) ([]*corev1.Node, error) {
	if err := takeStdin(ctx, s, groups); err != nil {
		return nil, &exitError{exitFailed, err}
	}
	nodes, err := cluster.ParseNodes(groups...)
	if err != nil {
		return nil, usageError("--nodes: %v", err)
	}
	return nodes, nil
}

// unnamedFile makes a file that lives as long as it is open.
func unnamedFile() (*os.File, error) {
	f, err := os.CreateTemp("", "seatrial-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// openTrial finds the file of the trial.
func openTrial(s Streams, file string) (*trial.Trial, error) {
	if file == "" {
		file = s.Getenv(trialEnv)
	}
	if file == "" {
		folder, err := stateFolder(s)
		if err != nil {
			return nil, &exitError{exitFailed, fmt.Errorf("no folder for the trial: %w; name a file with --trial", err)}
		}
		file = filepath.Join(folder, "trial")
	}
	return &trial.Trial{Path: file}, nil
}

// stateFolder is where programs keep their state, by the XDG convention.
func stateFolder(s Streams) (string, error) {
	if base := s.Getenv("XDG_STATE_HOME"); base != "" {
		return filepath.Join(base, "seatrial"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, ".local", "state", "seatrial"), nil
}

func bindTrial(cmd *cobra.Command, file *string) {
	cmd.GroupID = trialGroup
	cmd.Flags().StringVar(file, "trial", "", "`file` of the trial (default: one in your state folder, or "+trialEnv+")")
}

func newAdvanceCommand(s Streams) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "advance DURATION",
		Short: "Advance the clock of the trial, and show what happens",
		Long: `Advance the clock of the trial, and show what happens meanwhile.

The clock of the trial jumps: an hour takes a second or less.`,
		Example: `  seatrial advance 30s
  seatrial advance 1h --trial shop.trial`,
		Args: exactArgs(1, "DURATION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			by, err := time.ParseDuration(args[0])
			if err != nil || by <= 0 {
				return usageError("invalid duration %q: want one such as 30s, 10m or 2h", args[0])
			}
			t, err := openTrial(s, file)
			if err != nil {
				return err
			}
			return printed(s, func(out io.Writer) error {
				defer underWay(s, "simulating")()
				return t.Advance(cmd.Context(), by, out)
			})
		},
	}
	bindTrial(cmd, &file)
	return cmd
}

func newStatusCommand(s Streams) *cobra.Command {
	var file, other string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the clock of the trial, its nodes, what is not settled, and whether the live cluster is up",
		Long: `Show the clock of the trial, its nodes, what is not settled, and whether the live cluster is up.

With --context, show the same of a real cluster, the live one among them: its version, its nodes,
what is not settled, and whether it has metrics.`,
		Example: `  seatrial status
  seatrial status --trial shop.trial
  seatrial status --context seatrial`,
		Args: exactArgs(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if other != "" {
				config, err := contextConfig(other)
				if err != nil {
					return err
				}
				return printed(
					s, func(out io.Writer) error { return trial.RealStatus(cmd.Context(), other, config, out) },
				)
			}
			t, err := openTrial(s, file)
			if err != nil {
				return err
			}
			return printed(s, func(out io.Writer) error {
				return errors.Join(t.Status(cmd.Context(), out), liveStatus(s, out))
			})
		},
	}
	bindTrial(cmd, &file)
	cmd.Flags().StringVar(&other, "context", "", "`name` of a context of the kubeconfig: show that cluster instead")
	cmd.MarkFlagsMutuallyExclusive("trial", "context")
	return cmd
}

func newResetCommand(s Streams) *cobra.Command {
	var file string
	var nodes []string
	var seed int64
	cmd := &cobra.Command{
		Use:   "reset",
		Short: "Make the trial a new, empty cluster",
		Long: `Make the trial a new, empty cluster.

With --seed, the same commands give the same output again: names are drawn from the seed, and
the clock begins at a fixed date and moves a second from command to command, whatever the real
clock says.`,
		Example: `  seatrial reset
  seatrial reset --nodes 3x4cpu16Gi --seed 1`,
		Args: exactArgs(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			parsed, err := parseNodes(cmd.Context(), s, nodes)
			if err != nil {
				return err
			}
			config := cluster.Config{Nodes: parsed}
			t, err := openTrial(s, file)
			if err != nil {
				return err
			}
			return printed(s, func(out io.Writer) error {
				fmt.Fprintln(out, "trial reset")
				return t.Reset(cmd.Context(), seed, config)
			})
		},
	}
	bindTrial(cmd, &file)
	cmd.Flags().StringArrayVar(&nodes, "nodes", nil, nodesHelp)
	cmd.Flags().Int64Var(&seed, "seed", 0, "make the trial reproducible")
	return cmd
}

// printed prints what f writes, once f has succeeded.
func printed(s Streams, f func(io.Writer) error) error {
	var out bytes.Buffer
	if err := f(&out); err != nil {
		return &exitError{exitFailed, err}
	}
	_, err := io.WriteString(s.Out, sanitize.Lines(out.String()))
	return err
}

// leastArgs returns a check of a number of arguments that is a lower bound; what names them.
func leastArgs(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < n {
			return usageError("want %s, got %s", what, report.Plural(len(args), "argument"))
		}
		return nil
	}
}

// exactArgs returns a check of a number of arguments; what names them.
func exactArgs(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) == n:
			return nil
		case n == 0:
			return usageError("unexpected argument %q", args[0])
		}
		return usageError("want %s, got %s", what, report.Plural(len(args), "argument"))
	}
}
