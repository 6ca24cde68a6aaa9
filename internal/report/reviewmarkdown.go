package report

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/internal/review"
	"github.com/seatrial/seatrial/internal/sanitize"
)

// ReviewMarker is a comment in the Markdown of reviews by which the one of an earlier run is found.
const ReviewMarker = "<!-- seatrial-review -->"

// Bounds of what the Markdown of a review holds, in bytes: platforms refuse comments of more than 65,536 characters.
const (
	maxMarkdown  = 64_000
	maxItem      = 2_500
	maxFoot      = 600
	maxTableRows = 25
)

// sections of the Markdown, in order, with how much of the room each may take.
var markdownSections = []struct {
	share int // percent of all
	write func(*markdownWriter) section
}{
	{22, (*markdownWriter).refusedSection}, {22, (*markdownWriter).consequenceSection},
	{26, (*markdownWriter).changeSection},
	{8, (*markdownWriter).rolloutSection}, {10, (*markdownWriter).newSection}, {5, (*markdownWriter).fixedSection},
	{5, (*markdownWriter).totalSection},
}

// section is a heading, or the summary of what is folded, and what stands below it.
type section struct {
	title  string
	folded bool
	items  []string
}

type markdownWriter struct {
	*review.Report
	o ReviewOptions
}

func writeReviewMarkdown(w io.Writer, r *review.Report, o ReviewOptions) error {
	m := &markdownWriter{r, o}
	var b strings.Builder
	b.WriteString(m.summary())
	room := maxMarkdown - maxFoot - b.Len()
	spare, cut := 0, false
	for _, s := range markdownSections {
		spare += room * s.share / 100
		text, all := s.write(m).write(spare)
		spare -= len(text)
		cut = cut || !all
		b.WriteString(text)
	}
	b.WriteString(m.foot(cut))
	_, err := io.WriteString(w, b.String())
	return err
}

// write returns a section of at most so many bytes, and whether it is all of it.
func (s section) write(most int) (text string, all bool) {
	if len(s.items) == 0 {
		return "", true
	}
	head, tail := "\n#### "+s.title+"\n\n", ""
	if s.folded {
		head, tail = "\n<details><summary>"+s.title+"</summary>\n\n", "\n</details>\n"
	}
	const note = 60 // room for what says that there is more
	var b strings.Builder
	for i, item := range s.items {
		if len(head)+b.Len()+len(item)+len(tail)+note > most {
			if i == 0 {
				return "", false
			}
			fmt.Fprintf(&b, "\n*and %d more*\n", len(s.items)-i)
			return head + b.String() + tail, false
		}
		b.WriteString(item)
	}
	return head + b.String() + tail, true
}

// references are the characters after which platforms look for the names of people and issues.
var references = regexp.MustCompile(`&#64;|\\[#!~]|[#$%&](?:[A-Za-z0-9])`)

