// Package tui is the full-screen browser of kinds and fields: a tree on the left, documentation on the right.
//
// The central function is [Run], which shows the browser until the user quits.
//
//	err := tui.Run(ctx, tui.Options{Version: "1.37", Versions: schema.Versions(), Start: "deployment.spec", In: os.Stdin, Out: os.Stdout, Color: true})
package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/seatrial/seatrial/schema"
)

// Options say what the browser shows and where.
type Options struct {
	Version  string   // of Kubernetes: 1.25; empty means the newest
	Versions []string // to choose from, oldest first; empty means all that are known
	Start    string   // path to open at: deployment.spec.template; may be empty
	In       io.Reader
	Out      io.Writer
	Color    bool
	Example  func(kind *schema.Kind) string              // manifest to copy; nil when there is none
	Open     func(version string) (*schema.Store, error) // nil means schema.Open
}

// Run shows the browser until the user quits or ctx is done. A start that leads nowhere is an error
// before anything is shown.
func Run(ctx context.Context, o Options) error {
	m, err := newModel(o)
	if err != nil {
		return err
	}
	options := []tea.ProgramOption{tea.WithInput(o.In), tea.WithOutput(o.Out)}
	if !o.Color {
		options = append(options, tea.WithColorProfile(colorprofile.Ascii))
	}
	p := tea.NewProgram(m, options...)
	stop := context.AfterFunc(ctx, p.Quit) // tea.WithContext would close the input while it is being read
	defer stop()
	_, err = p.Run()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && !errors.Is(err, tea.ErrInterrupted):
		return fmt.Errorf("browsing: %w", err)
	}
	return nil
}

// mode is what the keys act on.
type mode int

const (
	browsing mode = iota + 1
	searching
	choosing // a version
	helping
)

// model is the state of the browser. Update returns a changed copy.
type model struct {
	options Options
	styles  styles
	mode    mode

	width, height int

	tree        tree
	cursor, top int  // in the tree
	docTop      int  // first line of the documentation in sight
	reading     bool // arrows scroll the documentation

	prompt        textinput.Model
	index         *index // nil until it is built
	indexing      bool
	hits          []place
	hit, hitTop   int
	version, vTop int // in the list of versions

	note string // what the last key did
}

// indexed says that the index of a version is ready.
type indexed struct {
	version string
	index   *index
}

// switched says that a version is open.
type switched struct {
	store *schema.Store
	err   error
}

func newModel(o Options) (model, error) {
	if o.Open == nil {
		o.Open = schema.Open
	}
	if len(o.Versions) == 0 {
		o.Versions = schema.Versions()
	}
	if o.Version == "" {
		o.Version = o.Versions[len(o.Versions)-1]
	}
	store, err := o.Open(o.Version)
	if err != nil {
		return model{}, err
	}
	start, err := find(store, o.Start)
	if err != nil {
		return model{}, err
	}
	m := model{options: o, styles: newStyles(o.Color), mode: browsing, width: 80, height: 24, prompt: newPrompt()}
	m.tree = newTree(store, map[place]bool{})
	m.goTo(start)
	m.toggle()
	m.keepInSight()
	return m, nil
}

func newPrompt() textinput.Model {
	in := textinput.New()
	in.Prompt = "/"
	in.SetVirtualCursor(false)
	in.SetStyles(textinput.Styles{})
	return in
}

// Init implements [tea.Model].
func (m model) Init() tea.Cmd { return nil }

// Update implements [tea.Model].
func (m model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		m.note = ""
		cmd = m.key(msg)
	case tea.PasteMsg:
		if m.mode == searching {
			cmd = m.typed(msg)
		}
	case indexed:
		m.indexing = false
		if msg.version == m.tree.store.Version {
			m.index = msg.index
			if m.mode == searching {
				m.search()
			}
		} else if m.mode == searching {
			cmd = m.build()
		}
	case switched:
		m.use(msg)
	}
	m.keepInSight()
	return m, cmd
}

func (m *model) key(msg tea.KeyPressMsg) tea.Cmd {
	if msg.String() == "ctrl+c" {
		return tea.Quit
	}
	switch m.mode {
	case searching:
		return m.searchKey(msg)
	case choosing:
		return m.versionKey(msg)
	case helping:
		return m.helpKey(msg)
	}
	return m.browseKey(msg.String())
}

func (m *model) browseKey(key string) tea.Cmd {
	for _, b := range bindings {
		if slices.Contains(b.keys, key) {
			return b.do(m)
		}
	}
	return nil
}

// move returns how far a key moves in a list; 0 when it does not.
func (m *model) move(key string) int {
	switch key {
	case "up", "ctrl+p":
		return -1
	case "down", "ctrl+n":
		return 1
	case "pgup":
		return -m.page()
	case "pgdown":
		return m.page()
	case "home":
		return -end
	case "end":
		return end
	}
	return 0
}

func (m *model) helpKey(msg tea.KeyPressMsg) tea.Cmd {
	if by := m.move(msg.String()); by != 0 {
		m.read(by)
		return nil
	}
	m.mode, m.docTop = browsing, 0
	return nil
}

// scroll moves the cursor of the tree, or the documentation while the user reads.
func (m *model) scroll(by int) {
	if m.reading {
		m.read(by)
		return
	}
	m.moveTo(m.cursor + by)
}

func (m *model) moveTo(i int) {
	if i = clamp(i, len(m.tree.rows)); i != m.cursor {
		m.cursor, m.docTop = i, 0
	}
}

func (m *model) read(by int) { m.docTop += by }

func (m *model) goTo(p place) {
	m.tree = m.tree.reveal(p)
	m.cursor, m.docTop = m.tree.nearest(p), 0
	m.top = m.cursor - m.layout().left.height/3
}

