package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	planning "github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/plan/simulate"
	"github.com/seatrial/seatrial/source"
)

// sweep asks the questions of the flags, each in a process of its own: one simulates on one
// processor.
func (o *planOptions) sweep(ctx context.Context, p *planning.Plan) error {
	var questions []planning.Question
	for _, kind := range o.sweeps() {
		some := planning.Questions(kind, p)
		if len(some) == 0 {
			return usageError("--fail-each-zone: no node has a label topology.kubernetes.io/zone; see --nodes, which takes zone=NAME")
		}
		questions = append(questions, some...)
	}
	if len(questions) == 0 {
		return nil
	}
	args, clean, err := o.childArgs()
	if err != nil {
		return err
	}
	defer clean()
	p.Sweeps = make([]planning.Answer, len(questions))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.NumCPU())
	for i, q := range questions {
		g.Go(func() (err error) {
			p.Sweeps[i], err = o.ask(ctx, q, args)
			return err
		})
	}
	return g.Wait()
}

// sweeps gives the kinds of questions that the flags ask, in the order in which they are told.
func (o *planOptions) sweeps() (kinds []string) {
	if o.drainEach {
		kinds = append(kinds, planning.DrainNode)
	}
	if o.failEach {
		kinds = append(kinds, planning.FailNode)
	}
	if o.failZones {
		kinds = append(kinds, planning.FailZone)
	}
	return kinds
}

// ask lets another process answer a question.
func (o *planOptions) ask(ctx context.Context, q planning.Question, args []string) (a planning.Answer, err error) {
	exe, err := os.Executable()
	if err != nil {
		return a, err
	}
	cmd := exec.CommandContext(ctx, exe, slices.Concat(args, []string{"--question", q.String()})...)
	cmd.Args[0] = os.Args[0] // by which the program knows what it is
	cmd.Stdin = bytes.NewReader(o.lint.overlay[source.Stdin])
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		return a, &exitError{exitFailed, fmt.Errorf("asking %s: %w: %s", q, err, strings.TrimSpace(errOut.String()))}
	}
	if err := json.Unmarshal(out.Bytes(), &a); err != nil {
		return a, &exitError{exitFailed, fmt.Errorf("asking %s: reading the answer: %w", q, err)}
	}
	return a, nil
}

// childArgs gives the command line for the same plan in another process. What was read from a cluster is
// handed over in a file, so that it is the same for all.
func (o *planOptions) childArgs() (args []string, clean func(), err error) {
	args = []string{"plan", "--rules", "none", "--seed", strconv.FormatInt(o.seed, 10), "--prune=" + strconv.FormatBool(o.prune),
		"--server-side=" + strconv.FormatBool(o.serverSide), "--force-conflicts=" + strconv.FormatBool(o.forceConflicts)}
	clean = func() {}
	from := o.from
	if o.trial != "" || o.context != "" {
		f, err := os.CreateTemp("", "seatrial-plan-*.yaml")
		if err != nil {
			return nil, clean, &exitError{exitFailed, err}
		}
		clean = func() { _ = os.Remove(f.Name()) }
		_, err = f.Write(o.lint.overlay[o.running[0]])
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, clean, &exitError{exitFailed, err}
		}
		from = []string{f.Name()}
	}
	for flag, values := range map[string][]string{"--filename": o.files, "--from": from, "--nodes": o.nodes} {
		for _, v := range values {
			args = append(args, flag, v)
		}
	}
	if o.scenario != "" {
		args = append(args, "--scenario", o.scenario)
	}
	return args, clean, nil
}

// answer is what the other process does: it simulates, and writes the answer.
func (o *planOptions) answer(ctx context.Context, in simulate.Input) error {
	q, err := planning.ParseQuestion(o.question)
	if err != nil {
		return usageError("%v", err)
	}
	p, err := simulate.Simulate(ctx, simulate.Disrupt(in, q))
	if err != nil {
		return &exitError{exitFailed, err}
	}
	return json.NewEncoder(o.Out).Encode(q.Answer(p))
}
