package shell

import (
	"regexp"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// test follows test and [.
func test(r *runner, args []string) {
	if n := len(args); n > 0 && args[n-1] == "]" {
		args = args[:n-1]
	}
	p := &testParser{r, args}
	r.done(btoi(!p.or()))
}

// testParser reads the words of a test.
type testParser struct {
	*runner
	words []string
}

func (p *testParser) next() string {
	if len(p.words) == 0 {
		return ""
	}
	w := p.words[0]
	p.words = p.words[1:]
	return w
}

func (p *testParser) peek(i int) string {
	if i < len(p.words) {
		return p.words[i]
	}
	return ""
}

func (p *testParser) or() bool {
	found := p.and()
	for p.peek(0) == "-o" {
		p.next()
		found = p.and() || found
	}
	return found
}

func (p *testParser) and() bool {
	found := p.not()
	for p.peek(0) == "-a" {
		p.next()
		found = p.not() && found
	}
	return found
}

func (p *testParser) not() bool {
	if p.peek(0) == "!" && len(p.words) > 1 {
		p.next()
		return !p.not()
	}
	if p.peek(0) == "(" {
		p.next()
		found := p.or()
		p.next()
		return found
	}
	first := p.next()
	switch {
	case isComparison(p.peek(0)):
		operator := p.next()
		return p.compare(first, operator, p.next())
	case len(first) == 2 && first[0] == '-' && len(p.words) > 0:
		return p.unary(first, p.next())
	}
	if is, well := p.unknown(first); is {
		return well
	}
	return first != ""
}

func isComparison(s string) bool {
	switch s {
	case "=", "==", "!=", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "<", ">":
		return true
	}
	return false
}

// compare compares two texts or numbers. What is not known is as a script that waits for something wants it.
func (r *runner) compare(a, operator, b string) bool {
	if is, well := r.unknown(a, b); is {
		switch operator {
		case "!=", "-ne", "-lt", "-le", "<":
			return !well
		}
		return well
	}
	x, errX := strconv.Atoi(strings.TrimSpace(a))
	y, errY := strconv.Atoi(strings.TrimSpace(b))
	if strings.HasPrefix(operator, "-") && (errX != nil || errY != nil) {
		return false
	}
	switch operator {
	case "=", "==":
		return a == b
	case "!=":
		return a != b
	case "<":
		return a < b
	case ">":
		return a > b
	case "-eq":
		return x == y
	case "-ne":
		return x != y
	case "-lt":
		return x < y
	case "-le":
		return x <= y
	case "-gt":
		return x > y
	}
	return x >= y
}

// unary answers a question about a text or a file.
func (r *runner) unary(operator, word string) bool {
	is, well := r.unknown(word)
	switch operator {
	case "-z":
		if is {
			return !well
		}
		return word == ""
	case "-n":
		if is {
			return well
		}
		return word != ""
	case "-t":
		return false
	case "-v":
		return r.Get(word).IsSet()
	}
	if is {
		return well
	}
	f := r.file(word)
	switch {
	case !f.Known:
		return true
	case operator == "-d":
		return f.Exists && f.Names != nil
	case operator == "-f":
		return f.Exists && f.Names == nil
	case operator == "-s":
		return f.Exists && (f.Text != "" || f.Names != nil)
	}
	return f.Exists
}

// testExpr answers [[ ... ]].
func (r *runner) testExpr(x syntax.TestExpr) bool {
	switch x := x.(type) {
	case *syntax.ParenTest:
		return r.testExpr(x.X)
	case *syntax.Word:
		word := r.literal(x)
		if is, well := r.unknown(word); is {
			return well
		}
		return word != ""
	case *syntax.UnaryTest:
		if x.Op == syntax.TsNot {
			return !r.testExpr(x.X)
		}
		word, _ := x.X.(*syntax.Word)
		return r.unary(x.Op.String(), r.literal(word))
	case *syntax.BinaryTest:
		return r.binaryTest(x)
	}
	return true
}

func (r *runner) binaryTest(x *syntax.BinaryTest) bool {
	switch x.Op {
	case syntax.AndTest:
		return r.testExpr(x.X) && r.testExpr(x.Y)
	case syntax.OrTest:
		return r.testExpr(x.X) || r.testExpr(x.Y)
	}
	left, _ := x.X.(*syntax.Word)
	right, _ := x.Y.(*syntax.Word)
	a := r.literal(left)
	switch x.Op {
	case syntax.TsReMatch:
		if is, well := r.unknown(a); is {
			return well
		}
		glob, err := regexp.Compile(r.literal(right))
		return err == nil && glob.MatchString(a)
	case syntax.TsMatch, syntax.TsMatchShort, syntax.TsNoMatch:
		is, well := r.unknown(a)
		if is {
			return well == (x.Op != syntax.TsNoMatch)
		}
		glob, err := expand.Pattern(r.config(), right)
		return err == nil && matches(glob, a) == (x.Op != syntax.TsNoMatch)
	}
	return r.compare(a, x.Op.String(), r.literal(right))
}