// current returns the row that is documented: that of the tree, or what the search points at.
func (m *model) current() row {
	if m.mode == searching && len(m.hits) > 0 {
		return m.tree.rowOf(m.hits[m.hit])
	}
	return m.tree.rows[m.cursor]
}

// toggle opens or closes what the cursor is on, and brings what opened into sight.
func (m *model) toggle() {
	r, before := m.tree.rows[m.cursor], len(m.tree.rows)
	if r.leaf {
		return
	}
	m.tree = m.tree.toggle(r.place)
	added, height := len(m.tree.rows)-before, m.layout().left.height
	m.top = max(m.top, min(m.cursor, m.cursor+added-height+1))
}

func (m *model) into() {
	r := m.tree.rows[m.cursor]
	switch {
	case r.leaf:
	case m.tree.open[r.place]:
		m.moveTo(m.cursor + 1)
	default:
		m.toggle()
	}
}

func (m *model) out() {
	if r := m.tree.rows[m.cursor]; m.tree.open[r.place] && !r.leaf {
		m.toggle()
		return
	}
	m.moveTo(m.tree.parent(m.cursor))
}

// startSearch opens the prompt; the index of the version is built at the first search.
func (m *model) startSearch() tea.Cmd {
	m.mode, m.reading = searching, false
	m.prompt.Reset()
	m.search()
	return tea.Batch(m.prompt.Focus(), m.build())
}

// build makes the index in the background, unless it is there or being made.
func (m *model) build() tea.Cmd {
	if m.index != nil || m.indexing {
		return nil
	}
	m.indexing = true
	store := m.tree.store
	return func() tea.Msg { return indexed{store.Version, newIndex(store)} }
}

func (m *model) searchKey(msg tea.KeyPressMsg) tea.Cmd {
	switch key := msg.String(); {
	case key == "esc":
		m.mode, m.docTop = browsing, 0
	case key == "enter":
		if len(m.hits) > 0 {
			m.mode = browsing
			m.goTo(m.hits[m.hit])
		} else if m.prompt.Value() == "" {
			m.mode = browsing
		}
	case m.move(key) != 0:
		m.hit, m.docTop = clamp(m.hit+m.move(key), len(m.hits)), 0
	default:
		return m.typed(msg)
	}
	return nil
}

func (m *model) typed(msg tea.Msg) tea.Cmd {
	var cmd tea.Cmd
	before := m.prompt.Value()
	if m.prompt, cmd = m.prompt.Update(msg); m.prompt.Value() != before {
		m.search()
	}
	return cmd
}

// most is how many hits are listed.
const most = 500

func (m *model) search() {
	m.hits, m.hit, m.hitTop, m.docTop = nil, 0, 0, 0
	if m.index != nil {
		m.hits = m.index.search(m.prompt.Value(), most)
	}
}

func (m *model) startVersions() {
	m.mode, m.reading = choosing, false
	m.version = max(0, slices.Index(m.newestFirst(), m.tree.store.Version))
}

func (m *model) newestFirst() []string {
	out := slices.Clone(m.options.Versions)
	slices.Reverse(out)
	return out
}

func (m *model) versionKey(msg tea.KeyPressMsg) tea.Cmd {
	switch key := msg.String(); {
	case key == "esc", key == "q", key == "v":
		m.mode = browsing
	case key == "enter":
		m.mode = browsing
		version, open := m.newestFirst()[m.version], m.options.Open
		return func() tea.Msg {
			store, err := open(version)
			return switched{store, err}
		}
	case key == "k":
		m.version = clamp(m.version-1, len(m.options.Versions))
	case key == "j":
		m.version = clamp(m.version+1, len(m.options.Versions))
	default:
		m.version = clamp(m.version+m.move(key), len(m.options.Versions))
	}
	return nil
}

// availability returns why the place of the cursor is not in a version; "" when it is.
func (m *model) availability(version string) string {
	r := m.current()
	if r.kind == nil {
		return ""
	}
	span := schema.Span{Since: r.kind.Since, Removed: r.kind.Removed}
	if r.field != nil {
		span = r.field.Span()
	}
	at := slices.Index(m.options.Versions, version)
	if removed := slices.Index(m.options.Versions, span.Removed); removed >= 0 && at >= removed {
		return "no longer"
	}
	if at < slices.Index(m.options.Versions, span.Since) {
		return "not yet"
	}
	return ""
}

// use shows another version, at the same place or as close to it as the version allows.
func (m *model) use(s switched) {
	if s.err != nil {
		m.note = s.err.Error()
		return
	}
	if s.store.Version == m.tree.store.Version {
		return
	}
	before, r := m.tree.store, m.tree.rows[m.cursor]
	now := counterpart(s.store, r.place)
	open := m.tree.open[r.place]
	m.index, m.hits = nil, nil
	m.tree = newTree(s.store, m.tree.open)
	m.goTo(now)
	if open && !m.tree.open[m.tree.rows[m.cursor].place] {
		m.toggle()
	}
	m.note = "Kubernetes " + s.store.Version
	if now != r.place {
		m.note += ": not all of " + address(before, r) + " is there"
	}
}

func (m *model) copyPath() tea.Cmd {
	path := address(m.tree.store, m.current())
	m.note = "copied " + path
	return tea.SetClipboard(path)
}

func (m *model) copyExample() tea.Cmd {
	r := m.current()
	if r.kind == nil || m.options.Example == nil {
		m.note = "no example here"
		return nil
	}
	text := m.options.Example(r.kind)
	if text == "" {
		m.note = "no example of " + r.Kind
		return nil
	}
	m.note = "copied an example of " + r.Kind
	return tea.SetClipboard(text)
}

func clamp(i, n int) int { return max(0, min(i, n-1)) }
