package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/sanitize"
)

// PlanMarker is a comment in the Markdown of plans by which the one of an earlier run is found.
const PlanMarker = "<!-- seatrial-plan -->"

// maxText is how many characters of a text are shown in Markdown.
const maxText = 500

// planMarkdownSections are the sections of the Markdown of a plan, in order, with how much of the room each may take.
var planMarkdownSections = []struct {
	share int // percent of all
	write func(*planMarkdown) section
}{
	{25, (*planMarkdown).problems}, {15, (*planMarkdown).expectations}, {5, (*planMarkdown).room},
	{10, (*planMarkdown).outcomes}, {10, (*planMarkdown).seeds},
	{15, (*planMarkdown).changes}, {10, (*planMarkdown).risks}, {10, (*planMarkdown).assumed},
}

// planMarkdown writes a plan as a comment for a pull request.
type planMarkdown struct{ *planWriter }

func writePlanMarkdown(w io.Writer, p *plan.Plan, o PlanOptions) error {
	p = sanitize.Copy(p, sanitize.Line)
	m := &planMarkdown{&planWriter{Plan: p, o: o}}
	var b strings.Builder
	b.WriteString(m.headline())
	room := maxMarkdown - maxFoot - b.Len()
	spare := 0
	for _, s := range planMarkdownSections {
		spare += room * s.share / 100
		text, _ := s.write(m).write(spare)
		spare -= len(text)
		b.WriteString(text)
	}
	create, update, remove := p.Summary()
	fmt.Fprintf(
		&b, "\n<sub>%d to create, %d to change, %d to delete · Kubernetes %s, simulated · %s · seed %d</sub>\n", create,
		update, remove,
		md(strings.TrimPrefix(p.KubernetesVersion, "v")), Plural(len(p.Nodes), "node"), p.Seed,
	)
	_, err := io.WriteString(w, b.String())
	return err
}

// headline is the verdict, the way out, and a table of the workloads that move, bad ones first.
func (m *planMarkdown) headline() string {
	var b strings.Builder
	title := fmt.Sprintf("completes after %s s", m.VirtualSeconds)
	switch {
	case !m.Converged:
		title = m.outcome()
		if m.StalledAt != nil {
			title += fmt.Sprintf(" at %s s", *m.StalledAt)
		}
	case !m.Passed():
		title += ", but not all is well"
	}
	fmt.Fprintf(&b, "%s\n### seatrial plan: %s\n\n", PlanMarker, title)
	if !m.Converged {
		fmt.Fprintf(&b, "> %s\n\n", md(shortened(m.Reason, maxText)))
	}
	if m.WayOut != "" {
		fmt.Fprintf(&b, "**Way out:** %s\n\n", md(shortened(m.WayOut, maxText)))
	}
	for _, r := range m.Remedies {
		r.Change = shortened(r.Change, maxText)
		fmt.Fprintf(&b, "- would complete: %s\n", md(remedyText(&r)))
	}
	if len(m.Remedies) > 0 {
		b.WriteString("\n")
	}
	b.WriteString(m.table())
	return b.String()
}

func (m *planMarkdown) table() string {
	var bad, good []string
	for i := range m.Workloads {
		w := &m.Workloads[i]
		if !w.Changed && w.SettledAt != nil {
			continue
		}
		end := shortened(w.Status, maxText)
		if w.SettledAt != nil {
			end = fmt.Sprintf("after %s s", *w.SettledAt)
		}
		row := fmt.Sprintf(
			"| %s | %s | %d of %d | %d |\n", code(w.Object.String()), md(end), w.MinAvailable, w.Desired, w.MaxPods,
		)
		if w.SettledAt == nil {
			bad = append(bad, row)
		} else {
			good = append(good, row)
		}
	}
	rows := append(bad, good...)
	if len(rows) == 0 {
		return ""
	}
	head := "| Workload | Settles | Least available | Most pods |\n|---|---|---|---|\n"
	if more := len(rows) - maxTableRows; more > 0 {
		rows = append(rows[:maxTableRows:maxTableRows], fmt.Sprintf("| and %d more | | | |\n", more))
	}
	return head + strings.Join(rows, "")
}

