package report

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/fatih/color"
	"github.com/mattn/go-runewidth"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/source"
)

// palette is the set of colours of one report.
type palette struct {
	severity map[diag.Severity]*color.Color
	dim      *color.Color
	bold     *color.Color
	help     *color.Color
	good     *color.Color
	plain    *color.Color
}

func newPalette(on bool) palette {
	make := func(attrs ...color.Attribute) *color.Color {
		c := color.New(attrs...)
		if on {
			c.EnableColor()
		} else {
			c.DisableColor()
		}
		return c
	}
	return palette{
		severity: map[diag.Severity]*color.Color{
			diag.Error: make(color.FgRed, color.Bold), diag.Warning: make(color.FgYellow, color.Bold),
			diag.Info: make(color.FgBlue, color.Bold),
		},
		dim: make(color.FgHiBlack), bold: make(color.Bold), help: make(color.FgCyan),
		good: make(color.FgGreen, color.Bold), plain: make(),
	}
}

// textWriter writes findings for people.
type textWriter struct {
	*bufio.Writer
	palette
	report *Lint
	server bool // show the server's own words as well
	width  int
	files  map[string]*source.File
	open   bool // the last finding took one line
}

func writeText(w io.Writer, r *Lint, o Options) error {
	t := &textWriter{
		Writer: bufio.NewWriter(w), palette: newPalette(o.Color), report: r, width: o.Width,
		files: map[string]*source.File{}, server: o.Verbose,
	}
	if t.width <= 0 {
		t.width = 160
	}
	for i := 0; i < len(r.Diagnostics); i++ {
		if n := adviceAt(r.Diagnostics[i:]); n > 0 {
			t.advice(r.Diagnostics[i : i+n])
			i += n - 1
			continue
		}
		t.finding(&r.Diagnostics[i])
		if o.All {
			for j := range r.Diagnostics[i].Consequences {
				t.finding(&r.Diagnostics[i].Consequences[j])
			}
		}
	}
	if t.open {
		fmt.Fprintln(t)
	}
	if len(r.Versions) > 1 {
		t.matrix()
	}
	t.summary()
	return t.Flush()
}

func (t *textWriter) source(name string) *source.File {
	f, ok := t.files[name]
	if !ok {
		f, _ = t.report.Source(name) // without its text a finding is shown by its place alone
		t.files[name] = f
	}
	return f
}

// adviceAt returns how many findings at the beginning are advice about one place, which fits in a line.
func adviceAt(all []diag.Diagnostic) (n int) {
	first := &all[0]
	for n < len(all) && all[n].Severity == diag.Info && all[n].Range.File == first.Range.File &&
		all[n].Object == first.Object &&
		all[n].Range.Start.Line == first.Range.Start.Line && slices.Equal(all[n].Variants, first.Variants) &&
		slices.Equal(all[n].Versions, first.Versions) {
		n++
	}
	return n
}

// advice writes findings about one place in a line. What they have in common is said once.
func (t *textWriter) advice(all []diag.Diagnostic) {
	first := &all[0]
	var rules, messages []string
	for i := range all {
		rules = append(rules, all[i].Rule)
		messages = append(messages, printable(all[i].Message))
	}
	subject := ""
	if words := strings.SplitN(messages[0], " ", 3); len(all) > 1 && len(words) == 3 && words[0] == "container" {
		subject = words[0] + " " + words[1] + " "
	}
	for i := len(messages) - 1; i > 0; i-- {
		rest, same := strings.CutPrefix(messages[i], subject)
		if lacks, both := strings.CutPrefix(rest, "has no "); both &&
			strings.HasPrefix(messages[i-1], subject+"has no ") {
			rest = lacks
		}
		if same {
			messages[i] = rest
		}
	}
	fmt.Fprintf(
		t, "%s: %s:%d:%d: %s%s\n", t.severity[diag.Info].Sprintf("%s[%s]", diag.Info, strings.Join(rules, ", ")),
		display(first.Range.File), first.Range.Start.Line, first.Range.Start.Column, strings.Join(messages, ", "),
		only(first),
	)
	t.open = true
}

