package report

import (
	"io"

	"github.com/seatrial/seatrial/internal/plan"
)

// PlanOptions say how the report of a plan looks.
type PlanOptions struct {
	Options
	Verbose bool         // everything that happened, not only what matters
	Reasons bool         // the scores of every placement
	Files   []SourceFile // manifests, for the page
}

// PlanFormat is one way to write a plan.
type PlanFormat struct {
	Name  string
	Doc   string // one line
	Write func(w io.Writer, p *plan.Plan, o PlanOptions) error
}

// PlanFormats lists the formats of plans; the first is the default.
var PlanFormats = []PlanFormat{
	{"text", "for people: what changes, step by step, and what is in the way", writePlanText},
	{"json", "for programs; docs/plan-report.schema.json describes it", writePlanJSON},
	{"markdown", "a comment for a pull request: short, with folded sections", writePlanMarkdown},
	{"html", "one page for a browser, to look at and to hand on: it needs no network", writePlanHTML},
}

// PlanNames lists the names of the formats of plans.
func PlanNames() []string { return namesOf(PlanFormats, func(f PlanFormat) string { return f.Name }) }

// LookupPlan finds a format of plans by its name.
func LookupPlan(name string) (PlanFormat, error) {
	return lookup(name, PlanFormats, func(f PlanFormat) string { return f.Name })
}

// jsonPlan is a plan with its risks as a lint report has them.
type jsonPlan struct {
	*plan.Plan
	Findings []jsonDiagnostic `json:"findings"`
}

func jsonPlanOf(p *plan.Plan) jsonPlan {
	out := jsonPlan{Plan: p, Findings: []jsonDiagnostic{}}
	for _, d := range p.Findings {
		out.Findings = append(out.Findings, jsonOf(d))
	}
	return out
}

func writePlanJSON(w io.Writer, p *plan.Plan, _ PlanOptions) error { return encode(w, jsonPlanOf(p)) }
