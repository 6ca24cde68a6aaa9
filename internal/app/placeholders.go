package app

import (
	"bytes"
	"context"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/render"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// placeholder is a value that another program fills in before the manifest is applied: ${NAME}, ${NAME:=default},
// <path:secret/data#key>, ENC[...] of an encrypted file.
var placeholder = regexp.MustCompile(variable + `|<path:[^>]+>|ENC\[AES256_GCM,`)

// variable matches ${NAME} and ${NAME:=default}.
const variable = `\$\{[A-Za-z_][A-Za-z0-9_]*(?::?[=+-][^}]*)?\}`

// token is a word that people write where a value is to be put in by hand or by a script.
var token = regexp.MustCompile(
	`(?i:replace[-_]?me|change[-_]?me)|PLACEHOLDER|\b(?:HOST|NODE|USER|CLUSTER)_?NAME\b|\bNAMESPACE\b|\bYOUR[-_][A-Z_-]+|\$\$\w+\$\$|__[A-Z][A-Z0-9_]*__|<[A-Za-z][A-Za-z0-9_. -]*>|\{[A-Z][A-Z0-9_]*\}`,
)

// upperWords matches what else stands for a value in a file that is called a template: ROLLOUT_NAME-web.
var upperWords = regexp.MustCompile(`\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b`)

// commented matches a word for a value that YAML reads as a comment: name: ##NAME##.
var commented = regexp.MustCompile(`##[A-Z][A-Z0-9_]*##`)

// quoted matches the values that messages show.
var quoted = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)

// demoteTokens makes warnings of errors about values that are probably placeholders, in files that were not named. In
// loose manifests the actions of a template are placeholders too; a source has replaced them when it is judged.
func (w *Workspace) demoteTokens(res *lint.Result, loose bool) {
	demote(res, func(d *diag.Diagnostic) (help string) {
		if w.isNamed(d.Range.File) || !w.isToken(d, loose) {
			return ""
		}
		d.Fixes = nil
		return "it looks like a placeholder: put the value in before it is applied"
	})
}

// isToken reports whether an error is about a value that is probably a placeholder.
func (w *Workspace) isToken(d *diag.Diagnostic, loose bool) bool {
	switch {
	case d.Reason == required:
		return loose && commented.MatchString(w.lineOf(d))
	case d.Reason != "FieldValueInvalid" && d.Reason != "FieldValueTypeInvalid" && d.Rule != imageReference:
		return false // not about the format of a text
	}
	value := quoted.FindStringSubmatch(d.Message)
	return value != nil && (token.MatchString(value[1]) || loose && strings.Contains(value[1], "{{") ||
		strings.Contains(filepath.Base(d.Range.File), "template") && upperWords.MatchString(value[1]))
}

// imageReference is the name of the rule about images that are no references.
const imageReference = "image-reference-invalid"

// demoteUnset makes warnings of errors about images whose names the default values of a chart leave empty.
func (w *Workspace) demoteUnset(res *lint.Result, r *render.Rendering) {
	demote(res, func(d *diag.Diagnostic) (help string) {
		image := ""
		if d.Rule == imageReference {
			value := quoted.FindStringSubmatch(d.Message)
			if value == nil {
				return ""
			}
			image = value[1]
		} else if d.Reason != required || !strings.HasSuffix(d.Path, ".image") {
			return ""
		}
		if !r.WithoutName(image, w.Charts) {
			return ""
		}
		d.Fixes = nil
		return "the default values leave the name empty: let the template require it, or set a default"
	})
}

// lineOf returns the line that a finding begins in; empty if it cannot be read.
func (w *Workspace) lineOf(d *diag.Diagnostic) string {
	f, err := w.Source(d.Range.File)
	if err != nil || d.Range.Start.Line < 1 || d.Range.Start.Line > f.Lines() {
		return ""
	}
	return f.Line(d.Range.Start.Line)
}

// encrypted is the block that SOPS adds to a document.
var encrypted = regexp.MustCompile(`(?m)^sops:|"sops"\s*:`)

// runLoose lints manifests that belong to no source.
func (j *LintJob) runLoose(ctx context.Context, o lint.Options) (*lint.Result, error) {
	res, err := j.runSet(ctx, o)
	if err != nil {
		return res, err
	}
	seen := map[string]bool{}
	var files []*source.File
	for i := range res.Diagnostics {
		name := res.Diagnostics[i].Range.File
		if seen[name] {
			continue
		}
		seen[name] = true
		if data, err := o.Read(name); err == nil && hasPlaceholders(data) {
			files = append(files, source.NewFile(name, data))
		}
	}
	dropPlaceholders(res, files...)
	j.workspace.demoteTokens(res, true)
	j.workspace.demoteCompleted(res)
	j.workspace.Templates = j.dropTemplates(res)
	return res, nil
}

// hasPlaceholders reports whether a text has placeholders, or was encrypted by SOPS.
func hasPlaceholders(data []byte) bool {
	may := func(text string) bool { return bytes.Contains(data, []byte(text)) }
	return (may("${") || may("<path:") || may("ENC[")) && placeholder.Match(data) ||
		may("sops") && encrypted.Match(data)
}

// dropPlaceholders takes out findings about values that are not there yet, and about the block of SOPS.
func dropPlaceholders(res *lint.Result, files ...*source.File) {
	unfilled := map[string]unfilledFile{}
	for _, f := range files {
		if !hasPlaceholders(f.Data) {
			continue
		}
		u := unfilledFile{f, map[int][]byte{}}
		for _, c := range manifest.Split(f) {
			if text := f.Data[c.End()-c.Len() : c.End()]; placeholder.Match(text) {
				u.documents[c.Number()] = text
			}
		}
		unfilled[f.Name] = u
	}
	if len(unfilled) == 0 {
		return
	}
	res.Diagnostics = slices.DeleteFunc(res.Diagnostics, func(d diag.Diagnostic) bool {
		u, ok := unfilled[d.Range.File]
		return ok && u.explains(&d)
	})
	res.Count()
}

// unfilledFile is a file with placeholders, and the texts of the documents that have them.
type unfilledFile struct {
	*source.File
	documents map[int][]byte
}

// aloneOnLine matches a placeholder that may stand for whole lines.
var aloneOnLine = regexp.MustCompile(`(?m)^([ \t]*)` + variable + `[ \t]*$`)

// readableFilled reports whether a text is YAML when a word stands for each of its placeholders, or an entry where it
// is alone on its line.
func readableFilled(text []byte) bool {
	for _, alone := range []string{"${1}x: y", "${1}x"} {
		filled := placeholder.ReplaceAll(aloneOnLine.ReplaceAll(text, []byte(alone)), []byte("x"))
		if _, err := yaml.YAMLToJSON(filled); err == nil {
			return true
		}
	}
	return false
}

// explains reports whether a finding is owed to a value that is not there yet, or to the block of SOPS.
func (f unfilledFile) explains(d *diag.Diagnostic) bool {
	text, unfilled := f.documents[d.Document]
	if unfilled && strings.HasPrefix(d.Rule, "yaml-") && !readableFilled(text) {
		return false
	}
	if unfilled && (d.Reason == "FieldValueRequired" || d.Path == "" && d.Reason == "FieldValueInvalid") {
		// a value of another type is judged as if it were missing; what is wrong with the whole has no place
		return true
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
}
