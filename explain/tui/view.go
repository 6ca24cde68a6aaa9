package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/seatrial/seatrial/schema"
)

// styles are the looks of the parts. What colour shows is shown by characters as well.
type styles struct {
	title, name, typ, label, required, old, fresh, bar, selected lipgloss.Style
}

func newStyles(color bool) styles {
	plain := lipgloss.NewStyle()
	s := styles{
		title: plain.Bold(true), name: plain, typ: plain, label: plain, required: plain, old: plain, fresh: plain,
		bar: plain.Reverse(true), selected: plain.Reverse(true),
	}
	if color {
		s.name = plain.Foreground(lipgloss.Cyan)
		s.typ = plain.Foreground(lipgloss.Green)
		s.label = plain.Foreground(lipgloss.Blue)
		s.required = plain.Foreground(lipgloss.Red)
		s.old = plain.Foreground(lipgloss.Yellow)
		s.fresh = plain.Foreground(lipgloss.Magenta)
	}
	return s
}

// layout is the room of the two sides: beside each other, one above the other in a narrow window, or
// only the one in use in a tiny one.
type layout struct {
	left, right size
	beside      bool
}

type size struct{ width, height int }

func (m *model) layout() layout {
	body := max(0, m.height-2)
	whole := size{m.width, body}
	switch {
	case m.width >= 60:
		left := min(48, max(26, m.width*2/5))
		if m.mode == searching {
			left = m.width / 2
		}
		return layout{size{left, body}, size{m.width - left - 1, body}, true}
	case body >= 12:
		return layout{left: size{m.width, body / 2}, right: size{m.width, body - body/2 - 1}}
	case m.reading || m.mode == helping:
		return layout{right: whole}
	}
	return layout{left: whole}
}

// page is how many lines a page key moves.
func (m *model) page() int {
	l := m.layout()
	if m.reading || m.mode == helping {
		return max(1, l.right.height-1)
	}
	return max(1, l.left.height-1)
}

// keepInSight scrolls each list so that its cursor shows.
func (m *model) keepInSight() {
	l := m.layout()
	m.prompt.SetWidth(max(1, m.width-2))
	m.cursor = clamp(m.cursor, len(m.tree.rows))
	m.top = window(min(m.top, len(m.tree.rows)-l.left.height), m.cursor, l.left.height)
	m.hitTop = window(m.hitTop, m.hit, l.left.height)
	m.vTop = window(m.vTop, m.version, l.left.height)
	lines, height := m.text(l.right.width), l.right.height
	if m.mode == helping {
		height = max(0, m.height-2)
	}
	m.docTop = max(0, min(m.docTop, len(lines)-height))
}

// window moves the first line in sight as little as the cursor needs.
func window(top, cursor, height int) int { return max(cursor-height+1, min(top, cursor), 0) }

// text returns what the right side shows.
func (m *model) text(width int) []string {
	if m.mode == helping {
		return helpLines(m.styles)
	}
	return details(m.current(), width, m.styles)
}

// View implements [tea.Model].
func (m model) View() tea.View {
	v := tea.NewView(strings.Join(m.screen(), "\n"))
	v.AltScreen = true
	v.WindowTitle = "seatrial explain"
	if m.mode == searching && m.height > 0 {
		if c := m.prompt.Cursor(); c != nil {
			c.Position.Y = m.height - 1
			v.Cursor = c
		}
	}
	return v
}

// screen returns the lines of the whole screen.
func (m *model) screen() []string {
	lines := []string{m.styles.bar.Render(fit(" "+m.breadcrumbs(m.width-2), m.width))}
	lines = append(lines, m.body()...)
	lines = append(lines, m.lastLine())
	return lines[max(0, len(lines)-max(1, m.height)):]
}

// breadcrumbs returns where the cursor stands; of what is too long the end remains.
func (m *model) breadcrumbs(width int) string {
	r := m.current()
	parts := []string{"Kubernetes " + m.tree.store.Version, groupName(r.Group)}
	if r.kind != nil {
		parts[1] = r.kind.GroupVersion().String()
		parts = append(parts, r.Kind)
		parts = append(parts, schema.Split(r.Path)...)
	}
	text := clean(strings.Join(parts, " › "))
	if over := ansi.StringWidth(text) - width; over > 0 {
		return ansi.TruncateLeft(text, over+1, "…")
	}
	return text
}

func (m *model) body() []string {
	l := m.layout()
	if m.mode == helping {
		return page(m.text(m.width), m.docTop, size{m.width, max(0, m.height-2)})
	}
	left := page(m.list(l.left), 0, l.left)
	right := page(m.text(l.right.width), m.docTop, l.right)
	if !l.beside {
		if len(left) > 0 && len(right) > 0 {
			left = append(left, strings.Repeat("─", m.width))
		}
		return append(left, right...)
	}
	total := len(m.text(l.right.width))
	lines := make([]string, len(left))
	for i := range left {
		lines[i] = left[i] + divider(i, m.docTop, total, l.right.height) + right[i]
	}
	return lines
}

