package policy

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	location "github.com/google/cel-go/common"
	celast "github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/interpreter"
	"k8s.io/apimachinery/pkg/util/version"
	apiversion "k8s.io/apimachinery/pkg/version"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/common"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/cel/openapi"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/validation"
)

// The variables of expressions.
const (
	varObject    = "object"    // as written
	varDefaulted = "defaulted" // as the server would store it
	varObjects   = "objects"   // of the set, by kind, as the server would store them
	varParams    = "params"    // settings of the rule
	varTarget    = "target"    // minor version of Kubernetes: "1.37"
	varPod       = "pod"       // spec of the object's pods, as stored
	varSelf      = "self"      // the value that each leads to, as stored
)

// compiler compiles the expressions of rules.
type compiler struct {
	Options
	base    *environment.EnvSet
	untyped *cel.Env
	typed   map[string]*cel.Env // by kind, and the path of self
	store   *schema.Store

	dispatcher interpreter.Dispatcher // of plain programs; made when first needed
}

func newCompiler(o Options) (*compiler, error) {
	store, err := schema.Open(schema.Latest)
	if err != nil {
		return nil, err
	}
	c := &compiler{
		Options: o, store: store, typed: map[string]*cel.Env{},
		base: environment.MustBaseEnvSet(version.MustParseGeneric(schema.Latest)),
	}
	c.untyped, err = c.env(nil, nil, nil)
	return c, err
}

// env returns an environment in which object, pod and self have types; nil: any.
func (c *compiler) env(object, pod, self *apiservercel.DeclType) (*cel.Env, error) {
	var declared []*apiservercel.DeclType
	variable := func(name string, t *apiservercel.DeclType) cel.EnvOption {
		if t == nil {
			return cel.Variable(name, cel.DynType)
		}
		return cel.Variable(name, t.CelType())
	}
	if object != nil {
		declared = append(declared, object)
	}
	set, err := c.base.Extend(environment.VersionedOptions{
		IntroducedVersion: version.MajorMinor(1, 0),
		EnvOptions: []cel.EnvOption{
			variable(varObject, object), variable(varDefaulted, object), variable(varPod, pod), variable(varSelf, self),
			cel.Variable(varObjects, cel.MapType(cel.StringType, cel.ListType(cel.DynType))),
			cel.Variable(varParams, cel.MapType(cel.StringType, cel.DynType)),
			cel.Variable(varTarget, cel.StringType),
		},
		DeclTypes: declared,
	})
	if err != nil {
		return nil, err
	}
	return set.NewExpressionsEnv(), nil
}

// expression is one that is compiled: what it says, and the variables that it names.
type expression struct {
	program cel.Program
	plain   interpreter.Interpretable // without accounting; used where the shape says that it is cheap
	shape   shape
	names   map[string]bool
	kinds   []string // of objects, as far as they are named
	allOf   bool     // any kind of objects may be looked at
}

// compile compiles a field of a definition that has to have a type. It is checked against the types of the kinds that
// the rule is about.
func (c *compiler) compile(w *written, field, text string, want *cel.Type, kinds []*schema.Kind) (*expression, error) {
	ast, issues := c.untyped.Compile(text)
	if issues.Err() != nil {
		return nil, w.issue(field, issues, "")
	}
	if t := ast.OutputType(); !t.IsExactType(want) && !t.IsExactType(cel.DynType) && want != nil {
		return nil, w.failInside(
			field, 1, 0, fmt.Errorf("%s is of type %s, not %s", field, typeText(t), typeText(want)),
		)
	}
	for _, k := range kinds {
		env, err := c.typedEnv(w, k)
		if err != nil {
			return nil, err
		}
		if env == nil {
			continue
		}
		if _, issues := env.Compile(text); issues.Err() != nil {
			return nil, w.issue(field, issues, " in "+k.Kind)
		}
	}
	program, err := c.untyped.Program(ast)
	if err != nil {
		return nil, w.failInside(field, 1, 0, err)
	}
	e := &expression{program: program, names: map[string]bool{}, shape: shapeOf(ast.NativeRep().Expr())}
	if e.plain, err = c.plain(ast); err != nil {
		return nil, w.failInside(field, 1, 0, err)
	}
	if err := e.look(w, field, c.store, ast); err != nil {
		return nil, err
	}
	return e, nil
}

func typeText(t *cel.Type) string { return strings.TrimSuffix(t.String(), "()") }

// issue returns the first error of an expression at its place.
func (w *written) issue(field string, issues *cel.Issues, where string) error {
	first := issues.Errors()[0]
	return w.failInside(field, first.Location.Line(), first.Location.Column(), errors.New(first.Message+where))
}

