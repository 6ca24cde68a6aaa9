package policy

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-openapi/jsonpointer"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"k8s.io/apimachinery/pkg/runtime/schema"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/redact"
	"github.com/seatrial/seatrial/lint"
)

// podPrefix begins paths that are relative to the spec of the object's pods.
const podPrefix = "pod."

// evaluation asks the expressions of a rule.
type evaluation struct {
	def     *definition
	targets []string

	expression, message, fieldPath, fix *expression

	asksTarget bool // an expression names the target
}

func (e *evaluation) all() []*expression {
	return slices.DeleteFunc(
		[]*expression{e.expression, e.message, e.fieldPath, e.fix}, func(x *expression) bool { return x == nil },
	)
}

// names reports whether any expression names a variable.
func (e *evaluation) names(variable string) bool {
	return slices.ContainsFunc(e.all(), func(x *expression) bool { return x.names[variable] })
}

// keeps lists the kinds whose contents the rule looks at.
func (e *evaluation) keeps(own []string) []string {
	if len(own) == 0 {
		return []string{"*"}
	}
	kinds := slices.Clone(own)
	for _, x := range e.all() {
		if x.allOf {
			return []string{"*"}
		}
		kinds = append(kinds, x.kinds...)
	}
	return kinds
}

// subject is an object that a rule is asked of.
type subject struct {
	of              diag.Object
	file            string
	specPath        string // of its pods; "" if it has none
	object          func() map[string]any
	stored          func() map[string]any
	objects         func(shown bool) ref.Val
	params          lint.Params
	report          func(lint.Finding)
	size            int    // of what it may look at, in bytes
	budget          uint64 // cost that is left
	each            string // the path of self, and self
	self            any
	target          string
	severalVersions bool
}

func (e *evaluation) check(p *lint.Pass) error {
	s := &subject{
		of: p.Document.Object, file: p.Document.File.Name, object: p.Document.Value, stored: p.Stored,
		// with defaults
		params: p.Params, report: p.Report, size: 2*len(p.Document.JSON) + 1000 + sizeOf(map[string]any(p.Params)),
	}
	if p.Pods != nil {
		s.specPath = p.Pods.SpecPath
	}
	return e.ask(s)
}

func (e *evaluation) checkSet(p *lint.SetPass) error {
	if p.Resource.Stored == nil {
		return nil
	}
	s := &subject{
		of: p.Resource.Object, file: p.Resource.File, specPath: p.Resource.SpecPath,
		object: p.Written, stored: p.Stored, params: p.Params, report: p.Report,
		objects: func(shown bool) ref.Val { return e.objectsOf(p.Set, shown) },
	}
	return e.ask(s)
}

// objectsOf returns the objects of a set by kind; shown: without the values of Secrets. A kind that is named and has
// none has an empty list.
func (e *evaluation) objectsOf(set *lint.Set, shown bool) ref.Val {
	kinds := map[string]any{}
	for _, x := range e.all() {
		for _, kind := range x.kinds {
			kinds[kind] = set.Contents(kind)
		}
		if x.allOf {
			for _, kind := range set.Kinds() {
				kinds[kind] = set.Contents(kind)
			}
		}
	}
	if secrets, ok := kinds[kindSecret].([]any); ok && shown {
		kinds[kindSecret] = masked(secrets)
	}
	return types.DefaultTypeAdapter.NativeToValue(kinds)
}

// ask asks the rule of an object: once, or of each value that it is about.
func (e *evaluation) ask(s *subject) error {
	if !e.about(s) {
		return nil
	}
	s.budget = celconfig.RuntimeCELCostBudget
	targets := []string{e.targets[len(e.targets)-1]}
	if e.asksTarget {
		targets = e.targets
	}
	s.severalVersions = len(targets) > 1
	for _, s.target = range targets {
		if e.def.Each == "" {
			e.askOne(s)
			continue
		}
		for _, v := range expand(s.stored(), s.path(e.def.Each)) {
			s.each, s.self = v.path, v.value
			e.askOne(s)
		}
	}
	return nil
}

// about reports whether the rule is about an object.
func (e *evaluation) about(s *subject) bool {
	m := &e.def.Match
	gvk := schema.FromAPIVersionAndKind(s.of.APIVersion, s.of.Kind)
	if !matchesAny(m.Kinds, gvk.Kind) || !matchesAny(m.Groups, gvk.Group) || !matchesAny(m.Versions, gvk.Version) ||
		!matchesAny(m.Namespaces, cmp.Or(s.of.Namespace, "default")) || !matchesAny(m.Names, s.of.Name) {
		return false
	}
	if len(m.Paths) > 0 && !lint.Excluded(m.Paths, s.file) {
		return false
	}
	if len(m.Labels) == 0 {
		return true
	}
	metadata, _ := s.object()["metadata"].(map[string]any)
	labels, _ := metadata["labels"].(map[string]any)
	for key, glob := range m.Labels {
		if value, ok := labels[key].(string); !ok || !matches(glob, value) {
			return false
		}
	}
	return true
}

