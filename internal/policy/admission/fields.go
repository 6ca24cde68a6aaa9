package admission

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	celast "github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apiserver/pkg/cel/environment"
)

// parser reads expressions without asking for their types.
var parser = sync.OnceValue(func() *cel.Env {
	return environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()).NewExpressionsEnv()
})

// fieldsOf returns the fields of the object that each validation of a policy names, elements of lists as [*].
func fieldsOf(spec *admissionv1.ValidatingAdmissionPolicySpec) [][]string {
	f := &finder{variables: map[string]celast.Expr{}}
	for _, v := range spec.Variables {
		if e := parse(v.Expression); e != nil {
			f.variables[v.Name] = e
		}
	}
	all := make([][]string, len(spec.Validations))
	for i, v := range spec.Validations {
		if e := parse(v.Expression); e != nil {
			f.found = nil
			f.collect(e, map[string][]string{"object": {""}})
			all[i] = leaves(f.found)
		}
	}
	return all
}

func parse(text string) celast.Expr {
	ast, issues := parser().Parse(text)
	if issues.Err() != nil {
		return nil
	}
	return ast.NativeRep().Expr()
}

// leaves returns the fields that hold no other one. The name of an object counts only where nothing else is named: it
// is what exceptions are made by.
func leaves(found []string) []string {
	slices.Sort(found)
	found = slices.Compact(found)
	all := slices.Clone(found)
	found = slices.DeleteFunc(found, func(f string) bool {
		return slices.ContainsFunc(all, func(o string) bool {
			rest, below := strings.CutPrefix(o, f)
			return below && rest != "" && (rest[0] == '.' || rest[0] == '[')
		})
	})
	identity := func(f string) bool { return f == "metadata.name" || f == "metadata.namespace" || f == "kind" }
	if !slices.ContainsFunc(found, func(f string) bool { return !identity(f) }) {
		return found
	}
	return slices.DeleteFunc(found, identity)
}

// finder collects the fields of the object that an expression names.
type finder struct {
	variables map[string]celast.Expr // of the policy
	depth     int                    // of variables in variables
	found     []string
}

// paths returns what an expression leads to in the object: nil if it is not a part of it.
func (f *finder) paths(e celast.Expr, scope map[string][]string) []string {
	switch e.Kind() {
	case celast.IdentKind:
		return scope[e.AsIdent()]
	case celast.SelectKind:
		return f.selected(e.AsSelect(), scope)
	case celast.CallKind:
		return f.called(e.AsCall(), scope)
	case celast.ComprehensionKind: // of filter
		if c := e.AsComprehension(); c.AccuInit().Kind() == celast.ListKind {
			return f.paths(c.IterRange(), scope)
		}
	}
	return nil
}

func (f *finder) selected(s celast.SelectExpr, scope map[string][]string) []string {
	if of := s.Operand(); of.Kind() == celast.IdentKind && of.AsIdent() == "variables" {
		v := f.variables[s.FieldName()]
		if v == nil || f.depth > 20 {
			return nil
		}
		f.depth++
		defer func() { f.depth-- }()
		return f.paths(v, map[string][]string{"object": {""}})
	}
	return below(f.paths(s.Operand(), scope), s.FieldName())
}

func (f *finder) called(c celast.CallExpr, scope map[string][]string) []string {
	args := c.Args()
	switch c.FunctionName() {
	case operators.OptSelect, operators.Index, operators.OptIndex:
		of := f.paths(args[0], scope)
		if args[1].Kind() != celast.LiteralKind {
			return of
		}
		switch step := args[1].AsLiteral().(type) {
		case types.String:
			return below(of, string(step))
		case types.Int:
			return each(of, "["+strconv.Itoa(int(step))+"]")
		}
	case operators.Add: // of lists
		return append(slices.Clone(f.paths(args[0], scope)), f.paths(args[1], scope)...)
	case operators.Conditional:
		return append(slices.Clone(f.paths(args[1], scope)), f.paths(args[2], scope)...)
	case "orValue", "or":
		if c.IsMemberFunction() {
			return f.paths(c.Target(), scope)
		}
	}
	return nil
}

// below returns the paths of a field of what paths lead to.
func below(paths []string, field string) []string {
	if strings.ContainsAny(field, "./") {
		return each(paths, "["+field+"]")
	}
	return each(paths, "."+field)
}

func each(paths []string, suffix string) (all []string) {
	for _, p := range paths {
		all = append(all, strings.TrimPrefix(p+suffix, "."))
	}
	return all
}

// collect finds the fields that an expression names.
func (f *finder) collect(e celast.Expr, scope map[string][]string) {
	if paths := f.paths(e, scope); len(paths) > 0 {
		f.found = append(f.found, slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return p == "" })...)
		if e.Kind() != celast.CallKind && e.Kind() != celast.ComprehensionKind {
			return
		}
	}
	switch e.Kind() {
	case celast.SelectKind:
		f.collectSelect(e.AsSelect(), scope)
	case celast.CallKind:
		if c := e.AsCall(); c.IsMemberFunction() {
			f.collect(c.Target(), scope)
		}
		for _, arg := range e.AsCall().Args() {
			f.collect(arg, scope)
		}
	case celast.ListKind:
		for _, element := range e.AsList().Elements() {
			f.collect(element, scope)
		}
	case celast.ComprehensionKind:
		f.collectComprehension(e.AsComprehension(), scope)
	}
}

func (f *finder) collectSelect(s celast.SelectExpr, scope map[string][]string) {
	of := s.Operand()
	if of.Kind() != celast.IdentKind || of.AsIdent() != "variables" {
		f.collect(of, scope)
		return
	}
	if v := f.variables[s.FieldName()]; v != nil && f.depth < 20 {
		f.depth++
		f.collect(v, map[string][]string{"object": {""}})
		f.depth--
	}
}

func (f *finder) collectComprehension(c celast.ComprehensionExpr, scope map[string][]string) {
	f.collect(c.IterRange(), scope)
	inner := maps.Clone(scope)
	elements := each(f.paths(c.IterRange(), scope), "[*]")
	inner[c.IterVar()] = elements
	if c.HasIterVar2() { // the first one is the index
		inner[c.IterVar()], inner[c.IterVar2()] = nil, elements
	}
	delete(inner, c.AccuVar())
	for _, part := range []celast.Expr{c.AccuInit(), c.LoopCondition(), c.LoopStep(), c.Result()} {
		f.collect(part, inner)
	}
}
