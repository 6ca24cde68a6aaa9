package render

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// onlyAction matches a line of a template that has nothing but an action.
var onlyAction = regexp.MustCompile(`^\s*\{\{[^{}]*\}\}\s*$`)

// value returns where the value stands that a template passes on to a place of the rendering: in the values file, or
// the object of Flux or Argo CD, that won. It is not known where the template's line has the text itself, or names
// several values that it may come from. It is passed on if the line has nothing but an action, such as one with toYaml.
func (p *templatePlaces) value(path string, at source.Range) (related diag.Related, passedOn, ok bool) {
	return p.valueIn(path, at, anyAction)
}

// lineOf returns the line of a template that a range comes from, and its file.
func (p *templatePlaces) lineOf(at source.Range) (from line, f *source.File, ok bool) {
	if at.Start.Line < 1 || at.Start.Line > len(p.lines) {
		return from, nil, false
	}
	from = p.lines[at.Start.Line-1]
	f = p.file(from.file)
	return from, f, f != nil && from.number >= 1 && from.number <= f.Lines()
}

// valueIn returns what value returns. With an action it is known that this one, which begins at that byte of the
// template, renders to the place.
func (p *templatePlaces) valueIn(
	path string, at source.Range, action int,
) (related diag.Related, passedOn, ok bool) {
	from, f, ok := p.lineOf(at)
	if !ok {
		return related, false, false
	}
	text, shown := f.Line(from.number), p.shown(at)
	if i := strings.Index(text, shown); action == anyAction && shown != "" && i >= 0 && !inAction(text, i) {
		return related, false, false
	}
	found, passedOn := map[string]source.Range{}, onlyAction.MatchString(text)
	for _, name := range references(string(f.Data), from.number, action) {
		if r, below, is := p.find(from.of, name, path, shown, strings.Contains(text, "tpl ")); is {
			found[name], passedOn = r, passedOn || below
		}
	}
	if len(found) != 1 {
		return related, false, false
	}
	for name, r := range found {
		related = diag.Related{Message: "the value is .Values." + name, Range: r}
	}
	return related, passedOn, true
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
// or list that the template passes on as a whole it is the entry below it, or its key, that the path ends with. The
// value must be a part of what is shown, unless it is a template itself.
func (p *templatePlaces) find(template, name, path, shown string, tpl bool) (at source.Range, below, ok bool) {
	for _, c := range p.candidates(template, name) {
		paths := expand(c.document, c.path)
		if len(paths) == 0 {
			continue
		}
		found := map[source.Range]bool{}
		for _, base := range paths {
			r, deep, is := findBelow(c.document, base, path, shown)
			if place := c.document.Find(base); !is && place.Node != nil && place.Node.Text != "" {
				if strings.Contains(shown, place.Node.Text) || tpl && strings.Contains(place.Node.Text, "{{") {
					r, is = place.Value, true
				}
			}
			if is {
				found[r], at, below = true, r, deep
			}
		}
		if len(found) > 0 || !isMapping(c.document, paths) {
			return at, below, len(found) == 1
		}
	}
	return at, false, false
}

// isMapping reports whether values are of a mapping, whose other entries may be set elsewhere.
func isMapping(d *manifest.Document, paths []string) bool {
	n := d.Find(paths[0]).Node
	return n != nil && n.Kind == manifest.Map
}

// expand returns the paths that one with items of any number, [*], has in a document; none if there is no such value.
func expand(d *manifest.Document, path string) (paths []string) {
	before, after, many := strings.Cut(path, "[*]")
	place := d.Find(before)
	if !place.Exact || place.Node == nil {
		return nil
	}
	if !many {
		return []string{path}
	}
	for i := range place.Node.Items {
		paths = append(paths, expand(d, fmt.Sprintf("%s[%d]%s", before, i, after))...)
	}
	for _, f := range place.Node.Fields {
		paths = append(paths, expand(d, before+"["+f.Name+"]"+after)...)
	}
	return paths
}

// findBelow looks below a value for the longest end of a path that leads to what is shown.
func findBelow(d *manifest.Document, base, path, shown string) (at source.Range, below, ok bool) {
	for i := range path {
		if path[i] != '.' && path[i] != '[' {
			continue
		}
		place := d.Find(base + path[i:])
		switch name := strings.Trim(path[strings.LastIndexAny(path, ".[")+1:], "]"); {
		case !place.Exact || place.Node == nil:
		case place.Node.Text == shown && shown != "":
			return place.Value, true, true
		case name == shown:
			return place.Key, true, true
		}
	}
	return at, false, false
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
	// a/charts/b/templates/c.yaml: the chart b sees as .Values what stands below b in the values of a
	parts := strings.Split(template, "/")[1:]
	var charts []string
	for len(parts) > 2 && parts[0] == "charts" {
		charts, parts = append(charts, parts[1]), parts[2:]
	}
	global := strings.HasPrefix(name, "global.") // which all charts see as the outermost does
	full := name
	if len(charts) > 0 && !global {
		full = strings.Join(charts, ".") + "." + name
	}
	if o := r.Source.object; o != nil && r.Source.valuesPath != "" {
		all = append(all, candidate{o, r.Source.valuesPath + "." + full})
	}
	for _, file := range slices.Backward(r.Variant.Values) {
		all = p.add(all, file, full)
	}
	chart := r.Source.Path
	for i := 0; ; i++ {
		inChart := name
		if !global {
			inChart = strings.Join(append(slices.Clone(charts[i:]), name), ".")
		}
		all = p.add(all, filepath.Join(chart, "values.yaml"), inChart)
		if i == len(charts) {
			return all
		}
		chart = filepath.Join(chart, "charts", p.dependency(chart, charts[i]))
	}
}

// dependency returns the name of a chart's dependency by its alias.
func (p *templatePlaces) dependency(dir, alias string) string {
	data, err := p.rendering.Source.reader()(filepath.Join(dir, chartFile))
	var m chart.Metadata
	if err == nil && yaml.Unmarshal(data, &m) == nil {
		for _, d := range m.Dependencies {
			if d != nil && d.Alias == alias {
				return d.Name
			}
		}
	}
	return alias
}

// add adds a values file, if it can be read.
func (p *templatePlaces) add(all []candidate, file, path string) []candidate {
	d := p.valuesFile(file)
	if d == nil {
		return all
	}
	return append(all, candidate{d, path})
}
