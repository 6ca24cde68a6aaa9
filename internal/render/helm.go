package render

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	"helm.sh/helm/v4/pkg/ignore"
	"helm.sh/helm/v4/pkg/strvals"
	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
)

// Limits of what a chart may hold and render.
const (
	maxChartBytes    = 64 << 20
	maxRenderedBytes = 64 << 20
)

// chartSource returns the source that a chart's folder is: its default values, and each file of the
// chart-testing convention ci/*-values.yaml. A library chart renders nothing by itself, and is none.
func (read Reader) chartSource(dir string) *Source {
	s := &Source{Kind: Chart, Path: dir, File: filepath.Join(dir, "Chart.yaml")}
	data, err := read(s.File)
	if err != nil {
		return nil
	}
	var c struct{ Type string }
	if yaml.Unmarshal(data, &c) == nil && c.Type == "library" {
		return nil
	}
	s.Variants = []Variant{{}}
	files, _ := filepath.Glob(filepath.Join(dir, "ci", "*-values.yaml"))
	for _, f := range files {
		s.Variants = append(s.Variants, Variant{Name: "ci/" + filepath.Base(f), Values: []string{f}})
	}
	return s
}

// quiet keeps helm's packages from logging to the program's streams.
var quiet = sync.OnceFunc(func() {
	log.SetOutput(io.Discard)
	slog.SetDefault(slog.New(slog.DiscardHandler))
})

// renderChart renders a chart as helm template --include-crds does.
func (r *Rendering) renderChart(o Options) {
	quiet()
	files, err := r.chartFiles()
	if err != nil {
		r.failed("chart", oneLine(err.Error()), "", r.Source.start())
		return
	}
	if !r.checkChart(files, o) {
		return
	}
	clean, err := r.template(files, o)
	if err != nil {
		r.chartFailed(err, r.byDefault(o))
		return
	}
	// The verdict comes from the clean rendering; others with marks say where its lines come from, and are used only
	// where they are the same without them. Marks in helpers may decide conditions: a third one has none.
	marked := r.marked(files, o, isTemplate)
	withoutHelpers := sync.OnceValue(func() func(string, string) []line {
		return r.marked(files, o, func(name string) bool { return isTemplate(name) && !isPartial(name) })
	})
	r.compose(clean, func(name string) []line {
		if lines := marked(name, clean.Templates[name]); lines != nil {
			return lines
		}
		return withoutHelpers()(name, clean.Templates[name])
	})
}

// chartFiles reads the files of the chart, and those of dependencies that lie beside it.
func (r *Rendering) chartFiles() ([]*archive.BufferedFile, error) {
	read := r.Source.reader()
	files, err := read.chartFiles(r.Source.Path)
	if err != nil {
		return nil, err
	}
	origin := map[*archive.BufferedFile]string{}
	files, err = read.withLocalDependencies(files, r.Source.Path, origin, map[string]bool{})
	r.local = map[string]string{}
	for f, name := range origin {
		r.local[f.Name] = name
	}
	return files, err
}

// marked renders a chart with marks in some of its files, and returns what distinguishes the lines that a template's
// text comes from; nil if they are not known.
func (r *Rendering) marked(
	files []*archive.BufferedFile, o Options, isMarked func(name string) bool,
) func(name, text string) []line {
	m := &marker{}
	marked := make([]*archive.BufferedFile, len(files))
	for i, f := range files {
		marked[i] = f
		if isMarked(f.Name) {
			text := m.mark(r.fileOf("/"+f.Name), string(f.Data))
			marked[i] = &archive.BufferedFile{Name: f.Name, ModTime: f.ModTime, Data: []byte(text)}
		}
	}
	out, err := r.template(marked, o)
	return func(name, text string) []line {
		if _, ok := out.Templates[name]; err != nil || !ok {
			return nil
		}
		return m.linesLike(text, out.Templates[name])
	}
}

