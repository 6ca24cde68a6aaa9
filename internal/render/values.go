package render

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// valueReference is how a template names a value.
var valueReference = regexp.MustCompile(`\.Values((?:\.[A-Za-z_]\w*)+)`)

// value returns where the value stands that a template passes on to a place of the rendering: in the values file, or
// the object of Flux or Argo CD, that won. It is not known where the template's line has the text itself, or names
// several values that it may come from.
func (p *templatePlaces) value(path string, at source.Range) (related diag.Related, ok bool) {
	if at.Start.Line < 1 || at.Start.Line > len(p.lines) {
		return related, false
	}
	from := p.lines[at.Start.Line-1]
	f := p.file(from.file)
	if f == nil || from.number < 1 || from.number > f.Lines() {
		return related, false
	}
	text, shown := f.Line(from.number), p.shown(at)
	if i := strings.Index(text, shown); shown != "" && i >= 0 && !inAction(text, i) {
		return related, false
	}
	found := map[string]source.Range{}
	for _, m := range valueReference.FindAllStringSubmatch(text, -1) {
		if r, is := p.find(from.file, strings.TrimPrefix(m[1], "."), path, shown); is {
			found[m[1]] = r
		}
	}
	if len(found) != 1 {
		return related, false
	}
	for name, r := range found {
		related = diag.Related{Message: "the value is .Values" + name, Range: r}
	}
	return related, true
}

// shown returns the text of a range within a line of the rendering.
func (p *templatePlaces) shown(at source.Range) string {
	data := p.text
	if at.End.Line != at.Start.Line || at.End.Offset > len(data) || at.Start.Offset > at.End.Offset {
		return ""
	}
	return strings.Trim(strings.TrimSpace(string(data[at.Start.Offset:at.End.Offset])), `"'`)
}

// find looks for a value, by its name in a template, in what a chart is rendered with, the winner first. Of a mapping
// that the template passes on as a whole it is the entry that the path names. The value must be a part of what is shown.
func (p *templatePlaces) find(template, name, path, shown string) (source.Range, bool) {
	last := name[strings.LastIndexByte(name, '.')+1:]
	for _, c := range p.candidates(template, name) {
		place := c.document.Find(c.path)
		if !place.Exact {
			continue
		}
		if i := strings.LastIndex(path, "."+last+"."); i >= 0 {
			if deeper := c.document.Find(c.path + path[i+1+len(last):]); deeper.Exact {
				place = deeper
			}
		}
		if place.Node == nil || place.Node.Text == "" || shown != "" && !strings.Contains(shown, place.Node.Text) {
			return source.Range{}, false
		}
		return place.Value, true
	}
	return source.Range{}, false
}

// candidate is a place where a value may be set.
type candidate struct {
	document *manifest.Document
	path     string
}

// candidates lists the places where a value may be set, later ones are overridden by earlier ones.
func (p *templatePlaces) candidates(template, name string) (all []candidate) {
	r := p.rendering
	overridden := func(set string) bool { return strings.Contains(set, name+"=") }
	if slices.ContainsFunc(r.set, overridden) {
		return nil
	}
	below, err := filepath.Rel(r.Source.Path, template)
	if err != nil {
		return nil
	}
	// a/charts/b/templates/c.yaml: the chart b sees as .Values what stands below b in the values of a
	parts := strings.Split(filepath.ToSlash(below), "/")
	chart, full := r.Source.Path, name
	var charts []string
	for len(parts) > 2 && parts[0] == "charts" {
		charts, parts = append(charts, parts[1]), parts[2:]
	}
	if len(charts) > 0 {
		full = strings.Join(charts, ".") + "." + name
	}
	if o := r.Source.object; o != nil && r.Source.valuesPath != "" {
		all = append(all, candidate{o, r.Source.valuesPath + "." + full})
	}
	for _, file := range slices.Backward(r.Variant.Values) {
		all = p.add(all, file, full)
	}
	for i := 0; ; i++ {
		all = p.add(all, filepath.Join(chart, "values.yaml"), strings.Join(append(slices.Clone(charts[i:]), name), "."))
		if i == len(charts) {
			return all
		}
		chart = filepath.Join(chart, "charts", charts[i])
	}
}

// add adds a values file, if it can be read.
func (p *templatePlaces) add(all []candidate, file, path string) []candidate {
	f := p.file(file)
	if f == nil {
		return all
	}
	docs, _ := manifest.Read(f, manifest.DefaultLimits)
	if len(docs) == 0 {
		return all
	}
	return append(all, candidate{docs[0], path})
}
