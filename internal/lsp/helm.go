package lsp

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// chart is the chart that an open file is a part of.
type chart struct {
	dir  string
	open map[string]*source.File // files that are open in the editor, by name
}

// chartOf returns the chart of a file; nil if it is in none.
func (s *Server) chartOf(name string) *chart {
	if !filepath.IsAbs(name) {
		return nil
	}
	for dir := filepath.Dir(name); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "Chart.yaml")); err != nil {
			continue
		}
		c := &chart{dir: dir, open: map[string]*source.File{}}
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, d := range s.open {
			c.open[d.name] = d.file
		}
		return c
	}
	return nil
}

// file returns a file of the chart, as it is in the editor or on disk; nil if it cannot be read.
func (c *chart) file(name string) *source.File {
	if f := c.open[name]; f != nil {
		return f
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	return source.NewFile(name, data)
}

// isTemplate reports whether a file is a template of the chart.
func (c *chart) isTemplate(name string) bool {
	return strings.HasPrefix(name, filepath.Join(c.dir, "templates")+string(filepath.Separator))
}

// templates returns the templates of the chart and of the charts in it.
func (c *chart) templates() (files []*source.File) {
	for _, dir := range []string{"templates", "charts"} {
		_ = filepath.WalkDir(filepath.Join(c.dir, dir), func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() &&
				slices.Contains([]string{".yaml", ".yml", ".tpl", ".txt"}, filepath.Ext(name)) {
				if f := c.file(name); f != nil {
					files = append(files, f)
				}
			}
			return nil // what cannot be read has no templates
		})
	}
	return files
}

// values returns the document of the default values; nil if there is none.
func (c *chart) values() *manifest.Document {
	f := c.file(filepath.Join(c.dir, "values.yaml"))
	if f == nil {
		return nil
	}
	for _, doc := range tolerant(f, -1) {
		return doc
	}
	return nil
}

var (
	valueUse  = regexp.MustCompile(`\.Values((?:\.[A-Za-z_]\w*)+)`)
	helperUse = regexp.MustCompile(`\b(?:include|template)\s+"([^"]+)"`)
	// helperBegun matches an action that ends in the name of a template.
	helperBegun = regexp.MustCompile(`\b(?:include|template)\s+"[^"]*$`)
	helperDef   = regexp.MustCompile(`\bdefine\s+"([^"]+)"`)
)

// use is what a template names at a place: a path of a value, or a named template.
type use struct {
	path   string // of a value; empty: a template is named
	helper string
	at     source.Range
}

// useAt returns what a template names at a byte. Of a path of a value it is the part up to the byte.
func useAt(f *source.File, offset int) (found use, ok bool) {
	line := f.Pos(offset).Line
	begin, text := f.LineStart(line), f.Line(line)
	for _, m := range valueUse.FindAllStringSubmatchIndex(text, -1) {
		if begin+m[2] > offset || offset > begin+m[3] {
			continue
		}
		end := begin + m[3]
		if dot := strings.IndexByte(text[offset-begin:m[3]], '.'); dot > 0 {
			end = offset + dot
		}
		return use{path: string(f.Data[begin+m[2]+1 : end]), at: f.Range(begin+m[2]+1, end)}, true
	}
	for _, pattern := range []*regexp.Regexp{helperUse, helperDef} {
		for _, m := range pattern.FindAllStringSubmatchIndex(text, -1) {
			if begin+m[2] <= offset && offset <= begin+m[3] {
				return use{helper: text[m[2]:m[3]], at: f.Range(begin+m[2], begin+m[3])}, true
			}
		}
	}
	return use{}, false
}

// templateDefinition leads from a value in a template to its default, and from the name of a template to where it is
// defined. ok is false where neither stands.
func (s *Server) templateDefinition(d *document, offset int) (places []location, ok bool) {
	c := s.chartOf(d.name)
	if c == nil || !c.isTemplate(d.name) {
		return nil, false
	}
	u, ok := useAt(d.file, offset)
	if !ok {
		return nil, false
	}
	places = []location{}
	if u.path != "" {
		if doc := c.values(); doc != nil {
			if place := doc.Find(u.path); place.Exact {
				places = append(places, s.location(doc.File, place.Key))
			}
		}
		return places, true
	}
	for _, f := range c.templates() {
		for _, m := range helperDef.FindAllSubmatchIndex(f.Data, -1) {
			if string(f.Data[m[2]:m[3]]) == u.helper {
				places = append(places, s.location(f, f.Range(m[2], m[3])))
			}
		}
	}
	return places, true
}

