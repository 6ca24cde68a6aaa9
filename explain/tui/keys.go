package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"
)

// binding is what some keys do while the tree is in sight.
type binding struct {
	keys []string // as Bubble Tea writes them
	name string   // of the keys, for readers
	help string
	do   func(*model) tea.Cmd
}

var bindings = []binding{
	{[]string{"up", "k"}, "↑ k", "up", func(m *model) tea.Cmd { m.scroll(-1); return nil }},
	{[]string{"down", "j"}, "↓ j", "down", func(m *model) tea.Cmd { m.scroll(1); return nil }},
	{[]string{"right", "l"}, "→ l", "open, then into it", func(m *model) tea.Cmd { m.into(); return nil }},
	{[]string{"left", "h"}, "← h", "close, then out of it", func(m *model) tea.Cmd { m.out(); return nil }},
	{[]string{"enter", "space"}, "enter", "open or close", func(m *model) tea.Cmd { m.toggle(); return nil }},
	{
		[]string{"backspace"}, "backspace", "go up to the parent",
		func(m *model) tea.Cmd { m.moveTo(m.tree.parent(m.cursor)); return nil },
	},
	{
		[]string{"pgdown", "ctrl+f"}, "page down", "a page down",
		func(m *model) tea.Cmd { m.scroll(m.page()); return nil },
	},
	{[]string{"pgup", "ctrl+b"}, "page up", "a page up", func(m *model) tea.Cmd { m.scroll(-m.page()); return nil }},
	{[]string{"home", "g"}, "home g", "to the top", func(m *model) tea.Cmd { m.scroll(-end); return nil }},
	{[]string{"end", "G"}, "end G", "to the end", func(m *model) tea.Cmd { m.scroll(end); return nil }},
	{
		[]string{"tab"}, "tab", "arrows move the other side",
		func(m *model) tea.Cmd { m.reading = !m.reading; return nil },
	},
	{[]string{"esc"}, "esc", "back to the tree", func(m *model) tea.Cmd { m.reading = false; return nil }},
	{
		[]string{"J", "ctrl+d"}, "J ctrl+d", "documentation down",
		func(m *model) tea.Cmd { m.read(m.page() / 2); return nil },
	},
	{
		[]string{"K", "ctrl+u"}, "K ctrl+u", "documentation up",
		func(m *model) tea.Cmd { m.read(-m.page() / 2); return nil },
	},
	{[]string{"/"}, "/", "search kinds and fields: deploy repl", (*model).startSearch},
	{[]string{"v"}, "v", "choose the Kubernetes version", func(m *model) tea.Cmd { m.startVersions(); return nil }},
	{[]string{"y"}, "y", "copy the path", (*model).copyPath},
	{[]string{"Y"}, "Y", "copy an example of the kind", (*model).copyExample},
	{[]string{"?"}, "?", "this help", func(m *model) tea.Cmd { m.mode, m.docTop = helping, 0; return nil }},
	{[]string{"ctrl+z"}, "ctrl+z", "to the shell, until fg", func(*model) tea.Cmd { return tea.Suspend }},
	{[]string{"q", "ctrl+c"}, "q ctrl+c", "quit", func(*model) tea.Cmd { return tea.Quit }},
}

// end is farther than any list is long.
const end = 1 << 30

// hints are what the last line says of the keys in each mode.
var hints = map[mode]string{
	browsing:  "enter open · / search · v version · y copy · ? help · q quit",
	searching: "↑↓ choose · enter go there · esc back",
	choosing:  "↑↓ choose · enter switch · esc back",
	helping:   "↑↓ scroll · esc back",
}

// reading is what the last line says while the arrows scroll the documentation.
const reading = "↑↓ scroll the documentation · tab back to the tree · ? help · q quit"

func helpLines(s styles) []string {
	lines := []string{s.title.Render("Keys"), ""}
	for _, b := range bindings {
		lines = append(lines, s.name.Render(fmt.Sprintf("%-10s", b.name))+" "+b.help)
	}
	return lines
}
