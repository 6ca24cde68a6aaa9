package report

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/fatih/color"
	"github.com/mattn/go-runewidth"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan"
)

// glyphs of the actions, as users of other planners know them.
var glyphs = map[string]string{plan.Create: "+", plan.Update: "~", plan.Delete: "-", plan.None: "="}

const maxFields = 12 // of an object, unless everything is asked for

// manyCreated is how many new objects have a line each, unless everything is asked for.
const manyCreated = 24

// changes writes what becomes of objects. Where there is too much to show, it is a line for all of a kind.
func (t *planWriter) changes() {
	if len(t.Changes) == 0 {
		return
	}
	t.title("Changes")
	created := 0
	for i := range t.Changes {
		if t.Changes[i].Action == plan.Create {
			created++
		}
	}
	many := !t.o.Verbose && created > manyCreated
	var folded changeGroups
	unchanged := 0
	for i := range t.Changes {
		switch c := &t.Changes[i]; {
		case c.Denied == "" && (t.fold || many && c.Action == plan.Create):
			folded.add(c)
		case c.Action == plan.None && !t.o.Verbose && c.Denied == "":
			unchanged++
		default:
			t.change(c)
		}
	}
	t.foldedChanges(folded)
	if unchanged > 0 {
		fmt.Fprintln(t, t.dim.Sprintf("  = %s as they are", Plural(unchanged, "object")))
	}
}

// changeGroup is the objects of a kind of which the same becomes.
type changeGroup struct {
	first *plan.Change
	count int
	paths []string // of the fields that change
}

// changeGroups are in the order of their first objects.
type changeGroups []*changeGroup

func (groups *changeGroups) add(c *plan.Change) {
	i := slices.IndexFunc(*groups, func(g *changeGroup) bool {
		return g.first.Action == c.Action && g.first.Object.Kind == c.Object.Kind
	})
	if i < 0 {
		i = len(*groups)
		*groups = append(*groups, &changeGroup{first: c})
	}
	g := (*groups)[i]
	g.count++
	for _, f := range c.Fields {
		if path := unnamed.ReplaceAllString(f.Path, "[]"); !slices.Contains(g.paths, path) {
			g.paths = append(g.paths, path)
		}
	}
}

func (t *planWriter) foldedChanges(groups changeGroups) {
	for _, g := range groups {
		line := fmt.Sprintf("%s %s", glyphs[g.first.Action], printable(g.first.Object.String()))
		if g.count > 1 {
			line += fmt.Sprintf(" and %d more", g.count-1)
		}
		fmt.Fprintf(t, "  %s\n", line)
		if len(g.paths) > 0 {
			slices.Sort(g.paths)
			t.wrapped("", printable(strings.Join(g.paths, ", ")), 6, t.dim)
		}
	}
	if len(groups) > 0 {
		fmt.Fprintln(t, t.dim.Sprint("  each of them by itself: --verbose"))
	}
}

// unnamed matches the names of list items in a path.
var unnamed = regexp.MustCompile(`\[[^\]]*\]`)

func (t *planWriter) change(c *plan.Change) {
	paint := map[string]*color.Color{
		plan.Create: t.good, plan.Update: t.severity[diag.Warning], plan.Delete: t.severity[diag.Error],
		plan.None: t.dim,
	}[c.Action]
	glyph := paint.Sprint(glyphs[c.Action])
	if c.Denied != "" {
		glyph = t.severity[diag.Error].Sprint("!")
	}
	name := printable(c.Object.String())
	where := ""
	if c.File != "" {
		where = fmt.Sprintf("%s:%d", display(c.File), c.Line)
	}
	if c.By != "" {
		where = "by the " + c.By
	}
	gap := max(2, t.width-4-runewidth.StringWidth(name)-runewidth.StringWidth(where))
	fmt.Fprintf(t, "  %s %s%s%s\n", glyph, name, strings.Repeat(" ", gap), t.dim.Sprint(where))
	if c.Denied != "" {
		t.wrapped("", "refused: "+c.Denied, 6, t.severity[diag.Error])
	}
	t.fields(c.Fields)
}

func (t *planWriter) fields(fields []plan.Field) {
	shown := fields
	if !t.o.Verbose && len(shown) > maxFields {
		shown = shown[:maxFields]
	}
	width := 0
	label := func(f plan.Field) string {
		if f.Defaulted {
			return f.Path + " (defaulted)"
		}
		return f.Path
	}
	for _, f := range shown {
		width = max(width, runewidth.StringWidth(label(f)))
	}
	width = min(width, t.width-40)
	for _, f := range shown {
		name := printable(label(f))
		if room := t.width - 8 - width; runewidth.StringWidth(name) <= width && fit(f, room) {
			fmt.Fprintf(t, "      %s  %s\n", runewidth.FillRight(name, width), t.values(f, room))
			continue
		}
		fmt.Fprintf(t, "      %s\n          %s\n", name, t.values(f, t.width-10))
	}
	if rest := len(fields) - len(shown); rest > 0 {
		fmt.Fprintln(t, t.dim.Sprintf("      and %s more (--verbose)", Plural(rest, "field")))
	}
}

// fit reports whether the values of a field can be shown whole in so many columns.
func fit(f plan.Field, width int) bool {
	return runewidth.StringWidth(printable(f.Before))+runewidth.StringWidth(printable(f.After))+len(" -> ") <= width
}

// values shows what becomes of a field in so many columns.
func (t *planWriter) values(f plan.Field, width int) string {
	before, after := printable(f.Before), printable(f.After)
	if !fit(f, width) {
		half := max(12, (width-4)/2)
		before, after = withoutSharedHead(before, after)
		before, after = runewidth.Truncate(before, half, "…"), runewidth.Truncate(after, half, "…")
	}
	switch {
	case f.Before == "":
		return t.good.Sprint(after)
	case f.After == "":
		return t.severity[diag.Error].Sprint(before) + " -> (removed)"
	}
	return t.severity[diag.Error].Sprint(before) + " -> " + t.good.Sprint(after)
}

// withoutSharedHead leaves out how two long values begin alike, so that what differs is seen.
func withoutSharedHead(before, after string) (string, string) {
	a, b := []rune(before), []rune(after)
	same := 0
	for same < len(a) && same < len(b) && a[same] == b[same] {
		same++
	}
	const context = 8
	if same <= 2*context {
		return before, after
	}
	cut := same - context
	return "…" + string(a[cut:]), "…" + string(b[cut:])
}
