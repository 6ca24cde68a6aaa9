package app

import (
	"context"
	"regexp"
	"slices"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// placeholder is a value that another program fills in before the manifest is applied: ${NAME}, ${NAME:=default},
// <path:secret/data#key>, ENC[...] of an encrypted file.
var placeholder = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*(?::?[=+-][^}]*)?\}|<path:[^>]+>|ENC\[AES256_GCM,`)

// encrypted is the block that SOPS adds to a document.
var encrypted = regexp.MustCompile(`(?m)^sops:|"sops"\s*:`)

// runLoose lints manifests that belong to no source.
func (j *LintJob) runLoose(ctx context.Context, o lint.Options) (*lint.Result, error) {
	res, err := j.runSet(ctx, o)
	if err != nil {
		return res, err
	}
	files := map[string]*source.File{}
	for _, d := range res.Diagnostics {
		if name := d.Range.File; files[name] == nil {
			if data, err := o.Read(name); err == nil {
				files[name] = source.NewFile(name, data)
			}
		}
	}
	for _, f := range files {
		dropPlaceholders(res, f)
	}
	return res, nil
}

// dropPlaceholders takes out findings about values that are not there yet, and about the block of SOPS.
func dropPlaceholders(res *lint.Result, f *source.File) {
	if !placeholder.Match(f.Data) && !encrypted.Match(f.Data) {
		return
	}
	unfilled := map[int]bool{} // documents with placeholders
	for _, c := range manifest.Split(f) {
		at := c.Range()
		unfilled[c.Number()] = placeholder.Match(f.Data[at.Start.Offset:at.End.Offset])
	}
	res.Diagnostics = slices.DeleteFunc(res.Diagnostics, func(d diag.Diagnostic) bool {
		if d.Range.File != f.Name {
			return false
		}
		if unfilled[d.Document] && d.Reason == "FieldValueRequired" {
			return true // a value of another type is judged as if it were missing
		}
		if d.Rule == "field-unknown" && d.Range.IsValid() && f.Line(d.Range.Start.Line) == "sops:" {
			return true
		}
		if placeholder.MatchString(d.Message) {
			return true
		}
		for line := d.Range.Start.Line; line <= min(d.Range.End.Line, f.Lines()); line++ {
			if placeholder.MatchString(f.Line(line)) {
				return true
			}
		}
		return false
	})
	res.Count()
}
