package report

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"io"

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
	return writePage(w, reviewPage, planStyle+reviewStyle, reviewScript, reviewTitle(r), data.String())
}
