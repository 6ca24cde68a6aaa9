package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seatrial/seatrial/internal/app"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/rules"
	"github.com/seatrial/seatrial/schema"
)

func newRulesCommand(s Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "rules [RULE]",
		Short: "List the rules of lint, or explain one",
		Example: `  seatrial rules
  seatrial rules image-tag-latest`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return ruleNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return listRules(s)
			}
			for _, r := range app.Rules() {
				if r.Name == args[0] {
					_, err := fmt.Fprint(s.Out, ruleText(r))
					return err
				}
			}
			if best := schema.DidYouMean(args[0], ruleNames()); best != "" {
				return usageError("unknown rule %q: did you mean %s?", args[0], best)
			}
			return usageError("unknown rule %q", args[0])
		},
	}
}

func ruleNames() (names []string) {
	for _, r := range app.Rules() {
		names = append(names, r.Name)
	}
	return names
}

// listRules prints the rules by category; optional ones are marked.
func listRules(s Streams) error {
	w := tabwriter.NewWriter(s.Out, 0, 8, 2, ' ', 0)
	for _, c := range lint.Categories {
		fmt.Fprintf(w, "%s: %s\n", strings.ToUpper(c.Name), c.Doc)
		for _, r := range app.Rules() {
			if r.Category != c.Name {
				continue
			}
			note := ""
			if r.Optional {
				note = " (not by default)"
			}
			fmt.Fprintf(w, "  %s\t%s\t%s%s\n", r.Name, r.Severity, r.Title, note)
		}
	}
	return w.Flush()
}

func ruleText(r *lint.Rule) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s, %s)\n%s\n\n%s\n", r.Name, r.Severity, r.Category, r.Title, r.Doc)
	indent := func(text string) string {
		return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ") + "\n"
	}
	if bad, good := rules.Example(r.Name); bad != "" {
		fmt.Fprintf(&b, "\nBad:\n\n%s\nGood:\n\n%s", indent(bad), indent(good))
	}
	if r.URL != "" {
		fmt.Fprintf(&b, "\n%s\n", r.URL)
	}
	return b.String()
}