// templateReferences lists the places in templates that use a value, asked for in the values file or in a template, or
// a named template.
func (s *Server) templateReferences(d *document, offset int) (places []location, ok bool) {
	c := s.chartOf(d.name)
	if c == nil {
		return nil, false
	}
	var u use
	switch {
	case c.isTemplate(d.name):
		if u, ok = useAt(d.file, offset); !ok {
			return nil, false
		}
	case strings.HasPrefix(filepath.Base(d.name), "values"):
		for _, doc := range documentsAt(d.file, offset) {
			if path, inKey := doc.At(offset); inKey && doc.Holds(offset) {
				u.path = strings.Join(path, ".")
			}
		}
	}
	if u.path == "" && u.helper == "" {
		return nil, false
	}
	places = []location{}
	for _, f := range c.templates() {
		pattern, want := helperUse, u.helper
		if u.path != "" {
			pattern, want = valueUse, "."+u.path
		}
		for _, m := range pattern.FindAllSubmatchIndex(f.Data, -1) {
			text := string(f.Data[m[2]:m[3]])
			if text == want || u.path != "" && strings.HasPrefix(text, want+".") {
				places = append(places, s.location(f, f.Range(m[3]-len(text), m[2]+len(want))))
			}
		}
	}
	return places, true
}

// templateOffers offers the values of a chart after .Values., named templates where one is included, and the functions
// of templates elsewhere in an action. ok is false outside of actions.
func (s *Server) templateOffers(d *document, offset int) (offers []offer, start int, ok bool) {
	c := s.chartOf(d.name)
	if c == nil || !c.isTemplate(d.name) {
		return nil, 0, false
	}
	before := string(d.file.Data[:offset])
	opened := strings.LastIndex(before, "{{")
	if opened < 0 || strings.Contains(before[opened:], "}}") {
		return nil, 0, false
	}
	action := before[opened:]
	start = offset - len(action) + len(strings.TrimRightFunc(action, wordRune))
	word := before[start:]
	if path, isValue := strings.CutPrefix(dotted(action), ".Values."); isValue {
		return c.valueOffers(strings.TrimSuffix(path, word)), start, true
	}
	if quote := strings.LastIndexByte(action, '"'); helperBegun.MatchString(action) {
		return c.helperOffers(), opened + quote + 1, true
	}
	if strings.HasSuffix(before[:start], ".") || strings.Count(action, `"`)%2 == 1 {
		return nil, 0, true
	}
	for _, name := range s.Functions {
		offers = append(offers, offer{label: name, text: name, detail: "function of templates", kind: itemFunction})
	}
	return offers, start, true
}

func wordRune(r rune) bool {
	return r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

// dotted returns the path that a text ends with.
func dotted(text string) string {
	return text[len(strings.TrimRightFunc(text, func(r rune) bool { return r == '.' || wordRune(r) })):]
}

// helperOffers offers the named templates of the chart and of the charts in it.
func (c *chart) helperOffers() (offers []offer) {
	for _, f := range c.templates() {
		for _, m := range helperDef.FindAllSubmatch(f.Data, -1) {
			offers = append(
				offers, offer{label: string(m[1]), text: string(m[1]), detail: "named template", kind: itemFunction},
			)
		}
	}
	return offers
}

// valueOffers offers the values below a path, which ends with a dot or is empty.
func (c *chart) valueOffers(path string) (offers []offer) {
	doc := c.values()
	if doc == nil {
		return nil
	}
	node := doc.Root()
	if path = strings.TrimSuffix(path, "."); path != "" {
		place := doc.Find(path)
		if !place.Exact {
			return nil
		}
		node = place.Node
	}
	for i := range node.Fields {
		f := &node.Fields[i]
		detail := f.Value.Text
		if f.Value.Kind != manifest.Scalar {
			detail = "value of the chart"
		}
		offers = append(offers, offer{label: f.Name, text: f.Name, detail: detail, kind: itemField})
	}
	return offers
}
