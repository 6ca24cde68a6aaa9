package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"unicode/utf16"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/source"
)

// object is a JSON object; SARIF is written by hand since its full model is far larger than what is used of it.
type object = map[string]any

var sarifLevel = map[diag.Severity]string{diag.Error: "error", diag.Warning: "warning", diag.Info: "note"}

func writeSARIF(w io.Writer, r *Lint, _ Options) error {
	s := sarif{report: r, index: map[string]int{}}
	rules := []object{}
	for i, rule := range r.Rules {
		s.index[rule.Name] = i
		o := object{"id": rule.Name, "name": camel(rule.Name), "shortDescription": object{"text": rule.Title},
			"fullDescription": object{"text": rule.Doc},
			"help": object{
				"text": rule.Doc, "markdown": rule.Doc,
			}, "defaultConfiguration": object{"level": sarifLevel[rule.Severity]},
			"properties": object{"tags": []string{"kubernetes", rule.Category}}}
		if rule.URL != "" {
			o["helpUri"] = rule.URL
		}
		rules = append(rules, o)
	}
	results := []object{}
	seen := map[string]int{}
	for i := range r.Diagnostics {
		results = append(results, s.result(&r.Diagnostics[i], seen))
	}
	return encode(w, object{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json",
		"version": "2.1.0",
		"runs": []object{{
			"tool": object{
				"driver": object{
					"name": "seatrial", "semanticVersion": semantic(r.Program), "version": r.Program,
					"informationUri": "https://github.com/seatrial/seatrial", "rules": rules,
				},
			},
			"columnKind": "utf16CodeUnits",
			"originalUriBaseIds": object{
				"SRCROOT": object{"description": object{"text": "the folder in which seatrial ran"}},
			},
			"invocations": []object{{"executionSuccessful": len(r.Problems) == 0}},
			"results":     results,
		}},
	})
}

type sarif struct {
	report *Lint
	index  map[string]int
	files  map[string]*source.File
}

func (s *sarif) result(d *diag.Diagnostic, seen map[string]int) object {
	text := message(d) + only(d)
	if d.Help != "" {
		text += "\n" + d.Help
	}
	o := object{"ruleId": d.Rule, "level": sarifLevel[d.Severity], "message": object{"text": text},
		"locations":           []object{s.location(d.Range, d.Object, "")},
		"partialFingerprints": object{"seatrial/v1": fingerprint(d, seen)}}
	if i, ok := s.index[d.Rule]; ok {
		o["ruleIndex"] = i
	}
	if len(d.Related) > 0 {
		related := []object{}
		for i, r := range d.Related {
			l := s.location(r.Range, diag.Object{}, r.Message)
			l["id"] = i + 1
			related = append(related, l)
		}
		o["relatedLocations"] = related
	}
	fixes := []object{}
	for _, f := range d.Fixes {
		if len(f.Edits) > 0 {
			fixes = append(fixes, s.fix(f))
		}
	}
	if len(fixes) > 0 {
		o["fixes"] = fixes
	}
	return o
}

func (s *sarif) location(r source.Range, about diag.Object, text string) object {
	l := object{"physicalLocation": object{"artifactLocation": artifact(r.File), "region": s.region(r)}}
	if about.Kind != "" {
		l["logicalLocations"] = []object{{"fullyQualifiedName": about.String(), "kind": "resource"}}
	}
	if text != "" {
		l["message"] = object{"text": text}
	}
	return l
}

func (s *sarif) fix(f diag.Fix) object {
	byFile := map[string][]object{}
	var order []string
	for _, e := range f.Edits {
		if byFile[e.Range.File] == nil {
			order = append(order, e.Range.File)
		}
		byFile[e.Range.File] = append(
			byFile[e.Range.File],
			object{"deletedRegion": s.region(e.Range), "insertedContent": object{"text": e.NewText}},
		)
	}
	changes := []object{}
	for _, name := range order {
		changes = append(changes, object{"artifactLocation": artifact(name), "replacements": byFile[name]})
	}
	return object{"description": object{"text": f.Message}, "artifactChanges": changes}
}

func artifact(name string) object {
	name = slashed(name)
	if filepath.IsAbs(name) {
		return object{"uri": (&url.URL{Scheme: "file", Path: name}).String()}
	}
	uri := strings.ReplaceAll((&url.URL{Path: name}).EscapedPath(), ":", "%3A") // before a colon stands a scheme
	return object{"uri": uri, "uriBaseId": "SRCROOT"}
}

func slashed(name string) string { return strings.TrimPrefix(filepath.ToSlash(name), "./") }

// region counts columns in UTF-16 code units, as SARIF readers do by default.
func (s *sarif) region(r source.Range) object {
	return object{
		"startLine": max(1, r.Start.Line), "startColumn": s.column(r.File, r.Start), "endLine": max(1, r.End.Line),
		"endColumn": s.column(r.File, r.End),
	}
}

func (s *sarif) column(name string, p source.Pos) int {
	if s.files == nil {
		s.files = map[string]*source.File{}
	}
	f, ok := s.files[name]
	if !ok {
		f, _ = s.report.Source(name) // without the text, characters are the best guess
		s.files[name] = f
	}
	if f == nil {
		return max(1, p.Column)
	}
	line := []rune(f.Line(p.Line))
	return len(utf16.Encode(line[:min(max(p.Column-1, 0), len(line))])) + 1
}

// fingerprint recognises a finding in a later run, on another line.
func fingerprint(d *diag.Diagnostic, seen map[string]int) string {
	key := strings.Join(
		[]string{
			slashed(d.Range.File), d.Object.APIVersion, d.Object.Kind, d.Object.Namespace, d.Object.Name, d.Path,
			d.Rule, d.Message,
		},
		"\x00",
	)
	seen[key]++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", key, seen[key]))
	return hex.EncodeToString(sum[:16])
}

// camel writes a rule's name as SARIF wants names: image-tag-latest as ImageTagLatest.
func camel(name string) string {
	var b strings.Builder
	for _, part := range strings.Split(name, "-") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return b.String()
}

// semantic returns a semantic version; builds between releases are 0.0.0.
func semantic(version string) string {
	if v := strings.TrimPrefix(version, "v"); v != version {
		return v
	}
	return "0.0.0-" + version
}
