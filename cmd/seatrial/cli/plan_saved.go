package cli

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seatrial/seatrial/internal/app"
	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/report"
	"github.com/seatrial/seatrial/lint"
)

func newPlanDiffCommand(s Streams) *cobra.Command {
	color := "auto"
	cmd := &cobra.Command{
		Use:   "diff BEFORE.json AFTER.json",
		Short: "Compare two saved plans",
		Long: `Compare two plans that seatrial plan -o json has written: how they end, how long each workload takes and what
stays available, which stalls are new or gone, expectations, and what is on the nodes. What is worse in the second plan
is marked with !, what is better with +.

Exit codes: 0 nothing is worse; 1 something is; 2 wrong usage; 3 could not run.`,
		Example: `  seatrial plan -f old/ --from running.yaml -o json > old.json
  seatrial plan -f new/ --from running.yaml -o json > new.json
  seatrial plan diff old.json new.json`,
		Args: exactArgs(2, "two plans in JSON"),
		RunE: func(_ *cobra.Command, args []string) error {
			before, err := readPlan(args[0])
			if err != nil {
				return err
			}
			after, err := readPlan(args[1])
			if err != nil {
				return err
			}
			painted, err := useColor(color, s, s.Out)
			if err != nil {
				return err
			}
			all := plan.Compare(before, after)
			if err := report.WritePlanDiff(
				s.Out, all, report.Options{Color: painted, Width: terminalWidth(s.Out)},
			); err != nil {
				return &exitError{exitFailed, err}
			}
			if slices.ContainsFunc(all, func(d plan.Difference) bool { return d.Worse }) {
				return &exitError{code: exitFindings}
			}
			return nil
		},
	}
	colorFlag(cmd, &color)
	return cmd
}

func newExpectCommand(s Streams) *cobra.Command {
	color := "auto"
	cmd := &cobra.Command{
		Use:   "expect PLAN.json SCENARIO",
		Short: "Answer the expectations of a scenario from a saved plan",
		Long: `Answer the expectations of a scenario from a plan that seatrial plan -o json has written. Nothing is simulated: of the
scenario only what it expects is read, so that its actions have to be those of the plan.

Exit codes: 0 all expectations are met; 1 one is not; 2 wrong usage; 3 could not run.`,
		Example: `  seatrial plan -f new.yaml --from running.yaml -o json > plan.json
  seatrial expect plan.json night.yaml`,
		Args: exactArgs(2, "a plan in JSON and a scenario"),
		RunE: func(_ *cobra.Command, args []string) error {
			end := underWay(s, "reading the plan")
			p, err := readPlan(args[0])
			end()
			if err != nil {
				return err
			}
			scenario, err := app.ReadScenario(args[1])
			if err != nil {
				return exitWith(err)
			}
			if len(scenario.Expect) == 0 {
				return usageError("%s expects nothing", args[1])
			}
			painted, err := useColor(color, s, s.Out)
			if err != nil {
				return err
			}
			answers := scenario.Judge(p, plan.EvidenceOf(p))
			if err := report.WriteExpectations(
				s.Out, answers, report.Options{Color: painted, Width: terminalWidth(s.Out)},
			); err != nil {
				return &exitError{exitFailed, err}
			}
			if slices.ContainsFunc(answers, func(e plan.Expectation) bool { return !e.Passed }) {
				return &exitError{code: exitFindings}
			}
			return nil
		},
	}
	colorFlag(cmd, &color)
	return cmd
}

// readPlan reads a saved plan.
func readPlan(name string) (*plan.Plan, error) {
	p, err := plan.ReadSaved(name)
	if unread := (*lint.InputError)(nil); errors.As(err, &unread) {
		return nil, exitWith(err)
	}
	if err != nil {
		return nil, &exitError{exitFailed, err}
	}
	return p, nil
}

// colorFlag adds the flag --color.
func colorFlag(cmd *cobra.Command, value *string) {
	cmd.Flags().StringVar(value, "color", *value, "color of the output: "+strings.Join(colorModes, "|"))
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("color", completeWords(colorModes)))
}