// md returns a text of a manifest as Markdown in which nothing is a link, and nobody is mentioned.
func md(s string) string {
	escaped := sanitize.Markdown(s)
	return references.ReplaceAllStringFunc(escaped, func(m string) string {
		if m == "&#64;" || strings.HasPrefix(m, `\`) {
			return m + "&#8203;"
		}
		return m
	})
}

// code returns a text as code, in which platforms look for nothing.
func code(s string) string { return "<code>" + sanitize.Markdown(s) + "</code>" }

// mdWithCode returns a text as Markdown in which what stands between backquotes is code.
func mdWithCode(s string) string {
	parts := strings.Split(s, "`")
	for i := range parts {
		if i%2 == 1 && i < len(parts)-1 {
			parts[i] = code(parts[i])
		} else {
			parts[i] = md(parts[i])
		}
	}
	return strings.Join(parts, "")
}

// shortened returns the beginning of a text of at most so many characters.
func shortened(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// summary is the title and a table of the environments, gravest first. Those with the same reasons share a row.
func (m *markdownWriter) summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n### seatrial: %s\n\n", ReviewMarker, md(reviewTitle(m.Report)))
	for _, n := range m.Notes {
		fmt.Fprintf(&b, "> %s\n\n", md(shortened(n, 500)))
	}
	if len(m.Environments) == 0 {
		return b.String()
	}
	type row struct {
		risk  review.Risk
		why   string
		names []string
	}
	var rows []row
	for i := range m.Environments {
		e := &m.Environments[i]
		why := m.why(e)
		if j := slices.IndexFunc(rows, func(r row) bool { return r.risk == e.Risk && r.why == why }); j >= 0 {
			rows[j].names = append(rows[j].names, e.Name)
			continue
		}
		rows = append(rows, row{e.Risk, why, []string{e.Name}})
	}
	b.WriteString("| Risk | Environment | Why |\n|---|---|---|\n")
	for i, r := range rows {
		if i == maxTableRows {
			fmt.Fprintf(&b, "| | and %d more | |\n", len(rows)-i)
			break
		}
		risk := r.risk.String()
		if r.risk == review.High {
			risk = "**high**"
		}
		name := code(shortened(r.names[0], 100))
		if n := len(r.names); n == 2 {
			name += ", " + code(shortened(r.names[1], 100))
		} else if n > 2 {
			name += fmt.Sprintf(" and %d more", n-1)
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", risk, name, r.why)
	}
	return b.String()
}

// why says in a cell of the table why an environment has its risk.
func (m *markdownWriter) why(e *review.EnvironmentReport) string {
	const most = 3
	reasons := e.Reasons
	if len(reasons) == 0 {
		reasons = []string{e.Summary()}
	}
	var parts []string
	for i, r := range reasons {
		if i == most {
			parts = append(parts, fmt.Sprintf("%d more", len(reasons)-i))
			break
		}
		parts = append(parts, md(shortened(r, 120)))
	}
	if e.Was != "" {
		parts = append(parts, "was "+code(shortened(e.Was, 100)))
	}
	if e.Problem != "" {
		parts = append(parts, md(shortened(e.Problem, 200)))
	}
	if len(e.Varying) > 0 {
		parts = append(parts, fmt.Sprintf("%s not deterministic", Plural(len(e.Varying), "field")))
	}
	return strings.Join(parts, "<br>")
}

// where names a place and environments in small print.
func (m *markdownWriter) where(file string, line int, environments []string) string {
	var parts []string
	if file != "" {
		parts = append(parts, code(shortened(reviewPlace(slashed(file), line), 200)))
	}
	if len(m.Environments) > 1 {
		parts = append(parts, md(shortened(inEnvironments(m.Report, environments), 300)))
	}
	if len(parts) == 0 {
		return ""
	}
	return " <sub>" + strings.Join(parts, " · ") + "</sub>"
}

func (m *markdownWriter) refusedSection() section {
	return section{title: "The API server refuses", items: m.findingItems(m.Refused)}
}

func (m *markdownWriter) newSection() section {
	return section{title: "New findings: " + countedFindings(m.New), folded: true, items: m.findingItems(m.New)}
}

func (m *markdownWriter) fixedSection() section {
	return section{title: "Fixed findings: " + countedFindings(m.Fixed), folded: true, items: m.findingItems(m.Fixed)}
}

func (m *markdownWriter) findingItems(all []review.Finding) (items []string) {
	for i := range all {
		f := &all[i]
		object := f.Object.String()
		if object == "" {
			object = slashed(f.Range.File)
		}
		item := fmt.Sprintf("- %s %s%s\n", code(shortened(object, 150)), md(shortened(f.Text(), 800)),
			m.where(f.Range.File, f.Range.Start.Line, f.Environments))
		if f.Help != "" {
			item += "  <br>" + mdWithCode(shortened(f.Help, 400)) + "\n"
		}
		items = append(items, item)
	}
	return items
}

func (m *markdownWriter) consequenceSection() section {
	s := section{title: "What follows"}
	for _, c := range m.Consequences {
		risk := c.Risk.String()
		if c.Risk == review.High {
			risk = "**high**"
		}
		item := fmt.Sprintf("- %s · %s %s%s\n", risk, code(shortened(c.Object.String(), 150)),
			md(shortened(c.Message, 500)),
			m.where(c.File, c.Line, c.Environments))
		for i, d := range c.Details {
			if i == 5 {
				item += fmt.Sprintf("  - and %d more\n", len(c.Details)-i)
				break
			}
			item += "  - " + md(shortened(d, 200)) + "\n"
		}
		s.items = append(s.items, item)
	}
	return s
}

func (m *markdownWriter) changeSection() section {
	s := section{title: "Changes: " + countedChanges(m.Changes), folded: true}
	for i := range m.Changes {
		c := &m.Changes[i]
		var b strings.Builder
		fmt.Fprintf(
			&b, "**%s** %s%s\n", actionWords[c.Action], code(shortened(objectName(c), 250)),
			m.where(c.File, c.Line, c.Environments),
		)
		if fate := fateText(c); fate != "" {
			fmt.Fprintf(&b, "<br>%s\n", md(shortened(fate, 200)))
		}
		if lines := changedLines(c.Fields); len(lines) > 0 {
			b.WriteString(fenced("diff", lines))
		}
		b.WriteString("\n")
		s.items = append(s.items, b.String())
	}
	return s
}

var actionWords = map[string]string{
	review.Create: "create", review.Update: "change", review.Delete: "delete", review.Rename: "rename",
}

// changedLines shows fields as the lines of a diff.
func changedLines(fields []review.Field) (lines []string) {
	size := 0
	add := func(line string) bool {
		line = shortened(sanitize.Line(line), 300)
		if size += len(line) + 1; size > maxItem {
			return false
		}
		lines = append(lines, line)
		return true
	}
	for i, f := range fields {
		path := "  " + f.Path
		if f.Defaulted {
			path += " (by the server)"
		}
		ok := add(path)
		switch {
		case len(f.Lines) > 0:
			for _, line := range f.Lines {
				ok = ok && add(markedLine(line))
			}
		default:
			if f.Before != "" {
				ok = ok && add("- "+f.Before)
			}
			if f.After != "" {
				ok = ok && add("+ "+f.After)
			}
		}
		if !ok {
			return append(lines, fmt.Sprintf("  ... %s more", Plural(len(fields)-i, "field")))
		}
	}
	return lines
}

// fenced returns lines as a block of code that nothing in them ends.
func fenced(language string, lines []string) string {
	fence := "```"
	text := strings.Join(lines, "\n")
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + language + "\n" + text + "\n" + fence + "\n"
}

func (m *markdownWriter) rolloutSection() section {
	s := section{title: "Rollout", folded: true}
	for i := range m.Rollouts {
		o := &m.Rollouts[i]
		var b strings.Builder
		fmt.Fprintf(&b, "- %s %s\n", code(shortened(o.Environment, 100)), md(shortened(rolloutText(o), 500)))
		for j, w := range o.Workloads {
			if j == 10 {
				fmt.Fprintf(&b, "  - and %d more\n", len(o.Workloads)-j)
				break
			}
			fmt.Fprintf(&b, "  - %s\n", md(shortened(rollingText(&w), 200)))
		}
		for j, p := range slices.Concat(o.Problems, o.Remedies) {
			if j == 5 {
				break
			}
			fmt.Fprintf(&b, "  - %s\n", md(shortened(p, 300)))
		}
		s.items = append(s.items, b.String())
	}
	return s
}

func (m *markdownWriter) totalSection() section {
	s := section{title: "Requests and limits", folded: true}
	for i := range m.Totals {
		t := &m.Totals[i]
		item := fmt.Sprintf("- %s namespace %s: %s\n", code(shortened(t.Environment, 100)),
			code(shortened(t.Namespace, 100)), md(shortened(strings.Join(totalTexts(t), ", "), 400)))
		if len(t.Quota) > 0 {
			item += "  - left of the quota: " + md(shortened(roomTexts(t.Quota), 400)) + "\n"
		}
		s.items = append(s.items, item)
	}
	for i := range m.NodeRooms {
		n := &m.NodeRooms[i]
		s.items = append(s.items, fmt.Sprintf("- %s left on %s: %s\n", code(shortened(n.Environment, 100)),
			Plural(n.Nodes, "node"), md(shortened(roomTexts(n.Room), 400))))
	}
	return s
}

func (m *markdownWriter) foot(cut bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n<sub>%s", md(shortened(sides(m.Report), 200)))
	if m.Before > 0 {
		fmt.Fprintf(&b, " · %s of before not shown", Plural(m.Before, "finding"))
	}
	if cut && m.o.Page == "" {
		b.WriteString(" · shortened: `seatrial review -o html` has all of it")
	}
	b.WriteString("</sub>\n")
	if m.o.Page != "" {
		fmt.Fprintf(
			&b, "\n[The whole report](<%s>)\n",
			strings.NewReplacer("<", "%3C", ">", "%3E", "\n", "", "\r", "").Replace(m.o.Page),
		)
	}
	return b.String()
}
