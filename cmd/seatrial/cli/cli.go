// Package cli is seatrial's command line: one file a verb. It alone wires the other packages
// together, and it alone decides exit codes.
//
// The central type is [Streams], the world that a verb sees. Each verb is a struct of options
// with a run method; its constructor binds flags and nothing else.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/fatih/color"
	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
	"k8s.io/klog/v2"

	"github.com/seatrial/seatrial/internal/app"
	"github.com/seatrial/seatrial/internal/sanitize"
)

// Exit codes, as documented in the help and relied on by scripts.
const (
	exitClean    = 0 // nothing at or above --fail-on
	exitFindings = 1 // findings, or a plan that does not converge
	exitUsage    = 2 // wrong flags or arguments
	exitFailed   = 3 // could not run: unreadable input, no documents, an internal error

	exitInterrupted = 130 // as shells report a process that SIGINT has ended
)

// Streams is the world outside of the process.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	Getenv   func(string) string
}

// exitError carries the exit code of a verb. A nil err has been reported already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// interruptible reads on until a context ends. A read that waits is left behind then: it ends with
// the process.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

func (i interruptible) Read(p []byte) (int, error) {
	type outcome struct {
		data []byte
		err  error
	}
	got := make(chan outcome, 1)
	go func() {
		data := make([]byte, len(p)) // p is the caller's again when the context ends first
		n, err := i.r.Read(data)
		got <- outcome{data[:n], err}
	}()
	select {
	case o := <-got:
		return copy(p, o.data), o.err
	case <-i.ctx.Done():
		return 0, i.ctx.Err()
	}
}

// exitWith returns err with its exit code: that of wrong usage, or of a run that failed.
func exitWith(err error) error {
	var coded *exitError
	var wrong *app.UsageError
	switch {
	case err == nil || errors.As(err, &coded):
		return err
	case errors.As(err, &wrong):
		return &exitError{exitUsage, err}
	}
	return &exitError{exitFailed, err}
}

func usageError(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// Main runs the program on the process's own arguments and streams, and gives the exit code.
func Main() int {
	if os.Getenv(diffEnv) != "" && len(os.Args) == 3 {
		return diffFolders(os.Args[1], os.Args[2], os.Stdout, os.Stderr)
	}
	klog.SetLoggerWithOptions(logr.Discard(), klog.ContextualLogger(true)) // what linked packages log is not for users
	klog.OsExit = func(int) {
		fmt.Fprintf(os.Stderr, "seatrial: internal error: the linked Kubernetes gave up\n%s", debug.Stack())
		os.Exit(exitFailed)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process wherever it is
	return Run(ctx, os.Args[1:], Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv})
}

// Run executes one command line and gives the exit code.
func Run(ctx context.Context, args []string, s Streams) int {
	root := newRoot(s)
	root.SetArgs(args)
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitClean
	}
	if errors.Is(err, syscall.EPIPE) {
		return exitClean // the reader has seen enough
	}
	code, hint := exitUsage, true
	var e *exitError
	if errors.As(err, &e) {
		code, err, hint = e.code, e.err, e.code == exitUsage
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		code, err, hint = exitInterrupted, errors.New("interrupted"), false
	}
	if err != nil {
		fmt.Fprintf(s.Err, "seatrial: %s\n", sanitize.Lines(err.Error()))
		if hint && cmd != nil {
			fmt.Fprintf(s.Err, "run `%s --help` for usage\n", cmd.CommandPath())
		}
	}
	return code
}

// NewCommand returns the command tree, for what describes it: man pages and completions.
func NewCommand(s Streams) *cobra.Command { return newRoot(s) }

func newRoot(s Streams) *cobra.Command {
	// linked packages hang flags of servers on it, which cobra would show
	pflag.CommandLine = pflag.NewFlagSet("", pflag.ContinueOnError)
	root := &cobra.Command{
		Use:   "seatrial",
		Short: "Sea trials for Kubernetes manifests",
		Long: `seatrial takes a Kubernetes manifest through everything a cluster would do with it,
before any cluster sees it. Kubernetes itself is linked into the program: the verdicts are
the API server's own.

Exit codes: 0 clean; 1 findings at or above --fail-on; 2 wrong usage; 3 could not run
(unreadable input, no documents found, internal error).`,
		Example: `  seatrial lint deployment.yaml
  helm template ./chart | seatrial lint -`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError("unknown command %q", args[0])
			}
			return cmd.Help()
		},
	}
	root.Version = buildVersion()
	root.SetVersionTemplate(fmt.Sprintf("seatrial {{.Version}}\nKubernetes %s (linked)\n", kubernetesVersion()))
	root.SetFlagErrorFunc(flagError)
	setHelp(root, s)
	root.SuggestionsMinimumDistance = 2
	root.AddGroup(&cobra.Group{ID: ownGroup, Title: "Commands on manifests:"})
	own := []*cobra.Command{
		newLintCommand(s),
		newRenderCommand(s),
		newVendorCommand(s),
		newExplainCommand(s),
		newPlanCommand(s),
		newExpectCommand(s),
		newReviewCommand(s),
		newConvertCommand(s),
		newLSPCommand(s),
		newRulesCommand(s),
		newRBACCommand(s),
		newReachCommand(s),
		newCRDsCommand(s),
		newPlaygroundCommand(s),
		newVersionCommand(s),
	}
	for _, cmd := range own {
		cmd.GroupID = ownGroup
	}
	root.AddCommand(own...)
	root.AddGroup(&cobra.Group{ID: trialGroup, Title: "Commands on a cluster (by default, the trial):"})
	root.AddCommand(newTrialCommands(s)...)
	root.AddGroup(&cobra.Group{ID: liveGroup, Title: "The live cluster, for kubectl and other clients:"})
	root.AddCommand(newUpCommand(s), newDownCommand(s))
	completeFlags(root)
	return root
}

// colorModes are the values of --color.
var colorModes = []string{"auto", "always", "never"}

// useColor decides whether a writer gets colour. NO_COLOR and terminals count only for auto.
func useColor(mode string, s Streams, w io.Writer) (bool, error) {
	switch mode {
	case "always":
		color.NoColor = false
		return true, nil
	case "never":
		return false, nil
	case "auto":
		on := s.Getenv("NO_COLOR") == "" && s.Getenv("TERM") != "dumb" && isTerminal(w)
		if on {
			color.NoColor = false
		}
		return on, nil
	}
	return false, usageError("invalid --color %q: want %s", mode, strings.Join(colorModes, ", "))
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// terminalWidth returns the columns of a terminal, or 0.
func terminalWidth(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// completeWords offers a fixed list.
func completeWords(words []string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}
