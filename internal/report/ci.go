package report

import (
	"encoding/xml"
	"fmt"
	"io"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/sanitize"
	"github.com/seatrial/seatrial/source"
)

var githubCommand = map[diag.Severity]string{diag.Error: "error", diag.Warning: "warning", diag.Info: "notice"}

// writeGitHub writes workflow commands.
func writeGitHub(w io.Writer, r *Lint, _ Options) error {
	for i := range r.Diagnostics {
		d := &r.Diagnostics[i]
		text := message(d) + only(d)
		if d.Help != "" {
			text += "\n" + d.Help
		}
		// the repository has the template, at a line that is not known
		if d.RenderedFrom != "" && d.Range.File == source.Stdin {
			if _, err := fmt.Fprintf(
				w, "::%s file=%s,title=%s::%s\n", githubCommand[d.Severity], sanitize.GitHubProperty(d.RenderedFrom),
				sanitize.GitHubProperty(d.Rule), sanitize.GitHubData(d.Object.String()+": "+text),
			); err != nil {
				return err
			}
			continue
		}
		place := fmt.Sprintf(
			"file=%s,line=%d,col=%d", sanitize.GitHubProperty(slashed(d.Range.File)), d.Range.Start.Line,
			d.Range.Start.Column,
		)
		if d.Range.End.Line == d.Range.Start.Line { // columns count only within a line
			place += fmt.Sprintf(",endLine=%d,endColumn=%d", d.Range.End.Line, d.Range.End.Column)
		}
		if _, err := fmt.Fprintf(
			w, "::%s %s,title=%s::%s\n", githubCommand[d.Severity], place, sanitize.GitHubProperty(d.Rule),
			sanitize.GitHubData(text),
		); err != nil {
			return err
		}
	}
	return nil
}

type (
	checkstyle struct {
		XMLName xml.Name         `xml:"checkstyle"`
		Version string           `xml:"version,attr"`
		Files   []checkstyleFile `xml:"file"`
	}
	checkstyleFile struct {
		Name   string            `xml:"name,attr"`
		Errors []checkstyleError `xml:"error"`
	}
	checkstyleError struct {
		Line     int    `xml:"line,attr"`
		Column   int    `xml:"column,attr"`
		Severity string `xml:"severity,attr"`
		Message  string `xml:"message,attr"`
		Source   string `xml:"source,attr"`
	}
)

func writeCheckstyle(w io.Writer, r *Lint, _ Options) error {
	out := checkstyle{Version: "4.3"}
	files, of := r.byFile()
	for _, name := range files {
		f := checkstyleFile{Name: display(name)}
		for i := range of[name] {
			d := &of[name][i]
			f.Errors = append(
				f.Errors,
				checkstyleError{
					d.Range.Start.Line, d.Range.Start.Column, d.Severity.String(), message(d) + only(d),
					"seatrial." + d.Rule,
				},
			)
		}
		out.Files = append(out.Files, f)
	}
	return encodeXML(w, out)
}

func encodeXML(w io.Writer, v any) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

type (
	junit struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name      string         `xml:"name,attr"`
		ClassName string         `xml:"classname,attr"`
		Failures  []junitFailure `xml:"failure"`
		Out       string         `xml:"system-out,omitempty"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// writeJUnit writes a suite a file and a case a document with findings; errors are failures, the
// rest is output. Files without findings are counted in one case of their own.
func writeJUnit(w io.Writer, r *Lint, _ Options) error {
	out := junit{Name: "seatrial lint"}
	files, of := r.byFile()
	clean := r.Summary.Documents
	for _, name := range files {
		suite := junitSuite{Name: display(name)}
		cases := map[int]int{} // by document
		for i := range of[name] {
			d := &of[name][i]
			at, ok := cases[d.Document]
			if !ok {
				at = len(suite.Cases)
				cases[d.Document] = at
				suite.Cases = append(suite.Cases, junitCase{Name: caseName(d), ClassName: display(name)})
				clean--
			}
			line := fmt.Sprintf(
				"%s:%d:%d: %s: %s [%s]", display(name), d.Range.Start.Line, d.Range.Start.Column, d.Severity,
				message(d)+only(d), d.Rule,
			)
			if d.Severity == diag.Error {
				suite.Cases[at].Failures = append(
					suite.Cases[at].Failures, junitFailure{Message: message(d), Type: d.Rule, Text: line},
				)
			} else {
				suite.Cases[at].Out += line + "\n"
			}
		}
		for _, c := range suite.Cases {
			suite.Tests++
			if len(c.Failures) > 0 {
				suite.Failures++
			}
		}
		out.Tests += suite.Tests
		out.Failures += suite.Failures
		out.Suites = append(out.Suites, suite)
	}
	if clean > 0 {
		suite := junitSuite{
			Name: "documents without findings", Tests: 1,
			Cases: []junitCase{{Name: Plural(clean, "document"), ClassName: "seatrial"}},
		}
		out.Tests++
		out.Suites = append(out.Suites, suite)
	}
	return encodeXML(w, out)
}

func caseName(d *diag.Diagnostic) string {
	name := fmt.Sprintf("document %d", d.Document)
	if d.Object.Kind != "" {
		name += ": " + d.Object.String()
	}
	return printable(name)
}