// finding writes one finding: what, where, the lines, the way out.
func (t *textWriter) finding(d *diag.Diagnostic) {
	if t.open {
		fmt.Fprintln(t)
		t.open = false
	}
	first, rest, _ := strings.Cut(d.Text(), "\n")
	fmt.Fprintf(
		t, "%s%s\n", t.severity[d.Severity].Sprintf("%s[%s]", d.Severity, d.Rule),
		t.bold.Sprint(": "+printable(first)+only(d)),
	)
	for line := range strings.Lines(strings.TrimRight(rest, "\n")) { // a compiler's own picture
		fmt.Fprintf(t, "    %s\n", t.dim.Sprint(printable(strings.TrimRight(line, "\n"))))
	}
	marks := []mark{{d.Range, "", true}}
	gutter := len(strconv.Itoa(d.Range.Start.Line))
	var elsewhere []mark
	for _, r := range d.Related {
		m := mark{r.Range, r.Message, false}
		if r.Range.File == d.Range.File {
			marks = append(marks, m)
		} else {
			elsewhere = append(elsewhere, m)
		}
		gutter = max(gutter, len(strconv.Itoa(r.Range.Start.Line)))
	}
	place := display(d.Range.File) + fmt.Sprintf(":%d:%d", d.Range.Start.Line, d.Range.Start.Column)
	about := ""
	if d.Object.Kind != "" {
		about = " (" + printable(d.Object.String()) + from(d) + ")"
	}
	fmt.Fprintf(t, "%s %s%s\n", t.dim.Sprint(strings.Repeat(" ", gutter)+"-->"), place, t.dim.Sprint(about))
	t.snippet(marks, gutter, d.Severity)
	for _, m := range elsewhere {
		fmt.Fprintf(
			t, "%s %s:%d:%d\n", t.dim.Sprint(strings.Repeat(" ", gutter)+":::"), display(m.at.File),
			m.at.Start.Line, m.at.Start.Column,
		)
		t.snippet([]mark{m}, gutter, d.Severity)
	}
	if d.Help != "" {
		fmt.Fprintf(
			t, "%s %s %s\n", t.dim.Sprint(strings.Repeat(" ", gutter)+" ="), t.help.Sprint("help:"),
			printable(d.Help),
		)
	}
	if d.Server != "" && t.server {
		fmt.Fprintf(
			t, "%s %s %s\n", t.dim.Sprint(strings.Repeat(" ", gutter)+" ="), t.help.Sprint("server:"),
			printable(d.Server),
		)
	}
	for _, fix := range d.Fixes {
		if line, ok := t.fixed(fix); ok {
			how := "fix: "
			if fix.Safe {
				how = "fix (--fix): "
			}
			fmt.Fprintf(
				t, "%s %s %s\n", t.dim.Sprint(strings.Repeat(" ", gutter)+" ="), t.good.Sprint(how[:len(how)-1]),
				line,
			)
		}
	}
	fmt.Fprintln(t)
}

// mark is a place to be underlined.
type mark struct {
	at      source.Range
	text    string
	primary bool
}

// isArchive reports whether a file holds no lines of text, as far as its beginning shows.
func isArchive(data []byte) bool {
	head := data[:min(len(data), 512)]
	return bytes.IndexByte(head, 0) >= 0 && !utf8.Valid(head)
}

// snippet writes the lines of the marks with the places underlined.
func (t *textWriter) snippet(marks []mark, gutter int, severity diag.Severity) {
	f := t.source(marks[0].at.File)
	if f == nil || isArchive(f.Data) {
		return
	}
	slices.SortStableFunc(marks, func(a, b mark) int { return a.at.Start.Line - b.at.Start.Line })
	bar := func(label string) string { return t.dim.Sprintf("%*s |", gutter, label) }
	fmt.Fprintln(t, bar(""))
	last := 0
	for _, m := range marks {
		line := m.at.Start.Line
		if line < 1 || line > f.Lines() {
			continue
		}
		if last > 0 && line > last+1 {
			fmt.Fprintln(t, t.dim.Sprint(strings.Repeat(" ", gutter)+"..."))
		}
		text, from, to := t.window(f.Line(line), m.at, t.width-gutter-4)
		if line != last {
			fmt.Fprintf(t, "%s %s\n", bar(strconv.Itoa(line)), text)
		}
		last = line
		sign, paint := "-", t.dim
		if m.primary {
			sign, paint = "^", t.severity[severity]
		}
		under := paint.Sprint(strings.Repeat(sign, max(1, to-from)))
		if m.text != "" {
			under += " " + paint.Sprint(printable(m.text))
		}
		fmt.Fprintf(t, "%s %s%s\n", bar(""), strings.Repeat(" ", from), under)
	}
}

// window returns the part of a line that holds a range and fits a width, and the columns of the
// range in it. Tabs become spaces, wide characters count double.
func (t *textWriter) window(line string, at source.Range, width int) (text string, from, to int) {
	endColumn := at.End.Column
	if at.End.Line != at.Start.Line {
		endColumn = len([]rune(line)) + 1
	}
	var cells []string
	start, end := -1, -1
	for i, r := range []rune(line) {
		if i+1 == at.Start.Column {
			start = len(cells)
		}
		if i+1 == endColumn {
			end = len(cells)
		}
		cell := printable(string(r))
		if r == '\t' {
			cells = append(cells, " ", " ", " ", " ")
			continue
		}
		cells = append(cells, cell)
		if runewidth.RuneWidth(r) == 2 {
			cells = append(cells, "")
		}
	}
	if start < 0 {
		start = len(cells)
	}
	if end < 0 {
		end = len(cells)
	}
	end = max(end, start)
	if width < 40 {
		width = 40
	}
	left := 0
	if len(cells) > width && end > width*3/4 {
		left = max(0, min(start-width/4, len(cells)-width))
	}
	right := min(len(cells), left+width)
	text = strings.Join(cells[left:right], "")
	shift := 0
	if left > 0 {
		text, shift = "…"+text, 1
	}
	if right < len(cells) {
		text += "…"
	}
	return strings.TrimRight(text, " "), start - left + shift, max(min(end, right), start) - left + shift
}