// look finds the variables of an expression, and the kinds of objects.
func (e *expression) look(w *written, field string, store *schema.Store, ast *cel.Ast) (err error) {
	native := ast.NativeRep()
	objects, named := 0, 0
	celast.PreOrderVisit(native.Expr(), celast.NewExprVisitor(func(x celast.Expr) {
		switch x.Kind() {
		case celast.IdentKind:
			e.names[x.AsIdent()] = true
			if x.AsIdent() == varObjects {
				objects++
			}
		case celast.SelectKind:
			if of := x.AsSelect().Operand(); of.Kind() == celast.IdentKind && of.AsIdent() == varObjects {
				named++
				e.kinds = append(e.kinds, x.AsSelect().FieldName())
				if meant := misspelt(store, x.AsSelect().FieldName()); meant != "" && err == nil {
					at := native.SourceInfo().GetStartLocation(x.ID())
					err = w.failInside(field, at.Line(), at.Column(),
						fmt.Errorf("no kind %s: did you mean %s?", x.AsSelect().FieldName(), meant))
				}
			}
			if of := x.AsSelect().Operand(); of.Kind() == celast.IdentKind && of.AsIdent() == varParams && err == nil &&
				!x.AsSelect().IsTestOnly() {
				err = w.unknownParam(field, x.AsSelect().FieldName(), native.SourceInfo().GetStartLocation(x.ID()))
			}
		case celast.CallKind:
			args := x.AsCall().Args()
			if x.AsCall().FunctionName() == "_[_]" && args[0].Kind() == celast.IdentKind &&
				args[0].AsIdent() == varObjects &&
				args[1].Kind() == celast.LiteralKind {
				if kind, ok := args[1].AsLiteral().(types.String); ok {
					named++
					e.kinds = append(e.kinds, string(kind))
				}
			}
		}
	}))
	e.allOf = objects > named
	return err
}

// unknownParam returns an error if the rule has no parameter of a name.
func (w *written) unknownParam(field, name string, at location.Location) error {
	if _, ok := w.def.Params[name]; ok {
		return nil
	}
	message := fmt.Sprintf("rule %s has no parameter %s", w.def.Name, name)
	if best := schema.DidYouMean(name, slices.Sorted(maps.Keys(w.def.Params))); best != "" {
		message += ": did you mean " + best + "?"
	} else {
		message += ": declare it under params, with its default"
	}
	return w.failInside(field, at.Line(), at.Column(), errors.New(message))
}

// misspelt returns the kind that was meant by a name that no kind has; "" if nothing is known.
func misspelt(store *schema.Store, kind string) string {
	if strings.ContainsAny(kind, "*?[") || len(store.ServedAs(kind)) > 0 {
		return ""
	}
	var names []string
	for _, k := range store.Kinds() {
		names = append(names, k.Kind)
	}
	return schema.DidYouMean(kind, names)
}

// kindsOf returns the kinds that a rule is about, as far as their schemas are known, each in its preferred version.
func (c *compiler) kindsOf(w *written) (kinds []*schema.Kind, err error) {
	for i, name := range w.def.Match.Kinds {
		if meant := misspelt(c.store, name); meant != "" && len(w.def.Match.Groups) == 0 {
			return nil, w.fail(fmt.Sprintf("match.kinds[%d]", i),
				fmt.Errorf(
					"no kind %s: did you mean %s? The kind of a custom resource needs groups beside it", name, meant,
				))
		}
		groups := map[string]bool{}
		for _, k := range c.preferred(name) {
			if !groups[k.Group] && matchesAny(w.def.Match.Groups, k.Group) &&
				matchesAny(w.def.Match.Versions, k.Version) {
				groups[k.Group] = true
				kinds = append(kinds, k)
			}
		}
	}
	return kinds, nil
}

// preferred returns the kinds of a name, stable versions first, and newer ones before older.
func (c *compiler) preferred(name string) []*schema.Kind {
	kinds := slices.Clone(c.store.ServedAs(name))
	slices.SortStableFunc(kinds, func(a, b *schema.Kind) int {
		return -apiversion.CompareKubeAwareVersionStrings(a.Version, b.Version)
	})
	return kinds
}

