package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/app"
	"github.com/seatrial/seatrial/internal/memtune"
	"github.com/seatrial/seatrial/internal/report"
	"github.com/seatrial/seatrial/internal/review"
	"github.com/seatrial/seatrial/lint"
)

// reviewOptions are the flags of seatrial review.
type reviewOptions struct {
	Streams
	app.ReviewOptions
	nodes   []string
	output  string
	failOn  []string
	page    string
	comment string
	all     bool
	verbose bool
	color   string
}

// Words of --fail-on besides the names of consequences.
const (
	failRefused  = "refused"
	failStall    = "stall"
	failNewError = "new-error"
	failNever    = "never"
)

// failWords lists the words of --fail-on.
func failWords() []string {
	words := []string{failRefused, failStall, failNewError, failNever}
	for _, k := range review.Kinds {
		words = append(words, k.Name)
	}
	return words
}

func newReviewCommand(s Streams) *cobra.Command {
	o := &reviewOptions{Streams: s}
	cmd := &cobra.Command{
		Use:   "review [PATH]...",
		Short: "Tell what a change to a repository would do, before it is merged",
		Long: `Review compares what the repository applies before and after a change: charts, kustomizations,
what objects of Flux and Argo CD apply, and plain manifests. Each is an environment. It reports
what the API server would refuse, what restarts or breaks, which findings are new, which objects
change and how, and how the rollout goes.

The base is the commit at which the working tree left the default branch; --base names another
branch, tag or commit, or a folder. Revisions are read from git's object store: the working tree
stays as it is, and nothing is fetched. Uncommitted changes are reviewed as well. Only --comment
uses the network: it calls the API of the platform that the job's environment names.

PATH is a folder or file; without PATH the current folder is reviewed. Values of Secrets are not
shown.

--fail-on: ` + strings.Join(failWords()[:4], ", ") + `, or the name of a consequence:
` + strings.Join(failWords()[4:], ", ") + `.

Exit codes: 0 reviewed; 1 something that --fail-on names; 2 wrong usage; 3 could not run;
130 interrupted.`,
		Example: `  # what would this branch do?
  seatrial review

  # and what did the last commit?
  seatrial review --base HEAD~1

  # a comment for a pull request, and a page with all of it
  seatrial review --base origin/main -o markdown > comment.md
  seatrial review --base origin/main -o html > review.html

  # two folders, without git
  seatrial review new/ --base old/`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Paths = args
			return o.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVar(
		&o.Base, "base", "", "what to compare with: a branch, tag, commit or folder (default: the default branch)",
	)
	f.StringVar(&o.Head, "head", "", "revision to review in place of the working tree")
	f.StringVarP(
		&o.output, "output", "o", report.ReviewFormats[0].Name,
		"output format: "+strings.Join(report.ReviewNames(), "|"),
	)
	f.StringVar(
		&o.Plan, "plan", app.PlanAuto,
		"rollouts to simulate: auto|none|all; auto stops after 15 seconds, and says what it left out",
	)
	f.StringArrayVar(
		&o.nodes, "nodes", nil, "nodes of the simulated clusters, as plan takes them (default: nodes with room)",
	)
	f.StringSliceVar(&o.failOn, "fail-on", []string{failRefused, failStall}, "what makes the exit code 1; see above")
	f.StringVar(&o.page, "page", "", "address of the HTML report, to which the Markdown links")
	f.StringVar(
		&o.comment, "comment", "",
		"write the Markdown as a comment on the pull request of the CI job, in place of the last one: "+
			strings.Join(platformNames, "|"),
	)
	f.BoolVar(&o.all, "all", false, "show findings of before as well")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "show every field and line")
	chartFlags(f, &o.Charts)
	f.StringSliceVar(&o.Versions, "kubernetes-version", nil, "target Kubernetes version (default: the linked one)")
	f.StringSliceVar(&o.CRDs, "crds", nil, "files, folders or globs of CustomResourceDefinitions that already exist")
	f.StringVar(&o.Rules, "rules", "", "rules to run: none|default|all|PRESET|NAME,-NAME (default \"default\")")
	f.StringVar(&o.Config, "config", "", "configuration file (default: "+lint.ConfigName+" found upwards)")
	f.StringSliceVar(&o.Exclude, "exclude", nil, "globs of files and folders to skip")
	f.StringVar(&o.color, "color", "auto", "color of the output: "+strings.Join(colorModes, "|"))
	for name, words := range map[string][]string{
		"output": report.ReviewNames(), "plan": {app.PlanAuto, app.PlanNone, app.PlanAll}, "fail-on": failWords(),
		"color":   colorModes,
		"comment": platformNames,
	} {
		cobra.CheckErr(cmd.RegisterFlagCompletionFunc(name, completeWords(words)))
	}
	return cmd
}