// checkChart reports whether helm would render the chart, by its Chart.yaml: for that version of Kubernetes, and at
// all. What it would refuse may be right for another helm, or another cluster: it is a warning.
func (r *Rendering) checkChart(files []*archive.BufferedFile, o Options) bool {
	i := slices.IndexFunc(files, func(f *archive.BufferedFile) bool { return f.Name == chartFile })
	var m chart.Metadata
	if i < 0 || yaml.Unmarshal(files[i].Data, &m) != nil {
		return true // the loader says what is wrong
	}
	name, read := r.fileOf("/"+chartFile), r.Source.reader()
	if m.APIVersion != "" && m.APIVersion != chart.APIVersionV1 && m.APIVersion != chart.APIVersionV2 {
		r.notRendered("chart", fmt.Sprintf("charts of apiVersion %s are not rendered", m.APIVersion), "",
			read.placeOf(name, m.APIVersion))
		return false
	}
	version, err := common.ParseKubeVersion(cmp.Or(o.KubernetesVersion, schema.Latest))
	if err == nil && m.KubeVersion != "" && !chartutil.IsCompatibleRange(m.KubeVersion, version.String()) {
		r.notRendered("chart",
			fmt.Sprintf("the chart is for Kubernetes %s, and not for %s", m.KubeVersion, version),
			"choose another version with --kubernetes-version", read.placeOf(name, m.KubeVersion))
		return false
	}
	return true
}

// compose writes the documents of a chart in the order and the words of helm template --include-crds. LinesOf returns
// the template's line for each line that a template renders to; nil if they are not known.
func (r *Rendering) compose(out chartOutput, linesOf func(template string) []line) {
	places := &templatePlaces{rendering: r}
	var text bytes.Buffer
	var lines []line
	known := map[string][]line{}
	if r.Source.skipCRDs {
		out.CRDs = nil
	}
	documents, hooks := out.documents()
	if r.Source.skipHooks {
		documents = documents[:hooks]
	}
	if r.Source.skipTests {
		documents = slices.DeleteFunc(documents, func(d chartDocument) bool { return d.test })
	}
	for i, d := range documents {
		if i == hooks { // helm trims what stands before the hooks
			trimmed := append(bytes.TrimSpace(text.Bytes()), '\n')
			lines = lines[:bytes.Count(trimmed, []byte("\n"))]
			text = *bytes.NewBuffer(trimmed)
		}
		file := r.fileOf(d.name)
		if _, ok := known[d.name]; !ok && !d.whole {
			known[d.name] = linesOf(d.name)
		}
		text.WriteString("---\n# Source: " + d.name + "\n" + d.text + "\n")
		lines = append(lines, line{file, 1, d.name}, line{file, 1, d.name})
		for n := range strings.Count(d.text, "\n") + 1 {
			at := line{file: file}
			if d.whole {
				at.number = n + 1
			} else if n += d.line; n < len(known[d.name]) && known[d.name][n].file != "" {
				at = known[d.name][n]
			}
			at.of = d.name
			lines = append(lines, at)
		}
		if text.Len() > maxRenderedBytes {
			r.failed(
				"chart", fmt.Sprintf("the chart renders to more than %d MB", maxRenderedBytes>>20), "",
				r.Source.start(),
			)
			return
		}
	}
	if hooks == len(documents) {
		text = *bytes.NewBuffer(append(bytes.TrimSpace(text.Bytes()), '\n'))
	}
	if len(documents) > 0 {
		places.text, places.lines = text.Bytes(), lines
		r.Text, r.places = places.text, places
	}
}

// fileOf returns the file of a template by helm's name for it, which begins with the chart's.
func (r *Rendering) fileOf(name string) string {
	_, below, _ := strings.Cut(name, "/")
	if from := r.local[below]; from != "" {
		return from
	}
	return filepath.Join(r.Source.Path, filepath.FromSlash(below))
}

func isTemplate(name string) bool {
	return strings.HasPrefix(name, "templates/") || strings.Contains(name, "/templates/")
}

// chartFiles reads the files of a chart, by names below its folder, without those of .helmignore.
func (read Reader) chartFiles(dir string) (files []*archive.BufferedFile, err error) {
	if IsArchive(dir) {
		return read.archiveFiles(dir)
	}
	rules := ignore.Empty()
	if f, err := os.Open(filepath.Join(dir, ignore.HelmIgnore)); err == nil {
		rules, err = ignore.Parse(f)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", ignore.HelmIgnore, err)
		}
	}
	rules.AddDefaults()
	total := int64(0)
	err = filepath.Walk(dir, func(name string, info os.FileInfo, err error) error {
		if err != nil || name == dir {
			return err
		}
		below, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		below = filepath.ToSlash(below)
		if rules.Ignore(below, info) {
			if info.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if !info.Mode().IsRegular() {
			return nil // folders, links and pipes
		}
		if total += info.Size(); total > maxChartBytes {
			return fmt.Errorf("the chart has more than %d MB", maxChartBytes>>20)
		}
		data, err := read(name)
		data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // as helm does
		files = append(files, &archive.BufferedFile{Name: below, ModTime: info.ModTime(), Data: data})
		return err
	})
	return files, err
}