// path returns a path of the definition as one of the object.
func (s *subject) path(of string) string {
	rest, inPod := strings.CutPrefix(of, podPrefix)
	switch {
	case !inPod:
		return of
	case s.specPath == "":
		return "\x00" // leads nowhere
	}
	return s.specPath + "." + rest
}

// pod returns the spec of the object's pods; empty if it has none.
func (s *subject) pod() any {
	if s.specPath != "" {
		if found := expand(s.stored(), s.specPath); len(found) == 1 {
			return found[0].value
		}
	}
	return map[string]any{}
}

func (e *evaluation) askOne(s *subject) {
	vars := &variables{of: s}
	value, err := e.expression.eval(s, vars)
	if err != nil {
		e.fail(s, "expression", err)
		return
	}
	right, ok := value.Value().(bool)
	if !ok {
		e.fail(s, "expression", fmt.Errorf("it is %s, not true or false", value.Type().TypeName()))
		return
	}
	if right {
		return
	}
	vars = e.shown(vars)
	f := lint.Finding{Path: s.place(s.path(e.def.Path)), Message: e.def.Message, Help: e.def.Help}
	if s.severalVersions {
		f.Versions = []string{s.target}
	}
	if text, ok := e.text(s, vars, "messageExpression", e.message); ok {
		f.Message = text
	}
	if path, ok := e.text(s, vars, "fieldPath", e.fieldPath); ok {
		f.Path = s.place(path)
	}
	f.Message = cmp.Or(strings.Join(strings.Fields(f.Message), " "), e.def.Title, "it does not follow rule "+e.def.Name)
	if fix := e.fixOf(s, vars, f.Path); fix != nil {
		f.Fixes = []lint.PathFix{*fix}
	}
	s.report(f)
}

// place returns a path, which is relative to self where the rule is about each of several values.
func (s *subject) place(path string) string {
	path = strings.TrimPrefix(path, ".")
	switch {
	case s.each == "":
		return path
	case path == "":
		return s.each
	case strings.HasPrefix(path, "["):
		return s.each + path
	}
	return s.each + "." + path
}

// text returns what an expression gives as a text; false if there is none, or if it fails, which is reported.
func (e *evaluation) text(s *subject, vars *variables, field string, x *expression) (string, bool) {
	if x == nil {
		return "", false
	}
	value, err := x.eval(s, vars)
	if err != nil {
		if !e.seesSecrets(s) { // it may be asked of what is shown in place of a value
			e.fail(s, field, err)
		}
		return "", false
	}
	text, ok := value.Value().(string)
	if !ok {
		e.fail(s, field, fmt.Errorf("it is %s, not a string", value.Type().TypeName()))
	}
	return text, ok && text != ""
}

// errCost says that a rule costs too much.
var errCost = errors.New("it exceeds the cost that Kubernetes allows an expression")

// eval asks an expression, within the cost that is left for the object.
func (x *expression) eval(s *subject, vars *variables) (ref.Val, error) {
	if x.plain != nil && s.objects == nil && x.shape.cheap(s.size) {
		return evalPlain(x.plain, vars)
	}
	value, details, err := x.program.ContextEval(context.Background(), vars)
	if details != nil && details.ActualCost() != nil {
		cost := *details.ActualCost()
		if cost > s.budget {
			return nil, errCost
		}
		s.budget -= cost
	}
	if err != nil && strings.Contains(err.Error(), "cost limit exceeded") {
		return nil, errCost
	}
	return value, err
}

// fail reports that a rule cannot be asked of an object: it is not known that the object is right.
func (e *evaluation) fail(s *subject, field string, err error) {
	why := strings.TrimSuffix(err.Error(), "\n")
	f := lint.Finding{Path: s.each, Severity: diag.Error}
	switch {
	case errors.Is(err, errCost):
		f.Help = "look at fewer elements, or name the kinds in match:"
	case strings.Contains(why, "no such key"), strings.Contains(why, "index out of bounds"):
		f.Help = "has(object.spec.field) asks whether a field is there"
	case e.seesSecrets(s): // the error may show a part of a value
		why = "a value has another type or form than the expression takes"
	}
	f.Message = fmt.Sprintf("the %s of rule %s fails: %s", field, e.def.Name, why)
	s.report(f)
}