func (o *reviewOptions) run(ctx context.Context) (err error) {
	format, err := report.LookupReview(o.output)
	if err != nil {
		return usageError("%v", err)
	}
	color, err := useColor(o.color, o.Streams, o.Out)
	if err != nil {
		return err
	}
	if !slices.Contains([]string{app.PlanAuto, app.PlanNone, app.PlanAll}, o.Plan) {
		return usageError("invalid --plan %q: want auto, none or all", o.Plan)
	}
	for _, word := range o.failOn {
		if !slices.Contains(failWords(), word) {
			return usageError("invalid --fail-on %q: want %s", word, strings.Join(failWords(), ", "))
		}
	}
	var comments *commentAPI
	if o.comment != "" {
		if comments, err = newCommentAPI(o.comment, o.Getenv); err != nil {
			return err
		}
	}
	if len(o.nodes) > 0 {
		if o.Nodes, err = parseNodes(ctx, o.Streams, o.nodes); err != nil {
			return err
		}
	}
	o.Build, o.Collect = thisBuild(), memtune.Collect
	end := underWay(o.Streams, "reviewing")
	r, err := o.Review(ctx)
	end()
	if err != nil {
		return exitWith(err)
	}
	options := report.ReviewOptions{
		Options: report.Options{Color: color, Width: terminalWidth(o.Out), All: o.all, Verbose: o.verbose},
		Page:    o.page,
	}
	if err := format.Write(o.Out, r, options); err != nil {
		return &exitError{exitFailed, err}
	}
	if comments != nil {
		if err := o.postComment(ctx, comments, r); err != nil {
			return err
		}
	}
	if failed := failures(r, o.failOn); len(failed) > 0 {
		fmt.Fprintf(o.Err, "seatrial: --fail-on: %s\n", strings.Join(failed, ", "))
		return &exitError{code: exitFindings}
	}
	return nil
}

// postComment writes the review as a comment. A token that may not do so, as that of a pull request from a fork, is no
// failure of the review.
func (o *reviewOptions) postComment(ctx context.Context, p *commentAPI, r *review.Report) error {
	format, err := report.LookupReview("markdown")
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := format.Write(&text, r, report.ReviewOptions{Page: o.page}); err != nil {
		return &exitError{exitFailed, err}
	}
	err = p.post(ctx, text.String())
	if errors.Is(err, errForbidden) {
		fmt.Fprintf(o.Err, "seatrial: no comment: %v\n", err)
		return nil
	}
	if err != nil {
		return &exitError{exitFailed, fmt.Errorf("writing the comment: %w", err)}
	}
	return nil
}

// failures returns the words of --fail-on that a review fails by.
func failures(r *review.Report, words []string) (failed []string) {
	for _, word := range words {
		is := false
		switch word {
		case failNever:
			return nil
		case failRefused:
			is = len(r.Refused) > 0 ||
				slices.ContainsFunc(r.Environments, func(e review.EnvironmentReport) bool { return e.Breaks })
		case failStall:
			is = slices.ContainsFunc(r.Rollouts, func(o review.Rollout) bool { return o.Simulated && !o.Completes })
		case failNewError:
			is = slices.ContainsFunc(r.New, func(f review.Finding) bool { return f.Severity == diag.Error })
		default:
			is = slices.ContainsFunc(r.Consequences, func(c review.Consequence) bool { return c.Kind == word })
		}
		if is {
			failed = append(failed, word)
		}
	}
	return failed
}
