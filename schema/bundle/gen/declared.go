package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"k8s.io/gengo/v2/codetags"

	"github.com/seatrial/seatrial/internal/modcache"
	"github.com/seatrial/seatrial/schema/bundle"
)

// sources are the modules whose types carry declarative validation tags, in the version that go.mod requires.
var sources = []string{
	"k8s.io/api",
	"k8s.io/apimachinery",
	"k8s.io/apiextensions-apiserver",
	"k8s.io/kube-aggregator",
}

// declaredRules reads from the sources of the API's types what Kubernetes' declarative validation asks of
// fields, by definition name and field name. Tags marked alpha are left out: the server does not
// enforce them. So are those that the OpenAPI documents tell already.
func declaredRules() (map[string]map[string][]bundle.Declared, error) {
	all := map[string]map[string][]bundle.Declared{}
	for _, module := range sources {
		dir, err := modcache.Dir(module)
		if err != nil {
			return nil, err
		}
		err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || d.Name() != "doc.go" {
				return err
			}
			p, err := readPackage(filepath.Dir(name))
			if err != nil || p == nil {
				return err
			}
			return p.declare(all)
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", module, err)
		}
	}
	return all, nil
}

// generateDeclared writes the rules as JSON, a definition a line.
func generateDeclared() ([]byte, error) {
	all, err := declaredRules()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("{\n")
	for i, name := range slices.Sorted(maps.Keys(all)) {
		line, err := json.Marshal(all[name])
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, "%q: %s", name, line)
	}
	b.WriteString("\n}\n")
	return b.Bytes(), nil
}

// goPackage is a package of API types.
type goPackage struct {
	model string // io.k8s.api.core.v1
	types map[string]*ast.GenDecl
}

// readPackage reads a folder of Go sources; nil when its types are in no OpenAPI document.
func readPackage(dir string) (*goPackage, error) {
	doc, err := os.ReadFile(filepath.Join(dir, "doc.go"))
	if err != nil {
		return nil, err
	}
	_, after, ok := strings.Cut(string(doc), "+k8s:openapi-model-package=")
	if !ok {
		return nil, nil
	}
	model, _, _ := strings.Cut(after, "\n")
	p := &goPackage{model: strings.TrimSpace(model), types: map[string]*ast.GenDecl{}}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		if base := filepath.Base(name); strings.HasSuffix(base, "_test.go") || strings.HasPrefix(base, "zz_") ||
			strings.HasPrefix(base, "generated.") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, decl := range file.Decls {
			if d, ok := decl.(*ast.GenDecl); ok && d.Tok == token.TYPE {
				for _, spec := range d.Specs {
					p.types[spec.(*ast.TypeSpec).Name.Name] = d
				}
			}
		}
	}
	return p, nil
}

func (p *goPackage) structOf(name string) *ast.StructType {
	if d := p.types[name]; d != nil {
		for _, spec := range d.Specs {
			if t := spec.(*ast.TypeSpec); t.Name.Name == name {
				s, _ := t.Type.(*ast.StructType)
				return s
			}
		}
	}
	return nil
}

func (p *goPackage) declare(all map[string]map[string][]bundle.Declared) error {
	for _, name := range slices.Sorted(maps.Keys(p.types)) {
		s := p.structOf(name)
		if s == nil {
			continue
		}
		of := structRules{pkg: p, rules: map[string][]bundle.Declared{}, unions: map[string]*union{}}
		if err := of.add(s); err != nil {
			return fmt.Errorf("%s.%s: %w", p.model, name, err)
		}
		of.tellUnions()
		if len(of.rules) > 0 {
			all[p.model+"."+name] = of.rules
		}
	}
	return nil
}

// structRules gathers what is asked of the fields of a struct.
type structRules struct {
	pkg    *goPackage
	rules  map[string][]bundle.Declared
	unions map[string]*union
}

// union is a group of fields of which one is set.
type union struct {
	members []member
	most    bool // none may be set too
	alpha   bool // a member is not enforced: what the others are is not the whole truth
}

type member struct{ field, words, when string }

// add reads the fields of a struct and of those that are inlined into it.
func (r *structRules) add(s *ast.StructType) error {
	for _, f := range s.Fields.List {
		name, inline := jsonName(f)
		if inline {
			if id, ok := f.Type.(*ast.Ident); ok && r.pkg.structOf(id.Name) != nil {
				if err := r.add(r.pkg.structOf(id.Name)); err != nil {
					return err
				}
			}
			continue
		}
		if name == "" {
			continue
		}
		for _, text := range slices.Concat(tags(r.pkg.aliasDoc(f.Type)), tags(f.Doc)) {
			tag, err := codetags.Parse(text)
			if err != nil {
				return fmt.Errorf("%s: tag %s: %w", name, text, err)
			}
			r.field(name, &tag, bundle.Declared{}, false)
		}
	}
	return nil
}

// aliasDoc gives the comment of a named simple type, whose rules hold for each field of that type.
func (p *goPackage) aliasDoc(t ast.Expr) *ast.CommentGroup {
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if id, ok := t.(*ast.Ident); ok && p.types[id.Name] != nil && p.structOf(id.Name) == nil {
		return p.types[id.Name].Doc
	}
	return nil
}

