package pages

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/explain"
	"github.com/seatrial/seatrial/schema"
)

// kindPage is what the page of a kind shows.
type kindPage struct {
	frame
	*kind
	Doc       []paragraph
	Facts     []explain.Fact
	Example   []exampleLine
	AppearsIn []appearance
	Others    []link // other API versions
	Fields    []*place
	PartRules string // lint rules of the fields in parts, by path, as JSON; "" for none
}

// exampleLine is a line of YAML.
type exampleLine struct{ Indent, Comment, Key, Value string }

var yamlLine = regexp.MustCompile(`^([ -]*)([\w./-]+:)(.*)$`)

func exampleLines(text string) (out []exampleLine) {
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		indent := line[:len(line)-len(strings.TrimLeft(line, " -"))]
		l := exampleLine{Indent: indent, Value: line[len(indent):]}
		if strings.HasPrefix(l.Value, "#") {
			l.Comment, l.Value = l.Value, ""
		} else if m := yamlLine.FindStringSubmatch(line); m != nil {
			l.Key, l.Value = m[2], m[3]
		}
		out = append(out, l)
	}
	return out
}

func (s *Site) renderKind(k *kind) ([]byte, error) {
	example, err := (&explain.Subject{Kind: k.Kind}).Example()
	if err != nil {
		return nil, err
	}
	l := s.listOf(k)
	rules, err := s.rulesOfParts(k, l)
	if err != nil {
		return nil, err
	}
	p := kindPage{
		frame: s.frame(k.GVK.Kind+" "+k.GroupVersion().String(), "", k.file), kind: k,
		Doc: paragraphs(k.Type().Description), Facts: k.facts(), Example: exampleLines(example),
		Fields: s.places(l, placeOf{kind: k}), PartRules: rules,
	}
	if t := s.types()[s.typeFileName(k.Type().Name)]; t != nil {
		p.AppearsIn = t.appearsIn(s)
	}
	for _, o := range s.kinds {
		if o.GVK.Kind == k.GVK.Kind && o != k {
			p.Others = append(p.Others, link{Text: o.GroupVersion().String(), File: o.file, In: o.in})
		}
	}
	return s.execute("kind", p)
}

// In is in which versions the kind is served.
func (k *kind) In() mask { return k.in }

// Summary is the first sentence of the kind's documentation.
func (k *kind) Summary() string { return firstSentence(k.Type().Description) }

// facts returns what an API server knows of a kind.
func (k *kind) facts() (out []explain.Fact) {
	add := func(label, value string, code bool) {
		if value != "" {
			out = append(out, explain.Fact{Label: label, Value: value, Code: code})
		}
	}
	add("Project", k.project, false)
	add("Group", cmp.Or(k.Group, "core"), true)
	add("Version", k.Version, true)
	add("Kind", k.GVK.Kind, true)
	add("Resource", k.Resource, true)
	add("Short names", strings.Join(k.ShortNames, ", "), true)
	scope := "cluster"
	if k.Namespaced {
		scope = "namespaced"
	}
	add("Scope", scope, false)
	if !k.Custom() {
		add("Verbs", strings.Join(k.Verbs, ", "), false)
	}
	if since := k.Since; since == schema.Versions()[0] {
		add("Since", "Kubernetes "+since+" or earlier", false)
	} else if since != "" {
		add("Since", "Kubernetes "+since, false)
	}
	if k.Deprecated != "" {
		add("Deprecated", "since Kubernetes "+k.Deprecated, false)
	}
	if k.Removed != "" {
		add("Removed", "in Kubernetes "+k.Removed, false)
	}
	add("Use instead", k.Replacement, true)
	return out
}

// typePage is a definition that kinds are made of, over the versions of the site.
type typePage struct {
	name, file string
	in         mask
	docs       []string            // by version
	of         [][]*schema.Field   // by version
	holders    map[string][]string // names of definitions: fields of this type
}

