package cli

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seatrial/seatrial/internal/app"
	"github.com/seatrial/seatrial/internal/memtune"
	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/report"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/source"
)

// maxJobPods is the maximum number of pods of a Job that --as-job writes.
const maxJobPods = 10000

// completeShard fills in which part of the questions is answered.
func (o *planOptions) completeShard() (err error) {
	switch {
	case o.asJob && (o.image == "" || o.shard == "" || strings.Contains(o.shard, "/")):
		return usageError("--as-job needs the --image of seatrial and the number of pods, as in --shard 8")
	case !o.asJob && o.image != "":
		return usageError("--image only works with --as-job")
	case o.asJob:
		o.Shard, err = plan.ParseShard("1/"+o.shard, "")
		if err == nil && o.Shard.Count > maxJobPods {
			return usageError("invalid --shard %s: want at most %d pods", o.shard, maxJobPods)
		}
	case o.shard != "":
		o.Shard, err = plan.ParseShard(o.shard, os.Getenv(plan.JobIndexEnv))
	}
	if err != nil {
		return usageError("--shard: %v", err)
	}
	return nil
}

// plan makes the plan, or writes the Job that does.
func (o *planOptions) plan(ctx context.Context) (*app.PlanResult, error) {
	if o.asJob {
		return o.Job(ctx, o.image, int32(o.Shard.Count), o.Out)
	}
	return o.Run(ctx)
}

// answerShard answers a part of what --as-job has written.
func (o *planOptions) answerShard(ctx context.Context) error {
	packed, err := os.ReadFile(o.shardInput)
	if err != nil {
		return exitWith(lint.Unreadable(o.shardInput, err))
	}
	if err := o.completeShard(); err != nil {
		return err
	}
	data, err := app.UnpackJob(packed)
	if err == nil {
		err = app.AnswerShard(ctx, data, o.Shard, []string{"plan", "--" + whatIfFlag}, memtune.Collect, o.Out)
	}
	return exitWith(err)
}

func newPlanMergeCommand(s Streams) *cobra.Command {
	color, output := "auto", report.PlanFormats[0].Name
	options := report.PlanOptions{}
	cmd := &cobra.Command{
		Use:   "merge PART...",
		Short: "Join the parts of a plan that shards have made",
		Long: `Join what each seatrial plan --shard I/N has written, in files or on standard input (-), several parts one after
another if that is how they come. The report is the same, byte for byte, as that of one run without --shard.

Exit codes: as those of seatrial plan; 3 if a part is missing, or is of another plan.`,
		Example: `  seatrial plan -f web/ --seeds 24 --shard 1/2 > part1.json
  seatrial plan -f web/ --seeds 24 --shard 2/2 > part2.json
  seatrial plan merge part1.json part2.json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := report.LookupPlan(output)
			if err != nil {
				return usageError("%v", err)
			}
			painted, err := useColor(color, s, s.Out)
			if err != nil {
				return err
			}
			var parts []*app.PlanPart
			for _, name := range args {
				some, err := readParts(interruptible{cmd.Context(), s.In}, name)
				if err != nil {
					return exitWith(err)
				}
				parts = append(parts, some...)
			}
			res, err := app.MergeParts(parts)
			if err != nil {
				return exitWith(err)
			}
			options.Options = report.Options{Color: painted, Width: terminalWidth(s.Out)}
			return writePlan(s, format, res, options)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&output, "output", "o", output, "output format: "+strings.Join(report.PlanNames(), "|"))
	f.BoolVarP(&options.Verbose, "verbose", "v", false, "show everything that happens")
	f.BoolVar(
		&options.Reasons, "reasons", false, "show why the scheduler chose each node, if the parts were made with it",
	)
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("output", completeWords(report.PlanNames())))
	colorFlag(cmd, &color)
	return cmd
}

// readParts reads the parts in a file, or on standard input.
func readParts(in io.Reader, name string) ([]*app.PlanPart, error) {
	if name == source.Stdin {
		return app.ReadParts(source.Display(name), in)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, lint.Unreadable(name, err)
	}
	return app.ReadParts(name, bytes.NewReader(data))
}
