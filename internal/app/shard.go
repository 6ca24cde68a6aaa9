package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/redact"
	"github.com/seatrial/seatrial/internal/report"
)

// partKind is the kind of a PlanPart's document.
const partKind = "PlanPart"

// PlanPart is what one shard finds out: the answers to its questions, and, in the first, the plan that all have in
// common.
type PlanPart struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Shard      int    `json:"shard"` // from 1
	Shards     int    `json:"shards"`
	Digest     string `json:"digest"` // of the plan and the questions about it, the same in all parts

	Plan     *plan.Plan          `json:"plan,omitempty"`
	Times    []time.Duration     `json:"times,omitempty"`    // of the plan, exact
	Findings []diag.Diagnostic   `json:"findings,omitempty"` // of the plan
	Sources  []report.SourceFile `json:"sources,omitempty"`
	NotTried bool                `json:"notTried,omitempty"` // the what-ifs, since the plan does not complete

	Questions int            `json:"questions"` // disruptions
	Outcomes  []plan.Outcome `json:"outcomes,omitempty"`
	Seeds     int            `json:"seeds"` // that are tried, the first included
	Runs      []plan.SeedRun `json:"runs,omitempty"`
}

// newPart returns the part of the shard, without its answers. The digest is that of a plan without answers.
func (o *PlanOptions) newPart(p *plan.Plan) (*PlanPart, error) {
	plain, err := json.Marshal([]any{p, o.WhatIf, o.SurgeNodes, o.Seeds})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(plain)
	return &PlanPart{
		APIVersion: plan.APIVersion, Kind: partKind, Shard: o.Shard.Index + 1, Shards: o.Shard.Count,
		Digest: hex.EncodeToString(sum[:]), Seeds: o.Seeds,
	}, nil
}

// finishPart fills in what the shard has found out, without the values of Secrets.
func (res *PlanResult) finishPart() {
	res.Redact()
	part := res.Part
	part.Outcomes, res.Plan.Outcomes = res.Plan.Outcomes, nil
	for i := range part.Runs {
		for j := range part.Runs[i].Results {
			r := &part.Runs[i].Results[j]
			r.Message = res.Redactor.Text(r.Message)
		}
	}
	part.NotTried = res.NotTried
	if part.Shard == 1 {
		part.Plan, part.Findings, part.Sources = res.Plan, res.Plan.Findings, res.Sources
		part.Times = res.Plan.Times()
	}
}

// ReadParts reads parts of a plan, one after another, as the shards of a plan write them.
func ReadParts(name string, r io.Reader) (parts []*PlanPart, err error) {
	d := json.NewDecoder(r)
	for {
		p := &PlanPart{}
		switch err := d.Decode(p); {
		case errors.Is(err, io.EOF):
			return parts, nil
		case err != nil:
			return nil, fmt.Errorf("%s: not a part of a plan (seatrial plan --shard writes one): %w", name, err)
		case p.APIVersion != plan.APIVersion || p.Kind != partKind:
			return nil, fmt.Errorf(
				"%s: apiVersion %q, kind %q: want %s, %s, as seatrial plan --shard writes", name, p.APIVersion, p.Kind,
				plan.APIVersion, partKind,
			)
		}
		parts = append(parts, p)
	}
}

// MergeParts joins the parts of a plan. One that is there twice, as when a pod was started again, counts once.
func MergeParts(parts []*PlanPart) (*PlanResult, error) {
	if len(parts) == 0 {
		return nil, errors.New("no parts of a plan")
	}
	slices.SortStableFunc(parts, func(a, b *PlanPart) int { return cmp.Compare(a.Shard, b.Shard) })
	parts = slices.CompactFunc(parts, func(a, b *PlanPart) bool { return a.Shard == b.Shard && a.Digest == b.Digest })
	first := parts[0]
	there := map[int]bool{}
	for _, p := range parts {
		if p.Digest != first.Digest || p.Shards != first.Shards || p.Shard < 1 || p.Shard > p.Shards {
			return nil, fmt.Errorf(
				"part %d/%d is of another plan than part %d/%d: "+
					"give all parts the same input, flags and version of seatrial",
				p.Shard, p.Shards, first.Shard, first.Shards,
			)
		}
		there[p.Shard] = true
	}
	var missing []string
	for i := 1; i <= first.Shards; i++ {
		if !there[i] {
			missing = append(missing, fmt.Sprintf("%d/%d", i, first.Shards))
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("parts are missing: %s", strings.Join(missing, ", "))
	}
	if first.Plan == nil {
		return nil, fmt.Errorf("part 1/%d has no plan", first.Shards)
	}
	return joinParts(parts)
}

// joinParts joins the parts of one plan, which are complete and in order.
func joinParts(parts []*PlanPart) (*PlanResult, error) {
	first := parts[0]
	p := first.Plan
	p.Findings = first.Findings
	if err := p.SetTimes(first.Times); err != nil {
		return nil, fmt.Errorf("part 1/%d: %w", first.Shards, err)
	}
	answers, tried := 0, 0
	for _, part := range parts {
		answers, tried = answers+len(part.Outcomes), tried+len(part.Runs)
	}
	if answers != first.Questions || first.Seeds > 1 && tried != first.Seeds {
		return nil, fmt.Errorf(
			"the parts have %d answers and %d seeds, want %d and %d", answers, tried, first.Questions, first.Seeds,
		)
	}
	outcomes, runs := make([]plan.Outcome, first.Questions), make([]plan.SeedRun, max(first.Seeds, 1))
	for _, part := range parts {
		shard := plan.Shard{Index: part.Shard - 1, Count: part.Shards}
		o, r := part.Outcomes, part.Runs
		if shard.First() && first.Seeds > 1 && len(r) > 0 {
			runs[0], r = r[0], r[1:]
		}
		for i := range first.Questions + len(runs) - 1 {
			switch {
			case !shard.Has(i):
			case i < first.Questions && len(o) > 0:
				outcomes[i], o = o[0], o[1:]
			case i >= first.Questions && len(r) > 0:
				runs[i-first.Questions+1], r = r[0], r[1:]
			default:
				return nil, fmt.Errorf("part %s lacks answers", shard)
			}
		}
	}
	if len(outcomes) > 0 {
		p.Outcomes = outcomes
	}
	if first.Seeds > 1 {
		p.Seeds = plan.SumSeeds(runs)
	}
	return &PlanResult{Plan: p, Sources: first.Sources, Redactor: redact.New(), NotTried: first.NotTried}, nil
}

// AnswerShard reads a [PlanJob] in JSON, and writes the part of a shard.
func AnswerShard(
	ctx context.Context, data []byte, shard plan.Shard, child []string, collect func(), w io.Writer,
) error {
	var job PlanJob
	if err := json.Unmarshal(data, &job); err != nil {
		return fmt.Errorf("reading what to plan: %w", err)
	}
	job.Input.Rest = collect
	o := &PlanOptions{
		WhatIf: job.WhatIf, SurgeNodes: job.SurgeNodes, Seeds: job.Seeds, Remedies: job.Remedies, Shard: shard,
		Child: child, Collect: collect,
	}
	docs := slices.Concat(job.Input.Change, job.Input.From)
	res := &PlanResult{Redactor: redact.New(docs...), Sources: job.Sources}
	if err := o.answer(ctx, &job.Input, job.Risks, res); err != nil {
		return err
	}
	return res.WritePart(w)
}

// WritePart writes the part of a shard, in one line.
func (res *PlanResult) WritePart(w io.Writer) error {
	res.finishPart()
	return json.NewEncoder(w).Encode(res.Part)
}