// divider is a line of the border between the two sides; it shows which part of a longer text is in sight.
func divider(i, top, total, height int) string {
	if total > height && i >= top*height/total && i <= (top+height-1)*height/total {
		return "┃"
	}
	return "│"
}

// list returns the lines of the left side that are in sight.
func (m *model) list(s size) (lines []string) {
	switch {
	case m.mode == choosing:
		return m.versionList(s)
	case m.mode == searching && m.prompt.Value() != "":
		return m.hitList(s)
	}
	for i := m.top; i < min(len(m.tree.rows), m.top+s.height); i++ {
		lines = append(lines, m.selectable(m.label(m.tree.rows[i], s.width), i == m.cursor, s.width))
	}
	return lines
}

// selectable writes a line of a list, with a mark where the cursor is.
func (m *model) selectable(text string, selected bool, width int) string {
	if selected {
		return m.styles.selected.Render(fit(">"+ansi.Strip(text), width))
	}
	return " " + text
}

// label writes a row of the tree: what opens, its name, whether it is required, its type.
func (m *model) label(r row, width int) string {
	indent := strings.Repeat("  ", max(0, r.depth-m.shift(width)))
	switch {
	case r.field != nil:
		return indent + m.mark(r) + clean(r.field.Name) + m.required(r.field) + m.age(r) + " " +
			m.styles.typ.Render(clean(r.field.Type))
	case r.kind != nil:
		return indent + m.mark(r) + m.styles.name.Render(clean(r.Kind)) + m.age(r) + " " +
			m.styles.typ.Render(clean(r.Version))
	}
	return indent + m.mark(r) + m.styles.title.Render(clean(groupName(r.Group)))
}

// shift is how many levels the tree stands to the left of its root, so that the cursor has room for a name.
func (m *model) shift(width int) int {
	const forName = 20
	return max(0, m.tree.rows[m.cursor].depth-max(1, (width-forName)/2))
}

func (m *model) required(f *schema.Field) string {
	if f.Required {
		return m.styles.required.Render("*")
	}
	return ""
}

// age marks a kind or field that is deprecated or removed, or came with the version that is shown.
func (m *model) age(r row) string {
	version := m.tree.store.Version
	switch {
	case r.deprecated():
		return " " + m.styles.old.Render("(deprecated)")
	case r.since() == version && version != schema.Versions()[0]:
		return " " + m.styles.fresh.Render("(new)")
	}
	return ""
}

func (m *model) mark(r row) string {
	switch {
	case r.leaf:
		return "  "
	case m.tree.open[r.place]:
		return "▾ "
	case r.recursive:
		return "↺ "
	}
	return "▸ "
}

func (m *model) hitList(s size) (lines []string) {
	if m.index == nil {
		return []string{" reading all fields…"}
	}
	if len(m.hits) == 0 {
		return []string{" nothing found"}
	}
	for i := m.hitTop; i < min(len(m.hits), m.hitTop+s.height); i++ {
		lines = append(lines, m.selectable(m.found(m.hits[i]), i == m.hit, s.width))
	}
	return lines
}

// found writes a place, its own name first: in a narrow list the end may be cut off.
func (m *model) found(p place) string {
	if p.Path == "" {
		return m.styles.name.Render(clean(p.Kind)) + " " + m.styles.typ.Render(clean(p.GroupVersion().String()))
	}
	above, _ := p.up()
	name := strings.TrimPrefix(strings.TrimPrefix(p.Path, above.Path), ".")
	return clean(name) + " " + m.styles.typ.Render(strings.TrimSpace(clean(p.Kind+" "+above.Path)))
}

func (m *model) versionList(s size) (lines []string) {
	all := m.newestFirst()
	for i := m.vTop; i < min(len(all), m.vTop+s.height); i++ {
		text := "Kubernetes " + all[i]
		if all[i] == m.tree.store.Version {
			text += " (now)"
		} else if why := m.availability(all[i]); why != "" {
			text += " " + m.styles.old.Render(why)
		}
		lines = append(lines, m.selectable(text, i == m.version, s.width))
	}
	return lines
}

func (m *model) lastLine() string {
	switch {
	case m.mode == searching:
		return ansi.Truncate(m.prompt.View(), m.width, "")
	case m.note != "":
		return fit(clean(m.note), m.width)
	}
	hint := hints[m.mode]
	if m.mode == browsing && m.reading {
		hint = reading
	}
	if ansi.StringWidth(hint) > m.width {
		hint = "? help · q quit"
	}
	return fit(hint, m.width)
}

// page returns the part of a text from a line on as a block of a size.
func page(lines []string, from int, s size) []string {
	out := make([]string, s.height)
	for i := range out {
		line := ""
		if from+i < len(lines) {
			line = lines[from+i]
		}
		out[i] = fit(line, s.width)
	}
	return out
}

// fit makes a line as wide as its room: letters of Chinese or Japanese take two columns.
func fit(line string, width int) string {
	line = ansi.Truncate(line, max(0, width), "…")
	return line + strings.Repeat(" ", max(0, width-ansi.StringWidth(line)))
}
