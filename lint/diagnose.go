package lint

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation/verdict"
)

// diagnose returns a cause of the server its place in the document.
func diagnose(d *manifest.Document, c verdict.Cause) diag.Diagnostic {
	out := newDiagnostic(classRules[c.Class], d)
	out.Reason, out.Path, out.Message = c.Reason, c.Path, c.Message
	if short, ok := withoutDump(c.Message); ok {
		out.Message, out.Server = short, c.Message
	}
	if strings.Contains(c.Message, "{{") {
		out.Help = "the value contains template markers; render the file first"
	}
	place := d.Find(sourcePath(d, cmp.Or(c.Path, pathInMessage(c.Message))))
	switch c.Class {
	case verdict.UnknownField, verdict.Duplicate:
		out.Range = keyRange(place)
	default:
		out.Range = valueRange(place)
		if entry, ok := entryOf(place, c); ok {
			out.Range = entry
		}
	}
	if place.Exact && strings.Contains(c.Message, "`selector` does not match template `labels`") {
		relateSelector(d, &out)
	}
	if c.Class == verdict.WrongType {
		if fix, ok := quoteFix(d, place, c.Message); ok {
			out.Fixes = append(out.Fixes, fix)
		}
	}
	return out
}

// maxDump is how long the value may be, at most, that a message repeats of a mapping or list.
const maxDump = 80

// withoutDump returns a message without the mapping or list that it repeats, if that is long: it stands at the place of
// the finding.
func withoutDump(message string) (string, bool) {
	value, said := dumpIn(message)
	if len(value) <= maxDump {
		return message, false
	}
	return invalidPrefix + said, said != ""
}

const invalidPrefix = "Invalid value: "

// dumpIn returns the mapping or list that a message repeats, and what it says of it; empty if it repeats none.
func dumpIn(message string) (value, said string) {
	rest, found := strings.CutPrefix(message, invalidPrefix)
	if !found || rest == "" || rest[0] != '[' && rest[0] != '{' {
		return "", ""
	}
	var raw json.RawMessage
	if json.NewDecoder(strings.NewReader(rest)).Decode(&raw) != nil {
		return "", ""
	}
	said, _ = strings.CutPrefix(rest[len(raw):], ": ")
	return string(raw), said
}

// sourcePath returns the path at which a user wrote what the server names by the path of its internal form: the schema
// that all versions of a definition share, which has to stand in each of them; the name that the server has drawn; a
// place that it names for another.
func sourcePath(d *manifest.Document, path string) string {
	switch {
	case path == "metadata.name" && d.Object.Name == "" && d.GenerateName != "":
		return "metadata.generateName"
	case path == "[]": // a ConfigMap or Secret as a whole
		return "data"
	case d.Object.Kind == "Secret" && strings.HasPrefix(path, "data["):
		if asText := "stringData" + strings.TrimPrefix(path, "data"); !d.Find(path).Exact && d.Find(asText).Exact {
			return asText
		}
	case strings.HasPrefix(path, "spec.LoadBalancerSourceRanges"):
		return strings.Replace(path, "LoadB", "loadB", 1)
	case strings.HasPrefix(path, "spec.clusterIPs[") && !d.Find("spec.clusterIPs").Exact:
		return "spec.clusterIP"
	case d.Object.Kind == "PersistentVolumeClaim" && strings.HasPrefix(path, "spec.resources["):
		return "spec.resources.requests" + strings.TrimPrefix(path, "spec.resources")
	case d.Object.Kind == "Node" && strings.HasPrefix(path, "metadata.taints"):
		return "spec" + strings.TrimPrefix(path, "metadata")
	}
	if m := templateMeta.FindStringSubmatchIndex(path); m != nil && !d.Find(path).Exact {
		return path[:m[2]] + ".metadata" + path[m[2]:]
	}
	if rest, ok := strings.CutPrefix(path, "spec.validation"); ok && isDefinition(d) &&
		!d.Find("spec.validation").Exact {
		return "spec.versions[0].schema" + rest
	}
	return path
}

// templateMeta matches the path at which the server reports labels and annotations of a template's metadata.
var templateMeta = regexp.MustCompile(`emplate(\.)(?:labels|annotations)(?:$|[.\[])`)

var inSchema = regexp.MustCompile(`^Invalid value: "": "([^" ]+)" must validate `)

// pathInMessage returns the path that a schema's message names in its text alone.
func pathInMessage(message string) string {
	if m := inSchema.FindStringSubmatch(message); m != nil {
		return m[1]
	}
	return ""
}

var invalidText = regexp.MustCompile(`^Invalid value: ("(?:[^"\\]|\\.)*"): `)

// entryOf points at the key that the server refuses of an entry, or at the key or value that it names
// when it refuses the mapping: a label's. It returns false if the server names none.
func entryOf(place manifest.Place, c verdict.Cause) (source.Range, bool) {
	m := invalidText.FindStringSubmatch(c.Message)
	if !place.Exact || place.Node == nil || m == nil {
		return source.Range{}, false
	}
	text, err := strconv.Unquote(m[1])
	if err != nil {
		return source.Range{}, false
	}
	if strings.HasSuffix(c.Path, "["+text+"]") {
		return place.Key, true
	}
	if place.Node.Kind != manifest.Map {
		return source.Range{}, false
	}
	if f := place.Node.Get(text); f != nil {
		return f.Key(), true
	}
	for _, f := range place.Node.Fields {
		if v := f.Value.Target(); v.Kind == manifest.Scalar && v.Text == text {
			return firstLine(f.Value.Range()), true
		}
	}
	return source.Range{}, false
}

