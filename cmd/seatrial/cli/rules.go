package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seatrial/seatrial/internal/app"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/rules"
	"github.com/seatrial/seatrial/schema"
)

func newRulesCommand(s Streams) *cobra.Command {
	var config string
	cmd := &cobra.Command{
		Use:   "rules [RULE]",
		Short: "List the rules of lint, or explain one",
		Long: `List the rules of lint, or explain one: those of the program, and those that the configuration defines.

Rules of your own are written in CEL, under customRules in .seatrial.yaml: docs/custom-rules.md.`,
		Example: `  seatrial rules
  seatrial rules image-tag-latest
  seatrial rules new team-label > rules.yaml
  seatrial rules test`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			all, err := configuredRules(config)
			if err != nil {
				all = app.Rules()
			}
			return ruleNames(all), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			all, err := configuredRules(config)
			if err != nil {
				return exitWith(err)
			}
			if len(args) == 0 {
				return listRules(s, all)
			}
			for _, r := range all {
				if r.Name == args[0] {
					_, err := fmt.Fprint(s.Out, ruleText(r))
					return err
				}
			}
			if best := schema.DidYouMean(args[0], ruleNames(all)); best != "" {
				return usageError("unknown rule %q: did you mean %s?", args[0], best)
			}
			return usageError("unknown rule %q", args[0])
		},
	}
	cmd.PersistentFlags().StringVar(
		&config, "config", "", "configuration file (default: "+lint.ConfigName+" found upwards)",
	)
	cmd.AddCommand(newRulesTestCommand(s, &config), newRulesNewCommand(s))
	return cmd
}

// configuredRules returns the rules of the program and those that the configuration defines.
func configuredRules(config string) ([]*lint.Rule, error) {
	c, err := app.Configuration(config, "")
	if err != nil {
		return nil, usageError("%v", err)
	}
	all, err := (&app.Workspace{Config: c}).Rules()
	if err != nil {
		return nil, usageError("%v", err)
	}
	return all, nil
}

func ruleNames(all []*lint.Rule) (names []string) {
	for _, r := range all {
		names = append(names, r.Name)
	}
	return names
}

// listRules prints the rules by category; optional ones are marked.
func listRules(s Streams, all []*lint.Rule) error {
	w := tabwriter.NewWriter(s.Out, 0, 8, 2, ' ', 0)
	for _, c := range lint.Categories {
		of := slices.DeleteFunc(slices.Clone(all), func(r *lint.Rule) bool { return r.Category != c.Name })
		if len(of) == 0 {
			continue
		}
		fmt.Fprintf(w, "%s: %s\n", strings.ToUpper(c.Name), c.Doc)
		for _, r := range of {
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
	if len(r.Params) > 0 {
		b.WriteString("\nParameters:\n\n")
	}
	for _, p := range r.Params {
		value, _ := json.Marshal(p.Default)
		fmt.Fprintf(&b, "  %s: %s\n", p.Name, value)
		if p.Doc != "" {
			fmt.Fprintf(&b, "    %s\n", p.Doc)
		}
	}
	if r.URL != "" {
		fmt.Fprintf(&b, "\n%s\n", r.URL)
	}
	return b.String()
}