// typedEnv returns the environment of a kind; nil if its types are not known.
func (c *compiler) typedEnv(w *written, k *schema.Kind) (*cel.Env, error) {
	key := k.GVK.String() + " " + w.def.Each
	if env, done := c.typed[key]; done {
		return env, nil
	}
	s, err := validation.Schemas().ResolveSchema(k.GVK)
	if err != nil {
		c.typed[key] = nil
		return nil, nil
	}
	object := common.SchemaDeclType(&openapi.Schema{Schema: s}, true)
	if object == nil {
		c.typed[key] = nil
		return nil, nil
	}
	object = object.MaybeAssignTypeName("seatrial." + k.Kind + "." + strings.ReplaceAll(k.Group, "-", "_"))
	unescape(object, map[*apiservercel.DeclType]bool{})
	pod := typeAt(object, specPaths[k.Kind])
	var self *apiservercel.DeclType
	if w.def.Each != "" {
		rest, inPod := strings.CutPrefix(w.def.Each, podPrefix)
		self = typeAt(object, rest)
		if inPod {
			self = typeAt(pod, rest)
		}
		if from := map[bool]*apiservercel.DeclType{true: pod, false: object}[inPod]; from != nil && self == nil {
			return nil, w.fail("each", fmt.Errorf("%s has no field %s", k.Kind, w.def.Each))
		}
	}
	env, err := c.env(object, pod, self)
	c.typed[key] = env
	return env, err
}

// specPaths are where kinds have the spec of their pods.
var specPaths = map[string]string{
	"Pod": "spec", "PodTemplate": "template.spec", "Deployment": "spec.template.spec",
	"ReplicaSet":  "spec.template.spec",
	"StatefulSet": "spec.template.spec", "DaemonSet": "spec.template.spec", "Job": "spec.template.spec",
	"ReplicationController": "spec.template.spec", "CronJob": "spec.jobTemplate.spec.template.spec",
}

// unescape declares fields by their own names: objects are mappings, whose keys are not escaped.
func unescape(t *apiservercel.DeclType, done map[*apiservercel.DeclType]bool) {
	if t == nil || done[t] {
		return
	}
	done[t] = true
	for escaped, f := range t.Fields {
		if name, ok := apiservercel.Unescape(escaped); ok && name != escaped {
			t.Fields[name] = f
		}
		unescape(f.Type, done)
	}
	unescape(t.ElemType, done)
}

// typeAt returns the type of what a path leads to; nil if there is none. An empty path is not one.
func typeAt(t *apiservercel.DeclType, path string) *apiservercel.DeclType {
	if path == "" {
		return nil
	}
	for _, step := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		if t == nil {
			return nil
		}
		if f, ok := t.Fields[step]; ok {
			t = f.Type
			continue
		}
		t = t.ElemType
	}
	return t
}

// rule compiles a definition.
func (c *compiler) rule(w *written) (*Rule, error) {
	kinds, err := c.kindsOf(w)
	if err != nil {
		return nil, err
	}
	d := &w.def
	e := &evaluation{def: d, targets: c.Targets}
	for _, part := range []struct {
		field, text string
		want        *cel.Type
		into        **expression
	}{
		{"expression", d.Expression, cel.BoolType, &e.expression},
		{"messageExpression", d.MessageExpression, cel.StringType, &e.message},
		{"fieldPath", d.FieldPath, cel.StringType, &e.fieldPath},
		{"fix.expression", fixExpression(d), nil, &e.fix},
	} {
		if part.text == "" {
			continue
		}
		if *part.into, err = c.compile(w, part.field, part.text, part.want, kinds); err != nil {
			return nil, err
		}
	}
	at := w.at("name")
	r := &Rule{
		Place: fmt.Sprintf("%s:%d:%d", w.file.Name, at.Line, at.Column), Tests: d.Tests,
		Rule: &lint.Rule{
			Name: d.Name, Title: d.Title, Doc: d.Doc, URL: d.URL, Severity: d.Severity, Category: "custom",
			Optional: d.Optional, Version: w.version(c.Options), Params: paramsOf(d),
		},
	}
	if r.Severity == 0 {
		r.Severity = diag.Error
	}
	if r.Title == "" {
		r.Title = strings.TrimSuffix(d.Message, ".")
	}
	if !slices.ContainsFunc(d.Match.Kinds, func(k string) bool { return strings.ContainsAny(k, "*?[") }) {
		r.Kinds = d.Match.Kinds
	}
	e.asksTarget = e.names(varTarget)
	if e.names(varObjects) {
		r.CheckSet, r.Keeps = e.checkSet, e.keeps(r.Kinds)
	} else {
		r.Check = e.check
	}
	return r, nil
}

func fixExpression(d *definition) string {
	if d.Fix == nil {
		return ""
	}
	return d.Fix.Expression
}

// paramsOf declares the settings of a rule, with what its definition gives as their defaults.
func paramsOf(d *definition) (params []lint.Param) {
	for name, value := range d.Params {
		params = append(params, lint.Param{Name: name, Default: value})
	}
	slices.SortFunc(params, func(a, b lint.Param) int { return strings.Compare(a.Name, b.Name) })
	return params
}