// keyRange points at the key of a place, or at the value where it has none.
func keyRange(p manifest.Place) source.Range {
	if p.Key.IsValid() {
		return p.Key
	}
	return firstLine(p.Value)
}

// valueRange points at the value of a place when it exists on one line, else at the key.
func valueRange(p manifest.Place) source.Range {
	if p.Exact && p.Value.IsValid() && p.Value.Start.Line == p.Value.End.Line && p.Value.Start != p.Value.End {
		return p.Value
	}
	return keyRange(p)
}

// firstLine keeps of a range that spans lines only its start.
func firstLine(r source.Range) source.Range {
	if r.End.Line > r.Start.Line {
		r.End = r.Start
	}
	return r
}

// relateSelector points a label mismatch at the label that differs, and shows the selector.
func relateSelector(d *manifest.Document, out *diag.Diagnostic) {
	spec, _ := d.Value()["spec"].(map[string]any)
	selector, _ := spec["selector"].(map[string]any)
	path := "spec.selector"
	if labels, ok := selector["matchLabels"].(map[string]any); ok {
		selector, path = labels, "spec.selector.matchLabels"
	}
	out.Related = append(out.Related, diag.Related{Range: keyRange(d.Find("spec.selector")), Message: "the selector"})
	template, _ := spec["template"].(map[string]any)
	metadata, _ := template["metadata"].(map[string]any)
	labels, _ := metadata["labels"].(map[string]any)
	for _, key := range sortedKeys(selector) {
		want, _ := selector[key].(string)
		have, present := labels[key].(string)
		if !present || have == want {
			continue
		}
		label := d.Find("spec.template.metadata.labels[" + key + "]")
		chosen := d.Find(path + "[" + key + "]")
		if !label.Exact || !chosen.Exact {
			continue
		}
		out.Range = valueRange(label)
		out.Related[0] = diag.Related{
			Range:   source.Range{File: chosen.Key.File, Start: chosen.Key.Start, End: chosen.Value.End},
			Message: fmt.Sprintf("the selector wants %s=%s", key, want),
		}
		out.Fixes = append(out.Fixes, diag.Fix{Message: fmt.Sprintf("label the pods %s: %s", key, want),
			Edits: []source.Edit{{Range: out.Range, NewText: scalarText(want)}}})
		return
	}
}

var typeMismatch = regexp.MustCompile(
	`cannot unmarshal (\w+)(?: \S+)? into Go (?:struct field \S+|value) of type (\S+)`,
)

// quoteFix fixes a scalar that is a string where a number is wanted, or the other way round.
func quoteFix(d *manifest.Document, place manifest.Place, message string) (diag.Fix, bool) {
	m := typeMismatch.FindStringSubmatch(message)
	if m == nil || !place.Exact || place.Node.Tagged || !place.Value.IsValid() ||
		place.Value.Start.Line != place.Value.End.Line {
		return diag.Fix{}, false
	}
	text := string(d.File.Data[place.Value.Start.Offset:place.Value.End.Offset])
	got, want := m[1], strings.TrimPrefix(m[2], "*")
	fix := func(newText, message string) (diag.Fix, bool) {
		return diag.Fix{
			Message: message,
			Safe:    !place.Node.Shared,
			Edits:   []source.Edit{{Range: place.Value, NewText: newText}},
		}, true
	}
	switch {
	case want == "string" && (got == "number" || got == "bool"):
		return fix(strconv.Quote(text), "quote the value: the field is a string")
	case got == "string" && (strings.HasPrefix(want, "int") || strings.HasPrefix(want, "float")):
		if bare := strings.Trim(text, `"'`); bare != text && isNumber(bare) && decimal.MatchString(bare) &&
			!isMode(d, place) {
			return fix(bare, "remove the quotes: the field is a number")
		}
	case got == "string" && want == "bool":
		if bare := strings.Trim(text, `"'`); bare == "true" || bare == "false" {
			return fix(bare, "remove the quotes: the field is a boolean")
		}
	}
	return diag.Fix{}, false
}

// decimal matches whole numbers that YAML reads as they look: a leading 0 makes one octal.
var decimal = regexp.MustCompile(`^[-+]?(?:0|[1-9]\d*)$`)

// isMode reports whether a place has the mode of a file, which is octal.
func isMode(d *manifest.Document, p manifest.Place) bool {
	if !p.Key.IsValid() {
		return false
	}
	name := string(textOf(d, p.Key))
	return strings.HasSuffix(strings.ToLower(strings.Trim(name, `"'`)), "mode")
}

func isNumber(s string) bool {
	_, err := strconv.ParseInt(s, 10, 64)
	return err == nil
}

// plain matches scalars that mean themselves without quotes in YAML 1.1.
var plain = regexp.MustCompile(`^(?:[A-Za-z][A-Za-z0-9._/-]*|[1-9][0-9]*(?:m|k|[KMGTP]i?|Ei))$`)

var yamlWords = map[string]bool{
	"y":     true,
	"n":     true,
	"yes":   true,
	"no":    true,
	"on":    true,
	"off":   true,
	"true":  true,
	"false": true,
	"null":  true,
}

// scalarText writes a string as YAML, quoted where it must be.
func scalarText(s string) string {
	if plain.MatchString(s) && !yamlWords[strings.ToLower(s)] {
		return s
	}
	return strconv.Quote(s)
}