func (m *planMarkdown) problems() section {
	s := section{title: "Problems"}
	for i := range m.Problems {
		p := &m.Problems[i]
		o := p.Workload
		if (o == diag.Object{}) {
			o = p.Object
		}
		if !p.Open {
			continue
		}
		item := fmt.Sprintf("- %s s, %s: %s: %s\n", p.At, p.Kind, code(o.String()), md(shortened(p.Message, maxText)))
		if p.Cause != "" && !strings.Contains(m.Reason, p.Cause) {
			item += fmt.Sprintf("  - cause: %s\n", md(shortened(p.Cause, maxText)))
		}
		if p.Help != "" {
			item += fmt.Sprintf("  - %s\n", md(shortened(p.Help, maxText)))
		}
		s.items = append(s.items, item)
	}
	return s
}

func (m *planMarkdown) expectations() section {
	failed := m.Failed()
	s := section{
		title:  fmt.Sprintf("Expectations: %d of %d met", len(m.Expectations)-len(failed), len(m.Expectations)),
		folded: len(failed) == 0,
	}
	for _, e := range m.Expectations {
		word := "passed"
		if !e.Passed {
			word = "**failed**"
		}
		s.items = append(
			s.items, fmt.Sprintf("- %s: %s: %s\n", word, code(e.Expect), md(shortened(e.Message, maxText))),
		)
	}
	return s
}

func (m *planMarkdown) outcomes() section {
	s := section{
		title: fmt.Sprintf("When nodes go: %d of %d without a good end", len(m.FailedOutcomes()), len(m.Outcomes)),
	}
	s.folded = len(m.FailedOutcomes()) == 0
	for i := range m.Outcomes {
		o := &m.Outcomes[i]
		item := fmt.Sprintf("- %s %s: recovers after %s s\n", md(o.Kind), code(o.Target), o.VirtualSeconds)
		if !o.Passed() {
			item = fmt.Sprintf("- **%s %s**: %s\n", md(o.Kind), code(o.Target), md(shortened(o.Reason, maxText)))
		}
		for j := range o.Turns {
			if o.Turns[j].At != nil {
				item += fmt.Sprintf("  - %s\n", md(turnText(&o.Turns[j])))
			}
		}
		s.items = append(s.items, item)
	}
	return s
}

func (m *planMarkdown) seeds() section {
	if m.Seeds == nil {
		return section{}
	}
	s := section{title: fmt.Sprintf("%d of %d seeds complete and meet all expectations", m.Seeds.Passed, m.Seeds.Runs)}
	s.folded = m.Seeds.Passed == m.Seeds.Runs
	for _, r := range m.Seeds.Results {
		s.items = append(s.items, fmt.Sprintf(
			"- %d of %d: %s: %s: %s (seed %d)\n", r.Runs, m.Seeds.Runs, r.Kind, code(r.What),
			md(shortened(r.Message, maxText)), r.Seed,
		))
	}
	return s
}

func (m *planMarkdown) changes() section {
	marks := map[string]string{plan.Create: "+", plan.Update: "~", plan.Delete: "-", plan.None: "="}
	s := section{folded: true}
	for i := range m.Changes {
		c := &m.Changes[i]
		if c.Action == plan.None && c.Denied == "" {
			continue
		}
		item := fmt.Sprintf("- `%s` %s\n", marks[c.Action], code(c.Object.String()))
		for _, f := range c.Fields {
			item += fmt.Sprintf(
				"  - %s: %s → %s\n", code(f.Path), code(shortened(f.Before, 100)), code(shortened(f.After, 100)),
			)
		}
		if len(item) > maxItem {
			item = fmt.Sprintf(
				"- `%s` %s: %s\n", marks[c.Action], code(c.Object.String()), Plural(len(c.Fields), "field"),
			)
		}
		s.items = append(s.items, item)
	}
	s.title = "Changes: " + Plural(len(s.items), "object")
	return s
}

func (m *planMarkdown) risks() section {
	s := section{folded: true}
	for i := range m.Findings {
		d := &m.Findings[i]
		if d.Severity == diag.Info && !m.o.Verbose {
			continue
		}
		where := ""
		if d.Range.IsValid() {
			where = fmt.Sprintf(" %s", code(fmt.Sprintf("%s:%d", display(d.Range.File), d.Range.Start.Line)))
		}
		s.items = append(s.items, fmt.Sprintf("- %s%s: %s\n", code(d.Rule), where, md(shortened(d.Message, maxText))))
	}
	s.title = "Risks: " + fmt.Sprint(len(s.items))
	return s
}

func (m *planMarkdown) assumed() section {
	s := section{title: "Assumed", folded: true}
	for _, a := range m.Assumptions {
		s.items = append(s.items, "- "+md(shortened(a, maxText))+"\n")
	}
	return s
}
