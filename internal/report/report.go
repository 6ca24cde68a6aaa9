// Package report writes what lint found in the formats that people and programs read.
//
// The central type is [Format], of which [Formats] is the table: flag help, completion and
// documentation derive from it. All formats write the same [Lint].
package report

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/sanitize"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
)

// Lint is what a report tells.
type Lint struct {
	*lint.Result
	Rules   []*lint.Rule                            // all rules, for formats that describe them
	Source  func(name string) (*source.File, error) // text of a file, for formats that show it
	Program string                                  // version of the program
}

// Options say how a report looks.
type Options struct {
	Color   bool
	Width   int  // columns of the terminal; 0: unknown
	All     bool // show the consequences of findings as well
	Verbose bool // show the API server's own words as well
}

// Format is one way to write a report.
type Format struct {
	Name  string
	Doc   string // one line
	Write func(w io.Writer, r *Lint, o Options) error
}

// Formats lists the formats; the first is the default.
var Formats = []Format{
	{"text", "for people: the lines of the manifest with the places marked", writeText},
	{"compact", "one line a finding: file:line:column: severity: message (help) [rule]", writeCompact},
	{"json", "for programs and editors; docs/lint-report.schema.json describes it", writeJSON},
	{"sarif", "SARIF 2.1.0, for code scanning", writeSARIF},
	{"junit", "JUnit XML: one test case a document", writeJUnit},
	{"github", "workflow commands that annotate a pull request on GitHub", writeGitHub},
	{"gitlab", "GitLab Code Quality JSON", writeGitLab},
	{"checkstyle", "Checkstyle XML", writeCheckstyle},
}

// Names lists the names of the formats.
func Names() []string { return namesOf(Formats, func(f Format) string { return f.Name }) }

// Lookup finds a format by its name.
func Lookup(name string) (Format, error) {
	return lookup(name, Formats, func(f Format) string { return f.Name })
}

func namesOf[F any](formats []F, nameOf func(F) string) []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = nameOf(f)
	}
	return names
}

func lookup[F any](name string, formats []F, nameOf func(F) string) (none F, err error) {
	for _, f := range formats {
		if nameOf(f) == name {
			return f, nil
		}
	}
	names := namesOf(formats, nameOf)
	if best := schema.DidYouMean(name, names); best != "" {
		return none, fmt.Errorf("unknown output format %q: did you mean %s?", name, best)
	}
	return none, fmt.Errorf("unknown output format %q: want one of %s", name, strings.Join(names, ", "))
}

// versions names the targets: 1.37, or 1.25, 1.30.
func (r *Lint) versions() string { return strings.Join(r.Versions, ", ") }

// byFile groups findings by file, in order.
func (r *Lint) byFile() (files []string, of map[string][]diag.Diagnostic) {
	of = map[string][]diag.Diagnostic{}
	for _, d := range r.Diagnostics {
		name := d.Range.File
		if of[name] == nil {
			files = append(files, name)
		}
		of[name] = append(of[name], d)
	}
	return files, of
}

// display names a file to people.
func display(name string) string {
	return printable(source.Display(name))
}

// message is a finding in one line.
func message(d *diag.Diagnostic) string { return printable(d.Text()) }

// printable returns s as one line for a terminal.
func printable(s string) string { return sanitize.Line(s) }

// Plural returns a number with what is counted: 1 finding, 2 findings.
func Plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

func writeCompact(w io.Writer, r *Lint, _ Options) error {
	out := bufio.NewWriterSize(w, 1<<16)
	for i := range r.Diagnostics {
		d := &r.Diagnostics[i]
		line := append(out.AvailableBuffer(), display(d.Range.File)...)
		line = strconv.AppendInt(append(line, ':'), int64(d.Range.Start.Line), 10)
		line = strconv.AppendInt(append(line, ':'), int64(d.Range.Start.Column), 10)
		line = append(append(append(line, ": "...), d.Severity.String()...), ": "...)
		line = append(line, message(d)...)
		if d.Help != "" {
			line = append(append(append(line, " ("...), printable(d.Help)...), ')')
		}
		line = append(append(append(line, " ["...), d.Rule...), ']')
		line = append(append(line, only(d)...), '\n')
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return out.Flush()
}

// only names the versions for which a finding holds, when not for all.
func only(d *diag.Diagnostic) string {
	var where []string
	if len(d.Versions) > 0 {
		where = append(where, "Kubernetes "+strings.Join(d.Versions, ", "))
	}
	if len(d.Variants) > 0 {
		where = append(where, "in "+strings.Join(d.Variants, ", "))
	}
	if len(where) == 0 {
		return ""
	}
	return " (" + strings.Join(where, "; ") + ")"
}
