package cli

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seatrial/seatrial/schema"
)

// Widths of help, in columns.
const (
	plainHelp  = 100 // where the output is no terminal
	widestHelp = 120 // longer lines are hard to read
	narrowHelp = 40
)

// ownGroup is the group of the program's own verbs.
const ownGroup = "own"

// helpWidth returns how wide help may be.
func helpWidth(s Streams) int {
	if width := terminalWidth(s.Out); width > 0 {
		return min(max(width, narrowHelp), widestHelp)
	}
	return plainHelp
}

// setHelp makes a command and those below it write help that is no wider than the terminal.
func setHelp(root *cobra.Command, s Streams) {
	width := helpWidth(s)
	root.SetUsageFunc(func(cmd *cobra.Command) error {
		var b strings.Builder
		writeUsage(&b, cmd, width)
		_, err := io.WriteString(cmd.OutOrStderr(), wrapHelp(b.String(), width))
		return err
	})
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		var b strings.Builder
		text := strings.TrimSpace(cmd.Long)
		if text == "" {
			text = cmd.Short
		}
		fmt.Fprintf(&b, "%s\n\n", joinLines(text))
		writeUsage(&b, cmd, width)
		fmt.Fprint(cmd.OutOrStdout(), wrapHelp(b.String(), width))
	})
}

// joinLines makes one line of each paragraph, to be broken where the terminal ends. Lines that are indented, or items
// of a list, stay by themselves.
func joinLines(text string) string {
	var b strings.Builder
	prose := func(line string) bool {
		return line != "" && line[0] != ' ' && !strings.HasPrefix(line, "- ") && !strings.HasPrefix(line, "* ")
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		switch {
		case i == 0:
		case prose(line) && prose(lines[i-1]):
			b.WriteByte(' ')
		default:
			b.WriteByte('\n')
		}
		b.WriteString(line)
	}
	return b.String()
}

// wrappedHelp returns a writer for the help of one of kubectl's commands, which is no wider than the terminal once
// flush has been called; w itself if args do not ask for help, or w is no terminal.
func wrappedHelp(w io.Writer, args []string) (out io.Writer, flush func()) {
	if i := slices.Index(args, "--"); i >= 0 {
		args = args[:i] // what follows is for another program
	}
	width := terminalWidth(w)
	if width == 0 || !slices.Contains(args, "--help") && !slices.Contains(args, "-h") {
		return w, func() {}
	}
	var b strings.Builder
	return &b, func() { fmt.Fprint(w, wrapHelp(b.String(), min(max(width, narrowHelp), widestHelp))) }
}

// described matches the part of a line before the description of a flag or verb.
var described = regexp.MustCompile(`^ {2,}\S.*?\S {2,}`)

// wrapHelp breaks the lines of help that are too long. Commands among the examples stay whole, to be copied.
func wrapHelp(text string, width int) string {
	lines := strings.Split(text, "\n")
	examples := false
	for i, line := range lines {
		start := strings.TrimLeft(line, " ")
		if start == line && line != "" {
			examples = strings.HasPrefix(line, "Examples:")
		}
		if examples && !strings.HasPrefix(start, "#") {
			continue
		}
		indent := len(line) - len(start)
		if at := len(described.FindString(line)); at <= width/2 {
			indent = max(indent, at)
		}
		lines[i] = wrapLine(line, width, min(indent, width/2))
	}
	return strings.Join(lines, "\n")
}

// writeUsage writes how a command is called: its examples, verbs and flags.
func writeUsage(w io.Writer, cmd *cobra.Command, width int) {
	fmt.Fprint(w, "Usage:")
	if cmd.Runnable() {
		fmt.Fprintf(w, "\n  %s", cmd.UseLine())
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(w, "\n  %s [command]", cmd.CommandPath())
	}
	fmt.Fprintln(w)
	if cmd.HasExample() {
		fmt.Fprintf(w, "\nExamples:\n%s\n", strings.TrimRight(cmd.Example, "\n"))
	}
	for _, g := range cmd.Groups() {
		writeVerbs(w, g.Title, cmd.Commands(), g.ID, width)
	}
	title := "Commands:"
	if len(cmd.Groups()) > 0 {
		title = "Additional commands:"
	}
	writeVerbs(w, title, cmd.Commands(), "", width)
	if cmd.HasAvailableLocalFlags() {
		fmt.Fprintf(w, "\nFlags:\n%s", cmd.LocalFlags().FlagUsagesWrapped(width))
	}
	if cmd.HasAvailableInheritedFlags() {
		fmt.Fprintf(w, "\nGlobal Flags:\n%s", cmd.InheritedFlags().FlagUsagesWrapped(width))
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(w, "\nUse \"%s [command] --help\" for more information about a command.\n", cmd.CommandPath())
	}
}

// writeVerbs writes the commands of a group; nothing if it has none.
func writeVerbs(w io.Writer, title string, verbs []*cobra.Command, group string, width int) {
	begun := false
	for _, v := range verbs {
		if v.GroupID != group || !v.IsAvailableCommand() && v.Name() != "help" {
			continue
		}
		if !begun {
			fmt.Fprintf(w, "\n%s\n", title)
			begun = true
		}
		name := fmt.Sprintf("  %-*s ", v.NamePadding(), v.Name())
		fmt.Fprintln(w, wrapLine(name+v.Short, width, len(name)))
	}
}

// wrapLine breaks a line at spaces, and in long words behind | and commas. What follows the first break is indented.
func wrapLine(line string, width, indent int) string {
	var b strings.Builder
	for len([]rune(line)) > width {
		runes := []rune(line)
		at := strings.LastIndexByte(string(runes[:width+1]), ' ')
		if at <= indent {
			at = strings.LastIndexAny(string(runes[:width]), "|,") + 1
		}
		if at <= indent { // a word of its own stays whole
			begin := len(line) - len(strings.TrimLeft(line, " "))
			end := strings.IndexByte(line[begin:], ' ')
			if end < 0 {
				break
			}
			at = begin + end
		}
		b.WriteString(strings.TrimRight(line[:at], " ") + "\n")
		line = strings.Repeat(" ", indent) + strings.TrimLeft(line[at:], " ")
	}
	return b.String() + line
}

// flagError says which flag was meant by one that does not exist.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return usageError("%v", err)
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	if meant := schema.DidYouMean(unknown.GetSpecifiedName(), names); meant != "" {
		return usageError("%v: did you mean --%s?", err, meant)
	}
	return usageError("%v", err)
}
