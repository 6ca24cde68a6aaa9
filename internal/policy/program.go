package policy

import (
	"fmt"
	"math"

	"github.com/google/cel-go/cel"
	celast "github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/overloads"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"github.com/seatrial/seatrial/internal/redact"
)

// plain returns the program of an expression without the accounting of its cost, which takes most of the time of a
// small one. It is for objects on which the expression cannot cost too much.
func (c *compiler) plain(ast *cel.Ast) (interpreter.Interpretable, error) {
	env := c.untyped
	if c.dispatcher == nil {
		c.dispatcher = interpreter.NewDispatcher()
		for _, fn := range env.Functions() {
			bindings, err := fn.Bindings()
			if err != nil {
				return nil, err
			}
			if err := c.dispatcher.Add(bindings...); err != nil {
				return nil, err
			}
		}
	}
	adapter, provider := env.CELTypeAdapter(), env.CELTypeProvider()
	attributes := interpreter.NewAttributeFactory(env.Container, adapter, provider)
	return interpreter.NewInterpreter(c.dispatcher, env.Container, provider, adapter, attributes).NewInterpretable(
		ast.NativeRep(), interpreter.Optimize(),
		interpreter.CompileRegexConstants(interpreter.MatchesRegexOptimization),
	)
}

// evalPlain evaluates a program without accounting.
func evalPlain(program interpreter.Interpretable, vars interpreter.Activation) (value ref.Val, err error) {
	defer func() {
		if crash := recover(); crash != nil {
			err = fmt.Errorf("internal error: %v", crash)
		}
	}()
	value = program.Eval(vars)
	if types.IsError(value) {
		err, _ = value.(*types.Err)
	}
	return value, err
}

// bounded are the functions whose cost and result are no larger than their arguments.
var bounded = map[string]bool{
	operators.LogicalAnd: true, operators.LogicalOr: true, operators.LogicalNot: true, operators.Conditional: true,
	operators.Equals: true, operators.NotEquals: true, operators.Less: true, operators.LessEquals: true,
	operators.Greater: true, operators.GreaterEquals: true, operators.Add: true, operators.Subtract: true,
	operators.Negate: true, operators.In: true, operators.Index: true, operators.OptIndex: true,
	operators.OptSelect:        true,
	operators.NotStrictlyFalse: true, overloads.Size: true, overloads.StartsWith: true, overloads.EndsWith: true,
	overloads.Contains: true, overloads.Matches: true, overloads.TypeConvertInt: true,
	overloads.TypeConvertString: true,
	"orValue":                   true, "hasValue": true, "value": true, "lowerAscii": true,
}

// shape says how the cost of an expression grows with the size of an object.
type shape struct {
	nodes, depth int  // depth: of loops
	bounded      bool // every function is bounded
}

func shapeOf(e celast.Expr) (s shape) {
	s.bounded = true
	var visit func(e celast.Expr, depth int)
	visit = func(e celast.Expr, depth int) {
		s.nodes++
		s.depth = max(s.depth, depth)
		switch e.Kind() {
		case celast.CallKind:
			c := e.AsCall()
			s.bounded = s.bounded && bounded[c.FunctionName()]
			if c.IsMemberFunction() {
				visit(c.Target(), depth)
			}
			for _, arg := range c.Args() {
				visit(arg, depth)
			}
		case celast.SelectKind:
			visit(e.AsSelect().Operand(), depth)
		case celast.ListKind:
			for _, element := range e.AsList().Elements() {
				visit(element, depth)
			}
		case celast.ComprehensionKind:
			c := e.AsComprehension()
			visit(c.IterRange(), depth)
			for _, part := range []celast.Expr{c.AccuInit(), c.LoopCondition(), c.LoopStep(), c.Result()} {
				visit(part, depth+1)
			}
		case celast.MapKind, celast.StructKind:
			s.bounded = false
		}
	}
	visit(e, 0)
	return s
}

// cheap reports whether an expression costs less than half of what is allowed, however an object of a size in bytes is
// made: an element takes four bytes at least, and a function costs a tenth of the length of its text.
func (s *shape) cheap(size int) bool {
	cost := float64(s.nodes) * (1 + float64(size)/10) * math.Pow(1+float64(size)/4, float64(s.depth))
	return s.bounded && cost < celconfig.RuntimeCELCostBudget/2
}

// sizeOf returns how large settings are, as the size of an object is counted.
func sizeOf(value any) (n int) {
	switch v := value.(type) {
	case string:
		return len(v) + 4
	case []string:
		for _, s := range v {
			n += len(s) + 4
		}
	case map[string]string:
		for key, s := range v {
			n += len(key) + len(s) + 8
		}
	case []any:
		for _, e := range v {
			n += sizeOf(e) + 4
		}
	case map[string]any:
		for key, e := range v {
			n += len(key) + sizeOf(e) + 4
		}
	default:
		return 8
	}
	return n
}

// variables are what expressions may look at of an object.
type variables struct {
	of     *subject
	hidden bool // without the values of Secrets
	// resolved are the values that have been asked for.
	object, defaulted, pod, objects any
}

// Parent returns no other activation.
func (v *variables) Parent() interpreter.Activation { return nil }

// ResolveName returns a variable.
func (v *variables) ResolveName(name string) (any, bool) {
	s := v.of
	switch name {
	case varObject:
		return once(&v.object, func() any { return v.hide(s.object()) }), true
	case varDefaulted:
		return once(&v.defaulted, func() any { return v.hide(s.stored()) }), true
	case varPod:
		return once(&v.pod, s.pod), true
	case varObjects:
		if s.objects == nil {
			return nil, false
		}
		return once(&v.objects, func() any { return s.objects(v.hidden) }), true
	case varParams:
		if s.params == nil {
			return map[string]any{}, true
		}
		return map[string]any(s.params), true
	case varTarget:
		return s.target, true
	case varSelf:
		if v.hidden && s.each != "" && s.of.Kind == kindSecret {
			return redact.Mask, true
		}
		return s.self, true
	}
	return nil, false
}

func (v *variables) hide(o map[string]any) map[string]any {
	if v.hidden && v.of.of.Kind == kindSecret {
		return mask(o)
	}
	return o
}

func once(at *any, value func() any) any {
	if *at == nil {
		*at = value()
	}
	return *at
}
