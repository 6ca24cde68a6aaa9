// Package render turns what a repository holds, charts, kustomizations and plain manifests, into the objects
// that would be applied, and remembers where each line of them comes from.
//
// The central type is [Source]: a chart, or a kustomization that no other one uses. [Discover] finds the
// sources of a tree and the files that belong to none. Each source has variants, such as the values files of a
// chart; [Source.Render] renders one of them, without a network:
//
//	tree := render.Discover([]string{"."}, nil)
//	for _, s := range tree.Sources {
//		for _, v := range s.Variants {
//			r := s.Render(v, render.Options{KubernetesVersion: "1.37"})
//			fmt.Printf("%s\n%s", r.Name, r.Text)
//		}
//	}
package render

import (
	"bytes"
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// Kind says what renders a source.
type Kind string

// The kinds of sources.
const (
	Chart         Kind = "chart"
	Kustomization Kind = "kustomization"

	FluxKustomization Kind = "flux-kustomization"
	HelmRelease       Kind = "helm-release"
	Application       Kind = "application"
)

// Source is a part of a repository that is applied as one.
type Source struct {
	Kind     Kind
	Path     string // of the chart's or kustomization's folder
	File     string // Chart.yaml or kustomization.yaml
	Variants []Variant
	// Inputs are the files that the source is made of. For a chart it is the folder.
	Inputs []string
	Name   string // of the set, where an object of Flux or Argo CD asks for it; empty: Path
	Why    string // it is not rendered

	object     *manifest.Document // of Flux or Argo CD that asks for the source; nil: none
	overlay    *overlay           // the kustomization as that object changes it; nil: as it is
	variables  *variables         // that are substituted in what a kustomization builds; nil: none
	values     map[string]any     // of a chart, over those of the variant
	valuesPath string             // where they stand in the object
	options    Options            // of a chart, in place of those of the run
	files      []string           // plain manifests that are the source

	skipCRDs, skipHooks, skipTests bool // of a chart

	postRenderers []postRenderer // of a HelmRelease, over what the chart renders to
	read          Reader         // nil: from disk
	unrestricted  bool           // a kustomization may use files outside of its folder, as Flux lets it

	generated map[string]bool // files that do not exist, and that git ignores: a program makes them
}

// reader returns what reads the files of the source.
func (s *Source) reader() Reader {
	if s.read == nil {
		return ReadFile
	}
	return s.read
}

// Uses reports whether a file is one of those that the source is rendered from.
func (s *Source) Uses(name string) bool {
	name = filepath.Clean(name)
	isName := func(other string) bool { return filepath.Clean(other) == name }
	if s.object != nil && isName(s.object.File.Name) || slices.ContainsFunc(s.allFiles(), isName) {
		return true
	}
	for _, v := range s.Variants {
		if slices.ContainsFunc(v.Values, isName) {
			return true
		}
	}
	inside, err := filepath.Rel(s.Path, name)
	return s.isChart() && err == nil && filepath.IsLocal(inside)
}

func (s *Source) isChart() bool { return s.Kind == Chart || s.values != nil }

// allFiles returns the files of a source; of a kustomization with those of the kustomizations that it uses, of a chart
// those outside of its folder.
func (s *Source) allFiles() []string {
	files := slices.Concat(s.Inputs, s.files, []string{s.File})
	if s.isChart() {
		return files
	}
	for _, k := range s.kustomizations() {
		files = append(append(files, k.file), k.files...)
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// Variant is one way to render a source.
type Variant struct {
	Name   string   // shown where findings differ; empty for the only one
	Values []string // values files of a chart, later ones win
	Set    []string // values as helm's --set takes them, over those of the files

	ReleaseName, Namespace string // empty: those of the options
}

// Options are what a rendering depends on besides the files.
type Options struct {
	KubernetesVersion string   // target minor version, which charts see: 1.37
	APIVersions       []string // that charts see in addition to the version's own: monitoring.coreos.com/v1
	// Served are the API versions and kinds that charts see: apps/v1, apps/v1/Deployment; nil: those of helm template,
	// which knows all that there ever were, and not which a version serves.
	Served      []string
	ReleaseName string // empty: the name of the chart's folder
	Namespace   string // empty: default
	// Values are values files for charts, in place of their variants; Set are values as helm's --set takes them.
	Values, Set []string
	// Child is the command line of this program that calls [Isolated], for charts whose templates may not end;
	// nil: they are rendered in this process.
	Child []string
}

// Rendering is what a variant of a source renders to.
type Rendering struct {
	Source  *Source
	Variant Variant
	Name    string // of the set: the source's path, with the variant
	Text    []byte // YAML documents, in the order of the renderer
	// Findings are what keeps the source, or a part of it, from being rendered.
	Findings []diag.Diagnostic

	places placer
	set    []string          // values of the options
	local  map[string]string // files of dependencies beside a chart, by their names below it
}

// placer finds where something in a rendering comes from.
type placer interface {
	// place returns the place in a source file of a range of the rendered text, which belongs to a field of a
	// document; ok is false where it is not known.
	place(doc *manifest.Document, path string, at source.Range) (r source.Range, ok bool)
}

// For returns the variants that are rendered: those of the source, or for a chart one with the values of the options.
func (s *Source) For(o Options) []Variant {
	if s.Kind == Chart && len(o.Values)+len(o.Set) > 0 {
		return []Variant{{Values: o.Values}}
	}
	return s.Variants
}

// Render renders a variant. What is wrong with the source is among the findings.
func (s *Source) Render(v Variant, o Options) *Rendering {
	o.Set = slices.Concat(v.Set, o.Set)
	r := &Rendering{Source: s, Variant: v, Name: cmp.Or(s.Name, s.Path), set: o.Set}
	if v.Name != "" {
		r.Name += " (" + v.Name + ")"
	}
	o.ReleaseName = cmp.Or(o.ReleaseName, v.ReleaseName, s.options.ReleaseName)
	o.Namespace = cmp.Or(o.Namespace, v.Namespace, s.options.Namespace)
	switch {
	case s.files != nil:
		r.renderFiles()
	case s.Kind == Chart, s.values != nil:
		r.renderChart(o)
		r.postRender()
	default:
		r.renderKustomization(o)
	}
	return r
}

// failed adds a finding about a place of the source.
func (r *Rendering) failed(rule, message, help string, at source.Range) {
	r.Findings = append(
		r.Findings, diag.Diagnostic{Rule: rule, Severity: diag.Error, Message: message, Help: help, Range: at},
	)
}

// notRendered adds a warning about a part of the source that cannot be rendered here, which is nobody's mistake.
func (r *Rendering) notRendered(rule, message, help string, at source.Range) {
	r.failed(rule, message, help, at)
	r.Findings[len(r.Findings)-1].Severity = diag.Warning
}

// documentsOf returns the documents that findings are about, by their number.
func (r *Rendering) documentsOf(findings []diag.Diagnostic) map[int]*manifest.Document {
	wanted := map[int]bool{}
	for i := range findings {
		wanted[findings[i].Document] = true
	}
	byNumber := map[int]*manifest.Document{}
	if len(wanted) == 0 {
		return byNumber
	}
	for _, chunk := range manifest.Split(source.NewFile(r.Name, r.Text)) {
		if !wanted[chunk.Number()] {
			continue
		}
		docs, _ := chunk.Parse(manifest.DefaultLimits)
		for _, d := range docs {
			byNumber[d.Number] = d
		}
	}
	return byNumber
}

// Locate moves the places of findings in the rendered text to where they come from. A place that is not known
// becomes the source's own file. Fixes are kept if the text that they edit stands in the source as it is rendered.
func (r *Rendering) Locate(findings []diag.Diagnostic) []diag.Diagnostic {
	byNumber := r.documentsOf(findings)
	located := make([]diag.Diagnostic, len(findings))
	for i, d := range findings {
		doc := byNumber[d.Document]
		written := d.Range
		d.Range = r.locate(doc, d.Path, d.Range)
		related := d.Related
		d.Related = nil
		for _, other := range related {
			if other.Range.File == r.Name {
				other.Range = r.locate(doc, "", other.Range)
			}
			if other.Range != d.Range {
				d.Related = append(d.Related, other)
			}
		}
		if templates, ok := r.places.(*templatePlaces); ok {
			if value, passedOn, ok := templates.value(d.Path, written); passedOn {
				d.Related = append(d.Related, diag.Related{Message: "the template passes the value on", Range: d.Range})
				d.Range = value.Range
			} else if ok {
				d.Related = append(d.Related, value)
			}
		}
		d.Fixes = r.sourceFixes(doc, d.Path, d.Fixes)
		d.RenderedFrom = "" // its place says so
		located[i] = d
	}
	return located
}

// Origin returns the place in the source that an object of the rendering comes from.
func (r *Rendering) Origin(d *manifest.Document) source.Range { return r.locate(d, "", d.Find("").Key) }

// WithOrigins returns the text of a rendering, or a redacted one of the same lines, in which a comment before each
// document says where it comes from. It replaces the comment that helm writes; nothing else is changed.
func (r *Rendering) WithOrigins(f *source.File) []byte {
	docs, _ := manifest.Read(f, manifest.DefaultLimits)
	first := map[int]*manifest.Document{} // of a chunk
	for _, d := range docs {
		if first[d.Number] == nil {
			first[d.Number] = d
		}
	}
	var out bytes.Buffer
	at := 0
	for _, c := range manifest.Split(f) {
		span := c.Range()
		between := f.Data[at:span.Start.Offset]
		if out.Write(between); !bytes.Contains(between, []byte("---")) {
			out.WriteString("---\n")
		}
		text := f.Data[span.Start.Offset:c.End()]
		if d := first[c.Number()]; d != nil {
			fmt.Fprintf(&out, "# Source: %s\n", r.Origin(d))
			if line, rest, ok := bytes.Cut(text, []byte("\n")); ok && bytes.HasPrefix(line, []byte("# Source: ")) {
				text = rest
			}
		}
		out.Write(text)
		at = c.End()
	}
	if out.Write(f.Data[at:]); out.Len() > 0 && !bytes.HasSuffix(out.Bytes(), []byte("\n")) {
		out.WriteByte('\n')
	}
	return out.Bytes()
}

func (r *Rendering) locate(doc *manifest.Document, path string, at source.Range) source.Range {
	if r.places != nil {
		if place, ok := r.places.place(doc, path, at); ok {
			return place
		}
	}
	return r.Source.start()
}

// start returns where a source begins: at the name of the object that asks for it, or in the first line of its file.
func (s *Source) start() source.Range {
	if s.object != nil {
		if name := s.object.Find("metadata.name"); name.Exact {
			return name.Value
		}
	}
	return firstLine(s.File)
}

// firstLine returns the beginning of a file.
func firstLine(name string) source.Range {
	start := source.Pos{Line: 1, Column: 1}
	return source.Range{File: name, Start: start, End: start}
}

// lineRange returns the part of a line that shows what a rendered range shows: the same text if it occurs once,
// else the line without its indentation.
func lineRange(f *source.File, line int, shown string) source.Range {
	text := f.Line(line)
	start := f.LineStart(line)
	trimmed := strings.TrimLeft(text, " \t")
	from, to := len(text)-len(trimmed), len(strings.TrimRight(text, " \t\r"))
	if shown = strings.TrimSpace(shown); shown != "" && strings.Count(text, shown) == 1 {
		if i := strings.Index(text, shown); !inAction(text, i) {
			from, to = i, i+len(shown)
		}
	}
	return f.Range(start+from, start+max(from, to))
}

// inAction reports whether a byte of a line lies in a template's action.
func inAction(text string, at int) bool {
	return strings.LastIndex(text[:at], "{{") > strings.LastIndex(text[:at], "}}")
}

// rel returns a path as users name it, with slashes as the system has them.
func rel(dir, name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