// fixOf returns the change that the definition offers.
func (e *evaluation) fixOf(s *subject, vars *variables, path string) *lint.PathFix {
	d := e.def.Fix
	if d == nil {
		return nil
	}
	if len(d.Patch) > 0 {
		return d.patch(s.object())
	}
	value := d.Value
	if e.fix != nil {
		result, err := e.fix.eval(s, vars)
		if err != nil {
			e.fail(s, "fix.expression", err)
			return nil
		}
		value = native(result)
	}
	text, err := json.Marshal(value)
	if err != nil || e.fix != nil && bytes.Contains(text, []byte(redact.Mask)) {
		return nil // it would need the value of a Secret
	}
	fix := &lint.PathFix{Path: path, NewText: flow(text, value), Message: d.Message, Safe: d.Safe, Add: true}
	if fix.Message == "" {
		fix.Message = path[strings.LastIndexByte(path, '.')+1:] + ": " + fix.NewText
	}
	return fix
}

// flow writes a value as YAML on one line: plain texts without quotes.
func flow(text []byte, value any) string {
	if s, ok := value.(string); ok && namePattern.MatchString(s) && s != "true" && s != "false" && s != "null" &&
		len(s) > 3 {
		return s
	}
	return string(text)
}

// native returns a value of CEL as decoded JSON.
func native(v ref.Val) any {
	switch value := v.Value().(type) {
	case []ref.Val:
		list := make([]any, len(value))
		for i := range value {
			list[i] = native(value[i])
		}
		return list
	case map[ref.Val]ref.Val:
		m := map[string]any{}
		for k, e := range value {
			m[fmt.Sprint(k.Value())] = native(e)
		}
		return m
	default:
		return value
	}
}

// patch returns the change of a JSON patch.
func (d *fix) patch(object map[string]any) *lint.PathFix {
	fixes := make([]lint.PathFix, 0, len(d.Patch))
	for _, op := range d.Patch {
		text, err := json.Marshal(op.Value)
		if err != nil {
			return nil
		}
		fixes = append(fixes, lint.PathFix{
			Path: pathOf(object, op.Path), NewText: flow(text, op.Value), Add: op.Op == "add",
			Remove: op.Op == "remove",
		})
	}
	all := fixes[0]
	all.And, all.Message, all.Safe = fixes[1:], d.Message, d.Safe
	if all.Message == "" {
		all.Message = "patch " + all.Path
	}
	return &all
}

// pathOf returns a JSON pointer as a field path.
func pathOf(object any, pointer string) string {
	path := ""
	for _, step := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		step = jsonpointer.Unescape(step)
		path = join(path, step, object)
		switch v := object.(type) {
		case map[string]any:
			object = v[step]
		case []any:
			if i, err := strconv.Atoi(step); err == nil && i < len(v) {
				object = v[i]
			}
		}
	}
	return path
}

// join returns the path of a field, or of an element, of what another path leads to.
func join(path, step string, of any) string {
	_, isList := of.([]any)
	switch {
	case isList || strings.ContainsAny(step, "./"):
		return path + "[" + step + "]"
	case path == "":
		return step
	}
	return path + "." + step
}

// found is a value with its path.
type found struct {
	path  string
	value any
}

// expand returns the values that a path leads to, where [*] is each element of a list or mapping.
func expand(value any, path string) []found {
	all := []found{{"", value}}
	for path != "" {
		var step string
		if strings.HasPrefix(path, "[") {
			step, path, _ = strings.Cut(path[1:], "]")
		} else {
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			step, path = path[:end], path[end:]
		}
		path = strings.TrimPrefix(path, ".")
		var next []found
		for _, f := range all {
			next = append(next, f.step(step)...)
		}
		all = next
	}
	return all
}

func (f found) step(name string) (next []found) {
	switch v := f.value.(type) {
	case map[string]any:
		if name == "*" {
			for _, key := range slices.Sorted(maps.Keys(v)) {
				next = append(next, found{f.path + "[" + key + "]", v[key]})
			}
		} else if value, ok := v[name]; ok {
			next = append(next, found{join(f.path, name, v), value})
		}
	case []any:
		for i := range v {
			if name == "*" || name == strconv.Itoa(i) {
				next = append(next, found{fmt.Sprintf("%s[%d]", f.path, i), v[i]})
			}
		}
	}
	return next
}
