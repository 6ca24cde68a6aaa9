package report

import (
	"fmt"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan"
)

// fit writes how many more replicas of a workload the nodes hold.
func (t *planWriter) fit() {
	f := t.Fit
	if f == nil {
		return
	}
	t.title("Room for more replicas of %s", printable(f.Object.String()))
	for _, line := range fitLines(f) {
		t.wrapped("  ", line, 2, t.plain)
	}
}

// fitLines says how many more replicas fit, where, what keeps the next away, and what is left of that without a node.
func fitLines(f *plan.Fit) []string {
	head := fmt.Sprintf("%d more than the %d at the end", f.More, f.Replicas)
	if f.AtLeast {
		head = "at least " + head
	}
	if len(f.By) > 0 {
		head += ", by " + strings.Join(f.By, " and ") + " alone"
	}
	var where []string
	for _, n := range f.Nodes {
		where = append(where, fmt.Sprintf("%s %d", n.Name, n.More))
	}
	if len(where) > 0 {
		head += ": " + shortList(where)
	}
	lines := []string{head}
	for _, l := range f.Limits {
		lines = append(lines, fmt.Sprintf("the next one: %s (%s) on %s", l.Reason, l.Plugin, shortList(l.Nodes)))
	}
	if s := f.SpareNode; s != nil {
		line := fmt.Sprintf("%d more if any one node may be lost", s.More)
		if s.Node != "" {
			line += ": " + s.Node + " decides"
		}
		if len(s.Unplaced) > 0 {
			line += fmt.Sprintf(
				"; %s of it would find no room even now, such as %s", Plural(len(s.Unplaced), "pod"),
				s.Unplaced[0].Name,
			)
		}
		lines = append(lines, line)
	}
	return lines
}

// shortList joins names, and counts those after the first.
func shortList(names []string) string {
	const most = 8
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// pack writes the fewest nodes with which the plan completes.
func (t *planWriter) pack() {
	p := t.Pack
	if p == nil {
		return
	}
	t.title("Fewest nodes of %s", printable(p.Size))
	for i, line := range packLines(p) {
		paint := t.plain
		if i == 0 && p.Nodes == 0 {
			paint = t.severity[diag.Error]
		}
		t.wrapped("  ", line, 2, paint)
	}
}

// packLines says how many nodes are the fewest, how full they are, and why one fewer is not enough.
func packLines(p *plan.Pack) (lines []string) {
	if p.Nodes == 0 {
		lines = append(lines, "no number of nodes is enough")
	} else {
		var full []string
		for _, s := range p.Shares {
			full = append(full, fmt.Sprintf("%s %d%%", s.Resource, s.Percent))
		}
		lines = append(
			lines, fmt.Sprintf("%s, requested at the end: %s", Plural(p.Nodes, "node"), strings.Join(full, ", ")),
		)
	}
	for i := len(p.Tried) - 1; i >= 0; i-- {
		if try := p.Tried[i]; !try.Completes {
			return append(lines, fmt.Sprintf("with %d: %s", try.Nodes, try.Reason))
		}
	}
	return lines
}

// groups writes how many nodes each node group had, how full they are, and what they cost.
func (t *planWriter) groups() {
	if len(t.NodeGroups) == 0 {
		return
	}
	wide := len("GROUP")
	for _, g := range t.NodeGroups {
		wide = max(wide, runewidth.StringWidth(g.Name))
	}
	t.title("Node groups")
	fmt.Fprintln(
		t,
		t.dim.Sprintf(
			"  %-*s  %-12s  %6s  %4s  %5s  %4s  %6s", wide, "GROUP", "SIZE", "BEFORE", "PEAK", "AFTER", "CPU", "MEMORY",
		),
	)
	for _, g := range t.NodeGroups {
		fmt.Fprintf(t, "  %-*s  %-12s  %6d  %4d  %5d  %3d%%  %5d%%\n", wide, printable(g.Name), g.Size, g.Before,
			g.Peak, g.After,
			g.CPUPercent, g.MemoryPercent)
	}
	if t.Cost != nil {
		fmt.Fprintf(t, "  cost per hour: %s\n", costText(t.Cost))
	}
}

// costText says what nodes cost for an hour.
func costText(c *plan.Cost) string {
	return fmt.Sprintf("%.2f before, %.2f at the peak, %.2f after", c.Before, c.Peak, c.After)
}

// room is the section of Markdown about more replicas and fewer nodes.
func (m *planMarkdown) room() section {
	s := section{title: "Room"}
	if m.Fit != nil {
		for i, line := range fitLines(m.Fit) {
			if i == 0 {
				line = m.Fit.Object.String() + ": " + line
			}
			s.items = append(s.items, "- "+md(shortened(line, maxText))+"\n")
		}
	}
	for _, g := range m.NodeGroups {
		s.items = append(s.items, fmt.Sprintf(
			"- node group %s of %s: %d nodes before, %d at the peak, %d after, CPU %d%%, memory %d%% requested\n",
			code(g.Name), md(g.Size),
			g.Before, g.Peak, g.After, g.CPUPercent, g.MemoryPercent,
		))
	}
	if m.Cost != nil {
		s.items = append(s.items, "- cost per hour: "+costText(m.Cost)+"\n")
	}
	if m.Pack != nil {
		for i, line := range packLines(m.Pack) {
			if i == 0 {
				line = "Fewest nodes of " + m.Pack.Size + ": " + line
			}
			s.items = append(s.items, "- "+md(shortened(line, maxText))+"\n")
		}
	}
	return s
}
