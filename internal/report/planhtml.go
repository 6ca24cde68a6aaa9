package report

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/sanitize"
)

// The page of a plan is one file: style, script and data are in it, and its policy lets nothing
// else in.
var (
	//go:embed web/plan.html
	planPage string
	//go:embed web/plan.css
	planStyle string
	//go:embed web/plan.js
	planScript string
)

// SourceFile is a manifest that the page of a plan shows, with its risks.
type SourceFile struct {
	Name  string   `json:"name"`
	Lines []string `json:"lines"`
}

// NewSourceFile returns the lines of a manifest. The text must not hold the values of Secrets.
func NewSourceFile(name string, data []byte) SourceFile {
	text := strings.TrimRight(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")
	return SourceFile{Name: name, Lines: strings.Split(text, "\n")}
}

// planData is what the script of the page reads.
type planData struct {
	Report jsonPlan     `json:"report"`
	Files  []SourceFile `json:"files"`
}

func writePlanHTML(w io.Writer, p *plan.Plan, o PlanOptions) error {
	data, err := planJSON(p, o)
	if err != nil {
		return err
	}
	kind := "application/json"
	if len(data) > maxPlain {
		kind = "application/octet-stream"
		if data, err = compressed(data); err != nil {
			return err
		}
	}
	verdict := html.EscapeString(sanitize.Line(planVerdict(p)))
	return writePage(
		w, planPage, planStyle, planScript, "Plan: "+planVerdict(p), data, "{{verdict}}", verdict, "{{type}}", kind,
	)
}

// maxPlain is how many bytes the data of a page has at most that is not compressed, so that it can be read as it is.
const maxPlain = 100 << 10

// compressed returns a text as raw deflate data in base64, which browsers decompress by themselves.
func compressed(text string) (string, error) {
	var b bytes.Buffer
	z, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := io.WriteString(z, text); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

// writePage writes a page in which style, script and data are, and whose policy lets nothing else in. Data must not
// hold what ends an element. Others are further texts of the page and what stands for them.
func writePage(w io.Writer, page, style, script, title, data string, others ...string) error {
	policy := fmt.Sprintf(
		"default-src 'none'; script-src '%s'; style-src '%s'; img-src data:; base-uri 'none'; form-action 'none'",
		hashOf(script), hashOf(style),
	)
	_, err := strings.NewReplacer(append([]string{
		"{{policy}}", policy, "{{title}}", html.EscapeString(sanitize.Line(title)), "{{style}}", style,
		"{{script}}", script, "{{data}}", data,
	}, others...)...).WriteString(w, page)
	return err
}

// planJSON returns the data in a form that cannot end the element that it is in.
func planJSON(p *plan.Plan, o PlanOptions) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(true)
	files := o.Files
	if files == nil {
		files = []SourceFile{}
	}
	err := enc.Encode(sanitize.Copy(planData{Report: jsonPlanOf(p), Files: files}, sanitize.Page))
	return b.String(), err
}

// hashOf is how a policy names a style or a script.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// planVerdict is a plan in one line.
func planVerdict(p *plan.Plan) string {
	switch failed := p.Failed(); {
	case !p.Converged:
		return "does not complete: " + p.Reason
	case len(failed) > 0:
		return "an expectation fails: " + failed[0].Expect
	}
	return "completes after " + p.VirtualSeconds.String() + " s"
}
