package cli

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seatrial/seatrial/internal/app"
	"github.com/seatrial/seatrial/internal/policy"
	"github.com/seatrial/seatrial/internal/report"
	"github.com/seatrial/seatrial/internal/sanitize"
	"github.com/seatrial/seatrial/lint"
)

func newRulesTestCommand(s Streams, config *string) *cobra.Command {
	output := "table"
	cmd := &cobra.Command{
		Use:   "test [RULE...]",
		Short: "Hold the rules of the configuration against their tests",
		Long: `Hold the rules of the configuration against their tests, and name the rules that have none.

A valid manifest must pass its rule, an invalid one must be found. The exit code is 1 if a test fails.`,
		Example: `  seatrial rules test
  seatrial rules test team-label -o junit`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if output != "table" && output != "junit" {
				return usageError("unknown output %q: want table or junit", output)
			}
			own, err := testedRules(*config, args)
			if err != nil {
				return err
			}
			outcomes, err := policy.Run(cmd.Context(), own)
			if err != nil {
				return &exitError{exitFailed, err}
			}
			write := writeTestTable
			if output == "junit" {
				write = writeTestJUnit
			}
			if err := write(s.Out, own, outcomes); err != nil {
				return &exitError{exitFailed, err}
			}
			if slices.ContainsFunc(outcomes, func(o policy.Outcome) bool { return o.Problem != "" }) {
				return &exitError{code: exitFindings}
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", output, "format of the output: table|junit")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("output", completeWords([]string{"table", "junit"})))
	return cmd
}

// testedRules returns the rules of the configuration, or those of some names.
func testedRules(config string, names []string) ([]*policy.Rule, error) {
	c, err := app.Configuration(config, "")
	if err != nil {
		return nil, usageError("%v", err)
	}
	own, err := app.CustomRules(c, nil)
	if err != nil {
		return nil, usageError("%v", err)
	}
	if len(own) == 0 {
		return nil, usageError("the configuration defines no rules: `seatrial rules new NAME` writes one")
	}
	if len(names) == 0 {
		return own, nil
	}
	var chosen []*policy.Rule
	for _, name := range names {
		i := slices.IndexFunc(own, func(r *policy.Rule) bool { return r.Name == name })
		if i < 0 {
			return nil, usageError("the configuration defines no rule %q", name)
		}
		chosen = append(chosen, own[i])
	}
	return chosen, nil
}

func newRulesNewCommand(s Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "new NAME",
		Short: "Write a rule of one's own to start from, with tests",
		Example: `  seatrial rules new team-label > rules.yaml
  seatrial rules test --config rules.yaml`,
		Args: exactArgs(1, "a name"),
		RunE: func(_ *cobra.Command, args []string) error {
			if !policy.ValidName(args[0]) {
				return usageError("invalid name %q: want lower case with dashes, such as team-label", args[0])
			}
			if slices.ContainsFunc(app.Rules(), func(r *lint.Rule) bool { return r.Name == args[0] }) {
				return usageError("seatrial has a rule %s already: choose another name", args[0])
			}
			_, err := io.WriteString(s.Out, policy.Skeleton(args[0]))
			return err
		},
	}
}

// writeTestTable writes a line for each test, and one for each rule without any.
func writeTestTable(out io.Writer, rules []*policy.Rule, outcomes []policy.Outcome) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	failed := 0
	for _, o := range outcomes {
		result := "ok"
		if o.Problem != "" {
			result = "FAILED: " + o.Problem
			failed++
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", o.Rule.Name, sanitize.Line(o.Name), sanitize.Line(result))
	}
	untested := 0
	for _, r := range rules {
		if missing := untestedBy(r); missing != "" {
			untested++
			fmt.Fprintf(w, "%s\t-\t%s\n", r.Name, missing)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%s of %s, %d failed; %s without a valid and an invalid manifest\n",
		report.Plural(len(outcomes), "test"), report.Plural(len(rules), "rule"), failed,
		report.Plural(untested, "rule"))
	return err
}

// untestedBy says which kinds of tests a rule lacks.
func untestedBy(r *policy.Rule) string {
	var missing []string
	if !slices.ContainsFunc(r.Tests, func(t policy.Test) bool { return t.Valid != nil }) {
		missing = append(missing, "valid")
	}
	if !slices.ContainsFunc(r.Tests, func(t policy.Test) bool { return t.Invalid != nil }) {
		missing = append(missing, "invalid")
	}
	if len(missing) == 0 {
		return ""
	}
	return "no test with a manifest that is " + strings.Join(missing, ", or ")
}

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Failure *junitMessage `xml:"failure"`
	Skipped *junitMessage `xml:"skipped"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
}

// writeTestJUnit writes JUnit XML; a rule without tests is a case that was skipped.
func writeTestJUnit(out io.Writer, rules []*policy.Rule, outcomes []policy.Outcome) error {
	suite := junitSuite{Name: "seatrial rules test"}
	for _, o := range outcomes {
		c := junitCase{Class: o.Rule.Name, Name: o.Name}
		if o.Problem != "" {
			c.Failure = &junitMessage{o.Problem}
			suite.Failures++
		}
		suite.Cases = append(suite.Cases, c)
	}
	for _, r := range rules {
		if missing := untestedBy(r); missing != "" {
			suite.Skipped++
			suite.Cases = append(suite.Cases, junitCase{Class: r.Name, Name: "tests", Skipped: &junitMessage{missing}})
		}
	}
	suite.Tests = len(suite.Cases)
	data, err := xml.MarshalIndent(suite, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s%s\n", xml.Header, data)
	return err
}
