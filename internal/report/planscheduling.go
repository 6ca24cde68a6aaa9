package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan"
)

func (t *planWriter) unschedulable() {
	var open []plan.Unschedulable
	for _, u := range t.Unschedulable {
		if u.Until == nil {
			open = append(open, u)
		}
	}
	if len(open) == 0 {
		return
	}
	t.title("Unschedulable")
	for len(open) > 0 {
		same := func(u plan.Unschedulable) bool {
			return u.Message == open[0].Message && slices.Equal(u.Nodes, open[0].Nodes)
		}
		first, count := open[0], 0
		rest := slices.DeleteFunc(slices.Clone(open), func(u plan.Unschedulable) bool {
			if same(u) {
				count++
			}
			return same(u)
		})
		name := first.Object.Name
		if count > 1 {
			name += fmt.Sprintf(" and %d more like it", count-1)
		}
		fmt.Fprintf(t, "  %s\n", printable(name))
		t.wrapped("", first.Message, 6, t.severity[diag.Error])
		t.fits(first.Nodes)
		open = rest
	}
}

// fits shows why nodes did not take a pod.
func (t *planWriter) fits(nodes []plan.NodeFit) {
	const most = 6
	width, plugin := 0, 0
	for _, n := range nodes {
		width, plugin = max(width, len(n.Name)), max(plugin, len(n.Plugin))
	}
	for i, n := range nodes {
		if i == most && !t.o.Verbose {
			fmt.Fprintln(t, t.dim.Sprintf("      and %s more", Plural(len(nodes)-most, "node")))
			return
		}
		t.wrapped(fmt.Sprintf("      %-*s  %-*s  ", width, n.Name, plugin, n.Plugin), n.Reason, 10+width+plugin, t.dim)
	}
}

func (t *planWriter) placements() {
	if len(t.Placements) == 0 {
		return
	}
	if !t.o.Verbose && !t.o.Reasons {
		return
	}
	t.title("Scheduling")
	for i := range t.Placements {
		t.placement(&t.Placements[i])
	}
}

func (t *planWriter) placement(p *plan.Placement) {
	why := fmt.Sprintf("best of %d feasible nodes", p.Feasible)
	switch {
	case p.Feasible == 1:
		why = "only feasible node; scoring skipped"
	case p.Feasible == 0:
		why = "not by the scheduler"
	}
	fmt.Fprintf(t, "  %8s  %s  on %s  %s\n", p.At, printable(p.Object.Name), t.bold.Sprint(p.Node), t.dim.Sprint(why))
	if !t.o.Reasons {
		return
	}
	for _, s := range p.Scores {
		var parts []string
		for _, x := range s.Plugins {
			parts = append(parts, fmt.Sprintf("%s %d", x.Name, x.Score))
		}
		t.wrapped(fmt.Sprintf("            %-20s %5d  ", s.Name, s.Total), strings.Join(parts, ", "), 40, t.dim)
	}
	for _, r := range p.Rejected {
		t.wrapped(fmt.Sprintf("            %-20s    --  ", r.Name), r.Plugin+": "+r.Reason, 40, t.dim)
	}
}

const maxNodes = 12 // that are shown, unless everything is asked for

func (t *planWriter) nodes() {
	if len(t.Nodes) == 0 {
		return
	}
	shown := slices.Clone(t.Nodes)
	if !t.o.Verbose && len(shown) > maxNodes {
		slices.SortStableFunc(shown, func(a, b plan.Node) int { return cmp.Compare(b.PodsPeak, a.PodsPeak) })
		shown = shown[:maxNodes]
		slices.SortStableFunc(shown, func(a, b plan.Node) int { return cmp.Compare(a.Name, b.Name) })
	}
	rows := [][]string{{"Nodes", "pods", "peak", "cpu", "memory", ""}}
	for _, n := range shown {
		note := n.Zone
		if !n.Ready {
			note = strings.TrimSpace(note + " NotReady")
		}
		rows = append(rows, []string{
			printable(n.Name), becomes(
				fmt.Sprint(n.PodsBefore), fmt.Sprint(n.Pods),
			), fmt.Sprintf("%d/%d", n.PodsPeak, n.PodsMax),
			usage(n.CPU), usage(n.Memory), note,
		})
	}
	fmt.Fprintln(t)
	for i, r := range rows {
		line := strings.TrimRight(
			fmt.Sprintf("  %-22s %10s %9s %19s %23s  %s", r[0], r[1], r[2], r[3], r[4], r[5]), " ",
		)
		if i == 0 {
			fmt.Fprintln(t, t.bold.Sprint("Nodes")+t.dim.Sprint(line[len("  Nodes"):]))
			continue
		}
		fmt.Fprintln(t, line)
	}
	if rest := len(t.Nodes) - len(shown); rest > 0 {
		fmt.Fprintln(t, t.dim.Sprintf("  and %s more (--verbose)", Plural(rest, "node")))
	}
}

func usage(u plan.Usage) string { return becomes(u.Before, u.After) + "/" + u.Allocatable }

// becomes shows a value before and after, once if it stays.
func becomes(before, after string) string {
	if before == after {
		return after
	}
	return before + " -> " + after
}

func (t *planWriter) constraints() {
	if len(t.Constraints) == 0 {
		return
	}
	t.title("Gates")
	for _, g := range t.Constraints {
		paint := t.plain
		if g.Hit {
			paint = t.severity[diag.Error]
		}
		t.wrapped("  "+printable(g.Object.String())+"  ", g.Summary, runewidth.StringWidth(g.Object.String())+4, paint)
	}
}