// appearance is a place where a type is used.
type appearance struct {
	Name, Note, File string
	Fields           []string
}

// typeFile returns the page of a definition; "" when it has none.
func (s *Site) typeFile(name string) string {
	if name == "" {
		return ""
	}
	if k := s.byType[name]; k != nil {
		return k.file
	}
	return s.typeFileName(name)
}

// typeFileName makes a file name of the last parts of a definition's name, which distinguish it from all others.
func (s *Site) typeFileName(name string) string {
	name = strings.TrimPrefix(name, "io.k8s.")
	for _, prefix := range []string{
		"api.", "apimachinery.pkg.apis.", "apimachinery.pkg.", "apiextensions-apiserver.pkg.apis.",
		"kube-aggregator.pkg.apis.",
	} {
		name = strings.TrimPrefix(name, prefix)
	}
	parts := strings.Split(name, ".")
	slices.Reverse(parts)
	return "types/" + fileName(parts...)
}

// findTypes walks from the kinds of each version to all definitions.
func (s *Site) findTypes() map[string]*typePage {
	pages := map[string]*typePage{}
	for i, store := range s.stores {
		seen := map[string]bool{}
		var walk func(holder string, fields []*schema.Field)
		walk = func(holder string, fields []*schema.Field) {
			for _, f := range fields {
				name := f.TypeName()
				if name == "" {
					walk(holder, f.Fields()) // an object without a name, in a custom resource
					continue
				}
				t := s.page(pages, name)
				if !slices.Contains(t.holders[holder], f.Name) {
					t.holders[holder] = append(t.holders[holder], f.Name)
				}
				if seen[name] {
					continue
				}
				seen[name] = true
				t.in |= 1 << i
				t.of[i], t.docs[i] = f.Fields(), f.Element().Description
				walk(name, t.of[i])
			}
		}
		for _, k := range store.Kinds() {
			if t := k.Type(); t != nil {
				walk(t.Name, k.Fields())
			}
		}
	}
	return pages
}

func (s *Site) page(pages map[string]*typePage, name string) *typePage {
	file := s.typeFileName(name)
	t := pages[file]
	if t == nil {
		t = &typePage{
			name: name, file: file, of: make([][]*schema.Field, len(s.stores)), docs: make([]string, len(s.stores)),
			holders: map[string][]string{},
		}
		pages[file] = t
	}
	return t
}

func (t *typePage) short() string { return t.name[strings.LastIndexByte(t.name, '.')+1:] }

// appearsIn lists the types and kinds that hold a type.
func (t *typePage) appearsIn(s *Site) (out []appearance) {
	for holder, fields := range t.holders {
		slices.Sort(fields)
		a := appearance{Name: holder[strings.LastIndexByte(holder, '.')+1:], File: s.typeFile(holder), Fields: fields}
		parts := strings.Split(holder, ".")
		if len(parts) > 2 {
			a.Note = strings.Join(parts[len(parts)-3:len(parts)-1], "/")
		}
		if k := s.byType[holder]; k != nil {
			a.Note = k.GroupVersion().String()
		}
		out = append(out, a)
	}
	slices.SortFunc(
		out, func(a, b appearance) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.File, b.File)) },
	)
	return out
}

// typeData is what the page of a type shows.
type typeData struct {
	frame
	Name, Definition string
	In               mask
	Doc              []paragraph
	AppearsIn        []appearance
	Fields           []*place
}

func (s *Site) renderType(t *typePage) ([]byte, error) {
	doc := ""
	for _, d := range t.docs {
		doc = cmp.Or(d, doc)
	}
	return s.execute("type", typeData{
		frame: s.frame(t.short(), "../", ""), Name: t.short(), Definition: t.name, In: t.in, Doc: paragraphs(doc),
		AppearsIn: t.appearsIn(s),
		Fields:    s.places(&list{Fields: s.fields(s.masks(), t.of)}, placeOf{root: "../", flat: true}),
	})
}
