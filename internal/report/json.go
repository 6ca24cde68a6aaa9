package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/sanitize"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/source"
)

// The JSON report, as docs/lint-report.schema.json describes it.
type (
	jsonReport struct {
		APIVersion         string           `json:"apiVersion"`
		Kind               string           `json:"kind"`
		KubernetesVersion  string           `json:"kubernetesVersion"`
		KubernetesVersions []string         `json:"kubernetesVersions,omitempty"`
		Summary            jsonSummary      `json:"summary"`
		Diagnostics        []jsonDiagnostic `json:"diagnostics"`
	}
	jsonSummary struct {
		Files      int `json:"files"`
		Documents  int `json:"documents"`
		Errors     int `json:"errors"`
		Warnings   int `json:"warnings"`
		Infos      int `json:"infos"`
		Suppressed int `json:"suppressed"`
		Skipped    int `json:"skipped"`

		WithoutObjects int      `json:"withoutObjects,omitempty"`
		Hidden         []string `json:"hidden,omitempty"`

		SkippedKinds map[string]int `json:"skippedKinds,omitempty"`
	}
	jsonPlace struct {
		File      string `json:"file"`
		Line      int    `json:"line"`
		Column    int    `json:"column"`
		EndLine   int    `json:"endLine"`
		EndColumn int    `json:"endColumn"`
	}
	jsonDiagnostic struct {
		jsonPlace
		Document     int           `json:"document"`
		Object       diag.Object   `json:"object"`
		Path         string        `json:"path"`
		Rule         string        `json:"rule"`
		Reason       string        `json:"reason"`
		Severity     diag.Severity `json:"severity"`
		Message      string        `json:"message"`
		Detail       string        `json:"detail"`
		Related      []jsonRelated `json:"related"`
		Fixes        []jsonFix     `json:"fixes"`
		URL          string        `json:"url"`
		Versions     []string      `json:"versions,omitempty"`
		Variants     []string      `json:"variants,omitempty"`
		RenderedFrom string        `json:"renderedFrom,omitempty"`
		Fingerprint  string        `json:"fingerprint"`      // as in a baseline
		Server       string        `json:"server,omitempty"` // the server's own words, where the message is another

		Consequences []jsonDiagnostic `json:"consequences,omitempty"`
	}
	jsonRelated struct {
		jsonPlace
		Message string `json:"message"`
	}
	jsonFix struct {
		Message string     `json:"message"`
		Safe    bool       `json:"safe"`
		Edits   []jsonEdit `json:"edits"`
	}
	jsonEdit struct {
		jsonPlace
		NewText string `json:"newText"`
	}
)

func placeOf(r source.Range) jsonPlace {
	return jsonPlace{r.File, r.Start.Line, r.Start.Column, r.End.Line, r.End.Column}
}

func writeJSON(w io.Writer, r *Lint, _ Options) error {
	out := jsonReport{
		APIVersion: "seatrial/v1", Kind: "LintReport", KubernetesVersion: r.Versions[0],
		Summary: jsonSummary(r.Summary), Diagnostics: []jsonDiagnostic{},
	}
	if len(r.Versions) > 1 {
		out.KubernetesVersions = r.Versions
	}
	for _, d := range r.Diagnostics {
		out.Diagnostics = append(out.Diagnostics, jsonOf(d))
	}
	return encode(w, out)
}

func jsonOf(d diag.Diagnostic) jsonDiagnostic {
	j := jsonDiagnostic{jsonPlace: placeOf(d.Range), Document: d.Document, Object: d.Object, Path: d.Path, Rule: d.Rule,
		Reason: d.Reason, Severity: d.Severity,
		Message: d.Message, Detail: d.Help, Related: []jsonRelated{}, Fixes: []jsonFix{}, URL: d.URL,
		Versions: d.Versions, Variants: d.Variants, RenderedFrom: d.RenderedFrom,
		Fingerprint: lint.Fingerprint(&d)}
	j.Server = d.Server
	for _, c := range d.Consequences {
		j.Consequences = append(j.Consequences, jsonOf(c))
	}
	for _, rel := range d.Related {
		j.Related = append(j.Related, jsonRelated{placeOf(rel.Range), rel.Message})
	}
	for _, fix := range d.Fixes {
		f := jsonFix{Message: fix.Message, Safe: fix.Safe && len(fix.Edits) > 0, Edits: []jsonEdit{}}
		for _, e := range fix.Edits {
			f.Edits = append(f.Edits, jsonEdit{placeOf(e.Range), e.NewText})
		}
		j.Fixes = append(j.Fixes, f)
	}
	return j
}

func encode(w io.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(sanitize.JSON(b.Bytes()))
	return err
}

var gitlabSeverity = map[diag.Severity]string{diag.Error: "major", diag.Warning: "minor", diag.Info: "info"}

// writeGitLab writes the Code Quality report that a merge request shows.
func writeGitLab(w io.Writer, r *Lint, _ Options) error {
	type lines struct {
		Begin int `json:"begin"`
		End   int `json:"end"`
	}
	type location struct {
		Path  string `json:"path"`
		Lines lines  `json:"lines"`
	}
	type issue struct {
		Description string   `json:"description"`
		CheckName   string   `json:"check_name"`
		Fingerprint string   `json:"fingerprint"`
		Severity    string   `json:"severity"`
		Location    location `json:"location"`
	}
	issues := []issue{}
	seen := map[string]int{}
	for i := range r.Diagnostics {
		d := &r.Diagnostics[i]
		issues = append(issues, issue{message(d) + only(d), d.Rule, fingerprint(d, seen), gitlabSeverity[d.Severity],
			location{
				slashed(d.Range.File),
				lines{max(1, d.Range.Start.Line), max(1, cmp.Or(d.Range.End.Line, d.Range.Start.Line))},
			}})
	}
	return encode(w, issues)
}