// jsonName gives the name of a field in JSON; "" when it has none.
func jsonName(f *ast.Field) (name string, inline bool) {
	if f.Tag == nil {
		return "", false
	}
	raw, err := strconv.Unquote(f.Tag.Value)
	if err != nil {
		return "", false
	}
	name, options, _ := strings.Cut(reflect.StructTag(raw).Get("json"), ",")
	return strings.TrimPrefix(name, "-"), strings.Contains(options, "inline") || name == "" && len(f.Names) == 0
}

// tags lists the declarative validation tags of a comment, without their marker.
func tags(doc *ast.CommentGroup) (found []string) {
	if doc == nil {
		return nil
	}
	for _, c := range doc.List {
		line := strings.TrimSpace(strings.TrimPrefix(c.Text, "//"))
		if tag, ok := strings.CutPrefix(line, "+k8s:"); ok && validates[name(tag)] {
			found = append(found, "k8s:"+tag)
		}
	}
	return found
}

// name gives the name at the beginning of a tag.
func name(tag string) string {
	if end := strings.IndexAny(tag, "(= "); end >= 0 {
		return tag[:end]
	}
	return tag
}

// validates are the tags that are read: those that wrap others, and those with words of their own.
var validates = func() map[string]bool {
	all := map[string]bool{"alpha": true, "beta": true, "ifEnabled": true, "ifDisabled": true, "ifMode": true,
		"eachVal": true, "eachKey": true, "subfield": true, "item": true,
		"unionMember": true, "zeroOrOneOfMember": true}
	for tag := range words {
		all[tag] = true
	}
	return all
}()

// words tell a tag; %s is its value.
var words = map[string]string{
	"required":          "required",
	"forbidden":         "must not be set",
	"immutable":         "immutable",
	"monotonic":         "must not decrease",
	"minimum":           "at least %s",
	"maximum":           "at most %s",
	"minItems":          "at least %s items",
	"maxItems":          "at most %s items",
	"maxLength":         "at most %s characters",
	"maxBytes":          "at most %s bytes",
	"format":            "format %s",
	"unique":            "no two items alike",
	"dependentRequired": "needs %s to be set",
	// an argument, not a value
	"dependentForbidden": "excludes %s",
	"update":             "%s",
}

// updates tell the values of the tag update.
var updates = map[string]string{
	"NoSet":        "cannot be set by an update",
	"NoUnset":      "cannot be taken away by an update",
	"NoModify":     "cannot be changed once set",
	"NoAddItem":    "an update cannot add items",
	"NoRemoveItem": "an update cannot remove items",
}

// field reads a tag of a field. so is what the tags around it told: its condition, and what part it is about.
func (r *structRules) field(field string, tag *codetags.Tag, so bundle.Declared, alpha bool) {
	name := strings.TrimPrefix(tag.Name, "k8s:")
	argument := ""
	if len(tag.Args) > 0 {
		argument = tag.Args[0].Value
	}
	switch name {
	case "alpha":
		alpha = true
	case "ifEnabled":
		so.When = "with feature gate " + argument
	case "ifDisabled":
		so.When = "without feature gate " + argument
	case "ifMode":
		so.When = "in mode " + argument
	case "eachVal":
		so.On = "each value"
	case "eachKey":
		so.On = "each key"
	case "subfield":
		so.On = argument
	case "item":
		so.On = fmt.Sprintf("item with %s %s", tag.Args[0].Name, argument)
	case "unionMember", "zeroOrOneOfMember":
		r.member(field, tag, so, alpha)
	}
	if tag.ValueTag != nil {
		r.field(field, tag.ValueTag, so, alpha)
		return
	}
	if text, ok := words[name]; ok && !alpha {
		so.Rule, so.Value = name, cmp.Or(tag.Value, argument)
		so.Text = strings.ReplaceAll(text, "%s", cmp.Or(updates[so.Value], so.Value))
		r.rules[field] = append(r.rules[field], so)
	}
}

func (r *structRules) member(field string, tag *codetags.Tag, so bundle.Declared, alpha bool) {
	key := strings.TrimPrefix(tag.Name, "k8s:")
	if arg, ok := tag.NamedArg("union"); ok {
		key += " " + arg.Value
	}
	if strings.HasPrefix(so.On, "item") {
		key += " " + field
	}
	u := r.unions[key]
	if u == nil {
		u = &union{most: tag.Name == "k8s:zeroOrOneOfMember"}
		r.unions[key] = u
	}
	u.alpha = u.alpha || alpha
	m := member{field, field, so.When}
	if so.On != "" {
		m.words = so.On
	}
	if !slices.Contains(u.members, m) {
		u.members = append(u.members, m)
	}
}

// tellUnions notes at each member of a union which fields belong to it.
func (r *structRules) tellUnions() {
	for _, key := range slices.Sorted(maps.Keys(r.unions)) {
		u := r.unions[key]
		if u.alpha || len(u.members) < 2 {
			continue
		}
		d := bundle.Declared{Rule: "oneOf", Text: "exactly one of "}
		if u.most {
			d = bundle.Declared{Rule: "atMostOneOf", Text: "at most one of "}
		}
		var names, fields []string
		for _, m := range u.members {
			if !slices.Contains(names, m.words) {
				names = append(names, m.words)
			}
			if !slices.Contains(fields, m.field) {
				fields = append(fields, m.field)
			}
		}
		d.Value = strings.Join(names, ", ")
		d.Text += d.Value
		for _, field := range fields {
			r.rules[field] = append(r.rules[field], d)
		}
	}
}
