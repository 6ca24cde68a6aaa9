package report

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/seatrial/seatrial/internal/review"
	"github.com/seatrial/seatrial/internal/sanitize"
)

// The page of a review is made as that of a plan is, and looks like it.
var (
	//go:embed web/review.html
	reviewPage string
	//go:embed web/review.css
	reviewStyle string
	//go:embed web/review.js
	reviewScript string
)

func writeReviewHTML(w io.Writer, r *review.Report, _ ReviewOptions) error {
	var data bytes.Buffer
	enc := json.NewEncoder(&data)
	enc.SetEscapeHTML(true) // nothing in it ends the element that it is in
	if err := enc.Encode(sanitize.Copy(jsonReviewOf(r, true), sanitize.Page)); err != nil {
		return err
	}
	style := planStyle + reviewStyle
	policy := fmt.Sprintf(
		"default-src 'none'; script-src '%s'; style-src '%s'; img-src data:; base-uri 'none'; form-action 'none'",
		hashOf(reviewScript), hashOf(style),
	)
	title := html.EscapeString(sanitize.Line(reviewTitle(r)))
	_, err := strings.NewReplacer(
		"{{policy}}", policy, "{{title}}", title, "{{style}}", style, "{{script}}", reviewScript, "{{data}}", data.String(),
	).WriteString(w, reviewPage)
	return err
}
