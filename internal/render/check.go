package render

import (
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
)

// deprecated are the fields of a Kustomization that kustomize has replaced.
var deprecated = map[string]string{
	"bases":                 "resources",
	"patchesStrategicMerge": "patches",
	"patchesJson6902":       "patches",
	"imageTags":             "images",
	"commonLabels":          "labels",
	"vars":                  "replacements",
}

// CheckKustomization judges a kustomization file itself: fields that kustomize does not know, and those that it
// has replaced.
func CheckKustomization(f *source.File) (findings []diag.Diagnostic) {
	docs, syntax := manifest.Read(withKind(f), manifest.DefaultLimits)
	for _, d := range syntax {
		if strings.HasPrefix(d.Rule, "yaml-") {
			findings = append(findings, d)
		}
	}
	for _, d := range docs {
		root := d.Root()
		findings = append(findings, twice(d)...)
		checkFields(root, reflect.TypeFor[types.Kustomization](), "", func(at source.Range, message, help string) {
			findings = append(findings, diag.Diagnostic{
				Rule: "kustomization", Severity: diag.Error, Message: message, Help: help, Range: at,
				Document: d.Number, Object: d.Object,
			})
		})
		for i := range root.Fields {
			field := &root.Fields[i]
			if now := deprecated[field.Name]; now != "" {
				findings = append(findings, diag.Diagnostic{
					Rule: "kustomization", Severity: diag.Warning, Range: field.Key(), Document: d.Number,
					Object: d.Object, Path: field.Name,
					Message: fmt.Sprintf("%s is deprecated", field.Name),
					Help:    "use " + now + "; kustomize edit fix rewrites it",
				})
			}
		}
	}
	return findings
}

// twice returns findings about duplicate entries of a kustomization: kustomize refuses a duplicate resource, and
// applies the others once more.
func twice(d *manifest.Document) (findings []diag.Diagnostic) {
	for _, list := range []struct {
		name     string
		text     func(*manifest.Node) string
		severity diag.Severity
	}{
		{"resources", func(n *manifest.Node) string { return path.Clean(n.Text) }, diag.Error},
		{"components", func(n *manifest.Node) string { return path.Clean(n.Text) }, diag.Warning},
		{"images", func(n *manifest.Node) string { return textOf(n, "name") }, diag.Warning},
		{"replicas", func(n *manifest.Node) string { return textOf(n, "name") }, diag.Warning},
		{"patches", func(n *manifest.Node) string {
			if n.Get("target") != nil {
				return "" // one patch may have several targets
			}
			return textOf(n, "path")
		}, diag.Warning},
	} {
		seen := map[string]*manifest.Node{}
		for _, n := range itemsOf(d.Root(), list.name) {
			n = n.Target()
			text := list.text(n)
			first := seen[text]
			if seen[text] = n; text == "" || text == "." || first == nil {
				continue
			}
			findings = append(findings, diag.Diagnostic{
				Rule: "kustomization", Severity: list.severity, Range: n.Range(), Document: d.Number, Object: d.Object,
				Message: fmt.Sprintf("%s names %s twice", list.name, text), Help: "remove one of the entries",
				Related: []diag.Related{{Range: first.Range(), Message: "first named here"}},
			})
		}
	}
	return findings
}

// withKind adds the kind to a kustomization, which need not have one, where it moves nothing.
func withKind(f *source.File) *source.File {
	text := strings.TrimRight(string(f.Data), "\n") + "\n"
	for _, l := range []string{"apiVersion: kustomize.config.k8s.io/v1beta1\n", "kind: Kustomization\n"} {
		key, _, _ := strings.Cut(l, " ")
		if !strings.HasPrefix(text, key) && !strings.Contains(text, "\n"+key) {
			text += l
		}
	}
	return source.NewFile(f.Name, []byte(text))
}

// checkFields reports the fields of a node that a type does not have, and values of another shape.
func checkFields(n *manifest.Node, t reflect.Type, path string, report func(at source.Range, message, help string)) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	n = n.Target()
	if n.Null {
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		fields := map[string]reflect.Type{}
		collectFields(t, fields)
		if len(fields) == 0 || n.Kind != manifest.Map {
			return
		}
		for i := range n.Fields {
			f := &n.Fields[i]
			at := strings.TrimPrefix(path+"."+f.Name, ".")
			if of, ok := fieldNamed(fields, f.Name); ok {
				checkFields(f.Value, of, at, report)
				continue
			}
			help := ""
			if best := schema.DidYouMean(f.Name, keys(fields)); best != "" {
				help = "did you mean " + best + "?"
			}
			report(f.Key(), fmt.Sprintf("unknown field %q", at), help)
		}
	case reflect.Slice:
		if n.Kind == manifest.Map {
			report(n.Range(), path+" takes a list, not a mapping", "write its items with a leading dash")
			return
		}
		for i, item := range n.Items {
			checkFields(item, t.Elem(), fmt.Sprintf("%s[%d]", path, i), report)
		}
	case reflect.String:
		if n.Kind != manifest.Scalar {
			report(n.Range(), path+" takes a string", "")
		} else if n.Style == manifest.Plain && isNumber(n.Text) {
			report(
				n.Range(), fmt.Sprintf("%s takes a string, not a number", path),
				fmt.Sprintf("quote it: %q", n.Text),
			)
		}
	}
}

func isNumber(s string) bool {
	return strings.ContainsAny(s, "0123456789") && strings.Trim(s, "0123456789.") == "" && strings.Count(s, ".") < 2
}

// fieldNamed returns the type of a field. As kustomize's decoder does, it takes any case where no field has the very
// name.
func fieldNamed(fields map[string]reflect.Type, name string) (of reflect.Type, ok bool) {
	if of, ok = fields[name]; ok {
		return of, true
	}
	for other, of := range fields {
		if strings.EqualFold(other, name) {
			return of, true
		}
	}
	return nil, false
}

func keys(m map[string]reflect.Type) (names []string) {
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// collectFields adds the fields that a type is decoded from, those of inlined structs included.
func collectFields(t reflect.Type, fields map[string]reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported() && !f.Anonymous:
		case name == "" && (f.Anonymous || strings.Contains(options, "inline")):
			if inner := f.Type; inner.Kind() == reflect.Struct {
				collectFields(inner, fields)
			} else if inner.Kind() == reflect.Pointer && inner.Elem().Kind() == reflect.Struct {
				collectFields(inner.Elem(), fields)
			}
		case name != "":
			fields[name] = f.Type
		}
	}
}

// checkFile judges the kustomization file of a folder.
func (r *Rendering) checkFile(name string) {
	data, err := r.Source.reader()(name)
	if err != nil {
		return
	}
	r.Findings = append(r.Findings, CheckKustomization(source.NewFile(name, data))...)
}
