package lint

import (
	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
)

// unusedAnchors reports the anchors of the YAML document in which d stands that no alias names.
func (r *run) unusedAnchors(d *manifest.Document) (out []diag.Diagnostic) {
	if !r.judged(ruleAnchorUnused.Name) {
		return nil
	}
	for _, a := range d.UnusedAnchors() {
		f := newDiagnostic(ruleAnchorUnused, d)
		f.Severity = r.Rules.severityOf(ruleAnchorUnused, &Finding{})
		f.Range = a.Range
		f.Message = "no alias names the anchor &" + a.Name
		f.Help = "remove it, or write *" + a.Name + " where its value is meant; anchors end with their document"
		out = append(out, f)
	}
	return out
}