// templateHere renders the files of a chart by the name of the template: web/templates/service.yaml.
func (r *Rendering) templateHere(files []*archive.BufferedFile, o Options) (out chartOutput, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("helm's engine crashed: %v", p)
		}
	}()
	c, err := loader.LoadFiles(files)
	if err != nil {
		return out, err
	}
	if err := r.addFetchedDependencies(c); err != nil {
		return out, err
	}
	if missing := missingDependencies(c); len(missing) > 0 {
		return out, &dependencyError{missing}
	}
	values, err := r.Source.reader().values(r.Variant.Values)
	if err != nil {
		return out, err
	}
	values = loader.MergeMaps(values, r.Source.values)
	if r.Source.Kind == Chart {
		for _, set := range o.Set {
			if err := strvals.ParseInto(set, values); err != nil {
				return out, fmt.Errorf("--set %s: %w", set, err)
			}
		}
	}
	if err := chartutil.ProcessDependencies(c, values); err != nil {
		return out, err
	}
	version, err := common.ParseKubeVersion(cmp.Or(o.KubernetesVersion, schema.Latest))
	if err != nil {
		return out, err
	}
	capabilities := common.DefaultCapabilities.Copy()
	capabilities.KubeVersion = *version
	capabilities.APIVersions = slices.Concat(common.DefaultVersionSet, o.APIVersions)
	if o.Served != nil {
		capabilities.APIVersions = slices.Concat(o.Served, o.APIVersions)
	}
	release := common.ReleaseOptions{
		Name: cmp.Or(o.ReleaseName, releaseName(c.Name())), Namespace: cmp.Or(o.Namespace, "default"), Revision: 1,
		IsInstall: true,
	}
	all, err := util.ToRenderValues(c, values, release, capabilities)
	if err != nil {
		return out, err
	}
	if out.Templates, err = (engine.Engine{}).Render(c, all); err != nil {
		return out, err
	}
	maps.DeleteFunc(out.Templates, func(name, _ string) bool { return strings.HasSuffix(name, "NOTES.txt") })
	for _, crd := range c.CRDObjects() {
		out.CRDs = append(out.CRDs, renderedFile{crd.Filename, string(crd.File.Data)})
	}
	return out, nil
}

var notInNames = regexp.MustCompile(`[^a-z0-9-]+`)

func releaseName(chart string) string {
	name := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(chart), "-"), "-")
	return cmp.Or(name, "release")[:min(len(cmp.Or(name, "release")), 53)]
}