// fixed returns the line that a fix makes, when it makes just one.
func (t *textWriter) fixed(fix diag.Fix) (string, bool) {
	if len(fix.Edits) == 0 { // what it writes is not shown
		return printable(fix.Message), fix.Message != ""
	}
	line := fix.Edits[0].Range.Start.Line
	f := t.source(fix.Edits[0].Range.File)
	if f == nil {
		return "", false
	}
	for _, e := range fix.Edits {
		if e.Range.Start.Line != line || e.Range.End.Line != line || strings.Contains(e.NewText, "\n") {
			return printable(fix.Message), true
		}
	}
	start := f.LineStart(line)
	text := []byte(f.Line(line))
	var edits []source.Edit
	for _, e := range fix.Edits {
		e.Range.Start.Offset -= start
		e.Range.End.Offset -= start
		edits = append(edits, e)
	}
	fixed, err := source.Apply(text, edits)
	if err != nil || len(fixed) > t.width {
		return printable(fix.Message), true
	}
	return printable(strings.TrimSpace(string(fixed))), true
}

// matrix writes which findings hold for which versions.
func (t *textWriter) matrix() {
	type row struct {
		name string
		in   map[string]bool
	}
	var rows []*row
	for i := range t.report.Diagnostics {
		d := &t.report.Diagnostics[i]
		if d.Severity != diag.Error || len(d.Versions) == 0 {
			continue
		}
		name := fmt.Sprintf("%s:%d %s", display(d.Range.File), d.Range.Start.Line, d.Rule)
		at := slices.IndexFunc(rows, func(r *row) bool { return r.name == name })
		if at < 0 {
			at = len(rows)
			rows = append(rows, &row{name, map[string]bool{}})
		}
		for _, v := range d.Versions {
			rows[at].in[v] = true
		}
	}
	if len(rows) == 0 {
		return
	}
	width := 0
	for _, r := range rows {
		width = max(width, runewidth.StringWidth(r.name))
	}
	fmt.Fprintf(t, "%s  %s\n", strings.Repeat(" ", width), t.dim.Sprint(strings.Join(t.report.Versions, "  ")))
	for _, r := range rows {
		fmt.Fprint(t, runewidth.FillRight(r.name, width))
		for _, v := range t.report.Versions {
			cell := t.good.Sprint("ok")
			if r.in[v] {
				cell = t.severity[diag.Error].Sprint("no")
			}
			fmt.Fprintf(t, "  %s%s", cell, strings.Repeat(" ", max(0, len(v)-2)))
		}
		fmt.Fprintln(t)
	}
	fmt.Fprintln(t)
}

func (t *textWriter) summary() {
	s := t.report.Summary
	where := fmt.Sprintf(
		"in %s of %s (Kubernetes %s)", Plural(s.Documents, "document"), Plural(s.Files, "file"),
		t.report.versions(),
	)
	var found []string
	for _, c := range []struct {
		n    int
		word string
		s    diag.Severity
	}{{s.Errors, "error", diag.Error}, {s.Warnings, "warning", diag.Warning}, {s.Infos, "info", diag.Info}} {
		if c.n > 0 {
			found = append(found, t.severity[c.s].Sprint(Plural(c.n, c.word)))
		}
	}
	line := strings.Join(found, ", ")
	if len(found) == 0 {
		line = t.good.Sprint("no findings")
	}
	line += " " + where
	if s.Suppressed > 0 {
		line += fmt.Sprintf(", %d suppressed", s.Suppressed)
	}
	if s.Skipped > 0 {
		line += fmt.Sprintf(", %s without a schema not judged", Plural(s.Skipped, "object"))
	}
	fmt.Fprintln(t, line)
	if len(s.SkippedKinds) > 0 {
		fmt.Fprintln(t, t.dim.Sprint("not judged: "+kindList(s.SkippedKinds)))
		fmt.Fprintln(t, t.dim.Sprint("  --crds names their definitions; --strict-kinds makes them errors"))
	}
}

// kindList names kinds with their numbers, most first: 3 ServiceMonitor.monitoring.coreos.com.
func kindList(counts map[string]int) string {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%d %s", counts[name], name)
	}
	return strings.Join(names, ", ")
}

// from returns the template that the document of a finding was rendered from, as the end of its description.
func from(d *diag.Diagnostic) string {
	if d.RenderedFrom == "" {
		return ""
	}
	return ", from " + printable(d.RenderedFrom)
}