// values merges values files, later ones win.
func (read Reader) values(files []string) (map[string]any, error) {
	values := map[string]any{}
	for _, name := range files {
		data, err := read(name)
		if err != nil {
			return nil, err
		}
		more, err := loader.LoadValues(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		values = loader.MergeMaps(values, more)
	}
	return values, nil
}

// dependencyError names charts that Chart.yaml asks for and the folder charts does not have.
type dependencyError struct{ names []string }

func (e *dependencyError) Error() string {
	return "missing from charts/: " + strings.Join(e.names, ", ")
}

// dependencyFiles are the files of a chart that name its dependencies, and localAddress begins the address of one that
// lies beside it.
var dependencyFiles = []string{chartFile, "requirements.yaml"}

const localAddress = "file://"

// withLocalDependencies adds the files of dependencies that lie in the same repository, those with a file:// address,
// to those of a chart in a folder, as if they were below its folder charts, and keeps their own names in origin. Seen
// holds the folders on the way.
func (read Reader) withLocalDependencies(
	files []*archive.BufferedFile, dir string, origin map[*archive.BufferedFile]string, seen map[string]bool,
) ([]*archive.BufferedFile, error) {
	local := func(f *archive.BufferedFile) bool {
		return slices.Contains(dependencyFiles, f.Name) && bytes.Contains(f.Data, []byte(localAddress))
	}
	if seen[filepath.Clean(dir)] || !slices.ContainsFunc(files, local) {
		return files, nil
	}
	seen[filepath.Clean(dir)] = true
	defer delete(seen, filepath.Clean(dir))
	c, err := loader.LoadFiles(files)
	if err != nil {
		return files, nil // rendering says why
	}
	missing := missingDependencies(c)
	for _, d := range c.Metadata.Dependencies {
		if d == nil || !slices.Contains(missing, d.Name) {
			continue
		}
		path, ok := strings.CutPrefix(d.Repository, localAddress)
		if !ok {
			continue
		}
		from := rel(dir, path)
		added, err := read.chartFiles(from)
		if err == nil {
			added, err = read.withLocalDependencies(added, from, origin, seen)
		}
		if err != nil {
			return nil, fmt.Errorf("dependency %s: %w", d.Name, err)
		}
		for _, f := range added {
			below := &archive.BufferedFile{
				Name: "charts/" + d.Name + "/" + f.Name, ModTime: f.ModTime, Data: f.Data,
			}
			origin[below] = cmp.Or(origin[f], rel(from, f.Name))
			files = append(files, below)
		}
	}
	return files, nil
}

func missingDependencies(c *chart.Chart) (missing []string) {
	have := map[string]bool{}
	for _, d := range c.Dependencies() {
		have[d.Name()] = true
	}
	for _, d := range c.Metadata.Dependencies {
		if d != nil && !have[d.Name] {
			missing = append(missing, d.Name)
		}
	}
	return missing
}

// templateError is where helm's messages name a template: web/templates/a.yaml:12:20.
var templateError = regexp.MustCompile(`([\w.-]+(?:/[\w.-]+)*/templates/[^\s:()]+):(\d+)(?::(\d+))?`)

// innermost is the end of a message of nested templates, in the words of the template that failed.
var innermost = regexp.MustCompile(
	`(?s).*(?:error calling (?:fail|required|include|tpl): |execution error at \([^)]*\): |executing "[^"]*" at <[^>]*>:\s+)`,
)

// lacksValues matches the errors of a chart that wants values which its defaults do not have. An execution error at a
// place is one of required or fail.
var lacksValues = regexp.MustCompile(`nil pointer evaluating|error calling (?:required|fail): |execution error at \(`)

// byDefault reports whether a chart is rendered with its default values alone.
func (r *Rendering) byDefault(o Options) bool {
	return len(r.Variant.Values)+len(r.Variant.Set)+len(o.Values)+len(o.Set) == 0 && r.Source.values == nil
}

// WithoutName reports whether an image has no name because the default values of a chart leave it to whoever installs
// the chart.
func (r *Rendering) WithoutName(image string, o Options) bool {
	return r.Source.Kind == Chart && r.byDefault(o) && (image == "" || strings.ContainsAny(image[:1], ":/@"))
}

// chartFailed reports an error of helm's at its place. A chart that its default values do not suffice for is no mistake
// by itself.
func (r *Rendering) chartFailed(err error, byDefault bool) {
	var missing *dependencyError
	if errors.As(err, &missing) {
		r.notRendered(
			"chart", "dependencies are "+missing.Error(), "run helm dependency build, or seatrial vendor",
			r.Source.reader().placeOf(filepath.Join(r.Source.Path, "Chart.yaml"), missing.names[0]),
		)
		return
	}
	message := err.Error()
	at := r.Source.start()
	if places := templateError.FindAllStringSubmatch(message, -1); len(places) > 0 {
		m := places[len(places)-1]
		number, _ := strconv.Atoi(m[2])
		column, _ := strconv.Atoi(m[3])
		name := r.fileOf(m[1])
		if data, err := r.Source.reader()(name); err == nil {
			f := source.NewFile(name, data)
			at = lineRange(f, min(number, f.Lines()), "")
			if start := f.LineStart(number) + column; column > 0 && number <= f.Lines() && start < len(data) {
				at.Start = f.Pos(start)
			}
		}
		wantsValues := byDefault && lacksValues.MatchString(message)
		message = innermost.ReplaceAllString(message, "")
		if wantsValues {
			r.notRendered("chart", LacksValues+oneLine(message), setValues, at)
			return
		}
	} else if strings.Contains(message, "values don't meet the specifications of the schema") {
		r.schemaFailed(message, byDefault)
		return
	}
	r.failed("chart", oneLine(message), "", at)
}

// LacksValues begins the warnings about a chart that its default values do not suffice for.
const LacksValues = "not rendered with its default values: "

// setValues says how a chart gets the values that its defaults lack.
const setValues = "set values with --helm-values, or in ci/NAME-values.yaml of the chart"

// schemaFailed reports what values.schema.json refuses, one finding a value. Values that the defaults lack are for
// users to set.
func (r *Rendering) schemaFailed(message string, byDefault bool) {
	file := filepath.Join(r.Source.Path, "values.yaml")
	if n := len(r.Variant.Values); n > 0 {
		file = r.Variant.Values[n-1]
	}
	found := false
	for l := range strings.Lines(message) {
		m := schemaLine.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		found = true
		at := r.Source.reader().placeOfValue(file, m[1])
		if o := r.Source.object; o != nil {
			at = o.Find(r.Source.valuesPath + strings.ReplaceAll(strings.TrimRight(m[1], "/"), "/", ".")).Key
		}
		if byDefault && strings.Contains(m[0], "missing propert") {
			r.notRendered("chart", LacksValues+"values.schema.json: "+strings.TrimSpace(m[0]), setValues, at)
			continue
		}
		r.failed("chart", "values.schema.json: "+strings.TrimSpace(m[0]), "", at)
	}
	if !found {
		r.failed("chart", oneLine(message), "", firstLine(file))
	}
}

var schemaLine = regexp.MustCompile(`^- at '([^']*)': .*`)

// placeOfValue returns the place of a value by its JSON pointer, or the nearest above it.
func (read Reader) placeOfValue(file, pointer string) source.Range {
	data, err := read(file)
	if err != nil {
		return firstLine(file)
	}
	docs, _ := manifest.Read(source.NewFile(file, data), manifest.DefaultLimits)
	if len(docs) == 0 {
		return firstLine(file)
	}
	return docs[0].Find(strings.ReplaceAll(strings.Trim(pointer, "/"), "/", ".")).Key
}

// templatePlaces finds the lines of templates.
type templatePlaces struct {
	rendering *Rendering
	text      []byte // what the chart renders to
	lines     []line // by line of the text, from 0
	mu        sync.Mutex
	files     map[string]*source.File
	values    map[string]*manifest.Document // by file; nil: it has none
	rendered  *source.File                  // the text
}

func (p *templatePlaces) place(_ *manifest.Document, _ string, at source.Range) (source.Range, bool) {
	if at.Start.Line < 1 || at.Start.Line > len(p.lines) {
		return at, false
	}
	from := p.lines[at.Start.Line-1]
	f := p.file(from.file)
	if f == nil {
		return at, false
	}
	if from.number < 1 || from.number > f.Lines() {
		return firstLine(from.file), true
	}
	rendered := p.renderedFile()
	shown := ""
	if at.End.Line == at.Start.Line && at.End.Offset <= len(rendered.Data) {
		shown = string(rendered.Data[at.Start.Offset:at.End.Offset])
	}
	return lineRange(f, from.number, shown), true
}

func (p *templatePlaces) renderedFile() *source.File {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rendered == nil {
		p.rendered = source.NewFile(p.rendering.Name, p.text)
	}
	return p.rendered
}

// valuesFile returns the document of a values file; nil if it has none.
func (p *templatePlaces) valuesFile(name string) *manifest.Document {
	f := p.file(name)
	if f == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if d, ok := p.values[name]; ok {
		return d
	}
	if p.values == nil {
		p.values = map[string]*manifest.Document{}
	}
	docs, _ := manifest.Read(f, manifest.DefaultLimits)
	p.values[name] = nil
	if len(docs) > 0 {
		p.values[name] = docs[0]
	}
	return p.values[name]
}

func (p *templatePlaces) file(name string) *source.File {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f, ok := p.files[name]; ok {
		return f
	}
	if p.files == nil {
		p.files = map[string]*source.File{}
	}
	var f *source.File
	if data, err := p.rendering.Source.reader()(name); err == nil {
		f = source.NewFile(name, data)
	}
	p.files[name] = f
	return f
}
